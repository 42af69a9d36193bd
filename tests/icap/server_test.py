#!/usr/bin/env python3
"""The scripted server tested by itself: with a plain client of its own, and
with c-icap-client where that is installed."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
REQ = b"GET https://a.example/x.bin HTTP/1.1\r\nHost: a.example\r\n\r\n"
RES = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


class Client:
    def __init__(self, port):
        self.port = port
        self.s = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.f = self.s.makefile("rb")

    def send(self, path, body, preview=None, extra=b"", field=b""):
        """A RESPMOD; the whole body, or the preview alone."""
        heads = [REQ, (RES % len(body))[:-2] + field + b"\r\n"]
        h = b"RESPMOD icap://127.0.0.1:%d/%s ICAP/1.0\r\nHost: x\r\n" \
            % (self.port, path.encode())
        if preview is not None:
            h += b"Preview: %d\r\n" % preview
        h += extra + b"Encapsulated: req-hdr=0, res-hdr=%d, res-body=%d" \
            b"\r\n\r\n" % (len(heads[0]), len(heads[0]) + len(heads[1]))
        out = h + b"".join(heads)
        first = body if preview is None else body[:preview]
        out += self.chunk(first)
        whole = len(first) == len(body)
        if preview is not None and whole:
            out += b"0; ieof\r\n\r\n"
        else:
            out += b"0\r\n\r\n"
        self.s.sendall(out)

    def chunk(self, data):
        return b"%x\r\n%s\r\n" % (len(data), data) if data else b""

    def head(self):
        lines = []
        while True:
            line = self.f.readline()
            if not line:
                raise EOFError
            lines.append(line)
            if line in (b"\r\n", b"\n"):
                return b"".join(lines)

    def answer(self):
        """(ICAP head, HTTP head, body, last chunk's line)"""
        icap = self.head()
        m = re.search(rb"(?i)encapsulated: (.*?)\r?\n", icap)
        if not m:
            return icap, b"", b"", b""
        parts = dict(p.strip().split(b"=") for p in m.group(1).split(b","))
        http = self.f.read(max(int(v) for v in parts.values()))
        if b"null-body" in parts:
            return icap, http, b"", b""
        body = b""
        while True:
            line = self.f.readline()
            if not line:
                raise EOFError
            n = int(line.split(b";")[0], 16)
            data = self.f.read(n)
            body += data
            if len(data) < n:
                raise EOFError
            if n == 0:
                while self.f.readline() not in (b"\r\n", b""):
                    pass
                return icap, http, body, line
            self.f.readline()


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.logname = os.path.join(self.dir, "log")
        self.script = os.path.join(self.dir, "script")
        self.p = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "server.py"),
             "--log", self.logname, "--script", self.script],
            stdout=subprocess.PIPE)
        self.port = int(self.p.stdout.readline())

    def tearDown(self):
        self.p.terminate()
        self.p.wait()
        self.p.stdout.close()
        shutil.rmtree(self.dir)

    def log(self, n):
        for _ in range(100):
            with open(self.logname) as f:
                lines = f.read().split("\n")[:-1]      # whole ones
            lines = [json.loads(x) for x in lines]
            lines = [x for x in lines if "event" not in x]
            if len(lines) >= n:
                return lines
            time.sleep(0.02)
        self.fail("%d transactions logged, not %d" % (len(lines), n))

    def ask(self, path, body=b"x" * 5000, **more):
        c = Client(self.port)
        c.send(path, body, **more)
        return c, c.answer()

    def test_echo_is_bit_exact_and_logged(self):
        _, (icap, http, body, _) = self.ask("echo")
        self.assertTrue(icap.startswith(b"ICAP/1.0 200 OK\r\n"))
        self.assertEqual(http, RES % 5000)
        self.assertEqual(body, b"x" * 5000)
        t = self.log(1)[0]
        self.assertEqual((t["body"], t["complete"], t["preview"],
                          t["ordinal"], t["answer"]),
                         (5000, True, None, 1, 200))

    def test_preview_goes_on_or_ends(self):
        c = Client(self.port)
        c.send("echo", b"y" * 40, preview=16)
        self.assertEqual(c.head(), b"ICAP/1.0 100 Continue\r\n\r\n")
        c.s.sendall(c.chunk(b"y" * 24) + b"0\r\n\r\n")
        self.assertEqual(c.answer()[2], b"y" * 40)
        c.send("204", b"y" * 40, preview=16)
        self.assertIn(b" 204 ", c.answer()[0])
        c.send("echo", b"y" * 5, preview=16)
        self.assertEqual(c.answer()[2], b"y" * 5)
        a, b, d = self.log(3)
        self.assertEqual((a["preview"], a["continued"]), (16, True))
        self.assertEqual((b["preview"], b["body"], b["ieof"]),
                         (16, 16, False))
        self.assertEqual((d["preview"], d["ieof"], d["ordinal"]),
                         (5, True, 3))

    def test_bytes_one_by_one(self):
        self.assertEqual(self.ask("split", b"abc")[1][2], b"abc")

    def test_adaptations(self):
        _, (_, http, body, _) = self.ask("modify?replace=x,yy", b"axb")
        self.assertEqual(body, b"ayyb\nadapted\n")
        self.assertIn(b"Content-Length: 13\r\n", http)
        self.assertIn(b"X-Adapted: yes\r\n", http)
        _, (icap, _, body, last) = self.ask("206?n=2", preview=10)
        self.assertIn(b" 206 ", icap)
        self.assertEqual((body, last),
                         (b"PREFIX ", b"0; use-original-body=2\r\n"))
        self.assertIn(b" 403 ", self.ask("satisfy", preview=10)[1][1])

    def test_faults_in_framing(self):
        self.assertEqual(len(self.ask("short")[1][2]), 4900)
        self.assertEqual(len(self.ask("long?long=7")[1][2]), 5007)
        self.assertNotIn(b"ISTag", self.ask("noistag")[1][0])
        self.assertEqual(self.ask("f14")[1][1].count(b"Content-Length"), 3)
        for bad in ("size", "crlf", "huge"):
            c = Client(self.port)
            c.send("f13?encap=&chunk=100&badchunk=" + bad, b"z" * 300)
            self.assertIn(b"ICAP/1.0 200", c.s.recv(20))

    def test_ends_where_told(self):
        for path in ("f6", "f7", "f8?after=2000", "f33", "f9",
                     "echo?cut=http&after=3", "echo?cut=last"):
            c = Client(self.port)
            with self.assertRaises((EOFError, ConnectionResetError),
                                   msg=path):
                c.send(path, b"x" * 5000, preview=100)
                if b" 100 " in c.head():
                    c.s.sendall(c.chunk(b"x" * 4900) + b"0\r\n\r\n")
                    c.answer()
                self.fail(path)

    def test_a_used_connection_is_closed(self):
        c, _ = self.ask("f5", b"a")
        c.send("f5", b"a")
        with self.assertRaises(EOFError):
            c.answer()
        c, _ = self.ask("f19", b"a")
        c.send("f19", b"a")
        self.assertIn(b" 408 ", c.answer()[0])

    def test_a_client_that_leaves_is_noticed(self):
        c = Client(self.port)
        c.send("f29", b"a")
        c.f.close()
        c.s.close()
        self.assertIn("Gone", self.log(1)[0]["error"])

    def test_what_is_held_waits_to_be_let_go(self):
        c, d = Client(self.port), Client(self.port)
        c.send("204?hold=yes", b"a")
        d.send("204", b"a")
        self.assertIn(b" 204 ", d.answer()[0])
        self.assertEqual(len(self.log(1)), 1)
        with open(self.script + ".new", "w") as f:
            f.write("1")
        os.rename(self.script + ".new", self.script + ".let")
        self.assertIn(b" 204 ", c.answer()[0])

    @unittest.skipUnless(shutil.which("openssl"), "no openssl")
    def test_icaps(self):
        name = os.path.join(self.dir, "tls")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-subj", "/CN=localhost", "-keyout", name + ".key",
             "-out", name + ".crt"], check=True, capture_output=True)
        p = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "server.py"),
             "--tls", name + ".crt", name + ".key"], stdout=subprocess.PIPE)
        try:
            c = Client(int(p.stdout.readline()))
            context = ssl.create_default_context(cafile=name + ".crt")
            c.s = context.wrap_socket(c.s, server_hostname="localhost")
            c.f = c.s.makefile("rb")
            c.send("echo", b"abc")
            self.assertEqual(c.answer()[2], b"abc")
        finally:
            p.terminate()
            p.wait()
            p.stdout.close()

    def test_every_row_answers_or_ends(self):
        for i in range(1, 36):
            c = Client(self.port)
            c.s.settimeout(0.5)
            try:
                c.send("f%d?slow=0" % i, b"x" * 900)
                got = c.head()
            except (EOFError, OSError):
                continue
            self.assertTrue(got.startswith(b"ICAP/1.0 "), i)

    def test_a_script_replaces_services(self):
        with open(self.script, "w") as f:
            json.dump([{"path": "echo", "from": 2, "to": 2, "as": "status",
                        "set": {"status": "500"}}], f)
        self.assertIn(b" 200 ", self.ask("echo")[1][0])
        self.assertIn(b" 500 ", self.ask("echo")[1][0])
        self.assertIn(b" 200 ", self.ask("echo")[1][0])

    @unittest.skipUnless(shutil.which("c-icap-client"), "no c-icap-client")
    def test_c_icap_client_understands_it(self):
        name = os.path.join(self.dir, "in")
        out = os.path.join(self.dir, "out")
        with open(name, "wb") as f:
            f.write(os.urandom(100000))
        run = ["c-icap-client", "-i", "127.0.0.1", "-p", str(self.port)]
        r = subprocess.run(run + ["-s", "echo", "-v"], capture_output=True,
                           timeout=20, text=True)
        self.assertIn("Preview: 1024", r.stdout + r.stderr)
        subprocess.run(run + ["-s", "echo", "-f", name, "-o", out],
                       capture_output=True, timeout=20, check=True)
        with open(name, "rb") as a, open(out, "rb") as b:
            self.assertEqual(a.read(), b.read())
        r = subprocess.run(run + ["-s", "204", "-f", name, "-v"],
                           capture_output=True, timeout=20, text=True)
        self.assertIn("204", r.stdout + r.stderr)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
