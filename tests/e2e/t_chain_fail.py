"""Devices that die under traffic, with fail: open and closed: what is lost is
what was in them, and nothing else."""
import collections
import threading
import time

from harness import Failure, chain, check, device, equal, http, icap, \
    peer, scenario, wait

class Traffic:
    """Sessions one after another in some threads, each a request and its
    answer; what became of each, in order of their beginnings. Those on port
    444 go past the devices."""

    def __init__(self, s, threads=3):
        self.s, self.stop_ = s, threading.Event()
        self.out = collections.deque()          # (begin, end, port, what)
        s.serve(443, handler=peer.http(b'hello'))
        s.serve(444, handler=peer.http(b'hello'))
        self.ts = [threading.Thread(target=self.run, args=(p,))
                   for p in [443] * threads + [444]]
        for t in self.ts:
            t.start()

    def run(self, port):
        while not self.stop_.is_set():
            begin = time.monotonic()
            what = self.one(port)
            self.out.append((begin, time.monotonic(), port, what))

    def one(self, port):
        p = None
        try:
            p = self.s.tls(port, alpn=['http/1.1'])
            m = http.ask(p, '/')
            if m.status == 200:
                return 'ok' if m.body == b'hello' else 'wrong'
            return m.status
        except (Failure, OSError, EOFError) as e:
            return 'cut' if p else 'none: %r' % e
        finally:
            if p:
                p.close()

    def what(self, since=0.0, until=1e18, port=443):
        """Of the sessions that began in that time."""
        return collections.Counter(
            w for a, b, p, w in list(self.out)
            if p == port and since <= a <= until)

    def more(self, n=5, what=None):
        """Wait until n sessions that begin from now on have ended."""
        now = time.monotonic()
        wait(lambda: sum(k for w, k in self.what(now).items()
                         if what in (None, w)) >= n,
             '%d sessions: %s' % (n, what or 'any'), 20 * self.s.slow)

    def stop(self):
        self.stop_.set()
        for t in self.ts:
            t.join()
        others = self.what(port=444)
        equal(set(others), {'ok'}, 'sessions that go past the devices')


def begin(s, fail, make=device.Program, **over):
    d = make(s, 'ips1')
    chain.start(s, [d], [chain.chain(chain.slot(d, name='ips', fail=fail),
                                     **over)],
                [{'name': 'past', 'port': [444], 'action': 'decrypt'},
                 {'name': 'default', 'action': 'decrypt',
                  'chain': 'inspect'}], record=False, health=chain.QUICK,
                log={'level': 'info'})
    t = Traffic(s)
    t.more(5, 'ok')
    return d, t


def lost(s, fail, break_, mend, make=device.Program, **over):
    """Break the device under traffic, and mend it."""
    d, t = begin(s, fail, make, **over)
    broken = time.monotonic()
    break_(d)
    chain.down(s, d)
    known = time.monotonic()
    t.more(10)
    last = time.monotonic()
    mend(d)
    chain.up(s, d)
    well = time.monotonic()
    t.more(10)
    t.stop()
    equal({w for a, b, p, w in t.out if b < broken}, {'ok'}, 'before')
    during = t.what(known, last)
    if fail == 'open':
        equal(set(during), {'ok'}, 'while it is down')
    else:
        equal(set(during), {503}, 'while it is down')
    equal(set(t.what(well)), {'ok'}, 'after it is up again')
    between = t.what(broken, known)
    check(set(between) <= {'ok', 503, 'cut'}, 'until it was known:', between)
    hops = collections.Counter(
        (x.get('device'), x.get('event')) for f in s.d.events()
        if f['dest_port'] == 443 for x in f['clearspan'].get('chain', []))
    s.say(str(hops))
    check(hops[('ips1', 'passed')] > 10, hops)
    want = 'skipped' if fail == 'open' else 'refused'
    check(sum(n for (a, b), n in hops.items() if b == want), hops)
    return t, between


@scenario
def a_device_is_killed_under_traffic_fail_open(s):
    lost(s, 'open', lambda d: d.kill(), lambda d: d.again())


@scenario
def a_device_is_killed_under_traffic_fail_closed(s):
    lost(s, 'closed', lambda d: d.kill(), lambda d: d.again())


@scenario
def a_device_freezes_under_traffic_fail_closed(s):
    lost(s, 'closed', lambda d: d.freeze(), lambda d: d.thaw())


@scenario
def a_device_is_unplugged_under_traffic_fail_open(s):
    """No carrier is known at once, without waiting for probes."""
    lost(s, 'open', lambda d: d.unplug(), lambda d: d.plug(), device.Bridge)


@scenario
def a_device_is_unplugged_outside_under_traffic_fail_closed(s):
    lost(s, 'closed', lambda d: d.unplug('d1'), lambda d: d.plug('d1'),
         device.Bridge)


@scenario
def a_slow_device_is_slow_and_nothing_else(s):
    d, t = begin(s, 'closed', verdict_timeout='20s')
    d.acts(delay=30)
    now = time.monotonic()
    t.more(10)
    later = time.monotonic()
    d.acts()
    t.stop()
    equal(set(t.what(now, later)), {'ok'})
    check(s.d.metric('clearspan_device_probe_seconds_count',
                     device='ips1') != 0, 'no latency was measured')


@scenario
def next_device_of_the_slot_then_skip_then_refuse(s):
    """Both slots lose their only devices: the one that is open is skipped,
    the closed one refuses with a page, and the log says which."""
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'ips2'),
         device.Bridge(s, 'dlp1')]
    chain.start(s, d, [chain.chain(
        chain.slot(d[0], d[1], name='ips', fail='closed'),
        chain.slot(d[2], name='dlp', fail='open'))], health=chain.QUICK)
    s.serve(443, handler=peer.http(b'hello'))

    def ask():
        p = s.tls(alpn=['http/1.1'])
        m = http.ask(p, '/')
        p.close()
        return m
    equal(ask().status, 200)
    d[2].unplug()
    chain.down(s, d[2])
    equal(ask().status, 200, 'without the open slot')
    for x in d[:2]:
        x.unplug()
        chain.down(s, x)
        m = ask()
        equal(m.status, 200 if x is d[0] else 503)
    icap.page(m, 503)
    f = [chain.hops(x) for x in s.d.flows(4)]
    equal([x[0] for x in f[1]], ['ips', 'dlp'], 'slots')
    equal(f[1][1][2], 'skipped', f[1])
    equal({x[0][1] for x in f[1:3]} <= {'ips1', 'ips2'}, True, f)
    equal(f[2][0][1], 'ips2', 'the next device of the slot')
    equal(f[3][0][2], 'refused', f[3])
    s.unlike = 'a page is nobody\'s'


@scenario
def a_dead_device_that_counts_as_up_is_passed_over(s):
    """It hangs, and health needs many misses to say so. What its probe does
    not answer either is no verdict: the next device, and then none."""
    d = [device.Program(s, 'ips1'), device.Program(s, 'ips2')]
    chain.start(s, d, [chain.chain(chain.slot(*d, name='ips', fail='open'))],
                health=dict(chain.HEALTH, down=100))
    s.serve(443, handler=peer.http(b'hello'))
    n = 0

    def through():
        """A session, and what became of it in the slot."""
        nonlocal n
        p = s.tls(alpn=['http/1.1'])
        m = http.ask(p, '/')
        p.close()
        n += 1
        equal([m.status, m.body], [200, b'hello'])
        return [x[1:] for x in chain.hops(s.d.flows(n)[-1])]
    (first, event), = through()
    equal(event, 'passed')
    dead = {x.name: x for x in d}
    dead.pop(first)
    second, = dead
    for x in d:
        if x.name == first:
            x.freeze()
    equal(through(), [(first, 'failed'), (second, 'passed')])
    dead[second].freeze()
    equal(through(), [(first, 'failed'), (second, 'failed'),
                      (None, 'skipped')])
    equal([s.d.metric('clearspan_chain_failed_total', result=r)
           for r in ('next', 'skipped', 'refused')], [2.0, 1.0, 0.0])
    for x in d:
        check(chain.is_up(s, x), x.name, 'is down already')
        equal(s.d.metric('clearspan_device_sessions_total', device=x.name,
                         result='failed'), 2.0 if x.name == first else 1.0)
        x.thaw()


EICAR = (rb'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-'
         rb'ANTIVIRUS-TEST-FILE!$H+H*')


@scenario
def a_device_that_blocks_nothing_is_open_and_not_used(s):
    """must-block: its passing means that the device looks at nothing."""
    with open(s.path('eicar'), 'wb') as f:
        f.write(EICAR)
    d = device.Program(s, 'ips1', {'do': 'reset', 'mark': 'EICAR-STANDARD'})
    health = dict(chain.QUICK, **{'must-block': s.path('eicar')})
    chain.start(s, [d], [chain.chain(d)], health=health)
    s.serve(443, handler=peer.http(b'hello'))
    equal(http.ask(s.tls(alpn=['http/1.1']), '/').status, 200)
    d.done('reset')
    d.acts()
    chain.down(s, d)
    wait(lambda: s.d.metric('clearspan_device_open', device='ips1') == 1,
         'the metric of an open device')
    equal(http.ask(s.tls(alpn=['http/1.1']), '/').status, 503, 'through an open device')
    check(not s.d.text().count('EICAR'), 'the log shows the file')
    d.acts({'do': 'reset', 'mark': 'EICAR-STANDARD'})
    chain.up(s, d)
    equal(http.ask(s.tls(alpn=['http/1.1']), '/').status, 200)
    s.unlike = 'a page is nobody\'s'
