"""Servers that ask for client certificates: asking alone changes nothing."""
import os
import shutil
import ssl
import threading

from harness import (Failure, check, equal, net, peer, programs, scenario,
                     wait)
from harness.proc import wait_port
from t_starttls import SMTP, client_of, play
from t_tls import mtls, user_context

WANTED = 'client certificate wanted'


def actions(s, n):
    return [f['clearspan']['action'] for f in s.d.flows(n)]


def refused(s, **kw):
    try:
        s.exchange(b'me', **kw)
    except (ssl.SSLError, OSError, Failure):
        return
    raise Failure('let through')


def tool(s, *args, port=443):
    """openssl s_server, which answers as an echo in upper case (-rev)."""
    p = s.spawn(s.server, 'openssl', 's_server', '-accept',
                '%s:%d' % (net.SERVER, port), '-cert', s.pki.pair('good')[0],
                '-key', s.pki.pair('good')[1], '-CAfile', s.pki.root, '-rev',
                *args, name='s_server-%d' % port)
    wait_port(s.server, port, p)
    return p


@scenario
def a_server_that_asks_and_goes_on_is_decrypted(s):
    """Each time, in both versions; what it is told is that there is none."""
    s.start()
    made = []
    for port, hi in ((1012, '1.2'), (1013, '1.3')):
        srv = mtls(s, hi, need=False, port=port)
        for i in range(3):
            made.append(s.exchange(b'me %d' % i, port=port,
                                   ctx=user_context(s, hi)))
        srv.wait(3)
        equal([p.tls.getpeercert() for p in srv.peers], [None] * 3)
        equal(srv.errors, [])
    s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])
    equal(actions(s, 6), ['decrypt'] * 6)


@scenario
def openssl_that_asks_and_openssl_that_insists(s):
    s.start(record=False)
    port = 2000
    for hi in ('-tls1_2', '-tls1_3'):
        for verify, more, want in (
                ('-verify', (), 'decrypt'), ('-Verify', (), 'bypass'),
                ('-verify', ('-num_tickets', '0'), 'decrypt'),
                ('-Verify', ('-num_tickets', '0'), 'bypass')):
            port += 1
            tool(s, hi, verify, '2', *more, port=port)
            c = s.tls(port, ctx=user_context(s, '1.3'))
            c.send(b'abc\n')
            equal(c.recv_exact(4), b'cba\n')
            c.finish()
            f = s.d.flows(port - 2000)[-1]['clearspan']
            equal(f['action'], want, '%s %s %s' % (hi, verify, more))


@scenario
def a_server_that_asks_may_speak_first(s):
    """Without a ticket: its data is what tells that it goes on, and none of
    it is lost."""
    s.start()
    ctx = peer.server_context(s.pki.pair('good'), lo='1.3')
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = ssl.CERT_OPTIONAL
    ctx.num_tickets = 0

    def greet(p):
        p.send(b'220 good.test\r\n')
        p.recv_until(b'QUIT')
        p.close()
    srv = s.serve(465, ctx=ctx, handler=greet)
    c = s.tls(465)
    equal(c.recv_exact(15), b'220 good.test\r\n')
    c.send(b'QUIT')
    s.same(srv, c.finish())


@scenario
def must_decrypt_never_bypasses(s):
    """Not a server that insists, nor a hello without a name, nor a bad
    certificate: what `on` would bypass is blocked."""
    s.start(record=False, workers=1,
            on={'no-sni': 'bypass', 'untrusted-server': 'bypass'},
            rules=[{'name': 'must', 'port': [443, 444, 445],
                    'action': 'decrypt', 'must-decrypt': True},
                   {'name': 'default', 'action': 'decrypt'}])
    mtls(s, '1.3', port=446)            # learned, and not for the others
    s.exchange(b'me', port=446, ctx=user_context(s, '1.3'))
    for port, hi in ((443, '1.2'), (444, '1.3')):
        mtls(s, hi, port=port)
        for i in range(2):
            refused(s, port=port, ctx=user_context(s, hi))
    s.serve(445)
    refused(s, port=445, name=None, verify=False)
    s.serve(445, cert='self', address=net.SERVER6)
    refused(s, port=445, address=net.SERVER6, verify=False)
    equal(actions(s, 7), ['bypass'] + ['block'] * 6)
    equal([f['clearspan']['why'] for f in s.d.flows(7)][1:5], [WANTED] * 4)


@scenario
def a_server_that_insists_can_be_blocked(s):
    """And one that only asks is not."""
    s.start(record=False, on={'client-certificate-wanted': 'block'})
    port = 1000
    for hi in ('1.2', '1.3'):
        for need in (True, False):
            port += 1
            mtls(s, hi, need=need, port=port)
            if need:
                refused(s, port=port, ctx=user_context(s, hi))
            else:
                s.exchange(b'me', port=port, ctx=user_context(s, hi))
    equal(actions(s, 4), ['block', 'decrypt'] * 2)


@scenario
def a_server_that_refuses_late_is_known_the_next_time(s):
    """TLS 1.3: it reads our answer when the client is served already."""
    s.start(record=False, workers=1)
    late = threading.Event()
    ctx = peer.server_context(s.pki.pair('good'), lo='1.3')
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = ssl.CERT_REQUIRED
    srv = s.serve(443, ctx=ctx)
    tardy = peer.Peer.pull

    def pull(self):
        ok = tardy(self)
        if self.tls.server_side:
            self.pulled = getattr(self, 'pulled', 0) + 1
            if self.pulled == 2:        # what comes behind the hello
                late.wait()
        return ok
    peer.Peer.pull = pull
    c = s.tls()                 # its handshake is over: decrypted
    late.set()
    try:
        c.send(b'me')
        c.recv_all()
    except (ssl.SSLError, OSError):
        pass
    c.sock.close()
    equal(actions(s, 1), ['decrypt'])
    c = s.exchange(b'me', ctx=user_context(s, '1.3'))
    equal(actions(s, 2), ['decrypt', 'bypass'])
    check(srv.errors, 'nothing was refused')


@scenario
def a_server_that_asks_after_the_handshake_may_go_on(s):
    """TLS 1.3, as the client offers that: it is told that there is none."""
    s.start(record=False, workers=1)
    os.mkfifo(s.path('orders'))
    p = s.spawn(s.server, 'sh', '-c', 'exec openssl s_server -accept %s:443 '
                '-cert %s -key %s -CAfile %s -verify_quiet -tls1_3 <%s' % (
                    net.SERVER, *s.pki.pair('good'), s.pki.root,
                    s.path('orders')))
    with open(s.path('orders'), 'w') as orders:
        wait_port(s.server, 443, p)
        ctx = user_context(s, '1.3')
        ctx.post_handshake_auth = True
        c = s.tls(ctx=ctx)
        c.send(b'hello\n')
        wait(lambda: 'hello' in p.text(), 'what the client said')
        orders.write('c\n')
        orders.flush()
        c.send(b'on\n')
        wait(lambda: 'on\n' in p.text(), 'that it goes on')
        orders.write('so do I\n')
        orders.flush()
        c.recv_until(b'so do I\n')
        c.send(b'again\n')              # behind the request for sure
        wait(lambda: 'again\n' in p.text(), 'that it goes on')
        orders.write('and I\n')
        orders.flush()
        c.recv_until(b'and I\n')
        c.finish()
        s.tls(ctx=user_context(s, '1.3')).finish()
    equal(actions(s, 2), ['decrypt'] * 2)


def later(s, port=443, **kw):
    """A server that asks for a certificate when it has read a line."""
    ctx = peer.server_context(s.pki.pair('good'), lo='1.3', **kw)
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = ssl.CERT_REQUIRED
    ctx.post_handshake_auth = True

    def handler(p):
        p.recv_until(b'\n')
        p.tls.verify_client_post_handshake()
        p.send(b'asked\n')
        try:
            p.recv_until(b'\n')
        except ssl.SSLError:
            p.flush()               # its alert
            raise
        p.send(b'seen\n')
        p.recv_all()
        p.close()
    return s.serve(port, ctx=ctx, handler=handler)


def asked_later(s, port=443, **kw):
    """Whether the server is content with what it got."""
    ctx = user_context(s, '1.3')
    ctx.post_handshake_auth = True
    c = s.tls(port, ctx=ctx, **kw)
    try:
        c.send(b'one\n')
        c.recv_until(b'asked\n')
        c.send(b'two\n')
        c.recv_until(b'seen\n')
        c.finish()
        return True
    except (ssl.SSLError, OSError, Failure):
        c.sock.close()
        return False


LATE = WANTED + ': it asked after the handshake'


@scenario
def a_server_that_insists_later_is_known_the_next_time(s):
    s.start(record=False, workers=1)
    srv = later(s)
    equal([asked_later(s) for i in range(2)], [False, True])
    f = s.d.flows(2)
    equal([x['clearspan']['action'] for x in f], ['decrypt', 'bypass'])
    equal(f[0]['flow']['reason'], LATE)
    equal(f[1]['clearspan']['why'], WANTED)
    equal(srv.peers[-1].tls.getpeercert(True), der(s.pki.pair('user')[0]))


@scenario
def a_server_that_insists_later_is_told_where_blocked(s):
    s.start(record=False, workers=1, on={'client-certificate-wanted': 'block'})
    later(s)
    equal([asked_later(s) for i in range(2)], [False, False])
    equal([x['flow']['reason'] for x in s.d.flows(2)], [LATE] * 2)


@scenario
def a_server_that_asks_after_the_handshake_gets_that_of_the_rule(s):
    """Whatever the client offers."""
    s.start(record=False, workers=1, rules=[
        ours(s.pki.pair('user'), 'default')])
    srv = later(s)
    check(asked_later(s), 'refused')
    c = s.tls()
    c.send(b'one\n')
    c.recv_until(b'asked\n')
    c.send(b'two\n')
    c.recv_until(b'seen\n')
    c.finish()
    equal([p.tls.getpeercert(True) for p in srv.peers],
          [der(s.pki.pair('user')[0])] * 2)
    equal([(x['clearspan']['action'], x['clearspan']['server'][
        'client_certificate']) for x in s.d.flows(2)],
        [('decrypt', True)] * 2)


@scenario
def a_server_without_tickets_is_waited_for_once(s):
    """What it says to our answer is known by the next connection."""
    s.start(record=False, workers=1)
    ctx = peer.server_context(s.pki.pair('good'), lo='1.3')
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = ssl.CERT_OPTIONAL
    ctx.num_tickets = 0
    s.serve(443, ctx=ctx)
    for i in range(6):
        s.exchange(b'me')
    equal(actions(s, 6), ['decrypt'] * 6)
    equal(s.d.text().count('to go on without a certificate'), 1)


def ours(pair, name, action='decrypt', **more):
    return {'name': name, 'action': action, 'client-certificate': dict(
        zip(('certificate', 'key'), pair)), **more}


def der(path):
    """The first certificate of a PEM file."""
    with open(path) as f:
        end = '-----END CERTIFICATE-----'
        return ssl.PEM_cert_to_DER_cert(f.read().split(end)[0] + end)


@scenario
def rules_have_client_certificates_of_our_own(s):
    """nginx sees the one of the rule, with its chain, resumed too; under a
    rule without one it gets none."""
    s.start(record=False, workers=1, rules=[
        ours(s.pki.pair('user'), 'ec', site='=good.test'),
        ours(s.pki.pair('rsa'), 'rsa', site='=www.good.test'),
        ours(s.pki.pair('chain'), 'chain', site='=v4.good.test'),
        {'name': 'default', 'action': 'decrypt', 'must-decrypt': True}])
    programs.nginx(s, more='ssl_client_certificate %s; ssl_verify_client on;'
                   'ssl_verify_depth 3; add_header X-Us $ssl_client_s_dn;'
                   % s.pki.root)
    want = []
    for host, cn in (('good', 'a user'), ('www.good', 'rsa.test'),
                     ('v4.good', 'chain.test'), ('localhost', None)):
        site = host + ('.test' if cn else '')
        for hi in ('1.2', '1.3', '1.3'):
            r = programs.curl(s, '-4', '-i', '--tls-max', hi, '--resolve',
                              '%s:443:%s' % (site, net.SERVER),
                              'https://%s/' % site).ok()
            if cn:
                check('little origin' in r.text, r.text)
                check('x-us: CN=%s\n' % cn in r.text.replace('\r', ''), r.text)
            else:
                check('400 No required SSL' in r.text, r.text)
            want.append(True if cn else None)
    f = [f['clearspan'] for f in s.d.flows(len(want))]
    equal([x['server'].get('client_certificate') for x in f], want)
    equal({x['server']['resumed'] for x in f[:9]}, {True, False})
    equal({x['action'] for x in f}, {'decrypt'})


@scenario
def a_server_that_was_not_verified_is_not_shown_it(s):
    """Whatever `on` says. In TLS 1.2 it would be there to read."""
    pair = s.pki.pair('user')
    s.start(record=False, on={
        k: 'untrusted' for k in ('untrusted-server', 'expired-server',
                                 'name-mismatch')},
            rules=[ours(pair, 'default')])
    n = 0
    for hi in ('1.2', '1.3'):
        for cert in ('good', 'self', 'expired', 'wrong'):
            n += 1
            ctx = peer.server_context(s.pki.pair(cert), hi=hi)
            ctx.load_verify_locations(s.pki.root)
            ctx.verify_mode = ssl.CERT_OPTIONAL
            srv = s.serve(1000 + n, ctx=ctx)
            s.exchange(b'me', port=1000 + n, verify=False)
            p = srv.wait(1)[0]
            equal(p.tls.getpeercert(True),
                  der(pair[0]) if cert == 'good' else None, cert)
            equal(der(pair[0]) in bytes(p.raw_in),
                  cert == 'good' and hi == '1.2', cert)
            f = s.d.flows(n)[-1]['clearspan']
            equal((f['action'], f['server'].get('client_certificate')),
                  ('decrypt', True if cert == 'good' else None), f)


@scenario
def behind_starttls_the_rule_of_the_hello_has_the_certificate(s):
    ctx = peer.server_context(s.pki.pair('good'))
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = ssl.CERT_REQUIRED
    s.start(record=False, rules=[
        ours(s.pki.pair('user'), 'mail', sni='good.test'),
        ours(s.pki.pair('rsa'), 'default')])
    port, clear, inside = SMTP

    def mail(p):
        play(p, 's', clear)
        p.use(ctx, server=True).handshake()
        play(p, 's', inside)
        p.recv_all()
        p.close()
    srv = s.serve(port, mail, plain=True)
    client_of(s, SMTP)
    equal(srv.wait(1)[0].tls.getpeercert(True),
          der(s.pki.pair('user')[0]))
    f = s.d.flows(1)[0]
    equal((f['app_proto'], f['clearspan']['rule'],
           f['clearspan']['server']['client_certificate']),
          ('smtp', 'mail', True))


@scenario
def the_rule_of_the_certificate_has_the_certificate(s):
    """It is known only when the server asks; nothing was shown before."""
    s.start(record=False, rules=[
        ours(s.pki.pair('user'), 'known',
             certificate={'subject': 'CN=good.test'}),
        ours(s.pki.pair('rsa'), 'default')])
    for i, (cert, us) in enumerate((('good', 'user'), ('rsa', 'rsa'))):
        ctx = peer.server_context(s.pki.pair(cert), hi='1.2')
        ctx.load_verify_locations(s.pki.root)
        ctx.verify_mode = ssl.CERT_REQUIRED
        srv = s.serve(1000 + i, ctx=ctx)
        s.exchange(b'me', port=1000 + i)
        for name in ('user', 'rsa'):
            equal(any(der(s.pki.pair(name)[0]) in bytes(p.raw_in)
                      for p in srv.peers), name == us, name)
    equal(actions(s, 2), ['decrypt'] * 2)


@scenario
def a_renewed_client_certificate_is_shown_next(s):
    """The session that is open stays with its own, and a file without its
    key changes nothing."""
    pair = [s.path('us.pem'), s.path('us.key')]
    for src, dst in zip(s.pki.pair('user'), pair):
        shutil.copy(src, dst)
    s.start(record=False, rules=[ours(pair, 'default')])
    srv = mtls(s, '1.3')
    old, new = der(s.pki.pair('user')[0]), der(s.pki.pair('rsa')[0])
    kept = s.tls()
    kept.send(b'x')
    equal(kept.recv_exact(1), b'x')
    shutil.copy(s.pki.pair('rsa')[0], s.path('tmp'))
    os.rename(s.path('tmp'), pair[0])
    wait(lambda: 'us.key: the key does not match' in s.d.text(),
         'a reload that is refused')
    s.exchange(b'me')
    n = s.reloads('ok')
    shutil.copy(s.pki.pair('rsa')[1], s.path('tmp'))
    os.rename(s.path('tmp'), pair[1])
    wait(lambda: s.reloads('ok') > n, 'a reload')
    s.exchange(b'me')
    kept.send(b'y')
    equal(kept.recv_exact(1), b'y')
    kept.finish()
    equal([p.tls.getpeercert(True) for p in srv.peers], [old, old, new])
