"""Real servers and clients, configured for the little network."""
import os
import re

from . import net, proc

NGINX = '''
daemon off;
master_process off;
user root;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log info;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
	log_format reuse '$request "$host" $ssl_protocol reused=$ssl_session_reused $status $http_user_agent';
	access_log {dir}/nginx-access.log reuse;
	client_body_temp_path {dir}/nginx-body;
	proxy_temp_path {dir}/nginx-proxy;
	fastcgi_temp_path {dir}/nginx-fcgi;
	uwsgi_temp_path {dir}/nginx-uwsgi;
	scgi_temp_path {dir}/nginx-scgi;
	client_max_body_size 0;
	default_type text/html;
	keepalive_requests 100000;
	server {{
		listen {listen} ssl http2;
		listen [{listen6}]:{port} ssl http2;
		listen {address}:80;
		server_name good.test;
		ssl_certificate {cert};
		ssl_certificate_key {key};
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_session_cache builtin:1000;
		{more}
		root {dir}/www;
	}}
}}
'''


def nginx(s, cert='good', port=443, more='', files=None, http2=True,
          address=net.SERVER):
    """nginx with HTTP/1.1 and HTTP/2 over TLS on v4 and v6."""
    www = s.path('www')
    if not os.path.isdir(www):
        os.mkdir(www)
    for name, data in dict({'index.html': b'<html><body>hello from the '
                            b'little origin</body></html>\n'},
                           **(files or {})).items():
        with open(os.path.join(www, name), 'wb') as f:
            f.write(data)
    pem, key = s.pki.pair(cert)
    text = NGINX.format(dir=s.dir, listen='%s:%d' % (address, port),
                        listen6=net.SERVER6, port=port, cert=pem, key=key,
                        more=more, address=address)
    if not http2:
        text = text.replace(' http2;', ';')
    conf = s.path('nginx.conf')
    with open(conf, 'w') as f:
        f.write(text)
    p = s.spawn(s.server, 'nginx', '-c', conf, '-p', s.dir)
    proc.wait_port(s.server, port, p)
    return p


def s_server(s, port=443, *args, cert='good'):
    pem, key = s.pki.pair(cert)
    p = s.spawn(s.server, 'openssl', 's_server', '-accept',
                '%s:%d' % (net.SERVER, port), '-cert', pem, '-key', key,
                *args, name='s_server')
    proc.wait_port(s.server, port, p)
    return p


def gnutls_serv(s, port=443, *args, cert='good'):
    pem, key = s.pki.pair(cert)
    p = s.spawn(s.server, 'gnutls-serv', '-p', str(port), '--x509certfile',
                pem, '--x509keyfile', key, *args)
    proc.wait_port(s.server, port, p)
    return p


DOVECOT_2_3 = '''
ssl_cert = <{cert}
ssl_key = <{key}
mail_location = maildir:{dir}/mail
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={dir}/mail
}}
'''
# The same in the names of 2.4, which wants its version said first.
DOVECOT_2_4 = '''
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
ssl_server_cert_file = {cert}
ssl_server_key_file = {key}
mail_driver = maildir
mail_path = {dir}/mail
passdb static {{
  fields {{
    nopassword = yes
  }}
}}
userdb static {{
  fields {{
    uid = nobody
    gid = nogroup
    home = {dir}/mail
  }}
}}
'''
DOVECOT = '''
protocols = imap pop3 sieve
listen = 10.2.0.2
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/dovecot.log
ssl = required
default_internal_user = nobody
default_login_user = nobody
default_internal_group = nogroup
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 143
  }}
  inet_listener imaps {{
    port = 993
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = 110
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service managesieve-login {{
  chroot =
  inet_listener sieve {{
    port = 4190
  }}
}}
service anvil {{
  chroot =
}}
'''


def dovecot(s, cert='good'):
    pem, key = s.pki.pair(cert)
    os.mkdir(s.path('mail'))
    os.chmod(s.path('mail'), 0o777)
    conf = s.path('dovecot.conf')
    version = net.run('dovecot', '--version')
    old = re.match(r'2\.[0-3]\.', version)
    with open(conf, 'w') as f:
        f.write(((DOVECOT_2_3 if old else DOVECOT_2_4) + DOVECOT).format(
            dir=s.dir, cert=pem, key=key))
    p = s.spawn(s.server, 'dovecot', '-F', '-c', conf, name='dovecot-out')
    proc.wait_port(s.server, 993, p)
    return p


EXIM = '''
exim_user = {user}
exim_group = {user}
primary_hostname = good.test
spool_directory = {dir}/spool
log_file_path = {dir}/exim-%s.txt
local_interfaces = 10.2.0.2
daemon_smtp_ports = 25 : 465
tls_on_connect_ports = 465
tls_certificate = {dir}/exim.pem
tls_privatekey = {dir}/exim.key
tls_advertise_hosts = *
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = accept
acl_smtp_data = accept
never_users =
pid_file_path = {dir}/exim.pid
begin acl
accept:
  accept
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  file = {dir}/spool/mailbox
  user = {user}
'''


def exim(s, cert='good'):
    import pwd
    import shutil
    user = 'Debian-exim'
    pw = pwd.getpwnam(user)
    os.mkdir(s.path('spool'))
    for src, dst in zip(s.pki.pair(cert), ('exim.pem', 'exim.key')):
        shutil.copy(src, s.path(dst))
        os.chown(s.path(dst), pw.pw_uid, pw.pw_gid)
    os.chown(s.path('spool'), pw.pw_uid, pw.pw_gid)
    os.chmod(s.dir, 0o777)
    conf = s.path('exim.conf')
    with open(conf, 'w') as f:
        f.write(EXIM.format(dir=s.dir, user=user))
    p = s.spawn(s.server, 'exim4', '-C', conf, '-bdf', '-q1h', name='exim')
    proc.wait_port(s.server, 465, p)
    return p


MOSQUITTO = '''
listener 8883 10.2.0.2
cafile {root}
certfile {cert}
keyfile {key}
allow_anonymous true
user root
'''


def mosquitto(s, cert='good'):
    pem, key = s.pki.pair(cert)
    conf = s.path('mosquitto.conf')
    with open(conf, 'w') as f:
        f.write(MOSQUITTO.format(root=s.pki.root, cert=pem, key=key))
    p = s.spawn(s.server, 'mosquitto', '-c', conf)
    proc.wait_port(s.server, 8883, p)
    return p


def curl(s, *args, trust=None, ns=None, **kw):
    return s.run(ns or s.client, 'curl', '-sS', '--max-time', '25',
                 '--cacert', trust or s.pki.ca, *args, **kw)


NODE = '''
const https = require('https');
https.get(process.argv[2], (r) => {
  let n = ''; r.on('data', (d) => n += d);
  r.on('end', () => { console.log(r.statusCode, n); });
}).on('error', (e) => { console.error(e.code, e.message); process.exit(1); });
'''
JAVA = '''
import java.net.URL;
import javax.net.ssl.HttpsURLConnection;
public class Get {
  public static void main(String[] a) throws Exception {
    HttpsURLConnection c =
        (HttpsURLConnection) new URL(a[0]).openConnection();
    System.out.println(c.getResponseCode());
    System.out.write(c.getInputStream().readAllBytes());
    System.out.flush();
  }
}
'''


def node(s, url):
    with open(s.path('get.js'), 'w') as f:
        f.write(NODE)
    return s.run(s.client, 'node', s.path('get.js'), url,
                 env={'NODE_EXTRA_CA_CERTS': s.pki.ca})


def java(s, url, pem):
    store = s.path('trust.p12')
    s.run(s.client, 'keytool', '-importcert', '-noprompt', '-alias', 'ca',
          '-file', pem, '-keystore', store, '-storepass', 'changeit',
          '-storetype', 'PKCS12').ok()
    with open(s.path('Get.java'), 'w') as f:
        f.write(JAVA)
    return s.run(s.client, 'java', '-Djavax.net.ssl.trustStore=' + store,
                 '-Djavax.net.ssl.trustStorePassword=changeit',
                 s.path('Get.java'), url, timeout=60,
          env={'JAVA_TOOL_OPTIONS': '-XX:-UsePerfData'})


CHROMIUM = ['chromium', '--headless', '--no-sandbox', '--disable-gpu',
            '--no-first-run', '--disable-extensions',
            '--disable-background-networking', '--disable-sync',
            '--disable-component-update', '--disable-quic']


def is_settled(s):
    """The client's port has its last address. That comes up to a second after
    it was made (the kernel looks for carriers once a second), and a browser
    gives up all connections when an address comes."""
    return 'fe80:' in s.client.run('ip', '-6', 'addr', 'show', 'dev', 'c0')


def nss(s, *pems):
    """A home in which these are Chromium's only own CAs; its environment."""
    home = s.path('home')
    db = os.path.join(home, '.pki', 'nssdb')
    if not os.path.isdir(db):
        os.makedirs(db)
        s.run(s.client, 'certutil', '-N', '--empty-password', '-d',
              'sql:' + db).ok()
        for pem in pems:
            s.run(s.client, 'certutil', '-A', '-n', pem, '-t', 'C,,', '-d',
                  'sql:' + db, '-i', pem).ok()
    if not os.path.ismount('/dev/shm'):
        net.run('mount', '-t', 'tmpfs', 'shm', '/dev/shm')
    proc.wait(lambda: is_settled(s), 'address of c0')
    # A path of a socket has at most 107 bytes, and our directory's name has
    # that of the scenario.
    return {'HOME': home, 'TMPDIR': '/dev/shm'}


def chromium(s, url, pem, *args, keylog=None):
    """The page's DOM as Chromium shows it, with pem as its only own CA."""
    env = nss(s, pem)
    if keylog:
        env['SSLKEYLOGFILE'] = keylog
    return s.run(s.client, *CHROMIUM, '--user-data-dir=' +
                 os.path.join(env['HOME'], 'profile'),
                 '--timeout=15000', '--dump-dom', *args, url, env=env,
                 timeout=60)
