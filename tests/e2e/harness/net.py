"""The little network: client, gateway, server and recorder.

    client --- gateway --- server        10.1.0.0/24 fd01::/64 on the left,
                  |                      10.2.0.0/24 fd02::/64 on the right
               recorder                  span0 -> rec0, no address

A namespace is bound to a file in the scenario's directory; `with ns:` moves
the calling thread into it, and sockets and processes made there belong to it.
"""
import ctypes
import os
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000

CLIENT, CLIENT6 = '10.1.0.2', 'fd01::2'
INNER, INNER6 = '10.1.0.1', 'fd01::1'
OUTER, OUTER6 = '10.2.0.1', 'fd02::1'
SERVER, SERVER6 = '10.2.0.2', 'fd02::2'
LISTEN = 8443
PROXY = 8080
RECORDER_MAC = '02:00:00:00:00:aa'


def run(*argv, **kw):
    """A command that must succeed; its output."""
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=20, **kw)
    if p.returncode:
        raise RuntimeError('%s: %s' % (' '.join(argv), p.stdout))
    return p.stdout


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


class Namespace:
    def __init__(self, name, path):
        self.name, self.path = name, path
        open(path, 'w').close()
        run('unshare', '--net=' + path, 'true')
        self.saved = []

    def __enter__(self):
        self.saved.append(os.open('/proc/thread-self/ns/net', os.O_RDONLY))
        fd = os.open(self.path, os.O_RDONLY)
        try:
            _setns(fd)
        finally:
            os.close(fd)
        return self

    def __exit__(self, *exc):
        fd = self.saved.pop()
        _setns(fd)
        os.close(fd)

    def run(self, *argv, **kw):
        with self:
            return run(*argv, **kw)

    def ip(self, lines, *family):
        with self:
            return run('ip', *family, '-batch', '-', input=lines)

    def sysctl(self, **kw):
        with self:
            for key, value in kw.items():
                path = '/proc/sys/net/' + key.replace('__', '/')
                with open(path, 'w') as f:
                    f.write(str(value))


REDIRECT = '''
table inet clearspan {
	chain pre {
		type nat hook prerouting priority dstnat;
		iifname "gc" meta l4proto tcp EXCEPT redirect to :8443
	}
}
'''


class Topology:
    def __init__(self, directory):
        self.dir = os.path.join(directory, 'ns')
        os.mkdir(self.dir)
        for name in ('client', 'gateway', 'server', 'recorder'):
            setattr(self, name,
                    Namespace(name, os.path.join(self.dir, name)))
        self.wire()

    def wire(self):
        c, g, s, r = self.client, self.gateway, self.server, self.recorder
        for ns in (c, g, s, r):
            ns.sysctl(ipv6__conf__default__accept_dad=0,
                      ipv6__conf__default__router_solicitations=0,
                      ipv6__conf__all__accept_dad=0)
            ns.ip('link set lo up\n')
        r.sysctl(ipv6__conf__default__disable_ipv6=1)
        g.ip('''link add gc type veth peer name c0 netns {0}
link add gs type veth peer name s0 netns {1}
link add span0 type veth peer name rec0 netns {2}
'''.format(c.path, s.path, r.path))
        g.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                 ipv4__conf__all__rp_filter=0,
                 ipv4__conf__default__rp_filter=0,
                 ipv6__conf__span0__disable_ipv6=1)
        g.ip('''addr add 10.1.0.1/24 dev gc
addr add fd01::1/64 dev gc nodad
addr add 10.2.0.1/24 dev gs
addr add fd02::1/64 dev gs nodad
link set gc up
link set gs up
link set span0 up
''')
        c.ip('''addr add 10.1.0.2/24 dev c0
addr add 10.1.0.3/24 dev c0
addr add fd01::2/64 dev c0 nodad
link set c0 up
route add default via 10.1.0.1
route add ::/0 via fd01::1
''')
        s.ip('''addr add 10.2.0.2/24 dev s0
addr add 10.2.0.3/24 dev s0
addr add fd02::2/64 dev s0 nodad
link set s0 up
route add default via 10.2.0.1
route add ::/0 via fd02::1
''')
        r.ip('link set rec0 address %s\nlink set rec0 promisc on\n'
             'link set rec0 up\n' % RECORDER_MAC)

    def steer(self, how, binary, keep=(), *options):
        """Send the client's TCP to the gateway by 'tproxy', as `transparent
        print` has it, or by 'redirect', but not what goes to the ports in
        keep on the gateway itself."""
        if how == 'tproxy':
            rules = self.gateway.run(binary, 'transparent', 'print', '--in',
                                     'gc', '--ports', 'all', '--port',
                                     str(LISTEN), *options)
            self.gateway.run('sh', input=rules)
            return
        spare = ''
        if keep:
            spare = 'tcp dport != { %s }' % ', '.join(map(str, keep))
        self.gateway.run('nft', '-f', '-',
                         input=REDIRECT.replace('EXCEPT', spare))
