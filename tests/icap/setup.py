#!/usr/bin/env python3
"""Real ICAP servers to test against: c-icap with all its services, clamd with
a hand-made EICAR signature behind it, and e2guardian.

    setup.py DIR [--port N] [--tls-port N] [--e2guardian N] [--no-clamd]

Starts them under DIR (which it makes), waits until each answers OPTIONS,
prints one line of JSON with their URLs, and stops them when its stdin ends or
it gets a signal. Or in Python: `with Peers(dir) as p: p.urls["echo"]`.

e2guardian binds its ICAP port on all addresses, so give --e2guardian only in
a network namespace of the test's own. Packages: c-icap,
libc-icap-mod-virus-scan, libc-icap-mod-contentfiltering,
libc-icap-mod-urlcheck, clamav-daemon, e2guardian, openssl.
"""

import argparse
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

# In two parts, so that no scanner takes this file for what it describes.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD" \
    b"-ANTIVIRUS-TEST-FILE!$H+H*"

# c-icap leaves a name in /dev/shm behind each time, and looks for a free one
# among 1024: it gets a /dev/shm of its own.
OWN_SHM = [] if os.geteuid() else [
    "unshare", "-m", "sh", "-c", "mount -t tmpfs shm /dev/shm && exec \"$@\"",
    "sh"]

C_ICAP = """\
PidFile {d}/run/c-icap.pid
CommandsSocket {d}/run/c-icap.ctl
Timeout 30
MaxKeepAliveRequests -1
KeepAliveTimeout 600
StartServers 1
MaxServers 4
MinSpareThreads 10
MaxSpareThreads 40
ThreadsPerChild 40
MaxRequestsPerChild 0
Port 127.0.0.1:{port}
TlsPort 127.0.0.1:{tls_port} cert={d}/tls.crt key={d}/tls.key
TmpDir {d}/tmp
MaxMemObject 131072
DebugLevel 1
Pipelining on
SupportBuggyClients off
ModulesDir {modules}
ServicesDir {modules}
TemplateDir /usr/share/c_icap/templates/
TemplateDefaultLanguage en
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog {d}/log/server.log
AccessLog {d}/log/access.log
Service echo srv_echo.so
Service ex206 srv_ex206.so
Service url_check_module srv_url_check.so
url_check.LookupTableDB denylist host hash:{d}/deny.txt "Denied hosts"
url_check.Profile default block denylist
url_check.Profile default pass ALL
Service srv_cfg_filter srv_content_filtering.so
srv_content_filtering.MaxBodyData 2M
srv_content_filtering.Match Secret body /secret/ig score=5 info{{R}}=REDACTED
srv_content_filtering.Match Bad body /forbidden/i score=100
srv_content_filtering.Profile default block score{{Bad>50}}
srv_content_filtering.Profile default replace score{{Secret>1}} replaceInfo=R
"""

VIRUS_SCAN = """\
Module common clamd_mod.so
clamd_mod.ClamdSocket {d}/run/clamd.sock
Service antivirus_module virus_scan.so
ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple
virus_scan.DefaultEngine clamd
virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE
virus_scan.SendPercentData 5
virus_scan.StartSendPercentDataAfter 2M
virus_scan.MaxObjectSize 5M
virus_scan.PassOnError off
"""

CLAMD = """\
LocalSocket {d}/run/clamd.sock
LocalSocketMode 666
DatabaseDirectory {d}/db
TemporaryDirectory {d}/tmp
LogFile {d}/log/clamd.log
PidFile {d}/run/clamd.pid
Foreground yes
MaxThreads 12
StreamMaxLength 100M
MaxFileSize 100M
MaxScanSize 100M
"""

C_ICAP_SERVICES = ("echo", "ex206", "url_check", "srv_content_filtering")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def options(port, service):
    """The head of the answer to OPTIONS, or None."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as s:
            s.sendall(b"OPTIONS icap://127.0.0.1:%d/%s ICAP/1.0\r\n"
                      b"Host: 127.0.0.1\r\n\r\n" % (port, service.encode()))
            data = b""
            while b"\r\n\r\n" not in data:
                more = s.recv(4096)
                if not more:
                    return None
                data += more
            return data
    except OSError:
        return None


class Peers:
    def __init__(self, directory, port=0, tls_port=0, e2guardian=0,
                 clamd=True):
        self.d = os.path.abspath(directory)
        self.port = port or free_port()
        self.tls_port = tls_port or free_port()
        self.e2guardian = e2guardian
        self.clamd = clamd
        self.running = []
        self.urls = {}
        for sub in ("run", "log", "tmp", "db"):
            os.makedirs(os.path.join(self.d, sub), exist_ok=True)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc):
        self.stop()

    def file(self, name, text):
        path = os.path.join(self.d, name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def start(self):
        if self.clamd:
            self.start_clamd()
        self.start_c_icap()
        if self.e2guardian:
            self.start_e2guardian()

    def run(self, name, *argv):
        log = open(os.path.join(self.d, "log", name + ".out"), "wb")
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, start_new_session=True)
        log.close()
        self.running.append((name, p))
        return p

    def wait(self, what, p, ready, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if ready():
                return
            if p.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("%s is not ready; see %s/log" % (what, self.d))

    def start_clamd(self):
        """Signatures of our own: EICAR as a whole file, and inside one."""
        self.file("eicar.com", EICAR)
        self.file("db/test.hdb", "%s:%d:Test.Eicar-HDB\n" % (
            hashlib.md5(EICAR).hexdigest(), len(EICAR)))
        self.file("db/test.ndb", "Test.Eicar-NDB:0:0:%s\n" % EICAR.hex())
        conf = self.file("clamd.conf", CLAMD.format(d=self.d))
        p = self.run("clamd", "clamd", "-c", conf)
        self.wait("clamd", p, lambda: os.path.exists(
            os.path.join(self.d, "run/clamd.sock")))

    def start_c_icap(self):
        self.file("deny.txt", "blocked.example\n")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-days", "30", "-keyout", self.d + "/tls.key",
             "-out", self.d + "/tls.crt"], check=True, capture_output=True)
        modules = glob.glob("/usr/lib/*/c_icap") + ["/usr/lib/c_icap"]
        text = C_ICAP + (VIRUS_SCAN if self.clamd else "")
        conf = self.file("c-icap.conf", text.format(
            d=self.d, port=self.port, tls_port=self.tls_port,
            modules=modules[0]))
        p = self.run("c-icap", *OWN_SHM, "c-icap", "-f", conf, "-N",
                     "-D", "-d", "1")
        names = C_ICAP_SERVICES + (
            ("virus_scan", "avscan") if self.clamd else ())
        for name in names:
            self.wait("c-icap " + name, p, lambda: b" 200 " in (
                options(self.port, name) or b""))
            self.urls[name] = "icap://127.0.0.1:%d/%s" % (self.port, name)
            self.urls["tls-" + name] = "icaps://localhost:%d/%s" % (
                self.tls_port, name)

    def start_e2guardian(self):
        """Debian's configuration, moved under our directory."""
        own = os.path.join(self.d, "e2guardian")
        shutil.rmtree(own, ignore_errors=True)
        shutil.copytree("/etc/e2guardian", own)
        for path in glob.glob(own + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, encoding="latin-1") as f:
                    text = f.read()
                with open(path, "w", encoding="latin-1") as f:
                    f.write(text.replace("/etc/e2guardian", own))
        # Since 5.5 each group has its lists in a directory of its own.
        for path in glob.glob(own + "/lists/**/bannedsitelist",
                              recursive=True):
            with open(path, "a") as f:
                f.write("blocked.example\n")
        conf = own + "/e2guardian.conf"
        with open(conf, encoding="latin-1") as f:
            text = f.read()
        text = re.sub(r"(?m)^(filterip|filterports|transparenthttpsport|"
                      r"httpworkers|filecachedir|mapportstoips)\b.*\n", "",
                      text)
        text += "\nfilterip = 127.0.0.1\nfilterports = %d\n" \
            "icapport = %d\nhttpworkers = 40\nfilecachedir = '%s/tmp'\n" \
            "loglocation = '%s/log/e2.log'\nstatlocation = '%s/log/e2.st'\n" \
            "pidfilename = '%s/run/e2guardian.pid'\n" \
            "daemonuser = 'root'\ndaemongroup = 'root'\n" % (
                free_port(), self.e2guardian, self.d, self.d, self.d, self.d)
        with open(conf, "w", encoding="latin-1") as f:
            f.write(text)
        p = self.run("e2guardian", "e2guardian", "-N", "-c", conf)
        for name in ("request", "response"):
            self.wait("e2guardian " + name, p, lambda: b" 200 " in (
                options(self.e2guardian, name) or b""))
            self.urls["e2-" + name] = "icap://127.0.0.1:%d/%s" % (
                self.e2guardian, name)

    def stop(self):
        """Each by its own process group; e2guardian heeds only SIGKILL."""
        for sig, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            for name, p in self.running:
                if p.poll() is None and not (
                        name == "e2guardian" and sig == signal.SIGTERM):
                    os.killpg(p.pid, sig)
            end = time.monotonic() + patience
            while time.monotonic() < end and any(
                    p.poll() is None for n, p in self.running
                    if not (n == "e2guardian" and sig == signal.SIGTERM)):
                time.sleep(0.05)
        self.running = []


def main():
    a = argparse.ArgumentParser()
    a.add_argument("dir")
    a.add_argument("--port", type=int, default=0)
    a.add_argument("--tls-port", type=int, default=0)
    a.add_argument("--e2guardian", type=int, default=0, metavar="PORT")
    a.add_argument("--no-clamd", action="store_true")
    args = a.parse_args()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: sys.exit(0))
    with Peers(args.dir, args.port, args.tls_port, args.e2guardian,
               not args.no_clamd) as p:
        print(json.dumps(p.urls), flush=True)
        while sys.stdin.buffer.read(4096):
            pass


if __name__ == "__main__":
    main()
