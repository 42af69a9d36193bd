"""Every case of h2_cases, from both sides: a client that does it to us, and a
server that does. The answer is the one that RFC 9113 asks for; other streams
go on after an error of one; and nothing wrong gets to the other side."""
import h2_cases
from harness import check, equal, h2, icap, scenario, wait
from harness.h2 import PROTOCOL, Failure


def begin(s):
    """Services see requests, too, but of one name: those go on as they
    come."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')),
               icap.service(None, srv.url('204'), name='down'),
               rules=[{'name': 'one', 'sni': ['www.good.test'],
                       'action': 'decrypt', 'icap': ['down']},
                      {'name': 'all', 'action': 'decrypt',
                       'icap': ['scan'], 'mirror': ['recorder']}])


def erred(e, st):
    """What kind of error came, and its code. A stream may be refused in
    words."""
    if st.code is not None:
        return 'stream', st.code
    if st.ended and st.status >= 400:
        return 'stream', PROTOCOL
    if e.goaway is not None:
        return 'conn', e.goaway[1]
    return 'the end' if e.over else 'nothing', None


def judged(case, kind, code):
    want = {'either': ('stream', 'conn'),
            'maybe': ('stream', 'conn', 'nothing')}.get(case.want,
                                                        (case.want,))
    check(kind in want and (kind == 'nothing' or code in case.codes),
          'wanted %s %s, got %s %s' % (case.want, case.codes, kind, code))
    return kind


def stuck(e, st):
    e.auto = False


def after(e, begun, sid):
    """Siblings go on."""
    check(e.goaway is None, 'GOAWAY', e.goaway)
    if sid != begun.sid:
        e.data(begun.sid, b'the rest')
        equal(e.answer(begun).status, 200)
        check(begun.whole, begun)
    equal(e.get('/after?n=70000').status, 200)


def client_does(s, site, case):
    site.apps['/stuck'] = stuck
    e = h2.connect(s, name='www.good.test' if case.act is
                   h2_cases.data_beyond_the_window else 'good.test')
    e.get('/before?n=70000')
    n = len(site.got)
    begun = e.ask('/begun', 'POST', end=False)
    e.until(lambda: e.acks, 'SETTINGS acknowledged')
    sid = case.act(e, begun.sid) or begun.sid
    st, kind = e.streams.get(sid) or h2.Stream(sid, 0, 0), 'nothing'
    if case.want not in ('fine', 'maybe'):
        e.until(lambda: e.goaway or st.over or e.over, 'an error')
    if case.want == 'maybe':
        e.send(h2.PING, 0, 0, b'and now?')
        e.until(lambda: e.goaway or e.over or e.pings, 'an error, or none')
    if case.want != 'fine':
        kind = judged(case, *erred(e, st))
    if kind == 'conn':
        e.ended()
    elif sid != 0 and not (kind == 'stream' and st.path == '/stuck'):
        after(e, begun, sid)
    paths = site.paths()[n:]
    check('/evil' not in ' '.join(paths), 'at the server:', paths)
    e.p.close()


def server_does(s, site, case):
    told = []

    def app(e, st):
        told.append((e, st))
        what = case.act(e, st.sid)
        if case.want == 'fine' and what != 'answered':
            site.send(e, st, {})
    site.apps['/case'] = app
    c, kind = h2.connect(s), 'nothing'
    equal(c.get('/before?n=70000').status, 200)
    st = c.ask('/case')
    c.until(lambda: st.over or c.over, 'an end of the stream')
    e, at = told[0]
    if case.want == 'fine':
        check(st.whole and st.status == 200 and st.body, st)
    elif case.want != 'maybe':
        check(not (st.whole and st.status < 400), 'came whole:', st)
        wait(lambda: e.goaway or at.code is not None or e.over,
             'an error at the server')
        kind = judged(case, *at_server(e, at))
    if kind in ('nothing', 'stream') and case.want != 'maybe':
        equal(c.get('/after?n=70000').status, 200)
        check(site.ends[-1] is e and not e.over, 'not its connection')
    c.p.close()


def at_server(e, st):
    if st.code is not None:
        return 'stream', st.code
    return ('conn', e.goaway[1]) if e.goaway else ('the end', None)


def every(s, does, role):
    """All of them, and then what was wrong."""
    site, bad = h2.serve(s), []
    for case in h2_cases.CASES:
        if role not in case.roles:
            continue
        s.say('case %s' % case)
        try:
            does(s, site, case)
        except (Failure, AssertionError, OSError) as x:
            bad.append('%s: %s' % (case, x))
        if site.wrong:
            bad.append('%s: the server got: %s' % (case, site.wrong))
            site.wrong.clear()
    check(not bad, '\n'.join(['%d cases' % len(bad)] + bad))


@scenario(timeout=120)
def h2_client_that_breaks_the_rules(s):
    begin(s)
    every(s, client_does, 'client')


@scenario(timeout=120)
def h2_server_that_breaks_the_rules(s):
    begin(s)
    every(s, server_does, 'server')


# --- 3.4: the preface, by those who have another idea of it

def no_preface(e):
    e.write(b'GET /evil HTTP/1.1\r\nHost: good.test\r\n\r\n')


def half_a_preface(e):
    e.write(h2.PREFACE[:10] + b'evil' * 10)


def preface_without_settings(e):
    e.write(h2.PREFACE if not e.server else b'')
    e.send(h2.PING, 0, 0, b'no word!')


def preface_with_an_acknowledgement(e):
    e.write(h2.PREFACE if not e.server else b'')
    e.send(h2.SETTINGS, h2.ACK)


def preface_with_a_request(e):
    e.write(h2.PREFACE)
    e.head(e.open().sid, h2.request('/evil'))


def preface_of_settings_that_are_wrong(e):
    e.write(h2.PREFACE if not e.server else b'')
    e.send(h2.SETTINGS, 0, 0, h2.settings((h2.S_WINDOW, h2.TOP + 1)))


@scenario
def h2_client_without_a_preface(s):
    """What it asks for is not asked. It may be told so, or not (RFC 9113,
    3.4)."""
    begin(s)
    site = h2.serve(s)
    for act in (no_preface, half_a_preface, preface_without_settings,
                preface_with_an_acknowledgement, preface_with_a_request,
                preface_of_settings_that_are_wrong):
        e = h2.connect(s, hello=False)
        act(e)
        e.ended()
        check(e.goaway is None or e.goaway[1] in (PROTOCOL, h2.FLOW),
              act.__name__, e.goaway)
        e.p.close()
        check('/evil' not in ' '.join(site.paths()), act.__name__)
    equal(h2.connect(s).get('/after').status, 200)


@scenario
def h2_server_without_a_preface(s):
    """Its client gets no answer of it, and another server is not touched."""
    begin(s)
    for act in (preface_without_settings, preface_with_an_acknowledgement,
                preface_of_settings_that_are_wrong, no_preface):
        done = []

        def server(p):
            e = h2.End(p, True)
            check(p.recv_exact(len(h2.PREFACE)) == h2.PREFACE, 'preface')
            act(e)
            e.head(1, [(':status', '200'), ('evil', '1')])
            done.append(e.ended())
        serve = s.serve(handler=server, alpn=['h2'])
        c = h2.connect(s)
        st = c.ask('/x')
        c.until(lambda: st.over or c.over, 'an end of the stream')
        check(not (st.whole and st.status < 400), act.__name__, st)
        c.p.close()
        wait(lambda: done, 'the end at the server')
        check(done[0].goaway is None or done[0].goaway[1] in (
            PROTOCOL, h2.FLOW), act.__name__, done[0].goaway)
        serve.close()


@scenario
def h2_server_that_sends_beyond_the_window(s):
    """RFC 9113, 6.9.1: its client takes nothing, so no window is given back,
    and what comes beyond is an error of the stream, or of all."""
    begin(s)

    def flood(e, st):
        e.head(st.sid, [(':status', '200')], False)
        while st.code is None and not e.goaway and not e.over:
            for i in range(64):
                e.data(st.sid, bytes(16384), False)
            e.send(h2.PING, 0, 0, b'and now?')
            n = len(e.pings)
            e.until(lambda: len(e.pings) > n or st.code is not None or
                    e.goaway or e.over, 'an answer')
        ends.append((st.code, e.goaway))
    ends = []
    site = h2.serve(s)
    site.apps['/flood'] = flood
    c = h2.connect(s)
    c.auto = False
    c.ask('/flood')
    wait(lambda: ends, 'an error at the server')
    (code, goaway), = ends
    check(code == h2.FLOW or goaway and goaway[1] == h2.FLOW, ends)
    c.p.close()


# --- the same, where HTTP/2 is only read: nothing is ended or changed

class Said(Exception):
    """An answer is needed to go on."""


class Mute:
    """Keeps what is sent, and gets nothing."""
    eof = None

    def __init__(self):
        self.said = b''

    def send(self, data):
        self.said += data

    def recv_exact(self, n):
        raise Said


def said(case, role):
    """The bytes of a case, up to where it waits for an answer; with the stream
    that it is about."""
    e = h2.End(Mute(), role == 'server')
    e.theirs[h2.S_STREAMS] = 100
    if role == 'client':
        e.hello()
        e.ask('/begun', 'POST', end=False)
    else:
        e.send(h2.SETTINGS)
        e.open(1)
    try:
        case.act(e, 1)
    except Said:
        pass
    return e.p.said


@scenario(timeout=120)
def h2_that_breaks_the_rules_passes_where_it_is_read(s):
    """What was wrong is at the other end as it was sent, and more behind it;
    the session is never ended by us."""
    s.start(log={'events': ['flow', 'http']})
    ask = h2.PREFACE + h2.frame(h2.SETTINGS) + h2.frame(
        h2.HEADERS, h2.END_HEADERS, 1, h2.literals(h2.request('/begun')))
    answer = h2.frame(h2.SETTINGS) + h2.frame(
        h2.HEADERS, h2.END_HEADERS, 1, h2.literals([(':status', '200')]))
    talks = [(case, said(case, 'client'), answer) for case in h2_cases.CASES
             if 'client' in case.roles] + \
            [(case, ask, said(case, 'server')) for case in h2_cases.CASES
             if 'server' in case.roles]
    tail, current = b'and more, which is no HTTP/2 at all' * 9, []

    def handler(p):
        case, up, down = current[0]
        equal(p.recv_exact(len(up)), up, case)
        p.send(down)
        equal(p.recv_exact(len(tail)), tail, case)
        p.send(tail)
        p.finish()
    s.serve(handler=handler, alpn=['h2'])
    for talk in talks:
        current[:] = [talk]
        s.say('case %s' % talk[0])
        p = s.tls(alpn=['h2'])
        p.send(talk[1])
        equal(p.recv_exact(len(talk[2])), talk[2], talk[0])
        p.send(tail)
        equal(p.recv_exact(len(tail)), tail, talk[0])
        p.finish()
    flows = s.d.flows(len(talks))
    equal({f['flow']['state'] for f in flows}, {'closed'})
    check(s.d.metric('clearspan_http2_unread_total') >= len(talks),
          'what could not be read was not counted')
