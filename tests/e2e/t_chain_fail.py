"""Devices that are down, dead or open: what becomes of new sessions. (Those
that die under traffic: t_chain_loss.)"""
from harness import chain, check, device, equal, http, icap, peer, \
    scenario, wait


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
