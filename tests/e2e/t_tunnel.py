"""Where HTTP ends or never began, under a rule with services: it passes and
is counted and named, or is refused."""
from harness import check, equal, http, icap, net, peer, scenario, wait


def rules(**inspect):
    """With `inspect: inspect` for s.good.test, and the default for others."""
    inspect = {k.replace('_', '-'): v for k, v in inspect.items()}
    return [{'name': 'strict', 'action': 'decrypt', 'icap': ['scan'],
             'mirror': ['recorder'], 'sni': ['s.good.test'],
             'inspect': inspect},
            {'name': 'default', 'action': 'decrypt', 'icap': ['scan'],
             'mirror': ['recorder']}]


def start(s, handler=None, **inspect):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')),
               rules=rules(**inspect))
    return srv, handler and s.serve(443, handler=handler)


def named(s, n, **want):
    """The nth flow event says so of what was not inspected."""
    e = s.d.flows(n)[n - 1]
    equal(e['clearspan'].get('uninspected'), want, 'uninspected')
    return e


def counted(s, reason, result):
    return s.d.metric('clearspan_uninspected_total', reason=reason,
                      result=result)


def tunnel(p):
    """Answers CONNECT, then echoes."""
    head = p.recv_until(b'\r\n\r\n')
    if not head.startswith(b'CONNECT'):
        p.close()
        return
    p.send(b'HTTP/1.1 200 OK\r\n\r\n')
    peer.echo(p)


CONNECT = b'CONNECT inner.test:443 HTTP/1.1\r\nHost: inner.test:443\r\n\r\n'


@scenario
def tunnel_by_connect_is_counted_and_named(s):
    srv, server = start(s, tunnel, non_http='block')
    p = s.tls()
    p.send(CONNECT)
    p.recv_until(b'\r\n\r\n')
    p.send(b'secret!')
    equal(p.recv_exact(7), b'secret!')
    p.finish()
    named(s, 1, what='connect', result='allowed', bytes_toserver=7,
          bytes_toclient=7)
    equal(counted(s, 'connect', 'allowed'), 1.0)
    p = s.tls(name='s.good.test')
    p.send(CONNECT)
    icap.page(http.answer(p), 403)
    p.rst()
    named(s, 2, what='connect', result='blocked', bytes_toserver=0,
          bytes_toclient=0)
    equal(counted(s, 'connect', 'blocked'), 1.0)
    equal(bytes(server.peers[1].received), b'', 'at the origin')


@scenario
def other_first_bytes_are_counted_and_named(s):
    srv, server = start(s, peer.echo, non_http='block')
    first = b'\x10\x0cMQTT\n'
    p = s.tls()
    p.send(first)
    equal(p.recv_exact(len(first)), first)
    p.finish()
    named(s, 1, what='other', result='allowed', bytes_toserver=len(first),
          bytes_toclient=len(first))
    p = s.tls(name='s.good.test')
    p.send(first)
    try:
        equal(p.recv_all(), b'')
    except OSError:
        pass
    e = named(s, 2, what='other', result='blocked', bytes_toserver=0,
              bytes_toclient=0)
    check('non-http' in e['flow']['reason'], e['flow'])
    equal(bytes(server.peers[1].received), b'', 'at the origin')
    equal((counted(s, 'other', 'allowed'), counted(s, 'other', 'blocked')),
          (1.0, 1.0))
    equal(srv.log(), [])


@scenario
def server_that_speaks_first_is_counted_and_named(s):
    def banner(p):
        p.send(b'220 ready\r\n')
        peer.echo(p)
    srv, server = start(s, banner, non_http='block')
    p = s.tls()
    equal(p.recv_exact(11), b'220 ready\r\n')
    p.send(b'NOOP\r\n')
    equal(p.recv_exact(6), b'NOOP\r\n')
    p.finish()
    named(s, 1, what='server-first', result='allowed', bytes_toserver=6,
          bytes_toclient=17)
    p = s.tls(name='s.good.test')
    try:
        equal(p.recv_all(), b'')
    except OSError:
        pass
    named(s, 2, what='server-first', result='blocked', bytes_toserver=0,
          bytes_toclient=0)
    equal((counted(s, 'server-first', 'allowed'),
           counted(s, 'server-first', 'blocked')), (1.0, 1.0))


@scenario
def word_that_may_become_a_request_is_blocked_after_its_time(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')),
               rules=rules(non_http='block'), timeouts={'hello': '500ms'})
    server = s.serve(443, handler=peer.echo)
    p = s.tls(name='s.good.test')
    p.send(b'hello')
    try:
        equal(p.recv_all(), b'')
    except OSError:
        pass
    named(s, 1, what='other', result='blocked', bytes_toserver=0,
          bytes_toclient=0)
    equal(bytes(server.peers[0].received), b'', 'at the origin')


@scenario
def what_is_no_http_is_blocked_for_an_explicit_client_too(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204')),
               inspect={'non-http': 'block'})
    server = s.serve(7, handler=peer.echo, plain=True)
    p = peer.Peer(s.via_proxy(net.SERVER, 7))
    p.send(b'\x00\x01\x02')
    try:
        equal(p.recv_all(), b'')
    except OSError:
        pass
    named(s, 1, what='other', result='blocked', bytes_toserver=0,
          bytes_toclient=0)
    for x in server.peers:
        equal(bytes(x.received), b'', 'at the origin')


# Upgrade.
class Switcher:
    """Switches to `to` if it is asked to (or all the same), then echoes."""

    def __init__(self, to=None):
        self.to, self.asked = to, []

    def __call__(self, p):
        while True:
            try:
                m = http.Message(p.recv_until(b'\r\n\r\n'))
            except (OSError, icap.Failure):
                break
            self.asked.append(m.get('upgrade'))
            to = self.to if self.to is not None else m.get('upgrade')
            if to is None:
                p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno')
                continue
            p.send(b'HTTP/1.1 101 Switching Protocols\r\n'
                   b'Connection: Upgrade\r\n' +
                   (b'Upgrade: %s\r\n' % to.encode() if to else b'') +
                   b'\r\n')
            peer.echo(p)
            break
        p.close()


def switch(p, to):
    p.send(http.request('/x', fields=['Connection: Upgrade',
                                      'Upgrade: ' + to]))
    return http.Message(p.recv_until(b'\r\n\r\n')).status


@scenario
def switch_to_a_listed_protocol_is_counted_and_named(s):
    o = Switcher()
    start(s, o, upgrade=['h2x', 'tls/1.0'])
    n = 0
    for name, to, asked in (
            ('good.test', 'websocket', 'websocket'),
            ('good.test', 'WebSocket', 'WebSocket'),
            ('good.test', 'other, websocket', 'websocket'),
            ('s.good.test', 'h2x', 'h2x'),
            ('s.good.test', 'h2x/3', 'h2x/3'),
            ('s.good.test', 'TLS/1.0, websocket, h2c', 'TLS/1.0')):
        p = s.tls(name=name)
        equal(switch(p, to), 101, to)
        equal(o.asked[-1], asked, to)
        p.send(b'frame')
        equal(p.recv_exact(5), b'frame')
        p.finish()
        n += 1
        named(s, n, what='upgrade', protocol=asked, result='allowed',
              bytes_toserver=5, bytes_toclient=5)
    equal(counted(s, 'upgrade', 'allowed'), 6.0)


@scenario
def switch_to_another_protocol_is_not_asked_for(s):
    o = Switcher()
    srv, server = start(s, o, upgrade=[])
    for name, to in (('good.test', 'anything'), ('good.test', 'h2c'),
                     ('good.test', 'TLS/1.0, x/1'), ('good.test', 'websock'),
                     ('good.test', 'websocket2'),
                     ('s.good.test', 'websocket')):
        p = s.tls(name=name)
        m = http.ask(p, '/x', fields=['Connection: Upgrade',
                                      'Upgrade: ' + to])
        equal((m.status, m.body), (200, b'no'), to)
        equal(o.asked[-1], None, to)
        m = http.ask(p, '/y')
        equal(m.status, 200, 'the session goes on')
        p.finish()
    equal(counted(s, 'upgrade', 'blocked'), 6.0)
    wait(lambda: len(srv.log('RESPMOD')) == 12, 'every answer shown')


@scenario
def switch_to_what_was_not_asked_for_is_refused(s):
    o = Switcher()
    start(s, o, upgrade=['websocket', 'h2x'])
    n = 0
    for name, ask, to in (('good.test', 'websocket', 'anything'),
                          ('good.test', 'websocket', 'websocket, any'),
                          ('good.test', 'websocket', ''),
                          ('good.test', 'anything', 'anything'),
                          ('s.good.test', 'websocket', 'h2x'),
                          ('s.good.test', 'h2x', 'websocket')):
        o.to = to
        p = s.tls(name=name)
        p.send(http.request('/x', fields=['Connection: Upgrade',
                                          'Upgrade: ' + ask]))
        icap.page(http.answer(p), 502)
        p.rst()
        n += 1
        e = s.d.flows(n)[n - 1]
        equal(e['clearspan']['uninspected']['result'], 'blocked')


@scenario
def switch_is_no_matter_of_a_monitor(s):
    """It changes nothing; but it is counted."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('204'), srv.url('204'), monitor=True))
    o = Switcher()
    s.serve(443, handler=o)
    p = s.tls()
    equal(switch(p, 'anything'), 101)
    equal(o.asked, ['anything'])
    p.send(b'frame')
    equal(p.recv_exact(5), b'frame')
    p.finish()
    named(s, 1, what='upgrade', protocol='anything', result='allowed',
          bytes_toserver=5, bytes_toclient=5)
