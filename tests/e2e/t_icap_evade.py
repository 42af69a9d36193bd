"""Nothing gets by the scanner: whatever a server or a client does out of turn,
in parts, too large or in another coding, is shown to the service, or refused,
or is told in the log as what nobody looked at."""
import time

from harness import PATIENCE, check, equal, http, icap, net, peer, scenario, \
    wait

EVIL = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nEVILDAT'


def until_end(p, within=5):
    """What still comes, to its end; a stall is a failure."""
    out = b''
    p.sock.settimeout(within * PATIENCE)
    try:
        while True:
            d = p.recv()
            if not d:
                return out
            out += d
    except TimeoutError:
        raise icap.Failure('still open after %d bytes: %r' % (
            len(out), out[-200:]))


def outcomes(s, n):
    """{service: [outcome, ...]} of n transactions."""
    wait(lambda: len(s.d.events('icap')) >= n, '%d icap events' % n,
         10 * s.slow)
    out = {}
    for e in s.d.events('icap'):
        out.setdefault(e['icap']['service'], []).append(e['icap']['outcome'])
    return out


def by_name(*services, more=()):
    """A rule for each service, by the SNI NAME.good.test."""
    return [{'name': n, 'action': 'decrypt', 'mirror': ['recorder'],
             'sni': [n + '.good.test'], 'icap': [n]}
            for n in services] + list(more) + [
                {'name': 'rest', 'action': 'reset'}]


def told(s, p, up=b''):
    """It was cut off, the client got nothing of it, and the log says why."""
    try:
        p.send(up)
    except OSError:
        pass
    equal(until_end(p), b'', 'what the client got')
    e = s.d.flows()[-1]
    equal(e['flow']['reason'], 'an answer that nobody asked for')


# Out of turn.
def ahead(s, first, alpn=None):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('block'), srv.url('block')))

    def early(p):
        for x in first:
            p.send(x)
            s.taken(p)
        p.recv_all()
    s.serve(443, handler=early, alpn=alpn)
    p = s.tls(alpn=alpn)
    wait(lambda: s.d.flows(), 'the end of the session')
    told(s, p, http.request('/x'))
    equal(srv.log(), [])


@scenario
def server_that_answers_before_it_is_asked_is_cut_off(s):
    ahead(s, [EVIL])


@scenario
def server_that_answers_first_on_a_plain_port_is_cut_off(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('block'), srv.url('block')))

    def early(p):
        p.send(EVIL)
        p.recv_all()
    server = s.serve(80, handler=early, plain=True)
    p = s.plain(80)
    try:
        p.sock.settimeout(3 * s.slow)
        if p.recv() == b'':
            return
        p.send(http.request('/x', 'POST', b'secret'))
        p.recv_all()
    except (TimeoutError, OSError):
        pass
    check(b'EVIL' not in p.received, 'the client got', bytes(p.received))
    check(b'secret' not in server.peers[0].received, 'the origin got it')
    p.rst()


@scenario
def server_that_speaks_first_is_no_matter_of_a_monitor(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('block'), srv.url('block'),
                               monitor=True))

    def early(p):
        p.send(EVIL)
        p.recv_all()
        p.close()
    server = s.serve(443, handler=early)
    p = s.tls()
    equal(p.recv_exact(len(EVIL)), EVIL)
    p.send(http.request('/x'))
    p.finish()
    s.same(server, p)


@scenario
def answer_ahead_that_is_no_http_is_cut_off_where_http_was_agreed(s):
    ahead(s, [b'<html>EVIL</html>'], ['http/1.1'])


def word(s, asked_first):
    """Clients look some bytes on for "HTTP", so the server may say something
    of no meaning first, and then goes on as in HTTP."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('block'), srv.url('block')))
    asked = []

    def handler(p):
        p.send(b'\r\n')
        wait(lambda: asked, 'the question')
        p.send(EVIL)
        p.recv_all()
    server = s.serve(443, handler=handler)
    p = s.tls()
    p.sock.settimeout(1)
    try:
        equal(p.recv(), b'\r\n')
    except TimeoutError:        # held: as good
        pass
    if not asked_first:
        asked.append(1)
        wait(lambda: len(server.peers[0].sent) > 2, 'the answer')
        s.taken(server.peers[0])
    try:
        p.send(http.request('/x', 'POST', b'secret'))
    except OSError:
        pass
    asked.append(1)
    try:
        p.recv_all()
    except TimeoutError:
        pass
    check(b'EVIL' not in p.received, 'the client got', bytes(p.received))
    check(b'secret' not in server.peers[0].received, 'the origin got it')
    p.rst()


@scenario
def word_of_the_server_does_not_open_a_session_to_requests(s):
    word(s, True)


@scenario
def word_of_the_server_does_not_open_a_session_to_its_answer(s):
    word(s, False)


@scenario
def bytes_behind_an_answer_do_not_open_the_session(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('satisfy'), srv.url('204')))
    srv.rules({'path': 'satisfy', 'from': 1, 'to': 1, 'as': '204'})
    up = []

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
        wait(lambda: up, 'the first answer at the client')
        p.send(EVIL)
        p.recv_all()
    for port, plain in ((80, True), (443, False)):
        server = s.serve(port, handler=handler, plain=plain)
        p = s.plain(80) if plain else s.tls()
        equal(http.ask(p, '/one').body, b'hi')
        up.append(1)
        n = len(s.d.flows(0))
        wait(lambda: len(s.d.flows(0)) > n, 'the end of the session')
        told(s, p, http.request('/two', 'POST', b'secret'))
        server.wait()
        check(b'secret' not in server.peers[0].received, 'it went by REQMOD')
        up.clear()
        srv.rules({'path': 'satisfy', 'from': 2, 'to': 2, 'as': '204'})
    wait(lambda: len(srv.log('RESPMOD')) >= 2, 'the first of each')
    srv.logged(2, 'RESPMOD')


@scenario
def bytes_behind_a_kept_answer_do_not_stall_it(s):
    """They fill the buffer that it is to be delivered through. (Then they are
    found out, and the reset that follows may overtake the answer's end.)"""
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('204?preview=none&slow=300')))

    def handler(p, size):
        p.recv_until(b'\r\n\r\n')
        try:
            p.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % size +
                   http.content(size) + EVIL * 100000)
        except OSError:
            pass
        p.close()
    port = 8000
    for plain in (True, False):
        for size in (3000, 300000, 3000000):
            port += 1
            s.serve(port, handler=lambda p, n=size: handler(p, n),
                    plain=plain)
            p = s.plain(port) if plain else s.tls(port)
            used = s.d.cpu()
            p.send(http.request('/one'))
            head, _, body = until_end(p, 10).partition(b'\r\n\r\n')
            check(head.startswith(b'HTTP/1.1 200 '), size, head)
            check(http.content(size).startswith(body), size, body[-50:])
            check(s.d.cpu() - used < 2 * s.slow, 'it was waited for busily')


@scenario
def bytes_in_one_piece_with_an_answer_are_no_second_answer(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')))

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi' + EVIL)
        p.recv_all()
    s.serve(443, handler=handler)
    p = s.tls()
    equal(http.ask(p, '/one').body, b'hi')
    told(s, p, http.request('/two'))
    wait(lambda: srv.log('RESPMOD'), 'the first')
    srv.logged(1, 'RESPMOD')


@scenario
def switch_of_protocols_that_nobody_asked_for_is_refused(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('block')))

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n'
               b'Upgrade: any\r\n\r\n' + EVIL)
        p.recv_all()
    s.serve(443, handler=handler)
    s.serve(80, handler=handler, plain=True)
    for n, way in ((1, s.tls), (2, lambda: s.plain(80))):
        p = way()
        icap.page(http.ask(p, '/x'), 502)
        p.rst()
        s.d.flows(n)
        check(b'EVIL' not in p.received, 'the client got it')


@scenario
def session_whose_switch_of_protocols_was_refused_ends(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('block')))

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 101 Switching Protocols\r\n\r\n')
        p.recv_all()
    s.serve(80, handler=handler, plain=True)
    p = s.plain(80)
    icap.page(http.ask(p, '/x'), 502)
    equal(until_end(p), b'', 'behind the page')


@scenario
def request_whose_chunks_break_ends_the_session(s):
    """Inline it is cut off before what may be another request."""
    broken_chunks(s, False)


@scenario
def request_whose_chunks_break_is_not_stalled_by_a_monitor(s):
    broken_chunks(s, True)


def broken_chunks(s, monitor):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), monitor=monitor))

    def handler(p):
        p.recv_all()
        p.sock.close()
    server = s.serve(80, handler=handler, plain=True)
    p = s.plain(80)
    head = b'POST /first HTTP/1.1\r\nHost: good.test\r\n' \
        b'Transfer-Encoding: chunked\r\n\r\n' + http.pieces(b'a' * 3000)[:-5]
    rest = b'5\nhello\n0\n\nPOST /smuggled HTTP/1.1\r\nHost: evil.test\r\n' \
        b'Content-Length: 6\r\n\r\nsecret'
    p.send(head)
    wait(lambda: server.peers and len(server.peers[0].received) >= len(head),
         'the good part at the origin')
    p.send(rest)
    if monitor:
        p.fin()
    until_end(p)
    p.sock.close()
    server.wait()
    got = bytes(server.peers[0].received)
    if monitor:
        equal(got, head + rest, 'at the origin')
    else:
        equal(got[:len(head)], head, 'at the origin')
        check(b'smuggled' not in got and b'secret' not in got, got[-200:])
    wait(lambda: srv.log(), 'a transaction')
    equal([x['req-hdr'].split(' ')[1] for x in srv.log()],
          ['http://good.test/first'])


def looked_at(s, p, up):
    """What is HTTP if not by its first bytes, or not at once, is shown to
    REQMOD, which stops it; or is refused."""
    p.send(up)
    try:
        p.sock.settimeout(2 * s.slow)
        p.recv_until(b'\r\n\r\n')
    except (TimeoutError, icap.Failure):
        pass
    p.rst()
    check(b'stopped by the scripted server' in p.received or
          b' 400 ' in p.received, repr(up[:30]), 'got', bytes(p.received))


def stopping(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('satisfy'), srv.url('block')))

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.recv_all()
    return [s.serve(443, handler=handler),
            s.serve(80, handler=handler, plain=True)]


def unheard(servers):
    for x in servers:
        for p in x.peers:
            check(b'secret' not in p.received, 'the origin got',
                  bytes(p.received))


@scenario
def connection_that_was_made_ahead_of_its_use_does_not_get_by(s):
    """As browsers do, who say nothing for a while."""
    servers = stopping(s)
    p = s.plain(80)
    s.silence(p, 1)
    looked_at(s, p, http.request('/x', 'POST', b'secret'))
    unheard(servers)


@scenario
def empty_line_on_a_plain_port_does_not_get_by(s):
    servers = stopping(s)
    looked_at(s, s.plain(80), b'\r\n' + http.request('/x', 'POST', b'secret'))
    unheard(servers)


@scenario
def blanks_before_a_request_do_not_get_by(s):
    """Some servers skip any number of them."""
    servers = stopping(s)
    for lead in (b'\r\n\r\n', b'\n', b'\r\n\n', b'\r', b' ', b'\t'):
        for way in (s.tls, lambda: s.plain(80)):
            looked_at(s, way(), lead + http.request('/x', 'POST', b'secret'))
    unheard(servers)


@scenario
def request_whose_first_byte_comes_alone_does_not_get_by(s):
    servers = stopping(s)
    for way in (s.tls, lambda: s.plain(80)):
        p = way()
        p.send(b'P')
        s.silence(p, 0.3)       # longer than the rest of it is waited for
        looked_at(s, p, http.request('/x', 'POST', b'secret')[1:])
    unheard(servers)


@scenario
def plain_http_in_a_tunnel_does_not_get_by(s):
    servers = stopping(s)
    for pause in (0, 1):
        p = peer.Peer(s.via_proxy(net.SERVER, 80))
        s.silence(p, pause)
        looked_at(s, p, http.request('/x', 'POST', b'secret'))
    unheard(servers)


# What is asked for so that less is to be seen.
@scenario
def parts_and_h2c_are_not_asked_for_where_they_would_get_by(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('204'), name='r'),
               icap.service(srv.url('204'), None, name='q'),
               icap.service(None, srv.url('204'), name='m', monitor=True),
               rules=by_name('r', 'q', 'm'))
    o = icap.Little(s)
    fields = ['Range: bytes=0-1', 'If-Range: "x"', 'Upgrade: h2c',
              'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMA',
              'X-Last: 1']
    for who in ('r', 'q', 'm'):
        p = o.client(name=who + '.good.test')
        raw = http.request('/x?n=6', fields=fields)
        equal(http.ask(p, '/x?n=6', fields=fields).body, http.content(6))
        p.finish()
        m = o.got()[-1]
        if who == 'm':
            equal(m.head, raw, 'at the origin by ' + who)
            continue
        for name in ('upgrade', 'http2-settings'):
            equal(m.get(name), None, name)
        for name in ('range', 'if-range'):
            equal(m.get(name) is None, who == 'r', name)
        equal(m.get('x-last'), '1')
    o.seen()


@scenario
def codings_that_the_scanner_does_not_know_are_not_asked_for(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('204'), name='r'),
               icap.service(None, srv.url('204'), name='a',
                            accept_encoding='any'),
               icap.service(None, srv.url('204'), name='g',
                            accept_encoding=['gzip']),
               icap.service(srv.url('204'), None, name='q',
                            accept_encoding=['gzip']),
               rules=by_name('r', 'a', 'g', 'q', more=[
                   {'name': 'two', 'action': 'decrypt', 'icap': ['a', 'g'],
                    'mirror': ['recorder'], 'sni': ['ag.good.test']}]))
    o = icap.Little(s)
    asked = {'gzip, br, zstd': ('gzip, br', 'gzip'),
             'zstd': ('identity', 'identity'),
             'gzip, deflate, br': ('gzip, deflate, br', 'gzip'),
             'GZIP;q=0.5, zstd;q=1, identity;q=0':
             ('GZIP;q=0.5, identity;q=0',) * 2,
             '*': ('identity', 'identity')}
    for virgin, (usual, gzip) in asked.items():
        for who, want in (('r', usual), ('a', virgin), ('g', gzip),
                          ('q', virgin), ('ag', gzip)):
            p = o.client(name=who + '.good.test')
            http.ask(p, '/x', fields=['Accept-Encoding: ' + virgin])
            equal(o.got()[-1].get('accept-encoding'), want,
                  '%s by %s' % (virgin, who))
            p.finish()
    o.seen()


# What is exempt, and from what.
@scenario
def types_are_exempt_in_responses_only_and_from_one_service_only(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('satisfy'), None, name='q',
                               bypass_types=['video/mp4']),
               icap.service(None, srv.url('satisfy'), name='one',
                            bypass_types=['video/*']),
               icap.service(None, srv.url('block'), name='two',
                            bypass_types=['audio/*']),
               rules=by_name('q', 'one', more=[
                   {'name': 'both', 'action': 'decrypt',
                    'sni': ['both.good.test'], 'icap': ['one', 'two']}]))
    o = icap.Little(s)
    video = '/x?n=3000&type=video/mp4'
    p = s.tls(name='q.good.test')
    icap.page(http.ask(p, '/x', 'POST', b'secret',
                       fields=['Content-Type: video/mp4']), 403)
    equal(o.got(), [], 'the origin got the upload')
    p = s.tls(name='one.good.test')
    equal(http.ask(p, video).body, http.content(3000))
    p = s.tls(name='both.good.test')
    icap.page(http.ask(p, video), 403)
    check(http.content(3000)[:50] not in p.received, 'the client got it')
    got = outcomes(s, 4)
    equal(got['q'], ['sat'])
    equal(got['one'], ['bypass-type'] * 2)
    equal(got['two'], ['block'])
    wait(lambda: len(srv.log()) == 2, 'two that were shown')
    s.d.metric_is(2.0, 'clearspan_icap_transactions_total', service='one',
                  result='bypass')


@scenario
def size_that_exempts_from_one_service_does_not_from_the_next(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204'), name='one',
                               max_body='1k'),
               icap.service(srv.url('satisfy'), srv.url('block'), name='two'),
               inspect={'endless': 'open'},
               rules=[{'name': 'a', 'action': 'decrypt',
                       'mirror': ['recorder'], 'icap': ['one', 'two']}])
    srv.rules({'path': 'satisfy', 'from': 3, 'as': '204'})
    o = icap.Little(s)
    for kind in ('length', 'chunked'):
        p = o.client('http')
        icap.page(http.ask(p, '/x', 'POST', http.content(5000),
                           chunked=kind == 'chunked'), 403)
    equal(o.got(), [])
    for kind in ('length', 'chunked'):
        p = o.client('http')
        icap.page(http.ask(p, '/x?n=5000&as=' + kind), 403)
        check(http.content(5000)[:50] not in p.received, 'the client got it')
    got = outcomes(s, 12)
    # Of those of unknown length the preview was enough for the first one.
    equal(sorted(got['one']), ['204p'] * 4 + ['bypass-oversize'] * 2)
    equal(sorted(got['two']), ['204p'] * 2 + ['block'] * 2 + ['sat'] * 2)


@scenario
def size_found_out_on_the_way_is_blocked(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo'),
                               max_body='64k', oversize='block'))
    o = icap.Little(s)
    for kind in ('chunked', 'close'):
        p = s.tls()
        icap.page(http.ask(p, '/x?n=65536&as=' + kind), 200)
        p = s.tls()
        icap.page(http.ask(p, '/x?n=200000&as=' + kind), 403)
        check(http.content(200000)[:50] not in p.received, 'the client got it')
    n = len(o.got())
    p = s.tls()
    icap.page(http.ask(p, '/x', 'POST', http.content(200000), chunked=True),
              403)
    check(not [x for x in o.got()[n:] if x.whole], 'whole at the origin')
    got = outcomes(s, 9)['scan']
    equal(got.count('err-oversize'), 3, got)


# A no that was not finished.
@scenario
def refusal_that_dies_before_its_page_is_one(s):
    srv = icap.Script(s)
    for how in ('fin', 'rst'):
        what = '?cut=content&how=' + how
        service = [icap.service(srv.url('satisfy' + what), None, name='q',
                                fail='open'),
                   icap.service(None, srv.url('block' + what), name='r',
                                fail='open')]
        if how == 'fin':
            icap.start(s, *service, rules=by_name('q', 'r'))
            o = icap.Little(s)
        else:
            s.stop(s.d)
            icap.start(s, *service, rules=by_name('q', 'r'), how=None,
                       record=False)
        for n in (5, 5000, 200000):
            p = s.tls(name='q.good.test')
            m = http.ask(p, '/x', 'POST', http.content(n))
            icap.page(m, 403)
            p.finish()
            equal([x for x in o.got() if x.line.startswith('POST')], [],
                  'the origin got it')
            p = s.tls(name='r.good.test')
            m = http.ask(p, '/x?n=%d' % n)
            check(m.status in (403, 502), m)
            icap.page(m, m.status)
            check(http.content(n)[:5] not in p.received, 'the client got it')
            p.finish()


# Without end.
def trickle(p):
    """Ten bytes after ten bytes, at whatever pace, until the reader goes."""
    p.recv_until(b'\r\n\r\n')
    p.send(b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n'
           b'Transfer-Encoding: chunked\r\n\r\n')
    while True:
        p.send(b'a\r\n123456789\n\r\n')
        time.sleep(0.05)


def endless(s, what, **kw):
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url(what), stream_after='1s', **kw),
               inspect={'endless': 'open'})
    s.serve(443, handler=trickle)
    p = s.tls()
    start = time.monotonic()
    p.send(http.request('/x'))
    return p, start


def let_go(s, what):
    p, start = endless(s, what)
    p.recv_until(b'\r\n\r\n')
    for i in range(30):
        p.recv_until(b'123456789\n')
    took = time.monotonic() - start
    check(0.9 < took < 6 * s.slow * PATIENCE, 'it was let go after', took)
    p.rst()
    equal(outcomes(s, 1)['scan'], ['bypass-endless'])


@scenario
def stream_within_the_preview_is_let_go(s):
    let_go(s, 'echo?preview=60000')


@scenario
def stream_that_is_being_shown_is_let_go(s):
    let_go(s, 'echo?preview=0')


@scenario
def stream_is_refused_where_what_is_too_large_is(s):
    p, start = endless(s, 'echo?preview=60000', oversize='block')
    icap.page(http.answer(p), 403)
    took = time.monotonic() - start
    check(0.9 < took < 6 * s.slow * PATIENCE, 'it was refused after', took)
    check(b'123456789' not in p.received, 'the client got it')
    equal(outcomes(s, 1)['scan'], ['err-endless'])
    p.rst()


@scenario
def stream_that_is_answered_in_time_is_no_stream_without_end(s):
    p, start = endless(s, 'stream?preview=0')
    p.recv_until(b'\r\n\r\n')
    while time.monotonic() - start < 2.5:
        p.recv_until(b'123456789\n')
    equal(s.d.events('icap'), [])
    p.rst()
