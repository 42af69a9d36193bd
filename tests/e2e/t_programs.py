"""Real clients and real servers, each with the mirror compared."""
import os
import re

from harness import check, equal, peer, programs, scenario, wait

BODY = b'the body of the little origin\n'
URL = 'https://v4.good.test/'


def origin(s, **kw):
    return s.serve(443, handler=peer.http(BODY, close=True), **kw)


@scenario
def client_curl(s):
    s.start()
    srv = origin(s, alpn=['http/1.1'])
    r = programs.curl(s, URL).ok()
    equal(r.out, BODY)
    s.mirrored_by_server(srv)


@scenario
def client_wget(s):
    s.start()
    srv = origin(s)
    r = s.run(s.client, 'wget', '-qO-', '--ca-certificate', s.pki.ca,
              URL).ok()
    equal(r.out, BODY)
    s.mirrored_by_server(srv)


@scenario
def client_openssl(s):
    s.start()
    srv = origin(s)
    r = s.run(s.client, 'openssl', 's_client', '-connect', 'v4.good.test:443',
              '-servername', 'good.test', '-CAfile', s.pki.ca,
              '-verify_return_error', '-verify_hostname', 'good.test',
              '-quiet', input=b'GET / HTTP/1.0\r\n\r\n')
    check(BODY in r.out, r.text, r.errors)
    s.mirrored_by_server(srv)


@scenario
def client_gnutls(s):
    s.start()
    srv = origin(s)
    for prio in ('NORMAL', 'NORMAL:-VERS-TLS1.3'):
        r = s.run(s.client, 'gnutls-cli', '--x509cafile', s.pki.ca,
                  '--priority', prio, '--logfile', s.path('gnutls.txt'),
                  'v4.good.test', input=b'GET / HTTP/1.0\r\n\r\n')
        check(BODY in r.out, r.text, r.errors)
    s.mirrored_by_server(srv, 2)


@scenario
def client_python(s):
    s.start()
    srv = origin(s)
    r = s.run(s.client, 'python3', '-c', 'import sys,urllib.request as u;'
              'sys.stdout.buffer.write(u.urlopen("%s").read())' % URL,
              env={'SSL_CERT_FILE': s.pki.ca}).ok()
    equal(r.out, BODY)
    s.mirrored_by_server(srv)


@scenario
def client_node(s):
    s.start()
    srv = origin(s)
    check(BODY.decode() in programs.node(s, URL).ok().text)
    s.mirrored_by_server(srv)
    bad = s.serve(444, cert='wrong')
    r = programs.node(s, 'https://wrong.test:444/')
    check(r.code != 0 and bad is not None, r.text)


@scenario(plain=True, timeout=120)
def client_java(s):
    s.start()
    srv = origin(s)
    r = programs.java(s, URL, s.pki.ca).ok()
    check(BODY in r.out, r.text)
    s.mirrored_by_server(srv)


@scenario(plain=True, timeout=150)
def client_chromium(s):
    """HTTP/2 with the CA installed: no warning on a good site, a warning
    on a bad one."""
    s.start()
    programs.nginx(s)
    r = programs.chromium(s, 'https://v4.good.test/', s.pki.ca,
                          keylog=s.path('chrome-keys'))
    check('little origin' in r.text, r.text, r.errors[-2000:])
    with open(s.path('nginx-access.log')) as f:
        text = f.read()
    check('HTTP/2.0' in text and 'HeadlessChrome' in text, text)
    st = [x for x in s.rec.streams(1) if
          bytes(x.up.data).startswith(b'PRI * HTTP/2.0')]
    check(st, 'no HTTP/2 on the mirror')
    for x in s.rec.streams():
        equal(x.problems, [])
    for url in ('https://wrong.test/', 'https://expired.test/'):
        r = programs.chromium(s, url, s.pki.ca)
        check('little origin' not in r.text, 'no warning for ' + url)
        check(re.search('ERR_CERT|SSL error', r.errors), r.errors[-1500:])


# --- servers

@scenario
def server_nginx_h1_and_h2_on_v4_and_v6(s):
    s.start()
    big = os.urandom(300000)
    programs.nginx(s, files={'big': big})
    for args in (('-4', '--http1.1'), ('-4', '--http2'), ('-6', '--http1.1'),
                 ('-6', '--http2')):
        r = programs.curl(s, *args, 'https://good.test/big').ok()
        equal(r.out, big)
    st = s.rec.streams(4)
    equal(len(st), 4)
    for x in st:
        equal(x.problems, [])
    for x in (st[0], st[2]):
        check(bytes(x.down.data).endswith(big), 'HTTP/1.1 body')
        check(b'GET /big HTTP/1.1\r\n' in x.up.data)
    for x in (st[1], st[3]):
        check(bytes(x.up.data).startswith(b'PRI * HTTP/2.0'), x)


@scenario
def server_openssl(s):
    s.start()
    programs.s_server(s, 443, '-rev', '-quiet')
    for hi in ('1.2', '1.3'):
        c = s.tls(hi=hi)
        c.send(b'hello\n')
        equal(c.recv_exact(6), b'olleh\n')
        c.finish()
        st = s.rec.streams(2 if hi == '1.3' else 1)[-1]
        equal((bytes(st.up.data), bytes(st.down.data)),
              (b'hello\n', b'olleh\n'))
        equal(st.problems, [])


@scenario
def server_gnutls(s):
    s.start()
    programs.gnutls_serv(s, 443, '--echo', '--disable-client-cert')
    made = []
    for hi in ('1.2', '1.3'):
        c = s.tls(hi=hi)
        c.send(b'hello gnutls\n')
        c.recv_exact(13)
        made.append(c.finish())
    s.mirrored([(bytes(c.sent), bytes(c.received)) for c in made])


@scenario
def server_dovecot_imaps(s):
    s.start()
    programs.dovecot(s)
    c = s.tls(993)
    check(c.recv_until(b'\r\n').startswith(b'* OK'))
    c.send(b'a LOGIN me secret\r\n')
    check(b'a OK' in c.recv_until(b'\r\n'))
    mail = b'From: a@b\r\nSubject: x\r\n\r\nhello mail\r\n'
    c.send(b'b APPEND INBOX {%d+}\r\n' % len(mail) + mail + b'\r\n')
    while not c.recv_until(b'\r\n').startswith(b'b OK'):
        pass
    c.send(b'c SELECT INBOX\r\nd FETCH 1 BODY[TEXT]\r\n')
    check(b'hello mail' in c.recv_until(b'd OK'))
    c.send(b'e LOGOUT\r\n')
    c.recv_all()
    c.finish()
    s.mirrored([(bytes(c.sent), bytes(c.received))])


@scenario
def server_exim_smtps(s):
    s.start()
    programs.exim(s)
    c = s.tls(465)
    check(c.recv_until(b'\r\n').startswith(b'220 '))
    for line, want in ((b'EHLO me.test', b'250 '),
                       (b'MAIL FROM:<a@good.test>', b'250 '),
                       (b'RCPT TO:<b@good.test>', b'250 '),
                       (b'DATA', b'354 '),
                       (b'Subject: hi\r\n\r\n' + b'a line of mail\r\n' * 500
                        + b'.', b'250 '), (b'QUIT', b'221 ')):
        c.send(line + b'\r\n')
        while True:
            got = c.recv_until(b'\r\n')
            if got[3:4] != b'-':
                break
        check(got.startswith(want), line[:40], got)
    c.recv_all()
    c.finish()
    s.mirrored([(bytes(c.sent), bytes(c.received))])
    wait(lambda: os.path.exists(s.path('spool/mailbox')), 'the mail')


@scenario
def server_mosquitto_mqtts(s):
    s.unlike = 'its other clients keep no record'
    s.start()
    programs.mosquitto(s)
    c = s.tls(8883)
    ident = b'little'
    body = b'\0\4MQTT\4\2\0\x3c' + len(ident).to_bytes(2, 'big') + ident
    c.send(b'\x10' + bytes([len(body)]) + body)
    equal(c.recv_exact(4), b'\x20\2\0\0', 'CONNACK')
    c.send(b'\x82\x06\0\1\0\1t\0')
    equal(c.recv_exact(5), b'\x90\3\0\1\0', 'SUBACK')
    s.run(s.client, 'mosquitto_pub', '-h', 'v4.good.test', '-p', '8883',
          '--cafile', s.pki.ca, '-t', 't', '-m', 'through the gateway').ok()
    got = c.recv_exact(2)
    check(b'through the gateway' in c.recv_exact(got[1]))
    c.send(b'\xe0\0')
    c.finish()
    st = s.rec.streams(2)
    for x in st:
        equal(x.problems, [])
    check((bytes(c.sent), bytes(c.received)) in
          [(bytes(x.up.data), bytes(x.down.data)) for x in st])


@scenario
def websocket_through_tls(s):
    s.start()

    def handler(p):
        p.recv_until(b'\r\n\r\n')
        p.send(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
               b'Connection: Upgrade\r\n\r\n')
        peer.echo(p)
    srv = s.serve(443, handler=handler, alpn=['http/1.1'])
    c = s.tls(alpn=['h2', 'http/1.1'])
    c.send(b'GET /chat HTTP/1.1\r\nHost: good.test\r\nUpgrade: websocket\r\n'
           b'Connection: Upgrade\r\n\r\n')
    c.recv_until(b'\r\n\r\n')
    frame = b'\x82\x7e\x10\x00' + os.urandom(4096)
    for i in range(10):
        c.send(frame)
        equal(c.recv_exact(len(frame)), frame)
    s.same(srv, c.finish())


@scenario
def mosquitto_clients_come_and_go(s):
    """Both sides close at once, with close_notify and more on its way: every
    session must end with them, not with a timeout."""
    s.start()
    programs.mosquitto(s)
    for i in range(8):
        s.run(s.client, 'mosquitto_pub', '-h', 'v4.good.test', '-p', '8883',
              '--cafile', s.pki.ca, '-t', 't', '-m', 'message %d' % i).ok()
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0,
         'end of all sessions', 5)
    for x in s.rec.streams(8):
        equal(x.problems, [])
        check(b'message' in x.up.data, x)
