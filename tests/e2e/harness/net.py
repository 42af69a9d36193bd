"""The little network: client, gateway, server and recorder.

    client --- gateway --- server        10.1.0.0/24 fd01::/64 on the left,
                  |                      10.2.0.0/24 fd02::/64 on the right
               recorder                  span0 -> rec0, no address

A namespace is bound to a file in the scenario's directory; `with ns:` moves
the calling thread into it, and sockets and processes made there belong to it.
"""
import functools
import os
import subprocess

from . import box

CLONE_NEWNET = box.CLONE['net']
OWN = '/proc/thread-self/ns/net'

CLIENT, CLIENT6 = '10.1.0.2', 'fd01::2'
INNER, INNER6 = '10.1.0.1', 'fd01::1'
OUTER, OUTER6 = '10.2.0.1', 'fd02::1'
SERVER, SERVER6 = '10.2.0.2', 'fd02::2'
LISTEN = 8443
PROXY = 8080
STEER = '--in', 'gc', '--ports', 'all', '--port', str(LISTEN)
RECORDER_MAC = '02:00:00:00:00:aa'


def run(*argv, **kw):
    """A command that must succeed; its output."""
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=20, **kw)
    if p.returncode:
        raise RuntimeError('%s: %s' % (' '.join(argv), p.stdout))
    return p.stdout


class Namespace:
    def __init__(self, name, path):
        self.name, self.path = name, path
        open(path, 'w').close()
        self.saved = [os.open(OWN, os.O_RDONLY)]
        box.call('unshare', CLONE_NEWNET)
        try:
            box.bind(OWN, path)
        finally:
            self.__exit__()

    def __enter__(self):
        self.saved.append(os.open(OWN, os.O_RDONLY))
        fd = os.open(self.path, os.O_RDONLY)
        try:
            box.call('setns', fd, CLONE_NEWNET)
        finally:
            os.close(fd)
        return self

    def __exit__(self, *exc):
        fd = self.saved.pop()
        box.call('setns', fd, CLONE_NEWNET)
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


@functools.lru_cache
def printed(binary, *options):
    """The rules for the gateway, which depend on the options alone: what one
    process asked for once, those that it forks need not ask again."""
    return run(binary, 'transparent', 'print', *options)


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
        r.sysctl(ipv6__conf__default__disable_ipv6=1)
        g.ip('''link set lo up
link add gc type veth peer name c0 netns {0}
link add gs type veth peer name s0 netns {1}
link add span0 type veth peer name rec0 netns {2}
addr add 10.1.0.1/24 dev gc
addr add fd01::1/64 dev gc nodad
addr add 10.2.0.1/24 dev gs
addr add fd02::1/64 dev gs nodad
link set gc up
link set gs up
'''.format(c.path, s.path, r.path))
        g.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                 ipv4__conf__all__rp_filter=0,
                 ipv4__conf__default__rp_filter=0,
                 ipv6__conf__span0__disable_ipv6=1)
        g.ip('link set span0 up\n')
        c.ip('''link set lo up
addr add 10.1.0.2/24 dev c0
addr add 10.1.0.3/24 dev c0
addr add fd01::2/64 dev c0 nodad
link set c0 up
route add default via 10.1.0.1
route add ::/0 via fd01::1
''')
        s.ip('''link set lo up
addr add 10.2.0.2/24 dev s0
addr add 10.2.0.3/24 dev s0
addr add fd02::2/64 dev s0 nodad
link set s0 up
route add default via 10.2.0.1
route add ::/0 via fd02::1
''')
        r.ip('''link set lo up
link set rec0 address %s
link set rec0 promisc on
link set rec0 up
''' % RECORDER_MAC)

    def steer(self, how, binary, keep=(), *options):
        """Send the client's TCP to the gateway by 'tproxy', as `transparent
        print` has it, or by 'redirect', but not what goes to the ports in
        keep on the gateway itself."""
        if how == 'tproxy':
            self.gateway.run('sh', input=printed(binary, *STEER, *options))
            return
        spare = ''
        if keep:
            spare = 'tcp dport != { %s }' % ', '.join(map(str, keep))
        self.gateway.run('nft', '-f', '-',
                         input=REDIRECT.replace('EXCEPT', spare))
