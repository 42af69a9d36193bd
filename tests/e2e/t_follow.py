"""Our hello to a server is as the client's. What a client says of itself is
read where it is bypassed, what we say where it is decrypted."""
import os
import ssl
import struct

import t_hello
from harness import check, equal, net, peer, programs, scenario
from harness.proc import wait_port

BODY = b'the body of the little origin\n'
RULES = [{'name': 'itself', 'port': [444], 'action': 'bypass'},
         {'name': 'default', 'action': 'decrypt'}]
SCSV = 0x00ff


class Hello(t_hello.Ja4):
    """Its lists, in their order, without GREASE."""

    def __init__(self, raw):
        super().__init__(raw)
        self.suites = [x for x in self.suites if x != SCSV]
        exts = t_hello.extensions(raw)
        self.groups = t_hello.u16s(exts.get(10, b'')[2:])
        self.shares, b = [], exts.get(51, b'')[2:]
        while b:
            group, n = struct.unpack('>HH', b[:4])
            self.shares += t_hello.u16s(b[:2])
            b = b[4 + n:]


def both(s, servers, n, visit):
    """What it says itself at 444, and what we say for it at 443."""
    out = []
    for port in 444, 443:
        visit('https://v4.good.test:%d/' % port, port)
        out.append(Hello(servers[port].wait(n)[-1].raw_in))
    return out


def s_client(*args):
    def visit(s, url, port):
        r = s.run(s.client, 'openssl', 's_client', '-connect',
                  'v4.good.test:%d' % port, '-servername', 'good.test',
                  '-CAfile', s.pki.bundle, '-quiet', *args,
                  input=b'GET / HTTP/1.0\r\n\r\n')
        check(BODY in r.out, r.text, r.errors)
    return visit


def gnutls(priority):
    def visit(s, url, port):
        r = s.run(s.client, 'gnutls-cli', '-p', str(port), '--x509cafile',
                  s.pki.bundle, '--priority', priority, '--logfile',
                  '/dev/null', 'v4.good.test',
                  input=b'GET / HTTP/1.0\r\n\r\n')
        check(BODY in r.out, r.text, r.errors)
    return visit


def curl(*args):
    def visit(s, url, port):
        equal(s.run(s.client, 'curl', '-sS', '--cacert', s.pki.bundle, *args,
                    url).ok().out, BODY)
    return visit


def node(s, url, port):
    programs.node(s, url)


def java(s, url, port):
    if os.path.exists(s.path('trust.p12')):
        os.remove(s.path('trust.p12'))
    programs.java(s, url, s.pki.bundle)


def wget(s, url, port):
    equal(s.run(s.client, 'wget', '-qO-', '--ca-certificate', s.pki.bundle,
                url).ok().out, BODY)


def nss(s, url, port):
    s.run(s.client, 'tstclnt', '-h', 'v4.good.test', '-p', str(port), '-o',
          '-D', '-Q', '-V', 'tls1.2:tls1.3')


CLIENTS = {
    'curl': curl(), 'curl, TLS 1.2': curl('--tls-max', '1.2'),
    'curl, TLS 1.3': curl('--tlsv1.3'),
    'curl, ChaCha20': curl('--ciphers', 'ECDHE-RSA-CHACHA20-POLY1305:'
                           'ECDHE-ECDSA-CHACHA20-POLY1305'),
    'openssl': s_client(), 'openssl, ALL': s_client('-cipher', 'ALL'),
    'openssl, P-256 first': s_client('-groups', 'P-256:X25519'),
    'openssl, signatures': s_client('-sigalgs', 'rsa_pss_rsae_sha256:'
                                    'ECDSA+SHA384:ECDSA+SHA256'),
    'gnutls': gnutls('NORMAL'), 'gnutls, TLS 1.2': gnutls(
        'NORMAL:-VERS-TLS1.3'), 'gnutls, PFS': gnutls('PFS'),
    'wget': wget, 'node': node, 'java': java, 'nss': nss,
}


@scenario(plain=True, timeout=240)
def our_hello_follows_that_of_each_client(s):
    """Real ones; lists in their order, and no more in them than the client
    has; nearer than our own hello, and told in the log."""
    s.start(record=False, rules=RULES)
    servers = {p: s.serve(p, handler=peer.http(BODY, close=True))
               for p in (443, 444)}
    for n, (name, visit) in enumerate(CLIENTS.items(), 1):
        own, ours = both(s, servers, n, lambda url, port:
                         visit(s, url, port))
        for what in 'suites', 'sigalgs':
            mine, its = getattr(ours, what), getattr(own, what)
            equal(mine, [x for x in its if x in mine],
                  name + ': ' + what)
            check(mine and len(mine) >= len(its) // 2, name, what, mine)
        mine = ours.groups
        check(not mine or set(mine) <= set(own.groups), name, mine)
        equal(mine[:1], own.shares[:1] or own.groups[:1],
              name + ': groups')
        equal(ours.shares[:1], own.shares[:1], name + ': shares')
        equal(ours.version, own.version, name + ': version')
        f = [f for f in s.d.flows(2 * n) if f['dest_port'] == 443][-1]
        f = f['clearspan']['server']
        equal(f['hello'], 'client', name)
        check(f['ja4_distance'] <= 24, name, f)
        if name.startswith(('curl', 'openssl')) and 'ALL' not in name:
            check(f['ja4_distance'] <= 5, name, f)


@scenario(plain=True, timeout=120)
def our_hello_follows_that_of_chromium(s):
    s.start(record=False, rules=RULES)
    servers = {p: s.serve(p, handler=peer.http(BODY, close=True),
                          alpn=['http/1.1']) for p in (443, 444)}
    own, ours = [], []
    for port, into in (444, own), (443, ours):
        r = programs.chromium(s, 'https://v4.good.test:%d/' % port,
                              s.pki.bundle)
        into += [Hello(p.raw_in) for p in servers[port].wait(1)
                 if len(p.raw_in) > 100]
        check(own, r.errors[-1000:])
    equal(ours[0].suites, own[0].suites)
    # ML-DSA (0x09..) is new in OpenSSL 3.5.
    new = ssl.OPENSSL_VERSION_INFO >= (3, 5)
    equal(ours[0].sigalgs, [x for x in own[0].sigalgs if x >> 8 != 9 or new])
    equal(0x11ec in ours[0].groups, new)
    equal(ours[0].groups, [x for x in own[0].groups
                           if x in ours[0].groups])
    f = [f for f in s.d.flows(2) if f['dest_port'] == 443][0]['clearspan']
    equal(f['server']['hello'], 'client')
    check(f['server']['ja4_distance'] <= 10, f)


def only(s, port, cipher):
    p = s.spawn(s.server, 'openssl', 's_server', '-www', '-accept',
                '%s:%d' % (net.SERVER, port), '-cert', s.pki.pair('rsa')[0],
                '-key', s.pki.pair('rsa')[1], '-tls1_2', '-cipher', cipher,
                name='server-%d' % port)
    wait_port(s.server, port, p)


@scenario
def a_server_that_refuses_the_clients_hello_gets_ours(s):
    """One that has what we offer and the client does not. It is remembered:
    the next session begins with ours."""
    s.start(record=False)
    only(s, 2001, 'ECDHE-RSA-AES256-SHA384')
    for i in range(2):
        equal(s.run(s.client, 'curl', '-sS', '--cacert', s.pki.bundle,
                    '--tls-max', '1.2', '--ciphers',
                    'ECDHE-RSA-AES128-GCM-SHA256', '-o', '/dev/null',
                    '--resolve', 'rsa.test:2001:' + net.SERVER,
                    'https://rsa.test:2001/').code, 0)
    f = [x['clearspan'] for x in s.d.flows(2)]
    equal([x['server']['hello'] for x in f], ['own', 'own'])
    equal({x['server']['cipher'] for x in f},
          {'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384'})
    with open(s.path('clearspan.log')) as log:
        equal(log.read().count('the server refuses a hello like'), 1,
              "sessions that began with the client's")


@scenario
def a_server_with_nothing_for_either_hello_is_tried_twice(s):
    """And then it fails as before."""
    s.start(record=False)
    ctx = peer.server_context(s.pki.pair('good'), hi='1.2')
    ctx.set_ciphers('DHE-DSS-AES128-SHA256:PSK')
    srv = s.serve(443, ctx=ctx)
    r = s.run(s.client, 'curl', '-sS', '--cacert', s.pki.bundle,
              'https://v4.good.test/')
    check(BODY not in r.out, r.text)
    srv.wait(2)
    f = s.d.flows(1)[0]
    check(f['flow']['reason'].startswith('handshake with server: '), f)


@scenario
def the_hello_is_our_own_if_so_configured(s):
    s.start(record=False, tls={'server': {'hello': 'own'}}, rules=RULES)
    servers = {p: s.serve(p, handler=peer.http(BODY, close=True))
               for p in (443, 444)}
    own, ours = both(s, servers, 1, lambda url, port: curl(
        '--ciphers', 'ECDHE-RSA-AES128-GCM-SHA256')(s, url, port))
    check(len(ours.suites) > 40 and own.suites[-1] == 0xc02f, ours.suites)
    equal([f['clearspan'].get('server', {}).get('hello')
           for f in s.d.flows(2)], [None, 'own'])


@scenario(plain=True)
def hybrid_groups_are_as_the_client_has_them(s):
    """X25519MLKEM768 if the client offers it and the library has it, on both
    sides; and no trace of it if the client does not."""
    s.start(record=False, rules=RULES)
    servers = {p: s.serve(p, handler=peer.http(BODY, close=True))
               for p in (443, 444)}
    knows = 'X25519MLKEM768' in s.run(
        s.client, 'openssl', 'list', '-kem-algorithms').text
    for n, (groups, has) in enumerate((('X25519:P-256', False),
                                       ('*X25519MLKEM768:*X25519', True))
                                      [:1 + knows], 1):
        own, ours = both(s, servers, n, lambda url, port: s_client(
            '-groups', groups)(s, url, port))
        equal(0x11ec in ours.groups, has)
        equal(ours.groups, own.groups)
        equal(ours.shares, own.shares)
        f = [f for f in s.d.flows(2 * n) if f['dest_port'] == 443][-1]
        f = f['clearspan']
        want = 'X25519MLKEM768' if has else 'x25519'
        equal([f[x]['group'] for x in ('client', 'server')], [want, want])
