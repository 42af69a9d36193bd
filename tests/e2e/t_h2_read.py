"""HTTP/2 that passes is read beside the bytes: an `http` event for each
stream. What cannot be read passes all the same, and is counted."""
import os

from harness import h2_programs, net, proc, programs
from harness.case import scenario
from harness.h2 import PREFACE, frame
from harness.h2_programs import URL, curl
from harness.proc import check, equal, wait

SMALL, BIG = b'a small file\n', os.urandom(300000)
FILES = {'small': SMALL, 'big': BIG, 'index.html': b'index\n'}
PLAIN = 'http://v4.good.test/'


def start(s, *more):
    return s.start(log={'events': ['flow', 'http'] + list(more)})


def events(s, n):
    wait(lambda: len(s.d.events('http')) >= n, '%d http events' % n, 20)
    got = s.d.events('http')
    equal(len(got), n, 'http events: %s' % got[-1])
    return got


def about(e):
    """What one says of its stream."""
    h, own = e['http'], e['clearspan']
    return (h['http_method'], h['url'], h.get('status'), h['length'],
            own['request_length'], own.get('reason'))


def nothing_unread(s):
    equal(s.d.metric('clearspan_http2_unread_total'), 0)


# --- programs

@scenario
def streams_are_events(s):
    start(s)
    programs.nginx(s, files=FILES,
                   more='location /to { return 307 /small; }')
    out = ['-Z']
    for i in range(20):
        out += ['-o', s.path('got-%d' % i), URL + 'big?%d' % i]
    curl(s, '-A', 'agent/1', '-e', 'http://other.test/', *out).ok()
    for i in range(20):
        with open(s.path('got-%d' % i), 'rb') as f:
            equal(f.read(), BIG)
    curl(s, '-L', URL + 'to').ok()
    curl(s, '-I', URL + 'small').ok()
    got = events(s, 23)
    many, (to, small, head) = got[:20], got[20:]
    flows = {f['flow_id']: f for f in s.d.flows(3)}
    equal(sorted(e['http']['url'] for e in many),
          sorted('/big?%d' % i for i in range(20)))
    for e in many:
        equal(about(e)[2:], (200, len(BIG), 0, None))
        equal(e['http']['protocol'], 'HTTP/2')
        equal(e['http']['hostname'], 'v4.good.test')
        equal(e['http']['http_user_agent'], 'agent/1')
        equal(e['http']['http_refer'], 'http://other.test/')
        equal(flows[e['flow_id']]['clearspan']['server']['alpn'], 'h2')
    for f in {e['flow_id'] for e in many}:
        own = [e for e in many if e['flow_id'] == f]
        equal(sorted(e['tx_id'] for e in own), list(range(len(own))))
        equal(sorted(e['clearspan']['http2']['stream'] for e in own),
              [2 * i + 1 for i in range(len(own))])
    equal(about(to)[:3], ('GET', '/to', 307))
    check(to['http']['redirect'].endswith('/small'), to)
    equal(about(small), ('GET', '/small', 200, len(SMALL), 0, None))
    equal(about(head), ('HEAD', '/small', 200, 0, 0, None))
    nothing_unread(s)


@scenario
def streams_at_load_are_events(s):
    """By h2load: 4,000 requests by 100 streams at once."""
    start(s)
    programs.nginx(s, files=FILES)
    h2_programs.h2load(s, '-n', '4000', '-c', '1', '-m', '100', URL + 'small')
    got = events(s, 4000)
    equal({about(e) for e in got},
          {('GET', '/small', 200, len(SMALL), 0, None)})
    equal(len({e['clearspan']['http2']['stream'] for e in got}), 4000)
    equal(len({e['flow_id'] for e in got}), 1)
    nothing_unread(s)


@scenario
def uploads_trailers_and_promises_are_read(s):
    start(s)
    h2_programs.nghttpd(s, FILES, '--trailer', 'x-end: of it',
                        '--echo-upload', '-p', '/index.html=/small')
    with open(s.path('up'), 'wb') as f:
        f.write(BIG)
    r = curl(s, '-T', s.path('up'), '-X', 'POST', URL + 'echo').ok()
    equal(r.out, BIG, 'what was sent came back')
    equal(about(events(s, 1)[0]),
          ('POST', '/echo', 200, len(BIG), len(BIG), None))
    h2_programs.nghttp(s, '-n', URL + 'index.html')
    got = events(s, 3)[1:]
    equal(sorted(about(e)[:4] for e in got),
          [('GET', '/index.html', 200, 6), ('GET', '/small', 200,
                                            len(SMALL))])
    pushed = [e for e in got if e['http']['url'] == '/small']
    equal(pushed[0]['clearspan']['http2']['stream'], 2)
    nothing_unread(s)


@scenario
def early_hints_are_no_answer(s):
    start(s)
    h2_programs.apache(s, dict(FILES, hinted=b'hinted\n'))
    r = curl(s, '-v', URL + 'hinted').ok()
    check('HTTP/2 103' in r.errors, r.errors[-3000:])
    e = [e for e in events(s, 1) if e['http']['url'] == '/hinted'][0]
    equal(about(e), ('GET', '/hinted', 200, 7, 0, None))


@scenario(timeout=120)
def calls_of_grpc_are_events(s):
    start(s)
    h2_programs.grpc(s)
    r = h2_programs.grpc_client(s)
    check(r.text == 'all good\n', r.text, r.errors)
    wait(lambda: len(s.d.events('flow')) > 0, 'the end of a flow')
    got = s.d.events('http')
    check(len(got) >= 4, got)
    for e in got:
        equal(e['http']['http_method'], 'POST')
        equal(e['http']['http_content_type'], 'application/grpc')
    nothing_unread(s)


@scenario(plain=True, timeout=150)
def a_websocket_in_a_stream_is_read(s):
    start(s, 'ws')
    p = h2_programs.node(s)
    r = programs.chromium(s, URL + 'page', s.pki.ca)
    check('objects 60 bad  said 3 5000' in r.text, r.text[-1500:])
    check('websocket over h2' in p.text(), p.text())
    wait(lambda: len(s.d.events('ws')) >= 2, 'ws events')
    check(5000 in [e['ws']['length'] for e in s.d.events('ws')],
          s.d.events('ws'))
    # Its own event comes at its end, and names the exchange.
    tunnel = lambda: [e for e in s.d.events('http')
                      if e['http']['http_method'] == 'CONNECT']
    wait(tunnel, 'the event of the stream')
    equal({e['tx_id'] for e in s.d.events('ws')}, {tunnel()[0]['tx_id']})
    nothing_unread(s)


# --- without TLS

def plain_nghttpd(s):
    www = h2_programs.tree(s, FILES)
    p = s.spawn(s.server, 'nghttpd', '--no-tls', '-a', net.SERVER, '-d', www,
                '80')
    proc.wait_port(s.server, 80, p)


@scenario
def h2c_by_prior_knowledge_is_read(s):
    start(s)
    plain_nghttpd(s)
    r = programs.curl(s, '--http2-prior-knowledge', PLAIN + 'big').ok()
    equal(r.out, BIG)
    e = events(s, 1)[0]
    equal(about(e), ('GET', '/big', 200, len(BIG), 0, None))
    equal(e['http']['protocol'], 'HTTP/2')
    equal(e['clearspan']['tls'], False)
    nothing_unread(s)


@scenario
def h2c_by_upgrade_is_read(s):
    start(s)
    h2_programs.apache_clear(s, FILES)
    # Few bytes: curl has a small buffer for what comes with the 101, and
    # Apache gives up larger responses behind one.
    for i, how in ((0, ['curl', '-sS', '--http2']), (2, ['nghttp', '-u'])):
        equal(s.run(s.client, *how, PLAIN + 'small').ok().out, SMALL)
        got = events(s, i + 2)[i:]
        equal([(e['http']['protocol'], e['clearspan'].get('http2')) +
               about(e)[:4] for e in got],
              [('HTTP/1.1', None, 'GET', '/small', 101, 0),
               ('HTTP/2', {'stream': 1}, 'GET', '/small', 200, len(SMALL))])
        equal([e['tx_id'] for e in got], [0, 1])
    nothing_unread(s)


# --- by hand

GET = b'\x82\x87\x84\x41\x09good.test'
SETTINGS, ACK = frame(4), frame(4, 1)


def talk(s, up, down):
    """Bytes of either side, through to the other, and both ends; a peer
    sends its second part when it has all of the other's first."""
    def handler(p):
        for want, say in zip(up, down):
            equal(p.recv_exact(len(want)), want, 'what the client sent')
            p.send(say)
        p.finish()
    s.serve(handler=handler, alpn=['h2'])
    p = s.tls(alpn=['h2'])
    for say, want in zip(up, down):
        p.send(say)
        equal(p.recv_exact(len(want)), want, 'what the server sent')
    p.finish()
    s.d.flows(1)


def told(s):
    return [x for x in s.d.text().splitlines() if 'passes unread' in x]


@scenario
def a_reset_is_told(s):
    start(s)
    talk(s, [PREFACE + SETTINGS + frame(1, 5, 1, GET) + frame(1, 4, 3, GET),
             frame(0, 0, 3, b'12345') + frame(3, 0, 3, b'\0\0\0\x08') +
             frame(1, 5, 5, GET)],
         [SETTINGS + ACK, frame(3, 0, 1, b'\0\0\0\x07') +
          frame(1, 4, 5, b'\x88') + frame(0, 0, 5, b'123')])
    equal([about(e) for e in events(s, 3)],
          [('GET', '/', None, 0, 5, 'reset by the client'),
           ('GET', '/', None, 0, 0, 'reset by the server'),
           ('GET', '/', 200, 3, 0, 'the session ended')])
    nothing_unread(s)


@scenario
def broken_http2_passes(s):
    """It is read up to where it breaks, passes from there on, and is
    counted and told once."""
    start(s)
    talk(s, [PREFACE + SETTINGS + frame(1, 5, 1, GET),
             frame(1, 5, 3, b'\x80') + b'not HTTP/2 at all', BIG],
         [SETTINGS + ACK, frame(1, 5, 1, b'\x88'), BIG])
    equal([about(e) for e in events(s, 1)],
          [('GET', '/', None, 0, 0, 'HTTP/2 is not read any more')])
    s.d.metric_is(1, 'clearspan_http2_unread_total', reason='broken')
    equal(s.d.metric('clearspan_http2_unread_total'), 1)
    equal(len(told(s)), 1)
    check('no HPACK' in told(s)[0], told(s))
    equal(s.d.events('flow')[0]['flow']['state'], 'closed')


@scenario
def malformed_streams_pass(s):
    """Each is counted, one is told of, and the others are read."""
    start(s)
    bad = frame(1, 5, 1, GET + b'\x00\x03Bad\x01x')
    length = frame(1, 5, 5, b'\x88\x0f\x0d\x013')
    talk(s, [PREFACE + SETTINGS + bad + frame(1, 5, 3, GET) +
             frame(1, 5, 5, GET)],
         [SETTINGS + ACK + frame(1, 5, 1, b'\x88') + frame(1, 5, 3, b'\x88') +
          length])
    got = [about(e) for e in sorted(
        events(s, 2), key=lambda e: e['clearspan']['http2']['stream'])]
    equal(got[0], ('GET', '/', 200, 0, 0, None))
    equal(got[1], ('GET', '/', 200, 0, 0,
                   'content is shorter than Content-Length'))
    s.d.metric_is(2, 'clearspan_http2_unread_total', reason='stream')
    equal(len(told(s)), 1)


@scenario
def memory_of_records_is_bounded(s):
    """A head of 8 KiB in a table costs its sender a few bytes."""
    start(s)
    long = b'/' + b'x' * 3000
    head = b'\x82\x87\x41\x09good.test\x44\x7f' + \
        bytes([(len(long) - 127) & 127 | 128, (len(long) - 127) >> 7]) + long
    again = b'\x82\x87\xbf\xbe'
    up = PREFACE + SETTINGS + frame(1, 5, 1, head) + b''.join(
        frame(1, 5, 2 * i + 1, again) for i in range(1, 800))
    talk(s, [up], [SETTINGS + ACK])
    wait(lambda: s.d.metric('clearspan_http2_unread_total',
                            reason='memory') > 300, 'streams not read')
    n = 800 - int(s.d.metric('clearspan_http2_unread_total'))
    check(n > 200, n)
    for e in events(s, n):
        equal(e['http']['url'], long.decode())
