"""The zones of devices around a running daemon: doctor, the helper, reload."""
import os
import re
import shutil
import signal
import subprocess

from harness import chain, check, device, equal, net, scenario, wait
from harness.case import yaml


def doctor(s):
    return s.run(s.gateway, s.binary, 'doctor', '-c', s.d.file)


def zones(s):
    """The namespaces that the helper holds, by the port of a device in it."""
    out = {}
    for pid in chain.helper(s):
        for fd in os.listdir('/proc/%d/fd' % pid):
            path = '/proc/%d/fd/%s' % (pid, fd)
            if os.readlink(path).startswith('net:['):
                z = net.Namespace.__new__(net.Namespace)
                z.name, z.path, z.saved = 'zone', path, []
                for port in re.findall(r'^(\w+)@?\S* ', z.run(
                        'ip', '-br', 'link'), re.M):
                    out[port] = z
    return out


@scenario
def doctor_looks_into_the_zones_of_a_running_daemon(s):
    d = device.Bridge(s, 'ips1')
    chain.start(s, [d], [chain.chain(d)], record=False)
    for port in (d.inside, d.outside):
        check('device ips1: %s is up in its zone, MTU 1500, offloads off' %
              port in doctor(s).text, doctor(s).text)
    check('ips1: process' not in doctor(s).text, doctor(s).text)
    z = zones(s)[d.outside]
    with z:
        p = subprocess.Popen(['sleep', '600'])
        net.run('ip', 'link', 'add', 'leak0', 'type', 'veth', 'peer', 'name',
                'leak1')
        net.run('ip', 'link', 'set', 'leak0', 'up')
        net.run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
    r = doctor(s)
    p.kill()
    p.wait()
    for words in ('leak0 is in the zone of ' + d.outside,
                  'the zone of %s forwards packets' % d.outside,
                  r'process %d \(sleep\) is in the zone' % p.pid):
        check(re.search(words, r.text), words, r.text)
    equal(r.code, 1)


@scenario
def a_device_that_was_never_up_is_told_of(s):
    """A port that is missing at the start, or comes without a link."""
    d = s.start(record=False, mirrors=[],
                devices=[{'name': 'ips1', 'inside': 'no0',
                          'outside': 'no1'}],
                chains=[{'name': 'c', 'slots': [
                    {'name': 'ips', 'devices': ['ips1']}]}],
                rules=[{'name': 'default', 'action': 'decrypt',
                        'chain': 'c'}])
    d.wait_log('device ips1 is down: its inside port is missing')
    d.metric_is(0, 'clearspan_device_changes_total', device='ips1')


@scenario
def the_helper_has_nothing_of_the_daemon(s):
    """One socket, a namespace for each port and its own, four capabilities;
    a daemon that dropped all that it does not need."""
    d = device.Bridge(s, 'ips1')
    os.chmod(s.path('.'), 0o777)
    chain.start(s, [d], [chain.chain(d)], record=False, user='nobody')
    pid, = chain.helper(s)
    fds = [os.readlink('/proc/%d/fd/%s' % (pid, fd))
           for fd in os.listdir('/proc/%d/fd' % pid)]
    equal(sorted(x.split(':')[0] for x in fds
                 if not x.startswith('/')), ['net'] * 3 + ['socket'])

    def status(pid, key):
        with open('/proc/%d/status' % pid) as f:
            return re.search(r'^%s:\s*(\S+)' % key, f.read(), re.M).group(1)
    equal(int(status(pid, 'CapBnd'), 16), 0x203400)
    equal(int(status(s.d.pid, 'CapEff'), 16), 0x3400)
    check(status(s.d.pid, 'Uid') != '0', 'the daemon is root')


@scenario
def the_end_of_the_helper_is_told_of(s):
    d = device.Bridge(s, 'ips1')
    chain.start(s, [d], [chain.chain(d)], record=False)
    s.d.metric_is(1, 'clearspan_zone_helper_up')
    check('no zone helper' not in doctor(s).text, doctor(s).text)
    pid, = chain.helper(s)
    os.kill(pid, signal.SIGKILL)
    s.d.wait_log('error: the zone helper has ended')
    chain.down(s, d)
    s.d.metric_is(0, 'clearspan_zone_helper_up')
    equal(s.d.ctl('devices')['devices'][0]['why'],
          'the zone helper has ended')
    r = doctor(s)
    check(re.search(r'^FAIL  devices: the running clearspan has no zone '
                    r'helper.*\n      mend: start clearspan again', r.text,
                    re.M), r.text)
    equal(r.code, 1)


# What docs/devices.md tells to write.
UNIT = ['[Service]', 'AmbientCapabilities=CAP_SYS_ADMIN',
        'CapabilityBoundingSet=CAP_SYS_ADMIN', 'RestrictNamespaces=net',
        'ProtectKernelTunables=no']
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..')


@scenario
def what_the_systemd_unit_lacks_is_named(s):
    with open(TOP + '/docs/devices.md') as f:
        check(''.join('    %s\n' % x for x in UNIT) in f.read(), 'the docs')
    words = 'systemctl edit clearspan, with the lines ' + ', '.join(UNIT)
    d = device.Bridge(s, 'ips1')
    file = s.path('clearspan.yaml')
    with open(file, 'w') as f:
        f.write(yaml(s.conf(**chain.conf([d], [chain.chain(d)]))))
    r = s.run(s.gateway, 'setpriv', '--bounding-set=-sys_admin', s.binary,
              'run', '-c', file)
    check(r.code != 0 and words in r.errors, r.code, r.errors)

    def asks():
        return words in s.run(s.gateway, s.binary, 'doctor', '-c', file).text
    net.run('mount', '-t', 'tmpfs', 'tmpfs', '/run')    # ours alone
    unit = '/run/systemd/system/clearspan.service'
    os.makedirs(unit + '.d')
    shutil.copy(TOP + '/etc/clearspan.service', unit)
    check(asks(), 'doctor says nothing of the unit')
    with open(unit + '.d/override.conf', 'w') as f:
        f.write('\n'.join(UNIT) + '\n')
    check(not asks(), 'doctor is not content with the drop-in')


@scenario
def check_counts_devices_and_chains(s):
    d = [device.Bridge(s, 'ips1'), device.Bridge(s, 'ips2')]
    with open(s.path('clearspan.yaml'), 'w') as f:
        f.write(yaml(s.conf(**chain.conf(d, [chain.chain(*d)]))))
    r = s.run(s.gateway, s.binary, 'check', '-c', s.path('clearspan.yaml'))
    check(r.ok().text.endswith('all right (listeners: 2, rules: 1, mirrors: '
                               '1, devices: 2, chains: 1)\n'), r.text)


@scenario
def the_first_device_takes_a_restart_and_the_second_does_not(s):
    one, two = device.Bridge(s, 'ips1'), device.Bridge(s, 'ips2')
    s.start()
    with open(s.d.file, 'w') as f:
        f.write(yaml(s.conf(**chain.conf([one], [chain.chain(one)]))))
    s.d.p.send_signal(signal.SIGHUP)
    s.d.wait_log('needs a restart: devices, as it was started without any')
    s.d.end()
    chain.start(s, [one], [chain.chain(one)])
    s.reload(**chain.conf([one, two], [chain.chain(chain.slot(
        one, two))]))
    chain.up(s, one, two)
    s.reload(**chain.conf([two], [chain.chain(two)]))
    wait(lambda: one.inside in s.gateway.run('ip', '-br', 'link'),
         'the port of ips1 back')
