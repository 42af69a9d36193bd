"""How connections end: close_notify, FIN, half-close and RST, each way, at
each phase, carried over for what they are."""
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

from harness import Failure, PATIENCE, check, equal, icap, net, peer, proc, \
    scenario, wait


def after_all(then):
    """A server that answers when the client has ended its direction."""
    def handler(p):
        got = p.recv_all()
        p.send(b'you said %d bytes' % len(got))
        then(p)
    return handler


@scenario
def client_half_closes_plain_and_still_gets_its_reply(s):
    s.start()
    srv = s.serve(7, plain=True, handler=after_all(lambda p: p.close()))
    c = s.plain(7)
    c.send(b'question')
    c.fin()
    equal(c.recv_all(), b'you said 8 bytes')
    equal(c.eof, peer.FIN)
    equal(srv.wait(1)[0].eof, peer.FIN, 'what the server saw')
    s.same(srv, c)


@scenario
def client_half_closes_tls_and_still_gets_its_reply(s):
    s.start()
    for i, hi in enumerate(('1.2', '1.3')):
        srv = s.serve(1012 + i, handler=after_all(lambda p: p.close()),
                      hi='1.3')
        c = s.tls(1012 + i, hi=hi)
        c.send(b'question')
        c.notify()
        if hi == '1.3':         # 1.2 answers close_notify with its own
            equal(c.recv_all(), b'you said 8 bytes')
            equal(c.eof, peer.NOTIFY)
            equal(srv.wait(1)[0].eof, peer.NOTIFY, 'what the server saw')
        else:
            c.recv_all()
            equal(srv.wait(1)[0].eof, peer.NOTIFY, 'what the server saw')


@scenario
def client_ends_with_notify_and_fin(s):
    s.start()
    srv = s.serve(443, handler=after_all(lambda p: p.close()))
    c = s.tls()
    c.send(b'question')
    c.notify()
    c.fin()
    equal(c.recv_all(), b'you said 8 bytes')
    s.same(srv, c)


@scenario
def client_ends_without_close_notify(s):
    """A FIN without close_notify is the end all the same."""
    s.start()
    srv = s.serve(443, handler=peer.sink)
    c = s.tls()
    c.send(b'truncated?')
    c.fin()
    p = srv.wait(1)[0]
    equal(bytes(p.received), b'truncated?')
    check(p.eof in (peer.FIN, peer.NOTIFY), p.eof)
    c.recv_all()
    s.same(srv, c)


@scenario
def server_ends_first(s):
    s.start()

    def handler(p):
        p.recv_exact(4)
        p.send(b'goodbye')
        p.notify()
        p.fin()
        p.recv_all()            # what the client says after
        p.sock.close()
    srv = s.serve(443, handler=handler)
    c = s.tls()
    c.send(b'helo')
    equal(c.recv_all(), b'goodbye')
    equal(c.eof, peer.NOTIFY, 'what the client saw')
    c.send(b' and yet')
    c.notify()
    c.fin()
    p = srv.wait(1)[0]
    equal(bytes(p.received), b'helo and yet')
    s.same(srv, c)


@scenario
def server_half_closes_plain_first(s):
    s.start()

    def handler(p):
        p.recv_exact(4)
        p.send(b'goodbye')
        p.fin()
        p.recv_all()
        p.sock.close()
    srv = s.serve(7, plain=True, handler=handler)
    c = s.plain(7)
    c.send(b'helo')
    equal(c.recv_all(), b'goodbye')
    c.send(b' and yet')
    c.fin()
    equal(bytes(srv.wait(1)[0].received), b'helo and yet')
    s.same(srv, c)


@scenario
def server_ends_without_close_notify(s):
    """The client must be able to tell a truncation from an end."""
    s.start()

    def handler(p):
        p.recv_exact(4)
        p.send(b'half a')
        p.fin()
        p.recv_all()
        p.sock.close()
    srv = s.serve(443, handler=handler)
    c = s.tls()
    c.send(b'helo')
    equal(c.recv_all(), b'half a')
    check(c.eof in (peer.FIN, peer.RST), 'an end in order was made up:',
          c.eof)
    c.finish()
    s.same(srv, c)


# --- RST

def closed_by_reset(s, st):
    check(st.up.rst or st.down.rst, 'no RST on the mirror:', st)
    equal(st.problems, [])


@scenario
def peers_03_rst_from_the_client_with_data_under_way(s):
    s.start()
    for i, plain in enumerate((False, True)):
        srv = s.serve(1443 + i, plain=plain)
        c = s.plain(1443 + i) if plain else s.tls(1443 + i)
        c.send(b'x' * 1000)
        c.recv_exact(1000)
        c.rst()
        p = srv.wait(1)[0]
        equal(p.eof or peer.RST, peer.RST, 'what the server saw')
    st = s.rec.streams(2)
    equal(len(st), 2)
    for x in st:
        closed_by_reset(s, x)
        check(x.up.rst, 'the RST is not the client\'s')
        equal(bytes(x.up.data), b'x' * 1000)
    for f in s.d.flows(2):
        check('reset' in f['flow']['reason'], f['flow'])


@scenario
def peers_03_rst_from_the_server_with_data_under_way(s):
    s.start()

    def handler(p):
        p.recv_exact(4)
        p.send(b'part')
        got.wait(peer.RAW_TIMEOUT)
        p.rst()
    for i, plain in enumerate((False, True)):
        got = threading.Event()
        s.serve(1443 + i, handler=handler, plain=plain)
        c = s.plain(1443 + i) if plain else s.tls(1443 + i)
        c.send(b'helo')
        equal(c.recv_exact(4), b'part')
        got.set()
        c.recv_all()
        equal(c.eof, peer.RST, 'what the client saw')
    for x in s.rec.streams(2):
        closed_by_reset(s, x)
        check(x.down.rst, 'the RST is not the server\'s')


@scenario
def peers_03_rst_from_the_client_at_each_phase(s):
    """Before the hello, in it, after it, in the handshake's middle."""
    s.start()
    srv = s.serve(443)
    ctx = peer.client_context(s.pki.ca)

    def begin(n):
        p = peer.Peer(s.connect(443), ctx, 'good.test')
        try:
            p.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        d = p.bout.read()
        p.sock.sendall(d[:n] if n else d)
        return p
    peer.Peer(s.connect(443)).rst()
    begin(3).rst()
    begin(100).rst()
    begin(None).rst()
    p = begin(None)
    p.pull()
    p.rst()
    p = begin(None)
    p.pull()
    p.sock.close()
    # The first few may end before anything is known of them; all must end.
    s.d.flows(3)
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0,
         'no session open')
    c = s.exchange(b'alive')
    equal(bytes(c.received), b'alive')
    check(srv is not None)
    for x in s.rec.streams():
        equal(x.problems, [])


@scenario
def peers_03_rst_from_the_server_at_each_phase(s):
    s.start()

    def at_once(p):
        p.rst()

    def after_hello(p):
        p.recv()
        p.rst()

    def in_the_middle(p):
        p.recv()
        p.send(b'\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03')
        s.taken(p)
        p.rst()
    for i, handler in enumerate((at_once, after_hello, in_the_middle)):
        s.serve(1443 + i, handler=handler, plain=True)
        try:
            s.tls(1443 + i)
            raise Failure('a handshake with nobody')
        except (ssl.SSLError, OSError):
            pass
    for f in s.d.flows(3):
        check(f['flow']['reason'], f)
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0,
         'no session open')


@scenario
def peers_03_half_close_each_way_with_bulk(s):
    """The direction that is left goes on at full size."""
    s.start()
    big = bytes(range(256)) * 8192          # 2 MiB

    def reply(p):
        p.recv_all()
        p.send(big)
        p.close()

    def first(p):
        p.notify()
        p.fin()
        p.recv_all()
        p.sock.close()
    a, b = s.serve(1443, handler=reply), s.serve(1444, handler=first)
    c = s.tls(1443)
    c.send(b'give')
    c.notify()
    c.fin()
    equal(c.recv_all(), big, 'down after the client\'s end')
    d = s.tls(1444)
    equal(d.recv_all(), b'')
    d.send(big)
    d.notify()
    d.fin()
    equal(bytes(b.wait(1)[0].received), big, 'up after the server\'s end')
    a.wait(1)
    s.mirrored([(bytes(x.sent), bytes(x.received)) for x in (c, d)])


@scenario
def both_ends_at_the_same_time(s):
    s.start()

    def handler(p):
        p.send(b'down')
        p.close()
    srv = s.serve(443, handler=handler)
    made = []
    for i in range(20):
        c = s.tls()
        c.send(b'up')
        # The server may have closed with `up` unread, which is an RST to us.
        made.append(c.finish())
    st = s.rec.streams(20)
    equal(len(st), 20)
    for x in st:
        equal(x.problems, [])
    check(len(srv.peers) == 20)


@scenario
def renegotiation_and_key_update(s):
    """A TLS 1.3 key update in mid-stream is none of the bytes."""
    s.start()
    p = s.spawn(s.server, 'openssl', 's_server', '-accept', '10.2.0.2:443',
                '-cert', s.pki.f('good.pem'), '-key', s.pki.f('good.key'),
                '-rev', '-quiet', name='s_server')
    from harness.proc import wait_port
    wait_port(s.server, 443, p)
    c = s.spawn(s.client, 'openssl', 's_client', '-connect',
                'v4.good.test:443', '-CAfile', s.pki.ca, '-tls1_3',
                stdin=subprocess.PIPE)
    for said, answer in (('one', 'eno'), ('k', 'KEYUPDATE'), ('two', 'owt'),
                         ('Q', 'DONE')):
        c.p.stdin.write(said.encode() + b'\n')
        c.p.stdin.flush()
        c.wait_log(answer)
    st = s.rec.streams(1)
    equal(bytes(st[0].up.data), b'one\ntwo\n')
    equal(st[0].problems, [])


@scenario
def last_bytes_and_rst_in_one_wake(s):
    """What comes with its RST behind it at once: all bytes may be lost by
    TCP's own rules, but the end must not be."""
    s.start()

    def handler(p):
        p.recv_exact(4)
        # While the gateway sleeps, data and RST arrive together.
        os.kill(s.d.pid, signal.SIGSTOP)
        p.send(b'last words')
        wait(lambda: peer.unacked(p.sock) == 0, 'the words arrived')
        p.rst()
        wait(lambda: proc.connections(s.gateway, port) == 0, 'so did the RST')
        os.kill(s.d.pid, signal.SIGCONT)
    for i, plain in enumerate((True, False)):
        port = 1443 + i
        s.serve(port, handler=handler, plain=plain)
        c = s.plain(port) if plain else s.tls(port)
        c.send(b'helo')
        c.recv_all()
        equal(c.eof, peer.RST, 'what the client saw')
    s.d.flows(2)


@scenario
def a_reset_after_close_notify_takes_nothing_from_a_slow_client(s):
    s.start(record=False)
    data = os.urandom(120000)       # fits into what the gateway may hold

    def handler(p):
        p.recv_exact(4)
        p.send(data)
        p.notify()
        wait(lambda: peer.unacked(p.sock) == 0, 'all is sent')
        p.rst()
    srv = s.serve(443, handler=handler)
    with s.client:
        sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sock.connect((net.SERVER, 443))
    c = s.tls(sock=sock)
    c.send(b'data')
    srv.wait(1)
    # The reset is seen, and must do nothing.
    wait(lambda: proc.connections(s.gateway, 443) == 0, 'the reset')
    s.quiet()
    equal(c.recv_all(), data)
    equal(c.eof, peer.NOTIFY)


@scenario
def client_reset_is_seen_during_the_handshake_with_the_server(s):
    """Its hello lies unread before the reset."""
    s.start(record=False, timeouts={'handshake': '60s'})
    srv = s.serve(443, plain=True, handler=lambda p: p.recv_all())
    c = peer.Peer(s.connect(443), peer.client_context(s.pki.ca), 'good.test')
    try:
        c.tls.do_handshake()
    except ssl.SSLWantReadError:
        c.flush()
    wait(lambda: srv.peers and srv.peers[0].received, 'our hello')
    c.rst()
    equal(s.d.flows(1)[0]['flow']['reason'], 'client reset the connection')


@scenario
def a_slow_upload_into_a_tap_that_holds_is_not_idle(s):
    """Nothing is written on until the whole of it is there."""
    srv = icap.Script(s)
    icap.start(s, icap.service(reqmod=srv.url('echo'), preview='off'),
               record=False, timeouts={'idle': '4s', 'idle-stream': '4s'},
               rules=[{'name': 'default', 'action': 'decrypt', 'mirror': [],
                       'icap': ['scan']}])
    s.serve(443, handler=peer.http(b'taken'))
    c = s.tls()
    c.send(b'POST /up HTTP/1.1\r\nHost: good.test\r\n'
           b'Content-Length: 20000\r\n\r\n')
    for i in range(20):
        c.send(b'x' * 1000)
        time.sleep(0.3)         # 6 s in all: longer than idle, each shorter
    check(c.recv_until(b'taken').startswith(b'HTTP/1.1 200'))


def stream(p, n):
    """Many small records as fast as they go; then a pause, and one more."""
    for i in range(n):
        p.send(b'%05d' % i + b'.' * (i % 900))
    time.sleep(0.3)     # the pause itself; how long does not matter
    p.send(b'END')


def streamed(n):
    return b''.join(b'%05d' % i + b'.' * (i % 900) for i in range(n)) + b'END'


@scenario
def a_stream_of_small_records_is_not_held_at_its_end(s):
    """The kernel is told to wait for more of it at once (net/conn.c); what comes
    last, and questions and answers after it, are passed on all the same,
    though nobody closes."""
    s.start()
    n, want = 3000, streamed(3000)

    def handler(p):
        equal(p.recv_exact(len(want)), want, 'at the server')
        stream(p, n)
        while p.recv_exact(4) == b'ping':
            p.send(b'pong')
        p.close()
    for plain in (True, False):
        srv = s.serve(7 if plain else 443, plain=plain, handler=handler)
        c = s.plain(7) if plain else s.tls()
        stream(c, n)
        equal(c.recv_exact(len(want)), want, 'at the client')
        start = time.monotonic()
        for i in range(200):
            c.send(b'ping')
            equal(c.recv_exact(4), b'pong')
        check(time.monotonic() - start < 5 * PATIENCE,
              'each waited for a tick')
        c.send(b'over')
        c.finish()


@scenario
def a_reset_in_a_stream_of_small_records_is_a_reset(s):
    s.start()
    want = streamed(3000)

    def handler(p):
        stream(p, 3000)
        p.recv_exact(4)
        p.rst()
    srv = s.serve(7, plain=True, handler=handler)
    c = s.plain(7)
    equal(c.recv_exact(len(want)), want)
    c.send(b'over')
    equal(c.recv_all(), b'')
    equal(c.eof, peer.RST)
    srv.wait(1)
