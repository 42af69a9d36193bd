"""contrib/trust: the programs of a machine trust our CA, and then no more. All
that it touches is a copy, in the scenario's own mount namespace."""
import os
import shutil

from harness import check, equal, peer, programs, scenario
from harness.net import run as shell

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TRUST = os.path.join(ROOT, 'contrib', 'trust')
URL = 'https://v4.good.test/x'
PYTHON = 'import urllib.request as u; print(u.urlopen("%s").read())' % URL


def copied(s, path):
    """Bind a copy over it."""
    mine = s.path('copy' + path.replace('/', '_'))
    if os.path.isdir(path):
        shutil.copytree(path, mine, symlinks=True)
    else:
        os.makedirs(path, exist_ok=True)
        os.mkdir(mine)
    shell('mount', '--bind', mine, path)


def tree(*tops):
    return sorted(os.path.join(d, f) for top in tops
                  for d, _, files in os.walk(top) for f in files)


def clients(s, env):
    """{program: whether it verifies a forged certificate}"""
    with open(s.path('get.js'), 'w') as f:
        f.write(programs.NODE)
    argv = {
        'curl': ('curl', '-4sS', URL),
        'python': ('/usr/bin/python3', '-c', PYTHON),
        'openssl': ('openssl', 's_client', '-connect', 'v4.good.test:443',
                    '-verify_return_error'),
        'node': ('sh', '-c', 'test ! -f $P || . $P; exec node %s %s' %
                 (s.path('get.js'), URL))}
    got = {k: s.run(s.client, *v, input=b'', env=dict(
        env, P='/etc/profile.d/clearspan-trust.sh')).code == 0
        for k, v in argv.items()}
    # No repository is there; but that is told over a TLS that worked.
    r = s.run(s.client, 'git', 'ls-remote', URL, env=env)
    got['git'] = 'certificate' not in r.errors.lower()
    r = s.run(s.client, 'keytool', '-list', '-keystore',
              '/etc/ssl/certs/java/cacerts', '-storepass', 'changeit')
    got['java'] = 'clearspan-' in r.text
    r = s.run(s.client, 'certutil', '-L', '-d', 'sql:%s/.pki/nssdb' %
              env['HOME'], env=env)
    got['nss'] = 'clearspan-' in r.text
    return got


@scenario(timeout=150, plain=True)
def programs_trust_the_ca_and_then_no_more(s):
    tops = ('/etc/ssl/certs', '/usr/local/share/ca-certificates',
            '/etc/profile.d')
    for top in tops:
        copied(s, top)
    env = {'HOME': s.path('home')}
    os.mkdir(env['HOME'])
    s.start(record=False, mirrors=[],
            rules=[{'name': 'default', 'action': 'decrypt'}])
    s.serve(443, handler=peer.http(b'a page'))

    def trust(verb, code=0):
        r = s.run(s.client, TRUST, verb, s.pki.ca, env=env, timeout=60)
        equal(r.code, code, verb + ': ' + r.text + r.errors)
        return r.text
    before = tree(*tops)
    trust('status', 1)
    trust('add')
    equal([k for k, v in clients(s, env).items() if not v], [], 'after add')
    once = tree(*tops)
    check('there already' in trust('add'))
    equal(tree(*tops), once, 'a second add')
    trust('status')
    trust('remove')
    equal([k for k, v in clients(s, env).items() if v], [], 'after remove')
    equal(sorted(set(tree(*tops)) - set(before)), [], 'files that stay')
    equal(sorted(set(before) - set(tree(*tops))), [], 'files that went')
    check('not there' in trust('remove'))
    r = s.run(s.client, TRUST, 'add', s.pki.ca_key, env=env)
    equal(r.code, 2, r.errors)
