"""FTPS: a data connection has to resume the TLS session of its control
connection, which vsftpd insists on as Debian has it. All is decrypted, and
what was transferred is on the mirror."""
import os
import threading

from harness import Failure, check, clear, equal, net, scenario

# What ftplib does not do by itself.
FTPLIB = '''
import ftplib, ssl, sys
class Reusing(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(
            conn, server_hostname=self.host, session=self.sock.session), size
ca, got, up, name, *how = sys.argv[1:]
tls = ssl.create_default_context(cafile=ca)
if 'ids' in how:
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.options |= ssl.OP_NO_TICKET
f = Reusing(context=tls, timeout=20)
f.connect('v4.good.test', 21)
f.login()
f.prot_p()
for i in range(3):
    with open(got, 'wb') as out:
        f.retrbinary('RETR down', out.write)
    with open(up, 'rb') as data:
        f.storbinary('STOR up/%s%d' % (name, i), data)
f.quit()
'''
LFTP = ('set ssl:ca-file %s; set net:max-retries 1; set net:timeout 20;'
        'set ftp:ssl-allow-anonymous yes; set ftp:ssl-force yes;%s;'
        'open %s; get down -o %s; %s; bye')
DATA = bytes(range(256)) * 1200


def all_at_once(s, todo):
    """{name: argv}, each a program of the client's."""
    out = {}

    def one(name, argv):
        out[name] = s.run(s.client, *argv)
    threads = [threading.Thread(target=one, args=x) for x in todo.items()]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(len(out), len(todo), 'programs that ran')
    for name, r in out.items():
        if r.code:
            raise Failure('%s: %s %s' % (name, r.code, r.err))


def curl(s, url, name, *more):
    common = ['-sS', '--ssl-reqd', '--cacert', s.pki.ca, *more]
    return ['curl', *common, url + '/down', '-o', s.path('got-' + name),
            '--next', *common, url + '/down', '-o', s.path('got-' + name)]


# In TLS 1.3 curl and lftp may lose what they store, with us and without: they
# close with a ticket unread, and that is a reset.

def curl12(s, url, name):
    """Stores, too."""
    return curl(s, url, name, '--tls-max', '1.2') + [
        '--next', '-sS', '--ssl-reqd', '--cacert', s.pki.ca, '--tls-max',
        '1.2', '-T', s.path('up'), url + '/up/' + name]


def lftp(s, url, name, how='', more=''):
    return ['lftp', '--norc', '-c', LFTP % (
        s.pki.ca, how, url, s.path('got-' + name), more)]


def lftp12(s, url, name):
    """Stores, too."""
    return lftp(s, url, name, 'set ssl:priority NORMAL:-VERS-TLS1.3',
                'put %s -o up/%s' % (s.path('up'), name))


def ftplib(s, name, *how):
    return ['python3', '-c', FTPLIB, s.pki.ca, s.path('got-' + name),
            s.path('up'), name, *how]


def stored(s, names):
    for name in names:
        with open(s.path('ftp/up/' + name), 'rb') as f:
            check(f.read() == DATA[::-1], 'what is stored of', name)


def fetched(s, names):
    for name in names:
        with open(s.path('got-' + name), 'rb') as f:
            check(f.read() == DATA, 'what was fetched by', name)


def data_flows(s, n, flows):
    """Each was resumed on both sides; that of a wrong name is no better."""
    flows = [f for f in flows if f['dest_port'] >= 40000]
    equal(len(flows), n)
    for f in flows:
        c = f['clearspan']
        equal([c['action'], c['client']['resumed'], c['server']['resumed']],
              ['decrypt', True, True], f)
        equal([c['server']['verify'], c['forged']['ca']],
              ['hostname mismatch', 'untrusted'] if f['tls']['sni'] ==
              'chain.test' else ['ok', 'trusted'], f)


@scenario
def ftps_through_vsftpd(s):
    """AUTH TLS and implicit TLS, EPSV and PASV, tickets of TLS 1.3 and 1.2,
    through the proxy, by a name that is not the server's, and a client that
    knows session IDs only."""
    s.unlike = 'programs keep no record'
    s.start()
    with open(s.path('up'), 'wb') as f:
        f.write(DATA[::-1])
    clear.vsftpd(s, 21, {'down': DATA})
    clear.vsftpd(s, 990, {})
    ftp, ftps = 'ftp://v4.good.test', 'ftps://v4.good.test'
    todo = {'curl': curl(s, ftp, 'curl'),
            'pasv': curl(s, ftps, 'pasv', '--disable-epsv'),
            'curl12': curl12(s, ftp, 'curl12'),
            'lftp': lftp(s, ftp, 'lftp'),
            'lftps': lftp12(s, ftps, 'lftps'),
            'proxy': curl(s, ftp, 'proxy', '-p', '-x', 'http://%s:%d' % (
                net.INNER, net.PROXY)),
            'wrong': curl(s, 'ftp://chain.test', 'wrong', '-k'),
            'ftplib': ftplib(s, 'ftplib'),
            'ids': ftplib(s, 'ids', 'ids')}
    all_at_once(s, todo)
    fetched(s, todo)
    names = ['curl12', 'lftps'] + [
        n + str(i) for n in ('ftplib', 'ids') for i in range(3)]
    stored(s, names)
    n = 5 * 2 + 1 + 1 + 2 + 2 * 6      # data connections
    data_flows(s, n, s.d.flows(len(todo) + n))
    st = s.rec.streams(len(todo) + n)
    for x in st:
        equal(x.problems, [])
    equal(sum(x.down.data == DATA for x in st), n - len(names))
    equal(sum(x.up.data == DATA[::-1] for x in st), len(names))
    for x in st:
        if x.key[3] == 21:
            check(b'AUTH' not in x.up.data and b'RETR' in x.up.data, x)
