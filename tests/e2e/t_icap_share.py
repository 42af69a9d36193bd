"""A service's connections are not one client's, nor those of uploads that
pause."""
from harness import check, equal, http, icap, net, scenario, wait

BODY = http.content(100000)


def busy(s):
    return s.d.ctl('icap')['servers'][0]


def starved(s):
    return s.d.metric('clearspan_icap_faults_total', service='scan',
                      fault='starved')


def upload(s, source, sent):
    """A POST that stops after so many bytes of its body."""
    p = s.tls(sock=s.connect(443, source=(source, 0)))
    p.send(http.request('/u', 'POST', BODY)[:-len(BODY)] + BODY[:sent])
    return p


@scenario(timeout=120)
def uploads_that_pause_do_not_hold_all_connections(s):
    """64 of them, with 64 connections: another client is served, and then
    each of them, whole."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), fail='closed'), record=False,
               workers=2)
    o = icap.Little(s)
    paused = [upload(s, net.CLIENT, 30000) for i in range(64)]
    # Some may have given way before the last of them is there.
    wait(lambda: busy(s)['busy'] == 64 or starved(s), '64 at the service',
         30 * s.slow)
    p = upload(s, '10.1.0.3', len(BODY))
    equal(http.answer(p).status, 200)
    p.finish()
    equal([x.body for x in o.got()], [BODY])
    for p in paused:
        p.send(BODY[30000:])
    for p in paused:
        equal(http.answer(p).status, 200)
        p.finish()
    equal(len(o.got()), 65)
    check(all(x.body == BODY for x in o.got()), 'a body that is another')
    check(starved(s), 'none gave way')
    wait(lambda: len(s.d.events('icap')) == 65, 'all in the log')
    equal([e for e in s.d.events('icap')
           if e['icap']['outcome'] != 'mod'], [])


@scenario(timeout=120)
def client_of_many_uploads_leaves_connections_to_others(s):
    """A service that does not answer: one client's ten are not all at
    once."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo?hold=yes'), connections=8,
                               queue={'timeout': '1m'}, fail='closed'),
               record=False)
    o = icap.Little(s)
    p = upload(s, '10.1.0.3', len(BODY))
    wait(lambda: srv.held() == 1, 'the first at the service')
    srv.let_go()
    equal(http.answer(p).status, 200)
    many = [upload(s, net.CLIENT, len(BODY)) for i in range(10)]
    wait(lambda: srv.held() >= 7, 'six at the service', 30 * s.slow)
    s.quiet()
    equal(srv.held(), 7)
    other = [upload(s, '10.1.0.3', len(BODY))]
    wait(lambda: srv.held() == 8, 'the other client is served')
    srv.let_go(12)
    for p in other + many:
        equal(http.answer(p).status, 200)
        p.finish()
    equal(len(o.got()), 12)
