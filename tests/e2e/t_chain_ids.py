"""Suricata as an inline device, where it is installed (Debian 13 has it), or
where SURICATA_ROOT is a directory with a release that has it."""
import ipaddress

from harness import Failure, chain, check, device, equal, http, net, peer, \
    scenario, wait

EICAR = (rb'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-'
         rb'ANTIVIRUS-TEST-FILE!$H+H*')
RULES = '''\
alert http any any -> any any (msg:"a page"; http.uri; content:"/page"; sid:1;)
drop http any any -> any any (msg:"EICAR"; file.data; \
content:"EICAR-STANDARD"; sid:2;)
'''


def suricata_reads_clear_text_and_blocks_eicar(s):
    """It sees the client's and the server's addresses over both families and
    reports what it blocks; what it passes is whole."""
    d = device.Suricata(s, 'ips1', RULES)
    chain.start(s, [d], [chain.chain(d, verdict_timeout='1s')])
    for a in (net.SERVER, net.SERVER6):
        s.serve(443, address=a, handler=peer.http(
            lambda path: EICAR if 'eicar' in path else b'hello' * 5000))
        c = s.tls(address=a)
        m = http.ask(c, '/page')
        equal([m.status, m.body], [200, b'hello' * 5000])
        c.finish()
        c = s.tls(address=a)
        try:
            m = http.ask(c, '/eicar')
            check(EICAR not in m.body, 'EICAR came through')
        except (Failure, OSError):
            pass
        c.sock.close()
    wait(lambda: len(d.events('alert')) >= 4, 'four alerts', 20)
    for e, a, b in zip(d.events('alert'), (net.CLIENT, net.CLIENT,
                                           net.CLIENT6, net.CLIENT6),
                       ('allowed', 'blocked') * 2):
        equal(e['alert']['action'], b, 'action')
        check(ipaddress.ip_address(a) in map(
            ipaddress.ip_address, (e['src_ip'], e['dest_ip'])), e)
        equal(e['http']['hostname'], 'good.test')
    f = s.d.flows(4)
    equal([[x[2] for x in chain.hops(x)] for x in f],
          [['passed'], ['dropped_by_device']] * 2, 'events')
    s.unlike = 'what was blocked is nobody\'s'


if device.has_suricata():
    scenario(suricata_reads_clear_text_and_blocks_eicar)
