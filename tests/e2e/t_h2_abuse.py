"""Peers that cost more than they give: the classes of 2019 to 2024 by name,
each from a client and, where a server can do it, from a server. Who does it is
cut off or bounded, and counted; another client is served meanwhile; and the
memory that it took is bounded."""
import threading

from harness import check, equal, h2, http, icap, scenario, wait
from harness.h2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS,
                        PING, PRIORITY, RST, SETTINGS, WINDOW, frame,
                        literals, number, request, settings)
from t_h2_cross import new_origin, old_client, service

MOST = 64 * 1024                # KiB that one peer may cost
GET = literals(request('/flood'))
ATTACKS = []


class Attack:
    """act(end, id of a stream) yields bytes; cut: it costs the connection."""

    def __init__(self, cve, by, cut, act):
        self.cve, self.by, self.cut, self.act = cve, by.split(), cut, act
        self.name = act.__name__

    def __repr__(self):
        return '%s (%s)' % (self.name, self.cve)


def attack(cve, by='client server', cut=True):
    def mark(f):
        ATTACKS.append(Attack(cve, by, cut, f))
        return f
    return mark


def ids(e, n):
    first, e.next = e.next, e.next + 2 * n
    return range(first, e.next, 2)


# --- what they do

@attack('CVE-2023-44487', by='client')
def rapid_reset(e, sid):
    for _ in range(100):
        yield b''.join(frame(HEADERS, END_HEADERS | END_STREAM, i, GET) +
                       frame(RST, 0, i, bytes(3) + b'\x08')
                       for i in ids(e, 200))


@attack('CVE-2019-9514', by='client')
def requests_that_make_us_reset(e, sid):
    bad = literals(request('/evil', more=[('X-Upper', '1')]))
    for _ in range(100):
        yield b''.join(frame(HEADERS, END_HEADERS | END_STREAM, i, bad)
                       for i in ids(e, 200))


@attack('CVE-2025-8671', by='client')
def streams_that_make_us_reset(e, sid):
    """Good requests, each spoilt behind its head."""
    for _ in range(100):
        yield b''.join(frame(HEADERS, END_HEADERS | END_STREAM, i, GET) +
                       frame(WINDOW, 0, i, b'\x7f\xff\xff\xff')
                       for i in ids(e, 200))


@attack('CVE-2023-45288, CVE-2024-27316, 27919, 28182, 30255; VU#421644')
def continuation_without_end(e, sid):
    some = frame(CONTINUATION, 0, sid, literals([('a' * 40, 'b' * 400)] * 30))
    yield frame(HEADERS, END_STREAM, sid, literals([('a', 'b')]))
    for _ in range(2000):
        yield some


@attack('CVE-2024-27983, 2653')
def continuation_of_nothing_without_end(e, sid):
    yield frame(HEADERS, END_STREAM, sid, b'')
    for _ in range(400):
        yield frame(CONTINUATION, 0, sid) * 1000


@attack('CVE-2016-6581', cut=False)
def hpack_bomb(e, sid):
    """4,000 bytes once in the table, and 4,000 times in a head."""
    yield frame(HEADERS, END_HEADERS | END_STREAM, sid,
                literals([('bomb', 'x' * 4000)], 0x40) +
                number(62, 7, 0x80) * 4000)


@attack('CVE-2019-9516', cut=False)
def head_of_empty_fields(e, sid):
    one = literals([('a', '')] * 4000)
    yield frame(HEADERS, END_STREAM, sid, one)
    yield frame(CONTINUATION, 0, sid, one)
    yield frame(CONTINUATION, END_HEADERS, sid, one)


@attack('CVE-2019-9518')
def empty_data(e, sid):
    if e.server:
        yield frame(HEADERS, END_HEADERS, sid, literals([(':status', '200')]))
    for _ in range(400):
        yield frame(DATA, 0, sid) * 1000


@attack('CVE-2019-9512')
def pings(e, sid):
    for _ in range(400):
        yield frame(PING, 0, 0, b'pingping') * 1000


@attack('CVE-2019-9515')
def settings_again_and_again(e, sid):
    for _ in range(400):
        yield frame(SETTINGS, 0, 0, settings((h2.S_STREAMS, 50))) * 1000


@attack('CVE-2019-9513')
def priorities_in_a_loop(e, sid):
    for i in range(100):
        yield b''.join(frame(PRIORITY, 0, x, number(0, 8)[:1] + bytes(
            [0, 0, (x + 2 * i) % 200 | 1, x & 255]))
            for x in range(201, 601, 2))


@attack('interim responses without end', by='server')
def interim_without_end(e, sid):
    some = frame(HEADERS, END_HEADERS, sid, literals(
        [(':status', '103'), ('link', '</a>')]))
    for _ in range(100):
        yield some * 500


# --- what must come of it

class Flood(threading.Thread):
    """Sends, without reading, until it is done or cut off."""

    def __init__(self, e, sid, attack):
        super().__init__(daemon=True)
        self.e, self.bytes, self.cut = e, attack.act(e, sid), False
        self.start()

    def run(self):
        try:
            for part in self.bytes:
                self.e.p.send(part)
        except OSError:
            self.cut = True


def begin(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')))
    return h2.serve(s)


def counted(s, side):
    return s.d.metric('clearspan_http2_abuse_total', side=side)


def bounded(s, other, before, what):
    """Another client is served, and memory is bounded."""
    st = other.get('/x?n=200000')
    equal(bytes(st.body), http.content(200000), 'another client')
    cost = s.d.rss() - before
    check(s.kind != 'plain' or cost < MOST, what, 'cost', cost, 'KiB')


def client_attacks(s, site, other, a):
    before, n, counts = s.d.rss(), len(site.got), counted(s, 'client')
    e = h2.connect(s)
    e.get('/x')
    flood = Flood(e, e.open().sid if 'empty_data' != a.name else
                  e.ask('/up', 'POST', end=False).sid, a)
    bounded(s, other, before, a)
    flood.join(60 * s.slow)
    if a.cut:
        e.ended()
        wait(lambda: counted(s, 'client') > counts, 'a count of %s' % a)
    else:
        wait(lambda: counted(s, 'client') > counts, 'a count of %s' % a)
    bounded(s, other, before, a)
    check(len(site.got) - n < 3000, a, 'sent on', len(site.got) - n)
    e.p.rst()


def server_attacks(s, site, other, a):
    before, counts = s.d.rss(), counted(s, 'server')
    floods = []
    site.apps['/attack'] = lambda e, st: floods.append(Flood(e, st.sid, a))
    c = h2.connect(s)
    st = c.ask('/attack')
    c.until(lambda: st.over or c.over, 'an end of it')
    check(not st.whole or st.status >= 400, st)
    bounded(s, other, before, a)
    wait(lambda: counted(s, 'server') > counts, 'a count of %s' % a)
    floods[0].join(60 * s.slow)
    c.p.rst()


def every(s, does, role):
    site, bad = begin(s), []
    other = h2.connect(s)
    for a in ATTACKS:
        if role not in a.by:
            continue
        s.say('attack %s' % a)
        try:
            does(s, site, other, a)
        except (h2.Failure, AssertionError, OSError) as x:
            bad.append('%s: %s' % (a, x))
    check(not bad, '\n'.join(['%d attacks' % len(bad)] + bad))


@scenario(timeout=150)
def h2_clients_that_abuse_it(s):
    every(s, client_attacks, 'client')


@scenario(timeout=150)
def h2_servers_that_abuse_it(s):
    every(s, server_attacks, 'server')


# --- the same, of a server whose clients speak HTTP/1.1

KINDS = {'continuation_without_end': 'continuation',
         'continuation_of_nothing_without_end': 'continuation',
         'hpack_bomb': 'hpack-bomb', 'head_of_empty_fields': 'hpack-bomb',
         'pings': 'ping-flood', 'settings_again_and_again': 'settings-flood'}


def kinds(s):
    return {k: s.d.metric('clearspan_http2_abuse_total', side='server', kind=k)
            for k in [*KINDS.values(), 'empty-frames']}


def crossing_attack(s, site, other, a):
    """Its session ends; another that is open goes on; it counts once."""
    before, counts, floods = s.d.rss(), kinds(s), []
    counts[KINDS.get(a.name, 'empty-frames')] += 1
    site.apps['/attack'] = lambda e, st: floods.append(Flood(e, st.sid, a))
    p = old_client(s)
    p.send(http.request('/attack'))
    try:
        p.recv_all()
    except OSError:                     # reset
        pass
    check(p.eof is not None, 'the session goes on')
    if p.received:
        check(bytes(p.received).startswith(b'HTTP/1.1 1') or
              b'HTTP/1.1 502 ' in p.received or
              a.name == 'empty_data' and b'0\r\n\r\n' not in p.received,
              bytes(p.received[:200]))
    equal(http.ask(other, '/?n=200000').body, http.content(200000))
    cost = s.d.rss() - before
    check(s.kind != 'plain' or cost < MOST, 'cost', cost, 'KiB')
    p.close()
    floods[0].join(60 * s.slow)
    equal(kinds(s), counts)
    equal(counted(s, 'server'), sum(counts.values()))


@scenario(timeout=150)
def h2_servers_that_abuse_the_crossing(s):
    service(s)
    site, bad = new_origin(s), []
    other = old_client(s)
    equal(http.ask(other, '/?n=3').body, http.content(3))
    for a in ATTACKS:
        if 'server' not in a.by:
            continue
        s.say('attack %s' % a)
        try:
            crossing_attack(s, site, other, a)
        except (h2.Failure, AssertionError, OSError) as x:
            bad.append('%s: %s' % (a, x))
    check(not bad, '\n'.join(['%d attacks' % len(bad)] + bad))


@scenario
def h2_heads_that_are_half_there_when_their_client_goes(s):
    """CVE-2024-27983: freed with the connection."""
    site = begin(s)
    other = h2.connect(s)
    other.get('/x')
    before = s.d.rss()
    for i in range(100):
        e = h2.connect(s)
        st = e.open()
        e.send(HEADERS, END_STREAM, st.sid, GET[:20])
        e.send(CONTINUATION, 0, st.sid, GET[20:30])
        e.p.rst()
    bounded(s, other, before, 'half heads')
    check('/flood' not in site.paths(), site.paths())
    wait(lambda: s.d.metric('clearspan_sessions_open') == 1, 'their ends')


@scenario
def h2_client_that_reads_nothing(s):
    """CVE-2019-9517: all windows wide open, and nothing is read."""
    begin(s)
    other = h2.connect(s)
    other.get('/x')
    before = s.d.rss()
    e = h2.connect(s, told=[(h2.S_WINDOW, h2.TOP)])
    e.grow(0, h2.TOP - 65535)
    for i in range(60):
        e.ask('/x?n=4000000')
    s.taken(e.p)
    bounded(s, other, before, 'who reads nothing')
    e.p.rst()


@scenario
def h2_client_that_opens_its_window_by_the_byte(s):
    """CVE-2019-9511: no frame of one byte for each, and no CPU to speak of."""
    begin(s)
    e = h2.connect(s, told=[(h2.S_WINDOW, 0)], auto=False)
    st = e.ask('/x?n=1000')
    e.until(lambda: st.heads, 'the head')
    for i in range(200):
        e.grow(st.sid, 1)
        st.room += 1
    e.until(lambda: len(st.body) == 200, '200 bytes')
    e.grow(st.sid, 800)
    st.room += 800
    e.answer(st)
    equal(bytes(st.body), http.content(1000))


def by_the_byte(e, st):
    """One byte, and the next when it has come, until that is enough."""
    e.auto = False
    while not (st.over or e.over or e.goaway):
        n = len(st.body) + 1
        st.room += 1
        e.grow(st.sid, 1)
        e.until(lambda: len(st.body) >= n or st.over or e.over or e.goaway,
                'a byte or an end')


@scenario
def h2_windows_that_are_opened_by_the_byte_are_counted(s):
    """CVE-2019-9511, by a client and by a server."""
    site = begin(s)
    e = h2.connect(s, told=[(h2.S_WINDOW, 0)])
    by_the_byte(e, e.ask('/x?n=100000'))
    s.d.metric_is(1, 'clearspan_http2_abuse_total', side='client',
                  kind='slow-window')
    e.p.close()
    site.told = {h2.S_WINDOW: 0}
    site.apps['/slow'] = by_the_byte
    c = h2.connect(s)
    c.get('/x')                 # the server's SETTINGS are there
    st = c.ask('/slow', 'POST', end=False)
    c.data(st.sid, bytes(16384))
    c.until(lambda: st.over or c.over, 'an end of it')
    s.d.metric_is(1, 'clearspan_http2_abuse_total', side='server',
                  kind='slow-window')


@scenario
def h2_windows_opened_by_the_byte_behind_the_crossing(s):
    """By a server whose client uploads in HTTP/1.1."""
    service(s)
    site = new_origin(s, {h2.S_WINDOW: 0})
    site.apps['/slow'] = by_the_byte
    other, p = old_client(s), old_client(s)
    http.ask(p, '/?n=3')        # the server's SETTINGS are there
    p.send(http.request('/slow', 'POST', bytes(16384)))
    try:
        p.recv_all()
    except OSError:
        pass
    s.d.metric_is(1, 'clearspan_http2_abuse_total', side='server',
                  kind='slow-window')
    equal(http.ask(other, '/?n=3').body, http.content(3))
    equal(counted(s, 'server'), 1.0)


@scenario
def h2_server_that_reads_nothing(s):
    """CVE-2019-9517 from the other side: windows open, and then deaf."""
    site = begin(s)
    other, gate = h2.connect(s), threading.Event()
    other.get('/x')

    def deaf(e, st):
        e.grow(0, h2.TOP - 65535)
        e.send(SETTINGS, 0, 0, settings((h2.S_WINDOW, 1 << 30)))
        gate.wait(30 * s.slow)
        e.p.close()
    site.apps['/deaf'] = deaf
    before = s.d.rss()
    c = h2.connect(s)
    for st in [c.ask('/deaf', 'POST', end=False) for i in range(60)]:
        while min(st.window, c.window) > 0:
            n = min(st.window, c.window, 16384)
            st.window, c.window = st.window - n, c.window - n
            c.data(st.sid, bytes(n), False)
    bounded(s, other, before, 'who reads nothing')
    gate.set()
    c.p.rst()


@scenario
def h2_windows_given_back_frame_by_frame_are_no_abuse(s):
    """Of the stream and of the connection, with each frame of content."""
    site, body = begin(s), http.content(5000000)

    def pieces(e, st):
        e.head(st.sid, [(':status', '200')], False)
        for i in range(0, len(body), 1000):
            e.content(st, body[i:i + 1000], i + 1000 == len(body))
    site.apps['/pieces'] = pieces
    c = h2.connect(s)
    equal(bytes(c.get('/pieces').body), body)
    equal(counted(s, 'client'), 0.0, 'abuses')


@scenario
def h2_streams_that_are_stuck_stop_themselves(s):
    """A hundred uploads that the server does not take: the others go on, and
    what waits is bounded by the streams' windows."""
    site = begin(s)
    site.apps['/stuck'] = lambda e, st: setattr(e, 'auto', False)
    c = h2.connect(s)
    c.get('/x')
    before = s.d.rss()
    stuck = [c.ask('/stuck', 'POST', end=False) for i in range(60)]
    for st in stuck:
        for i in range(4):
            n = min(16384, st.window)
            c.data(st.sid, bytes(n), False)
            st.window -= n
    for i in range(3):
        equal(c.get('/x?n=20000').status, 200)
    cost = s.d.rss() - before
    check(s.kind != 'plain' or cost < MOST, 'stuck streams cost', cost)
    for st in stuck[:30]:
        c.reset(st.sid)
    equal(c.get('/x?n=20000').status, 200)


# --- what is a head to us and might be two to others

@scenario
def h2_heads_are_one_request_to_a_service(s):
    """What is allowed and looks odd is one head of HTTP/1.1 for ICAP, with one
    Host and no framing of its own."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')))
    site, e = h2.serve(s), None
    e = h2.connect(s)
    odd = [('/a?b=%0d%0aX:%20y', ()), ('/a%20HTTP/1.1', ()),
           ('/x', [('x-tab', 'a\tb')]), ('/x', [('x-8', b'\xff\xfe')]),
           ('/x', [('cookie', 'a=b'), ('cookie', 'c=d')]),
           ('/x', [('host', 'good.test')]), ('/x', [('te', 'trailers')]),
           ('/x', [('x-empty', ''), ('content-length', '0')])]
    for path, more in odd:
        equal(e.get(path, more=more).status, 200, path)
    for got, (path, more) in zip(srv.logged(len(odd), 'REQMOD'), odd):
        lines = got['req-hdr'].split('\r\n')
        equal(lines[0].split(' ')[0::2], ['GET', 'HTTP/1.1'], lines[0])
        check(lines[0].split(' ')[1].endswith(path), lines[0])
        names = [x.split(':')[0].lower() for x in lines[1:] if x]
        equal(names.count('host'), 1, lines)
        check(names.count('cookie') < 2 and not {
            'transfer-encoding', 'connection'} & set(names), lines)
    equal(site.wrong, [])
