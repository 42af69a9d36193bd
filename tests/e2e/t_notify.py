"""Who is told of verdicts and quarantines: webhooks, syslog, RADIUS."""
import json
import os
import re
import signal
import threading
import time

from harness import capture, check, equal, net, scenario, told, wait
from harness.proc import whole_lines
from t_contained import OTHER, contain, files, guard_of, mac_of
from t_sensors import HOLD, Sensor, about, listen, verdicts
import t_contained

HOOK = 'http://10.2.0.2:8000/hook'
QUARANTINE = ['set', 'extended', 'released', 'expired']


def begin(s, notify, **over):
    t_contained.begin(s, notify=dict({'state': s.path('queue')}, **notify),
                      **over)


def case(s, n, what='notify'):
    return [x['about'] for x in s.d.ctl('case', str(n))['case']
            if x['what'] == what]


def outcomes(s, n, count):
    """What the case says of those who were told."""
    return wait(lambda: len(case(s, n)) >= count and [
        (x['target'], x['event'], x['result']) for x in case(s, n)],
        '%d outcomes' % count)


def row(s, name):
    return [r for r in s.d.ctl('notify')['notify'] if r['target'] == name][0]


def secret(s, text='a secret of ours'):
    path = s.path('secret')
    with open(path, 'w') as f:
        f.write(text + '\n')
    os.chmod(path, 0o600)
    return path


@scenario
def notify_tells_a_webhook_what_the_log_has(s):
    """The event as it is; by HTTPS with our CA, a token and a field."""
    hook = told.Webhook(s, 8443, cert='good')
    token = secret(s, 'tok-123')
    begin(s, {'webhook': [{
        'url': 'https://good.test:8443/v1/%{event}?id=%{id}&who=%{endpoint}',
        'trust': s.pki.root, 'token': token,
        'headers': {'X-Case': '%{id}'}}]})
    n = contain(s, net.CLIENT6, 'all', '1h', 'a', '"b"\\', '\u75c5')
    got = hook.bodies(1)
    method, path, fields, body, _ = hook.got[0]
    equal((method, path), ('POST', '/v1/set?id=%d&who=fd01%%3A%%3A2' % n))
    equal([fields[k] for k in ('Authorization', 'X-Case', 'Content-Type',
                               'Host')],
          ['Bearer tok-123', str(n), 'application/json', 'good.test:8443'])
    event = t_contained.reports(s, 1)[0]
    equal(got[0]['event_type'], 'quarantine')
    equal({k: v for k, v in got[0]['quarantine'].items() if k != 'mac'},
          event)
    equal(event['reason'], 'a "b"\\ \u75c5')
    equal(outcomes(s, n, 1), [('webhook', 'set', 'sent')])
    check('a status of 200' in case(s, n)[0]['answer'], case(s, n))
    equal(s.d.metric('clearspan_notify_total', target='webhook',
                     result='sent'), 1)
    check('tok-123' not in s.d.text(), 'the token is in the log')


@scenario
def notify_undoes_what_is_released_and_what_ends(s):
    """exec and undo, with a controller's own bodies and methods."""
    hook = told.Webhook(s, 8000)
    begin(s, {'webhook': [{
        'name': 'switch', 'url': 'http://10.2.0.2:8000/exec',
        'undo': 'http://10.2.0.2:8000/undo/%{address}',
        'undo-method': 'DELETE', 'mac': 'AABB.CCDD.EEFF',
        'body': '{"srcip": "%{address}", "mac": "%{mac}", '
                '"text": "%{text}"}', 'undo-body': '{"id": %{id}}'}]})
    # It is a neighbour once it has spoken.
    equal(t_contained.status(t_contained.get(s, 'http://good.test/')), '200')
    n = contain(s, net.CLIENT, 'all', '1h')
    s.d.ctl('quarantine', 'release', str(n))
    m = contain(s, net.CLIENT, 'updates', '2s', 'x"y')
    hook.bodies(4)
    equal([(g[0], g[1]) for g in hook.got],
          [('POST', '/exec'), ('DELETE', '/undo/10.1.0.2')] * 2)
    said = [json.loads(g[3]) for g in hook.got]
    mac = mac_of(s).replace(':', '').upper()
    equal((said[0]['srcip'], said[0]['mac']), (net.CLIENT, '%s.%s.%s' % (
        mac[:4], mac[4:8], mac[8:])))
    check('x"y' in said[2]['text'] and '"updates"' in said[2]['text'],
          said[2])
    equal((said[1], said[3]), ({'id': n}, {'id': m}))
    equal(outcomes(s, n, 2), [('switch', 'set', 'sent'),
                              ('switch', 'released', 'sent')])
    equal(outcomes(s, m, 2), [('switch', 'set', 'sent'),
                              ('switch', 'expired', 'sent')])


@scenario(timeout=300)
def notify_tries_again_and_tells_once_and_in_order(s):
    """A target that is down and comes up; another is told meanwhile."""
    hook = told.Webhook(s, 8000)
    hook.down()
    other = told.Webhook(s, 8001)
    begin(s, {'webhook': [
        {'name': 'down', 'url': HOOK, 'events': QUARANTINE},
        {'name': 'up', 'url': 'http://10.2.0.2:8001/', 'events':
         QUARANTINE}]})
    n = contain(s, net.CLIENT)
    s.d.ctl('quarantine', 'release', str(n))
    m = contain(s, OTHER)
    other.bodies(3)
    equal(row(s, 'down')['queued'], 3)
    wait(lambda: s.d.metric('clearspan_notify_total', target='down',
                            result='retried') >= 2, 'tries')
    check('refused' in row(s, 'down')['problem'], row(s, 'down'))
    hook.answers = [503, 429]
    hook.up()
    # By now the time between tries may be a minute, and three follow.
    got = hook.bodies(3, 60)
    equal([(g['quarantine']['id'], g['quarantine']['action']) for g in got],
          [(n, 'set'), (n, 'released'), (m, 'set')])
    wait(lambda: row(s, 'down')['queued'] == 0, 'an empty queue')
    equal(len(hook.got), 5)         # two of them were refused for now
    first = [x for x in case(s, n) if x['target'] == 'down']
    equal([(x['event'], x['result']) for x in first],
          [('set', 'retried'), ('set', 'sent'), ('released', 'sent')])
    check('refused' in first[0]['answer'] and first[1]['tries'] >= 4, first)


@scenario
def notify_gives_up_and_says_so(s):
    """What is refused is not tried again; what fails, as often as it says."""
    hook = told.Webhook(s, 8000)
    hook.answers = [400]
    begin(s, {'webhook': [
        {'name': 'no', 'url': HOOK},
        {'name': 'dead', 'url': 'http://10.2.0.2:8009/', 'retries': 1},
        {'name': 'slow', 'url': 'http://10.2.0.2:8001/', 'retries': 0,
         'timeout': '300ms'}]})
    slow = told.Webhook(s, 8001)
    slow.delay = threading.Event()
    n = contain(s, net.CLIENT)
    got = outcomes(s, n, 4)
    slow.delay.set()
    equal(sorted(got), [('dead', 'set', 'given-up'), ('dead', 'set',
                        'retried'), ('no', 'set', 'refused'),
                        ('slow', 'set', 'given-up')])
    answers = {(x['target'], x['result']): x['answer'] for x in case(s, n)}
    check(answers['no', 'refused'].startswith('400 '), answers)
    check('in time' in answers['slow', 'given-up'], answers)
    equal(len(hook.got), 1)


@scenario
def notify_verifies_certificates(s):
    """Another CA, another name, one that has expired: nothing is sent."""
    targets, hooks = [], []
    for i, (cert, name) in enumerate((('self', 'self.test'), ('wrong',
                                      'good.test'), ('expired',
                                      'expired.test'), ('good', '10.2.0.3'))):
        hooks.append(told.Webhook(s, 8000 + i, cert=cert))
        targets.append({'name': cert, 'retries': 0, 'trust': s.pki.root,
                        'url': 'https://%s:%d/' % (name, 8000 + i)})
    # Its address is not in the certificate; and a client without one.
    hooks.append(told.Webhook(s, 8003, cert='good', address='10.2.0.3'))
    hooks.append(told.Webhook(s, 8005, cert='good', ca=s.pki.root))
    targets.append({'name': 'mutual', 'retries': 0, 'trust': s.pki.root,
                    'url': 'https://good.test:8005/'})
    targets.append({'name': 'mine', 'retries': 0, 'trust': s.pki.root,
                    'url': 'https://good.test:8005/',
                    'certificate': s.pki.pair('user')[0],
                    'key': s.pki.pair('user')[1]})
    begin(s, {'webhook': targets})
    s.hosts('10.2.0.2 good.test self.test expired.test\n')
    n = contain(s, net.CLIENT)
    got = outcomes(s, n, 6)
    equal(sorted(got), sorted((t['name'], 'set', 'sent' if t['name'] == 'mine'
                               else 'given-up') for t in targets))
    why = {x['target']: x['answer'] for x in case(s, n)}
    for name, word in (('self', 'self'), ('wrong', 'hostname'), (
            'expired', 'expired'), ('good', 'IP address')):
        check('certificate is refused' in why[name] and word in why[name],
              why)
    equal([len(h.got) for h in hooks], [0, 0, 0, 0, 0, 1])


@scenario
def notify_has_bounds(s):
    """Ten thousand verdicts, a target that hangs and one that is well."""
    hung, well = told.Webhook(s, 8000), told.Webhook(s, 8001)
    hung.delay = threading.Event()
    try:
        listen(s, [{'do': 'notify'}], notify={
            'state': s.path('queue'), 'webhook': [
                {'name': 'hung', 'url': HOOK, 'queue': 50, 'timeout': '10m'},
                {'name': 'well', 'url': 'http://10.2.0.2:8001/',
                 'queue': 300}]})
        ids = Sensor(s, 'ids')
        for i in range(10000):
            ids.say(about('10.1.0.%d' % (i % 200 + 50), signature='S%d' % i))
        s.d.metric_is(10000, 'clearspan_sensor_reports_total')
        equal(t_contained.status(t_contained.get(
            s, 'https://www.good.test/')), '200')
        equal((row(s, 'hung')['queued'], row(s, 'hung')['state']),
              (50, 'telling'))
        # Some of them count as told before: their places are taken.
        dropped = s.d.metric('clearspan_notify_total', target='hung',
                             result='dropped')
        check(9000 < dropped <= 9950, dropped)
        # A quarantine has a place nevertheless.
        s.d.ctl('quarantine', 'add', OTHER, 'all', '1h')
        equal(row(s, 'hung')['queued'], 51)
        wait(lambda: row(s, 'well')['queued'] == 0, 'all told', 60)
        r = row(s, 'well')
        equal(len(well.got), r['sent'])
        equal(r['sent'] + r['dropped'], dropped + 51)
    finally:
        hung.delay.set()


@scenario
def notify_merges_extensions(s):
    """Many verdicts about one endpoint: one quarantine, told of once."""
    hook = told.Webhook(s, 8000)
    listen(s, [HOLD], notify={'state': s.path('queue'), 'webhook': [
        {'url': HOOK, 'events': QUARANTINE}]})
    ids = Sensor(s, 'ids')
    for i in range(50):
        ids.say(about('10.1.0.50', signature='S%d' % i))
    verdicts(s, 50)
    n = s.d.ctl('quarantine')['quarantine'][0]['id']
    s.d.ctl('quarantine', 'add', '10.1.0.50', 'all', '3h')
    s.d.ctl('quarantine', 'release', str(n))
    equal([g['quarantine']['action'] for g in hook.bodies(3)],
          ['set', 'extended', 'released'])


@scenario
def notify_survives_a_restart(s):
    """What was not told yet, and what has ended while nobody ran."""
    hook = told.Webhook(s, 8000)
    hook.down()
    conf = {'webhook': [{'url': HOOK, 'events': QUARANTINE}]}
    begin(s, conf)
    n = contain(s, net.CLIENT)
    m = contain(s, OTHER, 'all', '1s')
    s.d.ctl('quarantine', 'release', str(n))
    # Killed: what is on the disk by then is kept.
    wait(lambda: len(whole_lines(s.path('queue'))) >= 3, 'a file')
    os.kill(s.d.pid, signal.SIGKILL)
    s.d.p.wait()
    s.daemons.remove(s.d)
    equal(os.stat(s.path('queue')).st_mode & 0o777, 0o600)
    told_ = [json.loads(x)['about']['action'] for x in
             whole_lines(s.path('queue'))]
    gone = 'expired' in told_
    hook.up()
    time.sleep(0 if gone else 1.1)      # its end comes with nobody there
    s.start(how=None, record=False, mirrors=[], quarantines=t_contained.ALL,
            rules=[{'name': 'default', 'action': 'decrypt'}],
            notify=dict(conf, state=s.path('queue')),
            endpoints={**files(s)})
    got = [(g['quarantine']['id'], g['quarantine']['action'])
           for g in hook.bodies(4)]
    equal(sorted(got), [(n, 'released'), (n, 'set'), (m, 'expired'),
                        (m, 'set')])
    wait(lambda: os.path.getsize(s.path('queue')) == 0, 'an empty file')
    # In order: what waits is written, and is the next run's.
    hook.down()
    k = contain(s, net.CLIENT)
    s.d.p.terminate()
    s.d.p.wait()
    s.daemons.remove(s.d)
    hook.up()
    s.start(how=None, record=False, mirrors=[], quarantines=t_contained.ALL,
            rules=[{'name': 'default', 'action': 'decrypt'}],
            notify=dict(conf, state=s.path('queue')),
            endpoints={**files(s)})
    equal(hook.bodies(5)[4]['quarantine']['id'], k)


@scenario
def notify_targets_change_by_reload(s):
    """One stays, with what waits; one gets other settings, and its queue; one
    goes; one comes. With an error, nothing changes."""
    hook = told.Webhook(s, 8000)
    state = {'state': s.path('queue')}
    over = dict(quarantines=t_contained.ALL, mirrors=[], endpoints=files(s),
                rules=[{'name': 'default', 'action': 'decrypt'}])
    begin(s, {'webhook': [
        {'name': 'stays', 'url': HOOK},
        {'name': 'moves', 'url': 'http://10.2.0.2:8009/moves'},
        {'name': 'goes', 'url': 'http://10.2.0.2:8009/goes'}]})
    n = contain(s, net.CLIENT)
    hook.bodies(1)
    bad = {'name': 'bad', 'url': 'https://10.2.0.2/', 'trust':
           s.pki.pair('good')[1]}
    s.reload('failed', notify=dict(state, webhook=[bad]), **over)
    equal(len(s.d.ctl('notify')['notify']), 3)
    s.reload(notify=dict(state, webhook=[
        {'name': 'stays', 'url': HOOK},
        {'name': 'moves', 'url': 'http://10.2.0.2:8000/moves'},
        {'name': 'new', 'url': 'http://10.2.0.2:8000/new'}]), **over)
    hook.bodies(2)
    s.d.ctl('quarantine', 'release', str(n))
    hook.bodies(5)
    equal(sorted(g[1] for g in hook.got),
          ['/hook', '/hook', '/moves', '/moves', '/new'])
    equal([x for x in outcomes(s, n, 5) if x[0] == 'goes'],
          [('goes', 'set', 'retried'), ('goes', 'set', 'dropped')])
    equal(row(s, 'stays')['sent'], 2)
    s.reload('failed', notify={'state': s.path('other'), 'webhook': HOOK},
             **over)
    s.reload(**over)
    equal(s.d.ctl('notify')['notify'], [])


@scenario
def notify_only_who_wants_to_know(s):
    """By events and by profiles; and a test."""
    hooks = [told.Webhook(s, 8000 + i) for i in range(4)]
    with open(s.path('infra'), 'w') as f:
        f.write('10.1.0.4\n')
    listen(s, [{'when': {'signature': 'A*'}, 'do': 'notify'},
               {'when': {'signature': 'B*'}, 'dry-run': True, **HOLD}, HOLD],
           quarantines=[{'name': 'all'}, {'name': 'some', 'servers':
                                          ['10.2.0.2']}],
           endpoints={**files(s), 'inside': ['10.1.0.0/24'],
                      'never': ['10.1.0.4']},
           notify={'state': s.path('queue'), 'webhook': [
               {'name': 'h0', 'url': 'http://10.2.0.2:8000/'},
               {'name': 'h1', 'url': 'http://10.2.0.2:8001/', 'events':
                ['notified', 'released']},
               {'name': 'h2', 'url': 'http://10.2.0.2:8002/', 'profiles':
                ['some'], 'events': ['set', 'extended']},
               {'name': 'h3', 'url': 'http://10.2.0.2:8003/', 'events':
                ['verdict', 'refused'], 'body': '{"e": "%{event}", "s": '
                '"%{signature}", "v": %{severity}, "w": "%{endpoint}"}'}]})
    ids = Sensor(s, 'ids')
    for who, signature in (('10.1.0.50', 'A1'), ('10.1.0.51', 'B1'),
                           ('10.1.0.52', 'C1'), ('10.1.0.4', 'C2')):
        ids.say(about(who, signature=signature))
    verdicts(s, 4)
    n = s.d.ctl('quarantine')['quarantine'][0]['id']
    s.d.ctl('quarantine', 'release', str(n))
    contain(s, '10.1.0.60', 'some')

    def kinds(h, n):
        return [g.get('quarantine', g.get('verdict', {})) for g in
                hooks[h].bodies(n)]
    equal([k.get('action', k.get('result')) for k in kinds(0, 6)],
          ['notified', 'dry-run', 'set', 'refused', 'released', 'set'])
    equal([k.get('action', k.get('result')) for k in kinds(1, 2)],
          ['notified', 'released'])
    equal([k['endpoint'] for k in kinds(2, 1)], ['10.1.0.60'])
    equal(sorted((g['e'], g['s'], g['v'], g['w']) for g in
                 hooks[3].bodies(3)),
          [('refused', '', 0, '10.1.0.4'), ('verdict', 'C1', 9, '10.1.0.52'),
           ('verdict', 'C2', 9, '10.1.0.4')])
    equal(s.d.ctl('notify', 'test', 'h2')['tested'], 1)
    equal(hooks[2].bodies(2)[1]['notify'], {'test': True})
    r = s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
        'socket'], 'notify', 'test', 'nobody')
    check(r.code == 1 and 'no such target' in r.errors, r.errors)


@scenario
def notify_by_syslog_to_rsyslog(s):
    """UDP, TCP and TLS, as a real server reads them; JSON and CEF."""
    told.rsyslog(s)
    listen(s, [HOLD], notify={'state': s.path('queue'), 'syslog': [
        'udp://10.2.0.2:514',
        {'name': 'tcp', 'url': 'tcp://good.test', 'facility': 'local3'},
        {'name': 'tls', 'url': 'tls://good.test', 'trust': s.pki.root,
         'format': 'cef'}]})
    Sensor(s, 'ids').say(about('10.1.0.50', signature='a|b=c\\d "e" \u75c5'))
    verdicts(s, 1)
    n = s.d.ctl('quarantine')['quarantine'][0]['id']
    s.d.ctl('quarantine', 'release', str(n))
    lines = wait(lambda: len(whole_lines(s.path('syslog.parts'))) >= 9 and
                 whole_lines(s.path('syslog.parts')), '9 lines')
    heads, cee, cef = [], [], []
    for line in lines:
        head, text = line.split('|', 1)
        pri, version, app, pid, msgid, host, when = head.split()
        heads.append((pri, version, app, pid, msgid))
        check(re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|.*\+00:00',
                           when), when)
        text = text.lstrip(' ')
        if text.startswith('CEF'):
            cef.append(text)
        else:
            check(text.startswith('@cee: '), text)
            cee.append(json.loads(text[6:]))
    pid = str(s.d.pid)
    equal(sorted(set(heads)), sorted(
        {(str(f * 8 + v), '1', 'clearspan', pid, t) for f in (3, 19)
         for v, t in ((4, 'quarantine'), (5, 'quarantine'),
                      (5, 'verdict'))}))
    events = [e.get('quarantine', e.get('verdict')) for e in cee]
    equal(sorted(e.get('action', e.get('result')) for e in events),
          ['done', 'done', 'released', 'released', 'set', 'set'])
    verdict = [e for e in events if 'result' in e][0]
    equal(verdict['signature'], 'a|b=c\\d "e" \u75c5')
    check('\\u75c5' in verdict['line'] or '\u75c5' in verdict['line'],
          verdict)
    equal(len(cef), 3)
    check(any(re.match(r'CEF:0\|Clearspan\|Clearspan\|[^|]+\|set\|Endpoint '
                       r'quarantined\|8\|rt=\d+ src=10\.1\.0\.50 externalId='
                       + str(n), x) and 'reason=a|b\\=c\\\\d "e" \u75c5' in x
              for x in cef), cef)
    for name in 'syslog', 'tcp', 'tls':
        wait(lambda: row(s, name)['sent'] == 3, name)
    # Each frame is one line: nothing of another's is in it.
    equal(len(whole_lines(s.path('syslog.raw'))), 9)


@scenario
def notify_by_syslog_over_connections_that_break(s):
    """What the server has not acknowledged is sent again; its order stays."""
    p = told.rsyslog(s)
    listen(s, [{'do': 'notify'}], notify={
        'state': s.path('queue'), 'syslog': [
            {'name': 'tls', 'url': 'tls://good.test', 'trust': s.pki.root},
            {'name': 'tcp', 'url': 'tcp://10.2.0.2', 'format': 'json'},
            {'name': 'bad', 'url': 'tls://10.2.0.3:6514', 'retries': 0,
             'trust': s.pki.root}]})
    ids = Sensor(s, 'ids')

    def say(first, last):
        for i in range(first, last):
            ids.say(about('10.1.0.50', signature='S%d' % i))

    def got(mark):
        return [re.search(r'"signature":"S(\d+)"', x).group(1)
                for x in whole_lines(s.path('syslog.parts'))
                if ('@cee' in x) == mark]
    say(0, 200)
    for name in 'tls', 'tcp':
        wait(lambda: row(s, name)['sent'] == 200, name)
    p.end()
    say(200, 300)
    wait(lambda: row(s, 'tls')['retried'] > 0 and
         row(s, 'tcp')['retried'] > 0, 'tries')
    told.rsyslog(s)
    for name in 'tls', 'tcp':
        wait(lambda: row(s, name)['queued'] == 0, name)
    for mark in True, False:
        wait(lambda: len(set(got(mark))) == 300, 'all')
        once = list(dict.fromkeys(got(mark)))
        equal(once, [str(i) for i in range(300)])
    check(row(s, 'bad')['given-up'] > 0, row(s, 'bad'))


@scenario
def notify_cuts_the_port_by_radius(s):
    """A real server takes it; tshark reads it as RFC 5176 has it."""
    server = told.freeradius(s, refuse='^02-00-00-00-00-99')
    rec = capture.Recorder(s, s.server, 's0', 'radius', ('udp',))
    begin(s, {'radius': [{
        'server': '10.2.0.2', 'secret': secret(s), 'nas-address': '10.9.9.9',
        'nas-identifier': 'switch-1', 'undo': 'coa', 'identify': 'both',
        'events': ['set', 'released', 'step-up-set', 'step-up-released'],
        'attributes': {'Acct-Session-Id': 'case-%{id}', '26.9.1': 'x=y',
                       'Session-Timeout': '60'},
        'undo-attributes': {'Cisco-AVPair': [
            'subscriber:command=reauthenticate', 'a=%{mac}'],
            '11': '0x010203'}}]})
    equal(t_contained.status(t_contained.get(s, 'http://good.test/')), '200')
    n = contain(s, net.CLIENT)
    equal(outcomes(s, n, 1), [('radius', 'set', 'sent')])
    s.d.ctl('quarantine', 'release', str(n))
    equal(outcomes(s, n, 2)[1], ('radius', 'released', 'sent'))
    equal([x['answer'] for x in case(s, n)], ['Disconnect-ACK', 'CoA-ACK'])
    m = contain(s, '02:00:00:00:00:99')
    equal(outcomes(s, m, 1), [('radius', 'set', 'refused')])
    equal(case(s, m)[0]['answer'], 'Disconnect-NAK, Error-Cause 503 '
          'Session-Context-Not-Found')
    up = s.d.ctl('step-up', 'add', net.CLIENT, '1h')['step-up']
    equal(outcomes(s, up, 1), [('radius', 'step-up-set', 'sent')])
    s.d.ctl('step-up', 'release', str(up))
    equal(outcomes(s, up, 2)[1], ('radius', 'step-up-released', 'sent'))
    mac = mac_of(s).upper().replace(':', '-')
    text = server.text()
    for word in ('Received Disconnect-Request', 'Received CoA-Request',
                 'Calling-Station-Id = "%s"' % mac,
                 'NAS-IP-Address = 10.9.9.9',
                 'NAS-Identifier = "switch-1"',
                 'Framed-IP-Address = 10.1.0.2',
                 'Acct-Session-Id = "case-%d"' % n,
                 'Acct-Session-Id = "case-%d"' % up,
                 'Session-Timeout = 60', 'Cisco-AVPair = "x=y"',
                 'Cisco-AVPair = "subscriber:command=reauthenticate"',
                 'Cisco-AVPair = "a=%s"' % mac, 'Event-Timestamp = '):
        check(word in text, word, text[-3000:])
    wait(lambda: len(list(capture.frames(open(rec.path, 'rb').read()))) >= 10,
         'all packets')
    out = capture.tshark(
        '-r', rec.path, '-d', 'udp.port==3799,radius', '-o',
        'radius.shared_secret:a secret of ours', '-o',
        'radius.validate_authenticator:TRUE', '-T', 'fields', '-e',
        'radius.code', '-e', 'radius.Calling_Station_Id', '-e',
        'radius.authenticator.invalid', '-e',
        'radius.Message_Authenticator', '-e', '_ws.malformed', '-Y',
        'radius')
    rows = [x.split('\t') for x in out.splitlines()]
    both = ['40', '41', '43', '44']
    equal([x[0] for x in rows], both + ['40', '42'] + both)
    check(not any(x[2] not in ('', '0', 'False') or x[4] for x in rows), rows)
    for i in 0, 6:
        check(rows[i][1] == mac and rows[i][3], rows)


@scenario
def notify_by_radius_is_sent_again_as_it_is(s):
    """Silence, forgeries and a NAK that passes; then an ACK."""
    import socket
    with s.server:
        nas = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    nas.bind((net.SERVER, 3799))
    nas.settimeout(20)
    begin(s, {'radius': [{'server': '10.2.0.2', 'secret': secret(s),
                          'timeout': '4s', 'retries': 2},
                         {'name': 'far', 'server': '10.2.0.9:99', 'secret':
                          secret(s), 'timeout': '1s', 'retries': 0}]})
    n = contain(s, '02:00:00:00:00:42')
    first, peer = nas.recvfrom(4096)
    equal(first[0], 40)
    equal(nas.recv(4096), first)            # the same, a second later
    nas.sendto(reply(first, 41, secret=b'another'), peer)
    nas.sendto(reply(first, 41)[:19], peer)
    equal(nas.recv(4096), first)
    nas.sendto(reply(first, 42, b'\x65\x06' + (506).to_bytes(4, 'big')),
               peer)
    second, peer = nas.recvfrom(4096)       # a new request
    check(second[1] != first[1] and second != first, 'the identifier')
    nas.sendto(reply(second, 41, sign=True), peer)
    equal([x for x in outcomes(s, n, 3) if x[0] == 'radius'],
          [('radius', 'set', 'retried'), ('radius', 'set', 'sent')])
    wait(lambda: row(s, 'far')['given-up'] == 1, 'far')
    m = contain(s, 'fd01::77')
    equal([x for x in outcomes(s, m, 2) if x[0] == 'radius'],
          [('radius', 'set', 'skipped')])


def reply(request, code, attributes=b'', secret=b'a secret of ours',
          sign=False):
    """What a NAS answers (RFC 2865, 3), perhaps with a
    Message-Authenticator."""
    import hashlib
    import hmac
    if sign:
        attributes += b'\x50\x12' + bytes(16)
    head = bytes([code, request[1]]) + (20 + len(attributes)).to_bytes(
        2, 'big')
    if sign:
        attributes = attributes[:-16] + hmac.new(
            secret, head + request[4:20] + attributes, 'md5').digest()
    return head + hashlib.md5(head + request[4:20] + attributes +
                              secret).digest() + attributes


@scenario
def notify_is_checked(s):
    """What is wrong with it, and where."""
    def said(notify, *words, quarantines=True):
        conf = s.conf(notify=notify, quarantines=t_contained.ALL)
        path = s.path('wrong.yaml')
        from harness.case import yaml
        with open(path, 'w') as f:
            f.write(yaml(conf))
        r = s.run(s.gateway, s.binary, 'check', '-c', path)
        for word in words:
            check(word in r.errors + r.text, word, r.errors + r.text)
        return r.code
    hook = {'url': 'https://h.test/'}
    for notify, word in (
            ({'syslog': 'ftp://x'}, 'udp://HOST:514'),
            ({'syslog': 'udp://x:0'}, 'no valid host and port'),
            ({'webhook': 'h.test/x'}, 'https://HOST/PATH'),
            ({'webhook': 'https://h.test/%{nobody}'}, '%{nobody}'),
            ({'webhook': [hook, hook, dict(hook, name='webhook')]},
             'already'),
            ({'webhook': [dict(hook, events=['sets'])]}, 'set'),
            ({'webhook': [dict(hook, profiles=['none'])]}, 'no quarantine'),
            ({'webhook': [dict(hook, headers={'Host': 'x'})]},
             'written by clearspan'),
            ({'webhook': [dict(hook, **{'undo-body': 'x'})]}, 'undo'),
            ({'webhook': [dict(hook, token=s.path('nothing'))]},
             'cannot read'),
            ({'webhook': [dict(hook, trust=s.path('wrong.yaml'))]},
             'no certificates'),
            ({'webhook': [dict(hook, mac='aa:bb')]}, 'AA-BB-CC-DD-EE-FF'),
            ({'radius': [{'server': 'x'}]}, 'secret'),
            ({'radius': [{'server': 'x', 'secret': secret(s),
                          'request': 'none'}]}, 'asks for nothing'),
            ({'radius': [{'server': 'x', 'secret': secret(s), 'attributes': {
                'No-Such': '1'}}]}, '26.VENDOR.TYPE'),
            ({'radius': [{'server': 'x', 'secret': secret(s), 'attributes': {
                'Session-Timeout': 'x'}}]}, 'a number'),
            ({'radius': [{'server': 'x', 'secret': secret(s), 'attributes': {
                'Calling-Station-Id': 'x'}}]}, 'written by clearspan')):
        equal(said(notify, word, 'wrong.yaml:'), 2, notify)
    os.chmod(secret(s), 0o644)
    notify = {'radius': [{'server': 'x', 'secret': s.path('secret')}],
              'webhook': [{'url': 'http://h.test/', 'token':
                           s.path('secret')}]}
    equal(said(notify, 'others may read', 'chmod 600', 'in the clear'), 0)
    r = s.run(s.gateway, s.binary, 'doctor', '-c', s.path('wrong.yaml'))
    check('others may read the secret' in r.text, r.text)


MEASURES = ['denial-set', 'denial-extended', 'denial-released',
            'denial-expired', 'step-up-set', 'step-up-released',
            'step-up-expired', 'proposed', 'approved', 'rejected', 'lapsed']


@scenario
def notify_tells_of_denials_step_ups_and_proposals(s):
    """And of their ends, by undo; what became of it is in their cases. Who asks
    for nothing of it is told of quarantines as ever."""
    hook, old = told.Webhook(s, 8000), told.Webhook(s, 8001)
    listen(s, [dict(HOLD, approval=True)], quarantines=[{'name': 'all'}],
           endpoints={**files(s), 'inside': ['10.1.0.0/24']},
           notify={'state': s.path('queue'), 'webhook': [
               {'name': 'h', 'url': 'http://10.2.0.2:8000/do/%{event}',
                'undo': 'http://10.2.0.2:8000/undo/%{event}',
                'events': MEASURES, 'body': '["%{type}", %{id}, "%{server}",'
                ' "%{endpoint}", "%{mirror}", "%{do}", "%{actor}", "%{text}"]',
                'undo-body': '["%{type}", %{id}, "%{server}", "%{endpoint}"]'},
               {'name': 'old', 'url': 'http://10.2.0.2:8001/',
                'undo': 'http://10.2.0.2:8001/undo'}]})
    n = s.d.ctl('deny', 'add', '203.0.113.9', '1h', 'C', 'and', 'C')['denial']
    s.d.ctl('deny', 'add', '203.0.113.9', '1h')
    s.d.ctl('deny', 'add', '203.0.113.9', '3h')
    s.d.ctl('deny', 'release', str(n))
    up = s.d.ctl('step-up', 'add', OTHER, '2s')['step-up']
    wait(lambda: s.d.ctl('step-up')['step-up'] == [], 'its end')
    ids = Sensor(s, 'ids')
    ids.say(about(net.CLIENT)).say(about(OTHER))
    p, q = [v['proposal'] for v in verdicts(s, 2)]
    s.d.ctl('approve', str(p))
    s.d.ctl('reject', str(q))
    hook.bodies(9)
    got = [(g[1], json.loads(g[3])) for g in hook.got]
    equal([(path, b[0], b[1]) for path, b in got], [
        ('/do/denial-set', 'denial', n), ('/do/denial-extended', 'denial', n),
        ('/undo/denial-released', 'denial', n),
        ('/do/step-up-set', 'step-up', up),
        ('/undo/step-up-expired', 'step-up', up),
        ('/do/proposed', 'proposal', p), ('/do/proposed', 'proposal', q),
        ('/do/approved', 'proposal', p), ('/undo/rejected', 'proposal', q)])
    equal(got[0][1][2:7], ['203.0.113.9', '', '', '', 'ctl'])
    check('203.0.113.9 is denied to everybody until' in got[0][1][7] and
          'C and C [%d]' % n in got[0][1][7], got[0])
    equal(got[2][1][2:], ['203.0.113.9', ''])
    equal(got[3][1][3:6], [OTHER, '*', ''])
    equal(got[5][1][3:6], [net.CLIENT, '', 'quarantine'])
    check('waits to be approved' in got[5][1][7], got[5])
    equal(outcomes(s, n, 3), [('h', 'denial-set', 'sent'),
                              ('h', 'denial-extended', 'sent'),
                              ('h', 'denial-released', 'sent')])
    equal([x[1] for x in outcomes(s, up, 2)],
          ['step-up-set', 'step-up-expired'])
    equal(sorted(outcomes(s, p, 3)), [('h', 'approved', 'sent'),
                                      ('h', 'proposed', 'sent'),
                                      ('old', 'set', 'sent')])
    old.bodies(1)
    equal([g[1] for g in old.got], ['/'])


@scenario
def notify_of_denials_by_syslog_and_not_by_radius(s):
    """CEF and JSON; a queue outlives the daemon; a switch has no servers."""
    told.rsyslog(s)
    hook = told.Webhook(s, 8000)
    hook.down()
    over = dict(quarantines=[{'name': 'all'}], mirrors=[], rules=[
        {'name': 'default', 'action': 'decrypt'}], endpoints={
            **files(s), 'inside': ['10.1.0.0/24']}, notify={
        'state': s.path('queue'), 'syslog': [
            'udp://10.2.0.2:514', {'name': 'cef', 'url': 'tcp://good.test',
                                   'format': 'cef'}],
        'webhook': [{'name': 'late', 'url': 'http://10.2.0.2:8000/'}],
        'radius': [{'server': '10.2.0.2', 'secret': secret(s), 'events':
                    ['step-up-set', 'step-up-released']}]})
    t_contained.begin(s, **over)
    n = s.d.ctl('deny', 'add', 'evil.example', '1h', 'C|C')['denial']
    s.d.ctl('deny', 'release', str(n))
    lines = wait(lambda: len(whole_lines(s.path('syslog.parts'))) >= 4 and
                 whole_lines(s.path('syslog.parts')), '4 lines')
    events = [json.loads(x.split('@cee: ', 1)[1]) for x in lines
              if '@cee: ' in x]
    equal([(e['event_type'], e['denial']['action'], e['denial']['server'],
            e['denial']['actor']) for e in events],
          [('denial', a, 'evil.example', 'ctl') for a in ('set', 'released')])
    cef = [x for x in lines if 'CEF:0' in x]
    check('|denial-set|Server denied|' in cef[0] and
          'dhost=evil.example' in cef[0] and ' denial ' in cef[0], cef)
    check('|denial-released|' in cef[1], cef)
    wait(lambda: row(s, 'late')['queued'] == 2, 'two that wait')
    s.d.end()
    s.daemons.remove(s.d)
    hook.up()
    s.start(how=None, record=False, **over)
    equal([b['denial']['action'] for b in hook.bodies(2)],
          ['set', 'released'])
    s.reload('failed', **dict(over, notify={'state': s.path('queue'),
             'radius': [{'server': '10.2.0.2', 'secret': secret(s),
                         'events': ['denial-set']}]}))
