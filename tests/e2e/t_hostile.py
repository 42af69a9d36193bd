"""What clumsy and hostile peers do: stop in the middle, speak out of turn,
ask for what is not theirs."""
import socket
import threading
import time

from harness import PATIENCE, check, equal, icap, net, peer, programs, \
    scenario, wait
from t_reach import by_tunnel

CATCH_ALL = {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}


def proxy(s):
    return peer.Peer(s.connect(net.PROXY, net.INNER))


def ask(s, text):
    """What the proxy answers to this, up to the end of the head."""
    c = proxy(s)
    c.send(text.encode())
    try:
        return c.recv_until(b'\r\n\r\n')
    finally:
        c.sock.close()


def status(s, text):
    return ask(s, text).split(b' ')[1]


@scenario
def bypassed_sessions_are_no_handshakes_any_more(s):
    """limits.handshakes counts those under way, not what came of them."""
    s.start(record=False, workers=1, limits={'handshakes': 4},
            on={'untrusted-server': 'bypass'})
    s.serve(443, cert='self')
    held = []
    for i in range(8):
        held.append(s.tls(verify=False))
        held[-1].send(b'x')
        held[-1].recv_exact(1)
    check('accepting paused' not in s.d.text(), 'accepting was paused')
    for c in held:
        c.sock.close()


@scenario
def a_short_word_in_a_tunnel_is_waited_for(s):
    """It may be the beginning of HTTP, and need not be."""
    s.start(record=False)
    s.serve(7, plain=True)
    c = peer.Peer(s.via_proxy(net.SERVER, 7))
    c.send(b'PIN')
    s.silence(c, 0.3)
    c.send(b'G\n')
    equal(c.recv_exact(5), b'PING\n')


@scenario
def half_a_hello_in_a_tunnel_has_its_time(s):
    """timeouts.hello holds behind CONNECT, too."""
    s.start(record=False, timeouts={'hello': '1s'})
    s.serve(443)
    sock = s.via_proxy(net.SERVER, 443)
    start = time.monotonic()
    sock.sendall(b'\x16\x03\x01\x02')
    sock.settimeout(15 * PATIENCE)
    equal(sock.recv(100), b'\x15\x03\x03\x00\x02\x02\x32', 'decode_error')
    equal(peer.reset_wait(sock, 5 * s.slow), peer.FIN)
    check(time.monotonic() - start < 4 * s.slow * PATIENCE, 'too late')
    # And though the client does not end, the session does.
    equal(len(s.d.flows(1)), 1)


@scenario
def a_server_that_speaks_into_half_a_hello(s):
    """Then it is none, and single bytes pass (SO_RCVLOWAT is back)."""
    said = []

    def handler(p):
        wait(lambda: said, 'half a hello')
        p.send(b'hello?')
        peer.echo(p)
    s.start()
    srv = s.serve(7, plain=True, handler=handler)
    c = peer.Peer(s.via_proxy(net.SERVER, 7))
    c.send(b'\x16')
    s.taken(c)
    said.append(1)
    equal(c.recv_exact(7), b'hello?\x16')
    for i in range(3):
        c.send(b'%d' % i)
        equal(c.recv_exact(1), b'%d' % i)
    s.same(srv, c.finish())


@scenario
def a_block_page_for_a_bad_server(s):
    s.start(record=False, on={'untrusted-server': 'block'})
    s.serve(443, cert='self', handler=peer.http())
    for hi in ('1.2', '1.3'):
        r = programs.curl(s, '-4', '-k', '-i', '--http1.1', '--tls-max', hi,
                          'https://good.test/')
        check(r.text.startswith('HTTP/1.1 403'), r.text, r.errors)


@scenario
def the_proxy_does_not_lead_into_itself(s):
    """Nor to what else listens here for others, however it is written."""
    s.start(record=False, mirrors=[
        {'name': 'recorder', 'pcap-over-ip': '127.0.0.1:57012'}])
    for to in ('10.1.0.1:8080', '[::ffff:10.1.0.1]:8080', '0.0.0.0:8080',
               '[::]:8080', '127.0.0.1:8443', '[::1]:8443',
               '127.0.0.1:57012', '0.0.0.0:57012', 'localhost:57012',
               '[::ffff:127.0.0.1]:57012', '127.0.0.1:9911',
               '[::ffff:127.0.0.1]:9911', '0.0.0.0:9911'):
        equal(status(s, 'CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n' % to), b'403',
              to)
    equal(status(s, 'GET http://127.0.0.1:9911/metrics HTTP/1.1\r\n'
                 'Host: x\r\n\r\n'), b'403')


@scenario
def rules_of_servers_hold_in_explicit_mode(s):
    """For a name, an address and an address in IPv6's clothes; for CONNECT
    and for plain HTTP."""
    s.start(record=False, rules=[
        {'name': 'forbidden', 'server': [net.SERVER + '/32'],
         'action': 'block'}, CATCH_ALL])
    srv = s.serve(80, handler=peer.http(), plain=True)
    tls = s.serve(443)
    for host in ('v4.good.test', net.SERVER, '[::ffff:%s]' % net.SERVER):
        text = ask(s, 'GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n' % host)
        check(text.startswith(b'HTTP/1.1 403'), host, text)
    for host in (net.SERVER, '[::ffff:%s]' % net.SERVER):
        equal(by_tunnel(s.connect(net.PROXY, net.INNER), host.strip('[]'),
                        443)[0], b'403', host)
    equal([bytes(p.received) for p in srv.peers if p.received], [])
    equal([bytes(p.received) for p in tls.peers if p.received], [])
    for f in s.d.flows(5):
        equal(f['clearspan']['rule'], 'forbidden')


@scenario(timeout=90)
def a_body_not_read_yet_is_no_request(s):
    """A server may answer before it has read the whole request. What of it
    waits to be sent there is still its body when another server is asked."""
    s.start(record=False)
    go = threading.Event()

    def slow(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly')
        go.wait(30)
        while p.sock.recv(3000):
            time.sleep(0.001)   # slowly
        p.sock.close()

    first = peer.Serve(s.server, 81, slow)
    first.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    second = s.serve(82, handler=peer.http(b'second\n'), plain=True)
    c = proxy(s)
    evil = b'GET http://v4.good.test:82/evil HTTP/1.1\r\nHost: x\r\n\r\n'
    body = evil * (3000000 // len(evil))
    c.send(b'POST http://v4.good.test:81/ HTTP/1.1\r\nHost: x\r\n'
           b'Content-Length: %d\r\n\r\n' % len(body))
    equal(c.recv_until(b'early')[-5:], b'early')
    go.set()
    c.send(body + b'GET http://v4.good.test:82/good HTTP/1.1\r\n'
           b'Host: x\r\nConnection: close\r\n\r\n')
    head = c.recv_until(b'second\n')
    check(b'200 OK' in head, head)
    c.sock.close()
    check(all(b'/evil' not in p.received for p in second.peers),
          'the body was taken for a request')


@scenario
def a_fin_behind_a_request_for_another_server_arrives(s):
    s.start(record=False)
    s.serve(81, handler=peer.http(b'one\n'), plain=True)
    s.serve(82, handler=peer.http(b'two\n'), plain=True)
    c = proxy(s)
    c.send(b'GET http://v4.good.test:81/ HTTP/1.1\r\nHost: x\r\n\r\n')
    c.recv_until(b'one\n')
    c.send(b'GET http://v4.good.test:82/ HTTP/1.1\r\n')
    s.taken(c)
    c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    c.send(b'Host: x\r\n\r\n')
    c.fin()                     # in the same segment
    check(c.recv_all().endswith(b'two\n'), 'no answer')
    equal(c.eof, peer.FIN)


@scenario
def a_refused_upload_ends_with_its_page(s):
    """The client is still sending when the answer is there: closing at once
    would reset it, and take the page away."""
    icap.start(s, icap.service(reqmod='icap://127.0.0.1:1344/nobody'),
               record=False)
    s.serve(443, handler=peer.http())
    c = s.tls()
    c.send(b'POST /up HTTP/1.1\r\nHost: good.test\r\n'
           b'Content-Length: 4000000\r\n\r\n')
    for i in range(40):
        c.send(b'x' * 100000)
        time.sleep(0.01)        # still sending when the answer is there
    got = c.recv_all()
    check(got.startswith(b'HTTP/1.1 5') and got.endswith(b'"clearspan"}\n'), got)
    check(c.eof != peer.RST, 'reset behind its page')


def refuser(s, port=1344):
    """An ICAP server that refuses whatever it is shown, from its head."""
    page = b'<p>no</p>'
    head = (b'HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n'
            b'Content-Length: %d\r\n\r\n' % len(page))
    answer = (b'ICAP/1.0 200 OK\r\nISTag: "a"\r\nEncapsulated: res-hdr=0, '
              b'res-body=%d\r\n\r\n%s%x\r\n%s\r\n0\r\n\r\n' %
              (len(head), head, len(page), page))
    options = (b'ICAP/1.0 200 OK\r\nMethods: %s\r\nISTag: "a"\r\n'
               b'Preview: 0\r\nAllow: 204\r\nEncapsulated: null-body=0\r\n'
               b'\r\n')

    def talk(p):
        while True:
            ask = p.recv_until(b'\r\n\r\n')
            if ask.startswith(b'OPTIONS'):
                p.send(options % ask.split()[1].split(b'/')[-1].upper())
                continue
            while not p.pending.endswith(b'0\r\n\r\n'):
                p.pending += p.recv()
            p.pending = b''
            p.send(answer)
    return peer.Serve(s.gateway, port, talk, address='127.0.0.1')


@scenario
def a_refused_response_without_end_holds_nobody_up(s):
    def endless(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\n\r\n')
        while True:
            p.send(b'y' * 65536)
    refuser(s)
    icap.start(s, icap.service(respmod='icap://127.0.0.1:1344/respmod'),
               record=False, workers=1)
    s.serve(80, handler=endless, plain=True)
    c = s.plain(80)
    c.send(b'GET / HTTP/1.1\r\nHost: good.test\r\n\r\n')
    check(c.recv_until(b'<p>no</p>').startswith(b'HTTP/1.1 403'))
    s.serve(7, plain=True)
    o = s.plain(7)
    o.send(b'x')
    equal(o.recv_exact(1), b'x')
    equal(c.recv_all(), b'')
