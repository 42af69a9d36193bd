"""What the client is shown: verification, forging, the two CAs."""
import os
import re
import ssl
import threading
import time

from harness import Failure, check, equal, peer, proc, scenario, wait

BAD = {'wrong': 'wrong.test', 'expired': 'expired.test', 'self': 'self.test',
       'missing': 'missing.test'}


def no_trust(s, name, port=443):
    """The connection fails for a client that trusts our CA."""
    try:
        s.tls(port, name)
    except ssl.SSLCertVerificationError as e:
        return e.verify_message
    raise Failure('%s: the client was given no warning' % name)


def unverified(s, name, port=443):
    ctx = peer.client_context(s.pki.ca, verify=False)
    p = s.tls(port, name, ctx=ctx)
    p.send(b'anyway')
    p.recv_exact(6)
    return p.finish()


def issuer(s, der):
    with open(s.path('leaf.der'), 'wb') as f:
        f.write(der)
    # OpenSSL 3.2 and later leave out the blanks around the sign.
    return s.run(s.client, 'openssl', 'x509', '-inform', 'DER', '-in',
                 s.path('leaf.der'), '-noout',
                 '-text').ok().text.replace(' = ', '=')


@scenario
def peers_13_bad_server_certificates_are_not_laundered(s):
    """Wrong host, expired, self-signed, missing intermediate: signed by the
    untrusted CA, the session decrypted and logged as what it was."""
    s.start()
    made, verify = [], {}
    for i, (cert, name) in enumerate(BAD.items()):
        s.serve(3000 + i, cert=cert)
        no_trust(s, name, 3000 + i)
        p = unverified(s, name, 3000 + i)
        check('Clearspan test span' not in
              issuer(s, p.tls.getpeercert(True)).split('Subject:')[0],
              'signed by the trusted CA')
        made.append(p)
    want = [(bytes(p.sent), bytes(p.received)) for p in made]
    flows = s.d.flows(8)
    for f in flows:
        if f['flow']['bytes_toserver']:
            equal(f['clearspan']['forged']['ca'], 'untrusted')
            verify[f['tls']['sni']] = f['clearspan']['server']['verify']
    check('ok' not in verify.values(), verify)
    equal(len(verify), 4, 'logged')
    check('expired' in verify['expired.test'], verify)
    check('name' in verify['wrong.test'], verify)
    st = s.rec.streams(4)
    for pair in want:
        check(pair in [(bytes(x.up.data), bytes(x.down.data)) for x in st],
              'not on the mirror', pair)


@scenario
def peers_13_each_policy_blocks_when_told(s):
    s.start(on={'untrusted-server': 'block', 'expired-server': 'block',
                'name-mismatch': 'block'})
    for i, (cert, name) in enumerate(BAD.items()):
        s.serve(3000 + i, cert=cert)
        try:
            unverified(s, name, 3000 + i)
            raise Failure(name + ' was not blocked')
        except (ssl.SSLError, OSError, Failure) as e:
            check('not blocked' not in str(e), str(e))
    for f in s.d.flows(4):
        equal(f['clearspan']['action'], 'block', f['clearspan'])


@scenario
def peers_13_each_policy_bypasses_when_told(s):
    s.start(on={'untrusted-server': 'bypass', 'expired-server': 'bypass',
                'name-mismatch': 'bypass'})
    for i, (cert, name) in enumerate(BAD.items()):
        s.serve(3000 + i, cert=cert)
        p = unverified(s, name, 3000 + i)
        want = ssl.PEM_cert_to_DER_cert(open(s.pki.f(cert + '.pem')).read())
        equal(p.tls.getpeercert(True), want, 'its own certificate')
    for f in s.d.flows(4):
        equal(f['clearspan']['action'], 'bypass')


def blocked(s, cert, name, on):
    s.start(on=on, record=False)
    s.serve(443, cert=cert)
    try:
        unverified(s, name)
    except (ssl.SSLError, OSError, Failure):
        pass
    equal([f['clearspan']['action'] for f in s.d.flows(1)], ['block'])


@scenario
def an_expired_server_of_another_name_is_blocked_as_expired(s):
    blocked(s, 'expired', 'good.test', {'expired-server': 'block'})


@scenario
def an_expired_server_of_another_name_is_blocked_for_its_name(s):
    blocked(s, 'expired', 'good.test', {'name-mismatch': 'block'})


@scenario
def untrusted_ca_may_be_given(s):
    s.pki.dir = s.dir
    s.pki.ca_of('other', 'p256')
    s.start(ca={'untrusted-certificate': s.path('other.pem'),
                'untrusted-key': s.path('other.key')})
    ctx = peer.server_context((os.path.join(os.path.dirname(s.pki.ca),
                                            'wrong.pem'),
                               os.path.join(os.path.dirname(s.pki.ca),
                                            'wrong.key')))
    srv = s.serve(ctx=ctx)
    p = unverified(s, 'wrong.test')
    check('Clearspan test other' in issuer(s, p.tls.getpeercert(True)))
    s.same(srv, p)


@scenario
def full_chain_is_trusted(s):
    s.start()
    srv = s.serve(443, cert='chain')
    s.same(srv, s.exchange(b'chain', name='chain.test'))


@scenario
def trust_also_adds_to_trust(s):
    s.start(upstream={'trust': 'system', 'trust-also': [s.pki.root]})
    srv = s.serve(443)
    s.same(srv, s.exchange(b'also'))


@scenario
def system_trust_does_not_know_the_little_root(s):
    s.start(upstream={'trust': 'system'})
    s.serve(443)
    no_trust(s, 'good.test')


# --- the leaf

@scenario
def forged_leaf_is_as_it_should_be(s):
    s.start()
    s.serve(443)
    p = s.tls()
    text = issuer(s, p.tls.getpeercert(True))
    p.send(b'x')
    p.recv_exact(1)
    p.finish()
    for want in ('Issuer: CN=Clearspan test span', 'CN=good.test',
                 'DNS:good.test\n',
                 'TLS Web Server Authentication', 'id-ecPublicKey'):
        check(want in text, 'no "%s" in\n%s' % (want, text))
    for bad in ('DNS:*.good.test', 'SCT', 'TLS Feature', 'CA Issuers', 'OCSP',
                'CRL Distribution'):
        check(bad not in text, bad, 'in\n' + text)
    ca = s.run(s.client, 'openssl', 'x509', '-in', s.pki.ca, '-noout',
               '-ext', 'subjectKeyIdentifier').ok().text.split('\n')[1]
    check(ca.strip() in text.split('Authority Key')[1], 'the AKI\n' + text)
    r = s.run(s.client, 'openssl', 'verify', '-x509_strict', '-CAfile',
              s.pki.ca, '-verify_hostname', 'good.test', '-purpose',
              'sslserver', s.path('leaf.der'))
    r.ok()


@scenario
def a_serial_is_never_used_for_two_leaves(s):
    """A gateway that restarts forges anew: no browser may find one serial
    on two certificates."""
    s.start()
    s.serve(443)
    serials, ders = [], []
    for i in range(2):
        p = s.tls()
        ders.append(p.tls.getpeercert(True))
        text = issuer(s, ders[-1])
        serials.append(re.search(r'Serial Number:\s+([0-9a-f:]+)',
                                 text).group(1))
        p.finish()
        if i == 0:
            s.stop(s.d)
            from harness.case import Daemon
            s.d = Daemon(s, s.d.conf).ready()
            s.daemons.append(s.d)
    check(serials[0] != serials[1] or ders[0] == ders[1], serials)


@scenario
def a_client_without_ecdsa_gets_an_rsa_leaf(s):
    s.start()
    srv = s.serve(443)
    ctx = peer.client_context(s.pki.ca, hi='1.2')
    ctx.set_ciphers('ECDHE-RSA-AES128-GCM-SHA256')
    p = s.exchange(b'rsa', ctx=ctx)
    check('RSA' in p.tls.cipher()[0])
    srv.wait(2)         # it refused a hello like the client's
    srv.peers[:] = [x for x in srv.peers if x.received]
    s.same(srv, p)


# --- CAs

@scenario(timeout=90)
def peers_08_ca_of_each_key_type(s):
    base = s.pki.dir
    s.pki.dir = s.dir
    for kind in ('rsa', 'p256', 'p384', 'ed25519'):
        s.pki.ca_of('ca-' + kind, kind)
    s.pki.dir = base
    srv = s.serve(443)
    made = []
    for kind in ('rsa', 'p256', 'p384', 'ed25519'):
        pem = s.path('ca-%s.pem' % kind)
        conf = {'ca': {'certificate': pem, 'key': s.path('ca-%s.key' % kind)}}
        if s.rec is None:
            s.start(**conf)
        else:
            from harness.case import Daemon
            s.d = Daemon(s, s.conf(**conf)).ready()
            s.daemons.append(s.d)
        made.append(s.exchange(kind.encode(), trust=pem))
        made.append(s.exchange(kind.encode() + b' 1.2', trust=pem, hi='1.2'))
        s.stop(s.d)
    s.same(srv, made)


def start_fails(s, what, **ca):
    """run ends with status 2 and says what."""
    from harness.case import yaml
    f = s.path('bad.yaml')
    with open(f, 'w') as out:
        out.write(yaml(s.conf(ca=ca, mirrors=[], rules=[
            {'name': 'default', 'action': 'decrypt'}])))
    r = s.run(s.gateway, s.binary, 'run', '-c', f, timeout=10)
    check(r.code in (1, 2), 'status', r.code)
    check(re.search(what, r.errors + r.text, re.I), 'no', what, 'in:',
          r.errors + r.text)


@scenario
def peers_08_unusable_ca_is_refused_with_its_reason(s):
    base = s.pki.dir
    ca, key = s.pki.ca, s.pki.ca_key
    good = s.pki.pair('good')
    s.pki.dir = s.dir
    s.pki.issue('old', 'An expired CA', None, 'root', days=-1)
    s.pki.ca_of('other', 'p256')
    s.pki.dir = base
    start_fails(s, 'expired', certificate=s.path('old.pem'),
                key=s.path('old.key'))
    start_fails(s, 'match', certificate=ca, key=s.path('other.key'))
    start_fails(s, 'not a CA|CA:|authority', certificate=good[0],
                key=good[1])
    with open(s.path('junk.pem'), 'w') as f:
        f.write('-----BEGIN CERTIFICATE-----\nhello\n'
                '-----END CERTIFICATE-----\n')
    start_fails(s, 'junk.pem', certificate=s.path('junk.pem'), key=key)
    start_fails(s, 'nothere', certificate=s.path('nothere.pem'), key=key)


@scenario
def peers_08_ca_that_ends_before_the_leaf_clamps_it(s):
    base = s.pki.dir
    s.pki.dir = s.dir
    s.pki.issue('short', 'A short CA', None, 'root', days=3)
    s.pki.dir = base
    s.start(ca={'certificate': s.path('short.pem'),
                'key': s.path('short.key')})
    srv = s.serve(443)
    p = s.tls(trust=s.path('short.pem'))
    leaf = ssl.cert_time_to_seconds(p.tls.getpeercert()['notAfter'])
    text = s.run(s.client, 'openssl', 'x509', '-in', s.path('short.pem'),
                 '-noout', '-enddate').ok().text
    end = ssl.cert_time_to_seconds(text.strip().split('=')[1])
    check(leaf <= end, 'leaf ends after its CA')
    p.send(b'x')
    p.recv_exact(1)
    s.same(srv, p.finish())


# --- the cache

@scenario
def peers_15_hundred_first_connections_forge_once(s):
    s.start()
    srv = s.serve(443)
    made, lock, gate = [], threading.Lock(), threading.Barrier(100)

    def one(i):
        sock = s.connect(443)
        gate.wait()
        c = s.exchange(b'%d' % i, sock=sock)
        with lock:
            made.append(c)
    ts = [threading.Thread(target=one, args=(i,)) for i in range(100)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    equal(len(made), 100)
    s.same(srv, made, timeout=20)
    s.d.metric_is(1.0, 'clearspan_forged_total', cache='miss')


@scenario
def peers_14_two_names_alternating_always_hit(s):
    s.start()
    srv = s.serve(443, cert='names')
    made = []
    for i in range(20):
        name = ('good.test', 'two.test')[i % 2]
        made.append(s.exchange(name.encode(), name=name))
        if i == 1:
            first = s.d.metric('clearspan_forged_total', cache='miss')
            hits = s.d.metric('clearspan_forged_total', cache='hit')
    s.same(srv, made)
    s.d.metric_is(first, 'clearspan_forged_total', cache='miss')
    equal(s.d.metric('clearspan_forged_total', cache='hit') - hits, 18.0,
          'hits')


@scenario
def a_new_server_certificate_gives_a_new_leaf(s):
    s.start()
    srv = s.serve(443, cert='good')
    a = s.exchange(b'a')
    first = a.tls.getpeercert(True)
    srv.close()
    wait(lambda: 443 not in proc.sockets(s.server), 'the old server gone')
    srv2 = s.serve(443, cert='names')
    b = s.exchange(b'b')
    check(b.tls.getpeercert(True) != first, 'the same leaf')
    srv2.wait(1)
    s.mirrored([(bytes(p.sent), bytes(p.received)) for p in (a, b)])


# --- ca create, show, export

@scenario
def ca_create_show_export(s):
    d = s.path('made')
    for kind, args in (('p256', ()), ('rsa', ('--key', 'rsa:2048'))):
        where = d + kind
        s.run(s.gateway, s.binary, 'ca', 'create', '--dir', where,
              *args).ok()
        equal(os.stat(where + '/ca.key').st_mode & 0o777, 0o600, 'key mode')
        show = s.run(s.gateway, s.binary, 'ca', 'show', '--dir', where).ok()
        fp = s.run(s.gateway, 'openssl', 'x509', '-in', where + '/ca.pem',
                   '-noout', '-fingerprint', '-sha256').ok().text
        check(fp.strip().split('=')[1].replace(':', '').lower() in
              show.text.replace(':', '').lower(), show.text)
        s.run(s.gateway, 'openssl', 'verify', '-x509_strict', '-CAfile',
              where + '/ca.pem', where + '/ca.pem').ok()
        again = s.run(s.gateway, s.binary, 'ca', 'create', '--dir', where)
        check(again.code != 0, 'a CA was overwritten')
        out = s.run(s.gateway, s.binary, 'ca', 'export', '--dir', where).ok()
        check('BEGIN CERTIFICATE' in out.text, out.text)
        check('PRIVATE' not in out.text, 'the key was exported')


@scenario
def ca_export_with_the_key_says_what_is_in_its_way(s):
    for d in ('one', 'two'):
        s.run(s.gateway, s.binary, 'ca', 'create', '--dir', s.path(d)).ok()

    def export(password):
        return s.run(s.gateway, s.binary, 'ca', 'export', '--dir',
                     s.path('one'), '--format', 'p12', '--out',
                     s.path('out.p12'), '--with-key', s.path(password))
    r = export('none')
    check(r.code == 1 and 'No such file' in r.errors, r.errors)
    with open(s.path('empty'), 'w'):
        pass
    r = export('empty')
    check(r.code == 1 and 'no password in' in r.errors, r.errors)
    with open(s.path('word'), 'w') as f:
        f.write('secret\n')
    os.replace(s.path('two/ca.key'), s.path('one/ca.key'))
    r = export('word')
    check(r.code == 1 and 'does not match' in r.errors, r.errors)
    check(not os.path.exists(s.path('out.p12')), 'a file was made')
    os.replace(s.path('two/ca.pem'), s.path('one/ca.pem'))
    export('word').ok()
    s.run(s.gateway, 'openssl', 'pkcs12', '-in', s.path('out.p12'),
          '-passin', 'file:' + s.path('word'), '-nodes').ok()


@scenario
def ca_show_to_a_full_disk_is_no_success(s):
    s.run(s.gateway, s.binary, 'ca', 'create', '--dir', s.path('d')).ok()
    r = s.run(s.gateway, 'sh', '-c', '%s ca show --dir %s >/dev/full' %
              (s.binary, s.path('d')))
    check(r.code == 1 and 'No space' in r.errors, r.code, r.errors)
