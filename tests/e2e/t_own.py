"""Own servers with their real certificates (`certificates:`): clients verify
them by the real CA, and know nothing of ours."""
import os
import shutil
import ssl
import time

from harness import check, equal, net, peer, programs, scenario, wait

TWO = '10.2.0.3'         # two.test
ECDSA, RSA = 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'


def mine(s, *names, **more):
    """An entry with copies of these certificates."""
    e = {'certificate': [], 'key': []}
    for name in names:
        for what, path in zip(('certificate', 'key'), s.pki.pair(name)):
            copy = s.path('own-' + os.path.basename(path))
            shutil.copy(path, copy)
            e[what].append(copy)
    return dict(e, **more)


def der(s, name):
    with open(s.pki.pair(name)[0]) as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


def shown(p):
    return p.tls.getpeercert(True)


@scenario
def browsers_verify_an_own_server_by_the_real_ca(s):
    d = s.start(certificates=[mine(
        s, 'good', 'rsa', site=['=good.test'], server=[net.SERVER])])
    programs.nginx(s)
    url = 'https://good.test/'
    for args in ((url,), ('--tls-max', '1.2', url),
                 ('--tls-max', '1.2', '--ciphers', RSA, url),
                 ('--http1.1', url),
                 ('https://%s/' % net.SERVER,)):         # without an SNI
        r = programs.curl(s, '-4', '-w', '%{http_version}', *args,
                          trust=s.pki.root).ok()
        check('little origin' in r.text, r.text)
        equal(r.text[-1], '1' if '--http1.1' in args else '2', args)
    # Another name of the same server is forged as ever.
    r = programs.curl(s, '-4', 'https://www.good.test/').ok()
    check('little origin' in r.text, r.text)
    f = d.flows(6)
    equal([x['clearspan']['forged']['ca'] for x in f],
          ['own'] * 5 + ['trusted'])
    equal([x['clearspan']['action'] for x in f], ['decrypt'] * 6)
    d.metric_is(1, 'clearspan_forged_total', cache='miss')
    check(d.metric('clearspan_certificate_expiry_seconds') > 86400 * 300)
    for st in s.rec.streams(6):
        check(b'little origin' in bytes(st.down.data), 'the mirror')


@scenario
def an_own_certificate_is_chosen_by_the_client_and_kept_from_others(s):
    s.start(certificates=[mine(s, 'good', 'rsa', site=['good.test']),
                          mine(s, 'two', server=[TWO],
                               verify=False)])
    s.serve(443)
    ctx = peer.client_context(s.pki.root, hi='1.2')
    ctx.set_ciphers(RSA + ':' + ECDSA)
    only = peer.client_context(s.pki.root, hi='1.2')
    only.set_ciphers(RSA)
    a = s.tls(ctx=ctx)
    equal(shown(a), der(s, 'good'))
    session = a.tls.session
    a.finish()
    b = s.tls(ctx=ctx, session=session)
    check(b.tls.session_reused, 'its own ticket')
    b.finish()
    c = s.tls(ctx=only)
    equal(shown(c), der(s, 'rsa'), 'for a client without ECDSA')
    session = c.tls.session
    c.finish()
    ctx.set_ciphers(RSA + ':' + ECDSA)
    e = peer.client_context(s.pki.root, hi='1.2')
    e.set_ciphers(RSA + ':' + ECDSA)
    x = s.tls(ctx=only, session=session)
    check(x.tls.session_reused, 'the ticket of the RSA one')
    x.finish()
    # The name alone is not believed: this server has no such certificate.
    s.serve(4433, cert='self')
    bad = s.tls(4433, verify=False)
    check(shown(bad) not in (der(s, 'good'), der(s, 'rsa')))
    bad.finish()
    # By its address, whatever name the client asks for, and unverified.
    s.serve(443, cert='self', address=TWO)
    for name in 'two.test', 'other.test':
        p = s.tls(address=TWO, name=name,
                  ctx=peer.client_context(s.pki.root) if name == 'two.test'
                  else peer.client_context(s.pki.root, verify=False))
        equal(shown(p), der(s, 'two'))
        p.finish()
    f = s.d.flows(7)
    equal([x['clearspan']['forged']['ca'] for x in f],
          ['own'] * 4 + ['untrusted'] + ['own'] * 2)
    equal(f[-1]['clearspan']['server']['verify'], 'own server')


@scenario
def a_renewed_certificate_is_in_the_next_handshake(s):
    """Under traffic: no connection fails while it changes, and what holds no
    pair is refused and changes nothing."""
    own = mine(s, 'good', site=['good.test'])
    d = s.start(record=False, certificates=[own])
    s.serve(443)
    old, new = der(s, 'good'), der(s, 'rsa')
    ctx = peer.client_context(s.pki.root)

    def one():
        p = s.tls(ctx=ctx)
        p.send(b'x')
        equal(p.recv_exact(1), b'x')
        cert = shown(p)
        p.close()
        time.sleep(0.05)        # traffic, and not all that is done
        return cert
    kept = s.tls(ctx=ctx)
    equal(one(), old)
    for i, what in enumerate(('certificate', 'key')):
        tmp = s.path('tmp')
        shutil.copy(s.pki.pair('rsa')[i], tmp)
        os.rename(tmp, own[what][0])
        if what == 'certificate':       # it has no key yet
            wait(lambda: one() == old and s.reloads('failed') > 0,
                 'a reload that is refused')
    seen = []
    wait(lambda: seen.append(one()) or seen[-1] == new, 'the new certificate')
    check(set(seen) <= {old, new})
    kept.send(b'y')
    equal(kept.recv_exact(1), b'y')
    kept.finish()
    equal(d.metric('clearspan_reloads_total', result='failed'), 1)


@scenario
def what_is_wrong_with_an_own_certificate_is_told(s):
    own = mine(s, 'good', site=['good.test'])
    locked = s.path('locked.key')
    s.run(s.gateway, 'openssl', 'pkey', '-in', own['key'][0], '-aes256',
          '-passout', 'pass:x', '-out', locked).ok()
    late = mine(s, 'expired', site=['expired.test'])
    two = mine(s, 'good', 'two', site=['good.test'])

    def told(entry, code):
        from harness.case import yaml
        file = s.path('check.yaml')
        with open(file, 'w') as f:
            f.write(yaml(s.conf(certificates=[entry])))
        r = s.run(s.gateway, s.binary, 'check', '-c', file)
        equal(r.code, code, r.errors)
        return r.errors
    for entry, words in (
            (dict(own, key=[s.pki.pair('rsa')[1]]),
             'does not match the certificate'),
            (dict(own, key=[locked]), 'has a passphrase'),
            (dict(own, certificate=[own['key'][0]]),
             'holds no PEM certificate'),
            (two, 'one with such a key already')):
        text = told(entry, 2)
        check(words in text and 'check.yaml:' in text, text)
        check('PRIVATE' not in text)
    text = told(late, 0)
    check('warning: %s: it has expired' % late['certificate'][0] in text, text)
