"""What a reload changes: listeners, mirrors, services, trust, logs. Running
sessions finish on what they began with, and an error changes nothing.

RELOADS=60 in the environment is how many follow each other under traffic;
RELOAD_SECONDS=60 for how long there is one each second under 200 connections a
second. The suite has less of both."""
import os
import shutil
import signal
import socket
import threading
import time

import t_starttls
from harness import check, equal, http, icap, net, peer, scenario, \
    wait
from harness.case import yaml
from harness.proc import wait_port
from t_load import load
from t_outputs import BIG, LIVE, Reader, whole

RELOADS = int(os.environ.get('RELOADS', '8'))
RELOAD_SECONDS = int(os.environ.get('RELOAD_SECONDS', '0'))
GATEWAY = {'name': 'gateway', 'mode': 'transparent', 'address': '[::]:8443'}
PROXY = {'name': 'proxy', 'mode': 'explicit', 'address': '10.1.0.1:8080',
         'allow': ['10.1.0.0/24']}
MORE = dict(PROXY, name='more', address='10.1.0.1:8081')
NONE = [{'name': 'default', 'action': 'decrypt'}]


def rule(*mirrors, **more):
    return [dict({'name': 'default', 'action': 'decrypt',
                  'mirror': list(mirrors)}, **more)]


def said(p, what):
    """It goes there and comes back."""
    p.send(what)
    equal(p.recv_exact(len(what)), what, 'the echo')


def via(s, port=net.PROXY):
    return s.via_proxy(net.SERVER, 443, at=port)


def closed(s, port):
    """Nobody listens there."""
    try:
        s.connect(port, net.INNER).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:    # it was in the queue of one that goes
        pass
    return False


def turned_away(s, port):
    """It is accepted, and reset."""
    try:
        peer.reset_wait(s.connect(port, net.INNER))
    except ConnectionResetError:
        pass


@scenario
def listeners_are_opened_kept_and_closed_by_a_reload(s):
    s.start(record=False, mirrors=[], rules=NONE, listen=[GATEWAY, PROXY])
    s.serve(443)
    old = s.tls(sock=via(s))
    said(old, b'before')
    check(closed(s, 8081), 'it listens before its time')
    s.reload(mirrors=[], rules=NONE, listen=[GATEWAY, PROXY, MORE])
    s.exchange(b'through the new one',
               sock=via(s, 8081))
    s.exchange(b'through the old one', sock=via(s))
    s.exchange(b'through that kept')
    s.reload(mirrors=[], rules=NONE, listen=[MORE, GATEWAY])
    wait(lambda: closed(s, net.PROXY), 'the listener that goes')
    said(old, b'still there')
    s.exchange(b'the order is another',
               sock=via(s, 8081))
    s.exchange(b'through that kept')
    old.finish()
    s.reload(mirrors=[], rules=NONE, listen=[
        dict(MORE, name='renamed', allow=['10.1.0.99/32']), GATEWAY])
    turned_away(s, 8081)

    def listeners():            # of those that got anywhere
        return [f['clearspan']['listener'] for f in s.d.flows(6)
                if 'tls' in f]
    want = ['proxy', 'more', 'proxy', 'gateway', 'more', 'gateway']
    wait(lambda: len(listeners()) >= len(want), 'the sessions')
    equal(listeners(), want)


@scenario
def mirrors_come_and_go_with_a_reload_and_sessions_end_on_theirs(s):
    disk = {'name': 'disk', 'pcap': s.path('one.pcap')}
    two = {'name': 'two', 'pcap': s.path('two.pcap')}
    s.start(record=False, mirrors=[disk], rules=rule('disk'))
    s.serve(443)
    old = s.tls()
    said(old, b'on the first file')
    s.reload(mirrors=[disk, two, LIVE], rules=rule('two', 'live'))
    live = Reader(s)
    live.until(lambda d: len(d) >= 24)
    new = s.tls()
    said(new, b'on the others ' + BIG[:30000])
    said(old, b'on the first still')
    s.reload(mirrors=[LIVE], rules=rule('live'))
    last = s.tls()
    said(last, b'on the live one')
    said(old, b'its file goes with it ' + BIG)
    said(new, b'and for this, too')
    equal([m['name'] for m in s.d.ctl('status')['mirrors']], ['live'])
    for p in old, new, last:
        p.finish()
    s.d.flows(3)
    # What nobody is on any more is closed, and whole.
    wait(lambda: not [x for x in os.listdir('/proc/%d/fd' % s.d.pid)
                      if os.path.realpath('/proc/%d/fd/%s' % (
                          s.d.pid, x)).endswith('.pcap')], 'closed files')
    whole(s, s.path('one.pcap'), [old])
    whole(s, s.path('two.pcap'), [new])
    live.streams(2)
    whole(s, bytes(live.data), [new, last])


@scenario
def a_mirror_changed_in_its_place_is_refused_by_a_reload(s):
    disk = {'name': 'disk', 'pcap': s.path('one.pcap')}
    s.start(record=False, mirrors=[disk], rules=rule('disk'))
    s.serve(443)
    s.reload('failed', mirrors=[dict(disk, ports='map')], rules=rule('disk'))
    s.d.wait_log('mirror disk: its file is in use as it was set before')
    s.reload(mirrors=[dict(disk, ports='map',
                            pcap=s.path('other.pcap'))],
             rules=rule('disk'))
    c = s.exchange(b'as on port 80')
    s.stop(s.d)
    st = whole(s, s.path('other.pcap'), [c])
    equal(st[0].key[3], 80)


@scenario
def services_come_and_go_with_a_reload(s):
    script = icap.Script(s)
    virus = icap.service(respmod=script.url('204'), name='scan')
    none = dict(mirrors=[], rules=NONE, log={'events': icap.EVENTS})
    with_it = dict(none, icap=[virus], rules=[dict(NONE[0], icap=['scan'])])
    s.start(record=False, **none)
    origin = icap.Little(s)
    old = origin.client()
    equal(origin.ask(old, '/a').status, 200)
    s.reload(**with_it)
    new = origin.client()
    equal(origin.ask(old, '/b').status, 200)
    equal(script.log(), [], 'what the service saw of a session before it')
    equal(origin.ask(new, '/c').status, 200)
    s.reload(**none)
    equal(origin.ask(new, '/d').status, 200)
    equal(origin.ask(origin.client(), '/e').status, 200)
    script.logged(2)
    wait(lambda: not s.d.ctl('icap')['servers'], 'that it is not known')


@scenario
def trust_comes_and_goes_with_a_reload(s):
    for name, f in ('root.pem', s.pki.root), ('none.pem', s.pki.ca):
        shutil.copy(f, s.path(name))

    def conf(name):
        return dict(mirrors=[], rules=NONE,
                    upstream={'trust': s.path(name)})
    s.start(record=False, **conf('none.pem'))
    s.serve(443)

    def forged(n):
        return s.d.flows(n)[-1]['clearspan']['forged']['ca']
    s.exchange(b'1', verify=False)
    equal(forged(1), 'untrusted')
    s.reload(**conf('root.pem'))
    old = s.tls()
    said(old, b'trusted')
    shutil.copy(s.pki.ca, s.path('root.pem'))   # in its place
    s.reload(**conf('root.pem'))
    s.exchange(b'2', verify=False)
    equal(forged(2), 'untrusted')
    said(old, b'as it began')
    old.finish()
    shutil.copy(s.pki.root, s.path('root.pem'))
    s.reload(**conf('root.pem'))
    s.exchange(b'3')
    equal([f['clearspan']['forged']['ca'] for f in s.d.flows(4)],
          ['untrusted', 'trusted', 'untrusted', 'trusted'])


@scenario
def a_ca_renewed_where_it_was_signs_after_a_reload(s):
    for name, f in ('ca.pem', s.pki.ca), ('ca.key', s.pki.ca_key):
        shutil.copy(f, s.path(name))
    conf = dict(mirrors=[], rules=NONE, ca={
        'certificate': s.path('ca.pem'), 'key': s.path('ca.key')})
    s.start(record=False, **conf)
    s.serve(443)
    old = s.tls()
    os.unlink(s.path('ca.pem'))
    os.unlink(s.path('ca.key'))
    s.run(s.gateway, s.binary, 'ca', 'create', '--dir', s.dir).ok()
    s.reload(**conf)
    s.exchange(b'signed by the new one', trust=s.path('ca.pem'))
    said(old, b'as it was')
    old.finish()
    shutil.copy(s.pki.ca, s.path('ca.pem'))
    s.reload('failed', **conf)          # that is not its key
    s.exchange(b'as before', verify=False)
    s.d.flows(3)


@scenario
def logs_and_metrics_move_with_a_reload(s):
    none = dict(mirrors=[], rules=NONE)
    s.start(record=False, **none)
    s.serve(443)
    s.exchange(b'1')
    first = s.d.flows(1)
    s.reload(log={'file': s.path('other.json'), 'events': ['flow', 'tls']},
             metrics={'listen': '127.0.0.1:9912'}, **none)
    s.exchange(b'2')
    s.d.flows(1)
    equal(len(s.d.events('tls')), 1)
    equal(s.d.metric('clearspan_reloads_total', result='ok'), 1)
    s.d.conf = s.conf(**none)
    equal(s.d.flows(1), first, 'the old log')
    try:
        s.d.metrics()
        check(False, 'the old metrics are there')
    except ConnectionRefusedError:
        pass
    s.d.conf = s.conf(metrics={'listen': '127.0.0.1:9912'}, **none)
    s.reload(**none)                    # and back
    s.exchange(b'3')
    equal(len(s.d.flows(2)), 2)


@scenario
def ctl_explains_by_the_rules_in_force(s):
    none = dict(mirrors=[])
    s.start(record=False, rules=NONE, **none)
    url = 'https://good.test/'
    x = s.d.ctl('explain', url)
    equal([x['action'], x['rule']], ['decrypt', 'default'])
    with open(s.d.file) as f:
        text = f.read()
    with open(s.d.file, 'w') as f:      # not in force yet
        f.write(text.replace('name: default', 'name: other'))
    equal(s.d.ctl('explain', url)['rule'], 'default')
    rules = [{'name': 'site', 'sni': 'good.test', 'client': '10.9.0.0/16',
              'action': 'bypass'},
             {'name': 'issuer', 'certificate': {'issuer': '*Some Root*'},
              'action': 'block'}, *NONE]
    s.reload(rules=rules, **none)
    for facts, want in (
            (['client=10.9.0.1', url], ['bypass', 'site']),
            (['client=10.8.0.1', url], ['decrypt', 'default']),
            (['sni=good.test', 'issuer=CN=Some Root, O=x', 'port=443'],
             ['block', 'issuer'])):
        x = s.d.ctl('explain', *facts)
        equal([x['action'], x['rule']], want, facts)
        told = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
                     *facts).ok().text.splitlines()
        equal([y['explained'] for y in x['lines']][1:], told[1:])
    r = s.run(s.gateway, s.binary, 'ctl', '-s',
              s.d.conf['control']['socket'], 'explain', 'what=this')
    equal(r.code, 1)
    check('"what=this" is not a fact' in r.errors + r.text, r.errors, r.text)


@scenario
def replay_tells_what_a_new_configuration_would_change(s):
    s.start(record=False, mirrors=[], rules=NONE, upstream={
        'trust': s.pki.root})
    s.serve(443)
    s.serve(80, handler=peer.http(), plain=True)
    s.exchange(b'x')
    s.exchange(b'x', sock=via(s))
    c = s.plain(80)
    http.ask(c, '/')
    c.close()
    s.d.flows(3)
    log = s.d.conf['log']['file']

    def replay(*rules):
        with open(s.path('new.yaml'), 'w') as f:
            f.write(yaml(s.conf(mirrors=[], rules=[*rules, *NONE])))
        r = s.run(s.gateway, s.binary, 'replay', '-c', s.path('new.yaml'),
                  log).ok()
        return r.text.splitlines(), r.errors
    equal(replay(), (['0 of 3 sessions would be treated otherwise'], ''))
    lines, errors = replay({'name': 'site', 'sni': 'good.test',
                            'action': 'bypass'})
    check(lines[0].endswith('good.test %s:443: decrypt by default, would be '
                            'bypass by site' % net.SERVER), lines)
    equal([lines[-1], errors],
          ['2 of 3 sessions would be treated otherwise', ''])
    equal(replay({'name': 'explicit', 'listener': 'proxy',
                  'action': 'decrypt'})[0][-1],
          '1 of 3 sessions would be treated otherwise')
    equal(replay({'name': 'plain', 'protocol': 'http',
                  'action': 'decrypt'})[0][-1],
          '1 of 3 sessions would be treated otherwise')
    equal(replay({'name': 'ja4', 'ja4': 't13*', 'action': 'block'})[0][-1],
          '2 of 3 sessions would be treated otherwise')
    with open(log, 'a') as f:
        f.write('what is this?\n[]\n\n{"event_type": "flow"}\n')
    lines, errors = replay()
    equal(lines, ['0 of 3 sessions would be treated otherwise'])
    check('eve.json:4: no event: ' in errors and
          'eve.json:5: no event: not a JSON object' in errors, errors)
    equal(s.run(s.gateway, s.binary, 'replay', '-c', s.path('new.yaml'),
                s.path('none')).code, 1)


@scenario
def replay_knows_dialogues_and_the_time_of_a_session(s):
    """Protocol, hello and certificate behind STARTTLS; windows of time; and
    the action of `on`."""
    day = int(time.time()) // 86400 + 4         # since a Sunday
    days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] * 2
    now = '%s,%s UTC' % (days[day % 7], days[day % 7 + 1])
    then = '%s UTC' % days[(day + 3) % 7]
    on = {'expired-server': 'block'}

    def rules(*first):
        return [*first, {'name': 'mail', 'protocol': 'smtp', 'sni':
                         'good.test', 'action': 'decrypt'},
                {'name': 'wire', 'port': 444, 'time': now, 'action': 'decrypt'},
                *NONE]
    s.start(record=False, mirrors=[], on=on, rules=rules())
    t_starttls.server_of(s, t_starttls.SMTP)
    t_starttls.client_of(s, t_starttls.SMTP)
    t_starttls.server_of(s, t_starttls.SMTP, cert='expired', port=26)
    try:
        t_starttls.client_of(s, t_starttls.SMTP, port=26)
    except OSError:
        pass
    s.serve(444)
    s.exchange(b'x', port=444)
    f = s.d.flows(3)
    equal([(x['clearspan']['rule'], x['clearspan']['action']) for x in f],
          [('mail', 'decrypt'), ('mail', 'block'), ('wire', 'decrypt')])

    def differ(*first, on=on):
        with open(s.path('new.yaml'), 'w') as out:
            out.write(yaml(s.conf(mirrors=[], on=on, rules=rules(*first))))
        return s.run(s.gateway, s.binary, 'replay', '-c', s.path('new.yaml'),
                     s.d.conf['log']['file']).ok().text.splitlines()
    equal(differ(), ['0 of 3 sessions would be treated otherwise'])
    equal(differ({'name': 'x', 'time': then, 'action': 'block'})[-1],
          '0 of 3 sessions would be treated otherwise')
    equal(differ({'name': 'x', 'time': now, 'protocol': 'tls',
                  'action': 'block'})[-1],
          '1 of 3 sessions would be treated otherwise')
    equal(differ({'name': 'x', 'protocol': 'imap', 'action': 'block'})[-1],
          '0 of 3 sessions would be treated otherwise')
    lines = differ(on={'expired-server': 'untrusted'})
    check('block by mail, would be decrypt by mail' in lines[0], lines)
    equal(len(lines), 2, lines)
    r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file, 'protocol=smtp',
              'sni=good.test', 'verify=' + f[1]['clearspan']['server'][
                  'verify'], 'late=yes').ok()
    equal(r.text.splitlines()[-1], 'verdict: block rule: mail')
    r = s.run(s.gateway, s.binary, 'replay', '-c', s.d.file, '/')
    equal(r.code, 1)
    check('cannot read /: Is a directory' in r.errors, r.errors)


@scenario
def a_reload_that_fails_leaves_nothing_behind(s):
    none = dict(mirrors=[], rules=NONE)
    s.start(record=False, **none)
    s.serve(443)
    fds = len(os.listdir('/proc/%d/fd' % s.d.pid))
    disk = {'name': 'disk', 'pcap': s.path('disk.pcap')}
    with s.gateway:
        taken = socket.create_server(('10.1.0.1', 8081))
    ways = [
        (dict(listen=[GATEWAY, PROXY, MORE]), '10.1.0.1:8081 is in use'),
        (dict(metrics={'listen': '10.1.0.1:8081'}), 'metrics'),
        (dict(log={'file': s.path('no/such/eve.json')}), 'event log'),
        (dict(upstream={'trust': s.path('empty.pem')}), 'empty.pem'),
        (dict(workers=3), 'needs a restart: workers or user'),
        (dict(control={'socket': s.path('x.sock')}), 'restart: control'),
    ]
    open(s.path('empty.pem'), 'w').close()
    for over, words in ways:
        s.reload('failed', **dict(dict(mirrors=[disk, LIVE],
                                       rules=rule('disk', 'live')), **over))
        s.d.wait_log(words)
        s.exchange(b'as before')
    taken.close()
    wait(lambda: len(os.listdir('/proc/%d/fd' % s.d.pid)) <= fds,
         'descriptors as before')
    check(not os.path.exists(s.path('disk.pcap')), 'a file was left')
    s.reload(mirrors=[disk, LIVE], rules=rule('disk', 'live'),
             listen=[GATEWAY, PROXY, MORE])
    s.exchange(b'it can be', sock=via(s, 8081))


@scenario(timeout=120)
def no_connection_fails_while_everything_is_reloaded(s):
    """Each reload brings and takes a listener, a mirror, a service, a root
    and a log; each session that has begun ends as it should."""
    script = icap.Script(s)
    scan = icap.service(respmod=script.url('204'))
    shutil.copy(s.pki.root, s.path('root.pem'))
    base = dict(mirrors=[], rules=NONE, listen=[GATEWAY, PROXY])
    other = dict(mirrors=[LIVE, {'name': 'disk', 'pcap': s.path('d.pcap')}],
                 icap=[scan], rules=rule('disk', 'live', icap=['scan']),
                 listen=[MORE, PROXY, GATEWAY],
                 upstream={'trust': s.path('root.pem')},
                 log={'file': s.path('other.json')})
    s.start(record=False, **base)
    s.serve(443)
    stop, done, wrong = threading.Event(), [], []

    def client():
        while not stop.is_set():
            try:
                done.append(s.exchange(b'whole ' + BIG[:5000]))
            except Exception as e:      # told below
                wrong.append(e)
                return

    def open_files():
        return len(os.listdir('/proc/%d/fd' % s.d.pid)), \
            len(os.listdir('/proc/%d/task' % s.d.pid))
    threads = [threading.Thread(target=client) for i in range(4)]
    for t in threads:
        t.start()
    counts = []
    for i in range(RELOADS):
        n = len(done)
        s.reload(**(other if i % 2 == 0 else base))
        wait(lambda: len(done) >= n + 8 or wrong, 'sessions', 30 * s.slow)
        if wrong:
            break
    stop.set()
    for t in threads:
        t.join()
    equal(wrong, [], 'connections that failed')
    s.quiet()
    s.reload(**base)
    s.quiet()
    was = open_files()
    for i in range(3):
        s.reload(**other)
        s.reload(**base)
    wait(lambda: open_files() <= was, 'that nothing is left')


@scenario(plain=True, timeout=60 + 2 * RELOAD_SECONDS)
def a_reload_a_second_under_200_connections_a_second(s):
    """None of them fails, and nothing is left of what was there before."""
    seconds, every = RELOAD_SECONDS or 1, 1 if RELOAD_SECONDS else 0.25
    exe = load(s)
    base = dict(mirrors=[], rules=NONE, listen=[GATEWAY, PROXY])
    other = dict(mirrors=[LIVE], rules=rule('live'),
                 listen=[MORE, PROXY, GATEWAY])
    s.start(record=False, **base)
    for port in 443, 444:
        p = s.spawn(s.server, exe, 'serve', net.SERVER, str(port),
                    *s.pki.pair('good'), name='serve-%d' % port)
        wait_port(s.server, port, p)

    def reload(conf):
        with open(s.d.file, 'w') as f:
            f.write(yaml(s.conf(**conf)))
        s.d.p.send_signal(signal.SIGHUP)

    def size():
        return s.d.fds(), len(os.listdir('/proc/%d/task' % s.d.pid))
    s.reload(**other)
    s.reload(**base)
    s.quiet()
    was, rss = size(), s.d.rss()
    clients = [s.spawn(s.client, exe, 'connect', net.SERVER,
                       str(443 + i % 2), str(25 * seconds), s.pki.ca,
                       'good.test', '25', name='load-%d' % i)
               for i in range(8)]
    n = int(seconds / every) // 2 * 2
    begun = time.monotonic()
    for i in range(n):
        time.sleep(max(0, begun + i * every - time.monotonic()))
        reload(base if i % 2 else other)
        wait(lambda: s.reloads('ok') >= 3 + i, 'a reload')
    equal(s.reloads('failed'), 0)
    for c in clients:
        wait(lambda: c.p.poll() is not None, 'end of the clients',
             30 + seconds)
        equal(c.p.poll(), 0, open(c.log).read())
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all ended')
    wait(lambda: size() <= was, 'descriptors and threads as before')
    check(s.d.rss() - rss < 16384, 'memory grew by %d KiB' %
          (s.d.rss() - rss))
