"""Suricata as an inline device, where it is installed (Debian 13 has it), or
where SURICATA_ROOT is a directory with a release that has it."""
import ipaddress
import random

from harness import Failure, chain, check, device, equal, http, net, peer, \
    scenario, wait

EICAR = (rb'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-'
         rb'ANTIVIRUS-TEST-FILE!$H+H*')
RULES = '''\
alert http any any -> any any (msg:"a page"; http.uri; content:"/page"; sid:1;)
drop http any any -> any any (msg:"EICAR"; file.data; \
content:"EICAR-STANDARD"; sid:2;)
'''


PAGE = random.Random(1).randbytes(1 << 20)
MISSING = None if device.has_suricata() else \
    'there is no suricata here (Debian 13 has the package, 12 does not)'


def addresses(event):
    return {ipaddress.ip_address(event[k]) for k in ('src_ip', 'dest_ip')}


@scenario(skip=MISSING)
def suricata_reads_clear_text_and_blocks_eicar(s):
    """It sees the client's and the server's addresses over both families and
    reports what it blocks; what it passes is whole."""
    d = device.Suricata(s, 'ips1', RULES)
    chain.start(s, [d], [chain.chain(d, verdict_timeout='1s')])
    for a in (net.SERVER, net.SERVER6):
        s.serve(443, address=a, handler=peer.http(
            lambda path: EICAR if 'eicar' in path else PAGE))
        c = s.tls(address=a)
        m = http.ask(c, '/page')
        equal([m.status, m.body], [200, PAGE])
        c.finish()
        c = s.tls(address=a)
        try:
            m = http.ask(c, '/eicar')
            check(EICAR not in m.body, 'EICAR came through')
        except (Failure, OSError):
            pass
        c.sock.close()
    wait(lambda: len(d.events('alert')) >= 4, 'four alerts', 20)
    pairs = [{ipaddress.ip_address(a) for a in p}
             for p in ((net.CLIENT, net.SERVER), (net.CLIENT6, net.SERVER6))]
    for e, p, what in zip(d.events('alert'), (pairs[0], pairs[0], pairs[1],
                                              pairs[1]),
                          ('allowed', 'blocked') * 2):
        equal(e['alert']['action'], what, 'action')
        equal(addresses(e), p, 'addresses of an alert')
        equal(e['http']['hostname'], 'good.test')
    f = s.d.flows(4)
    equal([[x[2] for x in chain.hops(x)] for x in f],
          [['passed'], ['dropped_by_device']] * 2, 'events')
    s.unlike = 'what was blocked is nobody\'s'
