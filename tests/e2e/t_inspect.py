"""What is inspected cannot opt out: the first line of a connection in pieces
or odd letters, and answers that come before their request has gone on."""
import sys
import threading

from harness import check, equal, http, icap, peer, programs, scenario, wait

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

STOPPED = b'stopped by the scripted server'


def until_end(p, within=10):
    """What still comes, to its end or a reset; a stall is a failure."""
    n = len(p.received) - len(p.pending)
    p.sock.settimeout(within)
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
                peer.time.sleep(0.2)
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
        peer.time.sleep(0.3)
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
        go.wait(20)
        p.send(b'\r\n')
        spoken.set()
        p.recv_all()
    server = s.serve(80, handler=handler, plain=True)
    p = s.plain(80)
    wait(lambda: server.peers, 'the server, connected as nothing was said')
    p.send(b'PO')
    peer.time.sleep(0.2)
    go.set()
    check(spoken.wait(20), 'the server did not speak')
    peer.time.sleep(0.2)
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
            peer.time.sleep(0.1)
            at = cut
        until_end(p)
    for x in server.peers:
        check(b'secret' not in x.received, 'the origin got it')


PAGE = b"""<!DOCTYPE html><title>t</title><p id=a>begun</p><script>
(async () => {
  let out = '';
  try {
    const a = await fetch('/first?' + 'a'.repeat(50000), {method: 'm1'});
    out += 'first ' + a.status + '; ';
    const b = await fetch('/eicar');
    out += 'second ' + b.status + ' ' + await b.text();
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
            # The page's own connection is of no use for what comes after.
            p.send(b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s'
                   b'Content-Length: %d\r\n\r\n%s' %
                   (kind.encode(), b'Connection: close\r\n'
                    if m.target == '/' else b'', len(body), body))
            if m.target == '/':
                break
        p.close()
    s.serve(443, handler=handler)
    r = programs.chromium(s, 'https://v4.good.test/', s.pki.ca,
                          '--virtual-time-budget=20000')
    check('done: ' in r.text, r.text, r.errors[-2000:])
    check(setup.EICAR.decode() not in r.text.split('id="a"')[-1],
          'the virus is on the page', r.text)
    check('first 200' in r.text and 'second 403' in r.text, r.text)
    check(firsts and firsts[0].startswith('m1 /first'), firsts)


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
        self.go.wait(30)
        try:
            p.send(self.evil)
            self.said.set()
            if not self.close:
                p.recv_all()
            p.close()
        except (OSError, icap.Failure):
            pass
        self.said.set()

    def busy(self):
        return any(x['busy'] for x in self.s.d.ctl('icap')['servers'])

    def ask(self, plain, evil, request, close=False):
        """A request of which the service thinks, and meanwhile the origin has
        given its answer (or as much of it as is read)."""
        self.evil, self.close = evil, close
        self.go.clear()
        self.said.clear()
        p = self.s.plain(80) if plain else self.s.tls()
        p.send(request)
        wait(self.busy, 'the request at the service')
        self.go.set()
        if len(evil) < 10000:
            check(self.said.wait(20), 'the origin did not answer')
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
    refused_once(s, 'satisfy?slow=700', 403, (None, b'b' * 9, b'b' * 5000))


@scenario(timeout=120)
def answer_before_its_request_is_not_beside_a_page_of_ours(s):
    refused_once(s, 'status?status=418&slow=700', 502, (b'b' * 9,))


@scenario
def answer_before_its_request_waits_until_that_has_gone_on(s):
    """Then it is the answer, and shown as one."""
    e = Early(s, '204?slow=700', '204')
    for plain in (False, True):
        for n in (5, 3000, 300000):
            for body in (None, b'b' * 9, b'b' * 5000):
                raw = http.request('/x', 'GET' if body is None else 'POST',
                                   body)
                p = e.ask(plain, answering(http.content(n)), raw)
                equal(bytes(p.received), b'', 'before the request went on')
                m = http.answer(p)
                equal((m.status, m.whole), (200, True), m)
                equal(http.sha(m.body), http.sha(http.content(n)))
                wait(lambda: e.reached() and e.reached()[-1], 'the request')
                p.finish()
    wait(lambda: len(e.srv.log('RESPMOD')) >= 18, 'all of the answers shown')


@scenario
def answer_before_its_request_is_refused_by_respmod(s):
    e = Early(s, '204?slow=700', 'block')
    for n in (5, 300000):
        p = e.ask(False, answering(b'EVIL' * n), http.request('/x'))
        m = http.answer(p)
        equal(m.status, 403)
        p.rst()
        check(b'EVIL' not in p.received, 'the client got it')


@scenario
def page_reaches_the_client_though_the_origin_has_left(s):
    """Without a word, while the request was held."""
    e = Early(s, 'satisfy?slow=700')
    for plain in (False, True):
        p = e.ask(plain, b'', http.request('/x'), close=True)
        icap.page(http.answer(p), 403)
        p.sock.close()
