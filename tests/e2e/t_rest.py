"""REST: what products post, who may, what becomes of it, and what peers cannot
do to it."""
import json
import os
import re
import socket
import threading

from harness import check, equal, net, scenario, wait
from harness.case import yaml
from harness.proc import whole_lines
from t_contained import OTHER, begin, files, get, mac_of, reports, status
from t_sensors import CEF, EVE, FORTI, HOLD, LEEF, NOTICE, about, verdicts

API = 'http://127.0.0.1:9912'
TOKENS = {'op': 'operator-0123456789abcdef', 'look': 'viewer-0123456789abcdef',
          'soc': 'sensor-0123456789abcdef', 'ndr': 'another-0123456789abcdef'}
ROLES = {'op': 'operator', 'look': 'viewer', 'soc': 'sensor', 'ndr': 'sensor'}
INSIDE = ['10.1.0.0/24', 'fd01::/64']
FAR = '10.1.0.1:9913'


def tokens(s, *names):
    """Their file."""
    path = s.path('api.token')
    with open(path, 'w') as f:
        f.write('# who may\n\n')
        for n in names or TOKENS:
            f.write('%s:%s:%s\n' % (n, ROLES[n], TOKENS[n]))
    os.chmod(path, 0o600)
    return path


def sensor(s, **over):
    return dict({'name': 'api', 'listen': '127.0.0.1:9912',
                 'token': tokens(s)}, **over)


def far(s, **over):
    """One on the network, with TLS."""
    pem, key = s.pki.pair('good')
    return dict({'name': 'far', 'listen': FAR, 'certificate': pem,
                 'key': key, 'token': tokens(s)}, **over)


def listen(s, responses=(HOLD,), sensors=None, **over):
    begin(s, **dict({
        'sensors': sensors or [sensor(s)], 'responses': list(responses),
        'endpoints': {**files(s), 'inside': INSIDE}}, **over))


def curl(s, path, *args, token='op', ns=None, url=API, code=None, **kw):
    """(status, JSON)."""
    auth = ['-H', 'Authorization: Bearer ' + TOKENS.get(token, token)] \
        if token else []
    r = s.run(ns or s.gateway, 'curl', '-sS', '--max-time', '20', '-w',
              '\n%{http_code}', *auth, *args, url + path, **kw).ok()
    body, n = r.text.rsplit('\n', 1)
    if code:
        equal((int(n), body), (code, body))
        return json.loads(body)
    return int(n), json.loads(body)


def post(s, path, body, *args, code=200, **kw):
    if not isinstance(body, str):
        body = json.dumps(body)
    return curl(s, path, '--data-binary', '@-', *args, code=code,
                input=body.encode(), **kw)


def over_tls(s, path, *args, ns=None, **kw):
    return curl(s, path, '--cacert', s.pki.root, '--resolve',
                'good.test:9913:10.1.0.1', *args, ns=ns or s.client,
                url='https://good.test:9913', **kw)


def rows(s, **kw):
    return {q['endpoint']: q for q in curl(
        s, '/v1/quarantine', code=200, **kw)['quarantine']}


def counted(s, method, route, code):
    return s.d.metric('clearspan_rest_requests_total', method=method,
                      route=route, status=str(code))


@scenario
def rest_takes_what_any_product_posts(s):
    """The verdict contains; the answer says so, and who it was is kept."""
    listen(s)
    told = [
        ({'endpoint': '10.1.0.20', 'severity': 7, 'signature': 'Sig',
          'category': 'Cat', 'peer': 'evil.example'}, '10.1.0.20', 'generic',
         7, 'Sig'),
        (about('10.1.0.21'), '10.1.0.21', 'suricata', 9,
         EVE['alert']['signature']),
        (dict(NOTICE, src='10.1.0.22'), '10.1.0.22', 'zeek', 5,
         'Intel::Notice'),
        (LEEF % (('10.1.0.23',) * 2), '10.1.0.23', 'ddi', 8, 'RANSOM_X.A'),
        (CEF % (('10.1.0.24',) * 2), '10.1.0.24', 'ddi', 8, 'a = b = c'),
        (FORTI % '10.1.0.25', '10.1.0.25', 'fortigate', 10, 'Back Door'),
        ({'srcip': '10.1.0.26'}, '10.1.0.26', 'fortindr', 5, None),
        ({'mac': '02:00:00:00:00:27', 'fctuid': 'x'}, '02:00:00:00:00:27',
         'generic', 5, None)]
    for i, (body, who, product, severity, signature) in enumerate(told):
        v = post(s, '/v1/verdicts', body, token='soc')['verdicts']
        equal([(r['result'], r['endpoint'], r['product'], r['severity'],
                r['signature'], r['response'], r['id']) for r in v],
              [('done', who, product, severity, signature, 1, i + 1)])
    equal(sorted(rows(s)), sorted(t[1] for t in told))
    equal(reports(s, 1)[0]['actor'], 'soc (api, 127.0.0.1)')
    case = curl(s, '/v1/cases/1', code=200)['case']
    equal([line['what'] for line in case], ['set', 'verdict'])
    equal([line['about']['actor'] for line in case],
          ['soc (api, 127.0.0.1)'] * 2)
    # All of them at once: an array, and lines.
    many = [t[0] for t in told]
    objects = [m for m in many if isinstance(m, dict)]
    lines = '\n'.join(m if isinstance(m, str) else json.dumps(m)
                      for m in many)
    for body, n in ((objects, len(objects)), (lines, len(many)),
                    (json.dumps(objects, indent=2) + '\n' + lines + '\r\n',
                     len(objects) + len(many))):
        a = post(s, '/v1/verdicts', body)
        equal([r['result'] for r in a['verdicts']], ['done'] * n)
        equal(a['taken'], n)
    equal(len(rows(s)), len(told))
    equal(counted(s, 'POST', '/v1/verdicts', 200), len(told) + 3)


@scenario
def rest_says_why_nothing_was_done(s):
    listen(s, [{'when': {'signature': 'dry'}, **HOLD, 'dry-run': True},
               {'when': {'severity': '>=5'}, **HOLD}],
           endpoints={**files(s), 'never': ['10.1.0.20'], 'inside': INSIDE})
    a = post(s, '/v1/verdicts', [
        {'endpoint': '10.1.0.20'}, {'srcip': '203.0.113.9'},
        {'srcip': '10.1.0.7', 'dstip': '10.1.0.8'},
        {'endpoint': '10.1.0.9', 'severity': 1},
        {'endpoint': '10.1.0.9', 'signature': 'dry'},
        dict(EVE, event_type='flow'), {}])['verdicts']
    equal([r['result'] for r in a], [
        'refused', 'nobody', 'ambiguous', 'ignored', 'dry-run', 'no finding',
        'nobody'])
    check('never' in a[0]['why'] and a[3]['why'] == 'no response matches', a)
    equal(rows(s), {})
    for body in '', 'no report', '[1]', '{', '[{"srcip": "10.1.0.9"}', '"x"':
        a = post(s, '/v1/verdicts', body, code=400)
        check(a['verdicts'] or a['error'], a)
    equal(list(rows(s)), ['10.1.0.9'])  # an array cut off behind one
    big = post(s, '/v1/verdicts', json.dumps(
        {'endpoint': '10.1.0.9', 'x': 'y' * 70000}), code=400)
    check('64 KiB' in big['verdicts'][0]['why'], big)
    a = post(s, '/v1/verdicts', '{}' * 10001, code=413)
    equal(len(a['verdicts']), 10000)
    status, a = curl(s, '/v1/verdicts', '--data-binary', '@-',
                     input=b'{' + b' ' * (1 << 20))
    equal(status, 413)
    status, a = curl(s, '/v1/verdicts', '-H', 'Transfer-Encoding: chunked',
                     '--data-binary', '@-', input=b' ' * ((1 << 20) + 1))
    equal(status, 413)


@scenario
def rest_is_for_those_with_a_token(s):
    """Missing, wrong, right, and right for something else."""
    listen(s)
    body = {'endpoint': '10.1.0.20'}
    for token in None, 'x', TOKENS['op'] + '0', TOKENS['op'][:-1], '':
        a = post(s, '/v1/verdicts', body, token=token, code=401)
        check('Bearer' in a['error'], a)
    equal(curl(s, '/v1/quarantine', '-H', 'Authorization: Basic ' +
               TOKENS['op'], token=None)[0], 401)
    may = {'op': [200, 200, 201, 200, 404], 'look': [403, 200, 403, 200, 403],
           'soc': [200, 403, 403, 403, 403]}
    for name, codes in may.items():
        got = [
            curl(s, '/v1/verdicts', '-d', json.dumps(body), token=name)[0],
            curl(s, '/v1/quarantine', token=name)[0],
            curl(s, '/v1/quarantine', '-d', json.dumps(
                dict(body, profile='all')), token=name)[0],
            curl(s, '/v1/status', token=name)[0],
            curl(s, '/v1/quarantine/99', '-X', 'DELETE', token=name)[0]]
        equal(got, codes, name)
    equal(curl(s, '/nothing', token=None)[0], 404)
    head = s.run(s.gateway, 'curl', '-sSi', '-X', 'PUT', API +
                 '/v1/quarantine').text
    check('405' in head and '\r\nAllow: GET, POST\r\n' in head, head)
    for name in 'nosniff', 'no-store', "default-src 'none'", 'DENY':
        check(name in head, head)
    # A browser is not to be used by another site.
    for field in 'Origin: http://evil.example', 'Sec-Fetch-Site: cross-site':
        post(s, '/v1/verdicts', body, '-H', field, code=403)
    post(s, '/v1/verdicts', body, '-H', 'Origin: ' + API)
    check(counted(s, 'POST', '/v1/verdicts', 401) == 5, s.d.metrics())


@scenario
def rest_asks_for_certificates(s):
    """Over TLS: the right one, none, and another CA's; addresses; tokens."""
    mutual = far(s, **{'client-ca': s.pki.root})
    del mutual['token']
    listen(s, sensors=[mutual])
    user = ['--cert', s.pki.pair('user')[0], '--key', s.pki.pair('user')[1]]
    other = ['--cert', s.pki.pair('self')[0], '--key',
             s.pki.pair('self')[1]]
    body = json.dumps({'srcip': '10.1.0.20'})
    over_tls(s, '/v1/verdicts', '-d', body, *user, token=None, code=200)
    equal(reports(s, 1)[0]['actor'], 'a_user (far, 10.1.0.2)')

    def refused(*args):
        r = s.run(s.client, 'curl', '-sS', '--cacert', s.pki.root,
                  '--resolve', 'good.test:9913:10.1.0.1', '-w',
                  '%{http_code}', *args, 'https://good.test:9913/v1/status')
        check(r.code != 0 and r.text == '000', r.text, r.errors)
    refused()
    refused(*other)
    refused('-H', 'Authorization: Bearer ' + TOKENS['op'])
    r = s.run(s.client, 'curl', '-sS', 'http://10.1.0.1:9913/v1/status')
    check(r.code != 0, 'in the clear')
    # Both, and of a role.
    again = {k.replace('-', '_'): s.d.conf[k] for k in (
        'rules', 'mirrors', 'endpoints', 'quarantines', 'responses')}
    s.reload(sensors=[far(s, **{'client-ca': s.pki.root})], **again)
    equal(over_tls(s, '/v1/status', *user, token=None)[0], 401)
    over_tls(s, '/v1/status', *user, code=200)
    refused('-H', 'Authorization: Bearer ' + TOKENS['op'])
    s.reload(sensors=[dict(mutual, role='viewer')], **again)
    over_tls(s, '/v1/status', *user, token=None, code=200)
    equal(over_tls(s, '/v1/verdicts', '-d', body, *user, token=None)[0], 403)
    # A token alone, and from where.
    s.reload(sensors=[far(s, **{'from': [OTHER, 'fd01::/64']})], **again)
    refused()
    over_tls(s, '/v1/status', '--interface', OTHER, code=200)
    check(s.d.metric('clearspan_rest_refused_total') >= 1, 'refused')


@scenario
def rest_undoes_by_number_and_by_endpoint(s):
    """A sensor what it has said itself; who did it is in the case."""
    listen(s, sensors=[sensor(s), sensor(s, name='ndr',
                                         listen='127.0.0.1:9914')])
    two = 'http://127.0.0.1:9914'
    body = [{'srcip': '10.1.0.%d' % i} for i in range(20, 25)]
    post(s, '/v1/verdicts', body[:3], token='soc')
    post(s, '/v1/verdicts', body[3:], token='ndr', url=two)
    equal(status(get(s, 'https://www.good.test/')), '200')
    post(s, '/v1/verdicts', {'srcip': net.CLIENT}, token='soc')
    equal(status(get(s, 'https://www.good.test/')), '403')
    undone = post(s, '/v1/verdicts/undo', {'srcip': net.CLIENT},
                  token='soc')['undone']
    equal([(r['result'], r['endpoint']) for r in undone],
          [('released', net.CLIENT)])
    equal(status(get(s, 'https://www.good.test/')), '200')
    # Not what another has said; an operator may.
    a = post(s, '/v1/verdicts/undo', body[3], token='soc', code=400)
    equal(a['undone'][0]['result'], 'refused')
    a = post(s, '/v1/verdicts/undo', [{'id': 1}, {'id': 99}, body[1]],
             token='soc')
    equal([r['result'] for r in a['undone']], ['released', 'not found',
                                                'released'])
    post(s, '/v1/verdicts/undo', body[3], token='op')
    ids = {who: q['id'] for who, q in rows(s).items()}
    equal(sorted(ids), ['10.1.0.22', '10.1.0.24'])
    equal(curl(s, '/v1/quarantine/%d' % ids['10.1.0.24'], '-X', 'DELETE',
               code=200), {'released': ids['10.1.0.24']})
    case = curl(s, '/v1/cases/%d' % ids['10.1.0.24'], code=200)
    equal(case['chain'], 'whole')
    equal([(c['what'], c['about']['actor']) for c in case['case']], [
        ('set', 'ndr (ndr, 127.0.0.1)'), ('verdict', 'ndr (ndr, 127.0.0.1)'),
        ('released', 'op (api, 127.0.0.1)')])
    # By ctl it is said, too.
    s.d.ctl('quarantine', 'release', str(ids['10.1.0.22']))
    equal(reports(s, 12)[-1]['actor'], 'ctl')


@scenario
def rest_never_contains_by_another_name(s):
    """One that is never contained has a MAC address, and others: neither its
    MAC is, nor by another address more than that one."""
    listen(s, endpoints={**files(s), 'identity': 'mac', 'inside': INSIDE,
                         'never': [OTHER]})
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    mac = mac_of(s)
    for who in mac, OTHER:
        a = post(s, '/v1/verdicts', {'endpoint': who})['verdicts'][0]
        equal(a['result'], 'refused')
        check(OTHER in a['why'] or 'never' in a['why'], a)
        post(s, '/v1/quarantine', {'endpoint': who, 'profile': 'all'},
             code=409)
    equal(rows(s), {})
    equal(status(get(s, 'https://www.good.test/', net.CLIENT)), '200')
    for _ in range(2):
        a = post(s, '/v1/verdicts', {'endpoint': net.CLIENT})['verdicts'][0]
        equal((a['result'], a['id']), ('done', 1))
    equal(list(rows(s)), [net.CLIENT])
    equal(status(get(s, 'https://www.good.test/', net.CLIENT)), '403')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    a = post(s, '/v1/verdicts/undo', {'endpoint': net.CLIENT})['undone'][0]
    equal((a['result'], a['endpoint']), ('released', net.CLIENT))


@scenario
def rest_refuses_what_is_no_endpoint_s_address(s):
    listen(s, endpoints={**files(s), 'identity': 'mac'})
    for who in ('ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01',
                '33:33:00:00:00:01', '00:00:00:00:00:00', '224.0.0.1'):
        a = post(s, '/v1/verdicts', {'endpoint': who})['verdicts'][0]
        check(a['result'] in ('refused', 'nobody'), a)
        post(s, '/v1/quarantine', {'endpoint': who, 'profile': 'all'},
             code=409)
    equal(rows(s), {})


@scenario
def rest_undoes_what_was_said_before_its_mac_was_known(s):
    listen(s, endpoints={**files(s), 'identity': 'mac', 'inside': INSIDE})
    s.gateway.ip('neigh flush dev gc\n')
    post(s, '/v1/verdicts', {'srcip': net.CLIENT}, token='soc')
    equal(list(rows(s)), [net.CLIENT])
    equal(status(get(s, 'https://www.good.test/')), '403')
    equal(s.d.ctl('endpoint', net.CLIENT)['endpoint'], mac_of(s))
    a = post(s, '/v1/verdicts/undo', {'srcip': net.CLIENT}, token='soc')
    equal(a['undone'][0]['result'], 'released')
    equal(rows(s), {})


@scenario
def rest_tells_of_endpoints(s):
    """Addresses of one MAC, sessions, tags; the same as ctl."""
    listen(s, endpoints={**files(s), 'identity': 'mac', 'inside': INSIDE})
    s.serve(444)
    p = s.tls(444)
    p.send(b'\1x')
    equal(p.recv_exact(2), b'\1x')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    one = curl(s, '/v1/endpoints/' + net.CLIENT, code=200)
    check(set([net.CLIENT, OTHER]) <= set(one['addresses']), one)
    check(one['sessions'] >= 1 and one['bytes']['toserver'] > 0, one)
    equal(one['quarantine'], None)
    equal(curl(s, '/v1/endpoints/' + one['mac'], code=200)['endpoint'],
          one['mac'])
    equal(s.d.ctl('endpoint', OTHER)['endpoint'], one['mac'])
    equal(curl(s, '/v1/endpoints/10.1.0.99')[0], 404)
    equal(curl(s, '/v1/endpoints/x%2f..%00')[0], 400)
    tag = post(s, '/v1/tags', {'endpoint': OTHER, 'tag': 'suspect',
                               'for': 3600}, code=201)
    check(tag['id'] > 0, tag)
    post(s, '/v1/quarantine', {'endpoint': OTHER, 'profile': 'updates',
                               'for': '1h', 'reason': 'a ticket'}, code=201)
    one = curl(s, '/v1/endpoints/' + net.CLIENT, code=200)
    equal((one['tags'], one['quarantine']['profile'],
           one['quarantine']['by'], one['quarantine']['reason']),
          (['suspect'], 'updates', 'op', 'a ticket'))
    every = curl(s, '/v1/endpoints', code=200)
    equal([e['endpoint'] for e in every['endpoints'] if
           e['mac'] == one['mac']], [one['mac']])
    equal(every['more'], 0)
    post(s, '/v1/tags/clear', {'endpoint': OTHER, 'tag': 'suspect'}, code=201)
    equal(curl(s, '/v1/tags', code=200), {'tags': []})
    for body in ('x', {'endpoint': OTHER}, {'endpoint': 'x', 'profile': 'all'},
                 {'endpoint': OTHER, 'profile': 'all', 'for': 'x'}):
        post(s, '/v1/quarantine', body, code=400)
    for body in ({'endpoint': OTHER, 'profile': 'nope'},
                 {'endpoint': '203.0.113.9', 'profile': 'all'}):
        post(s, '/v1/quarantine', body, code=409)
    post(s, '/v1/verdicts', {'srcip': '10.1.0.77', 'signature': 'last'})
    post(s, '/v1/verdicts', {'srcip': '10.1.0.78', 'signature': 'x' * 3000})
    got = curl(s, '/v1/verdicts?limit=2', code=200)['verdicts']
    equal([v['endpoint'] for v in got], ['10.1.0.78', '10.1.0.77'])
    equal(got, s.d.ctl('verdicts', '2')['verdicts'])


class Raw:
    """A connection that says what it likes."""

    def __init__(self, s, text=b''):
        with s.gateway:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(('127.0.0.1', 9912))
        self.sock.sendall(text)

    def all(self):
        """What it is answered, to the end."""
        got = b''
        try:
            while True:
                data = self.sock.recv(65536)
                if not data:
                    return got
                got += data
        except ConnectionResetError:
            return got


@scenario(timeout=120)
def rest_is_not_held_up_by_who_says_nothing(s):
    """A crowd that begins and does not end, and heads that are none."""
    listen(s)
    silent = [Raw(s, b'GET /v1/status HTTP/1.1\r\nX: ') for i in range(100)]
    curl(s, '/v1/status', code=200)
    check(s.d.metric('clearspan_rest_connections') <= 64, 'bounded')
    # A byte now and then does not help.
    slow = Raw(s, b'GET /v1/status HTTP/1.1\r\n')
    over = threading.Event()

    def drip():
        try:
            while not over.wait(1):
                slow.sock.sendall(b'X')
        except OSError:
            pass
    threading.Thread(target=drip, daemon=True).start()
    check(slow.all().startswith(b'HTTP/1.1 408 '), 'in time')
    over.set()
    for r in silent:
        r.sock.close()
    host = b'Host: x\r\n'
    auth = b'Authorization: Bearer ' + TOKENS['op'].encode() + b'\r\n'
    for text, code in (
            (b'GET / HTTP/1.1\r\n' + host + b'X: ' + b'y' * 20000, 431),
            (b'\x16\x03\x01\x00\x05hello\r\n\r\n', 400),
            (b'GET /v1/status HTTP/1.1\r\n\r\n', 400),
            (b'GET /v1/status HTTP/2.0\r\n' + host + b'\r\n', 400),
            (b'POST /v1/verdicts HTTP/1.1\r\n' + host + auth +
             b'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n', 400),
            (b'POST /v1/verdicts HTTP/1.1\r\n' + host + auth +
             b'Transfer-Encoding: chunked\r\n\r\nzz\r\n', 400),
            (b'POST /v1/verdicts HTTP/1.1\r\n' + host + auth +
             b'Content-Length: 99999999999\r\n\r\n', 413),
            (b'POST /v1/verdicts HTTP/1.1\r\n' + host +
             b'Content-Length: 99999999999\r\n\r\n', 401),
            (b'GET /%zz HTTP/1.1\r\n' + host + b'\r\n', 400)):
        r = Raw(s, text)
        r.sock.shutdown(socket.SHUT_WR)
        got = r.all()
        check(got.startswith(b'HTTP/1.1 %d ' % code), text[:60], code, got)
    # Several on one connection, one after the other.
    r = Raw(s, (b'GET /v1/status HTTP/1.1\r\n' + host + auth + b'\r\n') * 20 +
            b'HEAD /v1/status HTTP/1.1\r\n' + host + auth +
            b'Connection: close\r\n\r\n')
    got = r.all()
    equal(got.count(b'HTTP/1.1 200 OK\r\n'), 21)
    check(got.endswith(b'\r\n\r\n'), got[-100:])
    s.d.metric_is(0, 'clearspan_rest_connections')


@scenario(timeout=120)
def rest_that_goes_wild_breaks_the_breaker(s):
    """Ten thousand in one body, and as many of the same endpoint; the metrics
    and others notice nothing."""
    listen(s, breaker={'quarantines': 5, 'per': '1h'})
    body = ''.join(json.dumps({'srcip': '10.1.0.%d' % (i % 200 + 50),
                               'signature': 'S%d' % i}) + '\n'
                   for i in range(10000))
    answers = []

    def send():
        answers.append(post(s, '/v1/verdicts', body))
    t = threading.Thread(target=send)
    t.start()
    while t.is_alive():
        s.d.metrics()
        equal(status(get(s, 'https://www.good.test/')), '200')
    t.join()
    a = [v['result'] for v in answers[0]['verdicts']]
    equal((len(a), set(a)), (10000, {'done', 'breaker'}))
    equal(len(rows(s)), 5)
    same = json.dumps({'srcip': min(rows(s))}) * 10000
    equal(post(s, '/v1/verdicts', same)['taken'], 10000)
    check(len(whole_lines(s.path('cases'))) < 10000 + 200, 'no writes')
    # Four seconds of the same are a few extensions.
    check(len(reports(s, 5)) < 100, len(reports(s, 5)))
    equal(s.d.metric('clearspan_verdicts_total', result='done') +
          s.d.metric('clearspan_verdicts_total', result='breaker'), 20000)


@scenario
def rest_listeners_come_move_and_go_by_reload(s):
    listen(s)
    keep = {k.replace('-', '_'): s.d.conf[k] for k in (
        'rules', 'mirrors', 'endpoints', 'quarantines', 'responses')}
    idle = Raw(s)
    s.reload(sensors=[sensor(s), far(s)], **keep)
    equal(idle.all(), b'')              # under what it was before
    over_tls(s, '/v1/status', code=200)
    curl(s, '/v1/status', code=200)
    moved = sensor(s, name='api', listen='127.0.0.1:9915')
    s.reload(sensors=[moved, far(s)], **keep)
    curl(s, '/v1/status', code=200, url='http://127.0.0.1:9915')
    check(s.run(s.gateway, 'curl', '-sS', API).code == 7, 'it is gone')
    # Another token is in force at once.
    tokens(s, 'look')
    s.reload(sensors=[moved], **keep)
    equal(curl(s, '/v1/status', url='http://127.0.0.1:9915')[0], 401)
    curl(s, '/v1/status', token='look', code=200,
         url='http://127.0.0.1:9915')
    # One that fails changes nothing.
    with s.gateway:
        busy = socket.socket()
    busy.bind(('127.0.0.1', 9916))
    busy.listen(1)
    s.reload('failed', sensors=[dict(moved, listen='127.0.0.1:9916')], **keep)
    curl(s, '/v1/status', token='look', code=200,
         url='http://127.0.0.1:9915')
    s.reload(sensors=[], **dict(keep, responses=[]))
    check(s.run(s.gateway, 'curl', '-sS', 'http://127.0.0.1:9915').code == 7,
          'it is gone')


@scenario
def rest_is_checked(s):
    """Where tokens would be seen, or nobody would be asked."""
    good = sensor(s)
    clear = dict(good, listen='10.1.0.1:9912')
    bare = {'name': 'api', 'listen': '127.0.0.1:9912'}
    short, open_, odd = (s.path(n) for n in ('short', 'open', 'odd'))
    for path, text, mode in ((short, 'abc\n', 0o600), (
            odd, 'a:king:%s\nb:viewer:%s\nc:viewer:%s\n' % (
                TOKENS['op'], TOKENS['look'], TOKENS['look']), 0o600),
            (open_, TOKENS['op'] + '\n', 0o644)):
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)

    def said(*sensors):
        begun = s.conf(sensors=list(sensors), mirrors=[], rules=[
            {'name': 'default', 'action': 'bypass'}])
        with open(s.path('c.yaml'), 'w') as f:
            f.write(yaml(begun))
        r = s.run(s.gateway, s.binary, 'check', '-c', s.path('c.yaml'))
        return r.code, r.text + r.errors
    equal(said(good)[0], 0)
    code, text = said(good, dict(good, name='two'))
    check(code == 2 and 'has this address already' in text, text)
    code, text = said(dict(good, token=open_))
    check(code == 0 and 'chmod 600' in text, text)
    for wrong, words in (
            (clear, 'in the clear'), (bare, 'anybody'),
            (dict(bare, token=short), 'short:1:1: this is no token'),
            (dict(bare, token=odd), 'odd:1:3: there is no such role'),
            (dict(bare, token=odd), 'odd:3:10: this token is here twice'),
            (dict(bare, token='/nowhere'), 'cannot read'),
            (dict(good, eve='/x'), 'either'),
            (dict(good, key=s.pki.ca_key), 'certificate'),
            (dict(good, certificate=s.pki.ca), 'needs its "key"'),
            (dict(good, certificate=s.pki.ca, key=s.pki.pair('good')[1]),
             'no key can be read from it that goes with'),
            ({'name': 'x', 'syslog': 'udp://127.0.0.1:5514',
              'token': short}, 'goes with listen only')):
        code, text = said(wrong)
        check(code == 2 and words in text, words, text)
        check(re.search(r'^\S+:\d+:\d+: ', text), text)


@scenario
def rest_does_what_its_manual_says(s):
    """Each command of docs/rest.md, as it stands there."""
    root = os.path.join(os.path.dirname(__file__), '../..')
    with open(os.path.join(root, 'docs/rest.md')) as f:
        text = f.read()
    blocks = re.findall('^```sh\n(.*?)^```', text, re.S | re.M)
    check(len(blocks) > 12, blocks)
    listen(s)
    begin = 'API=%s\nAUTH="Authorization: Bearer %s"\n' % (API, TOKENS['op'])
    check('API=' + API in blocks[0], blocks[0])
    first = None
    for b in blocks[1:]:
        out = s.run(s.gateway, 'sh', '-c', begin + b.replace(
            'curl ', 'curl -sS --fail-with-body ', 1)).ok()
        first = first or json.loads(out.text)
        check('error' not in json.loads(out.text), b, out.text)
    shown = re.search('^```json\n(.*?)^```', text, re.S | re.M).group(1)
    equal(first, json.loads(shown))
