"""A bypass by name is confirmed by the server's certificate."""
import ssl
import threading

from harness import Failure, check, equal, net, peer, scenario, wait
from t_mtls import user_context, mtls
from t_rules import own_certificate

BLOCKED = {'name': 'blocked', 'sni': ['other.test'], 'action': 'block'}
PRIVATE = {'name': 'private', 'sni': ['=good.test'], 'action': 'bypass'}
DEFAULT = {'name': 'default', 'action': 'decrypt'}
RULES = [BLOCKED, PRIVATE, DEFAULT]
UNCONFIRMED = 'bypass not confirmed'


def start(s, rules=RULES, **kw):
    kw.setdefault('workers', 1)
    return s.start(record=False, rules=rules, **kw)


def found(s, result):
    return s.d.metric('clearspan_confirmations_total', result=result)


def did(s, n):
    return [(f['clearspan']['action'], f['clearspan'].get('rule'),
             f['clearspan'].get('why')) for f in s.d.flows(n)]


def refused(s, **kw):
    try:
        s.exchange(b'me', verify=False, **kw)
    except (ssl.SSLError, OSError, Failure):
        return
    raise Failure('let through')


def through(s, **kw):
    """A connection that shows the server's own certificate, or not."""
    kw.setdefault('verify', False)
    p = s.exchange(b'me', **kw)
    return own_certificate(s, p)


@scenario
def a_blocked_server_is_not_reached_by_a_bypassed_name(s):
    """Its own certificate says who it is, in both versions, by each way."""
    start(s)
    made = 0
    for port, hi in ((1012, '1.2'), (1013, '1.3')):
        srv = s.serve(port, cert='wrong', hi=hi)
        for i in range(2):
            refused(s, port=port)
            refused(s, port=port, sock=s.via_proxy(net.SERVER, port))
            made += 2
        equal(sum(len(p.received) for p in srv.peers), 0, 'at the server')
        equal(did(s, made), [('block', 'blocked', UNCONFIRMED)] * made)
    equal(found(s, 'other-name'), 2)
    check('bypass of good.test at 10.2.0.2:1012 is not confirmed: hostname '
          'mismatch' in s.d.text().lower(), 'not in the log')


@scenario
def a_bypassed_name_with_a_bad_certificate_is_decrypted(s):
    start(s)
    s.serve(443, cert='self')
    for i in range(2):
        check(not through(s), 'bypassed')
    equal(did(s, 2), [('decrypt', 'default', UNCONFIRMED)] * 2)
    equal([f['clearspan']['forged']['ca'] for f in s.d.flows(2)],
          ['untrusted'] * 2)
    equal(found(s, 'untrusted'), 1)


@scenario(timeout=90)
def many_sessions_wait_for_one_probe(s):
    """And later ones for none; another port is another server."""
    start(s)
    gate, done = threading.Event(), []
    srv = s.serve(443, early=lambda sock: gate.wait())

    def one():
        done.append(through(s, verify=True, trust=s.pki.root))
    ts = [threading.Thread(target=one) for i in range(20)]
    for t in ts:
        t.start()
    wait(lambda: s.d.text().count('-> confirmation') == 20, 'all 20')
    gate.set()
    for t in ts:
        t.join()
    equal(done, [True] * 20)
    one()
    s.d.flows(21)
    equal(len(srv.peers), 22, 'connections')
    s.serve(444)
    check(through(s, port=444), 'not bypassed')
    equal(found(s, 'ok'), 2)


@scenario
def a_probe_comes_from_where_the_session_will(s):
    """From the client's address where that is kept, and leaves the session
    its port."""
    start(s, upstream={'trust': s.pki.root, 'keep-client-address': True})
    srv = s.serve(443)
    sock = s.connect(443)
    port = sock.getsockname()[1]
    check(through(s, sock=sock), 'not bypassed')
    srv.wait(2)
    equal([p.addr[0] for p in srv.peers], [net.CLIENT] * 2)
    check(port in [p.addr[1] for p in srv.peers], 'not its port')


@scenario
def what_does_not_hang_on_the_name_is_not_asked(s):
    """A bypass by address; and one by name where that is trusted. But one by
    address below a rule on names is asked for: another name would count."""
    address = {'name': 'address', 'server': [net.SERVER], 'action': 'bypass'}
    s.serve(443)
    for rules, more, n in (([address, DEFAULT], {}, 0),
                           (RULES, {'confirm-bypass': False}, 0),
                           ([BLOCKED, address, DEFAULT], {}, 1)):
        how = None if more or n else 'tproxy'   # once is enough
        d = start(s, rules, how=how, **more)
        check(through(s), 'not bypassed')
        equal(found(s, 'ok'), n)
        s.stop(d)


@scenario
def a_server_that_wants_certificates_can_be_confirmed(s):
    """It has shown its own before it refuses ours."""
    start(s)
    for port, hi in ((1012, '1.2'), (1013, '1.3')):
        mtls(s, hi, port=port)
        p = s.exchange(b'me', port=port, ctx=user_context(s, hi))
        check(own_certificate(s, p), 'not bypassed')
    equal(found(s, 'ok'), 2)


@scenario
def names_that_are_all_bypassed_confirm_each_other(s):
    """The certificate does not cover x.test, and all it covers is bypassed,
    too."""
    rule = {'name': 'private', 'action': 'bypass',
            'sni': ['x.test', 'good.test', '*.good.test', 'two.test']}
    start(s, [rule, DEFAULT])
    s.serve(443, cert='names')
    p = s.exchange(b'me', name='x.test', verify=False)
    check(own_certificate(s, p, 'names'), 'not bypassed')
    equal(did(s, 1), [('bypass', 'private', UNCONFIRMED)])
    s.serve(444, cert='wrong')
    s.exchange(b'me', name='x.test', verify=False, port=444)
    equal(did(s, 2)[1][0], 'decrypt')


@scenario
def a_probe_that_fails_confirms_nothing(s):
    """No connection, and no handshake: what the client said does not reach
    the server undecrypted."""
    start(s)
    srv = s.serve(443, plain=True, handler=lambda p: (
        p.recv(), p.send(b'\x15\x03\x03\x00\x02\x02\x28'), p.close()))
    for i in range(2):
        refused(s)
    refused(s, port=9)
    equal([x[0::2] for x in did(s, 3)], [('decrypt', UNCONFIRMED)] * 3)
    equal(found(s, 'failed'), 2)
    hellos = [bytes(p.received) for p in srv.peers]
    # Each session tries with a hello like its client's, and with our own.
    equal(len(hellos), 5, 'connections: a probe, two sessions')


@scenario
def a_probe_ends_with_the_last_that_waits(s):
    """A silent server; meanwhile the worker serves others."""
    start(s)
    ends = []

    def silent(p):
        # A hello that comes late opens the session's own connection first.
        if p.recv_all():
            ends.append(p.eof)
    s.serve(443, plain=True, handler=silent)
    s.serve(444)
    waiting = []
    for i in range(3):
        sock = s.connect(443)
        p = peer.Peer(sock, peer.client_context(s.pki.ca), 'good.test')
        try:
            p.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        p.flush()
        waiting.append(p)
    wait(lambda: s.d.text().count('-> confirmation') == 3, 'all three')
    s.exchange(b'others', port=444, name='www.good.test')
    for p in waiting[:2]:
        p.rst()
    s.d.flows(3)
    equal(ends, [])
    waiting[2].rst()
    wait(lambda: ends, 'the end of the probe')
    s.d.flows(4)
    check(through(s, port=444), 'not bypassed')
