"""WebSocket: its messages in the event log, and shown to ICAP services."""
import hashlib
import os
import sys

from harness import check, equal, h2_programs, icap, programs, scenario, wait

sys.path.insert(0, icap.TOOLS)
import setup                                    # noqa: E402

# By Debian's python3, which has python3-websockets.
PROGRAM = ['/usr/bin/python3',
           os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        'websocket.py')]


def start_server(s):
    pem, key = s.pki.pair('good')
    p = s.spawn(s.server, *PROGRAM, 'server',
                '443', pem, key)
    p.wait_log('ready')
    return p


def talk(s, lines, deflate=False, host='v4.good.test'):
    """What a client prints that sends these messages."""
    r = s.run(s.client, *PROGRAM, 'client',
              'wss://%s/chat' % host, s.pki.ca, 'yes' if deflate else 'no',
              input=''.join(x + '\n' for x in lines).encode())
    r.ok()
    return r.text.splitlines()


def digest(kind, data):
    return '%s %s' % (kind, hashlib.sha256(data).hexdigest())


def numbered(n):
    return bytes(i * 7 % 251 for i in range(n))


def messages(s, n):
    """Wait for n events of messages: direction, opcode, length."""
    wait(lambda: len(s.d.events('ws')) >= n, '%d ws events' % n)
    return [(e['ws']['direction'], e['ws']['opcode'], e['ws']['length'],
             e['ws']['deflated']) for e in s.d.events('ws')]


@scenario
def messages_of_a_websocket_are_events(s):
    s.start(log={'events': ['flow', 'http', 'ws']})
    start_server(s)
    out = talk(s, ['text hello', 'binary 100000', 'ping', 'text close'])
    equal(out, ['agreed nothing', digest('text', b'HELLO'),
                digest('binary', numbered(100000)), 'pong',
                'closed 4000 as you say'])
    got = messages(s, 9)
    up = [m[1:] for m in got if m[0] == 'to_server']
    down = [m[1:] for m in got if m[0] == 'to_client']
    equal(up, [('text', 5, False), ('binary', 100000, False),
               ('ping', 13, False), ('text', 5, False),
               ('close', 12, False)])
    equal(down, [('text', 5, False), ('binary', 100000, False),
                 ('pong', 13, False), ('close', 12, False)])
    http = s.d.events('http')[0]
    equal(http['http']['status'], 101)
    for e in s.d.events('ws'):
        equal((e['flow_id'], e['tx_id']), (http['flow_id'], http['tx_id']))


@scenario
def compressed_messages_say_so(s):
    s.start(log={'events': ['flow', 'ws']})
    start_server(s)
    out = talk(s, ['binary 100000', 'text close'], deflate=True)
    equal(out, ['agreed PerMessageDeflate',
                digest('binary', numbered(100000)),
                'closed 4000 as you say'])
    m = messages(s, 5)[0]
    equal((m[0], m[1], m[3]), ('to_server', 'binary', True))
    check(m[2] < 50000, 'it is compressed')


@scenario
def what_is_not_websocket_passes(s):
    """The 101 said so, and then come other bytes."""
    s.start(log={'events': ['flow', 'ws']})

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
               b'Connection: Upgrade\r\n\r\n')
        p.send(p.recv_exact(100000))
        p.recv_all()
        p.close()
    s.serve(443, handler=handler)
    c = s.tls()
    c.send(b'GET /chat HTTP/1.1\r\nHost: good.test\r\nUpgrade: websocket\r\n'
           b'Connection: Upgrade\r\n\r\n')
    c.recv_until(b'\r\n\r\n')
    data = os.urandom(100000)
    c.send(b'\x7f' + data[1:])
    equal(c.recv_exact(100000), b'\x7f' + data[1:])
    c.finish()
    s.d.wait_log('is not WebSocket')
    equal(s.d.events('ws'), [])


def scans(s, service, **over):
    """The daemon with a service that is told to look at messages."""
    icap.start(s, dict(service, websocket='message'), record=False,
               log={'events': ['flow', 'http', 'ws', 'icap', 'alert']},
               **over)
    start_server(s)


def virus_scan(s):
    with s.gateway:
        peers = setup.Peers(s.path('icap'), clamd=True)
        peers.start()
    return icap.service(peers.urls['avscan'], peers.urls['avscan'])


@scenario(timeout=90)
def messages_are_scanned_and_pass(s):
    scans(s, virus_scan(s))
    sizes = (0, 1, 125, 126, 16383, 16384, 16385, 65536, 1 << 20)
    out = talk(s, ['text hello'] + ['binary %d' % n for n in sizes] +
               ['ping', 'text close'], deflate=True)
    equal(out, ['agreed nothing', digest('text', b'HELLO')] +
          [digest('binary', numbered(n)) for n in sizes] +
          ['pong', 'closed 4000 as you say'])
    wait(lambda: len(s.d.events('icap')) >= 2 * len(sizes) + 4,
         'transactions of all messages')
    flow = s.d.flows(1)[0]
    check('uninspected' not in flow['clearspan'], flow)
    equal({e['tx_id'] for e in s.d.events('icap')}, {0})


@scenario(timeout=90)
def a_message_with_a_virus_never_arrives(s):
    scans(s, virus_scan(s))
    eicar = setup.EICAR.decode()
    out = talk(s, ['text hello', 'text ' + eicar, 'text more'])
    equal(out[1], digest('text', b'HELLO'))
    equal(out[2:], ['closed 1008 refused by the scanner'])
    # Upper case is the server's answer: this one is found on its way back.
    lower = eicar.replace('STANDARD', 'standard')
    out = talk(s, ['text ' + lower])
    equal(out[1:], ['closed 1008 refused by the scanner'])
    wait(lambda: len(s.d.events('alert')) == 2, 'two alerts')
    for e in s.d.events('alert'):
        equal(e['alert']['action'], 'blocked')
    got = [m[:3] for m in messages(s, 5)]
    check(('to_server', 'text', 68) in got, got)


@scenario
def what_a_service_makes_of_a_message_goes_on(s):
    srv = icap.Script(s)
    scans(s, icap.service(srv.url('modify?append=%21&header=x:y'),
                          srv.url('206?n=3&prefix=wow')))
    out = talk(s, ['text hello', 'binary 100000', 'text bye'])
    # Up: an exclamation mark; down: other three bytes.
    equal(out[1:], [
        digest('text', b'wowLO!'),
        digest('binary', b'wow' + numbered(100000)[3:] + b'!'),
        digest('text', b'wow!'), 'closed 1000 '])
    # The upgrade itself was shown too.
    equal(len(srv.logged(4, 'REQMOD')), 4)
    equal(len(srv.logged(3, 'RESPMOD')), 3)




@scenario
def a_scanner_that_fails_is_treated_as_fail_says(s):
    srv = icap.Script(s)
    srv.rules()
    names = {'closed.test': ['closed 1008 the message could not be let '
                             'through'],
             'open.test': [digest('text', b'HELLO'), 'closed 1000 ']}
    # The upgrade passes: only messages are of the service's kind.
    services = [dict(icap.service(srv.url('close?only=used'),
                                  name=f), fail=f, websocket='message')
                for f in ('closed', 'open')]
    icap.start(s, *services, record=False, rules=[
        {'name': 'closed', 'sni': ['v4.good.test'], 'action': 'decrypt',
         'icap': ['closed']},
        {'name': 'open', 'action': 'decrypt', 'icap': ['open']}],
        log={'events': ['flow', 'ws', 'icap']})
    start_server(s)
    equal(talk(s, ['text hello'])[1:], names['closed.test'])
    equal(talk(s, ['text hello'], host='good.test')[1:], names['open.test'])


def frame(opcode, data, fin=True, key=b'\1\2\3\4'):
    """A client's frame."""
    n = len(data)
    length = (bytes([0x80 | n]) if n < 126 else
              b'\xfe' + n.to_bytes(2, 'big') if n < 65536 else
              b'\xff' + n.to_bytes(8, 'big'))
    return (bytes([(0x80 if fin else 0) | opcode]) + length + key +
            bytes(b ^ key[i & 3] for i, b in enumerate(data)))


def read_frame(p):
    """A server's frame: opcode, whether it is the last, payload."""
    a, n = p.recv_exact(2)
    if n == 126:
        n = int.from_bytes(p.recv_exact(2), 'big')
    elif n == 127:
        n = int.from_bytes(p.recv_exact(8), 'big')
    return a & 15, a >> 7, p.recv_exact(n)


def upgraded(s):
    c = s.tls(name='v4.good.test')
    c.send(b'GET /chat HTTP/1.1\r\nHost: v4.good.test\r\n'
           b'Upgrade: websocket\r\nConnection: Upgrade\r\n'
           b'Sec-WebSocket-Version: 13\r\n'
           b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
    check(b' 101 ' in c.recv_until(b'\r\n\r\n'), 'no 101')
    return c


@scenario
def a_ping_within_a_message_does_not_wait_for_it(s):
    srv = icap.Script(s)
    srv.rules()
    scans(s, icap.service(srv.url('204')))
    c = upgraded(s)
    c.send(frame(1, b'he', fin=False) + frame(9, b'you?'))
    equal(read_frame(c), (10, 1, b'you?'))
    c.send(frame(0, b'llo'))
    equal(read_frame(c), (1, 1, b'HELLO'))
    # Everything at once, and more than the buffers hold.
    data = [numbered(1 + i * 7919 % 50000) for i in range(100)]
    c.send(b''.join(frame(2, x) for x in data))
    got = b''
    for x in data:
        got = b''
        fin = 0
        while not fin:
            opcode, fin, part = read_frame(c)
            got += part
        equal(got, x)
    c.send(frame(8, b'\x03\xe8'))
    equal(read_frame(c), (8, 1, b'\x03\xe8'))
    c.finish()


@scenario
def what_is_not_websocket_does_not_get_by(s):
    srv = icap.Script(s)
    srv.rules()
    scans(s, icap.service(srv.url('204')))
    for bad in (b'\x81\x05hello',             # not masked
                b'\xc1' + frame(1, b'hello')[1:],      # not agreed on
                b'\x83' + frame(1, b'hello')[1:]):
        c = upgraded(s)
        c.send(bad)
        opcode, fin, data = read_frame(c)
        equal((opcode, data[:2]), (8, b'\x03\xea'))
        c.finish()
    equal(len(srv.logged(3, 'REQMOD')), 3)      # the upgrades


@scenario(plain=True, timeout=150)
def a_browser_opens_it_where_it_is_scanned(s):
    """Not in a stream of HTTP/2, where nobody would see its messages."""
    srv = icap.Script(s)
    srv.rules()
    icap.start(s, dict(icap.service(srv.url('204')), websocket='message'),
               record=False, log={'events': ['flow', 'http', 'ws', 'icap']})
    p = h2_programs.node(s)
    r = programs.chromium(s, h2_programs.URL + 'page', s.pki.ca)
    check('objects 60 bad  said 3 5000' in r.text, r.text[-1500:],
          r.errors[-1500:])
    check('websocket over http/1.1' in p.text(), p.text())
    check('over h2' not in p.text(), p.text())
    wait(lambda: len(s.d.events('flow')) >= 2, 'the end of both sessions')
    up = [e['ws']['length'] for e in s.d.events('ws')
          if (e['ws']['direction'], e['ws']['opcode']) == ('to_server', 'text')]
    equal(up, [3, 5000])
    check(not any('uninspected' in e['clearspan']
                  for e in s.d.events('flow')), s.d.events('flow'))
    shown = [x for x in srv.log('REQMOD') if 'POST' in str(x) and
             '/chat' in str(x)]
    check(len(shown) >= 2, srv.log('REQMOD')[-3:])


@scenario(plain=True, timeout=150)
def messages_in_a_stream_that_is_judged_are_events(s):
    s.start(record=False, log={'events': ['flow', 'http', 'ws']}, rules=[
        {'name': 'never', 'host': ['never.test'], 'action': 'block'},
        {'name': 'default', 'action': 'decrypt'}])
    p = h2_programs.node(s)
    r = programs.chromium(s, h2_programs.URL + 'page', s.pki.ca)
    check('objects 60 bad  said 3 5000' in r.text, r.text[-1500:],
          r.errors[-1500:])
    check('websocket over h2' in p.text(), p.text())
    texts = lambda way: [e['ws']['length'] for e in s.d.events('ws')
                         if (e['ws']['direction'], e['ws']['opcode']) ==
                         (way, 'text')]
    wait(lambda: len(texts('to_client')) == 2, 'the messages')
    equal((texts('to_server'), texts('to_client')), ([3, 5000], [3, 5000]))
    check(s.d.metric('clearspan_http2_streams_total') > 60, 'streams')
