"""Sessions through chains of inline devices: every byte and every ending, with
the client's and the server's addresses, as the devices' own captures show."""
import threading

from harness import chain, check, device, equal, net, peer, scenario, wait

BIG = bytes(i * 13 & 255 for i in range(65536)) * 4         # 256 KiB


def exchange(s, port, address=net.SERVER, up=BIG):
    """An echo over TLS, both directions at work at once."""
    c = chain.named(s.tls(port, address=address))
    for i in range(0, len(up), 65536):
        c.send(up[i:i + 65536])
    equal(c.recv_exact(len(up)), up, 'the echo')
    return c.finish()


@scenario
def chains_of_one_two_and_three_devices_are_bit_exact(s):
    """Bridges, a router among them, both families; the client's addresses
    and ports at each device."""
    d = [device.Bridge(s, 'ips1'), device.Router(s, 'fw1'),
         device.Bridge(s, 'dlp1')]
    for x in d:
        x.record()
    ports = {1001: d[:1], 1002: d[:2], 1003: d}
    chain.start(s, d, [chain.chain(*v, name='c%d' % k)
                       for k, v in ports.items()],
                [chain.rule('c%d' % k, 'c%d' % k, port=[k]) for k in ports] +
                [chain.rule('none')])
    for port, way in ports.items():
        for a in (net.SERVER, net.SERVER6):
            srv = s.serve(port, address=a)
            c = exchange(s, port, a)
            p = srv.wait(1)[0]
            equal(bytes(p.received), BIG, 'received by the server')
            for x in way:
                f = chain.saw(x, c, a, port, BIG, BIG)
                equal([len(m) for m in f.macs], [1, 1], 'MACs of a side')
                check(f.macs[0].isdisjoint(f.macs[1]), f.macs)
            for x in d[len(way):]:
                equal([f for f in x.flows() if f.key[3] == port], [],
                      'flows through a device that is not in the chain')
    flows = [f for f in s.d.flows(6) if f['dest_port'] == 1003]
    for f in flows:
        equal([(a, b) for a, b, c in chain.hops(f)],
              [('slot-' + x.name, x.name) for x in d], 'hops in the log')


@scenario
def a_session_without_a_chain_meets_no_device(s):
    d = device.Bridge(s, 'ips1').record()
    chain.start(s, [d], [chain.chain(d)],
                [chain.rule(name='some', port=[444]),
                 {'name': 'default', 'action': 'decrypt',
                  'mirror': ['recorder']}])
    srv = s.serve(443)
    s.same(srv, s.exchange(b'past it'))
    equal(d.flows(), [], 'flows through the device')
    equal(chain.hops(s.d.flows(1)[0]), [])


def two(s, **over):
    d = [device.Bridge(s, 'ips1').record(), device.Bridge(s, 'dlp1')]
    chain.start(s, d, [chain.chain(*d, also=['plain'], **over)])
    return d


@scenario
def half_close_passes_a_chain_each_way(s):
    d = two(s)

    def after(p):
        p.send(b'you said %d bytes' % len(p.recv_all()))
        p.close()
    srv = s.serve(7, plain=True, handler=after)
    c = chain.named(s.plain(7))
    c.send(b'question')
    c.fin()
    equal(c.recv_all(), b'you said 8 bytes')
    equal([c.eof, srv.wait(1)[0].eof], [peer.FIN, peer.FIN], 'ends seen')
    chain.saw(d[0], c, port=7, up=b'question', down=b'you said 8 bytes')
    wait(lambda: all(chain.saw(d[0], c, port=7).fin), 'both FINs')
    equal(chain.saw(d[0], c, port=7).rst, [False, False], 'at the device')

    def first(p):
        p.recv_exact(4)
        p.send(b'goodbye')
        p.fin()
        p.recv_all()
        p.close()
    srv = s.serve(8, plain=True, handler=first)
    c = s.plain(8)
    c.send(b'helo')
    equal(c.recv_all(), b'goodbye')
    c.send(b' and yet')
    c.fin()
    equal(bytes(srv.wait(1)[0].received), b'helo and yet')

    srv = s.serve(9, handler=after)
    c = s.tls(9)
    c.send(b'question')
    c.notify()
    equal(c.recv_all(), b'you said 8 bytes')
    equal([c.eof, srv.wait(1)[0].eof], [peer.NOTIFY, peer.NOTIFY])
    c.close()
    equal([f['flow']['reason'] for f in s.d.flows(3)
           if 'reset' in f['flow']['reason']], [])


@scenario
def a_reset_passes_a_chain_each_way(s):
    d = two(s)
    held = threading.Event()

    def hold(p):
        p.recv_exact(5)
        p.send(b'hello')
        p.recv_all()
    for port, plain in ((7, True), (443, False)):
        srv = s.serve(port, plain=plain, handler=hold)
        c = chain.named(s.plain(port) if plain else s.tls(port))
        c.send(b'hello')
        c.recv_exact(5)
        c.rst()
        equal(srv.wait(1)[0].eof, peer.RST, 'what the server saw')
        wait(lambda: any(chain.saw(d[0], c, port=port).rst),
             'RST at the device')

    def reset(p):
        p.recv_exact(5)
        p.send(b'hello')
        held.wait(30)
        p.rst()
    for port, plain in ((70, True), (4430, False)):
        held.clear()
        s.serve(port, plain=plain, handler=reset)
        c = chain.named(s.plain(port) if plain else s.tls(port))
        c.send(b'hello')
        c.recv_exact(5)
        held.set()
        equal(peer.reset_wait(c.sock), peer.RST, 'what the client saw')
        wait(lambda: any(chain.saw(d[0], c, port=port).rst),
             'RST at the device')


@scenario
def a_strict_device_gets_finished_frames_of_its_mtu(s):
    """No superframes, no checksum left to others: offload is off by default;
    also where the device's MTU is small."""
    d = [device.Program(s, 'ips1'), device.Program(s, 'dlp1', mtu=1300)]
    chain.start(s, d, [chain.chain(*d)])
    srv = s.serve(443)
    c = exchange(s, 443)
    equal(bytes(srv.wait(1)[0].received), BIG)
    s.same(srv, c)
    for x in d:
        n = x.sums()
        equal([n['long'], n['bad']], [0, 0], 'frames refused by ' + x.name)
        check(n['frames'] > 100, n)


@scenario
def a_device_too_small_for_ipv6_goes_without(s):
    """The kernel has no IPv6 on a port with an MTU below 1280."""
    d = device.Program(s, 'ips1', mtu=1200)
    chain.start(s, [d], [chain.chain(chain.slot(d, name='ips', fail='open'))])
    s.serve(443)
    exchange(s, 443)
    s.serve(443, address=net.SERVER6)
    exchange(s, 443, net.SERVER6)
    equal([[h['event'] for h in f['clearspan']['chain']]
           for f in s.d.flows(2)], [['passed'], ['failed', 'skipped']])


@scenario
def a_device_that_loses_delays_and_reorders_costs_no_byte(s):
    d = device.Program(s, 'ips1')
    chain.start(s, [d], [chain.chain(d)])
    d.acts(loss=0.02, reorder=0.05, delay=2)
    srv = s.serve(443)
    s.same(srv, exchange(s, 443, up=BIG[:100000]))
    n = d.sums()
    check(n['lost'] and n['late'], n)


@scenario
def ports_are_mapped_for_devices_that_go_by_ports(s):
    """443 is 80 at the device, and 443 again at the server."""
    d = [device.Bridge(s, 'ips1').record(), device.Bridge(s, 'dlp1').record()]
    chain.start(s, d, [chain.chain(*d, ports='map')])
    for port, shown in ((443, 80), (993, 143), (4433, 4433)):
        srv = s.serve(port)
        c = exchange(s, port, up=b'port %d' % port)
        for x in d:
            chain.saw(x, c, port=shown, up=b'port %d' % port)


@scenario
def what_is_not_decrypted_passes_the_devices_with_also(s):
    """Bypassed TLS as ciphertext on its own port, plain sessions as they are;
    without `also`, neither."""
    d = device.Bridge(s, 'ips1').record()
    bypass = [{'name': 'b1', 'port': [443], 'action': 'bypass',
               'chain': 'all'},
              {'name': 'b2', 'port': [444], 'action': 'bypass'},
              chain.rule('all', 'p1', port=[7]),
              chain.rule('tls')]
    chain.start(s, [d], [chain.chain(d, name='all', also=['bypassed',
                                                          'plain']),
                         chain.chain(d, name='tls')], bypass)
    servers = {p: s.serve(p, plain=p < 100) for p in (443, 444, 7, 8)}
    for port, srv in servers.items():
        if port < 100:
            c = chain.named(s.plain(port))
        else:
            c = chain.named(s.tls(port, trust=s.pki.root))
        c.send(b'a word')
        equal(c.recv_exact(6), b'a word')
        c.finish()
        srv.wait(1)
        if port == 443:
            wait(lambda: chain.saw(d, c, port=443).fin == [True, True],
                 'its end')
            f = chain.saw(d, c, port=443)
            equal(f.up[:1] + f.up[5:6], b'\x16\x01', 'a ClientHello')
            check(b'a word' not in f.up, 'clear text of a bypassed session')
        elif port == 7:
            chain.saw(d, c, port=7, up=b'a word', down=b'a word')
    equal(sorted(f.key[3] for f in d.flows()), [7, 443], 'through the device')
    s.unlike = 'some are not mirrored'


@scenario
def a_chain_may_ask_for_http_1_alone(s):
    d = device.Bridge(s, 'ips1').record()
    chain.start(s, [d], [chain.chain(d, http2='http/1.1'),
                         chain.chain(d, name='h2')],
                [chain.rule('h2', 'keeps', port=[444]), chain.rule()])
    for port, want in ((443, 'http/1.1'), (444, 'h2')):
        srv = s.serve(port, alpn=['h2', 'http/1.1'])
        c = s.tls(port, alpn=['h2', 'http/1.1'])
        equal(c.tls.selected_alpn_protocol(), want, 'of the client')
        c.send(b'x')
        c.recv_exact(1)
        c.finish()
        equal(srv.wait(1)[0].tls.selected_alpn_protocol(), want,
              'of the server')


@scenario
def who_speaks_http_2_alone_does_not_bring_it_into_a_chain_for_http_1(s):
    """Though each request is read, and could be told to the server."""
    d = device.Bridge(s, 'ips1').record()
    chain.start(s, [d], [chain.chain(d, http2='http/1.1')],
                [{'name': 'host', 'host': 'x.test', 'action': 'block'},
                 chain.rule()])
    s.serve(443, alpn=['http/1.1'])
    try:
        c = s.tls(alpn=['h2'])
        check(c.tls.selected_alpn_protocol() is None, 'it was agreed on')
        c.close()
    except OSError:             # ssl.SSLError is one
        s.clients.clear()
    check('h2' not in str(s.d.flows(1)[0]['clearspan'].get('client')),
          s.d.flows(1))
    check(not any(b'PRI * HTTP/2' in f.up for f in d.flows()),
          'the device got HTTP/2')
    s.unlike = 'its handshake failed'


@scenario
def a_client_may_use_its_port_again_at_once(s):
    """Whoever closed first: the hop's addresses are those of a connection
    that has just ended."""
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'dlp1')]
    chain.start(s, d, [chain.chain(*d, also=['plain'])])

    def once(p):
        p.send(p.recv_exact(4))
        if p.received == b'quit':
            p.fin()
            p.recv_all()
        else:
            p.recv_all()
        p.close()
    s.serve(7, plain=True, handler=once)
    for i in range(6):
        c = peer.Peer(s.connect(7, source=('10.1.0.2', 34567)))
        c.send(b'quit' if i & 1 else b'stay')
        equal(c.recv_exact(4), bytes(c.sent), 'the echo, time %d' % i)
        if i & 1:
            c.recv_all()
            c.close()
        else:
            c.rst()
        s.quiet()
    s.unlike = 'a reset may be seen on one side alone'
