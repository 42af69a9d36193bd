"""How messages are framed behind a service, what of them is carried along, and
the limits a service is used within."""
import os
import threading
import time
import urllib.parse

from harness import PATIENCE, check, equal, http, icap, net, peer, scenario, \
    wait, whole_lines
from t_icap_evade import by_name, outcomes, until_end

ADAPTED = b'ICAP/1.0 200 OK\r\nISTag: "a"\r\nEncapsulated: res-hdr=0, '


def raw(head, body=None):
    """What a service answers, byte for byte: an HTTP response."""
    out = ADAPTED + b'%s=%d\r\n\r\n' % (
        b'null-body' if body is None else b'res-body', len(head)) + head
    if body is not None:
        out += http.pieces(body)
    return 'f13?do=raw&raw=' + urllib.parse.quote_from_bytes(out)


# Heads.
@scenario
def empty_line_before_a_request_does_no_harm(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo')))
    o = icap.Little(s)
    for way in ('https', 'http'):
        p = o.client(way)
        for first in (b'', b'\r\n', b'\r\n'):
            n = len(o.got())
            p.send(first + http.request('/x', 'POST', b'hello'))
            m = http.answer(p)
            equal((m.status, m.body), (200, http.content(5)), first)
            equal(o.got()[n].line, 'POST /x HTTP/1.1')
            equal(o.got()[n].body, b'hello')
        p.finish()
    wait(lambda: len(srv.log('REQMOD')) == 6, 'six requests')
    check(s.d.alive(), 'the daemon is gone')


@scenario
def empty_line_first_of_all_does_no_harm(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo')))
    o = icap.Little(s)
    for i in range(2):
        p = o.client()
        p.send(b'\r\n' + http.request('/x'))
        equal(http.answer(p).status, 200)
        p.finish()
        p = o.client()
        equal(http.ask(p, '/y').status, 200)
        p.finish()
    wait(lambda: len(srv.log('REQMOD')) == 4, 'four requests')
    equal([x.target for x in o.got()], ['/x', '/y', '/x', '/y'])
    check(s.d.alive(), 'the daemon is gone')


@scenario
def answer_of_a_service_without_length_has_one(s):
    srv = icap.Script(s)
    redirect = b'HTTP/1.1 302 Found\r\nLocation: http://x.test/\r\n\r\n'
    icap.start(s, icap.service(srv.url(raw(redirect)), options=False))
    o = icap.Little(s)
    for way in ('https', 'http'):
        p = o.client(way)
        for i in range(3):
            m = http.ask(p, '/x')
            equal((m.status, m.whole, m.body), (302, True, b''))
            equal(m.get('content-length'), '0')
            equal(m.get('location'), 'http://x.test/')
        p.finish()
    equal(o.got(), [])


@scenario
def adapted_answer_that_cannot_have_a_body_has_none(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('echo')))
    o = icap.Little(s)
    n = 0
    for status in (304, 204):
        head = b'HTTP/1.1 %d Other\r\nETag: "x"\r\n\r\n' % status
        query = raw(head, b'hello').split('raw=')[1]
        n += 1
        srv.rules({'path': 'echo', 'method': 'RESPMOD', 'from': n, 'to': n,
                   'set': {'do': 'raw', 'raw': query}})
        p = o.client()
        m = http.ask(p, '/x?n=6')
        equal((m.status, m.get('etag')), (status, '"x"'))
        equal((m.get('content-length'), m.get('transfer-encoding')),
              (None, None))
        for size in (0, 3000):
            n += 1
            m = http.ask(p, '/x?n=%d' % size)
            equal((m.status, m.body), (200, http.content(size)))
        p.finish()
        check(b'hello' not in p.received, 'its body was sent')


@scenario
def client_that_wants_an_end_gets_one(s):
    """HTTP/1.0, and Connection: close; with no chunks for the former."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo'), name='e'),
               icap.service(srv.url('204'), srv.url('204'), name='v'),
               icap.service(srv.url('satisfy?length=no'), None, name='p'),
               rules=by_name('e', 'v', 'p'))
    o = icap.Little(s)
    for who in ('e', 'v', 'p'):
        for kind in ('length', 'chunked', 'close'):
            for version, field in ((b'1.0', b''),
                                   (b'1.1', b'Connection: close\r\n')):
                p = s.tls(name=who + '.good.test')
                p.send(b'GET /x?n=5000&as=%s HTTP/%s\r\nHost: good.test\r\n%s'
                       b'\r\n' % (kind.encode(), version, field))
                m = http.answer(p)
                what = (who, kind, version)
                equal(until_end(p), b'', what)
                if who == 'p':
                    icap.page(m, 403)
                else:
                    equal((m.status, m.whole, http.sha(m.body)),
                          (200, True, http.sha(http.content(5000))), what)
                if version == b'1.0' and who != 'v':
                    equal(m.get('transfer-encoding'), None, what)
    check(o)


def lines(s, sni, talk):
    """A protocol of lines over TLS: each is answered at once."""
    p = s.tls(name=sni)
    for said, answered in talk:
        start = time.monotonic()
        if said:
            p.send(said)
        equal(p.recv_exact(len(answered)), answered, sni)
        check(time.monotonic() - start < 1 * s.slow * PATIENCE, 'it waited')
    return p.finish()


@scenario
def protocols_of_lines_pass_at_once(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('block'), srv.url('block')),
               rules=[{'name': 'a', 'action': 'decrypt',
                       'mirror': ['recorder'], 'icap': ['scan'],
                       'sni': ['www.good.test']},
                      {'name': 'b', 'action': 'decrypt',
                       'mirror': ['recorder']}])
    talks = [[(b'PING\r\n', b'+PONG\r\n'), (b'QUIT\r\n', b'+OK\r\n')],
             [(b'*1\r\n$4\r\nPING\r\n', b'+PONG\r\n')],
             [(b'NICK me\r\n', b':irc 1\r\n'),
              (b'USER me 0 * :me\r\n', b':irc 001 me :hello\r\n')],
             [(b'a001 CAPABILITY\r\n', b'* CAPABILITY IMAP4rev1\r\n')],
             [(b'', b'220 mail ESMTP\r\n'), (b'EHLO me\r\n', b'250 ok\r\n')]]
    at = []

    def handler(p):
        for said, answered in talks[at[-1]]:
            if said:
                p.recv_exact(len(said))
            p.send(answered)
        p.recv_all()
        p.close()
    server = s.serve(443, handler=handler)
    done = []
    for i, talk in enumerate(talks):
        at.append(i)
        for sni in ('www.good.test', 'good.test'):
            done.append(lines(s, sni, talk))
    s.same(server, done)
    equal(srv.log(), [])


# Bodies.
@scenario(timeout=120)
def body_that_could_not_be_kept_is_never_whole(s):
    tmp = s.path('tmp')
    os.mkdir(tmp)
    net.run('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmp', tmp)
    srv = icap.Script(s)
    what = 'stream?length=no'
    s.start(icap=[icap.service(srv.url(what), srv.url(what), name='closed'),
                  icap.service(srv.url(what), srv.url(what), name='open',
                               fail='open')],
            rules=by_name('closed', 'open'), env={'TMPDIR': tmp},
            log={'events': icap.EVENTS})
    wait(lambda: icap.ready(s.d.ctl('icap')), 'OPTIONS', 10 * s.slow)
    o = icap.Little(s)
    n = 16 << 20
    for who in ('closed', 'open'):
        for kind in ('length', 'chunked'):
            for up in (False, True):
                p = s.tls(name=who + '.good.test')
                before = len(o.got())
                m = None
                try:
                    if up:
                        m = http.ask(p, '/u', 'POST', http.content(n),
                                     chunked=kind == 'chunked')
                    else:
                        m = http.ask(p, '/d?n=%d&as=%s' % (n, kind))
                except TimeoutError:
                    raise icap.Failure('a stall: %s %s' % (who, kind))
                except (OSError, icap.Failure):
                    pass
                if not up and m and m.status == 200 and m.whole:
                    equal(len(m.body), n, 'said to be whole')
                p.sock.close()
                for x in o.got()[before:]:
                    if up and x.whole:
                        equal(len(x.body), n, 'said to be whole')
    p = s.tls(name='closed.good.test')
    equal(http.ask(p, '/d?n=1000').body, http.content(1000))


@scenario(timeout=90)
def three_services_in_a_row_adapt_in_order(s):
    srv = icap.Script(s)
    abc = [icap.service(srv.url(w), srv.url(w), name=n) for n, w in (
        (n, 'modify?append=%%0a%s&header=X-%s:1' % (n, n)) for n in 'abc')]
    icap.start(s, *abc)
    o = icap.Little(s)
    p = o.client()
    for n in (1, 1023, 1024, 5000, 1 << 20):
        for kind in ('length', 'chunked'):
            m = http.ask(p, '/x?n=%d&as=%s' % (n, kind), 'POST',
                         http.content(n), chunked=kind == 'chunked')
            for x in (m, o.got()[-1]):
                equal(x.body, http.content(n) + b'\na\nb\nc', x)
                equal([x.get('x-' + c) for c in 'abc'], ['1'] * 3)
    p.finish()
    o.seen()


@scenario
def rest_of_the_original_that_is_not_there_is_cut_off(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('206?n=300000')))
    o = icap.Little(s)
    for n in (500, 5000, 200000):
        for kind in ('length', 'chunked'):
            p = s.tls()
            p.send(http.request('/x?n=%d&as=%s' % (n, kind)))
            try:
                m = http.answer(p)
                check(not m.whole or m.status == 502, 'whole:', m)
            except icap.Failure:
                pass
            equal(until_end(p), b'')
    check(o)


@scenario
def end_by_the_connection_stays_one(s):
    """With no close_notify it may be a cut, and the client can tell."""
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('echo?length=no'), name='e'),
               icap.service(None, srv.url('modify?length=no'), name='m'),
               icap.service(None, srv.url('204'), name='v'),
               rules=by_name('e', 'm', 'v'))
    notify = []

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n' + b'x' * 50000)
        if notify:
            p.close()
        else:
            p.fin()
            p.sock.close()
    s.serve(443, handler=handler)
    for how in (peer.FIN, peer.NOTIFY):
        for who in ('e', 'm', 'v'):
            p = s.tls(name=who + '.good.test')
            m = http.ask(p, '/x')
            equal((m.status, m.get('transfer-encoding')), (200, None), who)
            equal(p.eof, how, who)
            equal(m.whole, how == peer.NOTIFY, who)
            check(m.body.startswith(b'x' * 50000), who)
        notify.append(1)


TRAILED = b'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n'
TRAILER = b'\r\n0\r\nX-Sum: yes\r\n\r\n'


@scenario
def trailers_of_a_virgin_body_go_on(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204'), name='p',
                               preview=100),
               icap.service(srv.url('204?preview=none'),
                            srv.url('204?preview=none'), name='n'),
               icap.service(srv.url('echo?cut=answer&how=rst'),
                            srv.url('echo?cut=answer&how=rst'), name='f',
                            fail='open'),
               rules=by_name('p', 'n', 'f'))
    got = []

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        got.append(p.recv_until(TRAILER))
        p.send(b'HTTP/1.1 200 OK\r\n' + TRAILED +
               http.pieces(http.content(n))[:-7] + TRAILER)
        p.recv_all()
        p.close()
    s.serve(443, handler=handler)
    for who in ('p', 'n', 'f'):
        for n in (50, 5000, 200000):
            p = s.tls(name=who + '.good.test')
            p.send(b'POST /x HTTP/1.1\r\nHost: good.test\r\n' + TRAILED +
                   http.pieces(http.content(n))[:-7] + TRAILER)
            m = http.Message(p.recv_until(b'\r\n\r\n'))
            equal(m.status, 200, who)
            down = p.recv_until(TRAILER)
            for x in (down, got[-1]):
                x = Bytes(x)
                equal(http.sha(http.read_chunked(x)),
                      http.sha(http.content(n)), '%s, %d bytes' % (who, n))
            p.finish()


class Bytes:
    """Something to read out of that looks like a peer."""

    def __init__(self, data):
        self.data = data

    def recv_exact(self, n):
        out, self.data = self.data[:n], self.data[n:]
        return out

    def recv_until(self, mark):
        return self.recv_exact(self.data.index(mark) + len(mark))


@scenario
def digests_go_with_the_bytes_they_are_of(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204'), name='v'),
               icap.service(srv.url('204?preview=none'),
                            srv.url('204?preview=none'), name='w'),
               icap.service(srv.url('modify'), srv.url('modify'), name='m'),
               rules=by_name('v', 'w', 'm'))
    fields = ['Digest: sha-256=AAAA', 'Content-MD5: AAAA',
              'Content-Digest: sha-256=:AAAA:']
    names = [x.split(':')[0].lower() for x in fields]
    got = []

    def handler(p):
        m = http.Message(p.recv_until(b'\r\n\r\n'))
        http.read_body(p, m, False, False)
        got.append(m)
        p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n' +
               '\r\n'.join(fields).encode() + b'\r\n\r\n' +
               http.content(3000))
        p.recv_all()
        p.close()
    s.serve(443, handler=handler)
    for who in ('v', 'w', 'm'):
        p = s.tls(name=who + '.good.test')
        m = http.ask(p, '/x', 'POST', http.content(3000), fields=fields)
        for x in (m, got[-1]):
            equal([x.get(k) is None for k in names], [who == 'm'] * 3,
                  '%s: %s' % (who, x.fields))
            equal(x.body == http.content(3000), who != 'm', who)
        p.finish()


# Limits.
@scenario
def next_tier_takes_what_the_first_has_no_room_for(s):
    srv, spare = icap.Script(s), icap.Script(s, port=1345)
    icap.start(s, icap.service(None, [
        {'url': srv.url('204?hold=yes')},
        {'url': spare.url('204'), 'tier': 1}], connections=1,
        queue={'timeout': '500ms'}))
    icap.Little(s)
    p = [s.tls() for i in range(2)]
    for x in p:
        x.send(http.request('/x?n=5'))
    wait(spare.log, 'the other at the spare')
    equal(srv.log(), [], 'one waited for the other')
    wait(lambda: srv.held() == 1, 'the one at the first')
    srv.let_go()
    for x in p:
        equal(http.answer(x).body, http.content(5))
    srv.logged(1)
    spare.logged(1)


@scenario(timeout=90)
def one_connection_without_a_queue_is_enough_for_one_at_a_time(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo'),
                               connections=1, queue={'size': 0}))
    o = icap.Little(s)
    for i in range(50):
        p = o.client('http')
        for j in range(2):
            m = http.ask(p, '/x?n=2000', 'POST', http.content(2000))
            equal((m.status, m.body), (200, http.content(2000)), i)
        p.finish()
    equal(len(o.got()), 100)
    wait(lambda: len(srv.log()) == 200, 'all of them')


@scenario
def each_direction_fails_its_own_way(s):
    url = 'icap://127.0.0.1:9/x'
    icap.Script(s)
    s.start(icap=[icap.service(url, url, name='q', fail={
        'reqmod': 'closed', 'respmod': 'open'}), icap.service(
        url, url, name='r', fail={'reqmod': 'open', 'respmod': 'closed'}),
        icap.service(None, url, name='v', fail={'respmod': 'open'}),
        icap.service(url, None, name='w', fail={'respmod': 'open'})],
        rules=by_name('q', 'r', 'v', 'w'), log={'events': icap.EVENTS})
    o = icap.Little(s)
    for who, status, reached in (('q', 503, 0), ('r', 503, 1), ('v', 200, 1),
                                 ('w', 503, 0)):
        n = len(o.got())
        p = s.tls(name=who + '.good.test')
        m = http.ask(p, '/x?n=3000', 'POST', http.content(3000))
        icap.page(m, status)
        equal(len(o.got()) - n, reached, who)
        if reached:
            equal(o.got()[-1].body, http.content(3000))
        equal(m.body == http.content(3000), status == 200)
        p.finish()
    got = outcomes(s, 5)
    check(got['q'][0].startswith('err-'), got)
    check(got['r'][0].startswith('bypass-'), got)
    check(got['r'][1].startswith('err-'), got)
    check(got['v'][0].startswith('bypass-'), got)


# What the service is told.
@scenario
def service_is_told_of_the_session_by_macros(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo'), headers=[
        'X-A: %{sni} of %{src}', 'X-B: %{rule}/%{listener}/%{tx}',
        'X-C: %{dst}:%{dst-port} %{host} 100%', 'X-D: plain',
        'X-E: %{flow}%{src-port}', 'X-F: %{cert-subject}']),
        inspect={'host-mismatch': 'allow'})
    o = icap.Little(s)
    p = s.tls(name='www.good.test')
    http.ask(p, '/x')
    http.ask(p, '/y', host='evil.test')
    port = p.sock.getsockname()[1]
    p.finish()
    wait(lambda: len(srv.log()) == 4, 'four')
    flow = s.d.flows()[0]['flow_id']
    for i, x in enumerate(sorted(srv.log(), key=lambda x:
                                 x['headers']['x-b'])):
        h = x['headers']
        equal(h['x-a'], 'www.good.test of 10.1.0.2')
        equal(h['x-b'], 'default/gateway/%d' % (i // 2))
        equal(h['x-c'], '10.2.0.2:443 %s 100%%' % (
            'good.test' if i < 2 else 'evil.test'))
        equal(h['x-d'], 'plain')
        equal(h['x-e'], '%d%d' % (flow, port))
        check('good.test' in h['x-f'], h)
    p = s.plain(80)
    http.ask(p, '/x')
    wait(lambda: len(srv.log()) == 6, 'six')
    h = srv.log()[-1]['headers']
    equal(h['x-a'], 'of 10.1.0.2')
    equal(h['x-f'], '')
    p.finish()
    check(o)


@scenario
def proxy_authorization_is_told_and_goes_on(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo'), name='y'),
               icap.service(srv.url('echo'), srv.url('echo'), name='n',
                            proxy_authorization=False),
               icap.service(srv.url('204'), None, name='v'),
               rules=by_name('y', 'n', 'v'))
    o = icap.Little(s)
    for k, who in ((0, 'y'), (4, 'n'), (6, 'v')):
        p = s.tls(name=who + '.good.test')
        m = http.ask(p, '/x', fields=['Proxy-Authorization: Basic eDp5'])
        equal(m.status, 200)
        equal(o.got()[-1].get('proxy-authorization'), 'Basic eDp5', who)
        wait(lambda: len(srv.log()) > k, 'a transaction')
        x = srv.log()[k]
        equal(x['headers'].get('proxy-authorization'),
              None if who == 'n' else 'Basic eDp5', who)
        check('eDp5' not in x['req-hdr'], 'in the message:', x['req-hdr'])
        if who == 'y':
            m = http.ask(p, '/y')
            equal(o.got()[-1].get('proxy-authorization'), None)
            wait(lambda: len(srv.log()) == 4, 'four transactions')
            check(all('proxy-authorization' not in x['headers']
                      for x in srv.log()[2:]), 'it stayed')
        p.finish()


@scenario
def icaps_with_a_certificate_of_our_own(s):
    srv = icap.Script(s, tls='good', clients=s.pki.root)
    url = srv.url('echo', 'localhost')
    pem, key = s.pki.pair('user')
    ours = {'certificate': pem, 'key': key}
    icap.start(s, icap.service(url, url, name='with', trust=s.pki.root,
                               **ours),
               icap.service(url, url, name='without', trust=s.pki.root),
               rules=by_name('with', 'without'))
    o = icap.Little(s)
    p = s.tls(name='with.good.test')
    for n in (0, 5, 100000):
        m = http.ask(p, '/x?n=%d' % n, 'POST', http.content(n))
        equal((m.status, m.body), (200, http.content(n)))
        equal(o.got()[-1].body, http.content(n))
    p.finish()
    wait(lambda: len(srv.log()) == 6, 'six')
    p = s.tls(name='without.good.test')
    m = http.ask(p, '/x')
    check(m.status in (502, 503), m)
    icap.page(m, m.status)
    p.finish()
    srv.logged(6)


@scenario
def certificate_of_another_is_passed_over_only_where_told(s):
    srv = icap.Script(s, tls='wrong')
    url = srv.url('echo')
    s.start(icap=[icap.service(url, url, name=n, fail='open', tls_fail_open=n
                               == 'yes', trust=s.pki.root)
                  for n in ('yes', 'no')], rules=by_name('yes', 'no'),
            log={'events': icap.EVENTS})
    o = icap.Little(s)
    for who, status in (('yes', 200), ('no', 502)):
        n = len(o.got())
        p = s.tls(name=who + '.good.test')
        m = icap.page(http.ask(p, '/x?n=3000', 'POST', b'secret'), status)
        equal(len(o.got()) - n, int(status == 200))
        equal(m.body == http.content(3000), status == 200)
        p.finish()
    equal(srv.log(), [])


@scenario
def sample_of_a_monitor_is_so_much(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), None, monitor=True, sample=3),
               icap.service(None, srv.url('204'), name='all', monitor=True))
    o = icap.Little(s)
    for i in range(10):
        p = o.client('http')
        for j in range(3):
            equal(http.ask(p, '/x').status, 200)
        p.finish()
    wait(lambda: len(srv.log('RESPMOD')) == 30, 'all of the other', 10)
    wait(lambda: not any(x['busy'] for x in s.d.ctl('icap')['servers']),
         'the end of all transactions')
    s.d.metric_is(10.0, 'clearspan_icap_transactions_total', service='scan')
    srv.logged(10, 'REQMOD')
    o.seen()


def asked(srv):
    """How often OPTIONS came."""
    return sum('"method": "OPTIONS"' in x
               for x in whole_lines(srv.logfile))


@scenario(timeout=100, plain=True)
def options_that_are_not_answered_again_stay_as_they_were(s):
    """F23: under load nothing waits for them, and nothing fails."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo?ttl=1&preview=77'),
                               srv.url('echo?ttl=1&preview=77'),
                               timeout={'first-byte': '8s'}))
    srv.rules({'path': 'echo', 'method': 'OPTIONS', 'from': 2,
               'set': {'options': 'hang', 'ms': '60000'}})
    icap.Little(s)
    stop, worst, bad = [], [0.0] * 4, []

    def load(i):
        p = s.tls()
        while not stop:
            start = time.monotonic()
            try:
                m = http.ask(p, '/x?n=20000', 'POST', http.content(20000))
                if (m.status, m.body) != (200, http.content(20000)):
                    bad.append(m)
            except Exception as e:
                bad.append(e)
                return
            worst[i] = max(worst[i], time.monotonic() - start)
            time.sleep(0.1)         # for the load not to be all there is
        p.finish()
    t = [threading.Thread(target=load, args=(i,)) for i in range(4)]
    for x in t:
        x.start()
    # It is asked again 30 s later, give or take a tenth; the log has it when
    # the asker gave up.
    first = asked(srv)
    wait(lambda: bad or asked(srv) > first, 'OPTIONS again', 60)
    n = len(srv.log())
    wait(lambda: bad or len(srv.log()) > n + 100, 'requests meanwhile', 20)
    stop.append(1)
    for x in t:
        x.join()
    equal({x['preview'] for x in srv.log()[-50:]}, {77}, 'the preview')
    equal(bad, [])
    check(max(worst) < 6, 'the slowest took', worst)
