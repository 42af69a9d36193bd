"""HTTP/1.1 to the letter: an origin that writes down what reached it, and a
client that tells a whole answer from one that was cut off."""
import gzip
import hashlib
import threading
import urllib.parse

from . import peer
from .proc import Failure, equal

BLOCK = hashlib.shake_128(b'clearspan http').digest(1 << 20)


def content(n):
    """n bytes, the same each time."""
    return (BLOCK * (n // len(BLOCK) + 1))[:n]


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Message:
    """A message as it came: start line, fields, body; whole or cut."""

    def __init__(self, head):
        self.head = head
        lines = head.decode('latin-1').split('\r\n')
        self.line = lines[0]
        self.fields = [tuple(x.split(':', 1)) for x in lines[1:] if x]
        self.fields = [(a.lower(), b.strip()) for a, b in self.fields]
        self.body, self.whole = b'', True

    def get(self, name):
        return ', '.join(b for a, b in self.fields if a == name) or None

    @property
    def status(self):
        return int(self.line.split()[1])

    @property
    def target(self):
        return self.line.split()[1]

    def __repr__(self):
        return '%s, %d bytes%s' % (self.line, len(self.body),
                                   '' if self.whole else ', cut off')


def read_chunked(p):
    out = bytearray()
    while True:
        line = p.recv_until(b'\r\n')
        n = int(line.split(b';')[0], 16)
        if n == 0:
            while p.recv_until(b'\r\n') != b'\r\n':
                pass
            return bytes(out)
        out += p.recv_exact(n)
        equal(p.recv_exact(2), b'\r\n', 'behind a chunk')


def read_body(p, m, none, close):
    """The body of m; close: one without a length lasts to the end."""
    start = len(p.received) - len(p.pending)
    if none:
        return
    try:
        if (m.get('transfer-encoding') or '').lower() == 'chunked':
            equal(m.get('content-length'), None, 'a length with chunked')
            m.body = read_chunked(p)
        elif m.get('content-length') is not None:
            m.body = p.recv_exact(int(m.get('content-length')))
        elif close:
            m.body = p.recv_all()
            m.whole = p.eof in (peer.NOTIFY,) if p.tls else p.eof == peer.FIN
    except Failure as e:
        if p.eof is None:
            raise
        m.whole, m.why = False, str(e)
        m.body = bytes(p.received[start:])


def answer(p, method='GET', interim=None):
    """The next response; 1xx are put into interim, or skipped."""
    while True:
        m = Message(p.recv_until(b'\r\n\r\n'))
        if not 100 <= m.status < 200 or m.status == 101:
            break
        if interim is not None:
            interim.append(m.status)
    none = method == 'HEAD' or m.status in (101, 204, 304)
    read_body(p, m, none, True)
    return m


def pieces(body, size=10000):
    return b''.join(b'%x\r\n%s\r\n' % (len(body[i:i + size]),
                                       body[i:i + size])
                    for i in range(0, len(body), size)) + b'0\r\n\r\n'


def request(target, method='GET', body=None, fields=(), chunked=False,
            host='good.test'):
    """The bytes of a request."""
    lines = ['%s %s HTTP/1.1' % (method, target), 'Host: ' + host, *fields]
    if body is not None:
        lines.append('Transfer-Encoding: chunked' if chunked else
                     'Content-Length: %d' % len(body))
    head = ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1')
    if body is None:
        return head
    return head + (pieces(body) if chunked else body)


def ask(p, target, method='GET', body=None, **kw):
    p.send(request(target, method, body, **kw))
    return answer(p, method)


class Origin:
    """Handler of a Serve. What is answered is in the target's query: n bytes,
    as=length|chunked|close|gzip, status, type, slow, and cut=bytes sent of
    the body before the connection is broken off."""

    def __init__(self):
        self.got, self.lock = [], threading.Lock()
        self.raw = []

    def __call__(self, p):
        while True:
            try:
                head = p.recv_until(b'\r\n\r\n')
            except Failure:
                break
            m = Message(head)
            m.peer = p
            if m.get('expect') == '100-continue':
                p.send(b'HTTP/1.1 100 Continue\r\n\r\n')
            read_body(p, m, False, False)
            with self.lock:
                self.got.append(m)
            if not m.whole or not self.reply(p, m):
                break
        if p.eof != peer.RST:
            p.close()

    def reply(self, p, m):
        url = urllib.parse.urlsplit(m.target)
        q = dict(urllib.parse.parse_qsl(url.query))
        if q.get('upgrade'):
            p.send(b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade'
                   b'\r\nUpgrade: websocket\r\n\r\n')
            while True:
                d = p.recv()
                if not d:
                    return False
                p.send(d)
        body = content(int(q.get('n', 5)))
        if 'data' in q:
            body = q['data'].encode('latin-1')
        status = int(q.get('status', 200))
        how = q.get('as', 'length')
        head = 'HTTP/1.1 %d Whatever\r\nServer: little\r\nContent-Type: %s' \
            '\r\n' % (status, q.get('type', 'application/octet-stream'))
        if how == 'gzip':
            body = gzip.compress(body, 1)
            head += 'Content-Encoding: gzip\r\n'
        if status in (204, 304):
            body = b''
        elif how == 'chunked':
            head += 'Transfer-Encoding: chunked\r\n'
        elif how != 'close':
            head += 'Content-Length: %d\r\n' % len(body)
        if how == 'close':
            head += 'Connection: close\r\n'
        p.send(head.encode() + b'\r\n')
        if m.line.startswith('HEAD') or status in (204, 304):
            return True
        if how == 'chunked':
            body = pieces(body)
        p.send(body[:int(q.get('cut', len(body)))])
        if 'cut' in q:
            return False
        return how != 'close'

    def last(self):
        return self.got[-1]
