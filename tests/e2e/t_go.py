"""Programs in Go, whose standard library has an HTTP/2 of its own, and gRPC by
another. They run where there is a compiler, and that library: Debian's
(golang-go, golang-google-grpc-dev) are too large to ask for."""
import os
import shutil

from harness import check, equal, h2_programs, icap, net, proc, scenario, wait

SKIP = None if shutil.which('go') else 'no Go on this machine'


DEBIANS = '/usr/share/gocode'
GRPC = SKIP or (None if os.path.isdir(DEBIANS + '/src/google.golang.org/grpc')
                else 'no gRPC for Go on this machine')


def build(s, name):
    out = s.path(name)
    s.run(s.server, 'go', 'build', '-o', out,
          os.path.join(h2_programs.PEERS, name + '.go'), timeout=300,
          env={'GOCACHE': s.path('go-cache'), 'GO111MODULE': 'off',
               'GOFLAGS': '', 'GOPATH': DEBIANS, 'HOME': s.dir}).ok()
    return out


def serve(s, program, port=443):
    p = s.spawn(s.server, program, 'server', '%s:%d' % (net.SERVER, port),
                *s.pki.pair('good'), name='go-server-%d' % port)
    proc.wait_port(s.server, port, p)


def hundred_streams(s):
    """Bodies both ways, and trailers, on one connection."""
    program = build(s, 'http2')
    serve(s, program)
    r = s.run(s.client, program, 'client', h2_programs.URL, s.pki.ca,
              timeout=120)
    equal(r.text, 'all good, connections: 1\n', r.errors)
    wait(lambda: len(s.d.events('http')) == 101, 'an event for each')
    done = s.d.events('http')
    equal({(e['http']['protocol'], e['http']['status'], e['http']['length'])
           for e in done}, {('HTTP/2', 200, 1777 * i) for i in range(100)} |
          {('HTTP/2', 200, 1)})


@scenario(timeout=500, skip=SKIP)
def h2_passes_between_programs_in_go(s):
    """And is read for its events."""
    s.start(log={'events': ['flow', 'http']})
    hundred_streams(s)
    for x in s.rec.streams(1):
        equal(x.problems, [], 'mirror of %s' % (x.key,))


@scenario(timeout=500, skip=SKIP)
def h2_of_programs_in_go_is_scanned(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo'),
                               queue={'timeout': '5m'},
                               timeout={'first-byte': '5m'}))
    hundred_streams(s)
    shown = [x for x in srv.log() if x['complete']]
    for method in ('REQMOD', 'RESPMOD'):
        sizes = {x['body'] for x in shown if x['method'] == method}
        check({1777 * i for i in range(1, 100)} <= sizes, method, sizes)


@scenario(timeout=500, skip=GRPC)
def h2_grpc_of_programs_in_go(s):
    """Unary calls and three kinds of streams, metadata, errors, deadlines, and
    what is cancelled: passed, scanned whole (what goes on for long is a
    stream), and scanned message by message."""
    srv = icap.grpc_three_ways(s)
    program = build(s, 'grpc')
    for port in 443, 444, 445:
        serve(s, program, port)
        r = s.run(s.client, program, 'client',
                  '%s:%d' % (h2_programs.HOST, port), s.pki.ca, timeout=150)
        equal(r.text, 'all good\n', '%d: %s' % (port, r.errors))
    for x in s.rec.streams(1):
        equal(x.problems, [], 'mirror of %s' % (x.key,))
    shown = [x for x in srv.log() if x['complete'] and x['body']]
    check(len(shown) > 5000, 'messages', len(shown))
    equal({x['method'] for x in shown}, {'REQMOD', 'RESPMOD'})
    check('bypass-endless' in {e['icap']['outcome']
                               for e in s.d.events('icap')})
