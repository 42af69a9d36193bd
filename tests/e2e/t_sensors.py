"""What sensors report, in the forms in which they do, and what is done."""
import json
import os
import signal
import socket
import time

from harness import check, equal, net, peer, scenario, wait
from harness.peer import RST, reset_wait
from t_contained import OTHER, begin, files, get, guard_of, reports, status

EVE = {
    'timestamp': '2026-11-29T04:31:43.949102+0000', 'flow_id': 1234567890123,
    'in_iface': 'span0', 'event_type': 'alert', 'src_ip': net.CLIENT,
    'src_port': 36296, 'dest_ip': '203.0.113.9', 'dest_port': 443,
    'proto': 'TCP', 'alert': {
        'action': 'allowed', 'gid': 1, 'signature_id': 2024792, 'rev': 4,
        'signature': 'ET MALWARE Cobalt Strike Beacon',
        'category': 'Malware Command and Control Activity Detected',
        'severity': 1, 'metadata': {'signature_severity': ['Major']}},
    'app_proto': 'http', 'flow': {'pkts_toserver': 4}}
LEEF = ('<134>Nov 29 04:31:43 ddi LEEF:1.0|Trend Micro|Deep Discovery '
        'Inspector|3.8.1175|SECURITY_RISK_DETECTION|devTime=Nov 29 2026 '
        '04:31:43 GMT\tsev=8\tsrc=203.0.113.9\tdst=%s\tinterestedIp=%s\t'
        'peerIp=203.0.113.9\tmalName=RANSOM_X.A\tact=not blocked\t'
        'evtCat=Malware\tcccaDestination=evil.example\turl=http://e/?a=b')
CEF = ('<134>1 2026-11-29T04:31:43Z ddi ddi - - - CEF:0|Trend Micro|Deep '
       'Discovery Inspector|3.8|100100|Callback|8|rt=Nov 29 2026 04:31:43 '
       'src=%s dst=203.0.113.9 smac=02:00:00:00:00:07 msg=a = b \\= c '
       'cat=Malware interestedIp=%s peerIp=203.0.113.9')
FORTI = ('date=2026-11-29 time=04:31:43 devname="fw 1" devid=FG100 '
         'logid="0419016384" type=utm subtype=ips level=alert '
         'severity=critical srcip=%s dstip=203.0.113.9 attack="Back Door"')
NOTICE = {'ts': 1795926703.9, 'note': 'Intel::Notice', 'msg': 'hit',
          'src': net.CLIENT, 'dst': '203.0.113.9', 'p': 443}
SENSORS = [{'name': 'ids', 'eve': 'unix:%(dir)s/eve.sock'},
           {'name': 'dgram', 'eve': 'unix-dgram:%(dir)s/eve.dgram'},
           {'name': 'file', 'eve': '%(dir)s/ids.json'},
           {'name': 'ddi', 'syslog': 'udp://10.1.0.1:5514',
            'from': ['10.1.0.2']},
           {'name': 'tcp', 'syslog': 'tcp://10.1.0.1:5515'}]
HOLD = {'do': 'quarantine', 'profile': 'all', 'for': '1h'}


def listen(s, responses, **over):
    """A daemon with all kinds of sensors."""
    text = json.dumps(SENSORS) % {'dir': s.dir}
    begin(s, **dict({'sensors': json.loads(text), 'responses': responses,
                     'endpoints': {**files(s),
                                   'inside': ['10.1.0.0/24', 'fd01::/64']}},
                    **over))


class Sensor:
    """Something that reports to one of them."""

    def __init__(self, s, name):
        self.s, self.name = s, name
        if name == 'file':
            return
        kind = socket.SOCK_DGRAM if name in ('dgram', 'ddi') else \
            socket.SOCK_STREAM
        with s.client:
            self.sock = socket.socket(socket.AF_UNIX if name in (
                'ids', 'dgram') else socket.AF_INET, kind)
        self.sock.connect({
            'ids': s.path('eve.sock'), 'dgram': s.path('eve.dgram'),
            'ddi': (net.INNER, 5514), 'tcp': (net.INNER, 5515)}[name])

    def say(self, text, end='\n'):
        if not isinstance(text, str):
            text = json.dumps(text, separators=(',', ':'))
        if self.name == 'file':
            with open(self.s.path('ids.json'), 'a') as f:
                f.write(text + end)
        else:
            self.sock.sendall((text + end).encode())
        return self


def verdicts(s, n):
    """The first n events of verdicts."""
    return wait(lambda: len(s.d.events('verdict')) >= n and
                [e['verdict'] for e in s.d.events('verdict')],
                '%d verdicts' % n)


def about(who, **alert):
    e = json.loads(json.dumps(EVE))
    e['src_ip'] = who
    e['alert'].update(alert)
    return e


@scenario
def sensors_of_every_kind_contain(s):
    """Each its own way, each its own format; who is meant by its product."""
    listen(s, [HOLD])
    open(s.path('ids.json'), 'w').close()
    told = [
        ('ids', EVE, net.CLIENT, 'suricata', 9, EVE['alert']['signature']),
        ('dgram', about('10.1.0.11', severity=3), '10.1.0.11', 'suricata', 3,
         EVE['alert']['signature']),
        ('file', dict(NOTICE, src='10.1.0.12'), '10.1.0.12', 'zeek', 5,
         'Intel::Notice'),
        ('file', dict(NOTICE, src='10.1.0.22', note='Of_No_Module', actions=[
            'Notice::ACTION_LOG'], suppress_for=3600.0), '10.1.0.22', 'zeek',
         5, 'Of_No_Module'),
        ('ddi', LEEF % (('10.1.0.13',) * 2), '10.1.0.13', 'ddi', 8,
         'RANSOM_X.A'),
        ('ddi', CEF % (('10.1.0.14',) * 2), '10.1.0.14', 'ddi', 8,
         'a = b = c'),
        ('tcp', FORTI % '10.1.0.15', '10.1.0.15', 'fortigate', 10,
         'Back Door'),
        ('tcp', '@cee: ' + json.dumps(about('10.1.0.16')), '10.1.0.16',
         'suricata', 9, EVE['alert']['signature']),
        ('ids', dict(EVE, src_ip='203.0.113.9', dest_ip='fd01::17'),
         'fd01::17', 'suricata', 9, EVE['alert']['signature'])]
    sensors = {}
    for i, (name, line, who, product, severity, signature) in \
            enumerate(told):
        if name not in sensors:
            sensors[name] = Sensor(s, name)
        sensors[name].say(line)
        v = verdicts(s, i + 1)[i]
        equal([v[k] for k in ('sensor', 'product', 'severity', 'signature',
                              'endpoint', 'result')],
              [name, product, severity, signature, who, 'done'])
        check(v['seconds'] < 1, v)
    equal(sorted(q['endpoint'] for q in s.d.ctl('quarantine')['quarantine']),
          sorted(x[2] for x in told))
    check(verdicts(s, 5)[4]['peer'] == 'evil.example', 'the peer')
    check('RANSOM_X.A' in verdicts(s, 5)[4]['line'], 'the line')
    equal(status(get(s, 'https://www.good.test/')), '403')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    # What a sensor says beside that, and what nobody may say.
    sensors['ids'].say(dict(EVE, event_type='flow')).say('no JSON').say('{')
    sensors['tcp'].say('x' * 70000).say(FORTI % '10.1.0.18')
    verdicts(s, 10)
    s.d.metric_is(3, 'clearspan_sensor_lost_total')
    with s.server:
        far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.sendto((LEEF % (('10.1.0.19',) * 2)).encode(), (net.INNER, 5514))
    s.d.metric_is(4, 'clearspan_sensor_lost_total')
    equal(len(s.d.ctl('quarantine')['quarantine']), 10)


@scenario
def sensor_s_verdict_ends_a_session_within_a_second(s):
    """From the sensor's write to the reset, by the client's clock."""
    listen(s, [dict(HOLD, when={'severity': '>=8', 'category':
                                '*command and control*'})])
    s.serve(444)
    p = s.tls(444)
    p.send(b'\1x')
    equal(p.recv_exact(2), b'\1x')
    ids = Sensor(s, 'ids')
    at = time.monotonic()
    ids.say(EVE)
    equal(reset_wait(p.sock), RST)
    check(time.monotonic() - at < 1, time.monotonic() - at)
    equal(reports(s, 1)[0]['by'], 'ids')
    check(verdicts(s, 1)[0]['seconds'] < 0.5, 'by our clock')


@scenario
def sensors_are_answered_by_the_first_that_matches(s):
    listen(s, [
        {'when': {'signature': '*test*'}, 'do': 'notify'},
        {'when': {'fields': {'alert.gid': '7'}}, **HOLD, 'dry-run': True},
        {'when': {'severity': '<5', 'count': {'of': 3, 'within': '1h'}},
         **HOLD},
        {'when': {'severity': '6-10', 'sensor': 'ids'}, **HOLD}],
        endpoints={**files(s), 'never': ['10.1.0.20'],
                   'inside': ['10.1.0.0/24', 'fd01::/64']})
    ids = Sensor(s, 'ids')
    equal = [
        (about('10.1.0.30', signature='A Test'), 1, 'notified'),
        (about('10.1.0.30', gid=7), 2, 'dry-run'),
        (dict(EVE, src_ip='10.1.0.30', dest_ip='10.1.0.31'), 4, 'ambiguous'),
        (dict(EVE, src_ip='198.51.100.7'), 4, 'nobody'),
        (about('10.1.0.20'), 4, 'refused')]
    for line, _, _ in equal:
        ids.say(line)
    got = verdicts(s, len(equal))
    check([(v['response'], v['result']) for v in got] ==
          [(n, r) for _, n, r in equal], got)
    check(s.d.ctl('quarantine')['quarantine'] == [], 'nobody')
    low = about('10.1.0.32', severity=4)
    for i in range(3):
        check(s.d.ctl('quarantine')['quarantine'] == [], i)
        Sensor(s, 'dgram').say(low)
        s.d.metric_is(len(equal) + i + 1, 'clearspan_sensor_reports_total')
    check([q['endpoint'] for q in s.d.ctl('quarantine')['quarantine']] ==
          ['10.1.0.32'], 'the third')
    # Two ends of which a rule says who was hit.
    ids.say(dict(about('10.1.0.33', target={'ip': '10.1.0.34'}, source={
        'ip': '10.1.0.33'}), dest_ip='10.1.0.34'))
    check(verdicts(s, 7)[6]['endpoint'] == '10.1.0.34', 'the target')


@scenario
def sensors_that_go_wild_break_the_breaker(s):
    """Ten thousand a second; others notice nothing."""
    listen(s, [HOLD], breaker={'quarantines': 5, 'per': '1h'})
    ids = Sensor(s, 'ids')
    for i in range(10000):
        ids.say(about('10.1.0.%d' % (i % 200 + 50), signature='S%d' % i))
    s.d.metric_is(10000, 'clearspan_sensor_reports_total')
    equal(len(s.d.ctl('quarantine')['quarantine']), 5)
    equal(s.d.metric('clearspan_verdicts_total', result='done') +
          s.d.metric('clearspan_verdicts_total', result='breaker'), 10000)
    equal(status(get(s, 'https://www.good.test/')), '200')
    # An operator's is not counted.
    s.d.ctl('quarantine', 'add', OTHER, 'all', '1h')
    equal(len(s.d.ctl('quarantine')['quarantine']), 6)


@scenario
def sensors_of_tcp_end_lines_as_they_like(s):
    """By LF, CR LF or NUL (RFC 6587, 3.4.2), counted (3.4.1), or not at
    all."""
    listen(s, [{'do': 'notify'}])
    tcp = Sensor(s, 'tcp')

    def line(n):
        return '<13>Nov 29 01:02:03 fw ' + FORTI % '10.1.0.%d' % n
    for i, end in enumerate(('\n', '\0', '\0\n', '\r\n', '\0')):
        tcp.say(line(30 + i), end=end)
    tcp.say('%d %s' % (len(line(35)), line(35)), end='')
    tcp.say(line(36), end='')
    tcp.sock.close()
    equal([v['endpoint'] for v in verdicts(s, 7)],
          ['10.1.0.%d' % (30 + i) for i in range(7)])
    equal(s.d.metric('clearspan_sensor_lost_total'), 0)


@scenario
def sensors_files_are_followed_through_rotation(s):
    """What is in it at the start is old; then each line, whatever becomes of
    the file."""
    path = s.path('ids.json')
    with open(path, 'w') as f:
        f.write(json.dumps(about('10.1.0.40')) + '\n')
    listen(s, [{'do': 'notify'}])
    ids = Sensor(s, 'file').say(about('10.1.0.41'))
    equal([v['endpoint'] for v in verdicts(s, 1)], ['10.1.0.41'])
    ids.say(about('10.1.0.42'), end='')     # its end comes later
    os.rename(path, path + '.1')
    with open(path + '.1', 'a') as f:
        f.write('\n' + json.dumps(about('10.1.0.43')) + '\n')
    ids.say(about('10.1.0.44', rev=12345))
    equal([v['endpoint'] for v in verdicts(s, 4)],
          ['10.1.0.4%d' % i for i in (1, 2, 3, 4)])
    os.truncate(path, 0)
    ids.say(about('10.1.0.45'))
    equal(verdicts(s, 5)[4]['endpoint'], '10.1.0.45')


@scenario
def sensors_are_read_without_privileges(s):
    """A process that can do nothing; another takes its place."""
    listen(s, [HOLD])
    pid, st = guard_of(s.d.pid, 'clearspan-sensor'[:15])
    check(pid, 'no process')
    for name in 'CapEff', 'CapPrm', 'CapBnd':
        equal(int(st[name], 16), 0, name)
    equal(st['Uid'].split(), ['65534'] * 4)
    os.kill(pid, signal.SIGKILL)
    wait(lambda: guard_of(s.d.pid, 'clearspan-sensor'[:15])[0] not in (
        pid, None), 'another')
    s.d.metric_is(1, 'clearspan_sensors_up')
    Sensor(s, 'ids').say(EVE)
    equal(verdicts(s, 1)[0]['endpoint'], net.CLIENT)


@scenario
def sensors_come_and_go_by_reload(s):
    listen(s, [HOLD])
    ids = Sensor(s, 'ids')
    over = {k.replace('-', '_'): s.d.conf[k] for k in (
        'rules', 'mirrors', 'endpoints', 'quarantines', 'sensors')}
    s.reload(responses=[{'do': 'notify'}], **over)
    ids.say(EVE)                    # the same connection
    equal(verdicts(s, 1)[0]['result'], 'notified')
    one = {'name': 'other', 'eve': 'unix:' + s.path('other.sock')}
    over['sensors'] = [over['sensors'][0], one]
    s.reload(responses=[HOLD], **over)
    check(not os.path.exists(s.path('eve.dgram')), 'it is gone')
    Sensor(s, 'ids').say(EVE)
    equal(verdicts(s, 2)[1]['result'], 'done')
    bad = {'name': 'bad', 'eve': 'unix:/proc/nowhere/x.sock'}
    over['sensors'] = [one, bad]
    s.reload('failed', responses=[HOLD], **over)
    Sensor(s, 'ids').say(about('10.1.0.50'))
    equal(verdicts(s, 3)[2]['endpoint'], '10.1.0.50')


@scenario
def sensors_know_products_of_the_operator(s):
    """From a directory; in place of a shipped one; a reload reads it again,
    and one that is wrong changes nothing and is told where."""
    os.mkdir(s.path('products'))

    def write(name, text):
        with open(s.path('products/' + name), 'w') as f:
            f.write(text)
    write('a.yaml', 'products:\n  - name: scanner\n    is: {scan: "*"}\n'
          '    endpoint: host\n    severity: score\n    range: 0-100\n')
    write('notes.txt', 'no product')
    listen(s, [{'do': 'notify'}], products=s.path('products'))
    tcp = Sensor(s, 'tcp').say('scan=1 host=10.1.0.60 score=80')
    v = verdicts(s, 1)[0]
    equal([v[k] for k in ('product', 'endpoint', 'severity')],
          ['scanner', '10.1.0.60', 8])
    write('b.yaml', 'products:\n  - {name: fortigate, is: {devid: "*"}, '
          'endpoint: dstip}\n')
    over = {k.replace('-', '_'): s.d.conf[k] for k in (
        'rules', 'mirrors', 'endpoints', 'quarantines', 'sensors',
        'responses', 'products')}
    s.reload(**over)
    tcp.say(FORTI.replace('203.0.113.9', '10.1.0.62') % '10.1.0.61')
    v = verdicts(s, 2)[1]
    equal([v['product'], v['endpoint']], ['fortigate', '10.1.0.62'])
    write('b.yaml', 'products:\n  - {name: fortigate, is: {devid: "*"}}\n')
    s.reload('failed', **over)
    r = s.run(s.gateway, s.binary, 'check', '-c', s.d.file)
    check('products/b.yaml:2:5: nothing says who is meant' in r.errors and
          r.code == 2, r.errors)
    tcp.say(FORTI.replace('203.0.113.9', '10.1.0.64') % '10.1.0.63')
    equal(verdicts(s, 3)[2]['endpoint'], '10.1.0.64')
