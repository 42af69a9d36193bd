"""Who is told: a receiver of webhooks, rsyslog and FreeRADIUS, as they come
from Debian, in the server's namespace."""
import http.server
import json
import os
import shutil
import ssl
import threading

from . import net, proc
from .proc import wait


class Webhook:
    """A server of HTTP that keeps what it gets. answers: statuses for the next
    requests; then always 200. Where delay is set, it answers late."""

    def __init__(self, s, port, cert=None, ca=None, address=net.SERVER,
                 ns=None):
        self.s, self.port, self.address = s, port, address
        self.ns = ns or s.server
        self.got, self.answers, self.delay = [], [], None
        self.context = None
        if cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*s.pki.pair(cert))
            if ca:
                self.context.verify_mode = ssl.CERT_REQUIRED
                self.context.load_verify_locations(ca)
        self.server = None
        self.up()

    def up(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                n = int(self.headers.get('Content-Length') or 0)
                body = self.rfile.read(n)
                status = outer.answers.pop(0) if outer.answers else 200
                outer.got.append((self.command, self.path, self.headers,
                                  body, status))
                if outer.delay:
                    outer.delay.wait()
                text = b'{"said": "a status of %d"}' % status
                self.send_response(status)
                self.send_header('Content-Length', str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            do_POST = do_PUT = do_DELETE = do_PATCH = do_GET = answer

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client):
                pass

            def get_request(self):
                sock, peer = super().get_request()
                if outer.context:   # the handshake is the thread's
                    sock = outer.context.wrap_socket(
                        sock, server_side=True, do_handshake_on_connect=False)
                return sock, peer
        with self.ns:
            self.server = Server((self.address, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()
        return self

    def down(self):
        self.server.shutdown()
        self.server.server_close()

    def bodies(self, n, timeout=10):
        """The first n, as JSON, of those that were answered with 200."""
        def good():
            return [g for g in self.got if g[4] == 200]
        wait(lambda: len(good()) >= n, '%d webhooks' % n, timeout)
        return [json.loads(g[3]) for g in good()]


RSYSLOG = '''
global(workDirectory="{dir}" DefaultNetstreamDriverCAFile="{root}"
       DefaultNetstreamDriverCertFile="{cert}"
       DefaultNetstreamDriverKeyFile="{key}" net.enableDNS="off"
       maxMessageSize="64k")
module(load="imudp")
module(load="imptcp")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1"
       StreamDriver.AuthMode="anon")
template(name="all" type="string" string="%rawmsg%\\n")
template(name="parts" type="string" string="%pri% %protocol-version% %app-name% %procid% %msgid% %hostname% %timereported:::date-rfc3339%|%msg%\\n")
ruleset(name="keep") {{
	action(type="omfile" file="{dir}/syslog.raw" template="all")
	action(type="omfile" file="{dir}/syslog.parts" template="parts")
}}
input(type="imudp" address="10.2.0.2" port="514" ruleset="keep")
input(type="imptcp" address="10.2.0.2" port="601" ruleset="keep")
input(type="imtcp" address="10.2.0.2" port="6514" ruleset="keep")
'''


def rsyslog(s, cert='good'):
    pem, key = s.pki.pair(cert)
    conf = s.path('rsyslog.conf')
    with open(conf, 'w') as f:
        f.write(RSYSLOG.format(dir=s.dir, root=s.pki.root, cert=pem, key=key))
    p = s.spawn(s.server, shutil.which('rsyslogd') or '/usr/sbin/rsyslogd',
                '-n', '-f', conf, '-i', s.path('rsyslog.pid'),
                name='rsyslogd')
    for port in 601, 6514:
        proc.wait_port(s.server, port, p)
    return p


RADIUSD = '''
prefix = {dir}
logdir = {dir}
run_dir = {dir}
pidfile = {dir}/radiusd.pid
raddbdir = /etc/freeradius/3.0
libdir = /usr/lib/freeradius
security {{
	allow_core_dumps = no
	max_attributes = 200
	reject_delay = 0
	status_server = no
}}
client gateway {{
	ipaddr = 10.2.0.1
	secret = {secret}
	require_message_authenticator = yes
}}
thread pool {{
	start_servers = 1
	max_servers = 2
	min_spare_servers = 1
	max_spare_servers = 2
	max_requests_per_server = 0
}}
modules {{
	always ok {{
		rcode = ok
	}}
	always reject {{
		rcode = reject
	}}
}}
server coa {{
	listen {{
		type = coa
		ipaddr = 10.2.0.2
		port = 3799
	}}
	recv-coa {{
		if (&Calling-Station-Id =~ /{refuse}/) {{
			update reply {{
				Error-Cause := Session-Context-Not-Found
			}}
			reject
		}}
		ok
	}}
	send-coa {{
		ok
	}}
}}
'''
RADIUS_PROGRAM = shutil.which('freeradius') or shutil.which(
    'freeradius', path='/usr/sbin')


def freeradius(s, secret='a secret of ours', refuse='^$'):
    directory = s.path('raddb')
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, 'radiusd.conf'), 'w') as f:
        f.write(RADIUSD.format(dir=s.dir, secret=json.dumps(secret),
                               refuse=refuse))
    with open(os.path.join(directory, 'dictionary'), 'w') as f:
        f.write('$INCLUDE /usr/share/freeradius/dictionary\n')
    p = s.spawn(s.server, RADIUS_PROGRAM, '-X', '-d', directory,
                name='freeradius')
    p.wait_log('Ready to process requests')
    return p
