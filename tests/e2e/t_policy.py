"""Rules at every stage: the daemon does what explain says."""
import ssl
import time

from harness import Failure, check, equal, net, peer, scenario
from t_rules import own_certificate

ALL = {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}


def said(lines, name):
    """What is behind this name in an answer of explain, or None."""
    return ([x[len(name) + 2:] for x in lines if x.startswith(name + ': ')] +
            [None])[0]


def explain(s, *facts):
    """What explain says of them: (action, rule, stage)."""
    r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file, *facts).ok()
    lines = r.text.strip().splitlines()
    action, rule = lines[-1].split()[1:4:2]
    return action, rule, said(lines, 'decided at')


def facts_of(flow):
    """The facts of explain, as the log has them."""
    tls, span = flow.get('tls', {}), flow['clearspan']
    out = {'client': flow['src_ip'], 'server': flow['dest_ip'],
           'port': flow['dest_port'], 'listener': span['listener'],
           'sni': tls.get('sni'), 'ja4': tls.get('ja4'),
           'ja3': tls.get('ja3', {}).get('hash'),
           'issuer': tls.get('issuerdn'), 'subject': tls.get('subject'),
           'time': flow['flow']['start'][:19] + 'Z'}
    if 'subject' in tls:
        out['verify'] = span.get('server', {}).get('verify', 'ok')
        if not tls['notbefore'] <= out['time'] <= tls['notafter']:
            out['late'] = 'yes'
    if tls.get('ech'):
        out['ech'] = 'yes'
    if not tls:
        out['protocol'] = {'http': 'http'}.get(flow.get('app_proto'), 'other')
    return ['%s=%s' % (k, v) for k, v in out.items() if v]


def attempt(s, **kw):
    """A session of TLS, however it ends; the connection, if it was made."""
    try:
        p = s.tls(verify=False, **kw)
        p.send(b'\0')         # no letter, which may begin a request
        p.recv_exact(1)
        return p.finish()
    except (ssl.SSLError, OSError, Failure):
        return None


@scenario
def explain_agrees_with_the_daemon_on_a_table_of_facts(s):
    """Each rule is the one that decides for some session; what explain says
    of that session's facts, as the log has them, is what was done."""
    with open(s.path('l'), 'w') as f:
        f.write('listed.test\n!=not.listed.test\n10.2.0.4\n')
    day = int(time.time()) // 86400 + 4         # since a Sunday
    days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] * 2
    rules = [
        {'name': 'elsewhen', 'time': days[(day + 3) % 7] + ' UTC',
         'action': 'block'},
        {'name': 'now', 'port': 3005, 'action': 'bypass',
         'time': '%s-%s UTC' % (days[day % 7], days[day % 7 + 1])},
        {'name': 'far', 'client': '10.1.0.3', 'action': 'bypass'},
        {'name': 'port', 'port': ['2000-2009'], 'action': 'reset'},
        {'name': 'there', 'server': '@l', 'action': 'block'},
        {'name': 'listed', 'sni': '@l', 'action': 'reset'},
        {'name': 'exact', 'sni': '=a.test', 'action': 'reset'},
        {'name': 'below', 'site': '*.b.test', 'action': 'block'},
        {'name': 'old', 'ja4': 't12*', 'action': 'bypass'},
        {'name': 'expired', 'certificate': {'status': 'expired'},
         'action': 'block'},
        {'name': 'theirs', 'certificate': {'subject': 'CN=other.TEST'},
         'action': 'bypass'},
        {'name': 'lone', 'certificate': {'status': 'untrusted',
                                         'issuer': 'CN=self.*'},
         'not': {'port': 3004}, 'action': 'reset'},
        {'name': 'proxied', 'listener': 'proxy', 'action': 'decrypt',
         'mirror': []},
        {'name': 'h2', 'alpn': 'h2', 'action': 'decrypt', 'mirror': []},
        ALL]
    s.start(lists={'l': s.path('l')}, rules=rules, record=False,
            on={'untrusted-server': 'untrusted'})
    certs = {443: 'good', 3001: 'expired', 3002: 'wrong', 3003: 'self',
             3004: 'self', 3005: 'good', 2005: 'good'}
    for port, cert in certs.items():
        s.serve(port, cert=cert)
    s.serve(443, cert='good', address='10.2.0.3')
    table = [
        ('far', {'sock': lambda: s.connect(443, source=('10.1.0.3', 0))}),
        ('now', {'port': 3005}),
        ('port', {'port': 2005}),
        ('listed', {'name': 'listed.test'}),
        ('listed', {'name': 'www.listed.test'}),
        ('default', {'name': 'not.listed.test'}),
        ('listed', {'name': 'x.not.listed.test'}),
        ('exact', {'name': 'a.test'}),
        ('default', {'name': 'x.a.test'}),
        ('below', {'name': 'x.y.b.test'}),
        ('default', {'name': 'b.test'}),
        ('old', {'hi': '1.2'}),
        ('expired', {'port': 3001, 'name': 'expired.test'}),
        ('theirs', {'port': 3002, 'name': 'other.test'}),
        ('theirs', {'port': 3002, 'name': 'elsewhere.test'}),
        ('lone', {'port': 3003, 'name': 'self.test'}),
        ('default', {'port': 3004, 'name': 'self.test'}),
        ('proxied', {'sock': lambda: s.via_proxy('v4.good.test', 443)}),
        ('h2', {'alpn': ['h2']}),
        ('default', {'address': '10.2.0.3'}),
        ('default', {}),
    ]
    for n, (rule, how) in enumerate(table, 1):
        if 'sock' in how:
            how = {'sock': how['sock']()}
        attempt(s, **how)
        flow = s.d.flows(n)[-1]
        facts = facts_of(flow)
        if 'alpn' in how:
            facts.append('alpn=' + ','.join(how['alpn']))
        span = flow['clearspan']
        action, said, stage = explain(s, *facts)
        equal((span['rule'], said), (rule, rule), (how, facts))
        equal(span['action'], action, (how, facts))
    r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file, 'server=10.2.0.4')
    equal(r.ok().text.split()[-1], 'there')


@scenario
def explain_takes_a_url(s):
    s.start(record=False, rules=[
        {'name': 'a', 'site': '=www.b\xfccher.test', 'port': 443,
         'protocol': 'tls', 'action': 'bypass'},
        {'name': 'b', 'host': '10.2.0.9', 'port': 8080, 'protocol': 'http',
         'action': 'block'},
        {'name': 'c', 'site': '=a.test', 'port': 444, 'action': 'reset'},
        {'name': 'd', 'sni': '*', 'port': 80, 'action': 'reset'}, ALL])
    for url, rule in (('https://WWW.B\xfccher.test/x?y=z', 'a'),
                      ('http://www.b\xfccher.test/', 'default'),
                      ('http://u:p@10.2.0.9:8080', 'b'),
                      ('https://10.2.0.9:8080/', 'default'),
                      ('https://a.test:444?x', 'c'),
                      ('http://[2001:db8::1]:444/#https://a.test', 'default'),
                      ('http://x.test', 'default')):
        equal(explain(s, url)[1], rule, url)
    r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
              'https://WWW.B\xfccher.test:/x')
    check(r.ok().text.startswith('facts: protocol "tls", port "443", ') and
          ', sni "www.xn--bcher-kva.test", ' in r.text, r.text)
    for bad in ('https://', 'https://a b/', 'http://x:99999/'):
        equal(s.run(s.gateway, s.binary, 'explain', bad).code, 2, bad)


@scenario
def a_verdict_may_wait_for_the_certificate(s):
    """Bypass connects again, and the client sees the server's own; block has
    its page; decrypt shows everything to the mirror."""
    s.start(rules=[
        {'name': 'theirs', 'certificate': {'subject': 'CN=two.test'},
         'action': 'bypass'},
        {'name': 'old', 'certificate': {'status': ['expired', 'revoked']},
         'action': 'block'},
        ALL])
    s.serve(444, cert='two')
    s.serve(445, cert='expired')
    s.serve(443)
    for hi in ('1.2', '1.3'):
        p = s.exchange(b'private', port=444, name='two.test', hi=hi,
                       trust=s.pki.root)
        check(own_certificate(s, p, 'two'), 'not the server\'s own')
    page = s.tls(port=445, name='expired.test', alpn=['http/1.1'],
                 verify=False)
    page.send(b'GET / HTTP/1.1\r\nHost: expired.test\r\n\r\n')
    text = page.recv_all()
    check(text.startswith(b'HTTP/1.1 403') and b'rule old' in text, text)
    c = s.exchange(b'seen' * 5000)
    s.mirrored([(bytes(c.sent), bytes(c.received))])
    page.sock.close()
    equal([(f['clearspan']['action'], f['clearspan']['rule'])
           for f in s.d.flows(4)],
          [('bypass', 'theirs')] * 2 + [('block', 'old'),
                                        ('decrypt', 'default')])


@scenario
def a_certificate_that_never_comes_matches_no_rule(s):
    """The server wants a client certificate, speaks no TLS, or the client
    none: the next rule that holds decides."""
    s.start(record=False, rules=[
        {'name': 'cert', 'certificate': {'issuer': '*Nobody*'},
         'action': 'reset'},
        {'name': 'rest', 'action': 'bypass'}])
    s.serve(443, plain=True)            # an echo: no handshake with us
    s.serve(80, plain=True, handler=peer.http(b'hello'))
    sock = s.connect(443)
    p = peer.Peer(sock, peer.client_context(s.pki.ca, verify=False), 'x.test')
    try:
        p.tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = p.bout.read()
    sock.sendall(hello)
    got = b''
    while len(got) < len(hello):
        got += sock.recv(len(hello) - len(got))
    equal(got, hello, 'the echo of the hello, bypassed')
    sock.close()
    c = s.plain(80)
    c.send(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    c.recv_until(b'hello')
    c.finish()
    equal([(f['clearspan']['action'], f['clearspan']['rule'])
           for f in s.d.flows(2)], [('bypass', 'rest')] * 2)


@scenario
def a_bypass_behind_a_rule_on_certificates_is_confirmed(s):
    """The name in the hello is not the server's: no bypass by that name."""
    s.start(record=False, workers=1, rules=[
        {'name': 'cert', 'certificate': {'status': 'expired'},
         'action': 'block'},
        {'name': 'private', 'sni': 'good.test', 'action': 'bypass'},
        {'name': 'default', 'action': 'decrypt', 'mirror': []}])
    s.serve(443)
    s.serve(444, cert='wrong')
    for port, own in ((443, True), (444, False)):
        p = s.exchange(b'x', port=port, verify=False)
        equal(own_certificate(s, p, 'good' if own else 'wrong'), own, port)
    equal([(f['clearspan']['action'], f['clearspan']['rule'],
            f['clearspan'].get('why')) for f in s.d.flows(2)],
          [('bypass', 'private', None),
           ('decrypt', 'default', 'bypass not confirmed')])
