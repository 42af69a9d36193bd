"""What is kept of sessions before an alarm, and written when there is one."""
import glob
import hashlib
import os
import pwd
import re
import signal
import stat

from harness import capture, check, equal, h2_programs, net, peer, recorded, \
    scenario, wait
from harness.case import yaml
from harness.peer import RST, reset_wait
from harness.h2_programs import URL
from t_contained import OTHER, begin, contain, files
from t_sensors import EVE, HOLD, Sensor, listen, verdicts

MB = 1 << 20


def kept(s, **over):
    """The section, with captures in the scenario's directory."""
    return dict({'size': '8M', 'directory': s.path('captures'),
                 'after': '0s'}, **over)


def start(s, **over):
    begin(s, history=kept(s, **over))


def address(source):
    return (source, 0) if source else None


def https(s, path, source=None, port=443):
    """A request and its answer, over TLS."""
    p = s.tls(port, sock=s.connect(port, source=address(source)))
    return asked(p, path)


def http(s, path, source=None):
    return asked(s.plain(80, source=address(source)), path)


def asked(p, path):
    p.port = p.sock.getsockname()[1]
    p.send(b'GET %s HTTP/1.1\r\nHost: good.test\r\n\r\n' % path.encode())
    head = p.recv_until(b'\r\n\r\n')
    size = int(re.search(rb'Content-Length: (\d+)', head).group(1))
    p.recv_exact(size)
    return p


def pair(p):
    return bytes(p.sent), bytes(p.received)


def lines(s, case, n=1, what='capture'):
    """The lines of a case about captures, when there are n."""
    def there():
        c = s.d.ctl('case', str(case))
        equal(c['chain'], 'whole')
        found = [x['about'] for x in c['case'] if x['what'] == what]
        return len(found) >= n and found
    return wait(there, '%d captures of case %d' % (n, case))


def whole(told):
    """The file is what was told of it, and only for its user; as a Reader."""
    with open(told['file'], 'rb') as f:
        b = f.read()
    equal(hashlib.sha256(b).hexdigest(), told['sha256'])
    equal(len(b), told['bytes'])
    equal(stat.S_IMODE(os.stat(told['file']).st_mode), 0o600)
    r = capture.read(b)
    equal(sum(x.count for x in r.streams) + len(r.loose), told['packets'])
    return r


def right(r, want):
    """Exactly these conversations, each of them right in every frame."""
    equal(r.loose, [], 'frames of no stream')
    for x in r.streams:
        equal(x.problems, [], 'capture of %s' % (x.key,))
    equal(sorted((bytes(x.up.data), bytes(x.down.data)) for x in r.streams),
          sorted(want))


def clients(r):
    return {x.key[0] for x in r.streams}


@scenario
def history_of_an_endpoint_is_written_at_the_alarm(s):
    """By a sensor; of two workers, in the order of time, of that endpoint
    alone: as clear text, as it was."""
    listen(s, [HOLD], history=kept(s))
    s.serve(444, handler=peer.http(lambda path: path.encode() * 9000))
    made = []
    for i in range(12):
        made.append(https(s, '/tls/%d' % i, port=444))
        https(s, '/other/%d' % i, OTHER, port=444).finish()
        if i % 3 == 0:
            made.append(http(s, '/plain/%d' % i))
    for p in made[:-1]:
        p.finish()
    want = [pair(p) for p in made]
    flows = [f for f in s.d.flows(len(made) - 1 + 12)
             if f['src_ip'] == net.CLIENT]
    Sensor(s, 'ids').say(EVE)
    case = verdicts(s, 1)[0]['quarantine']
    told = lines(s, case)[0]
    equal(reset_wait(made[-1].sock), RST)
    equal([told[k] for k in ('endpoint', 'result', 'case', 'sessions')],
          [net.CLIENT, 'written', case, len(made)])
    check(re.fullmatch(r'case-%d-\d{8}T\d{6}Z\.pcapng' % case,
                       os.path.basename(told['file'])), told['file'])
    r = whole(told)
    right(r, want)
    equal(clients(r), {net.CLIENT})
    check(all(x.closed for x in r.streams), 'the end of what was cut')
    for f in flows:
        said = '\n'.join([c for x in r.streams if x.key[1] == f['src_port']
                          for c in x.comments])
        for word in ('case: %d;' % case, 'session: %d;' % f['flow_id'],
                     'rule: default', 'client: %s' % net.CLIENT):
            check(word in said, 'no', word, 'in', said)
    # tshark's word for it.
    equal(sorted(capture.tshark_tcp(told['file'])), sorted(want))
    uris = capture.tshark('-r', told['file'], '-d', 'tcp.port==444,http',
                          '-T', 'fields', '-e', 'http.request.uri',
                          '-Y', 'http.request').split()
    equal(sorted(uris), sorted(p.sent.split()[1].decode() for p in made))
    times = [float(x) for x in capture.tshark(
        '-r', told['file'], '-T', 'fields', '-e', 'frame.time_epoch').split()]
    equal(times, sorted(times))
    event = wait(lambda: s.d.events('capture'), 'its event')[0]['capture']
    equal(event, told)
    equal(s.d.metric('clearspan_captures_total', result='written'), 1)
    equal(s.d.metric('clearspan_captures_open'), 0)
    check(s.d.metric('clearspan_history_packets') > told['packets'],
          'packets of the other')


@scenario
def history_goes_on_behind_the_alarm(s):
    """What the endpoint does then is in the same file; each packet once."""
    start(s, after='3s')
    before = https(s, '/before').finish()
    theirs = https(s, '/theirs', OTHER)
    case = contain(s, net.CLIENT)
    wait(lambda: glob.glob(s.path('captures/*')), 'the file')
    refused = s.plain(80)
    refused.send(b'GET /after HTTP/1.1\r\nHost: good.test\r\n\r\n')
    refused.recv_all()
    check(b' 403 ' in refused.received, refused.received)
    theirs.finish()
    told = lines(s, case)[0]
    r = whole(told)
    equal(clients(r), {net.CLIENT})
    equal([x.problems for x in r.streams], [[] for x in r.streams])
    equal(bytes(r.streams[0].up.data), pair(before)[0])
    equal(told['sessions'], len(r.streams))
    check(all(len(x.comments) == 1 for x in r.streams), 'comments',
          [x.comments for x in r.streams])


@scenario
def history_is_written_when_somebody_asks(s):
    """Of whom nothing is known, there is no file; over both families, by an
    address or the MAC address, for as long as is asked."""
    s.hosts('')
    begin(s, history=kept(s), endpoints={
        'state': s.path('state'), 'cases': s.path('cases')})
    s.serve(80, plain=True, handler=peer.http(b'six'), address='fd02::2')
    a, b = http(s, '/a').finish(), http(s, '/b', OTHER).finish()
    c = asked(s.plain(80, address='fd02::2'), '/c').finish()
    s.d.flows(3)
    mac = s.d.events()[0]['ether']['src_mac']
    for who in mac, net.CLIENT:     # one endpoint with three addresses
        told = s.d.ctl('capture', who)['capture']
        equal([told['result'], told['sessions']], ['written', 3])
        right(whole(told), [pair(x) for x in (a, b, c)])
    told = s.d.ctl('capture', net.SERVER)['capture']
    right(whole(told), [pair(a), pair(b)])
    equal(s.d.ctl('capture', '10.9.9.9')['capture'], {
        'endpoint': '10.9.9.9', 'result': 'empty', 'packets': 0,
        'sessions': 0})
    told = s.d.ctl('capture', mac, '2s')['capture']
    equal(told['result'], 'written')
    check('sha256' not in told, told)
    d = http(s, '/d').finish()
    e = [x['capture'] for x in wait(
        lambda: [x for x in s.d.events('capture')
                 if x['capture'].get('file') == told['file']], 'its end')]
    right(whole(e[0]), [pair(x) for x in (a, b, c, d)])
    for words in (['x'], [mac, '0s'], [mac, '1s', 'x']):
        r = s.run(s.gateway, s.binary, 'ctl', '-s',
                  s.d.conf['control']['socket'], 'capture', *words)
        check(r.code != 0, words, r.text)


@scenario
def history_has_clear_text_only(s):
    """What is bypassed is not kept, be it plain or not."""
    s.start(record=False, mirrors=[], history=kept(s), rules=[
        {'name': 'private', 'port': [444, 81], 'action': 'bypass'},
        {'name': 'default', 'action': 'decrypt'}])
    s.serve(80, plain=True, handler=peer.http(b'public'))
    s.serve(444, handler=peer.http(b'private'))
    s.serve(81, plain=True, handler=peer.http(b'private'))
    p = s.tls(444, trust=s.pki.root)
    asked(p, '/private').finish()
    asked(s.plain(81), '/private').finish()
    a = http(s, '/a').finish()
    s.d.flows(3)
    right(whole(s.d.ctl('capture', net.CLIENT)['capture']), [pair(a)])


@scenario
def history_over_its_size_loses_the_oldest(s):
    start(s, size='2M')             # 1M for each worker
    s.serve(82, plain=True, handler=peer.http(b'x' * 100000))
    made = [asked(s.plain(82), '/%d' % i).finish() for i in range(60)]
    s.d.flows(60)
    check(s.d.metric('clearspan_history_bytes') <= 2 * MB, 'bytes',
          s.d.metrics())
    check(s.d.metric('clearspan_history_dropped_packets_total',
                     reason='size') > 1000, s.d.metrics())
    equal(s.d.metric('clearspan_history_packets_total'),
          s.d.metric('clearspan_history_packets') +
          s.d.metric('clearspan_history_dropped_packets_total'))
    told = s.d.ctl('capture', net.CLIENT)['capture']
    check(told['bytes'] < 2.3 * MB, told)
    check(8 <= told['sessions'] < 30, told)
    r = whole(told)
    last = [x for x in r.streams if x.key[1] == made[-1].port]
    equal([(x.problems, bytes(x.down.data)) for x in last],
          [([], bytes(made[-1].received))])
    equal(s.d.metric('clearspan_history_packets'), told['packets'])


@scenario
def history_gets_old(s):
    start(s, age='2s')
    http(s, '/a').finish()
    s.d.flows(1)
    n = s.d.metric('clearspan_history_packets')
    check(n > 5, 'packets', n)
    s.d.metric_is(0, 'clearspan_history_packets')
    s.d.metric_is(n, 'clearspan_history_dropped_packets_total', reason='age')
    equal(s.d.ctl('capture', net.CLIENT)['capture']['result'], 'empty')


@scenario
def history_stays_with_a_reload(s):
    """Of its size and age; it goes with the section."""
    start(s)
    over = dict(mirrors=[], quarantines=s.d.conf['quarantines'],
                endpoints=files(s),
                rules=[{'name': 'default', 'action': 'decrypt'}])
    a = http(s, '/a').finish()
    stays = http(s, '/stays')
    s.d.flows(1)
    s.reload(history=kept(s, size='4M', age='1h'), **over)
    told = s.d.ctl('capture', net.CLIENT)['capture']
    right(whole(told), [pair(a), pair(stays)])
    asked(stays, '/on')
    s.reload(history=kept(s, size='16M',
                          directory=s.path('elsewhere')), **over)
    b = http(s, '/b').finish()
    told = s.d.ctl('capture', net.CLIENT)['capture']
    check('/elsewhere/' in told['file'], told)
    right(whole(told), [pair(a), pair(stays), pair(b)])
    s.reload('failed', history=kept(s, http2='http/1.1'), **over)
    s.reload('failed', history=kept(s, directory='/proc/none'), **over)
    s.reload(**over)
    r = s.run(s.gateway, s.binary, 'ctl', '-s',
              s.d.conf['control']['socket'], 'capture', net.CLIENT)
    check('there is no `history:`' in r.text + r.errors, r.text)
    asked(stays, '/unkept')
    s.reload(history=kept(s), **over)
    asked(stays, '/still not')      # it began before
    c = http(s, '/c').finish()
    told = s.d.ctl('capture', net.CLIENT)['capture']
    right(whole(told), [pair(c)])
    stays.finish()


@scenario
def history_on_a_full_disk_is_cut_and_told(s):
    os.mkdir(s.path('captures'))
    net.run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'small',
            s.path('captures'))
    start(s)
    s.serve(82, plain=True, handler=peer.http(b'x' * 100000))
    for i in range(30):
        asked(s.plain(82), '/%d' % i).finish()
    s.d.flows(30)
    case = contain(s, net.CLIENT)
    told = lines(s, case)[0]
    equal([told['result'], told['error']], ['failed', 'disk full'])
    check(told['skipped'] > 500, told)
    whole(told)
    capture.tshark('-r', told['file'])
    s.d.wait_log('disk full: what follows is not in it')
    equal(s.d.metric('clearspan_captures_total', result='failed'), 1)
    http(s, '/other', OTHER).finish()
    # A second one has no room for its first block.
    net.run('sh', '-c', 'cat /dev/zero >%s || :' % s.path('captures/rest'))
    case = contain(s, OTHER)
    told = lines(s, case)[0]
    equal([told['result'], told['error']], ['failed', 'disk full'])
    os.unlink(s.path('captures/rest'))
    equal(s.d.ctl('capture', OTHER)['capture']['result'], 'written')


@scenario
def captures_are_bounded(s):
    """So large, so many at once, so many files; a case says so."""
    start(s, **{'max-capture': '1M', 'at-once': 2, 'keep': 2})
    s.serve(82, plain=True, handler=peer.http(b'x' * 100000))
    for i in range(30):
        last = asked(s.plain(82), '/%d' % i).finish()
    s.d.flows(30)
    case = contain(s, net.CLIENT)
    told = lines(s, case)[0]
    equal(told['result'], 'cut')
    check(0.8 * MB < told['bytes'] <= MB and told['skipped'] > 500, told)
    r = whole(told)                 # the newest are there
    equal([(x.problems, bytes(x.down.data)) for x in r.streams
           if x.key[1] == last.port], [([], bytes(last.received))])
    http(s, '/small', OTHER).finish()
    s.d.flows(31)
    for i in range(2):
        equal(s.d.ctl('capture', OTHER, '10m')['capture']['result'],
              'written')
    equal(len(glob.glob(s.path('captures/endpoint-*'))), 2)
    equal(len(glob.glob(s.path('captures/*'))), 2)
    case = contain(s, OTHER)
    equal(lines(s, case)[0]['result'], 'refused')
    equal(s.d.metric('clearspan_captures_total', result='refused'), 1)
    equal(s.d.metric('clearspan_captures_open'), 2)


@scenario
def captures_end_with_the_daemon(s):
    """One that goes on is whole then, and told of; what was kept is gone."""
    begin(s, history=kept(s, after='1h'))
    a = http(s, '/a').finish()
    case = contain(s, net.CLIENT)
    wait(lambda: glob.glob(s.path('captures/*')), 'the file')
    s.stop(s.d)
    s.start(how=None, record=False, mirrors=[], endpoints=files(s),
            quarantines=s.d.conf['quarantines'], history=kept(s),
            rules=[{'name': 'default', 'action': 'decrypt'}])
    told = lines(s, case)[0]
    right(whole(told), [pair(a)])
    equal(s.d.ctl('capture', net.CLIENT)['capture']['result'], 'empty')


@scenario
def captures_are_in_the_case_of_one_that_was_killed(s):
    begin(s, history=kept(s, after='1h'))
    a = http(s, '/a').finish()
    case = contain(s, net.CLIENT)
    told = lines(s, case, what='capture begun')[0]
    os.kill(s.d.pid, signal.SIGKILL)
    s.d.p.wait()
    s.daemons.remove(s.d)
    right(capture.read(told['file']), [pair(a)])
    capture.tshark('-r', told['file'])


@scenario
def captures_belong_to_the_user(s):
    """Who has the directory, and makes no other."""
    user = pwd.getpwnam('nobody')
    os.chown(s.dir, user.pw_uid, -1)
    s.start(record=False, mirrors=[], user='nobody', history=kept(
        s, directory=s.path('new/captures')),
        rules=[{'name': 'default', 'action': 'decrypt'}])
    s.serve(80, plain=True, handler=peer.http(b'x'))
    a = http(s, '/a').finish()
    s.d.flows(1)
    told = s.d.ctl('capture', net.CLIENT)['capture']
    right(whole(told), [pair(a)])
    for path, mode in (s.path('new'), 0o750), \
            (s.path('new/captures'), 0o700), (told['file'], 0o600):
        st = os.stat(path)
        equal([st.st_uid, stat.S_IMODE(st.st_mode)], [user.pw_uid, mode],
              path)
    for directory in '/root/none/captures', '/etc/passwd/none':
        with open(s.path('bad.yaml'), 'w') as f:
            f.write(yaml(s.conf(user='nobody', history={
                'directory': directory})))
        r = s.run(s.gateway, s.binary, 'check', '-c', s.path('bad.yaml'))
        equal(r.code, 2, r.text)
        check('"directory": cannot write in ' + directory in r.text +
              r.errors, r.text, r.errors)


@scenario
def history_shows_streams_of_http2_as_conversations(s):
    """If the section says so: each can be read, whatever went before it."""
    data = {'object-%d' % i: os.urandom(i * 5000) for i in range(8)}
    s.start(record=False, mirrors=[], history=kept(
        s, http2='http/1.1', ports='map'),
        rules=[{'name': 'default', 'action': 'decrypt'}])
    h2_programs.nghttpd(s, data)
    h2_programs.curl(s, '-Z', '--parallel-max', '4', *[
        x for k in data for x in ('-o', s.path('got-' + k), URL + k)])
    s.d.flows(1)
    told = s.d.ctl('capture', net.CLIENT)['capture']
    all_ = recorded.read(whole(told).streams)
    equal({x.target: x.response.body for x in all_},
          {'/' + k: v for k, v in data.items()})
    equal({x.stream.key[3] for x in all_}, {80})
    equal(told['sessions'], len(data))      # each with its comment
