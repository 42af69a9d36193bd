"""What ICAP does to HTTP on its way: verdicts, edits, protocols that are not
for it, requests that two readers would read differently, and progress."""

from harness import PATIENCE, check, equal, http, icap, peer, scenario, wait


def scripted(s, what, **kw):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url(what), srv.url(what), **kw))
    return srv, icap.Little(s)


@scenario
def request_is_satisfied_by_the_service(s):
    srv, o = scripted(s, 'satisfy')
    for way in ('https', 'http', 'connect', 'proxy'):
        p = o.client(way)
        for n in (None, 10, 100000):
            m = o.ask(p, '/x', 'GET' if n is None else 'POST',
                      None if n is None else http.content(n))
            icap.page(m, 403)
            check(b'stopped by the scripted server' in m.body, m.body)
    equal(o.got(), [], 'what the origin got')
    wait(lambda: len(s.d.events('icap')) >= 12, 'events')
    equal({e['icap']['outcome'] for e in s.d.events('icap')}, {'sat'})


@scenario
def page_in_the_place_of_a_response(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('block')))
    o = icap.Little(s)
    p = o.client()
    for n in (0, 10, 100000, 1 << 20):
        m = http.ask(p, '/x?n=%d' % n)
        icap.page(m, 403)
        check(b'stopped by' in m.body, m.body)
    m = http.ask(p, '/x?n=100', 'HEAD')
    equal(m.status, 403)
    wait(lambda: len(s.d.events('alert')) >= 5, 'alerts')
    equal({e['alert']['signature'] for e in s.d.events('alert')}, {'Test'})
    equal({e['icap']['outcome'] for e in s.d.events('icap')}, {'block'})
    p.finish()
    o.seen()


@scenario
def answers_split_at_every_byte(s):
    """Each byte of the ICAP answer comes alone."""
    srv = icap.Script(s)
    names = {'a': 'echo?split=1', 'b': 'modify?split=1&append=%0aadapted',
             'c': '204?split=1', 'd': '206?split=1&allow=204,206&prefix=PRE',
             'e': 'block?split=1', 'f': 'echo?split=1&lf=yes',
             'g': 'echo?split=1&chunk=1', 'h': 'echo?split=1&ext=x%3dy',
             'i': 'echo?split=1&trailer=X-T:1', 'j': 'echo?split=7'}
    icap.start(s, *[icap.service(respmod=srv.url(w), name=n)
                    for n, w in names.items()],
               rules=[{'name': n, 'action': 'decrypt', 'icap': [n],
                       'mirror': ['recorder'], 'sni': [n + '.good.test']}
                      for n in names] + [{'name': 'z', 'action': 'reset'}])
    icap.Little(s)
    for n in names:
        p = s.tls(name=n + '.good.test')
        for size in (0, 1, 300, 2000) if n != 'd' else (1, 300, 2000):
            m = http.ask(p, '/x?n=%d' % size)
            want = http.content(size)
            if n == 'b' and size:
                want += b'\nadapted'
            if n == 'd':
                want = b'PRE' + want
            if n == 'e':
                icap.page(m, 403)
                continue
            equal((m.status, m.body), (200, want), '%s: %d' % (
                names[n], size))


@scenario
def fields_are_added_and_stay_in_one_message(s):
    srv, o = scripted(s, 'modify?append=&header=X-Adapted:yes')
    p = o.client()
    for i in range(3):
        m = http.ask(p, '/x', 'POST', b'body %d' % i)
        equal(m.get('x-adapted'), 'yes')
        equal(o.got()[-1].get('x-adapted'), 'yes')
        equal(o.got()[-1].body, b'body %d' % i)
        equal(o.got()[-1].target, '/x')
    for x in srv.logged(3, 'REQMOD'):
        check(x['req-hdr'].startswith('POST https://good.test/x HTTP/1.1'),
              x['req-hdr'])
        equal(x['headers']['x-client-ip'], '10.1.0.2')
    for x in srv.logged(3, 'RESPMOD'):
        equal(x['headers']['x-server-ip'], '10.2.0.2')


@scenario
def events_say_who_what_and_how_long(s):
    srv, o = scripted(s, 'echo')
    p = o.client()
    http.ask(p, '/path?n=3000', 'POST', b'x' * 2000,
             fields=['User-Agent: little', 'Referer: http://a.test/'])
    wait(lambda: s.d.events('http') and len(s.d.events('icap')) == 2, 'events')
    h = s.d.events('http')[0]
    equal(h['http']['hostname'], 'good.test')
    equal(h['http']['url'], '/path?n=3000')
    equal(h['http']['status'], 200)
    equal(h['http']['length'], 3000)
    equal(h['clearspan']['request_length'], 2000)
    equal(h['http']['http_user_agent'], 'little')
    for e in s.d.events('icap'):
        equal(e['flow_id'], h['flow_id'])
        equal(e['icap']['service'], 'scan')
        equal(e['icap']['outcome'], 'mod')
        equal(e['icap']['istag'], 'server-1')
        check(e['icap']['total_ms'] > 0 and e['icap']['bytes_toserver'] > 2000)
    s.d.metric_is(2.0, 'clearspan_icap_transactions_total', service='scan',
                  result='mod')


@scenario
def stream_types_pass_without_delay(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('echo')),
               inspect={'endless': 'open'})
    go = []

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n'
               b'data: 1\n\n')
        wait(lambda: go, 'the first event at the client')
        p.send(b'data: 2\n\n')
        p.recv_all()
        p.close()
    s.serve(443, handler=handler)
    p = s.tls()
    p.send(http.request('/events'))
    p.recv_until(b'data: 1\n\n')
    go.append(1)
    p.recv_until(b'data: 2\n\n')
    equal(srv.log(), [], 'shown to the service')
    p.close()


@scenario
def websocket_after_reqmod_is_a_tunnel(s):
    srv, o = scripted(s, 'echo')
    for way in ('https', 'http'):
        p = o.client(way)
        p.send(http.request('/ws?upgrade=1', fields=[
            'Connection: Upgrade', 'Upgrade: websocket',
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']))
        equal(http.answer(p).status, 101)
        for n in (1, 1000, 1 << 20):
            p.send(http.content(n))
            equal(p.recv_exact(n), http.content(n))
        p.finish()
        equal(o.got()[-1].get('upgrade'), 'websocket')
    o.seen()
    equal({x['method'] for x in srv.log()}, {'REQMOD'})


@scenario
def alpn_with_icap_is_what_both_choose(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo')))
    for port, has, want in ((443, ['h2', 'http/1.1'], 'h2'),
                            (8443, ['http/1.1'], 'http/1.1')):
        s.serve(port, handler=peer.echo, alpn=has)
        p = s.tls(port=port, alpn=['h2', 'http/1.1'])
        equal(p.tls.selected_alpn_protocol(), want)
        p.close()


@scenario
def what_is_no_http_passes_untouched(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo')))
    srv_ = s.serve(443)
    p = s.exchange(b'\x00\x01 no http at all \r\n\r\n' * 1000)
    s.same(srv_, p)
    equal(srv.log(), [])


@scenario
def monitor_sees_all_and_delays_nothing(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('satisfy?hold=yes'),
                               srv.url('block?hold=yes'), monitor=True))
    o = icap.Little(s)
    p = o.client()
    for n in (0, 1000, 100000):
        m = http.ask(p, '/x?n=%d' % n, 'POST', http.content(n))
        equal((m.status, m.body), (200, http.content(n)))
        equal(o.got()[-1].body, http.content(n))
    equal(srv.log(), [], 'it was waited for')
    srv.let_go(6)
    wait(lambda: len(srv.log()) >= 6, 'six transactions')
    p.finish()
    o.seen()
    wait(lambda: len(s.d.events('icap')) >= 6, 'six events')


@scenario
def monitor_is_shown_the_virgin_messages(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('modify?append=%0aA'),
                               srv.url('modify?append=%0aA'), name='inline'),
               icap.service(srv.url('echo'), srv.url('echo'), name='watch',
                            monitor=True))
    o = icap.Little(s)
    p = o.client()
    for n in (1, 1024, 100000, 1 << 20):
        for kind in ('length', 'chunked'):
            before = len([x for x in srv.log() if x['path'] == 'echo'])
            m = http.ask(p, '/x?n=%d&as=%s' % (n, kind), 'POST',
                         http.content(n), chunked=kind == 'chunked')
            equal(m.body, http.content(n) + b'\nA')
            wait(lambda: len([x for x in srv.log() if x['path'] == 'echo']) >=
                 before + 2, 'both copies')
            equal({x['sha256'] for x in srv.log() if x['path'] == 'echo'
                   and x['body'] == n}, {http.sha(http.content(n))})
    p.finish()
    s.stop(s.d)


# Requests that two readers might read differently: each reaches the origin
# as one request that means one thing, or is refused.
BODY = b'0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: evil.test\r\n\r\n'


def post(fields, body, line=b'POST /first HTTP/1.1'):
    return line + b'\r\nHost: good.test\r\n' + fields + b'\r\n' + body


SMUGGLING = {
    'cl_te': post(b'Content-Length: %d\r\nTransfer-Encoding: chunked\r\n' %
                  len(BODY), BODY),
    'te_cl': post(b'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n',
                  b'2f\r\nGET /smuggled HTTP/1.1\r\nHost: evil.test\r\nX: y\r\n'
                  b'\r\n0\r\n\r\n'),
    'te_te': post(b'Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n',
                  BODY),
    'te_te_identity': post(b'Transfer-Encoding: identity, chunked\r\n', BODY),
    'te_not_last': post(b'Transfer-Encoding: chunked, gzip\r\n', BODY),
    'te_unknown': post(b'Transfer-Encoding: xchunked\r\n', BODY),
    'te_tab': post(b'Transfer-Encoding:\tchunked\x0b\r\n', BODY),
    'te_space_before_colon': post(b'Transfer-Encoding : chunked\r\n'
                                  b'Content-Length: %d\r\n' % len(BODY), BODY),
    'te_folded': post(b'X: y\r\n Transfer-Encoding: chunked\r\n'
                      b'Content-Length: %d\r\n' % len(BODY), BODY),
    'te_folded_value': post(b'Transfer-Encoding:\r\n chunked\r\n', BODY),
    'two_lengths': post(b'Content-Length: 5\r\nContent-Length: %d\r\n' %
                        len(BODY), BODY),
    'length_list': post(b'Content-Length: 5, %d\r\n' % len(BODY), BODY),
    'length_plus': post(b'Content-Length: +5\r\n', BODY),
    'length_hex': post(b'Content-Length: 0x5\r\n', BODY),
    'length_negative': post(b'Content-Length: -5\r\n', BODY),
    'length_huge': post(b'Content-Length: 18446744073709551621\r\n', BODY),
    'bare_lf_field': post(b'X: y\nTransfer-Encoding: chunked\r\n'
                          b'Content-Length: %d\r\n' % len(BODY), BODY),
    'bare_cr_field': post(b'X: y\rTransfer-Encoding: chunked\r\n'
                          b'Content-Length: %d\r\n' % len(BODY), BODY),
    'nul_in_field': post(b'X: y\0z\r\nContent-Length: 0\r\n', b''),
    'two_hosts': post(b'Host: evil.test\r\nContent-Length: 0\r\n', b''),
    'no_colon': post(b'Transfer-Encoding chunked\r\nContent-Length: 0\r\n',
                     b''),
    'chunk_size_spaces': post(b'Transfer-Encoding: chunked\r\n',
                              b'5 \r\nhello\r\n0\r\n\r\n'),
    'chunk_size_hex': post(b'Transfer-Encoding: chunked\r\n',
                           b'0x5\r\nhello\r\n0\r\n\r\n'),
    'chunk_size_negative': post(b'Transfer-Encoding: chunked\r\n',
                                b'-5\r\nhello\r\n0\r\n\r\n'),
    'chunk_size_huge': post(b'Transfer-Encoding: chunked\r\n',
                            b'ffffffffffffffff5\r\nhello\r\n0\r\n\r\n'),
    'chunk_extension': post(b'Transfer-Encoding: chunked\r\n',
                            b'5;a=b\r\nhello\r\n0;x="y"\r\n\r\n'),
    'chunk_extension_ieof': post(b'Transfer-Encoding: chunked\r\n',
                                 b'5\r\nhello\r\n0; ieof\r\n\r\n'),
    'chunk_extension_lf': post(b'Transfer-Encoding: chunked\r\n',
                               b'5;a\nb\r\nhello\r\n0\r\n\r\n'),
    'chunk_bare_lf': post(b'Transfer-Encoding: chunked\r\n',
                          b'5\nhello\n0\n\n'),
    'chunk_data_unended': post(b'Transfer-Encoding: chunked\r\n',
                               b'5\r\nhelloXX0\r\n\r\n'),
    'chunk_trailer': post(b'Transfer-Encoding: chunked\r\n',
                          b'5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n'),
    'te_in_http10': post(b'Transfer-Encoding: chunked\r\n', BODY,
                         b'POST /first HTTP/1.0'),
    'get_with_body': post(b'Content-Length: %d\r\n' % len(BODY), BODY,
                          b'GET /first HTTP/1.1'),
    'line_two_spaces': post(b'Content-Length: 0\r\n', b'',
                            b'POST  /first HTTP/1.1'),
    'line_version': post(b'Content-Length: 0\r\n', b'',
                         b'POST /first HTTP/1.2'),
    'expect_odd': post(b'Expect: 100-continue\r\nContent-Length: 5\r\n',
                       b'hello'),
    'connection_names_length': post(
        b'Connection: content-length\r\nContent-Length: %d\r\n' % len(BODY),
        BODY),
}


def naive(raw):
    """What a strict reader makes of it: (heads, bodies), or why not."""
    out = []
    while raw:
        check(b'\r\n\r\n' in raw, 'an unended head', raw[:200])
        head, raw = raw.split(b'\r\n\r\n', 1)
        low = head.lower()
        check(b'\n' not in low.replace(b'\r\n', b''), 'a bare LF', head)
        check(b'\r' not in low.replace(b'\r\n', b''), 'a bare CR', head)
        check(b'\0' not in low, 'a NUL', head)
        check(b'\r\n ' not in low and b'\r\n\t' not in low, 'folded', head)
        n = low.count(b'\r\ncontent-length:')
        te = low.count(b'\r\ntransfer-encoding')
        check(n + te <= 1, 'two framings', head)
        check(low.count(b'\r\nhost:') == 1, 'hosts', head)
        if te:
            check(b'\r\ntransfer-encoding: chunked' in low, head)
            while True:
                size, raw = raw.split(b'\r\n', 1)
                k = int(size, 16)
                check(size.isalnum(), 'chunk size', size)
                if k == 0:
                    check(raw.startswith(b'\r\n'), 'trailers', raw[:50])
                    raw = raw[2:]
                    break
                check(raw[k:k + 2] == b'\r\n', 'a chunk of', size)
                raw = raw[k + 2:]
        elif n:
            k = int(low.split(b'\r\ncontent-length:')[1].split(b'\r\n')[0])
            check(len(raw) >= k, 'less of a body than said')
            raw = raw[k:]
        out.append(head.split(b'\r\n')[0])
    return out


@scenario(timeout=90)
def smuggling_is_refused_or_made_plain(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo')))
    came = {}

    def handler(p):
        p.sock.settimeout(10)
        try:
            while True:
                d = p.recv()
                if not d:
                    break
                if p.received.endswith((b'\r\n\r\n', b'hello')) or \
                        b'\r\n\r\n' in p.received:
                    p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        except TimeoutError:
            pass
        p.sock.close()
    server = s.serve(80, handler=handler, plain=True)
    bad = []
    for name, raw in SMUGGLING.items():
        n = len(server.peers)
        c = s.plain(80)
        c.sock.settimeout(0.7 * s.slow)
        c.send(raw)
        got = b''
        while True:             # until its end, or nobody is at work on it
            try:
                d = c.recv()
            except TimeoutError:
                if s.d.idle() and srv.p.idle():
                    break
                continue
            if not d:
                break
            got += d
        c.rst()
        s.d.flows(len(came) + len(bad) + 1)     # no byte of it comes later
        at = b''.join(bytes(x.received) for x in server.peers[n:])
        status = got.split(b' ')[1] if b' ' in got else got
        try:
            lines = naive(at) if status == b'200' else []
            if status != b'200':
                check(status in (b'400', b'417', b'501', b'505', b'100'),
                      'answered with', got[:100])
                # Whatever part of it came is no complete request.
                check(b'/smuggled' not in at, 'the origin got', at)
        except (icap.Failure, ValueError) as e:
            bad.append('%s: %s\n    answered %r\n    the origin got %r' % (
                name, e, status, at[:400]))
            continue
        if len(lines) > 1:      # as the RFC reads it, there are two
            check(name in ('chunk_trailer',) or b'/smuggled' in lines[1],
                  name, lines)
        came[name] = (status, lines)
    print('\n'.join('%s: %s' % x for x in came.items()))
    check(not bad, '\n'.join(bad))
    for name in ('two_lengths', 'te_cl', 'cl_te', 'te_te', 'two_hosts',
                 'nul_in_field', 'bare_cr_field', 'te_space_before_colon',
                 'length_plus', 'length_huge', 'chunk_size_huge'):
        equal(came[name][0], b'400', name)


# Progress: whatever the sizes and whoever answers early, nothing waits for
# something that never comes.
def matrix(s, services):
    srv = icap.Script(s)
    icap.start(s, *[icap.service(srv.url(w), srv.url(w), name='s%d' % i)
                    for i, w in enumerate(services)],
               rules=[{'name': 's%d' % i, 'action': 'decrypt',
                       'mirror': ['recorder'], 'icap': ['s%d' % i],
                       'sni': ['s%d.good.test' % i]}
                      for i in range(len(services))] +
               [{'name': 'z', 'action': 'reset'}])
    o = icap.Little(s)
    for i, w in enumerate(services):
        p = s.tls(name='s%d.good.test' % i)
        for n in (0, 1, 1023, 1024, 1025, 16384, 65535, 65536, 65537, 262144,
                  1 << 20, 3000001):
            for kind in ('length', 'chunked'):
                p.sock.settimeout(5 * s.slow * PATIENCE)
                at = '%s, %d bytes, %s' % (w, n, kind)
                try:
                    m = http.ask(p, '/x?n=%d&as=%s' % (n, kind), 'POST',
                                 http.content(n), chunked=kind == 'chunked')
                except (TimeoutError, OSError) as e:
                    raise icap.Failure('%s: %r' % (at, e))
                if 'page' in w:
                    equal(m.status, 403, at)
                    if m.get('connection') == 'close':
                        p = s.tls(name='s%d.good.test' % i)
                    continue
                equal((m.status, m.whole, http.sha(m.body)),
                      (200, True, http.sha(http.content(n))), at)
                equal(http.sha(o.got()[-1].body), http.sha(http.content(n)),
                      at)
        p.close()


@scenario(timeout=120, plain=True)
def progress_of_whole_answers(s):
    matrix(s, ['echo', 'stream', '204', 'echo?preview=0', 'stream?preview=0',
               'echo?preview=none', 'stream?preview=none',
               '204?preview=none', 'echo?preview=65536'])


@scenario(timeout=120)
def progress_of_early_answers(s):
    matrix(s, ['echo?do=page&early=%s&preview=%s&drain=%s' % (e, v, d)
               for e in ('0', '1000', '100000') for v in ('none', '1024')
               for d in ('yes', 'no')])


@scenario(timeout=120, plain=True)
def progress_of_answers_in_pieces(s):
    matrix(s, ['stream?chunk=1000', 'stream?split=4096', 'echo?split=1500',
               'stream?preview=none&split=50000', 'stream?chunk=1000000',
               'echo?chunk=100&preview=4096'])
