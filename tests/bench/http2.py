"""
What HTTP/2 costs where it is ended: TLS and HTTP/2 on both sides, through
clearspan, haproxy (mode http) and nghttpx, each a process of one thread on one
core. h2load asks, nginx answers, both on the load's core. clearspan has a
rule by `host`, so that every stream is read and judged; the others just pass.

With ICAP: RESPMOD of every answer, 204 at the end of each preview, as many
requests at once over one connection of HTTP/2 as over connections of HTTP/1.1
(clearspan+h1).

Where it passes: as bytes, with nobody to read it, and with the reader beside it
(+read: WebSockets are asked for in the log, and there are none); +events writes
an event for each request as well.
"""
import os
import re
import subprocess
import time

import lab
import programs
from lab import Failed

ORIGIN, ICAP = 450, 1346
GROUP = 4242            # of h2load, which cannot bind: its traffic is known by it
SMALL, LARGE, SCANNED = 1024, 8 << 20, 10240
ATONCE, AT_SCAN = 100, 16

NGINX = """
daemon off; master_process off; user root; worker_processes 1;
pid {d}/nginx.pid; error_log {d}/nginx.log;
events {{ worker_connections 1024; }}
http {{
	access_log off; sendfile on; keepalive_requests 100000000;
	client_body_temp_path {d}/t1; proxy_temp_path {d}/t2;
	fastcgi_temp_path {d}/t3; uwsgi_temp_path {d}/t4; scgi_temp_path {d}/t5;
	server {{
		listen {port} ssl http2;
		ssl_certificate {d}/chain.pem; ssl_certificate_key {d}/leaf.key;
		root {d}/www;
	}}
}}
"""
RULE = ("  - name: never\n    host: [never.bench.test]\n"
        "    action: block\n")


class Clearspan(programs.Clearspan):
    def __init__(self, where, binary, name, icap=False, passes=None):
        super().__init__(where, binary, name)
        self.icap = icap
        self.passes = passes    # read for these events alone; None: ended

    def command(self):
        service, use = "", ""
        if self.icap:
            service = ("icap:\n  - name: scan\n    respmod: "
                       f"icap://127.0.0.1:{ICAP}/pass\n")
            use = "    icap: [scan]\n"
        d = self.lab.dir
        conf = self.file("yaml", (
            "workers: 1\n"
            f"ca:\n  certificate: {d}/proxyca.pem\n  key: {d}/proxyca.key\n"
            "listen:\n  - name: gateway\n    mode: transparent\n"
            f"    address: 127.0.0.1:{self.port}\n"
            f"upstream:\n  trust: {d}/root.pem\n  keep-client-address: no\n"
            f"{service}rules:\n{RULE if self.ends() else ''}"
            f"  - name: default\n    action: decrypt\n{use}"
            f"log:\n  level: warn\n  events: [{self.passes or ''}]\n"
            f"  file: {'/dev/null' if self.passes else d + '/' + self.name}\n"
            f"control: {{ socket: {d}/{self.name}.sock }}\n"))
        return f"{self.binary} run -c {conf}"

    def ends(self):
        """By a rule that judges each request, though it judges all alike."""
        return not self.icap and self.passes is None


class Haproxy(programs.Program):
    note = "verifies; fixed certificate; HTTP/2 on both sides"

    def __init__(self, where):
        super().__init__(where, "haproxy-h2", "haproxy")

    def command(self):
        d = self.lab.dir
        conf = self.file("cfg", (
            "global\n    nbthread 1\n    maxconn 4000\n"
            "defaults\n    mode http\n    timeout connect 5s\n"
            "    timeout client 2m\n    timeout server 2m\n"
            f"listen all\n    bind 127.0.0.1:{self.port} ssl "
            f"crt {d}/haproxy.pem alpn h2\n"
            f"    server origin {self.address}:{ORIGIN} ssl verify required "
            f"ca-file {d}/root.pem sni str({lab.NAME}) alpn h2\n"))
        return f"{self.binary} -db -f {conf}"


class Nghttpx(programs.Program):
    note = "verifies; fixed certificate; HTTP/2 on both sides"

    def __init__(self, where):
        super().__init__(where, "nghttpx", "nghttpx")

    def command(self):
        d = self.lab.dir
        return (f"{self.binary} --conf=/dev/null -f 127.0.0.1,{self.port} "
                f"-b {self.address},{ORIGIN};;proto=h2;tls;sni={lab.NAME} "
                f"--cacert={d}/root.pem --workers=1 --no-ocsp "
                "--accesslog-file=/dev/null --errorlog-file=/dev/null "
                f"{d}/leaf.key {d}/chain.pem")


class Http2:
    """Its programs and rows; results go where the bench's are."""

    NAMES = ("h2 requests", "h2 bulk", "h2 icap", "h2 requests, passive",
             "h2 bulk, passive")

    def __init__(self, bench):
        self.bench, self.lab = bench, bench.lab
        self.programs = []

    def wanted(self, *names):
        only = self.bench.args.only
        return not only or any(o in n for o in only
                               for n in names or self.NAMES)

    def make(self, binary, old=None):
        if not self.wanted():
            return
        made = [Clearspan(self.lab, binary, "clearspan-h2"),
                Haproxy(self.lab), Nghttpx(self.lab),
                Clearspan(self.lab, binary, "clearspan-h2-icap", icap=True)]
        made += [Clearspan(self.lab, binary, "clearspan-h2" + name,
                           passes=events)
                 for name, events in (("-passive", ""), ("+read", "ws"),
                                      ("+events", "http"))]
        if old:
            made.append(Clearspan(self.lab, old, "old-h2"))
        for p in made:
            p.kind = p.name.replace("-h2", "").replace("-icap", "").replace(
                "-passive", "")
            if p.binary is None:
                self.bench.fault(p.name, "not installed")
            else:
                self.programs.append(p)

    def start(self):
        www = self.lab.path("www")
        os.mkdir(www)
        for n in (SMALL, LARGE, SCANNED):
            with open(f"{www}/{n}", "wb") as f:
                f.write(os.urandom(n))
        conf = self.lab.path("nginx.conf")
        with open(conf, "w") as f:
            f.write(NGINX.format(d=self.lab.dir, port=ORIGIN))
        for name, command, port in (
                ("origin-h2", f"nginx -c {conf}", ORIGIN),
                ("icap-h2", f"{self.lab.bin}/http -l {ICAP}", ICAP)):
            p = self.lab.spawn(name, lab.LOAD_CORE, command)
            if not self.lab.wait_port(port, p):
                raise Failed(f"{name} does not listen")
        for p in self.programs:
            p.start()
        time.sleep(1)               # OPTIONS
        for p in list(self.programs):
            try:
                self.load(p, 200, SMALL, 8)
            except Failed as e:
                self.bench.fault(p.name, e)
                self.lab.stop(p.process)
                self.programs.remove(p)

    def load(self, p, n, size, atonce, h1=False):
        """n requests, all of which must succeed."""
        how = (["--h1", "-c", str(atonce), "-m", "1"] if h1 else
               ["-c", "1", "-m", str(atonce)])
        r = subprocess.run(
            ["taskset", "-c", lab.LOAD_CORE, "setpriv", f"--regid={GROUP}",
             "--clear-groups", "h2load", "-n", str(n), *how,
             f"--connect-to={p.address}:{ORIGIN}",
             f"https://{lab.NAME}:{ORIGIN}/{size}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120)
        if f"{n} succeeded, 0 failed, 0 errored" not in r.stdout or \
           f"status codes: {n} 2xx" not in r.stdout or \
           f"protocol: {'http/1.1' if h1 else 'h2'}" not in r.stdout:
            raise Failed(f"{p.name}: h2load: {r.stdout[-500:]}")
        got = int(re.search(r"\((\d+)\) data", r.stdout).group(1))
        if got != n * size:
            raise Failed(f"{p.name}: {got} bytes of {n * size}")

    def cpu(self, p, n, size, atonce, h1=False):
        """CPU seconds a request."""
        before = p.cpu()
        self.load(p, n, size, atonce, h1)
        return (p.cpu() - before) / n

    def rows(self):
        """(row, program's name in it, program, figure)"""
        scale = self.bench.args.scale
        n, large, scans = (max(1, int(x * scale)) for x in (10000, 32, 4000))
        for p in self.programs:
            if p.name.endswith("icap"):
                for name, h1 in (("clearspan", False),
                                 ("clearspan+h1", True)):
                    yield ("h2 icap", name, p, lambda p, h1=h1: self.cpu(
                        p, scans, SCANNED, AT_SCAN, h1) * 1e6)
                continue
            passive = ", passive" if getattr(p, "passes", None) is not None \
                else ""
            yield ("h2 requests" + passive, p.kind, p, lambda p: self.cpu(
                p, n, SMALL, ATONCE) * 1e6)
            yield ("h2 bulk" + passive, p.kind, p, lambda p: self.cpu(
                p, large, LARGE, 4) / LARGE * 1e9)

    def run(self):
        if not self.programs:
            return
        began, bad = time.time(), set()
        try:
            self.start()
            for _ in range(self.bench.args.rounds):
                for row, name, p, figure in self.rows():
                    if self.wanted(row) and (row, name) not in bad:
                        self.turn(row, name, p, figure, bad)
        except (Failed, subprocess.SubprocessError, OSError) as e:
            self.bench.fault("h2", e)
        finally:
            for p in self.programs:
                if p.process is not None:
                    self.lab.stop(p.process)
        for row, name in bad:
            self.bench.results[row].pop(name, None)
        print(f"bench: h2: {time.time() - began:.0f} s", flush=True)

    def turn(self, row, name, p, figure, bad):
        table = self.bench.results.setdefault(row, {})
        try:
            table.setdefault(name, []).append(figure(p))
        except (Failed, subprocess.SubprocessError, OSError) as e:
            bad.add((row, name))
            self.bench.fault(f"{row}: {name}", e)
            if not p.alive():
                p.start()
