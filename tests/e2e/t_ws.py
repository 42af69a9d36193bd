"""WebSocket: its messages in the event log."""
import hashlib
import os

from harness import net
from harness.case import scenario
from harness.proc import check, equal, wait

# By Debian's python3, which has python3-websockets.
PROGRAM = ['/usr/bin/python3',
           os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        'websocket.py')]


def start_server(s):
    pem, key = s.pki.pair('good')
    p = s.spawn(s.server, *PROGRAM, 'server',
                net.SERVER, '443', pem, key)
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
