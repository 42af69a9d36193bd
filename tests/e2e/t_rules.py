"""Rules: decrypt, bypass, block, reset; lists; check and explain."""
import os
import re
import ssl

from harness import (Failure, check, equal, mmdb, net, peer, programs, scenario,
                     wait)
from harness.case import yaml

ALL = {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}


def own_certificate(s, p, cert='good'):
    return p.tls.getpeercert(True) == ssl.PEM_cert_to_DER_cert(
        open(s.pki.f(cert + '.pem')).read())


@scenario
def bypass_by_name_is_undecrypted_and_counted(s):
    s.start(rules=[{'name': 'private', 'sni': ['*.good.test'],
                    'action': 'bypass'}, ALL])
    srv = s.serve(443)
    p = s.tls(name='www.good.test', trust=s.pki.root)
    p.send(b'private' * 10000)
    p.recv_exact(70000)
    p.finish()
    check(own_certificate(s, p), 'not the server\'s own certificate')
    f = s.d.flows(1)[0]
    equal((f['clearspan']['action'], f['clearspan']['rule']),
          ('bypass', 'private'))
    check(f['flow']['bytes_toserver'] > 70000, f['flow'])
    check(f['flow']['bytes_toclient'] > 70000, f['flow'])
    equal(f['tls']['sni'], 'www.good.test')
    c = s.exchange(b'seen', name='good.test')
    srv.wait(2)
    s.mirrored([(bytes(c.sent), bytes(c.received))])
    s.d.metric_is(1.0, 'clearspan_sessions_total', action='bypass',
                  rule='private')


@scenario
def bypass_of_plain_http_through_the_proxy_logs_no_url(s):
    s.start(record=False, log={'events': ['flow', 'http']},
            rules=[{'name': 'private', 'host': ['v4.good.test'],
                    'action': 'bypass'}, ALL])
    s.serve(80, handler=peer.http(b'hello'), plain=True)
    for host in (b'v4.good.test', b'10.2.0.2'):
        c = peer.Peer(s.connect(net.PROXY, net.INNER))
        c.send(b'GET http://%s/of-%s HTTP/1.1\r\nHost: x\r\n\r\n' %
               (host, host))
        c.recv_until(b'hello')
        c.finish()
    wait(lambda: s.d.events('http'), 'the other is logged')
    equal([f['clearspan']['action'] for f in s.d.flows(2)],
          ['bypass', 'decrypt'])
    equal([e['http']['url'] for e in s.d.events('http')], ['/of-10.2.0.2'])


@scenario
def bypass_passes_bulk_and_half_close(s):
    s.start(rules=[{'name': 'all', 'action': 'bypass'}])
    big = os.urandom(8 << 20)

    def handler(p):
        p.recv_all()
        p.send(big)
        p.close()
    srv = s.serve(443, handler=handler)
    c = s.tls(trust=s.pki.root)
    c.send(big)
    c.notify()
    c.fin()
    equal(c.recv_all(), big, 'down')
    equal(bytes(srv.wait(1)[0].received), big, 'up')


@scenario
def lists_in_files_with_comments_and_wildcards(s):
    with open(s.path('banks.txt'), 'w') as f:
        f.write('# money\n\nbank.test   # and its children\ngood.test\n')
    with open(s.path('nets.txt'), 'w') as f:
        f.write('10.2.0.3/32\n')
    s.start(lists={'banks': s.path('banks.txt'), 'nets': s.path('nets.txt')},
            rules=[{'name': 'banks', 'sni': ['@banks'], 'action': 'bypass'},
                   {'name': 'nets', 'server': ['@nets'], 'action': 'bypass'},
                   ALL])
    s.serve(443, cert='names')
    s.serve(443, cert='names', address='10.2.0.3')
    for name, address, rule in (('good.test', net.SERVER, 'banks'),
                                ('www.good.test', net.SERVER, 'banks'),
                                ('two.test', net.SERVER, 'default'),
                                ('two.test', '10.2.0.3', 'nets')):
        p = s.tls(name=name, address=address, trust=s.pki.bundle)
        p.send(b'x')
        p.recv_exact(1)
        p.finish()
        equal(own_certificate(s, p, 'names'), rule != 'default',
              name + ' ' + address)
    equal([f['clearspan']['rule'] for f in s.d.flows(4)],
          ['banks', 'banks', 'default', 'nets'])


@scenario
def conditions_of_client_port_and_listener(s):
    s.start(rules=[
        {'name': 'that-client', 'client': ['10.1.0.3/32'],
         'action': 'bypass'},
        {'name': 'that-port', 'port': [444], 'action': 'bypass'},
        {'name': 'the-proxy', 'listener': ['proxy'], 'action': 'bypass'},
        ALL])
    s.serve(443)
    s.serve(444)
    s.exchange(b'x', trust=s.pki.bundle,
               sock=s.connect(443, source=('10.1.0.3', 0)))
    s.exchange(b'x', trust=s.pki.bundle, port=444)
    s.exchange(b'x', trust=s.pki.bundle,
               sock=s.via_proxy('v4.good.test', 443))
    s.exchange(b'x', trust=s.pki.bundle)
    equal([f['clearspan']['rule'] for f in s.d.flows(4)],
          ['that-client', 'that-port', 'the-proxy', 'default'])


@scenario
def reset_resets_both(s):
    s.start(rules=[{'name': 'bad', 'sni': ['good.test'], 'action': 'reset'},
                   ALL])
    s.serve(443)
    try:
        s.tls()
        raise Failure('not reset')
    except ConnectionResetError:
        pass
    f = s.d.flows(1)[0]
    equal((f['clearspan']['action'], f['clearspan']['rule']),
          ('reset', 'bad'))


@scenario
def reset_by_address_needs_no_hello(s):
    s.start(rules=[{'name': 'bad', 'server': [net.SERVER + '/32'],
                    'action': 'reset'}, ALL])
    srv = s.serve(443)
    try:
        sock = s.connect(443)
        sock.sendall(b'x')
        equal(peer.reset_wait(sock), peer.RST)
    except ConnectionResetError:
        pass
    s.d.flows(1)
    equal(len(srv.peers), 0, 'connections at the server')


@scenario
def block_shows_a_page_over_tls_and_in_the_clear(s):
    s.start(rules=[{'name': 'no-entry', 'sni': ['good.test'],
                    'action': 'block'},
                   {'name': 'no-http', 'port': [80], 'action': 'block'},
                   ALL])
    srv = s.serve(443, handler=peer.http())
    s.serve(80, handler=peer.http(), plain=True)
    r = programs.curl(s, '-4', '-i', '--http1.1', 'https://good.test/')
    check('hello' not in r.text, 'not blocked')
    if r.code == 0:
        check(re.match(r'HTTP/1.1 (403|451)', r.text), r.text)
        check('no-entry' in r.text, 'the page names no rule:', r.text)
    c = s.plain(80)
    c.send(b'GET / HTTP/1.1\r\nHost: plain.test\r\n\r\n')
    text = c.recv_all()
    check(text.startswith(b'HTTP/1.1 403') or c.eof == peer.RST, text)
    c.sock.close()
    equal(sum(len(p.received) for p in srv.peers), 0, 'bytes at the server')
    for f in s.d.flows(2):
        equal(f['clearspan']['action'], 'block')


@scenario
def block_in_explicit_mode_is_a_403(s):
    s.start(rules=[{'name': 'no-entry', 'host': ['v4.good.test'],
                    'action': 'block'}, ALL])
    s.serve(80, handler=peer.http(), plain=True)
    c = peer.Peer(s.connect(net.PROXY, net.INNER))
    c.send(b'GET http://v4.good.test/ HTTP/1.1\r\nHost: v4.good.test\r\n\r\n')
    text = c.recv_until(b'\r\n\r\n')
    check(text.startswith(b'HTTP/1.1 403'), text)


@scenario
def connect_is_not_refused_for_what_is_still_to_come(s):
    """A protocol, the server's address, and what an IP literal says of the
    SNI: nothing."""
    s.start(record=False, rules=[
        {'name': 'tls', 'protocol': ['tls'], 'sni': ['good.test'],
         'action': 'decrypt', 'mirror': []},
        {'name': 'there', 'server': ['10.2.0.3'], 'action': 'decrypt',
         'mirror': []},
        {'name': 'not-tls', 'not': {'protocol': ['tls']}, 'action': 'block'},
        {'name': 'rest', 'action': 'block'}])
    s.hosts('10.2.0.3 three.test\n10.2.0.2 good.test two.test\n')
    s.serve(443)
    s.serve(443, address='10.2.0.3', cert='names')
    for host, name in (('good.test', 'good.test'), (net.SERVER, 'good.test'),
                       ('three.test', 'two.test')):
        s.exchange(b'x', name=name, sock=s.via_proxy(host, 443))
    equal([f['clearspan']['rule'] for f in s.d.flows(3)],
          ['tls', 'tls', 'there'])


@scenario
def connect_is_refused_once_nothing_can_allow_it(s):
    """At once by its name; by its address when that is known. CONNECT is
    answered with 200, for a page; there is none for other protocols."""
    s.start(record=False, rules=[
        {'name': 'ours', 'server': ['10.2.0.3'], 'port': [443],
         'action': 'decrypt', 'mirror': []},
        {'name': 'gone', 'port': [444], 'action': 'reset'},
        {'name': 'rest', 'action': 'block'}])
    s.hosts('10.2.0.2 two.test\n')
    srv = s.serve(443, plain=True)
    s.serve(80, plain=True)
    for port in (443, 80):
        c = peer.Peer(s.via_proxy('two.test', port))
        c.send(b'EHLO x\r\n')
        equal(peer.reset_wait(c.sock), peer.RST, 'no page for it')
    c = peer.Peer(s.connect(net.PROXY, net.INNER))
    c.send(b'GET http://two.test:443/ HTTP/1.1\r\nHost: two.test\r\n\r\n')
    text = c.recv_all()
    check(text.startswith(b'HTTP/1.1 403'), text)
    c.sock.close()
    c = peer.Peer(s.connect(net.PROXY, net.INNER))
    c.send(b'\x05\x01\x00')
    equal(c.recv_exact(2), b'\x05\x00')
    c.send(b'\x05\x01\x00\x03\x08two.test\x01\xbb')
    equal(c.recv_exact(2), b'\x05\x02', 'not allowed (RFC 1928, 6)')
    c.sock.close()
    c = peer.Peer(s.connect(net.PROXY, net.INNER))
    c.send(b'CONNECT two.test:444 HTTP/1.1\r\n\r\n')
    equal(peer.reset_wait(c.sock), peer.RST, 'reset resets')
    equal([(f['clearspan']['action'], f['clearspan']['rule'])
           for f in s.d.flows(5)], [('block', 'rest')] * 4 +
          [('reset', 'gone')])
    equal(sum(len(p.received) for p in srv.peers), 0, 'bytes at the server')


@scenario
def plain_http_whose_connect_fails_has_its_rule_in_the_log(s):
    s.start(record=False)
    c = peer.Peer(s.connect(net.PROXY, net.INNER))
    c.send(b'GET http://%s:9/ HTTP/1.1\r\nHost: x\r\n\r\n' %
           net.SERVER.encode())
    check(c.recv_all().startswith(b'HTTP/1.1 502'))
    c.sock.close()
    f = s.d.flows(1)[0]['clearspan']
    equal((f['action'], f['rule']), ('decrypt', 'default'))


@scenario
def a_hello_that_comes_late_may_still_be_allowed(s):
    """The server is connected when the client has been silent for a while:
    by then nothing says that this is not the name that is allowed."""
    s.start(record=False, rules=[
        {'name': 'ours', 'sni': ['good.test'], 'action': 'decrypt',
         'mirror': []},
        {'name': 'rest', 'action': 'block'}])
    srv = s.serve(443)
    sock = s.connect(443)
    wait(lambda: srv.peers, 'the server is connected')
    s.exchange(b'x', sock=sock)
    sock = s.connect(443)
    wait(lambda: len(srv.peers) == 2, 'the server is connected')
    try:
        s.tls(name='two.test', sock=sock)
        raise Failure('not blocked')
    except (ssl.SSLError, OSError):
        pass
    equal([f['clearspan']['rule'] for f in s.d.flows(2)], ['ours', 'rest'])


@scenario
def host_holds_for_transparent_plain_http(s):
    """In one piece, behind an empty line, in two pieces, as a whole URL."""
    s.start(record=False, rules=[
        {'name': 'bad', 'host': ['bad.test'], 'action': 'block'},
        {'name': 'http', 'protocol': ['http'], 'action': 'decrypt',
         'mirror': []}, ALL])
    s.serve(80, handler=peer.http(b'hello'), plain=True)
    for head in ((b'GET / HTTP/1.1\r\nHost: Bad.test:80\r\n\r\n',),
                 (b'\r\nGET / HTTP/1.1\r\nHost: bad.test\r\n\r\n',),
                 (b'GET / HTTP/1.1\r\nX: ', b'y\r\nHost: bad.test\r\n\r\n'),
                 (b'GET http://bad.test/ HTTP/1.1\r\nHost: x\r\n\r\n',)):
        c = s.plain(80)
        for part in head:
            c.send(part)
            s.silence(c, 0.1)   # longer than a client's is trusted
        text = c.recv_all()
        check(text.startswith(b'HTTP/1.1 403'), head, text)
        c.sock.close()
    c = s.plain(80)
    c.send(b'\r\nGET / HTTP/1.1\r\nHost: good.test\r\n\r\n')
    c.recv_until(b'hello')
    c.finish()
    equal([f['clearspan']['rule'] for f in s.d.flows(5)],
          ['bad'] * 4 + ['http'])


@scenario
def not_takes_the_same_keys(s):
    s.start(rules=[{'name': 'others', 'not': {'sni': ['good.test']},
                    'action': 'bypass'}, ALL])
    s.serve(443, cert='names')
    s.exchange(b'x', name='good.test')
    s.exchange(b'x', name='two.test', trust=s.pki.bundle)
    equal([f['clearspan']['rule'] for f in s.d.flows(2)],
          ['default', 'others'])


def write(s, conf, name='c.yaml'):
    with open(s.path(name), 'w') as f:
        f.write(conf if isinstance(conf, str) else yaml(conf))
    return s.path(name)


@scenario
def check_says_file_line_and_column(s):
    good = write(s, s.conf())
    equal(s.run(s.gateway, s.binary, 'check', '-c', good).code, 0)
    bad = write(s, yaml(s.conf()).replace('workers: 2', 'wokers: 2')
                .replace('action: decrypt', 'action: decript'), 'bad.yaml')
    r = s.run(s.gateway, s.binary, 'check', '-c', bad)
    equal(r.code, 2, 'status')
    lines = [x for x in (r.text + r.errors).splitlines() if x]
    equal(len([x for x in lines if re.match(
        re.escape(bad) + r':\d+:\d+: ', x)]), 2, 'errors')
    check('workers' in lines[0], lines)
    check(s.run(s.gateway, s.binary, 'run', '-c', bad).code == 2)


@scenario
def explain_agrees_with_what_is_done(s):
    rules = [{'name': 'private', 'sni': ['*.good.test'], 'action': 'bypass'},
             {'name': 'port', 'port': [444], 'action': 'reset'}, ALL]
    s.start(rules=rules)
    f = s.d.file

    def said(*facts):
        r = s.run(s.gateway, s.binary, 'explain', '-c', f, *facts).ok()
        return r.text.strip().splitlines()
    lines = said('client=10.1.0.2', 'server=10.2.0.2', 'port=443',
                 'sni=www.good.test')
    equal(lines[-1], 'verdict: bypass rule: private')
    lines = said('sni=two.test', 'port=444')
    equal(lines[-1], 'verdict: reset rule: port')
    check('private' in '\n'.join(lines[:-1]), lines)
    equal(said('sni=two.test', 'port=443')[-1],
          'verdict: decrypt rule: default')
    s.serve(443)
    s.exchange(b'x', name='www.good.test', trust=s.pki.root)
    equal(s.d.flows(1)[0]['clearspan']['rule'], 'private')


@scenario
def an_internationalized_name_may_be_in_unicode(s):
    """In a rule, in a list, and in a fact of explain; it is one name."""
    with open(s.path('l'), 'w') as f:
        f.write('b\xfccher.good.test\n!=\xe4.b\xfccher.good.test\n')
    s.start(record=False, lists={'l': s.path('l')}, rules=[
        {'name': 'rule', 'sni': ['=\u4e2d.good.test'], 'action': 'reset'},
        {'name': 'list', 'sni': ['@l'], 'action': 'reset'},
        {'name': 'default', 'action': 'decrypt', 'mirror': []}])
    s.serve(443)
    names = {'\u4e2d.good.test': 'rule', 'x.\u4e2d.good.test': 'default',
             'B\xdcCHER.good.test.': 'list', 'x.b\xfccher.good.test': 'list',
             '\xe4.b\xfccher.good.test': 'default'}
    for name in names:
        wire = name.lower().rstrip('.').encode('idna').decode()
        try:
            s.exchange(b'x', name=wire, verify=False)
            equal(names[name], 'default', 'not reset')
        except ConnectionResetError:
            pass
        for fact in (name, wire):
            r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
                      'sni=' + fact).ok()
            equal(r.text.split()[-1], names[name], fact)
    equal([f['clearspan']['rule'] for f in s.d.flows(len(names))],
          list(names.values()))
    r = s.run(s.gateway, s.binary, 'explain', 'sni=b\xfc cher.example')
    check(r.code == 2 and 'www.example.com' in r.errors, r.errors)


@scenario
def rules_by_country_of_a_database_that_changes(s):
    def write(**prefixes):
        with open(s.path('new'), 'wb') as f:
            f.write(mmdb.countries(**prefixes))
        os.rename(s.path('new'), s.path('geo'))
    write(DE=['10.2.0.2/32'], JP=['fd02::/64'])
    s.start(record=False, geo={'database': s.path('geo')}, rules=[
        {'name': 'there', 'country': ['jp', 'KR'], 'action': 'reset'},
        {'name': 'here', 'country': 'DE', 'action': 'bypass'},
        {'name': 'nowhere', 'country': 'unknown', 'action': 'decrypt'},
        {'name': 'default', 'action': 'block'}])
    s.serve(443)
    s.serve(443, address=net.SERVER6)
    s.serve(443, address='10.2.0.3')
    s.exchange(b'x', trust=s.pki.root)
    s.exchange(b'x', address='10.2.0.3')
    try:
        s.tls(address=net.SERVER6)
        raise Failure('not reset')
    except ConnectionResetError:
        pass
    # A client of the proxy names no address; it counts when it is known.
    s.exchange(b'x', trust=s.pki.root,
               sock=s.via_proxy('v4.good.test', 443))
    equal([[f['clearspan']['rule'], f['clearspan'].get('geo')]
           for f in s.d.flows(4)],
          [['here', {'country_iso_code': 'DE'}], ['nowhere', None],
           ['there', {'country_iso_code': 'JP'}],
           ['here', {'country_iso_code': 'DE'}]])
    lines = s.d.ctl('explain', 'server=10.2.0.2')['lines']
    check('country "DE"' in lines[0]['explained'], lines)
    check('rule: here' in lines[-1]['explained'], lines)
    r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file, 'country=kr')
    check('verdict: reset rule: there' in r.text, r.text + r.errors)

    # One that is broken changes nothing; one that is right is taken.
    with open(s.path('geo'), 'r+b') as f:
        f.truncate(100)
    r = s.run(s.gateway, s.binary, 'ctl', '-s',
              s.d.conf['control']['socket'], 'reload')
    check(r.code == 1 and 'geo": it is not a database' in r.text + r.errors,
          r.text + r.errors)
    s.exchange(b'x', trust=s.pki.root)
    equal(s.d.flows(5)[4]['clearspan']['rule'], 'here')
    write(AT=['10.2.0.0/24'], DE=['10.2.0.3/32'])
    wait(lambda: s.d.metric('clearspan_reloads_total', result='ok') == 1,
         'a reload')
    s.exchange(b'x', address='10.2.0.3', trust=s.pki.root)
    equal(s.d.flows(6)[5]['clearspan']['rule'], 'here')


@scenario
def rules_by_the_mac_address_of_the_client(s):
    """Of both families; of who takes the address of another; and none of a
    client behind another router."""
    s.net.client.ip('link set c0 address 02:00:5e:00:00:07\n'
                    'addr add 10.9.0.2/32 dev lo\n')
    s.net.gateway.ip('neigh flush dev gc\n'
                     'route add 10.9.0.0/24 via 10.1.0.2\n')
    s.start(record=False, rules=[
        {'name': 'that', 'mac': '02:00:5e:00:00:07', 'action': 'bypass'},
        {'name': 'such', 'mac': '02:00:5e:*', 'action': 'bypass'}, {
            'name': 'default', 'action': 'decrypt'}])
    s.serve(443)
    s.serve(443, address=net.SERVER6)
    s.exchange(b'x', trust=s.pki.root)
    s.exchange(b'x', trust=s.pki.root, address=net.SERVER6)
    s.exchange(b'x', trust=s.pki.bundle,
               sock=s.connect(443, source=('10.9.0.2', 0)))
    ether = {'src_mac': '02:00:5e:00:00:07'}
    equal([[f['clearspan']['rule'], f.get('ether')] for f in s.d.flows(3)],
          [['that', ether], ['that', ether], ['default', None]])
    lines = s.d.ctl('explain', 'client=10.1.0.2')['lines']
    check('mac "02:00:5e:00:00:07"' in lines[0]['explained'], lines)
    lines = s.d.ctl('explain', 'client=10.9.0.2')['lines']
    check('a client behind another router' in lines[1]['explained'], lines)

    # Another one has the address now.
    s.net.client.ip('link set c0 address 02:00:5e:00:00:08\n')
    s.net.gateway.ip('neigh flush dev gc\n')
    s.exchange(b'x', trust=s.pki.root)
    f = s.d.flows(4)[3]
    equal([f['clearspan']['rule'], f['ether']],
          ['such', {'src_mac': '02:00:5e:00:00:08'}])
