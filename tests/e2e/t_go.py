"""Programs in Go, whose standard library has an HTTP/2 of its own. They run
where there is a compiler: Debian's (golang-go) is too large to ask for."""
import os
import shutil

from harness import check, equal, h2_programs, icap, net, proc, scenario, wait

SKIP = None if shutil.which('go') else 'no Go on this machine'


def build(s):
    out = s.path('http2')
    s.run(s.server, 'go', 'build', '-o', out,
          os.path.join(h2_programs.PEERS, 'http2.go'), timeout=300,
          env={'GOCACHE': s.path('go-cache'), 'GO111MODULE': 'off',
               'GOFLAGS': '', 'GOPATH': s.path('go'), 'HOME': s.dir}).ok()
    return out


def hundred_streams(s):
    """Bodies both ways, and trailers, on one connection."""
    program = build(s)
    p = s.spawn(s.server, program, 'server', net.SERVER + ':443',
                *s.pki.pair('good'), name='go-server')
    proc.wait_port(s.server, 443, p)
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
