"""Transparent mode: TPROXY and REDIRECT, IPv4 and IPv6, any port."""
import socket
import time

from harness import PATIENCE, check, equal, net, peer, scenario, wait


def both_kinds(s, how, **over):
    """TLS and plain connections over v4 and v6, on odd ports too."""
    s.start(how, **over)
    four = [s.serve(443), s.serve(7, plain=True), s.serve(40443)]
    six = [s.serve(443, address=net.SERVER6),
           s.serve(7, plain=True, address=net.SERVER6)]
    made = []
    for address in (net.SERVER, net.SERVER6):
        c = s.tls(443, address=address)
        c.send(b'GET / HTTP/1.1\r\nHost: good.test\r\n\r\n')
        c.recv_exact(len(c.sent))
        made.append(c.finish())
        c = s.plain(7, address)
        c.send(b'in the clear ' * 1000)
        c.recv_exact(len(c.sent))
        made.append(c.finish())
    made.append(s.exchange(b'odd port', port=40443))
    for srv, n in zip(four + six, (1, 1, 1, 1, 1)):
        srv.wait(n)
    st = s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])
    for c, x in zip(made, st):
        equal(x.key[2], net.SERVER6 if ':' in x.key[0] else net.SERVER,
              'server address on the mirror')
    equal(st[0].key[0], net.CLIENT, 'client address on the mirror')
    equal(st[0].key[3], 443, 'port on the mirror')
    equal(st[2].key[0], net.CLIENT6, 'client address on the mirror')
    return four + six


@scenario
def tproxy_carries_tls_and_plain_over_v4_and_v6(s):
    both_kinds(s, 'tproxy')


@scenario
def redirect_carries_tls_and_plain_over_v4_and_v6(s):
    both_kinds(s, 'redirect')


@scenario
def tproxy_and_redirect_share_one_listener(s):
    s.start('tproxy')
    srv = s.serve(443)
    a = s.exchange(b'by tproxy')
    s.gateway.run('nft', 'delete', 'table', 'inet', 'clearspan')
    s.net.steer('redirect', s.binary, (net.PROXY,))
    b = s.exchange(b'by redirect')
    s.same(srv, [a, b])
    equal([f['clearspan']['listener'] for f in s.d.flows(2)],
          ['gateway'] * 2)


@scenario
def server_sees_the_gateway_unless_asked(s):
    s.start('tproxy', upstream={'keep-client-address': False})
    srv = s.serve(443)
    c = s.exchange(b'who am I')
    s.same(srv, c)
    equal(srv.peers[0].addr[0], net.OUTER, 'source at the server')


@scenario
def server_sees_the_client_when_asked(s):
    s.start('tproxy', upstream={'keep-client-address': True})
    srv = s.serve(443)
    six = s.serve(443, address=net.SERVER6)
    sock = s.connect(443, source=('10.1.0.3', 0))
    port = sock.getsockname()[1]
    c = s.exchange(b'who am I', sock=sock)
    d = s.exchange(b'and in v6', address=net.SERVER6)
    six.wait(1)
    s.mirrored([(bytes(x.sent), bytes(x.received)) for x in (c, d)])
    equal(srv.peers[0].addr[:2], ('10.1.0.3', port), 'source at the server')
    equal(six.peers[0].addr[0], net.CLIENT6, 'source at the server')


@scenario
def peers_16_own_listener_is_refused_at_once(s):
    s.start('tproxy')
    for address in (net.INNER, net.INNER6, net.OUTER):
        start = time.monotonic()
        try:
            sock = s.connect(net.LISTEN, address)
            how = peer.reset_wait(sock)
        except ConnectionError:
            how = peer.RST
        check(how in (peer.RST, peer.FIN), 'not refused')
        check(time.monotonic() - start < 2 * s.slow * PATIENCE, 'not at once')
    wait(lambda: 'own listener' in s.d.text() or 'itself' in s.d.text(),
         'a log line that says why')
    srv = s.serve(443)
    s.same(srv, s.exchange(b'still works'))


@scenario
def another_hosts_port_like_ours_is_no_loop_under_nonlocal_bind(s):
    """Where any address may be bound, it is not ours for that."""
    s.gateway.sysctl(ipv4__ip_nonlocal_bind=1, ipv6__ip_nonlocal_bind=1)
    s.start('tproxy', record=False)
    for address in (net.SERVER, net.SERVER6):
        s.serve(net.LISTEN, address=address)
        s.exchange(b'x', port=net.LISTEN, address=address)
    for address in (net.INNER, net.INNER6, net.OUTER):
        try:
            how = peer.reset_wait(s.connect(net.LISTEN, address))
        except ConnectionError:
            how = peer.RST
        check(how in (peer.RST, peer.FIN), 'not refused')


@scenario
def refused_upstream_reaches_the_client_as_a_reset(s):
    s.start('tproxy')
    start = time.monotonic()
    try:
        sock = s.connect(4444)
        sock.sendall(b'anything')
        equal(peer.reset_wait(sock), peer.RST, 'how it ended')
    except ConnectionError:
        pass
    check(time.monotonic() - start < 3 * s.slow * PATIENCE, 'too late')
    flow = s.d.flows(1)[0]
    check('refused' in flow['flow']['reason'].lower(), flow)


@scenario
def unreachable_upstream_times_out_with_its_reason(s):
    s.start('tproxy', upstream={'connect-timeout': '1s'})
    s.server.run('nft', '-f', '-', input='table ip t { chain c { type filter '
                 'hook input priority 0; tcp dport 4444 drop; }; }\n')
    start = time.monotonic()
    sock = s.connect(4444)
    sock.sendall(b'\x16\x03\x01')
    peer.reset_wait(sock)
    took = time.monotonic() - start
    check(took < 8 * s.slow * PATIENCE, 'took', took)
    flow = s.d.flows(1)[0]
    check('time' in flow['flow']['reason'].lower(), flow['flow'])


@scenario
def many_ports_and_a_port_nobody_thought_of(s):
    s.start('tproxy')
    servers = [s.serve(p) for p in (1, 25, 853, 8443 + 1, 65535)]
    made = [s.exchange(b'port %d' % x.port, port=x.port) for x in servers]
    st = s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])
    equal([x.key[3] for x in st], [x.port for x in servers], 'ports')


@scenario
def a_tiny_receive_window_loses_nothing(s):
    s.start('tproxy')
    srv = s.serve(7, plain=True)
    sock = s.connect(7)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    c = peer.Peer(sock)
    data = bytes(range(256)) * 800
    c.send(data[:100000])
    c.send(data[100000:])
    equal(c.recv_exact(len(data)), data, 'echo')
    s.same(srv, c.finish())
