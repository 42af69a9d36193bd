"""One peer, or many, make us keep no more than `limits: memory`."""
import itertools
import socket
import ssl
import subprocess
import threading

from harness import check, equal, net, peer, scenario, wait
from harness.proc import Failure

BARE = {'mirrors': [], 'rules': [{'name': 'default', 'action': 'decrypt'}]}
SERIAL = b'A' * 16
OTHER = '10.1.0.3'        # another client


class Giants:
    """Certificates of some size, each another: only the serial differs, so
    the signature holds for none. That makes the server untrusted, no more."""

    def __init__(self, s, size):
        self.key, pem = s.path('giant.key'), s.path('giant.pem')
        san = ','.join('DNS:n%05d.good.test' % i for i in range(size // 19))
        with open(s.path('giant.cnf'), 'w') as f:
            f.write('[req]\ndistinguished_name=dn\nx509_extensions=leaf\n'
                    '[dn]\n[leaf]\nsubjectAltName=' + san + '\n')
        subprocess.run(('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=g',
                        '-set_serial', '0x' + SERIAL.hex(), '-days', '30',
                        '-config', s.path('giant.cnf'), '-keyout', self.key,
                        '-out', pem), check=True, capture_output=True)
        with open(pem) as f:
            self.der = ssl.PEM_cert_to_DER_cert(f.read())
        self.number, self.path = itertools.count(1), s.path
        self.ctx = self.next()
        self.ctx.sni_callback = self.hello

    def next(self):
        n = next(self.number)
        pem = self.path('giant-%d.pem' % (n % 64))
        with open(pem, 'w') as f:
            f.write(ssl.DER_cert_to_PEM_cert(self.der.replace(
                SERIAL, b'B%015d' % n)))
        return peer.server_context((pem, self.key))

    def hello(self, sslobj, name, ctx):
        sslobj.context = self.next()


def all_at(n, threads, one):
    """one() n times by so many threads; the exceptions."""
    wrong, left = [], iter(range(n))

    def run():
        for i in left:
            try:
                one()
            except (OSError, ssl.SSLError, Failure) as e:
                wrong.append(e)
    ts = [threading.Thread(target=run) for i in range(threads)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    return wrong


@scenario(timeout=240)
def certificates_of_90_kb_stay_within_the_budget(s):
    """900 of them, none like another; each took a megabyte for good."""
    s.start(record=False, limits={'memory': '64M'},
            upstream={'max-chain': '128k'}, **BARE)
    s.serve(443, ctx=Giants(s, 90000).ctx)

    def one():
        p = s.tls(verify=False)
        p.send(b'ping')
        equal(p.recv_exact(4), b'ping')
        p.close()
    equal(all_at(20, 4, one), [])
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all ended')
    base = s.d.rss()
    equal(all_at(880, 6, one), [])
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all ended')
    grown = s.d.rss() - base
    s.say('memory grew by %d KiB' % grown)
    s.d.metric_is(0, 'clearspan_memory_bytes', pool='tls')
    check(s.d.metric('clearspan_memory_bytes', pool='caches') <= 8 << 20)
    if s.kind == 'plain':       # by no more than limits.memory
        check(grown < 64 << 10, 'memory grew by %d KiB' % grown)
    caches = s.d.ctl('caches')
    for c in caches.values():
        check(c['bytes'] <= c['limit'], caches)


@scenario
def a_chain_past_the_limit_is_refused_with_the_reason(s):
    for lo in '1.2', '1.3':
        s.start(record=False, **BARE)
        giants = Giants(s, 90000)
        srv = s.serve(443 if lo == '1.2' else 444, ctx=giants.ctx)
        try:
            s.tls(port=srv.port, verify=False, hi=lo, lo=lo)
            check(False, 'the handshake succeeded')
        except (OSError, ssl.SSLError, Failure):
            pass
        f = s.d.flows()[0]
        check('more than upstream.max-chain' in f['flow']['reason'],
              f['flow']['reason'])
        s.stop(s.d)


def name_server(s):
    """Answers told.test, and is silent about all else."""
    with s.server:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((net.SERVER, 53))

    def run():
        while True:
            q, who = sock.recvfrom(512)
            if b'\x04told\x04test' not in q:
                continue
            end = q.index(b'\0', 12) + 5
            a = q[end - 4:end - 2] == b'\0\x01'
            sock.sendto(q[:2] + b'\x81\x80\0\x01' + bytes((0, a)) + bytes(4) +
                        q[12:end] + (b'\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04' +
                                     socket.inet_aton(net.SERVER) if a else
                                     b''), who)
    threading.Thread(target=run, daemon=True).start()


@scenario(timeout=90)
def names_that_nobody_answers_stop_their_client_alone(s):
    """1,024 of them from one client; another's name is looked up."""
    name_server(s)
    s.start(record=False, workers=1, limits={'per-client': 2000},
            upstream={'connect-timeout': '60s'}, **BARE)
    s.serve(443)
    held = []
    for i in range(1024):
        c = s.connect(net.PROXY, net.INNER)
        c.sendall(b'CONNECT n%d.test:443 HTTP/1.1\r\n\r\n' % i)
        held.append(c)
    wait(lambda: s.d.metric('clearspan_sessions_open') >= 1000, 'all ask')
    c = peer.Peer(s.connect(net.PROXY, net.INNER, (OTHER, 0)))
    c.send(b'CONNECT told.test:443 HTTP/1.1\r\n\r\n')
    check(c.recv(64).startswith(b'HTTP/1.1 200'), 'the other is not served')
    for c in held:
        c.close()


@scenario(timeout=180, plain=True)
def what_slow_readers_held_is_given_back(s):
    """600 of them left 206 MB behind."""
    s.start(record=False, workers=1, limits={'memory': '256M'}, **BARE)
    block = b'x' * (1 << 20)

    def handler(p):
        p.sock.settimeout(120)
        p.recv_exact(1)
        for i in range(4):
            p.send(block)
    s.serve(443, handler=handler)
    base, held = s.d.rss(), []
    for i in range(600):
        c = s.tls()
        c.send(b'x')
        held.append(c)
    wait(lambda: s.d.metric('clearspan_memory_bytes', pool='buffers') >=
         32 << 20, 'they hold buffers')
    s.say('held: %d KiB' % (s.d.rss() - base))
    for c in held:
        c.rst()
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all ended')
    for pool in 'buffers', 'tls', 'mirrors':
        s.d.metric_is(0, 'clearspan_memory_bytes', pool=pool)
    wait(lambda: s.d.rss() - base < 24 << 10, 'the memory is given back',
         timeout=20)


@scenario(timeout=120, plain=True)
def queues_of_mirrors_are_of_the_memory_limit(s):
    """A reader of PCAP-over-IP that takes nothing, and might have 1 GiB wait
    for it: the session goes on, and packets are lost to it."""
    s.start(record=False, limits={'memory': '64M'}, mirrors=[
        {'name': 'live', 'pcap-over-ip': '127.0.0.1:57012', 'queue': '1G'}],
        rules=[{'name': 'default', 'action': 'decrypt', 'mirror': ['live']}])
    stuck = peer.connect(s.gateway, '127.0.0.1', 57012)
    s.d.wait_log(': reader ')

    def handler(p):
        while p.recv():
            p.received.clear()      # or this test has them all
        p.close()
    srv = s.serve(7, handler=handler, plain=True)
    base, block = s.d.rss(), b'x' * (1 << 20)
    c = s.plain(7)
    for i in range(200):
        c.send(block)
        c.sent.clear()
    c.finish()
    srv.wait(1)
    f = s.d.flows(1)[0]
    equal(f['flow']['bytes_toserver'], 200 << 20)
    check(s.d.metric('clearspan_memory_bytes', pool='mirrors') <= 32 << 20,
          'more than half of limits.memory')
    check(f['clearspan']['mirrors'][0]['lost'] > 100 << 20, f['clearspan'])
    grown = s.d.rss() - base
    check(grown < 64 << 10, 'memory grew by %d KiB' % grown)
    stuck.close()
