"""Real servers in which a session begins in the clear, each with its own
configuration and data in the scenario's directory."""
import glob
import os
import shutil

from . import net, proc

SLAPD = '''
include /etc/ldap/schema/core.schema
pidfile {dir}/slapd.pid
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
modulepath /usr/lib/ldap
moduleload back_null
database null
suffix "dc=test"
bind on
'''
PROSODY = '''
daemonize = false
run_as_root = true
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/prosody"
interfaces = {{ "10.2.0.2" }}
c2s_ports = {{ 5222 }}
s2s_ports = {{ }}
c2s_direct_tls_ports = {{ }}
modules_enabled = {{ "tls", "saslauth", "disco" }}
modules_disabled = {{ "s2s" }}
log = {{ info = "*console" }}
c2s_require_encryption = true
VirtualHost "good.test"
    ssl = {{ key = "{key}", certificate = "{cert}" }}
'''
# What is not said is as Debian has it: a data connection has to resume the
# session of its control connection. The ciphers are for a key that is not RSA;
# Debian 12 has none by default that still work in TLS 1.2.
VSFTPD = '''
background=NO
listen=YES
listen_address=10.2.0.2
listen_port={port}
implicit_ssl={implicit}
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
rsa_cert_file={cert}
rsa_private_key_file={key}
ssl_ciphers=HIGH
anonymous_enable=YES
no_anon_password=YES
anon_root={dir}/ftp
write_enable=YES
anon_upload_enable=YES
anon_umask=022
nopriv_user=nobody
ftp_username=ftp
secure_chroot_dir={dir}/ftp-empty
pasv_min_port=40000
pasv_max_port=40999
{more}
'''


def written(s, name, text, cert='good', **more):
    pem, key = s.pki.pair(cert)
    with open(s.path(name), 'w') as f:
        f.write(text.format(dir=s.dir, cert=pem, key=key, **more))
    return s.path(name)


def slapd(s):
    p = s.spawn(s.server, 'slapd', '-f', written(s, 'slapd.conf', SLAPD),
                '-h', 'ldap://%s/' % net.SERVER, '-d', '0')
    proc.wait_port(s.server, 389, p)
    return p


def prosody(s):
    os.mkdir(s.path('prosody'))
    p = s.spawn(s.server, 'prosody', '--config',
                written(s, 'prosody.cfg.lua', PROSODY), '-F')
    proc.wait_port(s.server, 5222, p)
    return p


def owned(s, user, name):
    """A directory of that user's, and copies of certificate and key."""
    os.chmod(s.dir, 0o755)
    os.mkdir(s.path(name))
    for src, dst in zip(s.pki.pair('good'), ('cert.pem', 'cert.key')):
        shutil.copy(src, s.path(dst))
        shutil.chown(s.path(dst), user)
        os.chmod(s.path(dst), 0o600)
    shutil.chown(s.path(name), user)
    return s.path(name)


def postgres(s):
    where = sorted(glob.glob('/usr/lib/postgresql/*/bin'))[-1]
    data = owned(s, 'postgres', 'postgres')
    who = ['setpriv', '--reuid=postgres', '--regid=postgres',
           '--clear-groups']
    s.run(s.server, *who, where + '/initdb', '-D', data, '-A', 'trust', '-N',
          '--locale=C', cwd='/').ok()
    with open(data + '/pg_hba.conf', 'w') as f:
        f.write('hostssl all all all trust\n')
    p = s.spawn(s.server, *who, where + '/postgres', '-D', data,
                '-c', 'listen_addresses=' + net.SERVER, '-c', 'fsync=off',
                '-c', 'unix_socket_directories=', '-c', 'ssl=on',
                '-c', 'ssl_cert_file=' + s.path('cert.pem'),
                '-c', 'ssl_key_file=' + s.path('cert.key'), cwd='/',
                name='postgres')
    proc.wait_port(s.server, 5432, p)
    return p


def mariadb(s):
    data = owned(s, 'nobody', 'mariadb')
    p = s.spawn(s.server, 'mariadbd', '--no-defaults', '--user=nobody',
                '--datadir=' + data, '--skip-grant-tables',
                '--bind-address=' + net.SERVER, '--port=3306',
                '--socket=' + data + '/sock',
                '--ssl-cert=' + s.path('cert.pem'),
                '--ssl-key=' + s.path('cert.key'), '--innodb=OFF',
                '--default-storage-engine=MyISAM',
                '--lc-messages-dir=/usr/share/mysql')
    proc.wait_port(s.server, 3306, p)
    return p


def vsftpd(s, port, files, cert='good', more=''):
    """What is uploaded comes to ftp/up."""
    if not os.path.isdir(s.path('ftp')):
        os.chmod(s.dir, 0o755)
        os.mkdir(s.path('ftp-empty'))
        os.mkdir(s.path('ftp'))
        os.mkdir(s.path('ftp/up'))
        shutil.chown(s.path('ftp/up'), 'ftp')
        for name, data in files.items():
            with open(s.path('ftp/' + name), 'wb') as f:
                f.write(data)
    conf = written(s, 'vsftpd-%d.conf' % port, VSFTPD, cert, port=port,
                   more=more, implicit='YES' if port == 990 else 'NO')
    p = s.spawn(s.server, 'vsftpd', conf, name='vsftpd-%d' % port)
    proc.wait_port(s.server, port, p)
    return p
