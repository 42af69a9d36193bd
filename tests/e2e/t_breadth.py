"""Peers that can do little: each that understands a peer of its own kind does
so through us too, or the log says why not."""
import concurrent.futures

from harness import check, equal, net, scenario
from harness.proc import wait_port

GET = b'GET / HTTP/1.0\r\n\r\n'


CCM = 'TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256'
ALL = ('-cipher', 'ALL', '-ciphersuites', CCM)


def ossl(*args, cert='rsa'):
    return ('openssl', 's_server', '-www', *args), cert


def gnutls(priority):
    return ('gnutls-serv', '--http', '--disable-client-cert', '--priority',
            priority), 'rsa'


# Servers that have one thing only, which s_client has with all its ciphers.
SERVERS = {
    'RSA key exchange': ossl('-tls1_2', '-cipher', 'AES256-SHA256'),
    'ECDHE with CBC': ossl('-tls1_2', '-cipher', 'ECDHE-RSA-AES256-SHA384'),
    'DHE with CBC': ossl('-tls1_2', '-cipher', 'DHE-RSA-AES256-SHA256'),
    'CCM': ossl('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-CCM', cert='good'),
    'CCM, TLS 1.3': ossl('-ciphersuites', 'TLS_AES_128_CCM_SHA256'),
    'P-521': ossl('-tls1_2', '-groups', 'P-521'),
    'P-521, TLS 1.3': ossl('-tls1_3', '-groups', 'P-521'),
    'X448, TLS 1.3': ossl('-tls1_3', '-groups', 'X448'),
    'ffdhe3072, TLS 1.3': ossl('-tls1_3', '-groups', 'ffdhe3072'),
    'brainpool': ossl('-tls1_2', '-groups', 'brainpoolP384r1'),
    'GnuTLS, DHE': gnutls('NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA:'
                          '-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA1'),
    'GnuTLS, CAMELLIA': gnutls('NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:'
                               '+CAMELLIA-256-CBC:-MAC-ALL:+SHA1'),
}

# Clients, each with the certificate that a server has for it.
CLIENTS = {
    'P-384 signatures': ('p384', '-tls1_3', '-sigalgs',
                         'ecdsa_secp384r1_sha384'),
    'P-521 signatures': ('p521', '-tls1_3', '-sigalgs',
                         'ecdsa_secp521r1_sha512'),
    'Ed25519 signatures': ('ed25519', '-tls1_3', '-sigalgs', 'ed25519'),
    'P-384 alone': ('p384', '-tls1_2', '-groups', 'P-384', '-cipher',
                    'ECDHE-ECDSA-AES256-GCM-SHA384'),
    'P-521': ('rsa', '-tls1_2', '-groups', 'P-521'),
    'P-521, TLS 1.3': ('rsa', '-tls1_3', '-groups', 'P-521'),
    'X448, TLS 1.3': ('rsa', '-tls1_3', '-groups', 'X448'),
    'ffdhe2048, TLS 1.3': ('rsa', '-tls1_3', '-groups', 'ffdhe2048'),
    'CCM, TLS 1.3': ('rsa', '-ciphersuites', 'TLS_AES_128_CCM_SHA256'),
    'DHE with CBC': ('rsa', '-tls1_2', '-cipher', 'DHE-RSA-AES128-SHA256'),
    'RSA key exchange': ('rsa', '-tls1_2', '-cipher', 'AES128-SHA'),
    'GnuTLS, no extensions': ('old', 'NORMAL:-VERS-ALL:+VERS-TLS1.2:+RSA:'
                              '%NO_EXTENSIONS'),
    'GnuTLS, X448': ('rsa', 'NORMAL:-GROUP-ALL:+GROUP-X448'),
    'GnuTLS, DHE': ('rsa', 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA'),
}

# What no library of ours has, or its security level refuses.
HOPELESS = {
    'PSK': (('openssl', 's_server', '-www', '-nocert', '-psk', '00', '-tls1_2',
             '-cipher', 'PSK'), None),
    'TLS 1.1': ossl('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'),
}


def server(s, port, argv, cert):
    where = (('-p', str(port)) if argv[0] == 'gnutls-serv' else
             ('-accept', '%s:%d' % (net.SERVER, port)))
    names = (('--x509certfile', '--x509keyfile') if argv[0] == 'gnutls-serv'
             else ('-cert', '-key'))
    pair = [x for p in zip(names, s.pki.pair(cert)) for x in p] if cert else ()
    return s.spawn(s.server, *argv, *where, *pair, name='server-%d' % port)


def client(s, ns, port, args=()):
    """Whether the answer came."""
    if args and args[0].startswith('NORMAL'):
        name = () if 'NO_EXT' in args[0] else (
            '--sni-hostname', 'good.test', '--verify-hostname', 'good.test')
        r = s.run(ns, 'gnutls-cli', '-p', str(port), '--x509cafile',
                  s.pki.bundle, '--priority', args[0], '--logfile', '/dev/null',
                  *name, net.SERVER, input=GET)
    else:
        r = s.run(ns, 'openssl', 's_client', '-connect', '%s:%d' %
                  (net.SERVER, port), '-servername', 'good.test', '-CAfile',
                  s.pki.bundle, '-verify_return_error', '-quiet', *args,
                  input=GET)
    return b'200 ok' in r.out.lower()


@scenario(timeout=120)
def peers_that_can_do_little_are_served(s):
    """Both ways: of itself, and through us."""
    for key in ('p384', 'p521', 'ed25519'):
        s.pki.leaf(key, key, 'DNS:good.test', key=key)
    # without extensions there is no name to be asked for
    s.pki.leaf('old', 'old', 'DNS:good.test,IP:' + net.SERVER, key='rsa')
    cases, procs = [], {}
    for i, (name, (argv, cert)) in enumerate(SERVERS.items()):
        procs[2000 + i] = server(s, 2000 + i, argv, cert)
        cases.append(('server: ' + name, 2000 + i, ALL))
    certs = sorted({c[0] for c in CLIENTS.values()})
    for i, cert in enumerate(certs):
        procs[2100 + i] = server(s, 2100 + i, *ossl(
            '-cipher', 'AES128-SHA:@SECLEVEL=0' if cert == 'old' else 'ALL',
            '-ciphersuites', CCM, cert=cert))
    cases += [('client: ' + name, 2100 + certs.index(cert), args)
              for name, (cert, *args) in CLIENTS.items()]
    for i, (argv, cert) in enumerate(HOPELESS.values()):
        procs[2200 + i] = server(s, 2200 + i, argv, cert)
    s.start(record=False)
    for port, p in procs.items():
        wait_port(s.server, port, p)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        got = {ns: list(pool.map(lambda c: client(s, ns, *c[1:]), cases))
               for ns in (s.server, s.client)}
        list(pool.map(lambda i: client(s, s.client, 2200 + i),
                      range(len(HOPELESS))))
    for ns, what in ((s.server, 'of itself'), (s.client, 'through us')):
        equal([c[0] for c, ok in zip(cases, got[ns]) if not ok], [], what)
    flows = s.d.flows(len(cases) + len(HOPELESS))
    equal({f['clearspan']['action'] for f in flows}, {'decrypt'})
    for f in flows:
        if f['dest_port'] >= 2200:
            check('handshake with server: ' in f['flow']['reason'], f)


HTTPS = (b'\xc0\x0c\0\x41\0\1\0\0\0\x3c\0\x21\0\1\0'
         b'\0\1\0\6\2h3\2h2\0\4\0\4\1\2\3\4\0\5\0\2EC\0\6\0\2v6')
BLUNT = (b'\xc0\x0c\0\x41\0\1\0\0\0\x3c\0\x21\0\1\0'
         b'\0\1\0\6\2-3\2h2\0\4\0\4\1\2\3\4\0\6\0\2v6\xff\0\0\2EC')


SIGNATURE = b'\xc0\x0c\0\x2e\0\1\0\0\0\x3c\0\3\0\x41\x0d'


def dns(flags, *records):
    m = (b'\x12\x34' + flags + b'\0\1\0' + bytes([len(records)]) +
         b'\0\0\0\0\1a\4test\0\0\x41\0\1' + b''.join(records))
    return bytes([len(m) >> 8, len(m) & 255]) + m


@scenario
def answers_of_dns_tell_of_no_way_around(s):
    """In pieces, two at once, and cut off; over TLS too, and what is no DNS."""
    query, answer = dns(b'\1\0'), dns(b'\x81\x80', HTTPS)

    def resolver(p):
        equal(p.recv_exact(len(query)), query)
        for i in range(0, len(answer), 7):
            p.send(answer[i:i + 7])
        p.send(answer + answer + answer[:20])
        p.close()

    def greeter(p):
        p.send(b'220')
        p.send(b' hello\r\n')
        equal(p.recv_exact(4), b'QUIT')
        p.close()

    s.start(record=False, inspect={'dns': 'strip'})
    s.serve(53, plain=True, handler=resolver)
    s.serve(853, handler=resolver)
    s.serve(53, plain=True, handler=greeter, address='10.2.0.3')
    want = dns(b'\x81\x80', BLUNT)
    for c in (s.plain(53), s.tls(853)):
        c.send(query)
        equal(c.recv_exact(3 * len(want) + 20), want * 3 + answer[:20])
        c.finish()
    c = s.plain(53, address='10.2.0.3')
    c.recv_exact(11)
    c.send(b'QUIT')
    c.finish()


@scenario
def answers_that_are_signed_are_changed_only_if_asked(s):
    """A rule asks for it."""
    signed = dns(b'\x81\x80', HTTPS, SIGNATURE)

    def resolver(p):
        p.recv_exact(len(dns(b'\1\0')))
        p.send(signed)
        p.close()

    s.start(record=False, inspect={'dns': 'strip'}, rules=[
        {'name': 'even', 'server': ['10.2.0.3'], 'action': 'decrypt',
         'inspect': {'dns': 'strip-signed'}},
        {'name': 'all', 'action': 'decrypt'}])
    for address, want in ((net.SERVER, signed),
                          ('10.2.0.3', dns(b'\x81\x80', BLUNT, SIGNATURE))):
        s.serve(53, plain=True, handler=resolver, address=address)
        c = s.plain(53, address=address)
        c.send(dns(b'\1\0'))
        equal(c.recv_exact(len(want)), want)
        c.finish()
