"""Upstream proxies by rule: real ones (tinyproxy, microsocks), and scripts
that answer as no proxy should."""
import socket
import struct
import threading

from harness import check, equal, net, peer, proc, programs, scenario, wait

SOCKS_AUTH = 'socky:p4ss'


def tinyproxy(s, port=3128):
    with open(s.path('tinyproxy.conf'), 'w') as f:
        f.write('Port %d\nListen %s\nTimeout 60\nMaxClients 50\nLogLevel Info\n'
                'LogFile "%s"\nBasicAuth little s3cretword\n' %
                (port, net.SERVER, s.path('tinyproxy.log')))
    p = s.spawn(s.server, 'tinyproxy', '-d', '-c', s.path('tinyproxy.conf'))
    proc.wait_port(s.server, port, p)


def microsocks(s, port=1080):
    user, password = SOCKS_AUTH.split(':')
    p = s.spawn(s.server, 'microsocks', '-i', net.SERVER, '-p', str(port),
                '-u', user, '-P', password)
    proc.wait_port(s.server, port, p)


def secret(s, name, text):
    path = s.path(name)
    with open(path, 'w') as f:
        f.write(text + '\n')
    return path


def proxies(s):
    return [{'name': 'tiny', 'url': 'http://%s:3128' % net.SERVER,
             'credentials': secret(s, 'tiny.secret', 'little:s3cretword')},
            {'name': 'socky', 'url': 'socks5://%s@%s:1080' %
             (SOCKS_AUTH, net.SERVER)}]


def rule(name, way, **more):
    return dict({'name': name, 'action': 'decrypt', 'mirror': ['recorder'],
                 'upstream-proxy': way}, **more)


def by(s, n):
    return [f['clearspan'].get('upstream_proxy') for f in s.d.flows(n)]


@scenario
def every_kind_of_session_goes_through_real_proxies(s):
    """Decrypted, bypassed, neither TLS nor HTTP, and plain HTTP; of both
    listeners; the server sees the proxy, and the log has no secret."""
    s.start(**{'upstream-proxies': proxies(s)}, confirm_bypass=True, rules=[
        {'name': 'byp', 'sni': ['v4.good.test'], 'action': 'bypass',
         'upstream-proxy': 'tiny'},
        rule('socks', ['socky'], port=[2222, 80]),
        rule('default', ['tiny'])])
    tinyproxy(s)
    microsocks(s)
    tls = s.serve(443)
    raw = s.serve(2222, plain=True, handler=lambda p: (
        p.send(b'SSH-2.0-little\r\n'), peer.echo(p)))
    web = s.serve(80, handler=peer.http(b'plain'), plain=True)
    s.exchange(b'transparent')
    s.exchange(b'explicit', sock=s.via_proxy('good.test', 443))
    for sock in (None, s.via_proxy('v4.good.test', 443)):
        s.exchange(b'bypassed', sock=sock, name='v4.good.test',
                   trust=s.pki.root)
    for sock in (s.connect(2222), s.via_proxy(net.SERVER, 2222)):
        c = peer.Peer(sock)
        equal(c.recv_until(b'\n'), b'SSH-2.0-little\r\n')
        c.send(b'SSH-2.0-client\r\n')
        equal(c.recv_until(b'client\r\n'), b'SSH-2.0-client\r\n')
        c.finish()
    equal(programs.curl(s, 'http://plain.test/').ok().text, 'plain')
    equal(programs.curl(s, '-x', 'http://10.1.0.1:8080',
                        'http://plain.test/').ok().text, 'plain')
    equal(sorted(by(s, 8)), ['socky'] * 4 + ['tiny'] * 4)
    tls.wait(4)
    for srv in (tls, raw, web):
        equal({p.addr[0] for p in srv.peers}, {net.SERVER})
    for word in ('s3cret', 'p4ss'):
        check(word not in s.d.text(), word)
    f = s.d.flows(8)
    equal({x['dest_ip'] for x in f}, {net.SERVER})


@scenario
def http2_goes_through_a_proxy(s):
    s.start(**{'upstream-proxies': proxies(s)}, record=False,
            rules=[rule('default', ['tiny'])])
    tinyproxy(s)
    programs.nginx(s)
    r = programs.curl(s, '-w', '%{http_version}', 'https://good.test/').ok()
    check(r.text.endswith('2'), r.text)
    r = programs.curl(s, '-w', '%{http_version}', '-x',
                      'http://10.1.0.1:8080', 'https://good.test/').ok()
    check(r.text.endswith('2') and 'little origin' in r.text, r.text)
    equal(by(s, 2), ['tiny', 'tiny'])


class Script:
    """A proxy that does as the port says that it is asked for."""

    def __init__(self, s, port, act):
        self.asked, self.act = [], act
        with s.server:
            self.sock = socket.create_server((net.SERVER, port))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            c, _ = self.sock.accept()
            threading.Thread(target=self.one, args=(c,), daemon=True).start()

    def one(self, c):
        try:
            self.act(self, c)
        except OSError:
            pass


def head(self, c):
    data = b''
    while not data.endswith(b'\r\n\r\n'):
        got = c.recv(1)
        if not got:
            raise OSError
        data += got
    self.asked.append(data)
    return data


def http_script(answers):
    def act(self, c):
        target = head(self, c).split()[1].decode()
        what = answers[int(target.rsplit(':', 1)[1])]
        if what is None:                # it hangs
            c.recv(1)
        elif callable(what):
            what(c)
        else:
            c.sendall(what)
        c.close()
    return act


def serve_behind(c):
    """The server's first bytes in one segment with the answer."""
    c.sendall(b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 ok\r\n'
              b'Content-Length: 7\r\n\r\n220 at once\r\n')
    c.sendall(c.recv(100))


def socks_script(answers):
    def act(self, c):
        n = c.recv(2)[1]
        c.recv(n)
        c.sendall(b'\5\0')
        data = c.recv(300)
        self.asked.append(data)
        what = answers[struct.unpack('>H', data[-2:])[0]]
        if callable(what):
            what(c)
        else:
            c.sendall(what)
        c.close()
    return act


def socks_behind(c):
    c.sendall(b'\5\0\0\3\4here\0\1' b'220 at once\r\n')
    c.sendall(c.recv(100))


HTTP = {
    7001: (b'HTTP/1.1 407 Proxy Authentication Required\r\n'
           b'Proxy-Authenticate: Basic realm="x"\r\n\r\n', 502,
           'it wants a user and a password'),
    7002: (b'HTTP/1.1 403 Forb\xe9dden\r\n\r\nno', 502,
           'it answered 403 Forb?dden'),
    7003: (b'HTTP/1.1 504 Gateway Timeout\r\n\r\n', 504,
           'it answered 504 Gateway Timeout'),
    7004: (b'', 502, 'it closed the connection'),
    7005: (b'HTTP/1.1 200 O', 502, 'it closed the connection'),
    7006: (b'\x15\x03\x01\x00\x02\x02\x28', 502, 'its answer is not HTTP'),
    7007: (b'HTTP/1.1 200 OK\r\nX: ' + b'x' * 20000, 502,
           'its answer is too long'),
    7008: (None, 504, 'it did not answer in time'),
    7009: (b'HTTP/1.1 101 Switching Protocols\r\n\r\n', 502,
           'it answered 101'),
    7010: (b'HTTP/1.1 100 Continue\r\n\r\n' * 9, 502, 'it answered 100'),
}
SOCKS = {
    7101: (b'\5\5\0\1\0\0\0\0\0\0', 502, 'it answered: connection refused'),
    7102: (b'\5\6\0\1\0\0\0\0\0\0', 504, 'it answered: timed out'),
    7103: (b'HTTP/1.1 400 no\r\n\r\n', 502, 'its answer is not SOCKS5'),
    7104: (b'\5\0\0\1\x0a', 502, 'it closed the connection'),
    7105: (b'\5\0\0\x09\0\0\0\0\0\0', 502, 'its answer is not SOCKS5'),
}


def connect(s, port, host='no.where.test'):
    """(status, what comes behind the head) of CONNECT."""
    p = peer.Peer(s.connect(net.PROXY, net.INNER))
    p.send(('CONNECT %s:%d HTTP/1.1\r\nHost: x\r\n\r\n' % (host, port))
           .encode())
    got = p.recv_until(b'\r\n\r\n')
    return int(got.split()[1]), p


@scenario
def proxies_that_fail_refuse_or_say_nonsense_are_told_of(s):
    """All at once; each is told as a dead server would be, with the reason.
    The name, which DNS does not have, goes to the proxy as it is."""
    answers = {k: v[0] for k, v in HTTP.items()}
    answers[7011] = serve_behind
    http = Script(s, 3128, http_script(answers))
    answers = {k: v[0] for k, v in SOCKS.items()}
    answers[7106] = socks_behind
    socks = Script(s, 1080, socks_script(answers))
    s.start(record=False, upstream={'connect-timeout': '4s'}, **{
        'upstream-proxies': [
            {'name': 'http', 'url': 'http://%s:3128' % net.SERVER},
            {'name': 'socks', 'url': 'socks5h://%s:1080/' % net.SERVER},
            {'name': 'dead', 'url': 'http://%s:9' % net.SERVER}]},
        rules=[{'name': 'a', 'action': 'decrypt', 'port': ['7000-7099'],
                'upstream-proxy': ['http'], 'mirror': []},
               {'name': 'b', 'action': 'decrypt', 'port': ['7100-7199'],
                'upstream-proxy': ['dead', 'socks'], 'mirror': []},
               {'name': 'default', 'action': 'decrypt', 'mirror': [],
                'upstream-proxy': 'dead'}])
    got = {}

    def one(port):
        got[port] = connect(s, port)[0]
    cases = {**HTTP, **SOCKS}
    threads = [threading.Thread(target=one, args=(p,)) for p in cases]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(got, {k: v[1] for k, v in cases.items()})
    reasons = [f['flow']['reason'] for f in s.d.flows(len(cases))]
    for port, (_, _, why) in cases.items():
        check(any(why in r for r in reasons), port, why, reasons)
    for port in (7011, 7106):
        status, p = connect(s, port)
        equal(status, 200)
        equal(p.recv_until(b'\n'), b'220 at once\r\n')
        p.send(b'hello')
        equal(p.recv_exact(5), b'hello')
        p.finish()
    equal(connect(s, 80)[0], 502)
    check(b'CONNECT no.where.test:7001 HTTP/1.1\r\nHost: no.where.test:7001'
          b'\r\n\r\n' in http.asked, http.asked)
    check(b'\5\1\0\3\x0dno.where.test' + struct.pack('>H', 7101)
          in socks.asked, socks.asked)


@scenario
def the_next_proxy_is_asked_and_direct_is_the_last(s):
    """One that failed comes last for a while: it is not waited for again."""
    srv = s.serve(443)
    calls = []

    def silent(self, c):
        calls.append(1)
        head(self, c)
        c.close()
    Script(s, 3128, silent)
    s.start(upstream={'connect-timeout': '5s'}, **{'upstream-proxies': [
        {'name': 'gone', 'url': 'http://%s:9' % net.SERVER},
        {'name': 'shuts', 'url': 'http://%s:3128' % net.SERVER}]},
        rules=[rule('default', ['gone', 'shuts', 'direct'])])
    s.exchange(b'one')
    s.exchange(b'two')
    s.exchange(b'three', sock=s.via_proxy('good.test', 443))
    equal(by(s, 3), [None] * 3)
    equal(len(calls), 1, 'tries of a proxy that failed')
    srv.wait(3)
    equal({p.addr[0] for p in srv.peers}, {net.OUTER})


@scenario
def a_rule_decided_later_takes_its_own_way(s):
    """CONNECT's name leads to one proxy, and the hello's to another: the
    server is connected anew, before it has seen a byte."""
    s.start(**{'upstream-proxies': proxies(s)}, rules=[
        rule('named', ['tiny'], sni=['good.test']),
        rule('default', ['direct'])])
    tinyproxy(s)
    srv = s.serve(443)
    s.exchange(b'late', sock=s.via_proxy(net.SERVER, 443))
    s.exchange(b'early', sock=s.via_proxy('good.test', 443))
    equal(by(s, 2), ['tiny', 'tiny'])
    r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
              'sni=good.test').ok()
    check('upstream-proxy: tiny\n' in r.text, r.text)
    wait(lambda: sum(len(p.received) > 0 for p in srv.peers) == 2, 'two')
