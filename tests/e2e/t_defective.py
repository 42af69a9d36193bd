"""Servers with a defect (peers/defective.py), each under each value of `on`:
what curl and Chromium see of it, what the log says, and that explain and
replay agree with that."""
import os
import sys

from harness import browser, check, equal, net, scenario, wait
from harness.case import yaml
from harness.proc import wait_port
from t_policy import facts_of, said

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                'peers'))
import defective    # noqa: E402

KEYS = (defective.UNTRUSTED, defective.EXPIRED, defective.NAME,
        defective.INCOMPLETE, defective.REVOKED)
OTHER = {'untrusted': 'block', 'block': 'bypass', 'bypass': 'untrusted'}
UNVERIFIED = 60         # of curl: the certificate is not good


def answer(p):
    p.recv_until(b'\r\n\r\n')
    p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n'
           b'\r\norigin')
    p.close()


def curl(s, site, *more, port=443):
    """(exit status, status of HTTP) of a client that trusts our CA."""
    r = s.run(s.client, 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}',
              '--max-time', '20', '--cacert', s.pki.ca, '--resolve',
              '%s:%d:%s' % (site, port, net.SERVER), *more,
              'https://%s:%d/' % (site, port))
    return r.code, int(r.text)


# What Chromium says to a server itself. It accepts RSA-1024, and asks nobody
# about revocation; what it says of other faults is not the same in all versions.
ITS_OWN = {defective.EXPIRED: 'net::ERR_CERT_DATE_INVALID',
           defective.NAME: 'net::ERR_CERT_COMMON_NAME_INVALID',
           defective.INCOMPLETE: 'net::ERR_CERT_AUTHORITY_INVALID'}
ACCEPTED = ('rsa-1024', 'revoked', 'revoked-intermediate')


def chromium(s):
    """What Chromium gets of each, in one page: a status, or its error. It
    trusts our CA and, where it is bypassed to servers, their root."""
    b = browser.Browser(s, s.pki.ca, '--host-resolver-rules=MAP *.test ' +
                        net.SERVER, also=[s.pki.root])
    w = b.window()
    w.open('https://good.test/')
    urls = {'https://%s/' % c[1]: n for n, c in defective.CASES.items()}
    got = {urls[u]: x for u, x in w.fetch(list(urls)).items() if u in urls}
    b.close()
    return got


def chromium_got(on, name, wrong, x):
    """Whether that is the outcome of the case."""
    if wrong is None:
        return x == 200
    if on == 'untrusted':
        return x == 'net::ERR_CERT_AUTHORITY_INVALID'
    if on == 'block':
        return x == 403
    if name in ACCEPTED:
        return x in (200, 'net::ERR_CERT_WEAK_KEY')
    return x == ITS_OWN.get(wrong, x) and str(x).startswith('net::ERR_CERT_')


def replayed(s, on):
    """The log under the same values, and under others: (differ, of all)."""
    c = dict(s.d.conf, on={k: on for k in KEYS})
    with open(s.path('new.yaml'), 'w') as f:
        f.write(yaml(c))
    r = s.run(s.gateway, s.binary, 'replay', '-c', s.path('new.yaml'),
              s.d.conf['log']['file']).ok()
    words = r.text.splitlines()[-1].split()
    return int(words[0]), int(words[2])


def explained(s, flow, wrong):
    """explain and ctl explain say what the daemon did, and why."""
    facts, span = facts_of(flow), flow['clearspan']
    if span['action'] == 'bypass':      # the log has it as the reason alone
        facts.append('verify=' + span['why'])
    if wrong == defective.INCOMPLETE:
        facts.append('incomplete=yes')
    r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file, *facts).ok()
    told = [x['explained'] for x in s.d.ctl('explain', *facts)['lines']]
    lines = r.text.splitlines()
    equal(told[-3:], lines[-3:], facts)
    action = 'verdict: %s rule: %s' % (span['action'], span['rule'])
    equal(lines[-1], action, facts)
    cause = span.get('why', span.get('server', {}).get('verify'))
    equal(said(lines, 'why'), cause if wrong else None, (facts, lines))
    equal('signed by the untrusted CA' in r.text,
          span.get('forged', {}).get('ca') == 'untrusted' and
          span['action'] == 'decrypt', (facts, lines))


def table(s, on, outcome, more=()):
    """Each case: outcome is what curl sees of a bad server, by the action and
    CA in the log."""
    ctx = defective.contexts(s.path('defective'), s.pki.pair('root'))
    s.serve(ctx=ctx, handler=answer)
    s.start(record=False, on={k: on for k in KEYS}, upstream={
        'trust': s.pki.root, 'crl': [s.path('defective/crl.pem')]})
    got, want = {}, {}
    for name, (wrong, site, _) in defective.CASES.items():
        got[name] = curl(s, site, *(more if wrong else ()))
        want[name] = outcome if wrong else (0, 200)
    equal(got, want)
    flows = {f['tls']['sni']: f for f in s.d.flows(len(defective.CASES))}
    bad = len([c for c in defective.CASES.values() if c[0]])
    equal(replayed(s, on), (0, len(flows)))
    equal(replayed(s, OTHER[on]), (bad, len(flows)))
    shown = chromium(s)
    for name, (wrong, site, _) in defective.CASES.items():
        explained(s, flows[site], wrong)
        check(chromium_got(on, name, wrong, shown.get(name)), name, shown)
        f = flows[site]['clearspan']
        equal(f['action'], {'untrusted': 'decrypt'}.get(on, on) if wrong else
              'decrypt', name)
        verify = f.get('server', {}).get('verify')
        check((verify == 'ok') == (wrong is None) or on == 'bypass', name, f)
        if wrong and on == 'untrusted':
            equal(f['forged']['ca'], 'untrusted', name)
        elif wrong:
            check(f['why'] not in (None, 'ok'), name, f)


@scenario(timeout=120)
def defective_servers_are_marked_as_untrusted(s):
    table(s, 'untrusted', (UNVERIFIED, 0))


@scenario(timeout=120)
def defective_servers_are_blocked_by_a_page(s):
    table(s, 'block', (0, 403))


@scenario(timeout=120)
def defective_servers_are_bypassed(s):
    """The client sees the server's own certificate, and says to ignore it."""
    table(s, 'bypass', (0, 200), ('-k',))


# What cannot be fetched: what the certificate says, and what is there.
UNFETCHED = {
    'not-there.test': ('http://aia.test/none', None),
    'no-certificate.test': ('http://aia.test/text', (200, b'no certificate')),
    'moved.test': ('http://aia.test/moved', (301, b'')),
    'huge.test': ('http://aia.test/huge', (200, bytes(65537))),
    'another.test': ('http://aia.test/root', 'root'),
    'port.test': ('http://aia.test:81/inter.der', None),
    'inside.test': ('http://inside.test/inter.der', None),
    'secure.test': ('https://aia.test/inter.der', None),
    'odd.test': ('http://aia.test', None),
}


def shelf(asked):
    """Answers with what the certificates tell of."""
    def answer_with(p):
        path = p.recv_until(b'\r\n\r\n').split()[1].decode()
        asked.append(path)
        status, data = defective.FETCHED.get(path, (404, b'none'))
        p.send(b'HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n' % (
            status, len(data)) + data)
        p.close()
    return answer_with


@scenario(timeout=120)
def issuers_left_out_are_fetched(s):
    """Once each, and only from where we may; the others are untrusted."""
    asked = []
    s.hosts('%s aia.test\n127.0.0.1 inside.test\n' % net.SERVER)
    m = defective.Maker(s.path('more'), s.pki.pair('root'))
    more = {}
    for site, (url, there) in UNFETCHED.items():
        if there:
            defective.FETCHED[url[len('http://aia.test'):]] = (
                there if there != 'root' else (200, b'0'))
        more[site] = m.context(site, m.leaf(site, m.inter, ext={
            'authorityInfoAccess': 'caIssuers;URI:' + url}))
    m.der(m.root, 'root')
    ctx = defective.contexts(s.path('defective'), s.pki.pair('root'),
                             defective.INCOMPLETE, more)
    s.serve(ctx=ctx, handler=answer)
    s.serve(80, handler=shelf(asked), plain=True)
    s.start(record=False, workers=1, upstream={
        'trust': s.pki.root, 'fetch-inside': ['10.2.0.0/24']})
    good = [c[1] for c in defective.CASES.values()
            if c[0] == defective.INCOMPLETE]
    for site in good:
        equal(curl(s, site), (0, 200), site)
    equal(curl(s, good[0]), (0, 200), 'once more')
    equal(sorted(asked), ['/2.der', '/bag.p7c', '/inter.der', '/lower.der',
                          '/upper.der'])
    for site in more:
        equal(curl(s, site), (UNVERIFIED, 0), site)
    n = len(asked)
    equal(curl(s, 'huge.test'), (UNVERIFIED, 0), 'once more')
    equal(asked[n:], [], 'asked for again')
    check('/inter.der' not in asked[5:], 'from where it may not', asked)
    flows = s.d.flows(len(good) + len(more) + 2)
    for f in flows:
        c = f['clearspan']
        equal((c['server']['verify'], c['forged']['ca']),
              ('ok', 'trusted') if f['tls']['sni'] in good else
              ('unable to get local issuer certificate', 'untrusted'), f)
    equal(s.d.metric('clearspan_issuers_fetched_total', result='ok'), 6)


@scenario(timeout=120)
def issuers_may_be_preloaded(s):
    """Nothing is fetched then, whatever `on` says."""
    ctx = defective.contexts(s.path('defective'), s.pki.pair('root'),
                             defective.INCOMPLETE)
    s.serve(ctx=ctx, handler=answer)
    inter = s.path('defective/2.pem')
    s.start(record=False, on={defective.INCOMPLETE: 'block'}, upstream={
        'trust': s.pki.root, 'intermediates': inter})
    for site in ('issuer-to-fetch.test', 'issuer-in-a-bag.test',
                 'second-issuer-to-fetch.test'):
        equal(curl(s, site), (0, 200), site)
    equal(curl(s, 'issuers-to-fetch.test'), (0, 403))
    equal([f['clearspan']['server']['verify'] for f in s.d.flows(4)][:3],
          ['ok'] * 3)


@scenario(timeout=120)
def a_new_list_of_the_revoked_counts_at_once(s):
    """The file changes; nothing else is done."""
    m = defective.Maker(s.path('defective'), s.pki.pair('root'))
    names = ('first.test', 'second.test')
    leafs = [m.leaf(n) for n in names]
    by_name = {n: m.context(n, leaf) for n, leaf in zip(names, leafs)}
    ctx = m.context('default', leafs[0])
    ctx.sni_callback = lambda sock, name, _: setattr(
        sock, 'context', by_name.get(name, ctx))
    s.serve(ctx=ctx, handler=answer)
    crl = m.revoke('list.pem', s.pki.pair('root'), leafs[0])
    s.start(record=False, upstream={'trust': s.pki.root, 'crl': [crl]})
    equal([curl(s, n) for n in names], [(0, 403), (0, 200)])
    n = s.reloads('ok')
    m.revoke('list.pem', s.pki.pair('root'), leafs[1])
    wait(lambda: s.reloads('ok') > n, 'that it is read again', 30 * s.slow)
    equal([curl(s, n) for n in names], [(0, 200), (0, 403)])
    flows = s.d.flows(4)
    equal(flows[-1]['clearspan']['server']['verify'], 'certificate revoked')
    equal(flows[-1]['flow']['reason'],
          'blocked by rule default: certificate revoked')


@scenario
def a_list_of_the_revoked_may_be_in_der(s):
    """As it comes from the address that is in certificates; in a directory,
    beside what is none."""
    m = defective.Maker(s.path('defective'), s.pki.pair('root'))
    leaf = m.leaf('gone.test')
    s.serve(ctx=m.context('default', leaf), handler=answer)
    crl = m.revoke('list.pem', s.pki.pair('root'), leaf)
    os.mkdir(s.path('crls'))
    m.ossl('crl', '-in', crl, '-outform', 'der', '-out', s.path('crls/a.crl'))
    with open(s.path('crls/README'), 'w') as f:
        f.write('lists\n')
    s.start(record=False, upstream={'trust': s.pki.root,
                                    'crl': [s.path('crls/a.crl')]})
    equal(curl(s, 'gone.test'), (0, 403))
    s.reload(upstream={'trust': s.pki.root, 'crl': [s.path('crls')]})
    equal(curl(s, 'gone.test'), (0, 403))


@scenario(timeout=120)
def what_servers_staple_counts_if_their_issuer_signed_it(s):
    """Servers of openssl; what is out of date is in staple_test."""
    m = defective.Maker(s.path('defective'), s.pki.pair('root'))
    leaf = m.leaf('stapled.test')
    gone, there = 'R\t491231235959Z\t250101000000Z', 'V\t491231235959Z\t'
    cases = ((gone, m.root, '-tls1_2', 403), (gone, m.root, '-tls1_3', 403),
             (there, m.root, '-tls1_3', 200), (gone, m.other, '-tls1_3', 200),
             (gone, m.other, '-tls1_2', 200))
    servers = []
    for port, (status, signer, version, _) in enumerate(cases, 2000):
        servers.append(s.spawn(
            s.server, 'openssl', 's_server', '-www', '-accept', '%s:%d' % (
                net.SERVER, port), '-cert', leaf[0], '-key', leaf[1], version,
            '-status_file', m.staple('%d.der' % port, leaf, status, signer),
            name='server-%d' % port))
    s.start(record=False)
    for port, p in enumerate(servers, 2000):
        wait_port(s.server, port, p)
        equal(curl(s, 'stapled.test', port=port), (0, cases[port - 2000][3]),
              cases[port - 2000])
    for f in s.d.flows(len(cases)):
        blocked = cases[f['dest_port'] - 2000][3] == 403
        c = f['clearspan']
        equal((c['action'], c['server']['verify']),
              ('block', 'certificate revoked') if blocked else
              ('decrypt', 'ok'), f)


# Servers with nothing that a library of ours has, or may use. GnuTLS has it.
UNSHARED = {
    'TLS 1.0 only': 'NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT',
    '3DES only': 'NONE:+VERS-TLS1.2:+3DES-CBC:+SHA1:+ECDHE-RSA:+COMP-NULL:'
                 '+SIGN-ALL:+GROUP-SECP256R1'
}


def unshared(s, on, see):
    """see(port, priority) is what a client sees of each; the flows."""
    pem, key = s.pki.pair('rsa')
    servers = {port: s.spawn(
        s.server, 'gnutls-serv', '--http', '--disable-client-cert', '-p',
        str(port), '--priority', what, '--x509certfile', pem,
        '--x509keyfile', key, name='server-%d' % port)
        for port, what in enumerate(UNSHARED.values(), 2000)}
    s.start(record=False, on={'handshake-failure': on},
            learn={'failures': 1, 'clients': 1})
    for port, p in servers.items():
        wait_port(s.server, port, p)
        see(port, UNSHARED[list(UNSHARED)[port - 2000]])
    return s.d.flows(len(servers))


@scenario
def servers_with_nothing_in_common_are_blocked(s):
    def see(port, what):
        equal(curl(s, 'good.test', port=port), (0, 502), what)
    for f in unshared(s, 'block', see):
        check(f['flow']['reason'].startswith('handshake with server: '), f)
        equal(f['clearspan']['action'], 'decrypt')


@scenario
def servers_with_nothing_in_common_are_bypassed(s):
    """A client that has it is served."""
    def see(port, what):
        r = s.run(s.client, 'gnutls-cli', '-p', str(port), '--x509cafile',
                  s.pki.root, '--priority', what, '--logfile', '/dev/null',
                  '--sni-hostname', 'good.test', '--verify-hostname',
                  'good.test', net.SERVER, input=b'GET / HTTP/1.0\r\n\r\n')
        check(b'200 ok' in r.out.lower(), what, r.out)
    for f in unshared(s, 'bypass', see):
        equal((f['clearspan']['action'], f['clearspan']['why']),
              ('bypass', 'handshake with server fails'), f)
