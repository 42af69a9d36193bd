"""contrib/trust: the programs of a machine trust our CA, and then no more. All
that it touches is a copy, in the scenario's own mount namespace. Docker is
there as skopeo, which pulls images with the same rules and needs no daemon."""
import hashlib
import io
import json
import os
import shutil
import tarfile

import t_go
from harness import check, equal, peer, programs, scenario
from harness.net import run as shell

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TRUST = os.path.join(ROOT, 'contrib', 'trust')
URL = 'https://v4.good.test/x'
DOCKER = None if shutil.which('skopeo') else 'no skopeo on this machine'
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


def layer():
    """A tar of one file."""
    out, text = io.BytesIO(), b'a layer of little use\n' * 5000
    with tarfile.open(fileobj=out, mode='w') as tar:
        member = tarfile.TarInfo('little.txt')
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return out.getvalue()


LAYER = layer()
MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json'


def registry(s):
    """A registry of one image, by HTTP API V2."""
    def blob(data, kind):
        blobs['sha256:' + hashlib.sha256(data).hexdigest()] = data
        return {'mediaType': 'application/vnd.docker.' + kind,
                'size': len(data),
                'digest': 'sha256:' + hashlib.sha256(data).hexdigest()}
    blobs = {}
    config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'rootfs': {
        'type': 'layers', 'diff_ids': [
            'sha256:' + hashlib.sha256(LAYER).hexdigest()]}}).encode()
    manifest = json.dumps({
        'schemaVersion': 2, 'mediaType': MANIFEST_TYPE,
        'config': blob(config, 'container.image.v1+json'),
        'layers': [blob(LAYER, 'image.rootfs.diff.tar')]}).encode()

    def answer(path):
        last = path.rsplit('/', 1)[-1]
        return manifest if '/manifests/' in path else blobs.get(last, b'{}')
    s.serve(443, handler=peer.http(answer, kind=MANIFEST_TYPE.encode()))
    return blobs


def pull(s, env, to):
    return s.run(s.client, 'skopeo', '--insecure-policy', 'copy', '-q',
                 'docker://v4.good.test/little:1', 'dir:' + s.path(to),
                 env=env)


def pulled(s, blobs, to):
    """The image is there whole."""
    for digest, data in blobs.items():
        with open(s.path(os.path.join(to, digest.split(':')[1])), 'rb') as f:
            equal(f.read(), data, digest)


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
    if DOCKER is None:
        got['docker'] = pull(s, env, 'image').code == 0
    if t_go.SKIP is None:
        got['go'] = s.run(s.client, s.path('get'), URL, env=env).code == 0
    return got


def unknown(r):
    check(r.code != 0 and 'x509: certificate signed by unknown authority' in
          r.errors, r.code, r.errors)


@scenario(timeout=300, plain=True)
def programs_trust_the_ca_and_then_no_more(s):
    """No other scenario calls the script: the hook for Java works by dpkg's
    triggers, in dpkg's own database."""
    tops = ('/etc/ssl/certs', '/usr/local/share/ca-certificates',
            '/etc/profile.d')
    for top in tops:
        copied(s, top)
    env = {'HOME': s.path('home')}
    os.mkdir(env['HOME'])
    s.start(record=False, mirrors=[],
            rules=[{'name': 'default', 'action': 'decrypt'}])
    blobs = registry(s)
    if t_go.SKIP is None:
        t_go.build(s, 'get')

    def trust(verb, code=0):
        r = s.run(s.client, TRUST, verb, s.pki.ca, env=env, timeout=60)
        equal(r.code, code, verb + ': ' + r.text + r.errors)
        return r.text
    before = tree(*tops)
    trust('status', 1)
    trust('add')
    equal([k for k, v in clients(s, env).items() if not v], [], 'after add')
    if DOCKER is None:
        pulled(s, blobs, 'image')
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


@scenario(timeout=500, plain=True, skip=t_go.SKIP)
def programs_in_go_find_the_ca_by_their_environment(s):
    """By SSL_CERT_FILE or SSL_CERT_DIR, which the script need not know of."""
    s.start(record=False, mirrors=[],
            rules=[{'name': 'default', 'action': 'decrypt'}])
    s.serve(443, handler=peer.http(b'a page'))
    get = t_go.build(s, 'get')
    unknown(s.run(s.client, get, URL))
    os.mkdir(s.path('cas'))
    shutil.copy(s.pki.ca, s.path('cas/ours.pem'))
    for env in {'SSL_CERT_FILE': s.pki.ca}, {'SSL_CERT_DIR': s.path('cas')}:
        equal(s.run(s.client, get, URL, env=env).ok().text, 'a page', env)
    equal(len(s.d.flows(3)), 3)


@scenario(plain=True, skip=DOCKER)
def images_are_pulled_with_a_ca_for_their_registry_alone(s):
    """In certs.d, which the script need not know of. Docker's is in
    /etc/docker, which is looked into, too; but it may not be there."""
    copied(s, '/etc/containers')
    blobs = registry(s)
    s.start(record=False, mirrors=[],
            rules=[{'name': 'default', 'action': 'decrypt'}])
    env = {'HOME': s.dir}
    unknown(pull(s, env, 'none'))
    os.makedirs('/etc/containers/certs.d/v4.good.test')
    shutil.copy(s.pki.ca, '/etc/containers/certs.d/v4.good.test/ca.crt')
    pull(s, env, 'one').ok()
    pulled(s, blobs, 'one')
    equal({f['clearspan']['action'] for f in s.d.flows(2)}, {'decrypt'})
