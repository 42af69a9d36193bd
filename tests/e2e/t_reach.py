"""What an explicit listener's clients may be connected to, and who may read
what PCAP-over-IP sends."""
import re
import socket
import struct

from harness import check, equal, net, peer, scenario
from harness.case import yaml
from t_explicit import dns_server

OPEN, CLOSED = 7777, 7778
RULE = [{'name': 'default', 'action': 'decrypt', 'mirror': []}]
LISTEN = {'name': 'proxy', 'mode': 'explicit', 'address': '0.0.0.0:8080'}


def said(sock, data):
    """All that comes back, '' where it was reset."""
    p = peer.Peer(sock)
    p.send(data)
    try:
        return bytes(p.recv_all())
    finally:
        sock.close()


def bracket(host):
    return '[%s]' % host if ':' in host else host


def page(text):
    """Status and body, but for what each page has of its own: its reference,
    the time, and the port that was asked for."""
    return (text.split(b' ')[1],
            re.sub(rb'\d+', b'0', text.split(b'\r\n\r\n', 1)[1]))


def by_connect(sock, host, port):
    return page(said(sock, ('CONNECT %s:%d HTTP/1.1\r\nHost: x\r\n\r\n' %
                            (bracket(host), port)).encode()))


def by_tunnel(sock, host, port):
    """The page is in the tunnel."""
    p = peer.Peer(sock)
    p.send(('CONNECT %s:%d HTTP/1.1\r\nHost: x\r\n\r\n' %
            (bracket(host), port)).encode())
    head = p.recv_until(b'\r\n\r\n')
    check(head.startswith(b'HTTP/1.1 200'), head)
    return page(said(sock, b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'))


def by_url(sock, host, port):
    return page(said(sock, ('GET http://%s:%d/ HTTP/1.1\r\nHost: x\r\n\r\n' %
                            (bracket(host), port)).encode()))


def by_socks(sock, host, port):
    if ':' in host:
        dst = b'\x04' + socket.inet_pton(socket.AF_INET6, host)
    elif re.fullmatch(r'(\d+\.){3}\d+', host):
        dst = b'\x01' + socket.inet_aton(host)
    else:
        dst = b'\x03' + bytes([len(host)]) + host.encode()
    text = said(sock, b'\x05\x01\x00\x05\x01\x00' + dst +
                struct.pack('>H', port))
    equal(text[:2], b'\x05\x00', 'method')
    return {0: b'200', 2: b'403'}.get(text[3], b'502'), text[2:]


WAYS = (by_connect, by_url, by_socks)
DENIED = b'403'


def listeners(s):
    """Something that listens at each address of the gateway."""
    v4 = peer.Serve(s.gateway, OPEN, peer.http(b'secret', close=True), address='0.0.0.0')
    v6 = peer.Serve(s.gateway, OPEN, peer.http(b'secret', close=True), address='::')
    return v4, v6


def proxy(s):
    return s.connect(net.PROXY, net.INNER)


@scenario
def explicit_clients_do_not_reach_the_gateway_itself(s):
    """However it is spelled, in every way of asking; and what they are told
    does not depend on whether somebody listens there."""
    dns_server(s, {'rebind.dns': {1: '127.0.0.1'}, 'six.dns': {28: '::1'},
                   'mapped.dns': {28: '::ffff:127.0.0.1'},
                   'zero.dns': {1: '0.0.0.0'}, 'own.dns': {1: net.OUTER},
                   'meta.dns': {1: '169.254.169.254'}})
    here = listeners(s)
    s.start(record=False, rules=RULE)
    hosts = ['127.0.0.1', '127.9.9.9', '0.0.0.0', '::1', '::',
             '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', 'localhost',
             net.INNER, net.OUTER, net.INNER6, net.OUTER6, 'gw.test',
             '169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254',
             '100.100.100.200', '224.0.0.1', '255.255.255.255', 'ff02::1',
             'rebind.dns', 'six.dns', 'mapped.dns', 'zero.dns', 'own.dns',
             'meta.dns']
    for host in hosts:
        for way in WAYS:
            got = [way(proxy(s), host, port) for port in (OPEN, CLOSED)]
            equal([x[0] for x in got], [DENIED] * 2,
                  '%s by %s' % (host, way.__name__))
            equal(got[0][1], got[1][1], 'open and closed are told apart')
    for host in ('2130706433', '0x7f000001', '0x7f.1', '127.1', '017700000001',
                 '127.0.0.1.'):
        for way in WAYS:
            check(way(proxy(s), host, OPEN)[0] in (b'400', b'403', b'502'),
                  host, way.__name__)
    equal([len(x.peers) for x in here], [0, 0], 'connections to the gateway')
    check(s.d.metric('clearspan_destinations_refused_total',
                     reason='loopback') >= 50, s.d.metrics())
    for reason in ('link-local', 'metadata', 'multicast', 'own-address'):
        check(s.d.metric('clearspan_destinations_refused_total',
                         reason=reason) > 0, reason)
    s.d.wait_log('is not connected to 127.0.0.1:7777 (127.0.0.1): loopback',
                 10 * s.slow)


@scenario
def allow_destinations_opens_what_it_names_and_no_more(s):
    here = listeners(s)
    s.start(how=None, record=False, rules=RULE, listen=[
        dict(LISTEN, **{'allow-destinations': ['127.0.0.1', net.OUTER]})])
    for host, code in (('127.0.0.1', b'200'), (net.OUTER, b'200'),
                       ('localhost', b'200'), ('127.0.0.2', DENIED),
                       (net.INNER, DENIED), ('::1', DENIED)):
        equal(by_url(proxy(s), host, OPEN)[0], code, host)
    equal(len(here[0].peers), 3)
    for port in (9911, 8080):       # metrics, and the listener
        equal(by_url(proxy(s), '127.0.0.1', port)[0], DENIED, str(port))


@scenario
def a_program_of_the_gateway_reaches_the_gateway(s):
    """It could without us; but not what is guarded by user, and not when
    allow-destinations says what may be reached."""
    here = listeners(s)
    s.start(how=None, record=False, rules=RULE, listen=[
        LISTEN, dict(LISTEN, name='strict', address='0.0.0.0:8081',
                     **{'allow-destinations': []})])

    def local(port=net.PROXY):
        return peer.connect(s.gateway, '127.0.0.1', port)
    for host in ('127.0.0.1', 'localhost', net.INNER, '0.0.0.0'):
        equal(by_url(local(), host, OPEN)[0], b'200', host)
        equal(by_url(local(8081), host, OPEN)[0], DENIED, host)
    equal(len(here[0].peers), 4)
    for host in ('169.254.169.254', '224.0.0.1', 'fe80::1'):
        equal(by_url(local(), host, OPEN)[0], DENIED, host)
    equal(by_url(local(), '127.0.0.1', 9911)[0], DENIED, 'metrics')


@scenario
def a_server_rule_is_asked_before_a_name_is_connected(s):
    """The answer does not tell an open port from a closed one, and no
    connection is made; of a name's addresses the others are tried."""
    s.hosts('10.2.0.3 bad.test both.test\n10.2.0.2 both.test good.test\n')
    s.start(record=False, rules=[
        {'name': 'inner', 'server': ['10.2.0.3'], 'action': 'block'}] + RULE)
    bad = s.serve(OPEN, peer.http(b'secret', close=True), plain=True, address='10.2.0.3')
    good = s.serve(OPEN, peer.http(b'fine'), plain=True)
    for way in by_tunnel, by_url, by_socks:
        got = [way(proxy(s), 'bad.test', port) for port in (OPEN, CLOSED)]
        equal([x[0] for x in got], [DENIED] * 2, way.__name__)
        equal(got[0][1], got[1][1], 'open and closed are told apart')
    for i in range(4):
        c = peer.Peer(proxy(s))
        c.send(b'GET http://both.test:%d/ HTTP/1.1\r\nHost: x\r\n\r\n' % OPEN)
        check(c.recv_until(b'fine').startswith(b'HTTP/1.1 200'), 'both.test')
        c.finish()
    equal(len(bad.peers), 0, 'connections to the server')
    check(len(good.peers) > 0, 'good.test')
    for f in s.d.flows(6)[:6]:
        equal((f['clearspan']['action'], f['clearspan']['rule'],
               f['dest_ip']), ('block', 'inner', '10.2.0.3'))


@scenario
def what_no_router_forwards_is_not_forwarded(s):
    """A client that sends the gateway what is for its own link would get an
    answer meant for the gateway, which asks from its own address."""
    where = '169.254.169.254'
    s.server.ip('addr add %s/32 dev s0\n' % where)
    s.net.gateway.ip('route add %s/32 dev gs\n' % where)
    srv = s.serve(80, peer.http(b'secret', close=True), plain=True,
                  address=where)
    s.start(record=False, rules=RULE)
    sock = peer.connect(s.gateway, where, 80)
    check(b'secret' in said(sock, b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
          'the gateway itself reaches it')
    try:
        how = peer.reset_wait(s.connect(80, where))
    except ConnectionError:
        how = peer.RST
    equal(how, peer.RST)
    equal(len(srv.peers), 1, 'connections')
    s.d.metric_is(1, 'clearspan_destinations_refused_total',
                  reason='link-local')


@scenario
def pcap_over_ip_is_for_those_allowed(s):
    """By default this host and private nets; whoever else is closed at once.
    One on a public address is warned of by check, run and doctor."""
    s.net.gateway.ip('addr add 203.0.113.1/24 dev gc\n')
    s.net.client.ip('addr add 203.0.113.9/24 dev c0\n')
    where = {'pcap-over-ip': '0.0.0.0:57012'}
    over = {'mirrors': [dict(where, name='live', allow=['10.1.0.2',
                                                         '203.0.113.9'])]}
    s.start(how=None, record=False, **over, rules=[
        {'name': 'default', 'action': 'decrypt', 'mirror': ['live']}])

    def reads(source):
        sock = peer.connect(s.client, net.INNER if source[0] == '1' else
                            '203.0.113.1', 57012, (source, 0))
        try:
            return sock.recv(4)
        except ConnectionResetError:
            return b''
        finally:
            sock.close()
    equal([len(reads(x)) for x in ('10.1.0.2', '10.1.0.3', '203.0.113.9')],
          [4, 0, 4])
    s.d.wait_log('warning: PCAP-over-IP on 0.0.0.0:57012', 10 * s.slow)
    for i, (mirror, warned) in enumerate((
            (over['mirrors'][0], 1),
            (dict(where, name='live'), 1),
            (dict(where, name='live', allow=['10.1.0.2']), 0),
            ({'name': 'live', 'pcap-over-ip': '127.0.0.1:57012'}, 0),
            ({'name': 'live', 'pcap-over-ip': '203.0.113.1:57012'}, 1))):
        path = s.path('c%d.yaml' % i)
        with open(path, 'w') as f:
            f.write(yaml(s.conf(mirrors=[mirror], rules=[
                {'name': 'default', 'action': 'decrypt',
                 'mirror': ['live']}])))
        r = s.run(s.gateway, s.binary, 'check', '-c', path).ok()
        equal(len(re.findall(r'c%d.yaml:\d+:\d+: warning: PCAP-over-IP on' %
                             i, r.errors)), warned, r.errors)
        r = s.run(s.gateway, s.binary, 'doctor', '-c', path)
        equal(len(re.findall('warn  mirror: PCAP-over-IP', r.text)), warned,
              r.text)
