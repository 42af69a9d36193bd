"""Endpoints behind a router: known by their leases, from real servers."""
import json
import os
import re
import socket
import threading

from harness import check, equal, net, scenario, wait
from harness.net import Namespace
from t_contained import ALL, begin, contain, files, mac_of

HOOKS = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..',
                                     'contrib', 'leases'))
KEA_HOOK = '/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_run_script.so'
MAC = '02:00:00:00:09:%02x'
UDHCPC = '''#!/bin/sh
case $1 in
bound|renew)
	ip addr flush dev $interface
	ip addr add $ip/24 dev $interface
	ip route replace default via 10.9.0.1 dev $interface ;;
deconfig)
	ip addr flush dev $interface ; ip link set $interface up ;;
esac
'''


class Behind:
    """client is a router now, and two hosts are behind it:
    hosts (10.9.0.0/24) - client - gateway."""

    def __init__(self, s):
        self.s = s
        s.client.ip('link add lan type bridge\naddr add 10.9.0.1/24 dev lan\n'
                    'link set lan up\n')
        s.client.sysctl(ipv4__ip_forward=1)
        s.gateway.ip('route add 10.9.0.0/24 via %s dev gc\n' % net.CLIENT)
        with open(s.path('udhcpc.sh'), 'w') as f:
            f.write(UDHCPC)
        os.chmod(s.path('udhcpc.sh'), 0o755)
        with s.server:
            self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind((net.SERVER, 5000))
        threading.Thread(target=self.echo, daemon=True).start()

    def host(self, i):
        ns = Namespace('host%d' % i, os.path.join(self.s.net.dir,
                                                  'host%d' % i))
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

    def get(self, ns, url='http://www.good.test/'):
        return self.s.run(ns, 'curl', '-s', '-m', '10', '-o', '/dev/null',
                          '-w', '%{http_code}', '--noproxy', '*', url).text

    def echo(self):
        try:
            while True:
                data, who = self.server.recvfrom(2000)
                self.server.sendto(data, who)
        except OSError:
            pass

    def udp(self, ns, times=20):
        """What is forwarded, and not intercepted: whether it passes."""
        with ns:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(0.5)
        for _ in range(times):
            try:
                sock.sendto(b'x', (net.SERVER, 5000))
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


def dnsmasq(s):
    return s.spawn(s.client, 'dnsmasq', '-k', '-C', '/dev/null', '-p', '0',
                   '-i', 'lan', '--dhcp-range=10.9.0.50,10.9.0.99,1h',
                   '--dhcp-leasefile=' + s.path('dnsmasq.leases'), '-u',
                   'root', '--dhcp-script=' + hook(s, 'dnsmasq'),
                   '--dhcp-scriptuser=root', '--dhcp-authoritative',
                   '--no-ping')


def kea(s):
    conf = {'Dhcp4': {
        'interfaces-config': {'interfaces': ['lan']},
        'lease-database': {'type': 'memfile', 'persist': False},
        'valid-lifetime': 3600, 'authoritative': True,
        'hooks-libraries': [{
            'library': KEA_HOOK, 'parameters': {'name': hook(s, 'kea'),
                                                'sync': False}}],
        'subnet4': [{'subnet': '10.9.0.0/24', 'pools': [
            {'pool': '10.9.0.50 - 10.9.0.99'}]}],
        'loggers': [{'name': 'kea-dhcp4', 'severity': 'INFO',
                     'output_options': [{'output': 'stdout'}]}]}}
    with open(s.path('kea.json'), 'w') as f:
        json.dump(conf, f)
    return s.spawn(s.client, 'kea-dhcp4', '-c', s.path('kea.json'), env=dict(
        os.environ, KEA_PIDFILE_DIR=s.dir, KEA_LOCKFILE_DIR=s.dir))


def leases(s):
    return {x['address']: (x['mac'], x['name'])
            for x in s.d.ctl('lease')['leases']}


def followed(s, server):
    """Contained; its address goes to another, which is free; with a new one
    it is still contained; after a restart, too."""
    b = Behind(s)
    kw = dict(endpoints=dict(files(s), identity='mac'))
    begin(s, **kw)
    server(s)
    one, two = b.host(1), b.host(2)
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


@scenario(timeout=120)
def leases_of_dnsmasq_follow_an_endpoint_behind_a_router(s):
    followed(s, dnsmasq)


@scenario(timeout=120, skip=None if os.path.exists(KEA_HOOK) else
          'no Kea with its hook run_script')
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
