#!/usr/bin/env python3
"""The real peers, started and asked; in a network namespace of its own, so as
root. Shows what each one answers to what it should stop and let pass."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import setup
from server_test import Client

NEEDED = ("c-icap", "clamd", "e2guardian", "openssl", "unshare")
INSIDE = "SETUP_TEST_INSIDE"


class SetupTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp()
        cls.peers = setup.Peers(cls.dir, e2guardian=21350)
        cls.peers.__enter__()

    @classmethod
    def tearDownClass(cls):
        started = [p for _, p in cls.peers.running]
        cls.peers.stop()
        shutil.rmtree(cls.dir)
        assert all(p.poll() is not None for p in started)

    def ask(self, service, body, **more):
        c = Client(self.peers.port)
        c.send(service, body, **more)
        return c.answer()

    def test_eicar_is_stopped_and_named(self):
        for service in ("virus_scan", "avscan"):
            icap, http, page, _ = self.ask(service, setup.EICAR, preview=1024)
            self.assertIn(b"X-Infection-Found: ", icap)
            self.assertIn(b" 403 ", http)
            self.assertIn(b"Test.Eicar", page)

    def test_a_clean_file_passes(self):
        # c-icap counts `ieof` as outside the preview: it wants the Allow.
        icap = self.ask("avscan", b"x" * 68, preview=1024,
                        extra=b"Allow: 204\r\n")[0]
        self.assertTrue(icap.startswith(b"ICAP/1.0 204 "), icap)

    def test_content_is_changed(self):
        _, http, body, _ = self.ask(
            "srv_content_filtering", b"my secret", preview=1024,
            field=b"Content-Type: text/html\r\n")
        self.assertEqual(body, b"my REDACTED")
        self.assertIn(b"Content-Length: 11\r\n", http)

    def test_e2guardian_wants_its_own_field(self):
        icap = setup.options(21350, "request")
        self.assertIn(b"ISTag:", icap)
        c = Client(21350)
        c.send("response", b"abc")
        self.assertTrue(c.head().startswith(b"ICAP/1.0 418 "))

    def test_every_service_has_urls(self):
        for name in ("echo", "ex206", "url_check", "srv_content_filtering",
                     "virus_scan", "avscan", "tls-echo", "e2-request"):
            self.assertIn(name, self.peers.urls)


def main():
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        unittest.main(warnings="ignore")
    missing = [x for x in NEEDED if not shutil.which(x)]
    if missing or os.geteuid() != 0:
        print("skipped: %s" % (", ".join(missing) or "not root"))
        return 77
    return subprocess.call(
        ["unshare", "-n", sys.executable, os.path.abspath(__file__)] +
        sys.argv[1:], env=dict(os.environ, **{INSIDE: "1"}))


if __name__ == "__main__":
    sys.exit(main())
