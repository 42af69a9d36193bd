"""HTTP/2 (RFC 9113) to the letter: one end of a connection, client or server,
that can send any frame, wrong ones too, and is strict with what it is sent:
whatever the RFC does not allow is a Wrong."""
import re
import struct
import sys
import urllib.parse

from . import http
from .proc import Failure

# Debian's, whatever python3 this is. It is for decoding; we write literals.
sys.path.append('/usr/lib/python3/dist-packages')
import hpack                                            # noqa: E402

(DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW,
 CONTINUATION) = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32
(NO_ERROR, PROTOCOL, INTERNAL, FLOW, TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL,
 COMPRESSION, CONNECT, CALM, INADEQUATE, HTTP11) = range(14)
(S_TABLE, S_PUSH, S_STREAMS, S_WINDOW, S_FRAME, S_LIST) = range(1, 7)
S_CONNECT = 8
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
TOP = (1 << 31) - 1
PER_CONNECTION = (b'connection', b'proxy-connection', b'keep-alive',
                  b'transfer-encoding', b'upgrade')
PSEUDO = {True: {b':method', b':scheme', b':authority', b':path',
                 b':protocol'}, False: {b':status'}}


class Wrong(Failure):
    """A peer did what RFC 9113 does not allow."""


def must(truth, *what):
    if not truth:
        raise Wrong(' '.join(map(str, what)))


def frame(kind, flags=0, sid=0, body=b'', length=None):
    n = len(body) if length is None else length
    return struct.pack('>I', n)[1:] + struct.pack('>BBI', kind, flags,
                                                  sid) + body


def number(n, bits, first=0):
    """An integer of HPACK (RFC 7541, 5.1)."""
    top = (1 << bits) - 1
    if n < top:
        return bytes([first | n])
    out, n = bytearray([first | top]), n - top
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def raw(x):
    return x if isinstance(x, bytes) else x.encode('latin-1')


def literals(fields, first=0):
    """A field block of literals; first: 0 not indexed, 0x40 indexed."""
    out = b''
    for name, value in fields:
        name, value = raw(name), raw(value)
        out += bytes([first]) + number(len(name), 7) + name + \
            number(len(value), 7) + value
    return out


def settings(*pairs):
    return b''.join(struct.pack('>HI', *x) for x in pairs)


def request(path='/', method='GET', host='good.test', more=()):
    return [(':method', method), (':scheme', 'https'), (':authority', host),
            (':path', path), *more]


class Frame:
    def __init__(self, head, body):
        self.kind, self.flags = head[3], head[4]
        self.sid = struct.unpack('>I', head[5:])[0] & TOP
        self.body = body

    def __repr__(self):
        return '(%d %#x %d: %d)' % (self.kind, self.flags, self.sid,
                                    len(self.body))


class Stream:
    def __init__(self, sid, window, room):
        self.sid = sid
        self.window, self.room = window, room   # to send, to receive
        self.heads = []         # of the peer, interim ones first
        self.body, self.trailers = bytearray(), None
        self.ended = False      # by the peer
        self.code = None        # of RST_STREAM
        self.dead = False       # we have reset it
        self.deaf = False       # its window is not given back
        self.method = self.path = None  # of a request of ours
        self.case = None

    @property
    def head(self):
        """The last head, as a dict of str."""
        return {a.decode('latin-1'): b.decode('latin-1')
                for a, b in self.heads[-1]} if self.heads else {}

    @property
    def status(self):
        return int(self.head.get(':status', 0))

    @property
    def over(self):
        return self.ended or self.code is not None

    @property
    def whole(self):
        return self.ended and self.code is None

    def __repr__(self):
        return 'stream %d: %s, %d bytes, ended %s, code %s' % (
            self.sid, self.head, len(self.body), self.ended, self.code)


def check_fields(fields, request, trailers=False):
    """RFC 9113, 8.2 and 8.3."""
    names, regular = [a for a, _ in fields], False
    for name, value in fields:
        pseudo = name.startswith(b':')
        must(re.fullmatch(rb":?[!#$%&'*+.^_`|~0-9a-z-]+", name),
             'field name', name)
        must(not re.search(rb'[\r\n\0]', value) and
             value == value.strip(b' \t'), 'value of', name, value)
        must(name not in PER_CONNECTION, 'connection-specific', name)
        must(name != b'te' or value == b'trailers', 'te:', value)
        must(not pseudo or not regular and not trailers and
             name in PSEUDO[request] and names.count(name) == 1,
             'pseudo-header', name, 'in', names)
        regular |= not pseudo
    if not trailers:
        need = ({b':status'} if not request else {b':method', b':authority'}
                if (b':method', b'CONNECT') in fields and
                b':protocol' not in names else
                {b':method', b':scheme', b':path'})
        must(need <= set(names), 'pseudo-headers missing:', names)


class End:
    """auto: acknowledge, and give windows back."""

    def __init__(self, p, server=False, told=(), auto=True):
        self.p, self.server, self.auto = p, server, auto
        self.told = dict(told if server else ((S_PUSH, 0), *told))
        self.theirs = {S_WINDOW: 65535, S_FRAME: 16384}
        self.decoder = hpack.Decoder(1 << 24)
        self.streams, self.ready, self.frames = {}, [], []
        self.window = self.room = 65535
        self.goaway = None              # (last stream, code)
        self.acks, self.pings, self.over = 0, [], False
        self.block, self.last, self.next = None, 0, 1

    # --- sending
    def write(self, data):
        try:
            self.p.send(data)
        except OSError:         # its end is read in turn()
            pass

    def send(self, *a, **kw):
        self.write(frame(*a, **kw))

    def hello(self, preface=PREFACE):
        if not self.server:
            self.write(preface)
        elif self.p.recv_exact(len(PREFACE)) != PREFACE:
            raise Wrong('preface')
        self.send(SETTINGS, body=settings(*self.told.items()))
        return self

    def open(self, sid=None):
        """A stream of ours, the next one."""
        if sid is None:
            sid, self.next = self.next, self.next + 2
        self.streams[sid] = Stream(sid, self.theirs[S_WINDOW],
                                   self.told.get(S_WINDOW, 65535))
        return self.streams[sid]

    def head(self, sid, fields, end=True, flags=END_HEADERS):
        self.block_of(sid, literals(fields), end, flags)

    def block_of(self, sid, block, end=True, flags=END_HEADERS):
        """HEADERS, and CONTINUATION as it needs."""
        parts = [block[i:i + 16384] for i in range(0, len(block), 16384)]
        flags |= END_STREAM * end
        if len(parts) <= 1:
            return self.send(HEADERS, flags, sid, block)
        self.send(HEADERS, flags & ~END_HEADERS, sid, parts[0])
        for x in parts[1:]:
            self.send(CONTINUATION, END_HEADERS * (x is parts[-1]), sid, x)

    def data(self, sid, body=b'', end=True):
        """A frame, whatever the windows are."""
        self.send(DATA, END_STREAM * end, sid, body)

    def content(self, stream, body, end=True):
        """Within the windows, which are waited for."""
        at = 0
        while at < len(body):
            n = min(self.window, stream.window, 16384, len(body) - at)
            if stream.over and stream.code is not None:
                return
            if n <= 0:
                if self.turn() is None:
                    return
                continue
            at += n
            self.window -= n
            stream.window -= n
            self.data(stream.sid, body[at - n:at], end and at == len(body))
        if end and not body:
            self.data(stream.sid)

    def reset(self, sid, code=CANCEL):
        self.send(RST, 0, sid, struct.pack('>I', code))
        if sid in self.streams:
            self.streams[sid].dead = True

    def grow(self, sid, n):
        self.send(WINDOW, 0, sid, struct.pack('>I', n))

    # --- requests
    def ask(self, path='/', method='GET', body=None, more=(), end=True,
            trailers=(), host='good.test'):
        st = self.open()
        st.method, st.path = method, path
        self.head(st.sid, request(path, method, host, more),
                  end and body is None and not trailers)
        if body is not None:
            self.content(st, body, end and not trailers)
        if trailers:
            self.head(st.sid, trailers)
        return st

    def answer(self, st):
        self.until(lambda: st.over, 'answer on %s' % st)
        return st

    def get(self, path='/', *a, **kw):
        """An answer that must be whole."""
        st = self.answer(self.ask(path, *a, **kw))
        if not st.whole:
            raise Failure('%s was reset: %s' % (path, st))
        return st

    # --- receiving
    def read(self):
        try:
            head = self.p.recv_exact(9)
            n = int.from_bytes(head[:3], 'big')
            must(n <= self.told.get(S_FRAME, 16384), 'frame of', n)
            return Frame(head, self.p.recv_exact(n))
        except TimeoutError:
            raise Failure('nothing came; frames %s' % self.frames[-9:])
        except Wrong:
            raise
        except (OSError, Failure):
            return None

    def turn(self):
        """Take a frame in. None: the connection is over."""
        f = self.read()
        if f is None:
            self.over = True
            return None
        self.frames.append(f)
        must(len(self.frames) > 1 or f.kind == SETTINGS, 'first frame', f)
        must(self.block is None or f.kind == CONTINUATION and
             f.sid == self.block[0].sid, f, 'within a field block')
        if f.kind < len(self.TAKE):
            self.TAKE[f.kind](self, f)
        return f

    def until(self, fact, what):
        while not fact():
            if self.turn() is None and not fact():
                raise Failure('the connection ended (%s, GOAWAY %s) before: '
                              '%s; frames %s' % (self.p.eof, self.goaway,
                                                 what, self.frames[-9:]))

    def ended(self):
        """All that still comes, to the connection's end."""
        while self.turn() is not None:
            pass
        return self

    def of(self, f):
        """The stream of a frame, which is not idle."""
        must(f.sid in self.streams, f, 'on an idle stream')
        return self.streams[f.sid]

    def padded(self, f):
        if not f.flags & PADDED:
            return f.body
        must(f.body and f.body[0] < len(f.body), 'padding of', f)
        return f.body[1:len(f.body) - f.body[0]]

    def on_data(self, f):
        st, body = self.of(f), self.padded(f)
        self.room -= len(f.body)
        st.room -= len(f.body)
        must(self.room >= 0, f, 'beyond the window of the connection')
        if f.body and self.auto:
            self.room += len(f.body)
            self.grow(0, len(f.body))
        if st.dead:
            return
        must(st.room >= 0, f, 'beyond the window of its stream')
        must(not st.over and st.heads and (self.server or st.status >= 200),
             f, 'out of turn, of', st)
        st.body += body
        if f.flags & END_STREAM:
            self.end(st)
        elif f.body and self.auto and not st.deaf:
            st.room += len(f.body)
            self.grow(f.sid, len(f.body))

    def end(self, st):
        st.ended = True
        n = st.head.get('content-length')
        if n is not None and st.method != 'HEAD' and st.status != 304:
            must(int(n) == len(st.body), 'content-length', n, 'of', st)
        self.ready.append(st)

    def on_headers(self, f):
        if self.server and f.sid not in self.streams:
            must(f.sid & 1 and f.sid > self.last, 'new stream', f.sid)
            self.last = f.sid
            self.open(f.sid)
        st = self.of(f)
        must(not st.over or st.dead, f, 'on a closed stream', st)
        body = self.padded(f)
        if f.flags & WITH_PRIORITY:
            must(len(body) >= 5, 'priority of', f)
            body = body[5:]
        self.block = [f, body]
        self.whole_block(f)

    def on_continuation(self, f):
        must(self.block is not None, f, 'without HEADERS')
        self.block[1] += f.body
        self.whole_block(f)

    def whole_block(self, f):
        if not f.flags & END_HEADERS:
            return
        (first, block), self.block = self.block, None
        st = self.streams[first.sid]
        fields = [tuple(x) for x in self.decoder.decode(block, raw=True)]
        end = first.flags & END_STREAM
        trailers = bool(st.heads) and (self.server or st.status >= 200)
        check_fields(fields, self.server, trailers)
        if st.dead:
            return
        must(not trailers or end, 'trailers without an end')
        if trailers:
            st.trailers = fields
        else:
            st.heads.append(fields)
            must(self.server or st.status >= 200 or not end,
                 'an interim response that ends the stream')
            must(self.server or st.status != 101, '101')
            self.opened(st)
        if end:
            self.end(st)

    def opened(self, st):
        """A head has come; for a server of more."""

    def on_priority(self, f):
        must(f.sid and len(f.body) == 5, f)

    def on_rst(self, f):
        must(len(f.body) == 4, f)
        st = self.of(f)
        if st.code is None:
            st.code = struct.unpack('>I', f.body)[0]

    def on_settings(self, f):
        must(f.sid == 0 and len(f.body) % 6 == 0, f)
        if f.flags & ACK:
            must(not f.body, f)
            self.acks += 1
            return
        for i in range(0, len(f.body), 6):
            self.setting(*struct.unpack('>HI', f.body[i:i + 6]))
        if self.auto:
            self.send(SETTINGS, ACK)

    def setting(self, key, value):
        must(key not in (S_PUSH, S_CONNECT) or value <= 1, 'setting', key,
             value)
        must(key != S_PUSH or self.server or value == 0, 'push by a server')
        must(key != S_FRAME or 1 << 14 <= value < 1 << 24, 'frame size',
             value)
        must(key != S_WINDOW or value <= TOP, 'window', value)
        if key == S_WINDOW:
            for st in self.streams.values():
                st.window += value - self.theirs[S_WINDOW]
        self.theirs[key] = value

    def on_push(self, f):
        raise Wrong('PUSH_PROMISE')

    def on_ping(self, f):
        must(f.sid == 0 and len(f.body) == 8, f)
        if f.flags & ACK:
            self.pings.append(f.body)
        elif self.auto:
            self.send(PING, ACK, 0, f.body)

    def on_goaway(self, f):
        must(f.sid == 0 and len(f.body) >= 8, f)
        last, code = struct.unpack('>II', f.body[:8])
        must(self.goaway is None or last <= self.goaway[0],
             'GOAWAY with a larger id')
        self.goaway = (last, code)

    def on_window(self, f):
        must(len(f.body) == 4, f)
        n = struct.unpack('>I', f.body)[0] & TOP
        must(n, f, 'of 0')
        if f.sid:
            st = self.of(f)
            st.window += n
            must(st.window <= TOP or st.over, f, 'beyond 2^31-1')
        else:
            self.window += n
            must(self.window <= TOP, f, 'beyond 2^31-1')

    TAKE = (on_data, on_headers, on_priority, on_rst, on_settings, on_push,
            on_ping, on_goaway, on_window, on_continuation)


class Site:
    """Handler of a Serve, a server. What it answers is in the request's query:
    n bytes, status, hints (a 103 first), trailers, echo, len, hold (until
    somebody asks for /release within the connection). A path in `apps` is
    answered by its function, app(end, stream), once the head is there."""

    def __init__(self, told=()):
        self.told, self.apps = told, {}
        self.ends, self.wrong, self.got = [], [], []

    def __call__(self, p):
        e = End(p, True, self.told)
        e.opened = lambda st: self.opened(e, st)
        e.apps, e.held = [], []
        self.ends.append(e)
        try:
            e.hello()
            while e.turn() is not None:
                self.answers(e)
        except Wrong as x:
            self.wrong.append(str(x))
        finally:
            p.close()

    def opened(self, e, st):
        self.got.append(st)
        st.path = st.head.get(':path', '')
        app = self.apps.get(st.path.split('?')[0])
        if app:
            e.apps.append((app, st))

    def answers(self, e):
        while e.apps:
            app, st = e.apps.pop(0)
            app(e, st)
        while e.ready:
            st = e.ready.pop(0)
            if st.path.split('?')[0] not in self.apps and st.code is None:
                self.reply(e, st)

    def reply(self, e, st):
        q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(st.path).query))
        if 'hold' in q:
            e.held.append((st, q))
            return
        while st.path == '/release' and e.held:
            self.send(e, *e.held.pop(0))
        self.send(e, st, q)

    def send(self, e, st, q):
        body = http.content(int(q.get('n', 5)))
        if 'echo' in q:
            body = bytes(st.body)
        if 'hints' in q:
            e.head(st.sid, [(':status', '103'), ('link', '</a>')], False)
        more = [('content-length', str(len(body)))] if 'len' in q else []
        e.head(st.sid, [(':status', q.get('status', '200')),
                        ('server', 'little'),
                        ('content-type', 'application/octet-stream'), *more],
               st.head[':method'] == 'HEAD')
        if st.head[':method'] == 'HEAD':
            return
        e.content(st, body, 'trailers' not in q)
        if 'trailers' in q:
            e.head(st.sid, [('x-sum', '42')])

    def paths(self):
        return [x.path for x in self.got]


def connect(s, told=(), name='good.test', hello=True, auto=True, **kw):
    """A client through the gateway."""
    e = End(s.tls(name=name, alpn=['h2'], **kw), told=told, auto=auto)
    if hello:
        e.hello()
    return e


def serve(s, told=(), **kw):
    site = Site(told)
    site.serve = s.serve(handler=site, alpn=['h2'], **kw)
    return site
