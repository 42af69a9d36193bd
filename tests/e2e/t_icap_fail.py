"""Each failure an ICAP client has to live through, by its row (F1 to F35 of
the table in the client), under fail open and fail closed, for requests and
for responses, as the user sees it; over HTTP/1.1, and as a stream of HTTP/2."""
import os
import re
import signal
import sys
import threading
import time

from harness import PATIENCE, check, equal, h2, http, icap, net, scenario, \
    wait
from harness import proc
from t_explicit import dns_server

PAGE, VIRGIN, CUT, OK = 'page', 'virgin', 'cut', 'ok'
# Who is asked for: fail open or closed, REQMOD or RESPMOD.
WHO = ('oq', 'or', 'cq', 'cr')
VERSION = [1]           # of HTTP that clients speak, in this scenario


def four(url, **kw):
    """A service of each kind with that URL, and the rules by name."""
    out = []
    for who in WHO:
        fail = 'open' if who[0] == 'o' else 'closed'
        out.append(icap.service(url if who[1] == 'q' else None,
                                url if who[1] == 'r' else None,
                                name=who, fail=fail, **kw))
    return out


def rules(more=lambda who: []):
    return [{'name': who, 'action': 'decrypt', 'mirror': ['recorder'],
             'sni': [who + '.good.test'], 'icap': more(who) + [who]}
            for who in WHO] + [{'name': 'rest', 'action': 'reset'}]


def start(s, url, more=(), rules_=None, over={}, **kw):
    icap.start(s, *more, *four(url, **kw), rules=rules_ or rules(), **over)
    return icap.Little(s, alpn=['http/1.1'] if VERSION[0] == 2 else None)


class Streams(h2.End):
    """A client of HTTP/2, as one of HTTP/1.1 is used here."""

    def finish(self):
        self.p.close()


class Answer:
    """Of a stream, as of HTTP/1.1. An answer may be whole before the request
    is: NO_ERROR says that the rest is not wanted (RFC 9113, 8.1)."""

    def __init__(self, st):
        self.status, self.body = st.status, bytes(st.body)
        self.whole = st.ended and st.code in (None, h2.NO_ERROR)


def client(s, who):
    name = who + '.good.test'
    if VERSION[0] == 1:
        return s.tls(name=name)
    return Streams(s.tls(name=name, alpn=['h2'])).hello()


def transfer_stream(p, who, n, kind):
    """The same as transfer(), as a stream; the connection stays."""
    host = who + '.good.test'
    if who[1] == 'q':
        st = p.ask('/u', 'POST', http.content(n), host=host, more=[
            ('content-length', str(n))] if kind == 'length' else [])
    else:
        st = p.ask('/d?n=%d&as=%s' % (n, kind), host=host)
    p.until(lambda: st.over, 'an end of %s' % st)
    check(p.goaway is None, 'GOAWAY', p.goaway)
    return Answer(st) if st.heads else None


def transfer(p, who, n, kind):
    """A request or a response of n bytes is shown; the answer."""
    if VERSION[0] == 2:
        return transfer_stream(p, who, n, kind)
    p.send(http.request('/u', 'POST', http.content(n),
                        chunked=kind == 'chunked') if who[1] == 'q' else
           http.request('/d?n=%d&as=%s' % (n, kind)))
    try:
        return http.answer(p)
    except icap.Failure:
        check(p.eof, 'no answer')
        return None


def outcome(s, o, who, n, kind='length', p=None):
    """What became of it: OK/VIRGIN (bytes are exact), CUT, or a status."""
    before = len(o.got())
    own = p is None
    p = p or client(s, who)
    m = transfer(p, who, n, kind)
    if own:
        try:
            p.finish()
        except OSError:
            pass
    whole = [x for x in o.got()[before:] if x.whole]
    if m is None or not m.whole:
        if who[1] == 'q':
            equal([x.body for x in whole], [], 'whole at the origin')
        return CUT
    if m.status != 200:
        check(m.body, 'an empty page', m)
        if b'Clearspan' in m.body:      # ours, not the service's
            check(re.search(rb'\(transaction \d+\.\d+\)', m.body),
                  'a page without its transaction', m.body)
        if who[1] == 'q':
            equal([x.body for x in whole], [], 'whole at the origin')
        return m.status
    want = http.content(n)
    got = whole[-1].body if who[1] == 'q' else m.body
    equal(http.sha(got), http.sha(want), '%s, %d bytes' % (who, n))
    return OK


def events(s, who, what, more=1):
    """The event log has it, in its words."""
    wait(lambda: len([e for e in s.d.events('icap')
                      if e['icap']['service'] == who]) >= more,
         'an icap event of ' + who)
    last = [e['icap'] for e in s.d.events('icap')
            if e['icap']['service'] == who][-1]
    if what == VIRGIN:
        check(last['outcome'].startswith('bypass'), last)
    elif what == CUT:
        check(last['outcome'].startswith(('abort', 'block')), last)
    elif what == OK:
        check(last['outcome'] in ('mod', '204', '204p', '206', 'ignored'),
              last)
    else:
        check(last['outcome'].startswith('err'), last)
    if what != OK:
        check(last['reason'], last)


def expect(s, o, open_, closed, n, kind='length', up=None, log=True):
    """open_, closed: what happens then; up: to requests, if otherwise."""
    for who in WHO:
        what = open_ if who[0] == 'o' else closed
        if up and who[1] == 'q':
            what = up[0 if who[0] == 'o' else 1]
        start_ = time.monotonic()
        got = outcome(s, o, who, n, kind)
        want = OK if what == VIRGIN else what
        if got == 502 and what == CUT:
            want = 502          # nothing was committed yet: even better
        equal(got, want, '%s of %d bytes (%s)' % (who, n, kind))
        if log:
            events(s, who, what)
        check(time.monotonic() - start_ < 8 * s.slow * PATIENCE, 'a stall')


def row(name, what, open_=VIRGIN, closed=502, n=(5000,), up=None, kinds=(
        'length', 'chunked'), limit=60, **kw):
    """A scenario for each version of HTTP: the service `what` (a list: any of
    them) does that."""
    def f(s, version=1):
        VERSION[0] = version
        srv = icap.Script(s)
        all_ = what if isinstance(what, (list, tuple)) else [what]
        for i, w in enumerate(all_):
            o = start(s, srv.url(w), **kw) if i == 0 else o
            if i:
                again(s, srv.url(w), **kw)
            for size in n:
                for kind in kinds[:1] if version == 2 else kinds:
                    expect(s, o, open_, closed, size, kind, up)

    def g(s):
        f(s, 2)
    f.__name__, g.__name__ = name, 'h2_' + name
    f.__doc__ = g.__doc__ = repr(what)
    scenario(g, timeout=limit, plain=True)
    return scenario(f, timeout=limit)


def again(s, url, **kw):
    """Another daemon in the same network."""
    s.stop(s.d)
    os.unlink(s.path('eve.json'))
    from harness.case import Daemon
    d = Daemon(s, s.conf(icap=four(url, **kw), rules=rules(),
                         log={'events': icap.EVENTS}))
    s.daemons.append(d)
    s.d = d
    d.ready()
    wait(lambda: icap.ready(d.ctl('icap')), 'OPTIONS', 10 * s.slow)


@scenario
def f01_no_address(s):
    dns_server(s, {})
    o = start(s, 'icap://nowhere.test:1344/echo', options=False)
    expect(s, o, VIRGIN, 503, 5000)


@scenario
def f02_connect_refused(s):
    o = start(s, 'icap://127.0.0.1:9/echo', options=False)
    expect(s, o, VIRGIN, 503, 5000)


@scenario
def f03_connect_time_out(s):
    o = start(s, 'icap://10.2.0.99:1344/echo', options=False,
              timeout={'connect': '300ms'})
    expect(s, o, VIRGIN, 504, 5000)


@scenario
def f04_certificate_of_another_is_never_passed_over(s):
    srv = icap.Script(s, tls='wrong')
    o = start(s, srv.url('echo'), trust=s.pki.root, options=False)
    expect(s, o, 502, 502, 5000)
    equal(srv.log(), [], 'transactions')


HANGUP = '''
import socket, sys, time
how = sys.argv[1]
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(('127.0.0.1', 1399))
l.listen(64)
kept = []
while True:
    c = l.accept()[0]
    if how != 'rst':
        c.recv(100)
        c.recv(65536)
    if how == 'alert':
        c.sendall(bytes.fromhex('15030300020228'))
    elif how == 'text':
        c.sendall(b'ICAP/1.0 400 Bad request\\r\\n\\r\\n')
    elif how == 'silent':
        kept.append(c)
        continue
    elif how == 'rst':
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     b'\\1\\0\\0\\0\\0\\0\\0\\0')
    c.close()
'''


def hung_up(how, closed):
    def f(s):
        p = s.spawn(s.gateway, sys.executable, '-c', HANGUP, how)
        proc.wait_port(s.gateway, 1399, p)
        o = start(s, 'icaps://127.0.0.1:1399/x', trust=s.pki.root,
                  options=False, timeout={'connect': '500ms'})
        expect(s, o, VIRGIN, closed, 5000)
    f.__name__ = 'f02_icaps_server_%s_in_the_handshake' % how
    f.__doc__ = 'Not a matter of trust (F4): it is as good as not there.'
    return scenario(f)


for how_, closed_ in (('fin', 503), ('rst', 503), ('alert', 503),
                      ('text', 503), ('silent', 504)):
    hung_up(how_, closed_)


def twice(s, what, **kw):
    srv = icap.Script(s)
    o = start(s, srv.url(what), **kw)
    for who in WHO:
        for i in range(4):
            equal(outcome(s, o, who, 5000), OK, 'time %d' % i)
            events(s, who, OK, i + 1)
    return srv


@scenario
def f05_pooled_connection_had_died(s):
    srv = twice(s, 'f5')
    check([x for x in srv.log() if x['ordinal'] > 1], 'never used again')


@scenario
def f05_pooled_connection_is_reset(s):
    twice(s, 'f5?how=rst')


row('f06_closed_in_head_or_preview',
    ['f6', 'f6?how=rst', 'f6?cut=head', 'f6?cut=accept&how=rst'])
row('f06_closed_before_or_in_the_answer',
    ['echo?cut=answer', 'echo?cut=answer&how=rst', 'echo?cut=http',
     'echo?cut=http&after=20&how=rst', 'echo?cut=answer&how=garbage'])
row('f07_reset_behind_the_preview', ['f7', 'f7?how=fin'], n=(100000,))
row('f08_reset_in_the_body_far_in', 'f8', n=(1000000,))
row('f09_reset_after_commit', ['f9', 'f9?how=fin', 'f9?how=hang&ms=100'], CUT, CUT,
    n=(100000,))
row('f09_cut_before_the_last_chunk', ['echo?cut=last', 'echo?cut=last&'
    'length=no', 'echo?cut=last&how=rst'], CUT, CUT, n=(100000,),
    kinds=('length',))
row('f09_cut_behind_a_body_in_one_piece', ['echo?cut=last', 'echo?cut=last&'
    'how=rst'], n=(500, 5000), kinds=('length',))
row('f10_no_first_byte', 'f10', VIRGIN, 504, kinds=('length',),
    timeout={'first-byte': '300ms', 'idle': '600ms'}, n=(500, 5000))
row('f11_stall_in_adapted_body', 'f11', CUT, CUT, n=(100000,),
    kinds=('length',), timeout={'idle': '400ms', 'first-byte': '1s'})
row('f13_malformed', ['f13', 'badencap', 'echo?encap=res-hdr%3dx',
                      'f13?do=raw&raw=ICAP/1.0%20200%20OK%0d%0aX%0d%0a%0d%0a',
                      'f13?do=raw&raw=HTTP/1.1%20200%20OK%0d%0a%0d%0a',
                      'f13?do=raw&raw=%00%ff%00%0d%0a%0d%0a'],
    options=False)
row('f13_malformed_chunks', ['echo?badchunk=size', 'echo?badchunk=crlf',
                             'echo?badchunk=huge'], CUT, CUT, n=(100000,))
row('f14_adapted_head_is_no_http',
    ['f14?badhead=' + x for x in ('status', 'nul', 'cr', 'lengths', 'te',
                                  'unended', 'inject', 'huge')],
    kinds=('length',))
row('f15_shorter_than_it_says', ['f15', 'f15?length=no'], CUT, CUT,
    n=(100000,))
row('f15_longer_than_it_says', ['echo?long=100', 'echo?length=10'], CUT, CUT,
    n=(100000,))
row('f16_status_4xx', ['f16', 'f16?status=400', 'f16?status=413'])
row('f17_wants_authentication', ['f17', 'f17?status=401'],
    kinds=('length',))
row('f18_no_such_service', ['f18', 'f18?status=405', 'f18?status=501'],
    kinds=('length',))
row('f20_status_5xx', ['f20', 'f20?status=502', 'f20?end=keep'])
row('f21_overload', ['f21?retry=', 'f21?retry=60'], VIRGIN, 503,
    kinds=('length',))
row('f24_istag_changes_each_time', 'f24', OK, OK)
row('f26_100_after_ieof', 'f26', OK, OK, n=(0, 1, 500, 1024))
row('f27_100_unasked', ['f27', 'echo?send100=twice'], OK, OK,
    n=(0, 500, 5000, 100000))
row('f28_status_3xx', 'f28')
row('f28_other_1xx', 'echo?send100=102', OK, OK)
row('f28_other_2xx', 'f28?status=201', OK, OK, n=(500,))


@scenario
def small_bodies_go_whole_where_previews_go_on(s):
    """and then the answer may be 204 for all of it, or none."""
    srv = icap.Script(s)
    o = start(s, srv.url('echo'))
    srv.rules({'path': 'echo', 'from': 8, 'to': 24, 'set': {'do': '204'}},
              {'path': 'echo', 'from': 30, 'to': 30, 'set': {
                  'cut': 'answer', 'how': 'rst'}})
    for who in ('or', 'oq', 'cr', 'cq'):
        p = client(s, who)
        for i in range(32):
            equal(outcome(s, o, who, 5000, p=p), OK, '%s %d' % (who, i))
        p.finish()
    log = [x for x in srv.log() if x.get('method') in ('REQMOD', 'RESPMOD')]
    whole = [x for x in log if x['preview'] is None]
    check(len(log) / 2 < len(whole) < len(log), 'whole', len(whole), len(log))
    equal({(x['body'], x['complete']) for x in whole}, {(5000, True)})
    s.quiet()
    kinds = {e['icap']['outcome'] for e in s.d.events('icap')}
    check({'204', '204p', 'mod'} <= kinds, kinds)


@scenario
def f12_slow_client_is_no_failure(s):
    srv = icap.Script(s)
    o = start(s, srv.url('f12'), timeout={'idle': '1s'})
    n = 8 << 20
    for who in ('or', 'cr'):
        p = client(s, who)
        used = s.d.cpu()
        p.send(http.request('/d?n=%d' % n))
        time.sleep(3)           # longer than idle; the longer the better
        # Nobody waits busily, and others are let in (as before that).
        check(s.d.cpu() - used < 0.7 * s.slow, 'CPU', s.d.cpu() - used)
        equal(outcome(s, o, who, 500), OK, 'another client')
        m = http.answer(p)
        equal((m.whole, http.sha(m.body)), (True, http.sha(http.content(n))))
        events(s, who, OK)
    check(o)


@scenario
def f19_408_on_a_used_connection(s):
    twice(s, 'f19')


@scenario
def f22_connections_all_taken(s):
    srv = icap.Script(s)
    o = start(s, srv.url('f22?hold=yes'), connections=1,
              queue={'size': 1, 'timeout': '200ms'})
    for n, (who, want) in enumerate((('or', OK), ('cr', 503), ('oq', OK),
                                     ('cq', 503))):
        first, p = [], client(s, who)
        t = threading.Thread(target=lambda: first.append(
            outcome(s, o, who, 3000, p=p)))
        t.start()
        wait(lambda: srv.held() == n + 1, 'the first')
        equal(outcome(s, o, who, 5000), want, who)
        equal(first, [], 'it waited for the first')
        srv.let_go()
        t.join()
        equal(first, [OK])


@scenario
def f22_queue_is_waited_in(s):
    srv = icap.Script(s)
    o = start(s, srv.url('f22?slow=100'), connections=1)
    got = []
    t = [threading.Thread(target=lambda: got.append(
        outcome(s, o, 'cr', 3000))) for i in range(8)]
    for x in t:
        x.start()
    for x in t:
        x.join()
    equal(got, [OK] * 8)
    s.stop(s.d)
    wait(lambda: len(srv.log()) == 8, 'eight transactions')
    # One of each of the four services at most.
    check(max(x['open'] for x in srv.log()) <= 4, 'connections at once')


@scenario
def f23_options_fail(s):
    srv = icap.Script(s)
    for i, w in enumerate(('f23', 'f23?options=404', 'f23?options=fin')):
        if i == 0:
            o = start(s, srv.url(w))
        else:
            again(s, srv.url(w))
        expect(s, o, VIRGIN, 503, 5000)


@scenario
def f25_early_answer_is_used(s):
    srv = icap.Script(s)
    o = start(s, srv.url('f25'))
    for who in WHO:
        for n in (5000, 1 << 20):
            equal(outcome(s, o, who, n), 403, '%s, %d' % (who, n))


@scenario
def f29_client_leaves(s):
    srv = icap.Script(s)
    o = start(s, srv.url('f29'))
    for who in WHO:
        p = client(s, who)
        n, held = len(srv.log()), srv.held()
        p.send(http.request('/u', 'POST', b'x' * 5000) if who[1] == 'q' else
               http.request('/d?n=5000'))
        wait(lambda: srv.held() > held, 'the transaction')
        s.quiet()
        p.rst()
        wait(lambda: len(srv.log()) > n, 'the end of the transaction')
        check('error' in srv.log()[-1], 'the server saw nothing of it')
    wait(lambda: len(s.d.events('icap')) >= 4, 'events')
    equal({e['icap']['outcome'] for e in s.d.events('icap')}, {'gone'})
    check(o)


@scenario
def f30_origin_cuts_its_body_short(s):
    srv = icap.Script(s)
    o = start(s, srv.url('stream'))
    for who in ('or', 'cr'):
        for kind in ('length', 'chunked'):
            p = client(s, who)
            p.send(http.request('/d?n=100000&cut=50000&as=' + kind))
            try:
                m = http.answer(p)
                check(not m.whole or m.status == 502, 'whole:', m)
            except icap.Failure:
                check(p.eof, 'a stall')
    wait(lambda: len(srv.log()) >= 4, 'transactions')
    check(not any(x['complete'] and x['body'] > 40000 for x in srv.log()),
          'half a body was shown as a whole one')
    check(o)


@scenario
def f30_client_cuts_its_body_short(s):
    srv = icap.Script(s)
    o = start(s, srv.url('stream'))
    for who in ('oq', 'cq'):
        for chunked in (False, True):
            p = client(s, who)
            p.send(http.request('/u', 'POST', b'x' * 100000,
                                chunked=chunked)[:60000])
            p.finish()
    wait(lambda: len(s.d.flows(4)) >= 4, 'flows')
    equal([x for x in o.got() if x.whole], [], 'whole at the origin')
    check(not any(x['complete'] for x in srv.log()), 'shown as complete')


def oversize(s, action):
    srv = icap.Script(s)
    o = start(s, srv.url('echo?append=x'), max_body='64k', oversize=action)
    return srv, o


@scenario
def f31_oversize_block(s):
    srv, o = oversize(s, 'block')
    for who in WHO:
        for kind in ('length', 'chunked'):
            equal(outcome(s, o, who, 65536, kind), OK, who)
            equal(outcome(s, o, who, 65537, kind), 403, who + kind)
            equal(outcome(s, o, who, 1 << 20, kind), 403, who + kind)


@scenario
def f31_oversize_bypass_and_stream(s):
    srv, o = oversize(s, 'bypass')
    for i in range(2):
        for who in WHO:
            for n in (65536, 65537, 1 << 20, 5 << 20):
                for kind in ('length', 'chunked'):
                    equal(outcome(s, o, who, n, kind), OK, who)
        if i == 0:
            check(max(x['body'] for x in srv.log()
                      if x['complete']) == 65536, 'shown whole')
            again(s, srv.url('echo'), max_body='64k', oversize='stream')


@scenario
def f32_spool_is_full(s):
    tmp = s.path('tmp')
    os.mkdir(tmp)
    net.run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmp', tmp)
    srv = icap.Script(s)
    s.start(icap=four(srv.url('slow')), rules=rules(), env={'TMPDIR': tmp},
            log={'events': icap.EVENTS})
    wait(lambda: icap.ready(s.d.ctl('icap')), 'OPTIONS', 10)
    o = icap.Little(s)
    for who in WHO:
        got = outcome(s, o, who, 8 << 20)
        check(got in (503, CUT), who, 'ended as', got)
    for who in WHO:
        equal(outcome(s, o, who, 100000), OK, who + ' afterwards')


@scenario
def f33_all_are_down_costs_no_time(s):
    srv = icap.Script(s)
    o = start(s, srv.url('f33'))
    for who in WHO:
        for i in range(4):
            outcome(s, o, who, 100)
        wait(lambda: all(x['state'] == 'down' for x in
                         s.d.ctl('icap')['servers'] if x['service'] == who),
             'down')
        p = client(s, who)
        took = []
        for i in range(10):     # the machine may be slow, but not each time
            start_ = time.monotonic()
            equal(outcome(s, o, who, 5000, p=p), OK if who[0] == 'o' else 503)
            took.append(time.monotonic() - start_)
            if who[0] != 'o':
                p = client(s, who)
        check(min(took) < 0.1 * s.slow, 'it took', took)


@scenario
def f34_stop_drains(s):
    srv = icap.Script(s)
    o = start(s, srv.url('f34'))
    got = {}
    t = [threading.Thread(target=lambda w=w: got.update(
        {w: outcome(s, o, w, 5000)})) for w in WHO]
    for x in t:
        x.start()
    wait(lambda: srv.held() == 4, 'four under way')
    s.d.p.send_signal(signal.SIGTERM)
    s.d.wait_log('stopping')
    srv.let_go()
    for x in t:
        x.join()
    wait(lambda: not s.d.alive(), 'end of clearspan')
    s.stop(s.d)
    equal(got, {w: OK for w in WHO})


@scenario
def f35_second_of_a_chain_fails(s):
    """What the first has made of it goes on, or a page does."""
    srv = icap.Script(s)
    first = icap.service(srv.url('modify?append=%0afirst&header=X-First:1'),
                         srv.url('modify?append=%0afirst&header=X-First:1'),
                         name='first')
    o = start(s, srv.url('f35'), [first], rules(lambda who: ['first']))
    for n in (1, 5000, 200000):
        for who in WHO:
            p = client(s, who)
            m = transfer(p, who, n, 'length')
            if who[0] == 'c':
                equal(m.status, 502)
                continue
            equal((m.status, m.whole), (200, True), who)
            if who[1] == 'q':
                m = o.got()[-1]
            equal(m.body, http.content(n) + b'\nfirst', who + ' %d' % n)
            equal(m.get('x-first'), '1')


@scenario
def chain_of_two_adapts_in_order(s):
    srv = icap.Script(s)
    a = icap.service(srv.url('modify?append=%0aA&header=X-A:1'),
                     srv.url('modify?append=%0aA&header=X-A:1'), name='a')
    b = icap.service(srv.url('modify?append=%0aB&header=X-B:1'),
                     srv.url('modify?append=%0aB&header=X-B:1'), name='b')
    icap.start(s, a, b)
    o = icap.Little(s)
    p = o.client()
    for n in (1, 1024, 5000, 1 << 20):
        m = http.ask(p, '/x?n=%d' % n, 'POST', http.content(n))
        equal(m.body, http.content(n) + b'\nA\nB', 'response')
        equal((m.get('x-a'), m.get('x-b')), ('1', '1'))
        equal(o.got()[-1].body, http.content(n) + b'\nA\nB', 'request')
    p.finish()
    o.seen()


def farm(s):
    srv = icap.Script(s)
    url = [{'url': 'icap://127.0.0.1:9/echo'}, {'url': srv.url('echo')}]
    return srv, url


@scenario
def farm_goes_on_with_the_one_that_works(s):
    srv, url = farm(s)
    icap.start(s, icap.service(url, url))
    o = icap.Little(s)
    p = o.client()
    for i in range(20):
        m = http.ask(p, '/x?n=3000', 'POST', http.content(3000))
        equal((m.status, m.body), (200, http.content(3000)), i)
    srv.logged(40)
