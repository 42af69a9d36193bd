"""
What ICAP costs: plain HTTP, so that no TLS hides it, over connections that
are kept, through clearspan and squid, each without ICAP, with REQMOD and with
RESPMOD, against c-icap's echo. A transaction's CPU is that of the proxy with
ICAP less that without, of the same round; so is its time.

CPU is taken of a core that is never idle: c-icap may run on both. With c-icap
on the load's core alone that core is the bottleneck for Clearspan and not for
squid, and only one of the two pays for falling asleep and being woken some
times a request. That figure is in the table, too ("idle"), beside the other.

c-icap's echo answers 204 and 200 (the whole message) by turns where there is
a body: half of RESPMOD is 204 within the preview, half is replaced. REQMOD is
GET, without a body: always 204. "respmod 204" asks a server of our own which
says 204 at the end of each preview: no body need be touched.
"""
import json
import os
import statistics
import subprocess
import sys
import time

import lab
import programs
from lab import Failed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "icap"))
import setup                                            # noqa: E402

PORT, ICAP, PASS = 80, 1344, 1345
ECHO = f"icap://127.0.0.1:{ICAP}/echo"
# program's kind of ICAP: method, server
WAYS = {"none": None,
        "reqmod": ("reqmod", ECHO),
        "respmod": ("respmod", ECHO),
        "pass": ("respmod", f"icap://127.0.0.1:{PASS}/pass")}
# case, kind of ICAP, bytes of the body
CASES = [("icap reqmod", "reqmod", 1024),
         ("icap respmod 1 KB", "respmod", 1024),
         ("icap respmod 10 KB", "respmod", 10240),
         ("icap respmod 204, 10 KB", "pass", 10240),
         ("icap respmod 204, 1 MB", "pass", 1 << 20)]
LARGE = 1 << 16         # from here on without squid: 5.7 stalls
ATONCE = 16
REQUESTS = {"clearspan": 8000, "old": 8000, "squid": 3000}  # for CPU
ALONE = 500                                     # for time, one at once


class Clearspan(programs.Clearspan):
    def __init__(self, where, binary, way, kind="clearspan"):
        super().__init__(where, binary, f"{kind}-{way}")
        self.kind, self.way = kind, way

    def command(self):
        service = use = ""
        if WAYS[self.way]:
            method, url = WAYS[self.way]
            service = f"icap:\n  - name: scan\n    {method}: {url}\n"
            use = "    icap: [scan]\n"
        conf = self.file("yaml", (
            "workers: 1\nlisten:\n  - name: gateway\n"
            f"    mode: transparent\n    address: 127.0.0.1:{self.port}\n"
            f"ca:\n  certificate: {self.lab.dir}/proxyca.pem\n"
            f"  key: {self.lab.dir}/proxyca.key\n"
            "upstream:\n  keep-client-address: no\n"
            f"{service}rules:\n  - name: default\n    action: decrypt\n{use}"
            "log:\n  level: warn\n  events: []\n"
            f"  file: {self.lab.path(self.name + '.json')}\n"
            f"control: {{ socket: {self.lab.path(self.name + '.sock')} }}\n"
            "limits:\n  connections: 20000\n  per-client: 20000\n"))
        return f"{self.binary} run -c {conf}"


class Squid(programs.Squid):
    def __init__(self, where, way):
        super().__init__(where, f"squid-{way}")
        self.kind, self.way = "squid", way

    def command(self):
        own = self.make_own()
        scan = ""
        if WAYS[self.way]:
            method, url = WAYS[self.way]
            scan = ("icap_enable on\n"
                    f"icap_service scan {method}_precache {url} bypass=off\n"
                    "adaptation_access scan allow all\n")
        conf = self.file("conf", (
            f"http_port 127.0.0.1:{self.port} intercept\n"
            f"http_port 127.0.0.1:{self.port + 100}\n"
            f"{scan}{self.common(own)}"))
        return f"{self.binary} -N -f {conf}"


class Scan:
    def __init__(self, bench):
        self.bench, self.lab = bench, bench.lab
        self.peers = None
        self.own = None             # what c-icap takes by itself, us
        self.programs = []
        self.broken = set()         # of those, what failed
        self.rows = {}              # (case, kind) -> [figures of a round]

    def wanted(self):
        a = self.bench.args
        return not a.only or any(o in case for o in a.only
                                 for case, _, _ in CASES)

    def make(self, binary, old=None):
        """The programs, before the network is made for them."""
        if not self.wanted():
            return
        made = []
        for way in WAYS:
            made += [Clearspan(self.lab, binary, way), Squid(self.lab, way)]
            if old:
                made.append(Clearspan(self.lab, old, way, "old"))
        chosen = self.bench.args.programs
        for p in made:
            if p.binary is None:
                self.bench.fault(p.name, "not installed")
            elif not chosen or p.kind in chosen:
                self.programs.append(p)

    def start(self):
        """c-icap, the origin and all programs; both on the load's core."""
        lab.sh("mount -t tmpfs none /dev/shm")  # c-icap leaves things there
        for name, port in (("origin-http", PORT), ("icap-pass", PASS)):
            p = self.lab.spawn(name, lab.LOAD_CORE,
                               f"{self.lab.bin}/http -l {port}")
            if not self.lab.wait_port(port, p):
                raise Failed(f"{name} does not listen")
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {int(lab.LOAD_CORE)})
        try:
            self.peers = setup.Peers(self.lab.path("icap"), ICAP, clamd=False)
            os.chmod(self.lab.path("icap"), 0o755)
            self.peers.start()
        finally:
            os.sched_setaffinity(0, before)
        for p in self.programs:
            p.start()
        time.sleep(1)               # OPTIONS
        for p in self.programs:
            self.load(p, 50, 4, 1024)

    def load(self, p, n, atonce, size):
        return self.http(f"-a {p.address} -p {PORT} -s {lab.CLIENT} -n {n} "
                         f"-c {atonce} -b {size}", p.name)

    def http(self, args, who, *more):
        r = subprocess.run(
            ["taskset", "-c", lab.LOAD_CORE, self.lab.bin + "/http"]
            + args.split() + list(more), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=30)
        if r.returncode != 0:
            raise Failed(f"{who}: http {args}: {r.stderr.strip()[:300]}")
        return json.loads(r.stdout)

    def c_icap_on(self, *cores):
        for _, peer in self.peers.running:
            for pid in lab.tree(peer.pid):
                for task in os.listdir(f"/proc/{pid}/task"):
                    os.sched_setaffinity(int(task), [int(c) for c in cores])

    def cpu(self, p, n, size):
        """CPU us a request, many at once."""
        before = p.cpu()
        self.load(p, n, ATONCE if size < LARGE else 4, size)
        return (p.cpu() - before) / n * 1e6

    def one(self, p, size):
        """CPU us a request, and the times of one at a time."""
        scale = self.bench.args.scale * (0.1 if size > LARGE else 1)
        n = max(200, int(REQUESTS[p.kind] * scale))
        self.c_icap_on(lab.PROXY_CORE, lab.LOAD_CORE)
        cpu = self.cpu(p, n, size)
        self.c_icap_on(lab.LOAD_CORE)
        idle = self.cpu(p, n // 2, size)
        alone = self.load(p, max(100, int(ALONE * scale)), 1, size)
        return {"cpu": cpu, "idle": idle, "p50": alone["p50"],
                "p99": alone["p99"]}

    def server(self):
        """c-icap asked by the load itself: REQMOD, one at a time."""
        http = b"GET http://www.bench.test/1024 HTTP/1.1\r\n" \
               b"Host: www.bench.test\r\n\r\n"
        path = self.lab.path("reqmod")
        with open(path, "wb") as f:
            f.write(b"REQMOD %s ICAP/1.0\r\nHost: 127.0.0.1\r\nAllow: 204\r\n"
                    b"Encapsulated: req-hdr=0, null-body=%d\r\n\r\n%s"
                    % (ECHO.encode(), len(http), http))
        return self.http(f"-a 127.0.0.1 -p {ICAP} -n 500 -b 0 -R {path} -E",
                         "c-icap", "ICAP/1.0 204")

    def run(self):
        if not self.programs:
            return
        began = time.time()
        try:
            self.start()
            self.own = self.server()
            for _ in range(min(self.bench.args.rounds, 3)):
                self.turn()
        except (Failed, subprocess.SubprocessError, OSError,
                RuntimeError) as e:
            self.bench.fault("icap", e)
        finally:
            self.stop()
        print(f"bench: icap: {time.time() - began:.0f} s", file=sys.stderr,
              flush=True)

    def turn(self):
        by = {(p.kind, p.way): p for p in self.programs}
        kinds = sorted({p.kind for p in self.programs})
        bare = {(k, size): self.one(by[k, "none"], size)
                for size in sorted({c[2] for c in CASES}) for k in kinds
                if k != "squid" or size < LARGE}
        for case, way, size in CASES:
            for kind in kinds:
                if (kind, size) not in bare or (case, kind) in self.broken:
                    continue
                try:
                    self.keep(case, kind, bare[kind, size],
                              self.one(by[kind, way], size))
                except (Failed, subprocess.SubprocessError) as e:
                    self.broken.add((case, kind))
                    self.bench.fault(f"{case}: {kind}", e)
                    by[kind, way].restart()

    def keep(self, case, kind, without, with_):
        self.rows.setdefault((case, kind), []).append({
            "without": without, "with": with_,
            "added": {key: with_[key] - without[key] for key in with_}})
        self.bench.results.setdefault(case, {}).setdefault(
            kind, []).append(with_["cpu"] - without["cpu"])

    def stop(self):
        for p in self.programs:
            if p.process is not None:
                self.lab.stop(p.process)
        if self.peers is not None:
            self.peers.stop()

    # -- the table

    def median(self, case, kind, what, key):
        return statistics.median(r[what][key] for r in self.rows[case, kind])

    def table(self):
        if not self.rows:
            return
        print("\nicap: HTTP without / with; CPU us a request at "
              f"{ATONCE} at once (4 of 1 MB), us a request one at a time"
              f"\n    {'':35} {'CPU':>13} {'txn/core-s':>10} {'idle':>13} "
              f"{'p50':>11} {'added':>6} {'p99':>13} {'added':>6}")
        for case, kind in self.rows:
            def both(key):
                return "/ ".join(f"{self.median(case, kind, w, key):5.0f}"
                                 for w in ("without", "with"))

            def added(key):
                return self.median(case, kind, "added", key)
            print(f"    {case:24} {kind:10} {both('cpu'):>13} "
                  f"{1e6 / max(added('cpu'), 0.1):10.0f} "
                  f"{both('idle'):>13} "
                  f"{both('p50'):>11} {added('p50'):6.0f} "
                  f"{both('p99'):>13} {added('p99'):6.0f}")
        print(f"    c-icap alone, asked by the load: p50 "
              f"{self.own['p50']:.0f}, p99 {self.own['p99']:.0f}")

    def report(self):
        return {"c-icap": self.own,
                "rows": {f"{case}: {kind}": rows
                         for (case, kind), rows in self.rows.items()}}
