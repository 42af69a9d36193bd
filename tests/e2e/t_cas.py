"""Several CAs by rule (`cas:`, and `ca:` in a rule): each group of clients gets
leaves, pages and the CA's page of its own, and nothing of another's."""
import os
import pwd
import ssl

from harness import check, equal, net, peer, programs, scenario, wait
from harness.case import yaml

GUEST, OURS = '10.1.0.3', net.CLIENT
BROWSER = 'User-Agent: Mozilla/5.0 (X11; Linux x86_64)'
PROXY = 'http://%s:%d' % (net.INNER, net.PROXY)


def made(s, name, *args):
    """A CA of that name, as an entry of `cas:`."""
    home = s.path(name)
    s.run(s.gateway, s.binary, 'ca', 'create', '--dir', home, *args).ok()
    return {'name': name, 'certificate': home + '/ca.pem',
            'key': home + '/ca.key'}


def groups(*rules):
    """Guests have a CA of their own."""
    return [*rules, {'name': 'guests', 'action': 'decrypt', 'client': [GUEST],
                     'ca': 'guests', 'mirror': ['recorder']},
            {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}]


def curl(s, who, trust, *args):
    return programs.curl(s, '--interface', who, *args, trust=trust)


def refused(r):
    equal(r.code, 60, r.text + r.errors)        # the peer is not trusted
    check('issuer certificate' in r.errors, r.errors)


def tls(s, who, ctx, port=443, session=None):
    sock = s.connect(port, source=(who, 0))
    return s.tls(sock=sock, ctx=ctx, session=session)


def verified(s, p, ca):
    """The certificate that the client was shown is of that CA."""
    leaf = s.path('leaf.pem')
    with open(leaf, 'w') as f:
        f.write(ssl.DER_cert_to_PEM_cert(p.tls.getpeercert(True)))
    return s.run(s.gateway, 'openssl', 'verify', '-x509_strict', '-CAfile',
                 ca, leaf).code == 0


@scenario
def each_group_gets_leaves_of_its_own_ca(s):
    """HTTP/1.1 and HTTP/2, transparent and explicit; and the other CA does
    not do."""
    guests = made(s, 'guests')
    d = s.start(cas=[guests], rules=groups())
    programs.nginx(s)
    url = 'https://v4.good.test/'
    for who, own, other in ((OURS, s.pki.ca, guests['certificate']),
                            (GUEST, guests['certificate'], s.pki.ca)):
        for how in ((), ('-x', PROXY)):
            for version in '--http1.1', '--http2':
                r = curl(s, who, own, version, '-w', '%{http_version}', *how,
                         url).ok()
                check('little origin' in r.text, r.text)
                equal(r.text[-1], version[6])
            refused(curl(s, who, other, *how, url))
    f = d.flows(12)
    equal([x['clearspan']['forged'].get('name') for x in f],
          [None] * 6 + ['guests'] * 6)
    equal({x['clearspan']['forged']['ca'] for x in f}, {'trusted'})
    # One for each CA was made, and found again.
    d.metric_is(2, 'clearspan_forged_total', cache='miss')
    d.metric_is(10, 'clearspan_forged_total', cache='hit')
    for ca in 'default', 'guests':
        check(d.metric('clearspan_ca_expiry_seconds', ca=ca) > 86400 * 300)


@scenario
def a_session_is_not_resumed_under_another_ca(s):
    """By ticket (TLS 1.3, 1.2) and by session ID: a client that moves from one
    group to the other gets the other's leaf, and its own resumes."""
    guests = made(s, 'guests')
    s.start(cas=[guests], rules=groups())
    s.serve(443)
    for version, no in (('1.3', 0), ('1.2', 0), ('1.2', ssl.OP_NO_TICKET)):
        ctx = peer.client_context(s.pki.ca, lo=version, hi=version)
        ctx.load_verify_locations(guests['certificate'])
        ctx.options |= no
        for first, ca, then, another in (
                (OURS, s.pki.ca, GUEST, guests['certificate']),
                (GUEST, guests['certificate'], OURS, s.pki.ca)):
            p = tls(s, first, ctx)
            p.send(b'first')
            equal(p.recv_exact(5), b'first')    # TLS 1.3: and its ticket
            check(verified(s, p, ca) and not verified(s, p, another))
            session = p.tls.session
            q = tls(s, first, ctx, session=session)
            check(q.tls.session_reused, version, no, 'not resumed')
            equal(q.tls.getpeercert(True), p.tls.getpeercert(True))
            q.finish()
            q = tls(s, then, ctx, session=session)
            check(not q.tls.session_reused, version, no, 'resumed')
            check(verified(s, q, another) and not verified(s, q, ca))
            q.finish()
            p.finish()


@scenario
def pages_are_signed_by_the_ca_of_their_reader(s):
    """Blocked (with and without a rule's own `ca`), warned, and failed; and
    each gets its own CA's page."""
    guests, staff = made(s, 'guests'), made(s, 'staff')
    s.start(record=False, cas=[guests, staff], rules=groups(
        {'name': 'bad', 'action': 'block', 'site': ['bad.good.test']},
        {'name': 'odd', 'action': 'block', 'site': ['odd.good.test'],
         'ca': 'staff'},
        {'name': 'careful', 'action': 'warn', 'site': ['warn.good.test'],
         'client': [GUEST], 'ca': 'guests'},
        {'name': 'warned', 'action': 'warn', 'site': ['warn.good.test']}))
    s.serve(80, plain=True)
    s.serve(443)
    cas = {OURS: s.pki.ca, GUEST: guests['certificate']}
    for who, own in cas.items():
        other = cas[GUEST if who == OURS else OURS]
        for name, code, ca, not_ca in (
                ('bad.good.test', '403', own, other),
                ('odd.good.test', '403', staff['certificate'], own),
                ('warn.good.test', '403', own, other),
                ('v4.good.test:444', '502', own, other)):
            how = ('--resolve', '%s:443:%s' % (name, net.SERVER)) \
                if code == '403' else ('-x', PROXY, '--proxy-header', BROWSER)
            url = 'https://%s/' % name
            r = curl(s, who, ca, '-w', '%{http_code}', *how, url).ok()
            equal(r.text[-3:], code, (who, name))
            refused(curl(s, who, not_ca, *how, url))
        for how in ('--resolve', 'clearspan.ca:80:' + net.SERVER), \
                ('-x', PROXY):
            for scheme in 'http', 'https':
                how = [x.replace(':80:', ':443:') if scheme == 'https' else x
                       for x in how]
                r = curl(s, who, own, *how, scheme + '://clearspan.ca/ca.pem')
                with open(own) as f:
                    equal(r.ok().text, f.read(), (who, how))
        r = curl(s, who, own, PROXY + '/ca.pem').ok()
        with open(own) as f:
            equal(r.text, f.read(), (who, 'the proxy itself'))


@scenario
def what_is_not_trusted_is_signed_by_the_untrusted_ca_of_the_group(s):
    guests, bad = made(s, 'guests'), made(s, 'bad', '--name', 'Guests beware')
    guests['untrusted-certificate'] = bad['certificate']
    guests['untrusted-key'] = bad['key']
    s.start(record=False, cas=[guests], rules=groups())
    s.serve(443, cert='self')
    ctx = peer.client_context(s.pki.ca, verify=False)
    for who, ours in (GUEST, True), (OURS, False):
        p = tls(s, who, ctx)
        equal(verified(s, p, bad['certificate']), ours, who)
        check(not verified(s, p, guests['certificate']))
        p.finish()
    f = s.d.flows(2)
    equal([(x['clearspan']['forged']['ca'],
            x['clearspan']['forged'].get('name')) for x in f],
          [('untrusted', 'guests'), ('untrusted', None)])


@scenario
def cas_come_change_and_go_with_a_reload(s):
    guests, staff = made(s, 'guests'), made(s, 'staff')
    ctx = peer.client_context(s.pki.ca, verify=False)
    s.start(record=False, cas=[guests], rules=groups())
    s.serve(443)

    def shown(who, ca):
        p = tls(s, who, ctx)
        check(verified(s, p, ca), who, ca)
        return p
    kept = shown(GUEST, guests['certificate'])
    # Renewed, with the same key.
    s.run(s.gateway, s.binary, 'ca', 'renew', '--dir', s.path('guests'),
          '--days', '77').ok()
    s.reload(cas=[guests], rules=groups())
    wait(lambda: 76 * 86400 < s.d.metric('clearspan_ca_expiry_seconds',
                                         ca='guests') <= 77 * 86400,
         'the renewed one')
    shown(GUEST, guests['certificate']).finish()
    # Another one, in front of it; and who had the one gets the other.
    rules = groups()
    rules[1]['ca'] = 'staff'
    s.reload(cas=[staff, guests], rules=rules)
    shown(GUEST, guests['certificate']).finish()
    shown(OURS, staff['certificate']).finish()
    # It goes.
    s.reload(cas=[staff], rules=rules[1:])
    shown(GUEST, staff['certificate']).finish()
    equal(s.d.metric('clearspan_ca_expiry_seconds', ca='guests'), 0)
    # A key in another place is refused, and changes nothing.
    moved = dict(staff, key=guests['key'], certificate=guests['certificate'])
    s.reload('failed', cas=[moved], rules=rules[1:])
    s.d.wait_log('needs a restart: ca key of staff')
    shown(GUEST, staff['certificate']).finish()
    kept.send(b'still')
    equal(kept.recv_exact(5), b'still')
    kept.finish()


@scenario
def keys_are_read_once_and_a_new_one_by_the_user_that_is_left(s):
    """Nobody may read the keys that root has read: a reload does without them,
    for CAs that have not changed."""
    guests, staff = made(s, 'guests'), made(s, 'staff')
    for home in s.path('guests'), s.path('staff'):
        os.chmod(home, 0o755)
    nobody = pwd.getpwnam('nobody').pw_uid
    os.chown(s.dir, nobody, -1)
    ctx = peer.client_context(s.pki.ca, verify=False)
    s.start(record=False, user='nobody', cas=[guests], rules=groups())
    s.serve(443)

    def shown(who, ca):
        p = tls(s, who, ctx)
        check(verified(s, p, ca), who, ca)
        p.finish()
    other = {'trust-also': [s.pki.root]}        # another struct tls
    s.reload(user='nobody', cas=[guests], rules=groups(), upstream=other)
    shown(GUEST, guests['certificate'])
    shown(OURS, s.pki.ca)
    rules = groups()
    rules[1]['ca'] = 'staff'
    more = dict(user='nobody', cas=[guests, staff], rules=rules)
    s.reload('failed', **more)
    s.d.wait_log('ca staff: %s: Permission denied' % staff['key'])
    shown(OURS, s.pki.ca)
    os.chown(staff['key'], nobody, -1)
    s.reload(**more)
    shown(GUEST, guests['certificate'])
    shown(OURS, staff['certificate'])


@scenario
def what_is_wrong_with_cas_is_told_and_explain_names_the_one(s):
    guests = made(s, 'guests')

    def told(verb, *facts, **over):
        file = s.path('check.yaml')
        with open(file, 'w') as f:
            f.write(yaml(s.conf(**over)))
        return s.run(s.gateway, s.binary, verb, '-c', file, *facts)
    other = made(s, 'other')
    for over, words in (
            ({'cas': [guests, guests]}, 'there is a CA "guests" already'),
            ({'cas': [dict(guests, name='default')]}, '"default" stands for'),
            ({'cas': [{'name': 'guests'}]}, 'certificate'),
            ({'cas': [dict(guests, key=other['key'])]},
             'does not match the certificate'),
            ({'cas': [dict(guests, **{'untrusted-key': other['key']})]},
             'go together'),
            ({'cas': [other], 'rules': groups()}, 'no CA "guests" under'),
            ({'cas': [guests], 'rules': groups(
                {'name': 'no', 'action': 'bypass', 'site': ['x.test'],
                 'ca': 'guests'})}, '"ca" goes with action decrypt, warn or '
             'block only')):
        r = told('check', **over)
        check(r.code == 2 and words in r.errors, r.code, words, r.errors)
    told('check', cas=[guests], rules=groups()).ok()
    blocks = groups({'name': 'bad', 'action': 'block', 'site': ['bad.test']})
    for facts, ca in ((('client=' + GUEST, 'sni=x.test'), 'guests'),
                      (('client=' + OURS, 'sni=x.test'), 'default'),
                      (('client=' + GUEST, 'sni=bad.test'), 'guests')):
        r = told('explain', *facts, cas=[guests], rules=blocks).ok()
        check('\nca: %s\nverdict: ' % ca in r.text, r.text)
    r = told('doctor', cas=[guests], rules=groups())
    check('ca guests' in r.text, r.text)
