"""HTTP/2 in the clear by Upgrade (RFC 7540, 3.2), where somebody looks at it:
the answer to the upgrading request is stream 1's, and scanned as all are."""
import base64
import struct
import sys

from harness import check, equal, h2, h2_programs, http, icap, \
    scenario, wait
from harness.h2 import END_HEADERS, END_STREAM, HEADERS, DATA, SETTINGS

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

URL = 'http://v4.good.test/'
SMALL = b'a small file\n'
SWITCH = (b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n'
          b'Upgrade: h2c\r\n\r\n')


def curl(s, *args):
    """What came, and its status and version."""
    r = s.run(s.client, 'curl', '-sS', '--http2', '-o', s.path('got'), '-w',
              '%{response_code} %{http_version}', *args)
    r.ok()
    with open(s.path('got'), 'rb') as f:
        return r.text, f.read()


def service(s, what='echo', rules=None, **kw):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url(what), srv.url(what)), rules=rules,
               **kw)
    return srv


def events(s, n):
    wait(lambda: len(s.d.events('http')) >= n, '%d http events' % n)
    got = s.d.events('http')
    equal(len(got), n)
    return [(e['http']['protocol'], e['clearspan'].get('http2'), e['tx_id'],
             e['http']['url'], e['http'].get('status')) for e in got]


# --- programs

@scenario
def h2c_upgrade_is_scanned(s):
    """By curl and nghttp, of Apache, which often ends such a connection
    behind the first answer, without us too."""
    srv = service(s)
    h2_programs.apache_clear(s, {'small': SMALL})
    equal(curl(s, URL + 'small'), ('200 2', SMALL))
    up, down = srv.logged(2)
    check(up['req-hdr'].startswith('GET http://v4.good.test/small HTTP/1.1'),
          up)
    check(down['req-hdr'].startswith(
        'GET http://v4.good.test/small HTTP/1.1'), down)
    check(down['res-hdr'].startswith('HTTP/1.1 200'), down)
    equal((down['body'], down['headers'].get('x-transformed-from')),
          (len(SMALL), 'HTTP/2.0'))
    equal(events(s, 2), [
        ('HTTP/1.1', None, 0, '/small', 101),
        ('HTTP/2', {'stream': 1}, 1, '/small', 200)])
    r = s.run(s.client, 'nghttp', '-u', URL + 'small').ok()
    equal(r.out, SMALL)
    equal([x['method'] for x in srv.logged(4)[2:]], ['REQMOD', 'RESPMOD'])
    equal(s.d.metric('clearspan_undecrypted_total'), 0)


@scenario
def h2c_upgrade_with_content_is_scanned(s):
    """A request with a body goes on as HTTP/1.1, and its answer is HTTP/2."""
    srv = service(s, 'modify')
    site = Switcher()
    s.serve(80, handler=site, plain=True)
    for n in (1, 5000, 300000):
        want = http.content(n)
        e, st = upgrade(s, '/x?echo=1', 'POST', want)
        equal(http.sha(site.asked[-1].body), http.sha(want + b'\nadapted\n'))
        e.answer(st)
        equal((st.status, http.sha(st.body)),
              (200, http.sha(want + b'\nadapted\n' + b'\nadapted\n')))
        equal(e.get('/later').body, http.content(5) + b'\nadapted\n')
        e.p.finish()
    equal(site.wrong, [])
    check(srv.log())


@scenario(timeout=120)
def h2c_eicar_is_stopped(s):
    """On stream 1 and on a later one."""
    with s.gateway:
        peers = setup.Peers(s.path('icap'), clamd=True)
        peers.start()
    url = peers.urls['avscan']
    icap.start(s, icap.service(url, url))
    h2_programs.apache_clear(s, {'evil': setup.EICAR})
    status, body = curl(s, URL + 'evil')
    equal(status, '403 2')
    check(b'Eicar' in body and setup.EICAR not in body, body[:300])
    site = Switcher()

    def evil(e, st):
        e.head(st.sid, [(':status', '200')], False)
        e.data(st.sid, setup.EICAR)
    site.apps['/evil'] = evil
    s.serve(81, handler=site, plain=True)
    url = 'http://v4.good.test:81/'
    r = s.run(s.client, 'nghttp', '-u', '--no-dep', url + 'x?n=10000',
              url + 'evil')
    check(b'Eicar' in r.out and setup.EICAR not in r.out, r.out[-2000:])
    check(http.content(10000) in r.out, len(r.out))
    equal([x[0] for x in events(s, 5)].count('HTTP/2'), 3)


@scenario
def h2c_upgrade_is_judged_by_stream(s):
    """A rule by host, and no services."""
    s.start(log={'events': ['flow', 'http']}, rules=[
        {'name': 'bad', 'host': ['bad.test'], 'action': 'block'},
        {'name': 'rest', 'action': 'decrypt', 'mirror': ['recorder']}])
    site = Switcher()
    s.serve(80, handler=site, plain=True)
    e, st = upgrade(s, '/first')
    equal(e.answer(st).status, 200)
    check(e.answer(e.ask('/bad', host='bad.test')).status in (403, 421))
    equal(e.get('/good').status, 200)
    equal(site.paths(), ['/first', '/good'])
    e.p.finish()
    p = s.plain(80)
    icap.page(http.ask(p, '/x', fields=H2C, host='bad.test'), 403)


@scenario
def h2c_upgrade_is_not_offered_where_the_rule_blocks_it(s):
    srv = service(s, inspect={'non-http': 'block'})
    h2_programs.apache_clear(s, {'small': SMALL})
    equal(curl(s, URL + 'small'), ('200 1.1', SMALL))
    srv.logged(2)


@scenario
def h2c_upgrade_has_a_monitor(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204'), monitor=True))
    h2_programs.apache_clear(s, {'small': SMALL})
    equal(curl(s, URL + 'small'), ('200 2', SMALL))
    up, down = sorted(srv.logged(2), key=lambda x: x['method'])
    equal((up['body'], down['body']), (0, len(SMALL)))


# --- by hand

H2C = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c',
       'HTTP2-Settings: AAMAAABkAAQAAP__']
OK = h2.literals([(':status', '200'), ('content-length', '5')])


class Switcher(h2.Site):
    """A server on a plain port that switches to HTTP/2 if it is asked to."""

    def __init__(self, switch=SWITCH, behind=b''):
        super().__init__()
        self.switch, self.behind, self.asked = switch, behind, []

    def __call__(self, p):
        while True:
            try:
                m = http.Message(p.recv_until(b'\r\n\r\n'))
                http.read_body(p, m, False, False)
            except (OSError, icap.Failure):
                return p.close()
            self.asked.append(m)
            if (m.get('upgrade') or '')[:3] == 'h2c' and self.switch:
                return self.switched(p, m)
            p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno')

    def switched(self, p, m):
        e = h2.End(p, True, self.told)
        e.opened = lambda st: self.opened(e, st)
        e.apps, e.held = [], []
        self.ends.append(e)
        try:
            p.send(self.switch + self.behind)
            if self.behind:
                equal(p.recv_exact(len(h2.PREFACE)), h2.PREFACE)
            else:
                e.hello()
            self.first(e, m)
            while e.turn() is not None:
                self.answers(e)
        except (h2.Wrong, OSError, icap.Failure) as x:
            self.wrong.append(repr(x))
        finally:
            p.close()

    def first(self, e, m):
        """Stream 1 is the request, and half closed."""
        st = e.open(1)
        e.last, st.ended = 1, True
        st.path, st.body = m.target, bytearray(m.body)
        st.heads = [[(b':method', m.line.split()[0].encode())]]
        self.got.append(st)
        if not self.behind:
            self.reply(e, st)


def upgrade(s, path='/x', method='GET', body=None, fields=H2C, preface=True,
            **kw):
    """A client that has switched, and its stream 1."""
    p = s.plain(80)
    p.send(http.request(path, method, body, fields, **kw))
    m = http.Message(p.recv_until(b'\r\n\r\n'))
    equal((m.status, m.get('upgrade')), (101, 'h2c'))
    e = h2.End(p)
    st = e.open()
    st.method = method
    if preface:
        e.hello()
    return e, st


def streams(s, *want):
    """The mirror shows what the client sent, and what it got."""
    st = s.rec.streams(len(want))
    for x in st:
        equal(x.problems, [], 'mirror of %s' % (x.key,))
    equal(sorted((bytes(x.up.data), bytes(x.down.data)) for x in st),
          sorted((bytes(p.sent), bytes(p.received)) for p in want))


@scenario
def h2c_mirror_shows_what_the_client_sees(s):
    service(s, 'modify')
    site = Switcher()
    s.serve(80, handler=site, plain=True)
    e, st = upgrade(s, '/first')
    equal(e.answer(st).body, http.content(5) + b'\nadapted\n')
    for i in range(3):
        equal(e.get('/%d' % i).status, 200)
    e.p.finish()
    streams(s, e.p)
    equal(site.wrong, [])


@scenario
def h2c_that_the_server_declines_stays_http1(s):
    """And the mirror shows each peer's own bytes, as it does without that."""
    service(s, 'modify')
    site = Switcher(switch=None)
    server = s.serve(80, handler=site, plain=True)
    p = s.plain(80)
    for fields in (H2C, [], H2C):
        m = http.ask(p, '/x', 'POST', b'abc', fields=fields)
        equal((m.status, m.body), (200, b'no\nadapted\n'))
    equal([m.get('upgrade') for m in site.asked], ['h2c', None, 'h2c'])
    # The server is told settings of ours.
    equal(site.asked[0].get('http2-settings'), 'AAIAAAAAAAkAAAAB')
    p.finish()
    q, = server.wait(1)
    st, = s.rec.streams(1)
    equal(st.problems, [])
    equal((bytes(st.up.data), bytes(st.down.data)),
          (bytes(p.sent), bytes(q.sent)))


@scenario
def h2c_answer_in_the_same_bytes_as_the_101_is_scanned(s):
    """The server does not wait for the client's preface."""
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('block')))
    behind = h2.frame(SETTINGS) + h2.frame(
        HEADERS, END_HEADERS, 1, OK) + h2.frame(DATA, END_STREAM, 1, b'EVIL!')
    s.serve(80, handler=Switcher(behind=behind), plain=True)
    e, st = upgrade(s)
    e.answer(st)
    equal(st.status, 403)
    check(b'EVIL' not in e.p.received)
    equal(srv.logged(1)[0]['body'], 5)
    e.p.finish()
    streams(s, e.p)


@scenario
def h2c_that_nobody_asked_for_is_refused(s):
    """A 101 to h2c, where the request had none, or none that may be made."""
    srv = service(s, '204')
    n = 0

    def switch(p):
        try:
            p.recv_until(b'\r\n\r\n')
            p.send(SWITCH + h2.frame(SETTINGS) +
                   h2.frame(HEADERS, END_HEADERS, 1, OK) +
                   h2.frame(DATA, END_STREAM, 1, b'EVIL!'))
            p.recv_all()
        except (OSError, icap.Failure):
            pass
        p.close()
    s.serve(80, handler=switch, plain=True)
    settings = 'HTTP2-Settings: '
    for fields in ([], ['Connection: Upgrade', 'Upgrade: h2c'],
                   ['Connection: Upgrade', 'Upgrade: websocket'],
                   H2C[:2] + [settings + 'A'], H2C[:2] + [settings + 'AAMAA'],
                   H2C[:2] + [settings + '****'], H2C + [H2C[2]],
                   H2C[:2] + [settings + 'A' * 400]):
        p = s.plain(80)
        m = http.ask(p, '/x', fields=fields)
        icap.page(m, 502)
        try:
            p.recv_all()
        except OSError:
            pass
        check(b'EVIL' not in p.received, fields)
        n += 1
        p.sock.close()
    equal(srv.log('RESPMOD'), [])
    equal(len(srv.logged(n)), n)


@scenario
def h2c_switch_of_two_protocols_is_refused(s):
    service(s, '204')
    s.serve(80, handler=Switcher(switch=SWITCH.replace(
        b'h2c', b'h2c, websocket')), plain=True)
    p = s.plain(80)
    icap.page(http.ask(p, '/x', fields=[
        H2C[0], 'Upgrade: h2c, websocket', H2C[2]]), 502)


@scenario
def h2c_settings_that_cannot_be_are_an_error_of_the_client(s):
    """ENABLE_PUSH 2, a frame size of 1, a window of 2^31."""
    service(s, '204')
    site = Switcher()
    s.serve(80, handler=site, plain=True)
    for pair in ((2, 2), (5, 1), (4, 1 << 31)):
        value = base64.urlsafe_b64encode(struct.pack('>HI', *pair))
        e, st = upgrade(s, fields=H2C[:2] + [
            'HTTP2-Settings: ' + value.decode()])
        e.ended()
        check(e.goaway is not None and e.goaway[1] != 0, e.goaway, pair)
        e.p.sock.close()


@scenario
def h2c_window_of_the_request_holds(s):
    """Until the client's own SETTINGS, which are the same here."""
    service(s, 'echo')
    s.serve(80, handler=Switcher(), plain=True)
    value = base64.urlsafe_b64encode(struct.pack('>HI', 4, 100)).decode()
    e, st = upgrade(s, '/x?n=50000&len=1', fields=H2C[:2] + [
        'HTTP2-Settings: ' + value], preface=False)
    e.told[4] = 100
    st.room = 100
    e.hello()
    e.answer(st)
    equal(bytes(st.body), http.content(50000))
    check(max(len(f.body) for f in e.frames if f.kind == DATA) <= 100)
    e.p.finish()


@scenario
def h2c_client_without_a_preface_is_cut_off(s):
    service(s, '204')
    s.serve(80, handler=Switcher(), plain=True)
    for said in (b'GET /next HTTP/1.1\r\nHost: good.test\r\n\r\n',
                 h2.frame(SETTINGS), b'\0' * 100):
        e, st = upgrade(s, preface=False)
        e.p.send(said)
        e.ended()
        check(e.goaway is not None and e.goaway[1] != 0, e.goaway)
        e.p.sock.close()


@scenario
def h2c_client_that_ends_with_its_request_is_let_go(s):
    """Nothing is left that waits for it."""
    service(s, '204')
    site = Switcher()
    s.serve(80, handler=site, plain=True)
    p = s.plain(80)
    p.send(http.request('/x', fields=H2C))
    p.sock.shutdown(1)
    try:
        p.recv_all()
    except OSError:
        pass
    p.sock.close()
    s.d.flows(1)
    s.d.metric_is(0, 'clearspan_sessions_open')


@scenario
def h2c_head_is_answered_without_content(s):
    service(s, 'echo')
    site = Switcher()
    s.serve(80, handler=site, plain=True)
    e, st = upgrade(s, '/x?n=7&len=1', 'HEAD')
    e.answer(st)
    equal((st.status, bytes(st.body), st.head.get('content-length')),
          (200, b'', '7'))
    equal(e.get('/y').status, 200)
    e.p.finish()
    equal(site.wrong, [])


@scenario
def h2c_by_prior_knowledge_to_a_server_of_http1(s):
    """Nothing crosses in the clear: where nobody reads, the server's refusal
    arrives, and where its messages are read, the streams are reset."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')), rules=[
        {'name': 'read', 'port': [80], 'action': 'decrypt', 'icap': ['scan']},
        {'name': 'default', 'action': 'decrypt'}])
    no = b'HTTP/1.1 505 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

    def handler(p):
        equal(p.recv_exact(24), h2.PREFACE)
        p.send(no)
        p.recv_all()
        p.close()
    for port in 80, 81:
        s.serve(port, handler=handler, plain=True)
    c = h2.End(s.plain(80)).hello()
    st = c.ask('/')
    c.until(lambda: st.over or c.goaway, 'its end')
    # Which came first; a request behind the refusal is told by GOAWAY that
    # nobody has seen it (RFC 9113, 6.8).
    check(st.code in (h2.INTERNAL, h2.REFUSED) or c.goaway[0] < st.sid, st,
          c.goaway)
    s.d.wait_log('HTTP/2 of the server: protocol')
    p = s.plain(81)
    h2.End(p).hello()
    equal(p.recv_exact(len(no)), no)
    p.finish()
