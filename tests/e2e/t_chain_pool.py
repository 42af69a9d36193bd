"""Several devices in a slot: who goes through which, and what moves when one
of them is not there, is full, or is taken out; and changes of the order."""
import threading

from harness import Failure, chain, check, device, equal, peer, \
    scenario, wait

CLIENTS = ['10.1.0.%d' % (16 + i) for i in range(20)]
SERVERS = ['10.2.0.%d' % (16 + i) for i in range(15)]
PAIRS = [(c, v) for c in CLIENTS for v in SERVERS]          # 300


def many(s, devices, **over):
    """Clients and servers of 300 pairs, and the daemon: plain sessions, which
    cost least."""
    s.client.ip(''.join('addr add %s/24 dev c0\n' % a for a in CLIENTS))
    s.server.ip(''.join('addr add %s/24 dev s0\n' % a for a in SERVERS))
    for d in devices:
        d.record()
    chain.start(s, devices, [chain.chain(chain.slot(*devices, name='ips'),
                                         also=['plain'])], record=False,
                log={'level': 'warn'}, **over)
    s.serve(7, plain=True, address='0.0.0.0')


def meet(s, devices, pairs=PAIRS):
    """A session of each pair: {pair: the device that it went through}."""
    before = {d.name: len(d.flows()) for d in devices}
    for client, server in pairs:
        p = peer.Peer(peer.connect(s.client, server, 7, source=(client, 0)))
        p.send(bytes(5))        # letters might become a request of HTTP
        p.recv_exact(5)
        p.finish()
    wait(lambda: sum(len(d.flows()) - before[d.name]
                     for d in devices) >= len(pairs), 'all of them seen')
    out = {}
    for d in devices:
        for f in d.flows()[before[d.name]:]:
            pair = (f.key[0], f.key[2])
            check(pair not in out, pair, 'went through two devices')
            out[pair] = d.name
    equal(len(out), len(pairs), 'pairs that went through one device')
    return out


@scenario(timeout=120)
def a_pair_keeps_its_device_and_only_those_of_a_dead_one_move(s):
    """300 pairs over three devices, by what the devices themselves saw: even
    within 15 %; one is unplugged and only its pairs move; it comes back and
    only those return."""
    d = [device.Bridge(s, 'ips%d' % i) for i in (1, 2, 3)]
    many(s, d, health=chain.QUICK)
    first = meet(s, d)
    for x in d:
        n = list(first.values()).count(x.name)
        check(85 <= n <= 115, n, 'of 300 pairs through', x.name)
    equal(meet(s, d, PAIRS[:30]), {p: first[p] for p in PAIRS[:30]},
          'the second time')
    d[1].unplug()
    chain.down(s, d[1])
    moved = meet(s, d)
    for pair, name in first.items():
        check(moved[pair] == name if name != 'ips2' else
              moved[pair] != 'ips2', pair, 'moved from', name, 'to',
              moved[pair])
    check(len({moved[p] for p in first if first[p] == 'ips2'}) == 2,
          'all that moved went to one device')
    d[1].plug()
    chain.up(s, d[1])
    equal(meet(s, d), first, 'after it came back')


@scenario
def a_device_is_drained_and_taken_down_by_hand(s):
    """Drained: sessions stay, new ones go elsewhere. Down, then auto."""
    d = [device.Bridge(s, 'ips%d' % i) for i in (1, 2)]
    many(s, d)
    some = PAIRS[:20]
    first = meet(s, d, some)
    equal(set(first.values()), {'ips1', 'ips2'})
    mine = [p for p in some if first[p] == 'ips1'][0]
    old = peer.Peer(peer.connect(s.client, mine[1], 7, source=(mine[0], 0)))
    old.send(b'stay')
    old.recv_exact(4)
    s.d.ctl('device', 'ips1', 'drain')
    equal(set(meet(s, d, [p for p in some if p != mine]).values()), {'ips2'},
          'while it drains')
    old.send(b'still here')
    equal(old.recv_exact(10), b'still here')
    old.finish()
    s.d.ctl('device', 'ips1', 'down')
    equal(set(meet(s, d, some).values()), {'ips2'}, 'while it is down')
    s.d.ctl('device', 'ips1', 'auto')
    chain.up(s, d[0])
    equal(meet(s, d, some), first, 'afterwards')


@scenario
def a_device_taken_down_by_hand_loses_its_sessions_at_once(s):
    """Those in it are reset at both ends, whatever they do; others go on."""
    d = [device.Bridge(s, 'ips%d' % i) for i in (1, 2)]
    many(s, d)
    where = meet(s, d, PAIRS[:20])
    check(set(where.values()) == {'ips1', 'ips2'}, where)
    ends = {}
    for pair in where:
        p = ends[pair] = peer.Peer(peer.connect(s.client, pair[1], 7,
                                                source=(pair[0], 0)))
        p.send(b'\0stay')
        p.recv_exact(5)
    s.d.ctl('device', 'ips1', 'down')
    for pair, p in ends.items():
        if where[pair] == 'ips1':
            equal(peer.reset_wait(p.sock), peer.RST, 'in what went down')
        else:
            p.send(b'still here')
            equal(p.recv_exact(10), b'still here')
            p.finish()
    lost = [f for f in s.d.flows(40) if chain.hops(f)[0][2] == 'failed']
    equal(sorted((f['src_ip'], f['dest_ip']) for f in lost),
          sorted(x for x in where if where[x] == 'ips1'), 'lost by the log')
    for f in lost:
        check('ips1 was taken down by the operator' in f['flow']['reason'],
              f['flow'])
    equal([p.eof for p in s.serves[0].wait(40)].count(peer.RST), len(lost),
          'resets at the server')
    s.d.metric_is(float(len(lost)), 'clearspan_device_sessions_total',
                  device='ips1', result='failed')


@scenario
def a_full_device_is_passed_over_until_it_is_at_90_percent(s):
    d = [device.Bridge(s, 'ips%d' % i) for i in (1, 2)]
    entries = [d[0].conf(connections=10, health=chain.HEALTH, weight=100),
               d[1].conf(health=chain.HEALTH)]
    for x in d:
        x.record()
    chain.start(s, entries, [chain.chain(chain.slot(*d, name='ips'),
                                         also=['plain'])], record=False)
    s.serve(7, plain=True)

    def one():
        n = [len(x.flows()) for x in d]
        p = s.plain(7)
        p.send(b'x')
        p.recv_exact(1)
        wait(lambda: sum(len(x.flows()) for x in d) > sum(n), 'its flow')
        return p, [len(x.flows()) - k for x, k in zip(d, n)].index(1)
    first, where = one()
    if where == 1:              # by weight it is most unlikely
        raise Failure('the pair went to the device of weight 1')
    held = [first] + [one() for i in range(9)]
    equal([w for p, w in held[1:]], [0] * 9, 'up to its limit')
    equal(one()[1], 1, 'beyond its limit')
    held[1][0].finish()
    s.quiet()
    wait(lambda: one()[1] == 0, 'use of it again at 90 %')


SWAP = ({'do': 'replace', 'mark': 'one', 'with': 'two', 'side': 'inside'},
        {'do': 'replace', 'mark': 'two', 'with': 'six', 'side': 'inside'})


@scenario
def a_changed_order_is_for_new_sessions_and_old_ones_finish(s):
    """The first device makes two of one, the second six of two: the order
    shows in the answer. Sessions begin all the time; each has one order from
    its first byte to its last, and none fails."""
    d = [device.Program(s, 'ips1', SWAP[0]), device.Program(s, 'dlp1',
                                                            SWAP[1])]
    chain.start(s, d, [chain.chain(*d)], record=False)
    s.serve(443)
    old = s.tls()

    def say(p):
        p.send(b'one')
        return p.recv_exact(3)
    equal(say(old), b'six')
    seen, stop, bad = [], threading.Event(), []

    def traffic():
        while not stop.is_set():
            try:
                p = s.tls()
                a, b = say(p), say(p)
                if a != b:
                    bad.append((a, b))
                seen.append(a)
                p.finish()
            except (Failure, OSError) as e:
                bad.append(e)
    ts = [threading.Thread(target=traffic) for i in range(3)]
    for t in ts:
        t.start()
    wait(lambda: len(seen) > 5, 'traffic')
    s.reload(**chain.conf(d, [chain.chain(d[1], d[0])],
                                 [{'name': 'default', 'action': 'decrypt',
                                   'chain': 'inspect'}], mirrors=[]))
    n = len(seen)
    wait(lambda: len(seen) > n + 10, 'traffic after the reload', 20)
    stop.set()
    for t in ts:
        t.join()
    equal(bad, [], 'what failed')
    equal(set(seen[:5]), {b'six'})
    equal(set(seen[n + 6:]), {b'two'}, 'answers after the reload')
    equal(say(old), b'six', 'the old session')
    old.finish()


@scenario
def a_reload_adds_and_removes_devices(s):
    """A new one gets its zones though the daemon is nobody by then; one that
    goes ends no session."""
    d = [device.Program(s, 'ips1', SWAP[0])]
    chain.start(s, d, [chain.chain(*d)], record=False)
    s.serve(443)
    s.exchange(b'one', b'two')
    d.append(device.Program(s, 'dlp1', SWAP[1]))
    rules = [{'name': 'default', 'action': 'decrypt', 'chain': 'inspect'}]
    s.reload(**chain.conf(d, [chain.chain(*d)], rules, mirrors=[]))
    chain.up(s, d[1])
    s.exchange(b'one', b'six')
    old = s.tls()
    old.send(b'one')
    equal(old.recv_exact(3), b'six')
    s.reload(**chain.conf(d[1:], [chain.chain(d[1])], rules,
                                 mirrors=[]))
    s.exchange(b'one', b'one')
    old.send(b'one')
    equal(old.recv_exact(3), b'six', 'the old session')
    old.finish()
    wait(lambda: 'ips1i' in s.gateway.run('ip', 'link'),
         'the port of what was removed', 10 * s.slow)


@scenario
def chains_by_rule_and_what_is_told_of_them(s):
    """Rules by port; ctl, metrics, log: the same figures."""
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'dlp1')]
    chain.start(s, d, [chain.chain(d[0], name='out'),
                       chain.chain(d[1], name='in')],
                [chain.rule('out', 'out', port=[443]),
                 chain.rule('in', 'in')], record=False)
    for port, n in ((443, 3), (444, 2)):
        s.serve(port)
        for i in range(n):
            s.exchange(b'a word', port=port)
    s.d.flows(5)
    s.quiet()
    told = s.d.ctl('devices')
    told = {x['name']: x for x in told.get('devices', told)}
    equal(sorted(told), ['dlp1', 'ips1'])
    s.say(str(told))
    for x, n in ((d[0], 3), (d[1], 2)):
        equal(s.d.metric('clearspan_device_sessions_total', device=x.name),
              float(n), 'sessions of ' + x.name)
    check('out' in str(s.d.ctl('chains')), s.d.ctl('chains'))
    text = s.run(s.gateway, s.binary, 'ctl', '-s', s.path('control.sock'),
                 'devices').ok().text
    check('ips1' in text and 'dlp1' in text, text)
