"""Syslog over TLS: real senders, and those who are none."""
import os
import re
import socket
import ssl

from harness import check, equal, net, scenario, wait
from harness.pki import Pki
from t_sensors import CEF, FORTI, HOLD, verdicts
from t_contained import begin, files

PORT = 6514
RSYSLOG = '''
global(workDirectory="%(dir)s"
       DefaultNetstreamDriverCAFile="%(ca)s"
       DefaultNetstreamDriverCertFile="%(cert)s"
       DefaultNetstreamDriverKeyFile="%(key)s")
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="5999")
template(name="raw" type="string" string="%%rawmsg%%")
action(type="omfwd" target="10.1.0.1" port="6514" protocol="tcp"
       StreamDriver="gtls" StreamDriverMode="1"
       StreamDriverAuthMode="x509/name"
       StreamDriverPermittedPeers="gw.test" template="raw"
       TCP_Framing="%(framing)s" action.resumeInterval="1"
       action.resumeRetryCount="-1")
'''


class Certs(Pki):
    """The sensor's, its clients', and those of nobody we know."""

    def __init__(self, s):
        super().__init__(s.path('certs'))
        os.mkdir(self.dir)
        self.issue('ours', 'Sensors CA', None, 'root')
        self.issue('theirs', 'Another CA', None, 'root')
        self.renew()
        self.issue('client', 'fw 1', 'ours', 'leaf', san='DNS:fw1.test')
        self.issue('plain', 'fw two', 'ours', 'leaf',
                   san='email:fw@good.test')
        self.issue('stranger', 'fw1.test', 'theirs', 'leaf',
                   san='DNS:fw1.test')

    def renew(self, key='p256'):
        self.issue('sensor', 'gw.test', 'ours', 'leaf', san='DNS:gw.test',
                   key=key)

    def context(self, name=None, ca='ours'):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.load_verify_locations(self.f(ca + '.pem'))
        if name:
            c.load_cert_chain(*self.pair(name))
        return c


def sensor(certs, **over):
    cert, key = certs.pair('sensor')
    return dict({'name': 'fw', 'syslog': 'tls://10.1.0.1:%d' % PORT,
                 'certificate': cert, 'key': key}, **over)


def listen(s, certs, mutual=True, **over):
    ca = {'client-ca': certs.f('ours.pem')} if mutual else {}
    begin(s, sensors=[sensor(certs, **ca, **over)], responses=[HOLD],
          endpoints={**files(s), 'inside': ['10.1.0.0/24', 'fd01::/64']})


def connect(s, ctx):
    with s.client:
        sock = socket.create_connection((net.INNER, PORT), 10)
    return ctx.wrap_socket(sock, server_hostname='gw.test')


def octets(line):
    return ('%d %s' % (len(line.encode()), line)).encode()


def refused(s, n, why):
    s.d.metric_is(n, 'clearspan_sensor_refused_total')
    text = s.d.text()
    check(re.search(r'sensor fw: a connection from 10\.1\.0\.\d+ is refused: '
                    + why, text), why, text[-2000:])


@scenario
def sensors_over_tls_are_named_by_their_certificates(s):
    """Both framings, in any pieces, records larger than a read; TLS 1.2 and
    1.3; a name of DNS, and one of a subject."""
    certs = Certs(s)
    listen(s, certs)
    n = 0
    for name, sender, version in (
            ('client', 'fw1.test', ssl.TLSVersion.TLSv1_3),
            ('plain', 'fw two', ssl.TLSVersion.TLSv1_2)):
        ctx = certs.context(name)
        ctx.maximum_version = ctx.minimum_version = version
        c = connect(s, ctx)
        check(not c.session_reused, 'a session')
        c.sendall(octets(FORTI % '10.1.0.%d' % (20 + n)) +
                  octets(CEF % (('10.1.0.%d' % (21 + n),) * 2)))
        for b in (FORTI % '10.1.0.%d' % (22 + n) + '\n').encode():
            c.sendall(bytes([b]))
        long = FORTI % '10.1.0.%d' % (23 + n) + ' x="%s"' % ('y' * 60000)
        c.sendall(octets(long) + octets(FORTI % '10.1.0.%d' % (24 + n)))
        v = verdicts(s, n + 5)[n:]
        equal([x['endpoint'] for x in v],
              ['10.1.0.%d' % (20 + n + i) for i in range(5)])
        equal({x['sender'] for x in v}, {sender})
        # The last has no end, and close_notify says that nothing is missing.
        c.sendall((FORTI % '10.1.0.%d' % (25 + n)).encode())
        c.unwrap()
        equal(verdicts(s, n + 6)[n + 5]['endpoint'], '10.1.0.%d' % (25 + n))
        n += 6
    # One that is cut off is not the whole of it.
    c = connect(s, certs.context('client'))
    c.sendall((FORTI % '10.1.0.50').encode())
    s.quiet()
    c.close()
    connect(s, certs.context('client')).sendall(octets(FORTI % '10.1.0.51'))
    equal(verdicts(s, n + 1)[n]['endpoint'], '10.1.0.51')
    equal(s.d.metric('clearspan_sensor_refused_total'), 0)
    equal(s.d.metric('clearspan_sensor_lost_total'), 0)


def plain(s, data):
    """Send that, until it is closed."""
    with s.client:
        sock = socket.create_connection((net.INNER, PORT), 10)
    try:
        sock.sendall(data)
        while sock.recv(100):
            pass
    except ConnectionError:
        pass
    sock.close()


@scenario
def sensors_over_tls_refuse_those_who_are_none(s):
    """No certificate, another's, an old version, plain bytes, HTTP: each is
    told and counted, and the others go on."""
    certs = Certs(s)
    listen(s, certs)
    good = connect(s, certs.context('client'))

    def handshake(ctx):
        """The alert that it ends with: in TLS 1.3, behind our handshake."""
        try:
            c = connect(s, ctx)
            c.sendall(octets(FORTI % '10.1.0.60'))
            equal(c.recv(1), b'')
        except ssl.SSLError as e:
            return e.reason
        except ConnectionError as e:
            return e
    why = handshake(certs.context('stranger'))
    check('ALERT_UNKNOWN_CA' in str(why), why)
    refused(s, 1, 'unable to get local issuer certificate')
    for version, alert in ((ssl.TLSVersion.TLSv1_3, 'CERTIFICATE_REQUIRED'),
                           (ssl.TLSVersion.TLSv1_2, 'HANDSHAKE_FAILURE')):
        ctx = certs.context()
        ctx.maximum_version = ctx.minimum_version = version
        why = handshake(ctx)
        check(alert in str(why), why)
    s.d.metric_is(3, 'clearspan_sensor_refused_total')
    r = s.run(s.client, 'openssl', 's_client', '-connect', '10.1.0.1:%d' %
              PORT, '-tls1_1', '-cipher', 'ALL@SECLEVEL=0', input='')
    check('alert protocol version' in r.errors, r.errors)
    s.d.metric_is(4, 'clearspan_sensor_refused_total')
    n = 4
    for data in octets(FORTI % '10.1.0.61'), b'GET / HTTP/1.1\r\n\r\n':
        plain(s, data)
        n += 1
        s.d.metric_is(n, 'clearspan_sensor_refused_total')
    # Lines of the log are held back where there are many of them.
    wait(lambda: plain(s, data) or 'what it sends is not TLS' in s.d.text(),
         'the log')
    good.sendall(octets(FORTI % '10.1.0.62'))
    equal([v['endpoint'] for v in verdicts(s, 1)], ['10.1.0.62'])
    equal(len(s.d.ctl('quarantine')['quarantine']), 1)


@scenario(timeout=90)
def sensors_over_tls_wait_for_nobody(s):
    """Hundreds who connect and say nothing, one that does half a handshake:
    whoever reports is heard at once, and they go."""
    certs = Certs(s)
    listen(s, certs)
    good = connect(s, certs.context('client'))
    good.sendall(octets(FORTI % '10.1.0.70'))
    verdicts(s, 1)
    with s.client:
        silent = [socket.create_connection((net.INNER, PORT), 10)
                  for _ in range(300)]
    silent[299].sendall(b'\x16\x03\x01\x02\x00\x01')
    good.sendall(octets(FORTI % '10.1.0.71'))
    equal(verdicts(s, 2)[1]['endpoint'], '10.1.0.71')
    late = connect(s, certs.context('client'))
    late.sendall(octets(FORTI % '10.1.0.72'))
    equal(verdicts(s, 3)[2]['endpoint'], '10.1.0.72')
    # 256 at once, of 302: the oldest that said nothing went; the rest, after
    # ten seconds.
    s.d.metric_is(300, 'clearspan_sensor_refused_total')
    check('its handshake takes too long' in s.d.text(), 'the log')
    good.sendall(octets(FORTI % '10.1.0.73'))
    equal(verdicts(s, 4)[3]['endpoint'], '10.1.0.73')


@scenario
def sensors_over_tls_take_a_renewed_certificate(s):
    """By a reload; a key of another kind; and one that does not fit changes
    nothing. The key is nobody's to read but root's."""
    certs = Certs(s)
    listen(s, certs, mutual=False)
    over = {k.replace('-', '_'): s.d.conf[k] for k in (
        'rules', 'mirrors', 'endpoints', 'quarantines', 'sensors',
        'responses')}

    def shown():
        return connect(s, certs.context()).getpeercert(True)
    first = shown()
    equal(shown(), first)
    certs.renew('rsa')
    equal(shown(), first)       # until it is told
    s.reload(**over)
    second = shown()
    check(second != first, 'the old one')
    with open(certs.pair('sensor')[1], 'w') as f:
        f.write(open(certs.pair('client')[1]).read())
    s.reload('failed', **dict(over, responses=[{'do': 'notify'}],
                              sensors=[sensor(certs, **{
                                  'from': ['10.1.0.0/24']})]))
    s.d.wait_log('does not match')
    equal(shown(), second)
    r = s.run(s.gateway, s.binary, 'check', '-c', s.d.file)
    check(re.search(r'clearspan\.yaml:\d+:\d+: "key": .*does not match',
                    r.errors) and r.code == 2, r.errors)
    c = connect(s, certs.context())
    c.sendall(octets(FORTI % '10.1.0.80'))
    v = verdicts(s, 1)[0]
    equal([v['endpoint'], 'sender' in v], ['10.1.0.80', False])
    # A process that has ended gets them again.
    os.kill(reader(s), 9)
    wait(lambda: reader(s), 'another')
    s.d.metric_is(1, 'clearspan_sensors_up')
    equal(wait(lambda: tried(shown), 'an answer'), second)


def tried(f):
    try:
        return f()
    except OSError:
        return None


def reader(s):
    from t_contained import guard_of
    return guard_of(s.d.pid, 'clearspan-sensor'[:15])[0]


def rsyslog(s, certs, client, framing):
    conf = s.path('rsyslog.conf')
    cert, key = certs.pair(client)
    with open(conf, 'w') as f:
        f.write(RSYSLOG % {'dir': s.dir, 'ca': certs.f('ours.pem'),
                           'cert': cert, 'key': key, 'framing': framing})
    return s.spawn(s.client, 'rsyslogd', '-n', '-f', conf, '-i', 'NONE')


@scenario(timeout=90)
def sensors_over_tls_hear_rsyslog(s):
    """As Debian has it, with GnuTLS, by both framings; and with a certificate
    that is not ours, which is refused until it has ours."""
    certs = Certs(s)
    listen(s, certs)
    with s.client:
        to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    n = 0

    def say(line):
        wait(lambda: s.client.run('ss', '-Hlun', 'sport = 5999'), 'rsyslog')
        to.sendto(line.encode(), ('127.0.0.1', 5999))
    for framing in 'octet-counted', 'traditional':
        p = rsyslog(s, certs, 'client', framing)
        for _ in range(3):
            say(CEF % (('10.1.0.%d' % (90 + n),) * 2))
            n += 1
        v = verdicts(s, n)[n - 1]
        equal([v['endpoint'], v['sender'], v['signature']],
              ['10.1.0.%d' % (89 + n), 'fw1.test', 'a = b = c'])
        p.end()
    equal(s.d.metric('clearspan_sensor_refused_total'), 0)
    p = rsyslog(s, certs, 'stranger', 'octet-counted')
    say(FORTI % '10.1.0.99')
    wait(lambda: s.d.metric('clearspan_sensor_refused_total') > 0, 'refused')
    p.end()
    equal(len(s.d.events('verdict')), n)
