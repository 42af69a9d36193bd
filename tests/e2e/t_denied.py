"""Servers that are denied to everybody, endpoints under step-up, and what has
to be approved first: by what sensors report, and by an operator."""
import os

from harness import check, equal, net, peer, scenario, wait
from harness.peer import RST, reset_wait
from t_contained import OTHER, SAID, Udp, begin, files, get, status
from t_sensors import LEEF, Sensor, about, verdicts
import t_dns
import t_sensors

FAR = '10.2.0.3'
INSIDE = {'inside': ['10.1.0.0/24', 'fd01::/64']}
DENY = {'do': 'deny-server', 'for': '1h'}
# Its profiles let nobody reach anything, which would never be denied.
ONLY = [{'name': 'all'}]


def listen(s, responses, **over):
    t_sensors.listen(s, responses, **dict({'quarantines': ONLY}, **over))


def page(s, url, source=net.CLIENT):
    """A page of ours. A client that was slow to say anything is reset."""
    r = wait(lambda: [r for r in [get(s, url, source)]
                      if status(r) != '000'], url)[0]
    equal(status(r), '403', r.errors)
    return r


def events(s, kind, n):
    """The first n events of a kind."""
    return wait(lambda: len(s.d.events(kind)) >= n and
                [e[kind] for e in s.d.events(kind)], '%d of %s' % (n, kind))


def denied(s):
    return sorted(d['server'] for d in s.d.ctl('deny')['denied'])


def refused(s, *words):
    r = s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
        'socket'], *words)
    check(r.code == 1, words, r.out)
    return r.errors


def explained(s, *facts):
    return [x['explained'] for x in s.d.ctl('explain', *facts)['lines']]


@scenario
def denied_server_is_denied_to_everybody(s):
    """By the address that the sensor saw: open sessions, new ones, pages, what
    is forwarded; other servers go on; then it can be reached again."""
    listen(s, [DENY], endpoints={**files(s), **INSIDE})
    s.serve(444)
    s.serve(443, handler=peer.http(b'far'), address=FAR, alpn=['http/1.1'])
    mine = s.tls(444)
    theirs = s.tls(444, sock=s.connect(444, source=(OTHER, 0)))
    for p in mine, theirs:
        p.send(b'\1x')
        equal(p.recv_exact(2), b'\1x')
    udp, far = Udp(s, 5000, OTHER), Udp(s, 5001, OTHER, FAR)
    check(udp.ask(b'x') and far.ask(b'x'), 'UDP before')
    line = about(net.CLIENT)
    line['dest_ip'] = net.SERVER
    Sensor(s, 'ids').say(line)
    v = verdicts(s, 1)[0]
    equal([v['result'], v['denials']], ['done', [v['denial']]])
    for p in mine, theirs:
        equal(reset_wait(p.sock), RST)
    check(not udp.ask(b'x', 0.5), 'UDP to it')
    udp.echo.sendto(b'unasked', udp.peer)
    check(not udp.ask(b'y', 0.5), 'UDP from it')
    check(far.ask(b'x'), 'UDP to another')
    for source in net.CLIENT, OTHER:
        for url in 'https://www.good.test/', 'http://www.good.test/':
            r = page(s, url, source)
            check('denial %d' % v['denial'] in r.text and
                  'Cobalt Strike' in r.text, r.text)
    r = get(s, 'https://good.test/', OTHER, '-k', '--connect-to',
            'good.test:443:%s:443' % FAR)
    equal(r.text.split('\n')[0], 'far')
    lines = explained(s, 'server=' + net.SERVER, 'port=443')
    equal(lines[-1], 'verdict: block rule: denied server')
    check('yes (%s)' % net.SERVER in lines[0], lines)
    case = s.d.ctl('case', str(v['denial']))
    wait(lambda: len([x for x in s.d.ctl('case', str(v['denial']))['case']
                      if x['what'] == 'sessions ended']) >= 1, 'the case')
    equal(case['chain'], 'whole')
    s.d.ctl('deny', 'release', str(v['denial']))
    equal(denied(s), [])
    check(udp.ask(b'x'), 'UDP afterwards')
    equal(status(get(s, 'https://www.good.test/')), '200')
    equal([e['action'] for e in events(s, 'denial', 2)], ['set', 'released'])
    cut = wait(lambda: [f for f in s.d.events() if f['flow']['reason']
                        .startswith('server denied: ET MALWARE')], 'flows')
    equal(sorted(f['src_ip'] for f in cut), sorted([net.CLIENT, OTHER]))


@scenario
def denied_name_is_refused_wherever_it_stands(s):
    """The name that a product reports: in the hello, in a request on an open
    connection, over a bypass; other names of that address go on."""
    listen(s, [dict(DENY, server='name')], endpoints={**files(s), **INSIDE},
           rules=[{'name': 'saved', 'sni': 'v4.good.test',
                   'action': 'bypass'},
                  {'name': 'default', 'action': 'decrypt'}])
    open_ = s.connect(80)
    peer_ = open_

    def ask(host):
        peer_.sendall(b'GET / HTTP/1.1\r\nHost: %s\r\n\r\n' % host.encode())
        return peer_.recv(65536)
    check(SAID in ask('www.good.test'), 'before')
    equal(status(get(s, 'https://v4.good.test/', net.CLIENT, '-k')), '200')
    line = about(net.CLIENT)
    line.update({'dest_ip': net.SERVER, 'tls': {'sni': 'v4.good.test'}})
    Sensor(s, 'ids').say(line)
    equal(verdicts(s, 1)[0]['result'], 'done')
    equal(denied(s), ['=v4.good.test'])
    for url in 'https://v4.good.test/', 'http://v4.good.test/':
        page(s, url, OTHER)
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    got = ask('v4.good.test')
    check(got.startswith(b'HTTP/1.1 403') and SAID not in got, got)
    # HTTP/2, by :authority on a connection for another name.
    r = get(s, 'https://www.good.test/', OTHER, '--http2', '-H',
            'Host: v4.good.test')
    check(status(r) in ('403', '421'), r.text)
    equal(explained(s, 'https://v4.good.test/')[-1],
          'verdict: block rule: denied server')
    equal(explained(s, 'https://www.good.test/')[-1],
          'verdict: decrypt rule: default')


@scenario
def denied_by_what_ddi_says(s):
    """cccaDestination and the peer's address, from a line of LEEF."""
    listen(s, [DENY], endpoints={**files(s), **INSIDE})
    Sensor(s, 'ddi').say(LEEF % ((net.CLIENT,) * 2))
    equal(len(verdicts(s, 1)[0]['denials']), 2)
    equal(denied(s), ['203.0.113.9', '=evil.example'])
    equal(explained(s, 'https://evil.example/')[-1],
          'verdict: block rule: denied server')


@scenario
def denied_are_never_those_that_must_not_be(s):
    with open(s.path('good'), 'w') as f:
        f.write('good.test\n10.2.0.9\n')
    listen(s, [DENY], lists={'good': s.path('good')}, endpoints={
        **files(s), **INSIDE, 'never-denied': ['@good']})
    ids = Sensor(s, 'ids')
    line = about(net.CLIENT)
    line.update({'dest_ip': '10.1.0.77'})
    ids.say(line)
    # It is ambiguous who the endpoint is: so nobody is the server, either.
    equal(verdicts(s, 1)[0]['result'], 'nobody')
    line.update({'dest_ip': '10.2.0.9', 'tls': {'sni': 'www.good.test'}})
    ids.say(line)
    v = verdicts(s, 2)[1]
    equal(v['result'], 'refused')
    check('never denied' in v['error'], v)
    line.update({'dest_ip': '8.8.8.8', 'dest_port': 53, 'app_proto': 'dns',
                 'tls': {}, 'dns': {'query': [{'rrname': 'c2.example'}]}})
    ids.say(line)
    equal(verdicts(s, 3)[2]['result'], 'done')
    equal(denied(s), ['=c2.example'])
    for who, why in (('10.1.0.5', 'inside'), ('127.0.0.1', 'inside'),
                     ('good.test', 'never denied'), ('com', 'write the '),
                     ('10.2.0.9', 'never denied')):
        check(why in refused(s, 'deny', 'add', who, '1h'), who)
    for words, why in ((('deny', 'add', 'x.example', '1'), 'write the time'),
                       (('deny', 'add', 'x.example'), 'deny add takes'),
                       (('deny', 'release', '99'), 'no denial'),
                       (('deny', 'x'), 'deny takes')):
        check(why in refused(s, *words), words)


@scenario
def denied_by_sensors_that_go_wild_break_the_breaker(s):
    listen(s, [DENY], endpoints={**files(s), **INSIDE},
           breaker={'quarantines': 5, 'per': '1h'})
    ids = Sensor(s, 'ids')
    for i in range(2000):
        line = about(net.CLIENT, signature='S%d' % i)
        line['dest_ip'] = '198.51.100.%d' % (i % 200 + 1)
        ids.say(line)
    s.d.metric_is(2000, 'clearspan_sensor_reports_total')
    equal(len(denied(s)), 5)
    equal(s.d.metric('clearspan_verdicts_total', result='done') +
          s.d.metric('clearspan_verdicts_total', result='breaker'), 2000)
    equal(status(get(s, 'https://www.good.test/')), '200')


@scenario
def denied_outlives_the_daemon_and_ends(s):
    begin(s, quarantines=ONLY, endpoints={**files(s), **INSIDE})
    udp = Udp(s, 5000)
    n = s.d.ctl('deny', 'add', net.SERVER, '1h', 'C', 'and', 'C')['denial']
    s.d.ctl('deny', 'add', 'evil.example', '1h')
    up = s.d.ctl('step-up', 'add', net.CLIENT, '1h')['step-up']
    s.quiet()
    os.kill(s.d.pid, 9)
    s.d.p.wait()
    s.daemons.remove(s.d)
    check(not udp.ask(b'x', 0.5), 'UDP while the daemon is gone')
    s.start(how=None, record=False, mirrors=[], quarantines=ONLY,
            rules=[{'name': 'default', 'action': 'decrypt'}],
            endpoints={**files(s), **INSIDE})
    equal(denied(s), [net.SERVER, 'evil.example'])
    equal([x['id'] for x in s.d.ctl('step-up')['step-up']], [up])
    check(not udp.ask(b'x', 0.5), 'UDP after the start')
    r = page(s, 'http://www.good.test/')
    check('C and C' in r.text, r.text)
    s.d.ctl('deny', 'release', str(n))
    check(udp.ask(b'x'), 'UDP')
    s.d.ctl('deny', 'add', net.SERVER, '2s')
    equal([e['action'] for e in events(s, 'denial', 5)][2:],
          ['released', 'set', 'expired'])
    equal(status(get(s, 'https://www.good.test/')), '200')
    check(udp.ask(b'y'), 'UDP at the end')


UP = {'do': 'step-up', 'for': '1h', 'mirror': ['rec']}
RULES = [{'name': 'privacy', 'sni': '=www.good.test', 'action': 'bypass',
          'never-decrypt': True},
         {'name': 'saved', 'sni': 'v4.good.test', 'action': 'bypass'},
         {'name': 'bad', 'sni': 'bad.good.test', 'action': 'block'},
         {'name': 'default', 'action': 'decrypt', 'mirror': []}]


def flows_of(s, n):
    """What became of the first n sessions for the name that is saved."""
    return wait(lambda: len(s.d.events()) >= n and [
        f['clearspan']['action'] for f in s.d.events()
        if f.get('tls', {}).get('sni') == 'v4.good.test' and
        f['src_ip'] == net.CLIENT], '%d flows' % n)


def step_up(s, **response):
    listen(s, [dict(UP, **response)], rules=RULES, mirrors=[
        {'name': 'rec', 'pcap': s.path('rec.pcapng')}],
        endpoints={**files(s), **INSIDE})


@scenario
def step_up_decrypts_and_mirrors_one_endpoint(s):
    """What a rule bypasses, but for never-decrypt; what is blocked stays so;
    and others notice nothing."""
    step_up(s)
    equal(status(get(s, 'https://v4.good.test/', net.CLIENT, '-k')), '200')
    equal(flows_of(s, 1), ['bypass'])
    Sensor(s, 'ids').say(about(net.CLIENT))
    equal(verdicts(s, 1)[0]['result'], 'done')
    up = s.d.ctl('step-up')['step-up'][0]
    equal([up['endpoint'], up['mirror'], up['by']],
          [net.CLIENT, ['rec'], 'ids'])
    before = len(s.d.events())
    for name in 'v4.good.test', 'www.good.test', 'good.test':
        for source in net.CLIENT, OTHER:
            equal(status(get(s, 'https://%s/' % name, source, '-k')), '200')
    flows = wait(lambda: len(s.d.events()) >= before + 6 and
                 s.d.events()[before:], 'flows')
    got = {(f['tls']['sni'], f['src_ip']): (
        f['clearspan']['action'], f['clearspan']['rule'],
        [m['name'] for m in f['clearspan'].get('mirrors', [])])
        for f in flows}
    equal(got, {
        ('v4.good.test', net.CLIENT): ('decrypt', 'saved', ['rec']),
        ('www.good.test', net.CLIENT): ('bypass', 'privacy', []),
        ('good.test', net.CLIENT): ('decrypt', 'default', ['rec']),
        ('v4.good.test', OTHER): ('bypass', 'saved', []),
        ('www.good.test', OTHER): ('bypass', 'privacy', []),
        ('good.test', OTHER): ('decrypt', 'default', [])})
    equal(status(get(s, 'https://bad.good.test/', net.CLIENT, '--resolve',
                     'bad.good.test:443:' + net.SERVER)), '403')
    lines = explained(s, 'client=' + net.CLIENT, 'https://v4.good.test/')
    check('step-up: decrypted, though the rule bypasses it' in lines, lines)
    equal(lines[-1], 'verdict: decrypt rule: saved')
    equal(explained(s, 'client=' + OTHER, 'https://v4.good.test/')[-1],
          'verdict: bypass rule: saved')
    s.d.ctl('step-up', 'release', str(up['id']))
    equal([e['action'] for e in events(s, 'step-up', 2)],
          ['set', 'released'])
    equal(status(get(s, 'https://v4.good.test/', net.CLIENT, '-k')), '200')
    equal(flows_of(s, 9), ['bypass', 'decrypt', 'bypass'])
    with open(s.path('rec.pcapng'), 'rb') as f:
        check(f.read().count(SAID) == 2, 'two sessions in the clear')
    for words, why in (
            (('step-up', 'add', '192.0.2.1', '1h'), 'not inside'),
            (('step-up', 'add', net.CLIENT, '1h', 'mirror=x'), 'no such '),
            (('step-up', 'add', net.CLIENT), 'step-up add takes'),
            (('step-up', 'release', '9'), 'no step-up')):
        check(why in refused(s, *words), words)


@scenario
def step_up_ends_what_is_open_if_it_is_to(s):
    """A bypassed session cannot be decrypted in mid-stream: it goes on, or with
    cut: yes it is ended; but for what is never decrypted."""
    step_up(s, cut=True)
    s.serve(444)
    saved = s.tls(444, 'v4.good.test', verify=False)
    never = s.tls(444, 'www.good.test', verify=False)
    for p in saved, never:
        p.send(b'\1x')
        equal(p.recv_exact(2), b'\1x')
    Sensor(s, 'ids').say(about(net.CLIENT))
    equal(reset_wait(saved.sock), RST)
    never.send(b'\1y')
    equal(never.recv_exact(2), b'\1y')


HOLD = {'do': 'quarantine', 'profile': 'all', 'for': '1h', 'approval': True,
        'approve-within': '1h'}


@scenario
def approval_is_waited_for(s):
    """A verdict proposes; an operator approves, or rejects; or nobody does."""
    listen(s, [dict(HOLD, when={'sensor': 'ids'}),
               dict(DENY, approval=True, when={'sensor': 'dgram'},
                    **{'approve-within': '2s'})],
           endpoints={**files(s), **INSIDE})
    ids = Sensor(s, 'ids').say(about(net.CLIENT))
    v = verdicts(s, 1)[0]
    equal(v['result'], 'proposed')
    equal(status(get(s, 'https://www.good.test/')), '200')
    ids.say(about(OTHER))
    other = verdicts(s, 2)[1]['proposal']
    o = s.d.ctl('verdicts')
    equal(sorted((w['id'], w['do'], w['endpoint'], w['profile'], w['for'])
                 for w in o['waiting']),
          [(v['proposal'], 'quarantine', net.CLIENT, 'all', 3600),
           (other, 'quarantine', OTHER, 'all', 3600)])
    equal([(x['endpoint'], x['result'], x['state']) for x in o['verdicts']],
          [(OTHER, 'proposed', 'waiting'),
           (net.CLIENT, 'proposed', 'waiting')])
    equal(s.d.ctl('approve', str(v['proposal']))['approved'], v['proposal'])
    s.d.ctl('reject', str(other))
    page(s, 'https://www.good.test/')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    equal([x['state'] for x in s.d.ctl('verdicts', '5')['verdicts']],
          ['over', 'in force'])
    line = about(net.CLIENT)
    line['dest_ip'] = '203.0.113.9'
    Sensor(s, 'dgram').say(line)
    equal(verdicts(s, 3)[2]['result'], 'proposed')
    equal([(e['action'], e['id']) for e in events(s, 'proposal', 6)],
          [('proposed', v['proposal']), ('proposed', other),
           ('approved', v['proposal']), ('rejected', other),
           ('proposed', verdicts(s, 3)[2]['proposal']),
           ('lapsed', verdicts(s, 3)[2]['proposal'])])
    equal(denied(s), [])
    for words in ('approve', str(other)), ('reject', '7777'), ('approve',):
        check('nothing waits' in refused(s, *words), words)
    check('how many' in refused(s, 'verdicts', 'x'), 'verdicts x')
    equal([x['what'] for x in s.d.ctl('case', str(v['proposal']))['case']],
          ['proposed', 'verdict', 'set', 'approved'])


@scenario
def approval_by_a_second_sensor(s):
    hold = dict(HOLD, approval='second-sensor')
    listen(s, [hold], endpoints={**files(s), **INSIDE})
    ids = Sensor(s, 'ids').say(about(net.CLIENT)).say(about(OTHER))
    ids.say(about(net.CLIENT, signature='another'))
    verdicts(s, 3)
    equal(s.d.ctl('quarantine')['quarantine'], [])
    Sensor(s, 'dgram').say(about(net.CLIENT))
    v = verdicts(s, 4)
    equal([x['result'] for x in v], ['proposed'] * 3 + ['done'])
    equal([q['id'] for q in s.d.ctl('quarantine')['quarantine']],
          [v[3]['quarantine']])
    equal(v[3]['quarantine'], v[0]['proposal'])
    page(s, 'https://www.good.test/')


@scenario
def denied_responses_follow_a_reload(s):
    listen(s, [{'do': 'notify'}], endpoints={**files(s), **INSIDE})
    ids = Sensor(s, 'ids')
    over = {k.replace('-', '_'): s.d.conf[k] for k in (
        'rules', 'mirrors', 'endpoints', 'quarantines', 'sensors')}
    s.reload(responses=[DENY], **over)
    line = about(net.CLIENT)
    line['dest_ip'] = net.SERVER
    ids.say(line)
    equal(verdicts(s, 1)[0]['result'], 'done')
    udp = Udp(s, 5000)
    check(not udp.ask(b'x', 0.3), 'UDP')
    s.reload(responses=[{'do': 'notify'}], **over)
    page(s, 'https://www.good.test/')
    check(not udp.ask(b'x', 0.3), 'UDP: the guard has it still')
    over['quarantines'] = []
    s.reload('failed', responses=[{'do': 'notify'}], **over)
    page(s, 'https://www.good.test/')


@scenario
def dns_of_a_contained_client_is_refused(s):
    """Where it is not led to its page by that (tell); and of all clients to a
    name server that is denied."""
    server = t_dns.Server(s, t_dns.echo_id())
    t_dns.start(s, quarantines=[{'name': 'all', 'tell': False}],
                endpoints={**files(s), **INSIDE})
    mine, theirs = t_dns.client(s), t_dns.client(s, source=OTHER)
    refusal = t_dns.message(0x1234, b'\x81\5')
    for c in mine, theirs:
        check(t_dns.ask(c) != refusal, 'before')
    n = s.d.ctl('quarantine', 'add', net.CLIENT, 'all', '1h')['quarantine']
    equal(t_dns.ask(mine), refusal)
    check(t_dns.ask(theirs) != refusal, 'of another')
    s.d.ctl('quarantine', 'release', str(n))
    check(t_dns.ask(mine) != refusal, 'afterwards')
    s.d.ctl('deny', 'add', net.SERVER, '1h')
    for c in mine, theirs:
        equal(t_dns.ask(c), refusal)
    equal(len(server.asked), 4)
