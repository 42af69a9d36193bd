"""Each HTTP/1 request is judged by the rules under its own name, and what the
scanner and the rules are shown is what the origin gets."""
import html
import signal
import time

from harness import check, equal, http, icap, net, peer, programs, scenario, \
    wait

DEFAULT = {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}


def get(host, path='/x', version='1.1', more=''):
    lines = 'GET %s HTTP/%s\r\n' % (path, version)
    return (lines + ('Host: %s\r\n' % host if host is not None else '') +
            more + '\r\n').encode()


def ask(p, *args, **kw):
    p.send(get(*args, **kw))
    return http.answer(p)


def hosts_of(origin):
    return [m.get('host') for m in origin.got]


def hosts(o):
    return hosts_of(o.origin)


def judged(s, result, n):
    s.d.metric_is(n, 'clearspan_requests_judged_total', result=result)


def scan(s, **over):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo')), **over)
    return srv, icap.Little(s)


# Whom the server is.
@scenario
def a_name_the_server_has_not_is_misdirected(s):
    """Neither in the hello nor in its certificate: 421, and neither the
    scanner nor the server is shown it; on any request of a connection."""
    srv, o = scan(s)
    own = ['good.test', 'GOOD.Test', 'good.test.', 'good.test:443',
           'www.good.test', 'WWW.good.test.:443', '10.2.0.2', '[fd02::2]',
           '[FD02:0:0::2]:443']
    p = o.client('https')
    for host in own:
        equal(ask(p, host).status, 200, host)
    for host in ('evil.test', 'good.test.evil.test', 'a.b.good.test',
                 'xgood.test', '10.2.0.3', '[fd02::3]', 'XN--BCHER-KVA.test'):
        p = o.client('https')
        equal(ask(p, 'good.test').status, 200)
        m = icap.page(ask(p, host), 421)
        check(b'has no claim to the name ' + host.strip('[]').lower().encode()
              in m.body, m.body)
        equal(p.recv_all(), b'', 'the connection ends')
        p.finish()
    equal(hosts(o), own + ['good.test'] * 7)
    check(all('evil' not in x['req-hdr'] for x in srv.log()), 'shown')
    judged(s, 'host-mismatch-blocked', 7)
    p = o.client('https')
    equal(ask(p, 'www.good.test').status, 200, 'on a resumed session')
    p.finish()
    check(any(f['clearspan']['server']['resumed'] for f in s.d.flows(8)),
          'none was resumed')
    s.d.wait_log('asks for evil.test on a connection for good.test: '
                 'host-mismatch-blocked')


@scenario
def host_mismatch_may_be_logged_or_allowed_by_rule(s):
    srv = icap.Script(s)
    scan_it = dict(DEFAULT, icap=['scan'])
    icap.start(s, icap.service(srv.url('echo')), rules=[
        dict(scan_it, name='log', sni=['log.good.test'],
             inspect={'host-mismatch': 'log'}),
        dict(scan_it, name='block', sni=['block.good.test']),
        scan_it], inspect={'host-mismatch': 'allow'})
    o = icap.Little(s)
    equal(ask(o.client('https', 'log.good.test'), 'evil.test').status, 200)
    equal(ask(o.client('https'), 'evil.test').status, 200)
    judged(s, 'host-mismatch-logged', 1)
    judged(s, 'host-mismatch-allowed', 1)
    judged(s, 'host-mismatch-blocked', 0)
    s.d.wait_log('evil.test on a connection for log.good.test')
    equal(ask(o.client('https', 'block.good.test'), 'evil.test').status, 200,
          'a rule without its own has the top level\'s')


@scenario
def an_untrusted_certificate_gives_no_claim(s):
    """Anybody may write any name into one."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo')))
    o = http.Origin()
    s.serve(443, handler=o, cert='self')

    def untrusted():
        return s.tls(name='wrong.test', verify=False)
    equal(ask(untrusted(), 'wrong.test').status, 200, 'the hello\'s own')
    equal(ask(untrusted(), 'self.test').status, 421, 'the certificate\'s')


@scenario
def a_client_without_sni_asks_for_what_the_certificate_has(s):
    srv, o = scan(s)

    def nameless():
        return s.tls(name=None, verify=False)
    for host in ('good.test', 'www.good.test', net.SERVER):
        equal(ask(nameless(), host).status, 200, host)
    equal(ask(nameless(), 'evil.test').status, 421)


# One head.
@scenario
def absolute_form_replaces_host(s):
    """RFC 9112, 3.2.2; the scanner and the origin are told one name."""
    srv, o = scan(s)
    p = o.client('https')
    for target, host, code in (
            ('https://good.test/a', 'good.test', 200),
            ('https://www.good.test/b', 'evil.test', 200),
            ('https://WWW.good.test:443?c', 'evil.test:99', 200)):
        equal(ask(p, host, target).status, code, target)
    equal(hosts(o), ['good.test', 'www.good.test', 'WWW.good.test:443'])
    equal([x['req-hdr'].lower().count('host: ' + h.lower()) for x, h in
           zip(srv.logged(3, 'REQMOD'), hosts(o))], [1, 1, 1])
    check(all('evil' not in x['req-hdr'] for x in srv.log()), 'shown')
    icap.page(ask(p, 'good.test', 'https://evil.test/d'), 421)
    equal(len(o.got()), 3)


# By the rules.
RULES = [{'name': 'no-entry', 'host': ['blocked.test', '*.blocked.test'],
          'action': 'block'},
         {'name': 'gone', 'site': ['reset.test'], 'action': 'reset'},
         {'name': 'other', 'site': ['other.test'], 'action': 'decrypt',
          'mirror': []}, DEFAULT]


@scenario
def each_request_in_the_clear_is_judged(s):
    s.start(rules=RULES, record=False)
    o = icap.Little(s)
    for host in ('blocked.test', 'BLOCKED.test.:80', 'a.blocked.test'):
        p = o.client('http')
        equal([ask(p, 'good.test').status for i in range(3)], [200] * 3)
        m = icap.page(ask(p, host), 403)
        check(b'no-entry' in m.body, m.body)
        equal(p.recv_all(), b'', 'the connection ends')
    p = o.client('http')
    equal(ask(p, 'good.test').status, 200)
    m = icap.page(ask(p, 'other.test'), 421)
    check(b'"rule":"other"' in m.body and
          b'belongs on a connection of its own' in m.body,
          m.body)
    p = o.client('http')
    equal(ask(p, 'good.test').status, 200)
    p.send(get('reset.test'))
    equal(peer.reset_wait(p.sock), peer.RST)
    p = o.client('http')
    equal([ask(p, 'other.test').status for i in range(2)], [200] * 2)
    equal(set(hosts(o)), {'good.test', 'other.test'})
    judged(s, 'blocked', 4)
    judged(s, 'misdirected', 1)


@scenario
def pipelined_and_piecemeal_requests_are_judged(s):
    s.start(rules=RULES, record=False)
    o = icap.Little(s)
    p = o.client('http')
    p.send(get('good.test', '/1') + get('good.test', '/2') +
           get('blocked.test', '/3') + get('good.test', '/4'))
    equal([http.answer(p).status for i in range(3)], [200, 200, 403])
    equal(p.recv_all(), b'')
    equal([m.target for m in o.got()], ['/1', '/2'])
    p = o.client('http')
    equal(ask(p, 'good.test').status, 200)
    for b in get('blocked.test', '/5', more='X-Pad: ' + 'y' * 50 + '\r\n'):
        p.send(bytes([b]))
        time.sleep(0.001)       # for some to be read alone
    equal(http.answer(p).status, 403)
    p = o.client('http')
    p.send(b'POST /6 HTTP/1.1\r\nHost: good.test\r\nContent-Length: 60\r\n'
           b'\r\n' + get('blocked.test', '/body')[:40] + b'.' * 20 +
           get('blocked.test', '/7'))
    equal([http.answer(p).status for i in range(2)], [200, 403])
    equal([m.target for m in o.got()], ['/1', '/2', '/x', '/6'])


@scenario
def requests_that_say_no_name_or_two(s):
    s.start(rules=RULES, record=False)
    o = icap.Little(s)
    p = o.client('http')
    equal(ask(p, 'good.test').status, 200)
    p.send(get(None, version='1.0', more='Connection: keep-alive\r\n'))
    equal(http.answer(p).status, 200, 'as the connection')
    for bad in (get('good.test', more='Host: blocked.test\r\n'),
                get('blocked.test', more='Host: good.test\r\n'),
                get('good.test', more='Host : blocked.test\r\n'),
                get('good.test', more=' Host: blocked.test\r\n'),
                get('good.test blocked.test'), get('good.test, blocked.test'),
                get('b\u00fccher.test'), get('good.test@blocked.test'),
                get(None), get('good.test', 'http://good.test@blocked.test/'),
                get('good.test', 'http://blocked%2etest/')):
        p = o.client('http')
        equal(ask(p, 'good.test').status, 200)
        p.send(bad)
        equal(http.answer(p).status, 400, bad)
    equal(len(o.got()), 13)


@scenario
def a_request_that_cannot_be_read_is_in_the_log(s):
    """With status, reason and the reference that its page shows."""
    s.start(rules=RULES, record=False, log={'events': ['flow', 'http']})
    o = icap.Little(s)
    for n, bad in enumerate((get('good.test, blocked.test'),
                             b'GET / HTTP/1.1\r\nHost\r\n\r\n',
                             get('good.test', more='X: ' + 'y' * (1 << 19)
                                 + '\r\n'))):
        p = o.client('http')
        equal(ask(p, 'good.test').status, 200)
        p.send(bad)
        m = http.answer(p)
        e = wait(lambda: [e for e in s.d.events('http')
                          if e['http'].get('status', 200) != 200][n:],
                 'the event of a %d' % m.status)[0]
        equal(e['http']['status'], m.status, e)
        equal([e['clearspan']['answered_by'], e['clearspan']['rule']],
              ['gateway', 'default'], e)
        page = html.unescape(m.body.decode())
        check(e['clearspan']['reason'] in page, e, page)
        check('transaction %s<' % e['clearspan']['reference'] in page, e, page)


@scenario
def each_request_over_tls_is_judged(s):
    """By host and site, and by sni as if the hello had said it, where the
    certificate has several names."""
    s.start(rules=[{'name': 'no-entry', 'site': ['one.good.test'],
                    'action': 'block'},
                   {'name': 'privacy', 'sni': ['two.test'],
                    'action': 'bypass'},
                   {'name': 'shut', 'sni': ['shut.good.test'],
                    'action': 'block'},
                   {'name': 'off', 'host': ['four.good.test'],
                    'action': 'decrypt', 'mirror': []},
                   DEFAULT], record=False)
    o = http.Origin()
    s.serve(443, handler=o, cert='names')

    def status(host, name='good.test'):
        p = s.tls(name=name, verify=name is not None)
        equal(ask(p, 'good.test').status, 200, 'the first')
        return ask(p, host).status
    equal(status('www.good.test'), 200)
    equal(status('one.good.test'), 403)
    equal(status('two.test'), 421, 'it would be bypassed')
    equal(status('shut.good.test'), 403)
    equal(status('shut.good.test', None), 403, 'without a name')
    equal(status('two.test', None), 200, 'it cannot be bypassed')
    equal(status('four.good.test'), 421)
    p = s.tls(name='four.good.test')
    equal(ask(p, 'four.good.test').status, 200, 'sni stands for host')
    equal(set(hosts_of(o)), {'good.test', 'www.good.test', 'two.test',
                             'four.good.test'})
    wait(lambda: 'off' in [f['clearspan']['rule'] for f in s.d.events()] or
         p.finish() and 0, 'its flow event', 10 * s.slow)


@scenario
def a_tunnel_by_address_is_judged_by_the_name_inside(s):
    """Clients that look names up themselves and CONNECT to an address."""
    s.start(rules=[{'name': 'named', 'host': ['good.test'],
                    'action': 'decrypt', 'mirror': []},
                   {'name': 'there', 'site': ['10.2.0.3'],
                    'action': 'decrypt', 'mirror': []},
                   {'name': 'rest', 'action': 'block'}], record=False)
    o = http.Origin()
    s.serve(443, handler=o)
    s.serve(80, handler=o, plain=True)
    s.serve(80, handler=o, plain=True, address='10.2.0.3')
    p = s.tls(sock=s.via_proxy(net.SERVER, 443))
    equal(ask(p, 'good.test').status, 200)
    p = peer.Peer(s.via_proxy(net.SERVER, 80))
    equal(ask(p, 'good.test').status, 200)
    equal(ask(p, 'evil.test').status, 403)
    p = peer.Peer(s.via_proxy(net.SERVER, 80))
    equal(ask(p, 'evil.test').status, 403, 'the first')
    p = peer.Peer(s.via_proxy('10.2.0.3', 80))
    equal(ask(p, 'any.test').status, 200, 'the address is in the rule')
    equal(hosts_of(o), ['good.test', 'good.test', 'any.test'])


@scenario
def explicit_plain_http_is_judged_by_its_url(s):
    """Whatever Host says, and on every request of a connection."""
    s.start(rules=[{'name': 'no-entry', 'host': ['two.test'],
                    'action': 'block'}, DEFAULT], record=False)
    o = icap.Little(s)
    p = peer.Peer(s.connect(net.PROXY, net.INNER))
    for host in ('plain.test', 'PLAIN.test.', 'plain.test:80'):
        equal(ask(p, 'two.test', 'http://%s/' % host).status, 200, host)
    equal(hosts(o), ['plain.test', 'PLAIN.test.', 'plain.test:80'])
    m = ask(p, 'plain.test', 'http://two.test/')
    equal(m.status, 403)
    check(b'no-entry' in m.body, m.body)
    p = peer.Peer(s.connect(net.PROXY, net.INNER))
    equal(ask(p, 'plain.test', 'http://Two.Test.:80/').status, 403)
    equal(len(o.got()), 3)


@scenario
def without_such_rules_nothing_is_read(s):
    """No service and no rule on host or site: what is said inside is between
    the client and its server."""
    s.start(rules=[{'name': 'x', 'sni': ['two.test'], 'action': 'block'},
                   dict(DEFAULT, mirror=[])], record=False)
    o = http.Origin()
    s.serve(443, handler=o, cert='names')
    p = s.tls(name='good.test')
    for host in ('good.test', 'two.test', 'evil.test'):
        equal(ask(p, host).status, 200, host)
    p.send(b'no HTTP at all\r\n\r\n')
    wait(lambda: o.got and len(o.got) == 4, 'all that was said')


@scenario
def nginx_with_two_names(s):
    """The name it has, and one it has not, by curl; keep-alive."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo')))
    programs.nginx(s, cert='names', files={'a.txt': b'a'})

    def curl(host, *urls):
        return programs.curl(s, '-4', '-w', '%{http_code}\n', '-o',
                             '/dev/null', '-o', '/dev/null', '-H',
                             'Host: ' + host, *urls).ok().text.split()
    url = 'https://good.test/a.txt'
    equal(curl('two.test', url, url), ['200', '200'])
    equal(curl('evil.test', url), ['421'])
    equal(curl('good.test.:443', url), ['200'])


@scenario
def other_protocols_pass_where_requests_are_judged(s):
    """A rule on host has HTTP read; what is none is not held up by that,
    whoever speaks first, and the mirror has it."""
    s.start(rules=RULES)

    def mail(p):
        p.send(b'220 mail.test ESMTP\r\n')
        peer.echo(p)
    served = [s.serve(25, handler=mail, plain=True),
              s.serve(465, handler=mail), s.serve(11211, plain=True),
              s.serve(6380), s.serve(22, plain=True, handler=lambda p: (
                  p.send(b'SSH-2.0-little\r\n'), peer.echo(p)))]
    said = {25: b'EHLO client.test\r\nMAIL FROM:<a@b.test>\r\n',
            465: b'EHLO client.test\r\n', 11211: b'get key\r\n',
            6380: b'*1\r\n$4\r\nPING\r\n', 22: b'SSH-2.0-client\r\n'}
    for port, line in said.items():
        p = s.tls(port=port) if port in (465, 6380) else s.plain(port)
        if port in (25, 465, 22):
            p.recv_until(b'\r\n')
        for part in (line, b'and more\r\n'):
            p.send(part)
            equal(p.recv_exact(len(part)), part, port)
        p.finish()
    equal([len(x.wait(1)) for x in served], [1] * 5)


@scenario
def each_stream_is_judged(s):
    """What is refused does nothing to the streams beside it."""
    s.start(rules=RULES, record=False)
    programs.nginx(s)
    names = {'good.test': 200, 'blocked.test': 403, 'www.good.test': 200,
             'reset.test': 0, 'other.test': 421, 'evil.test': 421}
    args = []
    for name in names:
        args += ['-H', 'Host: ' + name, '-o', s.path(name), '-w',
                 '%{http_version} %{response_code} %{num_connects}\n',
                 'https://good.test/', '--next', '-sS', '--http2', '--cacert', s.pki.ca]
    r = programs.curl(s, '-4', '--http2', *args[:-5])
    equal([x.split() for x in r.text.splitlines()],
          [['2' if status else '0', '%03d' % status, '01'[n == 0]]
           for n, status in enumerate(names.values())])
    with open(s.path('blocked.test')) as f:
        check('no-entry' in f.read())
    judged(s, 'blocked', 2)
    judged(s, 'misdirected', 1)
    judged(s, 'host-mismatch-blocked', 1)


@scenario
def a_reload_may_bring_a_rule_on_host(s):
    """What began without one goes on as it began."""
    s.start(rules=[{'name': 'none', 'sni': ['blocked.test'],
                    'action': 'block'}, DEFAULT], record=False)
    o = icap.Little(s)
    old = o.client('http')
    equal(ask(old, 'good.test').status, 200)
    with open(s.d.file) as f:
        text = f.read()
    with open(s.d.file, 'w') as f:
        f.write(text.replace('sni: [blocked.test]', 'host: [blocked.test]'))
    s.d.p.send_signal(signal.SIGHUP)
    wait(lambda: s.d.metric('clearspan_reloads_total', result='ok') == 1,
         'a reload', 10 * s.slow)

    def new():
        p = o.client('http')
        equal(ask(p, 'good.test').status, 200)
        return ask(p, 'blocked.test').status
    wait(lambda: new() == 403, 'both workers know', 10 * s.slow)
    equal(ask(old, 'blocked.test').status, 200)
