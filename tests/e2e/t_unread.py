"""Hellos that cannot be read: TLS that is refused, not passed on unread."""
import socket
import ssl
import struct
import threading

import t_explicit
import t_hello
from harness import check, equal, net, peer, scenario, wait
from t_policy import said

UNEXPECTED, OVERFLOW, ILLEGAL, DECODE, VERSION = 10, 22, 47, 50, 70
BLOCKED = {'name': 'blocked', 'sni': ['good.test'], 'action': 'block'}
DEFAULT = {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}
# A hello of SSLv2 that offers TLS 1.2 (RFC 5246, E.2).
SUITES = b'\x00\xc0\x2f\x00\xc0\x2b\x00\x00\x9c'
SSLV2 = struct.pack('>HBBBHHH', 0x8000 | 9 + len(SUITES) + 32, 1, 3, 3,
                    len(SUITES), 0, 32) + SUITES + bytes(range(32))


def good(s, name='good.test', size=0):
    return t_hello.hello(s, size, name)[3]


def changed(raw, at, to):
    return raw[:at] + bytes([to]) + raw[at + 1:]


def remade(body):
    """A hello's body whose extensions have changed, in a record."""
    at = extensions(body)
    body = body[:at] + struct.pack('>H', len(body) - at - 2) + body[at + 2:]
    return t_hello.records(b'\x01' + struct.pack('>I', len(body))[1:] + body,
                           1)


def extensions(body):
    """Where the length of them stands."""
    at = 35 + body[34]                  # behind the session's ID
    at += 2 + int.from_bytes(body[at:at + 2], 'big')
    return at + 1 + body[at]


def two_names(raw):
    """The list of names gets another one, ahead of the one there is."""
    name = b'good.test'
    old = struct.pack('>HHHBH', 0, len(name) + 5, len(name) + 3, 0,
                      len(name)) + name
    more = struct.pack('>BH', 0, 7) + b'ok.test'
    new = struct.pack('>HHH', 0, len(old) - 4 + len(more),
                      len(old) - 6 + len(more)) + more + old[6:]
    msg = t_hello.message(raw)
    check(old in msg, 'no name to double')
    return remade(msg[4:].replace(old, new))


def cut_extension(raw):
    """One that says that it is longer than there are bytes."""
    return remade(t_hello.message(raw)[4:] + b'\x00\x15\x00\x99')


def kinds(s):
    """What cannot be read, and the alert for it."""
    raw = good(s)
    msg = t_hello.message(raw)
    alert = b'\x15\x03\x01\x00\x02\x01\x5a'
    return [
        ('over 64 KiB', t_hello.records(
            t_hello.message(good(s, size=64000)), 400), ILLEGAL),
        ('a warning ahead', alert + raw, UNEXPECTED),
        ('a ChangeCipherSpec ahead', b'\x14\x03\x03\x00\x01\x01' + raw,
         UNEXPECTED),
        ('application data ahead', b'\x17\x03\x03\x00\x01x' + raw,
         UNEXPECTED),
        ('another message first', changed(raw, 5, 2), UNEXPECTED),
        ('data in the middle', changed(t_hello.records(msg, 2),
                                       5 + len(msg) // 2, 0x17), UNEXPECTED),
        ('a long record', b'\x16\x03\x01\x41\x01' + raw[5:], OVERFLOW),
        ('a record of version 2', changed(raw, 1, 2), VERSION),
        ('a hello of version 2', changed(raw, 9, 2), VERSION),
        ('SSLv2', SSLV2, VERSION),
        ('a session ID too long', changed(raw, 43, 99), DECODE),
        ('an extension cut off', cut_extension(raw), DECODE),
        ('two names', two_names(raw), DECODE),
    ]


def old_server(s):
    """One that answers SSLv2's hello: no curve and no signature is in it."""
    ctx = peer.server_context(s.pki.pair('rsa'))
    ctx.set_ciphers('AES128-GCM-SHA256:@SECLEVEL=0')
    return s.serve(444, ctx=ctx)


def refused(sock, raw, alert, what):
    """raw is answered by this alert and the end."""
    sock.settimeout(peer.RAW_TIMEOUT)
    try:
        sock.sendall(raw)
    except OSError:
        pass
    got = b''
    while True:
        d = sock.recv(65536)
        if not d:
            break
        got += d
    equal(got, b'\x15\x03\x03\x00\x02\x02' + bytes([alert]), what)
    sock.close()


@scenario
def the_origin_takes_what_the_gateway_does_not_read(s):
    """Or else the others would show nothing: without the gateway a hello of
    SSLv2 and one of over 64 KiB are answered by a ServerHello."""
    s.start(None, record=False)
    s.serve(443)
    old_server(s)
    kind = {what: raw for what, raw, _ in kinds(s)}
    for port, what in ((443, 'over 64 KiB'), (444, 'SSLv2')):
        sock = peer.connect(s.server, net.SERVER, port)
        sock.sendall(kind[what])
        equal(sock.recv(65536)[:1], b'\x16', what)
        sock.close()


@scenario(timeout=90)
def a_hello_that_cannot_be_read_is_refused_by_an_alert(s):
    """Whatever is wrong with it, by every way in; the blocked server sees
    none of it."""
    s.start(record=False, rules=[BLOCKED, DEFAULT])
    srv = s.serve(443)
    all_ = kinds(s)
    for what, raw, alert in all_:
        refused(s.connect(443), raw, alert, what)
    for what, raw, alert in all_:
        refused(s.via_proxy(net.SERVER, 443), raw, alert, what + ', CONNECT')
        code, sock = t_explicit.socks(s, net.SERVER, 443)
        equal(code, 0, 'SOCKS')
        refused(sock, raw, alert, what + ', SOCKS')
    equal(sum(len(p.raw_in) for p in srv.peers), 0, 'bytes at the server')
    for f in s.d.flows(3 * len(all_)):
        equal((f['clearspan']['action'], f['clearspan']['why']),
              ('block', 'unreadable hello'))
        check(f['flow']['reason'].startswith('hello: refused: '), f['flow'])
    s.d.metric_is(3, 'clearspan_hellos_refused_total', reason='too-long')
    equal(s.d.metric('clearspan_hellos_refused_total', reason='malformed'),
          3 * (len(all_) - 1))
    check('the ClientHello of ' in s.d.text(), 'not in the log')


@scenario
def a_hello_that_stalls_or_is_cut_is_refused(s):
    s.start(record=False, timeouts={'hello': '500ms'},
            rules=[BLOCKED, DEFAULT])
    srv = s.serve(443)
    raw = good(s)
    for n in (1, 5, 6, 100, len(raw) - 1):
        refused(s.connect(443), raw[:n], DECODE, 'stalled after %d' % n)
    refused(s.connect(443), SSLV2[:2], DECODE, 'SSLv2 stalled')
    for n in (2, 6, 100, len(raw) - 1):
        sock = s.connect(443)
        sock.sendall(raw[:n])
        sock.shutdown(socket.SHUT_WR)
        refused(sock, b'', DECODE, 'cut off after %d' % n)
    equal(sum(len(p.raw_in) for p in srv.peers), 0, 'bytes at the server')
    s.d.flows(10)
    for reason, n in (('stalled', 6), ('cut-off', 4)):
        s.d.metric_is(n, 'clearspan_hellos_refused_total', reason=reason)


@scenario
def a_server_that_speaks_does_not_end_the_wait_for_a_hello(s):
    """It has been connected first, by CONNECT; its bytes make nothing else
    of a hello that has begun."""
    s.start(record=False, workers=1, rules=[BLOCKED, DEFAULT])
    got, seen = [], threading.Event()

    def handler(p):
        seen.wait()
        p.send(b'hello?')
        got.append(p.recv_all())
        p.close()
    srv = s.serve(443, handler=handler, plain=True)
    sock = s.via_proxy(net.SERVER, 443)
    raw = good(s)
    sock.sendall(raw[:50])
    for i in range(2):          # the worker comes round: it has seen them
        s.d.ctl('sessions')
    seen.set()
    wait(lambda: srv.peers and srv.peers[0].sent, 'the server')
    sock.sendall(raw[50:])
    sock.settimeout(peer.RAW_TIMEOUT)
    d = sock.recv(65536)
    check(not d or d[:1] in (b'\x15', b'\x16'), 'passed on:', d)
    sock.close()
    s.d.flows(1)
    srv.wait(1)
    equal(got, [b''], 'at the server')


@scenario
def tls_to_an_explicit_listener_is_told_so(s):
    """As a browser does that was told of an HTTPS proxy."""
    s.start(record=False)
    refused(s.connect(net.PROXY, net.INNER), good(s), 40, 'TLS to the proxy')
    check('explicit listener' in s.d.flows(1)[0]['flow']['reason'])


@scenario
def an_unread_hello_passes_where_no_name_could_matter(s):
    """The server is bypassed by its address: an old client may go there."""
    s.start(record=False, rules=[
        {'name': 'old', 'server': [net.SERVER], 'action': 'bypass'},
        DEFAULT])
    old_server(s)
    sock = s.connect(444)
    sock.sendall(SSLV2)
    sock.settimeout(peer.RAW_TIMEOUT)
    equal(sock.recv(65536)[:1], b'\x16', 'the server\'s own answer')
    sock.close()
    f = s.d.flows(1)[0]
    equal((f['clearspan']['action'], f['clearspan']['rule']),
          ('bypass', 'old'))


@scenario
def a_name_that_is_none_is_not_no_name(s):
    """`no-sni: bypass` is for clients that send none."""
    s.start(record=False, on={'no-sni': 'bypass'})
    s.serve(443)
    for name, want in ((None, 'bypass'), ('good.test', 'decrypt')):
        ctx = peer.client_context(s.pki.bundle, verify=False)
        p = peer.Peer(s.connect(443), ctx, name)
        if name:                # one byte of it is none of DNS
            try:
                p.tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            raw = p.bout.read().replace(b'good.test', b'good!test')
            p.sock.sendall(raw)
            check(p.sock.recv(100), 'no answer')
            p.sock.close()
        else:
            p.handshake().finish()
        s.d.flows(1 if want == 'bypass' else 2)
    equal([f['clearspan']['action'] for f in s.d.flows(2)],
          ['bypass', 'decrypt'])


@scenario
def other_protocols_pass_as_they_did(s):
    """Binary ones that begin a little like TLS."""
    s.start(record=False)
    s.serve(27017, plain=True)
    for raw in (b'\x16\x01\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00',
                b'\xff\xfd\x03\xff\xfb\x18', b'\x80\x00\x00\x28\x00\x00',
                b'\x15\x02', b'\x17', b'\x16\x07\x00'):
        c = s.plain(27017)
        c.send(raw)
        if len(raw) < 3:        # what could yet be TLS waits
            c.send(b'more')
            raw += b'more'
        if raw == b'\x16\x07\x00':
            c.send(b'\x00\x00\x00')
            raw += b'\x00\x00\x00'
        equal(c.recv_exact(len(raw)), raw)
        c.finish()
    for f in s.d.flows(6):
        equal(f['clearspan']['action'], 'decrypt')


def hiding(s, name, kind):
    """A hello with encrypted_client_hello in it."""
    body = t_hello.message(good(s, name))[4:]
    at = extensions(body) + 2
    ech = struct.pack('>HH', 0xfe0d, 9) + bytes([kind]) + b'\0\1\0\1\7\0\0\0'
    return remade(body[:at] + ech + body[at:])


def answer(s, raw):
    """What comes first for these bytes, and whether it is the server's."""
    sock = s.connect()
    sock.settimeout(peer.RAW_TIMEOUT)
    sock.sendall(raw)
    got = b''
    own = ssl.PEM_cert_to_DER_cert(open(s.pki.pair('ech')[0]).read())
    while own not in got:
        more = sock.recv(65536)
        got += more
        if not more or b'\x0e\0\0\0' in got:      # ServerHelloDone
            break
    sock.close()
    return own in got


@scenario
def a_hello_that_hides_another_is_one_by_its_name(s):
    """The form is that of GREASE."""
    names = ('cloudflare-ech.com', 'a.more.test', 'good.test')
    s.pki.leaf('ech', 'ech', ','.join('DNS:' + n for n in names))
    s.serve(ctx=peer.server_context(s.pki.pair('ech'), hi='1.2'))
    s.start(record=False)
    want = []
    for on in ('decrypt', 'bypass', 'block'):
        s.reload(on={'ech': on, 'ech-names': ['more.test']},
                 tls={'client': {'max': '1.2'}})
        for name in names:
            for kind in (0, 1):
                hides = name != 'good.test' and kind == 0
                equal(answer(s, hiding(s, name, kind)),
                      hides and on == 'bypass', (on, name, kind))
                want.append((name, hides or None,
                             on if hides else 'decrypt',
                             'ECH' if hides and on != 'decrypt' else None))
                s.d.flows(len(want))
    flows = s.d.flows(len(want))
    equal([(f['tls']['sni'], f['tls'].get('ech'), f['clearspan']['action'],
            f['clearspan'].get('why')) for f in flows], want)
    for name, hides, action, why in want[-len(names) * 2:]:     # on: block
        facts = ['sni=' + name, 'ech=' + ('yes' if hides else 'no')]
        o = s.d.ctl('explain', *facts)
        equal(o['action'], action, facts)
        lines = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
                      *facts).ok().text.splitlines()
        equal([said(lines, 'why'), said(lines, 'verdict')],
              [why, '%s rule: default' % action], facts)
        equal([x['explained'] for x in o['lines']][-2:], lines[-2:])
    r = s.run(s.gateway, s.binary, 'replay', '-c', s.d.file,
              s.d.conf['log']['file']).ok()
    equal(r.text.splitlines()[-1], '4 of %d sessions would be treated '
          'otherwise' % len(want))
