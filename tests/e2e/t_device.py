"""The inline devices of harness/device.py by themselves, between two plain
ends: what they do to a connection when no gateway is concerned."""
import socket
import threading

from harness import check, device, equal, peer, scenario

LEFT, RIGHT = '10.9.0.1', '10.9.0.2'
LEFT6, RIGHT6 = 'fd09::1', 'fd09::2'
BIG = bytes(i * 11 & 255 for i in range(65536)) * 4         # 256 KiB


def ends(s, d):
    """The client's and the server's namespace at a device's two ports."""
    for ns, port in ((s.client, d.inside), (s.server, d.outside)):
        s.gateway.ip('link set %s netns %s\n' % (port, ns.path))
        ns.run('ethtool', '-K', port, *device.OFFLOADS)
    s.client.ip('addr add %s/24 dev %s\naddr add %s/64 dev %s nodad\n'
                'link set %s up\n' % (LEFT, d.inside, LEFT6, d.inside,
                                      d.inside))
    s.server.ip('addr add %s/24 dev %s\naddr add %s/64 dev %s nodad\n'
                'link set %s up\n' % (RIGHT, d.outside, RIGHT6, d.outside,
                                      d.outside))
    return [peer.Serve(s.server, 80, address=a) for a in (RIGHT, RIGHT6)]


def open_(s, address=RIGHT):
    return peer.Peer(peer.connect(s.client, address, 80))


def echoed(s, data, address=RIGHT):
    """An exchange through the device; what came back."""
    c = open_(s, address)
    t = threading.Thread(target=c.send, args=(data,))
    t.start()
    got = c.recv_exact(len(data))
    t.join()
    c.finish()
    return got


@scenario
def devices_of_the_kernel_pass_drop_reset_and_mark(s):
    d = device.Bridge(s, 'ips1')
    ends(s, d)
    d.record()
    for a in (RIGHT, RIGHT6):
        equal(echoed(s, BIG, a), BIG, 'through a bridge')
    for f in d.flows(2):
        equal([f.up, f.down], [BIG, BIG], 'what the bridge saw')
        equal(f.dscp, {0})
    d.rules(way=device.starts_with('evil') + ' counter drop\n'
            'ip protocol tcp ip dscp set 10',
            door=device.starts_with('reset') + ' counter reject with tcp '
            'reset')
    equal(echoed(s, b'well'), b'well')
    c = open_(s)
    c.send(b'evil')
    c.sock.settimeout(0.3)
    try:
        check(False, 'an answer to what was dropped:', c.recv())
    except socket.timeout:
        pass
    check(d.hits() > 0, 'nothing was dropped')
    c.rst()
    c = open_(s)
    c.send(b'reset me')
    equal(peer.reset_wait(c.sock), peer.RST, 'what the rejected one gets')


@scenario
def a_router_passes_both_families_with_one_hop_less(s):
    d = device.Router(s, 'fw1')
    ends(s, d)
    d.record('d1')
    for ns, port, side in ((s.client, d.inside, 0), (s.server, d.outside, 1)):
        four, four_, six, six_ = d.addresses(side)
        net = ('10.2.0.2', 'fd02::2') if side == 0 else ('10.1.0.2', 'fd01::2')
        ns.ip('addr add {0}/24 dev {4}\naddr add {1}/64 dev {4} nodad\n'
              'route add {5} via {2}\nroute add {6} via {3}\n'.format(
                  four, six, four_, six_, port, *net))
    for a, me in (('10.2.0.2', '10.1.0.2'), ('fd02::2', 'fd01::2')):
        peer.Serve(s.server, 81, address=a)
        c = peer.Peer(peer.connect(s.client, a, 81, source=(me, 0)))
        c.send(BIG[:100000])
        equal(c.recv_exact(100000), BIG[:100000], 'through a router')
        c.finish()
    for f in d.flows(2, probe=True):
        equal(f.up, BIG[:100000])
        check(63 in f.ttl, f.ttl)


@scenario
def a_bridge_of_ours_passes_bit_exact_over_loss_and_reordering(s):
    d = device.Program(s, 'dlp1')
    ends(s, d)
    for a in (RIGHT, RIGHT6):
        equal(echoed(s, BIG, a), BIG, 'through it')
    d.acts(loss=0.02, reorder=0.05, delay=1)
    equal(echoed(s, BIG[:100000]), BIG[:100000], 'with loss')
    n = d.sums()
    check(n['lost'] and n['late'], n)
    equal([n['long'], n['bad']], [0, 0], 'frames that it does not take')


@scenario
def a_bridge_of_ours_replaces_answers_resets_drops_and_stalls(s):
    page = 'HTTP/1.1 403 No\r\nConnection: close\r\n\r\n' + 'no ' * 700
    d = device.Program(
        s, 'dlp1', {'do': 'replace', 'mark': 'secret', 'with': 'XXXXXX'},
        {'do': 'answer', 'mark': 'GET /no', 'with': page, 'rst': True},
        {'do': 'reset', 'mark': 'reset me'},
        {'do': 'drop', 'mark': 'drop me'},
        {'do': 'stall', 'mark': 'slowly', 'seconds': 0.3})
    servers = ends(s, d)
    for a in (RIGHT, RIGHT6):
        equal(echoed(s, b'a secret word', a), b'a XXXXXX word')
        c = open_(s, a)
        c.send(b'GET /no')
        equal(c.recv_all(), page.encode(), 'its page')
        equal(c.eof, peer.FIN)
        c.finish()
        c = open_(s, a)
        c.send(b'reset me')
        equal(peer.reset_wait(c.sock), peer.RST, 'at the client')
    d.done('reset', 2)
    servers[0].wait(3)
    equal([bytes(p.received) for p in servers[0].peers],
          [b'a XXXXXX word', b'', b''], 'what the server got')
    equal([p.eof for p in servers[0].peers[1:]], [peer.RST, peer.RST])
    equal(echoed(s, b'slowly'), b'slowly')
    d.done('stall')
    c = open_(s)
    c.send(b'drop me')
    d.done('drop')
    check(peer.unacked(c.sock) == 7, 'it was acknowledged')
    c.rst()


@scenario
def a_bridge_of_ours_takes_no_superframes_and_no_unfinished_checksums(s):
    d = device.Program(s, 'dlp1')
    ends(s, d)
    s.client.run('ethtool', '-K', d.inside, 'tso', 'on', 'gso', 'on', 'tx',
                 'on')
    with s.client:
        c = socket.socket()
    c.setblocking(False)
    c.connect_ex((RIGHT, 80))
    d.done('bad')
    c.close()
    s.client.run('ethtool', '-K', d.inside, 'tso', 'off', 'gso', 'off', 'tx',
                 'off')
    equal(echoed(s, b'well'), b'well')


@scenario
def a_device_is_unplugged_muted_frozen_and_killed(s):
    k, p = device.Bridge(s, 'ips1'), device.Program(s, 'dlp1')

    def carrier(d):
        return 'NO-CARRIER' not in s.gateway.run('ip', 'link', 'show',
                                                 d.inside)
    for d in (k, p):
        s.gateway.ip('link set %s up\nlink set %s up\n' %
                     (d.inside, d.outside))
        check(carrier(d), 'no carrier')
        d.unplug()
        check(not carrier(d), 'a carrier without a cable')
        d.plug()
        check(carrier(d), 'no carrier again')
    ends(s, p)
    equal(echoed(s, b'one'), b'one')
    p.freeze()
    late = threading.Thread(target=echoed, args=(s, b'late'), daemon=True)
    late.start()
    p.thaw()
    late.join(10 * s.slow)
    check(not late.is_alive(), 'nothing passed after it thawed')
    p.kill()
    p.again()
    equal(echoed(s, b'two'), b'two')
