"""Services and upstream proxies together: what is scanned came through one."""
import base64
import hashlib
import sys

from harness import equal, icap, net, programs, scenario
from t_auth import ALICE, PROXY, users
from t_upproxy import microsocks, proxies, rule, tinyproxy

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

CLEAN = b''.join(hashlib.sha256(b'%d' % i).digest() for i in range(40000))
# The way, and how curl gets it.
ASKS = (('https', '--http2', '2'), ('https', '--http1.1', '1.1'),
        ('http', '--http1.1', '1.1'))


def begin(s):
    """Two services, of which one tells what heads it got; two proxies, by the
    name of the site; a transparent listener, and one that asks who it is."""
    with s.gateway:
        real = setup.Peers(s.path('icap'), clamd=True)
        real.start()
    told, av = icap.Script(s, 1444), real.urls['avscan']
    heads = icap.service(told.url('echo'), told.url('echo'), 'heads',
                         headers=['X-Authenticated-User: %{user-uri}'])
    listen = s.conf()['listen']
    listen[1]['authentication'] = {'users': users(s, ALICE)}
    icap.start(s, heads, icap.service(av, av, 'av'), record=False,
               listen=listen, **{'upstream-proxies': proxies(s)}, rules=[
                   rule('socks', ['socky'], site=['=v4.good.test'],
                        icap=['heads', 'av'], mirror=[]),
                   rule('default', ['tiny'], icap=['heads', 'av'],
                        mirror=[])])
    tinyproxy(s)
    microsocks(s)
    return told


@scenario(timeout=120)
def icap_behind_upstream_proxies(s):
    """EICAR is stopped and a clean file is what it was: through CONNECT with
    Basic and SOCKS5 with a password, from both listeners, in HTTP/2, HTTP/1.1
    and the clear; services are told the user whom the listener knows."""
    told = begin(s)
    programs.nginx(s, files={'eicar': setup.EICAR, 'clean': CLEAN})
    n = 0
    for site, way in (('good.test', 'tiny'), ('v4.good.test', 'socky')):
        for user in (None, 'alice'):
            login = ('-x', PROXY, '--proxy-user', 'alice:wonder land') if \
                user else ()
            for scheme, version, number in ASKS:
                url = '%s://%s/' % (scheme, site)
                r = programs.curl(
                    s, '-4', version, *login, '-w', '%{http_code} '
                    '%{http_version}\n', '-o', s.path('clean'), url + 'clean',
                    '-o', s.path('eicar'), url + 'eicar').ok()
                equal(r.text.splitlines(), ['200 ' + number, '403 ' + number],
                      (url, user, version))
                with open(s.path('clean'), 'rb') as f:
                    equal(f.read() == CLEAN, True, (url, user, version))
                with open(s.path('eicar'), 'rb') as f:
                    equal(setup.EICAR in f.read(), False, (url, user, version))
                n += 2
    asked = told.logged(n, 'REQMOD')
    uri = base64.b64encode(b'Local://alice').decode()
    equal([x['headers'].get('x-authenticated-user') for x in asked],
          ([None] * 6 + [uri] * 6) * 2)
    equal({x['headers']['x-client-ip'] for x in asked}, {net.CLIENT})
    flows = s.d.events()
    equal({f['clearspan']['upstream_proxy'] for f in flows},
          {'tiny', 'socky'})
