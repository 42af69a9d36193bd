"""DNS over UDP through the gateway between programs: dig and unbound, which
validates, and a server that signs (Knot)."""
import re

from harness import check, equal, net, scenario
from t_dns import start

KNOT = '''
server:
    rundir: "{0}"
    listen: [10.2.0.2@53, fd02::2@53]
log:
  - target: stderr
    any: info
database:
    storage: "{0}"
template:
  - id: default
    storage: "{0}"
    file: "%s.zone"
    zonefile-load: difference
    zonefile-sync: -1
    journal-content: all
zone:
  - domain: signed.test
    dnssec-signing: on
  - domain: plain.test
'''
ZONE = '''
@ 3600 SOA ns host 1 3600 600 86400 60
@ NS ns
ns A 10.2.0.2
www A 192.0.2.80
www HTTPS 1 . alpn=h3,h2 ech=AAQAAQID
long TXT {0} {0} {0} {0} {0} {0} {0} {0}
long HTTPS 1 . alpn=h3,h2 ech=AAQAAQID
'''
UNBOUND = '''
server:
    verbosity: 1
    use-syslog: no
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{0}"
    pidfile: ""
    interface: 127.0.0.1@5353
    local-zone: "test." nodefault
    trust-anchor: "{1}"
    domain-insecure: "plain.test"
    num-threads: 1
    so-reuseport: no
remote-control:
    control-enable: no
stub-zone:
    name: signed.test
    stub-addr: {2}
stub-zone:
    name: plain.test
    stub-addr: {2}
'''


def knot(s):
    """Its zones, signed and not; the anchor of the signed one."""
    for name in ('signed', 'plain'):
        with open(s.path(name + '.test.zone'), 'w') as f:
            f.write('$ORIGIN %s.test.' % name +
                    ZONE.format('"%s"' % ('x' * 250)))
    with open(s.path('knot.conf'), 'w') as f:
        f.write(KNOT.format(s.dir))
    p = s.spawn(s.server, '/usr/sbin/knotd', '-c', s.path('knot.conf'))
    p.wait_log('DNSSEC, next signing')
    p.wait_log('plain.test.] loaded')
    text = s.run(s.server, '/usr/sbin/keymgr', '-c', s.path('knot.conf'),
                 'signed.test.', 'ds').ok().text
    return text.strip().splitlines()[0]


def unbound(s, anchor, server):
    with open(s.path('unbound.conf'), 'w') as f:
        f.write(UNBOUND.format(s.dir, anchor, server))
    p = s.spawn(s.client, '/usr/sbin/unbound', '-d', '-c',
                s.path('unbound.conf'))
    p.wait_log('start of service')
    return p


def dig(s, name, *options, server=net.SERVER, kind='HTTPS'):
    """Status, flags, and what the records of the kind say."""
    text = s.run(s.client, 'dig', '@' + server, name, kind, '+tries=1',
                 '+time=20', *options).ok().text
    status = re.search(r'status: (\w+)', text).group(1)
    flags = re.search(r'flags: ([a-z ]*)', text).group(1).split()
    records = re.findall(r'^%s\.\s+\d+\s+IN\s+%s\s+(.*)$' % (
        re.escape(name), kind), text, re.M)
    return status, flags, records, text


FULL = ['1 . alpn="h3,h2" ech=AAQAAQID']
BLUNT = ['1 . alpn="-3,h2" key65280="\\000\\004\\000\\001\\002\\003"']


def by_unbound(s, name, kind='HTTPS'):
    return dig(s, name, '-p', '5353', '+dnssec', server='127.0.0.1',
               kind=kind)


@scenario
def a_resolver_that_validates_goes_on_doing_so(s):
    """Over both families; what is signed is as its server wrote it."""
    start(s)
    anchor = knot(s)
    for address in (net.SERVER, net.SERVER6):
        for zone in ('plain', 'signed'):
            equal(dig(s, 'www.%s.test' % zone, server=address)[2], BLUNT,
                  'without DO, from ' + address)
        equal(dig(s, 'www.signed.test', '+dnssec', server=address)[2], FULL)
        r = dig(s, 'www.signed.test', server=address, kind='A')
        equal(r[2], ['192.0.2.80'])
    # truncated, and asked for again over TCP
    r = dig(s, 'long.plain.test', '+bufsize=1232', kind='TXT')
    check('Truncated' in r[3] and len(r[2]) == 1, r[3])
    equal(dig(s, 'long.plain.test', '+tcp')[2], BLUNT)
    p = unbound(s, anchor, net.SERVER)
    status, flags, records, _ = by_unbound(s, 'www.signed.test')
    equal((status, 'ad' in flags, records), ('NOERROR', True, FULL))
    status, flags, records, _ = by_unbound(s, 'www.plain.test')
    equal((status, 'ad' in flags, records), ('NOERROR', False, BLUNT))
    equal(by_unbound(s, 'none.signed.test')[0], 'NXDOMAIN')
    p.end()


@scenario
def a_resolver_that_validates_has_no_record_that_was_changed(s):
    """And has the others still: what the manual says of strip-signed."""
    start(s, inspect={'dns': 'strip-signed'})
    anchor = knot(s)
    equal(dig(s, 'www.signed.test', '+dnssec')[2], BLUNT)
    p = unbound(s, anchor, net.SERVER6)
    status, flags, records, _ = by_unbound(s, 'www.signed.test')
    equal((status, records), ('SERVFAIL', []))
    status, flags, records, _ = by_unbound(s, 'www.signed.test', 'A')
    equal((status, 'ad' in flags, records), ('NOERROR', True, ['192.0.2.80']))
    p.end()
