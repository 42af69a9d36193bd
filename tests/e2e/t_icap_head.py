"""Long heads and many fields where a service looks at the traffic: what is
taken from a peer is taken back from a service, and what is not is answered."""
import os
import signal

from harness import check, equal, http, icap, peer, scenario, wait

LONG = 240 * 1024


def fields(n):
    return ''.join('X-F%d: %d\r\n' % (i, i) for i in range(n))


def said(s, n, head, **over):
    """A server that answers with this head and five bytes; requests seen."""
    seen = []

    def handler(p):
        while True:
            m = http.Message(p.recv_until(b'\r\n\r\n'))
            http.read_body(p, m, False, False)
            seen.append(m)
            p.send(('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n%s\r\n'
                    % head(n)).encode() + b'hello')
    s.serve(443, handler=handler)
    return seen


@scenario
def fields_added_by_a_service_are_taken_back(s):
    """As many as are accepted from a server; nobody is blamed for them."""
    srv = icap.Script(s)
    icap.start(s, icap.service(
        respmod=srv.url('modify?append=&header=X-Adapted:yes'), fail='open'))
    said(s, 1000, fields)
    for i in range(5):
        p = s.tls()
        m = http.ask(p, '/x')
        equal((m.status, m.body, m.get('x-adapted')),
              (200, b'hello', 'yes'))
        equal(m.get('x-f999'), '999')
        p.finish()
    srv.logged(5, 'RESPMOD')
    equal([x['state'] for x in s.d.ctl('icap')['servers']], ['up'])


@scenario
def fields_beyond_all_measure_are_refused_at_once(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('echo')))
    said(s, 1025, fields)
    for i in range(4):
        p = s.tls()
        m = icap.page(http.ask(p, '/x'), 502)
        check(b'too many fields' in m.body, m.body)
        p.finish()
    equal([x['state'] for x in s.d.ctl('icap')['servers']], ['up'])
    equal(srv.log('RESPMOD'), [])


def cookie(n):
    return 'Set-Cookie: a=%s\r\n' % ('x' * n)


def long_answer(s, *services, size=LONG):
    icap.start(s, *services)
    said(s, size, cookie)
    p = s.tls()
    for i in range(3):
        m = http.ask(p, '/x')
        equal((m.status, m.body), (200, b'hello'))
        equal(m.get('set-cookie'), 'a=' + 'x' * size)
    p.finish()


@scenario
def long_answer_head_passes_a_service_that_adapts(s):
    srv = icap.Script(s)
    long_answer(s, icap.service(respmod=srv.url(
        'modify?append=&header=X-Adapted:yes')))
    srv.logged(3, 'RESPMOD')


@scenario
def long_answer_head_passes_a_service_that_does_not(s):
    srv = icap.Script(s)
    long_answer(s, icap.service(respmod=srv.url('204')))
    srv.logged(3, 'RESPMOD')


@scenario
def long_answer_head_that_no_service_sees_is_as_it_was(s):
    srv = icap.Script(s)
    long_answer(s, icap.service(reqmod=srv.url('204')), size=70 * 1024)
    srv.logged(3, 'REQMOD')


@scenario
def long_request_head_reaches_the_origin(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204'), name='v'),
               icap.service(srv.url('echo'), srv.url('echo'), name='e'),
               rules=[{'name': w, 'action': 'decrypt', 'icap': [w],
                       'sni': [w + '.good.test']} for w in 've'] +
               [{'name': 'rest', 'action': 'reset'}])
    seen = said(s, 0, lambda n: '')
    value = 'y' * LONG
    for who in 've':
        p = s.tls(name=who + '.good.test')
        for i in range(2):
            m = http.ask(p, '/x', 'POST', b'body',
                         fields=['Cookie: ' + value, 'Range: bytes=0-1'],
                         host=who + '.good.test')
            equal((m.status, m.body), (200, b'hello'))
            equal(seen[-1].get('cookie'), value)
            equal(seen[-1].get('range'), None)
            equal((seen[-1].line, seen[-1].body),
                  ('POST /x HTTP/1.1', b'body'))
        p.finish()


@scenario
def heads_past_the_limit_are_answered_at_once(s):
    """431 for a request, 502 for an answer: no stall, and the daemon goes
    on. The limit is a key."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')),
               limits={'head': '100k'})
    said(s, 110 * 1024, cookie)
    p = s.tls()
    m = icap.page(http.ask(p, '/x'), 502)
    check(b'head is too large' in m.body, m.body)
    p.finish()
    p = s.tls()
    p.send(http.request('/x', fields=['Cookie: ' + 'y' * 110 * 1024]))
    m = icap.page(http.answer(p), 431)
    check(b'head is too large' in m.body, m.body)
    p.sock.close()
    wait(lambda: not s.d.ctl('sessions')['sessions'], 'no session is left')


@scenario
def client_that_leaves_a_long_head_leaves_nothing(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')))
    half = []

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nX-Long: ' + b'x' * 100 * 1024)
        half.append(p)
        p.recv_all()
    s.serve(443, handler=handler)
    p = s.tls()
    p.send(http.request('/x'))
    wait(lambda: half, 'half a head')
    p.sock.close()
    wait(lambda: not s.d.ctl('sessions')['sessions'], 'no session is left')


@scenario
def connection_of_fifty_thousand_commas_is_refused(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')))
    said(s, 50000, lambda n: 'Connection: %s\r\n' % (',' * n)
         + fields(200))
    p = s.tls()
    m = icap.page(http.ask(p, '/x'), 502)
    check(b'Connection lists too many options' in m.body, m.body)
    p.finish()
    p = s.tls()
    p.send(http.request('/x', fields=['Connection: ' + ',' * 50000]))
    icap.page(http.answer(p), 431)
    p.finish()


@scenario
def request_with_no_room_to_cut_its_codings_goes_on_without_them(s):
    """"z", which is not offered on, becomes "identity": longer, where the
    buffer is full to its last byte of the body behind the head. The head is
    sent ahead of what lies there, and never as it was."""
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('204')))
    o = icap.Little(s)
    p = o.client('http')
    big = http.content(4 << 20)     # for the kernel to grant large windows
    equal(http.ask(p, '/first', 'POST', big).status, 200)
    equal(http.ask(p, '/small').status, 200)    # its buffer is a small one
    body = http.content(150000)
    os.kill(s.d.pid, signal.SIGSTOP)
    p.send(http.request('/second', 'POST', body,
                        fields=['Accept-Encoding:z']))
    wait(lambda: peer.unacked(p.sock) == 0, 'all of it at the gateway')
    os.kill(s.d.pid, signal.SIGCONT)
    equal(http.answer(p).status, 200)
    p.finish()
    got = o.got()
    equal([m.target for m in got], ['/first', '/small', '/second'])
    equal((got[2].get('accept-encoding'), got[2].body), ('identity', body))


@scenario
def http3_is_not_offered_where_answers_may_be_changed(s):
    """To whom it is offered, the next visit is where nobody reads."""
    offer = 'h3=":443"; ma=86400, h2="alt.good.test:443"; ma=60, ' \
            'H3-29=":443", hq=":443", quic=":443"; v="46,43", clear'
    srv = icap.Script(s)
    scan = dict(action='decrypt', icap=['scan'])
    icap.start(s, icap.service(respmod=srv.url('204')), rules=[
        dict(scan, name='pass', sni='pass.good.test',
             inspect={'alt-svc': 'pass'}),
        dict(scan, name='scan', sni='scan.good.test'),
        {'name': 'bypass', 'sni': 'plain.good.test', 'action': 'decrypt'},
        {'name': 'host', 'host': 'x.test', 'action': 'block'},
        {'name': 'rest', 'action': 'decrypt'}])
    s.serve(443, handler=peer.http(b'whole', extra=b'Alt-Svc: %s\r\n'
                                   b'X: h3=":443"\r\n' % offer.encode()))
    s.serve(80, handler=peer.http(b'whole', extra=b'Alt-Svc: h3=":443"\r\n'),
            plain=True)
    for name, want in (('pass', offer), ('scan',
                       'h2="alt.good.test:443"; ma=60, clear')):
        p = s.tls(name=name + '.good.test')
        for i in range(2):
            m = http.ask(p, '/', host=name + '.good.test')
            equal((m.status, m.body), (200, b'whole'))
            equal([m.get('alt-svc'), m.get('x')], [want, 'h3=":443"'])
        p.finish()
    p = s.plain(80)
    m = http.ask(p, '/', host='y.test')
    equal([m.body, m.get('alt-svc')], [b'whole', None])
