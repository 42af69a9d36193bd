"""A WebSocket where client and server do not speak the same HTTP: extended
CONNECT (RFC 8441) becomes an Upgrade, and an Upgrade an extended CONNECT."""
from harness import check, equal, h2, http, icap, scenario, wait
from t_h2_cross import new_origin, old_client, service
from t_ws import digest, frame, read_frame, start_server, talk

EVENTS = {'events': ['flow', 'http', 'ws']}


def extended(path='/chat', protocol='websocket'):
    return [(':method', 'CONNECT'), (':protocol', protocol),
            (':scheme', 'https'), (':path', path),
            (':authority', 'good.test'), ('sec-websocket-version', '13')]


def said(c, st, n):
    """The server's bytes on a stream, once there are n."""
    c.until(lambda: len(st.body) >= n, '%d bytes' % n)
    return bytes(st.body)


def socket_of(c, path='/chat'):
    c.until(lambda: h2.S_CONNECT in c.theirs, 'SETTINGS')
    st = c.open()
    c.head(st.sid, extended(path), False)
    c.until(lambda: st.heads, 'an answer')
    return st


@scenario
def h2_cross_websocket_to_http1(s):
    """The stream is the connection's last: others are to ask elsewhere."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')), log=EVENTS)
    start_server(s)
    c = h2.connect(s)
    c.until(lambda: h2.S_CONNECT in c.theirs, 'SETTINGS')
    bad = c.open()
    c.head(bad.sid, extended(protocol='other'), False)
    c.until(lambda: bad.over, 'an end of it')
    equal(bad.status, 501)
    st = socket_of(c)
    equal(st.status, 200)
    check('sec-websocket-accept' not in st.head, st.head)
    c.until(lambda: c.goaway, 'GOAWAY')
    equal(c.goaway, (st.sid, h2.NO_ERROR))
    big = http.content(70000)
    c.content(st, frame(1, b'hello') + frame(2, big), False)
    want = b'\x81\x05HELLO\x82\x7f' + len(big).to_bytes(8, 'big') + big
    equal(http.sha(said(c, st, len(want))), http.sha(want))
    c.content(st, frame(8, b'\x03\xe8'), False)
    c.until(lambda: st.over, 'its end')
    equal(bytes(st.body)[len(want):], b'\x88\x02\x03\xe8')
    check(st.whole, st)
    wait(lambda: len(s.d.events('ws')) == 6, 'an event for each message')
    wait(lambda: len(s.d.events('http')) == 2, 'an event for each request')
    equal(sorted(e['http']['status'] for e in s.d.events('http')),
          [200, 501])


@scenario
def h2_cross_websocket_that_http1_refuses(s):
    """Its answer comes, and the connection goes on; a success that is no
    switch would open a tunnel in HTTP/2, so it is a failure."""
    service(s)
    answers = {b'/no': b'HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone',
               b'/ok': b'HTTP/1.1 200 Ok\r\nContent-Length: 2\r\n\r\nok'}

    def handler(p):
        while True:
            p.send(answers[p.recv_until(b'\r\n\r\n').split()[1]])
    serve = s.serve(handler=handler)
    c = h2.connect(s)
    st = c.answer(socket_of(c, '/no'))
    equal((st.status, bytes(st.body), st.ended), (404, b'none', True))
    equal(bytes(c.get('/ok').body), b'ok')
    st = c.answer(socket_of(c, '/ok'))
    equal((st.status, bytes(st.body)), (502, b'ok'))
    equal(bytes(c.get('/ok').body), b'ok')
    equal(len(serve.peers), 1, 'connections')
    s.d.wait_log('answers a WebSocket with 404')


def chat(e, st):
    """A WebSocket's server, which tells in upper case what it got."""
    e.head(st.sid, [(':status', '200')], False)
    at = 0
    while True:
        while len(st.body) < at + 6 or len(st.body) < at + 6 + \
                (st.body[at + 1] & 127):
            if st.ended or e.turn() is None:
                return e.data(st.sid)
        opcode, n = st.body[at], st.body[at + 1] & 127
        key = st.body[at + 2:at + 6]
        text = bytes(b ^ key[i & 3] for i, b in
                     enumerate(st.body[at + 6:at + 6 + n]))
        at += 6 + n
        e.data(st.sid, bytes([opcode, n]) + text.upper(), opcode == 0x88)


@scenario
def h2_cross_websocket_to_http2(s):
    """By a client's program; its messages are scanned on the way."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('modify?append=%21'),
                               srv.url('204'), websocket='message'),
               log=EVENTS)
    site = new_origin(s, [(h2.S_CONNECT, 1)])
    site.apps['/chat'] = chat
    site.apps['/none'] = lambda e, st: e.head(st.sid, [(':status', '404')])
    equal(talk(s, ['text hello', 'text more'])[1:],
          [digest('text', b'HELLO!'), digest('text', b'MORE!'),
           'closed 1000 '])
    head = site.got[-1].head
    equal((head[':method'], head[':protocol'], head[':path']),
          ('CONNECT', 'websocket', '/chat'))
    check('sec-websocket-key' not in head, head)
    equal(site.wrong, [])
    p = old_client(s)
    equal(http.ask(p, '/none', fields=UPGRADE).status, 404)
    equal(http.ask(p, '/?n=3').body, http.content(3))
    p.close()


UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket',
           'Sec-WebSocket-Version: 13',
           'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']


@scenario
def h2_cross_websocket_that_http2_does_not_offer(s):
    service(s)
    site = new_origin(s)
    p = old_client(s)
    m = http.ask(p, '/chat', fields=UPGRADE)
    equal((m.status, m.get('connection')), (501, 'close'))
    s.d.wait_log('its SETTINGS do not have ENABLE_CONNECT_PROTOCOL')
    equal(site.got, [])
