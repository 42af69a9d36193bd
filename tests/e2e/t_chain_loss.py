"""Devices that die under 200 connections a second, with fail: open and
closed. Every session is accounted for: by the log, the counters, the captures
on both sides of every device, its client and its server."""
import collections
import time

from harness import chain, check, device, equal, scenario, wait
from harness.sessions import PART, Sessions

RATE = 200
SOURCES = ['10.1.0.%d' % (16 + i) for i in range(12)]
# Plain and TLS through the chain, and past it.
PORTS = {7: False, 9: False, 443: True, 444: False}
PAST = 444
# A busy machine must not bring about what nobody did to the device.
VERDICT = 2                     # s: verdict-timeout
HEALTH = {'every': '250ms', 'down': 6, 'up': 2, 'hold': '0ms'}
CONNECT = 1.5                   # for a hop to stand, or another is tried


class Wire:
    """A device with a capture on each side."""

    def __init__(self, s, d):
        self.d = d
        d.record('d0')
        self.inside = d.rec
        d.record('d1')
        self.outside = d.rec

    def read(self):
        """{(client, port, server's port): flow} of each side."""
        out = []
        for r in self.inside, self.outside:
            out.append({})
            for f in r.stop().streams:
                if f.key[0].startswith('10.'):
                    key = (f.key[0], f.key[1], f.key[3])
                    check(key not in out[-1], key, 'twice in', self.d.name)
                    out[-1][key] = f
            check('\n0 packets dropped by kernel' in r.p.text(), r.p.text())
        self.seen = out


class Loss:
    """The traffic, what is done to a device meanwhile, and the account."""

    def __init__(self, s, devices, fail, blind=False):
        self.s, self.devices, self.fail = s, devices, fail
        self.unseen = []        # devices whose ports were down for a time
        # Nothing was broken yet.
        self.broken = self.known = self.mended = self.well = float('inf')
        s.client.ip(''.join('addr add %s/24 dev c0\n' % a for a in SOURCES))
        self.wires = {} if blind else {d.name: Wire(s, d) for d in devices}
        slot = chain.slot(*devices, name='ips', fail=fail)
        chain.start(s, devices, [chain.chain(
            slot, also=['plain'], verdict_timeout='%ds' % VERDICT)],
            [{'name': 'past', 'port': [PAST], 'action': 'decrypt'},
             {'name': 'default', 'action': 'decrypt', 'chain': 'inspect'}],
            record=False, health=HEALTH, log={'level': 'info'},
            limits={'per-client': 10000, 'handshakes': 10000},
            timeouts={'handshake': '60s'})
        self.traffic = Sessions(s, RATE / s.slow, SOURCES, PORTS)
        self.more()

    def more(self, seconds=1.0):
        """Sessions that begin from now on, for a while, and at least 20."""
        n, until = len(self.traffic.all), time.monotonic() + seconds
        wait(lambda: len(self.traffic.all) >= n + 20 and
             time.monotonic() > until, '20 sessions')

    def breaks(self, break_, mend):
        """The first device breaks, is known to be down, and is mended."""
        d = self.devices[0]
        self.broken = time.monotonic()
        break_(d)
        chain.down(self.s, d)
        self.known = time.monotonic()
        self.more()
        self.mended = time.monotonic()
        mend(d)
        chain.up(self.s, d)
        self.well = time.monotonic()
        self.more()
        self.end()

    def end(self):
        s, t = self.s, self.traffic
        t.stop()
        self.flows = s.d.flows(len(t.all))
        s.quiet()
        for w in self.wires.values():
            w.read()
        self.log = {(f['src_ip'], f['src_port'], f['dest_port']): f
                    for f in self.flows}
        equal(len(self.log), len(t.all), 'flow events, one for each session')
        equal(set(self.log), {(*x.name, x.port) for x in t.all},
              'sessions in the log')

    # --- the account
    def tries(self, x):
        """[(device or None, event)] of a session, by the log."""
        return [h[1:] for h in chain.hops(self.log[(*x.name, x.port)])]

    def account(self):
        """What became of every session: {'complete': ..}; each is what all
        the witnesses say."""
        out = collections.Counter()
        for x in self.traffic.all:
            what = self.one(x)
            out[what] += 1
        self.counters()
        took = self.traffic.all[-1].begin - self.traffic.all[0].begin
        self.s.say('%d sessions in %.1f s: %s' % (
            len(self.traffic.all), took, dict(out)))
        return out

    def one(self, x):
        key, tries = (*x.name, x.port), self.tries(x)
        got = bytes(x.server.received) if x.server else b''
        back = bytes(x.server.sent) if x.server else b''
        # Nothing is made up on the way, whatever happens.
        check(x.client.sent.startswith(got), key, 'the server got else')
        check(back.startswith(bytes(x.client.received)), key,
              'the client got else')
        entered = {n for n, w in self.wires.items() if key in w.seen[0]}
        if x.port == PAST:
            equal([tries, entered], [[], set()], 'past the devices')
            check(x.complete(), key, 'past the devices, is not whole:',
                  x.client.end)
            return 'past'
        check(entered <= {d for d, e in tries}, key, 'entered', entered,
              'but the log has', tries)
        last, event = tries[-1]
        if event in ('skipped', 'refused'):
            self.went_elsewhere(x, key, tries, x.complete(), event)
            return event
        if self.wires:
            check(last in entered, key, 'is not in the capture of', last)
            self.through(x, key, last, got, back)
        if last != self.devices[0].name:
            check(x.complete(), key, 'did not go through what failed:',
                  tries, x.client.end, self.log[key]['flow'])
        if x.complete():
            check(event == 'passed', key, 'is whole, and the log says',
                  tries, self.log[key]['flow'])
            return 'passed' if len(tries) == 1 else 'next'
        self.lost(x, key, event)
        return 'lost'

    def through(self, x, key, name, got, back):
        """What the server got came out, what came out had entered, and that
        is what the client sent; and back."""
        a, b = (side.get(key) for side in self.wires[name].seen)
        ups = [got, b.up if b else b'', a.up, bytes(x.client.sent)]
        downs = [bytes(x.client.received), a.down, b.down if b else b'', back]
        for way in ups, downs:
            for less, more in zip(way, way[1:]):
                check(more.startswith(less), key, name, 'has',
                      [len(v) for v in way])
        if x.complete():
            equal([len(v) for v in ups + downs], [x.parts * PART] * 8,
                  'what went through ' + name)

    def went_elsewhere(self, x, key, tries, whole, event):
        """It was in no device in the end: all went past, or nothing did."""
        equal(event, 'skipped' if self.fail == 'open' else 'refused', key)
        for d, e in tries[:-1]:
            equal(e, 'failed', tries)
            a = self.wires[d].seen[0].get(key) if self.wires else None
            equal((a.up, a.down) if a else (b'', b''), (b'', b''),
                  'bytes in a device that took no session')
        if event == 'skipped':
            check(whole, key, 'was skipped, and is not whole', x.client.end)
        else:
            equal(bytes(x.server.received if x.server else b''), b'',
                  'what the server got of what was refused')
            check(x.client.end and not x.client.received, key,
                  'was refused, and got', x.client.received)
        check(self.broken - CONNECT - 1 < x.begin < self.well, key, 'was',
              event, 'while the device was well')

    def lost(self, x, key, event):
        """It was in the device while that was broken, and its end is seen."""
        check(event in ('failed', 'dropped_by_device', 'reset_by_device'),
              key, 'was lost, and the log says', event,
              self.log[key]['flow'])
        check(x.client.end and (not x.server or x.server.end), key,
              'hangs: ', x.client.end)
        check(x.begin < self.well and x.over > self.broken, key,
              'was lost while the device was well')

    def counters(self):
        """The metrics count what the log has, and the bytes that went in are
        those that the captures have."""
        m, log = self.s.d.metric, collections.Counter()
        for x in self.traffic.all:
            log.update(self.tries(x))
        words = {'passed': 'passed', 'reset_by_device': 'reset',
                 'dropped_by_device': 'dropped', 'failed': 'failed',
                 'busy': 'busy'}
        for d in self.devices:
            for event, result in words.items():
                equal(m('clearspan_device_sessions_total', device=d.name,
                        result=result), float(log[d.name, event]),
                      '%s of %s' % (result, d.name))
        for event in ('skipped', 'refused'):
            equal(m('clearspan_chain_failed_total', result=event),
                  float(log[None, event]), event)
        for name, w in self.wires.items():
            for way, side, direction in ((0, 0, 'toserver'),
                                         (1, 1, 'toclient')):
                seen = sum(len(f.bytes(way)) for f in w.seen[side].values())
                told = m('clearspan_device_bytes_total', device=name,
                         direction=direction)
                if name in self.unseen:
                    check(told >= seen, name, direction, told, seen)
                else:
                    equal(told, float(seen), 'bytes of %s %s' % (
                        name, direction))


def lost(s, fail, break_, mend, make=device.Program, n=1, unseen=False,
         blind=False):
    """blind: without captures, as their port goes."""
    x = Loss(s, [make(s, 'ips%d' % (i + 1)) for i in range(n)], fail, blind)
    x.unseen = [x.devices[0].name] if unseen else []
    x.breaks(break_, mend)
    out = x.account()
    check(out['past'] > 10 and out['passed'] > 20, out)
    if n > 1:
        equal([out['skipped'], out['refused']], [0, 0], out)
    else:
        check(out['skipped' if fail == 'open' else 'refused'] > 5, out)
    # What was all while that was known; before it; or after it was well.
    for y in x.traffic.all:
        if y.port != PAST and x.known < y.begin and y.over < x.mended:
            check(x.tries(y)[-1][0] != 'ips1', x.tries(y))
            equal(len(x.tries(y)), 1, x.tries(y))
        elif y.port != PAST and (y.begin > x.well or y.over < x.broken):
            equal([e for d, e in x.tries(y)], ['passed'])
    return out


@scenario
def a_killed_device_loses_what_was_in_it_and_the_rest_goes_past_it(s):
    lost(s, 'open', lambda d: d.kill(), lambda d: d.again())


@scenario
def a_killed_device_loses_what_was_in_it_and_the_rest_is_refused(s):
    lost(s, 'closed', lambda d: d.kill(), lambda d: d.again())


@scenario
def a_killed_device_loses_what_was_in_it_and_the_next_takes_the_rest(s):
    lost(s, 'closed', lambda d: d.kill(), lambda d: d.again(), n=2)


@scenario
def a_frozen_device_loses_no_more_than_what_was_in_it_fail_closed(s):
    lost(s, 'closed', lambda d: d.freeze(), lambda d: d.thaw())


@scenario
def a_frozen_device_loses_no_more_than_what_was_in_it_fail_open(s):
    lost(s, 'open', lambda d: d.freeze(), lambda d: d.thaw())


@scenario
def an_unplugged_device_loses_what_was_in_it_fail_open(s):
    """No carrier is known at once, without waiting for probes."""
    lost(s, 'open', lambda d: d.unplug(), lambda d: d.plug(), device.Bridge,
         unseen=True)


@scenario
def a_device_unplugged_outside_loses_what_was_in_it_fail_closed(s):
    lost(s, 'closed', lambda d: d.unplug('d1'), lambda d: d.plug('d1'),
         device.Bridge, unseen=True)


@scenario
def a_device_whose_port_is_pulled_out_and_put_in_again_comes_back(s):
    """What the kernel cannot send any more does not wait for its client."""
    lost(s, 'open', lambda d: d.pull_out(), lambda d: d.put_in(),
         device.Bridge, blind=True)


def slow(s, fail):
    x = Loss(s, [device.Program(s, 'ips1')], fail)
    x.devices[0].acts(delay=30)
    x.more()
    x.devices[0].acts()
    x.more()
    x.end()
    out = x.account()
    equal(set(out), {'past', 'passed'}, out)
    check(s.d.metric('clearspan_device_probe_seconds_count',
                     device='ips1') != 0, 'no latency was measured')


@scenario
def a_slow_device_is_slow_and_nothing_is_lost_fail_closed(s):
    slow(s, 'closed')


@scenario
def a_slow_device_is_slow_and_is_not_passed_by_fail_open(s):
    slow(s, 'open')
