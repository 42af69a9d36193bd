"""Parts of objects that a service sees whole (`inspect: ranges: whole`), in
both versions of HTTP."""
import os
import re

from harness import check, equal, h2_programs, http, icap, programs, \
    scenario, wait
from harness.h2_programs import URL

BIG = os.urandom(300000)
CLEAN = {'ranges': 'whole'}
# (what is asked for, the bytes, the status)
PARTS = ((None, BIG, 200), ('0-0', BIG[:1], 206), ('0-', BIG, 206),
         ('100-199', BIG[100:200], 206), ('-5', BIG[-5:], 206),
         ('299999-', BIG[-1:], 206), ('150000-', BIG[150000:], 206),
         ('299990-400000', BIG[-10:], 206), ('-400000', BIG, 206),
         ('16384-32767', BIG[16384:32768], 206), ('300000-', b'', 416),
         ('-0', b'', 416), ('0-1,5-6', BIG, 200), ('5-2', BIG, 200),
         ('x', BIG, 200))


def start(s, what, **kw):
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url(what), **kw), inspect=CLEAN)
    return srv


def ask(s, version, part, url=URL + 'big', *args):
    """(status, bytes, Content-Range)."""
    out = s.path('got')
    if os.path.exists(out):
        os.remove(out)
    r = programs.curl(s, '--http' + version, '-o', out, '-D', s.path('head'),
                      '-w', '%{response_code}',
                      *(('-r', part) if part else ()), *args, url).ok()
    body = b''
    if os.path.exists(out):
        with open(out, 'rb') as f:
            body = f.read()
    with open(s.path('head')) as f:
        lines = f.read().lower().splitlines()
    said = [x.split(': ')[1] for x in lines
            if x.startswith('content-range: ')]
    check([int(x.split(': ')[1]) for x in lines
           if x.startswith('content-length: ')] in ([], [len(body)]), lines)
    return int(r.text), body, said


def parts(s, version, what, edit=lambda b: b):
    srv = start(s, what)
    programs.nginx(s, files={'big': BIG})
    whole = edit(BIG)
    for i, (part, want, status) in enumerate(PARTS):
        if whole != BIG:        # the bytes are those of what a service made
            if part is None or ',' in part or part[0] in 'x-' or \
               status != 206 or part in ('299990-400000', '5-2'):
                continue
            a, b = part.split('-')
            want = whole[int(a):int(b) + 1 if b else len(whole)]
        got, body, said = ask(s, version, part)
        equal((got, http.sha(body)), (status, http.sha(want)),
              '%s by %s' % (part, what))
        if status == 206:
            a, b, n = map(int, re.fullmatch(r'bytes (\d+)-(\d+)/(\d+)',
                                            said[0]).groups())
            equal((n, http.sha(whole[a:b + 1])), (len(whole),
                                                  http.sha(want)), part)
        else:
            equal(said, ['bytes */300000'] if status == 416 else [], part)
    shown = srv.log('RESPMOD')
    check(shown)
    check(all('\r\nrange:' not in x['req-hdr'].lower() for x in shown))
    if what != '204':
        equal({x['body'] for x in shown}, {len(BIG)}, 'shown whole')


@scenario(timeout=120)
def ranges_whole_http1_unchanged(s):
    parts(s, '1.1', '204')


@scenario(timeout=120)
def ranges_whole_http1_sent_back(s):
    parts(s, '1.1', 'echo')


@scenario(timeout=120)
def ranges_whole_http1_changed(s):
    parts(s, '1.1', 'modify', lambda b: b + b'\nadapted\n')


@scenario(timeout=120)
def ranges_whole_http2_unchanged(s):
    parts(s, '2', '204')


@scenario(timeout=120)
def ranges_whole_http2_sent_back(s):
    parts(s, '2', 'echo')


@scenario(timeout=120)
def ranges_whole_http2_changed(s):
    parts(s, '2', 'modify', lambda b: b + b'\nadapted\n')


@scenario(timeout=90)
def ranges_whole_resumes_a_download(s):
    """By curl, which has the first part; and knows that it is whole."""
    start(s, '204')
    programs.nginx(s, files={'big': BIG})
    for version in ('1.1', '2'):
        for n in (1, 100000, 299999, 300000):
            with open(s.path('part'), 'wb') as f:
                f.write(BIG[:n])
            programs.curl(s, '--http' + version, '-C', '-', '-o',
                          s.path('part'), URL + 'big').ok()
            with open(s.path('part'), 'rb') as f:
                equal(http.sha(f.read()), http.sha(BIG), n)
    s.quiet()
    events = [e['http']['status'] for e in s.d.events('http')]
    equal(sorted(set(events)), [206, 416], events)


@scenario
def ranges_whole_if_range(s):
    """The object must still be that one."""
    start(s, 'echo')
    programs.nginx(s, files={'big': BIG})
    r = programs.curl(s, '-I', URL + 'big').ok()
    head = dict(x.lower().split(': ', 1) for x in r.text.splitlines()
                if ': ' in x)
    r = programs.curl(s, '-I', URL + 'big').ok()
    date = [x for x in r.text.splitlines()
            if x.lower().startswith('last-modified')][0].split(': ', 1)[1]
    etag = head['etag']
    for version in ('1.1', '2'):
        for value, status in ((etag, 206), (date.strip(), 206),
                              ('"other"', 200), ('W/' + etag, 200),
                              ('Mon, 01 Jan 2001 00:00:00 GMT', 200)):
            got, body, _ = ask(s, version, '5-9', URL + 'big', '-H',
                               'If-Range: ' + value)
            equal((got, body == BIG[5:10]), (status, status == 206), value)


@scenario
def ranges_whole_what_is_stopped_stays_so(s):
    """What is asked for is behind the virus."""
    srv = start(s, 'block')
    programs.nginx(s, files={'big': b'EVIL' * 1000 + BIG})
    for version in ('1.1', '2'):
        status, body, said = ask(s, version, '100000-100009')
        equal((status, said), (403, []))
        check(b'stopped by' in body, body)
    check(srv.logged(2))


@scenario
def ranges_whole_of_unknown_length(s):
    """Whole, but where all of it is here before any of it goes on."""
    for what, statuses in (('204?preview=none', {206}), ('204', {200, 206})):
        srv = icap.Script(s, port=1344 if what != '204' else 1345)
        if what == '204':
            s.stop(s.d)
        icap.start(s, icap.service(None, srv.url(what)), inspect=CLEAN,
                   record=what != '204')
        if what != '204':
            icap.Little(s)
        p = s.tls()
        m = http.ask(p, '/x?n=50000&as=chunked', fields=['Range: bytes=5-9'])
        check(m.status in statuses, m)
        equal(m.body, http.content(50000)[5:10] if m.status == 206 else
              http.content(50000))
        m = http.ask(p, '/x?n=50', fields=['Range: bytes=5-9'])
        equal((m.status, m.body), (206, http.content(50)[5:10]))
        m = http.ask(p, '/x?n=50')
        equal((m.status, m.body), (200, http.content(50)))
        p.finish()


@scenario
def ranges_whole_of_what_is_not_scanned(s):
    """Too large for the service, which lets that pass."""
    srv = start(s, 'echo', max_body='64k', fail='open')
    programs.nginx(s, files={'big': BIG})
    for version in ('1.1', '2'):
        status, body, _ = ask(s, version, '200000-200099')
        equal((status, body), (206, BIG[200000:200100]))
    equal(srv.log(), [])


@scenario
def ranges_whole_of_a_server_that_breaks_off(s):
    """Never is a part delivered as complete whose object was not."""
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('echo')), inspect=CLEAN)
    icap.Little(s)
    p = s.tls()
    p.send(http.request('/x?n=200000&cut=100000',
                        fields=['Range: bytes=5-9']))
    try:
        m = http.answer(p)
        check(m.status != 206 or not m.whole, m)
    except (OSError, icap.Failure):
        pass
    wait(lambda: len(s.d.events('http')) == 1, 'event')
