"""mode: monitor, and the lists of what is not decrypted."""
import os

from harness import check, equal, net, peer, scenario

RULES = [{'name': 'no', 'site': ['www.good.test'], 'action': 'block'},
         {'name': 'think', 'site': ['v6.good.test'], 'action': 'warn'},
         {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}]
WOULD = {'www.good.test': 'block', 'v6.good.test': 'warn',
         'good.test': 'decrypt'}


@scenario
def monitor_passes_all_and_says_what_it_would_do(s):
    s.start(rules=RULES, mode='monitor')
    srv = s.serve(443)
    for name in WOULD:
        s.exchange(name.encode(), name=name, trust=s.pki.root)
    srv.wait(3)
    equal({f['tls']['sni']: [f['clearspan']['action'], f['clearspan']['why']]
           for f in s.d.flows(3)},
          {name: ['bypass', 'monitor: would ' + what]
           for name, what in WOULD.items()})
    s.d.metric_is(3.0, 'clearspan_undecrypted_total', reason='monitor')
    s.mirrored([])


@scenario
def monitor_passes_through_the_proxy(s):
    s.start(record=False, rules=RULES, mode='monitor')
    s.serve(443)
    s.serve(80, plain=True, handler=peer.http(b'hello'))
    s.hosts('%s www.good.test\n' % net.SERVER)
    s.exchange(b'x', name='www.good.test', trust=s.pki.root,
               sock=s.via_proxy('www.good.test', 443))
    c = peer.Peer(s.connect(net.PROXY, net.INNER))
    c.send(b'GET http://www.good.test/ HTTP/1.1\r\nHost: www.good.test\r\n'
           b'\r\n')
    c.recv_until(b'hello')
    c.finish()
    equal([f['clearspan']['why'] for f in s.d.flows(2)],
          ['monitor: would block'] * 2)


@scenario
def lists_that_are_shipped_say_what_passes(s):
    here = os.path.join(os.path.dirname(__file__), '../../etc/lists')
    lists = {n[:-4]: os.path.abspath(os.path.join(here, n))
             for n in sorted(os.listdir(here))}
    equal(sorted(lists), ['banks', 'government', 'health', 'pinned'])
    s.start(record=False, lists=lists, rules=[
        {'name': 'private', 'sni': ['@' + n for n in lists],
         'action': 'bypass'}, {'name': 'default', 'action': 'decrypt'}])
    for name, verdict in (('www.paypal.com', 'bypass'),
                          ('www.mhlw.go.jp', 'bypass'),
                          ('111.nhs.uk', 'bypass'), ('x.gov', 'bypass'),
                          ('1-courier.push.apple.com', 'bypass'),
                          ('www.apple.com', 'decrypt'),
                          ('www.google.com', 'decrypt'),
                          ('notpaypal.com', 'decrypt')):
        r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
                  'sni=' + name)
        check('verdict: %s ' % verdict in r.text, name, r.text, r.errors)
