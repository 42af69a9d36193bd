"""
The bench's laboratory: a network namespace of its own (with its own process
ids, so that nothing outlives the run), certificates, the origin, the load
client, a second namespace for the recorder, and the CPU and memory a process
tree has used.

Addresses, all on lo: the client is 10.9.0.9; program number K is reached by
connecting to 10.9.0.(10+K), which nftables redirects to the program's own
port; so is what a load program sends that cannot bind its address. Every
program sees the original destination and connects there itself.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CLIENT = "10.9.0.9"
# The origin's ports: no tickets, one ticket, no tickets and small records.
FULL, RESUMED, SMALL = 443, 444, 445
PROXY_CORE, LOAD_CORE = "0", "1"
NAME = "www.bench.test"


def enter():
    """Runs this script again as pid 1 of namespaces that die with it."""
    if os.environ.get("CLEARSPAN_BENCH") == "inside":
        return
    if os.geteuid() != 0:
        sys.exit("bench: needs root, for network namespaces")
    os.environ["CLEARSPAN_BENCH"] = "inside"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork",
                          "--kill-child", "--mount-proc", sys.executable]
              + sys.argv)


def sh(command, **more):
    return subprocess.run(command, shell=True, check=True, text=True,
                          stdout=subprocess.PIPE, **more).stdout


class Lab:
    def __init__(self, bindir):
        self.bin = bindir
        self.dir = tempfile.mkdtemp(prefix="clearspan-bench-")
        os.chmod(self.dir, 0o755)
        self.running = []
        self.recorder_ns = None

    def path(self, name):
        return os.path.join(self.dir, name)

    # -- set up and tear down

    def network(self, programs, group):
        """A program is reached from CLIENT, or by processes of a group."""
        sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
           "net.ipv6.conf.default.disable_ipv6=1; ip link set lo up; "
           "sysctl -qw net.ipv4.ip_local_port_range='10000 65000'")
        rules = ["table ip bench { chain out {",
                 "type nat hook output priority -100;"]
        sh(f"ip addr add {CLIENT}/32 dev lo")
        for p in programs:
            sh(f"ip addr add {p.address}/32 dev lo")
            if p.port:
                rules.append(f"ip saddr {CLIENT} ip daddr {p.address} "
                             f"meta l4proto tcp redirect to :{p.port};")
                rules.append(f"meta skgid {group} ip daddr {p.address} "
                             f"meta l4proto tcp redirect to :{p.port};")
        sh("nft -f -", input="\n".join(rules + ["}", "}", ""]))
        holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        self.running.append(holder)
        time.sleep(0.2)
        self.recorder_ns = f"nsenter -t {holder.pid} -n "
        sh(self.recorder_ns + "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
           "net.ipv6.conf.default.disable_ipv6=1")

    def mirror_port(self, near, far, near_address=None, far_address=None):
        """A cable: near in our namespace, far in the recorder's."""
        pid = self.recorder_ns.split()[2]
        sh(f"ip link add {near} type veth peer name {far} netns {pid}; "
           f"ip link set {near} up")
        if near_address:
            sh(f"ip addr add {near_address} dev {near}")
        sh(self.recorder_ns + f"ip link set {far} up")
        if far_address:
            sh(self.recorder_ns + f"ip addr add {far_address} dev {far}")
        # What a cable carries away is no work of the gateway's kernel: drop
        # it where it arrives, behind the counters and the recorder's socket.
        sh(self.recorder_ns + "nft -f -", input=(
            f"table netdev {far} {{ chain in {{\n"
            f"type filter hook ingress device {far} priority 0;\n"
            "meta protocol ip drop;\n}\n}\n"))

    def null_port(self, name):
        """A port whose cable leads nowhere. A frame costs what the gateway's
        kernel does for it, to where a driver would take it, and nothing of
        what the recorder's does. It counts as received what was sent to it,
        frame by frame, and is offered no offload it does not do itself."""
        sh(f"ip link add {name} type ifb; ip link set {name} up")

    def cable(self, name):
        """The ports NAMEi and NAMEo with a cable between them: an inline
        device that costs nothing. What it takes to send frames of its MTU
        into one port and to receive them at the other is counted."""
        sh(f"ip link add {name}i type veth peer name {name}o")

    def bridge(self, name):
        """An inline device in the same kernel, between the ports NAMEi and
        NAMEo: a bridge in a namespace of its own. Its work is not the
        gateway's, but is counted, as a veth is served by who sends into it."""
        holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        self.running.append(holder)
        time.sleep(0.2)
        inside = f"nsenter -t {holder.pid} -n "
        for side in "io":
            sh(f"ip link add {name}{side} type veth peer name {side} netns "
               f"{holder.pid}")
        sh(inside + "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
           "net.ipv6.conf.default.disable_ipv6=1")
        sh(inside + "ip -batch -", input=(
            "link add sw0 type bridge forward_delay 0 mcast_snooping 0\n"
            "link set i master sw0 up\nlink set o master sw0 up\n"
            "link set sw0 up\n"))

    def certificates(self):
        with open(self.path("x509.cnf"), "w") as f:
            f.write("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\n"
                    "[ca]\nbasicConstraints=critical,CA:TRUE\n"
                    "keyUsage=critical,keyCertSign,cRLSign\n"
                    "subjectKeyIdentifier=hash\n"
                    "[leaf]\nbasicConstraints=CA:FALSE\n"
                    "keyUsage=critical,digitalSignature\n"
                    "extendedKeyUsage=serverAuth\n"
                    "subjectKeyIdentifier=hash\n"
                    "authorityKeyIdentifier=keyid\n"
                    f"subjectAltName=DNS:{NAME},DNS:plain.bench.test\n")
        self.cert("root", "Bench Root", "ca")
        self.cert("inter", "Bench Intermediate", "ca", "root")
        self.cert("leaf", NAME, "leaf", "inter")
        self.cert("proxyca", "Bench Proxy CA", "ca")
        self.cert("badca", "Bench Untrusted CA", "ca")
        sh(f"cd {self.dir}; cat leaf.pem inter.pem >chain.pem; "
           "cat chain.pem leaf.key >haproxy.pem; "
           "cat proxyca.pem proxyca.key >squid.pem; "
           "cat root.pem /etc/ssl/certs/ca-certificates.crt >bundle.pem; "
           "cat root.pem proxyca.pem >client.pem; chmod 644 *.key squid.pem")

    def cert(self, name, cn, kind, issuer=None):
        by = f"-CA {issuer}.pem -CAkey {issuer}.key" if issuer else ""
        sh(f"cd {self.dir}; openssl req -x509 -config x509.cnf -newkey ec "
           "-pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 "
           f"-extensions {kind} -subj '/CN={cn}' {by} "
           f"-keyout {name}.key -out {name}.pem 2>{name}.err")

    def origin(self, leaves=4000):
        common = (f"-c {self.path('chain.pem')} -k {self.path('leaf.key')} "
                  f"-u {leaves} -i {self.path('inter.pem')} "
                  f"-j {self.path('inter.key')}")
        for name, port, more in (("origin", FULL, ""),
                                 ("origin-tickets", RESUMED, "-t 1"),
                                 ("origin-small", SMALL, "-r 1400")):
            p = self.spawn(name, LOAD_CORE,
                           f"{self.bin}/origin -p {port} {more} {common}")
            if not self.wait_port(port, p):
                raise Failed(f"{name} does not listen")

    def spawn(self, name, core, command, env=None):
        """Starts command on one core; its output goes to NAME.out."""
        log = open(self.path(name + ".out"), "ab")
        p = subprocess.Popen(["taskset", "-c", core] + command.split(),
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             env=dict(os.environ, **(env or {})),
                             start_new_session=True)
        self.running.append(p)
        return p

    def stop(self, p):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if p.poll() is None:
                try:
                    os.killpg(p.pid, sig)
                    p.wait(5)
                except (subprocess.TimeoutExpired, ProcessLookupError):
                    pass
        if p in self.running:
            self.running.remove(p)

    def wait_port(self, port, process, seconds=20):
        """False when nobody listens in time, or the process has ended."""
        end = time.time() + seconds
        while time.time() < end and process.poll() is None:
            out = sh(f"ss -Hltn 'sport = :{port}'")
            if out.strip():
                return True
            time.sleep(0.1)
        return False

    def close(self):
        for p in list(self.running):
            self.stop(p)
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- the load client and the recorder

    def load_command(self, program, port, args):
        return (["taskset", "-c", LOAD_CORE, f"{self.bin}/load", "-a",
                 program.address, "-p", str(port)] +
                (["-s", CLIENT] if program.port else []) + args.split())

    def load(self, program, port, args, seconds=120):
        """Runs the load client; its report, with `failed` never nonzero."""
        r = subprocess.run(self.load_command(program, port, args),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           stdin=subprocess.DEVNULL, text=True,
                           timeout=seconds)
        if not r.stdout.startswith("{"):
            raise Failed(f"{program.name}: load {args}: {r.stderr.strip()}")
        out = json.loads(r.stdout)
        if out["failed"]:
            raise Failed(f"{program.name}: load {args}: {out['failed']} "
                         f"sessions failed {r.stderr.strip()[:300]}")
        return out

    def recorder(self, far):
        p = subprocess.Popen(
            self.recorder_ns.split() + ["taskset", "-c", LOAD_CORE,
                                        f"{self.bin}/recorder", "-i", far],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        p.stdout.readline()
        return p

    def recorder_report(self, p):
        time.sleep(0.5)
        return json.loads(p.communicate("", timeout=20)[0])

    def port_stats(self, far, where=None):
        """What arrived at the far end of a mirror port, or at a null port
        (where: "")."""
        out = json.loads(sh((self.recorder_ns if where is None else where) +
                            f"ip -j -s link show dev {far}"))
        rx = out[0]["stats64"]["rx"]
        return {"packets": rx["packets"], "bytes": rx["bytes"],
                "dropped": rx["dropped"] + rx["errors"]}


class Failed(Exception):
    pass


# -- what a process tree has used

def tree(pid):
    """pid and all its descendants."""
    children = {}
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat) as f:
                text = f.read()
        except OSError:
            continue
        own = int(text.split(" ", 1)[0])
        parent = int(text.rsplit(")", 1)[1].split()[1])
        children.setdefault(parent, []).append(own)
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu(pid):
    """CPU seconds of the tree, user and system, to the nanosecond."""
    total = 0
    for p in tree(pid):
        for path in glob.glob(f"/proc/{p}/task/*/schedstat"):
            try:
                with open(path) as f:
                    total += int(f.read().split()[0])
            except (OSError, IndexError):
                pass
    return total / 1e9


def pss(pid):
    """KiB of memory that is the tree's own (proportional set size)."""
    total = 0
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                for line in f:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        except OSError:
            pass
    return total
