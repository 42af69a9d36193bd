"""The rules of messages and of streams (RFC 9113, 5.1, 6.10 and 8) where the
other side speaks HTTP/1.1: the rows of h2_cases, by a client of HTTP/2 before a
server of HTTP/1.1, and by a server of HTTP/2 behind a client of HTTP/1.1. The
error that goes back is the one that RFC 9113 asks for, and the other side does
not see what was wrong."""
import h2_cases
from harness import check, equal, h2, http, scenario, wait
from harness.proc import Failure
from t_h2_conform import Mute, Said, at_server, erred, judged
from t_h2_cross import new_origin, old_client, old_origin, service


def asks(case):
    """It waits for an answer, which the open request would be before: the
    server of HTTP/1.1 has one connection. Or it fills all streams."""
    e = h2.End(Mute())
    e.theirs[h2.S_STREAMS] = 100
    e.open()
    try:
        case.act(e, 1)
    except Said:
        return True
    return case.section == '5.1.2'


def rows(role):
    return [c for c in h2_cases.CASES
            if role in c.roles and c.want not in ('fine', 'maybe') and
            c.section.startswith(('5.1', '6.10', '8.'))]


def client_does(s, origin, case):
    e, n = h2.connect(s), len(origin.got)
    begun = e.ask('/begun', 'POST', end=False)
    e.until(lambda: e.acks, 'SETTINGS acknowledged')
    sid = case.act(e, begun.sid) or begun.sid
    st = e.streams.get(sid) or h2.Stream(sid, 0, 0)
    e.until(lambda: e.goaway or st.over or e.over, 'an error')
    kind = judged(case, *erred(e, st))
    if kind == 'stream' and sid != begun.sid:
        e.data(begun.sid, b'the rest')
        equal(e.answer(begun).status, 200)
        equal(e.get('/after?n=70000').status, 200)
    e.p.close()
    bad = [m.line for m in origin.got[n:] if 'evil' in m.line]
    equal(bad, [], 'at the server')


def server_does(s, site, case):
    told = []

    def app(e, st):
        told.append((e, st))
        case.act(e, st.sid)
    site.apps['/case'] = app
    p = old_client(s)
    equal(http.ask(p, '/before?n=70000').status, 200)
    p.send(http.request('/case'))
    try:
        m = http.answer(p)
        check(not m.whole or m.status >= 400, 'came whole:', m)
    except Failure:
        pass                            # it was cut off before an answer
    e, at = told[0]
    wait(lambda: e.goaway or at.code is not None or e.over,
         'an error at the server')
    # Its client can only be cut off, and goes with the connection.
    if not (case.section == '8.1.1' and at_server(e, at) ==
            ('conn', h2.NO_ERROR)):
        judged(case, *at_server(e, at))
    p.close()


def every(s, does, site, cases):
    """All of them, and then what was wrong."""
    bad = []
    check(len(cases) > 40, 'cases:', len(cases))
    for case in cases:
        s.say('case %s' % case)
        try:
            does(s, site, case)
        except (Failure, AssertionError, OSError) as x:
            bad.append('%s: %s' % (case, x))
    check(not bad, '\n'.join(['%d cases' % len(bad)] + bad))


@scenario(timeout=120)
def h2_cross_client_that_breaks_the_rules(s):
    service(s)
    every(s, client_does, old_origin(s),
          [c for c in rows('client') if not asks(c)])


@scenario(timeout=120)
def h2_cross_server_that_breaks_the_rules(s):
    service(s)
    site = new_origin(s)
    every(s, server_does, site, rows('server'))
    equal(site.wrong, [])
