"""Endpoints behind a router: known by their leases, from real servers."""
import json
import os
import re
import shutil
import socket
import threading

from harness import check, equal, net, peer, scenario, wait
from harness.net import Namespace
from t_contained import ALL, begin, contain, files, mac_of

HOOKS = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..',
                                     'contrib', 'leases'))
KEA_HOOK = '/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_run_script.so'
MAC = '02:00:00:00:09:%02x'
URL6 = 'http://[%s]/' % net.SERVER6
UDHCPC = '''#!/bin/sh
case $1 in
bound|renew)
	ip -4 addr flush dev $interface
	ip addr add $ip/24 dev $interface
	ip route replace default via 10.9.0.1 dev $interface ;;
deconfig)
	ip -4 addr flush dev $interface ; ip link set $interface up ;;
esac
'''
DHCLIENT = '''#!/bin/sh
[ -z "$old_ip6_address" ] ||
	ip addr del $old_ip6_address/128 dev $interface 2>/dev/null
[ -z "$new_ip6_address" ] || {
	ip addr add $new_ip6_address/128 dev $interface nodad
	ip route replace fd09::/64 dev $interface
	ip route replace ::/0 via fd09::1 dev $interface
}
exit 0
'''


def family(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET


class Behind:
    """client is a router now, and two hosts are behind it:
    hosts (10.9.0.0/24) - client - gateway."""

    def __init__(self, s):
        self.s = s
        s.client.ip('link add lan type bridge\naddr add 10.9.0.1/24 dev lan\n'
                    'addr add fd09::1/64 dev lan nodad\nlink set lan up\n')
        s.client.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        s.gateway.ip('route add 10.9.0.0/24 via %s dev gc\n'
                     'route add fd09::/64 via %s dev gc\n' % (net.CLIENT,
                                                             net.CLIENT6))
        for name, text in ('udhcpc.sh', UDHCPC), ('dhclient.sh', DHCLIENT):
            with open(s.path(name), 'w') as f:
                f.write(text)
            os.chmod(s.path(name), 0o755)
        for address in net.SERVER, net.SERVER6:
            with s.server:
                sock = socket.socket(family(address), socket.SOCK_DGRAM)
            sock.bind((address, 5000))
            threading.Thread(target=self.echo, args=(sock,),
                             daemon=True).start()
        s.serve(80, plain=True, handler=peer.http(b'said'),
                address=net.SERVER6)

    def host(self, i):
        ns = Namespace('host%d' % i, os.path.join(self.s.net.dir,
                                                  'host%d' % i))
        ns.sysctl(ipv6__conf__default__accept_dad=0,
                  ipv6__conf__default__router_solicitations=0)
        ns.ip('link set lo up\n')
        self.s.client.ip('link add l%d type veth peer name h0 netns %s\n'
                         'link set l%d master lan up\n' % (i, ns.path, i))
        ns.ip('link set h0 address %s up\n' % (MAC % i))
        return ns

    def udhcpc(self, *args):
        return ('udhcpc', '-i', 'h0', '-f', '-q', '-n', '-t', '10', '-T',
                '1', '-s', self.s.path('udhcpc.sh')) + args

    def lease(self, ns, *args):
        """Ask for an address; which it is."""
        self.s.run(ns, *self.udhcpc(*args)).ok()
        text = ns.run('ip', '-4', '-br', 'addr', 'show', 'h0')
        return re.search(r'(10\.9\.0\.\d+)/', text).group(1)

    def dhclient(self, ns, duid, *args):
        """The file of leases has the DUID: another one, another client."""
        return ('dhclient', '-6', '-d', '-cf', '/dev/null', '-sf',
                self.s.path('dhclient.sh'), '-D', duid, '-lf',
                self.s.path('%s-%s.leases' % (ns.name, duid)), '-pf',
                self.s.path('%s-%s.pid' % (ns.name, duid))) + args + ('h0',)

    def lease6(self, ns, duid='LL'):
        p = self.s.spawn(ns, *self.dhclient(ns, duid))
        text = wait(lambda: re.search(r'(fd09::\S+)/128', ns.run(
            'ip', '-6', '-br', 'addr', 'show', 'h0')), 'an IPv6 address', 30)
        p.end()
        return text.group(1)

    def release6(self, ns, duid='LL'):
        self.s.run(ns, *self.dhclient(ns, duid, '-r')).ok()

    def get(self, ns, url='http://www.good.test/'):
        return self.s.run(ns, 'curl', '-s', '-m', '10', '-o', '/dev/null',
                          '-w', '%{http_code}', '--noproxy', '*', url).text

    @staticmethod
    def echo(sock):
        try:
            while True:
                data, who = sock.recvfrom(2000)
                sock.sendto(data, who)
        except OSError:
            pass

    def udp(self, ns, times=20, to=net.SERVER):
        """What is forwarded, and not intercepted: whether it passes."""
        with ns:
            sock = socket.socket(family(to), socket.SOCK_DGRAM)
        sock.settimeout(0.5)
        for _ in range(times):
            try:
                sock.sendto(b'x', (to, 5000))
                return sock.recv(10) == b'x'
            except OSError:         # silence, or what ICMP says
                pass
        return False


def hook(s, name):
    """The script, with the binary and the socket of this scenario."""
    path = s.path('hook-' + name)
    with open(path, 'w') as f:
        f.write('#!/bin/sh\nexport CTL="%s ctl -s %s"\nexec %s/%s "$@"\n' % (
            s.binary, s.d.conf['control']['socket'], HOOKS, name))
    os.chmod(path, 0o755)
    return path


def dnsmasq(s, *args):
    return s.spawn(s.client, 'dnsmasq', '-k', '-C', '/dev/null', '-p', '0',
                   '-i', 'lan', '--dhcp-range=10.9.0.50,10.9.0.99,1h',
                   '--dhcp-leasefile=' + s.path('dnsmasq.leases'), '-u',
                   'root', '--dhcp-script=' + hook(s, 'dnsmasq'),
                   '--dhcp-scriptuser=root', '--dhcp-authoritative',
                   '--dhcp-range=fd09::50,fd09::9999,64,1h', '--no-ping', *args)


def kea_conf(s, n, pool):
    """For DHCPv4, or DHCPv6."""
    subnet, first, last = pool
    return {'Dhcp%d' % n: dict({
        'interfaces-config': {'interfaces': ['lan']},
        'lease-database': {'type': 'memfile', 'persist': False},
        'valid-lifetime': 3600,
        # What was given back, another may have at once.
        'expired-leases-processing': {'hold-reclaimed-time': 0},
        'hooks-libraries': [{
            'library': KEA_HOOK, 'parameters': {'name': hook(s, 'kea'),
                                                'sync': False}}],
        'subnet%d' % n: [dict({'id': 1, 'subnet': subnet, 'pools': [
            {'pool': '%s - %s' % (first, last)}]}, **(
                {'interface': 'lan'} if n == 6 else {}))],
        'loggers': [{'name': 'kea-dhcp%d' % n, 'severity': 'INFO',
                     'output_options': [{'output': 'stdout'}]}]},
        **({'authoritative': True} if n == 4 else {'server-id': {
            'type': 'LL', 'htype': 1, 'identifier': '0200000009ff',
            'persist': False}}))}


def kea(s):
    """Both of them."""
    for n, pool in (4, ('10.9.0.0/24', '10.9.0.50', '10.9.0.99')), \
            (6, ('fd09::/64', 'fd09::50', 'fd09::9999')):
        with open(s.path('kea%d.json' % n), 'w') as f:
            json.dump(kea_conf(s, n, pool), f)
        p = s.spawn(s.client, 'kea-dhcp%d' % n, '-c', s.path(
            'kea%d.json' % n), env=dict(os.environ, KEA_PIDFILE_DIR=s.dir,
                                        KEA_LOCKFILE_DIR=s.dir,
                                        KEA_HOOK_SCRIPTS_PATH=s.dir))
        p.wait_log('DHCP%d_STARTED' % n)


def scripts_run(s):
    """Kea starts its scripts one beside the other: what comes next must not
    overtake what the last ones have to say."""
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as f:
                script = os.fsdecode(f.read()).split('\0')[1:2]
            if script == [s.path('hook-kea')]:
                return True
            if script == [HOOKS + '/kea']:      # which it becomes; whose?
                with open('/proc/%s/environ' % pid, 'rb') as f:
                    if os.fsencode(s.dir) in f.read():
                        return True
        except OSError:
            pass
    return False


def leases(s):
    return {x['address']: (x['mac'], x['name'])
            for x in s.d.ctl('lease')['leases']}


def followed(s, server):
    """Contained; its address goes to another, which is free; with a new one
    it is still contained; after a restart, too."""
    b = Behind(s)
    kw = dict(endpoints=dict(files(s), identity='mac'))
    begin(s, **kw)
    one, two = b.host(1), b.host(2)
    server(s)
    a = b.lease(one, '-x', 'hostname:laptop')
    wait(lambda: leases(s).get(a) == (MAC % 1, 'laptop'), 'the lease')
    equal(b.get(one), '200')
    check(b.udp(one), 'UDP before')
    n = contain(s, a)
    q = s.d.ctl('quarantine')['quarantine'][0]
    equal([q['id'], q['endpoint'], q['address'], q['name']],
          [n, MAC % 1, a, 'laptop'])
    equal(b.get(one), '403')
    check(not b.udp(one, 2), 'UDP is forwarded')
    # It gives its address back, and another host asks for that.
    p = s.spawn(one, *[x for x in b.udhcpc('-R') if x != '-q'])
    p.wait_log(' obtained ')
    wait(lambda: not scripts_run(s), 'end of the scripts')
    p.end()
    wait(lambda: a not in leases(s), 'the end of the lease')
    equal(b.lease(two, '-r', a), a)
    wait(lambda: leases(s).get(a, ('',))[0] == MAC % 2, 'its new holder')
    equal(b.get(two), '200')
    check(b.udp(two), 'UDP of its new holder')
    c = b.lease(one)
    check(c != a, c)
    wait(lambda: leases(s).get(c, ('',))[0] == MAC % 1, 'the new lease')

    def held():
        equal(b.get(one), '403')
        check(not b.udp(one, 2), 'UDP at its new address')
        equal(b.get(two), '200')
        check(b.udp(two), 'UDP of another')
    held()
    case = s.d.ctl('case', str(n))['case']
    equal([x['about']['address'] for x in case if x['what'] == 'address'],
          [c])
    s.d.p.terminate()
    s.d.p.wait()
    s.daemons.remove(s.d)
    s.start(how=None, record=False, mirrors=[], quarantines=ALL,
            rules=[{'name': 'default', 'action': 'decrypt'}], **kw)
    equal(leases(s)[c][0], MAC % 1)
    held()
    s.d.ctl('quarantine', 'release', str(n))
    equal(b.get(one), '200')
    check(b.udp(one), 'UDP afterwards')


def followed6(s, server):
    """Contained by its IPv4 address, its IPv6 addresses are, too; and they are
    free together."""
    b = Behind(s)
    begin(s, endpoints=dict(files(s), identity='mac'))
    one, two = b.host(1), b.host(2)
    server(s)

    def passes(ns, want):
        code = '200' if want else '403'
        equal([b.get(ns), b.get(ns, URL6)], [code, code])
        for to in net.SERVER, net.SERVER6:
            equal(b.udp(ns, 20 if want else 2, to), want)
    for ns in one, two:
        b.lease(ns)
    a, other = b.lease6(one), b.lease6(two)
    wait(lambda: [leases(s).get(x, ('',))[0] for x in (a, other)] ==
         [MAC % 1, MAC % 2], 'the leases of DHCPv6')
    passes(one, True)
    a4 = [x for x, who in leases(s).items() if who[0] == MAC % 1 and
          ':' not in x][0]
    n = contain(s, a4)
    equal(s.d.ctl('quarantine')['quarantine'][0]['endpoint'], MAC % 1)
    passes(one, False)
    passes(two, True)
    # It gives its address back, and is another client to the server.
    b.release6(one)
    wait(lambda: a not in leases(s), 'the end of the lease')
    c = b.lease6(one, 'LLT')
    wait(lambda: leases(s).get(c, ('',))[0] == MAC % 1, 'the new lease')
    check(c != a, c)
    passes(one, False)
    case = s.d.ctl('case', str(n))['case']
    equal([x['about']['address'] for x in case if x['what'] == 'address'],
          [c])
    s.d.ctl('quarantine', 'release', str(n))
    passes(one, True)


@scenario(timeout=120)
def leases_of_dnsmasq_by_dhcpv6_are_of_the_same_endpoint(s):
    followed6(s, dnsmasq)


NO_KEA = None if os.path.exists(KEA_HOOK) and shutil.which('kea-dhcp6') else \
    'no Kea with its hook run_script'


@scenario(timeout=120, skip=NO_KEA)
def leases_of_kea_by_dhcpv6_are_of_the_same_endpoint(s):
    followed6(s, kea)


@scenario(timeout=120)
def neighbours_of_dnsmasq_are_endpoints_without_a_lease(s):
    """script-arp: of hosts whose addresses were set by hand; and a silent one
    is still contained."""
    b = Behind(s)
    begin(s, endpoints=dict(files(s), identity='mac'))
    one = b.host(1)
    one.ip('addr add 10.9.0.20/24 dev h0\naddr add fd09::20/64 dev h0 nodad\n'
           'route add default via 10.9.0.1\nroute add ::/0 via fd09::1\n')
    equal([b.get(one), b.get(one, URL6)], ['200', '200'])
    dnsmasq(s, '--script-arp')
    at = ['10.9.0.20', 'fd09::20']
    wait(lambda: [leases(s).get(x, ('',))[0] for x in at] == [MAC % 1] * 2,
         'the neighbours')
    n = contain(s, at[0])
    s.run(s.client, s.path('hook-dnsmasq'), 'arp-del', MAC % 1, at[1]).ok()
    equal([b.get(one), b.get(one, URL6)], ['403', '403'])
    for to in net.SERVER, net.SERVER6:
        check(not b.udp(one, 2, to), to)
    s.d.ctl('quarantine', 'release', str(n))
    for to in net.SERVER, net.SERVER6:
        check(b.udp(one, 20, to), to)


def named(s, server):
    """Hosts choose their names, and nothing else."""
    b = Behind(s)
    begin(s, endpoints=dict(files(s), identity='mac'))
    one = b.host(1)
    server(s)
    for i, name in enumerate(('pc-7', 'x 1s', '-j', '--socket=/x', '$(id)')):
        one.ip('link set h0 address %s\n' % (MAC % (i + 16)))
        a = b.lease(one, '-x', 'hostname:' + name)
        wait(lambda: leases(s).get(a, ('',))[0] == MAC % (i + 16), name)
        x = [x for x in s.d.ctl('lease')['leases'] if x['address'] == a][0]
        check(x['left'] > 3000, name, x)
        check(re.fullmatch('[A-Za-z0-9._-]*', x['name']) and
              not x['name'].startswith('-'), name, x)


@scenario(timeout=120)
def names_that_hosts_give_dnsmasq_are_only_names(s):
    named(s, dnsmasq)


@scenario(timeout=120, skip=NO_KEA)
def names_that_hosts_give_kea_are_only_names(s):
    named(s, kea)


@scenario(timeout=120)
def leases_of_dnsmasq_follow_an_endpoint_behind_a_router(s):
    followed(s, dnsmasq)


@scenario(timeout=120, skip=NO_KEA)
def leases_of_kea_follow_an_endpoint_behind_a_router(s):
    followed(s, kea)


@scenario
def leases_are_told_as_they_are_meant(s):
    """By hand; with and without a name and a time; and what is none."""
    begin(s, endpoints=dict(files(s), identity='mac'))

    def lease(*words):
        return s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
            'socket'], '--json', 'lease', *words)
    for words, name, most in (
            (('10.9.0.5', MAC % 5), '', 86400),
            (('10.9.0.5', MAC % 5, '1h'), '', 3600),
            (('10.9.0.5', MAC % 5, 'pc-5.lan'), 'pc-5.lan', 86400),
            (('10.9.0.5', MAC % 5, '-', '30s'), '', 30),
            (('fd09::5', MAC % 5, '<b>x</b>', '1h'), '', 3600)):
        lease('add', *words).ok()
        x = [x for x in s.d.ctl('lease')['leases']
             if x['address'] == words[0]][0]
        equal([x['mac'], x['name']], [MAC % 5, name])
        check(most - 30 <= x['left'] <= most, x)
    for words, why in ((('add', '10.9.0.5'), 'takes an address'),
                       (('add', 'x', MAC % 1), 'takes an address'),
                       (('add', '10.9.0.5', MAC % 1, 'a', 'b'), 'write the'),
                       (('del', '10.9.0.5', MAC % 1), 'no such lease'),
                       (('del', '10.9.0.6'), 'no such lease'),
                       (('give',), 'lease takes')):
        r = lease(*words)
        check(why in r.errors + r.text and r.code == 1, words, r.errors)
    lease('del', '10.9.0.5').ok()
    equal([x['address'] for x in s.d.ctl('lease')['leases']], ['fd09::5'])


@scenario
def endpoints_are_those_of_their_interfaces(s):
    """Who is a neighbour on another one is none."""
    kw = dict(files(s), identity='mac')
    begin(s, endpoints=dict(kw, interfaces=['gs']))
    s.gateway.ip('neigh replace 10.1.0.2 lladdr %s dev gc nud permanent\n' %
                 mac_of(s))
    r = s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
        'socket'], 'quarantine', 'add', net.CLIENT, 'all', '1h')
    check('another interface' in r.errors and r.code == 1, r.errors)
    over = {k.replace('-', '_'): s.d.conf[k] for k in (
        'rules', 'mirrors', 'quarantines')}
    s.reload(endpoints=dict(kw, interfaces=['gc', 'other0']), **over)
    contain(s, net.CLIENT)
    equal(s.d.ctl('quarantine')['quarantine'][0]['endpoint'], mac_of(s))
