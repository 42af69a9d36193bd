"""CAs of other kinds: signed by a company's own, and renewed."""
from harness import check, equal, peer, scenario

DAY = 86400


def leaf_of(s, name):
    """The path of the forged leaf of good.test, and the seconds that it is
    valid."""
    import ssl
    p = s.tls(verify=False)
    cert = p.tls.getpeercert(True)
    p.close()
    path = s.path(name)
    with open(path, 'w') as f:
        f.write(ssl.DER_cert_to_PEM_cert(cert))
    r = s.run(s.gateway, 'openssl', 'x509', '-in', path, '-noout', '-dates')
    at = dict(x.split('=', 1) for x in r.ok().text.splitlines())
    return path, (ssl.cert_time_to_seconds(at['notAfter']) -
                  ssl.cert_time_to_seconds(at['notBefore']))


def verify(s, leaf, ca, *more):
    return s.run(s.gateway, 'openssl', 'verify', '-x509_strict', '-purpose',
                 'sslserver', '-CAfile', ca, *more, leaf)


def span(s, *args):
    return s.run(s.gateway, s.binary, 'ca', *args)


def conf(home, **more):
    return dict(more, record=False, mirrors=[], rules=[
        {'name': 'default', 'action': 'decrypt'}], ca={
            'certificate': home + '/ca.pem', 'key': home + '/ca.key'})


@scenario
def a_company_signs_our_ca_and_openssl_verifies_its_leaves(s):
    home = s.path('sub')
    span(s, 'csr', '--dir', home, '--subject', 'O=Little,CN=Gateway').ok()
    r = s.run(s.gateway, 'openssl', 'req', '-in', home + '/ca.csr', '-verify',
              '-noout', '-subject').ok()
    check('Little' in r.text and 'Gateway' in r.text, r.text)
    # Again it is for the same key, and with another it is refused.
    key = open(home + '/ca.key').read()
    span(s, 'csr', '--dir', home, '--subject', 'O=Little,CN=Gateway').ok()
    equal(open(home + '/ca.key').read(), key)
    equal(span(s, 'csr', '--dir', home, '--key', 'rsa:2048').code, 2)
    s.run(s.gateway, 'openssl', 'x509', '-req', '-in', home + '/ca.csr', '-CA',
          s.pki.root, '-CAkey', s.pki.f('root.key'), '-copy_extensions',
          'copy', '-days', '40', '-out', home + '/ca.pem').ok()
    s.start(**conf(home))
    s.serve(443)
    leaf, took = leaf_of(s, 'leaf.pem')
    verify(s, leaf, s.pki.root, '-untrusted', home + '/ca.pem').ok()
    check(took <= 41 * DAY, 'it outlives its CA', took)
    s.exchange(ctx=peer.client_context(s.pki.root))     # the chain is sent
    r = span(s, 'renew', '--dir', home)
    check(r.code == 2 and 'another CA has signed it' in r.errors, r.errors)


@scenario
def a_renewed_ca_is_that_of_the_leaves_before(s):
    home = s.path('own')
    span(s, 'create', '--dir', home, '--subject', '/O=Little/CN=Own',
         '--days', '400').ok()
    d = s.start(**conf(home))
    s.serve(443)
    leaf, took = leaf_of(s, 'leaf.pem')
    check(80 * DAY < took <= 90 * DAY, took)
    before = span(s, 'show', '--dir', home).ok().text
    r = span(s, 'renew', '--dir', home, '--days', '800').ok()
    line = [x for x in before.splitlines() if x.startswith('subject:')]
    check(line[0] in r.text and r.text != before, r.text)
    verify(s, leaf, home + '/ca.pem').ok()
    verify(s, leaf, home + '/ca.pem.old').ok()
    s.reload(**{k: v for k, v in conf(home, forge={'lifetime': '30d'}).items()
                if k != 'record'})
    leaf, took = leaf_of(s, 'again.pem')
    check(took <= 30 * DAY, took)
    verify(s, leaf, home + '/ca.pem.old').ok()
    span(s, 'renew', '--dir', home, '--key', 'p-384').ok()
    equal(verify(s, leaf, home + '/ca.pem').code == 0, False, 'another key')
    r = s.run(s.gateway, 'stat', '-c', '%a', home + '/ca.key',
              home + '/ca.key.old')
    equal(r.ok().text.split(), ['600', '600'])
    check(d.alive())
