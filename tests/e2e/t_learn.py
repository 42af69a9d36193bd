"""What cannot be decrypted is learned, listed, tried again and cleared; and
what an operator exempts is bypassed at once."""
import ssl

from harness import Failure, check, equal, net, peer, scenario, wait
from harness.proc import wait_port
from t_rules import own_certificate

SECOND = '10.1.0.3'             # another client's address
DEFAULT = {'name': 'default', 'action': 'decrypt'}
LEARN = {'failures': 2, 'clients': 2}
PINS = 'client refuses the certificate'
FAILS = 'handshake with server fails'


def start(s, **kw):
    kw.setdefault('rules', [DEFAULT])
    kw.setdefault('log', {'events': ['flow', 'alert']})
    return s.start(record=False, workers=1, **kw)


def connect(s, source):
    return s.connect(443, source=(source, 0) if source else None)


def pins(s, source=None, name='good.test'):
    """A client that trusts the server's own CA and no other, as one that pins
    does; what it is shown, or None: it has refused."""
    try:
        p = s.tls(443, name, trust=s.pki.root, sock=connect(s, source),
                  alpn=['pinned/1'])
    except (ssl.SSLError, OSError):
        return None
    p.send(b'me')
    p.recv_exact(2)
    return p.finish()


def did(s, n):
    return [(f['clearspan']['action'], f['clearspan'].get('why'))
            for f in s.d.flows(n)]


def learned(s):
    return s.d.ctl('learned')['learned']


@scenario
def a_client_that_pins_is_bypassed_and_a_browser_is_not(s):
    start(s, on={'client-refused': 'bypass'}, learn=LEARN)
    s.serve()
    equal([pins(s), pins(s)], [None, None])
    equal(did(s, 2), [('decrypt', None)] * 2)
    equal([(r['state'], r['failures'], r['clients']) for r in learned(s)],
          [('counting', 2, 1)])
    equal(pins(s, SECOND), None)
    s.d.flows(3)
    row, = learned(s)
    equal((row['site'], row['state'], row['reason'], row['clients']),
          ('good.test', 'bypass', PINS, 2))
    check(own_certificate(s, pins(s)), 'not bypassed')
    s.exchange(b'a browser')
    s.reload(on={'client-refused': 'bypass'}, learn=LEARN, rules=[DEFAULT],
             log={'events': ['flow', 'alert']}, workers=1)
    check(own_certificate(s, pins(s, SECOND)), 'forgotten by a reload')
    equal(did(s, 6)[3:], [('bypass', PINS), ('decrypt', None),
                          ('bypass', PINS)])
    s.d.metric_is(2, 'clearspan_undecrypted_total', reason='client-refused')
    alert, = s.d.events('alert')
    equal((alert['tls']['sni'], alert['alert']['category'],
           alert['clearspan']['why']),
          ('good.test', 'learned bypass', 'handshake with client: unknown_ca'))
    equal(s.d.ctl('learned', 'clear', 'good.test'), {'cleared': 1})
    equal(pins(s), None)
    s.d.flows(7)
    equal(learned(s)[0]['state'], 'counting')


@scenario
def one_session_is_tried_again_and_what_works_is_forgotten(s):
    start(s, on={'client-refused': 'bypass'},
          learn={'failures': 1, 'clients': 1, 'probe': '1s'})
    s.serve()
    equal(pins(s), None)
    s.d.flows(1)                # what it did is known
    check(own_certificate(s, pins(s)), 'not bypassed')
    wait(lambda: learned(s)[0]['probe'] == 0, 'the time of a try')
    ctx = peer.client_context(s.pki.root, ['pinned/1'])
    ctx.load_verify_locations(s.pki.ca)         # the same JA4; it trusts us

    tries = []

    def works():
        tries.append(s.exchange(b'again', ctx=ctx))
        return learned(s) == []
    wait(works, 'a try that works')
    equal(did(s, 2 + len(tries))[-1], ('decrypt', None))


@scenario
def clients_that_refuse_a_bad_server_teach_nothing(s):
    """They are right; and the log says that it was the server."""
    start(s, on={'client-refused': 'bypass'},
          learn={'failures': 1, 'clients': 1})
    s.serve(cert='self')
    for i in range(2):
        try:
            s.tls(443, 'self.test')
            raise Failure('no warning')
        except ssl.SSLError:
            pass
    for f in s.d.flows(2):
        equal(f['flow']['reason'], 'handshake with client: unknown_ca; the '
              'server is untrusted: self-signed certificate')
    equal(learned(s), [])


@scenario
def must_decrypt_learns_nothing(s):
    start(s, on={'client-refused': 'bypass', 'handshake-failure': 'bypass'},
          learn={'failures': 1, 'clients': 1},
          rules=[dict(DEFAULT, **{'must-decrypt': True})])
    s.serve()
    equal(s.d.ctl('exempt', 'good.test', '1h'),
          {'exempt': 'good.test', 'for': 3600})
    equal([pins(s), pins(s)], [None, None])
    equal(did(s, 2), [('decrypt', None)] * 2)
    equal([r['state'] for r in learned(s)], ['bypass'])


@scenario
def a_server_that_cannot_be_decrypted_is_bypassed(s):
    """It has one group, which we do not offer; its client does."""
    start(s, on={'handshake-failure': 'bypass'}, learn=LEARN)
    p = s.spawn(s.server, 'openssl', 's_server', '-accept', '%s:443' %
                net.SERVER, '-cert', s.pki.pair('rsa')[0], '-key',
                s.pki.pair('rsa')[1], '-rev', '-tls1_2', '-cipher',
                'ECDHE', '-groups', 'secp256k1')
    wait_port(s.server, 443, p)
    ctx = peer.client_context(s.pki.root, hi='1.2')
    ctx.set_ecdh_curve('secp256k1')

    def attempt(source=None):
        try:
            c = s.tls(ctx=ctx, sock=connect(s, source))
        except (ssl.SSLError, OSError):
            return False
        c.send(b'abc\n')
        equal(c.recv_exact(4), b'cba\n')
        c.finish()
        return True
    equal([attempt(), attempt()], [False, False])
    check(attempt(SECOND), 'the one that taught it is bypassed, too')
    check(attempt(), 'bypassed')
    equal(did(s, 4)[2:], [('bypass', FAILS)] * 2)
    equal([(r['server'], r['reason']) for r in learned(s)],
          [('10.2.0.2:443', FAILS)])


@scenario
def a_site_is_exempt_at_once_and_for_a_time(s):
    start(s)
    s.serve()
    s.exchange(b'one')
    equal(s.d.ctl('exempt', 'Good.Test', '2s'),
          {'exempt': 'good.test', 'for': 2})
    p = s.exchange(b'two', trust=s.pki.root)
    check(own_certificate(s, p), 'not exempt')
    wait(lambda: learned(s) == [], 'the end of it')
    s.exchange(b'three')
    s.d.ctl('exempt', 'good.test', '1h')
    equal(s.d.ctl('exempt', 'clear', 'test'), {'cleared': 1})
    s.exchange(b'four')
    equal(did(s, 4), [('decrypt', None), ('bypass', 'exempt'),
                      ('decrypt', None), ('decrypt', None)])
    r = s.run(s.gateway, s.binary, 'ctl', '-s',
              s.d.conf['control']['socket'], 'exempt', 'good.test', 'soon')
    check(r.code != 0 and 'write the time as' in r.errors, r.errors)


@scenario
def an_exemption_does_not_let_another_server_through(s):
    """Its name is in the hello of a client; the server has another."""
    start(s)
    s.serve(cert='wrong')
    s.d.ctl('exempt', 'good.test', '1h')
    p = s.exchange(b'me', verify=False)
    check(not own_certificate(s, p), 'not decrypted')
    equal(did(s, 1), [('decrypt', 'bypass not confirmed')])
