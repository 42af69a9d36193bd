"""What is inspected cannot opt out: the first line of a connection in pieces
or odd letters, answers that come before their request has gone on, codings
that nobody offered, and what a message says of its own type and size."""
import gzip
import sys
import threading

from harness import PATIENCE, check, equal, http, icap, peer, programs, \
    scenario, wait

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

STOPPED = b'stopped by the scripted server'


def until_end(p, within=10):
    """What still comes, to its end or a reset; a stall is a failure."""
    n = len(p.received) - len(p.pending)
    p.sock.settimeout(within * PATIENCE)
    try:
        p.recv_all()
    except TimeoutError:
        raise icap.Failure('still open after %r' % bytes(p.received[-200:]))
    except (OSError, icap.Failure):
        pass
    return bytes(p.received[n:])


# The first line.
def stopping(s, **kw):
    """REQMOD stops every request; both ports answer whatever reaches them."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('satisfy'), srv.url('block')), **kw)

    def handler(p):
        p.recv_all()
    return [s.serve(443, handler=handler),
            s.serve(80, handler=handler, plain=True)]


def pieces_do_not_get_by(s, servers, whole, cuts=(1,)):
    """whole, in pieces that end where cuts says, ends in REQMOD or a 400."""
    for way in (s.tls, lambda: s.plain(80)):
        p = way()
        at = 0
        for cut in tuple(cuts) + (len(whole),):
            p.send(whole[at:cut])
            if cut < len(whole):    # the pieces are not to come as one
                s.silence(p, 0.2)
            at = cut
        got = until_end(p) if b'\t' in whole else p.recv_until(b'</html>')
        check(STOPPED in got or b' 400 ' in got, whole[:40], cuts, 'got', got)
        p.rst()
    for x in servers:
        for p in x.peers:
            check(b'secret' not in p.received, whole[:40], 'was let go')


@scenario(timeout=120)
def first_line_in_two_pieces_does_not_turn_inspection_off(s):
    servers = stopping(s)
    for method in ('POST', 'm1', 'Post', 'X-1', '#~!', 'a' * 60):
        whole = http.request('/x', method, b'secret')
        pieces_do_not_get_by(s, servers, whole, (1,))
        pieces_do_not_get_by(s, servers, whole, (len(method),))
        pieces_do_not_get_by(s, servers, whole, (2, len(method) + 1))
        pieces_do_not_get_by(s, servers, whole, (len(method) + 4,))


@scenario
def first_line_of_any_length_does_not_turn_inspection_off(s):
    servers = stopping(s)
    for method in ('POST', 'm1'):
        for n in (4000, 5000, 50000):
            whole = http.request('/x?' + 'a' * n, method, b'secret')
            pieces_do_not_get_by(s, servers, whole, ())
            pieces_do_not_get_by(s, servers, whole, (4100, 4200)[:n // 4500])


@scenario
def first_line_with_a_tab_is_refused(s):
    servers = stopping(s)
    for line in (b'POST\t/x HTTP/1.1', b'm1\t/x HTTP/1.1',
                 b'POST /x\tHTTP/1.1', b'm1 x\tHTTP/1.1', b'POST\v/ HTTP/1.1',
                 b'm1\t \thttp://good.test/ HTTP/1.1'):
        whole = line + b'\r\nHost: good.test\r\nContent-Length: 6\r\n\r\n' \
            b'secret'
        for cuts in ((), (1,), (5,)):
            pieces_do_not_get_by(s, servers, whole, cuts)


@scenario
def first_line_that_is_too_long_is_refused(s):
    servers = stopping(s)
    for whole in (b'a' * 70000 + b' / HTTP/1.1\r\n\r\nsecret',
                  b'm1 ' + b'a' * 70000 + b' HTTP/1.1\r\n\r\nsecret'):
        for way in (s.tls, lambda: s.plain(80)):
            p = way()
            try:
                p.send(whole)
            except OSError:
                pass
            got = until_end(p)
            check(got == b'' or b' 400 ' in got, got)
    for x in servers:
        for p in x.peers:
            equal(bytes(p.received), b'', 'at the origin')


@scenario
def first_line_that_takes_too_long_goes_on_and_is_followed(s):
    """A protocol whose client says a word and waits is not held for ever; but
    what then becomes a request is cut off before it is one."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('satisfy'), srv.url('block')),
               timeouts={'hello': '500ms'})
    servers = [s.serve(7000, handler=peer.echo, plain=True),
               s.serve(7443, handler=peer.echo)]
    for way in (lambda: s.plain(7000), lambda: s.tls(7443)):
        for word in (b'hello', b'POST', b'm1 x'):
            p = way()
            p.send(word)
            equal(p.recv_exact(len(word)), word)
            p.send(b' there\n')
            equal(p.recv_exact(7), b' there\n') if word != b'POST' else 0
            p.rst()
            p = way()
            p.send(word)
            equal(p.recv_exact(len(word)), word)
            try:
                p.send(b' /x HTTP/1.1\r\nHost: good.test\r\n'
                       b'Content-Length: 6\r\n\r\nsecret')
            except OSError:
                pass
            equal(until_end(p), b'')
    for x in servers:
        for p in x.peers:
            check(b'secret' not in p.received, bytes(p.received))


@scenario
def other_protocols_still_pass_at_once(s):
    """What cannot be a request waits for nothing."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('satisfy'), srv.url('block')))
    s.serve(7000, handler=peer.echo, plain=True)
    s.serve(7443, handler=peer.echo)
    for first in (b'NICK anna\r\n', b'SSH-2.0-x Debian-2\r\n', b'\x10\x0c\x00',
                  b'*1\r\n$4\r\nPING\r\n', b'a001 LOGIN x y\r\n', b'hello\n',
                  b'<stream>', b'{"a": 1}', b'\x00\x00\x00\x05hello'):
        for way in (lambda: s.plain(7000), lambda: s.tls(7443)):
            p = way()
            p.send(first)
            equal(p.recv_exact(len(first)), first)
            p.finish()
    equal(srv.log(), [])


@scenario
def rule_for_http_is_not_got_around_by_a_pause(s):
    """The rules judge it as HTTP however its first line comes."""
    s.start(rules=[
        {'name': 'web', 'protocol': 'http', 'action': 'block'},
        {'name': 'rest', 'action': 'decrypt', 'mirror': ['recorder']}])
    server = s.serve(80, handler=peer.echo, plain=True)
    for first, rest in ((b'P', b'OST /x HTTP/1.1\r\n'),
                        (b'\r\n', b'POST /x HTTP/1.1\r\n'),
                        (b'm1', b' /x HTTP/1.1\r\n'),
                        (b'm1 x' + b'a' * 5000, b' HTTP/1.1\r\n')):
        p = s.plain(80)
        p.send(first)
        s.silence(p, 0.3)
        p.send(rest + b'Host: good.test\r\n\r\n')
        got = until_end(p)
        check(b' 403 ' in got, first[:20], 'got', got)
    equal([bytes(p.received) for p in server.peers], [])


@scenario
def rule_for_http_is_not_got_around_by_the_server(s):
    """A server that speaks first does not turn a request that has begun into
    something else."""
    s.start(rules=[
        {'name': 'web', 'protocol': 'http', 'action': 'block'},
        {'name': 'rest', 'action': 'decrypt', 'mirror': ['recorder']}])
    go, spoken = threading.Event(), threading.Event()

    def handler(p):
        go.wait(20 * PATIENCE)
        p.send(b'\r\n')
        spoken.set()
        p.recv_all()
    server = s.serve(80, handler=handler, plain=True)
    p = s.plain(80)
    wait(lambda: server.peers, 'the server, connected as nothing was said')
    p.send(b'PO')
    s.taken(p)
    go.set()
    check(spoken.wait(20 * PATIENCE), 'the server did not speak')
    s.taken(server.peers[0])
    p.send(b'ST /x HTTP/1.1\r\nHost: good.test\r\n\r\n')
    check(b'403' in until_end(p) or not server.peers[0].received,
          server.peers[0].received)
    equal(bytes(server.peers[0].received), b'', 'at the server')


@scenario
def word_of_the_server_does_not_open_a_session_to_a_request_in_pieces(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('satisfy'), srv.url('block')))

    def handler(p):
        p.send(b'\r\n')
        p.recv_all()
    server = s.serve(443, handler=handler)
    whole = http.request('/x', 'POST', b'secret')
    for cuts in ((1,), (4,), (5,), (1, 2, 3, 4, 5, 6)):
        p = s.tls()
        equal(p.recv_exact(2), b'\r\n')
        at = 0
        for cut in cuts + (len(whole),):
            try:
                p.send(whole[at:cut])
            except OSError:
                break
            s.taken(p)
            at = cut
        until_end(p)
    for x in server.peers:
        check(b'secret' not in x.received, 'the origin got it')


PAGE = b"""<!DOCTYPE html><title>t</title><p id=a>begun</p><script>
(async () => {
  let out = '';
  try {
    for (let i = 0; i < 10; i++) {  // it may open another one
      const a = await fetch('/first?' + 'a'.repeat(50000), {method: 'm1'});
      await a.text();
      out += 'first ' + a.status + '; ';
      const b = await fetch('/eicar');
      out += 'second ' + b.status + ' ' + await b.text();
    }
  } catch (e) { out += e; }
  document.getElementById('a').textContent = 'done: ' + out;
})();
</script>"""


@scenario(plain=True, timeout=150)
def chromium_first_line(s):
    """A page's own script opens the connection with a strange method and a
    long target; the virus that follows on it does not reach the page."""
    with s.gateway:
        peers = setup.Peers(s.path('icap'), clamd=True)
        peers.start()
    urls = peers.urls
    icap.start(s, icap.service(urls['avscan'], urls['avscan']))
    firsts = []

    def handler(p):
        first = None
        while True:
            try:
                m = http.Message(p.recv_until(b'\r\n\r\n'))
            except (OSError, icap.Failure):
                break
            first = first or m.line[:20]
            kind, body = 'text/plain', b'ok'
            if m.target == '/':
                kind, body = 'text/html', PAGE
            elif m.target == '/eicar':
                firsts.append(first)
                body = setup.EICAR
            # Only what began with the strange request is of use for what
            # comes after.
            end = not first.startswith('m1')
            p.send(b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s'
                   b'Content-Length: %d\r\n\r\n%s' %
                   (kind.encode(), b'Connection: close\r\n' if end else b'',
                    len(body), body))
            if end:
                break
        p.close()
    s.serve(443, handler=handler)
    r = programs.chromium(s, 'https://v4.good.test/', s.pki.ca,
                          '--virtual-time-budget=20000')
    check('done: ' in r.text, r.text, r.errors[-2000:])
    check(setup.EICAR.decode() not in r.text.split('id="a"')[-1],
          'the virus is on the page', r.text)
    equal([r.text.count(x) for x in ('first 200', 'second 403')], [10, 10],
          r.text)
    check(any(x.startswith('m1 /first') for x in firsts), firsts)


# An answer before its request.
def answering(body, status=b'200 OK'):
    return b'HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s' % (
        status, len(body), body)


class Early:
    """An origin that answers while REQMOD holds the request."""

    def __init__(self, s, reqmod, respmod=None):
        self.s, self.srv = s, icap.Script(s)
        icap.start(s, icap.service(self.srv.url(reqmod), respmod and
                                   self.srv.url(respmod)))
        self.go, self.said = threading.Event(), threading.Event()
        self.close = False
        self.servers = [s.serve(443, handler=self.handler),
                        s.serve(80, handler=self.handler, plain=True)]

    def handler(self, p):
        self.go.wait(30 * PATIENCE)
        try:
            p.send(self.evil)
            if self.close:
                p.close()
            self.said.set()
            p.recv_all()
            p.close()
        except (OSError, icap.Failure):
            pass
        self.said.set()

    def ask(self, plain, evil, request, close=False):
        """A request that the service has, and meanwhile the origin has given
        its answer (or as much of it as is read); then the service answers,
        too."""
        held = self.srv.held()
        self.evil, self.close = evil, close
        self.go.clear()
        self.said.clear()
        p = self.s.plain(80) if plain else self.s.tls()
        p.send(request)
        wait(lambda: self.srv.held() > held, 'the request at the service')
        self.go.set()
        if len(evil) < 10000:
            check(self.said.wait(20 * PATIENCE), 'the origin did not answer')
        self.s.quiet()
        equal(p.here(), b'', 'before the request went on')
        self.srv.let_go()
        return p

    def reached(self):
        return [bytes(p.received) for x in self.servers for p in x.peers
                if p.received]


def refused_once(s, what, status, bodies):
    e = Early(s, what)
    for plain in (False, True):
        for n, close in ((5, False), (5, True), (3000, False),
                         (300000, False)):
            for body in bodies:
                p = e.ask(plain, answering(b'EVIL' * n), http.request(
                    '/x', 'GET' if body is None else 'POST', body), close)
                m = http.answer(p)
                equal(m.status, status)
                check(m.whole and b'EVIL' not in m.body, m, m.body[:100])
                try:
                    p.send(http.request('/next'))
                except OSError:
                    pass
                rest = until_end(p)
                check(b'EVIL' not in rest and b' 200 ' not in rest,
                      'behind the page', rest[:200])
                p.sock.close()
    equal(e.reached(), [], 'at the origin')


@scenario(timeout=120)
def answer_before_its_request_is_not_beside_the_page_of_a_service(s):
    refused_once(s, 'satisfy?hold=yes', 403, (None, b'b' * 9, b'b' * 5000))


@scenario(timeout=120)
def answer_before_its_request_is_not_beside_a_page_of_ours(s):
    refused_once(s, 'status?status=418&hold=yes', 502, (b'b' * 9,))


@scenario
def answer_before_its_request_waits_until_that_has_gone_on(s):
    """Then it is the answer, and shown as one."""
    e = Early(s, '204?hold=yes', '204')
    for plain in (False, True):
        for n in (5, 3000, 300000):
            for body in (None, b'b' * 9, b'b' * 5000):
                raw = http.request('/x', 'GET' if body is None else 'POST',
                                   body)
                p = e.ask(plain, answering(http.content(n)), raw)
                m = http.answer(p)
                equal((m.status, m.whole), (200, True), m)
                equal(http.sha(m.body), http.sha(http.content(n)))
                wait(lambda: e.reached() and e.reached()[-1], 'the request')
                p.finish()
    wait(lambda: len(e.srv.log('RESPMOD')) >= 18, 'all of the answers shown')


@scenario
def answer_before_its_request_is_refused_by_respmod(s):
    e = Early(s, '204?hold=yes', 'block')
    for n in (5, 300000):
        p = e.ask(False, answering(b'EVIL' * n), http.request('/x'))
        m = http.answer(p)
        equal(m.status, 403)
        p.rst()
        check(b'EVIL' not in p.received, 'the client got it')


@scenario
def page_reaches_the_client_though_the_origin_has_left(s):
    """Without a word, while the request was held."""
    e = Early(s, 'satisfy?hold=yes')
    for plain in (False, True):
        p = e.ask(plain, b'', http.request('/x'), close=True)
        icap.page(http.answer(p), 403)
        p.sock.close()


# Codings that nobody offered.
def coded(s, fields, body=b'EVIL' * 100, **kw):
    """(an origin that answers so, the script) with RESPMOD 204."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204'), **kw))
    got = []

    def handler(p):
        while True:
            try:
                m = http.Message(p.recv_until(b'\r\n\r\n'))
                http.read_body(p, m, False, False)
            except (OSError, icap.Failure):
                break
            got.append(m)
            more = fields(m) if callable(fields) else fields
            try:
                p.send(b'HTTP/1.1 200 OK\r\n' + more +
                       b'Content-Length: %d\r\n\r\n' % len(body) +
                       (b'' if m.line.startswith('HEAD') else body))
            except OSError:
                break
        p.close()
    s.serve(443, handler=handler)
    return srv, got


CODED = {'zstd': b'Content-Encoding: zstd\r\n',
         'unknown': b'Content-Encoding: x-mine\r\n',
         'upper': b'content-encoding: ZSTD\r\n',
         'nested': b'Content-Encoding: gzip, gzip\r\n',
         'two': b'Content-Encoding: gzip\r\nContent-Encoding: br\r\n',
         'behind': b'Content-Encoding: identity, zstd\r\n',
         'odd': b'Content-Encoding: gzip;q=1\r\n'}
FINE = {'none': b'', 'gzip': b'Content-Encoding: gzip\r\n',
        'x-gzip': b'Content-Encoding: X-GZip\r\n',
        'identity': b'Content-Encoding: identity, , br\r\n'}


def by_target(m):
    return dict(CODED, **FINE)[m.target[1:]]


def outcomes(s, n):
    wait(lambda: len(s.d.events('icap')) >= n, '%d icap events' % n,
         10 * s.slow)
    return [e['icap']['outcome'] for e in s.d.events('icap')
            if e['icap']['method'] == 'RESPMOD']


@scenario
def coding_that_nobody_offered_is_refused(s):
    srv, got = coded(s, by_target)
    for what in FINE:
        p = s.tls()
        m = http.ask(p, '/' + what, fields=['Accept-Encoding: gzip, br'])
        equal((m.status, m.whole, len(m.body)), (200, True, 400), what)
        p.rst()
    for what in CODED:
        p = s.tls()
        m = http.ask(p, '/' + what, 'HEAD')
        equal(m.status, 200, 'no body, no coding')
        m = http.ask(p, '/' + what)
        icap.page(m, 502)
        until_end(p)
        check(b'EVIL' not in p.received, what, 'the client got it')
        p.rst()
    n = len(CODED)
    out = outcomes(s, 2 * (len(FINE) + 2 * n))
    equal(out.count('err-coding'), n, out)
    srv.logged(len(FINE) + n, 'RESPMOD')


@scenario
def coding_that_nobody_offered_passes_where_the_service_fails_open(s):
    srv, got = coded(s, by_target, fail='open')
    for what in CODED:
        p = s.tls()
        m = http.ask(p, '/' + what)
        equal((m.status, len(m.body)), (200, 400), what)
        p.rst()
    equal(set(outcomes(s, 2 * len(CODED))), {'bypass-coding'})
    equal(srv.log('RESPMOD'), [])


@scenario
def codings_are_those_of_the_rule_or_of_the_service(s):
    srv = icap.Script(s)
    url = srv.url('204')
    icap.start(
        s, icap.service(url, url, name='all'),
        icap.service(url, url, name='own', accept_encoding=['x-mine']),
        icap.service(url, url, name='any', accept_encoding='any'),
        inspect={'encodings': ['gzip']},
        rules=[{'name': 'z', 'action': 'decrypt', 'sni': ['z.good.test'],
                'icap': ['all'], 'inspect': {'encodings': ['zstd']}}] +
        [{'name': n, 'action': 'decrypt', 'icap': [n],
          'sni': [n + '.good.test']} for n in ('all', 'own', 'any')] +
        [{'name': 'rest', 'action': 'reset'}])
    got = []

    def handler(p):
        m = http.Message(p.recv_until(b'\r\n\r\n'))
        got.append(m.get('accept-encoding'))
        p.send(b'HTTP/1.1 200 OK\r\n' + by_target(m) +
               b'Content-Length: 4\r\nConnection: close\r\n\r\nEVIL')
        p.close()
    s.serve(443, handler=handler)
    offer = 'gzip, br, zstd, x-mine'
    for name, want, fine in (('z', 'zstd', ('zstd', 'upper', 'behind', 'none')),
                             ('all', 'gzip', ('gzip', 'x-gzip', 'none')),
                             ('own', 'x-mine', ('unknown', 'none')),
                             ('any', offer, tuple(CODED) + tuple(FINE))):
        for what in tuple(CODED) + tuple(FINE):
            p = s.tls(name=name + '.good.test')
            m = http.ask(p, '/' + what, fields=['Accept-Encoding: ' + offer])
            equal(got[-1], want, name)
            good = what in fine or what == 'identity' and name == 'any'
            equal(m.status, 200 if good else 502, '%s %s' % (name, what))
            p.rst()


@scenario
def upload_in_a_coding_that_the_service_does_not_know_is_refused(s):
    srv, got = coded(s, b'')
    for what, field in list(FINE.items())[1:] + list(CODED.items()):
        p = s.tls()
        n = len(got)
        m = http.ask(p, '/x', 'POST', b'secret',
                     fields=field.decode().split('\r\n')[:-1])
        if what in FINE:
            equal(m.status, 200, what)
        else:
            icap.page(m, 415)
            equal(len(got), n, 'the origin got it')
        p.rst()


ZSTD = b"""<!DOCTYPE html><title>t</title><p id=a>begun</p><script>
(async () => {
  let out = '';
  for (const x of ['/zstd', '/gzip', '/plain'])
    try {
      const a = await fetch(x);
      out += x + ' ' + a.status + ' ' + (await a.text()).slice(0, 20) + '; ';
    } catch (e) { out += e; }
  document.getElementById('a').textContent = 'done: ' + out;
})();
</script>"""


@scenario(plain=True, timeout=150)
def chromium_zstd(s):
    """What nobody offered is not decoded behind the scanner's back."""
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('204')))
    raw = b'EVIL and more of it ' * 50
    # A frame of one raw block (RFC 8878, 3.1.1): single segment, 4 bytes size.
    z = b'\x28\xb5\x2f\xfd\xa0' + len(raw).to_bytes(4, 'little') + \
        ((len(raw) << 3) | 1).to_bytes(3, 'little') + raw
    asked = []

    def handler(p):
        try:
            m = http.Message(p.recv_until(b'\r\n\r\n'))
        except (OSError, icap.Failure):
            p.close()
            return
        asked.append(m.get('accept-encoding') or '')
        kind, extra, body = 'text/plain', b'', raw
        if m.target == '/':
            kind, body = 'text/html', ZSTD
        elif m.target == '/zstd':
            extra, body = b'Content-Encoding: zstd\r\n', z
        elif m.target == '/gzip':
            extra, body = b'Content-Encoding: gzip\r\n', gzip.compress(raw)
        p.send(b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%sConnection: close'
               b'\r\nContent-Length: %d\r\n\r\n%s' %
               (kind.encode(), extra, len(body), body))
        p.close()
    s.serve(443, handler=handler)
    r = programs.chromium(s, 'https://v4.good.test/', s.pki.ca,
                          '--virtual-time-budget=20000')
    said = r.text.split('id="a"')[-1].split('</p>')[0]
    check('done: ' in said, r.text, r.errors[-2000:])
    check('/zstd 502' in said, 'zstd was let through', said)
    check('/gzip 200 EVIL' in said and '/plain 200 EVIL' in said, said)
    check(all('zstd' not in x for x in asked), asked)


# What a server, or its length, says of itself is no way around.
@scenario
def media_types_exempt_nothing_where_the_service_fails_closed(s):
    srv = icap.Script(s)
    block = srv.url('block')
    icap.start(
        s, icap.service(None, block, name='closed'),
        icap.service(None, block, name='open', fail='open'),
        icap.service(None, block, name='set', bypass_types=['video/*']),
        rules=[{'name': 'inner', 'action': 'decrypt', 'icap': ['closed'],
                'sni': ['inner.good.test'], 'inspect': {'endless': 'open'}}] +
        [{'name': n, 'action': 'decrypt', 'icap': [n],
          'sni': [n + '.good.test']} for n in ('closed', 'open', 'set')] +
        [{'name': 'rest', 'action': 'reset'}])
    icap.Little(s)
    for name, status in (('closed', 403), ('open', 200), ('set', 200),
                         ('inner', 200)):
        for kind in ('video/mp4', 'audio/ogg', 'text/event-stream'):
            if name == 'set' and kind != 'video/mp4':
                continue
            p = s.tls(name=name + '.good.test')
            m = http.ask(p, '/x?n=3000&type=' + kind)
            equal(m.status, status, '%s %s' % (name, kind))
            p.rst()


@scenario
def size_exempts_nothing_where_the_service_fails_closed(s):
    srv = icap.Script(s)
    echo = srv.url('echo')
    icap.start(
        s, icap.service(echo, echo, name='closed', max_body='64k'),
        icap.service(echo, echo, name='open', max_body='64k', fail='open'),
        icap.service(echo, echo, name='half', max_body='64k',
                     fail={'reqmod': 'closed', 'respmod': 'open'}),
        rules=[{'name': 'inner', 'action': 'decrypt', 'icap': ['closed'],
                'sni': ['inner.good.test'], 'inspect': {'endless': 'open'}}] +
        [{'name': n, 'action': 'decrypt', 'icap': [n],
          'sni': [n + '.good.test']} for n in ('closed', 'open', 'half')] +
        [{'name': 'rest', 'action': 'reset'}])
    o = icap.Little(s)
    for name, down, up in (('closed', 403, 403), ('open', 200, 200),
                           ('half', 200, 403), ('inner', 200, 200)):
        for kind in ('length', 'chunked'):
            p = s.tls(name=name + '.good.test')
            m = http.ask(p, '/x?n=200000&as=' + kind)
            equal(m.status, down, '%s %s' % (name, kind))
            check(down == 200 or http.content(200000)[:50] not in p.received,
                  'the client got it')
            p.rst()
            n = len([x for x in o.got() if x.whole])
            p = s.tls(name=name + '.good.test')
            m = http.ask(p, '/x', 'POST', http.content(200000),
                         chunked=kind == 'chunked')
            equal(m.status, up, '%s %s up' % (name, kind))
            equal(len([x for x in o.got() if x.whole]) - n, int(up == 200))
            p.rst()
    s.quiet()
    out = [e['icap']['outcome'] for e in s.d.events('icap')]
    check('err-oversize' in out and 'bypass-oversize' in out, out)


@scenario
def stream_is_refused_where_the_service_fails_closed(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('echo?preview=0'),
                               stream_after='1s'))

    def trickle(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
               b'Transfer-Encoding: chunked\r\n\r\n')
        try:
            while True:
                p.send(b'a\r\n123456789\n\r\n')
                peer.time.sleep(0.05)   # it trickles, at any pace
        except OSError:
            pass
        p.close()
    s.serve(443, handler=trickle)
    p = s.tls()
    p.send(http.request('/x'))
    equal(p.recv_until(b' ')[:5], b'HTTP/')
    equal(p.recv_exact(3), b'403')      # and no stream, which has no end
    p.recv_until(b'"clearspan"}')
    check(b'123456789' not in p.received, 'the client got it')
    p.rst()
    wait(lambda: s.d.events('icap'), 'the transaction')
    equal(s.d.events('icap')[0]['icap']['outcome'], 'err-endless')


@scenario
def two_content_types_that_differ_are_refused(s):
    types = {
        'a': (502, b'Content-Type: video/mp4\r\nContent-Type: text/html\r\n'),
        'b': (502, b'Content-Type: video/mp4, text/html\r\n'),
        'c': (502, b'Content-Type: a/b\r\nX: y\r\ncontent-type: a/bc\r\n'),
        'd': (502, b'Content-Type: a/b; x="\\",", c/d\r\n'),
        'e': (200, b'Content-Type: a/b; x="y, c/d"\r\n'),
        'f': (200, b'Content-Type: text/html\r\n'
              b'Content-Type: Text/HTML; charset=utf-8\r\n'),
        'g': (200, b'Content-Type: text/html,\r\n'), 'h': (200, b''),
    }
    srv, got = coded(s, lambda m: types[m.target[1:]][1]
                     if m.target[1:] in types else b'',
                     bypass_types=['video/*'])
    for what, (status, field) in types.items():
        p = s.tls()
        m = http.ask(p, '/' + what)
        equal(m.status, status, what)
        p.rst()
        p = s.tls()
        n = len(got)
        m = http.ask(p, '/up', 'POST', b'secret',
                     fields=field.decode().split('\r\n')[:-1])
        equal(m.status, 400 if status == 502 else 200, what + ' up')
        equal(len(got) - n, int(status == 200))
        p.rst()


@scenario
def ranges_are_asked_for_where_the_rule_lets_them(s):
    srv = icap.Script(s)
    url = srv.url('204')
    icap.start(s, icap.service(None, url, name='scan'), rules=[
        {'name': 'pass', 'action': 'decrypt', 'icap': ['scan'],
         'sni': ['p.good.test'], 'inspect': {'ranges': 'pass'}},
        {'name': 'strip', 'action': 'decrypt', 'icap': ['scan']}])
    o = icap.Little(s)
    for name, want in (('p.good.test', 'bytes=0-1'), ('good.test', None)):
        p = s.tls(name=name)
        http.ask(p, '/x', fields=['Range: bytes=0-1', 'If-Range: "x"'],
                 host=name)
        equal(o.got()[-1].get('range'), want)
        equal(o.got()[-1].get('if-range'), want and '"x"')
        p.rst()
    wait(lambda: len(srv.log('RESPMOD')) == 2, 'both answers shown')
