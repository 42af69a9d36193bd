"""Servers that ask for a client certificate behind the handshake: Apache, for
a part of a site, in every version, and servers that only end."""
import os
import re
import signal
import ssl
import threading

from harness import (check, equal, h2_programs, net, peer, proc, programs,
                     scenario, wait)
from harness.proc import wait_port
from t_mtls import LATE, WANTED, ours
from t_tls import user_context

AGAIN = WANTED + ': it asked by a renegotiation'
URL = 'https://good.test/'
FILES = {name: name.encode() + b' of apache\n'
         for name in ('open', 'secret', 'optional')}
HOWS = {'1.3': ('--http1.1',), '1.2': ('--http1.1', '--tls-max', '1.2'),
        'h2': ('--http2',)}
DEFAULT = {'name': 'default', 'action': 'decrypt'}


def apache(s):
    h2_programs.apache(s, FILES, more='''
SSLCACertificateFile %s
SSLVerifyDepth 3
<Location /secret>
	SSLVerifyClient require
</Location>
<Location /optional>
	SSLVerifyClient optional
</Location>
''' % s.pki.root)


def curl(s, how, what, user=False, ns=None):
    """(how curl ends, what it got)."""
    pair = s.pki.pair('user')
    r = programs.curl(s, '-4', *HOWS[how], *(
        ('--cert', pair[0], '--key', pair[1]) if user else ()), '--resolve',
        'good.test:443:%s' % net.SERVER, URL + what, trust=s.pki.bundle, ns=ns)
    return r.code, r.out


def without(s, how, what, user):
    """The same with no gateway between."""
    return curl(s, how, what, user, ns=s.server)


def flows(s, n):
    return [(f['clearspan']['action'], f['flow'].get('reason'),
             f['clearspan'].get('server', {}).get('client_certificate'))
            for f in s.d.flows(n)]


@scenario
def apache_that_asks_for_a_part_of_its_site_gets_what_the_rule_has(s):
    """The certificate of the rule, or none where the site does without;
    what curl gets is what it gets with no gateway between."""
    s.start(record=False, workers=1, rules=[
        ours(s.pki.pair('user'), 'default')])
    apache(s)
    n = 0
    for how in HOWS:
        for what in FILES:
            equal(curl(s, how, what), without(s, how, what, True),
                  '%s %s' % (how, what))
            n += 2 if how == 'h2' and what != 'open' else 1
            f = flows(s, n)[-1]
            equal(f[0], 'decrypt', f)
            equal(f[2], True if what != 'open' else None, '%s %s' % (how,
                                                                    what))


@scenario
def apache_that_does_without_is_decrypted(s):
    """It asks, and goes on, however long it is connected to."""
    s.start(record=False, workers=1, rules=[DEFAULT])
    apache(s)
    n = 0
    for how in HOWS:
        for what in ('optional', 'open', 'optional'):
            equal(curl(s, how, what), without(s, how, what, False),
                  '%s %s' % (how, what))
            n += 2 if how == 'h2' and what != 'open' else 1
    equal({x[:1] + x[2:] for x in flows(s, n)}, {('decrypt', None)})
    equal([x[1] for x in flows(s, n) if WANTED in (x[1] or '')], [])
    equal(s.d.ctl('failures')['failures'], [])


def apache_that_insists(s, how, reason):
    """The first session fails as without a certificate, with the reason in
    the log and in `ctl failures`; the next is the client's own."""
    s.start(record=False, workers=1, rules=[DEFAULT])
    apache(s)
    n = 2 if how == 'h2' else 1
    check(curl(s, how, 'secret', True)[0] != 0, 'curl had an answer')
    check(without(s, how, 'secret', False)[0] != 0, 'apache does not insist')
    equal(flows(s, n)[-1][:2], ('decrypt', reason))
    rows = s.d.ctl('failures', 'good.test')['failures']
    equal([(x['site'], x['reason'], x['count']) for x in rows],
          [('good.test', reason, 1)])
    check('client-certificate:' in rows[0]['mend'], rows)
    wait(lambda: 'to good.test: ' + reason + '; what to do: ' in s.d.text(),
         'the line of the log')
    equal(curl(s, how, 'secret', True), without(s, how, 'secret', True))
    f = s.d.flows(n + 1)[n]['clearspan']
    equal((f['action'], f['why']), ('bypass', WANTED))


@scenario
def apache_that_insists_in_tls_13_is_passed_through_the_next_time(s):
    apache_that_insists(s, '1.3', LATE)


@scenario
def apache_that_insists_in_tls_12_is_passed_through_the_next_time(s):
    apache_that_insists(s, '1.2', AGAIN)


@scenario
def apache_that_insists_in_http2_is_passed_through_the_next_time(s):
    """Its stream ends with HTTP_1_1_REQUIRED, and curl comes again."""
    apache_that_insists(s, 'h2', LATE)


@scenario
def apache_behind_a_bypass_has_the_client_itself(s):
    s.start(record=False, workers=1, rules=[
        {'name': 'mtls', 'site': ['good.test'], 'action': 'bypass'}, DEFAULT])
    apache(s)
    for how in HOWS:
        for what in FILES:
            for user in (True, False):
                equal(curl(s, how, what, user)[1],
                      without(s, how, what, user)[1], '%s %s' % (how, what))


ANSWERED = WANTED + ': it answered %d'
NGINX_MTLS = """ssl_client_certificate %s;
	ssl_verify_client on;
	ssl_protocols %s;
	"""
ON_DEMAND = """
SSLCACertificateFile %s
SSLVerifyDepth 3
SSLVerifyClient %s
<Location /secret>
	%s
	Require ssl-verify-client
</Location>
"""


def refuses_by_its_answer(s, how, what, status):
    """The first client is refused as one without a certificate is; the
    connection that it keeps ends, and the next is its own."""
    first = without(s, how, what, False)
    check(b'%d' % status in first[1] or not first[1], first)
    equal(curl(s, how, what, True), first)
    f = flows(s, 1)[0]
    equal(f[:2], ('decrypt', ANSWERED % status))
    rows = s.d.ctl('failures', 'good.test')['failures']
    equal([(x['site'], x['reason'], x['count']) for x in rows],
          [('good.test', ANSWERED % status, 1)])
    check('client-certificate:' in rows[0]['mend'], rows)
    equal(curl(s, how, what, True), without(s, how, what, True))
    f = s.d.flows(2)[1]['clearspan']
    equal((f['action'], f['why']), ('bypass', WANTED))


def nginx_that_refuses(s, how, versions, http2=True):
    s.start(record=False, workers=1, rules=[DEFAULT])
    programs.nginx(s, files=FILES, http2=http2,
                   more=NGINX_MTLS % (s.pki.root, versions))
    refuses_by_its_answer(s, how, 'secret', 400)


@scenario
def nginx_that_answers_400_in_tls_13_is_passed_through_the_next_time(s):
    nginx_that_refuses(s, '1.3', 'TLSv1.3')


@scenario
def nginx_that_answers_400_in_tls_12_is_passed_through_the_next_time(s):
    nginx_that_refuses(s, '1.2', 'TLSv1.2', http2=False)


@scenario
def nginx_that_answers_400_to_http1_is_passed_through_the_next_time(s):
    """To a client that speaks HTTP/2 with us."""
    s.start(record=False, workers=1, rules=[DEFAULT])
    programs.nginx(s, files=FILES, http2=False,
                   more=NGINX_MTLS % (s.pki.root, 'TLSv1.2 TLSv1.3'))
    code, out = curl(s, 'h2', 'secret', True)
    equal(code, 0)
    check(b'400 No required SSL' in out, out)
    equal(flows(s, 1)[0][:2], ('decrypt', ANSWERED % 400))
    equal(curl(s, 'h2', 'secret', True), (0, FILES['secret']))
    equal(s.d.flows(2)[1]['clearspan']['action'], 'bypass')


@scenario
def a_server_that_serves_without_a_certificate_does_not_insist(s):
    """No client can have it bypassed by a bad request; other statuses count
    for nothing. Resumed, it would not ask."""
    s.start(record=False, workers=1, rules=[DEFAULT])
    h2_programs.apache(s, FILES, more="""
SSLCACertificateFile %s
SSLVerifyClient optional
SSLSessionTickets off
SSLSessionCache none
<Location /secret>
	Require all denied
</Location>
""" % s.pki.root)
    whats = 'gone', 'open', 'secret', 'secret'
    for how in HOWS:
        equal([re.findall(rb'40\d', curl(s, how, what)[1])[:1] for what in
               whats], [[b'404'], [], [b'403'], [b'403']])
    f = [f['clearspan'] for f in s.d.flows(len(whats) * len(HOWS))]
    equal({(x['action'], x['server']['resumed']) for x in f},
          {('decrypt', False)})
    equal(s.d.ctl('failures')['failures'], [])
    equal(s.d.ctl('learned')['learned'], [])


@scenario
def nginx_that_answers_400_in_http2_is_passed_through_the_next_time(s):
    nginx_that_refuses(s, 'h2', 'TLSv1.2 TLSv1.3')


def apache_that_answers(s, how, handshake, location):
    s.start(record=False, workers=1, rules=[DEFAULT])
    h2_programs.apache(s, FILES, more=ON_DEMAND % (
        s.pki.root, handshake, location))
    refuses_by_its_answer(s, how, 'secret', 403)


@scenario
def apache_that_answers_403_is_passed_through_the_next_time(s):
    apache_that_answers(s, '1.3', 'optional', '')


@scenario
def apache_that_answers_403_in_http2_is_passed_through_the_next_time(s):
    apache_that_answers(s, 'h2', 'optional', '')


@scenario
def apache_that_answers_403_when_it_has_asked_late_is_passed_through(s):
    apache_that_answers(s, '1.3', 'none', 'SSLVerifyClient optional')


@scenario
def apache_that_answers_403_behind_a_renegotiation_is_passed_through(s):
    apache_that_answers(s, '1.2', 'none', 'SSLVerifyClient optional')


@scenario
def a_403_of_a_server_that_has_not_asked_is_none_of_that(s):
    """Nor is one that comes when it has answered without a certificate, nor
    what is in the body, nor the answer to another."""
    s.start(record=False, workers=1, rules=[DEFAULT])
    s.serve(443, handler=lambda p: (p.recv_until(b'\n\r\n'), p.send(
        b'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
        p.recv_all(), p.close()), alpn=['http/1.1'])
    equal(curl(s, '1.3', 'x')[1], b'no')
    ctx = asking(s, ssl.CERT_OPTIONAL, late=False)

    def twice(p):
        p.recv_until(b'\n')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n'
               b'HTTP/1.1 403')
        p.recv_until(b'\n')
        p.send(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
        p.recv_all()
        p.close()
    s.serve(444, ctx=ctx, handler=twice)
    c = s.tls(444, ctx=user_context(s, '1.3'))
    c.send(b'one\n')
    c.recv_until(b'HTTP/1.1 403')
    c.send(b'two\n')
    c.recv_until(b'Content-Length: 0\r\n\r\n')
    c.close()
    equal([WANTED in (x[1] or '') for x in flows(s, 2)], [False] * 2)
    equal(s.d.ctl('failures')['failures'], [])
    equal(s.d.ctl('learned')['learned'], [])


@scenario
def a_connection_whose_server_refused_by_its_answer_makes_way(s):
    """It is kept by both, and would be used again: it ends when the answer has
    come; the client's next one is its own. What must be decrypted stays."""
    s.start(record=False, workers=1, rules=[
        {'name': 'must', 'port': [445], 'action': 'decrypt',
         'must-decrypt': True}, DEFAULT])
    body = b'x' * 300000

    def handler(p):
        p.recv_until(b'\n')
        p.send(b'HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n'
               % len(body) + body)
        p.recv_all()
        p.close()
    for port in 444, 445:
        ctx = asking(s, ssl.CERT_OPTIONAL, late=False)
        s.serve(port, ctx=ctx, handler=handler)
    kept = s.tls(445, ctx=user_context(s, '1.3'))
    kept.send(b'GET\n')
    kept.recv_exact(len(body))
    c = s.tls(444, ctx=user_context(s, '1.3'))
    c.send(b'GET\n')
    equal(c.recv_all()[-len(body):], body)
    f = flows(s, 1)[0]
    equal(f[:2], ('decrypt', ANSWERED % 403))
    c = s.tls(444, ctx=user_context(s, '1.3'))
    c.send(b'GET\n')
    c.recv_exact(len(body))
    c.close()
    equal(flows(s, 2)[1][0], 'bypass')
    kept.send(b'more\n')
    kept.close()
    equal(flows(s, 3)[0][:2], ('decrypt', ANSWERED % 403))


@scenario
def a_connection_that_makes_way_ends_when_nothing_is_under_way(s):
    """Neither the answer, for a client that reads it late, nor that to another
    request is lost: not while a connection of the same age makes way."""
    s.start(record=False, workers=1)
    bodies = {443: b'x' * 200000, 444: b'y' * 20000000, 445: b'z'}
    over = threading.Event()
    heads = b'HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n'

    def handler(p):
        p.recv_until(b'\n')
        port = p.sock.getsockname()[1]
        p.send(heads % len(bodies[port]) + bodies[port])
        if port == 445:
            p.recv_until(b'\n')
            over.wait(proc.PATIENCE)
            p.send(b'the second')
        p.recv_all()
        p.close()

    def ask(port):
        s.serve(port, handler=handler,
                ctx=asking(s, ssl.CERT_OPTIONAL, late=False))
        c = s.tls(port, ctx=user_context(s, '1.3'))
        c.send(b'one\n')
        return c
    slow = [(ask(port), port) for port in (443, 444)]
    twice = ask(445)
    twice.recv_until(b'z')
    twice.send(b'two\n')
    bodies[446] = b''
    ask(446).recv_all()
    over.set()
    twice.recv_until(b'the second')
    for c, port in slow:
        c.recv_until(b'\r\n\r\n')
        equal(c.recv_exact(len(bodies[port])), bodies[port])
    for c in [c for c, port in slow] + [twice]:
        c.recv_all()
    equal([(x[0], ANSWERED[:-3] in x[1]) for x in flows(s, 4)],
          [('decrypt', True)] * 4)


def asking(s, mode, late=True):
    """The context of a server that may ask behind the handshake, or asks in
    it."""
    ctx = peer.server_context(s.pki.pair('good'), lo='1.3')
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = mode
    ctx.post_handshake_auth = late
    return ctx


def ask_again(p):
    """For a certificate; until the answer to that is here."""
    p.tls.verify_client_post_handshake()
    n = len(p.raw_in)
    p.tls.do_handshake()
    p.flush()
    while len(p.raw_in) == n:
        p.pull()


def ends(s, port, answers, alert=b''):
    """A server that asks, hears that there is none, and then only ends, with
    or without an answer before that. It sends no alert."""
    ctx = asking(s, ssl.CERT_OPTIONAL)
    ctx.num_tickets = 0

    def handler(p):
        p.recv_until(b'\n')
        ask_again(p)
        if answers:
            p.send(b'here you are\n')
        p.notify()
        p.close()
    return s.serve(port, ctx=ctx, handler=handler)


def asks(s, port):
    ctx = user_context(s, '1.3')
    ctx.post_handshake_auth = True
    c = s.tls(port, ctx=ctx)
    c.send(b'one\n')
    c.recv_all()
    c.close()


@scenario
def a_server_that_ends_without_an_answer_insists(s):
    s.start(record=False, workers=1)
    ends(s, 443, False)
    asks(s, 443)
    f = s.d.flows(1)[0]
    equal((f['clearspan']['action'], f['flow']['reason']), ('decrypt', LATE))
    equal([(x['site'], x['reason']) for x in s.d.ctl('failures')['failures']],
          [('good.test', LATE)])
    equal([x['site'] for x in s.d.ctl('learned')['learned']], ['good.test'])


@scenario
def a_server_that_ends_as_its_client_is_silent_does_not_insist(s):
    s.start(record=False, workers=1)
    ends(s, 443, True)
    for i in range(2):
        asks(s, 443)
    equal([(f['clearspan']['action'], f['flow'].get('reason'))
           for f in s.d.flows(2)], [('decrypt', 'server closed')] * 2)
    equal(s.d.ctl('failures')['failures'], [])


@scenario
def an_alert_before_a_reset_is_heard(s):
    """As from a server that closes with bytes unread: the gateway finds that
    it cannot write, and the alert is there to read."""
    s.start(record=False, workers=1)
    ctx = asking(s, ssl.CERT_REQUIRED)
    made, user = [], user_context(s, '1.3')
    user.post_handshake_auth = True

    def handler(p):
        p.recv_until(b'\n')
        ask_again(p)
        os.kill(s.d.pid, signal.SIGSTOP)
        made[0].send(b'two\n')
        try:
            p.tls.read(1)
        except ssl.SSLError:
            p.flush()
        wait(lambda: peer.unacked(p.sock) == 0, 'the alert arrived')
        p.rst()
        wait(lambda: proc.connections(s.gateway, 443) == 0, 'so did the RST')
        os.kill(s.d.pid, signal.SIGCONT)
    s.serve(443, ctx=ctx, handler=handler)
    made.append(s.tls(ctx=user))
    made[0].send(b'one\n')
    made[0].recv_all()
    made[0].close()
    equal(flows(s, 1)[0][:2], ('decrypt', LATE))


def is_stopped(pid):
    """Each of its threads: SIGSTOP comes to them one after another."""
    tasks = '/proc/%d/task' % pid
    for task in os.listdir(tasks):
        with open('%s/%s/stat' % (tasks, task)) as f:
            if f.read().rsplit(')', 1)[1].split()[0] != 'T':
                return False
    return True


@scenario
def an_answer_that_is_read_as_the_session_ends_counts(s):
    """The client is gone before it; nothing is left of the session. The next
    one, which makes way, ends later than anything that the first has set."""
    s.start(record=False, workers=1)
    made = []

    def handler(p):
        p.recv_until(b'\n')
        if len(made) == 1:
            port = made[0].sock.getsockname()[1]
            os.kill(s.d.pid, signal.SIGSTOP)
            wait(lambda: is_stopped(s.d.pid), 'that it stands')
            made[0].rst()
            wait(lambda: proc.connections(s.gateway, port) == 0, 'the RST')
        p.send(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
        if len(made) == 1:
            wait(lambda: peer.unacked(p.sock) == 0, 'the answer arrived')
            os.kill(s.d.pid, signal.SIGCONT)
        p.recv_all()
        p.close()
    for port in 443, 444:
        s.serve(port, handler=handler,
                ctx=asking(s, ssl.CERT_OPTIONAL, late=False))
        made.append(s.tls(port, ctx=user_context(s, '1.3')))
        made[-1].send(b'one\n')
        equal(flows(s, len(made))[-1][:2], ('decrypt', ANSWERED % 403))


@scenario
def what_insists_and_is_blocked_is_a_failure(s):
    """In the handshake as behind it, with what to do."""
    s.start(record=False, workers=1, rules=[
        {'name': 'must', 'action': 'decrypt', 'must-decrypt': True}])
    ends(s, 443, False)
    asks(s, 443)
    ctx = peer.server_context(s.pki.pair('good'), hi='1.2')
    ctx.load_verify_locations(s.pki.root)
    ctx.verify_mode = ssl.CERT_REQUIRED
    s.serve(444, ctx=ctx)
    try:
        s.tls(444, ctx=user_context(s, '1.2'))
    except (ssl.SSLError, OSError):
        pass
    s.d.flows(2)
    rows = s.d.ctl('failures')['failures']
    equal(sorted(x['reason'] for x in rows),
          ['blocked by rule must: ' + WANTED, LATE])
    check(all('client-certificate:' in x['mend'] for x in rows), rows)


@scenario
def a_renegotiation_is_none_of_the_bytes(s):
    """openssl renegotiates for a certificate, and goes on without one. A
    second time it is refused."""
    s.start(workers=1)
    os.mkfifo(s.path('orders'))
    p = s.spawn(s.server, 'sh', '-c', 'exec openssl s_server -accept %s:443 '
                '-cert %s -key %s -tls1_2 <%s' % (
                    net.SERVER, *s.pki.pair('good'), s.path('orders')))
    with open(s.path('orders'), 'w') as orders:
        wait_port(s.server, 443, p)
        c = s.tls()
        c.send(b'hello\n')
        wait(lambda: 'hello' in p.text(), 'what the client said')
        orders.write('R\n')
        orders.flush()
        wait(lambda: 'SSL_do_handshake -> ' in p.text(), 'its order')
        c.send(b'again\n')
        wait(lambda: 'again' in p.text(), 'that it goes on')
        orders.write('so do I\n')
        orders.flush()
        c.recv_until(b'so do I\n')
        orders.write('R\n')
        orders.flush()
        c.recv_all()
        c.close()
    equal(flows(s, 1)[0][:2], ('decrypt', AGAIN))
    s.mirrored([(b'hello\nagain\n', b'so do I\n')])
