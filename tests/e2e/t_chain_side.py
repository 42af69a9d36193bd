"""Sessions begun inside and sessions begun outside: at which port of a device
they go in, and which chain they have."""
from harness import chain, check, device, equal, http, net, peer, scenario

INSIDE = {'inside': ['10.1.0.0/24', 'fd01::/64']}
# (inside, outside)
PAIRS = [(a, b) for a in ('10.1.0.2', '10.1.0.3')
         for b in ('10.2.0.2', '10.2.0.3')] + [(net.CLIENT6, net.SERVER6)]
OUT, IN = 443, 444              # ports of the servers outside and inside


def both_ways(s, devices, chains, rules=None):
    """Hosts on either side of the gateway have a server, and the gateway
    intercepts what they begin."""
    s.net.steer('tproxy', s.binary, (), '--in', 'gc,gs')
    chain.start(s, devices, chains, rules, record=False, how=None,
                endpoints=INSIDE)
    ctx = peer.server_context(s.pki.pair('good'))
    for inside, outside in dict.fromkeys(PAIRS):
        for ns, a, port in ((s.server, outside, OUT), (s.client, inside, IN)):
            if (a, port) not in s.both:
                s.both[a, port] = peer.Serve(ns, port, None, ctx, a)


def session(s, begun, pair, data):
    """An echo between the pair, begun 'inside' or 'outside'; the client."""
    inside, outside = pair
    if begun == 'inside':
        sock = peer.connect(s.client, outside, OUT, source=(inside, 0))
    else:
        sock = peer.connect(s.server, inside, IN, source=(outside, 0))
    c = chain.named(s.tls(sock=sock))
    c.send(data)
    equal(c.recv_exact(len(data)), data, 'the echo')
    return c.finish()


def went(devices, c, server, port, data):
    """The one of the devices that the session of c went through, and what
    that saw of it."""
    hit = [d for d in devices if any(f.key[:2] == tuple(c.name)
                                     for f in d.flows())]
    equal(len(hit), 1, 'devices that saw it')
    return hit[0], chain.saw(hit[0], c, server, port, data, data)


@scenario
def a_session_begun_outside_goes_in_at_the_outside_of_the_pairs_device(s):
    """Three bridges in a slot, and a router that takes a host only from the
    side on which it is (rp_filter): whoever of a pair begins, it is the same
    bridge, and the hosts inside are always on its inside."""
    s.both = {}
    d = [device.Bridge(s, 'ips%d' % i).record() for i in (1, 2, 3)]
    fw = device.Router(s, 'fw1').record()
    for port in ('all', 'd0', 'd1'):
        fw.ns.sysctl(**{'ipv4__conf__%s__rp_filter' % port: 1})
    both_ways(s, d + [fw], [chain.chain(chain.slot(*d, name='ips'), fw)])
    used = set()
    for pair in PAIRS:
        data = bytes(range(256)) * 500
        out = session(s, 'inside', pair, data)
        back = session(s, 'outside', pair, data)
        a, f = went(d, out, pair[1], OUT, data)
        b, g = went(d, back, pair[0], IN, data)
        equal(b.name, a.name, 'device of the pair, begun outside')
        equal(g.macs, f.macs[::-1], 'MACs of client and server')
        chain.saw(fw, out, pair[1], OUT, data, data)
        chain.saw(fw, back, pair[0], IN, data, data)
        used.add(a.name)
    check(len(used) > 1, 'all pairs in one device')
    for f in s.d.flows(2 * len(PAIRS)):
        equal([x[2] for x in chain.hops(f)], ['passed', 'passed'])


@scenario
def rules_of_a_device_by_its_ports_hold_for_sessions_begun_outside(s):
    """It lets nobody in who begins at its outside port."""
    s.both = {}
    d = device.Bridge(s, 'ips1')
    both_ways(s, [d], [chain.chain(d)])
    d.rules('iifname "d1" ip daddr 10.1.0.0/24 tcp flags & (syn|ack) == syn '
            'drop')
    session(s, 'inside', PAIRS[0], b'a word')
    c = s.tls(sock=peer.connect(s.server, PAIRS[0][0], IN), alpn=['http/1.1'])
    equal(http.ask(c, '/').status, 503, 'the page')
    c.finish()
    f = s.d.flows(2)[1]
    equal(chain.hops(f), [('slot-ips1', 'ips1', 'dropped_by_device')])


@scenario
def sessions_begun_outside_may_have_a_chain_of_their_own(s):
    """Rules by source and destination; each device sees only its own."""
    s.both = {}
    d = [device.Bridge(s, x).record() for x in ('ips1', 'waf1')]
    both_ways(s, d, [chain.chain(d[0], name='out'),
                     chain.chain(d[1], name='in')],
              [chain.rule('in', 'own-servers', server=['10.1.0.0/24'],
                          port=[IN]),
               chain.rule('out', 'own-clients', client=['10.1.0.0/24']),
               chain.rule('none')])
    pair = PAIRS[0]
    out = session(s, 'inside', pair, b'a word')
    back = session(s, 'outside', pair, b'an answer')
    session(s, 'outside', PAIRS[4], b'by no rule')
    chain.saw(d[0], out, pair[1], OUT, b'a word', b'a word')
    chain.saw(d[1], back, pair[0], IN, b'an answer', b'an answer')
    equal([len(x.flows()) for x in d], [1, 1], 'sessions of each device')
    equal([[x[1] for x in chain.hops(f)] for f in s.d.flows(3)],
          [['ips1'], ['waf1'], []])
