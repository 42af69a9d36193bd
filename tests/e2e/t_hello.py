"""TLS found by content, and what is not TLS."""
import concurrent.futures
import hashlib
import socket
import ssl
import struct
import time

from harness import check, equal, net, peer, scenario


def hello(s, size, name='good.test'):
    """(SSLObject, its BIOs, ClientHello bytes of at least size)."""
    ctx = peer.client_context(s.pki.ca)
    protos, n = ['http/1.1'], 0
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    while True:
        ctx.set_alpn_protocols(protos)
        a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
        o = ctx.wrap_bio(a, b, server_hostname=name)
        try:
            o.do_handshake()
        except ssl.SSLWantReadError:
            pass
        raw = b.read()
        if len(raw) >= size:
            return o, a, b, raw
        n += 1
        protos = ['http/1.1'] + ['x' * min(250, max(1, size - len(raw)))
                                 + str(n)] + protos[1:]


def message(raw):
    """The handshake message in records."""
    out = b''
    while raw:
        n, = struct.unpack('>H', raw[3:5])
        out += raw[5:5 + n]
        raw = raw[5 + n:]
    return out


def records(msg, n):
    """msg in n records."""
    cut = [len(msg) * i // n for i in range(n + 1)]
    return b''.join(b'\x16\x03\x01' + struct.pack('>H', b - a) + msg[a:b]
                    for a, b in zip(cut, cut[1:]))


def try_hello(s, srv, size, how, more=3):
    o, a, b, raw = hello(s, size)
    sock = s.connect(443)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if how == 'bytes':
        for i in range(len(raw)):
            sock.send(raw[i:i + 1])
    elif how == 'records':
        sock.sendall(records(message(raw), more))
    else:
        sock.sendall(raw[:5])
        s.taken(sock)           # so that the peek really sees it short
        sock.sendall(raw[5:])
    c = peer.Peer(sock)
    c.tls, c.bin, c.bout = o, a, b
    c.handshake()
    c.send(b'found')
    c.recv_exact(5)
    return c.finish()


@scenario(timeout=90)
def peers_02_hello_of_any_size_in_any_pieces(s):
    """1.7, 4.5 and 16 KiB: in 1-byte writes, over 3 records, at once."""
    s.start('tproxy')
    srv = s.serve(443, alpn=['http/1.1'])
    made = [try_hello(s, srv, size, how)
            for size in (1700, 4500, 16000) for how in ('bytes', 'records',
                                                        'halves')]
    s.same(srv, made)
    for f in s.d.flows(len(made)):
        equal(f['tls']['sni'], 'good.test', 'SNI in the log')
        equal(f['clearspan']['action'], 'decrypt')


@scenario
def hello_of_40_kib_over_many_records(s):
    s.start('tproxy')
    srv = s.serve(443, alpn=['http/1.1'])
    o = try_hello(s, srv, 40000, 'records', 7)
    s.same(srv, o)


@scenario
def hello_in_records_of_one_byte(s):
    s.start('tproxy')
    srv = s.serve(443, alpn=['http/1.1'])
    c = try_hello(s, srv, 500, 'records', 517)
    s.same(srv, c)


@scenario
def hello_without_sni_is_decrypted_by_address(s):
    s.start('tproxy')
    srv = s.serve(443)
    ctx = peer.client_context(s.pki.ca)
    p = peer.Peer(s.connect(443), ctx, net.SERVER).handshake()
    p.send(b'no name')
    p.recv_exact(7)
    s.same(srv, p.finish())
    check('sni' not in s.d.flows(1)[0].get('tls', {}))


@scenario
def grease_and_unknown_extensions_do_no_harm(s):
    """A hello with GREASE values and a key share of Kyber's draft, which
    no library of ours knows, byte by byte to the server's answer."""
    s.start('tproxy')
    s.serve(443)
    grease = b'\x1a\x1a'
    share = b'\x63\x99' + struct.pack('>H', 1216) + bytes(1216)
    x = b'\x00\x1d' + struct.pack('>H', 32) + b'\x09' + bytes(31)
    shares = grease + b'\x00\x01\x00' + share + x

    def ext(kind, body):
        return struct.pack('>HH', kind, len(body)) + body
    name = b'good.test'
    exts = (ext(0x1a1a, b'') +
            ext(0, struct.pack('>HBH', len(name) + 3, 0, len(name)) + name) +
            ext(10, b'\x00\x08\x1a\x1a\x63\x99\x00\x1d\x00\x17') +
            ext(13, b'\x00\x06\x04\x03\x08\x04\x04\x01') +
            ext(43, b'\x06\x2a\x2a\x03\x04\x03\x03') +
            ext(51, struct.pack('>H', len(shares)) + shares) +
            ext(0xfe0d, b'\x00\x00\x01\x00\x01\x2a' + b'\x00\x20' +
                bytes(32) + b'\x00\x90' + bytes(144)) +
            ext(0x4a4a, b'\x00'))
    body = (b'\x03\x03' + bytes(32) + b'\x20' + bytes(32) +
            b'\x00\x08\x2a\x2a\x13\x01\x13\x02\xc0\x2b' + b'\x01\x00' +
            struct.pack('>H', len(exts)) + exts)
    msg = b'\x01' + struct.pack('>I', len(body))[1:] + body
    sock = s.connect(443)
    sock.sendall(records(msg, 1))
    got = sock.recv(65536)
    equal(got[:1], b'\x16', 'a ServerHello')
    equal(got[5:6], b'\x02', 'a ServerHello')
    check(b'\xcf\x21\xad\x74\xe5\x9a\x61\x11' not in got,
          'a HelloRetryRequest')
    sock.close()
    s.d.flows(1)


@scenario
def server_speaks_first_in_the_clear_without_delay(s):
    s.start('tproxy')

    def handler(p):
        p.send(b'220 little.test ESMTP\r\n')
        p.recv_until(b'QUIT\r\n')
        p.send(b'221 bye\r\n')
        p.close()
    srv = s.serve(25, handler=handler, plain=True)
    took, made = [], []
    for i in range(5):
        start = time.monotonic()
        c = s.plain(25)
        c.recv_until(b'\r\n')
        took.append(time.monotonic() - start)
        c.send(b'QUIT\r\n')
        c.recv_until(b'\r\n')
        made.append(c.finish())
    s.same(srv, made)
    # A person or a mail client notices half a second; so much is ours.
    check(min(took) < 0.5 * s.slow, 'the greeting took', took)


@scenario
def plain_http_passes_and_is_tapped(s):
    s.start('tproxy')
    srv = s.serve(80, handler=peer.http(b'in the clear'), plain=True)
    c = s.plain(80)
    c.send(b'GET / HTTP/1.1\r\nHost: plain.test\r\n\r\n')
    c.recv_until(b'in the clear')
    s.same(srv, c.finish())
    f = s.d.flows(1)[0]
    equal(f['flow']['bytes_toserver'], len(c.sent))
    equal(f['flow']['bytes_toclient'], len(c.received))


@scenario
def client_that_says_nothing_first_on_443(s):
    """Neither side speaks for a while: then the server does."""
    s.start('tproxy')

    def handler(p):
        time.sleep(0.4)         # the while; it may be longer
        p.send(b'at last')
        p.recv_all()
        p.close()
    srv = s.serve(443, handler=handler, plain=True)
    c = s.plain(443)
    equal(c.recv_exact(7), b'at last')
    c.send(b'yes')
    s.same(srv, c.finish())


@scenario
def almost_tls_is_joined_through_unchanged(s):
    s.start('tproxy')
    srv = s.serve(443, plain=True)
    made = []
    for data in (b'\x16', b'\x16\x03', b'\x16\x03\x01\x00\x00',
                 b'\x16\x03\x01\xff\xff' + b'x' * 300,
                 b'\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00',
                 b'\x15\x03\x01\x00\x02\x02\x28', b'\x80\x2e\x01\x00\x02',
                 b'GET / HTTP/1.0\r\n\r\n', b'\x00' * 100):
        c = s.plain(443)
        c.send(data)
        c.fin()
        c.recv_all()
        c.sock.close()
        made.append(c)
    for c in made[7:]:
        equal(bytes(c.received), bytes(c.sent), 'echo')
    check(s.d.alive(), 'the daemon died')


@scenario
def peers_01_thousand_plain_connections_none_hangs(s):
    s.start('tproxy', rules=[{'name': 'default', 'action': 'decrypt'}],
            log={'level': 'warn'})
    s.serve(7, plain=True)
    c = s.plain(7)
    c.send(b'warm')
    c.recv_exact(4)
    c.finish()
    s.d.flows(1)
    base = s.d.fds()
    n = 1000 if s.kind == 'plain' else 300

    def one(i):
        c = s.plain(7)
        data = b'connection %d' % i
        c.send(data)
        equal(c.recv_exact(len(data)), data)
        c.finish()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(n)))
    flows = s.d.flows(n + 1, 20)
    equal(len(flows), n + 1)
    from harness import wait
    wait(lambda: s.d.fds() <= base, 'descriptors back at %d' % base)


@scenario
def hello_that_comes_as_the_silence_ends_is_found(s):
    """The gateway waits a moment for a client that may be waiting for its
    server. A hello that comes just then is no less a hello."""
    s.start('tproxy', workers=1, record=False)
    s.serve(443)
    ctx = peer.client_context(s.pki.ca)
    for i in range(20):
        socks = [s.connect(443) for j in range(10)]
        # Around the end of the silence; each moment is as good as another.
        time.sleep(0.036 + 0.0004 * i)
        made = [peer.Peer(x, ctx, 'good.test') for x in socks]
        for p in made:
            try:
                p.tls.do_handshake()
            except ssl.SSLWantReadError:
                p.flush()
        for p in made:
            p.handshake()       # fails when the leaf is the server's own
            p.close()


def u16s(b):
    """Without the values of GREASE."""
    v = struct.unpack('>%dH' % (len(b) // 2), b)
    return [x for x in v if x & 0x0f0f != 0x0a0a or x >> 8 != x & 255]


def extensions(raw):
    """Those of the hello that these bytes begin with, by their types."""
    n = int.from_bytes(raw[3:5], 'big')
    msg = bytes(raw[5:5 + n])
    at = 38                                 # header, version, random
    at += 1 + msg[at]
    at += 2 + int.from_bytes(msg[at:at + 2], 'big')
    at += 1 + msg[at] + 2
    exts = {}
    while at < len(msg):
        kind, n = struct.unpack('>HH', msg[at:at + 4])
        exts[kind] = msg[at + 4:at + 4 + n]
        at += 4 + n
    return exts


class Ja4:
    """JA4 as FoxIO's JA4.md has it, read anew from the bytes of a hello."""

    def __init__(self, raw):
        n = int.from_bytes(raw[3:5], 'big')
        msg = raw[5:5 + n]
        at = 38                                 # header, version, random
        at += 1 + msg[at]
        n = int.from_bytes(msg[at:at + 2], 'big')
        self.suites = u16s(msg[at + 2:at + 2 + n])
        exts = extensions(raw)
        self.exts = [e for e in exts if u16s(struct.pack('>H', e))]
        self.sigalgs = u16s(exts.get(13, b'')[2:])
        self.version = max(u16s(exts[43][1:])) if 43 in exts else \
            int.from_bytes(msg[4:6], 'big')
        alpn = exts.get(16, b'')
        self.alpn = alpn[3:3 + alpn[2]].decode() if alpn else '00'
        self.sni = 0 in exts

    def __str__(self):
        def part(v, more=''):
            text = ','.join('%04x' % x for x in sorted(v)) + more
            return hashlib.sha256(text.encode()).hexdigest()[:12]
        return 't%d%s%02d%02d%s%s_%s_%s' % (
            self.version - 0x304 + 13, 'd' if self.sni else 'i',
            len(self.suites), len(self.exts), self.alpn[0], self.alpn[-1],
            part(self.suites), part(
                [e for e in self.exts if e not in (0, 16)],
                '_' + ','.join('%04x' % x for x in self.sigalgs)))

    def apart(self, o):
        n = sum(len(set(a) ^ set(b)) for a, b in (
            (self.suites, o.suites), (self.exts, o.exts),
            (self.sigalgs, o.sigalgs)))
        return n + (self.version != o.version) + (self.alpn != o.alpn) + (
            self.sigalgs != o.sigalgs and
            set(self.sigalgs) == set(o.sigalgs))


@scenario()
def our_own_hello_is_in_the_log(s):
    """JA4 and distance, as computed from the bytes at both ends."""
    s.start('tproxy')
    srv = s.serve(443, alpn=['h2', 'http/1.1'])
    seen = {}
    for alpn, hi, name in ((['h2', 'http/1.1'], '1.3', 'good.test'),
                           (None, '1.2', 'good.test'),
                           (['http/1.1'], '1.3', None)):
        ctx = peer.client_context(s.pki.ca, alpn, hi=hi)
        ctx.check_hostname = name is not None
        p = peer.Peer(s.connect(443), ctx, name)
        try:
            p.tls.do_handshake()
        except ssl.SSLWantReadError:
            raw = p.bout.read()
        p.sock.sendall(raw)
        p.handshake()
        p.finish()
        own = Ja4(raw)
        ours = Ja4(srv.wait(len(seen) + 1)[-1].raw_in)
        seen[str(own)] = str(ours), ours.apart(own)
    flows = s.d.flows(3)
    equal({f['tls']['ja4']: (f['clearspan']['server']['ja4'],
                             f['clearspan']['server']['ja4_distance'])
           for f in flows}, seen, 'as the log has them')
    equal(len(seen), 3, 'different clients')
