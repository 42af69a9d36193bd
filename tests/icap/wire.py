"""The server's side of an ICAP connection: reading requests strictly, so that
a client's mistake is an error in the log, and writing answers in pieces."""

import hashlib
import re
import select
import socket
import ssl
import tempfile
import time
import urllib.parse


class Gone(Exception):
    """The client ended the connection; complete says if between messages."""


class Stop(Exception):
    """The behaviour asked for an end of the connection."""


class Wire:
    """A connection: buffered reads, and writes that may be cut short."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""
        self.cut = None         # (mark, bytes into it, action)
        self.mark = None
        self.since = 0
        self.split = 0
        self.gap = 0

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone("EOF")
        self.buf += data

    def line(self):
        while b"\n" not in self.buf:
            if len(self.buf) > 65536:
                raise ValueError("a line without an end")
            self.fill()
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r")

    def exactly(self, n):
        while len(self.buf) < n:
            self.fill()
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def wait(self, ms):
        """Sleep, but notice a client that leaves."""
        end = time.monotonic() + ms / 1000
        while (left := end - time.monotonic()) > 0:
            if isinstance(self.sock, ssl.SSLSocket) or self.buf or \
                    not select.select([self.sock], [], [], left)[0]:
                time.sleep(max(0, end - time.monotonic()))
            elif not self.sock.recv(1, socket.MSG_PEEK):
                raise Gone("EOF while it had to wait")
            else:
                time.sleep(min(left, 0.01))

    def stop_at(self, mark):
        """Writes from here on belong to the part of that name."""
        self.mark, self.since = mark, 0
        if self.cut and self.cut[0] == mark and self.cut[1] == 0:
            self.cut[2]()

    def write(self, data):
        if self.cut and self.cut[0] == self.mark:
            left = self.cut[1] - self.since
            if len(data) >= left:
                self.put(data[:left])
                self.cut[2]()
        self.since += len(data)
        self.put(data)

    def put(self, data):
        if not self.split:
            self.sock.sendall(data)
            return
        for i in range(0, len(data), self.split):
            self.sock.sendall(data[i:i + self.split])
            if self.gap:
                time.sleep(self.gap / 1000)


class Transaction:
    """A request as it came, and what was done about it."""

    def __init__(self, wire, conn, ordinal):
        self.wire = wire
        self.conn, self.ordinal = conn, ordinal
        self.body = tempfile.SpooledTemporaryFile(1 << 20)
        self.sha = hashlib.sha256()
        self.record = {"conn": conn, "ordinal": ordinal, "body": 0,
                       "preview": None, "ieof": False, "continued": False,
                       "complete": False, "answer": None}

    def read_head(self):
        w = self.wire
        while True:
            if w.buf:
                break
            w.fill()
        first = w.line().decode("latin-1")
        self.method, self.uri, version = first.split(" ")
        if version != "ICAP/1.0" or not self.uri.startswith("icap"):
            raise ValueError("no ICAP request line: %r" % first)
        self.headers = {}
        while True:
            line = w.line().decode("latin-1")
            if not line:
                break
            name, value = line.split(":", 1)
            if name.lower() in self.headers:
                raise ValueError("field twice: %s" % name)
            self.headers[name.lower()] = value.strip()
        url = urllib.parse.urlsplit(self.uri)
        self.path = url.path.strip("/")
        self.query = dict(urllib.parse.parse_qsl(
            url.query, keep_blank_values=True, encoding="latin-1"))
        self.record.update(method=self.method, uri=self.uri, path=self.path,
                           headers=self.headers)

    def read_http_heads(self):
        """The encapsulated heads; says whether a body follows."""
        self.heads = {}
        value = self.headers.get("encapsulated", "")
        parts = [p.strip().split("=") for p in value.split(",") if p.strip()]
        parts = [(name, int(at)) for name, at in parts]
        if self.method != "OPTIONS" and not parts:
            raise ValueError("no Encapsulated")
        for (name, at), (_, end) in zip(parts, parts[1:]):
            head = self.wire.exactly(end - at)
            if not head.endswith(b"\r\n\r\n"):
                raise ValueError("%s does not end its section" % name)
            self.heads[name] = head
            self.record[name] = head.decode("latin-1")
        return bool(parts) and parts[-1][0] != "null-body"

    def chunks(self, readgap=0):
        """Yield the stretches of one run of chunks, up to its last."""
        w = self.wire
        while True:
            if readgap:
                time.sleep(readgap / 1000)
            line = w.line()
            m = re.fullmatch(rb"([0-9a-fA-F]+)(; ieof)?", line)
            if not m:
                raise ValueError("chunk head %r" % line)
            n = int(m.group(1), 16)
            if n == 0:
                if w.line() != b"":
                    raise ValueError("a trailer")
                self.record["ieof"] = m.group(2) is not None
                return
            if m.group(2):
                raise ValueError("ieof on a chunk of %d" % n)
            data = w.exactly(n)
            if w.exactly(2) != b"\r\n":
                raise ValueError("a chunk is longer than its size")
            self.keep(data)
            yield data

    def keep(self, data):
        self.sha.update(data)
        self.body.write(data)
        self.record["body"] += len(data)
