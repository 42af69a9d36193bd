"""Explicit mode: CONNECT, absolute-form HTTP and SOCKS5 on one port."""
import socket
import struct
import threading

from harness import PATIENCE, check, equal, icap, net, peer, programs, \
    scenario, wait


def proxy(s, address=net.INNER):
    return peer.Peer(s.connect(net.PROXY, address))


def get(path, host='plain.test', more=''):
    return ('GET http://%s%s HTTP/1.1\r\nHost: %s\r\n%s\r\n' %
            (host, path, host, more)).encode()


@scenario
def connect_by_name_and_by_address(s):
    s.start()
    srv = s.serve(443)
    six = s.serve(443, address=net.SERVER6)
    made = []
    for host in ('v4.good.test', net.SERVER):
        made.append(s.exchange(b'to ' + host.encode(), name='good.test',
                               sock=s.via_proxy(host, 443)))
    for host in ('v6.good.test', '[%s]' % net.SERVER6):
        made.append(s.exchange(b'to ' + host.encode(), name='good.test',
                               sock=s.via_proxy(host, 443)))
    srv.wait(2)
    six.wait(2)
    st = s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])
    equal(st[0].key[0], net.CLIENT, 'client on the mirror')
    equal(st[0].key[2:], (net.SERVER, 443), 'server on the mirror')
    f = s.d.flows(4)[0]
    equal(f['clearspan']['listener'], 'proxy')
    equal(f['clearspan']['mode'], 'explicit')


@scenario
def connect_to_plain_traffic_is_joined_through(s):
    s.start()
    srv = s.serve(2222, plain=True,
                  handler=lambda p: (p.send(b'SSH-2.0-little\r\n'),
                                     peer.echo(p)))
    sock = s.via_proxy(net.SERVER, 2222)
    c = peer.Peer(sock)
    equal(c.recv_until(b'\n'), b'SSH-2.0-little\r\n')
    c.send(b'SSH-2.0-client\r\n')
    c.recv_until(b'client\r\n')
    s.same(srv, c.finish())


@scenario
def connect_with_the_hello_in_the_same_segment(s):
    """A client may send its ClientHello before the 200."""
    s.start()
    srv = s.serve(443)
    import ssl
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    o = peer.client_context(s.pki.ca).wrap_bio(a, b,
                                               server_hostname='good.test')
    try:
        o.do_handshake()
    except ssl.SSLWantReadError:
        pass
    sock = s.connect(net.PROXY, net.INNER)
    sock.sendall(b'CONNECT v4.good.test:443 HTTP/1.1\r\nHost: x\r\n\r\n' +
                 b.read())
    got = b''
    while b'\r\n\r\n' not in got:
        got += sock.recv(1)
    check(got.startswith(b'HTTP/1.1 200'), got)
    c = peer.Peer(sock)
    c.tls, c.bin, c.bout = o, a, b
    c.handshake()
    c.send(b'early bird')
    c.recv_exact(10)
    s.same(srv, c.finish())


@scenario
def names_of_both_families_are_raced(s):
    """RFC 8305: a dead IPv6 does not hold up a living IPv4."""
    import time
    s.start()
    s.server.run('nft', '-f', '-', input='table ip6 t { chain c { type filter'
                 ' hook input priority 0; tcp dport 443 drop; }; }\n')
    srv = s.serve(443)
    start = time.monotonic()
    c = s.exchange(b'x', sock=s.via_proxy('good.test', 443))
    check(time.monotonic() - start < 2 * s.slow * PATIENCE, 'not raced')
    s.same(srv, c)


def dns_server(s, answers):
    """A name server of a few names on 10.2.0.2; counts the questions."""
    with s.server:
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.bind((net.SERVER, 53))
    asked = []

    def loop():
        while True:
            q, who = u.recvfrom(2048)
            i, labels = 12, []
            while q[i]:
                labels.append(q[i + 1:i + 1 + q[i]])
                i += q[i] + 1
            kind, = struct.unpack('>H', q[i + 1:i + 3])
            name = b'.'.join(labels).decode().lower()
            asked.append((name, kind))
            addr = answers.get(name, {}).get(kind)
            flags = 0x8180 if name in answers else 0x8183
            body = b''
            if addr:
                family = socket.AF_INET if kind == 1 else socket.AF_INET6
                raw = socket.inet_pton(family, addr)
                body = struct.pack('>HHHIH', 0xc00c, kind, 1, 60,
                                   len(raw)) + raw
            u.sendto(q[:2] + struct.pack('>HHHHH', flags, 1, 1 if addr else 0,
                                         0, 0) + q[12:i + 5] + body, who)
    threading.Thread(target=loop, daemon=True).start()
    return asked


@scenario
def names_come_from_the_name_server(s):
    asked = dns_server(s, {'only.dns': {1: net.SERVER},
                           'six.dns': {28: net.SERVER6}})
    s.start()
    srv = s.serve(443)
    six = s.serve(443, address=net.SERVER6)
    a = s.exchange(b'four', name='good.test', sock=s.via_proxy('only.dns',
                                                               443))
    b = s.exchange(b'six', name='good.test', sock=s.via_proxy('six.dns', 443))
    srv.wait(1)
    six.wait(1)
    s.mirrored([(bytes(x.sent), bytes(x.received)) for x in (a, b)])
    check(('only.dns', 1) in asked and ('only.dns', 28) in asked, asked)


@scenario
def unknown_name_is_a_502_that_says_so(s):
    dns_server(s, {})
    s.start()
    c = proxy(s)
    c.send(b'CONNECT nowhere.dns:443 HTTP/1.1\r\nHost: nowhere.dns\r\n\r\n')
    text = c.recv_all()
    check(text.startswith(b'HTTP/1.1 502 '), text)
    check(b'name not found' in text, text)
    c = proxy(s)
    c.send(get('/', 'nowhere.dns'))
    text = c.recv_until(b'\r\n\r\n')
    check(text.startswith(b'HTTP/1.1 502 '), text)


@scenario
def refused_origin_is_a_502_that_says_so(s):
    s.start()
    for head in (b'CONNECT 10.2.0.2:4444 HTTP/1.1\r\nHost: x\r\n\r\n',
                 get('/', '10.2.0.2:4444')):
        c = proxy(s)
        c.send(head)
        text = c.recv_until(b'\r\n\r\n')
        check(text.startswith(b'HTTP/1.1 502 '), text)
        n = [int(x.split(b':')[1]) for x in text.lower().split(b'\r\n')
             if x.startswith(b'content-length')]
        body = c.recv_exact(n[0]) if n else c.recv_all()
        check(b'refused' in (text + body).lower(), text + body)


@scenario
def nonsense_is_a_400(s):
    s.start()
    for junk in (b'CONNECT HTTP/1.1\r\n\r\n', b'GET / HTTP/1.1\r\n\r\n',
                 b'\x00\x01\x02\x03\r\n\r\n', b'CONNECT a:b HTTP/1.1\r\n\r\n',
                 b'GET http:// HTTP/1.1\r\n\r\n'):
        c = proxy(s)
        c.send(junk)
        text = c.recv_all()
        check(not text or text.startswith(b'HTTP/1.1 4') or
              text.startswith(b'HTTP/1.1 5'), junk, text)
    srv = s.serve(443)
    s.same(srv, s.exchange(b'alive', sock=s.via_proxy('v4.good.test', 443)))


@scenario
def only_those_allowed_may_use_it(s):
    s.start(listen=[{'name': 'proxy', 'mode': 'explicit',
                     'address': '10.1.0.1:8080', 'allow': ['10.1.0.3/32']}],
            how=None)
    srv = s.serve(443)
    try:
        c = proxy(s)
        c.send(b'CONNECT 10.2.0.2:443 HTTP/1.1\r\nHost: x\r\n\r\n')
        text = c.recv_all()
    except ConnectionError:
        text = b''
    check(not text or text.startswith(b'HTTP/1.1 403'), text)
    sock = s.connect(net.PROXY, net.INNER, source=('10.1.0.3', 0))
    c = peer.Peer(sock)
    c.send(b'CONNECT 10.2.0.2:443 HTTP/1.1\r\nHost: x\r\n\r\n')
    check(c.recv_until(b'\r\n\r\n').startswith(b'HTTP/1.1 200'))
    s.same(srv, s.exchange(b'allowed', sock=sock))


@scenario
def default_allow_is_no_open_proxy(s):
    """Private and loopback only, unless told."""
    s.net.gateway.ip('addr add 203.0.113.1/24 dev gc\n')
    s.net.client.ip('addr add 203.0.113.9/24 dev c0\n')
    s.start(listen=[{'name': 'proxy', 'mode': 'explicit',
                     'address': '0.0.0.0:8080'}], how=None, record=False)
    s.serve(443)
    try:
        c = peer.Peer(peer.connect(s.client, '203.0.113.1', 8080,
                                   ('203.0.113.9', 0)))
        c.send(b'CONNECT 10.2.0.2:443 HTTP/1.1\r\nHost: x\r\n\r\n')
        text = c.recv_all()
    except ConnectionError:
        text = b''
    check(not text or text.startswith(b'HTTP/1.1 403'), text)
    c = proxy(s)
    c.send(b'CONNECT 10.2.0.2:443 HTTP/1.1\r\nHost: x\r\n\r\n')
    check(c.recv_until(b'\r\n\r\n').startswith(b'HTTP/1.1 200'))


@scenario
def connect_to_itself_is_refused(s):
    s.start()
    for where in ('10.1.0.1:8080', '127.0.0.1:8443', 'gw.test:8443'):
        c = proxy(s)
        c.send(('CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n' % where).encode())
        text = c.recv_until(b'\r\n\r\n')
        check(text[:10] in (b'HTTP/1.1 4', b'HTTP/1.1 5'), where, text)


# --- absolute-form HTTP

def answer(p, n=1):
    """One response; (head, body)."""
    head = p.recv_until(b'\r\n\r\n')
    low = head.lower().split(b'\r\n')
    size = [x for x in low if x.startswith(b'content-length:')]
    if b'transfer-encoding: chunked' in low:
        body = b''
        while True:
            k = int(p.recv_until(b'\r\n').split(b';')[0], 16)
            if k == 0:
                trailer = p.recv_until(b'\r\n')
                while trailer[-4:] != b'\r\n\r\n' and trailer != b'\r\n':
                    trailer += p.recv_until(b'\r\n')
                return head, body, trailer
            body += p.recv_exact(k)
            p.recv_exact(2)
    return head, p.recv_exact(int(size[0].split(b':')[1])) if size else b''


@scenario
def absolute_form_keeps_alive(s):
    s.start()
    srv = s.serve(80, handler=peer.http(lambda p: p.encode() * 100),
                  plain=True)
    c = proxy(s)
    for path in ('/a', '/b', '/c'):
        c.send(get(path))
        head, body = answer(c)
        check(head.startswith(b'HTTP/1.1 200'), head)
        equal(body, path.encode() * 100)
    c.finish()
    p = srv.wait(1)[0]
    check(b'GET /a HTTP/1.1\r\n' in p.received, bytes(p.received))
    check(b'http://' not in p.received, bytes(p.received))
    check(b'proxy-connection' not in p.received.lower())
    s.mirrored_by_server(srv, len(srv.peers))


@scenario
def absolute_form_goes_to_each_origin_asked_for(s):
    s.start()
    a = s.serve(80, handler=peer.http(b'first'), plain=True)
    b = s.serve(80, handler=peer.http(b'second'), plain=True,
                address='10.2.0.3')
    c = proxy(s)
    got = []
    for host in ('plain.test', 'two.test', 'plain.test'):
        c.send(get('/', host))
        got.append(answer(c)[1])
    equal(got, [b'first', b'second', b'first'])
    c.finish()
    wait(lambda: all(p.done for p in a.peers + b.peers), 'servers done')
    s.mirrored([(bytes(p.received), bytes(p.sent))
                for p in a.peers + b.peers])


@scenario
def absolute_form_pipelined_requests_all_get_answers(s):
    s.start()
    srv = s.serve(80, handler=peer.http(lambda p: p.encode()), plain=True)
    c = proxy(s)
    c.send(b''.join(get('/%d' % i) for i in range(20)))
    equal([answer(c)[1] for i in range(20)],
          [b'/%d' % i for i in range(20)])
    c.finish()
    srv.wait(len(srv.peers))
    s.mirrored_by_server(srv, len(srv.peers))


@scenario
def absolute_form_for_another_server_waits_for_what_icap_holds(s):
    """A body that has left the flow for the spool is still on its way."""
    srv = icap.Script(s)
    icap.start(s, icap.service(respmod=srv.url('echo?slow=500')),
               record=False,
               rules=[{'name': 'default', 'action': 'decrypt', 'mirror': [],
                       'icap': ['scan']}])
    big = b'1' * 300000
    s.serve(81, handler=peer.http(big), plain=True)
    s.serve(82, handler=peer.http(b'two'), plain=True)
    c = proxy(s)
    c.send(get('/', 'plain.test:81') + get('/', 'plain.test:82'))
    equal(answer(c)[1], big)
    equal(answer(c)[1], b'two')


@scenario
def absolute_form_is_over_when_nobody_can_be_answered(s):
    """The client has gone in the middle of a head; or the server has, and a
    request for another one can be answered no more."""
    s.start(record=False)
    s.serve(81, handler=peer.http(b'one'), plain=True)
    s.serve(82, handler=peer.http(b'two', close=True), plain=True)
    c = proxy(s)
    c.send(get('/', 'plain.test:81'))
    equal(answer(c)[1], b'one')
    c.send(b'GET http://pla')
    c.finish()
    s.d.flows(1)
    c = proxy(s)
    c.send(get('/', 'plain.test:82'))
    equal(answer(c)[1], b'two')
    equal(c.recv_all(), b'')
    c.send(get('/', 'plain.test:81'))
    c.finish()
    s.d.flows(2)


@scenario
def absolute_form_goes_on_behind_what_cannot_be_followed(s):
    """A response that is no HTTP passes, and so do later requests to its
    server; one to another server then never goes on. A request that breaks is
    refused, and nothing of it but what was sound goes on."""
    s.start(record=False)

    def handler(p):
        while True:
            try:
                p.recv_until(b'\r\n\r\n')
            except Exception:
                break
            p.send(b'ICY 200 OK\r\n\r\n')
        p.close()
    srv = s.serve(80, handler=handler, plain=True)
    c = proxy(s)
    for i in range(3):
        c.send(get('/%d' % i))
        equal(c.recv_until(b'\r\n\r\n'), b'ICY 200 OK\r\n\r\n')
    c.finish()
    srv.wait(1)
    equal(len(srv.peers), 1)

    def early(p):
        p.recv_until(b'3\r\nabc\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        p.recv_all()
        p.close()
    srv = s.serve(81, handler=early, plain=True)
    c = proxy(s)
    c.send(b'POST http://plain.test:81/ HTTP/1.1\r\nHost: plain.test:81\r\n'
           b'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n')
    equal(answer(c)[1], b'ok')
    check(answer(c)[0].startswith(b'HTTP/1.1 400'))
    c.finish()
    check(b'zz' not in srv.wait(1)[0].received)


@scenario
def absolute_form_with_a_long_head(s):
    """Of 60k at most, as the man page says; also for another server."""
    s.start(record=False)
    s.serve(81, handler=peer.http(b'one'), plain=True)
    s.serve(82, handler=peer.http(b'two'), plain=True)
    c = proxy(s)
    long = 'X-Long: ' + 'x' * 59000 + '\r\n'
    for port, want in ((81, b'one'), (81, b'one'), (82, b'two')):
        c.send(get('/', 'plain.test:%d' % port, more=long))
        equal(answer(c)[1], want)
    c.send(get('/', 'plain.test:82', more=long + long))
    check(answer(c)[0].startswith(b'HTTP/1.1 431'))
    c.finish()


@scenario
def absolute_form_post_chunked_with_trailers(s):
    s.start()

    def handler(p):
        p.recv_until(b'0\r\nX-Sum: 1\r\n\r\n')
        p.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
               b'5\r\nhello\r\n0\r\nX-End: yes\r\n\r\n')
        p.recv_all()
        p.close()
    srv = s.serve(80, handler=handler, plain=True)
    c = proxy(s)
    c.send(b'POST http://plain.test/up HTTP/1.1\r\nHost: plain.test\r\n'
           b'Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n'
           b'4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n')
    head, body, trailer = answer(c)
    equal(body, b'hello')
    check(b'X-End: yes' in trailer, trailer)
    c.finish()
    s.mirrored_by_server(srv)


@scenario
def absolute_form_expect_100_continue(s):
    s.start()

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 100 Continue\r\n\r\n')
        p.recv_exact(5)
        p.send(b'HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\n'
               b'Content-Length: 2\r\n\r\nok')
        p.recv_all()
        p.close()
    srv = s.serve(80, handler=handler, plain=True)
    c = proxy(s)
    c.send(b'POST http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\n'
           b'Expect: 100-continue\r\nContent-Length: 5\r\n\r\n')
    check(c.recv_until(b'\r\n\r\n').startswith(b'HTTP/1.1 100'))
    c.send(b'hello')
    equal(answer(c)[1], b'ok')
    c.finish()
    s.mirrored_by_server(srv)


@scenario
def absolute_form_upgrade_becomes_a_tunnel(s):
    s.start()

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: little\r\n'
               b'Connection: Upgrade\r\n\r\n')
        peer.echo(p)
    srv = s.serve(80, handler=handler, plain=True)
    c = proxy(s)
    c.send(get('/chat', more='Upgrade: little\r\nConnection: Upgrade\r\n'))
    head = c.recv_until(b'\r\n\r\n')
    check(head.startswith(b'HTTP/1.1 101'), head)
    c.send(b'\x00\xffanything at all\r\n\r\n')
    equal(c.recv_exact(len(b'\x00\xffanything at all\r\n\r\n')),
          b'\x00\xffanything at all\r\n\r\n')
    c.finish()
    s.mirrored_by_server(srv)


@scenario
def peers_04_continue_pipeline_head_204_304_and_trailers(s):
    """Through TLS, where they are opaque, and through absolute form, where
    each must be understood to keep the connection in step."""
    s.start()

    def handler(p):
        while True:
            try:
                head = p.recv_until(b'\r\n\r\n')
            except Exception:
                break
            if b'100-continue' in head:
                p.send(b'HTTP/1.1 100 Continue\r\n\r\n')
                p.recv_exact(5)
            path = head.split()[1]
            if path.endswith(b'/204'):
                p.send(b'HTTP/1.1 204 No Content\r\n\r\n')
            elif path.endswith(b'/304'):
                p.send(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n'
                       b'Content-Length: 77\r\n\r\n')
            elif path.endswith(b'/chunked'):
                p.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'
                       b'\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n')
            else:
                p.send(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n' +
                       (b'' if head.startswith(b'HEAD') else b'12345'))
        p.close()
    tls, plain = s.serve(443, handler), s.serve(80, handler, plain=True)
    a = s.tls(443)
    b = proxy(s)
    for c, base in ((a, b''), (b, b'http://plain.test')):
        host = b'Host: plain.test\r\n'
        c.send(b'POST ' + base + b'/p HTTP/1.1\r\n' + host +
               b'Expect: 100-continue\r\nContent-Length: 5\r\n\r\n')
        check(c.recv_until(b'\r\n\r\n').startswith(b'HTTP/1.1 100'))
        c.send(b'hello')
        equal(answer(c)[1], b'12345')
        c.send(b''.join(m + b' ' + base + p + b' HTTP/1.1\r\n' + host +
                        b'\r\n' for m, p in (
                            (b'HEAD', b'/h'), (b'GET', b'/204'),
                            (b'GET', b'/304'), (b'GET', b'/chunked'),
                            (b'GET', b'/last'))))
        for want in (b'200', b'204', b'304'):
            head = c.recv_until(b'\r\n\r\n')
            check(head.startswith(b'HTTP/1.1 ' + want), want, head)
        equal(answer(c)[1:], (b'abc', b'X-T: 1\r\n\r\n'))
        equal(answer(c)[1], b'12345')
        c.finish()
    tls.wait(1)
    plain.wait(len(plain.peers))
    s.mirrored([(bytes(p.received), bytes(p.sent))
                for p in tls.peers + plain.peers])


@scenario
def curl_wget_and_python_use_it_as_a_proxy(s):
    s.start()
    programs.nginx(s)
    url = 'https://good.test/'
    a = programs.curl(s, '-x', 'http://10.1.0.1:8080', url).ok()
    b = s.run(s.client, 'wget', '-qO-', '--ca-certificate', s.pki.ca, url,
              env={'https_proxy': 'http://10.1.0.1:8080'}).ok()
    c = s.run(s.client, 'python3', '-c', 'import sys,urllib.request as u;'
              'sys.stdout.write(u.urlopen("%s").read().decode())' % url,
              env={'https_proxy': 'http://10.1.0.1:8080',
                   'SSL_CERT_FILE': s.pki.ca}).ok()
    d = programs.curl(s, '-x', 'http://10.1.0.1:8080',
                      'http://plain.test/').ok()
    e = programs.curl(s, '--socks5-hostname', '10.1.0.1:8080', url).ok()
    f = programs.curl(s, '-4', '--socks5', '10.1.0.1:8080', url).ok()
    for x in (a, b, c, d, e, f):
        check('little origin' in x.text, x.argv, x.text)
    st = s.rec.streams(6)
    equal(len(st), 6, 'streams on the mirror')
    for x in st:
        equal(x.problems, [])
        check(b'little origin' in x.down.data, x)


# --- SOCKS5 (RFC 1928)

def socks(s, host, port):
    c = proxy(s)
    c.send(b'\x05\x01\x00')
    equal(c.recv_exact(2), b'\x05\x00', 'method')
    try:
        dst = b'\x01' + socket.inet_aton(host) if host.count('.') == 3 \
            else b'\x04' + socket.inet_pton(socket.AF_INET6, host)
    except OSError:
        dst = b'\x03' + bytes([len(host)]) + host.encode()
    c.send(b'\x05\x01\x00' + dst + struct.pack('>H', port))
    head = c.recv_exact(4)
    c.recv_exact({1: 4, 4: 16}[head[3]] + 2)
    return head[1], c.sock


@scenario
def socks5_by_name_v4_and_v6(s):
    s.start()
    srv = s.serve(443)
    six = s.serve(443, address=net.SERVER6)
    made = []
    for host in ('v4.good.test', net.SERVER, net.SERVER6, 'v6.good.test'):
        code, sock = socks(s, host, 443)
        equal(code, 0, 'SOCKS reply for ' + host)
        made.append(s.exchange(host.encode(), sock=sock))
    srv.wait(2)
    six.wait(2)
    s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])


@scenario
def socks5_errors_are_told_by_their_codes(s):
    s.start()
    code, sock = socks(s, net.SERVER, 4444)
    equal(code, 5, 'connection refused')
    c = proxy(s)
    c.send(b'\x05\x01\x02')             # only user and password
    equal(c.recv_exact(2), b'\x05\xff', 'no acceptable method')
    c = proxy(s)
    c.send(b'\x05\x01\x00')
    c.recv_exact(2)
    c.send(b'\x05\x02\x00\x01\x0a\x02\x00\x02\x01\xbb')     # BIND
    equal(c.recv_exact(2), b'\x05\x07', 'command not supported')


@scenario
def socks5_byte_by_byte(s):
    s.start()
    srv = s.serve(443)
    c = proxy(s)
    for b in b'\x05\x02\x00\x02':
        c.send(bytes([b]))
    equal(c.recv_exact(2), b'\x05\x00')
    for b in b'\x05\x01\x00\x01' + socket.inet_aton(net.SERVER) + b'\x01\xbb':
        c.send(bytes([b]))
    equal(c.recv_exact(10)[:2], b'\x05\x00')
    s.same(srv, s.exchange(b'slowly', sock=c.sock))
