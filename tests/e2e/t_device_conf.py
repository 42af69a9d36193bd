"""Devices and chains before any session: check, run, explain and doctor."""
import os
import re

from harness import chain, check, device, equal, net, scenario
from harness.case import yaml

from t_here import both


def write(s, devices, **over):
    with open(s.path('c.yaml'), 'w') as f:
        f.write(yaml(s.conf(**chain.conf(devices, [chain.chain(
            {'name': 'ips', 'devices': [chain.name(d) for d in devices]})],
            **over))))
    return s.path('c.yaml')


@scenario
def check_refuses_a_port_of_a_device_that_is_not_ethernet(s):
    with s.gateway:
        net.run('ip', 'tuntap', 'add', 'dev', 'tun9', 'mode', 'tun')
    over = chain.conf([{'name': 'ips1', 'inside': 'later0',
                        'outside': 'tun9'}], [chain.chain(
                            {'name': 'ips', 'devices': ['ips1']})])
    text = both(s, **over)
    check(re.search(r'c.yaml:\d+:\d+: "outside": tun9 is not an Ethernet '
                    r'port', text), text)
    check('later0' not in text, 'one that is not there may come later', text)


@scenario
def check_refuses_a_file_to_block_that_the_daemon_may_not_read(s):
    """It is root that reads the configuration, and nobody that sends it."""
    path = s.path('eicar')
    with open(path, 'w') as f:
        f.write('something bad')
    os.chmod(path, 0o600)

    def over():
        return chain.conf([{'name': 'ips1', 'inside': 'i0', 'outside': 'o0'}],
                          [chain.chain({'name': 'ips', 'devices': ['ips1']})],
                          user='nobody')
    conf = over()
    conf['devices'][0]['health'] = {'must-block': path}
    text = both(s, **conf)
    check(re.search(r'c.yaml:\d+:\d+: "must-block": the user nobody may not '
                    r'read \S+eicar; .*chown nobody', text), text)
    conf['devices'][0]['health'] = {'must-block': path + '.no'}
    text = both(s, **conf)
    check('eicar.no": No such file or directory; write the path' in text, text)


@scenario
def check_warns_of_what_nothing_uses(s):
    d = [{'name': n, 'inside': n + 'i', 'outside': n + 'o'}
         for n in ('ips1', 'ips2')]
    path = s.path('c.yaml')
    with open(path, 'w') as f:
        f.write(yaml(s.conf(**chain.conf(
            d, [chain.chain({'name': 'ips', 'devices': ['ips1']})],
            [{'name': 'default', 'action': 'decrypt'}]))))
    r = s.run(s.gateway, s.binary, 'check', '-c', path).ok()
    check(re.search(r'warning: no chain uses the device "ips2"', r.errors),
          r.errors)
    check(re.search(r'warning: no rule uses the chain "inspect"', r.errors),
          r.errors)


@scenario
def doctor_says_which_ports_of_devices_are_not_free(s):
    d = [device.Bridge(s, n) for n in ('good', 'home', 'mtu')]
    s.gateway.ip('addr add 10.99.0.1/24 dev homei\nlink set mtuo mtu 1400\n')
    path = write(s, d + [{'name': 'gone', 'inside': 'no0', 'outside': 'no1'}])
    r = s.run(s.gateway, s.binary, 'doctor', '-c', path)
    for words in (r'ok    device good: goodi and goodo are free, MTU 1500',
                  r'FAIL  device home: homei has an address.*\n'
                  r' +mend: ip addr flush dev homei',
                  r'warn  device mtu: the MTU of mtui is 1500, that of mtuo '
                  r'1400.*\n +mend: ip link set mtuo mtu 1500',
                  r'FAIL  device gone: no interface no0',
                  r'ok    devices: network namespaces can be made'):
        check(re.search(words, r.text), words, r.text)
    equal(r.code, 1)


@scenario
def explain_shows_the_chain_and_the_device_of_a_pair(s):
    d = [{'name': 'ips%d' % i, 'inside': 'i%d' % i, 'outside': 'o%d' % i}
         for i in (1, 2, 3)]
    path = write(s, d)

    def of(*facts):
        text = s.run(s.gateway, s.binary, 'explain', '-c', path, 'port=443',
                     *facts).ok().text
        return text.splitlines()[-2:]
    equal(of('sni=good.test'), ['chain inspect: ips (ips1, ips2, ips3)',
                                'verdict: decrypt rule: default'])
    some = set()
    for i in range(20):
        a, b = 'client=10.1.0.%d' % i, 'server=10.2.0.1'
        line = of('sni=good.test', a, b)[0]
        some.add(line.split(' -> ')[1])
        equal(of('sni=good.test', 'server=10.1.0.%d' % i,
                 'client=10.2.0.1')[0], line, 'the other way round')
    equal(some, {'ips1', 'ips2', 'ips3'})
    check('not used' in of('protocol=http')[0], of('protocol=http'))
