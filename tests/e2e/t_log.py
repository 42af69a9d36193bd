"""The event log tells: what it says joins with what others say, and what we
said ourselves is in it."""
import os

from harness import capture, check, equal, http, icap, net, scenario, wait


def communities(path):
    """What tshark computes of each stream in a capture."""
    text = capture.tshark('-r', path, '--enable-protocol', 'communityid',
                          '-T', 'fields', '-e', 'communityid')
    return {x for x in text.split('\n') if x}


def on_disk(path):
    """The streams in a capture that is made when it has something."""
    return capture.read(path).streams if os.path.exists(path) else []


@scenario
def community_id_is_that_which_a_reader_of_each_mirror_computes(s):
    """With ports: map none joined; and each mirror may show it otherwise."""
    pcap = s.path('disk.pcap')
    s.start(mirrors=[
        {'name': 'recorder', 'interface': 'span0', 'ports': 'map',
         'destination-mac': net.RECORDER_MAC},
        {'name': 'disk', 'pcap': pcap}],
        rules=[{'name': 'default', 'action': 'decrypt',
                'mirror': ['recorder', 'disk']}])
    s.serve(443)
    s.serve(443, address=net.SERVER6)
    for address in (net.SERVER, net.SERVER6):
        s.exchange(b'joined', address=address)
    flows = s.d.flows(2)
    s.rec.streams(2)
    wait(lambda: len(on_disk(pcap)) == 2, 'two streams on disk')
    mapped, kept = communities(s.rec.path), communities(pcap)
    equal((len(mapped), len(kept)), (2, 2), 'flows that tshark told apart')
    equal({f['community_id'] for f in flows}, mapped, 'of the event')
    for n, want in enumerate((mapped, kept)):
        equal({f['clearspan']['mirrors'][n]['community_id'] for f in flows},
              want, 'of mirror %d' % n)
    s.unlike = 'the ports differ'


@scenario
def community_id_without_a_mirror_is_of_the_addresses(s):
    pcap = s.path('same.pcap')
    s.start(mirrors=[{'name': 'recorder', 'pcap': pcap}],
            record=False,
            rules=[{'name': 'seen', 'port': [443], 'action': 'decrypt',
                    'mirror': ['recorder']},
                   {'name': 'unseen', 'action': 'decrypt',
                    'mirror': []}])
    s.serve(443)
    s.serve(444)
    s.exchange(b'seen')
    s.exchange(b'unseen', port=444)
    seen, unseen = s.d.flows(2)
    wait(lambda: on_disk(pcap), 'a stream')
    equal({seen['community_id']}, communities(pcap))
    equal(unseen['clearspan']['mirrors'], [])
    check(unseen['community_id'] != seen['community_id'], unseen)


@scenario
def flow_ids_are_unique_over_workers_and_restarts(s):
    """They began at 1 again, so a page's reference named two sessions."""
    ids = []
    for life in range(2):
        s.start(how='tproxy' if life == 0 else None, record=life == 0)
        if life == 0:
            s.serve(443)
        for n in range(8):
            s.exchange(b'one of many')
        flows = s.d.flows(8 * (life + 1))
        ids = [f['flow_id'] for f in flows]
        s.stop(s.d)
    equal(len(set(ids)), 16, 'different ids')
    check(max(ids) < 1 << 53, 'more than a double holds', max(ids))


def exchange(s, n=1):
    """The n-th http event, once it is there."""
    wait(lambda: len(s.d.events('http')) >= n, '%d exchanges' % n)
    return s.d.events('http')[n - 1]


@scenario
def what_a_service_answered_is_what_the_log_says(s):
    """It was logged as 200 with the length of what did not go on."""
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('block')))
    icap.Little(s)
    p = s.tls()
    got = http.ask(p, '/x?n=5000')
    p.finish()
    equal(got.status, 403)
    e = exchange(s)
    equal(e['http']['status'], 403)
    equal(e['http']['length'], len(got.body), 'what the client got')
    equal(e['clearspan']['answered_by'], 'service')
    equal(e['clearspan']['origin'], {'status': 200, 'length': 5000})


@scenario
def a_page_of_ours_is_in_the_log_with_its_reference(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(None, srv.url('f20'), fail='closed'))
    icap.Little(s)
    p = s.tls()
    got = http.ask(p, '/x?n=5000')
    p.finish()
    check(got.status >= 500, got)
    e = exchange(s)
    ref = '%d.%d' % (e['flow_id'], e['tx_id'])
    equal(e['http']['status'], got.status)
    equal(e['http']['length'], len(got.body))
    equal(e['clearspan']['answered_by'], 'gateway')
    equal(e['clearspan']['reference'], ref)
    equal(e['clearspan']['rule'], 'default')
    check(e['clearspan']['reason'], 'no reason', e)
    check(ref.encode() in got.body, 'the page does not show it', got.body)


@scenario
def a_finding_is_an_alert_however_it_was_answered(s):
    """By a redirect it was none; nor by a page of another status, nor where the
    service only told of it."""
    srv = icap.Script(s)
    found = 'icap=X-Infection-Found:Type%3D0%3B%20Resolution%3D2%3B%20' \
        'Threat%3DTest%3B'
    ways = [('respmod', 'block?status=302', 'blocked', 302),
            ('reqmod', 'block?status=307', 'blocked', 307),
            ('reqmod', 'block?status=201', 'blocked', 201),
            ('respmod', 'block?status=403', 'blocked', 403),
            ('respmod', '204?' + found, 'allowed', 200),
            ('respmod', 'modify?' + found, 'allowed', 200)]
    icap.start(s, *[icap.service(name='s%d' % n, **{way: srv.url(what)})
                    for n, (way, what, _, _) in enumerate(ways)],
               rules=[{'name': 'r%d' % n, 'sni': ['w%d.good.test' % n],
                       'action': 'decrypt', 'mirror': [],
                       'icap': ['s%d' % n]} for n in range(len(ways))] +
               [{'name': 'default', 'action': 'decrypt', 'mirror': []}],
               record=False)
    icap.Little(s)
    for n, (_, what, action, status) in enumerate(ways):
        p = s.tls(name='w%d.good.test' % n)
        equal(http.ask(p, '/x?n=50').status, status, what)
        p.finish()
        wait(lambda: len(s.d.events('alert')) > n, 'an alert for ' + what)
        e = s.d.events('alert')[n]['alert']
        equal((e['action'], e['signature']), (action, 'Test'), what)


@scenario
def sessions_that_we_end_say_how(s):
    """Page, reset, SOCKS answer: each is in the flow event, with what it
    showed; what a peer did itself is not ours."""
    s.start(record=False, mirrors=[], rules=[
        {'name': 'no', 'sni': ['www.good.test'], 'action': 'block'},
        {'name': 'cut', 'sni': ['w1.good.test'], 'action': 'reset'},
        {'name': 'default', 'action': 'decrypt'}])
    s.serve(443)
    p = s.tls(name='www.good.test', alpn=['http/1.1'])
    got = http.ask(p, '/')
    p.finish()
    equal(got.status, 403)
    f = s.d.flows(1)[0]
    equal(f['clearspan']['answer'], {
        'how': 'page', 'status': 403, 'reference': str(f['flow_id'])})
    equal((f['clearspan']['rule'], f['clearspan']['action']), ('no', 'block'))
    check(str(f['flow_id']).encode() in got.body, got.body)
    try:
        s.tls(name='w1.good.test')
        check(False, 'was not reset')
    except OSError:
        pass
    equal(s.d.flows(2)[1]['clearspan']['answer'], {'how': 'reset'})
    p = s.plain(net.PROXY, address=net.INNER)
    p.send(b'CONNECT 10.2.0.2:4 HTTP/1.1\r\nHost: 10.2.0.2:4\r\n\r\n')
    got = http.answer(p, 'GET')
    p.finish()
    equal(got.status, 502)
    f = s.d.flows(3)[2]
    equal(f['clearspan']['answer'], {
        'how': 'page', 'status': 502, 'reference': str(f['flow_id'])})
    p = s.tls()
    p.send(b'x')
    p.recv_exact(1)
    p.rst()
    check('answer' not in s.d.flows(4)[3]['clearspan'], 'a reset of the '
          'client is called ours', s.d.flows(4)[3])


def unread(s):
    return {r: s.d.metric('clearspan_undecrypted_total', reason=r)
            for r in ('starttls', 'tunnel', 'upgrade', 'other')}


def starttls_server(p):
    """Greets, and answers what looks like TLS without having agreed on it."""
    p.send(b'220 hello\r\n')
    while True:
        line = b''
        while not line.endswith(b'\n'):
            c = p.recv(1)
            if not c:
                p.close()
                return
            line += c
        if line[:1] == b'\x16':
            p.send(b'\x16\x03\x03\x00\x01\x00\n')
        else:
            p.send(b'250 ok\r\n')


def says_starttls(s, port):
    p = s.plain(port)
    p.recv_exact(len(b'220 hello\r\n'))
    p.send(b'EHLO x\r\n')
    p.recv_exact(8)
    p.send(b'\x16\x03\x01\x00\x05\x01\x00\x00\x01\n')
    p.recv_exact(7)
    return p.finish()


@scenario
def what_passed_unread_is_counted_and_named(s):
    """TLS that nobody agreed on, mirrored and spliced; a protocol of its own.
    None of them left a trace."""
    s.start(rules=[{'name': 'spliced', 'port': [26], 'action': 'decrypt',
                    'mirror': []},
                   {'name': 'passed', 'port': [27], 'action': 'bypass'},
                   {'name': 'default', 'action': 'decrypt'}])
    for port in (25, 26, 27):
        s.serve(port, plain=True, handler=starttls_server)
    s.serve(7, plain=True)
    s.unlike = 'some are not mirrored'
    for n, port in enumerate((25, 26)):
        says_starttls(s, port)
        f = s.d.flows(n + 1)[n]
        equal(f['clearspan']['why'], 'STARTTLS', port)
        equal(unread(s)['starttls'], n + 1)
    says_starttls(s, 27)            # by a rule: nothing was to be read
    check('why' not in s.d.flows(3)[2]['clearspan'], s.d.flows(3)[2])
    p = s.plain(7)
    p.send(b'\x01\x02 no protocol that we know\n')
    p.recv_exact(1)
    p.finish()
    equal(s.d.flows(4)[3]['clearspan']['why'], 'neither TLS nor HTTP')
    equal(unread(s), {'starttls': 2, 'tunnel': 0, 'upgrade': 0, 'other': 1})


def websocket(p):
    p.recv_until(b'\r\n\r\n')
    p.send(b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n'
           b'Upgrade: websocket\r\n\r\n')
    p.send(p.recv_exact(5))
    p.recv_all()
    p.close()


@scenario
def an_upgrade_is_counted_and_named(s):
    s.start(log={'events': ['flow', 'http']})
    s.serve(443, handler=websocket)
    p = s.tls()
    p.send(b'GET /chat HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade\r\n'
           b'Upgrade: websocket\r\n\r\n')
    p.recv_until(b'\r\n\r\n')
    p.send(b'hello')
    equal(p.recv_exact(5), b'hello')
    p.finish()
    equal(s.d.flows(1)[0]['clearspan']['why'], 'HTTP was left by Upgrade')
    equal(unread(s)['upgrade'], 1)


@scenario
def failed_client_handshakes_count_under_their_own_version(s):
    """One that fails was counted as TLS 1.2, whatever it spoke."""
    s.start()
    s.serve(443)
    for n, (version, label) in enumerate((('1.3', 'TLSv1.3'),
                                          ('1.2', 'TLSv1.2'))):
        try:
            s.tls(lo=version, hi=version, trust=s.pki.root).finish()
            check(False, 'trusted')
        except OSError:
            pass
        s.d.flows(n + 1)
        wait(lambda: s.d.metric('clearspan_handshakes_total', side='client',
                                result='failed') == n + 1, 'it is counted')
        s.d.metric_is(1, 'clearspan_handshakes_total', side='client',
                      version=label, result='failed')


def said(s, text):
    """Lines of the daemon's log at info or above."""
    return [x for x in s.d.text().splitlines()
            if text in x and ' debug: ' not in x]


@scenario
def failures_are_a_line_and_a_row_of_ctl(s):
    """An untrusted server, a client that refuses, a server that is not there:
    `ctl failures` has each by its site, and the log at info tells once."""
    s.start(mirrors=[], record=False, rules=[{'name': 'all',
                                              'action': 'decrypt'}],
            log={'level': 'info'})
    s.serve(443)
    s.serve(444, cert='self')
    for n in range(3):
        try:
            s.tls(trust=s.pki.root).finish()
            check(False, 'the client did not refuse')
        except OSError:
            pass
    s.tls(port=444, name='www.good.test', verify=False).finish()
    try:
        s.tls(port=4, name='w1.good.test')
    except OSError:
        pass
    s.d.flows(5)
    rows = s.d.ctl('failures')['failures']
    equal({(x['site'], x['count'], x['rule']) for x in rows},
          {('good.test', 3, 'all'), ('www.good.test', 1, 'all'),
           ('w1.good.test', 1, 'all')})
    one = s.d.ctl('failures', 'www.good.test')['failures']
    equal([x['site'] for x in one], ['www.good.test'])
    check(one[0]['reason'].startswith('untrusted server: '), one)
    equal(one[0]['client'], net.CLIENT)
    wait(lambda: said(s, 'untrusted server: '), 'a line of the server')
    wait(lambda: said(s, 'to good.test: handshake with client: '),
         'a line of the client')
    wait(lambda: said(s, 'to w1.good.test: connect: '), 'a line of the other')
    check(len(said(s, 'handshake with client: ')) < 3, 'one line each',
          said(s, 'handshake with client: '))


@scenario
def top_tells_who_uses_most(s):
    s.start(mirrors=[], record=False, rules=[{'name': 'all',
                                              'action': 'decrypt'}])
    s.serve(443)
    s.exchange(b'x' * 5000, name='www.good.test')
    s.exchange(b'y', name='good.test')
    s.d.flows(2)
    still = s.tls(name='w1.good.test')      # open
    still.send(b'z' * 20000)
    still.recv_exact(20000)
    wait(lambda: s.d.ctl('top', 'site')['top'][0]['site'] == 'w1.good.test',
         'the open one is first')
    equal([x['site'] for x in s.d.ctl('top', 'site')['top']],
          ['w1.good.test', 'www.good.test', 'good.test'])
    row = s.d.ctl('top', 'rule')['top'][0]
    equal((row['rule'], row['sessions'], row['toserver']), ('all', 3, 25001))
    equal(s.d.ctl('top')['top'][0]['client'], net.CLIENT)
    equal(s.d.ctl('top', 'server')['top'][0]['server'], net.SERVER)
    still.finish()
    r = s.run(s.gateway, s.binary, 'ctl', '-s',
              s.d.conf['control']['socket'], 'top', 'weather')
    check(r.code != 0 and b'client, server, site, rule, app' in r.err, r)


@scenario
def no_http_inside_tls_is_counted_where_a_service_looks(s):
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url('echo'), srv.url('echo')))
    s.serve(443)
    p = s.tls()
    p.send(b'\x01\x02 no protocol that we know\r\n')
    p.recv_exact(1)
    p.finish()
    equal(s.d.flows(1)[0]['clearspan']['why'], 'neither TLS nor HTTP')
    equal(unread(s), {'starttls': 0, 'tunnel': 0, 'upgrade': 0, 'other': 1})
