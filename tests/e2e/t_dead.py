"""Destinations that do not answer: transparent clients get the other family of
the name, or are told at once."""
import ssl
import threading

from harness import check, equal, http, net, peer, proc, scenario, wait

DEAD, DEAD6 = '10.2.0.99', 'fd02::99'
RULE = {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}


def hole(s):
    """What goes to these addresses is answered by nobody."""
    s.net.gateway.ip('neigh add %s lladdr 02:00:00:00:00:99 dev gs\n'
                     'neigh add %s lladdr 02:00:00:00:00:99 dev gs\n' %
                     (DEAD, DEAD6))


@scenario
def the_other_family_of_the_name_is_tried(s):
    """IPv6 is dead, or IPv4; decrypted and bypassed; not an address that the
    rules treat otherwise, nor one that clients may not reach."""
    hole(s)
    s.hosts('%s a.good.test b.good.test\n%s a.good.test\n%s b.good.test\n'
            '%s c.good.test d.good.test e.good.test\n'
            '10.2.0.3 c.good.test\n127.0.0.1 d.good.test\n%s e.good.test\n' %
            (net.SERVER, DEAD6, net.SERVER6, DEAD6, net.SERVER))
    s.start(upstream={'connect-timeout': '4s'}, confirm_bypass=False, rules=[
        {'name': 'no', 'server': ['10.2.0.3'], 'action': 'reset'},
        {'name': 'by', 'sni': ['e.good.test'], 'action': 'bypass'}, RULE])
    four, six = s.serve(443), s.serve(443, address=net.SERVER6)
    bad = s.serve(443, address='10.2.0.3')
    made = [s.exchange(b'v4', name='a.good.test', address=DEAD6),
            s.exchange(b'v6', name='b.good.test', address=DEAD)]
    s.exchange(b'bypassed', name='e.good.test', address=DEAD6,
               trust=s.pki.root)
    equal((len(four.wait(2)), len(six.wait(1))), (2, 1))
    flows = s.d.flows(3)
    equal([f['dest_ip'] for f in flows], [net.SERVER, net.SERVER6,
                                          net.SERVER])
    names = ('c.good.test', 'd.good.test')
    ends = []

    def refused(name):
        try:
            s.tls(name=name, address=DEAD6)
        except (OSError, EOFError, proc.Failure):
            ends.append(name)
    threads = [threading.Thread(target=refused, args=(x,)) for x in names]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(sorted(ends), sorted(names))
    equal(len(bad.peers), 0)
    s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])


@scenario
def a_client_that_speaks_late_is_heard_while_its_server_is_dialled(s):
    """It was silent, so its server may speak first; then its words decide all
    that they would have decided before."""
    hole(s)
    s.hosts('%s a.good.test\n%s a.good.test\n' % (net.SERVER, DEAD6))
    s.start(upstream={'connect-timeout': '30s'}, rules=[
        {'name': 'no', 'site': ['no.good.test'], 'action': 'reset'}, RULE])
    tls, http1 = s.serve(443), s.serve(80, plain=True, handler=peer.http(
        b'of the other one'))

    def dialled(port):
        n = s.d.text().count('hello -> connect')
        sock = s.connect(port, DEAD6)
        wait(lambda: s.d.text().count('hello -> connect') > n, 'a dial', 10)
        return sock
    # In two parts: the rest of its hello is waited for as ever.
    p = peer.Peer(dialled(443), peer.client_context(s.pki.ca), 'a.good.test')
    try:
        p.tls.do_handshake()
    except ssl.SSLWantReadError:
        hello = p.bout.read()
    p.sock.sendall(hello[:100])
    wait(lambda: s.d.text().count('connect -> hello') == 1, 'its words', 10)
    p.sock.sendall(hello[100:])
    p.handshake()
    s.clients.append((p.sent, p.received))
    p.send(b'late\n')
    equal(p.recv_exact(5), b'late\n')
    made = [p.finish()]
    ask = b'GET / HTTP/1.1\r\nHost: %s\r\n\r\n'
    c = peer.Peer(dialled(80))
    c.send(ask % b'a.good.test')
    equal(http.answer(c).body, b'of the other one')
    made.append(c.finish())
    no = dialled(80)
    no.sendall(ask % b'no.good.test')
    equal(peer.reset_wait(no), peer.RST)
    equal((len(tls.peers), len(http1.peers)), (1, 1))
    s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])


@scenario
def the_other_family_of_a_host_is_tried(s):
    """In the clear the request has the name; not one that is an address, nor
    one that the rules treat otherwise."""
    hole(s)
    s.hosts('%s a.good.test\n%s a.good.test\n10.2.0.3 c.good.test\n' %
            (net.SERVER, DEAD6))
    s.start(record=False, upstream={'connect-timeout': '2s'}, rules=[
        {'name': 'no', 'server': ['10.2.0.3'], 'action': 'reset'},
        dict(RULE, mirror=[])])
    four = s.serve(80, handler=peer.http(b'of the other one'), plain=True)
    bad = s.serve(80, address='10.2.0.3', plain=True)
    wants = (('a.good.test', 200), ('c.good.test', 504), (net.SERVER, 504))
    got = {}

    def ask(name):
        c = s.plain(80, DEAD6)
        c.send(b'GET / HTTP/1.1\r\nHost: %s\r\n\r\n' % name.encode())
        m = http.answer(c)
        got[name] = m.status, m.body
        c.close()
    threads = [threading.Thread(target=ask, args=(n,)) for n, _ in wants]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal({n: got[n][0] for n, _ in wants}, dict(wants))
    equal(got['a.good.test'][1], b'of the other one')
    equal((len(four.peers), len(bad.peers)), (1, 0))
    flows = {f['clearspan']['host']: f['dest_ip'] for f in s.d.flows(3)}
    equal(flows, {'a.good.test': net.SERVER, 'c.good.test': DEAD6,
                  net.SERVER: DEAD6})


@scenario
def what_is_dead_is_told_at_once_the_next_time(s):
    """Within some seconds nobody waits for it again."""
    hole(s)
    s.start(record=False, workers=1, upstream={'connect-timeout': '2s'},
            rules=[dict(RULE, mirror=[])])
    for _ in range(2):
        try:
            s.tls(address=DEAD)
        except (OSError, EOFError, proc.Failure):
            pass
    a, b = s.d.flows(2)
    check('timed out after 2s' in a['flow']['reason'], a)
    check('timed out a moment ago' in b['flow']['reason'], b)
