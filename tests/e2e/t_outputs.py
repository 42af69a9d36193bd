"""pcap and pcapng files, PCAP-over-IP, event log, key log."""
import datetime
import glob
import json
import os
import re
import socket
import stat
import time

from harness import Failure, PATIENCE, capture, check, equal, net, peer, \
    programs, scenario, wait, whole_lines
from harness.case import yaml

BIG = bytes(i * 5 & 255 for i in range(65536)) * 4


def to(*mirrors):
    return {'mirrors': list(mirrors),
            'rules': [{'name': 'default', 'action': 'decrypt',
                       'mirror': [m['name'] for m in mirrors]}]}


def whole(s, data, made):
    """A capture file's streams are what the endpoints made."""
    r = capture.read(data)
    equal(r.loose, [])
    for x in r.streams:
        equal(x.problems, [], x.key)
        check(x.closed, x)
    s.matched(r.streams, [(bytes(c.sent), bytes(c.received)) for c in made])
    return r.streams


def some(s, n=3):
    s.serve(443)
    s.serve(443, address=net.SERVER6)
    made = []
    for i in range(n):
        c = s.tls(address=(net.SERVER, net.SERVER6)[i % 2])
        c.send(b'request %d ' % i + BIG[:20000 * i])
        c.recv_exact(len(c.sent))
        made.append(c.finish())
    s.d.flows(n)
    return made


@scenario
def pcap_file_of_the_classic_format(s):
    s.start(record=False, **to({'name': 'disk', 'pcap': s.path('out.pcap')}))
    made = some(s)
    s.stop(s.d)
    with open(s.path('out.pcap'), 'rb') as f:
        data = f.read()
    check(data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1'), data[:4])
    whole(s, data, made)
    equal(sorted(capture.tshark_tcp(s.path('out.pcap'))),
          sorted((bytes(c.sent), bytes(c.received)) for c in made))


@scenario
def pcapng_file_with_comments_that_tshark_shows(s):
    s.start(record=False,
            **to({'name': 'disk', 'pcap': s.path('out.pcapng')}))
    made = some(s)
    s.stop(s.d)
    for x in whole(s, s.path('out.pcapng'), made):
        text = '\n'.join(x.comments)
        for word in ('good.test', '1.3', 'default'):
            check(word in text, 'no %s in the comments: %s' % (word, text))
    text = capture.tshark('-r', s.path('out.pcapng'), '-T', 'fields', '-e',
                          'frame.comment')
    check('good.test' in text, text)
    cert = s.run(s.client, 'openssl', 'x509', '-in', s.pki.f('good.pem'),
                 '-noout', '-fingerprint', '-sha256').text
    check(cert.strip().split('=')[1].replace(':', '').lower() in
          text.replace(':', '').lower(), 'no fingerprint in', text)


@scenario
def pcap_files_rotate_by_size_and_are_kept_few(s):
    s.start(record=False, **to(
        {'name': 'disk', 'pcap': s.path('out-%Y%m%d-%H%M%S.pcapng'),
         'rotate': {'size': '100k', 'keep': 3}}))
    s.serve(443)
    for i in range(8):
        c = s.tls()
        c.send(BIG[:100000])
        c.recv_exact(100000)
        c.finish()
    s.stop(s.d)
    files = glob.glob(s.path('out-*'))
    check(2 <= len(files) <= 3, files)
    for f in files:
        check(os.path.getsize(f) < 600000, f, os.path.getsize(f))
        capture.tshark('-r', f, '-c', '1')


@scenario
def pcap_files_rotate_by_time_without_losing_a_byte(s):
    s.start(record=False, **to(
        {'name': 'disk', 'pcap': s.path('out-%Y%m%d-%H%M%S.pcapng'),
         'rotate': {'every': '1s'}}))
    srv = s.serve(443)
    c = s.tls()
    def rotated():
        c.send(BIG[:10000])
        c.recv_exact(10000)
        return len(glob.glob(s.path('out-*'))) > 2
    wait(rotated, 'two rotations')
    c.finish()
    srv.wait(1)
    s.d.flows(1)
    s.stop(s.d)
    files = sorted(glob.glob(s.path('out-*')))
    check(len(files) >= 2, files)
    r = capture.Reader()
    for f in files:
        with open(f, 'rb') as g:
            for fr in capture.frames(g.read()):
                r.feed(fr)
    equal(r.streams[0].problems, [])
    equal(bytes(r.streams[0].up.data), bytes(c.sent))
    equal(bytes(r.streams[0].down.data), bytes(c.received))


class Reader:
    """A PCAP-over-IP client."""

    def __init__(self, s, port=57012):
        self.sock = peer.connect(s.gateway, '127.0.0.1', port)
        self.data = bytearray()

    def until(self, fact, timeout=10):
        end = time.monotonic() + timeout * PATIENCE
        while not fact(self.data):
            self.sock.settimeout(max(0.1, end - time.monotonic()))
            d = self.sock.recv(262144)
            if not d:
                raise Failure('PCAP-over-IP ended')
            self.data += d
            if time.monotonic() > end:
                raise Failure('not on PCAP-over-IP in time')

    def streams(self, n):
        def done(data):
            try:
                st = capture.read(bytes(data)).streams
            except (ValueError, KeyError, IndexError):
                return False
            return len([x for x in st if x.closed]) >= n
        self.until(done)
        return capture.read(bytes(self.data)).streams


LIVE = {'name': 'live', 'pcap-over-ip': '127.0.0.1:57012'}


@scenario
def pcap_over_ip_to_several_readers(s):
    s.start(record=False, **to(LIVE))
    readers = [Reader(s) for i in range(3)]
    for r in readers:
        r.until(lambda d: len(d) >= 24)
    made = some(s)
    for r in readers:
        r.streams(3)
        whole(s, bytes(r.data), made)


@scenario
def pcap_over_ip_a_slow_reader_loses_only_its_own(s):
    s.start(record=False, **to(dict(LIVE, queue='16M')))    # two share it
    slow = Reader(s)
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    # A process of its own: in this one the load would make it slow too.
    fast = s.path('fast.pcapng')
    s.spawn(s.gateway, 'bash', '-c',
            'exec cat </dev/tcp/127.0.0.1/57012 >' + fast, name='fast')
    wait(lambda: os.path.exists(fast) and os.path.getsize(fast) >= 24,
         'the start of the capture')
    import threading
    s.serve(443)
    made = []

    def work():
        for i in range(6):
            c = s.tls()
            for j in range(20):
                c.send(BIG)
                c.recv_exact(len(BIG))
                # A reader is fast who is never a queue's length behind, also
                # on a machine that is busy with something else.
                there = (20 * i + j + 1) * 2 * len(BIG) - (4 << 20)
                wait(lambda: os.path.getsize(fast) >= there,
                     'the fast reader')
            made.append(c.finish())
    t = threading.Thread(target=work)
    start = time.monotonic()
    t.start()

    t.join(40 * s.slow)
    check(not t.is_alive(), 'forwarding slowed')
    check(time.monotonic() - start < 40 * s.slow, 'forwarding slowed')
    s.d.flows(6)
    wait(lambda: len([x for x in capture.read(fast).streams
                      if x.closed]) == 6, 'six whole streams', 20)
    whole(s, fast, made)
    wait(lambda: s.d.metric('clearspan_mirror_lost_bytes_total',
                            mirror='live') > 0, 'loss counted')


@scenario
def pcap_over_ip_reader_that_comes_late_and_goes(s):
    s.start(record=False, **to(LIVE))
    some(s, 1)
    r = Reader(s)
    r.until(lambda d: len(d) >= 24)
    r.sock.close()
    r = Reader(s)
    r.until(lambda d: len(d) >= 24)
    c = s.exchange(b'late')
    r.streams(1)
    whole(s, bytes(r.data), [c])


@scenario
def pcap_over_ip_feeds_tshark(s):
    s.start(record=False, **to(LIVE))
    t = s.spawn(s.gateway, 'sh', '-c', 'exec tshark -n -l -i '
                'TCP@127.0.0.1:57012 -d tcp.port==443,http -Y http -c 40 '
                '2>&1', name='tshark')
    wait(lambda: 'Capturing' in t.text(), 'tshark to capture', 20)
    s.serve(443, handler=peer.http())
    wait(lambda: s.d.metric('clearspan_mirror_readers', mirror='live') or
         True, 'a reader')

    def seen():
        c = s.tls()
        c.send(b'GET /seen-by-tshark HTTP/1.1\r\nHost: good.test\r\n\r\n')
        c.recv_until(b'hello\n')
        c.finish()
        return 'seen-by-tshark' in t.text()
    wait(seen, 'the request in tshark', 20)
    t.end()


# --- the event log

@scenario
def flow_event_has_every_field_of_the_contract(s):
    s.start()
    srv = s.serve(443, alpn=['h2'])
    c = s.exchange(b'logged', alpn=['h2', 'http/1.1'])
    s.same(srv, c)
    f = s.d.flows(1)[0]
    equal(f['event_type'], 'flow')
    datetime.datetime.strptime(f['timestamp'], '%Y-%m-%dT%H:%M:%S.%f%z')
    equal((f['src_ip'], f['dest_ip'], f['dest_port'], f['proto']),
          (net.CLIENT, net.SERVER, 443, 'TCP'))
    equal(f['src_port'], c.sock.getsockname()[1] if c.sock.fileno() >= 0
          else f['src_port'])
    check(re.fullmatch(r'1:[A-Za-z0-9+/=]{28}', f['community_id']), f)
    check(isinstance(f['flow_id'], int), f)
    w = f['flow']
    equal((w['bytes_toserver'], w['bytes_toclient']), (6, 6))
    for k in ('start', 'end', 'age', 'state', 'reason'):
        check(k in w, 'no flow.' + k)
    t = f['tls']
    equal(t['sni'], 'good.test')
    for k in ('version', 'subject', 'issuerdn', 'serial', 'fingerprint',
              'notbefore', 'notafter'):
        check(t.get(k), 'no tls.' + k)
    check(re.fullmatch('[0-9a-f]{32}', t['ja3']['hash']), t)
    check(re.fullmatch(r't1[23]d\d{4}\w\w_[0-9a-f]{12}_[0-9a-f]{12}',
                       t['ja4']), t)
    fp = s.run(s.client, 'openssl', 'x509', '-in', s.pki.f('good.pem'),
               '-noout', '-fingerprint', '-sha1').text
    equal(t['fingerprint'].lower().replace(':', ''),
          fp.strip().split('=')[1].lower().replace(':', ''), 'fingerprint')
    p = f['clearspan']
    equal((p['listener'], p['mode'], p['action'], p['rule']),
          ('gateway', 'transparent', 'decrypt', 'default'))
    for side in ('client', 'server'):
        check('1.3' in p[side]['version'], p)
        check(p[side]['cipher'].startswith('TLS_'), p)
        equal(p[side]['alpn'], 'h2')
        equal(p[side]['resumed'], False)
    equal(p['server']['verify'], 'ok')
    equal(p['forged']['ca'], 'trusted')
    m = p['mirrors'][0]
    equal((m['name'], m['lost']), ('recorder', 0))
    check(m['packets'] >= 9, m)


@scenario
def community_id_is_that_of_the_five_tuple(s):
    import base64
    import hashlib
    s.start(record=False)
    s.serve(443)
    s.exchange(b'x')
    f = s.d.flows(1)[0]
    a = (socket.inet_aton(f['src_ip']), f['src_port'])
    b = (socket.inet_aton(f['dest_ip']), f['dest_port'])
    a, b = sorted((a, b))
    raw = (b'\0\0' + a[0] + b[0] + b'\x06\0' + a[1].to_bytes(2, 'big') +
           b[1].to_bytes(2, 'big'))
    equal(f['community_id'],
          '1:' + base64.b64encode(hashlib.sha1(raw).digest()).decode())


@scenario
def event_log_is_reopened_on_usr1(s):
    import signal
    s.start(record=False)
    s.serve(443)
    s.exchange(b'one')
    s.d.flows(1)
    os.rename(s.path('eve.json'), s.path('eve.json.1'))
    s.d.p.send_signal(signal.SIGUSR1)
    wait(lambda: os.path.exists(s.path('eve.json')), 'a new file')
    s.exchange(b'two')
    s.d.flows(1)
    equal(len(open(s.path('eve.json.1')).readlines()), 1)


@scenario
def tls_events_when_asked_for(s):
    s.start(record=False, log={'events': ['flow', 'tls']})
    s.serve(443)
    s.exchange(b'x')
    s.d.flows(1)
    t = s.d.events('tls')
    equal(len(t), 1)
    equal(t[0]['tls']['sni'], 'good.test')


@scenario
def hostile_names_cannot_break_a_log_line(s):
    s.start(record=False)
    srv = s.serve(443, handler=peer.sink)
    for name in ('a"b.test', 'x\\y.test', 'new\nline.test', 'a' * 63 +
                 '.test'):
        sock = s.connect(443)
        raw = name.encode()
        ext = (b'\0\0' + (len(raw) + 5).to_bytes(2, 'big') +
               (len(raw) + 3).to_bytes(2, 'big') + b'\0' +
               len(raw).to_bytes(2, 'big') + raw)
        body = (b'\x03\x03' + bytes(32) + b'\0\0\x02\x13\x01\x01\0' +
                len(ext).to_bytes(2, 'big') + ext)
        msg = b'\x01' + len(body).to_bytes(3, 'big') + body
        sock.sendall(b'\x16\x03\x01' + len(msg).to_bytes(2, 'big') + msg)
        s.taken(sock)
        sock.close()
    wait(lambda: len(s.d.events()) >= 4, '4 events that parse')
    for x in whole_lines(s.path('eve.json')):
        json.loads(x)
    check(srv is not None)


# --- the key log

@scenario(timeout=90)
def peers_09_key_log_decrypts_both_sides_in_tshark(s):
    keys = s.path('keys.txt')
    s.start(log={'keys': keys})
    inner = capture.Recorder(s, s.client, 'c0', 'inner', ('tcp',),
                             262144, buffer=131072)
    outer = capture.Recorder(s, s.server, 's0', 'outer', ('tcp',),
                             262144, buffer=131072)
    s.recorders += [inner, outer]
    made = []
    for port, hi in ((1012, '1.2'), (1013, '1.3')):
        s.serve(port, hi=hi)
        c = s.tls(port, hi=hi)
        c.send(b'secret of TLS ' + hi.encode())
        c.recv_exact(len(c.sent))
        made.append(c.finish())
    s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])
    equal(stat.S_IMODE(os.stat(keys).st_mode), 0o600, 'mode')
    for r in (inner, outer):
        r.stop()
        s.recorders.remove(r)
        for (port, c) in zip((1012, 1013), made):
            got = capture.tshark_tls(r.path, keys, port)
            want = (bytes(c.sent), bytes(c.received))
            check(want in got, 'port %d not decrypted in %s: %s' %
                  (port, r.path, [(len(a), len(b)) for a, b in got]))


@scenario
def curl_to_nginx_over_h2_equals_its_own_key_log(s):
    """Independent of all that is ours: curl's key log and a capture at the
    client against the mirror, to the byte."""
    s.start()
    programs.nginx(s, files={'big': BIG})
    inner = capture.Recorder(s, s.client, 'c0', 'inner', ('tcp',),
                             262144, buffer=131072)
    keys = s.path('curl-keys')
    r = programs.curl(s, '--http2', '-o', s.path('got'),
                      'https://good.test/big', 'https://good.test/',
                      env={'SSLKEYLOGFILE': keys}).ok()
    equal(open(s.path('got'), 'rb').read(), BIG)
    st = s.rec.streams(1)
    inner.streams(1)
    inner.stop()
    want = capture.tshark_tls(inner.path, keys, 443)
    check(want[0][0].startswith(b'PRI * HTTP/2.0'), want[0][0][:40])
    s.mirrored(want)
    check(r is not None and len(st) == 1)


# --- files

@scenario
def peers_11_every_file_made_is_private(s):
    os.umask(0)
    s.start(record=False, log={'keys': s.path('keys')},
            **to({'name': 'disk', 'pcap': s.path('out.pcapng')}))
    some(s, 1)
    d = s.path('ca')
    s.run(s.gateway, s.binary, 'ca', 'create', '--dir', d).ok()
    for f, most in (('keys', 0o600), ('out.pcapng', 0o600),
                    ('ca/ca.key', 0o600), ('eve.json', 0o640),
                    ('control.sock', 0o660), ('ca/ca.pem', 0o644)):
        wait(lambda f=f: os.path.exists(s.path(f)), f)
        mode = stat.S_IMODE(os.stat(s.path(f)).st_mode)
        check(mode & ~most == 0, f, 'has mode %o' % mode)
    equal(stat.S_IMODE(os.stat(d).st_mode) & 0o077, 0, 'the CA directory')


@scenario
def peers_10_a_fifo_without_reader_does_not_slow_forwarding(s):
    """As event log and as pcap: forwarding is unaffected, and the count of
    what was dropped is exact."""
    os.mkfifo(s.path('log.fifo'))
    os.mkfifo(s.path('out.pcap'))
    s.start(record=False, log={'file': s.path('log.fifo')},
            **to({'name': 'disk', 'pcap': s.path('out.pcap'),
                  'queue': '256k'}))
    s.serve(443)
    start = time.monotonic()
    sent = 0
    for i in range(10):
        c = s.tls()
        c.send(BIG)
        c.recv_exact(len(BIG))
        sent += 2 * len(BIG)
        c.finish()
    check(time.monotonic() - start < 10 * s.slow, 'forwarding slowed')
    lost = s.d.metric('clearspan_mirror_lost_bytes_total', mirror='disk')
    check(0 < lost <= sent, 'lost', lost, 'of', sent)
    check(lost >= sent - 2 * 1024 * 1024, 'lost', lost, 'of', sent)


@scenario
def peers_10_a_full_disk_is_counted_and_survived(s):
    net.run('mkdir', s.path('small'))
    net.run('mount', '-t', 'tmpfs', '-o', 'size=256k', 'small',
            s.path('small'))
    s.start(record=False,
            **to({'name': 'disk', 'pcap': s.path('small/out.pcapng')}))
    s.serve(443)
    for i in range(4):
        c = s.tls()
        c.send(BIG)
        c.recv_exact(len(BIG))
        c.finish()
    wait(lambda: s.d.metric('clearspan_mirror_lost_bytes_total',
                            mirror='disk') > 0, 'loss counted')
    check(s.d.alive())


@scenario
def pcap_directory_the_user_cannot_write_stops_the_start(s):
    os.mkdir(s.path('caps'), 0o755)
    os.chmod(s.dir, 0o777)
    with open(s.path('c.yaml'), 'w') as f:
        f.write(yaml(s.conf(user='nobody', **to(
            {'name': 'disk', 'pcap': s.path('caps/%Y.pcapng')}))))
    r = s.run(s.gateway, s.binary, 'run', '-c', s.path('c.yaml'))
    check(r.code in (1, 2), r.code, r.errors)
    check('cannot write in ' + s.path('caps') in r.errors, r.errors)
    os.chmod(s.path('caps'), 0o777)
    s.start(record=False, user='nobody', **to(
        {'name': 'disk', 'pcap': s.path('caps/out.pcapng')}))
    made = some(s, 1)
    s.stop(s.d)
    whole(s, s.path('caps/out.pcapng'), made)


@scenario
def pcap_files_kept_few_are_only_our_own(s):
    others = ['evidence.pcap', '2026-01-01x.pcap', 'a-2024-incident.pcap']
    for n in others:
        open(s.path(n), 'w').close()
    s.start(record=False, **to(
        {'name': 'a', 'pcap': s.path('%F.pcap'),
         'rotate': {'size': '64k', 'keep': 2}},
        {'name': 'b', 'pcap': s.path('a.pcap'),
         'rotate': {'size': '64k', 'keep': 2}}))
    s.serve(443)
    for i in range(3):
        c = s.tls()
        c.send(BIG[:100000])
        c.recv_exact(100000)
        c.finish()
    s.d.flows(3)
    s.stop(s.d)
    there = [os.path.basename(f) for f in glob.glob(s.path('*.pcap'))]
    equal(sorted(set(others) - set(there)), [], 'removed')
    equal(len(there), len(others) + 4, there)


@scenario
def sessions_on_a_full_disk_say_what_they_lost(s):
    net.run('mkdir', s.path('small'))
    net.run('mount', '-t', 'tmpfs', '-o', 'size=256k', 'small',
            s.path('small'))
    s.start(record=False,
            **to({'name': 'disk', 'pcap': s.path('small/out.pcapng')}))
    s.serve(443)
    c = s.tls()
    sent = 0

    def lost():
        return s.d.metric('clearspan_mirror_lost_bytes_total', mirror='disk')
    while not lost():
        c.send(BIG)
        c.recv_exact(len(BIG))
        sent += 2 * len(BIG)
    c.finish()
    c = s.tls()
    for i in range(16):
        c.send(BIG)
        c.recv_exact(len(BIG))
        sent += 2 * len(BIG)
    c.finish()
    m = [f['clearspan']['mirrors'][0] for f in s.d.flows(2)]
    check(m[1]['lost'] > 16 * len(BIG), m)

    def all_of_it():
        st = s.d.ctl('status')['mirrors'][0]
        return st['bytes'] + st['lost_bytes'] == sent
    wait(all_of_it, 'written and lost to be all that was sent')
