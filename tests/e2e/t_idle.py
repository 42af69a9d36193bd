"""How long a session may be silent, by its kind."""
from harness import check, equal, peer, scenario

SHORT, LONG = 'idle for 1s (', 'idle for 5s ('


def answer(p):
    """An Upgrade, and then it says nothing."""
    p.recv_until(b'\r\n\r\n')
    p.send(b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n'
           b'Upgrade: websocket\r\n\r\n')
    p.recv_all()


REQUEST = b'GET / HTTP/1.1\r\nHost: good.test\r\n\r\n'
UPGRADE = (b'GET / HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade\r\n'
           b'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
           b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')


@scenario(timeout=120)
def idle_sessions_end_by_their_kind(s):
    """HTTP soon; all else may be silent for longer. The log says which."""
    s.start(record=False, mirrors=[], timeouts={
        'idle': '1s', 'idle-stream': '5s', 'hello': '5s'}, rules=[
            {'name': 'bypass', 'port': [7], 'action': 'bypass'},
            {'name': 'never', 'host': ['never.test'], 'action': 'block'},
            {'name': 'default', 'action': 'decrypt'}])
    http = peer.http(b'x')
    for port, handler, plain in ((80, http, 1), (81, answer, 1),
                                 (9, None, 1), (443, http, 0),
                                 (444, answer, 0), (445, None, 0),
                                 (446, http, 0), (7, None, 0)):
        s.serve(port, handler=handler, plain=bool(plain),
                **({} if plain else {'alpn': ['http/1.1']}))
    kept, want = [], {}

    def begin(port, kind, say, hear, c):
        c.send(say)
        c.recv_until(hear)
        kept.append(c)
        want[port] = (SHORT if kind == 'HTTP' else LONG) + kind + ')'
    web = ['http/1.1']
    begin(80, 'HTTP', REQUEST, b'\nx', s.plain(80))
    begin(81, 'a tunnel', UPGRADE, b'\r\n\r\n', s.plain(81))
    begin(9, 'a stream', b'\1x', b'x', s.plain(9))
    begin(443, 'HTTP', REQUEST, b'\nx', s.tls(443, alpn=web))
    begin(444, 'a tunnel', UPGRADE, b'\r\n\r\n', s.tls(444, alpn=web))
    begin(445, 'a stream', b'\1x', b'x', s.tls(445))
    begin(446, 'HTTP', REQUEST, b'\nx', s.tls(446))
    begin(7, 'bypassed', b'\1x', b'x', s.tls(7, trust=s.pki.root))
    got = {f['dest_port']: f['flow']['reason'] for f in
           s.d.flows(len(want), timeout=30)}

    def same(port):
        # A busy machine is late by some seconds.
        a, b = got[port], want[port]
        n = [int(x.split()[2][:-1]) for x in (a, b)]
        return a.split('(')[1] == b.split('(')[1] and n[1] <= n[0] < (
            5 if n[1] == 1 else 99)
    equal(sorted(got), sorted(want))
    check(all(same(p) for p in want), got, want)


@scenario
def idle_http_that_nobody_reads_may_be_anything(s):
    s.start(record=False, mirrors=[], timeouts={
        'idle': '1s', 'idle-stream': '3s'},
            rules=[{'name': 'default', 'action': 'decrypt'}])
    s.serve(80, plain=True, handler=answer)
    c = s.plain(80)
    c.send(UPGRADE)
    c.recv_until(b'\r\n\r\n')
    equal(s.d.flows(1, timeout=30)[0]['flow']['reason'],
          'idle for 3s (a stream)')
