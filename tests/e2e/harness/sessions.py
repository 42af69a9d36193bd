"""Sessions at a rate, each accounted for to the byte: one thread has all of
them and their servers, and each sends texts of its own and gets them back.
"""
import hashlib
import selectors
import socket
import ssl
import threading
import time

from . import net, peer
from .proc import Failure, equal

PART = 600                      # bytes of a text
AT_ONCE = 400                   # at most; a busy machine is slow to end them
HANGS = 90                      # s behind the last that begins


class End:
    """One socket, plain or TLS, and what went through it."""

    def __init__(self, sock, ctx=None, **kw):
        sock.setblocking(False)
        self.sock, self.tls = sock, None
        if ctx:                 # which says RST and FIN apart, unlike ssl's
            self.bin, self.bout = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = ctx.wrap_bio(self.bin, self.bout, **kw)
        self.shaken = ctx is None
        self.sent, self.received = bytearray(), bytearray()
        self.out, self.wire = b'', b''  # to be sent; the same, encrypted
        self.end = None         # 'fin'; or how it broke

    def pull(self):
        while not self.end:
            d = self.sock.recv(65536)
            if not d:
                self.end = 'fin'
            elif self.tls:
                self.bin.write(d)
            else:
                self.received += d

    def push(self):
        if not self.tls:
            self.sent += self.out
            self.wire, self.out = self.wire + self.out, b''
        while self.wire:
            self.wire = self.wire[self.sock.send(self.wire):]

    def crypt(self):
        """What TLS makes of what came, and of what goes."""
        try:
            if not self.shaken:
                self.tls.do_handshake()
                self.shaken = True
            if self.out:
                self.tls.write(self.out)
                self.sent += self.out
                self.out = b''
            while True:
                self.received += self.tls.read(65536)
        except ssl.SSLWantReadError:
            pass
        self.wire += self.bout.read()

    def step(self):
        """What can be done now; True if the other end has said something."""
        had = len(self.received), self.end
        for f in self.pull, self.crypt, self.push:
            try:
                if f != self.crypt or self.tls:
                    f()
            except BlockingIOError:
                pass
            except OSError as e:        # ssl.SSLError is one
                self.end = type(e).__name__
        return (len(self.received), self.end) != had

    def fin(self):
        """No more from here."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Session:
    """A client, and the server's end of it once that is there."""

    def __init__(self, number, port, parts):
        self.number, self.port, self.parts = number, port, parts
        self.begin, self.over = time.monotonic(), None
        self.server = None
        self.due = []           # when the next texts go

    def text(self, i):
        """Whose it is, and more of its own. It is like no protocol."""
        d = self.number.to_bytes(3, 'big') + hashlib.shake_128(
            b'%d %d' % (self.number, i)).digest(PART // 2 - 3)
        return bytes(0xa0 | n for x in d for n in (x >> 4, x & 15))

    @staticmethod
    def number_of(text):
        """The session that a text begins with, or None: too short."""
        return int(''.join('%x' % (x & 15) for x in text[:6]), 16) \
            if len(text) >= 6 else None

    def complete(self):
        """Every byte went there and back, and both ends closed."""
        e = self.client
        return e.end == 'fin' and self.server is not None and \
            self.server.end == 'fin' and len(e.sent) == self.parts * PART \
            and e.sent == self.server.received == self.server.sent == \
            e.received


class Sessions:
    """rate a second, from the addresses of sources in turn, to the ports in
    turn: {port: whether it is TLS}. Each lives for about parts * pause s."""

    def __init__(self, s, rate, sources, ports, parts=4, pause=0.25):
        self.s, self.rate, self.sources = s, rate, sources
        self.ports, self.parts, self.pause = list(ports.items()), parts, pause
        self.sel = selectors.DefaultSelector()
        self.all, self.servers = [], []
        self.left = set()       # of the servers: those that have not ended
        self.cctx = peer.client_context(s.pki.ca)
        self.sctx = peer.server_context(s.pki.pair('good'))
        for port, tls in self.ports:
            self.listen(port, tls)
        self.stopping = 0       # since then
        self.error = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def listen(self, port, tls):
        with self.s.server:
            sock = socket.create_server((net.SERVER, port), backlog=4096)
        sock.setblocking(False)
        self.sel.register(sock, selectors.EVENT_READ, (port, tls))

    def run(self):
        try:
            self.loop()
        except Exception as e:          # told by stop()
            self.error = e

    def loop(self):
        new, live = time.monotonic(), set()
        while not self.stopping or live or self.left:
            now = time.monotonic()
            # What is late does not come all at once.
            new = max(new, now - 0.05)
            while not self.stopping and new <= now and len(live) < AT_ONCE:
                live.add(self.open())
                new += 1 / self.rate
            for x in live:
                if x.due and x.due[0] <= now:
                    x.client.out += x.text(self.parts - len(x.due))
                    x.due.pop(0)
                    self.client(x)
                elif x.client.wire:     # it could not be sent at once
                    self.client(x)
            for e in [e for e in self.left if e.wire]:
                self.echo(e)
            for key, mask in self.sel.select(0.005):
                if isinstance(key.data, tuple):
                    self.accept(key.fileobj, *key.data)
                elif isinstance(key.data, Session):
                    self.client(key.data)
                else:
                    self.echo(key.data)
            live -= {x for x in live if x.over}
            if self.stopping and time.monotonic() > self.stopping + HANGS:
                raise Failure('%d sessions hang: %s; %d of the server' % (
                    len(live), [(x.name, x.port) for x in live][:5],
                    len(self.left)))

    def open(self):
        n = len(self.all)
        port, tls = self.ports[n % len(self.ports)]
        with self.s.client:
            sock = socket.socket()
        # Its port is nobody else's, that it can be told by it.
        sock.bind((self.sources[n // len(self.ports) % len(self.sources)],
                   10000 + n))
        sock.setblocking(False)
        sock.connect_ex((net.SERVER, port))
        x = Session(n, port, self.parts)
        x.client = End(sock, self.cctx if tls else None,
                       **({'server_hostname': 'good.test'} if tls else {}))
        x.name = x.client.sock.getsockname()
        x.due = [x.begin + i * self.pause for i in range(self.parts)]
        self.all.append(x)
        self.sel.register(x.client.sock, selectors.EVENT_READ, x)
        return x

    def accept(self, listener, port, tls):
        sock, addr = listener.accept()
        e = End(sock, self.sctx if tls else None,
                **({'server_side': True} if tls else {}))
        self.servers.append(e)
        self.left.add(e)
        self.sel.register(e.sock, selectors.EVENT_READ, e)
        self.echo(e)

    def client(self, x):
        e = x.client
        if x.over:
            return
        e.step()
        if e.end or len(e.received) == self.parts * PART and not x.due:
            if not e.end:
                e.fin()
                e.step()
            if e.end:
                x.over = time.monotonic()
                x.due = []
                self.close(e)

    def echo(self, e):
        if e.end:
            return
        while e.step():         # more may have come with what was sent
            e.out += bytes(e.received[len(e.sent) + len(e.out):])
        if e.end:
            self.close(e)

    def close(self, e):
        self.left.discard(e)
        self.sel.unregister(e.sock)
        e.sock.close()

    # --- for the thread of the scenario
    def stop(self):
        """No new ones, and those there are end; all of them. A server end
        that got nothing is nobody's."""
        self.stopping = time.monotonic()
        self.thread.join()
        if self.error:
            raise self.error
        for e in self.servers:
            if e.received:
                x = self.all[Session.number_of(e.received)]
                equal(x.server, None, 'two connections of one session')
                x.server = e
        return self.all
