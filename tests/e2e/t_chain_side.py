"""Sessions begun inside and sessions begun outside: at which port of a device
they go in, and which chain they have; and sessions of two families."""
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


def through_proxy(s, listener, host):
    """A TLS session by CONNECT; (address, port) of the client's own end."""
    c = s.tls(sock=s.via_proxy(host, 443, listener))
    c.send(b'a word')
    equal(c.recv_exact(6), b'a word')
    return chain.named(c)


@scenario
def a_session_of_two_families_passes_devices_as_ipv6(s):
    """The IPv4 address is shown in 64:ff9b:1::/96."""
    d = [device.Bridge(s, 'ips1').record(), device.Router(s, 'fw1').record()]
    chain.start(s, d, [chain.chain(*d)], record=False, listen=[
        {'name': 'v4', 'mode': 'explicit', 'address': net.INNER + ':8080'},
        {'name': 'v6', 'mode': 'explicit',
         'address': '[%s]:8080' % net.INNER6}])
    for listener, server, seen in (
            (net.INNER, net.SERVER6, ('64:ff9b:1::a01:2', net.SERVER6)),
            (net.INNER6, net.SERVER, (net.CLIENT6, '64:ff9b:1::a02:2'))):
        s.serve(443, address=server)
        c = through_proxy(s, listener, '[%s]' % server if ':' in server
                          else server)
        c.finish()
        c.name = (seen[0], c.name[1])
        for x in d:
            chain.saw(x, c, seen[1], up=b'a word', down=b'a word')
    for f in s.d.flows(2):
        equal([x[2] for x in chain.hops(f)], ['passed', 'passed'])
        equal(len({x['community_id'] for x in f['clearspan']['chain']}), 1)


@scenario
def a_device_without_the_family_of_a_session_is_not_blamed(s):
    """With fail: closed the page and the log say why; its health stays."""
    d = [device.Router(s, 'fw1'), device.Router(s, 'fw2', 1)]
    entries = [dict(x.conf(health=chain.HEALTH), **{
        k: x.conf()[k][:1] for k in ('inside-address', 'outside-address')})
        for x in d]
    chain.start(s, entries, [
        chain.chain(chain.slot(d[0], name='a', fail='open'), name='open'),
        chain.chain(chain.slot(d[1], name='b'), name='closed')],
        [chain.rule('open', 'r1', port=[443]), chain.rule('closed', 'r2')],
        record=False)
    for port in (443, 444):
        s.serve(port, address=net.SERVER6, alpn=['http/1.1'],
                handler=peer.http(b'the page'))
    for i in range(5):
        for port, want in ((443, 200), (444, 503)):
            c = s.tls(port, address=net.SERVER6, alpn=['http/1.1'])
            m = http.ask(c, '/')
            equal(m.status, want)
            c.finish()
    check(b'no device for IPv6' in m.body, m.body)
    f = s.d.flows(10)
    equal([chain.hops(x) for x in f[:2]],
          [[('a', 'fw1', 'failed'), ('a', None, 'skipped')],
           [('b', 'fw2', 'failed'), ('b', None, 'refused')]])
    check('slot b has no device for IPv6' in f[1]['flow']['reason'],
          f[1]['flow']['reason'])
    equal('suspect' in s.d.text(), False, 'the log has it suspect')
