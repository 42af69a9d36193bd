"""ICAP servers in the gateway's namespace, scripted and real, and sessions
whose HTTP is shown to them."""
import json
import os
import sys

from . import http, net, peer, proc
from .proc import Failure, check, equal, wait

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     '..', '..', 'icap')
PORT = 1344
EVENTS = ['flow', 'http', 'icap', 'alert']


class Script:
    """tests/icap/server.py; url() says what it shall do."""

    def __init__(self, s, port=PORT, tls=None, clients=None):
        self.s, self.port, self.scheme = s, port, 'icap'
        self.script = s.path('icap-script-%d.json' % port)
        self.logfile = s.path('icap-%d.jsonl' % port)
        argv = [sys.executable, os.path.join(TOOLS, 'server.py'), '--port',
                str(port), '--log', self.logfile, '--script', self.script]
        if tls:
            self.scheme = 'icaps'
            argv += ['--tls', *s.pki.pair(tls)]
        if clients:             # need a certificate of that CA
            argv += ['--tls-client', clients]
        self.p = s.spawn(s.gateway, *argv, name='icap-server-%d' % port)
        proc.wait_port(s.gateway, port, self.p)

    def url(self, what, host='127.0.0.1'):
        return '%s://%s:%d/%s' % (self.scheme, host, self.port, what)

    def rules(self, *rules):
        with open(self.script + '.new', 'w') as f:
            json.dump(rules, f)
        os.rename(self.script + '.new', self.script)

    def held(self):
        """How many transactions have waited, by `hold`, or still do."""
        return sum('"event": "held"' in x
                   for x in proc.whole_lines(self.logfile))

    def let_go(self, n=None):
        """All that wait are answered, or as many as n from the first on."""
        with open(self.script + '.new', 'w') as f:
            f.write(str(n or self.held()))
        os.rename(self.script + '.new', self.script + '.let')

    def log(self, method=None):
        """Transactions so far."""
        return [x for x in map(json.loads, proc.whole_lines(self.logfile))
                if 'method' in x and
                x['method'] != 'OPTIONS' and method in (None, x['method'])]

    def logged(self, n, method=None):
        """Those n, and no more, once they are there: a transaction is in the
        log when it is over for the server, which its client need not wait
        for."""
        wait(lambda: len(self.log(method)) >= n, '%d transactions' % n)
        out = self.log(method)
        equal(len(out), n, 'transactions')
        return out


def service(reqmod=None, respmod=None, name='scan', **more):
    out = {'name': name}
    if reqmod:
        out['reqmod'] = reqmod
    if respmod:
        out['respmod'] = respmod
    out.update({k.replace('_', '-'): v for k, v in more.items()})
    return out


def start(s, *services, rules=None, record=True, **over):
    """The daemon with these services for everything."""
    names = [x['name'] for x in services]
    rules = rules or [{'name': 'default', 'action': 'decrypt',
                       'mirror': ['recorder'], 'icap': names}]
    over.setdefault('log', {'events': EVENTS})
    s.start(icap=list(services), rules=rules, record=record, **over)
    wait(lambda: ready(s.d.ctl('icap')), 'OPTIONS of every server',
         10 * s.slow)


def ready(told):
    return told['servers'] and all(x['state'] != 'new'
                                   for x in told['servers'])


class Little:
    """An origin on 80 and 443 (and no more than HTTP/1.1 spoken to it)."""

    def __init__(self, s, alpn=None):
        self.s = s
        self.origin = http.Origin()
        self.tls = s.serve(443, handler=self.origin, alpn=alpn)
        self.plain = s.serve(80, handler=self.origin, plain=True)
        self.made = []

    def client(self, way='https', name='good.test'):
        """A connection: https, http, connect (CONNECT, then TLS)."""
        s = self.s
        if way == 'https':
            p = s.tls(name=name)
        elif way == 'http':
            p = s.plain(80)
        elif way == 'connect':
            p = s.tls(sock=s.via_proxy(net.SERVER, 443))
        else:
            p = peer.Peer(s.connect(net.PROXY, net.INNER))
        p.way = way
        self.made.append(p)
        return p

    def ask(self, p, target, method='GET', body=None, **kw):
        if p.way == 'proxy':
            target = 'http://plain.test' + target
            kw['host'] = 'plain.test'
        return http.ask(p, target, method, body, **kw)

    def got(self):
        return self.origin.got

    def seen(self):
        """Each side's virgin bytes are what the mirror shows."""
        peers = self.tls.peers + self.plain.peers
        down = sorted(bytes(p.sent) for p in peers)
        up = sorted(bytes(p.sent) for p in self.made if p.way != 'proxy')
        st = self.s.rec.streams(len(up), timeout=10 * self.s.slow)
        for x in st:
            equal(x.problems, [], 'mirror of %s' % (x.key,))
        if not any(p.way == 'proxy' for p in self.made):
            equal(sorted(bytes(x.up.data) for x in st), up, 'mirror up')
        equal(sorted(bytes(x.down.data) for x in st), down, 'mirror down')


def page(m, status):
    """m is a page of our own, or a service's, and whole."""
    equal(m.status, status, 'status of %r' % m)
    check(m.whole, 'a page that was cut off:', m)
    check(m.body, 'an empty page')
    return m


__all__ = ['Failure']


def grpc_three_ways(s):
    """Calls pass on port 443, are scanned whole on 444 (what goes on for long
    is a stream), and message by message on 445."""
    srv = Script(s)
    more = {'queue': {'timeout': '60s'}, 'bypass_types': []}
    start(s, service(srv.url('echo'), srv.url('echo'), **more),
          service(srv.url('204'), srv.url('204'), name='message',
                  grpc='message', **more),
          rules=[{'name': 'whole', 'port': [444], 'action': 'decrypt',
                  'icap': ['scan']},
                 {'name': 'message', 'port': [445], 'action': 'decrypt',
                  'icap': ['message']},
                 {'name': 'default', 'action': 'decrypt',
                  'mirror': ['recorder']}],
          inspect={'streams': {'after': '300ms'}, 'endless': 'open'})
    return srv
