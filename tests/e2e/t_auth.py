"""Explicit proxy: who the client is (`authentication:`), and what is made of
it: rules, the log, ICAP."""
import base64
import os
import signal
import threading

from harness import check, equal, icap, net, peer, programs, scenario, wait

# Made by crypt(3): "wonder land" (bcrypt), "builder" (SHA-512).
ALICE = 'alice:$2y$05$abcdefghijklmnopqrstuursDchxTEEtpfrQZuzTh/cOvMRDwFApK'
BOB = ('Bob B:$6$rounds=1000$saltsalt$MmgSuXltk7MiPun6iqUg4EhT4rBBBKAvbQv9VWc6'
       'Md1rJUZOHgD9R7ybTSRlsQRjv7LqQhuL8A3dxin579TRL.')
FRONT = '10.1.0.7'
PROXY = 'http://10.1.0.1:8080'


def users(s, *lines):
    """The file, replaced as a whole."""
    path = s.path('users')
    with open(path + '.new', 'w') as f:
        f.write(''.join(x + '\n' for x in lines))
    os.rename(path + '.new', path)
    return path


def listen(**auth):
    return [{'name': 'proxy', 'mode': 'explicit', 'address': '10.1.0.1:8080',
             'authentication': auth}]


def curl(s, user, *args):
    """(exit status, status of the proxy or the server) with a user."""
    login = ('--proxy-user', user) if user else ()
    r = programs.curl(s, '-o', s.path('out'), '-w',
                      '%{http_connect} %{http_code}', '-x', PROXY, *login,
                      *args)
    return r.code, r.text


def raw(s, head, source=None):
    p = peer.Peer(peer.connect(s.client, net.INNER, net.PROXY, source))
    p.send(head)
    return p


def basic(text):
    return 'Proxy-Authorization: Basic %s\r\n' % \
        base64.b64encode(text.encode()).decode()


@scenario
def users_are_asked_for_their_passwords(s):
    """CONNECT, plain HTTP and SOCKS5; the right, the wrong and none; rules by
    user and by list; the server sees nothing of it."""
    with open(s.path('staff'), 'w') as f:
        f.write('alice\nother.example\n')
    s.start(record=False, how=None, lists={'staff': s.path('staff')},
            log={'events': ['flow', 'http']},
            listen=listen(users=users(s, '# ours', ALICE, BOB), realm='Ours'),
            rules=[{'name': 'bob', 'user': ['Bob B'], 'action': 'block',
                    'site': ['blocked.test', 'plain.test']},
                   {'name': 'staff', 'user': ['@staff'], 'action': 'decrypt',
                    'mirror': []},
                   {'name': 'default', 'action': 'bypass'}])
    programs.nginx(s)
    srv = s.serve(81, handler=peer.http(b'plain'), plain=True)
    good, plain = 'https://good.test/', 'http://plain.test:81/'
    equal(curl(s, None, good), (56, '407 000'))
    equal(curl(s, 'alice:wonder', good), (56, '407 000'))
    equal(curl(s, 'nobody:wonder land', good), (56, '407 000'))
    equal(curl(s, 'alice:wonder land', good), (0, '200 200'))
    equal(curl(s, 'alice:wonder land', plain), (0, '000 200'))
    equal(curl(s, 'Bob B:builder', plain), (0, '000 403'))
    equal(curl(s, None, plain), (0, '000 407'))
    check(programs.curl(s, '-x', PROXY, '-i', plain).text.count(
        'Proxy-Authenticate: Basic realm="Ours", charset="UTF-8"') == 1)
    socks = ('--socks5-hostname', '10.1.0.1:8080', good)
    for login, code in (('alice:wonder land', 0), ('alice:no', 97),
                        (None, 97)):
        r = programs.curl(s, *(('--proxy-user', login) if login else ()),
                          *socks)
        equal(r.code, code, login)
    flows = s.d.flows(11)
    seen = [(f['clearspan'].get('user'), f['clearspan'].get('rule'))
            for f in flows if f['flow']['state'] == 'closed' or
            'rule' in f['clearspan']]
    equal(sorted(seen, key=str), sorted([('alice', 'staff')] * 3 +
                                        [('Bob B', 'bob')], key=str))
    equal({e['clearspan']['user'] for e in s.d.events('http')
           if 'user' in e['clearspan']} - {'Bob B'}, {'alice'})
    for p in srv.peers:
        check(b'proxy-auth' not in p.received.lower(), bytes(p.received))
    for word in ('wonder', 'builder'):
        check(word not in s.d.text(), word)
    r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file, 'user=alice',
              'sni=good.test').ok()
    check('verdict: decrypt rule: staff' in r.text, r.text)


@scenario
def many_at_once_are_checked_once_and_guessing_ends(s):
    """Twenty connections with one password; an eleventh wrong one is not
    looked at, and who is known already goes on."""
    s.start(record=False, how=None, workers=1,
            listen=listen(users=users(s, ALICE)))
    srv = s.serve(443)
    got = []
    head = 'CONNECT %s:443 HTTP/1.1\r\nHost: x\r\n' % net.SERVER

    def one(login):
        p = raw(s, (head + basic(login) + '\r\n').encode())
        got.append(p.recv_until(b'\r\n').split()[1])
        p.close()
    threads = [threading.Thread(target=one, args=('alice:wonder land',))
               for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(got, [b'200'] * 20)
    got.clear()
    for i in range(12):
        one('alice:%d' % i)
    one('alice:wonder land')
    equal(got, [b'407'] * 12 + [b'200'])
    why = [f['flow']['reason'] for f in s.d.flows(32)]
    equal(sum('too many wrong passwords lately' in x for x in why), 2)
    equal(sum('user or password is wrong' in x for x in why), 10)
    for bad in ('Basic !!!!', 'Basic YQ==', 'Bearer x', 'Basic ' + 'A' * 2000,
                'Basic AGE6Yg=='):
        p = raw(s, (head + 'Proxy-Authorization: %s\r\n\r\n' % bad).encode())
        equal(p.recv_until(b'\r\n').split()[1], b'407', bad)
    del srv


@scenario
def a_front_says_who_its_clients_are(s):
    """Only where it is trusted; nobody's field goes on to the server; two
    users on one of its connections are two sessions; ICAP is told."""
    s.net.client.ip('addr add %s/24 dev c0\n' % FRONT)
    srv = icap.Script(s)
    service = icap.service(reqmod=srv.url('echo'))
    service['headers'] = ['X-Authenticated-User: %{user-uri}',
                          'X-Client-Username: %{user}']
    icap.start(s, service, record=False, how=None,
               listen=listen(header='X-Authenticated-User',
                             **{'from': [FRONT]}))
    web = s.serve(80, handler=peer.http(b'plain'), plain=True)

    def get(user):
        return ('GET http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\n'
                'x-authenticated-user: %s\r\n\r\n' % user).encode()
    p = raw(s, get('ann') + get('ann') + get('ben'), (FRONT, 0))
    for _ in range(3):
        head = p.recv_until(b'\r\n\r\n')
        check(head.startswith(b'HTTP/1.1 200'), head)
        p.recv_exact(5)
    p.finish()
    q = raw(s, get('mallory'))
    check(q.recv_until(b'\r\n\r\n').startswith(b'HTTP/1.1 200'))
    q.finish()
    equal([f['clearspan'].get('user') for f in s.d.flows(3)],
          ['ann', 'ben', None])
    for x in web.peers:
        check(b'x-authenticated' not in x.received.lower(), bytes(x.received))
    wait(lambda: len(srv.log('REQMOD')) == 4, 'transactions')
    told = [x['headers'] for x in srv.log('REQMOD')]
    uri = base64.b64encode(b'Local://ann').decode()
    equal([x.get('x-client-username') for x in told],
          ['ann', 'ann', 'ben', None])
    equal([x.get('x-authenticated-user') for x in told][::3], [uri, None])
    equal({x['x-client-ip'] for x in told}, {FRONT, net.CLIENT})


@scenario
def a_changed_file_of_users_is_taken_up(s):
    """Whoever is taken out of it is out; one with an error changes nothing."""
    s.start(record=False, how=None, listen=listen(users=users(s, ALICE)))
    programs.nginx(s)
    good = 'https://good.test/'
    equal(curl(s, 'alice:wonder land', good), (0, '200 200'))
    users(s, BOB)
    s.d.metric_is(1, 'clearspan_reloads_total', result='ok')
    equal(curl(s, 'alice:wonder land', good), (56, '407 000'))
    equal(curl(s, 'Bob B:builder', good), (0, '200 200'))
    users(s, BOB, 'x:$apr1$saltsalt$abc')
    s.d.p.send_signal(signal.SIGHUP)
    s.d.wait_log('users:2:3: Apache\'s own MD5 is not taken')
    equal(curl(s, 'Bob B:builder', good), (0, '200 200'))
