"""Endpoints under control to the byte: Peer is one connection, plain or TLS,
that keeps what it sent and what it received; Serve accepts them.
"""
import fcntl
import socket
import ssl
import struct
import termios
import threading
import time

from .proc import PATIENCE, Failure

RAW_TIMEOUT = 60
TCP_CLOSE = 7           # include/net/tcp_states.h
# How a peer's side ended, as seen here.
NOTIFY, FIN, RST = 'close_notify', 'fin', 'rst'


def client_context(trust, alpn=None, lo=None, hi=None, verify=True):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(trust)
    if not verify:
        c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE
    return bounded(c, alpn, lo, hi)


def server_context(pair, alpn=None, lo=None, hi=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(*pair)
    return bounded(c, alpn, lo, hi)


def bounded(c, alpn, lo, hi):
    # Some builds of Python take a FIN for a close_notify unless told not to.
    c.options &= ~getattr(ssl, 'OP_IGNORE_UNEXPECTED_EOF', 0)
    v = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}
    c.minimum_version = v[lo or '1.2']
    c.maximum_version = v[hi or '1.3']
    if alpn:
        c.set_alpn_protocols(alpn)
    return c


def unacked(sock):
    """How many bytes of what was written into a TCP socket have not arrived
    at the kernel it is connected to, and still may."""
    state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    if state == TCP_CLOSE:      # reset
        return 0
    return struct.unpack('i', fcntl.ioctl(sock, termios.TIOCOUTQ,
                                          b'....'))[0]


class Peer:
    def __init__(self, sock, ctx=None, name=None, session=None, server=False):
        self.sock = sock
        sock.settimeout(RAW_TIMEOUT)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            pass
        self.sent, self.received = bytearray(), bytearray()
        self.raw_in = bytearray()       # before decryption, first 64 KiB
        self.eof = None
        self.pending = b''              # given back by read_until()
        self.tls = None
        # Of self.tls: one thread may read while another sends.
        self.lock = threading.RLock()
        if ctx:
            self.use(ctx, name, session, server)

    def use(self, ctx, name=None, session=None, server=False):
        """TLS from here on; the handshake is still to be done."""
        self.bin, self.bout = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self.bin, self.bout, server_side=server,
                                server_hostname=name, session=session)
        return self

    # --- the wire
    def flush(self):
        with self.lock:         # records go out in their order
            d = self.bout.read() if self.tls else b''
            if d:
                self.sock.sendall(d)

    def pull(self):
        """Some more from the socket; False at its end."""
        try:
            d = self.sock.recv(262144)
        except ConnectionResetError:
            self.eof = RST
            raise
        with self.lock:
            if not d:
                self.bin.write_eof()
                return False
            if len(self.raw_in) < 65536:
                self.raw_in += d
            self.bin.write(d)
        return True

    def handshake(self):
        while True:
            try:
                with self.lock:
                    self.tls.do_handshake()
                self.flush()
                return self
            except ssl.SSLWantReadError:
                self.flush()
                self.pull()
            except ssl.SSLError:
                try:
                    self.flush()
                except OSError:
                    pass
                raise

    # --- the stream
    def send(self, data):
        view = memoryview(data)
        while view:
            part = view[:65536]
            if self.tls:
                while True:
                    try:
                        with self.lock:
                            self.tls.write(part)
                        break
                    except ssl.SSLWantReadError:
                        self.flush()
                        self.pull()
                self.flush()
            else:
                self.sock.sendall(part)
            self.sent += part
            view = view[len(part):]
        return self

    def recv(self, n=262144):
        """Some bytes; b'' at the end, with self.eof saying which."""
        if self.pending:
            d, self.pending = self.pending[:n], self.pending[n:]
            return d
        d = self.take(n)
        self.received += d
        return d

    def take(self, n):
        if self.eof:
            return b''
        if not self.tls:
            try:
                d = self.sock.recv(n)
            except ConnectionResetError:
                self.eof = RST
                return b''
            if not d:
                self.eof = FIN
            return d
        while True:
            try:
                with self.lock:
                    d = self.tls.read(n)
                if d:
                    return d
                self.eof = NOTIFY
                return b''
            except ssl.SSLWantReadError:
                self.flush()
                try:
                    self.pull()
                except ConnectionResetError:
                    return b''
            except ssl.SSLZeroReturnError:
                self.eof = NOTIFY
                return b''
            except ssl.SSLError as e:
                if isinstance(e, ssl.SSLEOFError) or 'EOF' in str(e):
                    self.eof = FIN
                    return b''
                raise

    def recv_exact(self, n):
        out = bytearray()
        while len(out) < n:
            d = self.recv(n - len(out))
            if not d:
                raise Failure('%s after %d of %d bytes' %
                              (self.eof, len(out), n))
            out += d
        return bytes(out)

    def recv_until(self, mark):
        out = b''
        while mark not in out:
            d = self.recv()
            if not d:
                raise Failure('%s before %r, after %r' %
                              (self.eof, mark, out[-200:]))
            out += d
        at = out.index(mark) + len(mark)
        self.pending = out[at:] + self.pending
        return out[:at]

    def recv_all(self):
        out = bytearray()
        while True:
            d = self.recv()
            if not d:
                return bytes(out)
            out += d

    def here(self):
        """What has come and is still to be read; it is not waited for."""
        n = len(self.received)
        self.sock.settimeout(0)
        try:
            while self.recv():
                pass
        except BlockingIOError:
            pass
        self.sock.settimeout(RAW_TIMEOUT)
        self.pending = bytes(self.received[n:]) + self.pending
        return self.pending

    # --- the end
    def notify(self):
        """Send close_notify, and go on reading."""
        try:
            with self.lock:
                self.tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLError):
            pass
        self.flush()
        return self

    def fin(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def rst(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack('ii', 1, 0))
        self.sock.close()

    def close(self):
        """An orderly end of this side, and of the socket."""
        try:
            if self.tls and self.eof != RST:
                self.notify()
            self.sock.close()
        except OSError:
            self.sock.close()
        return self

    def finish(self):
        """close_notify and FIN, then read to the peer's end."""
        if self.tls:
            self.notify()
        try:
            self.fin()
            self.recv_all()
        except OSError:
            pass
        self.sock.close()
        return self


def reset_wait(sock, timeout=10):
    """Whether the peer resets a raw socket (or ends it), and how."""
    sock.settimeout(timeout * PATIENCE)
    try:
        while True:
            if not sock.recv(65536):
                return FIN
    except ConnectionResetError:
        return RST


class Serve:
    """Accepts in a namespace; each connection runs handler(peer) in a thread
    and is kept in .peers. A handler's exception is kept in .errors."""

    def __init__(self, ns, port, handler=None, ctx=None, address='10.2.0.2',
                 backlog=512, early=None):
        self.handler, self.ctx, self.early = handler or echo, ctx, early
        self.peers, self.errors, self.addrs = [], [], []
        self.lock = threading.Lock()
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        with ns:
            self.sock = socket.socket(family)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                self.sock.setsockopt(socket.IPPROTO_IPV6,
                                     socket.IPV6_V6ONLY, 1)
            self.sock.bind((address, port))
            self.sock.listen(backlog)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, addr = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(sock, addr),
                             daemon=True).start()

    def one(self, sock, addr):
        try:
            if self.early:
                self.early(sock)
            p = Peer(sock, self.ctx, server=True)
            p.addr = addr
            p.done = False
            with self.lock:
                self.peers.append(p)
            if self.ctx:
                p.handshake()
            self.handler(p)
        except (OSError, ssl.SSLError, Failure) as e:
            with self.lock:
                self.errors.append(e)
            sock.close()
        finally:
            try:
                p.done = True
            except NameError:
                pass

    def wait(self, n=1, timeout=10):
        """n connections that are done; all peers."""
        end = time.monotonic() + timeout * PATIENCE
        while sum(p.done for p in self.peers) < n:
            if time.monotonic() > end:
                raise Failure('%d of %d server connections done; %s' % (
                    sum(p.done for p in self.peers), n, self.errors[:3]))
            time.sleep(0.01)
        return self.peers

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def echo(p):
    """What comes goes back, until the peer ends; then ends too."""
    while True:
        d = p.recv()
        if not d:
            break
        p.send(d)
    if p.eof != RST:
        p.close()


def sink(p):
    p.recv_all()
    p.close()


def http(body=b'hello\n', extra=b'', close=False, kind=b'text/plain'):
    """A little HTTP/1.1 server: Content-Length answers, keep-alive."""
    def handler(p):
        while True:
            try:
                head = p.recv_until(b'\r\n\r\n')
            except Failure:
                break
            want = [x for x in head.lower().split(b'\r\n')
                    if x.startswith(b'content-length:')]
            if want:
                p.recv_exact(int(want[0].split(b':')[1]))
            path = head.split()[1].decode(errors='replace')
            answer = body(path) if callable(body) else body
            p.send(b'HTTP/1.1 200 OK\r\nServer: little\r\n'
                   b'Content-Type: ' + kind + b'\r\n' + extra +
                   (b'Connection: close\r\n' if close else b'') +
                   b'Content-Length: %d\r\n\r\n' % len(answer) +
                   (b'' if head.startswith(b'HEAD') else answer))
            if close:
                break
        if p.eof != RST:
            p.close()
    return handler


def connect(ns, address, port, source=None, timeout=RAW_TIMEOUT):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with ns:
        s = socket.socket(family)
    s.settimeout(timeout)
    if source:
        s.bind(source)
    s.connect((address, port))
    return s
