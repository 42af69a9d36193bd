"""Endpoints in quarantine: what they still reach, what they are told, and what
is over at once."""
import os
import re
import signal
import socket
import threading
import time

from harness import check, equal, net, peer, programs, scenario, wait
from harness.peer import RST, reset_wait
from harness.case import yaml
from t_pages import BROWSER, curl, shown
from t_policy import attempt

ALL = [{'name': 'all'}, {'name': 'updates', 'allow': ['v4.good.test'],
                         'servers': ['10.2.0.3'], 'dns': ['10.2.0.2']}]
OTHER = '10.1.0.3'
SAID = b'said by the server'


class Udp:
    """An echo at the server, and a client's socket to it."""

    def __init__(self, s, port, source=net.CLIENT, to=net.SERVER):
        family = socket.AF_INET6 if ':' in to else socket.AF_INET
        with s.server:
            self.echo = socket.socket(family, socket.SOCK_DGRAM)
        self.echo.bind((to, port))
        with s.client:
            self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((source, 0))
        self.to = to, port
        self.peer = None
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while True:
                data, self.peer = self.echo.recvfrom(2000)
                self.echo.sendto(data, self.peer)
        except OSError:
            pass

    def ask(self, text, seconds=5):
        """Whether it comes back."""
        self.sock.settimeout(seconds)
        try:
            self.sock.sendto(text, self.to)
            return self.sock.recv(2000) == text
        except OSError:         # silence, or what ICMP says
            return False


def files(s):
    """Where endpoints are kept."""
    return {'state': s.path('state'), 'cases': s.path('cases'),
            'identity': 'address'}


def begin(s, **over):
    s.hosts('10.2.0.2 good.test v4.good.test www.good.test\n')
    s.start(**dict({
        'record': False, 'mirrors': [], 'quarantines': ALL,
        'rules': [{'name': 'default', 'action': 'decrypt'}],
        'endpoints': files(s)}, **over))
    s.serve(443, handler=peer.http(SAID), alpn=['http/1.1'])
    s.serve(80, plain=True, handler=peer.http(SAID))


def contain(s, who, profile='all', span='1h', *reason):
    return s.d.ctl('quarantine', 'add', who, profile, span,
                   *(reason or ['EICAR', 'test', 'file']))['quarantine']


def reports(s, n):
    """The first n events of quarantines."""
    return wait(lambda: len(s.d.events('quarantine')) >= n and
                [e['quarantine'] for e in s.d.events('quarantine')],
                '%d events' % n)


def get(s, url, source=net.CLIENT, *args):
    return curl(s, '--interface', source, '-w', '\n%{http_code}', *args, url)


def status(r):
    return r.text.rsplit('\n', 1)[-1]


@scenario
def contained_and_denied_sessions_are_the_same_in_replay(s):
    """What was done about an endpoint or a server is no part of a
    configuration: a rule before does not change it, and one less does."""
    begin(s, endpoints=dict(files(s), inside=['10.1.0.0/24']))
    s.d.ctl('deny', 'add', net.SERVER6, '1h')
    s.serve(443, address=net.SERVER6)
    attempt(s, address=net.SERVER6)
    contain(s, net.CLIENT)
    attempt(s)
    equal([f['clearspan']['rule'] for f in s.d.flows(2)],
          ['denied server', 'quarantine all'])

    def differ(**over):
        with open(s.path('new.yaml'), 'w') as f:
            f.write(yaml(dict(s.d.conf, **over)))
        return s.run(s.gateway, s.binary, 'replay', '-c', s.path('new.yaml'),
                     s.d.conf['log']['file']).ok().text.splitlines()[-1]
    said = '%d of 2 sessions would be treated otherwise'
    equal(differ(), said % 0)
    equal(differ(rules=[{'name': 'x', 'action': 'block'}]), said % 0)
    equal(differ(quarantines=[dict(ALL[1])]), said % 1)


@scenario
def contained_endpoint_reaches_nothing(s):
    """Open sessions, new ones, and what is no session of ours; others go on.
    Then it is free again."""
    begin(s)
    s.serve(444)
    mine = s.tls(444)
    mine.send(b'\1before')     # a letter might begin a request
    equal(mine.recv_exact(7), b'\1before')
    theirs = s.tls(444, sock=s.connect(444, source=(OTHER, 0)))
    udp, other = Udp(s, 5000), Udp(s, 5001, OTHER)
    for u in udp, other:
        check(u.ask(b'before'), 'UDP')
    n = contain(s, net.CLIENT)
    equal(reset_wait(mine.sock), RST)
    check(not udp.ask(b'after', 0.5), 'UDP of the one contained')
    udp.echo.sendto(b'unasked', udp.peer)
    check(not udp.ask(b'after', 0.5), 'UDP to the one contained')
    theirs.send(b'\1still')
    equal(theirs.recv_exact(6), b'\1still')
    check(other.ask(b'after'), 'UDP of another')
    for url in 'https://www.good.test/', 'http://www.good.test/a':
        r = get(s, url)
        equal(status(r), '403', r.errors)
        rows, title = shown(r.text)
        equal(title, 'This device is in quarantine')
        equal(rows['Reference'], 'quarantine %d' % n)
        check('EICAR test file' in rows['Reason'], rows)
        equal(status(get(s, url, OTHER)), '200')
    equal([(q['id'], q['endpoint'], q['profile'], q['by']) for q in
           s.d.ctl('quarantine')['quarantine']],
          [(n, net.CLIENT, 'all', 'operator')])
    s.d.ctl('quarantine', 'release', str(n))
    equal(s.d.ctl('quarantine', 'list')['quarantine'], [])
    equal(status(get(s, 'https://www.good.test/')), '200')
    check(udp.ask(b'free'), 'UDP of the one released')
    equal([(e['action'], e['id']) for e in reports(s, 2)],
          [('set', n), ('released', n)])
    cut = wait(lambda: [f for f in s.d.events() if f['flow'][
        'reason'].startswith('quarantined: EICAR')], 'what was cut')
    equal([f['src_ip'] for f in cut], [net.CLIENT])
    check(SAID in get(s, 'http://www.good.test/', OTHER).out, 'bytes')
    for action, count in ('set', 1), ('released', 1), ('expired', 0):
        equal(s.d.metric('clearspan_quarantines_total', action=action), count)
    equal(s.d.metric('clearspan_contained'), 0)


def guard_of(pid, comm='clearspan-guard'):
    """A process of the daemon's by its name, and its status."""
    for name in os.listdir('/proc'):
        try:
            with open('/proc/%s/status' % name) as f:
                text = f.read()
        except OSError:
            continue
        if text.startswith('Name:\t%s\n' % comm) and \
                '\nPPid:\t%d\n' % pid in text:
            return int(name), dict(x.split(':\t', 1) for x in
                                   text.splitlines() if ':\t' in x)
    return None, None


@scenario
def contained_by_a_guard_without_privileges(s):
    """No more than it needs; and without it, the proxy still refuses."""
    begin(s)
    pid, status_ = guard_of(s.d.pid)
    check(pid, 'no guard')
    for name in 'CapEff', 'CapPrm', 'CapBnd':
        equal(int(status_[name], 16), 1 << 12, name)    # CAP_NET_ADMIN
    equal(status_['Uid'].split(), ['65534'] * 4)
    equal(status_['NoNewPrivs'], '1')
    fds = {os.readlink('/proc/%d/fd/%s' % (pid, fd)).split(':')[0]
           for fd in os.listdir('/proc/%d/fd' % pid)}
    check(all(fd.startswith(('socket', '/dev/null', 'pipe', '/tmp/'))
              for fd in fds), fds)
    equal(s.d.metric('clearspan_quarantine_guard_up'), 1)
    os.kill(pid, signal.SIGKILL)
    contain(s, net.CLIENT)
    equal(status(get(s, 'https://www.good.test/')), '403')
    equal(s.d.metric('clearspan_quarantine_guard_up'), 0)
    check('ended' in reports(s, 1)[0]['error'], 'what was not done')


@scenario
def contained_endpoint_has_what_its_profile_allows(s):
    """A name, through the proxy; servers and DNS by their addresses."""
    begin(s)
    s.serve(443, handler=peer.http(b'by its address'), address='10.2.0.3')
    dns, udp = Udp(s, 53), Udp(s, 5000)
    far = Udp(s, 5002, to='10.2.0.3')
    contain(s, net.CLIENT, 'updates')
    r = get(s, 'https://v4.good.test/update')
    equal([status(r), r.out[:len(SAID)]], ['200', SAID])
    equal(status(get(s, 'https://www.good.test/')), '403')
    # The name in the hello is one thing, that in the request another.
    r = get(s, 'https://v4.good.test/', net.CLIENT, '-H',
            'Host: www.good.test')
    check(status(r) in ('403', '421'), r.text)
    r = get(s, 'https://good.test/', net.CLIENT, '-k', '--connect-to',
            'good.test:443:10.2.0.3:443')
    equal(r.text.split('\n')[0], 'by its address')
    for u, passes in (dns, True), (far, True), (udp, False):
        equal(u.ask(b'x', 5 if passes else 0.5), passes, u.to)
    p = programs.curl(s, '-A', BROWSER, '-x', 'http://%s:%d' % (
        net.INNER, net.PROXY), '-w', '\n%{http_code}',
        'https://v4.good.test/')
    equal(status(p), '200', p.errors)


@scenario
def contained_in_the_first_and_stricter_profile(s):
    begin(s)
    n = contain(s, net.CLIENT, 'updates', '2h')
    equal(contain(s, net.CLIENT, 'all', '1h'), n)
    equal(contain(s, net.CLIENT, 'updates', '1h'), n)
    q = s.d.ctl('quarantine')['quarantine'][0]
    equal(q['profile'], 'all')
    check(q['left'] > 7000, q)
    equal(status(get(s, 'https://v4.good.test/')), '403')
    u = Udp(s, 53)
    check(not u.ask(b'x', 0.5), 'DNS')


@scenario
def contained_outlives_the_daemon(s):
    """Killed, the guard's table stays; started again, it knows all."""
    begin(s)
    udp = Udp(s, 5000)
    n = contain(s, net.CLIENT)
    m = contain(s, 'fd01::2', 'updates', '1h', 'other')
    freed = contain(s, OTHER)
    s.d.ctl('quarantine', 'release', str(freed))
    os.kill(s.d.pid, signal.SIGKILL)
    s.d.p.wait()
    s.daemons.remove(s.d)
    check(not udp.ask(b'x', 0.5), 'UDP while the daemon is gone')
    s.start(how=None, record=False, mirrors=[], quarantines=ALL,
            rules=[{'name': 'default', 'action': 'decrypt'}],
            endpoints={**files(s)})
    equal(sorted((q['id'], q['endpoint'], q['profile']) for q in
                 s.d.ctl('quarantine')['quarantine']),
          [(n, net.CLIENT, 'all'), (m, 'fd01::2', 'updates')])
    check(not udp.ask(b'x', 0.5), 'UDP after the start')
    equal(status(get(s, 'https://www.good.test/')), '403')
    check(contain(s, OTHER) > freed, 'a number given out twice')


@scenario
def contained_ends_by_itself(s):
    begin(s, endpoints={**files(s), 'when-down': 'release'})
    udp = Udp(s, 5000)
    contain(s, net.CLIENT, 'all', '2s')
    check(not udp.ask(b'x', 0.2), 'UDP')
    equal([e['action'] for e in reports(s, 2)], ['set', 'expired'])
    equal(s.d.ctl('quarantine')['quarantine'], [])
    equal(status(get(s, 'https://www.good.test/')), '200')
    check(udp.ask(b'x'), 'UDP afterwards')
    contain(s, net.CLIENT)
    s.d.p.terminate()
    s.d.p.wait()
    s.daemons.remove(s.d)
    check(udp.ask(b'x'), 'UDP without a daemon')


@scenario
def contained_are_never_those_that_must_not_be(s):
    with open(s.path('infra'), 'w') as f:
        f.write('10.1.0.4\n')
    begin(s, lists={'infra': s.path('infra')}, endpoints={
        **files(s), 'never': ['@infra', '10.1.0.1'],
        'inside': ['10.1.0.0/24']})
    for who, why in (('10.1.0.4', 'never'), ('10.1.0.1', 'never'),
                     ('10.2.0.2', 'inside'), ('127.0.0.1', 'no endpoint'),
                     ('nobody', 'write who'), ('1.2.3', 'write who')):
        r = s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
            'socket'], 'quarantine', 'add', who, 'all', '1h')
        check(why in r.errors and r.code == 1, who, r.errors)
    for words, why in ((('add', net.CLIENT, 'some', '1h'), 'no profile some'),
                       (('add', net.CLIENT, 'all', '1'), 'write the time'),
                       (('add', net.CLIENT), 'takes who'),
                       (('release', '7'), 'no quarantine'),
                       (('hold', '7'), 'takes list')):
        r = s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
            'socket'], 'quarantine', *words)
        check(why in r.errors and r.code == 1, words, r.errors)
    equal(s.d.ctl('quarantine')['quarantine'], [])
    equal([e['action'] for e in reports(s, 4)], ['refused'] * 4)
    equal(status(get(s, 'https://www.good.test/')), '200')


def mac_of(s, link='c0'):
    return s.client.run('ip', '-br', 'link', 'show', link).split()[2]


@scenario
def contained_by_a_hardware_address(s):
    """What is forwarded and what is intercepted; all addresses of it, and new
    ones."""
    begin(s)
    s.serve(444)
    mine = s.tls(444, sock=s.connect(444, source=(OTHER, 0)))
    udp, other = Udp(s, 5000), Udp(s, 5001, OTHER)
    six = Udp(s, 5002, net.CLIENT6, net.SERVER6)
    for u in udp, other, six:
        check(u.ask(b'before'), u.to)
    contain(s, mac_of(s).upper())
    equal(reset_wait(mine.sock), RST)
    s.client.ip('addr add 10.1.0.9/24 dev c0\n')
    for u in udp, other, six, Udp(s, 5003, '10.1.0.9'):
        check(not u.ask(b'after', 0.3), u.to)
    for a in net.CLIENT, OTHER, '10.1.0.9':
        equal(status(get(s, 'https://www.good.test/', a)), '403', a)


@scenario
def contained_is_followed_to_its_new_address(s):
    """Identity is the MAC address: named by an address, it stays contained
    with another one, by hand or a new temporary one of IPv6; and whoever gets
    its old address is free."""
    begin(s, endpoints=dict(files(s), identity='mac'))
    # Each interface answers for its own addresses alone.
    s.client.sysctl(ipv4__conf__all__arp_ignore=1,
                    ipv4__conf__all__arp_announce=2,
                    ipv4__conf__all__promote_secondaries=1)
    s.client.ip('link add c1 link c0 type macvlan mode bridge\n'
                'addr del 10.1.0.3/24 dev c0\naddr add 10.1.0.3/32 dev c1\n'
                'link set c1 up\nroute add 10.1.0.1/32 dev c1 src 10.1.0.3 '
                'table 7\nroute add default via 10.1.0.1 dev c1 table 7\n'
                'rule add from 10.1.0.3 table 7\n')
    for source in net.CLIENT, OTHER:
        equal(status(get(s, 'https://www.good.test/', source)), '200', source)
    n = contain(s, net.CLIENT)
    q = s.d.ctl('quarantine')['quarantine'][0]
    equal([q['id'], q['endpoint'], q['address']],
          [n, mac_of(s), net.CLIENT])
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    s.client.ip('addr add 10.1.0.20/24 dev c0\n'
                'addr add fd01::20:1/64 dev c0 nodad\n')
    equal(status(get(s, 'https://www.good.test/', '10.1.0.20')), '403')
    u = Udp(s, 5000, 'fd01::20:1', net.SERVER6)
    check(not u.ask(b'x', 0.3), 'a temporary address')
    # Another takes its old address.
    s.client.ip('addr del 10.1.0.2/24 dev c0\n'
                'addr add 10.1.0.2/32 dev c1\n'
                'rule add from 10.1.0.2 table 7\n')
    s.gateway.ip('neigh flush dev gc\n')
    wait(lambda: status(get(s, 'https://www.good.test/', net.CLIENT)) ==
         '200', 'whoever has its old address now')
    equal(status(get(s, 'https://www.good.test/', '10.1.0.20')), '403')


@scenario
def contained_before_its_mac_was_known_is_followed(s):
    """One that the gateway has not heard of for a while is named by its
    address alone, until it speaks."""
    begin(s, endpoints=dict(files(s), identity='mac'))
    s.gateway.ip('neigh flush dev gc\n')
    n = contain(s, net.CLIENT, 'updates')
    equal([q['endpoint'] for q in s.d.ctl('quarantine')['quarantine']],
          [net.CLIENT])
    s.d.ctl('tag', 'add', net.CLIENT, 'one')
    s.d.ctl('step-up', 'add', net.CLIENT, '1h')
    equal(status(get(s, 'https://www.good.test/')), '403')
    wait(lambda: [(q['id'], q['endpoint'], q['address']) for q in s.d.ctl(
        'quarantine')['quarantine']] == [(n, mac_of(s), net.CLIENT)],
        'its MAC address')
    wait(lambda: {x['endpoint'] for verb, key in (('tag', 'tags'), (
        'step-up',) * 2) for x in s.d.ctl(verb)[key]} == {mac_of(s)},
        'its tag and step-up')
    s.client.ip('addr add 10.1.0.20/24 dev c0\n')
    equal(status(get(s, 'https://www.good.test/', '10.1.0.20')), '403')
    check(not Udp(s, 5000, '10.1.0.20').ask(b'x', 0.3), 'UDP')
    equal([(e['action'], e['endpoint']) for e in reports(s, 2)],
          [('set', net.CLIENT), ('extended', mac_of(s))])
    equal(contain(s, net.CLIENT), n)            # it is the same one
    # Over a restart, and once it is released.
    s.d.p.terminate()
    s.d.p.wait()
    s.daemons.remove(s.d)
    s.start(how=None, record=False, mirrors=[], quarantines=ALL,
            rules=[{'name': 'default', 'action': 'decrypt'}],
            endpoints=dict(files(s), identity='mac'))
    equal([(q['id'], q['endpoint'], q['profile']) for q in s.d.ctl(
        'quarantine')['quarantine']], [(n, mac_of(s), 'all')])
    s.d.ctl('quarantine', 'release', str(n))
    for a in net.CLIENT, '10.1.0.20':
        equal(status(get(s, 'https://www.good.test/', a)), '200')
    check(Udp(s, 5001).ask(b'x'), 'UDP')


@scenario
def contained_profiles_follow_a_reload(s):
    begin(s)
    contain(s, net.CLIENT, 'updates')
    dns = Udp(s, 53)
    check(dns.ask(b'x'), 'DNS')
    conf = dict(s.d.conf)
    over = {k.replace('-', '_'): conf[k] for k in ('rules', 'mirrors',
                                                   'endpoints')}
    s.reload(quarantines=ALL[:1], **over)
    check(not dns.ask(b'x', 0.5), 'DNS of a profile that is gone')
    equal(status(get(s, 'https://v4.good.test/')), '403')
    s.reload('failed', **over)          # without any
    equal(status(get(s, 'https://v4.good.test/')), '403')
    s.reload(quarantines=ALL, **over)
    check(dns.ask(b'x'), 'DNS again')
    equal(status(get(s, 'https://v4.good.test/')), '200')


@scenario
def cases_say_what_was_done_and_cannot_be_changed(s):
    """By whom, what it ended, who released it; over a restart; and a line that
    was changed shows."""
    begin(s)
    s.serve(444)
    mine = s.tls(444)
    mine.send(b'\1x')
    equal(mine.recv_exact(2), b'\1x')
    flow = s.d.ctl('sessions')['sessions'][0]['id']
    n = contain(s, net.CLIENT)
    other = contain(s, OTHER)
    equal(reset_wait(mine.sock), RST)

    def case(n):
        o = s.d.ctl('case', str(n))
        return o['chain'], [x['what'] for x in o['case']], o['case']
    wait(lambda: len(case(n)[1]) == 2, 'what was ended')
    s.d.ctl('quarantine', 'release', str(n))
    chain, what, lines = case(n)
    equal([chain, what], ['whole', ['set', 'sessions ended', 'released']])
    equal([lines[0]['about'][k] for k in ('endpoint', 'profile', 'reason',
                                          'by')],
          [net.CLIENT, 'all', 'EICAR test file', 'operator'])
    equal(lines[1]['about']['sessions'], [flow])
    s.d.p.terminate()
    s.d.p.wait()
    s.daemons.remove(s.d)
    kw = dict(how=None, record=False, mirrors=[], quarantines=ALL,
              rules=[{'name': 'default', 'action': 'decrypt'}],
              endpoints=files(s))
    s.start(**kw)
    s.d.ctl('quarantine', 'release', str(other))
    equal(case(other)[:2], ('whole', ['set', 'released']))
    with open(s.path('cases'), 'r+') as f:
        text = f.read()
        f.seek(text.index('EICAR'))
        f.write('NOTHI')
    equal(case(n)[0], 'broken at line 1')
    r = s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
        'socket'], 'case', '99')
    check('no case of that number' in r.errors, r.errors)


@scenario
def cases_are_for_people_too(s):
    """Without --json: all that is known, whatever the first row has."""
    begin(s, responses=[{'do': 'notify'}])
    n = contain(s, net.CLIENT)
    s.d.ctl('quarantine', 'release', str(n))
    s.d.ctl('tag', 'add', OTHER, 'one')
    s.d.ctl('tag', 'add', OTHER, 'two')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')

    def said(*words):
        return s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
            'socket'], *words).ok().text
    text = said('case', str(n))
    for name, value in (('about.endpoint', net.CLIENT),
                        ('about.reason', 'EICAR test file'),
                        ('about.action', 'released')):
        check(re.search(r'^    %s +%s$' % (re.escape(name), value), text,
                        re.M), name, text)
    check(re.search(r'^%d +\d+ +released +[0-9a-f]{64}$' % n, text, re.M),
          text)
    check('one,two' in said('endpoint'), said('endpoint'))


@scenario
def cases_survive_a_lost_state_and_an_end_cut_off(s):
    """As after a crash: what comes later is in the file, and is no old case."""
    begin(s)
    contain(s, net.CLIENT)
    contain(s, OTHER)
    s.d.p.kill()
    s.d.p.wait()
    s.daemons.remove(s.d)
    os.truncate(s.path('cases'), os.stat(s.path('cases')).st_size - 20)
    os.unlink(s.path('state'))
    s.start(how=None, record=False, mirrors=[], quarantines=ALL,
            rules=[{'name': 'default', 'action': 'decrypt'}],
            endpoints=files(s))
    n = contain(s, '10.1.0.30')
    check(n > 1, 'a number of its own', n)
    case = s.d.ctl('case', str(n))
    equal([x['about']['endpoint'] for x in case['case']], ['10.1.0.30'])
    equal(case['chain'], 'broken at line 2')


@scenario
def contained_verbs_take_no_word_too_many(s):
    """What is not understood is not done in part."""
    begin(s, endpoints=dict(files(s)), responses=[{'do': 'deny-server'}])
    n = contain(s, net.CLIENT)
    s.d.ctl('deny', 'add', 'evil.example', '1h')
    s.d.ctl('step-up', 'add', OTHER, '1h')
    s.d.ctl('tag', 'add', OTHER, 'one')

    def wrong(*words):
        r = s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
            'socket'], *words)
        equal(r.code, 1, r.errors)
        return r.errors
    for words in (('quarantine', 'release', str(n), '99'),
                  ('quarantine', 'list', 'x'), ('deny', 'release', '2', '3'),
                  ('deny', 'list', 'x'), ('step-up', 'release', '3', '4'),
                  ('tag', 'list', 'x'), ('tag', 'clear', OTHER, 'one', 'two'),
                  ('lease', 'list', 'x'), ('lease', 'del', OTHER, '-', 'x')):
        check('takes' in wrong(*words), words)
    equal([len(s.d.ctl(v)[k]) for v, k in (('quarantine', ) * 2, (
        'deny', 'denied'), ('step-up', ) * 2, ('tag', 'tags'))], [1] * 4)
    check('number' in wrong('case'), 'case')
    check('too long' in wrong('quarantine', 'add', OTHER, 'all', '1h',
                              'x' * 8000), 'a long reason')


@scenario
def contained_client_that_is_slow_to_speak_gets_its_page(s):
    """Its first bytes may come after a while: they were lost on the way."""
    begin(s)
    contain(s, net.CLIENT)
    sock = s.connect(443)
    wait(lambda: s.d.ctl('sessions')['open'] == 1, 'the session')
    time.sleep(0.3)                     # longer than a server is waited for
    p = s.tls(443, name='www.good.test', alpn=['http/1.1'], sock=sock)
    p.send(b'GET / HTTP/1.1\r\nHost: www.good.test\r\n\r\n')
    check(b' 403 ' in p.recv_until(b'\r\n\r\n'), 'a page')
