"""Urgent data of TCP (MSG_OOB): no byte of it is lost, and none stops those
behind it, wherever in what is sent it stands, whatever is done with it."""
import os
import socket

from harness import check, equal, net, peer, scenario

SIZE = 3000
SO_PEEK_OFF = 42                # socket(7); of TCP since Linux 6.9
# Each of these prefixes of n bytes ends with an urgent one.
WHERE = {'first': lambda n: [1],
         'middle': lambda n: [n // 2],
         'last': lambda n: [n],
         'several': lambda n: [1, 2, n // 3, n // 3 + 1, n]}


def send(sock, data, where):
    at = 0
    for to in WHERE[where](len(data)):
        if to > at:
            equal(sock.send(data[at:to], socket.MSG_OOB), to - at, 'sent')
            at = to
    if at < len(data):
        sock.sendall(data[at:])


def tls_urgent(p, where):
    """From now on all that p sends has urgent bytes."""
    def flush():
        data = p.bout.read()
        if data:
            send(p.sock, data, where)
    p.flush = flush
    return p


def say(p, data, where):
    if p.tls:
        tls_urgent(p, where).send(data)
    else:
        send(p.sock, data, where)
        p.sent += data


def make(tag):
    """No protocol that is known."""
    return bytes([0, tag]) + os.urandom(SIZE - 2)


def answers(where, data):
    def handler(p):
        while len(p.received) < SIZE:
            if not p.recv(SIZE - len(p.received)):
                return
        say(p, data, where)
        p.recv_all()
        p.close()
    return handler


def both_ways(s, port, connect, plain=True, **kw):
    """Each place, each direction, and a FIN right behind the last bytes."""
    for i, where in enumerate(WHERE):
        up, down = make(1), make(2)
        srv = s.serve(port + i, plain=plain, handler=answers(where, down),
                      **kw)
        p = connect(port + i)
        say(p, up, where)
        equal(p.recv_exact(SIZE), down, '%s, down' % where)
        more = make(3)
        say(p, more, where)
        p.finish()
        got = srv.wait(1)[0]
        equal(bytes(got.received), up + more, '%s, up' % where)
        equal(srv.errors, [], where)


@scenario
def urgent_bytes_pass_a_bypassed_session(s):
    s.start(record=False, rules=[{'name': 'all', 'action': 'bypass'}])
    both_ways(s, 1000, s.plain)


@scenario
def urgent_bytes_pass_a_session_that_nobody_looks_at(s):
    s.start(record=False, rules=[{'name': 'all', 'action': 'decrypt'}])
    both_ways(s, 1000, s.plain)


@scenario
def urgent_bytes_are_in_the_mirror_in_their_place(s):
    s.start()
    both_ways(s, 1000, s.plain)


@scenario
def urgent_bytes_of_tls_pass_a_decrypted_session(s):
    s.start()
    for hi, port in (('1.2', 1000), ('1.3', 1010)):
        both_ways(s, port, lambda n: s.tls(n, hi=hi), plain=False)


@scenario
def urgent_bytes_of_tls_pass_a_bypassed_session(s):
    s.start(record=False, rules=[{'name': 'all', 'action': 'bypass'}])
    both_ways(s, 1000, lambda n: s.tls(n, trust=s.pki.root), plain=False)


@scenario
def urgent_bytes_pass_a_tunnel_of_the_explicit_proxy(s):
    s.start(how=None, record=False,
            rules=[{'name': 'raw', 'port': ['1000-1009'], 'action': 'bypass'},
                   {'name': 'default', 'action': 'decrypt',
                    'mirror': ['recorder']}])
    for port in 1000, 1010:
        both_ways(s, port, lambda n: peer.Peer(s.via_proxy(net.SERVER, n)))


def peeks_past():
    """Whether the kernel shows what lies behind urgent data."""
    with socket.socket() as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, -1)
        except OSError:
            return False
    return True


@scenario
def urgent_bytes_in_a_hello_hide_nothing_of_it(s):
    """Its name decides, and the handshake goes on."""
    if not peeks_past():
        return
    s.start(record=False, **{'confirm-bypass': False},
            rules=[{'name': 'two', 'sni': 'two.test', 'action': 'bypass'},
                   {'name': 'default', 'action': 'decrypt',
                    'mirror': ['recorder']}])
    s.serve(443)
    s.serve(443, address='10.2.0.3', cert='two')
    for name, address, trust in (('good.test', net.SERVER, s.pki.ca),
                                 ('two.test', '10.2.0.3', s.pki.root)):
        for where in WHERE:
            p = peer.Peer(s.connect(443, address),
                          peer.client_context(trust), name)
            tls_urgent(p, where).handshake()
            data = os.urandom(SIZE)
            p.send(data)
            equal(p.recv_exact(SIZE), data, '%s, %s' % (name, where))
            p.finish()
    equal([f['clearspan']['rule'] for f in s.d.flows(8)],
          ['default'] * 4 + ['two'] * 4, 'rules')


@scenario
def urgent_bytes_in_a_request_hide_nothing_of_it(s):
    """To a server, by a name that a rule has; and to the proxy."""
    if not peeks_past():
        return
    s.start(record=False,
            rules=[{'name': 'named', 'host': 'good.test', 'action': 'bypass'},
                   {'name': 'default', 'action': 'decrypt',
                    'mirror': ['recorder']}])
    s.serve(80, plain=True, handler=peer.http())
    for where in WHERE:
        p = s.plain(80)
        send(p.sock, b'GET / HTTP/1.1\r\nHost: good.test\r\n\r\n', where)
        check(p.recv_until(b'hello\n').startswith(b'HTTP/1.1 200'), where)
        p.finish()
        p = peer.Peer(s.connect(net.PROXY, net.INNER))
        send(p.sock, b'CONNECT good.test:80 HTTP/1.1\r\n'
             b'Host: good.test:80\r\n\r\n', where)
        check(p.recv_until(b'\r\n\r\n').startswith(b'HTTP/1.1 200'), where)
        send(p.sock, b'GET / HTTP/1.1\r\nHost: good.test\r\n\r\n', where)
        check(p.recv_until(b'hello\n').startswith(b'HTTP/1.1 200'), where)
        p.finish()
    equal({f['clearspan']['rule'] for f in s.d.flows(8)}, {'named'}, 'rules')
