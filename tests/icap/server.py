#!/usr/bin/env python3
"""An ICAP server that misbehaves on demand.

    server.py [--port N] [--log FILE] [--script FILE]
        [--tls CERT KEY [--tls-client CA]]

It listens on 127.0.0.1 (port 0: any; the port is the first line on stdout).
What it does is chosen by the service's name and its parameters; see
behaviour.py. A script is JSON, read again whenever it changes:

    [{"path": "echo", "method": "RESPMOD", "from": 3, "to": 5,
      "as": "f9", "set": {"how": "fin"}}]

For transactions 3 to 5 (counted over all connections, per method and path)
the first rule that matches replaces the service and sets parameters. Each
transaction and each end of a connection is one line of JSON in the log.

A transaction with `hold` says so in the log ("held") and waits for its answer
until the file SCRIPT.let has its number: how many in all were let go.
"""

import argparse
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

import behaviour
from wire import Gone, Stop, Transaction, Wire


def established(sock):
    try:
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:             # closed, or handed over to TLS
        return False
    return state == 1           # TCP_ESTABLISHED


class Server:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.conns = 0
        self.tags = 0
        self.socks = set()
        self.counts = {}
        self.script = []
        self.single = {}
        self.script_time = None
        self.held = 0
        self.logfile = open(args.log, "a", 1) if args.log else None

    def log(self, record):
        record["time"] = round(time.time(), 6)
        with self.lock:
            if self.logfile:
                self.logfile.write(json.dumps(record) + "\n")
                self.logfile.flush()

    def open(self):
        """Connections that are not closed at the other end, as the kernel
        knows it: their threads may not have been told yet."""
        with self.lock:
            return sum(map(established, self.socks))

    def rules(self):
        try:
            when = os.stat(self.args.script).st_mtime_ns
        except (TypeError, FileNotFoundError):
            return []
        if when != self.script_time:
            with open(self.args.script) as f:
                self.script, self.script_time = json.load(f), when
            # Rules for one transaction alone are found by its number.
            self.single = {}
            for r in self.script:
                if "from" in r and r.get("from") == r.get("to"):
                    self.single.setdefault(r["from"], []).append(r)
            self.script = [r for r in self.script if "from" not in r or
                           r.get("from") != r.get("to")]
        return self.script

    def hold(self, wire):
        """Until it is let go."""
        with self.lock:
            self.held += 1
            n = self.held
        self.log({"event": "held", "held": n})
        while self.let() < n:
            wire.wait(10)

    def let(self):
        try:
            with open(self.args.script + ".let") as f:
                return int(f.read())
        except FileNotFoundError:
            return 0

    def behaviour_of(self, t):
        with self.lock:
            key = (t.method, t.path)
            n = self.counts[key] = self.counts.get(key, 0) + 1
            rules = self.rules()
            rules = self.single.get(n, []) + rules
        t.record.update(n=n, open=self.open())
        for r in rules:
            if r.get("path", t.path) == t.path and \
                    r.get("method", t.method) == t.method and \
                    r.get("from", 1) <= n <= r.get("to", n):
                return behaviour.parameters(r.get("as", t.path), t.query,
                                            r.get("set", {}))
        return behaviour.parameters(t.path, t.query)

    def istag(self, p):
        if p["istag"] == "none":
            return ""
        if p["istag"] == "new":
            with self.lock:
                self.tags += 1
                return 'ISTag: "server-%d"\r\n' % self.tags
        return 'ISTag: "%s"\r\n' % p["istag"]

    def serve(self, sock):
        with self.lock:
            self.conns += 1
            conn = self.conns
            self.socks.add(sock)
        why, ordinal = "", 0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.args.context:
                raw = sock
                sock = self.args.context.wrap_socket(sock, server_side=True)
                with self.lock:
                    self.socks.remove(raw)
                    self.socks.add(sock)
            wire = Wire(sock)
            while True:
                ordinal += 1
                if not self.transaction(wire, conn, ordinal):
                    why = "closed as told"
                    break
        except (Gone, Stop, OSError, ValueError) as e:
            why = "%s: %s" % (type(e).__name__, e)
        finally:
            with self.lock:
                self.socks.discard(sock)
            self.log({"event": "closed", "conn": conn, "why": why,
                      "transactions": ordinal - 1, "open": self.open()})
            sock.close()

    def transaction(self, wire, conn, ordinal):
        t = Transaction(wire, conn, ordinal)
        wire.cut = None
        wire.split = wire.gap = 0
        t.read_head()
        try:
            return Answer(self, t).run()
        except (Gone, Stop, OSError, ValueError) as e:
            t.record["error"] = "%s: %s" % (type(e).__name__, e)
            raise
        finally:
            t.record["sha256"] = t.sha.hexdigest()
            t.body.close()
            self.log(t.record)


class Answer:
    """One transaction, as its parameters say."""

    def __init__(self, server, t):
        self.server, self.t, self.wire = server, t, t.wire
        self.p = server.behaviour_of(t)

    def run(self):
        t, p = self.t, self.p
        if p is None:
            self.wire.put(b"ICAP/1.0 404 Service not found\r\n"
                          b"Connection: close\r\n\r\n")
            t.record["answer"] = 404
            return False
        t.record["as"] = {k: v for k, v in p.items()
                          if v != behaviour.DEFAULTS[k]}
        if t.method == "OPTIONS":
            return self.options()
        self.prepare()
        self.cut_here("accept")
        has_body = t.read_http_heads()
        self.cut_here("head")
        whole = self.read(has_body)
        self.wire.wait(int(p["slow"]))
        if p["hold"]:
            self.server.hold(self.wire)
        self.wire.stop_at("answer")
        getattr(self, "do_" + p["do"])(has_body)
        if not whole and p["drain"] == "yes":
            for _ in t.chunks(int(p["readgap"])):
                pass
            t.record["complete"] = True
        return p["end"] == "keep" and (whole or p["drain"] == "yes")

    def prepare(self):
        p, w = self.p, self.wire
        w.split, w.gap = int(p["split"]), float(p["gap"])
        used = self.t.ordinal > 1
        if p["only"] == ("first" if used else "used"):
            p["cut"] = ""
            if p["do"] == "status":
                p["do"], p["end"] = "echo", "keep"
        if p["cut"]:
            w.cut = (p["cut"], int(p["after"]), self.stop)

    def stop(self):
        how, sock = self.p["how"], self.wire.sock
        if how == "hang":
            sock.settimeout(int(self.p["ms"]) / 1000)
            try:
                while sock.recv(65536):
                    pass
            except socket.timeout:
                pass
        elif how == "garbage":
            sock.sendall(b"\x00garbage\r\n\r\n")
        elif how == "rst":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        raise Stop("%s at %s" % (how, self.p["cut"]))

    def cut_here(self, where):
        if self.p["cut"] == where:
            self.stop()

    def read(self, has_body):
        """Read the body, or as much as is wanted; say if that is all."""
        t, p = self.t, self.p
        if not has_body:
            self.cut_here("preview")
            t.record["complete"] = True
            return True
        if p["send100"] == "always":
            self.send(b"ICAP/1.0 100 Continue\r\n\r\n")
        if "preview" in t.headers:
            for _ in t.chunks(int(p["readgap"])):
                pass
            t.record["preview"] = t.record["body"]
            if t.record["preview"] > int(t.headers["preview"]):
                raise ValueError("more preview than announced")
            self.cut_here("preview")
            if self.go_on():
                return True
        if p["do"] == "stream":
            return True         # do_stream reads the rest
        return self.read_rest()

    def go_on(self):
        """After the preview: ask for the rest unless this was all."""
        t, p = self.t, self.p
        if p["send100"] == "102":
            self.send(b"ICAP/1.0 102 Processing\r\n\r\n")
        if t.record["ieof"]:
            if p["send100"] == "ieof":
                self.send(b"ICAP/1.0 100 Continue\r\n\r\n")
            t.record["complete"] = True
            return True
        if p["do"] in ("204", "206", "page", "status", "raw") and \
                p["early"] == "" and p["cut"] not in ("continue", "body"):
            t.record["complete"] = None     # not asked for
            return True
        self.send(b"ICAP/1.0 100 Continue\r\n\r\n" *
                  (2 if p["send100"] == "twice" else 1))
        t.record["continued"] = True
        self.cut_here("continue")
        return False

    def read_rest(self):
        t, p = self.t, self.p
        if p["early"] == "0":
            return False
        chunks = t.chunks(int(p["readgap"]))
        for _ in chunks:
            if p["cut"] == "body" and t.record["body"] >= int(p["after"]):
                self.stop()
            if p["early"] and t.record["body"] >= int(p["early"]):
                return False
        self.cut_here("body")
        t.record["complete"] = True
        return True

    def send(self, data):
        self.wire.put(data)

    def field(self, spec):
        return spec.replace(":", ": ", 1) + "\r\n" if spec else ""

    def icap_head(self, status, sections=""):
        p = self.p
        reasons = {100: "Continue", 200: "OK", 204: "Unmodified",
                   206: "Partial Content"}
        head = "ICAP/1.0 %d %s\r\n" % (status, reasons.get(status, "Other"))
        head += "Server: scripted\r\n" + self.server.istag(p)
        head += "Connection: %s\r\n" % (
            "close" if p["end"] == "close" else "keep-alive")
        head += self.field(p["icap"])
        if p["retry"]:
            head += "Retry-After: %s\r\n" % p["retry"]
        if p["encap"] or sections:
            head += "Encapsulated: %s\r\n" % (p["encap"] or sections)
        head += "\r\n"
        self.t.record["answer"] = status
        if p["lf"]:
            head = head.replace("\r\n", "\n")
        return head.encode("latin-1")

    def options(self):
        p = self.p
        if p["options"] in ("hang", "fin", "rst"):
            p["how"], p["cut"] = p["options"], "options"
            self.stop()
        if p["options"]:
            self.send(self.icap_head(int(p["options"])))
            return p["end"] == "keep"
        fields = [("Methods", p["methods"]), ("Service", "scripted"),
                  ("Allow", p["allow"]), ("Options-TTL", p["ttl"]),
                  ("Preview", p["preview"]), ("Max-Connections", p["max"]),
                  ("Transfer-Preview", p["tp"]),
                  ("Transfer-Complete", p["tc"]),
                  ("Transfer-Ignore", p["ti"]), ("X-Include", p["include"])]
        head = "".join("%s: %s\r\n" % f for f in fields
                       if f[1] not in ("", "none"))
        self.wire.split = int(p["split"])
        icap = self.icap_head(200, "null-body=0")
        self.send(icap[:-1 if p["lf"] else -2] + head.encode() + b"\r\n")
        return p["end"] == "keep"

    # The adapted message.

    def virgin_head(self):
        name = "req-hdr" if self.t.method == "REQMOD" else "res-hdr"
        if name not in self.t.heads:
            raise ValueError("no %s" % name)
        return name, self.t.heads[name]

    def with_length(self, head, n):
        """Say Content-Length n, or what the parameter says, or nothing."""
        want = self.p["length"]
        head = re.sub(rb"(?im)^content-length:.*\r\n", b"", head)
        if want == "no":
            return head
        n = n if want == "yes" else int(want)
        return head[:-2] + b"Content-Length: %d\r\n\r\n" % n

    def spoil(self, head):
        """Make the HTTP head one that must not be delivered."""
        lines = {
            "nul": b"X-Nul: a\0b\r\n",
            "cr": b"X-Cr: a\rb\r\n",
            "lengths": b"Content-Length: 1\r\nContent-Length: 2\r\n",
            "te": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            "inject": b"X-A : b\r\n",
        }
        kind = self.p["badhead"]
        if kind == "status":
            return re.sub(rb"\A[^\r]*", b"NONSENSE", head)
        if kind == "unended":
            return head[:-2]
        if kind == "huge":
            return head[:-2] + b"X-Huge: " + b"h" * 1400000 + b"\r\n\r\n"
        if kind:
            return head[:-2] + lines[kind] + b"\r\n"
        return head

    def send_message(self, name, head, body, n, icap=200, last=b""):
        """head, then n bytes that body yields, in chunks; None: no body."""
        p, w = self.p, self.wire
        head = self.spoil(head)
        kind = name[:3]
        sections = "%s-hdr=0, %s=%d" % (
            kind, "null-body" if body is None else kind + "-body", len(head))
        w.write(self.icap_head(icap, sections))
        w.stop_at("http")
        w.write(head)
        if body is None:
            return
        w.stop_at("content")
        self.send_chunks(body, n)
        w.stop_at("last")
        w.write(b"0" + last + b"\r\n" +
                self.field(p["trailer"]).encode() + b"\r\n")

    def send_chunks(self, body, n):
        p = self.p
        limit = max(0, n - int(p["short"]))
        ext = (";" + p["ext"]).encode() if p["ext"] else b""
        for i, data in enumerate(self.cut_up(body, limit)):
            self.wire.write(self.chunk(data, ext, p["badchunk"]
                                       if i == 1 else ""))

    def chunk(self, data, ext, bad):
        if bad == "huge":
            return b"f" * 20 + b"\r\n" + data
        size = b"%x" % len(data) if bad != "size" else b"xyz"
        return size + ext + b"\r\n" + data + \
            (b"\r\n" if bad != "crlf" else b"##")

    def cut_up(self, body, limit):
        size = int(self.p["chunk"])
        for data in body:
            data = data[:limit]
            limit -= len(data)
            for i in range(0, len(data), size):
                yield data[i:i + size]
        if int(self.p["long"]):
            yield b"L" * int(self.p["long"])

    def virgin_body(self):
        self.t.body.seek(0)
        while True:
            data = self.t.body.read(65536)
            if not data:
                return
            yield data

    # What a service may do.

    def do_echo(self, has_body):
        name, head = self.virgin_head()
        n = self.t.record["body"]
        if has_body:
            head = self.with_length(head, n)
        self.send_message(name, head,
                          self.virgin_body() if has_body else None, n)

    def do_stream(self, has_body):
        """Answer while reading, as the body comes."""
        t = self.t
        name, head = self.virgin_head()

        def body():
            yield from list(self.virgin_body())
            t.body.seek(0, 2)
            if not t.record["ieof"]:
                yield from t.chunks(int(self.p["readgap"]))
            t.record["complete"] = True
        self.send_message(name, head, body() if has_body else None, 1 << 62)

    def do_204(self, has_body):
        self.wire.write(self.icap_head(204))

    def do_206(self, has_body):
        name, head = self.virgin_head()
        self.p["length"] = "no"
        prefix = self.p["prefix"].encode("latin-1")
        self.send_message(name, self.with_length(head, 0), [prefix],
                          len(prefix), 206,
                          b"; use-original-body=" + self.p["n"].encode())

    def do_modify(self, has_body):
        p = self.p
        name, head = self.virgin_head()
        if p["header"]:
            head = head[:-2] + self.field(p["header"]).encode() + b"\r\n"
        if not has_body:
            self.send_message(name, head, None, 0)
            return
        data = b"".join(self.virgin_body())
        if p["replace"]:
            old, new = p["replace"].encode("latin-1").split(b",", 1)
            data = data.replace(old, new)
        data = p["prefix"].encode("latin-1") + data + \
            p["append"].encode("latin-1")
        self.send_message(name, self.with_length(head, len(data)), [data],
                          len(data))

    def do_page(self, has_body):
        """A response of its own: satisfies REQMOD, replaces in RESPMOD."""
        p = self.p
        status = int(p["status"]) if p["status"] != "200" else 403
        page = b"<html>stopped by the scripted server</html>\n"
        if p["bytes"]:
            page = (page * (int(p["bytes"]) // len(page) + 1))
            page = page[:int(p["bytes"])]
        head = b"HTTP/1.0 %d Forbidden\r\nContent-Type: text/html\r\n" \
            b"Connection: close\r\n\r\n" % status
        self.send_message("res-hdr", self.with_length(head, len(page)),
                          [page], len(page))

    def do_status(self, has_body):
        status = int(self.p["status"])
        if 200 <= status < 300 and status != 204:
            name, head = self.virgin_head()
            self.send_message(name, head, self.virgin_body() if has_body
                              else None, self.t.record["body"], status)
            return
        self.wire.write(self.icap_head(status))

    def do_raw(self, has_body):
        self.wire.write(urllib.parse.unquote_to_bytes(
            self.p["raw"].encode("latin-1")))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--port", type=int, default=0)
    a.add_argument("--log")
    a.add_argument("--script")
    a.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    a.add_argument("--tls-client", metavar="CA",
                   help="clients need a certificate of it")
    args = a.parse_args()
    args.context = None
    if args.tls:
        args.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        args.context.load_cert_chain(*args.tls)
    if args.tls_client:
        args.context.load_verify_locations(args.tls_client)
        args.context.verify_mode = ssl.CERT_REQUIRED
    server = Server(args)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", args.port))
    s.listen(512)
    print(s.getsockname()[1], flush=True)
    while True:
        sock, _ = s.accept()
        threading.Thread(target=server.serve, args=(sock,),
                         daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
