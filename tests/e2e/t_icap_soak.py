"""Many transactions with faults among them: nothing is lost, nothing stays.

SOAK=100000 in the environment is how many; they take about 1 ms each."""
import os
import random
import threading

from harness import check, equal, http, icap, scenario, wait

N = int(os.environ.get('SOAK', '2000'))
# Those that say something of the server's health come one in 150, or it would
# be asked no more; of the others so many of a hundred.
FAULTS = ('f6', 'f7', 'f9', 'f14', 'f20', 'f13', 'f6?how=rst')
OTHERS = (('f15', 1), ('block', 5), ('204', 30), ('modify', 10), ('f26', 5),
          ('f27', 5), ('stream', 10))
CLIENTS = 8


def script(s, srv, n):
    """A fault for each transaction, by its number."""
    r = random.Random(1)
    names = [name for name, k in OTHERS for i in range(k)]
    names += ['echo'] * (100 - len(names))
    rules = []
    for method in ('REQMOD', 'RESPMOD'):
        for i in range(1, min(n, 20000) + 1):
            as_ = r.choice(FAULTS if i % 150 == 0 else names)
            if as_ != 'echo':
                rules.append({'path': 'echo', 'method': method, 'from': i,
                              'to': i, 'as': as_.split('?')[0], 'set':
                              {'how': 'rst'} if '?' in as_ else {}})
    srv.rules(*rules)


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.n = {'whole': 0, 'page': 0, 'cut': 0, 'left': 0}
        self.bad = []

    def add(self, what):
        with self.lock:
            self.n[what] += 1

    def sum(self):
        return sum(self.n.values())


def client(s, o, tally, seed, share):
    r = random.Random(seed)
    p = None
    for i in range(share):
        try:
            if p is None or p.eof or r.random() < 0.02:
                if p:
                    p.close()
                p = s.tls()
                p.sock.settimeout(20 * s.slow)
            n = r.choice((0, 1, 100, 1023, 1024, 1025, 5000, 30000, 100000))
            up = r.choice((None, None, 0, 10, 1024, 4000, 50000))
            kind = r.choice(('length', 'chunked'))
            ask = http.request('/x?n=%d&as=%s' % (n, kind),
                               'GET' if up is None else 'POST', up if
                               up is None else http.content(up),
                               chunked=kind == 'chunked')
            if r.random() < 0.01:
                p.send(ask[:r.randrange(1, len(ask))])
                p.rst()
                p = None
                tally.add('left')
                continue
            p.send(ask)
            m = http.answer(p)
        except TimeoutError as e:
            tally.bad.append('a stall: %d up, %d down: %r' % (up or 0, n, e))
            p = None
            tally.add('left')
            continue
        except (icap.Failure, OSError):
            tally.add('cut')
            p = None
            continue
        if not m.whole:
            tally.add('cut')
            p = None
        elif m.status != 200:
            tally.add('page')
            if m.get('connection') == 'close':
                p.close()
                p = None
        else:
            tally.add('whole')
            if m.body not in (http.content(n), http.content(n) +
                              b'\nadapted\n'):
                tally.bad.append('%d bytes came as %d' % (n, len(m.body)))
    if p:
        p.close()


def round_(s, o, n, seed):
    tally = Tally()
    ts = [threading.Thread(target=client, args=(s, o, tally, seed * 100 + i,
                                                n // CLIENTS))
          for i in range(CLIENTS)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    equal(tally.bad, [], 'what came wrong')
    equal(tally.sum(), n // CLIENTS * CLIENTS)
    o.got().clear()
    for serve in (o.tls, o.plain):
        serve.peers.clear()
    return tally


@scenario(timeout=60 + N // 20)
def soak_of_transactions_with_faults(s):
    srv = icap.Script(s)
    script(s, srv, N)
    rules = [{'name': 'default', 'action': 'decrypt', 'icap': ['scan']}]
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo'),
                               fail='open'), record=False, mirrors=[],
               rules=rules, log={'level': 'warn', 'events': icap.EVENTS})
    o = icap.Little(s)
    first = round_(s, o, 400, 1)
    rss, total = s.d.rss(), first.sum()
    for i in range(2, 1 + max(2, (N - 400) // 2000 + 1)):
        total += round_(s, o, min(2000, N - 400), i).sum()

    wait(lambda: s.d.metric('clearspan_sessions_open') == 0,
         'the end of all sessions', 20 * s.slow)
    s.quiet()
    https, done = s.d.events('http'), s.d.events('icap')
    check(len(https) <= total, len(https), 'http events for', total)
    check(len(https) >= total * 0.97, len(https), 'http events for', total)
    kinds = {}
    for e in done:
        k = e['icap']['outcome'].split('-')[0]
        kinds[k] = kinds.get(k, 0) + 1
    counted = sum(s.d.metric('clearspan_icap_transactions_total',
                             service='scan', method=m)
                  for m in ('REQMOD', 'RESPMOD'))
    equal(counted, float(len(done)), 'transactions counted and logged')
    check(set(kinds) <= {'204', '204p', 'mod', 'sat', 'block', 'bypass', 'err',
                         'abort', 'gone'}, kinds)
    check(sum(v for k, v in kinds.items() if k in ('204', '204p', 'mod')) >
          len(done) // 2, kinds)
    line = s.d.ctl('icap')
    equal([(x['busy'], ) for x in line['servers']], [(0,)], 'still busy')
    equal([x['waiting'] for x in line['services']], [0])
    wait(lambda: s.d.ctl('icap')['servers'][0]['connections'] <= 1,
         'idle connections to be let go', 10 * s.slow)
    if s.kind == 'plain':
        check(s.d.rss() < rss + 8192, 'resident: %d KiB, %d at first' % (
            s.d.rss(), rss))
    check(s.d.fds() < 80, s.d.fds(), 'descriptors')
