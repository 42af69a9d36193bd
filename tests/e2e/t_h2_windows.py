"""Windows of HTTP/2 follow what the other side has taken: a stream that is not
taken holds itself alone, in either direction, and no more of it comes than the
windows of the one side and ours."""
from harness import check, equal, h2, http, scenario, wait

SIBLINGS, SIZE, HELD = 19, 100000, 1000000
WINDOW = 65535                  # of both ends, at first


def begin(s):
    """No service holds anything: the rules judge each stream."""
    s.start(record=False, rules=[
        {'name': 'never', 'host': ['never.test'], 'action': 'block'},
        {'name': 'default', 'action': 'decrypt'}])
    return h2.serve(s)


def send_on(e, st):
    """As much of st.rest as the windows let; and more as they open."""
    while st.rest and min(e.window, st.window) > 0:
        n = min(e.window, st.window, 16384, len(st.rest))
        part, st.rest = st.rest[:n], st.rest[n:]
        e.window -= n
        st.window -= n
        e.data(st.sid, part, not st.rest)


def sends_on(e, st, body):
    st.rest = body

    def opens(self, f):
        h2.End.on_window(self, f)
        send_on(e, st)
    take = list(e.TAKE)
    take[h2.WINDOW] = opens
    e.TAKE = tuple(take)
    send_on(e, st)


def siblings(c, body):
    for st in [c.ask('/x?echo=1', 'POST', body) for i in range(SIBLINGS)]:
        equal(http.sha(c.answer(st).body), http.sha(body))


@scenario
def h2_answer_that_is_not_read_holds_itself_alone(s):
    site, body, held = begin(s), http.content(HELD), []

    def app(e, st):
        held.append((e, st))
        e.head(st.sid, [(':status', '200')], False)
        sends_on(e, st, body)
    site.apps['/held'] = app
    c = h2.connect(s)
    st = c.ask('/held')
    st.deaf = True
    c.until(lambda: len(st.body) == WINDOW, 'all that its window lets')
    siblings(c, http.content(SIZE))
    equal(len(st.body), WINDOW)
    far, far_st = held[0]
    sent = HELD - len(far_st.rest)
    check(sent <= WINDOW + far.theirs[h2.S_WINDOW], 'taken ahead:', sent)
    st.deaf = False
    st.room += HELD
    c.grow(st.sid, HELD)
    equal(http.sha(c.answer(st).body), http.sha(body))
    c.p.close()
    equal(site.wrong, [])


@scenario
def h2_request_that_is_not_read_holds_itself_alone(s):
    site, body, held = begin(s), http.content(HELD), []

    def app(e, st):
        st.deaf = True
        held.append((e, st))

    def release(e, st):
        far = held[0][1]
        far.deaf = False
        far.room += HELD
        e.grow(far.sid, HELD)
        e.head(st.sid, [(':status', '204')])

    def done(e, st):
        for x in st, held[0][1]:
            e.head(x.sid, [(':status', '204')])
    site.apps.update({'/held': app, '/go': release, '/done': done})
    c = h2.connect(s)
    c.get('/x')                 # our windows are known
    st = c.ask('/held', 'POST', end=False)
    sends_on(c, st, body)
    siblings(c, http.content(SIZE))
    equal(len(held[0][1].body), WINDOW)
    sent = HELD - len(st.rest)
    check(sent <= WINDOW + c.theirs[h2.S_WINDOW], 'taken ahead:', sent)
    c.get('/go')
    c.until(lambda: not st.rest, 'windows for all of it')
    wait(lambda: len(held[0][1].body) == HELD, 'all of it at the server')
    equal(http.sha(held[0][1].body), http.sha(body))
    c.get('/done')
    equal(c.answer(st).status, 204)
    c.p.close()
    equal(site.wrong, [])


@scenario
def h2_client_that_ends_with_its_window_shut_is_let_go(s):
    """It will not open the window any more: the rest can never go. What fits
    into its window still comes."""
    site, body = begin(s), http.content(HELD)

    def app(e, st):
        e.head(st.sid, [(':status', '200')], False)
        sends_on(e, st, body)
    site.apps['/much'] = app
    for deaf in True, False:
        c = h2.connect(s)
        st = c.ask('/much' if deaf else '/x')
        st.deaf = deaf
        if deaf:
            c.until(lambda: len(st.body) == WINDOW, 'what its window lets')
        c.p.fin()
        if not deaf:
            equal(c.answer(st).status, 200)
        wait(lambda: s.d.metric('clearspan_sessions_open') == 0,
             'the end of the session')
        c.p.close()
    equal(site.wrong, [])
