"""A service that makes another kind of request of a client's: the answer is
framed by what was sent, and delivered as what was asked."""
import urllib.parse

from harness import check, equal, http, icap, scenario, wait


def request(method, path):
    """A service that makes this of each request."""
    head = ('%s http://good.test%s HTTP/1.1\r\nHost: good.test\r\n\r\n' %
            (method, path)).encode()
    return 'f13?do=raw&raw=' + urllib.parse.quote_from_bytes(
        b'ICAP/1.0 200 OK\r\nISTag: "a"\r\nEncapsulated: req-hdr=0, '
        b'null-body=%d\r\n\r\n' % len(head) + head)


def services(s, method, n):
    srv = icap.Script(s)
    url = srv.url(request(method, '/changed?n=%d' % n))
    icap.start(s, icap.service(url, None, name='q', options=False),
               icap.service(None, srv.url('echo'), name='r'),
               rules=[{'name': 'both', 'action': 'decrypt', 'icap': ['q', 'r'],
                       'sni': ['both.good.test']},
                      {'name': 'one', 'action': 'decrypt', 'icap': ['q'],
                       'sni': ['one.good.test']},
                      {'name': 'rest', 'action': 'reset'}])
    return icap.Little(s)


@scenario
def head_that_a_service_makes_get_has_no_body_for_the_client(s):
    o = services(s, 'GET', 300000)
    for who in ('one', 'both'):
        p = s.tls(name=who + '.good.test')
        for i in range(3):
            p.send(http.request('/x', 'HEAD', host=who + '.good.test'))
            m = http.answer(p, 'HEAD')
            equal((m.status, m.get('content-length')), (200, '300000'))
            equal(o.got()[-1].line, 'GET /changed?n=300000 HTTP/1.1')
        p.finish()
        check(b'\r\n\r\n' == p.received[-4:], 'bytes behind the head')


@scenario
def get_that_a_service_makes_head_is_an_answer_without_body(s):
    o = services(s, 'HEAD', 5000)
    for who in ('one', 'both'):
        p = s.tls(name=who + '.good.test')
        for i in range(3):
            m = http.ask(p, '/x', host=who + '.good.test')
            equal((m.status, m.body, m.whole), (200, b'', True))
            equal(o.got()[-1].line, 'HEAD /changed?n=5000 HTTP/1.1')
        p.finish()


def tunnel(s, first, answer, **over):
    """A server that answers this and then echoes."""
    def handler(p):
        head = p.recv_until(b'\r\n\r\n')
        check(head.startswith(first), 'the origin got', head)
        p.send(answer)
        p.send(p.recv_exact(4).upper())
        p.recv_all()
        p.close()
    s.serve(443, handler=handler)
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')), **over)
    return srv


SSTP = b'SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ ' \
    b'HTTP/1.1\r\nHost: good.test\r\n' \
    b'Content-Length: 18446744073709551615\r\n\r\n'


@scenario
def sstp_goes_both_ways(s):
    """Its length without end is larger than what is scanned; it is counted."""
    tunnel(s, SSTP, b'HTTP/1.1 200 OK\r\n'
           b'Content-Length: 18446744073709551615\r\n\r\n',
           inspect={'endless': 'open'})
    p = s.tls()
    p.send(SSTP)
    head = p.recv_until(b'\r\n\r\n')
    check(b'Content-Length: 18446744073709551615' in head, head)
    p.send(b'ping')
    equal(p.recv_exact(4), b'PING')
    p.finish()
    wait(lambda: len([e for e in s.d.events('icap') if e['icap']['outcome'] ==
                      'bypass-oversize']) == 2, 'both ways are counted')


@scenario
def sstp_is_closed_where_what_has_no_end_is(s):
    tunnel(s, SSTP, b'')
    p = s.tls()
    p.send(SSTP)
    icap.page(http.answer(p), 403)
    p.finish()


@scenario
def connect_to_a_path_inside_tls_is_a_tunnel(s):
    """AnyConnect. Whether it may is for `inspect: non-http` to say."""
    first = b'CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: good.test\r\n\r\n'
    tunnel(s, first, b'HTTP/1.1 200 CONNECTED\r\nX-CSTP-MTU: 1300\r\n\r\n')
    p = s.tls()
    p.send(first)
    check(p.recv_until(b'\r\n\r\n').startswith(b'HTTP/1.1 200'), 'refused')
    p.send(b'ping')
    equal(p.recv_exact(4), b'PING')
    p.finish()


@scenario
def page_of_ours_is_in_the_log_with_status_and_cause(s):
    """The 502 for an answer that cannot be read."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')))

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nX\0: y\r\n\r\n')
    s.serve(443, handler=handler)
    p = s.tls()
    icap.page(http.ask(p, '/x'), 502)
    p.finish()
    wait(lambda: s.d.events('http'), 'an http event')
    e = s.d.events('http')[0]
    equal(e['http']['status'], 502)
    equal(e['clearspan']['reason'], 'a NUL in the head')
