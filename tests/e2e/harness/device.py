"""Inline devices, real ones, each in a namespace of its own between two ports
of the gateway: a bridge of the kernel, a router, and a bridge of our own that
does what it is told (bridge.py).

    gateway: ips1i ---- d0 [ device ips1 ] d1 ---- ips1o
             inside                                outside

What a device saw is told by its own capture, on its inside port.
"""
import json
import os
import shutil
import signal
import struct
import sys

from . import capture, net
from .proc import Failure, wait, whole_lines

HERE = os.path.dirname(os.path.abspath(__file__))
OFFLOADS = ('tso', 'off', 'gso', 'off', 'gro', 'off', 'tx', 'off')

# What a device of the kernel does to frames on their way in; bridge family,
# and for `reject`, which that has not everywhere, netdev of the inside port.
# @ih is what TCP carries (its first bytes).
NFT = '''
table bridge ips {
	chain way {
		type filter hook forward priority 0; policy accept;
		%s
	}
}
table netdev ips {
	chain in {
		type filter hook ingress device d0 priority 0; policy accept;
		%s
	}
}
'''


def starts_with(text):
    """An expression of nft(8): TCP that carries text at its start."""
    b = text.encode()
    return 'meta l4proto tcp @ih,0,%d 0x%s' % (len(b) * 8, b.hex())


class Flow:
    """A connection as it was seen on a wire: its bytes each way, whatever
    was lost, doubled or out of order on the way."""

    def __init__(self, key):
        self.key = key              # (client, port, server, port)
        self.start = [None, None]   # sequence numbers of the first bytes
        self.part = [{}, {}]        # offset: bytes
        self.fin, self.rst = [False, False], [False, False]
        self.dscp, self.ttl, self.macs = set(), set(), [set(), set()]

    def bytes(self, way):
        out = bytearray()
        for at in sorted(self.part[way]):
            data = self.part[way][at]
            if at > len(out):
                break
            out += data[len(out) - at:]
        return bytes(out)

    up = property(lambda self: self.bytes(0))
    down = property(lambda self: self.bytes(1))

    def __repr__(self):
        return '<%s %d up %d down>' % (self.key, len(self.up), len(self.down))


class Seen(capture.Reader):
    """Frames of a real wire into flows; streams is a list of Flow."""

    def ipv4(self, d, at):
        self.mark = (d[at + 1] >> 2, d[at + 8])
        return super().ipv4(d, at) if d[at + 9] == 6 else None

    def ipv6(self, d, at):
        self.mark = ((d[at] << 4 | d[at + 1] >> 4) >> 2 & 63, d[at + 7])
        return super().ipv6(d, at) if d[at + 6] == 6 else None

    def tcp(self, frame, dmac, smac, vlan, a, b, seg, pseudo):
        sp, dp, seq, ack, off, flags = struct.unpack_from('>HHIIBB', seg)
        data = bytes(seg[(off >> 4) * 4:])
        fwd, rev = (a, sp, b, dp), (b, dp, a, sp)
        if flags & 18 == 2 and (fwd not in self.open or
                                self.open[fwd].start[0] !=
                                (seq + 1) & 0xffffffff):
            self.open[fwd] = Flow(fwd)
            self.streams.append(self.open[fwd])
        f = self.open.get(fwd) or self.open.get(rev)
        if f is None:
            self.loose.append('%s:%d>%s:%d flags %02x without SYN' %
                              (a, sp, b, dp, flags))
            return
        way = 0 if f.key == fwd else 1
        f.dscp.add(self.mark[0])
        f.ttl.add(self.mark[1])
        f.macs[way].add(smac)
        if flags & 2:
            f.start[way] = (seq + 1) & 0xffffffff
        if data and f.start[way] is not None:
            at = capture.delta(seq, f.start[way])
            if len(f.part[way].get(at, b'')) < len(data):
                f.part[way][at] = data
        f.fin[way] |= bool(flags & 1)
        f.rst[way] |= bool(flags & 4)


class Device:
    """Ports and a namespace; how it forwards is for those below."""
    kind = 'l2'

    def __init__(self, s, name, mtu=1500):
        self.s, self.name = s, name
        self.inside, self.outside = name + 'i', name + 'o'
        self.ns = net.Namespace(name, s.path('ns/' + name))
        self.rec = None
        # Without duplicate address detection: it asks for nobody meanwhile.
        self.ns.sysctl(ipv6__conf__all__disable_ipv6=1,
                       ipv6__conf__default__disable_ipv6=1,
                       ipv6__conf__all__accept_dad=0,
                       ipv6__conf__default__accept_dad=0)
        s.gateway.ip('''link add {0} mtu {2} type veth peer name d0 netns {1}
link add {3} mtu {2} type veth peer name d1 netns {1}
'''.format(self.inside, self.ns.path, mtu, self.outside))
        self.ns.ip('link set lo up\nlink set d0 mtu {0} up promisc on\n'
                   'link set d1 mtu {0} up promisc on\n'.format(mtu))
        self.forward()

    def forward(self):
        """Begin to."""

    def conf(self, **over):
        """Its entry in `devices:`."""
        d = {'name': self.name, 'kind': self.kind, 'inside': self.inside,
             'outside': self.outside}
        d.update({k.replace('_', '-'): v for k, v in over.items()})
        return d

    # --- what it saw
    def record(self, port='d0', **kw):
        self.rec = capture.Recorder(self.s, self.ns, port, self.name + port,
                                    ('tcp',), reader=Seen, buffer=16384, **kw)
        return self

    def flows(self, n=0, probe=False):
        """What it has seen so far, once that is n at least; without those of
        the health probe."""
        def there():
            out = [f for f in self.rec.poll().streams if probe or
                   not f.key[0].startswith(('198.18.', '198.19.'))]
            return out if len(out) >= n else None
        return wait(lambda: there() is not None and [there()],
                    '%d flows through %s' % (n, self.name))[0]

    def flow(self, **want):
        """The one flow there is, once its bytes are those wanted."""
        def there():
            f = self.flows()
            return len(f) == 1 and all(getattr(f[0], k) == v
                                       for k, v in want.items()) and f[0]
        return wait(there, 'flow through %s with what is wanted' % self.name)

    def pairs(self):
        """{(client, server)} that it has seen."""
        return {(f.key[0], f.key[2]) for f in self.flows()}

    # --- what happens to it
    def unplug(self, port='d0'):
        """The cable is out: no carrier at the gateway's end."""
        self.ns.ip('link set %s down\n' % port)

    def plug(self, port='d0'):
        self.ns.ip('link set %s up\n' % port)


class Bridge(Device):
    """A bridge of the kernel; way: statements of nft's bridge family, door:
    those at its inside port (netdev)."""

    def forward(self):
        self.ns.ip('link add sw0 type bridge forward_delay 0 stp_state 0 '
                   'mcast_snooping 0\nlink set d0 master sw0\n'
                   'link set d1 master sw0\nlink set sw0 up\n')

    def pull_out(self):
        """Its inside port goes, as a card that is pulled out does."""
        self.ns.ip('link del d0\n')

    def put_in(self):
        self.s.gateway.ip('link add %s type veth peer name d0 netns %s\n' % (
            self.inside, self.ns.path))
        self.ns.ip('link set d0 up promisc on\nlink set d0 master sw0\n')

    def rules(self, way='', door=''):
        self.ns.run('nft', '-f', '-', input='flush ruleset\n' +
                    NFT % (way, door))
        return self

    def mute(self):
        """Nothing passes any more, though the link is up."""
        return self.rules(way='drop')

    def well(self):
        self.ns.run('nft', 'flush', 'ruleset')
        return self

    def hits(self):
        """Packets that its rules' counters counted."""
        out = json.loads(self.ns.run('nft', '-j', 'list', 'ruleset'))
        return sum(x['counter']['packets'] for r in out['nftables']
                   for x in r.get('rule', {}).get('expr', [])
                   if 'counter' in x)


class Router(Device):
    """A router: its own addresses on either side, the clients' network by
    way of the gateway's inside address, and everything else outside."""
    kind = 'l3'

    def __init__(self, s, name, number=0, **kw):
        self.n = number
        super().__init__(s, name, **kw)

    def addresses(self, side):
        """Ours and the device's of that side, IPv4 and IPv6."""
        n = self.n * 2 + side + 1
        return ('198.19.%d.1' % n, '198.19.%d.2' % n, 'fd19:%x::1' % n,
                'fd19:%x::2' % n)

    def forward(self):
        self.ns.sysctl(ipv6__conf__all__disable_ipv6=0,
                       ipv6__conf__d0__disable_ipv6=0,
                       ipv6__conf__d1__disable_ipv6=0,
                       ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                       ipv4__conf__all__rp_filter=0,
                       ipv4__conf__d0__rp_filter=0,
                       ipv4__conf__d1__rp_filter=0)
        (a4, i4, a6, i6), (b4, o4, b6, o6) = map(self.addresses, (0, 1))
        self.ns.ip('''addr add {0}/24 dev d0
addr add {1}/64 dev d0 nodad
addr add {2}/24 dev d1
addr add {3}/64 dev d1 nodad
route add 10.1.0.0/24 via {4}
route add fd01::/64 via {5}
route add 64:ff9b:1::a01:0/120 via {5}
route add default via {6}
route add ::/0 via {7}
'''.format(i4, i6, o4, o6, a4, a6, b4, b6))

    def conf(self, **over):
        d = super().conf(**over)
        for side, key in enumerate(('inside-address', 'outside-address')):
            _, four, _, six = self.addresses(side)
            d[key] = [four + '/24', six + '/64']
        return d


class Program(Device):
    """bridge.py; what it shall do can be changed while it runs."""

    def __init__(self, s, name, *acts, mtu=1500, **kw):
        self.path = s.path(name + '.acts')
        self.write(acts, kw)
        super().__init__(s, name, mtu=mtu)

    def write(self, acts, kw):
        with open(self.path + '.new', 'w') as f:
            json.dump(dict(kw, acts=list(acts)), f)
        os.rename(self.path + '.new', self.path)

    def forward(self):
        self.p = self.s.spawn(
            self.ns, sys.executable, os.path.join(HERE, 'bridge.py'), 'd0',
            'd1', self.path, name='bridge-' + self.name)
        self.p.wait_log('"ready"')

    def acts(self, *acts, **kw):
        n = len(self.did('ready'))
        self.write(acts, kw)
        self.p.p.send_signal(signal.SIGHUP)
        wait(lambda: len(self.did('ready')) > n, 'new acts of ' + self.name)
        return self

    def did(self, what):
        """The lines of what was done so far."""
        if not self.p.alive() and self.p.p.returncode > 0:
            raise Failure('%s ended: %s' % (self.name, self.p.text()))
        lines = [x for x in whole_lines(self.p.log) if x[:1] == '{']
        return [x for x in map(json.loads, lines) if x['did'] == what]

    def done(self, what, n=1):
        return wait(lambda: self.did(what)[n - 1:] and self.did(what),
                    '"%s" of %s' % (what, self.name))

    def freeze(self):
        self.p.p.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.p.p.send_signal(signal.SIGCONT)

    def kill(self):
        self.p.end(signal.SIGKILL)

    def again(self):
        self.forward()

    def sums(self):
        """Ends it; what it counted."""
        self.p.end()
        return self.did('end')[-1]



SURICATA = '''%YAML 1.1
---
default-log-dir: {dir}
logging:
  outputs: [{{console: {{enabled: yes}}}}]
outputs:
  - eve-log: {{enabled: yes, filename: eve.json, types: [alert, http, drop]}}
af-packet:
  - {{interface: d0, copy-iface: d1, cluster-id: 91, copy-mode: ips,
     threads: 1, use-mmap: yes, tpacket-v3: no, cluster-type: cluster_flow}}
  - {{interface: d1, copy-iface: d0, cluster-id: 92, copy-mode: ips,
     threads: 1, use-mmap: yes, tpacket-v3: no, cluster-type: cluster_flow}}
app-layer:
  protocols:
    http: {{enabled: yes}}
    tls: {{enabled: yes}}
stream: {{memcap: 32mb, inline: auto, reassembly: {{memcap: 32mb}}}}
flow: {{memcap: 32mb, hash-size: 4096, prealloc: 100}}
rule-files: [{dir}/ips.rules]
'''
# A release of Debian in a directory, where this one has no such package.
RELEASE = os.environ.get('SURICATA_ROOT')


def has_suricata():
    return bool(RELEASE or shutil.which('suricata'))


class Suricata(Device):
    """Suricata as an IPS: a bridge by AF_PACKET, with rules of its own
    language."""

    def __init__(self, s, name, rules, **kw):
        self.dir = s.path(name + '-suricata')
        os.mkdir(self.dir)
        for file, text in (('ips.rules', rules),
                           ('conf.yaml', SURICATA.format(dir=self.dir))):
            with open(os.path.join(self.dir, file), 'w') as f:
                f.write(text)
        super().__init__(s, name, **kw)

    def forward(self):
        for port in ('d0', 'd1'):
            self.ns.run('ethtool', '-K', port, *OFFLOADS)
        chroot = ()
        if RELEASE:
            os.makedirs(RELEASE + self.dir, exist_ok=True)
            net.run('mount', '--bind', self.dir, RELEASE + self.dir)
            chroot = ('chroot', RELEASE)
        self.p = self.s.spawn(
            self.ns, *chroot, 'suricata', '-c', self.dir + '/conf.yaml',
            '--af-packet', '--runmode', 'workers', '-l', self.dir,
            name='suricata-' + self.name)
        self.p.wait_log('Engine started', 60)

    def events(self, kind):
        """Of its own event log, so far."""
        return [e for e in map(json.loads,
                               whole_lines(self.dir + '/eve.json'))
                if e['event_type'] == kind]
