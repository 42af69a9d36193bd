"""A router between: with links of its own MTU, and with errors of its own. The
rules bring ICMP to the sockets that it speaks of.

    client --- 1500 --- router --- 1500 --- gateway --- ... --- server
             1300 <-      the router's link towards the peer takes 1300
"""
import os

from harness import check, equal, net, proc, scenario

BIG = os.urandom(300_000)
SITES = ((4, '10.3.0', '10.4.0.2', '10.4.0.0/24'),
         (6, 'fd03:', 'fd04::2', 'fd04::/64'))


def router(s, peer, near, reached):
    """A router between the gateway's port `near` and a new port of peer; it
    sends only 1300 bytes a packet to peer, whose own port takes 1500."""
    ns = net.Namespace('router', s.path('ns/router'))
    ns.ip('link set lo up\n')
    s.gateway.ip('link add %s type veth peer name rin netns %s\n'
                 'addr add 10.3.0.1/24 dev %s\n'
                 'addr add fd03::1/64 dev %s nodad\nlink set %s up\n' %
                 (near, ns.path, near, near, near))
    ns.ip('link add rout type veth peer name far netns %s\n'
          'addr add 10.3.0.2/24 dev rin\naddr add fd03::2/64 dev rin nodad\n'
          'addr add 10.4.0.1/24 dev rout\n'
          'addr add fd04::1/64 dev rout nodad\n'
          'link set rin up\nlink set rout mtu 1300 up\n'
          'route add default via 10.3.0.1\n' % peer.path)
    ns.ip('route add default via fd03::1\n', '-6')
    ns.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    peer.ip('addr add 10.4.0.2/24 dev far\n'
            'addr add fd04::2/64 dev far nodad\nlink set far up\n')
    # A port of 1300 drops what is longer, unless it is yet to be cut: peer
    # sends nothing longer, but says that it takes the usual.
    peer.ip('route replace %s via 10.4.0.1 mtu 1300 advmss 1460\n' %
            reached[0])
    peer.ip('route replace %s via fd04::1 mtu 1300 advmss 1440\n' %
            reached[1], '-6')
    s.gateway.ip('route add 10.4.0.0/24 via 10.3.0.2\n')
    s.gateway.ip('route add fd04::/64 via fd03::2\n', '-6')
    return ns


def steer(s, ports):
    s.gateway.run('sh', input=s.gateway.run(
        s.binary, 'transparent', 'print', '--in', ports, '--ports', 'all'))


def downloads(s, address, **kw):
    for plain in (False, True):
        p = s.plain(7, address, **kw) if plain else \
            s.tls(443, address=address, sock=s.connect(443, address, **kw))
        p.send(BIG)
        equal(p.recv_exact(len(BIG)), BIG, 'what came back')
        p.finish()


def servers(s, *addresses):
    for a in addresses:
        s.serve(443, address=a)
        s.serve(7, plain=True, address=a)


@scenario
def a_narrow_link_on_the_way_to_the_client_is_learnt_of(s):
    router(s, s.client, 'gh', ('10.2.0.0/24', 'fd02::/64'))
    servers(s, net.SERVER, net.SERVER6)
    steer(s, 'gc,gh')
    s.start(how=None)
    downloads(s, net.SERVER, source=('10.4.0.2', 0))
    downloads(s, net.SERVER6, source=('fd04::2', 0))


def narrow_servers(s, keep):
    router(s, s.server, 'gh', ('10.1.0.0/24', 'fd01::/64'))
    servers(s, '10.4.0.2', 'fd04::2')
    steer(s, 'gc')
    s.start(how=None, upstream={'keep-client-address': keep})
    downloads(s, '10.4.0.2')
    downloads(s, 'fd04::2')


@scenario
def a_narrow_link_on_the_way_to_the_server_is_learnt_of(s):
    narrow_servers(s, True)


@scenario
def a_narrow_link_to_the_server_from_our_own_address_is_learnt_of(s):
    narrow_servers(s, False)


def ends_at_once(s, address):
    """The connection ends with the ICMP error, not by connect-timeout."""
    p = s.plain(7, address)
    try:
        p.sock.send(b'\0\1')   # not HTTP: no page
        check(not p.sock.recv(1), 'an answer from nowhere')
    except OSError:
        pass
    p.sock.close()


@scenario
def a_server_that_a_router_calls_unreachable_is_so_at_once(s):
    ns = router(s, s.server, 'gh', ('10.1.0.0/24', 'fd01::/64'))
    ns.ip('route add unreachable 10.4.0.99\n')
    ns.ip('route add unreachable fd04::99\n', '-6')
    steer(s, 'gc')
    s.start(how=None, record=False,
            upstream={'keep-client-address': True, 'connect-timeout': '5m'})
    for a in ('10.4.0.99', 'fd04::99'):
        ends_at_once(s, a)
    for f in s.d.flows(2):
        check('no route to host' in f['flow']['reason'] or
              'unreachable' in f['flow']['reason'], f['flow'])


@scenario
def a_time_to_live_that_is_exceeded_ends_the_connecting_at_once(s):
    router(s, s.server, 'gh', ('10.1.0.0/24', 'fd01::/64'))
    steer(s, 'gc')
    s.gateway.sysctl(ipv4__ip_default_ttl=1, ipv6__conf__all__hop_limit=1,
                     ipv6__conf__gh__hop_limit=1)
    s.start(how=None, record=False,
            upstream={'keep-client-address': True, 'connect-timeout': '5m'})
    for a in ('10.4.0.2', 'fd04::2'):
        ends_at_once(s, a)
    for f in s.d.flows(2):
        check('no route to host' in f['flow']['reason'] or
              'unreachable' in f['flow']['reason'], f['flow'])
