"""DNS over UDP through the gateway: what is changed in answers, and all that
is not; what is refused; and how much is held for whom."""
import os
import select
import signal
import socket
import threading

from harness import check, equal, net, scenario, wait
from t_breadth import BLUNT, HTTPS, SIGNATURE

SO_RCVBUFFORCE = 33       # socket(7)
OTHER = '10.2.0.3'
LISTEN = [{'name': 'gateway', 'mode': 'transparent', 'address': '[::]:8443',
           'dns': True}]
STRIP = {'dns': 'strip'}


def message(id_, flags, *records, additional=b''):
    return (id_.to_bytes(2, 'big') + flags + b'\0\1\0' +
            bytes([len(records)]) + b'\0\0\0' + bytes([bool(additional)]) +
            b'\1a\4test\0\0\x41\0\1' + b''.join(records) + additional)


def query(id_=0x1234):
    """With EDNS, and the DO bit."""
    return message(id_, b'\1\0', additional=b'\0\0\x29\x10\0\0\0\x80\0\0\0')


def answer(id_=0x1234, *records, flags=b'\x81\x80'):
    return message(id_, flags, *(records or (HTTPS,)))


def txt(n):
    """A record that long."""
    text = b'\xff' + b'x' * 255
    data = text * (n // 256)
    return b'\xc0\x0c\0\x10\0\1\0\0\0\x3c' + len(data).to_bytes(2, 'big') + data


class Server(threading.Thread):
    """Gives what answers(query) says, a list, to each; and keeps who asked."""

    def __init__(self, s, answers, address=net.SERVER):
        super().__init__(daemon=True)
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        with s.server:
            self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        self.sock.bind((address, 53))
        self.answers, self.asked = answers, []
        self.start()

    def run(self):
        while True:
            data, who = self.sock.recvfrom(65535)
            self.asked.append((data, who))
            for a in self.answers(data):
                self.sock.sendto(a, who)


def echo_id(*records, **kw):
    return lambda q: [answer(int.from_bytes(q[:2], 'big'), *records, **kw)]


def client(s, server=net.SERVER, source=None):
    family = socket.AF_INET6 if ':' in server else socket.AF_INET
    with s.client:
        c = socket.socket(family, socket.SOCK_DGRAM)
    c.settimeout(20)
    if source:
        c.bind((source, 0))
    c.connect((server, 53))
    return c


def start(s, *options, prefix=(), **over):
    s.net.steer('tproxy', s.binary, (), '--dns', *options)
    over.setdefault('inspect', STRIP)
    return s.start(how=None, record=False, listen=LISTEN, prefix=prefix,
                   **over)


def ask(c, q=None):
    c.send(q or query())
    return c.recv(65535)


def silent(c):
    return not select.select([c], [], [], 0)[0]


def taken(s):
    """Whether the gateway has a socket for DNS."""
    with s.gateway, open('/proc/thread-self/net/udp6') as f:
        return ':%04X ' % net.LISTEN in f.read()


def refused(c):
    try:
        return not ask(c)
    except ConnectionRefusedError:
        return True


def queries(s, result):
    return s.d.metric('clearspan_dns_queries_total', result=result)


def answers(s, result):
    return s.d.metric('clearspan_dns_answers_total', result=result)


def both_families(s, keep):
    """Each byte of queries and answers, and who the server is told asks."""
    start(s, upstream={'keep-client-address': keep})
    cases = ((answer(), answer(0x1234, BLUNT)),
             (answer(0x1234, HTTPS, SIGNATURE),) * 2,
             (answer(flags=b'\x83\x80'),
              answer(0x1234, BLUNT, flags=b'\x83\x80')),     # truncated
             (answer(0x1234, txt(6000), HTTPS),              # in fragments
              answer(0x1234, txt(6000), BLUNT)),
             (answer() + b'rest', answer(0x1234, BLUNT) + b'rest'),
             (answer()[:-1],) * 2)
    for address, own in ((net.SERVER, net.OUTER), (net.SERVER6, net.OUTER6)):
        given = [a for a, _ in cases]
        server = Server(s, lambda q: [given.pop(0)], address)
        c = client(s, address)
        for _, want in cases:
            equal(ask(c), want, 'the answer over ' + address)
        equal([q for q, _ in server.asked], [query()] * len(cases))
        who = {w[:2] for _, w in server.asked}
        if keep:
            equal(who, {c.getsockname()[:2]})
        else:
            equal({a for a, _ in who}, {own})
        c.close()
    equal(queries(s, 'sent'), 2 * len(cases))
    s.d.metric_is(8, 'clearspan_dns_answers_total', result='stripped')
    s.d.metric_is(4, 'clearspan_dns_answers_total', result='passed')


@scenario
def answers_over_udp_are_stripped_from_our_own_address(s):
    both_families(s, False)


@scenario
def answers_over_udp_are_stripped_from_the_clients_address(s):
    both_families(s, True)


@scenario
def rules_decide_for_dns_over_udp(s):
    """And it does not take root."""
    os.chmod(s.dir, 0o777)
    start(s, user='nobody', rules=[
        {'name': 'no', 'server': ['10.2.0.2'], 'port': [53],
         'action': 'block'},
        {'name': 'drop', 'client': ['10.1.0.3'], 'action': 'reset'},
        {'name': 'unread', 'protocol': ['other'], 'server': [OTHER],
         'action': 'bypass'},
        {'name': 'even', 'action': 'decrypt',
         'inspect': {'dns': 'strip-signed'}}])
    blocked = Server(s, echo_id())
    unread = Server(s, echo_id(), OTHER)
    six = Server(s, echo_id(HTTPS, SIGNATURE), net.SERVER6)
    equal(ask(client(s)), message(0x1234, b'\x81\5'), 'blocked')
    equal(ask(client(s), message(7, b'\1\x10')[:-1]),
          b'\0\7\x81\x15' + b'\0' * 8, 'blocked, without a whole question')
    check(refused(client(s, OTHER, '10.1.0.3')), 'reset')
    equal(ask(client(s, OTHER)), answer(), 'bypassed')
    equal(ask(client(s, net.SERVER6)), answer(0x1234, BLUNT, SIGNATURE))
    equal(queries(s, 'reset'), 1)
    s.d.metric_is(2, 'clearspan_dns_queries_total', result='blocked')
    equal([len(x.asked) for x in (blocked, unread, six)], [0, 1, 1])


@scenario
def two_thousand_queries_wait_at_once(s):
    """Each from a port of its own; the server answers when it has all."""
    n = 2000
    all_ = []

    def hold(q):
        all_.append(q)
        return []
    start(s, prefix=('prlimit', '--nofile=20000'))
    server = Server(s, hold)
    made = [client(s) for _ in range(n)]
    for i, c in enumerate(made):
        c.send(query(i))
    wait(lambda: len(all_) == n, 'every query at the server')
    s.d.metric_is(n, 'clearspan_dns_waiting')
    for q, who in server.asked:
        server.sock.sendto(answer(int.from_bytes(q[:2], 'big')), who)
    for i, c in enumerate(made):
        equal(c.recv(65535), answer(i, BLUNT))
        c.close()
    s.d.metric_is(0, 'clearspan_dns_waiting')
    equal(queries(s, 'sent'), n)
    s.d.metric_is(n, 'clearspan_dns_answers_total', result='stripped')


@scenario
def one_socket_has_many_queries(s):
    """Answered in another order; the same id again is one query."""
    start(s)
    held = []

    def hold(q):
        held.append(q)
        return []
    server = Server(s, hold)
    c = client(s)
    for i in (1, 2, 3, 2):
        c.send(query(i))
    wait(lambda: len(held) == 4, 'four queries')
    s.d.metric_is(3, 'clearspan_dns_waiting')
    equal(len({w for _, w in server.asked}), 1)
    who = server.asked[0][1]
    for i in (9, 3, 2, 2, 1):       # 9 was not asked; 2 no longer is
        server.sock.sendto(answer(i), who)
    equal([c.recv(65535)[:2] for _ in range(3)], [b'\0\3', b'\0\2', b'\0\1'])
    s.d.metric_is(0, 'clearspan_dns_waiting')
    equal(answers(s, 'unasked'), 2)
    check(silent(c), 'an answer that was not asked for')


def refuses_and_comes_back(s, address):
    """A server that is not there is seen as without us; and then it is."""
    c = client(s, address)
    check(refused(c), 'an answer of nobody')
    Server(s, echo_id(), address)
    equal(ask(c), answer(0x1234, BLUNT), 'the same id again')


@scenario
def a_server_that_is_not_there_refuses(s):
    start(s, workers=1, upstream={'keep-client-address': True})
    for address in (net.SERVER, net.SERVER6):
        refuses_and_comes_back(s, address)


@scenario
def a_server_that_is_not_there_refuses_us(s):
    start(s, workers=4, upstream={'keep-client-address': False})
    for address in (net.SERVER, net.SERVER6):
        refuses_and_comes_back(s, address)


@scenario
def what_is_no_dns_or_of_another_server_is_dropped(s):
    start(s, upstream={'keep-client-address': True})
    stray = []

    def liar(q):
        stray.append(q)
        id_ = int.from_bytes(q[:2], 'big')
        return [b'', b'\x12', query(id_), answer(id_)]
    server = Server(s, liar)
    other = Server(s, echo_id(), OTHER)
    c = client(s)
    for m in (b'', b'x' * 11, answer(5), os.urandom(2) + b'\x80' * 60):
        c.send(m)
    c.send(query(5))
    who = wait(lambda: server.asked and server.asked[0][1], 'the query')
    other.sock.sendto(answer(5), who)
    equal(c.recv(65535), answer(5, BLUNT))
    equal(ask(client(s, OTHER)), answer(0x1234, BLUNT))
    equal(queries(s, 'malformed'), 4)
    equal(answers(s, 'unasked'), 3)
    equal(stray, [query(5)])
    check(silent(c), 'more than one answer')
    with s.client:      # its own address, multicast: not for others
        m = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        m.sendto(query(), (net.INNER, 8443))
    s.d.metric_is(1, 'clearspan_dns_queries_total', result='denied')


@scenario
def a_flood_is_bounded_and_others_are_served(s):
    """1024 descriptors: 128 queries of a worker, 64 of a client."""
    start(s, prefix=('prlimit', '--nofile=1024'))
    dead = Server(s, lambda q: [], OTHER)
    Server(s, echo_id())
    made = [client(s, OTHER) for _ in range(400)]
    for c in made:
        c.send(query())
    wait(lambda: queries(s, 'sent') + queries(s, 'limit') == 400,
         'the end of the flood')
    check(64 <= s.d.metric('clearspan_dns_waiting') <= 128)
    equal(queries(s, 'sent'), s.d.metric('clearspan_dns_waiting'))
    wait(lambda: len(dead.asked) == queries(s, 'sent'), 'them at the server')
    for _ in range(20):
        equal(ask(client(s, source='10.1.0.3')), answer(0x1234, BLUNT))
    for c in made:
        c.close()


@scenario
def queries_outlive_a_reload_and_the_end(s):
    held = []

    def hold(q):
        held.append(q)
        return [] if q[0] == 0 else [answer(int.from_bytes(q[:2], 'big'))]
    start(s)
    server = Server(s, hold)
    a, b = client(s), client(s)
    a.send(query(1))
    wait(lambda: len(held) == 1, 'the first query')
    s.reload(listen=LISTEN, workers=2, inspect={'dns': 'pass'})
    wait(lambda: ask(b) == answer(), 'an answer by the rules after it')
    server.sock.sendto(answer(1), server.asked[0][1])
    equal(a.recv(65535), answer(1, BLUNT), 'by those before it')
    off = [dict(LISTEN[0], dns=False)]
    s.reload(listen=off)
    wait(lambda: not taken(s), 'the end of the listener')
    check(refused(b), 'by the packet rules')
    s.reload(listen=LISTEN, inspect=STRIP)
    equal(ask(b), answer(0x1234, BLUNT))
    n = len(held)
    a.send(query(2))
    wait(lambda: len(held) > n, 'the last query')
    s.d.p.send_signal(signal.SIGTERM)
    wait(lambda: not taken(s), 'the end of the listener')
    server.sock.sendto(answer(2), server.asked[-1][1])
    equal(a.recv(65535), answer(2, BLUNT), 'while it ends')
    equal(s.d.p.wait(20), 0)
    s.daemons.remove(s.d)


def doctor(s):
    return s.run(s.gateway, s.binary, 'doctor', '-c', s.d.file).text


def fate(s, when_down):
    s.unlike = 'the daemon was killed'
    start(s, '--when-down', when_down)
    Server(s, echo_id())
    Server(s, echo_id(), net.SERVER6)
    made = [client(s), client(s, net.SERVER6)]
    for c in made:
        equal(ask(c), answer(0x1234, BLUNT))
    r = s.run(s.gateway, s.binary, 'transparent', 'status').ok()
    check('dns: udp 53, is taken' in r.text, r.text)
    check('DNS over UDP comes, and is taken' in doctor(s))
    s.d.end(signal.SIGKILL)
    s.daemons.remove(s.d)
    r = s.run(s.gateway, s.binary, 'transparent', 'status')
    check('NOBODY TAKES IT' in r.text, r.text)
    check('they bring DNS over UDP, and nothing takes it' in doctor(s))
    return made


@scenario
def without_the_daemon_queries_are_refused(s):
    for c in fate(s, 'reject'):
        check(refused(c), 'an answer')


@scenario
def without_the_daemon_queries_pass_if_asked(s):
    for c in fate(s, 'pass'):
        equal(ask(c), answer())
