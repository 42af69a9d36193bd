"""grpc-js, the gRPC of node's programs. Debian does not have it: the scenario
runs where NODE_PATH names a directory that has @grpc/grpc-js (npm install)."""
import os

from harness import check, equal, h2_programs, icap, scenario

MODULES = os.environ.get('NODE_PATH', '')
SKIP = None if os.path.isdir(MODULES + '/@grpc/grpc-js') else \
    'no grpc-js in NODE_PATH'


@scenario(timeout=150, skip=SKIP)
def h2_grpc_js(s):
    """Passed, scanned whole, and scanned message by message."""
    srv = icap.grpc_three_ways(s)
    for port in 443, 444, 445:
        h2_programs.grpc(s, port=port)
        r = s.run(s.client, 'node', os.path.join(h2_programs.PEERS, 'grpc.js'),
                  '%s:%d' % (h2_programs.HOST, port), s.pki.ca, timeout=100)
        equal(r.text, 'all good\n', '%d: %s' % (port, r.errors))
    for x in s.rec.streams(1):
        equal(x.problems, [], 'mirror of %s' % (x.key,))
    shown = [x for x in srv.log() if x['complete'] and x['body']]
    check(len(shown) > 800, 'messages', len(shown))
    equal({x['method'] for x in shown}, {'REQMOD', 'RESPMOD'})
