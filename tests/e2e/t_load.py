"""Much, and many: bounded memory, nothing left behind."""
import hashlib
import os
import resource
import threading
import time

from harness import PATIENCE, check, equal, net, peer, programs, \
    scenario, wait
from harness.proc import wait_port

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = hashlib.shake_128(b'clearspan').digest(1 << 20)
BARE = {'mirrors': [], 'rules': [{'name': 'default', 'action': 'decrypt'}]}


def load(s):
    exe = s.path('load')
    s.run(s.gateway, 'cc', '-O2', '-o', exe, HERE + '/load.c', '-lssl',
          '-lcrypto').ok()
    return exe


def many_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@scenario(timeout=90)
def bulk_64_mib_each_way_with_the_mirror_whole(s):
    s.start(log={'level': 'info'}, buffer=262144)

    def handler(p):
        h = hashlib.sha256()
        for i in range(64):
            h.update(p.recv_exact(1 << 20))
        p.send(h.digest())
        for i in range(64):
            p.send(BLOCK)
        p.recv_all()
        p.close()
    srv = s.serve(443, handler=handler)
    c = s.tls()
    base = s.d.rss()
    most = 0
    want = hashlib.sha256()
    for i in range(64):
        c.send(BLOCK)
        want.update(BLOCK)
        most = max(most, s.d.rss())
    equal(c.recv_exact(32), want.digest(), 'sha256 of what went up')
    for i in range(64):
        equal(c.recv_exact(1 << 20), BLOCK)
        most = max(most, s.d.rss())
    s.same(srv, c.finish(), timeout=30)
    if s.kind == 'plain':
        check(most - base < 16384, 'memory grew by %d KiB' % (most - base))


@scenario(plain=True, timeout=180)
def bulk_1_gib_with_bounded_memory(s):
    s.start(record=False, log={'level': 'info'})
    os.mkdir(s.path('www'))
    big = s.path('www/big')
    s.run(s.server, 'sh', '-c', 'openssl enc -aes-128-ctr -nosalt -K 00 -iv '
          '00 -in /dev/zero 2>/dev/null | head -c 1G > ' + big, timeout=60)
    equal(os.path.getsize(big), 1 << 30)
    programs.nginx(s)
    base, most, stop = s.d.rss(), [0], []

    def watch():
        while not stop:
            most[0] = max(most[0], s.d.rss())
            time.sleep(0.05)
    t = threading.Thread(target=watch)
    t.start()
    r = s.run(s.client, 'sh', '-c', 'curl -4 -sS --http1.1 --max-time 100 '
              '--cacert %s https://good.test/big | sha256sum' % s.pki.ca,
              timeout=110).ok()
    stop.append(1)
    t.join()
    want = s.run(s.server, 'sha256sum', big, timeout=60).text.split()[0]
    equal(r.text.split()[0], want, 'sha256')
    check(most[0] - base < 16384, 'memory grew by %d KiB' % (most[0] - base))
    f = s.d.flows(1)[0]
    check(f['flow']['bytes_toclient'] > 1 << 30, f['flow'])
    equal(f['clearspan']['mirrors'][0]['lost'], 0, 'lost on the mirror')


def stalled(s, side, plain):
    """One session whose `side` reads nothing; another goes on at speed."""
    stop = threading.Event()

    def handler(p):
        if p.recv_exact(5) == b'slow\n':
            if side == 'server':
                stop.wait(60)
            else:
                p.sock.settimeout(60)
                try:
                    while not stop.is_set():
                        p.send(BLOCK)
                except OSError:
                    pass
            p.sock.close()
            return
        p.send(b'fast\n')
        peer.echo(p)
    s.serve(443, handler=handler, plain=plain)
    make = (lambda: s.plain(443)) if plain else s.tls
    slow = make()
    slow.send(b'slow\n')
    base = s.d.rss()

    def push():
        try:
            slow.sock.settimeout(60)
            while not stop.is_set():
                slow.send(BLOCK)
        except OSError:
            pass
    if side == 'server':
        threading.Thread(target=push, daemon=True).start()
    fast = make()
    fast.send(b'fast\n')
    fast.recv_exact(5)
    start = time.monotonic()
    for i in range(32):
        fast.send(BLOCK)
        fast.recv_exact(len(BLOCK))
    took = time.monotonic() - start
    fast.finish()
    stop.set()
    if s.kind == 'plain':
        check(took < 15 * PATIENCE, 'the fast one took', took)
        check(s.d.rss() - base < 16384, 'memory grew by',
              s.d.rss() - base, 'KiB')
    slow.rst()


@scenario
def slow_client_stalls_only_itself(s):
    s.start(workers=1, record=False)
    stalled(s, 'client', False)


@scenario
def slow_server_stalls_only_itself(s):
    s.start(workers=1, record=False)
    stalled(s, 'server', False)


@scenario
def slow_peers_of_plain_sessions_stall_only_themselves(s):
    s.start(workers=1, record=False)
    stalled(s, 'server', True)


@scenario(timeout=120)
def two_thousand_idle_sessions(s):
    files = many_files()
    n = 2000 if s.kind == 'plain' and files > 10000 else 300
    s.start(record=False, log={'level': 'warn'},
            limits={'per-client': 5000}, **BARE)

    def handler(p):
        p.sock.settimeout(2000)
        peer.echo(p)
    s.serve(443, handler=handler, backlog=1024)
    base_fds, base = s.d.fds(), s.d.rss()
    held = []
    ctx = peer.client_context(s.pki.ca)
    for i in range(n):
        c = s.tls(ctx=ctx)
        c.send(b'x')
        c.recv_exact(1)
        held.append(c)
    per = (s.d.rss() - base) / n
    s.d.metric_is(float(n), 'clearspan_sessions_open')
    for c in held[::50]:
        c.send(b'still here')
        equal(c.recv_exact(10), b'still here')
    if s.kind == 'plain':
        check(per < 300, 'KiB for each idle session:', per)
    for c in held:
        c.close()
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all gone', 20)
    wait(lambda: s.d.fds() <= base_fds + 2, 'descriptors back')


@scenario(plain=True, timeout=240)
def twenty_thousand_connections_leave_nothing(s):
    exe = load(s)
    s.start(record=False, log={'level': 'warn'}, **BARE)
    for port, files in ((443, s.pki.pair('good')), (7, ())):
        p = s.spawn(s.server, exe, 'serve', net.SERVER, str(port), *files,
                    name='load-%d' % port)
        wait_port(s.server, port, p)

    def go(n):
        for port, more in ((443, (s.pki.ca, 'good.test')), (7, ())):
            r = s.run(s.client, exe, 'connect', net.SERVER, str(port),
                      str(n), *more, timeout=110)
            equal(r.text.strip(), str(n), 'connections that worked')
    go(1000)                    # caches and allocator arenas fill
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all ended')
    fds, rss = s.d.fds(), s.d.rss()
    go(9000)
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all ended')
    wait(lambda: s.d.fds() <= fds, 'descriptors back at %d' % fds)
    check(s.d.rss() - rss < 4096, 'memory grew by %d KiB' %
          (s.d.rss() - rss))


@scenario(timeout=90)
def stalled_readers_do_not_stall_the_others(s):
    """They hold all of `limits: memory`; the longest stalled gives way."""
    s.start(record=False, workers=1, limits={'memory': '16M'}, **BARE)

    def handler(p):
        p.sock.settimeout(60)
        p.recv_exact(1)
        while True:
            p.send(BLOCK)
    s.serve(443, handler=handler)
    s.serve(444)
    held = []
    for i in range(257):
        c = s.tls()
        c.send(b'x')
        held.append(c)
    wait(lambda: sum(s.d.metric('clearspan_memory_bytes', pool=p) for p in
                     ('buffers', 'tls', 'caches')) >= 14 << 20 or
         s.d.metric('clearspan_stalled_reset_total') > 0,
         'all memory is taken')
    s.exchange(b'let me through', port=444)
    check(s.d.metric('clearspan_stalled_reset_total') > 0)
    wait(lambda: any('limits.memory' in f['flow']['reason']
                     for f in s.d.events()), 'the reason')
    for c in held:
        c.rst()


@scenario
def memory_limit_holds_back_and_lets_go(s):
    """Many stalled sessions: past `limits: memory` new work waits or is
    refused, and the process stays near its budget."""
    s.start(record=False, limits={'memory': '16M'}, **BARE)
    stop = threading.Event()

    def handler(p):
        p.sock.settimeout(60)
        p.recv_exact(1)
        try:
            while not stop.is_set():
                p.send(BLOCK)
        except OSError:
            pass
        p.sock.close()
    srv = s.serve(7, plain=True, handler=handler)
    base = s.d.rss()
    held = []
    for i in range(150):
        c = s.plain(7)
        c.send(b'x')
        held.append(c)
    # Buffers fill: until every server has more to write than is taken.
    wait(lambda: all(peer.unacked(p.sock) for p in srv.peers) and
         s.d.idle(), 'standstill')
    grown = s.d.rss() - base
    for c in held:
        c.rst()
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all gone', 20)
    if s.kind == 'plain':
        check(grown < 64 * 1024, 'memory grew by %d KiB' % grown)
    c = s.plain(7)
    c.send(b'x')
    c.recv_exact(100)
    c.rst()


@scenario
def many_sessions_at_once_keep_their_bytes_apart(s):
    s.start(workers=2)
    srv = s.serve(443)
    made, errors = [], []

    def one(i):
        try:
            data = hashlib.shake_128(b'%d' % i).digest(100000)
            c = s.tls()
            for at in range(0, len(data), 7919):
                c.send(data[at:at + 7919])
            equal(c.recv_exact(len(data)), data)
            made.append(c.finish())
        except Exception as e:
            errors.append(e)
    ts = [threading.Thread(target=one, args=(i,)) for i in range(40)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    equal(errors, [])
    s.same(srv, made, timeout=30)
