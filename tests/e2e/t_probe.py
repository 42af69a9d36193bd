"""A client that breaks the rules of records and handshakes: what it is
answered by the gateway is what OpenSSL's own server answers it."""
import socket
import ssl
import struct

from harness import check, equal, net, peer, scenario
from harness.proc import wait_port

CCS = b'\x14\x03\x03\x00\x01\x01'
RETRY = bytes.fromhex('cf21ad74e59a6111be1d8c021e65b891')
LINE = b'aba\n'                         # the same when it is turned round


def u16(n):
    return struct.pack('>H', n)


def record(kind, body, version=0x0303):
    return struct.pack('>BHH', kind, version, len(body)) + body


def records(raw):
    """(type, body) of the records in raw, the last perhaps cut off."""
    while len(raw) >= 5:
        n = int.from_bytes(raw[3:5], 'big')
        yield raw[0], raw[5:5 + n]
        raw = raw[5 + n:]


def message(raw):
    return b''.join(body for _, body in records(raw))


def split(msg, *at, version=0x0301):
    """A handshake message in records that are cut at these places."""
    at = [0, *at, len(msg)]
    return b''.join(record(22, msg[a:b], version)
                    for a, b in zip(at, at[1:]))


# --- hellos made by hand

def ext(kind, body):
    return u16(kind) + u16(len(body)) + body


def exts(**change):
    """The extensions of a plain hello of TLS 1.3, by name, with changes;
    None takes one out."""
    name = b'good.test'
    x = b'\x00\x1d' + u16(32) + b'\x09' + bytes(31)
    out = {'sni': (0, u16(len(name) + 3) + b'\0' + u16(len(name)) + name),
           'groups': (10, b'\x00\x04\x00\x1d\x00\x17'),
           'points': (11, b'\x01\x00'),
           'sigalgs': (13, b'\x00\x06\x04\x03\x08\x04\x04\x01'),
           'versions': (43, b'\x04\x03\x04\x03\x03'),
           'modes': (45, b'\x01\x01'),
           'shares': (51, u16(len(x)) + x)}
    out.update(change)
    return b''.join(ext(*v) for v in out.values() if v)


def hello(version=0x0303, sid=bytes(32), compression=b'\0', more=None,
          suites=b'\x13\x01\x13\x02\xc0\x2b\xc0\x2f', tail=b''):
    more = exts() if more is None else more
    body = (u16(version) + bytes(32) + bytes([len(sid)]) + sid +
            u16(len(suites)) + suites + bytes([len(compression)]) +
            compression + (u16(len(more)) + more if more else b'') + tail)
    return b'\x01' + len(body).to_bytes(3, 'big') + body


def share(group, key):
    one = u16(group) + u16(len(key)) + key
    return 51, u16(len(one)) + one


TLS12 = (43, b'\x02\x03\x03')
SSL2 = (bytes([0x80, 9 + 9 + 32, 1, 3, 3, 0, 9, 0, 0, 0, 32]) +
        b'\x00\xc0\x2f\x00\xc0\x2b\x00\x00\x9c' + bytes(32))
HELLOS = {
    'a good hello': split(hello()),
    'TLS 1.2': split(hello(more=exts(versions=None, shares=None))),
    'TLS 1.2 by its extension': split(hello(more=exts(versions=TLS12))),
    'no version we know': split(hello(
        more=exts(versions=(43, b'\x02\x7f\x1c')))),
    'TLS 1.1': split(hello(0x0302, more=exts(versions=None))),
    'SSL 3': split(hello(0x0300, more=b'')),
    'version 2': split(hello(0x0200)),
    'version 4': split(hello(0x0404, more=exts(versions=None))),
    'no extensions': split(hello(more=b'')),
    'no suites': split(hello(suites=b'')),
    'suites of odd length': split(hello(suites=b'\x13\x01\x13')),
    'no suite in common': split(hello(suites=b'\x00\x05')),
    'a fallback': split(hello(suites=b'\xc0\x2b\x56\x00', more=exts(
        versions=None))),
    'a fallback from 1.1': split(hello(0x0302, suites=b'\xc0\x2b\x56\x00',
                                       more=exts(versions=None))),
    'no compression': split(hello(compression=b'')),
    'compression without null': split(hello(compression=b'\x01')),
    'compression in TLS 1.3': split(hello(compression=b'\x01\x00')),
    'a session ID of 33': split(hello(sid=bytes(33))),
    'bytes behind the extensions': split(hello(tail=b'x')),
    'an extension cut off': split(hello(more=exts() + b'\x00\x15\x00\x09')),
    'an extension twice': split(hello(more=exts() + exts())),
    'an unknown one twice': split(hello(
        more=exts() + ext(0x4242, b'') * 2)),
    'a PSK that is not last': split(hello(
        more=ext(41, b'\x00\x00\x00\x00') + exts())),
    'an empty name list': split(hello(more=exts(sni=(0, b'\0\0')))),
    'an empty SNI': split(hello(more=exts(sni=(0, b'')))),
    'an empty list of groups': split(hello(more=exts(groups=(10, b'\0\0')))),
    'groups of odd length': split(hello(
        more=exts(groups=(10, b'\0\3\0\x1d\0')))),
    'no groups': split(hello(more=exts(groups=None))),
    'no group in common': split(hello(
        more=exts(groups=(10, b'\0\2\x01\x04'), shares=share(0x104, b'xx')))),
    'no signatures': split(hello(more=exts(sigalgs=None))),
    'no signature in common': split(hello(
        more=exts(sigalgs=(13, b'\0\2\x02\x01')))),
    'an empty list of versions': split(hello(
        more=exts(versions=(43, b'\0')))),
    'no key share': split(hello(more=exts(shares=(51, b'\0\0')))),
    'no shares at all': split(hello(more=exts(shares=None))),
    'a share of a group not offered': split(hello(
        more=exts(shares=share(0x18, bytes(97))))),
    'a share that is too short': split(hello(
        more=exts(shares=share(0x1d, bytes(31))))),
    'a share that is no point': split(hello(
        more=exts(shares=share(0x17, b'\x04' + bytes(64))))),
    'an empty ALPN': split(hello(more=exts() + ext(16, b'\0\0'))),
    'an empty name in ALPN': split(hello(
        more=exts() + ext(16, b'\0\4\2h2\0'))),
    'uncompressed points not offered': split(hello(
        more=exts(versions=TLS12, points=(11, b'\x01\x01')))),
    'a cookie nobody gave': split(hello(
        more=exts() + ext(44, b'\x00\x01x'))),
    # --- records of a good one
    'records of one byte': split(hello(), *range(1, len(hello()))),
    'an empty record ahead': record(22, b'') + split(hello()),
    'an empty record in it': split(hello(), 9, 9),
    '100 empty records': record(22, b'') * 100 + split(hello()),
    'a record type that is none': record(99, hello()),
    'a length in the hello too long': split(
        hello()[:1] + b'\x02' + hello()[2:]),
    'a hello of 16 MB': split(b'\x01\xff\xff\xff' + hello()[4:]),
    'a length too short': split(
        hello()[:1] + (len(hello()) - 5).to_bytes(3, 'big') + hello()[4:]),
    'another message first': split(b'\x02' + hello()[1:]),
    'a message of type 99': split(b'\x63' + hello()[1:]),
    'Finished first': split(b'\x14\x00\x00\x0c' + bytes(12)),
    'a record of 16385': record(22, hello() + bytes(16385 - len(hello()))),
    'record version 2': split(hello(), version=0x0201),
    'record version 3.9': split(hello(), version=0x0309),
    'version 2 in the second record':
        record(22, hello()[:50], 0x0301) + record(22, hello()[50:], 0x0201),
    'a ChangeCipherSpec ahead': CCS + split(hello()),
    'a ChangeCipherSpec in it':
        record(22, hello()[:50]) + CCS + record(22, hello()[50:]),
    'data ahead': record(23, b'xxxx') + split(hello()),
    'data in it': record(22, hello()[:50]) + record(23, b'x') +
        record(22, hello()[50:]),
    'a warning ahead': record(21, b'\x01\x5a') + split(hello()),
    'a warning in it': record(22, hello()[:50]) + record(21, b'\x01\x5a') +
        record(22, hello()[50:]),
    'a fatal alert first': record(21, b'\x02\x28'),
    'a fatal alert in it': record(22, hello()[:50]) + record(21, b'\x02\x28'),
    'a close_notify first': record(21, b'\x01\x00'),
    'an alert of one byte': record(21, b'\x01') + split(hello()),
    'a heartbeat ahead': record(24, b'\x01\x00\x00') + split(hello()),
    'SSLv2, and TLS in it': SSL2,
    'SSLv2, and nothing else': SSL2[:3] + b'\0\2' + SSL2[5:],
}

# What we answer otherwise than OpenSSL 3.0, and why.
OURS = {
    # Longer than we read: OpenSSL goes to twice that.
    'a length in the hello too long': 'alert 47',
    # Said by an alert where OpenSSL closes without a word.
    'record version 2': 'alert 70',
    'a fatal alert first': 'alert 10',
    'a fatal alert in it': 'alert 10',
    'a close_notify first': 'alert 10',
    # RFC 6176: not any more.
    'SSLv2, and TLS in it': 'alert 70',
    'SSLv2, and nothing else': 'alert 70',
    # As 3.0 has it; 3.5 says decode_error.
    'no suites': 'alert 47',
}

# Of the record layer that is ours: as 3.0 has it, where 3.5 differs.
OUR_RECORDS = {
    'a record of version 2, TLS 1.3': 'TLSV1_ALERT_PROTOCOL_VERSION',
    'plain HTTP, TLS 1.3': 'TLSV1_ALERT_PROTOCOL_VERSION',
}


def first_word(raw):
    """What a server has said, up to its first word of importance."""
    for kind, body in records(raw):
        if kind == 22 and body[:1] == b'\x02':
            return 'HelloRetryRequest' if RETRY in body else 'ServerHello'
        if kind == 21 and len(body) == 2:
            return 'alert %d' % body[1]
    return None


def ask(sock, raw):
    """The answer to raw; FIN is sent behind it, so that a server that waits
    for more ends."""
    got = b''
    try:
        sock.sendall(raw)
        sock.shutdown(socket.SHUT_WR)
        while first_word(got) is None:
            d = sock.recv(65536)
            if not d:
                break
            got += d
    except ConnectionResetError:
        pass
    sock.close()
    return first_word(got) or 'closed'


def twin(s):
    """The gateway before an echo on 443; and OpenSSL's own server on 444 to
    compare with: two ways to connect."""
    s.start(record=False, rules=[{'name': 'default', 'action': 'decrypt'}])
    s.serve(443)
    p = s.spawn(s.server, 'openssl', 's_server', '-accept',
                net.SERVER + ':444', '-cert', s.pki.pair('good')[0], '-key',
                s.pki.pair('good')[1], '-rev', '-min_protocol', 'TLSv1.2',
                '-groups', 'X25519:P-256:P-384', name='s_server')
    wait_port(s.server, 444, p)
    return [lambda: s.connect(443),
            lambda: peer.connect(s.server, net.SERVER, 444)]


def alike(got, ours=()):
    """What we answer is what OpenSSL answers, or what ours has."""
    wrong = [(what, mine, other) for what, (mine, other) in got.items()
             if mine != dict(ours).get(what, other)]
    check(not wrong, '\n'.join('%s: %s, and OpenSSL %s' % x for x in wrong))


@scenario(timeout=120)
def hellos_against_the_rules_are_answered_as_openssl_does(s):
    ways = twin(s)
    got = {what: [ask(way(), raw) for way in ways]
           for what, raw in HELLOS.items()}
    equal(got['a good hello'], ['ServerHello'] * 2)
    alike(got, OURS)
    check(s.exchange(b'alive'), 'the gateway lives')


# --- connections by OpenSSL's client, its records tampered with on the way

class Wire:
    def __init__(self, s, sock, hi):
        ctx = peer.client_context(s.pki.bundle, hi=hi, lo=hi)
        self.sock = sock
        self.bin, self.bout = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self.bin, self.bout,
                                server_hostname='good.test')
        self.closed = False

    def send(self, raw):
        try:
            self.sock.sendall(raw)
        except OSError:
            pass

    def pull(self):
        try:
            d = self.sock.recv(65536)
        except ConnectionResetError:
            d = b''
        if not d:
            if self.closed:
                raise EOFError
            self.closed = True
            self.bin.write_eof()
        else:
            self.bin.write(d)

    def step(self, f):
        """f() until it is done; what it has to say is sent."""
        while True:
            try:
                return f()
            except ssl.SSLWantReadError:
                self.send(self.bout.read())
                self.pull()

    def flight(self):
        """The next that the client has to send in its handshake."""
        while True:
            try:
                self.tls.do_handshake()
                return self.bout.read()
            except ssl.SSLWantReadError:
                out = self.bout.read()
                if out:
                    return out
                self.pull()

    def shake(self):
        self.step(self.tls.do_handshake)
        self.send(self.bout.read())

    def sealed(self, data=LINE):
        """The record of data."""
        self.tls.write(data)
        return self.bout.read()

    def move(self, n):
        """So much back and forth that the records are ours, not OpenSSL's."""
        line = b'ab' * 500 + b'a\n'
        for i in range(n // len(line)):
            self.send(self.sealed(line))
            self.read(len(line))

    def read(self, n):
        got = b''
        while len(got) < n:
            d = self.step(lambda: self.tls.read(n - len(got)))
            if not d:
                raise EOFError
            got += d
        return got

    def outcome(self):
        """'echo' when all goes on, twice; the alert's name; or how it ended."""
        try:
            self.shake()
            for i in range(2):
                self.send(self.sealed())
                equal(self.read(len(LINE)), LINE)
            return 'echo'
        except ssl.SSLEOFError:
            return 'closed'
        except ssl.SSLZeroReturnError:
            return 'close_notify'
        except ssl.SSLError as e:
            return getattr(e, 'reason', None) or 'closed'
        except (EOFError, OSError):
            return 'closed'


def flipped(raw, at):
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]


def in_hello(change):
    """The client's first flight, changed."""
    return lambda w: w.send(change(w.flight()))


def second(change):
    """Its second, which ends with Finished."""
    def probe(w):
        w.send(w.flight())
        w.send(change(w.flight()))
    return probe


def last_record(raw):
    """(what is before it, the last record)"""
    at = 0
    while True:
        n = 5 + int.from_bytes(raw[at + 3:at + 5], 'big')
        if at + n >= len(raw):
            return raw[:at], raw[at:]
        at += n


def on_finished(change):
    def both(raw):
        before, last = last_record(raw)
        return before + change(last)
    return second(both)


def ended(w):
    on_finished(lambda r: b'')(w)
    w.sock.shutdown(socket.SHUT_WR)


def bytewise(w):
    w.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    w.send(w.flight())
    for c in w.flight():
        w.send(bytes([c]))


def between(raw):
    """Sent between the hello and the second flight."""
    def probe(w):
        w.send(w.flight())
        out = w.flight()
        w.send(raw + out)
    return probe


HANDSHAKES = {
    'nothing wrong': lambda w: None,
    'the hello in three records': in_hello(
        lambda r: split(message(r), 40, 100)),
    'the hello byte by byte': in_hello(
        lambda r: split(message(r), *range(1, len(message(r))))),
    'garbage behind the hello': in_hello(lambda r: r + bytes(100)),
    'two hellos': in_hello(lambda r: r + r),
    'two hellos in one record': in_hello(
        lambda r: split(message(r) + message(r))),
    'data behind the hello': in_hello(lambda r: r + record(23, b'data')),
    'a warning behind the hello': in_hello(
        lambda r: r + record(21, b'\x01\x5a')),
    'close_notify behind the hello': in_hello(
        lambda r: r + record(21, b'\x01\x00')),
    'a fatal alert behind the hello': in_hello(
        lambda r: r + record(21, b'\x02\x28')),
    'an alert with nothing in it': in_hello(lambda r: r + record(21, b'')),
    'an early ChangeCipherSpec': between(CCS),
    'a bad ChangeCipherSpec': between(record(20, b'\x02')),
    'a long ChangeCipherSpec': between(record(20, b'\x01\x01')),
    'a flood of ChangeCipherSpec': between(CCS * 100),
    'a hello in the middle': between(split(hello())),
    'data in the middle': between(record(23, b'data' * 8)),
    'a record type that is none': between(record(99, b'data')),
    'a long record in the middle': between(
        b'\x17\x03\x03\x48\x01' + bytes(0x4801)),
    'an empty record in the middle': between(record(22, b'')),
    'empty records in the middle': between(record(22, b'') * 100),
    'warnings in the middle': between(record(21, b'\x01\x5a') * 3),
    'a flood of warnings': between(record(21, b'\x01\x5a') * 100),
    'a fatal alert in the middle': between(record(21, b'\x02\x28')),
    'Finished with a bit turned': on_finished(lambda r: flipped(r, len(r) - 1)),
    'Finished cut short': on_finished(
        lambda r: r[:3] + u16(len(r) - 6) + r[5:-1]),
    'Finished twice': on_finished(lambda r: r + r),
    'Finished of another version': on_finished(
        lambda r: r[:1] + b'\x02\x00' + r[3:]),
    'FIN in place of Finished': ended,
    'the flight in single bytes': bytewise,
}


def sent_after(raw):
    """Raw bytes behind the handshake; then a line, as if nothing was."""
    def probe(w):
        w.send(raw)
    return probe


def sealed(change):
    """A sealed line, changed."""
    return lambda w: w.send(change(w.sealed()))


AFTER = {
    'nothing wrong': lambda w: None,
    'a bit turned in a record': sealed(lambda r: flipped(r, len(r) - 1)),
    'a bit turned in its length': sealed(
        lambda r: r[:3] + u16(len(r) - 6) + r[5:] + bytes(30)),
    'a record twice': sealed(lambda r: r + r),
    'a record left out': sealed(lambda r: b''),
    'a record called handshake': sealed(lambda r: b'\x16' + r[1:]),
    'a record called alert': sealed(lambda r: b'\x15' + r[1:]),
    'a record called nothing': sealed(lambda r: b'\x63' + r[1:]),
    'a record of version 2': sealed(lambda r: r[:1] + b'\x02\0' + r[3:]),
    'a record of version 3.1': sealed(lambda r: r[:1] + b'\x03\x01' + r[3:]),
    'a record of 18 KB': sent_after(b'\x17\x03\x03\x48\x01' + bytes(0x4801)),
    'a record of 64 KB': sent_after(b'\x17\x03\x03\xff\xff' + bytes(0xffff)),
    'a record of nothing': sent_after(record(23, b'')),
    'a record of one byte': sent_after(record(23, b'x')),
    'ChangeCipherSpec': sent_after(CCS),
    'a plain warning': sent_after(record(21, b'\x01\x5a')),
    'a plain close_notify': sent_after(record(21, b'\x01\x00')),
    'a plain fatal alert': sent_after(record(21, b'\x02\x28')),
    'a plain hello': sent_after(split(hello())),
    'plain HTTP': sent_after(b'GET / HTTP/1.1\r\n\r\n' * 4),
}


def run(s, probes, before):
    ways = twin(s)
    got = {}
    for hi in ('1.2', '1.3'):
        for what, probe in probes.items():
            pair = []
            for way in ways:
                w = Wire(s, way(), hi)
                w.sock.settimeout(peer.RAW_TIMEOUT)
                before(w)
                try:
                    probe(w)
                    pair.append(w.outcome())
                except (ssl.SSLError, EOFError, OSError) as e:
                    pair.append(getattr(e, 'reason', None) or 'closed')
                w.sock.close()
            got[what + ', TLS ' + hi] = pair
    for hi in ('1.2', '1.3'):
        equal(got['nothing wrong, TLS ' + hi], ['echo'] * 2)
    check(s.exchange(b'alive'), 'the gateway lives')
    return got


@scenario(timeout=150)
def handshakes_against_the_rules_end_as_openssl_ends_them(s):
    alike(run(s, HANDSHAKES, lambda w: None))


@scenario(timeout=150)
def records_against_the_rules_end_as_openssl_ends_them(s):
    alike(run(s, AFTER, Wire.shake))


def much(w):
    w.shake()
    w.move(200000)


@scenario(timeout=150)
def our_own_records_end_as_openssl_ends_them(s):
    """Behind so much data that the record layer is the gateway's."""
    alike(run(s, AFTER, much), OUR_RECORDS)
