"""Suricata reads our mirrors, where it is installed (Debian 13 has it), or where
SURICATA_ROOT is a directory with a release that has it; and what it finds comes
back to us."""
import json
import os
import time

from harness import check, device, equal, net, peer, programs, scenario, \
    wait
from harness.case import whole_lines
from harness.h2_programs import URL, curl
from harness.peer import RST, reset_wait
from t_contained import files, get, reports, status
from t_h2_mirror import FILES, mirrors_agree, start
from t_sensors import verdicts

MISSING = None if device.has_suricata() else \
    'there is no suricata here (Debian 13 has the package, 12 does not)'
CONF = '''%YAML 1.1
---
default-log-dir: {dir}
logging: {{outputs: [{{console: {{enabled: yes}}}}]}}
outputs: [{{eve-log: {eve}}}]
af-packet: [{{interface: rec0, threads: 1, use-mmap: yes, tpacket-v3: no,
  cluster-id: 93, cluster-type: cluster_flow}}]
app-layer: {{protocols: {{http: {{enabled: yes}}}}}}
stream: {{memcap: 32mb, checksum-validation: yes, reassembly: {{memcap: 32mb}}}}
flow: {{memcap: 32mb, hash-size: 4096, prealloc: 100}}
rule-files: [{dir}/ids.rules]
'''
RULES = '''\
alert http any any -> any any (msg:"EICAR came"; file.data; \
content:"EICAR-STANDARD"; classtype:trojan-activity; target:dest_ip; sid:7; \
priority:1;)
'''
EICAR = (rb'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-'
         rb'ANTIVIRUS-TEST-FILE!$H+H*')


def suricata(s, ns, eve, *args):
    """Its directory, and the arguments that run it there."""
    where = s.path('suricata')
    os.mkdir(where)
    for name, text in (('ids.rules', RULES), ('conf.yaml', CONF.format(
            dir=where, eve=json.dumps(eve)))):
        with open(os.path.join(where, name), 'w') as f:
            f.write(text)
    chroot = ()
    if device.RELEASE:
        os.makedirs(device.RELEASE + where, exist_ok=True)
        net.run('mount', '--bind', where, device.RELEASE + where)
        chroot = ('chroot', device.RELEASE)
    return where, [*chroot, 'suricata', '-c', where + '/conf.yaml', '-l',
                   where, *args]


def conversations(s):
    """Streams of one connection, on a mirror that shows each by itself, on
    disk: [(target, status, length)]."""
    start(s)
    programs.nginx(s, files=FILES)
    names = ['object-%d' % i for i in range(20)] * 2 + ['nothing']
    out = ['-Z']
    for i, name in enumerate(names):
        out += ['-o', '/dev/null', URL + '%s?%d' % (name, i)]
    curl(s, *out).ok()
    s.d.flows(1)
    mirrors_agree(s)
    return sorted(('/%s?%d' % (n, i), 200 if n in FILES else 404,
                   len(FILES.get(n, b''))) for i, n in enumerate(names))


def conversed(got, want):
    """All were read so; of what nginx says itself the length is its own."""
    got = sorted(got)
    equal([x[:2] for x in got], [x[:2] for x in want])
    equal([x for x in got if x[1] == 200], [x for x in want if x[1] == 200])


def watched(s, **over):
    """A gateway whose mirror a sensor reads, and responses to what it says."""
    s.start(**dict({
        'record': False, 'quarantines': [{'name': 'all'}],
        'rules': [{'name': 'default', 'action': 'decrypt',
                   'mirror': ['recorder']}],
        'endpoints': {**files(s), 'inside': ['10.1.0.0/24', 'fd01::/64']}},
        **over))
    s.unlike = 'a sensor reads it'


def serve_eicar(s):
    s.serve(443, handler=peer.http(lambda path: EICAR if 'eicar' in path else
                                   b'clean'), alpn=['http/1.1'])


def meets_eicar(s):
    """The seconds from its request to the end of another session of the
    client's."""
    s.serve(444)
    idle = s.tls(444)
    idle.send(b'\1x')
    equal(idle.recv_exact(2), b'\1x')
    at = time.monotonic()
    get(s, 'https://www.good.test/eicar')
    equal(reset_wait(idle.sock), RST)
    return time.monotonic() - at


@scenario(skip=MISSING, timeout=120)
def suricata_reads_streams_of_http2_as_conversations(s):
    """Every one is an http event, and nothing on TCP's level is amiss."""
    want = conversations(s)
    where, argv = suricata(s, s.gateway, {
        'enabled': 'yes', 'filename': 'eve.json', 'types': [
            {'http': {'extended': 'yes'}}, 'anomaly',
            {'stats': {'totals': 'yes'}}]})
    with open(s.path('disk.pcapng'), 'rb') as f, \
            open(where + '/disk.pcapng', 'wb') as g:
        g.write(f.read())
    s.run(s.gateway, *argv, '-k', 'all', '-r', where + '/disk.pcapng',
          timeout=60).ok()
    events = list(map(json.loads, whole_lines(where + '/eve.json')))
    conversed(((e['http']['url'], e['http']['status'], e['http']['length'])
               for e in events if e['event_type'] == 'http'), want)
    equal([e for e in events if e['event_type'] == 'anomaly'], [])
    stats = [e['stats'] for e in events if e['event_type'] == 'stats'][-1]
    for part, name in (('decoder', 'invalid'), ('tcp', 'invalid_checksum'),
                       ('tcp', 'reassembly_gap'), ('tcp', 'pkt_on_wrong_thread'),
                       ('tcp', 'overlap'), ('tcp', 'insert_data_overlap_fail'),
                       ('tcp', 'segment_memcap_drop'), ('tcp', 'no_flow')):
        equal(stats[part].get(name, 0), 0, name)
    check(stats['tcp']['syn'] >= len(want), stats['tcp'])
    equal(stats['tcp']['syn'], stats['tcp']['synack'])


@scenario(skip=MISSING, timeout=120)
def suricata_sees_eicar_and_its_endpoint_is_contained(s):
    """Over HTTPS, on the mirror; from the alert to the last packet in under a
    second; the rule says who was hit."""
    where, argv = suricata(s, s.net.recorder, {
        'enabled': 'yes', 'filetype': 'unix_stream',
        'filename': s.path('suricata') + '/eve.sock', 'types': ['alert']},
        '--af-packet=rec0', '--runmode', 'workers', '-k', 'none')
    s.hosts('10.2.0.2 good.test v4.good.test www.good.test\n')
    watched(s, sensors=[{'name': 'ids', 'eve': 'unix:%s/eve.sock' % where}],
            responses=[{'when': {'severity': '>=8'}, 'do': 'quarantine',
                        'profile': 'all', 'for': '1h'}])
    ids = s.spawn(s.net.recorder, *argv, name='suricata')
    ids.wait_log('Engine started', 60)
    serve_eicar(s)
    equal(status(get(s, 'https://www.good.test/clean')), '200')
    seconds = meets_eicar(s)
    check(seconds < 1 * s.slow, seconds)
    v = verdicts(s, 1)[0]
    equal([v['product'], v['signature'], v['endpoint'], v['result']],
          ['suricata', 'EICAR came', net.CLIENT, 'done'])
    check(v['seconds'] < 0.5, v)
    equal(reports(s, 1)[0]['endpoint'], net.CLIENT)
    wait(lambda: status(get(s, 'https://www.good.test/clean')) == '403',
         'the page')
