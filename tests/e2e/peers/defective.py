"""Servers with a defect, in the manner of badssl.com: certificates made with
openssl(1), each shown by one server to whoever asks for its name.

CASES is the table: name, what is wrong (None: nothing; or the key of `on` that
it falls under), and how its chain is made.
"""
import os
import ssl
import subprocess
import time

CASES = {}
DAY = 86400
LEAF = {'basicConstraints': 'CA:FALSE', 'extendedKeyUsage': 'serverAuth'}
CA = {'basicConstraints': 'critical,CA:TRUE',
      'keyUsage': 'critical,keyCertSign', 'subjectKeyIdentifier': 'hash'}
UNTRUSTED, EXPIRED, NAME, INCOMPLETE, REVOKED = (
    'untrusted-server', 'expired-server', 'name-mismatch', 'incomplete-chain',
    'revoked-server')
AIA = 'http://aia.test/'
# What is fetched from there: path to (status, content).
FETCHED = {}


def case(wrong, site=None):
    def mark(f):
        name = f.__name__.replace('_', '-')
        CASES[name] = (wrong, site or name + '.test', f)
        return f
    return mark


class Maker:
    """Makes certificates in a directory; root is (certificate, key)."""

    def __init__(self, directory, root):
        self.dir, self.n = directory, 0
        os.makedirs(directory)
        self.root = root
        self.ec = self.key('ec', 'EC', 'ec_paramgen_curve:P-256')
        self.other = self.issue('Another Root', None, CA)
        self.inter = self.issue('Intermediate', root, CA)

    def path(self, name):
        return os.path.join(self.dir, name)

    def ossl(self, *argv):
        subprocess.run(('openssl',) + argv, check=True, cwd=self.dir,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=60)

    def key(self, name, kind, *options):
        out = self.path(name + '.key')
        self.ossl('genpkey', '-algorithm', kind, '-out', out,
                  *[x for o in options for x in ('-pkeyopt', o)])
        return out

    def issue(self, cn, issuer, ext, key=None, md='sha256', span=None):
        """(certificate, key); span: seconds from now, both ends."""
        self.n += 1
        name = self.path('%d' % self.n)
        key = key or self.ec
        with open(name + '.cnf', 'w') as f:
            f.write('[req]\ndistinguished_name=dn\n[dn]\n[ca]\n[past]\n'
                    'database=%s.txt\nnew_certs_dir=.\nrand_serial=yes\n'
                    'default_md=%s\npolicy=any\nunique_subject=no\n[any]\n'
                    'commonName=optional\n[x]\n' % (name, md))
            f.writelines('%s=%s\n' % x for x in ext.items())
        subject = '/CN=' + cn if cn else '/'
        if span is None:
            sign = ('-CA', issuer[0], '-CAkey', issuer[1]) if issuer else (
                '-signkey', key)
            self.ossl('req', '-new', '-config', name + '.cnf', '-key', key,
                      '-subj', subject, '-out', name + '.csr')
            self.ossl('x509', '-req', '-in', name + '.csr', '-out',
                      name + '.pem', '-days', '90', '-' + md, '-extfile',
                      name + '.cnf', '-extensions', 'x', *sign)
        else:
            self.dated(name, subject, issuer, key, span)
        return name + '.pem', key

    def dated(self, name, subject, issuer, key, span):
        start, end = (time.strftime('%Y%m%d%H%M%SZ', time.gmtime(
            time.time() + x)) for x in span)
        open(name + '.txt', 'w').close()
        self.ossl('req', '-new', '-config', name + '.cnf', '-key', key,
                  '-subj', subject, '-out', name + '.csr')
        self.ossl('ca', '-batch', '-notext', '-config', name + '.cnf', '-name',
                  'past', '-in', name + '.csr', '-out', name + '.pem',
                  '-startdate', start, '-enddate', end, '-extfile',
                  name + '.cnf', '-extensions', 'x', '-cert', issuer[0],
                  '-keyfile', issuer[1])

    def leaf(self, site, issuer=None, san=None, cn=None, **kw):
        ext = dict(LEAF, subjectAltName=san or 'DNS:' + site)
        ext.update(kw.pop('ext', {}))
        ext = {k: v for k, v in ext.items() if v}
        return self.issue(site if cn is None else cn, issuer or self.root, ext,
                          **kw)

    def revoke(self, name, issuer, *certs):
        """The issuer's list of these: a PEM file."""
        out = self.path(name)
        with open(out + '.cnf', 'w') as f:
            f.write('[past]\ndatabase=%s.txt\ndefault_md=sha256\n'
                    'default_crl_days=30\n' % out)
        self.index(out + '.txt', 'R\t491231235959Z\t250101000000Z', *certs)
        self.ossl('ca', '-gencrl', '-config', out + '.cnf', '-name', 'past',
                  '-cert', issuer[0], '-keyfile', issuer[1], '-out',
                  out + '.new')
        os.rename(out + '.new', out)
        return out

    def index(self, path, status, *certs):
        """The issuer's book."""
        with open(path, 'w') as f:
            f.writelines('%s\t%s\tunknown\t/\n' % (status, self.serial(c))
                         for c in certs)

    def staple(self, name, cert, status, signer):
        """An OCSP response about a certificate of the root: its file."""
        out = self.path(name)
        self.index(out + '.txt', status, cert)
        self.ossl('ocsp', '-index', out + '.txt', '-CA', self.root[0],
                  '-issuer', self.root[0], '-cert', cert[0], '-rsigner',
                  signer[0], '-rkey', signer[1], '-ndays', '1', '-noverify',
                  '-respout', out)
        return out

    def serial(self, cert):
        return subprocess.run(
            ('openssl', 'x509', '-in', cert[0], '-noout', '-serial'),
            check=True, stdout=subprocess.PIPE, text=True,
            timeout=60).stdout.split('=')[1].strip()

    def der(self, cert, path):
        """To be fetched from there; the extension that says so."""
        FETCHED['/' + path] = (200, ssl.PEM_cert_to_DER_cert(
            open(cert[0]).read()))
        return self.aia(path)

    def aia(self, path, base=AIA):
        return {'authorityInfoAccess': 'caIssuers;URI:%s%s' % (base, path)}

    def context(self, name, leaf, *chain):
        """What shows the leaf and these behind it."""
        pem = self.path(name + '-chain.pem')
        with open(pem, 'w') as out:
            for c in (leaf,) + chain:
                out.write(open(c[0]).read())
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.set_ciphers('DEFAULT:@SECLEVEL=0')
        ctx.load_cert_chain(pem, leaf[1])
        return ctx


def contexts(directory, root, only=None, more={}):
    """A server's context that turns into that of the name asked for; only:
    of cases with that fault; more: by name, too."""
    m = Maker(directory, root)
    by_name = dict(more)
    m.revoked = []
    for name, (wrong, site, make) in CASES.items():
        if only in (None, wrong):
            by_name[site] = m.context(name, *make(m, site))
    if m.revoked:
        m.revoke('crl.pem', root, *m.revoked)
    ctx = m.context('default', m.leaf('10.2.0.2', san='IP:10.2.0.2'))

    def choose(sock, name, _):
        if name in by_name:
            sock.context = by_name[name]
    ctx.sni_callback = choose
    return ctx


# --- nothing is wrong

@case(None)
def good(m, site):
    return [m.leaf(site)]


@case(None)
def good_chain(m, site):
    return m.leaf(site, m.inter), m.inter


@case(None)
def rsa_key(m, site):
    return [m.leaf(site, key=m.key('rsa', 'RSA', 'rsa_keygen_bits:2048'))]


@case(None)
def p384_key(m, site):
    return [m.leaf(site, key=m.key('p384', 'EC', 'ec_paramgen_curve:P-384'))]


@case(None, 'a.wildcard.test')
def wildcard(m, site):
    return [m.leaf(site, san='DNS:*.wildcard.test')]


@case(None, 'xn--bcher-kva.test')
def idn(m, site):
    return [m.leaf(site)]


@case(None)
def thousand_names(m, site):
    names = ['DNS:n%d.test' % i for i in range(999)] + ['DNS:' + site]
    return [m.leaf(site, san=','.join(names))]


@case(None)
def doubled_leaf(m, site):
    leaf = m.leaf(site, m.inter)
    return leaf, leaf, m.inter


@case(None)
def disordered_chain(m, site):
    return m.leaf(site, m.inter), m.root, m.inter


@case(None)
def superfluous_chain(m, site):
    return m.leaf(site), m.other, m.inter


@case(None)
def long_chain(m, site):
    chain = [m.root]
    for i in range(8):
        chain.insert(0, m.issue('Level %d' % i, chain[0], CA))
    return [m.leaf(site, chain[0])] + chain[:-1]


@case(None)
def root_included(m, site):
    return m.leaf(site), m.root


@case(None)
def no_subject(m, site):
    return [m.leaf(site, cn='', ext={
        'subjectAltName': 'critical,DNS:' + site})]


@case(None)
def must_staple(m, site):
    return [m.leaf(site, ext={'tlsfeature': 'status_request'})]


@case(None)
def expired_cross_sign(m, site):
    """The issuer is trusted by another way than the expired one shown."""
    old = m.issue('Intermediate', m.root, CA, span=(-90 * DAY, -30 * DAY))
    return m.leaf(site, m.inter), old, m.inter


# --- expired-server

@case(EXPIRED)
def expired(m, site):
    return [m.leaf(site, span=(-90 * DAY, -30 * DAY))]


@case(EXPIRED)
def not_yet_valid(m, site):
    return [m.leaf(site, span=(30 * DAY, 90 * DAY))]


@case(EXPIRED)
def expired_intermediate(m, site):
    old = m.issue('Old Intermediate', m.root, CA, span=(-90 * DAY, -30 * DAY))
    return m.leaf(site, old), old


# --- name-mismatch

@case(NAME)
def wrong_name(m, site):
    return [m.leaf('other.test')]


@case(NAME, 'a.b.deep.test')
def wildcard_too_deep(m, site):
    return [m.leaf(site, san='DNS:*.deep.test')]


@case(NAME, 'www.partial.test')
def wildcard_within_a_label(m, site):
    return [m.leaf(site, san='DNS:w*.partial.test')]


@case(NAME)
def name_with_nul(m, site):
    name = b'name-with-nul.test\0.evil.test'
    san = bytes([0x30, len(name) + 2, 0x82, len(name)]) + name
    return [m.leaf('nul', san='DER:' + san.hex(':'))]


@case(NAME)
def common_name_beside_others(m, site):
    return [m.leaf(site, san='DNS:other.test')]


@case(NAME)
def expired_and_another_name(m, site):
    return [m.leaf('other.test', span=(-90 * DAY, -30 * DAY))]


@case(NAME)
def address_only(m, site):
    return [m.leaf('x', san='IP:10.2.0.2')]


# --- untrusted-server

@case(UNTRUSTED)
def self_signed(m, site):
    return [m.issue(site, None, dict(LEAF, subjectAltName='DNS:' + site))]


@case(UNTRUSTED)
def unknown_root(m, site):
    return [m.leaf(site, m.other)]


@case(UNTRUSTED)
def unknown_root_included(m, site):
    return m.leaf(site, m.other), m.other


@case(UNTRUSTED)
def incomplete_chain(m, site):
    return [m.leaf(site, m.inter)]


@case(UNTRUSTED)
def rsa_1024(m, site):
    return [m.leaf(site, key=m.key('weak', 'RSA', 'rsa_keygen_bits:1024'))]


@case(UNTRUSTED)
def sha1(m, site):
    return [m.leaf(site, md='sha1')]


@case(UNTRUSTED)
def sha1_intermediate(m, site):
    weak = m.issue('Weak Intermediate', m.root, CA, md='sha1')
    return m.leaf(site, weak), weak


@case(UNTRUSTED)
def md5(m, site):
    rsa = m.issue('RSA', m.root, CA, key=m.key('md5', 'RSA',
                                               'rsa_keygen_bits:2048'))
    return m.leaf(site, rsa, md='md5'), rsa


@case(UNTRUSTED)
def signed_by_a_leaf(m, site):
    between = m.leaf('between.test')
    return m.leaf(site, between), between


@case(UNTRUSTED)
def path_too_long(m, site):
    zero = m.issue('Last', m.root, dict(
        CA, basicConstraints='critical,CA:TRUE,pathlen:0'))
    below = m.issue('Below', zero, CA)
    return m.leaf(site, below), below, zero


@case(UNTRUSTED)
def name_constraints(m, site):
    only = m.issue('Only', m.root, dict(
        CA, nameConstraints='critical,permitted;DNS:allowed.test'))
    return m.leaf(site, only), only


@case(UNTRUSTED)
def for_clients_only(m, site):
    return [m.leaf(site, ext={'extendedKeyUsage': 'clientAuth'})]


@case(UNTRUSTED)
def unknown_critical_extension(m, site):
    return [m.leaf(site, ext={'1.2.3.4.5': 'critical,DER:05:00'})]


@case(UNTRUSTED)
def broken_signature(m, site):
    leaf = m.leaf(site)
    der = bytearray(ssl.PEM_cert_to_DER_cert(open(leaf[0]).read()))
    der[-1] ^= 1
    with open(leaf[0], 'w') as f:
        f.write(ssl.DER_cert_to_PEM_cert(bytes(der)))
    return [leaf]


# --- incomplete-chain: the server leaves out what its certificate tells of

@case(INCOMPLETE)
def issuer_to_fetch(m, site):
    return [m.leaf(site, m.inter, ext=m.der(m.inter, 'inter.der'))]


@case(INCOMPLETE)
def issuer_in_a_bag(m, site):
    """PKCS#7, with others beside it."""
    bag = m.path('bag.p7c')
    m.ossl('crl2pkcs7', '-nocrl', '-certfile', m.other[0], '-certfile',
           m.inter[0], '-outform', 'DER', '-out', bag)
    FETCHED['/bag.p7c'] = 200, open(bag, 'rb').read()
    return [m.leaf(site, m.inter, ext=m.aia('bag.p7c'))]


@case(INCOMPLETE)
def issuers_to_fetch(m, site):
    """One after the other."""
    below = m.issue('Below', m.inter, dict(CA, **m.der(m.inter, 'upper.der')))
    return [m.leaf(site, below, ext=m.der(below, 'lower.der'))]


@case(INCOMPLETE)
def second_issuer_to_fetch(m, site):
    below = m.issue('Second', m.inter, dict(CA, **m.der(m.inter, '2.der')))
    return m.leaf(site, below), below


# --- revoked-server: crl.pem says so

@case(REVOKED)
def revoked(m, site):
    m.revoked.append(m.leaf(site))
    return m.revoked[-1:]


@case(REVOKED)
def revoked_intermediate(m, site):
    gone = m.issue('Revoked Intermediate', m.root, CA)
    m.revoked.append(gone)
    return m.leaf(site, gone), gone


@case(REVOKED)
def revoked_and_expired(m, site):
    m.revoked.append(m.leaf(site, span=(-90 * DAY, -30 * DAY)))
    return m.revoked[-1:]


@case(UNTRUSTED)
def revoked_and_broken(m, site):
    """Nothing says that it is the one that was revoked."""
    leaf = broken_signature(m, site)
    m.revoked += leaf
    return leaf
