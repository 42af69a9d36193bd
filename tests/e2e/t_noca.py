"""Without any CA: a firewall by name."""
from harness import check, equal, net, peer, scenario
from harness.case import yaml

RULES = [{'name': 'bad', 'site': ['www.good.test'], 'action': 'block'},
         {'name': 'gone', 'site': ['two.test'], 'action': 'reset'},
         {'name': 'rest', 'action': 'bypass'}]


@scenario
def without_a_ca_names_are_let_through_blocked_and_reset(s):
    net.run('mkdir', '-p', '/etc/clearspan')
    net.run('mount', '-t', 'tmpfs', 'tmpfs', '/etc/clearspan')
    made = s.conf

    def conf(**over):
        c = made(mirrors=[], **over)
        del c['ca']
        return c
    s.conf = conf
    d = s.start(record=False, rules=RULES)
    s.serve(443)
    s.serve(80, plain=True, handler=peer.http(b'a page'))
    s.exchange(ctx=peer.client_context(s.pki.root))     # the real one
    for name in 'www.good.test', 'two.test':
        try:
            s.tls(name=name, verify=False)
            check(False, name + ' got through')
        except (ConnectionResetError, OSError):
            pass
    p = s.plain(80)
    p.send(b'GET / HTTP/1.1\r\nHost: www.good.test\r\n\r\n')
    check(b' 403 ' in p.recv_until(b'\r\n'), 'a page for plain HTTP')
    p.close()
    f = d.flows(4)
    equal([x['clearspan']['rule'] for x in f], ['rest', 'bad', 'gone', 'bad'])
    equal(d.ctl('caches')['leaf_certificates']['forged'], 0)
    s.reload(rules=[{'name': 'all', 'action': 'decrypt'}], mode='monitor')
    s.exchange(ctx=peer.client_context(s.pki.root))
    file = s.path('decrypts.yaml')
    with open(file, 'w') as out:
        out.write(yaml(s.conf(rules=[{'name': 'all', 'action': 'decrypt'}])))
    r = s.run(s.gateway, s.binary, 'check', '-c', file)
    equal(r.code, 2)
    check('ca create' in r.errors, r.errors)
