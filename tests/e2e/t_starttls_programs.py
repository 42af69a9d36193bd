"""STARTTLS between real servers and their own clients."""
from harness import check, clear, equal, net, peer, programs, scenario

PYTHON = '''
import imaplib, poplib, smtplib, ssl, sys
tls = ssl.create_default_context(cafile=sys.argv[1])
'''
SMTP = PYTHON + '''
s = smtplib.SMTP('v4.good.test', 25, timeout=20)
s.starttls(context=tls)
s.sendmail('a@good.test', ['b@good.test'], 'Subject: hi\\n\\nhello mail\\n')
s.quit()
'''
IMAP = PYTHON + '''
m = imaplib.IMAP4('v4.good.test', 143, timeout=20)
m.starttls(tls)
m.login('me', 'secret')
m.append('INBOX', None, None, b'Subject: hi\\r\\n\\r\\nhello mail\\r\\n')
m.select('INBOX')
print(m.fetch('1', '(BODY[TEXT])')[1][0][1].decode())
m.logout()
'''
POP3 = PYTHON + '''
p = poplib.POP3('v4.good.test', 110, timeout=20)
p.stls(tls)
p.user('me')
p.pass_('secret')
print(b'\\n'.join(p.retr(1)[1]).decode())
p.quit()
'''


def python(s, code):
    return s.run(s.client, 'python3', '-c', code, s.pki.ca).ok().text


def starttls(s, protocol, port, *more, trust=None):
    """openssl s_client, and what its certificate was."""
    r = s.run(s.client, 'openssl', 's_client', '-starttls', protocol,
              '-connect', '%s:%d' % (net.SERVER, port), '-servername',
              'good.test', '-CAfile', trust or s.pki.ca,
              '-verify_return_error', *more, input=b'')
    check('Verify return code: 0 (ok)' in r.ok().text, protocol, r.text)


def decrypted(s, name, *texts):
    """Every session so far is of that protocol and was decrypted; and one of
    them has these on the mirror."""
    f = s.d.events()
    equal({x['app_proto'] for x in f}, {name})
    equal({x['clearspan']['action'] for x in f}, {'decrypt'})
    equal({x['clearspan']['server']['verify'] for x in f}, {'ok'})
    st = s.rec.streams(len(f))
    for x in st:
        equal(x.problems, [])
    for text in texts:
        check([x for x in st if text in x.up.data + x.down.data],
              text, 'is not on the mirror')


def confirmed(s, *ways):
    """A bypass by name: the server's own certificate is shown, once it has
    confirmed that in a dialogue of ours."""
    s.reload(rules=[{'name': 'named', 'sni': ['=good.test'],
                     'action': 'bypass'},
                    {'name': 'default', 'action': 'decrypt'}])
    before = len(s.d.events())
    for way in ways:
        starttls(s, *way, trust=s.pki.root)
    f = s.d.flows(before + len(ways))[before:]
    equal([(x['clearspan']['action'], x['clearspan'].get('why')) for x in f],
          [('bypass', None)] * len(ways), f)
    equal(s.d.metric('clearspan_confirmations_total', result='ok'), len(ways))


@scenario
def starttls_exim(s):
    s.unlike = 'programs keep no record'
    s.start()
    programs.exim(s)
    python(s, SMTP)
    starttls(s, 'smtp', 25)
    s.d.flows(2)
    decrypted(s, 'smtp', b'hello mail')
    confirmed(s, ('smtp', 25))


@scenario
def starttls_dovecot(s):
    """IMAP, then POP3 and ManageSieve."""
    s.unlike = 'programs keep no record'
    s.start()
    programs.dovecot(s)
    check('hello mail' in python(s, IMAP))
    starttls(s, 'imap', 143)
    s.d.flows(2)
    decrypted(s, 'imap', b'LOGIN me', b'hello mail')
    check('hello mail' in python(s, POP3))
    starttls(s, 'pop3', 110)
    starttls(s, 'sieve', 4190)
    equal([f['app_proto'] for f in s.d.flows(5)[2:]],
          ['pop3', 'pop3', 'sieve'])
    confirmed(s, ('imap', 143), ('pop3', 110), ('sieve', 4190))


@scenario
def starttls_slapd(s):
    s.unlike = 'programs keep no record'
    s.start()
    clear.slapd(s)
    r = s.run(s.client, 'ldapsearch', '-ZZ', '-x', '-H', 'ldap://v4.good.test',
              '-s', 'base', '-b', '', '+', env={'LDAPTLS_CACERT': s.pki.ca})
    check('supportedExtension: 1.3.6.1.4.1.1466.20037' in r.ok().text, r.text)
    starttls(s, 'ldap', 389)
    s.d.flows(2)
    decrypted(s, 'ldap', b'supportedExtension')
    confirmed(s, ('ldap', 389))


@scenario
def starttls_prosody(s):
    s.unlike = 'programs keep no record'
    s.start()
    clear.prosody(s)
    starttls(s, 'xmpp', 5222, '-xmpphost', 'good.test')
    s.d.flows(1)
    decrypted(s, 'xmpp')
    confirmed(s, ('xmpp', 5222, '-xmpphost', 'good.test'))


@scenario
def starttls_postgres(s):
    s.unlike = 'programs keep no record'
    s.start()
    clear.postgres(s)
    r = s.run(s.client, 'psql', '-At', '-c', "select 'hello' || 'sql'",
              'host=v4.good.test user=postgres dbname=postgres '
              'sslmode=verify-full sslrootcert=' + s.pki.ca)
    equal(r.ok().text.strip(), 'hellosql')
    starttls(s, 'postgres', 5432)
    s.d.flows(2)
    decrypted(s, 'pgsql', b"select 'hello' || 'sql'", b'hellosql')
    confirmed(s, ('postgres', 5432))


@scenario
def starttls_mariadb(s):
    s.unlike = 'programs keep no record'
    s.start()
    clear.mariadb(s)
    r = s.run(s.client, 'mariadb', '--no-defaults', '-h', 'v4.good.test', '-N',
              '--ssl-ca=' + s.pki.ca, '-e', "select concat('hello', 'sql')")
    equal(r.ok().text.strip(), 'hellosql')
    starttls(s, 'mysql', 3306)
    s.d.flows(2)
    decrypted(s, 'mysql', b"concat('hello', 'sql')", b'hellosql')
    confirmed(s, ('mysql', 3306))
