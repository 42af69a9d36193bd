"""What a configuration asks of this machine: check, run and doctor agree."""
import os
import re

from harness import check, equal, net, scenario
from t_defective import defective


def both(s, **over):
    """What `check` and `run` say of a configuration that both refuse."""
    from harness.case import yaml
    path = s.path('c.yaml')
    with open(path, 'w') as f:
        f.write(yaml(s.conf(**over)))
    said = []
    for verb in ('check', 'run'):
        r = s.run(s.gateway, s.binary, verb, '-c', path)
        equal(r.code, 2, verb + ': ' + r.errors)
        said.append([x for x in r.errors.splitlines() if path + ':' in x])
    equal(said[0], said[1], 'check and run say the same')
    return '\n'.join(said[0])


def mirror(**kind):
    return {'mirrors': [dict(name='m', **kind)],
            'rules': [{'name': 'default', 'action': 'decrypt'}]}


@scenario
def check_refuses_a_mirror_that_is_not_ethernet(s):
    with s.gateway:
        net.run('ip', 'tuntap', 'add', 'dev', 'tun9', 'mode', 'tun')
    text = both(s, **mirror(interface='tun9'))
    check(re.search(r'c.yaml:\d+:\d+: "interface": tun9 is not an Ethernet '
                    r'port; name one that is', text), text)
    at = re.search(r'c.yaml:(\d+):(\d+)', text)
    line = open(s.path('c.yaml')).read().splitlines()[int(at.group(1)) - 1]
    check('tun9' in line[int(at.group(2)) - 1:][:6], line, text)
    # One that is not there may come later.
    from harness.case import yaml
    with open(s.path('d.yaml'), 'w') as f:
        f.write(yaml(s.conf(**mirror(interface='later0'))))
    s.run(s.gateway, s.binary, 'check', '-c', s.path('d.yaml')).ok()


@scenario
def check_refuses_files_that_run_cannot_use(s):
    junk = s.path('junk.pem')
    with open(junk, 'w') as f:
        f.write('no certificate')
    text = both(s, upstream={'trust': junk})
    check(re.search(r'"trust": \S+junk.pem: holds no PEM', text), text)
    text = both(s, upstream={'trust': s.pki.root, 'trust-also': [junk]})
    check(re.search(r'"trust-also": \S+junk.pem: holds no PEM', text), text)
    # A list of revoked certificates, cut in its middle, or none at all.
    root = defective.Maker(s.path('defective'), s.pki.pair('root'))
    whole = open(root.revoke('crl.pem', s.pki.pair('root'))).read()
    with open(s.path('cut.pem'), 'w') as f:
        f.write(whole + whole[:len(whole) // 2])
    for bad, what in ((junk, 'holds no list of revoked certificates'),
                      (s.pki.root, 'holds no list of revoked certificates'),
                      (s.path('cut.pem'), 'a list in it is damaged, or cut')):
        text = both(s, upstream={'trust': s.pki.root, 'crl': [bad]})
        check('c.yaml:' in text and '"crl": %s: %s' % (bad, what) in text,
              text)
    text = both(s, **mirror(pcap=s.path('no/where/a.pcap')))
    check(re.search(r'"pcap": .*the directory \S+no/where does not exist', text),
          text)
    # A key that is not the certificate's.
    text = both(s, icap=[{
        'name': 'scan', 'reqmod': 'icaps://127.0.0.1/x', 'trust': s.pki.root,
        'certificate': s.pki.pair('good')[0], 'key': s.pki.pair('rsa')[1]}])
    check(re.search(r'c.yaml:\d+:\d+: .*do not match', text), text)


@scenario
def check_run_and_doctor_warn_of_a_ca_that_strict_clients_refuse(s):
    from harness.case import yaml
    cert, key = s.path('bare.pem'), s.path('bare.key')
    s.run(s.gateway, 'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
          'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert,
          '-days', '99', '-subj', '/CN=bare', '-config', '/dev/null',
          '-addext', 'basicConstraints=critical,CA:TRUE', '-addext',
          'subjectKeyIdentifier=none', '-addext',
          'keyUsage=critical,keyCertSign').ok()
    os.chmod(key, 0o600)
    conf = s.conf(ca={'certificate': cert, 'key': key})
    with open(s.path('c.yaml'), 'w') as f:
        f.write(yaml(conf))
    words = (re.escape(cert) + ': the certificate has no '
             'subjectKeyIdentifier.*clearspan ca create')
    r = s.run(s.gateway, s.binary, 'check', '-c', s.path('c.yaml')).ok()
    check(re.search(r'c.yaml:\d+:\d+: warning: ' + words, r.errors), r.errors)
    r = s.run(s.gateway, s.binary, 'doctor', '-c', s.path('c.yaml'))
    check(re.search('warn  ca: ' + words, r.text), r.text)
    d = s.spawn(s.gateway, s.binary, 'run', '-c', s.path('c.yaml'))
    d.wait_log('ready')
    check(re.search('warning: ' + words, d.text()), d.text())
    equal(d.end(), 0)
    # The CAs that we make have all of it.
    with open(s.path('d.yaml'), 'w') as f:
        f.write(yaml(s.conf()))
    s.run(s.gateway, s.binary, 'ca', 'create', '--dir', s.path('new')).ok()
    with open(s.path('d.yaml'), 'w') as f:
        f.write(yaml(s.conf(ca={'certificate': s.path('new/ca.pem'),
                                'key': s.path('new/ca.key')})))
    r = s.run(s.gateway, s.binary, 'check', '-c', s.path('d.yaml')).ok()
    check('warning' not in r.errors, r.errors)
