"""Servers with a defect (peers/defective.py), each under each value of `on`:
what curl sees of it, and what the log says."""
import os
import sys

from harness import check, equal, net, scenario

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                'peers'))
import defective    # noqa: E402

KEYS = (defective.UNTRUSTED, defective.EXPIRED, defective.NAME)
UNVERIFIED = 60         # of curl: the certificate is not good


def answer(p):
    p.recv_until(b'\r\n\r\n')
    p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n'
           b'\r\norigin')
    p.close()


def curl(s, site, *more):
    """(exit status, status of HTTP) of a client that trusts our CA."""
    r = s.run(s.client, 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}',
              '--max-time', '20', '--cacert', s.pki.ca, '--resolve',
              '%s:443:%s' % (site, net.SERVER), *more, 'https://%s/' % site)
    return r.code, int(r.text)


def table(s, on, outcome, more=()):
    """Each case: outcome is what curl sees of a bad server, by the action and
    CA in the log."""
    ctx = defective.contexts(s.path('defective'), s.pki.pair('root'))
    s.serve(ctx=ctx, handler=answer)
    s.start(record=False, on={k: on for k in KEYS})
    got, want = {}, {}
    for name, (wrong, site, _) in defective.CASES.items():
        got[name] = curl(s, site, *(more if wrong else ()))
        want[name] = outcome if wrong else (0, 200)
    equal(got, want)
    flows = {f['tls']['sni']: f['clearspan']
             for f in s.d.flows(len(defective.CASES))}
    for name, (wrong, site, _) in defective.CASES.items():
        f = flows[site]
        equal(f['action'], {'untrusted': 'decrypt'}.get(on, on) if wrong else
              'decrypt', name)
        verify = f.get('server', {}).get('verify')
        check((verify == 'ok') == (wrong is None) or on == 'bypass', name, f)
        if wrong and on == 'untrusted':
            equal(f['forged']['ca'], 'untrusted', name)
        elif wrong:
            check(f['why'] not in (None, 'ok'), name, f)


@scenario(timeout=120)
def defective_servers_are_marked_as_untrusted(s):
    table(s, 'untrusted', (UNVERIFIED, 0))


@scenario(timeout=120)
def defective_servers_are_blocked_by_a_page(s):
    table(s, 'block', (0, 403))


@scenario(timeout=120)
def defective_servers_are_bypassed(s):
    """The client sees the server's own certificate, and says to ignore it."""
    table(s, 'bypass', (0, 200), ('-k',))
