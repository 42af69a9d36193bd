"""HTTP/2 that is read: services of ICAP see each stream, the rules judge each
request, and what happens to one stream does not happen to its siblings."""
import hashlib
import os
import re
import struct
import sys

import t_h2_peers
from harness import check, equal, h2, h2_programs, http, icap, net, proc, \
    programs, scenario, wait
from harness.h2_programs import HOST, URL, curl

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

BIG = os.urandom(700000)


def service(s, what='echo', **kw):
    """A scripted service for requests and responses of all sessions."""
    srv = icap.Script(s)
    over = {k: kw.pop(k) for k in ('inspect', 'buffer') if k in kw}
    icap.start(s, icap.service(srv.url(what), srv.url(what), **kw), **over)
    return srv


def echo(s):
    """It has time for each of many streams at once."""
    return service(s, queue={'timeout': '60s'},
                   timeout={'first-byte': '60s', 'idle': '60s'})


def many(s, urls, *args):
    """[(status, bytes)] of URLs that are asked for at once, on one
    connection; the time that each took, too."""
    out = [x for i, u in enumerate(urls)
           for x in ('-o', s.path('got-%d' % i), u)]
    r = curl(s, '-Z', '--no-progress-meter', '-w', '%{urlnum} '
             '%{response_code} %{http_version} %{num_connects} '
             '%{time_total}\n', *args, *out)
    rows = sorted([x.split() for x in r.text.splitlines()],
                  key=lambda x: int(x[0]))
    equal(len(rows), len(urls), r.errors)
    equal({x[2] for x in rows}, {'2'}, 'versions')
    equal(sum(int(x[3]) for x in rows), 1, 'connections')
    got = []
    for i, row in enumerate(rows):
        body = b''
        if os.path.exists(s.path('got-%d' % i)):
            with open(s.path('got-%d' % i), 'rb') as f:
                body = f.read()
        got.append((int(row[1]), body, float(row[4])))
    return got


# --- programs, whose streams a service returns

@scenario
def h2_read_of_nginx(s):
    echo(s)
    t_h2_peers.nginx(s)


@scenario
def h2_read_of_nghttpd(s):
    echo(s)
    t_h2_peers.nghttpd(s)


@scenario(timeout=120)
def h2_read_of_apache(s):
    echo(s)
    t_h2_peers.apache(s)


@scenario
def h2_read_of_node(s):
    service(s, '204')
    t_h2_peers.node(s, 'scanned')


@scenario(plain=True, timeout=150)
def h2_read_of_chromium(s):
    """A WebSocket within its connection (RFC 8441), too."""
    echo(s)
    t_h2_peers.chromium(s)


# --- verdicts

@scenario(timeout=120)
def h2_eicar_in_one_stream_of_twenty(s):
    """It gets the page; nineteen arrive, every bit of them."""
    with s.gateway:
        peers = setup.Peers(s.path('icap'), clamd=True)
        peers.start()
    url = peers.urls['avscan']
    icap.start(s, icap.service(url, url))
    files = {'f%d' % i: os.urandom(1 + 33333 * i) for i in range(20)}
    files['f7'] = setup.EICAR
    programs.nginx(s, files=files)
    got = many(s, [URL + 'f%d' % i for i in range(20)])
    for i, (status, body, _) in enumerate(got):
        if i == 7:
            equal(status, 403)
            check(b'Eicar' in body, 'no name on the page:', body[:300])
            check(setup.EICAR not in body)
        else:
            equal((status, hashlib.sha256(body).digest()),
                  (200, hashlib.sha256(files['f%d' % i]).digest()), i)
    wait(lambda: len(s.d.events('http')) >= 20, 'events')
    done = s.d.events('http')
    equal({e['http']['protocol'] for e in done}, {'HTTP/2'})
    equal(len({e['tx_id'] for e in done}), 20)
    equal(len({e['clearspan']['http2']['stream'] for e in done}), 20)
    equal([e['http']['url'] for e in done if e['http']['status'] == 403],
          ['/f7'])
    s.d.metric_is(20, 'clearspan_http2_streams_total', result='done')
    with open(s.path('up'), 'wb') as f:
        f.write(setup.EICAR)
    r = curl(s, '--data-binary', '@' + s.path('up'), '-w', '%{response_code}',
             URL + 'f1')
    check(r.text.endswith('403'), r.text)


@scenario
def h2_pages_have_references_of_their_own(s):
    service(s, 'status?status=500')
    programs.nginx(s)
    got = many(s, [URL] * 10)
    equal({x[0] for x in got}, {502})
    refs = {re.search(rb'transaction (\d+\.\d+)', x[1]).group(1) for x in got}
    equal(len(refs), 10)
    wait(lambda: len(s.d.events('http')) >= 10, 'events')
    equal({e['clearspan']['reference'].encode() for e in s.d.events('http')},
          refs)


@scenario(timeout=90)
def h2_answers_of_every_kind(s):
    """Preview, 204, 206, changed, as it comes, split; both ways, of each size."""
    srv = icap.Script(s)
    kinds = {'a': 'echo', 'b': '204', 'c': '206?allow=204,206',
             'd': 'modify',
             'f': 'stream', 'g': 'echo?split=7',
             'h': 'echo?preview=none', 'i': '204?allow=none'}
    icap.start(s, *[icap.service(None if n == 'c' else srv.url(w),
                                 srv.url(w), name=n)
                    for n, w in kinds.items()],
               rules=[{'name': n, 'action': 'decrypt', 'icap': [n],
                       'mirror': ['recorder'], 'sni': [n + '.good.test']}
                      for n in kinds] + [{'name': 'z', 'action': 'reset'}])
    h2_programs.nghttpd(s, {'f%d' % n: BIG[:n] for n in
                            (0, 1, 1023, 1024, 1025, 65536, 700000)},
                        '--echo-upload')
    for n, kind in kinds.items():
        host = '%s.good.test' % n
        to = ['--connect-to', '%s:443:%s:443' % (host, HOST)]
        url = 'https://%s/' % host
        edit = {'c': lambda b: b'PREFIX ' + b if b else b,
                'd': lambda b: b + b'\nadapted\n' if b else b}.get(
                    n, lambda b: b)
        sent = (lambda b: b) if n == 'c' else edit
        for size in (0, 1, 1023, 1024, 1025, 65536, 700000):
            want = BIG[:size]
            if size == 0 and n in 'cd':
                continue
            r = curl(s, *to, url + 'f%d' % size).ok()
            equal(http.sha(r.out), http.sha(edit(want)),
                  '%s: %d bytes down' % (kind, size))
        for size in (1, 1024, 700000):
            with open(s.path('up'), 'wb') as f:
                f.write(BIG[:size])
            r = curl(s, *to, '--data-binary', '@' + s.path('up'),
                     url + 'up').ok()
            equal(http.sha(r.out), http.sha(edit(sent(BIG[:size]))),
                  '%s: %d bytes up' % (kind, size))


@scenario
def h2_services_are_shown_heads_of_http1(s):
    srv = service(s)
    programs.nginx(s, files={'x': b'x'})
    curl(s, '-b', 'a=b; c=d', '-r', '0-0', URL + 'x').ok()
    up, down = srv.logged(2)
    check(up['req-hdr'].startswith('GET https://%s/x HTTP/1.1\r\n' % HOST), up)
    check(re.search('(?i)\r\nhost: %s\r\n' % HOST, up['req-hdr']), up)
    check(re.search('(?i)\r\ncookie: a=b; c=d\r\n', up['req-hdr']), up)
    check(down['res-hdr'].startswith('HTTP/1.1 200 '), down)
    for x in (up, down):
        equal(x['headers'].get('x-transformed-from'), 'HTTP/2.0')


@scenario
def h2_monitors_get_copies_of_streams(s):
    """And delay none: this one never answers."""
    srv = service(s, 'hang', monitor=True)
    programs.nginx(s, files={'f%d' % i: BIG[i:] for i in range(5)})
    for i, (status, body, _) in enumerate(many(s, [URL + 'f%d' % i
                                                   for i in range(5)])):
        equal((status, http.sha(body)), (200, http.sha(BIG[i:])))
    wait(lambda: len(s.d.events('http')) >= 5, 'events')
    s.d.metric_is(5, 'clearspan_http2_streams_total', result='done')


# --- failures

def frozen(s, **kw):
    """A service of responses that never answers, and types it is not for."""
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('hang'), timeout={
        'first-byte': '2s'}, bypass_types=['image/png'], **kw))
    programs.nginx(s, files={'page': BIG, 'pic.png': BIG},
                   more='location ~ png { types { image/png png; } }')
    got = many(s, [URL + 'page'] + [URL + 'pic.png'] * 15)
    for status, body, took in got[1:]:
        equal((status, http.sha(body)), (200, http.sha(BIG)))
        check(took < got[0][2], 'it waited for the frozen one')
    return got[0]


@scenario
def h2_frozen_scanner_stops_its_stream_alone(s):
    status, body, _ = frozen(s)
    equal(status, 504)
    check(b'transaction' in body, body)


@scenario
def h2_frozen_scanner_lets_pass_if_it_fails_open(s):
    status, body, _ = frozen(s, fail='open')
    equal((status, http.sha(body)), (200, http.sha(BIG)))


@scenario
def h2_scanner_that_breaks_off_resets_its_stream(s):
    """Something of it has gone on: never is that delivered as complete."""
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('f9')))
    programs.nginx(s, files={'page': BIG})
    r = curl(s, '-w', '%{response_code}', URL + 'page')
    equal(r.code, 92, 'a reset stream')
    check('INTERNAL_ERROR' in r.errors, r.errors)
    s.d.metric_is(1, 'clearspan_http2_streams_total', result='cut-off')


# --- sizes

@scenario(timeout=120)
def h2_large_bodies_both_ways(s):
    """More than any window and any buffer, beside each other."""
    service(s, max_body='1G', buffer=262144)
    large = BIG * 60
    h2_programs.nghttpd(s, {'large': large}, '--echo-upload')
    for status, body, _ in many(s, [URL + 'large'] * 3):
        equal((status, http.sha(body)), (200, http.sha(large)))
    with open(s.path('up'), 'wb') as f:
        f.write(large)
    r = curl(s, '-T', s.path('up'), '-X', 'POST', URL + 'up').ok()
    equal(http.sha(r.out), http.sha(large))


# --- how it begins, and what a mirror shows

@scenario
def h2_in_the_clear_is_scanned(s):
    """By prior knowledge."""
    srv = service(s)
    www = h2_programs.tree(s, {'x': BIG})
    p = s.spawn(s.server, 'nghttpd', '-a', net.SERVER, '-d', www, '--no-tls',
                '80')
    proc.wait_port(s.server, 80, p)
    r = programs.curl(s, '--http2-prior-knowledge',
                      'http://%s/x' % HOST).ok()
    equal(http.sha(r.out), http.sha(BIG))
    equal([x['method'] for x in srv.logged(2)], ['REQMOD', 'RESPMOD'])


def streams_of(data):
    """The ids of the streams whose heads are in these bytes."""
    out = set()
    while data:
        n, kind, flags, stream = struct.unpack('>IBBI', b'\0' + data[:9])
        check(len(data) >= 9 + n, 'a frame that is not whole')
        if kind == 1:
            out.add(stream)
        data = data[9 + n:]
    return out


@scenario
def h2_mirror_shows_the_clients_streams(s):
    """Some are answered by a service, so that those at the server have other
    numbers: the mirror shows what the client sent and got."""
    srv = service(s)
    srv.rules({'path': 'echo', 'method': 'REQMOD', 'from': 1, 'to': 4,
               'as': 'satisfy'})
    programs.nginx(s)
    got = many(s, [URL] * 12)
    equal(sorted(x[0] for x in got), [200] * 8 + [403] * 4)
    st, = s.rec.streams(1)
    equal(st.problems, [])
    preface = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
    up, down = bytes(st.up.data), bytes(st.down.data)
    check(up.startswith(preface))
    ids = set(range(1, 25, 2))
    equal(streams_of(up[len(preface):]), ids)
    equal(streams_of(down), ids)


# --- gRPC

@scenario(timeout=120)
def h2_grpc_under_icap(s):
    """Calls are scanned whole; those that go on for long are streams."""
    srv = service(s, bypass_types=[], queue={'timeout': '60s'}, inspect={
        'streams': {'after': '300ms'}, 'endless': 'open'})
    t_h2_peers.grpc(s)
    equal({x['method'] for x in srv.log() if x['complete'] and x['body']},
          {'REQMOD', 'RESPMOD'})
    outcomes = {e['icap']['outcome'] for e in s.d.events('icap')}
    check('bypass-endless' in outcomes, outcomes)


# --- what holds for HTTP/1 holds for a stream

def by_name(s, services, **over):
    """Rules that send each name to services of its own: {name: [service]}."""
    names = [x['name'] for row in services.values() for x in row]
    equal(len(names), len(set(names)))
    icap.start(s, *[x for row in services.values() for x in row],
               rules=[{'name': n, 'action': 'decrypt', 'mirror': [],
                       'sni': [n + '.good.test'],
                       'icap': [x['name'] for x in row]}
                      for n, row in services.items()] +
               [{'name': 'z', 'action': 'reset'}], record=False, **over)


@scenario(timeout=120)
def h2_early_answers_of_services(s):
    """The page comes before the body has gone, of which the service reads the
    rest or not; the next stream goes on."""
    srv = icap.Script(s)
    kinds = ['echo?do=page&early=%s&preview=%s&drain=%s' % (e, v, d)
             for e in ('0', '1000', '100000') for v in ('none', '1024')
             for d in ('yes', 'no')]
    by_name(s, {'s%d' % i: [icap.service(srv.url(w), name='s%d' % i)]
                for i, w in enumerate(kinds)})
    site = h2.serve(s)
    for i, kind in enumerate(kinds):
        host = 's%d.good.test' % i
        e = h2.connect(s, name=host)
        for n in (0, 1, 1024, 65536, 1000000):
            st = e.ask('/x', 'POST', http.content(n), host=host)
            e.answer(st)
            equal((st.status, st.ended), (403, True),
                  '%s, %d bytes: %s' % (kind, n, st))
        check(e.goaway is None, kind, e.goaway)
        e.p.close()
    equal(site.wrong, [])
    equal([x for x in site.got if x.whole], [], 'whole at the server')


@scenario
def h2_row_of_services(s):
    """Each sees what the one before it has made, both ways; also the page in
    a response's place."""
    srv = icap.Script(s)
    by_name(s, {'two': [icap.service(srv.url(w), srv.url(w), name='two%d' % i)
                        for i, w in enumerate(('modify', 'echo', 'modify'))],
                'stop': [icap.service(None, srv.url('modify'), name='first'),
                         icap.service(None, srv.url('block'), name='second'),
                         icap.service(None, srv.url('echo'), name='third')]})
    site = h2.serve(s)
    body, more = http.content(70000), b'\nadapted\n'
    e = h2.connect(s, name='two.good.test')
    asked = [e.ask('/x?echo=1', 'POST', body, host='two.good.test')
             for i in range(5)]
    for st in asked:
        equal(http.sha(e.answer(st).body), http.sha(body + more * 4))
    equal({http.sha(bytes(x.body)) for x in site.got},
          {http.sha(body + more * 2)}, 'at the server')
    e.p.close()
    e = h2.connect(s, name='stop.good.test')
    st = e.answer(e.ask('/x?n=1000', host='stop.good.test'))
    equal(st.status, 403)
    s.quiet()
    equal({x['icap']['service'] for x in s.d.events('icap')},
          {'two0', 'two1', 'two2', 'first', 'second', 'third'})
    e.p.close()


@scenario
def h2_bodies_past_the_most(s):
    """oversize: block, bypass, stream; with a length and without."""
    srv = icap.Script(s)
    by_name(s, {w: [icap.service(srv.url('echo'), srv.url('echo'), name=w,
                                 max_body='64k', oversize=w)]
                for w in ('block', 'bypass', 'stream')})
    h2.serve(s)
    for w in 'block', 'bypass', 'stream':
        host = w + '.good.test'
        e = h2.connect(s, name=host)
        small = e.ask('/x?n=3', host=host)
        for n in 65536, 65537, 700000:
            for length in '', '&len=1':
                st = e.answer(e.ask('/x?n=%d%s' % (n, length), host=host))
                at = '%s, %d bytes, %s: %s' % (w, n, length, st)
                if w == 'block' and n > 65536:
                    check(not (st.whole and st.status == 200), at)
                else:
                    equal((st.whole, http.sha(bytes(st.body))),
                          (True, http.sha(http.content(n))), at)
            st = e.ask('/x?echo=1', 'POST', http.content(n), host=host)
            e.answer(st)
            check((st.status == 200 and st.whole) == (
                w != 'block' or n <= 65536), w, n, st)
        equal(e.answer(small).status, 200)
        check(e.goaway is None, w, e.goaway)
        e.p.close()


@scenario
def h2_ranges_are_asked_for_or_not(s):
    """ranges: strip, the default, has all of it come; pass does not."""
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('echo')), record=False, rules=[
        {'name': w, 'action': 'decrypt', 'mirror': [], 'icap': ['scan'],
         'sni': [w + '.good.test'], 'inspect': {'ranges': w}}
        for w in ('strip', 'pass')] + [{'name': 'z', 'action': 'reset'}])
    programs.nginx(s, files={'big': BIG})
    for w, want in ('strip', (200, BIG)), ('pass', (206, BIG[100:70100])):
        host = w + '.good.test'
        r = curl(s, '--connect-to', '%s:443:%s:443' % (host, HOST), '-r',
                 '100-70099', '-o', s.path('got'), '-w',
                 '%{response_code} %{http_version}', 'https://%s/big' % host)
        with open(s.path('got'), 'rb') as f:
            equal((r.text, http.sha(f.read())),
                  ('%d 2' % want[0], http.sha(want[1])), w)
