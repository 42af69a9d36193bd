"""REST: servers that are denied, endpoints under step-up, what waits to be
approved; and verdicts that are undone, whatever they did."""
import json
import socket

from harness import check, equal, net, scenario, wait
from harness.peer import RST, reset_wait
from t_contained import OTHER, SAID, Udp, get, status
from t_denied import ONLY, RULES, denied, events, page
from t_rest import API, counted, curl, files, listen, post, sensor
from t_sensors import EVE, about

FAR = '203.0.113.9'
DENY = {'do': 'deny-server', 'for': '1h'}


def end(s, path, *args, code=200, **kw):
    return curl(s, path, '-X', 'DELETE', *args, code=code, **kw)


def whats(s, n):
    """What a case says, and of what is done by hand, by whom."""
    return [(c['what'], c['about'].get('actor')) for c in curl(
        s, '/v1/cases/%d' % n, code=200)['case']
        if c['what'] != 'sessions ended']


@scenario
def rest_denies_a_server_to_everybody(s):
    """Packets of another client do not reach it; then they do."""
    listen(s, quarantines=ONLY)
    s.serve(444)
    p = s.tls(444, sock=s.connect(444, source=(OTHER, 0)))
    p.send(b'\1x')
    equal(p.recv_exact(2), b'\1x')
    udp = Udp(s, 5000, OTHER)
    check(udp.ask(b'x'), 'UDP before')
    one = {'server': net.SERVER, 'for': '1h', 'reason': 'ticket 4711'}
    n = post(s, '/v1/denials', one, code=201)['id']
    equal(reset_wait(p.sock), RST)
    check(not udp.ask(b'x', 0.5), 'UDP')
    r = page(s, 'https://www.good.test/', OTHER)
    check('ticket 4711' in r.text, r.text)
    # The same again is the same, and no news.
    equal(post(s, '/v1/denials', one, code=201), {'id': n})
    row = curl(s, '/v1/denials/%d' % n, code=200)
    check(3500 < row.pop('left') <= 3600, row)
    equal((row['server'], row['reason'], row['by']),
          (net.SERVER, 'ticket 4711', 'op'))
    equal([d['id'] for d in curl(s, '/v1/denials', code=200)['denials']],
          [n])
    equal(denied(s), [net.SERVER])
    equal(end(s, '/v1/denials/%d' % n), {'released': n})
    check(udp.ask(b'y'), 'UDP afterwards')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    end(s, '/v1/denials/%d' % n, code=404)
    curl(s, '/v1/denials/%d' % n, code=404)
    by = 'op (api, 127.0.0.1)'
    equal(whats(s, n), [('set', by), ('released', by)])
    equal([e['actor'] for e in events(s, 'denial', 2)], [by] * 2)
    # What is longer by less than a second is not written.
    for i in range(20):
        post(s, '/v1/denials', dict(one, server='evil.example'), code=201)
    check(len(s.d.events('denial')) < 12, s.d.events('denial'))


@scenario
def rest_steps_up_one_endpoint(s):
    """It is decrypted and mirrored, and is not any more."""
    listen(s, rules=RULES, mirrors=[
        {'name': 'rec', 'pcap': s.path('rec.pcapng')}], quarantines=ONLY)

    def action(n):
        equal(status(get(s, 'https://v4.good.test/', net.CLIENT, '-k')),
              '200')
        return wait(lambda: len(s.d.events()) >= n and
                    s.d.events()[n - 1]['clearspan'], 'a flow')
    equal(action(1)['action'], 'bypass')
    one = {'endpoint': net.CLIENT, 'for': 3600, 'mirror': ['rec'],
           'reason': 'a look'}
    n = post(s, '/v1/step-ups', one, code=201)['id']
    flow = action(2)
    equal((flow['action'], [m['name'] for m in flow['mirrors']]),
          ('decrypt', ['rec']))
    equal(post(s, '/v1/step-ups', dict(one, mirror='rec'), code=201),
          {'id': n})
    row = curl(s, '/v1/step-ups/%d' % n, code=200)
    equal((row['endpoint'], row['mirror'], row['by'], row['reason']),
          (net.CLIENT, ['rec'], 'op', 'a look'))
    equal([u['id'] for u in curl(s, '/v1/step-ups', code=200)['step-ups']],
          [n])
    equal(end(s, '/v1/step-ups/%d' % n), {'released': n})
    equal(action(3)['action'], 'bypass')
    end(s, '/v1/step-ups/%d' % n, code=404)
    by = 'op (api, 127.0.0.1)'
    equal(whats(s, n), [('set', by), ('released', by)])
    s.d.end()
    with open(s.path('rec.pcapng'), 'rb') as f:
        equal(f.read().count(SAID), 1)


@scenario
def rest_proposes_approves_and_rejects(s):
    """What a verdict or an operator proposes waits; and what became of it."""
    listen(s, [{'do': 'quarantine', 'profile': 'all', 'for': '1h',
                'approval': True}], quarantines=ONLY)
    v = post(s, '/v1/verdicts', {'srcip': OTHER}, token='soc')['verdicts'][0]
    equal(v['result'], 'proposed')
    want = {'do': 'quarantine', 'endpoint': net.CLIENT, 'profile': 'all',
            'for': '2h', 'within': '10m', 'reason': 'a guess'}
    n = post(s, '/v1/proposals', want, code=201)['id']
    equal(post(s, '/v1/proposals', want, code=201), {'id': n})
    row = curl(s, '/v1/proposals/%d' % n, code=200)
    check(500 < row['left'] <= 600, row)
    equal((row['do'], row['for'], row['endpoint'], row['profile'],
           row['by']), ('quarantine', 7200, net.CLIENT, 'all', 'op'))
    m = post(s, '/v1/proposals', {'do': 'deny-server', 'server':
                                  net.SERVER}, code=201)['id']
    up = post(s, '/v1/proposals', {'do': 'step-up', 'endpoint': OTHER},
              code=201)['id']
    equal(sorted(p['id'] for p in curl(s, '/v1/proposals', code=200)[
        'proposals']), sorted([v['id'], n, m, up]))
    equal(status(get(s, 'https://www.good.test/')), '200')
    equal(post(s, '/v1/proposals/%d/approve' % n, ''), {'approved': n})
    page(s, 'https://www.good.test/')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    equal(post(s, '/v1/proposals/%d/reject' % v['id'], ''),
          {'rejected': v['id']})
    equal(end(s, '/v1/proposals/%d' % up), {'rejected': up})
    equal(post(s, '/v1/proposals/%d/approve' % m, ''), {'approved': m})
    equal(denied(s), [net.SERVER])
    page(s, 'https://www.good.test/', OTHER)
    for verb in 'approve', 'reject':
        post(s, '/v1/proposals/%d/%s' % (n, verb), '', code=404)
    by = 'op (api, 127.0.0.1)'
    equal(whats(s, n), [('proposed', by), ('set', by), ('approved', by)])
    equal(whats(s, v['id'])[-1], ('rejected', by))
    equal(curl(s, '/v1/proposals', code=200), {'proposals': []})


@scenario
def rest_measures_are_refused_in_words(s):
    """By role, and by what cannot be."""
    listen(s, quarantines=ONLY, endpoints={
        **files(s), 'inside': ['10.1.0.0/24'], 'never': ['10.1.0.9']})
    for path, body in (('/v1/denials', {'server': FAR}),
                       ('/v1/step-ups', {'endpoint': OTHER}),
                       ('/v1/proposals', {'do': 'step-up', 'endpoint':
                                          OTHER})):
        n = post(s, path, body, code=201)['id']
        for who, codes in (('look', (200, 403)), ('soc', (403, 403)),
                           (None, (401, 401))):
            got = [curl(s, path, token=who)[0],
                   curl(s, path + '/%d' % n, token=who)[0],
                   curl(s, path, '-d', json.dumps(body), token=who)[0],
                   curl(s, path + '/%d' % n, '-X', 'DELETE', token=who)[0]]
            equal(got, [codes[0]] * 2 + [codes[1]] * 2, who)
        check(curl(s, path + '/x')[0] == 400, path)
        check(curl(s, path + '/77')[0] == 404, path)
        for wrong in 'x', '[]', '{}':
            check('error' in post(s, path, wrong, code=400), wrong)
    equal(curl(s, '/v1/proposals/3/approve', '-X', 'POST',
               token='look')[0], 403)
    for path, body, code, word in (
            ('/v1/denials', {'server': 'com'}, 400, 'server'),
            ('/v1/denials', {'server': FAR, 'for': 'x'}, 400, 'for'),
            ('/v1/denials', {'server': '10.1.0.5'}, 409, 'inside'),
            ('/v1/step-ups', {'endpoint': 'x'}, 400, 'endpoint'),
            ('/v1/step-ups', {'endpoint': OTHER, 'mirror': ['x']}, 400,
             'mirror'),
            ('/v1/step-ups', {'endpoint': FAR}, 409, 'inside'),
            ('/v1/proposals', {'do': 'x'}, 400, 'do:'),
            ('/v1/proposals', {'do': 'quarantine', 'endpoint': OTHER}, 400,
             'profile'),
            ('/v1/proposals', {'do': 'quarantine', 'endpoint': OTHER,
                               'profile': 'none'}, 409, 'no profile'),
            ('/v1/proposals', {'do': 'quarantine', 'endpoint': '10.1.0.9',
                               'profile': 'all'}, 409, 'never')):
        a = post(s, path, body, code=code)
        check(word in a['error'], a)
    check(counted(s, 'POST', '/v1/denials', 409) == 1, s.d.metrics())


@scenario
def rest_undoes_whatever_a_verdict_did(s):
    """By its number: a denial by address and by name, a step-up, a tag, what
    waits; by the endpoint, what this sensor did; not what another did."""
    listen(s, [dict(DENY, when={'signature': 'deny'}),
               {'when': {'signature': 'up'}, 'do': 'step-up', 'for': '1h'},
               {'when': {'signature': 'tag'}, 'do': 'tag', 'tag': 'bad',
                'for': '1h'},
               {'when': {'signature': 'ask'}, 'do': 'quarantine', 'profile':
                'all', 'for': '1h', 'approval': True},
               {'do': 'quarantine', 'profile': 'all', 'for': '1h'}],
           quarantines=ONLY, sensors=[sensor(s), sensor(
               s, name='ndr', listen='127.0.0.1:9914')])
    two = 'http://127.0.0.1:9914'

    def say(signature, who=net.CLIENT, **kw):
        line = about(who, signature=signature)
        line.update({'dest_ip': net.SERVER, 'tls': {'sni': 'v4.good.test'}})
        return post(s, '/v1/verdicts', line, token='soc', **kw)[
            'verdicts'][0]
    udp = Udp(s, 5000, OTHER)
    for other in False, True:   # by the first number, and by the second
        v = say('deny')
        equal(len(v['ids']), 2)
        equal(len(denied(s)), 2)
        check(not udp.ask(b'x', 0.5), 'UDP')
        page(s, 'https://v4.good.test/', OTHER)
        # Another sensor may not.
        a = end(s, '/v1/verdicts/%d' % v['id'], token='ndr', url=two,
                code=403)
        check('another' in a['error'], a)
        row = end(s, '/v1/verdicts/%d' % v['ids'][other], token='soc')
        equal((row['result'], row['what'], sorted(row['ids'])),
              ('released', 'denial', sorted(v['ids'])))
        equal(denied(s), [])
        check(udp.ask(b'y'), 'UDP afterwards')
        end(s, '/v1/verdicts/%d' % v['id'], code=404)
    lists = {'up': ('/v1/step-ups', 'step-ups', 'step-up'),
             'tag': ('/v1/tags', 'tags', 'tag'),
             'ask': ('/v1/proposals', 'proposals', 'proposal'),
             'hold': ('/v1/quarantine', 'quarantine', 'quarantine')}
    for signature, (path, name, what) in lists.items():
        v = say(signature)
        equal(len(curl(s, path, code=200)[name]), 1)
        row = post(s, '/v1/verdicts/undo', {'id': v['id']}, token='soc')[
            'undone'][0]
        equal((row['result'], row['what'], row['id'], row['endpoint']),
              ('released', what, v['id'], net.CLIENT))
        equal(curl(s, path, code=200)[name], [])
        check('op' not in whats(s, v['id'])[-1][1] and
              'soc' in whats(s, v['id'])[-1][1], whats(s, v['id']))
    # All of it at once, by what it was about; but not what others did.
    post(s, '/v1/tags', {'endpoint': net.CLIENT, 'tag': 'vip'}, code=201)
    ids = [say(x)['id'] for x in ('deny', 'up', 'tag', 'hold')]
    line = about(net.CLIENT)
    line.update({'dest_ip': net.SERVER, 'tls': {'sni': 'v4.good.test'}})
    row = post(s, '/v1/verdicts/undo', line, token='soc')['undone'][0]
    equal(row['result'], 'released')
    equal(len(row['ids']), 5)
    check(set(ids) <= set(row['ids']), row, ids)
    equal([t['tag'] for t in curl(s, '/v1/tags', code=200)['tags']], ['vip'])
    equal(denied(s), [])
    equal(status(get(s, 'https://v4.good.test/', OTHER, '-k')), '200')


@scenario
def rest_undoes_after_a_restart(s):
    """What the case knows: both denials of one line."""
    listen(s, [DENY], quarantines=ONLY)
    line = about(net.CLIENT)
    line.update({'dest_ip': net.SERVER, 'tls': {'sni': 'v4.good.test'}})
    v = post(s, '/v1/verdicts', line)['verdicts'][0]
    equal(len(v['ids']), 2)
    over = {k.replace('-', '_'): s.d.conf[k] for k in (
        'rules', 'mirrors', 'endpoints', 'quarantines', 'responses',
        'sensors')}
    s.d.end()
    s.daemons.remove(s.d)
    s.start(how=None, record=False, **over)
    equal(len(denied(s)), 2)
    row = end(s, '/v1/verdicts/%d' % v['ids'][1])
    equal(sorted(row['ids']), sorted(v['ids']))
    equal(denied(s), [])
