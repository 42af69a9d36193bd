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


def links(pid):
    """{what a descriptor of a process is: its path}"""
    out = {}
    try:
        for fd in os.listdir('/proc/%d/fd' % pid):
            path = '/proc/%d/fd/%s' % (pid, fd)
            out[os.readlink(path)] = path
    except OSError:             # it ended, or the descriptor is closed
        pass
    return out


def zones(s):
    """Those of all devices, by what the helper holds open; it also has the
    namespace that it began in."""
    out = {}
    for pid in chain.helper(s):
        out.update({k: v for k, v in links(pid).items()
                    if k.startswith('net:[')})
        out.pop(os.readlink('/proc/%d/ns/net' % pid), None)
    return [Zone(p) for p in out.values()]


def namespaces():
    """Network namespaces that any process is in or holds open."""
    out = set()
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            out.add(os.readlink('/proc/%s/ns/net' % pid))
        except OSError:
            pass
        out.update(k for k in links(int(pid)) if k.startswith('net:['))
    return out


def sockets(ns):
    """TCP sockets of a namespace but for listeners, the probe's, and what
    the kernel remembers for a minute."""
    text = ns.run('ss', '-Hnta', 'exclude', 'time-wait')
    return [x for x in text.splitlines() if not x.startswith('LISTEN') and
            '198.18.' not in x and '198.19.' not in x]


def neighbours(ns):
    """Those that were learned, but for a device's own address."""
    return {x.split()[0] for x in ns.run('ip', 'neigh').splitlines()
            if 'PERMANENT' not in x and not x.startswith(('198.19.', 'fd19:',
                                                          'fe80:'))}


class Before:
    """What there is before many sessions; nothing more must be left."""

    def __init__(self, s):
        self.s, self.zones = s, zones(s)
        self.spaces = namespaces()
        wait(lambda: not self.sockets(), 'the end of all connections', 90)
        self.fds = s.d.fds()
        self.helpers = self.helper_fds()

    def helper_fds(self):
        return sorted(x.split(':')[0] for pid in chain.helper(self.s)
                      for x in links(pid))

    def sockets(self):
        return [x for z in (*self.zones, self.s.gateway) for x in sockets(z)]

    def same(self):
        s = self.s
        idle(s)
        wait(lambda: not self.sockets(), 'the end of all connections', 90)
        wait(lambda: s.d.fds() <= self.fds + 8, 'descriptors closed: %d, %d' %
             (s.d.fds(), self.fds), 60)      # pools of sockets shrink slowly
        equal(self.helper_fds(), self.helpers, 'descriptors of the helper')
        equal(namespaces(), self.spaces, 'namespaces')
        equal([z for z in self.zones if neighbours(z)], [],
              'zones with neighbours that were learned')
        check(neighbours(s.gateway) <= {net.CLIENT, net.SERVER},
              neighbours(s.gateway))
        s.say('descriptors: %d, %d before; namespaces %d' % (
            s.d.fds(), self.fds, len(self.spaces)))


def ended(s, devices, spaces):
    """The daemon ends, and nothing of it is left."""
    s.stop(s.d)
    wait(lambda: namespaces() == spaces, 'namespaces of before: %s, %s' % (
        namespaces(), spaces))
    for d in devices:
        for port in (d.inside, d.outside):
            check(port in s.gateway.run('ip', '-br', 'link'), port, 'is gone')


@scenario(timeout=180 + N // 20)
def a_crowd_through_a_chain_leaves_nothing_behind(s):
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'dlp1')]
    exe = s.path('crowd')
    s.run(s.gateway, 'cc', '-O2', '-pthread', '-o', exe, HERE + '/crowd.c',
          '-lssl', '-lcrypto').ok()
    p = s.spawn(s.server, exe, 'serve', net.SERVER, '443',
                *s.pki.pair('good'), name='origin')
    wait_port(s.server, 443, p)
    spaces = namespaces()
    chain.start(s, d, [chain.chain(*d)], record=False,
                log={'level': 'warn'}, limits={'per-client': 5000})

    def crowd(n):
        s.run(s.client, exe, 'go', net.SERVER, '443', '16', str(n), '1',
              s.pki.ca, 'good.test', timeout=60 + n // 10).ok()
        wait(lambda: s.d.metric('clearspan_sessions_open') == 0,
             'the end of all sessions', 60 * s.slow)
        s.quiet()
    crowd(100)
    check(len(zones(s)) == 4, len(zones(s)), 'zones')
    before = Before(s)
    crowd(N if s.kind == 'plain' else N // 4)
    before.same()
    told = s.d.ctl('devices')
    for x in told.get('devices', told):
        s.say(str(x))
        equal(x['sessions'], 0, 'sessions in ' + x['name'])
    ended(s, d, spaces)


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
    spaces = namespaces()
    chain.start(s, d, [chain.chain(*d, also=['plain'])], record=False,
                log={'level': 'warn'}, limits={'per-client': 10000})
    before = Before(s)
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
    m.listener.close()
    before.same()
    ended(s, d, spaces)


def bulk(s, port):
    """BULK MiB from the server to the client and as much back, at once."""
    block = hashlib.shake_128(b'bulk').digest(1 << 20)
    want = hashlib.sha256()
    for i in range(BULK):
        want.update(block)
    got = {}

    def push(p):
        for i in range(BULK):
            p.send(block)
            del p.sent[:]

    def pull(p, name):
        n, digest = 0, hashlib.sha256()
        while n < BULK << 20:
            part = p.recv()
            if not part:
                raise Failure('%s after %d bytes' % (p.eof, n))
            n += len(part)
            digest.update(part)
            del p.received[:]
        got[name] = digest.digest()

    def handler(p):
        p.recv_exact(2)
        push(p)
        pull(p, 'up')
        p.send(b'ok')
        p.close()
    srv = s.serve(port, handler=handler)
    c = s.tls(port)
    c.send(b'go')
    pull(c, 'down')
    push(c)
    equal(c.recv_exact(2), b'ok', srv.errors)
    equal(got, {'up': want.digest(), 'down': want.digest()}, 'SHA-256')
    c.finish()


@scenario(timeout=60 + 6 * BULK)
def long_transfers_through_one_two_and_three_devices_are_bit_exact(s):
    d = [device.Bridge(s, 'ips1'), device.Router(s, 'fw1'),
         device.Bridge(s, 'dlp1')]
    spaces = namespaces()
    chain.start(s, d, [chain.chain(*d[:n], name='way%d' % n)
                       for n in (1, 2, 3)],
                [chain.rule('way1', 'one', port=[441]),
                 chain.rule('way2', 'two', port=[442]),
                 chain.rule('way3', 'three')], record=False)
    before = Before(s)
    for n in (1, 2, 3):
        bulk(s, 440 + n)
        hops = chain.hops(s.d.flows(n)[-1])
        equal([x[1:] for x in hops], [(x.name, 'passed') for x in d[:n]])
    before.same()
    for n, x in enumerate(d):
        for way in ('toserver', 'toclient'):
            # (3 - n) sessions went through it
            check((3 - n) * (BULK << 20) <= s.d.metric(
                'clearspan_device_bytes_total', device=x.name,
                direction=way) <= (3 - n) * ((BULK << 20) + 2),
                'bytes of', x.name)
    ended(s, d, spaces)
