"""Calls of gRPC whose messages services look at one by one (`grpc: message`):
real peers, verdicts, failures, and bytes that are not gRPC."""
import gzip
import json
import os
import struct
import sys

import t_h2_peers
from harness import check, equal, h2, h2_programs, http, icap, proc, \
    scenario, wait
from harness.h2_programs import HOST

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

TYPE = ('content-type', 'application/grpc')
REFUSED = 'refused by the scanner'


def service(s, up='echo', down='echo', **kw):
    """A scripted one, which is told to look at messages."""
    srv = icap.Script(s)
    over = {k: kw.pop(k) for k in ('inspect', 'rules') if k in kw}
    kw.setdefault('queue', {'timeout': '5m'})
    kw.setdefault('timeout', {'first-byte': '5m'})
    icap.start(s, icap.service(up and srv.url(up), down and srv.url(down),
                               grpc='message', **kw), record=False, **over)
    return srv


def ask(s, *calls):
    """Calls at once, on one connection: what became of each."""
    r = s.run(s.client, h2_programs.PYTHON,
              os.path.join(h2_programs.PEERS, 'grpc_peer.py'), 'ask',
              HOST + ':443', s.pki.ca, timeout=150,
              input=''.join(json.dumps(x) + '\n' for x in calls).encode())
    return told(r.ok().text)


def told(text):
    out = [json.loads(x) for x in text.splitlines() if not x.startswith('#')]
    for x in out:
        x['got'] = [bytes.fromhex(m) for m in x['got']]
    return out


def call(method, *messages, **kw):
    return dict(kw, method=method, messages=[m.hex() for m in messages])


def fine(got):
    return {'got': list(got), 'code': 'OK', 'details': ''}


# --- real peers

def all_kinds(s, srv):
    """Every kind of call, deadlines, cancel, metadata and errors; and each
    message was shown as a body of its own."""
    t_h2_peers.grpc(s, '1', '8')
    # What a monitor has not got yet comes.
    wanted = {('RESPMOD', len(b'%d' % i) * (i + 1)) for i in range(8)} | {
        ('REQMOD', 5), ('RESPMOD', 6)}
    wait(lambda: wanted <= {(x['method'], x['body']) for x in srv.log()},
         'every message of Down')
    shown = srv.log()
    check(all('application/octet-stream' in x['req-hdr'] +
              x.get('res-hdr', '') for x in shown), shown[0])
    check(any(x['req-hdr'].startswith('POST https://%s:443/t/Unary HTTP/1.1'
                                      '\r\n' % HOST) for x in shown),
          shown[0])
    for e in s.d.events('flow'):
        check('uninspected' not in e['clearspan'], e)


@scenario(timeout=240)
def grpc_messages_pass_a_service_that_returns_them(s):
    srv = service(s)
    all_kinds(s, srv)
    check(any((x['method'], x['body']) == ('REQMOD', 2000000)
              for x in srv.log()), 'the large one')


@scenario(timeout=240)
def grpc_messages_pass_a_service_with_204(s):
    all_kinds(s, service(s, '204', '204'))


@scenario(timeout=240)
def grpc_with_a_monitor_of_messages(s):
    all_kinds(s, service(s, monitor=True))


# --- verdicts

@scenario(timeout=240)
def grpc_eicar_in_the_third_message_is_stopped(s):
    """Whoever sends it; and the other calls of the connection go on."""
    with s.gateway:
        peers = setup.Peers(s.path('icap'), clamd=True)
        peers.start()
    url = peers.urls['avscan']
    icap.start(s, icap.service(url, url, grpc='message',
                               queue={'timeout': '5m'},
                               timeout={'first-byte': '5m'}), record=False)
    h2_programs.grpc(s)
    bad = setup.EICAR
    many = [[os.urandom(1 + 37 * i * k) for k in range(10)]
            for i in range(9)]
    got = ask(s, call('Both', b'one', b'two', bad, b'four', waits=1),
              call('Both', b'one', b'two', bad[::-1], b'four', waits=1),
              call('Unary', bad),
              *[call('Both', *x) for x in many])
    for x in got[:3]:
        equal(x['code'], 'PERMISSION_DENIED', x)
        check(REFUSED in x['details'] and 'transaction' in x['details'], x)
    equal([x['got'] for x in got[:3]], [[b'eno', b'owt']] * 2 + [[]])
    for x, sent in zip(got[3:], many):
        equal(x, fine(m[::-1] for m in sent))
    wait(lambda: len(s.d.events('http')) == 12, 'twelve streams')
    equal(len({e['flow_id'] for e in s.d.events('http')}), 1)
    wait(lambda: len(s.d.events('alert')) == 3, 'three alerts')
    equal({e['alert']['action'] for e in s.d.events('alert')}, {'blocked'})


@scenario(timeout=240)
def grpc_what_a_service_makes_of_a_message_goes_on(s):
    srv = service(s, 'modify?append=%21&header=x:y', '206?n=3&prefix=wow')
    h2_programs.grpc(s)
    sent = [b'hello', b'to you', os.urandom(300000)]
    # Up an exclamation mark behind it, turned round; then other three bytes.
    equal(ask(s, call('Both', *sent)),
          [fine([b'wow' + (m + b'!')[::-1][3:] for m in sent])])
    equal(len(srv.logged(3, 'REQMOD')), 3)


@scenario(timeout=240)
def grpc_compressed_messages_are_shown_as_they_are(s):
    """With their coding; a service that changes them says which it left."""
    srv = service(s)
    h2_programs.grpc(s)
    text = b'over and over ' * 1000
    equal(ask(s, call('Both', text, gzip=True)), [fine([text[::-1]])])
    up = srv.log('REQMOD')[0]
    check('Content-Encoding: gzip' in up['req-hdr'], up)
    check(up['body'] < 1000, up)


@scenario(timeout=240)
def grpc_in_a_coding_that_the_scanner_does_not_know(s):
    srv = service(s, inspect={'encodings': ['deflate']})
    h2_programs.grpc(s)
    text = b'over and over ' * 1000
    got = ask(s, call('Both', text, gzip=True))[0]
    equal((got['code'], got['got']), ('PERMISSION_DENIED', []), got)
    equal(srv.log(), [])
    equal(ask(s, call('Both', text)), [fine([text[::-1]])])


@scenario(timeout=240)
def grpc_beside_a_service_that_sees_the_whole(s):
    """One sees calls, the other their messages."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo'), name='all',
                               bypass_types=[]),
               icap.service(srv.url('204'), srv.url('204'), name='each',
                            grpc='message'), record=False)
    h2_programs.grpc(s)
    equal(ask(s, call('Unary', b'hello')), [fine([b'hello'])])
    equal(sorted((x['path'], x['method'], x['body']) for x in srv.logged(4)),
          [('204', 'REQMOD', 5), ('204', 'RESPMOD', 5),
           ('echo', 'REQMOD', 10), ('echo', 'RESPMOD', 10)])


# --- failures

@scenario(timeout=240)
def grpc_scanner_that_fails_closed_ends_calls(s):
    service(s, 'status?status=500', None, fail='closed')
    h2_programs.grpc(s)
    got = ask(s, call('Both', b'hello'), call('Unary', b'hello'))
    equal([(x['code'], x['got']) for x in got], [('UNAVAILABLE', [])] * 2)


@scenario(timeout=240)
def grpc_scanner_that_fails_lets_pass_if_it_fails_open(s):
    service(s, 'status?status=500', 'f9', fail='open')
    h2_programs.grpc(s)
    equal(ask(s, call('Both', b'hello', b'you')), [fine([b'olleh', b'uoy'])])


@scenario(timeout=240)
def grpc_held_message_holds_nothing_else(s):
    """Neither what the server says, nor the other calls."""
    srv = service(s, '204', None)
    srv.rules({'path': '204', 'method': 'REQMOD', 'from': 2, 'to': 2,
               'set': {'hold': 'yes'}})
    h2_programs.grpc(s)
    with open(s.path('calls'), 'w') as f:
        json.dump(call('Talk', b'a', b'b', b'c'), f)
    with open(s.path('calls')) as f:
        p = s.spawn(s.client, h2_programs.PYTHON,
                    os.path.join(h2_programs.PEERS, 'grpc_peer.py'), 'ask',
                    HOST + ':443', s.pki.ca, name='asker', stdin=f)
    p.wait_log('# 50')
    wait(lambda: srv.held() == 1, 'the second message is held')
    equal(ask(s, call('Unary', b'hello')), [fine([b'hello'])])
    check('# 51' not in p.text())
    srv.let_go()
    p.wait_log('"code"')
    equal(told(p.text()), [fine([b'a%d' % i for i in range(50)] +
                                [b'b0', b'c0'])])


# --- bytes

def message(data, flags=0, length=None):
    return struct.pack('>BI', flags, len(data) if length is None else
                       length) + data


def parted(body):
    """The messages of a body."""
    out = []
    while body:
        flags, n = struct.unpack('>BI', body[:5])
        check(len(body) >= 5 + n, 'a message that is not whole', body[:100])
        out.append((flags, bytes(body[5:5 + n])))
        body = body[5 + n:]
    return out


def origin(s):
    """Answers with what comes, as it comes."""
    def both(e, st):
        e.head(st.sid, [(':status', '200'), TYPE, ('grpc-encoding', 'gzip')],
               False)
        seen = 0
        while not st.over:
            e.turn()
            new = bytes(st.body[seen:])
            seen += len(new)
            e.content(st, new, False)
        if st.code is None:
            e.head(st.sid, [('grpc-status', '0')])
    site = h2.serve(s)
    site.apps['/t/B'] = both
    return site


def begin(e, *more):
    st = e.ask('/t/B', 'POST', more=(TYPE, ('te', 'trailers'), *more),
               end=False)
    return st


def fields(pairs):
    return {a.decode(): b.decode() for a, b in pairs or ()}


@scenario
def grpc_every_split_of_messages(s):
    service(s, '204', '204')
    site = origin(s)
    e = h2.connect(s)
    sizes = [0, 1, 5, 0, 16384, 16385, 70000, 300000]
    sent = b''.join(message(http.content(n)) for n in sizes)
    for step in (1, 4, 5, 6, 1000, 16384):
        st = begin(e)
        if step < 1000:         # the first ones byte by byte
            for i in range(0, 40, step):
                e.data(st.sid, sent[i:min(i + step, 40)], False)
            e.window -= 40
            st.window -= 40
            e.content(st, sent[40:])
        else:
            e.content(st, sent)
        e.answer(st)
        equal(parted(st.body), [(0, http.content(n)) for n in sizes], step)
        equal(fields(st.trailers), {'grpc-status': '0'})
    equal(site.wrong, [])


@scenario
def grpc_bytes_that_are_not_grpc_end_the_call(s):
    service(s, '204', '204', max_body='100k')
    site = origin(s)
    e = h2.connect(s)
    zipped = gzip.compress(b'x')
    cases = [
        (message(b'one') + b'\2\0\0\0\1x', '13'),       # flags
        (message(b'one') + message(b'x', 0x80), '13'),  # gRPC-Web's
        (message(b'one') + message(b'x', length=9), '13'),  # cut off
        (message(b'one') + b'\0\0', '13'),
        (message(b'one') + message(zipped, 1), '13'),   # no Grpc-Encoding
        (message(b'one') + message(b'', length=200000), '7'),   # too large
    ]
    for body, code in cases:
        st = begin(e)
        e.content(st, body)
        e.answer(st)
        end = fields(st.trailers) or st.head
        equal(end.get('grpc-status'), code, '%s: %s' % (body, st))
        check(parted(st.body) in ([], [(0, b'one')]), st.body)
    st = begin(e, ('grpc-encoding', 'gzip'))
    e.content(st, message(zipped, 1))
    e.answer(st)
    equal(parted(st.body), [(1, zipped)])
    equal(site.wrong, [])
    equal(e.goaway, None)
    for x in site.got:          # nothing of the bad ones came there
        check(parted(x.body) in ([], [(0, b'one')], [(1, zipped)]), x.body)


@scenario
def grpc_refusals_are_answers_of_a_call(s):
    """Before the server's answer has begun, it is trailers alone."""
    srv = service(s, 'block', None)
    site = h2.serve(s)
    site.apps['/t/B'] = lambda e, st: None      # it never answers
    e = h2.connect(s)
    st = begin(e)
    e.content(st, message(b'x'), False)
    e.answer(st)
    equal((st.status, len(st.heads), bytes(st.body), st.trailers),
          (200, 1, b'', None), st)
    equal((st.head['content-type'], st.head['grpc-status']),
          ('application/grpc', '7'))
    check(REFUSED in st.head['grpc-message'], st.head)
    wait(lambda: any(x.code == h2.CANCEL for x in site.got),
         'the server is told')
    wait(lambda: s.d.events('http'), 'an event')
    x = s.d.events('http')[0]
    equal((x['http']['status'], x['clearspan']['answered_by']), (200, 'gateway'), x)
    equal([x['method'] for x in srv.logged(1)], ['REQMOD'])


@scenario
def grpc_web_over_http1(s):
    """Its trailers are a message, too, and are shown."""
    srv = service(s, '204', 'modify?replace=bad,good')
    o = icap.Little(s)
    c = o.client()
    kind = 'application/grpc-web+proto'
    body = message(b'hello') + message(b'', 0x80)

    def reply(p, m):
        out = message(b'so bad') + message(b'grpc-status: 0\r\n', 0x80)
        p.send(b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d'
               b'\r\n\r\n' % (kind.encode(), len(out)) + out)
        return True
    o.origin.reply = reply
    for _ in range(2):          # on one connection
        m = o.ask(c, '/t/U', 'POST', body, fields=['Content-Type: ' + kind])
        equal(m.status, 200)
        got = parted(m.body)
        equal([x[0] for x in got], [0, 0x80])
        check(got[0][1].startswith(b'so good'), got)
        check(got[1][1].startswith(b'grpc-status: 0\r\n'), got)
    equal([m.body for m in o.got()], [body] * 2)
    equal(len(srv.logged(8)), 8)


@scenario
def grpc_web_that_is_refused_ends_with_its_trailers(s):
    srv = service(s, None, '204')
    srv.rules({'path': '204', 'method': 'RESPMOD', 'from': 2, 'to': 2,
               'as': 'block'})
    o = icap.Little(s)
    c = o.client()
    kind = 'application/grpc-web+proto'

    def reply(p, m):
        out = message(b'one') + message(b'two') + message(b'three')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d'
               b'\r\n\r\n' % (kind.encode(), len(out)) + out)
        return True
    o.origin.reply = reply
    m = o.ask(c, '/t/D', 'POST', message(b'x'),
              fields=['Content-Type: ' + kind])
    one, last = parted(m.body)
    equal((one, last[0]), ((0, b'one'), 0x80))
    check(last[1].startswith(b'grpc-status: 7\r\ngrpc-message: ' +
                             REFUSED.encode()), last)
