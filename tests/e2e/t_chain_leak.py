"""Clear text stays between the zones: on no other interface is there a frame
of it, whatever happens to the daemon."""
import os
import signal
import socket
import struct
import threading

from harness import Failure, bridge, chain, check, device, equal, \
    net, scenario, wait

MARK = b'clear text that must not get out. '
BIG = MARK * 2000


class Watch:
    """tcpdump on every interface of the gateway, the client and the server:
    the device's ports are not among them while they are in the zones."""

    def __init__(self, s):
        self.s, self.all = s, []
        for ns in (s.gateway, s.client, s.server):
            path = s.path('watch-%s.pcap' % ns.name)
            p = s.spawn(ns, 'tcpdump', '-i', 'any', '-n', '-s', '65535', '-U',
                        '-Z', 'root', '--immediate-mode', '-B', '32768', '-w',
                        path, name='watch-' + ns.name)
            p.wait_log('listening on')
            self.all.append((p, path))

    def check(self):
        """Nothing of it was in any frame."""
        for p, path in self.all:
            p.end(signal.SIGINT)
            with open(path, 'rb') as f:
                data = f.read()
            check(len(data) > 10000, 'nothing at all in', path)
            at = data.find(MARK[5:25])
            if at >= 0:
                raise Failure('clear text in %s: %r' % (
                    os.path.basename(path), data[max(0, at - 100):at + 60]))


def talk(s, stop, done, port=443):
    """Sessions full of the mark, until they fail or are to stop."""
    try:
        while not stop.is_set():
            c = s.tls(port)
            for i in range(5):
                c.send(BIG)
                done.append(len(c.recv_exact(len(BIG))))
            c.finish()
    except (Failure, OSError):
        pass


def link(s, name):
    with s.gateway:
        try:
            return s.gateway.run('ip', '-o', 'link', 'show', name)
        except RuntimeError:
            return None


def under_traffic(s, end):
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'dlp1')]
    chain.start(s, d, [chain.chain(*d)], record=False)
    s.serve(443)
    watch, stop, done = Watch(s), threading.Event(), []
    d[0].record()
    ts = [threading.Thread(target=talk, args=(s, stop, done))
          for i in range(3)]
    for t in ts:
        t.start()
    wait(lambda: len(done) > 10, 'traffic')
    check(link(s, 'ips1i') is None, 'a port of a device is not in its zone')
    end(d)
    stop.set()
    for t in ts:
        t.join()
    return d, watch


@scenario
def no_clear_frame_leaves_the_zones_and_ports_are_down_after_the_end(s):
    d, watch = under_traffic(s, lambda d: None)
    s.d.end(signal.SIGTERM)
    for x in d:
        for port in (x.inside, x.outside):
            wait(lambda: link(s, port), 'port %s back' % port)
            check(',UP' not in link(s, port), link(s, port))
    watch.check()
    check(any(MARK in f.up for f in d[0].flows()), 'the device saw nothing')


@scenario
def no_clear_frame_leaves_the_zones_when_the_daemon_is_killed(s):
    d, watch = under_traffic(s, lambda d: s.d.end(signal.SIGKILL))
    s.daemons.clear()
    for x in d:
        for port in (x.inside, x.outside):
            wait(lambda: link(s, port), 'port %s back' % port)
            check(',UP' not in link(s, port), link(s, port))
            check('NO-CARRIER' in x.ns.run('ip', 'link', 'show', 'd0'),
                  'the cable of the device still has a carrier')
    watch.check()


@scenario
def no_clear_frame_leaves_the_zones_when_their_helper_is_killed(s):
    """The daemon cannot take the ports down then; it takes the devices for
    down, and refuses."""
    def end(d):
        kids = chain.helper(s)
        check(kids, 'the daemon has no helper')
        for k in kids:
            os.kill(k, signal.SIGKILL)
        chain.down(s, *d)
    d, watch = under_traffic(s, end)
    check(s.d.alive(), 'the daemon ended')
    watch.check()
    s.d.end(signal.SIGKILL)
    s.daemons.clear()


def frame(src_mac, dst_mac, flags, data=b'', src='10.1.0.77',
          dst=net.SERVER, port=443):
    ip = bytearray(struct.pack('>BBHHHBBH', 0x45, 0, 40 + len(data), 0,
                               0x4000, 64, 6, 0))
    ip += socket.inet_aton(src) + socket.inet_aton(dst)
    ip[10:12] = struct.pack('>H', bridge.fold(ip))
    tcp = bytearray(struct.pack('>HHIIBBHHH', 5555, port, 1000, 1, 5 << 4,
                                flags, 1000, 0, 0)) + data
    tcp[16:18] = struct.pack('>H', bridge.fold(
        bytes(ip[12:20]) + struct.pack('>HH', 6, len(tcp)), tcp))
    return dst_mac + src_mac + b'\x08\x00' + bytes(ip) + bytes(tcp)


@scenario
def what_a_device_sends_on_its_own_is_reset_and_goes_nowhere(s):
    """A connection that is no session's, begun by the device at either port,
    gets a RST; and nothing of it is on another interface."""
    d = device.Bridge(s, 'ips1')
    chain.start(s, [d], [chain.chain(d)], record=False)
    srv = s.serve(443)
    watch = Watch(s)
    d.record()
    s.exchange(BIG)
    f = d.flows(1)[0]
    mac = [bytes.fromhex(list(m)[0].replace(':', '')) for m in f.macs]
    for port, src, dst in (('d1', mac[0], mac[1]), ('d0', mac[1], mac[0])):
        with d.ns:
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)
            raw.bind((port, 3))
        raw.settimeout(10 * s.slow)
        raw.send(frame(src, dst, bridge.SYN))
        while True:
            seg = bridge.Segment(raw.recv(65536))
            if seg.ok and seg.dport == 5555 and seg.flags & bridge.RST:
                break
            if seg.ok and seg.dport == 5555 and \
               seg.flags & (bridge.SYN | bridge.ACK) == 18:
                raw.send(frame(src, dst, bridge.ACK, MARK))
        raw.close()
    equal(len(srv.wait(1)), 1, 'connections at the server')
    s.quiet()
    equal(len(srv.peers), 1, 'connections at the server')
    watch.check()


@scenario
def a_wire_past_the_devices_shows_no_session(s):
    """Both ports of a device are bridged, past it, to the port of another:
    what comes in there is no session of that zone and is reset."""
    a, b = device.Bridge(s, 'ips1'), device.Bridge(s, 'dlp1')
    chain.start(s, [a, b], [chain.chain(a, b)], record=False)
    s.serve(443)
    a.ns.ip('link add w0 type veth peer name w1 netns %s\nlink set w0 up\n'
            'link set w0 master sw0\n' % b.ns.path)
    b.ns.ip('link set w1 up\nlink set w1 master sw0\n')
    watch = Watch(s)
    try:
        s.exchange(BIG)
    except (Failure, OSError):
        pass
    watch.check()
    check(s.d.alive(), 'the daemon ended')
