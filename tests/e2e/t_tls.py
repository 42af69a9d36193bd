"""The handshakes: versions, ALPN, tickets, client certificates."""
import itertools
import random
import ssl
import threading
import time

from harness import Failure, PATIENCE, check, equal, peer, programs, \
    scenario, wait


@scenario
def tls_12_and_13_on_each_side_independently(s):
    s.start()
    made, servers = [], []
    for i, (c, v) in enumerate(itertools.product(('1.2', '1.3'), repeat=2)):
        srv = s.serve(1000 + i, lo=v, hi=v)
        p = s.exchange(b'%s to %s' % (c.encode(), v.encode()),
                       port=1000 + i, lo=c, hi=c)
        equal(p.tls.version(), 'TLSv' + c, 'version at the client')
        # Behind a hello like the client's, which it refuses, comes ours.
        srv.wait(1 + (c < v or v < c))
        equal(srv.peers[-1].tls.version(), 'TLSv' + v, 'at the server')
        made.append(p)
    s.mirrored([(bytes(p.sent), bytes(p.received)) for p in made])
    got = [(f['clearspan']['client']['version'],
            f['clearspan']['server']['version']) for f in s.d.flows(4)]
    for (a, b), (c, v) in zip(got, itertools.product(('1.2', '1.3'),
                                                     repeat=2)):
        check(c in a and v in b, got)


@scenario
def version_bounds_are_kept(s):
    s.start(tls={'client': {'min': '1.3', 'max': '1.3'},
                 'server': {'min': '1.2', 'max': '1.2'}})
    srv = s.serve(443)
    try:
        s.tls(hi='1.2')
        raise Failure('a TLS 1.2 client was let in')
    except (ssl.SSLError, OSError):
        pass
    c = s.exchange(b'bounds')
    equal(c.tls.version(), 'TLSv1.3')
    wait(lambda: any(p.tls.version() == 'TLSv1.2' and p.done
                     for p in srv.peers), 'TLS 1.2 at the server')


@scenario
def an_origin_of_tls_12_only_with_rsa(s):
    s.start()
    srv = s.serve(443, cert='rsa', hi='1.2')
    c = s.exchange(b'rsa', name='rsa.test')
    s.same(srv, c)


LISTS = {'h2': ['h2'], 'http/1.1': ['http/1.1'], 'none': None,
         'custom': ['little/7'], 'browser': ['h2', 'http/1.1'],
         'h1 first': ['http/1.1', 'h2']}


@scenario(timeout=90)
def peers_12_alpn_matrix(s):
    """{h2, http/1.1, none, custom} by {origin supports it, or not}; the
    server's choice is the client's, in both TLS versions."""
    s.start()
    made, port = [], 2000
    for hi in ('1.2', '1.3'):
        for (cn, c), (on, o) in itertools.product(LISTS.items(),
                                                  LISTS.items()):
            if 'custom' in (cn, on) and cn != on and 'none' not in (cn, on):
                continue                # no overlap: see the next scenario
            if c and o and not set(c) & set(o):
                continue
            port += 1
            srv = s.serve(port, alpn=o)
            p = s.tls(port, alpn=c, hi=hi)
            p.send(b'PRI ' + cn.encode())
            p.recv_exact(len(p.sent))
            made.append(p.finish())
            srv.wait(1)
            # OpenSSL's server takes the first of its own list.
            want = next((x for x in o or () if x in (c or ())), None)
            equal(srv.peers[0].tls.selected_alpn_protocol(), want,
                  'ALPN at the server, %s to %s' % (cn, on))
            equal(p.tls.selected_alpn_protocol(), want,
                  'ALPN at the client, %s to %s' % (cn, on))
    s.mirrored([(bytes(p.sent), bytes(p.received)) for p in made])


@scenario
def alpn_without_overlap_is_as_the_origin_has_it(s):
    s.start()
    made = []
    for i, (c, o) in enumerate(((['h2'], ['http/1.1']),
                                (['little/7'], ['h2', 'http/1.1']))):
        srv = s.serve(2100 + i, alpn=o)     # Python's goes on without one
        p = s.exchange(b'no overlap', port=2100 + i, alpn=c)
        srv.wait(1)
        equal(p.tls.selected_alpn_protocol(),
              srv.peers[0].tls.selected_alpn_protocol(), 'ALPN')
        made.append(p)
    s.mirrored([(bytes(p.sent), bytes(p.received)) for p in made])


@scenario
def alpn_http11_only_when_configured(s):
    s.start(tls={'alpn': 'http/1.1'})
    srv = s.serve(443, alpn=['h2', 'http/1.1'])
    c = s.exchange(b'GET', alpn=['h2', 'http/1.1'])
    equal(c.tls.selected_alpn_protocol(), 'http/1.1')
    s.same(srv, c)


@scenario
def peers_12_one_hello_no_retry_request(s):
    """The gateway's own hello is answered at once (X25519 first), and it
    asks no client for another."""
    s.start()
    programs.nginx(s)
    srv = s.serve(444)
    c = s.exchange(b'one', port=444)
    srv.wait(1)

    def hellos(raw):
        n, pos = 0, 0
        while pos + 5 <= len(raw) and raw[pos] in (0x14, 0x16):
            if raw[pos] == 0x16 and raw[pos + 5] == 1:
                n += 1
            pos += 5 + int.from_bytes(raw[pos + 3:pos + 5], 'big')
        return n
    equal(hellos(bytes(srv.peers[0].raw_in)), 1, 'hellos to the server')
    magic = bytes.fromhex('cf21ad74e59a6111be1d8c021e65b891')
    check(magic not in c.raw_in, 'a HelloRetryRequest to the client')
    s.same(srv, c)
    r = s.run(s.client, 'openssl', 's_client', '-connect', 'v4.good.test:443',
              '-groups', 'X25519:P-256', '-CAfile', s.pki.ca, '-brief',
              input=b'')
    check('X25519' in r.errors + r.text, r.errors)


@scenario
def clients_of_short_records_get_every_byte(s):
    """max_fragment_length (RFC 6066, 4), for clients with little memory."""
    s.start()
    body = random.Random(6066).randbytes(300000)

    def answer(p):
        p.recv_until(b'\r\n\r\n')
        p.send(body)
        p.close()
    ask, port = b'GET / HTTP/1.0\r\n\r\n', 2200
    for v, n in itertools.product(('-tls1_2', '-tls1_3'), ('512', '4096')):
        port += 1
        s.serve(port, answer)
        r = s.run(s.client, 'openssl', 's_client', '-connect',
                  'v4.good.test:%d' % port, '-CAfile', s.pki.ca, '-quiet',
                  '-verify_return_error', '-maxfraglen', n, v,
                  input=ask).ok()
        equal(r.out, body, 'with %s and records of %s' % (v, n))
    s.mirrored([(ask, body)] * 4)


def both_ways(s, **config):
    """Some 1.7 MB each way in pieces of many sizes: TLS 1.3 on both sides
    and on one, where records are libssl's on the other."""
    s.start(**config)
    dice, made = random.Random(1), []
    for i, (c, v) in enumerate((('1.3', '1.3'), ('1.2', '1.3'),
                                ('1.3', '1.2'))):
        srv = s.serve(1000 + i, lo=v, hi=v)
        p = s.tls(port=1000 + i, lo=c, hi=c)
        for n in range(80):
            piece = dice.randbytes(dice.choice((1, 1400, 16384, 30000,
                                                60000)))
            p.send(piece)
            equal(p.recv_exact(len(piece)), piece, 'the echo')
        made.append((srv, p.finish()))
    for srv, p in made:
        # Behind a hello like the client's, which it refuses, comes ours.
        srv.wait(1 + (srv is not made[0][0]))
        equal(bytes(srv.peers[-1].received), bytes(p.sent), 'at the server')
    s.mirrored([(bytes(p.sent), bytes(p.received)) for srv, p in made])


@scenario
def records_own_carry_every_byte_both_ways(s):
    both_ways(s, tls={'records': 'own'}, log={'keys': s.path('keys')})


@scenario
def records_libssl_carry_every_byte_both_ways(s):
    both_ways(s, tls={'records': 'libssl'}, log={'keys': s.path('keys')})


# --- tickets

def ticket(p):
    """Read until the session can be resumed."""
    p.send(b'x')
    p.recv_exact(1)
    return p.tls.session


@scenario
def clients_resume_with_tickets_in_12_and_13(s):
    s.start()
    srv = s.serve(443)
    made = []
    for hi in ('1.2', '1.3'):
        ctx = peer.client_context(s.pki.ca, hi=hi)
        a = s.tls(ctx=ctx)
        sess = ticket(a)
        check(sess is not None and sess.has_ticket, 'no ticket in', hi)
        made.append(a.finish())
        for i in range(3):
            b = s.tls(ctx=ctx, session=sess)
            check(b.tls.session_reused, hi, 'not resumed')
            sess = ticket(b)
            made.append(b.finish())
    s.same(srv, made)
    flows = s.d.flows(8)
    equal(sum(bool(f['clearspan']['client']['resumed']) for f in flows), 6,
          'resumed in the log')


@scenario
def tickets_work_across_workers(s):
    """Keys are shared: a ticket of one worker is good at all others."""
    s.start(workers=4)
    srv = s.serve(443)
    ctx = peer.client_context(s.pki.ca, hi='1.2')
    a = s.tls(ctx=ctx)
    sess = ticket(a)
    made = [a.finish()]
    for i in range(16):
        b = s.tls(ctx=ctx, session=sess)
        check(b.tls.session_reused, 'not resumed at', i)
        ticket(b)
        made.append(b.finish())
    s.same(srv, made)


@scenario
def upstream_sessions_are_resumed_in_12_and_13(s):
    s.start()
    made, servers = [], []
    for port, hi in ((1012, '1.2'), (1013, '1.3')):
        srv = s.serve(port, hi=hi)
        for i in range(4):
            made.append(s.exchange(b'again %d' % i, port=port))
        srv.wait(4)
        servers.append((hi, srv))
    for hi, srv in servers:
        n = sum(bool(p.tls.session_reused) for p in srv.peers)
        check(n >= 2, hi, 'resumed at the server:', n)
    s.mirrored([(bytes(p.sent), bytes(p.received)) for p in made])
    check(any(f['clearspan']['server']['resumed'] for f in s.d.flows(8)))


@scenario
def nginx_log_shows_reuse(s):
    s.start()
    programs.nginx(s, http2=False)
    for i in range(4):
        programs.curl(s, '-4', 'https://good.test/').ok()
    with open(s.path('nginx-access.log')) as f:
        text = f.read()
    check(text.count('reused=r') >= 2, text)


@scenario
def a_resumed_session_is_still_verified(s):
    """A ticket does not launder a bad certificate."""
    s.start()
    srv = s.serve(443, cert='wrong')
    ctx = peer.client_context(s.pki.ca, verify=False)
    for i in range(3):
        p = s.tls(ctx=ctx, name='good.test')
        p.send(b'x')
        p.recv_exact(1)
        p.finish()
    for f in s.d.flows(3):
        equal(f['clearspan']['forged']['ca'], 'untrusted')


# --- client certificates

def mtls(s, hi, need=True, **kw):
    ctx = peer.server_context(s.pki.pair('good'), hi=hi)
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = ssl.CERT_REQUIRED if need else ssl.CERT_OPTIONAL
    return s.serve(ctx=ctx, **kw)


def user_context(s, hi):
    ctx = peer.client_context(s.pki.bundle, hi=hi)
    ctx.load_cert_chain(*s.pki.pair('user'))
    return ctx


@scenario
def client_certificate_servers_are_passed_through_at_first(s):
    """Undecrypted, and the handshake with the client's own certificate
    succeeds at the first attempt, TLS 1.2 and 1.3."""
    s.start()
    for port, hi in ((1012, '1.2'), (1013, '1.3')):
        srv = mtls(s, hi, port=port)
        c = s.tls(port, ctx=user_context(s, hi))
        c.send(b'me')
        equal(c.recv_exact(2), b'me')
        got = c.tls.getpeercert(True)
        want = ssl.PEM_cert_to_DER_cert(open(s.pki.f('good.pem')).read())
        equal(got, want, 'the certificate is the server\'s own')
        c.finish()
        wait(lambda: [p for p in srv.peers if p.received], 'the data')
        p = [p for p in srv.peers if p.received][0]
        check(p.tls.getpeercert(), 'the server saw no client certificate')
    for f in s.d.flows(2):
        equal(f['clearspan']['action'], 'bypass', 'action')
        check('certificate' in f['clearspan']['why'], f['clearspan'])


@scenario
def client_certificate_servers_are_remembered(s):
    s.start()
    srv = mtls(s, '1.3')
    for i in range(3):
        c = s.tls(ctx=user_context(s, '1.3'))
        c.send(b'me')
        c.recv_exact(2)
        c.finish()
    check(len(srv.peers) + len(srv.errors) <= 7, 'connections',
          len(srv.peers))
    s.d.metric_is(0, 'clearspan_confirmations_total')


@scenario
def each_session_joined_through_is_counted_by_its_reason(s):
    s.start(record=False, workers=1,
            on={'no-sni': 'bypass', 'expired-server': 'bypass'})
    mtls(s, '1.3')
    s.serve(444)
    s.serve(445, cert='expired')
    for i in range(3):
        s.exchange(b'me', ctx=user_context(s, '1.3'))
    s.exchange(b'me', port=444, name=None, verify=False)
    s.exchange(b'me', port=445, name='expired.test', verify=False)
    s.d.flows(5)
    for reason, n in (('client-certificate', 3), ('no-sni', 1),
                      ('verification', 1), ('rule', 0)):
        s.d.metric_is(n, 'clearspan_undecrypted_total', reason=reason)


@scenario
def a_server_to_be_blocked_is_so_when_it_wants_a_certificate(s):
    """To ask for one is no way past the verification."""
    s.start(record=False, on={'untrusted-server': 'block'})
    ctx = peer.server_context(s.pki.pair('self'))
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = ssl.CERT_OPTIONAL
    srv = s.serve(ctx=ctx)
    try:
        s.exchange(b'me', verify=False)
        raise Failure('joined through')
    except (ssl.SSLError, OSError):
        pass
    f = s.d.flows(1)[0]['clearspan']
    equal(f['action'], 'block')
    check('self' in f['why'], f)
    equal(sum(len(p.received) for p in srv.peers), 0, 'bytes at the server')


# --- the end of a handshake that fails

@scenario
def client_that_rejects_the_ca_is_named_in_the_log(s):
    s.start()
    s.serve(443)
    try:
        s.tls(trust=s.pki.root)
        raise Failure('trusted without reason')
    except ssl.SSLError:
        pass
    f = s.d.flows(1)[0]
    check('handshake' in f['flow']['reason'] and
          'unknown' in f['flow']['reason'], f['flow'])


@scenario
def origin_that_fails_its_handshake(s):
    s.start()
    srv = s.serve(443, plain=True, handler=lambda p: (
        p.recv(), p.send(b'\x15\x03\x03\x00\x02\x02\x28'), p.close()))
    start = time.monotonic()
    try:
        s.tls()
        raise Failure('a handshake with nobody')
    except (ssl.SSLError, OSError):
        pass
    check(time.monotonic() - start < 5 * s.slow * PATIENCE, 'too late')
    f = s.d.flows(1)[0]
    check('server' in f['flow']['reason'], f['flow'])
    srv.close()


@scenario
def garbage_after_the_hello_ends_only_its_session(s):
    s.start()
    srv = s.serve(443)
    ctx = peer.client_context(s.pki.ca)
    for junk in (b'\x17\x03\x03\x00\x20' + b'\xff' * 32, b'\x00' * 500,
                 b'\x16\x03\x03\xff\xff'):
        p = peer.Peer(s.connect(443), ctx, 'good.test')
        try:
            p.tls.do_handshake()
        except ssl.SSLWantReadError:
            p.flush()
        p.sock.sendall(junk)
        peer.reset_wait(p.sock)
    wait(lambda: len(s.d.events()) >= 3, '3 flow events')
    c = s.exchange(b'alive')
    check(c.received == b'alive')
    check(srv is not None)


@scenario
def upstream_asks_what_the_client_asked(s):
    """SNI and ALPN list of the client arrive at the server."""
    s.start()
    seen = []
    ctx = peer.server_context(s.pki.pair('names'), ['h2'])
    ctx.sni_callback = lambda o, name, c: seen.append(name)
    srv = s.serve(ctx=ctx)
    c = s.exchange(b'x', name='www.good.test', alpn=['little/1', 'h2'])
    s.same(srv, c)
    equal(seen, ['www.good.test'], 'SNI at the server')
    check(b'little/1\x02h2' in srv.peers[0].raw_in, 'the ALPN list')


@scenario
def hundred_handshakes_at_once(s):
    s.start()
    srv = s.serve(443)
    made, lock = [], threading.Lock()

    def one(i):
        c = s.exchange(b'number %d' % i)
        with lock:
            made.append(c)
    ts = [threading.Thread(target=one, args=(i,)) for i in range(100)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    equal(len(made), 100, 'made')
    s.same(srv, made, timeout=20)
