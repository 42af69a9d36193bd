"""`mirrors: http2: http/1.1`: each stream of HTTP/2 is a conversation of HTTP/1.1
of its own, on that mirror only. Real programs speak HTTP/2 through the gateway;
a reader of HTTP/1 alone and tshark read the mirror port, a file and
PCAP-over-IP, and get every request and every object, byte for byte."""
import collections
import hashlib
import os

from harness import capture, check, equal, h2_programs, net, proc, programs, \
    recorded, scenario, wait
from harness.h2 import PREFACE, frame
from harness.h2_programs import URL, curl

BIG = os.urandom(900000)
FILES = {'object-%d' % i: os.urandom(i * i * 911) for i in range(20)}
FILES.update({'big': BIG, 'small': b'small\n', 'index.html': b'index\n'})
H1 = {'http2': 'http/1.1', 'ports': 'map'}


def start(s, events=('flow', 'http'), **over):
    """Three mirrors that show streams, of each kind, and one that does not."""
    s.start(mirrors=[
        dict(H1, name='recorder', interface='span0',
             **{'destination-mac': net.RECORDER_MAC}),
        dict(H1, name='disk', pcap=s.path('disk.pcapng')),
        dict(H1, name='live', **{'pcap-over-ip': '127.0.0.1:57012'}),
        {'name': 'keep', 'pcap': s.path('keep.pcap'), 'http2': 'keep'}],
        rules=[{'name': 'default', 'action': 'decrypt',
                'mirror': ['recorder', 'disk', 'live', 'keep']}],
        log={'events': list(events)}, **over)
    s.unlike = 'streams are conversations of their own'
    s.spawn(s.gateway, 'bash', '-c', 'exec cat </dev/tcp/127.0.0.1/57012 >' +
            s.path('live.pcap'), name='live')
    wait(lambda: os.path.exists(s.path('live.pcap')) and
         os.path.getsize(s.path('live.pcap')) >= 24, 'PCAP-over-IP')


def shown(streams):
    return {x.key: (bytes(x.up.data), bytes(x.down.data), x.up.fin,
                    x.down.fin, x.up.rst, x.down.rst) for x in streams}


def mirrors_agree(s):
    """What the mirror port has shown, when all of it is there; the file and
    the reader of PCAP-over-IP have got the same."""
    s.stop(s.d)
    disk = capture.read(s.path('disk.pcapng')).streams
    st = s.rec.streams(len(disk))
    equal(s.rec.reader.loose, [], 'frames of no stream')
    want = shown(disk)
    equal(len(want), len(disk), 'conversations with ports of their own')
    check(shown(st) == want, 'the mirror port differs from the file')
    check(shown(capture.read(s.path('live.pcap')).streams) == want,
          'PCAP-over-IP differs from the file')
    return disk


def kept(s, sessions):
    """The other mirror shows HTTP/2, as it was on the wire."""
    st = capture.read(s.path('keep.pcap')).streams
    equal(len(st), sessions, 'sessions on the mirror that keeps HTTP/2')
    for x in st:
        equal(x.problems, [])
        equal(x.key[3], 443)
        check(x.up.data.startswith(PREFACE), x.up.data[:40])


def count(s, result):
    return s.d.metric('clearspan_mirror_streams_total', mirror='recorder',
                      result=result)


def objects(s, path, where='export'):
    """What tshark takes out of a capture: the digests of all bodies. It lists
    some empty ones."""
    out = s.path(where)
    capture.tshark('-r', path, '-q', '--export-objects', 'http,' + out)
    files = [os.path.join(out, f) for f in os.listdir(out)]
    return collections.Counter(digest(open(f, 'rb').read())
                               for f in files if os.path.getsize(f))


def digest(data):
    return hashlib.sha256(data).hexdigest()


def bodies(all_):
    """Those of exchanges, of both messages, as tshark counts objects: what
    was cut is none."""
    return collections.Counter(
        digest(m.body) for x in all_
        for m in (x.request, x.response if x.whole else None)
        if m is not None and m.body)


def fields(path, *names, only='http', more=()):
    text = capture.tshark('-r', path, '-Y', only, '-T', 'fields', *more,
                          *[a for n in names for a in ('-e', n)])
    return [tuple(x.split('\t')) for x in text.splitlines()]


def short(s, all_):
    """A capture without long chunked content, and the exchanges in it: with
    each segment tshark looks at all chunks again."""
    long_ = [x for x in all_ for m in (x.request, x.response)
             if m.get('transfer-encoding') and len(m.body) > 200000]
    path = s.path('short.pcap')
    net.run('tcpdump', '-r', s.path('disk.pcapng'), '-w', path, '-Z', 'root',
            ' and '.join(['tcp'] + ['not port %d' % x.port for x in long_]))
    return path, [x for x in all_ if x not in long_]


def tshark_agrees(s, all_):
    """It finds these requests and these statuses, no more, and every object;
    nothing on TCP's level is amiss."""
    path, all_ = short(s, all_)
    got = fields(path, 'tcp.stream', 'http.request.method', 'http.request.uri',
                 only='http.request')
    equal(sorted(x[1:] for x in got),
          sorted((x.method, x.target) for x in all_), 'requests by tshark')
    equal(len({x[0] for x in got}), len(all_), 'one in each conversation')
    got = fields(path, 'http.response.code', only='http.response')
    want = [(str(x.status),) for x in all_ if x.whole]
    want += [(str(i[0]),) for x in all_ for i in x.interim]
    equal(collections.Counter(got), collections.Counter(want),
          'statuses by tshark')
    equal(objects(s, path), bodies(all_), 'objects by tshark')
    equal(capture.tshark_complains(path), [], 'tshark complains')


def one(all_, target):
    got = [x for x in all_ if x.target == target]
    equal(len(got), 1, target)
    return got[0]


# --- objects

@scenario
def h2_mirror_objects_in_parallel(s):
    """Twenty at once by curl, a large one, an upload and a HEAD."""
    start(s)
    h2_programs.nghttpd(s, FILES, '--echo-upload')
    args = []
    for i in range(20):
        args += ['-o', s.path('got-%d' % i), URL + 'object-%d' % i]
    r = curl(s, '-Z', '-w', '%{http_version} ', *args).ok()
    equal(r.text.split(), ['2'] * 20, 'HTTP/2 on the wire')
    for i in range(20):
        with open(s.path('got-%d' % i), 'rb') as f:
            equal(f.read(), FILES['object-%d' % i])
    equal(curl(s, URL + 'big').ok().out, BIG)
    with open(s.path('up'), 'wb') as f:
        f.write(BIG[:300000])
    equal(curl(s, '-T', s.path('up'), URL + 'up').ok().out, BIG[:300000])
    curl(s, '-I', URL + 'big').ok()
    flows = s.d.flows(4)
    s.d.metric_is(23, 'clearspan_mirror_streams_total', mirror='recorder',
                  result='whole')
    all_ = recorded.read(mirrors_agree(s))
    equal(len(all_), 23)
    for x in all_:
        check(x.whole and not x.reset, x.stream)
        equal(x.stream.key[3], 80, 'the port shown')
        check(1024 <= x.port < 32768, x.port)
        equal(x.request.get('host'), 'v4.good.test')
    for name in FILES:
        if name.startswith('object'):
            equal(one(all_, '/' + name).response.body, FILES[name], name)
    up = one(all_, '/up')
    equal((up.method, up.request.body), ('PUT', BIG[:300000]))
    equal(up.response.body, BIG[:300000])
    big = [x for x in all_ if x.target == '/big']
    equal(sorted((x.method, len(x.response.body)) for x in big),
          [('GET', len(BIG)), ('HEAD', 0)])
    head = [x for x in big if x.method == 'HEAD'][0]
    equal(head.response.get('content-length'), str(len(BIG)))
    tshark_agrees(s, all_)
    kept(s, 4)
    joined(s, all_, flows)


def joined(s, all_, flows):
    """The log: `http` events say which conversation is theirs, and flow events
    how many a session had."""
    for f in flows:
        m = {x['name']: x for x in f['clearspan']['mirrors']}
        check('community_id' in m['keep'] and 'streams' not in m['keep'], m)
        check('community_id' not in m['disk'], m)
        equal([m[x]['lost'] for x in m], [0] * 4, 'lost')
    equal(sum(f['clearspan']['mirrors'][0]['streams'] for f in flows),
          len(all_), 'streams of all sessions')
    events = s.d.events('http')
    equal(len(events), len(all_), 'http events')
    ids = dict(fields(s.path('disk.pcapng'), 'communityid', 'tcp.srcport',
                      only='tcp.flags.syn==1 && tcp.flags.ack==0',
                      more=('--enable-protocol', 'communityid')))
    left = {x.port: x for x in all_}
    for e in events:
        h2 = e['clearspan']['http2']
        x = left.pop(h2['port'])
        equal((e['http']['url'], e['http']['http_method']),
              (x.target, x.method))
        equal(ids[h2['community_id']], str(h2['port']))
        text = '\n'.join(x.stream.comments)
        check('session: %d;' % e['flow_id'] in text and
              'http2 stream: %d' % h2['stream'] in text, text)


@scenario
def h2_mirror_of_nginx_at_load(s):
    """2,000 requests, a hundred streams at once in each of two sessions: no
    two conversations are alike, and each has its one request."""
    start(s, buffer=262144)
    programs.nginx(s, files=FILES)
    h2_programs.h2load(s, '-n', '2000', '-c', '2', '-m', '100', URL + 'small')
    h2_programs.h2load(s, '-n', '100', '-c', '4', '-m', '20', URL + 'big')
    s.d.flows(6)
    s.d.metric_is(2100, 'clearspan_mirror_streams_total', mirror='recorder',
                  result='whole')
    equal(s.d.metric('clearspan_mirror_lost_bytes_total'), 0, 'lost')
    all_ = recorded.read(mirrors_agree(s))
    equal(collections.Counter((x.target, x.status, digest(x.response.body))
                              for x in all_),
          {('/small', 200, digest(FILES['small'])): 2000,
           ('/big', 200, digest(BIG)): 100})
    got = fields(s.path('disk.pcapng'), 'tcp.stream', only='http.request')
    equal(len(set(got)), 2100, 'conversations with a request, by tshark')


# --- what else a message may have

@scenario
def h2_mirror_of_node(s):
    """Everything that a client of node asks of its origin: uploads, interim
    responses, trailers both ways, answers before the request's end, a stream
    that is reset, and its siblings."""
    start(s)
    h2_programs.node(s)
    r = h2_programs.node_client(s)
    check(r.text == 'all good\n', r.text, r.errors)
    s.d.flows(1)
    s.d.metric_is(1, 'clearspan_mirror_streams_total', mirror='recorder',
                  result='cut')
    all_ = recorded.read(mirrors_agree(s))
    hints = one(all_, '/hints')
    equal([(i, m.get('link')) for i, m in hints.interim],
          [(103, '</a.css>; rel=preload')])
    equal(hints.response.body, b'hinted')
    x = one(all_, '/trailers').response
    equal((x.body, x.trailer('x-sum'), x.trailer('x-b')),
          (b'with trailers', '42', 'c'))
    x = one(all_, '/ask').request
    equal((x.body, x.trailer('x-up')), (b'hello', 'went up'))
    x = one(all_, '/reset')
    check(not x.whole and x.stream.down.rst, x.stream)
    equal(x.response.body, b'some of it')
    check('cut: RST_STREAM' in '\n'.join(x.stream.comments))
    for x in all_:
        if x.target.startswith('/n/'):
            n = int(x.target[3:])
            equal(x.response.body, bytes(i * 7 + n & 255 for i in range(256))
                  * (n // 256) + bytes(i * 7 + n & 255
                                       for i in range(n % 256)), x.target)
        if x.target in ('/echo', '/late'):
            equal(x.response.body, x.request.body, x.target)
    tshark_agrees(s, all_)
    kept(s, 1)


@scenario
def h2_mirror_of_apache(s):
    """Early hints by a server's configuration; a file that is not there."""
    start(s)
    h2_programs.apache(s, dict(FILES, hinted=b'hinted\n'))
    curl(s, URL + 'hinted', URL + 'nothing', URL + 'big').ok()
    s.d.flows(1)
    all_ = recorded.read(mirrors_agree(s))
    x = one(all_, '/hinted')
    equal([(i, m.get('link')) for i, m in x.interim],
          [(103, '</big>; rel=preload, </early.css>;rel=preload')])
    equal(x.response.body, b'hinted\n')
    equal(one(all_, '/nothing').status, 404)
    equal(one(all_, '/big').response.body, BIG)
    tshark_agrees(s, all_)


@scenario(timeout=120)
def h2_mirror_of_grpc(s):
    """Messages within content, statuses in trailers; calls that are cancelled
    or too late are cut."""
    start(s)
    h2_programs.grpc(s)
    r = h2_programs.grpc_client(s)
    check(r.text == 'all good\n', r.text, r.errors)
    s.d.flows(1)
    all_ = recorded.read(mirrors_agree(s))
    unary = [x for x in all_ if x.target == '/t/Unary']
    equal(len(unary), 22)
    for x in unary:
        up, down = (recorded.messages(m.body)[0] for m in (x.request,
                                                           x.response))
        check(down in (up, up + b'!'), len(up), len(down))
        equal((x.response.trailer('grpc-status'),
               x.response.trailer('x-final')), ('0', 'two'))
    many = [x for x in all_ if x.target == '/t/Down']
    equal([recorded.messages(x.response.body) for x in many],
          [[b'%d' % i * (i + 1) for i in range(200)]] * 11)
    x = one(all_, '/t/Nothing').response
    equal(x.get('grpc-status') or x.trailer('grpc-status'), '12')
    # The one that is cancelled is cut. Of the other's deadline the server
    # knows too, and may be the first to end it.
    late = [x for x in all_ if x.target == '/t/Forever']
    ends = [(x.whole, x.reset, x.response.trailer('grpc-status'))
            for x in late]
    check(ends in ([(False, True, None)] * 2,
                   [(True, False, '4'), (False, True, None)],
                   [(True, False, '1'), (False, True, None)]), ends)
    kept(s, 1)


@scenario(plain=True, timeout=150)
def h2_mirror_websocket(s):
    """A WebSocket within HTTP/2 is one after a 101, and tshark reads it."""
    start(s)
    h2_programs.node(s)
    r = programs.chromium(s, URL + 'page', s.pki.ca)
    check('objects 60 bad  said 3 5000' in r.text, r.text[-1500:],
          r.errors[-1500:])
    s.d.flows(1)
    all_ = recorded.read(mirrors_agree(s))
    x = one(all_, '/chat')
    equal((x.method, x.status), ('GET', 101))
    if 'permessage-deflate' not in (x.response.get(
            'sec-websocket-extensions') or ''):
        up, down = map(recorded.frames, x.tunnel)
        equal(up[:2], [(1, b'one'), (1, b'x' * 5000)])
        equal(down[:2], up[:2])
    text = capture.tshark('-r', s.path('disk.pcapng'), '-Y', 'websocket',
                          '-T', 'fields', '-e', 'websocket.opcode')
    check(len(text.split()) >= 4, 'no WebSocket by tshark:', text)
    for i in range(60):         # a browser may ask again for what it preloads
        got = [x for x in all_ if x.target == '/o/%d' % i]
        check(got and all(x.whole for x in got), i)


# --- what is not HTTP/2, and what cannot be read

@scenario
def h2_mirror_shows_other_sessions_as_they_are(s):
    """HTTP/1.1, a server that speaks first, the first letters of a preface
    and no more, and a session without a byte."""
    start(s, events=['flow'])
    s.serve(443)
    s.serve(25, plain=True, handler=greets)
    made = [s.exchange(b'GET / HTTP/1.1\r\n\r\n'),
            s.exchange(b'PRI * HTTP/1.1\r\n\r\n'),
            s.exchange(b'PRI'), s.tls().finish()]
    c = s.tls()
    for i in range(len(PREFACE) - 1):
        c.send(PREFACE[i:i + 1])
        c.recv_exact(1)
    made.append(c.finish())
    p = s.plain(25)
    equal(p.recv_exact(5), b'220 x')
    p.send(b'QUIT')
    p.recv_exact(4)
    made.append(p.finish())
    s.d.flows(6)
    st = mirrors_agree(s)
    s.matched(st, [(bytes(x.sent), bytes(x.received)) for x in made])
    for x in st:
        equal(x.problems, [])


def greets(p):
    p.send(b'220 x')
    p.send(p.recv_exact(4))
    p.recv_all()
    p.close()


@scenario
def h2_mirror_of_prior_knowledge(s):
    """HTTP/2 that nobody has agreed on, in the clear (RFC 9113, 3.3)."""
    start(s)
    h2_programs.tree(s, FILES)
    p = s.spawn(s.server, 'nghttpd', '-a', net.SERVER, '-d', s.path('www'),
                '--no-tls', '80')
    proc.wait_port(s.server, 80, p)
    r = programs.curl(s, '--http2-prior-knowledge', 'http://%s/big' %
                      h2_programs.HOST).ok()
    equal(r.out, BIG)
    s.d.flows(1)
    all_ = recorded.read(mirrors_agree(s))
    equal(one(all_, '/big').response.body, BIG)
    tshark_agrees(s, all_)


def field(name, value):
    """A literal of HPACK (RFC 7541, 6.2.2)."""
    return b'\0' + bytes([len(name)]) + name + bytes([len(value)]) + value


def ask(stream, path, *more, flags=5):
    return frame(1, flags, stream, b''.join(
        field(a, b) for a, b in [(b':method', b'GET'), (b':path', path),
                                 (b':scheme', b'https'),
                                 (b':authority', b'good.test'), *more]))


def listens(p):
    p.recv_all()
    p.close()


def raw(s):
    """A client that writes frames, and a server that answers none but to
    order: (client, server), their prefaces exchanged."""
    srv = s.serve(443, handler=listens, alpn=['h2'])
    c = s.tls(alpn=['h2'])
    c.send(PREFACE + frame(4, 0, 0))
    p = wait(lambda: srv.peers and srv.peers[0], 'the server')
    p.send(frame(4, 0, 0))
    c.recv_exact(9)
    return c, p


def arrived(c, p):
    """No answer comes before its request."""
    wait(lambda: len(p.received) == len(c.sent), 'the requests')


def answer(stream, data, flags=1):
    return frame(1, 4, stream, b'\x88') + frame(0, flags, stream, data)


@scenario
def h2_mirror_is_cut_where_it_cannot_be_read(s):
    """Bytes that are no frame end the reading, visibly and counted; the
    session goes on, and so does the mirror that keeps HTTP/2."""
    start(s)
    c, p = raw(s)
    c.send(ask(1, b'/whole') + ask(3, b'/cut'))
    arrived(c, p)
    p.send(answer(1, b'whole') + answer(3, b'half', 0))
    c.recv_exact(9 + 1 + 9 + 5 + 9 + 1 + 9 + 4)
    c.send(frame(0, 1, 3, b'x' * 20000) + b'more')      # over the limit
    wait(lambda: bytes(p.received).endswith(b'more'), 'that it goes on')
    p.send(b'and back')
    equal(c.recv_exact(8), b'and back')
    c.finish()
    f = s.d.flows(1)[0]
    m = {x['name']: x for x in f['clearspan']['mirrors']}
    check(m['recorder']['lost'] > 0, m)
    equal(m['keep']['lost'], 0)
    check(s.d.metric('clearspan_mirror_lost_bytes_total', mirror='recorder',
                     reason='HTTP/2 not readable') > 0)
    equal((count(s, 'whole'), count(s, 'cut')), (1, 1))
    check('cannot be read any more' in s.d.text())
    all_ = recorded.read(mirrors_agree(s))
    equal(one(all_, '/whole').response.body, b'whole')
    x = one(all_, '/cut')
    check(x.reset and not x.whole, x.stream)
    kept(s, 1)


@scenario
def h2_mirror_never_shows_what_was_not_said(s):
    """Values that would end their line, content beside its length, two
    lengths, a coding of HTTP/1, a status that HTTP/2 has not: the conversation
    is cut before anything of it."""
    start(s)
    c, p = raw(s)
    c.send(ask(1, b'/a', (b'x', b'y\r\n\r\nGET /smuggled HTTP/1.1')) +
           ask(3, b'/b HTTP/1.1\r\nx:') +
           ask(5, b'/c', (b'content-length', b'3'), flags=4) +
           frame(0, 1, 5, b'abcGET /smuggled HTTP/1.1\r\n\r\n') +
           ask(7, b'/d') +
           ask(11, b'/e', (b'x', b'y\0z')) +
           ask(13, b'/f', (b'transfer-encoding', b'chunked'), flags=4) +
           frame(0, 1, 13, b'0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n') +
           ask(15, b'/g', (b'content-length', b'30'),
               (b'content-length', b'0')) +
           ask(17, b'/h', flags=4) + frame(0, 0, 17, b'body') +
           frame(1, 5, 17, field(b'x', b'y\r\n\r\nGET /smuggled HTTP/1.1')) +
           ask(19, b'/good'))
    arrived(c, p)
    p.send(frame(1, 5, 7, field(b':status', b'101')) + answer(19, b'good'))
    c.recv_exact(9 + 13 + 9 + 1 + 9 + 4)
    s.d.metric_is(8, 'clearspan_mirror_streams_total', mirror='recorder',
                  result='refused')
    c.finish()
    s.d.flows(1)
    st = mirrors_agree(s)
    equal(len(st), 9)
    for x in st:
        check(b'smuggled' not in x.up.data, bytes(x.up.data))
        equal(x.problems, [])
        check(x.closed)
        if b'/good' not in x.up.data:
            check(x.up.rst or x.down.rst, x)
            check('cut: ' in '\n'.join(x.comments), x.comments)
    kept(s, 1)
