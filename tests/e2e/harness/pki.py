"""Certificates of the little Internet, made once for a run."""
import os
import subprocess
import time

HOSTS = '''127.0.0.1 localhost
10.2.0.2 good.test www.good.test v4.good.test chain.test
fd02::2 good.test v6.good.test
10.2.0.2 wrong.test expired.test self.test missing.test rsa.test plain.test
10.2.0.3 two.test
10.1.0.1 gw.test
'''
CONF = '''
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[inter]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = %s
[past]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
'''
KEYS = {'p256': ('EC', '-pkeyopt', 'ec_paramgen_curve:P-256'),
        'p384': ('EC', '-pkeyopt', 'ec_paramgen_curve:P-384'),
        'rsa': ('RSA', '-pkeyopt', 'rsa_keygen_bits:2048'),
        'p384': ('EC', '-pkeyopt', 'ec_paramgen_curve:P-384'),
        'p521': ('EC', '-pkeyopt', 'ec_paramgen_curve:P-521'),
        'ed25519': ('ED25519',)}


def ossl(*argv, **kw):
    p = subprocess.run(('openssl',) + argv, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, **kw)
    if p.returncode:
        raise RuntimeError('openssl %s: %s' % (' '.join(argv), p.stdout))


class Pki:
    def __init__(self, directory):
        self.dir = directory
        self.root = self.f('root.pem')
        self.ca, self.ca_key = self.f('span.pem'), self.f('span.key')
        self.bundle = self.f('bundle.pem')

    def f(self, name):
        return os.path.join(self.dir, name)

    def pair(self, name):
        """(chain file, key file) of a server."""
        return self.f(name + '.pem'), self.f(name + '.key')

    def make(self):
        os.makedirs(self.dir)
        with open(self.f('hosts'), 'w') as f:
            f.write(HOSTS)
        self.issue('root', 'Little Root', None, 'root', days=3650)
        self.issue('inter', 'Little Intermediate', 'root', 'inter')
        self.leaf('good', 'good.test', 'DNS:good.test,DNS:*.good.test,'
                  'DNS:localhost,IP:10.2.0.2,IP:fd02::2')
        self.leaf('names', 'one.good.test', 'DNS:good.test,DNS:*.good.test,'
                  'DNS:two.test')
        self.leaf('two', 'two.test', 'DNS:two.test')
        self.leaf('rsa', 'rsa.test', 'DNS:rsa.test,DNS:good.test', key='rsa')
        self.leaf('wrong', 'other.test', 'DNS:other.test')
        self.leaf('expired', 'expired.test', 'DNS:expired.test', days=-1)
        self.issue('self', 'self.test', None, 'leaf', san='DNS:self.test')
        self.issue('missing', 'missing.test', 'inter', 'leaf',
                   san='DNS:missing.test')
        self.issue('chain', 'chain.test', 'inter', 'leaf',
                   san='DNS:chain.test', chain=True)
        self.leaf('user', 'a user', 'email:user@good.test')
        self.ca_of('span', 'p256')
        with open(self.bundle, 'w') as out:
            for f in (self.root, self.ca):
                out.write(open(f).read())
        return self

    def ca_of(self, name, key, days=3650, start=None):
        """A CA for Clearspan to sign with."""
        self.issue(name, 'Clearspan test ' + name, None, 'root', key=key,
                   days=days)

    def leaf(self, name, cn, san, **kw):
        self.issue(name, cn, 'root', 'leaf', san=san, **kw)

    def issue(self, name, cn, issuer, ext, san='', days=365, key='p256',
              chain=False):
        pem, pkey = self.pair(name)
        conf = self.f(name + '.cnf')
        with open(conf, 'w') as f:
            f.write(CONF % (san or 'DNS:unused.test'))
        old = os.umask(0o077)
        ossl('genpkey', '-algorithm', *KEYS[key], '-out', pkey)
        os.umask(old)
        req = self.f(name + '.csr')
        ossl('req', '-new', '-config', conf, '-key', pkey, '-subj',
             '/CN=' + cn, '-out', req)
        if days < 0:
            self.issue_past(conf, req, pem, issuer, ext, -days, pkey)
        else:
            sign = ('-signkey', pkey) if not issuer else (
                '-CA', self.f(issuer + '.pem'),
                '-CAkey', self.f(issuer + '.key'))
            ossl('x509', '-req', '-in', req, '-out', pem, '-days', str(days),
                 '-extfile', conf, '-extensions', ext, *sign)
        if chain:
            with open(pem, 'a') as f:
                f.write(open(self.f(issuer + '.pem')).read())

    def issue_past(self, conf, req, pem, issuer, ext, ago, pkey):
        """One that ended days ago: `openssl x509` of 3.4 and later takes no
        days below 0, and `ca` alone takes dates, in every version."""
        def date(days):
            return time.strftime('%Y%m%d%H%M%SZ',
                                 time.gmtime(time.time() - days * 86400))
        open(self.f('index.txt'), 'w').close()
        sign = ('-selfsign', '-keyfile', pkey) if not issuer else (
            '-cert', self.f(issuer + '.pem'),
            '-keyfile', self.f(issuer + '.key'))
        ossl('ca', '-batch', '-notext', '-config', conf, '-name', 'past',
             '-in', req, '-out', pem, '-startdate', date(ago + 30), '-enddate',
             date(ago), '-extfile', conf, '-extensions', ext, *sign,
             cwd=self.dir)
