"""One scenario: its network, its daemon, its recorder, and what is asserted
of every one of them at its end."""
import json
import os
import re
import signal
import socket
import subprocess
import time

from . import box, capture, net, peer, proc
from .pki import Pki
from .proc import Failure, check, equal, wait, whole_lines

BINARY = os.environ.get('CLEARSPAN', 'build/clearspan')
KIND = os.environ.get('KIND', 'plain')          # plain | asan | tsan
SLOW = {'plain': 1, 'asan': 3, 'tsan': 4}[KIND]
BAD_WORDS = re.compile(r'ERROR: \w*Sanitizer|runtime error:|WARNING: Thread'
                       r'Sanitizer|Assertion .* failed|stack smashing')
SOURCE_MAC, REPLY_MAC = '02:00:5e:10:00:01', '02:00:5e:10:00:02'
ALL = []


def scenario(f=None, timeout=60, plain=False, skip=None):
    """Mark a function as a scenario; plain: not under a sanitizer; skip: why
    it cannot run here."""
    def mark(f):
        f.timeout, f.plain, f.skip = timeout, plain, skip
        ALL.append(f)
        return f
    return mark(f) if f else mark


def yaml(v, depth=0):
    """Block-style YAML of dicts, lists and scalars."""
    pad = '  ' * depth
    if isinstance(v, dict):
        out = ''
        for k, x in v.items():
            if isinstance(x, (dict, list)) and x and not flat(x):
                out += '%s%s:\n%s' % (pad, k, yaml(x, depth + 1))
            else:
                out += '%s%s: %s\n' % (pad, k, scalar(x))
        return out
    out = ''
    for x in v:
        if isinstance(x, dict):
            out += pad + '- ' + yaml(x, depth + 1).lstrip()
        else:
            out += '%s- %s\n' % (pad, scalar(x))
    return out


def flat(v):
    return isinstance(v, list) and not any(
        isinstance(x, (dict, list)) for x in v)


def scalar(v):
    if isinstance(v, list):
        return '[%s]' % ', '.join(map(scalar, v))
    if isinstance(v, dict):
        return '{}'
    if isinstance(v, bool):
        return 'yes' if v else 'no'
    if isinstance(v, int):
        return str(v)
    if re.fullmatch(r'[A-Za-z0-9_./][A-Za-z0-9_./-]*', v):
        return v
    return json.dumps(v)


def lengths(pairs):
    return ['%d/%d' % (len(up), len(down)) for up, down in pairs]


class Daemon(proc.Process):
    """clearspan run, with the ways to ask it things."""

    def __init__(self, s, conf, prefix=(), env=None):
        self.s, self.conf = s, conf
        self.file = s.path('clearspan.yaml')
        with open(self.file, 'w') as f:
            f.write(yaml(conf))
        super().__init__(s, s.net.gateway,
                         [*prefix, s.binary, 'run', '-c', self.file],
                         name='clearspan', env=env)

    def ready(self):
        self.wait_log('ready', 15 * SLOW)
        return self

    def ctl(self, *verb):
        """The answer to a verb, by the socket, as `clearspan ctl` asks."""
        line = ' '.join(verb)
        self.s.say('ctl ' + line)
        try:
            answer = self.asked(line, 15 * SLOW * proc.PATIENCE)
        except (OSError, ValueError) as e:
            raise Failure('ctl %s: %s' % (line, e))
        if 'error' in answer:
            raise Failure('ctl %s: %s' % (line, json.dumps(answer)))
        return answer

    def asked(self, line, timeout=5):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout)
            sock.connect(self.conf['control']['socket'])
            sock.sendall(line.encode() + b'\n')
            return json.loads(sock.makefile().readline())

    def metrics(self):
        host, port = self.conf['metrics']['listen'].rsplit(':', 1)
        sock = peer.connect(self.s.net.gateway, host, int(port))
        p = peer.Peer(sock)
        p.send(b'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
               b'\r\n')
        text = p.recv_all().decode()
        sock.close()
        out = {}
        for line in text.split('\r\n\r\n', 1)[-1].splitlines():
            if line and line[0] != '#' and ' ' in line:
                k, v = line.rsplit(' ', 1)
                try:
                    out[k] = float(v)
                except ValueError:
                    pass
        return out

    def metric(self, name, **labels):
        """The sum of a metric over what its labels leave open."""
        total = 0.0
        for k, v in self.metrics().items():
            n, _, rest = k.partition('{')
            have = dict(re.findall(r'(\w+)="([^"]*)"', rest))
            if n == name and all(have.get(a) == b
                                 for a, b in labels.items()):
                total += v
        return total

    def metric_is(self, value, name, **labels):
        """It becomes that: a session may be counted behind what its peers
        have seen of it."""
        wait(lambda: self.metric(name, **labels) == value,
             '%s %s that is %g' % (name, labels, value))

    def idle(self):
        """... and what it has to say of that is in its log: events wait a
        moment for others."""
        return super().idle() and not self.queued()

    def queued(self):
        """Bytes of events that are not written; 0 of one that cannot be
        asked."""
        try:
            return self.asked('status')['event_log']['queued_bytes']
        except (OSError, KeyError, ValueError, TypeError):
            return 0

    def fds(self):
        return len(os.listdir('/proc/%d/fd' % self.pid))

    def cpu(self):
        """Seconds of CPU that its threads have used."""
        total = 0
        for task in os.listdir('/proc/%d/task' % self.pid):
            with open('/proc/%d/task/%s/schedstat' % (self.pid, task)) as f:
                total += int(f.read().split()[0])
        return total / 1e9

    def rss(self):
        """Resident KiB."""
        with open('/proc/%d/status' % self.pid) as f:
            return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))

    def events(self, kind='flow'):
        """Those whole so far."""
        all_ = map(json.loads, whole_lines(self.conf['log']['file']))
        return [e for e in all_ if e['event_type'] == kind]

    def flows(self, n=1, timeout=10):
        """Wait for n flow events; all of them, as the sessions began: what
        two workers write comes in any order."""
        wait(lambda: len(self.events()) >= n, '%d flow events' % n,
             timeout * SLOW)
        return sorted(self.events(), key=lambda e: e['flow']['start'])


class Scenario:
    def __init__(self, name, directory, pki):
        self.name, self.dir = name, directory
        self.pki = Pki(pki)
        self.binary = os.path.abspath(BINARY)
        self.kind, self.slow = KIND, SLOW
        self.procs, self.daemons, self.recorders = [], [], []
        self.transcript = open(os.path.join(directory, 'commands'), 'a',
                               buffering=1)
        os.chdir(directory)
        with open(self.path('resolv.conf'), 'w') as f:
            f.write('nameserver 10.2.0.2\noptions timeout:1 attempts:1\n')
        self.private()
        self.net = net.Topology(directory)
        self.client, self.gateway = self.net.client, self.net.gateway
        self.server = self.net.server
        self.rec = None
        self.clients = []       # what each sent and got; it may be gone
        self.serves = []
        self.compared = False
        self.unlike = None      # why finish() does not compare the mirror

    def private(self):
        """Our own hosts, resolv.conf and shared memory, in our own mount
        namespace."""
        # A c-icap that is killed leaves names there, and takes 1024 at most.
        box.mount('tmpfs', '/dev/shm', 'tmpfs')
        box.bind(self.pki.f('hosts'), '/etc/hosts')
        real = os.path.realpath('/etc/resolv.conf')
        if os.path.exists(real):
            box.bind(self.path('resolv.conf'), real)

    def hosts(self, text):
        path = self.path('hosts')
        with open(path, 'w') as f:
            f.write('127.0.0.1 localhost\n' + text)
        net.run('umount', '/etc/hosts')
        net.run('mount', '--bind', path, '/etc/hosts')

    def path(self, name):
        return os.path.join(self.dir, name)

    def say(self, text):
        self.transcript.write(text + '\n')

    def spawn(self, ns, *argv, **kw):
        p = proc.Process(self, ns, list(argv), **kw)
        self.procs.append(p)
        return p

    def run(self, ns, *argv, **kw):
        kw['timeout'] = kw.get('timeout', 30) * self.slow
        return proc.call(self, ns, list(argv), **kw)

    # --- the product
    def conf(self, **over):
        c = {
            'workers': 2,
            'ca': {'certificate': self.pki.ca, 'key': self.pki.ca_key},
            'listen': [
                {'name': 'gateway', 'mode': 'transparent',
                 'address': '[::]:8443'},
                {'name': 'proxy', 'mode': 'explicit',
                 'address': '10.1.0.1:8080', 'allow': ['10.1.0.0/24']}],
            'upstream': {'trust': self.pki.root},
            'mirrors': [{'name': 'recorder', 'interface': 'span0',
                         'destination-mac': net.RECORDER_MAC}],
            'rules': [{'name': 'default', 'action': 'decrypt',
                       'mirror': ['recorder']}],
            'log': {'level': 'debug', 'events': ['flow'],
                    'file': self.path('eve.json')},
            'control': {'socket': self.path('control.sock')},
            'metrics': {'listen': '127.0.0.1:9911'},
        }
        for k, v in over.items():
            k = k.replace('_', '-')
            if isinstance(v, dict) and isinstance(c.get(k), dict):
                c[k] = dict(c[k], **v)
            else:
                c[k] = v
        return c

    def start(self, how='tproxy', record=True, prefix=(), env=None, snap=2048,
              buffer=49152, **over):
        """Steer the client, record the mirror, run the daemon."""
        if how:
            self.net.steer(how, self.binary, (net.PROXY,))
        if record:
            self.rec = capture.Recorder(self, self.net.recorder, 'rec0',
                                        'mirror', snap=snap, buffer=buffer)
            self.recorders.append(self.rec)
        d = Daemon(self, self.conf(**over), prefix, env)
        self.daemons.append(d)
        self.d = d
        return d.ready()

    def reload(self, result='ok', **over):
        """Another configuration, and SIGHUP."""
        n = self.d.metric('clearspan_reloads_total', result=result)
        conf = self.conf(**over)
        with open(self.d.file, 'w') as f:
            f.write(yaml(conf))
        if result == 'ok':
            self.d.conf = conf  # the metrics may move
        self.d.p.send_signal(signal.SIGHUP)
        wait(lambda: self.reloads(result) > n, 'a reload', 10 * self.slow)

    def reloads(self, result):
        try:
            return self.d.metric('clearspan_reloads_total', result=result)
        except ConnectionRefusedError:  # not there yet
            return -1

    # --- endpoints
    def serve(self, port=443, handler=None, cert='good', alpn=None, lo=None,
              hi=None, address=net.SERVER, ctx=None, plain=False, **kw):
        if not plain and ctx is None:
            ctx = peer.server_context(self.pki.pair(cert), alpn, lo, hi)
        serve = peer.Serve(self.server, port, handler, ctx, address, **kw)
        self.serves.append(serve)
        return serve

    def connect(self, port=443, address=net.SERVER, source=None):
        return peer.connect(self.client, address, port, source)

    def plain(self, port, address=net.SERVER, **kw):
        p = peer.Peer(self.connect(port, address, **kw))
        self.clients.append((p.sent, p.received))
        return p

    def tls(self, port=443, name='good.test', address=net.SERVER, alpn=None,
            lo=None, hi=None, trust=None, ctx=None, session=None, sock=None,
            verify=True):
        """A TLS connection through the gateway, its handshake done."""
        ctx = ctx or peer.client_context(trust or self.pki.ca, alpn, lo, hi,
                                         verify)
        sock = sock or self.connect(port, address)
        p = peer.Peer(sock, ctx, name, session).handshake()
        self.clients.append((p.sent, p.received))
        return p

    def via_proxy(self, host, port, listener=net.INNER, at=net.PROXY):
        """A socket on which CONNECT has succeeded."""
        sock = self.connect(at, listener)
        p = peer.Peer(sock)
        p.send(('CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n' %
                (host, port, host, port)).encode())
        head = b''              # and nothing of what the server says first
        while not head.endswith(b'\r\n\r\n'):
            head += sock.recv(1) or b'\r\n\r\n'
        check(head.startswith(b'HTTP/1.1 200'), 'CONNECT said', head)
        return sock

    def exchange(self, up=b'ping', down=None, **kw):
        """One TLS connection: up goes, down (the echo) comes; ends."""
        p = self.tls(**kw)
        p.send(up)
        got = p.recv_exact(len(up if down is None else down))
        equal(got, up if down is None else down, 'the answer')
        return p.finish()

    # --- what the daemon has done
    def quiet(self):
        """Until the daemon sleeps: all it was given is done and in its log,
        but for what waits for a timer or a peer."""
        wait(self.d.idle, 'moment at which the daemon is idle', 10 * self.slow)

    def taken(self, *ends):
        """Until what these (peers or sockets) have sent is at the gateway,
        and the daemon has looked at it."""
        for x in ends:
            sock = getattr(x, 'sock', x)
            wait(lambda: peer.unacked(sock) == 0, 'arrival of what was sent')
        self.quiet()

    def silence(self, end, seconds):
        """What end has sent is looked at, and then it says nothing for this
        long at least; how much longer is nothing that a scenario may build
        on."""
        self.taken(end)
        time.sleep(seconds)
        self.quiet()

    # --- what the mirror showed
    def mirrored(self, want, rec=None, timeout=10, gaps=False, ports=None,
                 vlan=None, compare=True):
        """The mirror shows exactly these [(up, down)] streams, each of them
        right in every frame. Returns them in the order of want."""
        rec = rec or self.rec
        self.compared = True
        st = rec.streams(len(want), timeout=timeout * self.slow)
        equal(rec.reader.loose, [], 'frames of no stream')
        for x in st:
            equal(x.problems, [], 'mirror of %s' % (x.key,))
            check(x.closed, 'not closed on the mirror:', x)
            equal(x.dst_mac, {net.RECORDER_MAC}, 'destination MAC')
            equal(x.up.src_mac, {SOURCE_MAC}, 'source MAC up')
            if x.down.src_mac:
                equal(x.down.src_mac, {REPLY_MAC}, 'source MAC down')
            equal(x.vlan, {vlan}, 'VLAN')
            self.acknowledged(x)
        return self.matched(st, want)

    def acknowledged(self, x):
        """As `acks` has it: within two segments; or behind every superframe,
        and so within the data that one IP packet of 65,535 bytes can hold
        (IP and TCP headers: 40 bytes; 60 over IPv6). Whatever was sent is
        acknowledged at the end, but for a reset."""
        acks = self.d.conf['mirrors'][0].get('acks', 'burst')
        most = 65535 - (60 if ':' in x.key[0] else 40)
        for half in x.up, x.down:
            check(half.max_unacked_bytes <= most,
                  'more than a superframe without an ACK:',
                  half.max_unacked_bytes)
            check(str(acks) == 'burst' or half.max_unacked <= 2,
                  'more than 2 segments without an ACK:', half.max_unacked)
            check(half.unacked == 0, 'segments without an ACK at the end:',
                  half.unacked)

    def matched(self, st, want):
        left, out = list(st), []
        for up, down in want:
            hit = [x for x in left if x.up.data == up and
                   x.down.data == down]
            if not hit:
                near = left[0] if left else None
                if near is not None and len(want) == 1:
                    equal(bytes(near.up.data), bytes(up), 'mirror up')
                    equal(bytes(near.down.data), bytes(down), 'mirror down')
                raise Failure('no stream of %d up %d down on the mirror: %s' %
                              (len(up), len(down), st))
            left.remove(hit[0])
            out.append(hit[0])
        equal(left, [], 'streams on the mirror that nobody made')
        return out

    def same(self, server, client, **kw):
        """One or more pairs of endpoints agree with each other, and the
        mirror with both. client: peers; server: a Serve."""
        clients = client if isinstance(client, list) else [client]
        peers = server.wait(len(clients), 10 * self.slow)
        left = [(bytes(p.received), bytes(p.sent)) for p in peers]
        for c in clients:
            pair = (bytes(c.sent), bytes(c.received))
            if pair not in left:
                if len(left) == 1:
                    equal(left[0][0], pair[0], 'received by the server')
                    equal(pair[1], left[0][1], 'received by the client')
                raise Failure('no server connection of %d up %d down' %
                              (len(pair[0]), len(pair[1])))
            left.remove(pair)
        equal(left, [], 'server connections of nobody')
        return self.mirrored([(bytes(c.sent), bytes(c.received))
                              for c in clients], **kw)

    def mirrored_by_server(self, server, n=1, **kw):
        """The mirror agrees with what the server saw (for clients that keep
        no record)."""
        peers = server.wait(n, 10 * self.slow)
        return self.mirrored([(bytes(p.received), bytes(p.sent))
                              for p in peers], **kw)

    # --- the end
    def comparable(self):
        """Whether compare() can tell anything: not of programs, which keep no
        record, and not where a service changes what goes and what comes."""
        return (self.rec in self.recorders and not self.compared and
                not self.unlike and (self.clients or self.serves) and
                'icap' not in self.d.conf)

    def all_mirrored(self):
        """Every session carried bytes, and the recorder was shown them all:
        none was bypassed, none failed in its handshake."""
        def shown(f):
            n = f['flow']['bytes_toserver'] + f['flow']['bytes_toclient']
            return n > 0 and n in [m['bytes'] for m in
                                   f['clearspan'].get('mirrors', [])
                                   if m['name'] == 'recorder']
        flows = self.d.events()
        return flows and all(map(shown, flows))

    def compare(self):
        """For a scenario that did not look itself: on each stream of the
        mirror is what one of our clients sent and one of our servers sent (or
        the other received, where the one is no peer of ours); and each of our
        servers' connections is on a stream, if every session is. What was
        reset may end early on either side of us."""
        def alike(x, got, data):
            return got == data or (x.up.rst or x.down.rst) and (
                got.startswith(data) or data.startswith(got))

        def known(x, got, all_):
            return got in all_ or any(alike(x, got, d) for d in all_)

        servers = [(bytes(p.received), bytes(p.sent))
                   for v in self.serves for p in v.peers]
        clients = [(bytes(a), bytes(b)) for a, b in self.clients]
        ups, downs = [set(x) | {b''} for x in zip(
            (b'', b''), *servers, *clients)]
        left = [x for x in self.rec.poll().streams if x.up.data or x.down.data]
        for x in left:
            equal(x.problems, [], 'mirror of %s' % (x.key,))
            if not known(x, bytes(x.up.data), ups) or \
               not known(x, bytes(x.down.data), downs):
                raise Failure('%s on the mirror is nobody\'s; clients %s, '
                              'servers %s' % (x, lengths(clients),
                                              lengths(servers)))
        if not self.all_mirrored():
            return
        sent = {up for up, _ in clients}
        for got, down in servers:
            hit = next((x for x in left
                        if alike(x, bytes(x.down.data), down) and
                        known(x, bytes(x.up.data), sent | {got})), None)
            if hit:
                left.remove(hit)
            elif got or down:
                raise Failure('up %d down %d of a server are not on the '
                              'mirror' % (len(got), len(down)))

    def finish(self):
        for d in self.daemons:
            self.stop(d)
        if self.rec and self.comparable():
            self.compare()
            self.compared = True
        for r in self.recorders:
            r.stop()
            lost = re.search(r'(\d+) packets? dropped by kernel',
                             r.p.text())
            if lost and int(lost.group(1)):
                raise Failure('the recorder lost %s' % lost.group(1))

    def stop(self, d, status=0):
        if d.p.returncode is None:
            code = d.end(signal.SIGTERM, 10 * self.slow)
        else:
            code = d.p.returncode
        self.daemons = [x for x in self.daemons if x is not d]
        m = BAD_WORDS.search(d.text())
        if m:
            raise Failure('the daemon said: ' + d.text()[m.start():][:6000])
        equal(code, status, 'exit status of clearspan')

    def failed(self):
        """What a person needs when this failed."""
        out = ['--- commands']
        with open(self.path('commands')) as f:
            out.append(f.read()[-3000:].rstrip())
        for f in sorted(os.listdir(self.dir)):
            if f.endswith('.log'):
                with open(self.path(f), errors='replace') as t:
                    text = t.read()
                if text.strip():
                    keep = 6000 if f == 'clearspan.log' else 1200
                    out += ['--- ' + f, text[-keep:].rstrip()]
        if os.path.exists(self.path('eve.json')):
            with open(self.path('eve.json')) as t:
                out += ['--- eve.json', t.read()[-1500:].rstrip()]
        return '\n'.join(out)
