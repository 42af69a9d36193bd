"""Processes: started in a namespace, logged, waited for by what they say."""
import os
import re
import signal
import socket
import struct
import subprocess
import time


class Failure(Exception):
    """What a scenario found wrong, in words."""


# Bounds say that something hangs, not that it is slow: the machine may have
# ten times as much to do as its cores can. So they are stretched by this.
PATIENCE = 4


def wait(fact, what, timeout=10):
    """Poll until fact() is true; its value. Fails, saying what."""
    timeout *= PATIENCE
    start = time.monotonic()
    while True:
        v = fact()
        if v:
            return v
        passed = time.monotonic() - start
        if passed > timeout:
            raise Failure('no %s within %g s' % (what, timeout))
        # Who has waited for long waits a little longer: others want the CPU.
        time.sleep(min(0.01 + passed / 20, 0.1))


def whole_lines(path):
    """The whole lines of a file that is being written to, or is not there
    yet. Iterating over the file would not do: a line that had no end at its
    first look is followed by its own rest, which has one."""
    try:
        with open(path, 'rb') as f:
            return [x.decode() for x in f.read().split(b'\n')[:-1]]
    except FileNotFoundError:
        return []


def check(truth, *what):
    if not truth:
        raise Failure(' '.join(map(str, what)) or 'check failed')


def short(v):
    if isinstance(v, (bytes, bytearray)) and len(v) > 160:
        return '%r... (%d bytes)' % (bytes(v[:120]), len(v))
    return repr(v)[:400]


def equal(got, want, what=''):
    if got != want:
        where = ''
        if isinstance(got, (bytes, bytearray)) and \
           isinstance(want, (bytes, bytearray)):
            n = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b),
                     min(len(got), len(want)))
            where = ' (%d and %d bytes, differing at %d)' % (
                len(got), len(want), n)
        raise Failure('%s: got %s, wanted %s%s' %
                      (what, short(got), short(want), where))


class Process:
    def __init__(self, s, ns, argv, name=None, env=None, stdin=None,
                 cwd=None):
        self.argv = argv
        self.name = name or os.path.basename(argv[0])
        self.log = s.path(self.name + '.log')
        s.say('%s$ %s' % (ns.name, ' '.join(argv)))
        self.skip = 0           # what an earlier one of that name said
        if os.path.exists(self.log):
            self.skip = os.path.getsize(self.log)
        with open(self.log, 'ab') as out, ns:
            self.p = subprocess.Popen(
                argv, stdin=stdin or subprocess.DEVNULL, stdout=out,
                stderr=out, cwd=cwd or s.dir,
                env=dict(os.environ, **(env or {})))
        self.pid = self.p.pid

    def text(self):
        with open(self.log, 'rb') as f:
            f.seek(self.skip)
            return f.read().decode(errors='replace')

    def wait_log(self, word, timeout=15):
        def there():
            if word in self.text():
                return True
            if self.p.poll() is not None:
                raise Failure('%s ended with %d before it said "%s":\n%s' % (
                    self.name, self.p.returncode, word, self.text()[-2000:]))
        return wait(there, '"%s" in the log of %s' % (word, self.name),
                    timeout)

    def alive(self):
        return self.p.poll() is None

    def naps(self):
        """{thread: how often it was put off the CPU}; None if one runs."""
        out = {}
        try:
            for task in os.listdir('/proc/%d/task' % self.pid):
                with open('/proc/%d/task/%s/status' % (self.pid, task)) as f:
                    text = f.read()
                if '\nState:\tS' not in text:
                    return None
                out[task] = re.findall(r'ctxt_switches:\t(\d+)', text)
        except FileNotFoundError:
            return None
        return out

    def idle(self):
        """Whether at one moment all of its threads slept: each is seen
        asleep, and again, and has not run in between. Whatever had come for
        it by then it has dealt with, but for what a timer of its own is to
        do."""
        once = self.naps()
        return once is not None and once == self.naps()

    def end(self, sig=signal.SIGTERM, timeout=10):
        """Send sig and wait; the exit status."""
        if self.alive():
            self.p.send_signal(sig)
        try:
            return self.p.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            raise Failure('%s did not end within %g s of signal %d' %
                          (self.name, timeout, sig))


class Result:
    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    @property
    def text(self):
        return self.out.decode(errors='replace')

    @property
    def errors(self):
        return self.err.decode(errors='replace')

    def ok(self):
        if self.code:
            raise Failure('%s: status %d\n%s%s' % (
                ' '.join(self.argv), self.code, self.text[-1500:],
                self.errors[-1500:]))
        return self


def call(s, ns, argv, input=None, timeout=30, env=None, cwd=None):
    s.say('%s$ %s' % (ns.name, ' '.join(argv)))
    with ns:
        p = subprocess.Popen(argv, stdin=subprocess.PIPE if input is not None
                             else subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             cwd=cwd or s.dir,
                             env=dict(os.environ, **(env or {})))
    try:
        out, err = p.communicate(input, timeout * PATIENCE)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        raise Failure('%s: not done in %g s\n%s%s' % (
            ' '.join(argv), timeout, out[-1000:].decode(errors='replace'),
            err[-1000:].decode(errors='replace')))
    return Result(argv, p.returncode, out, err)


NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, DUMP, TCP_LISTEN = 4, 20, 0x301, 10


def sockets(ns):
    """The TCP ports that something listens on in ns, by sock_diag(7): to read
    /proc/net/tcp is to have the kernel walk all that it has room for."""
    with ns, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                           NETLINK_SOCK_DIAG) as nl:
        return listening(nl, socket.AF_INET) | listening(nl, socket.AF_INET6)


def listening(nl, family):
    nl.send(struct.pack('=IHHII4BI48x', 72, SOCK_DIAG_BY_FAMILY, DUMP, 0, 0,
                        family, socket.IPPROTO_TCP, 0, 0, 1 << TCP_LISTEN))
    out = set()
    while True:
        d = nl.recv(65536)
        while d:
            size, kind = struct.unpack_from('=IH', d)
            if kind != SOCK_DIAG_BY_FAMILY:     # NLMSG_DONE
                return out
            out.add(struct.unpack_from('>H', d, 20)[0])
            d = d[size + 3 & ~3:]


def connections(ns, port):
    """How many TCP connections there are in ns with a remote port, in
    whatever state: one that was reset is none any more."""
    n = 0
    with ns:
        for f in ('tcp', 'tcp6'):
            with open('/proc/thread-self/net/' + f) as t:
                n += sum(int(line.split()[2].rsplit(':', 1)[1], 16) == port
                         for line in list(t)[1:])
    return n


def wait_port(ns, port, p=None, timeout=15):
    def there():
        if p and not p.alive():
            raise Failure('%s ended before it listened:\n%s' %
                          (p.name, p.text()[-2000:]))
        return port in sockets(ns)
    wait(there, 'listener on port %d' % port, timeout)
