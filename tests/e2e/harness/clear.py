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
def written(s, name, text, cert='good'):
    pem, key = s.pki.pair(cert)
    with open(s.path(name), 'w') as f:
        f.write(text.format(dir=s.dir, cert=pem, key=key))
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
