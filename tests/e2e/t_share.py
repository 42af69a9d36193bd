"""What belongs to all: no client and no server takes it from the others."""
from harness import check, net, scenario
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
