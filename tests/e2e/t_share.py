"""What belongs to all: no client and no server takes it from the others."""
import socket
import struct

from harness import check, equal, net, peer, scenario
from harness.proc import wait
from t_hello import hello

OTHER_CLIENT, OTHER_SERVER = '10.1.0.3', '10.2.0.3'
LIMIT = 8


def start(s):
    """Room for few handshakes, which may take long."""
    return s.start(record=False, workers=1, limits={'handshakes': LIMIT},
                   timeouts={'handshake': '60s', 'hello': '60s',
                             'linger': '1s'},
                   rules=[{'name': 'default', 'action': 'decrypt'}])


def served(s, n=3):
    """A client of its own is served as if nobody else were there."""
    for _ in range(n):
        s.exchange(sock=s.connect(443, net.SERVER, (OTHER_CLIENT, 0)))


def begun(s, n, address, source=(net.CLIENT, 0)):
    """n clients that say hello, and no more."""
    raw = hello(s, 0)[3]
    out = []
    for _ in range(n):
        sock = s.connect(443, address, source)
        sock.sendall(raw)
        out.append(sock)
    return out


def under_way(s, n):
    wait(lambda: s.d.ctl('counters')['handshaking'] == n,
         '%d handshakes under way' % n, 10 * s.slow)


def silent(p):
    """A server that accepts, and says nothing."""
    while p.sock.recv(65536):
        pass


@scenario
def a_silent_server_does_not_take_all_handshakes(s):
    d = start(s)
    s.serve(443)
    s.serve(443, silent, plain=True, address=OTHER_SERVER)
    held = begun(s, 2 * LIMIT, OTHER_SERVER)
    under_way(s, LIMIT // 2)
    served(s)
    check(d.ctl('counters')['handshaking'] <= LIMIT // 2, 'over its share')
    for c in held:
        c.close()


@scenario
def clients_that_ignore_our_hello_do_not_take_all_handshakes(s):
    d = start(s)
    s.serve(443)
    held = begun(s, 2 * LIMIT, net.SERVER)
    for c in held[:LIMIT // 2]:         # as many as may, to the ServerHello
        check(c.recv(1), 'no ServerHello')
    served(s)
    # And its own next one has its turn when one that stalled gives way.
    s.exchange()
    check(d.metric('clearspan_handshakes_gave_way_total') > 0,
          'none gave way')
    reasons = [f['flow']['reason'] for f in d.flows(4)]
    check(any('stalled while limits.handshakes' in r for r in reasons),
          reasons)
    for c in held:
        c.close()


@scenario
def two_silent_servers_and_many_clients_give_way(s):
    """No share is full, but all there is: the oldest goes."""
    d = start(s)
    s.serve(443)
    s.serve(443, silent, plain=True, address=OTHER_SERVER)
    s.serve(443, silent, plain=True, address=net.SERVER6)
    held = begun(s, LIMIT // 2, OTHER_SERVER)
    held += begun(s, LIMIT // 2, net.SERVER6, None)
    under_way(s, LIMIT)
    served(s)
    check(d.metric('clearspan_handshakes_gave_way_total') > 0,
          'none gave way')
    for c in held:
        c.close()


# --- on: overload

ROOM = 4
WHY = 'limits.handshakes are under way'
BODY = bytes(range(256)) * 1000


def full(s):
    """All the room is taken by two silent servers and two clients."""
    held = begun(s, ROOM // 2, OTHER_SERVER)
    held += begun(s, ROOM // 2, net.SERVER6, None)
    under_way(s, ROOM)
    return held


def let_go(s, held):
    for c in held:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack('ii', 1, 0))
        c.close()
    under_way(s, 0)


def curl(s, trust):
    return ('curl', '-sS', '--max-time', '30', '--interface', OTHER_CLIENT,
            '--cacert', trust, '--resolve', 'good.test:443:' + net.SERVER,
            'https://good.test/')


def crowded(s, trust):
    """What curl gets when there is no room; and its session in the log."""
    held = full(s)
    n = len([f for f in s.d.events() if f['src_ip'] == OTHER_CLIENT])
    r = s.run(s.client, *curl(s, trust))
    f = wait(lambda: [f for f in s.d.events()
                      if f['src_ip'] == OTHER_CLIENT][n:], 'its session')[0]
    let_go(s, held)
    return r, f


def overloads(s, on):
    s.start(record=False, workers=1, limits={'handshakes': ROOM},
            on={'overload': on}, timeouts={'handshake': '60s', 'linger': '1s'})
    s.serve(443, handler=peer.http(BODY))
    s.serve(443, silent, plain=True, address=OTHER_SERVER)
    s.serve(443, silent, plain=True, address=net.SERVER6)


def crowded_is(s, on, trust, kind):
    """Those that hold the room give way after a second, so that one that comes
    later than that is decrypted; try again then."""
    overloads(s, on)

    def so():
        r, f = crowded(s, trust)
        if f['clearspan']['action'] == 'decrypt':
            return None
        equal([f['clearspan']['action'], f['clearspan']['why']], [kind, WHY])
        return r, f
    return wait(so, 'that it is crowded', 30 * s.slow)


@scenario
def overload_waits(s):
    """Until one of those under way has gone; then it is as ever."""
    overloads(s, 'wait')
    held = full(s)
    p = s.spawn(s.client, *curl(s, s.pki.ca), '-o', s.path('got'), name='curl')
    wait(lambda: s.d.text().count("-> waiting for a handshake's turn") > ROOM,
         'that it waits')
    let_go(s, held)
    equal(p.p.wait(30 * s.slow), 0)
    equal(open(s.path('got'), 'rb').read(), BODY)
    f = [f for f in s.d.flows(ROOM + 1) if f['src_ip'] == OTHER_CLIENT][0]
    equal([f['clearspan']['action'], f['clearspan'].get('why')],
          ['decrypt', None])


@scenario(timeout=120)
def overload_bypasses(s):
    """The server's own certificate, and its bytes."""
    r, f = crowded_is(s, 'bypass', s.pki.root, 'bypass')
    equal([r.code, r.out], [0, BODY])
    equal(s.d.metric('clearspan_undecrypted_total', reason='overload') >= 1,
          True)


@scenario(timeout=120)
def overload_blocks(s):
    """By a reset, at once."""
    r, f = crowded_is(s, 'block', s.pki.ca, 'block')
    equal([r.code, r.out], [35, b''])
    check('reset by peer' in r.errors, r.errors)
    equal(f['flow']['reason'], 'overload: ' + WHY)


@scenario
def no_room_for_a_connection_is_waited_for_whatever_overload_says(s):
    """limits.connections: the client is accepted when another has gone."""
    s.start(record=False, workers=1, limits={'connections': 2},
            on={'overload': 'block'})
    s.serve(443, handler=peer.http(BODY))
    s.serve(7, plain=True)
    held = [s.plain(7) for _ in range(2)]
    for c in held:
        c.send(b'x')
        equal(c.recv_exact(1), b'x')
    p = s.spawn(s.client, *curl(s, s.pki.ca), '-o', s.path('got'), name='curl')
    wait(lambda: 'limits.connections are open' in s.d.text(), 'in the log')
    check(p.alive(), p.text())
    held[0].finish()
    equal(p.p.wait(30 * s.slow), 0)
    equal(open(s.path('got'), 'rb').read(), BODY)
    held[1].finish()
