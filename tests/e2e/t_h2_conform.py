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
