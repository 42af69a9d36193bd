"""HTTP shown to real ICAP servers: c-icap and its services, clamd behind it
with a signature of EICAR, e2guardian."""
import gzip
import hashlib
import sys
import urllib.parse

from harness import check, equal, http, icap, scenario, wait

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

WAYS = ('https', 'http', 'connect', 'proxy')
SIZES = (0, 1, 1023, 1024, 1025, 65536, 1 << 20)


def real(s, clamd=False, **kw):
    """c-icap and what is behind it, in the gateway's namespace."""
    with s.gateway:
        peers = setup.Peers(s.path('icap'), clamd=clamd, **kw)
        peers.start()
    return peers.urls


def both(urls, name, **kw):
    return icap.service(urls[name], urls[name], **kw)


@scenario(timeout=120)
def icap_echo_sizes_every_way(s):
    u = real(s)
    icap.start(s, both(u, 'echo'))
    o = icap.Little(s)
    for way in WAYS:
        p = o.client(way)
        for n in SIZES + ((16 << 20,) if way == 'https' else ()):
            for kind in ('length', 'chunked'):
                m = o.ask(p, '/x?n=%d&as=%s' % (n, kind))
                equal((m.status, m.whole), (200, True), '%s %d' % (way, n))
                equal(http.sha(m.body), http.sha(http.content(n)), n)
                up = http.content(n)
                m = o.ask(p, '/u', 'POST', up, chunked=kind == 'chunked')
                equal((m.status, m.body), (200, http.content(5)))
                equal(http.sha(o.got()[-1].body), http.sha(up),
                      'upload by %s of %d, %s' % (way, n, kind))
        p.finish()
    o.seen()
    n = 2 * 2 * len(WAYS) * len(SIZES) + 4
    wait(lambda: len(s.d.events('http')) >= n, '%d http events' % n)
    equal(len(s.d.events('http')), n)
    done = s.d.events('icap')
    equal({e['icap']['method'] for e in done}, {'REQMOD', 'RESPMOD'})
    equal({e['icap'].get('reason') for e in done}, {None})


@scenario
def icap_echo_what_has_no_body(s):
    u = real(s)
    icap.start(s, both(u, 'echo'))
    o = icap.Little(s)
    for way in ('https', 'http'):
        p = o.client(way)
        m = http.ask(p, '/x?n=70000', 'HEAD')
        equal((m.status, m.get('content-length')), (200, '70000'))
        equal(http.ask(p, '/x?status=204').status, 204)
        equal(http.ask(p, '/x?status=304').status, 304)
        m = http.ask(p, '/x?n=5000&as=gzip')
        equal(gzip.decompress(m.body), http.content(5000))
        m = http.ask(p, '/x?n=3000000&as=gzip')
        equal(gzip.decompress(m.body), http.content(3000000))
        m = http.ask(p, '/x?n=70000&as=close')
        equal((m.whole, m.body), (True, http.content(70000)))
        p.finish()
    o.seen()


@scenario
def icap_expect_100_continue(s):
    u = real(s)
    icap.start(s, both(u, 'echo'))
    o = icap.Little(s)
    p = o.client('https')
    body = http.content(200000)
    for i in range(2):
        r = http.request('/u', 'POST', body, fields=['Expect: 100-continue'])
        head = r[:r.index(b'\r\n\r\n') + 4]
        p.send(head)
        equal(p.recv_until(b'\r\n\r\n'), b'HTTP/1.1 100 Continue\r\n\r\n')
        p.send(r[len(head):])
        interim = []
        equal(http.answer(p, 'POST', interim).status, 200)
        equal(interim, [], 'a second 100')
        equal(o.got()[-1].body, body)
        equal(o.got()[-1].get('expect'), None)
    p.finish()


@scenario
def icap_pipelining_and_reuse(s):
    u = real(s)
    icap.start(s, both(u, 'echo'))
    o = icap.Little(s)
    p = o.client('https')
    want = [(i, 10 ** (i % 6) + i) for i in range(40)]
    for i, n in want:
        p.send(http.request('/p%d?n=%d' % (i, n), 'POST' if i % 3 == 0 else
                            'GET', http.content(n) if i % 3 == 0 else None))
    for i, n in want:
        m = http.answer(p)
        equal((m.status, m.body), (200, http.content(n)), 'answer %d' % i)
    p.finish()
    equal([m.target.split('?')[0] for m in o.got()],
          ['/p%d' % i for i in range(40)])
    o.seen()
    s.quiet()
    reused = sum(e['icap']['reused'] for e in s.d.events('icap'))
    check(reused > 60, 'connections to c-icap used again:', reused)


@scenario
def icap_ex206_and_url_check(s):
    u = real(s)
    icap.start(s, icap.service(respmod=u['ex206'], name='x'),
               icap.service(reqmod=u['url_check'], name='url'),
               inspect={'host-mismatch': 'allow'})
    o = icap.Little(s)
    p = o.client('https')
    m = http.ask(p, '/x?type=text/html&data=<html><body>hi</body></html>')
    equal((m.status, m.whole), (200, True))
    check(m.body.endswith(b'hi</body></html>'), m.body)
    check(len(m.body) > 28, 'ex206 has put nothing in:', m.body)
    m = http.ask(p, '/x', host='blocked.example')
    icap.page(m, 403)
    m = http.ask(o.client('http'), '/x', 'POST', b'y' * 300000,
                 host='blocked.example')
    icap.page(m, 403)
    equal([x.get('host') for x in o.got()], ['good.test'])


@scenario
def icap_content_filtering(s):
    u = real(s)
    icap.start(s, icap.service(respmod=u['srv_content_filtering']))
    o = icap.Little(s)
    for way in WAYS:
        p = o.client(way)
        m = o.ask(p, '/x?type=text/html&data=a+secret+thing')
        equal((m.status, m.body), (200, b'a REDACTED thing'))
        m = o.ask(p, '/x?type=text/html&data=forbidden+fruit')
        icap.page(m, 403)
        check(b'fruit' not in m.body, m.body)


@scenario(timeout=90)
def icap_virus_scan_stops_eicar(s):
    u = real(s, clamd=True)
    icap.start(s, both(u, 'avscan'))
    o = icap.Little(s)
    eicar = setup.EICAR.decode()
    clean = eicar[::-1]
    for way in WAYS:
        p = o.client(way)
        m = o.ask(p, '/c?data=' + urllib.parse.quote(clean))
        equal((m.status, m.body), (200, clean.encode()), way)
        m = o.ask(p, '/e?data=' + urllib.parse.quote(eicar))
        icap.page(m, 403)
        check(b'Eicar' in m.body, 'no name on the page:', m.body[:300])
        check(setup.EICAR not in p.received, 'the virus came through')
    p = o.client('https')
    up = setup.EICAR
    before = len(o.got())
    m = http.ask(p, '/up', 'POST', up)
    icap.page(m, 403)
    check(all(setup.EICAR not in x.body for x in o.got()), 'it reached it')
    check(len(o.got()) == before, 'the request reached the origin')
    p = o.client('https')
    m = http.ask(p, '/c?n=4194304')
    equal(http.sha(m.body), http.sha(http.content(4194304)))
    wait(lambda: s.d.events('alert'), 'an alert')
    for e in s.d.events('alert'):
        check('Eicar' in e['alert']['signature'], e['alert'])
        equal(e['alert']['action'], 'blocked')


@scenario
def icap_virus_scan_that_trickles_is_seen_as_cut(s):
    """virus_scan that has begun to send can only stop short: never is that
    delivered as complete (the scanner's own length says so)."""
    u = real(s, clamd=True)
    icap.start(s, icap.service(respmod=u['virus_scan']))

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        body = setup.EICAR + http.content(4 << 20)
        p.send(b'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream'
               b'\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
        p.recv_all()
        p.close()
    s.serve(443, handler=handler)
    p = s.tls()
    p.send(http.request('/x'))
    m = http.answer(p)
    check(m.status == 403 or not m.whole, 'delivered as complete:', m)


def e2guardian(s, way):
    """A thread of it that has answered with a page mixes up a later answer
    ("req-hdr=0, res-body=90", which F13 is for). So, there is one page for
    each that is started, and it comes last."""
    u = real(s, e2guardian=21350)
    icap.start(s, icap.service(u['e2-request'], u['e2-response'],
                               options=False, preview='off', keep_idle='0s',
                               echo_headers=['X-ICAP-E2G']),
               inspect={'host-mismatch': 'allow'})
    o = icap.Little(s)
    p = o.client(way)
    m = http.ask(p, '/x?type=text/html&data=<html>fine</html>')
    equal((m.status, m.body), (200, b'<html>fine</html>'))
    m = http.ask(p, '/x', host='blocked.example')
    check(m.status in (200, 302, 403), m)
    equal({x.get('host') for x in o.got()}, {'good.test'})


@scenario
def icap_e2guardian(s):
    e2guardian(s, 'https')


@scenario
def icap_e2guardian_for_plain_http(s):
    e2guardian(s, 'http')


@scenario
def icap_over_tls(s):
    u = real(s)
    url = u['tls-echo'].replace('localhost', '127.0.0.1')
    icap.start(s, icap.service(url, url, trust=s.path('icap/tls.crt')))
    o = icap.Little(s)
    p = o.client('https')
    for n in SIZES:
        m = http.ask(p, '/x?n=%d' % n, 'POST', http.content(n))
        equal(http.sha(m.body), http.sha(http.content(n)))
        equal(o.got()[-1].body, http.content(n))
    p.finish()
    o.seen()


@scenario(timeout=120, plain=True)
def icap_256_mib(s):
    u = real(s)
    icap.start(s, both(u, 'echo', max_body='300M'), record=False,
               log={'level': 'info', 'events': icap.EVENTS}, mirrors=[],
               rules=[{'name': 'default', 'action': 'decrypt',
                       'icap': ['scan']}])
    n = 256

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % (n << 20))
        for i in range(n):
            p.send(http.BLOCK)
            p.sent.clear()
        p.recv_all()
        p.close()
    s.serve(443, handler=handler)
    p = s.tls()
    p.send(http.request('/x'))
    head = http.Message(p.recv_until(b'\r\n\r\n'))
    got, want, size = hashlib.sha256(), hashlib.sha256(), 0
    chunked = head.get('transfer-encoding')
    equal((head.status, chunked, head.get('content-length')),
          (200, None, str(n << 20)))
    most = 0
    while size < n << 20:
        d = p.recv()
        check(d, 'ended by %s at %d' % (p.eof, size))
        got.update(d)
        size += len(d)
        p.received.clear()
        most = max(most, s.d.rss())
    for i in range(n):
        want.update(http.BLOCK)
    equal(got.hexdigest(), want.hexdigest())
    check(most < 100000, 'resident: %d KiB' % most)
