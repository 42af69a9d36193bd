"""What the README has a reader type, typed; what check and doctor see."""
import os
import re

from harness import check, scenario


@scenario
def check_says_what_run_would_refuse(s):
    from harness.case import yaml
    junk, nowhere = s.path('junk.pem'), s.path('no/where/eve.json')
    open(junk, 'w').close()
    with open(s.path('c.yaml'), 'w') as f:
        f.write(yaml(s.conf(user='nobody-such', log={'file': nowhere},
                            ca={'certificate': junk})))
    said = [s.run(s.gateway, s.binary, verb, '-c', s.path('c.yaml'))
            for verb in ('check', 'run')]
    for r in said:
        check(r.code == 2, 'status', r.code)
        check(re.search(r'c.yaml:\d+:\d+: "certificate": \S+junk.pem: '
                        'holds no PEM', r.errors), r.errors)
        check(re.search(r'c.yaml:\d+:\d+: "user": there is no user',
                        r.errors), r.errors)
        check(re.search(r'c.yaml:\d+:\d+: "file": no directory .*mkdir -p',
                        r.errors), r.errors)


@scenario
def doctor_and_check_look_with_the_eyes_of_the_user(s):
    from harness.case import yaml
    os.mkdir(s.path('log'), 0o700)
    over = {'user': 'nobody', 'log': {'file': s.path('log/eve.json')},
            'mirrors': [{'name': 'disk', 'pcap': s.path('log/a.pcap')}],
            'rules': [{'name': 'default', 'action': 'decrypt'}]}
    with open(s.path('c.yaml'), 'w') as f:
        f.write(yaml(s.conf(**over)))
    top = s.dir
    while top != '/':           # a tester's directory may be closed
        if not os.stat(top).st_mode & 0o1:
            os.chmod(top, os.stat(top).st_mode | 0o11)
        top = os.path.dirname(top)
    r = s.run(s.gateway, s.binary, 'doctor', '-c', s.path('c.yaml'))
    for what in ('event log', 'mirror disk'):
        check(re.search('FAIL  %s: .*Permission denied' % what, r.text),
              r.text)
    r = s.run(s.gateway, s.binary, 'check', '-c', s.path('c.yaml'))
    check('chown nobody' in r.errors, r.errors)
    os.rmdir(s.path('log'))     # then it is made, and is the user's
    s.start(record=False, user='nobody', log=over['log'])
    check(os.stat(s.path('log')).st_uid != 0, 'owner of the directory')
    # The key is closed to another user: that wants no new CA.
    conf = s.conf()
    with open(s.path('d.yaml'), 'w') as f:
        f.write(yaml(conf))
    r = s.run(s.gateway, 'setpriv', '--reuid', 'nobody', '--clear-groups',
              s.binary, 'doctor', '-c', s.path('d.yaml'))
    check(re.search('may not read.*\n.*mend: .*chown nobody', r.text),
          r.text + r.errors)
    check('ca create' not in r.text, r.text)


@scenario
def doctor_without_a_usable_configuration_looks_at_routing(s):
    with open(s.path('c.yaml'), 'w') as f:
        f.write('listen: 5\n')
    r = s.run(s.gateway, s.binary, 'doctor', '-c', s.path('c.yaml'))
    check('not needed' not in r.text and 'IPv4 is' in r.text, r.text)
