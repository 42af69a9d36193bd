"""`inspect: trickle`: while a service holds a response, the client gets its
head and some bytes at a time, the last 16 KiB never before the answer, and
nothing that the answer does not begin with passes as whole."""
import os
import signal
import sys
import zipfile

from harness import check, equal, h2, http, icap, programs, \
    scenario, wait
from harness.h2_programs import URL

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

N = 100000
LAST = 16384            # is held back
SOME = 6000             # bytes that trickle before the service answers
QUICK = {'trickle': {'after': '100ms', 'bytes': '4k', 'every': '100ms'}}
# What the service does, and whether what has trickled is the beginning of it
# (None: it is, of an answer that is cut off itself).
# It holds the 204 at the preview, and the others when it has read it all.
ANSWERS = (('204', {}, True), ('echo', {}, True),
           ('echo', {'length': 'no'}, True),
           ('206', {'prefix': ''}, True),
           ('modify', {'prefix': 'x'}, False),
           ('modify', {'prefix': '', 'header': 'X-Other:1'}, False),
           ('echo', {'short': '100'}, None),
           ('block', {'early': ''}, False),
           ('page', {}, False), ('status', {'status': '500'}, False),
           ('f9', {'after': '500'}, False))


def service(s, *names, inspect=QUICK, record=True, **kw):
    srv = icap.Script(s)
    icap.start(s, *(icap.service(None, srv.url('echo?allow=204,206'), name=x, **kw)
                    for i, x in enumerate(names or ('scan',))),
               inspect=inspect, record=record, log={'events': ['http']})
    return srv


def says(srv, what, how):
    if what == 'page':
        what, how = 'satisfy', dict(how, do='page')
    srv.rules({'method': 'RESPMOD', 'as': what, 'set': dict(how, hold='yes')})


def begun(p, n=SOME):
    """The head and some bytes of the body are here; they stay to be read."""
    head = got = p.recv_until(b'\r\n\r\n')
    while len(got) < len(head) + n:
        d = p.recv()
        check(d, 'ended with', len(got))
        got += d
    p.pending = got
    return p


def logged(s, n):
    wait(lambda: len(s.d.events('http')) >= n, '%d events' % n)
    return s.d.events('http')[-1]


def of_event(e, whole, body):
    own = e['clearspan']
    check(SOME <= own['trickled'] <= N - LAST, own)
    if whole is None:
        return
    equal(e['http']['length'], len(body) if whole else own['trickled'], own)
    equal((e['http']['status'], own.get('reason') is None), (200, whole), own)


@scenario(timeout=90)
def trickle_http1(s):
    srv = service(s, fail='closed')
    o = icap.Little(s)
    done = 0
    for kind in ('length', 'chunked'):
        for what, how, same in ANSWERS if kind == 'length' else ANSWERS[::4]:
            case = '%s of %s, %s' % (what, kind, how)
            says(srv, what, how)
            p = o.client()
            p.send(http.request('/x?n=%d&as=%s' % (N, kind)))
            begun(p)
            srv.let_go()
            m = http.answer(p)
            done += 1
            if not same:
                check(not m.whole, case, m)
                check(same is None or len(m.body) <= N - LAST, case, m)
                check(kind == 'chunked' or
                      m.body == http.content(N)[:len(m.body)], case)
            else:
                equal((m.status, m.whole, http.sha(m.body)),
                      (200, True, http.sha(http.content(N))), case)
            of_event(logged(s, done), same, m.body)


@scenario(timeout=90)
def trickle_http2(s):
    """A stream that is cut off does nothing to its siblings."""
    srv = service(s, fail='closed')
    h2.serve(s)
    e = h2.connect(s)
    done = 0
    for n, (what, how, same) in enumerate(ANSWERS):
        case = '%s, %s' % (what, how)
        says(srv, what, how)
        st = e.ask('/x?n=%d%s%s' % (N, '&len=1' if n % 2 else '',
                                    '&trailers=1' if n % 3 else ''))
        e.until(lambda: len(st.body) >= SOME, case)
        srv.let_go()
        e.answer(st)
        done += 1
        equal(st.whole, bool(same), case)
        if same is False:
            check(len(st.body) <= N - LAST, case, st)
        equal(st.body, http.content(N)[:len(st.body) if not same else N],
              case)
        of_event(logged(s, done), same, st.body)
    says(srv, 'echo', {})
    srv.rules()
    equal(len(e.get('/x?n=50').body), 50)


@scenario
def trickle_not_what_has_no_more_than_is_held_back(s):
    """Nor what has no body: a page in its place is still possible."""
    srv = service(s)
    o = icap.Little(s)
    says(srv, 'block', {'early': ''})
    waiting = [o.client() for _ in range(5)]
    paths = (('/x?n=%d' % LAST, 'GET'), ('/x?n=%d&as=chunked' % LAST, 'GET'),
             ('/x?n=200000', 'HEAD'), ('/x?status=304', 'GET'))
    for p, (path, method) in zip(waiting, paths):
        p.send(http.request(path, method))
    # Long enough, as another shows that is larger.
    waiting[4].send(http.request('/x?n=%d' % N))
    begun(waiting[4])
    wait(lambda: srv.held() >= 5, 'all to be held')
    srv.let_go()
    for p, (path, method) in zip(waiting, paths):
        equal(http.answer(p, method).status, 403, path)
    check(not http.answer(waiting[4]).whole)


@scenario
def trickle_through_two_services_and_one_that_fails(s):
    """The first lets it pass; the second hangs up, and fails open."""
    srv = service(s, 'one', 'two', fail='open')
    o = icap.Little(s)
    for n, how in ((1, {'do': '204'}), (3, {'do': 'echo'})):
        srv.rules({'method': 'RESPMOD', 'from': n, 'to': n,
                   'set': dict(how, hold='yes')},
                  {'method': 'RESPMOD', 'set': {'cut': 'answer',
                                                'hold': 'yes'}})
        p = o.client()
        p.send(http.request('/x?n=%d' % N))
        begun(p)
        held = srv.held()
        srv.let_go()
        wait(lambda: srv.held() > held, 'the second')
        if 'do' in how and how['do'] == '204':
            begun(p, 2 * SOME)
        srv.let_go(1000)
        m = http.answer(p)
        equal((m.whole, http.sha(m.body)), (True, http.sha(http.content(N))))
        os.remove(srv.script + '.let')


@scenario
def trickle_of_a_part(s):
    """`ranges: whole`: of the part, its end is held back."""
    srv = service(s, inspect=dict(QUICK, ranges='whole'))
    o = icap.Little(s)
    for what, how in (('204', {}), ('echo', {})):
        says(srv, what, how)
        for first, end in ((30000, 90000), (50000, N)):
            p = o.client()
            p.send(http.request('/x?n=%d' % N, fields=[
                'Range: bytes=%d-%d' % (first, end - 1)]))
            begun(p)
            srv.let_go()
            m = http.answer(p)
            equal((m.status, m.get('content-range'), m.whole),
                  (206, 'bytes %d-%d/%d' % (first, end - 1, N), True))
            equal(m.body, http.content(N)[first:end])
    says(srv, 'block', {'early': ''})
    p = o.client()
    p.send(http.request('/x?n=%d' % N, fields=['Range: bytes=0-30000']))
    begun(p)
    srv.let_go()
    m = http.answer(p)
    check(m.status == 206 and not m.whole and len(m.body) <= 30001 - LAST, m)
    p = o.client()                      # a part that is held back whole
    p.send(http.request('/x?n=%d' % N, fields=['Range: bytes=50-1050']))
    srv.let_go(1000)
    equal(http.answer(p).status, 403)


@scenario(timeout=120)
def trickle_keeps_clients_while_a_scanner_hangs(s):
    """curl gives up after four seconds without a byte; clamd stops for longer.
    What has EICAR at its end never arrives whole."""
    with s.gateway:
        peers = setup.Peers(s.path('icap'), clamd=True)
        peers.start()
    clamd = [p for name, p in peers.running if name == 'clamd'][0]
    icap.start(s, icap.service(None, peers.urls['avscan']), record=False,
               inspect={'trickle': {'after': '500ms', 'every': '500ms'}})
    clean = os.urandom(300000)
    with zipfile.ZipFile(s.path('zip'), 'w') as z:
        z.writestr('clean', clean)
        z.writestr('eicar.com', setup.EICAR)
    with open(s.path('zip'), 'rb') as f:
        files = {'clean': clean, 'evil': f.read()}
    programs.nginx(s, files=files)
    os.killpg(clamd.pid, signal.SIGSTOP)
    got = {}
    for version in ('--http1.1', '--http2'):
        for name in files:
            out = s.path(name + version)
            got[name, version] = out, s.spawn(
                s.client, 'curl', '-sS', '--cacert', s.pki.ca, version,
                '--speed-time', '4', '--speed-limit', '1', '-o', out,
                URL + name, name='curl-%s%s' % (name, version))
    for out, p in got.values():         # 1 KiB in half a second
        wait(lambda: os.path.exists(out) and os.path.getsize(out) > 16000,
             'bytes in ' + out)
    os.killpg(clamd.pid, signal.SIGCONT)
    for (name, version), (out, p) in got.items():
        wait(lambda: not p.alive(), 'end of curl')
        with open(out, 'rb') as f:
            body = f.read()
        if name == 'clean':
            equal((p.p.returncode, http.sha(body)), (0, http.sha(clean)))
        else:
            check(p.p.returncode in (18, 56, 92), p.p.returncode, p.text())
            check(len(body) <= len(files[name]) - LAST, len(body))


@scenario
def trickle_clients_that_leave_and_a_reload(s):
    srv = service(s, record=False)      # not all is read to its end
    h2.serve(s)
    e = h2.connect(s)
    says(srv, 'echo', {})
    st = [e.ask('/x?n=%d' % N) for _ in range(3)]
    e.until(lambda: all(len(x.body) >= SOME for x in st), 'all')
    e.reset(st[0].sid)
    o = h2.connect(s)
    gone = o.ask('/x?n=%d' % N)
    o.until(lambda: len(gone.body) >= SOME, 'the other')
    o.p.rst()
    s.reload(inspect={'trickle': 'off'}, log={'events': ['http']})
    more = len(st[1].body)
    e.until(lambda: len(st[1].body) > more, 'more of it, by its own rule')
    srv.let_go(1000)
    for x in st[1:]:
        e.answer(x)
        equal((x.whole, http.sha(x.body)), (True, http.sha(http.content(N))))
    wait(lambda: len(s.d.events('http')) >= 4, 'events')
    check(all(x['clearspan']['trickled'] >= SOME
              for x in s.d.events('http')))
