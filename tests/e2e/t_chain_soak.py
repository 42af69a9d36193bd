"""Many sessions through a chain of two devices, one after another and at
once: every byte is right, and nothing of them is left.

CROWD=100000 in the environment is how many come and go, AT_ONCE=2000 how many
are open together, BULK=1024 how many MiB one of them carries."""
import hashlib
import os
import selectors
import socket

from harness import Failure, chain, check, device, equal, net, \
    scenario, wait
from harness.proc import wait_port
from t_crowd import HERE, idle

N = int(os.environ.get('CROWD', '400'))
AT_ONCE = int(os.environ.get('AT_ONCE', '200'))
BULK = int(os.environ.get('BULK', '16'))


class Zone(net.Namespace):
    """A network namespace that the helper holds."""

    def __init__(self, path):
        self.name, self.path, self.saved = 'zone', path, []


def zones(s):
    """Those of all devices, by what the helper holds open; it also has the
    namespace that it began in."""
    out = {}
    for pid in chain.helper(s):
        for fd in os.listdir('/proc/%d/fd' % pid):
            path = '/proc/%d/fd/%s' % (pid, fd)
            try:
                if os.readlink(path).startswith('net:['):
                    out[os.readlink(path)] = path
            except OSError:
                pass
        out.pop(os.readlink('/proc/%d/ns/net' % pid), None)
    return [Zone(p) for p in out.values()]


def left(s):
    """Connections in the zones that are not the probe's, but for those that
    the kernel remembers for a minute, and neighbours that were learned."""
    out = []
    for z in zones(s):
        text = z.run('ss', '-Hnt', 'state', 'connected', 'exclude',
                     'time-wait')
        out += [x for x in text.splitlines() if x and '198.1' not in x]
        text = z.run('ip', 'neigh')
        out += [x for x in text.splitlines() if x and 'PERMANENT' not in x]
    return out


@scenario(timeout=180 + N // 20)
def a_crowd_through_a_chain_leaves_nothing_behind(s):
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'dlp1')]
    chain.start(s, d, [chain.chain(*d)], record=False,
                log={'level': 'warn'}, limits={'per-client': 5000})
    exe = s.path('crowd')
    s.run(s.gateway, 'cc', '-O2', '-pthread', '-o', exe, HERE + '/crowd.c',
          '-lssl', '-lcrypto').ok()
    p = s.spawn(s.server, exe, 'serve', net.SERVER, '443',
                *s.pki.pair('good'), name='origin')
    wait_port(s.server, 443, p)

    def crowd(n):
        s.run(s.client, exe, 'go', net.SERVER, '443', '16', str(n), '1',
              s.pki.ca, 'good.test', timeout=60 + n // 10).ok()
        wait(lambda: s.d.metric('clearspan_sessions_open') == 0,
             'the end of all sessions', 60 * s.slow)
        s.quiet()
    crowd(100)
    check(len(zones(s)) == 4, len(zones(s)), 'zones')
    wait(lambda: not left(s), 'the end of all hops', 90)
    fds = s.d.fds()
    crowd(N if s.kind == 'plain' else N // 4)
    idle(s)
    wait(lambda: s.d.fds() <= fds + 8, 'descriptors to be closed: %d, %d' % (
        s.d.fds(), fds))
    wait(lambda: not left(s), 'the end of all hops', 90)
    told = s.d.ctl('devices')
    for x in told.get('devices', told):
        s.say(str(x))


class Many:
    """Plain connections, all at once: each sends a text of its own and gets
    it back; one thread has both ends of all."""

    def __init__(self, s, n, size):
        self.s, self.n, self.size = s, n, size
        self.sel = selectors.DefaultSelector()
        with s.server:
            self.listener = socket.create_server((net.SERVER, 7),
                                                 backlog=4096)
        self.listener.setblocking(False)
        self.sel.register(self.listener, selectors.EVENT_READ, None)
        self.ends, self.ready, self.wrong = [], [], []

    def text(self, i):
        return hashlib.shake_128(b'%d' % i).digest(self.size)

    def open(self):
        for i in range(self.n):
            with self.s.client:
                c = socket.socket()
            c.setblocking(False)
            c.connect_ex((net.SERVER, 7))
            self.ends.append([c, self.text(i), 0, bytearray()])
            self.sel.register(c, selectors.EVENT_READ |
                              selectors.EVENT_WRITE, i)
            self.step(0)

    def step(self, timeout=0.1):
        for key, mask in self.sel.select(timeout):
            if key.data is None:
                a, _ = self.listener.accept()
                a.setblocking(False)
                self.sel.register(a, selectors.EVENT_READ, (bytearray(),))
            elif isinstance(key.data, tuple):
                self.echo(key)
            else:
                self.client(key, mask)

    def echo(self, key):
        """What came is kept until all are open."""
        key.data[0].extend(key.fileobj.recv(65536) or b'')
        if len(key.data[0]) == self.size:
            self.sel.unregister(key.fileobj)
            self.ready.append((key.fileobj, key.data[0]))

    def client(self, key, mask):
        e = self.ends[key.data]
        if mask & selectors.EVENT_READ:
            d = e[0].recv(65536)
            e[3] += d
            if not d:
                self.wrong.append((key.data, 'FIN'))
                self.sel.unregister(e[0])
        if mask & selectors.EVENT_WRITE and e[2] < self.size:
            e[2] += e[0].send(e[1][e[2]:])
            if e[2] == self.size:
                self.sel.modify(e[0], selectors.EVENT_READ, key.data)


@scenario(timeout=120 + AT_ONCE // 5)
def many_sessions_at_once_through_a_chain_are_bit_exact(s):
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'dlp1')]
    chain.start(s, d, [chain.chain(*d, also=['plain'])], record=False,
                log={'level': 'warn'}, limits={'per-client': 10000})
    m = Many(s, AT_ONCE, 5000)
    m.open()

    def turn(fact):
        m.step()
        return fact()
    wait(lambda: turn(lambda: len(m.ready) + len(m.wrong) >= m.n),
         'all of %d at once' % m.n, 30 + AT_ONCE // 50)
    equal(m.wrong, [], 'sessions that ended')
    equal(s.d.metric('clearspan_sessions_open'), float(m.n), 'open at once')
    for sock, data in m.ready:
        sock.send(data)
    wait(lambda: turn(lambda: all(len(e[3]) >= m.size for e in m.ends)),
         'all answers', 30 + AT_ONCE // 50)
    equal([i for i, e in enumerate(m.ends) if e[3] != e[1]], [], 'wrong')
    for e in m.ends:
        e[0].close()
    for sock, data in m.ready:
        sock.close()
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'their end')


@scenario(timeout=60 + BULK)
def a_long_transfer_through_a_chain_is_bit_exact(s):
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'dlp1')]
    chain.start(s, d, [chain.chain(*d)], record=False)
    block = hashlib.shake_128(b'bulk').digest(1 << 20)
    sums = [hashlib.sha256(), hashlib.sha256()]

    def handler(p):
        p.recv_exact(2)
        for i in range(BULK):
            sums[0].update(block)
            p.send(block)
            del p.sent[:]
        p.fin()
        p.recv_all()
    s.serve(443, handler=handler)
    c = s.tls()
    c.send(b'go')
    n = 0
    while n < BULK << 20:
        part = c.recv()
        if not part:
            raise Failure('%s after %d bytes' % (c.eof, n))
        n += len(part)
        sums[1].update(part)
        del c.received[:]
    equal(sums[1].digest(), sums[0].digest(), 'SHA-256 of what came')
    c.finish()
