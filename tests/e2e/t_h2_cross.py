"""HTTP/2 on one side and HTTP/1.1 on the other, where messages are read. What
each side got is compared byte by byte."""
import os
import socket
import sys
import threading

from harness import check, equal, h2, h2_programs, http, icap, proc, \
    programs, scenario, wait
from harness.h2_programs import HOST, URL, curl

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

BIG = os.urandom(700000)
SIZES = (0, 1, 1023, 65536, 300000)


def service(s, what='204', **kw):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url(what), srv.url(what), **kw))
    return srv


# --- a client of HTTP/2, a server of HTTP/1.1

def old_origin(s, alpn=None):
    """A server of HTTP/1.1; with `alpn` it says so."""
    origin = http.Origin()
    origin.serve = s.serve(handler=origin, alpn=alpn)
    return origin


def scripted(s, **said):
    """A server that says these bytes for the path of that name, and ends; not
    before what it got is looked at, unless the answer is to be kept."""
    got, go = [], threading.Event()

    def handler(p):
        while True:
            try:
                head = p.recv_until(b'\r\n\r\n')
            except (proc.Failure, OSError):
                break
            got.append(bytes(head))
            data = said[head.split()[1].decode().strip('/')]
            if b'keep' not in data:
                go.wait(20)
                go.clear()
            p.send(data)
            if b'keep' not in data:
                break
        p.close()
    s.serve(handler=handler)
    return got, go


@scenario(timeout=120)
def h2_cross_to_nginx_without_http2(s):
    service(s, 'echo', queue={'timeout': '60s'})
    programs.nginx(s, files={'small': b'a small file\n', 'big': BIG},
                   http2=False)
    log = h2_programs.nghttp(s, '-n', URL + 'small', URL + 'big')
    equal(log.count(':status: 200'), 2, log[-3000:])
    r = s.run(s.client, 'h2load', '--npn-list=h2', '-n', '300', '-c', '1',
              '-m', '20', URL + 'small', timeout=90).ok()
    check('300 succeeded, 0 failed' in r.text, r.text)
    f = s.d.flows(1)[0]['clearspan']
    equal((f['client']['alpn'], f['server']['alpn']), ('h2', 'http/1.1'))


@scenario(timeout=120)
def h2_cross_to_apache_of_http1(s):
    service(s)
    h2_programs.apache(s, {'big': BIG}, protocols='http/1.1')
    c = h2.connect(s)
    equal(http.sha(c.get('/big').body), http.sha(BIG))
    equal(c.get('/none').status, 404)
    c.p.close()


@scenario(timeout=120)
def h2_cross_answers_of_every_kind(s):
    srv = service(s)
    origin = old_origin(s, ['http/1.1'])
    c = h2.connect(s)
    for how in 'length', 'chunked':
        for n in SIZES:
            st = c.get('/?n=%d&as=%s' % (n, how))
            equal(http.sha(st.body), http.sha(http.content(n)), (how, n))
            check('transfer-encoding' not in st.head, st.head)
    for status in 204, 304:
        st = c.get('/?status=%d' % status)
        equal((st.status, bytes(st.body)), (status, b''))
    st = c.get('/?n=77', 'HEAD')
    equal((st.head['content-length'], bytes(st.body)), ('77', b''))
    st = c.get('/?n=65536&as=close')
    equal(http.sha(st.body), http.sha(http.content(65536)))
    check('connection' not in st.head, st.head)
    c.until(lambda: c.goaway, 'GOAWAY')
    equal(len(origin.serve.peers), 1, 'connections')
    equal({x['method'] for x in srv.log()}, {'REQMOD', 'RESPMOD'})
    shown, = s.rec.streams(1)
    equal(shown.problems, [])
    check(bytes(shown.up.data).startswith(h2.PREFACE), 'the mirror')


@scenario
def h2_cross_requests_of_every_kind(s):
    """What the server gets is HTTP/1.1, and nothing of HTTP/2."""
    service(s)
    origin = old_origin(s)
    c = h2.connect(s)
    c.get('/a?b=c', more=[('cookie', 'a=b'), ('cookie', 'c=d'),
                          ('te', 'trailers')])
    equal(bytes(origin.last().head), b'GET /a?b=c HTTP/1.1\r\nHost: good.test'
          b'\r\ncookie: a=b; c=d\r\nTE: trailers\r\nConnection: TE\r\n\r\n')
    for n in SIZES[1:]:
        body = http.content(n)
        for more in [('content-length', str(n))], []:
            c.get('/', 'POST', body, more)
            m = origin.last()
            equal(http.sha(m.body), http.sha(body))
            equal(m.get('transfer-encoding'), None if more else 'chunked')
            equal(m.get('content-length'), str(n) if more else None)
    c.get('/', 'POST', b'12', [('expect', '100-continue'),
                               ('content-length', '2')])
    equal(origin.last().body, b'12')
    c.p.close()


@scenario
def h2_cross_of_what_only_http1_says(s):
    """Interim answers and trailers; a break that is one; a switch unasked."""
    service(s)
    got, go = scripted(
        s, hints=b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
        b'HTTP/1.1 200 OK\r\nkeep: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
        b'5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n',
        cut=b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc',
        switch=b'HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\nUpgrade: x\r\n'
        b'\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
        two=b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!HTTP/1.1 200 OK'
        b'\r\nContent-Length: 4\r\n\r\nevil',
        both=b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: '
        b'chunked\r\n\r\n0\r\n\r\n',
        ok=b'HTTP/1.1 200 OK\r\nkeep: 1\r\nContent-Length: 2\r\n\r\nok')
    c = h2.connect(s)
    st = c.get('/hints')
    equal([x[0][1] for x in st.heads], [b'103', b'200'])
    equal((bytes(st.body), dict(st.trailers)), (b'hello', {b'x-sum': b'42'}))
    for path in 'cut', 'switch', 'both':
        c = h2.connect(s)
        equal(bytes(c.get('/ok').body), b'ok')
        st = c.ask('/' + path)
        wait(lambda: b'/' + path.encode() in b''.join(got), 'it at the server')
        waits = c.ask('/ok')
        go.set()
        c.until(lambda: st.over and waits.over and c.goaway, 'the end')
        check(not st.whole or st.status == 502, path, st)
        equal(waits.code, h2.REFUSED, waits)
        c.p.close()
    c = h2.connect(s)
    go.set()
    equal(bytes(c.get('/two').body), b'!')
    c.ask('/ok')
    c.until(lambda: c.goaway or c.over, 'GOAWAY')
    check(b'evil' not in b''.join(bytes(x.body) for x in c.streams.values()))
    equal(sum(b'/ok' in x for x in got), 3, got)


BAD = {
    'crlf': [('a', b'b\r\nx: y')], 'lf': [('a', b'b\ny: z')],
    'nul': [('a', b'b\0c')], 'cr': [('a', b'b\rc')],
    'te': [('transfer-encoding', 'chunked')],
    'connection': [('connection', 'close')],
    'name with a colon': [('a:b', 'c')], 'name with a blank': [('a b', 'c')],
    'name of two lines': [('a\r\nb', 'c')],
    'two lengths': [('content-length', '1'), ('content-length', '2')],
    'length of two': [('content-length', '1, 2')],
    'another host': [('host', 'evil.test')],
    'two hosts': [('host', 'good.test'), ('host', 'good.test')],
}


@scenario
def h2_cross_smuggles_nothing_to_http1(s):
    """Each is refused, nothing of it gets to the server, and the stream
    behind it is answered."""
    service(s)
    origin = old_origin(s)
    c = h2.connect(s)
    heads = [(k, h2.request('/evil', 'POST', more=v)) for k, v in BAD.items()]
    heads += [(k, [(':method', m), (':scheme', 'https'),
                   (':authority', a), (':path', p)])
              for k, m, a, p in (
                  ('path', 'GET', 'good.test', '/evil HTTP/1.1\r\nX: y'),
                  ('blank', 'GET', 'good.test', '/evil x'),
                  ('method', 'GET /evil HTTP/1.1\r\nA:', 'good.test', '/'),
                  ('method', 'GET /evil', 'good.test', '/'),
                  ('authority', 'GET', 'good.test\r\nevil: 1', '/evil'),
                  ('authority', 'GET', 'a b', '/evil'))]
    for name, fields in heads:
        st = c.open()
        c.head(st.sid, fields)
        equal(c.get('/good').status, 200, name)
        c.until(lambda: st.over, 'an end of %s' % name)
        check(st.code is not None or st.status >= 400, name, st)
    st = c.ask('/evil', 'POST', b'1234', [('content-length', '3')])
    c.until(lambda: st.over, 'an end of what is too long')
    c.p.close()
    lines = [m.line for m in origin.got if m.whole]
    equal(set(lines), {'GET /good HTTP/1.1'}, lines)
    equal(len(lines), len(heads))


@scenario
def h2_cross_resets(s):
    """A stream reset while its answer comes: a short rest is read and the
    connection goes on; else it ends, and what waits is refused."""
    service(s, max_body='1G')
    origin = old_origin(s)
    gate = []

    def slow(p):
        while True:
            head = p.recv_until(b'\r\n\r\n')
            n = int(head.split()[1].strip(b'/'))
            p.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nabc' % n)
            wait(lambda: gate, 'the gate')
            if n < 100:
                p.send(b'd' * (n - 3))
    origin.serve.handler = slow
    c = h2.connect(s)
    st = c.ask('/9')
    c.until(lambda: st.body, 'the first bytes')
    other = c.ask('/3')
    c.reset(st.sid)
    gate.append(1)
    equal(bytes(c.answer(other).body), b'abc')
    st = c.ask('/99999999')
    c.until(lambda: st.body, 'the first bytes')
    other = c.ask('/3')
    c.reset(st.sid)
    c.until(lambda: other.over and c.goaway, 'GOAWAY')
    equal(other.code, h2.REFUSED)
    equal(len(origin.serve.peers), 1)


def twenty(s, c):
    """EICAR is one of twenty objects that are asked for at once."""
    streams = [c.ask('/f%d' % i) for i in range(20)]
    for i, st in enumerate(streams):
        c.answer(st)
        if i == 7:
            equal(st.status, 403)
            check(setup.EICAR not in bytes(st.body))
        else:
            equal((st.status, http.sha(st.body)),
                  (200, http.sha(FILES['f%d' % i])), i)


FILES = {'f%d' % i: os.urandom(1 + 33333 * i) for i in range(20)}
FILES['f7'] = setup.EICAR


def scanner(s):
    with s.gateway:
        peers = setup.Peers(s.path('icap'), clamd=True)
        peers.start()
    url = peers.urls['avscan']
    icap.start(s, icap.service(url, url))


@scenario(timeout=120)
def h2_cross_eicar_to_http1(s):
    scanner(s)
    programs.nginx(s, files=FILES, http2=False)
    c = h2.connect(s)
    twenty(s, c)
    st = c.get('/f1', 'POST', setup.EICAR)
    equal(st.status, 403)
    c.p.close()
    wait(lambda: len(s.d.events('http')) >= 21, 'events')
    equal({e['http']['protocol'] for e in s.d.events('http')}, {'HTTP/2'})


# --- a client of HTTP/1.1, a server of HTTP/2

@scenario(timeout=120)
def h2_cross_to_node_of_http2(s):
    """Before version 20 it does not refuse HTTP/1.1 in TLS."""
    if int(s.run(s.client, 'node', '-v').ok().text[1:].split('.')[0]) < 20:
        return
    srv = service(s)
    h2_programs.node(s, 'only')
    one = ('--http1.1',)
    for n in 5, 300000:
        r = programs.curl(s, *one, '-w', '%{http_version}', URL + 'n/%d' % n)
        equal(http.sha(r.ok().out[:-3]),
              http.sha(bytes((i * 7 + n) & 255 for i in range(n))))
        equal(r.out[-3:], b'1.1')
    with open(s.path('up'), 'wb') as f:
        f.write(BIG)
    for more in [], ['-H', 'Transfer-Encoding: chunked']:
        r = programs.curl(s, *one, *more, '--data-binary',
                          '@' + s.path('up'), URL + 'echo').ok()
        equal(http.sha(r.out), http.sha(BIG))
    r = programs.curl(s, *one, '-v', URL + 'hints').ok()
    check('HTTP/1.1 103 Early Hints' in r.errors and r.out == b'hinted',
          r.errors[-3000:])
    p = s.tls(name=HOST, alpn=['http/1.1'])
    http.ask(p, '/trailers', host=HOST)
    check(b'\r\n0\r\nx-sum: 42\r\n' in p.received, bytes(p.received))
    f = s.d.flows(1)[0]['clearspan']
    equal((f['client']['alpn'], f['server']['alpn']), ('http/1.1', 'h2'))
    equal({x['method'] for x in srv.log()}, {'REQMOD', 'RESPMOD'})


def without_h2(sock):
    """A server of HTTP/2 only refuses others (RFC 7301, 3.2)."""
    hello = b''
    while len(hello) < 5 or len(hello) < 5 + int.from_bytes(hello[3:5],
                                                            'big'):
        hello = sock.recv(20000, 2)             # MSG_PEEK
    if b'\x02h2' not in hello:
        sock.sendall(b'\x15\3\3\0\2\2\x78')
        raise OSError('no_application_protocol')


def new_origin(s, told=()):
    return h2.serve(s, told, early=without_h2)


def old_client(s, alpn=('http/1.1',)):
    return s.tls(alpn=list(alpn))


@scenario
def h2_cross_to_a_server_of_http2(s):
    srv = service(s)
    site = new_origin(s)
    p = old_client(s)
    for n in SIZES:
        m = http.ask(p, '/?n=%d' % n)
        equal(http.sha(m.body), http.sha(http.content(n)), n)
        m = http.ask(p, '/?len=1&n=%d' % n)
        equal(m.get('content-length'), str(n))
        equal(http.sha(m.body), http.sha(http.content(n)), n)
        m = http.ask(p, '/?echo=1', 'POST', http.content(n), chunked=n > 9)
        equal(http.sha(m.body), http.sha(http.content(n)), n)
    m = http.ask(p, '/?status=404&n=3', fields=[
        'Connection: Upgrade, X-Hop', 'Upgrade: websocket', 'X-Hop: 1',
        'Cookie: a=b; c=d', 'Keep-Alive: 5'])
    equal((m.line, m.body), ('HTTP/1.1 404 Not Found', http.content(3)))
    equal([(a, b) for a, b in site.got[-1].heads[0] if a[:1] != b':'],
          [(b'cookie', b'a=b'), (b'cookie', b'c=d')])
    m = http.ask(p, '/?len=1&n=9', 'HEAD')
    equal((m.get('content-length'), m.body), ('9', b''))
    p.send(b''.join(http.request('/?n=%d' % n) for n in (3, 0, 70000)))
    for n in 3, 0, 70000:
        equal(http.answer(p).body, http.content(n))
    equal(site.wrong, [])
    # It is known from now on.
    n = len(site.serve.errors)
    equal(http.ask(old_client(s), '/?n=3').body, http.content(3))
    check(len(site.serve.errors) in (n, n + 1), site.serve.errors)
    equal({x['method'] for x in srv.log()}, {'REQMOD', 'RESPMOD'})
    p.close()


def hangs_up(helloes, reset, only=True):
    """Instead of an alert: the connection ends, or is reset; with `only`, where
    the hello does not offer h2. The helloes are kept."""
    def early(sock):
        hello = b''
        while len(hello) < 5 or len(hello) < 5 + int.from_bytes(hello[3:5],
                                                                'big'):
            hello = sock.recv(20000, socket.MSG_PEEK)
        helloes.append(hello)
        if only and b'\x02h2' in hello:
            return
        if not reset:                   # what is unread would reset it
            sock.recv(20000)
        raise OSError('hangs up')
    return early


@scenario
def h2_cross_to_a_server_that_hangs_up_on_others(s):
    """nghttpd has no alert for who does not agree on h2. It is asked again, in
    the next session: the log says so. Then clients without ALPN come to it,
    too."""
    service(s)
    h2_programs.nghttpd(s, {'small': b'a small file\n'})
    one = ('--http1.1', '-w', '%{http_version}', URL + 'small')
    r = programs.curl(s, *one)
    check('a small file' not in r.text, r.text)
    f = s.d.flows(1)[0]['flow']
    check('may speak HTTP/2 only' in f['reason'], f)
    equal(programs.curl(s, *one).ok().text, 'a small file\n1.1')
    r = s.run(s.client, 'wget', '-qO-', '--ca-certificate', s.pki.ca,
              URL + 'small', env={'no_proxy': '*'})
    equal(r.ok().text, 'a small file\n')
    p = s.tls(name=HOST)
    equal(http.ask(p, '/small').body, b'a small file\n')
    p.close()


@scenario
def h2_cross_to_a_server_that_ends_the_handshake(s):
    """The session itself is saved; and the next one asks at once, with ALPN
    or without."""
    service(s)
    helloes = []
    for port, reset in (443, False), (444, True):
        site = h2.Site()
        s.serve(port, site, alpn=['h2'], early=hangs_up(helloes, reset))
        for alpn, tries in (['http/1.1'], 2), (['http/1.1'], 1), (None, 1):
            del helloes[:]
            p = s.tls(port, alpn=alpn)
            equal(http.ask(p, '/?n=3').body, http.content(3))
            p.close()
            equal(len(helloes), tries, '%d %s' % (port, alpn))
        equal(site.wrong, [])


@scenario
def h2_cross_nothing_is_asked_of_what_is_not_http(s):
    """A server that hangs up on clients without ALPN, before the handshake, by
    either means, or behind it: none of the next sessions offers a protocol,
    and nothing is tried again but our own hello, once, in place of one like the
    client's."""
    service(s)
    for port, reset in (993, False), (994, True), (995, None):
        helloes = []
        early = hangs_up(helloes, reset, reset is None)
        if reset is None:
            def early(sock, helloes=helloes):
                helloes.append(sock.recv(20000, socket.MSG_PEEK))
        s.serve(port, lambda p: p.close(), early=early)
        for i in range(3):
            n = len(s.d.flows(len(s.d.flows(0))))
            try:
                p = s.tls(port)
                p.recv_all()
                p.close()
            except (OSError, proc.Failure):
                pass
            s.d.flows(n + 1)
            equal(len(helloes), (i + 1) * (1 if reset is None else 2), port)
        for hello in helloes:
            check(b'\x02h2' not in hello and b'http/1.1' not in hello, port)


@scenario
def h2_cross_http10_is_answered_until_the_end(s):
    service(s)
    new_origin(s)
    p = old_client(s)
    p.send(b'GET /?n=70000 HTTP/1.0\r\nHost: good.test\r\n\r\n')
    head, body = bytes(p.recv_all()).split(b'\r\n\r\n', 1)
    check(b'chunked' not in head, head)
    equal(http.sha(body), http.sha(http.content(70000)))


@scenario
def h2_cross_smuggles_nothing_from_http2(s):
    """Heads that HTTP/1 would read otherwise, content that is longer or
    shorter than it says: the client sees no such answer."""
    service(s)
    site = new_origin(s)
    bad = {
        'crlf': [('a', b'b\r\nx: y')], 'lf': [('a', b'b\nc')],
        'nul': [('a', b'b\0c')], 'te': [('transfer-encoding', 'chunked')],
        'colon': [('a:b', 'c')], 'blank': [('a b', 'c')],
        'lengths': [('content-length', '1'), ('content-length', '2')],
        'long': [('content-length', '1')],
        'short': [('content-length', '99')],
        'reset': [],
    }

    def app(e, st):
        more = bad[st.path.split('?')[1]]
        e.head(st.sid, [(':status', '200'), *more], False)
        e.data(st.sid, b'HTTP/1.1 200 OK\r\n\r\nevil', bool(more))
        if not more:
            e.reset(st.sid, h2.INTERNAL)
    site.apps['/bad'] = app
    for name in bad:
        p = old_client(s)
        s.say("case %s" % name)
        p.send(http.request('/bad?' + name) + http.request('/?n=3'))
        try:
            m = http.answer(p)
        except proc.Failure:
            continue                    # it was cut off at once
        check(m.status == 502 or not m.whole, name, m, m.body)
        check(name in ('short', 'reset') or b'evil' not in p.received,
              name, m.body)
        p.close()


@scenario(timeout=120)
def h2_cross_eicar_from_http2(s):
    scanner(s)
    site = new_origin(s)

    def app(e, st):
        e.head(st.sid, [(':status', '200')], False)
        e.data(st.sid, setup.EICAR)
    site.apps['/eicar'] = app
    p = old_client(s)
    equal(http.ask(p, '/?n=70000').body, http.content(70000))
    m = http.ask(p, '/eicar')
    equal(m.status, 403)
    check(setup.EICAR not in bytes(p.received))
    m = http.ask(old_client(s), '/', 'POST', setup.EICAR)
    equal(m.status, 403)


# --- judging, and where nobody reads

@scenario
def h2_cross_judges_names_by_the_certificate(s):
    """The server's own names pass, others are misdirected; with no service."""
    rules = [{'name': 'no', 'host': ['bad.good.test'], 'action': 'block'},
             {'name': 'default', 'action': 'decrypt'}]
    s.start(rules=rules, record=False)
    origin = old_origin(s)
    c = h2.connect(s)
    equal(c.answer(c.ask('/a', host='www.good.test')).status, 200)
    check(c.answer(c.ask('/b', host='bad.good.test')).status in (403, 421))
    equal(c.answer(c.ask('/c', host='evil.test')).status, 421)
    equal(c.get('/d').status, 200)
    c.p.close()
    equal([m.line.split()[1] for m in origin.got], ['/a', '/d'])
    origin.serve.close()
    site = new_origin(s)
    p = old_client(s)
    equal(http.ask(p, '/e', host='www.good.test').status, 200)
    equal(http.ask(p, '/f', host='evil.test').status, 421)
    equal(site.paths(), ['/e'])


@scenario
def h2_cross_is_for_messages_that_are_read(s):
    """The server gets the client's list and no other."""
    s.start()
    serve = s.serve(handler=lambda p: p.close(), alpn=['http/1.1'])
    p = s.tls(alpn=['h2'])
    equal(p.tls.selected_alpn_protocol(), None)
    p.close()
    serve.wait(1)
