"""A recorder that knows HTTP/1.1 and nothing else: it reads what the frames of
a mirror were put together to (capture.Stream), to the letter of RFC 9112. A
byte that it cannot place is an error."""
import base64
import hashlib
import re

from .proc import check, equal

FIRST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~\x80-\xff]+) "
                   rb'HTTP/1\.1')
STATUS = re.compile(rb'HTTP/1\.1 ([1-9][0-9][0-9]) ([^\r\n\0]*)')
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")


class Short(Exception):
    """The bytes end within a message."""


class Bytes:
    def __init__(self, data):
        self.data, self.pos = bytes(data), 0

    def line(self):
        end = self.data.find(b'\r\n', self.pos)
        if end < 0:
            raise Short
        out = self.data[self.pos:end]
        self.pos = end + 2
        return out

    def take(self, n):
        if self.pos + n > len(self.data):
            raise Short
        self.pos += n
        return self.data[self.pos - n:self.pos]

    def rest(self):
        out = self.data[self.pos:]
        self.pos = len(self.data)
        return out


class Message:
    def __init__(self, first, b):
        self.first, self.body = first, b''
        self.fields, self.trailers = self.lines(b), []
        self.whole = False

    @staticmethod
    def lines(b):
        out = []
        while True:
            line = b.line()
            if not line:
                return out
            m = FIELD.fullmatch(line)
            check(m, 'no field:', line)
            out.append((m.group(1).lower().decode(),
                        m.group(2).rstrip(b' \t').decode('latin-1')))

    def all(self, name):
        return [b for a, b in self.fields if a == name]

    def get(self, name):
        return ', '.join(self.all(name)) or None

    def trailer(self, name):
        return ', '.join(b for a, b in self.trailers if a == name) or None

    def read(self, b, none):
        """The content, as the fields frame it."""
        coding, length = self.all('transfer-encoding'), self.all(
            'content-length')
        check(not (coding and length), 'two framings:', self.fields)
        check(len(length) <= 1, 'two lengths:', self.fields)
        check(coding in ([], ['chunked']), 'transfer-encoding', coding)
        if coding and not none:
            self.chunks(b)
        elif length and not none:
            check(re.fullmatch('[0-9]+', length[0]), length)
            left = len(b.data) - b.pos
            self.body = b.take(min(left, int(length[0])))
            if len(self.body) < int(length[0]):
                raise Short
        self.whole = True

    def chunks(self, b):
        while True:
            line = b.line()
            check(re.fullmatch(rb'[0-9a-f]+', line), 'chunk', line)
            n = int(line, 16)
            if n == 0:
                self.trailers = self.lines(b)
                return
            self.body += b.take(n)
            check(b.take(2) == b'\r\n', 'behind a chunk')


class Exchange:
    """One request and what was answered, of one conversation."""

    def __init__(self, stream):
        self.stream = stream
        self.port = stream.key[1]
        self.up, self.down = Bytes(stream.up.data), Bytes(stream.down.data)
        self.interim, self.request, self.response = [], None, None
        self.tunnel = None
        self.reset = stream.up.rst or stream.down.rst
        try:
            self.read()
            self.whole = True
        except Short:
            check(self.reset, 'cut without a reset:', stream)
            self.whole = False
        for b in self.up, self.down:
            check(not self.whole or b.pos == len(b.data), 'bytes of nobody:',
                  b.data[b.pos:b.pos + 200], stream)

    def read(self):
        m = FIRST.fullmatch(self.up.line())
        check(m, 'no request:', bytes(self.up.data[:200]))
        self.method, self.target = m.group(1).decode(), m.group(2).decode(
            'latin-1')
        self.request = r = Message(m.group(0), self.up)
        equal(r.fields[0][0], 'host', 'the first field')
        equal(len(r.all('host')), 1, 'lines of Host')
        short = None
        try:
            r.read(self.up, self.method == 'CONNECT')
        except Short as e:      # it may be answered before its end
            short = e
        self.answer()
        if short:
            raise short

    def answer(self):
        while True:
            m = STATUS.fullmatch(self.down.line())
            check(m, 'no response:', bytes(self.down.data[:200]))
            self.status = int(m.group(1))
            a = Message(m.group(0), self.down)
            if self.status == 101 or self.status >= 200:
                break
            self.interim.append((self.status, a))
        self.response = a
        if self.status == 101:
            self.switched(a)
        elif self.method == 'CONNECT' and self.status < 300:
            self.tunnel = self.up.rest(), self.down.rest()
        else:
            a.read(self.down, self.method == 'HEAD' or
                   self.status in (204, 304))

    def switched(self, a):
        r = self.request
        equal((self.method, r.get('connection'), a.get('connection')),
              ('GET', 'Upgrade', 'Upgrade'))
        equal(a.get('upgrade'), r.get('upgrade'), 'the protocol')
        if a.get('upgrade') == 'websocket':
            key = r.get('sec-websocket-key') + \
                '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
            equal(a.get('sec-websocket-accept'), base64.b64encode(
                hashlib.sha1(key.encode()).digest()).decode(), 'the key')
        self.tunnel = self.up.rest(), self.down.rest()


def read(streams):
    """The exchanges of a mirror, one in each conversation."""
    out = []
    for x in streams:
        equal(x.problems, [], 'mirror of %s' % (x.key,))
        check(x.closed, 'not closed on the mirror:', x)
        out.append(Exchange(x))
    return out


def messages(data):
    """gRPC's, of the content of a message."""
    out, pos = [], 0
    while pos < len(data):
        equal(data[pos], 0, 'compressed')
        n = int.from_bytes(data[pos + 1:pos + 5], 'big')
        out.append(data[pos + 5:pos + 5 + n])
        pos += 5 + n
    equal(pos, len(data), 'the end of a gRPC message')
    return out


def frames(data):
    """[(opcode, payload)] of WebSocket (RFC 6455, 5.2), unmasked."""
    out, pos = [], 0
    while pos < len(data):
        op, n = data[pos], data[pos + 1] & 127
        masked, at = data[pos + 1] & 128, pos + 2
        size = {126: 2, 127: 8}.get(n, 0)
        if size:
            n = int.from_bytes(data[at:at + size], 'big')
            at += size
        key = data[at:at + 4] if masked else b'\0\0\0\0'
        at += 4 if masked else 0
        out.append((op & 15, bytes(x ^ key[i & 3] for i, x in
                                   enumerate(data[at:at + n]))))
        pos = at + n
    equal(pos, len(data), 'the end of a frame')
    return out
