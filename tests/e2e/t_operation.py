"""quickstart, ctl, metrics, signals, limits, timeouts."""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import time

from harness import PATIENCE, check, equal, net, peer, proc, programs, \
    scenario, wait

PLAIN = {'mirrors': [], 'rules': [{'name': 'default', 'action': 'decrypt'}]}


@scenario
def quickstart_works_with_nothing_configured(s):
    net.run('mount', '--bind', s.pki.root,
            os.path.realpath('/etc/ssl/certs/ca-certificates.crt'))
    home = s.path('home')
    os.mkdir(home)
    with s.gateway:
        q = s.spawn(s.gateway, s.binary, 'quickstart', env={
            'HOME': home, 'XDG_DATA_HOME': home + '/share'}, name='clearspan')
    proc.wait_port(s.gateway, 8080, q)
    proc.wait_port(s.gateway, 57012, q)
    wait(lambda: 'Ctrl-C' in q.text(), 'commands to copy')
    ca = re.search(r'(/\S+/ca\.pem)', q.text()).group(1)
    equal(os.stat(os.path.dirname(ca) + '/ca.key').st_mode & 0o777, 0o600)
    fp = s.run(s.gateway, 'openssl', 'x509', '-in', ca, '-noout',
               '-fingerprint', '-sha256').text.strip().split('=')[1]
    check(fp.replace(':', '').lower() in
          q.text().replace(':', '').lower(), 'no fingerprint')
    s.serve(443, handler=peer.http(b'quick'))
    live = peer.connect(s.gateway, '127.0.0.1', 57012)
    r = programs.curl(s, '-4', '-x', 'http://127.0.0.1:8080',
                      'https://good.test/start', trust=ca, ns=s.gateway)
    equal(r.ok().text, 'quick')
    got = b''
    live.settimeout(10)
    while b'GET /start' not in got:
        got += live.recv(65536)
    equal(q.end(), 0, 'exit status')


@scenario
def quickstart_keeps_the_ca_it_has(s):
    fps = []
    for i in range(2):
        q = s.spawn(s.gateway, s.binary, 'quickstart', '--dir', s.path('q'),
                    '--listen', '127.0.0.1:8081', '--pcap',
                    s.path('q%d.pcapng' % i), name='quick%d' % i)
        proc.wait_port(s.gateway, 8081, q)
        wait(lambda: 'ca.pem' in q.text(), 'the CA path')
        fps.append(open(s.path('q/ca.pem')).read())
        equal(q.end(), 0)
    equal(fps[0], fps[1])


@scenario
def ctl_status_sessions_session_kill_counters(s):
    s.start()
    s.serve(443)
    a, b = s.tls(), s.tls()
    for c in (a, b):
        c.send(b'held')
        c.recv_exact(4)
    st = s.d.ctl('status')
    equal(st['sessions_open'], 2, st)
    text = json.dumps(s.d.ctl('sessions'))
    check('good.test' in text and net.CLIENT in text, text)
    port = a.sock.getsockname()[1]

    def find(v):
        """The session's object, wherever it is."""
        if isinstance(v, dict):
            if v.get('src_port') == port or \
               str(v.get('client', '')).endswith(':%d' % port):
                return v
            v = list(v.values())
        if isinstance(v, list):
            for x in v:
                r = find(x)
                if r:
                    return r
        return None
    one = find(s.d.ctl('sessions'))
    check(one, 'not listed', text)
    ident = str(one.get('id', one.get('flow_id')))
    full = s.d.ctl('session', ident)
    check('good.test' in json.dumps(full), full)
    s.d.ctl('kill', ident)
    a.recv_all()
    equal(a.eof, peer.RST, 'a killed session')
    b.send(b'more')
    equal(b.recv_exact(4), b'more', 'the other session')
    b.finish()
    check(s.d.ctl('counters'), 'no counters')
    check(s.d.ctl('caches'), 'no caches')
    r = s.run(s.gateway, s.binary, 'ctl', '-s', s.path('control.sock'),
              'nonsense')
    check(r.code != 0, 'a verb that is none')
    r = s.run(s.gateway, s.binary, 'ctl', '-s', s.path('nosock'), 'status')
    check(r.code != 0 and 'nosock' in r.errors + r.text, r.errors)
    r = s.run(s.gateway, s.binary, 'ctl', '-s', s.path('control.sock'),
              'status').ok()
    check(not r.text.startswith('{'), 'status for people:', r.text)
    st = s.rec.streams(2)
    check(any(x.up.rst or x.down.rst for x in st), 'no RST on the mirror')


@scenario
def metrics_count_what_happened(s):
    s.start()
    srv = s.serve(443)
    c = s.exchange(b'x' * 1000)
    s.same(srv, c)
    s.d.flows(1)
    m = s.d.metric
    equal(m('clearspan_sessions_total', action='decrypt', rule='default'),
          1.0, 'sessions_total')
    equal(m('clearspan_sessions_open'), 0.0, 'sessions_open')
    equal(m('clearspan_bytes_total', direction='toserver'), 1000.0)
    for side in ('client', 'server'):
        equal(m('clearspan_handshakes_total', side=side, version='TLSv1.3',
                result='ok'), 1.0, 'handshakes ' + side)
    equal(m('clearspan_forged_total'), 1.0)
    x = s.rec.streams(1)[0]
    check(m('clearspan_mirror_packets_total', mirror='recorder') >=
          x.count - 2, 'packets')
    equal(m('clearspan_mirror_lost_bytes_total', mirror='recorder'), 0.0)


@scenario
def sigterm_drains(s):
    """Nothing new is taken; what is under way may end; then exit 0."""
    s.start(timeouts={'linger': '8s'})
    srv = s.serve(443)
    c = s.tls()
    c.send(b'before')
    c.recv_exact(6)
    s.d.p.send_signal(signal.SIGTERM)

    def refused():
        try:
            with s.gateway:
                sock = socket.create_connection(('10.1.0.1', 8080), 1)
            sock.close()
            return False
        except OSError:
            return True
    wait(refused, 'refusal of what is new', 5)
    c.send(b'after')
    equal(c.recv_exact(5), b'after', 'a session under way')
    c.finish()
    equal(s.d.p.wait(10 * s.slow), 0, 'exit status')
    s.same(srv, c)


@scenario
def sigterm_with_sessions_that_never_end(s):
    s.start(timeouts={'linger': '2s'})
    s.serve(443)
    held = [s.tls() for i in range(5)]
    start = time.monotonic()
    equal(s.d.end(timeout=10 * s.slow), 0, 'exit status')
    check(time.monotonic() - start < 9 * s.slow * PATIENCE, 'too long')
    for c in held:
        c.recv_all()


@scenario
def sigterm_waits_for_nobody_who_asked_nothing(s):
    s.start(record=False)
    c = s.connect(net.PROXY, net.INNER)
    wait(lambda: s.d.metric('clearspan_sessions_open') == 1, 'the session')
    equal(s.d.end(timeout=10 * s.slow), 0, 'exit status')
    equal(c.recv(1), b'', 'the end of an idle client')


@scenario
def sighup_reloads_and_a_bad_file_changes_nothing(s):
    s.start(rules=[{'name': 'first', 'action': 'decrypt',
                    'mirror': ['recorder']}])
    s.serve(443)
    s.exchange(b'x')
    with open(s.d.file) as f:
        text = f.read()
    with open(s.d.file, 'w') as f:
        f.write(text.replace('name: first', 'name: second'))
    s.d.p.send_signal(signal.SIGHUP)
    wait(lambda: s.d.metric('clearspan_reloads_total', result='ok') == 1,
         'a reload')
    s.exchange(b'x')
    with open(s.d.file, 'w') as f:
        f.write(text.replace('action: decrypt', 'action: nothing'))
    s.d.p.send_signal(signal.SIGHUP)
    wait(lambda: s.d.metric('clearspan_reloads_total', result='failed') == 1,
         'a failed reload')
    wait(lambda: re.search(r'clearspan.yaml:\d+:\d+', s.d.text()),
         'a position in the log')
    s.exchange(b'x')
    equal([f['clearspan']['rule'] for f in s.d.flows(3)],
          ['first', 'second', 'second'])


@scenario(timeout=90)
def peers_07_accept_pauses_at_emfile_and_resumes(s):
    s.start(prefix=('prlimit', '--nofile=120:120'), workers=1, **PLAIN)
    srv = s.serve(7, plain=True)
    held = []
    for i in range(100):
        try:
            held.append(s.plain(7))
        except OSError:
            break
    wait(lambda: len(srv.peers) >= 10, 'some to get through')
    s.quiet()                   # which it would never be if it spun
    check(s.d.alive(), 'the daemon died of EMFILE')
    with open('/proc/%d/stat' % s.d.pid) as f:
        w = f.read().rsplit(')', 1)[1].split()
    before = int(w[11]) + int(w[12])
    time.sleep(0.5)             # the longer, the stricter
    with open('/proc/%d/stat' % s.d.pid) as f:
        w = f.read().rsplit(')', 1)[1].split()
    check(int(w[11]) + int(w[12]) - before < 20 * s.slow, 'it spins')
    for c in held:
        c.rst()
    c = s.plain(7)
    c.send(b'resumed')
    equal(c.recv_exact(7), b'resumed')
    c.finish()
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all closed')
    wait(lambda: s.d.fds() < 60, 'descriptors back')


@scenario
def clients_wait_for_descriptors_and_are_not_refused(s):
    s.start(prefix=('prlimit', '--nofile=120:120'), workers=1, **PLAIN)
    s.serve(7, plain=True)
    held = [s.plain(7) for i in range(100)]
    for c in held:
        c.send(b'x')
    for c in held:
        equal(c.recv_exact(1), b'x')
        c.finish()
    s.d.metric_is(0, 'clearspan_sessions_open')


@scenario
def peers_07_exit_status_is_never_0_on_failure(s):
    with s.gateway:
        held = socket.socket()
        held.bind(('10.1.0.1', 8080))
        held.listen()
    from harness.case import yaml
    with open(s.path('c.yaml'), 'w') as f:
        f.write(yaml(s.conf()))
    r = s.run(s.gateway, s.binary, 'run', '-c', s.path('c.yaml'))
    check(r.code in (1, 2), 'status', r.code)
    check('8080' in r.errors, r.errors)
    r = s.run(s.gateway, s.binary, 'run', '-c', s.path('nothing.yaml'))
    equal(r.code, 2)
    r = s.run(s.gateway, s.binary, 'run')
    check(r.code != 0)
    r = s.run(s.gateway, s.binary, 'nonsense')
    equal(r.code, 2)


@scenario
def descriptor_limit_is_raised_at_start(s):
    s.start(prefix=('prlimit', '--nofile=256:8192'), **PLAIN)
    with open('/proc/%d/limits' % s.d.pid) as f:
        soft = re.search(r'Max open files\s+(\d+)', f.read()).group(1)
    equal(soft, '8192')


# --- timeouts

def ends_within(s, p, seconds):
    start = time.monotonic()
    try:
        p.sock.settimeout(20 * s.slow * PATIENCE)
        while p.sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    p.sock.close()
    took = time.monotonic() - start
    check(took < seconds * s.slow * PATIENCE, 'took', took)
    return took


@scenario
def hello_timeout_ends_a_client_that_stops_in_its_hello(s):
    s.start(timeouts={'hello': '1s'})
    s.serve(443)
    c = s.plain(443)
    c.send(b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc')
    took = ends_within(s, c, 4)
    check(took > 0.5, 'too early', took)
    check('hello' in s.d.flows(1)[0]['flow']['reason'])


@scenario
def handshake_timeout_ends_either_side(s):
    s.start(timeouts={'handshake': '1s'})
    s.serve(443)
    s.serve(444, plain=True, handler=lambda p: p.recv_all())
    p = peer.Peer(s.connect(443), peer.client_context(s.pki.ca), 'good.test')
    try:
        p.tls.do_handshake()
    except ssl.SSLWantReadError:
        p.flush()
    ends_within(s, p, 5)
    p = peer.Peer(s.connect(444), peer.client_context(s.pki.ca), 'good.test')
    try:
        p.tls.do_handshake()
    except ssl.SSLWantReadError:
        p.flush()
    ends_within(s, p, 5)
    text = ' '.join(f['flow']['reason'] for f in s.d.flows(2))
    check('handshake' in text and 'client' in text and 'server' in text,
          text)


@scenario
def idle_timeout_ends_the_idle_and_not_the_busy(s):
    s.start(timeouts={'idle': '4s', 'idle-stream': '4s'})
    s.serve(443)
    idle, busy = s.tls(), s.tls()
    for c in (idle, busy):
        c.send(b'x')
        c.recv_exact(1)
    start = time.monotonic()
    while time.monotonic() - start < 6:
        busy.send(b'x')
        busy.recv_exact(1)
        time.sleep(0.2)         # often, compared with idle
    idle.recv_all()
    busy.send(b'y')
    equal(busy.recv_exact(1), b'y')
    busy.finish()
    equal(['idle' in f['flow']['reason'] for f in s.d.flows(2)],
          [True, False])


@scenario
def linger_timeout_ends_a_half_closed_session(s):
    s.start(timeouts={'linger': '1s'})
    s.serve(7, plain=True, handler=lambda p: (p.fin(), time.sleep(30)))
    c = s.plain(7)
    equal(c.recv_all(), b'')
    c.fin()                     # the server never ends its socket's life
    s.d.flows(1)


# --- limits

@scenario
def connections_limit_holds_and_recovers(s):
    s.start(workers=1, limits={'connections': 10}, **PLAIN)
    s.serve(7, plain=True)
    held = []
    for i in range(10):
        c = s.plain(7)
        c.send(b'x')
        c.recv_exact(1)
        held.append(c)
    c = None
    try:
        c = s.plain(7)
        c.send(b'y')
        s.taken(c)
        c.sock.settimeout(1)
        got = c.recv(1)
    except (OSError, socket.timeout):
        got = b''
    equal(got, b'', 'the eleventh')
    for h in held:
        h.finish()
    d = s.plain(7)
    d.send(b'z')
    equal(d.recv_exact(1), b'z')
    d.finish()


@scenario
def per_client_limit_leaves_others_alone(s):
    s.start(limits={'per-client': 5}, **PLAIN)
    s.serve(7, plain=True)
    held = []
    for i in range(5):
        c = s.plain(7)
        c.send(b'x')
        c.recv_exact(1)
        held.append(c)
    try:
        c = s.plain(7)
        c.send(b'y')
        s.taken(c)
        c.sock.settimeout(1)
        got = c.recv(1)
    except (OSError, socket.timeout):
        got = b''
    equal(got, b'', 'the sixth')
    d = peer.Peer(s.connect(7, source=('10.1.0.3', 0)))
    d.send(b'z')
    equal(d.recv_exact(1), b'z', 'another client')


@scenario
def doctor_and_version_say_something(s):
    r = s.run(s.gateway, s.binary, 'version').ok()
    check('openssl' in r.text.lower() and 'libevent' in r.text, r.text)
    s.start(record=False)
    r = s.run(s.gateway, s.binary, 'doctor', '-c', s.d.file)
    check(len(r.text.splitlines()) > 3, r.text)


@scenario
def transparent_rules_as_printed_work(s):
    text = s.run(s.gateway, s.binary, 'transparent', 'print', '--in', 'gc',
                 '--ports', '443', '--port', '8443').ok().text
    check('tproxy' in text, text)
    up = s.spawn(s.gateway, s.binary, 'transparent', 'up', '--in', 'gc',
                 '--ports', '443', '--port', '8443', name='up')
    up.wait_log('confirm')
    s.run(s.gateway, s.binary, 'transparent', 'confirm').ok()
    check('tproxy' in s.gateway.run('nft', 'list', 'ruleset'), 'no rules')
    s.start(how=None)
    srv = s.serve(443)
    s.same(srv, s.exchange(b'by our own rules'))
    s.run(s.gateway, s.binary, 'transparent', 'down', '--in', 'gc').ok()
    check('tproxy' not in s.gateway.run('nft', 'list', 'ruleset'))


@scenario
def rules_that_were_kept_outlive_others_that_are_not_confirmed(s):
    rules = lambda: s.gateway.run('nft', 'list', 'ruleset')
    s.run(s.gateway, s.binary, 'transparent', 'up', '--confirm', '--in',
          'gc').ok()
    kept = rules()
    up = s.spawn(s.gateway, s.binary, 'transparent', 'up', '--in', 'gc',
                 '--ports', '444', name='up')
    up.wait_log('confirm')
    check('444' in rules(), rules())
    up.p.send_signal(signal.SIGUSR1)    # meant for the daemon, by its name
    up.p.send_signal(signal.SIGUSR2)
    equal(up.end(signal.SIGTERM), 1, 'exit status')
    equal(rules(), kept, 'the rules')
    s.start(how=None)
    srv = s.serve(443)
    s.same(srv, s.exchange(b'by the rules that were kept'))


@scenario
def a_list_is_read_again_when_its_file_changes(s):
    path = s.path('list.txt')

    def write(text):
        with open(path + '.new', 'w') as f:
            f.write(text)
        os.rename(path + '.new', path)
    write('other.test\n')
    s.start(lists={'closed': path}, rules=[
        {'name': 'listed', 'sni': '@closed', 'action': 'bypass'},
        {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}])
    s.serve(443)
    s.exchange(b'before')
    write('good.test\n')
    wait(lambda: s.d.metric('clearspan_reloads_total', result='ok') == 1,
         'a reload')
    s.exchange(b'listed now', trust=s.pki.root)
    write('what is this?\n')
    wait(lambda: s.d.metric('clearspan_reloads_total', result='failed') == 1,
         'a failed reload')
    s.d.wait_log('list.txt:1:1:')
    s.exchange(b'still listed', trust=s.pki.root)
    with open(path, 'w') as f:          # in place
        f.write('# nobody\n')
    wait(lambda: s.d.metric('clearspan_reloads_total', result='ok') == 2,
         'another reload')
    s.exchange(b'as at first')
    s.d.metric_is(1.0, 'clearspan_reloads_total', result='failed')
    equal([f['clearspan']['rule'] for f in s.d.flows(4)],
          ['default', 'listed', 'listed', 'default'])


@scenario
def a_configuration_is_read_again_when_its_file_changes(s):
    """Where it says so: renamed into its place, or written there; a broken one
    changes nothing, and is told once."""
    rules = [{'name': 'first', 'action': 'decrypt'}]
    s.start(record=False, mirrors=[], rules=rules, reload='watch')
    s.serve(443)
    good = open(s.d.file).read()

    def reloaded(result, n):
        wait(lambda: s.reloads(result) == n, 'a reload')
    with open(s.path('new.yaml'), 'w') as f:
        f.write(good.replace('first', 'second'))
    os.rename(s.path('new.yaml'), s.d.file)
    reloaded('ok', 1)
    s.exchange(b'by the second')
    with open(s.d.file, 'w') as f:
        f.write(good + 'nonsense: 1\n')
    reloaded('failed', 1)
    s.d.wait_log('clearspan.yaml:%d:1: ' % (good.count('\n') + 1))
    s.exchange(b'by the second still')
    with open(s.d.file, 'w') as f:      # until then the broken one was seen
        f.write(good.replace('first', 'third').replace('watch', 'asked'))
    reloaded('ok', 2)
    s.exchange(b'by the third')
    equal(s.reloads('failed'), 1)
    equal([f['clearspan']['rule'] for f in s.d.flows(3)],
          ['second', 'second', 'third'])


@scenario
def quickstart_says_what_is_in_its_way(s):
    def quick(where, *more):
        return s.run(s.gateway, s.binary, 'quickstart', '--dir', where, *more)
    s.run(s.gateway, s.binary, 'ca', 'create', '--dir', s.path('a')).ok()
    os.rename(s.path('a/ca.pem'), s.path('ca.pem'))
    r = quick(s.path('a'))
    check(r.code == 2 and 'ca.key without ca.pem' in r.errors, r.errors)
    r = s.run(s.gateway, s.binary, 'ca', 'create', '--dir', s.path('a'))
    check(r.code == 1 and 'ca.key without ca.pem' in r.errors, r.errors)
    os.rename(s.path('ca.pem'), s.path('a/ca.pem'))
    os.unlink(s.path('a/ca.key'))
    r = quick(s.path('a'))
    check(r.code == 2 and 'ca.pem without ca.key' in r.errors, r.errors)
    home = s.path("it's a home")
    q = s.spawn(s.gateway, s.binary, 'quickstart', '--dir', home,
                name='quick')
    wait(lambda: 'Ctrl-C' in q.text(), 'commands to copy')
    # The line as a shell reads it: to this proxy, with that CA.
    line = re.search('curl .*', q.text()).group(0)
    out = s.run(s.gateway, 'sh', '-c', line.replace('curl', 'printf "%s\\n"',
                                                    1)).ok().text
    check(home + '/ca.pem' in out.splitlines(), line, out)
    r = quick(home, '--listen', '127.0.0.1:8081', '--pcap-over-ip',
              '127.0.0.1:57013')
    check(r.code == 1 and '--dir' in r.errors, r.errors)
    equal(q.end(), 0)
