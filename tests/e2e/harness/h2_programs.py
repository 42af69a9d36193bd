"""Real servers and clients of HTTP/2, besides nginx and curl."""
import os

from . import net, proc, programs
from .proc import check

PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..',
                     'peers')
HOST = 'v4.good.test'
URL = 'https://%s/' % HOST
# Debian's own has grpc, whatever python3 is first in the path.
PYTHON = '/usr/bin/python3'

APACHE = '''
ServerRoot {dir}
ServerName good.test
PidFile {dir}/apache.pid
ErrorLog {dir}/apache-error.log
LogLevel warn
DefaultRuntimeDir {dir}
Mutex file:{dir}
User nobody
Group nogroup
Listen {address}:443
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule http2_module {modules}/mod_http2.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule dir_module {modules}/mod_dir.so
TypesConfig /dev/null
Protocols {protocols}
H2EarlyHints on
H2Push on
H2PushResource /big
SSLEngine on
SSLCertificateFile {cert}
SSLCertificateKeyFile {key}
DocumentRoot {dir}/www
<Location /hinted>
	H2EarlyHint Link "</early.css>;rel=preload"
</Location>
<Directory {dir}/www>
	Require all granted
</Directory>
{more}
'''


CLEAR = '''
ServerRoot {dir}
ServerName good.test
PidFile {dir}/apache.pid
ErrorLog {dir}/apache-error.log
DefaultRuntimeDir {dir}
Mutex file:{dir}
User nobody
Group nogroup
Listen {address}:80
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule http2_module {modules}/mod_http2.so
Protocols h2c http/1.1
H2Upgrade on
DocumentRoot {dir}/www
'''


def tree(s, files):
    """{dir}/www with these files, for servers that run as whoever."""
    www = s.path('www')
    os.makedirs(www, exist_ok=True)
    os.chmod(s.dir, 0o755)
    for name, data in files.items():
        with open(os.path.join(www, name), 'wb') as f:
            f.write(data)
    return www


def apache_runs(s, conf, port, **more):
    path = s.path('apache.conf')
    with open(path, 'w') as f:
        f.write(conf.format(dir=s.dir, address=net.SERVER,
                            modules='/usr/lib/apache2/modules', **more))
    p = s.spawn(s.server, '/usr/sbin/apache2', '-X', '-f', path,
                name='apache')
    proc.wait_port(s.server, port, p)
    return p


def apache(s, files, cert='good', protocols='h2 http/1.1', more=''):
    """Apache httpd in the foreground, out of the scenario's directory. more:
    lines of its configuration."""
    tree(s, files)
    pem, key = s.pki.pair(cert)
    return apache_runs(s, APACHE, 443, cert=pem, key=key, protocols=protocols,
                       more=more)


def apache_clear(s, files):
    """The same, without TLS: it goes over to HTTP/2 by Upgrade."""
    tree(s, files)
    return apache_runs(s, CLEAR, 80)


def nghttpd(s, files, *args, cert='good'):
    www = tree(s, files)
    pem, key = s.pki.pair(cert)
    p = s.spawn(s.server, 'nghttpd', '-a', net.SERVER, '-d', www, *args,
                '443', key, pem)
    proc.wait_port(s.server, 443, p)
    return p


def node(s, *how, cert='good'):
    """origin.js."""
    p = s.spawn(s.server, 'node', os.path.join(PEERS, 'origin.js'),
                *s.pki.pair(cert), net.SERVER, '443', *how, name='origin.js')
    proc.wait_port(s.server, 443, p)
    return p


def node_client(s, *args):
    return s.run(s.client, 'node', os.path.join(PEERS, 'client.js'), URL,
                 *args,
                 env={'NODE_EXTRA_CA_CERTS': s.pki.ca})


def grpc(s, cert='good', port=443):
    p = s.spawn(s.server, PYTHON, os.path.join(PEERS, 'grpc_peer.py'),
                'server', '%s:%d' % (net.SERVER, port), *s.pki.pair(cert),
                name='grpc-server-%d' % port)
    proc.wait_port(s.server, port, p)
    return p


def grpc_client(s, *args):
    return s.run(s.client, PYTHON, os.path.join(PEERS, 'grpc_peer.py'),
                 'client', HOST + ':443', s.pki.ca, *args, timeout=150)


def h2load(s, *args):
    """h2load, of which every request must succeed."""
    r = s.run(s.client, 'h2load', *args, timeout=60).ok()
    n = args[args.index('-n') + 1]
    check('%s succeeded, 0 failed, 0 errored, 0 timeout' % n in r.text,
          r.text, r.errors)
    check('Application protocol: h2' in r.text, r.text)
    return r


def curl(s, *args, **kw):
    return programs.curl(s, '--http2', *args, **kw)


def nghttp(s, *args):
    """Its log of frames."""
    return s.run(s.client, 'nghttp', '-v', '--no-dep', *args).ok().text
