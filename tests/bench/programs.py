"""
The programs measured, each in the best setup its manual gives for the job:
one process on one core, TLS to the client and TLS to the server, EC P-256
certificates, the upstream verified except where the row's name says not.
All are transparent: nftables redirects, the program asks the kernel for the
original destination and connects there.
"""
import json
import os
import shutil
import subprocess
import time

import lab


class Program:
    number = 0
    verifies = True
    note = ""

    def __init__(self, where, name, binary):
        Program.number += 1
        self.lab = where
        self.name = name
        self.binary = shutil.which(binary) or (
            binary if os.access(binary, os.X_OK) else None)
        self.address = f"10.9.0.{10 + Program.number}"
        self.port = 8400 + Program.number
        self.process = None

    def file(self, suffix, text):
        path = self.lab.path(f"{self.name}.{suffix}")
        with open(path, "w") as f:
            f.write(text)
        return path

    def start(self):
        self.process = self.lab.spawn(self.name, lab.PROXY_CORE,
                                      self.command(), self.environment())
        if not self.lab.wait_port(self.port, self.process):
            raise lab.Failed(f"{self.name} does not listen: {self.tail()}")
        time.sleep(0.3)

    def restart(self):
        self.lab.stop(self.process)
        self.start()

    def environment(self):
        return {}

    def tail(self):
        with open(self.lab.path(self.name + ".out"), errors="replace") as f:
            return f.read()[-600:]

    def cpu(self):
        return lab.cpu(self.process.pid)

    def pss(self):
        return lab.pss(self.process.pid)

    def alive(self):
        return self.process is not None and self.process.poll() is None


class Direct(Program):
    """No proxy: what the client and the origin do between themselves."""

    def __init__(self, where):
        super().__init__(where, "direct", "/bin/true")
        self.port = None

    def start(self):
        pass


class Clearspan(Program):
    note = "verifies; leaf forged; event log off"

    def __init__(self, where, binary, name="clearspan", mirror=None,
                 more="", devices=(), offload="off",
                 keeps=""):
        super().__init__(where, name, binary)
        self.mirror = mirror
        self.more = more        # keys of the mirror
        self.devices = devices  # of its chain, in their order
        self.offload = offload
        self.keeps = keeps      # its history, or nothing

    def chain(self):
        """Its chain's part of the configuration, and of the rule."""
        if not self.devices:
            return "", ""
        return ("devices:\n" + "".join(
            f"  - {{ name: {d}, inside: {d}i, outside: {d}o, "
            f"offload: {self.offload} }}\n" for d in self.devices) +
            "chains:\n  - name: all\n    slots:\n" + "".join(
                f"      - {{ name: {d}, devices: [{d}] }}\n"
                for d in self.devices)), "    chain: all\n"

    def start(self):
        super().start()
        for _ in range(100):    # a device is up with its first probes
            told = json.loads(lab.sh(self.ctl() + "devices"))["devices"] if \
                self.devices else []
            if all(d["health"] == "up" for d in told):
                return
            time.sleep(0.1)
        raise lab.Failed(f"{self.name}: devices are not up: {told}")

    def ctl(self):
        return (f"{self.binary} ctl -s {self.lab.path(self.name + '.sock')} "
                "--json ")

    def mirrored(self):
        """What it says it sent to its mirror, and lost."""
        out = json.loads(lab.sh(self.ctl() + "counters"))
        return out["mirrors"][0]

    def command(self):
        d = self.lab.dir
        mirrors, tap = "", ""
        if self.mirror:
            mirrors = ("mirrors:\n  - name: recorder\n"
                       f"    interface: {self.mirror}\n{self.more}")
            tap = "    mirror: [recorder]\n"
        chain, through = self.chain()
        conf = self.file("yaml", (
            "workers: 1\n"
            f"ca:\n  certificate: {d}/proxyca.pem\n  key: {d}/proxyca.key\n"
            f"  untrusted-certificate: {d}/badca.pem\n"
            f"  untrusted-key: {d}/badca.key\n"
            "listen:\n  - name: gateway\n    mode: transparent\n"
            f"    address: 127.0.0.1:{self.port}\n"
            f"upstream:\n  trust: {d}/root.pem\n"
            "  keep-client-address: no\n"
            f"{mirrors}{chain}{self.keeps}"
            "rules:\n"
            "  - name: plain\n    sni: [plain.bench.test]\n"
            "    action: bypass\n"
            "  - name: default\n    action: decrypt\n"
            f"{tap}{through}"
            "log:\n  level: warn\n  events: []\n"
            f"  file: {d}/{self.name}.json\n"
            f"control: {{ socket: {d}/{self.name}.sock }}\n"
            "limits:\n  connections: 20000\n  per-client: 20000\n"))
        return f"{self.binary} run -c {conf}"


class Haproxy(Program):
    """
    mode tcp, a fixed certificate (it cannot forge after the upstream's), TLS
    again to the server with `verify required` and the name checked against
    the SNI. `reuse` keeps its defaults: tickets and upstream session reuse.
    """
    note = "verifies; fixed certificate, no forging"

    def __init__(self, where, name="haproxy", reuse=False, tls=True):
        super().__init__(where, name, "haproxy")
        self.reuse = reuse
        self.tls = tls

    def command(self):
        d = self.lab.dir
        if self.tls:
            bind = f"ssl crt {d}/haproxy.pem"
            server = (f"ssl verify required ca-file {d}/root.pem "
                      "sni ssl_fc_sni")
            if not self.reuse:
                bind += " no-tls-tickets"
                server += " no-ssl-reuse"
        else:
            bind = server = ""
        conf = self.file("cfg", (
            "global\n    nbthread 1\n    maxconn 4000\n"
            f"{self.extra_global()}"
            "defaults\n    mode tcp\n    timeout connect 5s\n"
            "    timeout client 2m\n    timeout server 2m\n"
            "    maxconn 4000\n    option splice-auto\n"
            f"listen all\n    bind 127.0.0.1:{self.port} {bind}\n"
            f"    server origin 0.0.0.0 {server}\n"))
        return f"{self.binary} -db -f {conf}"

    def extra_global(self):
        return ""


class Sslsplit(Program):
    """
    Its default does not verify the server; `-o VerifyPeer=yes` does, against
    the system's bundle with our root added. The leaf key is EC (its default
    would be RSA 2048, one signature of 0.9 ms per handshake).
    """

    def __init__(self, where, name="sslsplit", verify=False, mirror=None):
        super().__init__(where, name, "sslsplit")
        self.verifies = verify
        self.mirror = mirror
        self.note = (("verifies" if verify else "verifies nothing") +
                     "; leaf forged")

    def environment(self):
        return {"SSL_CERT_FILE": self.lab.path("bundle.pem"),
                "SSL_CERT_DIR": "/nonexistent"}

    def command(self):
        d = self.lab.dir
        return (f"{self.binary} -u root -k {d}/proxyca.key "
                f"-c {d}/proxyca.pem -K {d}/leaf.key "
                + ("-o VerifyPeer=yes " if self.verifies else "")
                + (f"-I {self.mirror[0]} -T {self.mirror[1]} "
                   if self.mirror else "")
                + f"ssl 127.0.0.1 {self.port} netfilter")


class Squid(Program):
    """
    peek at the ClientHello, then bump: the server first, its certificate
    verified and mimicked. It parses and rewrites HTTP, which others do not.
    """
    note = "verifies; leaf forged; an HTTP proxy, caching off"

    def __init__(self, where, name="squid"):
        super().__init__(where, name, "squid")

    def make_own(self):
        """A directory squid may write to."""
        own = self.lab.path(self.name + ".d")
        if not os.path.isdir(own):
            os.mkdir(own)
            shutil.chown(own, "proxy", "proxy")
            with open(own + "/hosts", "w") as f:
                f.write(f"{self.address} www.bench.test\n")
        return own

    def common(self, own):
        return (f"hosts_file {own}/hosts\nhttp_access allow all\n"
                "cache deny all\ncache_mem 0 MB\naccess_log none\n"
                f"cache_log {own}/cache.log\npid_filename none\n"
                "logfile_rotate 0\npinger_enable off\nvia off\n"
                "forwarded_for transparent\nclient_db off\n"
                f"coredump_dir {own}\nmax_filedescriptors 20000\n"
                "visible_hostname bench\nshutdown_lifetime 0 seconds\n"
                "memory_pools on\nquick_abort_min -1 KB\n")

    def command(self):
        d = self.lab.dir
        own = self.make_own()
        if not os.path.isdir(own + "/db"):
            subprocess.run(["setpriv", "--reuid=proxy", "--regid=proxy",
                            "--clear-groups",
                            "/usr/lib/squid/security_file_certgen", "-c",
                            "-s", own + "/db", "-M", "4MB"], check=True,
                           stdout=subprocess.DEVNULL)
        conf = self.file("conf", (
            f"https_port 127.0.0.1:{self.port} intercept ssl-bump "
            f"cert={d}/squid.pem generate-host-certificates=on "
            "dynamic_cert_mem_cache_size=16MB options=NO_TICKET\n"
            f"http_port 127.0.0.1:{self.port + 100}\n"
            "sslcrtd_program /usr/lib/squid/security_file_certgen "
            f"-s {own}/db -M 4MB\nsslcrtd_children 1 startup=1 idle=1\n"
            "acl hello at_step SslBump1\nssl_bump peek hello\n"
            "ssl_bump bump all\n"
            f"tls_outgoing_options cafile={d}/root.pem\n"
            f"{self.common(own)}"))
        return f"{self.binary} -N -f {conf}"
