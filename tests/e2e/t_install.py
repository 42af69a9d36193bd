"""What the README has a reader type, typed; what check and doctor see."""
import os
import re
import shutil
import signal

from harness import check, icap, net, scenario, wait

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
CAPS = '+net_admin,+net_raw,+net_bind_service'


def scratch(s, *dirs):
    """Copy-on-write over directories of the system, for this scenario."""
    root = s.path('scratch')
    os.mkdir(root)
    net.run('mount', '-t', 'tmpfs', 'none', root)
    for d in dirs:
        up, work = (os.path.join(root, x + d.replace('/', '_'))
                    for x in ('up', 'work'))
        os.mkdir(up)
        os.mkdir(work)
        net.run('mount', '-t', 'overlay', 'overlay', '-o',
                'lowerdir=%s,upperdir=%s,workdir=%s' % (d, up, work), d)
    s.private()                 # /etc is another now


def readme_steps():
    """The commands of "As a gateway", without their comments."""
    with open(os.path.join(TOP, 'README.md')) as f:
        part = f.read().split('## As a gateway')[1].split('\n## ')[0]
    return [re.sub(r'\s+#.*', '', x).strip()
            for x in re.findall(r'^    (.*)', part, re.M)]


def sh(s, line):
    """One line in the gateway, in the clone."""
    return s.run(s.gateway, 'sh', '-c', 'cd %s && %s' % (TOP, line),
                 timeout=60)


def relayed(s, srv):
    c = s.tls(443, trust='/etc/clearspan/ca.pem')
    c.send(b'as the README says')
    c.recv_exact(18)
    c.finish()
    srv.wait(1)


@scenario(timeout=120, plain=True)
def the_readme_works_as_typed_and_so_does_the_unit(s):
    scratch(s, '/etc', '/usr/local', '/var/log', '/run')
    net.run('mount', '--bind', s.pki.root,
            os.path.realpath('/etc/ssl/certs/ca-certificates.crt'))
    os.environ['PATH'] = '/usr/local/sbin:' + os.environ['PATH']
    srv = s.serve(443)
    daemon = None
    for step in readme_steps():
        step = step.replace('eth1', 'gc')
        if step == 'make install':
            step += ' B=' + os.path.dirname(s.binary)
        if step.endswith('&'):
            daemon = s.spawn(s.gateway, *step[:-1].split(), cwd='/')
            daemon.wait_log('ready')
        elif ' up ' in step:
            s.spawn(s.gateway, *step.split(), name='up').wait_log('confirm')
            sh(s, 'clearspan transparent confirm').ok()
        elif 'doctor' in step:
            check('mend: chown' not in sh(s, step).text, 'doctor')
        else:
            sh(s, step).ok()
    relayed(s, srv)
    wait(lambda: 'good.test' in open('/var/log/clearspan/eve.json').read(),
         'an event')
    daemon.end(signal.SIGTERM)
    # What systemd does of itself for the unit.
    sh(s, 'chown -R clearspan: /var/log/clearspan && rm -rf /run/clearspan '
       '&& install -d -o clearspan /run/clearspan').ok()
    with open('/usr/local/lib/systemd/system/clearspan.service') as f:
        unit = dict(re.findall(r'^(\w+)=(.*)$', f.read(), re.M))
    who = ['setpriv', '--reuid', unit['User'], '--regid', unit['Group'],
           '--clear-groups', '--inh-caps', CAPS, '--ambient-caps', CAPS]
    d = s.spawn(s.gateway, *who, *unit['ExecStart'].split(), name='unit')
    d.wait_log('ready')
    relayed(s, srv)
    d.end(signal.SIGTERM)


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


@scenario(plain=True)
def make_takes_its_variables_from_the_command_line_only(s):
    names = {'B': 'elsewhere', 'V': '', 'Q': 'elsewhere', 'T': 'elsewhere',
             'SAN': 'address', 'S': '77', 'E2E': 'elsewhere',
             'unitdir': 'elsewhere'}

    def would(*argv, env=None):
        words = ['%s=%s' % x for x in (env or {}).items()]
        return s.run(s.gateway, 'env', '-u', 'MAKEFLAGS', '-u', 'MAKELEVEL',
                     *words, 'make', '-n', '-C', TOP, '-W',
                     'src/main/main.c', *argv).ok().text
    targets = 'all', 'e2e', 'install', 'fuzz'
    plain = would(*targets)
    check('-o build/clearspan' in plain, plain[:500])
    for extra in (), ('-e',):
        text = would(*targets, *extra, env=names)
        check('elsewhere' not in text and '-fsanitize=address ' not in text and
              'max_total_time=77' not in text, text[:500])
    text = would('all', 'B=elsewhere', 'SAN=address')
    check('-o elsewhere/clearspan' in text and '-fsanitize=address' in text,
          text[:500])


# What the commands of the guides leave open.
OPEN = {'NAME': 'av', 'FILE': 'new.yaml', 'LOG': '/var/log/clearspan/eve.json'}
# These need a device, a number that is in the log, systemd, or minutes; other
# scenarios have them.
ELSEWHERE = re.compile(r'ctl (device|case|capture|notify)|release \d+|'
                       'systemctl|transparent up|'
                       'quickstart')


def printed(name):
    """The commands of a guide: its indented lines, and those in its text."""
    with open(os.path.join(TOP, 'docs', name)) as f:
        text = f.read()
    lines = re.findall(r'^    (clearspan .*)', text, re.M)
    lines += [re.sub(r'\s+', ' ', x)
              for x in re.findall(r'`(clearspan [^`]*)`', text)]
    for word, means in OPEN.items():
        lines = [re.sub(r'\b%s\b' % word, means, x) for x in lines]
    return [x for x in lines if not ELSEWHERE.search(x)]


@scenario(timeout=120, plain=True)
def the_guides_work_as_printed(s):
    """With the paths that they have, on a daemon that has them, too; doctor
    may find something."""
    from harness.case import yaml
    scratch(s, '/etc', '/var/log', '/run')
    os.environ['PATH'] = os.path.dirname(s.binary) + ':' + os.environ['PATH']
    sh(s, 'install -d /etc/clearspan /var/log/clearspan /run/clearspan && '
       'clearspan ca create --dir /etc/clearspan').ok()
    conf = yaml(s.conf(
        ca={'certificate': '/etc/clearspan/ca.pem',
            'key': '/etc/clearspan/ca.key'}, mirrors=[],
        log={'file': '/var/log/clearspan/eve.json'},
        control={'socket': '/run/clearspan/control.sock'},
        quarantines=[{'name': 'all'}], endpoints={'inside': ['10.1.0.0/24']},
        icap=[{'name': 'av', 'reqmod': 'icap://127.0.0.1:1344/echo'}],
        rules=[{'name': 'default', 'action': 'decrypt'}]))
    for path in '/etc/clearspan/clearspan.yaml', s.path('new.yaml'):
        with open(path, 'w') as f:
            f.write(conf)
    icap.Script(s)
    s.net.steer('tproxy', s.binary, (net.PROXY,))
    s.spawn(s.gateway, s.binary, 'run', cwd='/').wait_log('ready')
    relayed(s, s.serve(443))
    os.mkdir(s.path('etc'))     # as in the source's directory
    shutil.copy(os.path.join(TOP, 'etc', 'three-tiers.yaml'), s.path('etc'))
    lines = printed('operating.md') + printed('migrating.md')
    check(len(lines) > 20, lines)
    for line in lines:
        r = s.run(s.gateway, 'sh', '-c', line, cwd=s.dir)
        check(r.code == 0 or line == 'clearspan doctor', line, r.text,
              r.errors)
