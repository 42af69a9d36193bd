"""TLS that begins in the middle of a session: both sides are upgraded, what is
inside is on the mirror, and nothing is smuggled across."""
import ssl

from harness import Failure, check, equal, net, peer, scenario
from t_rules import own_certificate

# What is said in the clear, and by whom: to the server's agreement. Then what
# is said inside.
SMTP = (25, [('s', b'220 good.test ESMTP\r\n'), ('c', b'EHLO me\r\n'),
             ('s', b'250-good.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n'),
             ('c', b'STARTTLS\r\n'), ('s', b'220 go ahead\r\n')],
        [('c', b'EHLO me\r\n'), ('s', b'250-good.test\r\n250 SIZE 1000\r\n'),
         ('c', b'QUIT\r\n'), ('s', b'221 bye\r\n')])
IMAP = (143, [('s', b'* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n'),
              ('c', b'a1 CAPABILITY\r\n'),
              ('s', b'* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n'
                    b'a1 OK done\r\n'),
              ('c', b'a2 STARTTLS\r\n'), ('s', b'a2 OK begin\r\n')],
        [('c', b'a3 LOGIN me secret\r\n'), ('s', b'a3 OK in\r\n')])
POP3 = (110, [('s', b'+OK hello\r\n'), ('c', b'CAPA\r\n'),
              ('s', b'+OK list\r\nSTLS\r\nUSER\r\n.\r\n'),
              ('c', b'STLS\r\n'), ('s', b'+OK begin\r\n')],
        [('c', b'USER me\r\n'), ('s', b'+OK\r\n')])
FTP = (21, [('s', b'220-hello\r\n220 ftp\r\n'), ('c', b'FEAT\r\n'),
            ('s', b'211-Features:\r\n AUTH TLS\r\n PBSZ\r\n211 End\r\n'),
            ('c', b'AUTH TLS\r\n'), ('s', b'234 go\r\n')],
       [('c', b'USER me\r\n'), ('s', b'331 password\r\n')])
NNTP = (119, [('s', b'200 news\r\n'), ('c', b'CAPABILITIES\r\n'),
              ('s', b'101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n'),
              ('c', b'STARTTLS\r\n'), ('s', b'382 go\r\n')],
        [('c', b'MODE READER\r\n'), ('s', b'200 ok\r\n')])
SIEVE = (4190, [('s', b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK "hi"\r\n'),
                ('c', b'STARTTLS\r\n'), ('s', b'OK "go"\r\n')],
         [('s', b'"IMPLEMENTATION" "x"\r\nOK "hi"\r\n'),
          ('c', b'LOGOUT\r\n'), ('s', b'OK\r\n')])
LDAP = (389, [('c', b'\x30\x1d\x02\x01\x01\x77\x18\x80\x16'
                    b'1.3.6.1.4.1.1466.20037'),
              ('s', b'\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0')],
        [('c', b'\x30\x05\x02\x01\x02\x42\0')])
XMPP = (5222, [('c', b"<?xml version='1.0'?><stream:stream to='good.test'>"),
               ('s', b"<?xml version='1.0'?><stream:stream id='1'>"
                     b"<stream:features><starttls xmlns='urn:x'><required/>"
                     b"</starttls></stream:features>"),
               ('c', b"<starttls xmlns='urn:x'/>"),
               ('s', b"<proceed xmlns='urn:x'/>")],
        [('c', b"<stream:stream to='good.test'>"), ('s', b'<stream:stream>')])
PGSQL = (5432, [('c', b'\0\0\0\x08\x04\xd2\x16\x30'), ('s', b'N'),
                ('c', b'\0\0\0\x08\x04\xd2\x16\x2f'), ('s', b'S')],
         [('c', b'\0\0\0\x0a\0\3\0\0\0\0'), ('s', b'R\0\0\0\x08\0\0\0\0')])
GREETING = (b'\x0a5.5\0' + b'\1\0\0\0' + b'saltsalt\0' + b'\xff\xff' +
            b'\x08\2\0\xff\x81\x15' + bytes(10) + b'moresaltmore\0')
MYSQL = (3306, [('s', len(GREETING).to_bytes(3, 'little') + b'\0' + GREETING),
                ('c', b'\x20\0\0\1\x85\xae\xff\x19' + bytes(28))],
         [('c', b'\5\0\0\2login'), ('s', b'\3\0\0\3\0\0\0')])
DIALOGUES = {'smtp': SMTP, 'imap': IMAP, 'pop3': POP3, 'ftp': FTP,
             'nntp': NNTP, 'sieve': SIEVE, 'ldap': LDAP, 'xmpp': XMPP,
             'pgsql': PGSQL, 'mysql': MYSQL}


# As a mirror shows what was said in the clear, without the way to TLS.
STRIPPED = {
    'smtp': (b'EHLO me\r\n', b'220 good.test ESMTP\r\n'
             b'250-good.test\r\n250 SIZE 1000\r\n'),
    'imap': (b'a1 CAPABILITY\r\n', b'* OK [CAPABILITY IMAP4rev1] hello\r\n'
             b'* CAPABILITY IMAP4rev1\r\na1 OK done\r\n'),
    'pop3': (b'CAPA\r\n', b'+OK hello\r\n+OK list\r\nUSER\r\n.\r\n'),
    'ftp': (b'FEAT\r\n', b'220-hello\r\n220 ftp\r\n'
            b'211-Features:\r\n PBSZ\r\n211 End\r\n'),
    'nntp': (b'CAPABILITIES\r\n', b'200 news\r\n101 list\r\nVERSION 2\r\n'
             b'.\r\n'),
    'sieve': (b'', b'"IMPLEMENTATION" "x"\r\nOK "hi"\r\n'),
    'ldap': (b'', b''),
    'xmpp': (XMPP[1][0][1], b"<?xml version='1.0'?><stream:stream id='1'>"
             b"<stream:features></stream:features>"),
    'pgsql': (PGSQL[1][0][1], b'N'),
    'mysql': (b'', (MYSQL[1][0][1][:4] +
                    GREETING.replace(b'\0\xff\xff', b'\0\xff\xf7')))}


def mirror(**over):
    return [{'name': 'recorder', 'interface': 'span0',
             'destination-mac': net.RECORDER_MAC, **over}]


def said(inside, who):
    return b''.join(text for by, text in inside if by == who)


def play(p, who, said):
    for by, text in said:
        if by == who:
            p.send(text)
        else:
            equal(p.recv_exact(len(text)), text)


def server_of(s, dialogue, cert='good', port=None, **kw):
    usual, clear, inside = dialogue
    ctx = peer.server_context(s.pki.pair(cert))

    def handler(p):
        play(p, 's', clear)
        p.use(ctx, server=True).handshake()
        play(p, 's', inside)
        p.recv_all()
        p.close()
    return s.serve(port or usual, handler, plain=True, **kw)


def client_of(s, dialogue, name='good.test', trust=None, end=True,
              port=None):
    usual, clear, inside = dialogue
    p = s.plain(port or usual)
    play(p, 'c', clear)
    p.use(peer.client_context(trust or s.pki.ca), name).handshake()
    play(p, 'c', inside)
    return p.finish() if end else p


def result(s, what):
    return s.d.metric('clearspan_starttls_total', result=what)


@scenario
def every_dialogue_is_upgraded_on_both_sides(s):
    """The forged certificate is shown, what is inside is on the mirror in the
    same conversation, and the log says what it was."""
    s.start(mirrors=mirror(starttls='keep'))
    for n, (name, dialogue) in enumerate(DIALOGUES.items()):
        serve = server_of(s, dialogue)
        c = client_of(s, dialogue)
        equal(bytes(serve.wait(1)[0].received), bytes(c.sent), name)
        f = s.d.flows(n + 1)[n]
        equal(f['app_proto'], name)
        equal(f['tls']['sni'], 'good.test', name)
        equal(f['clearspan']['action'], 'decrypt', name)
        equal(f['clearspan']['client']['version'], 'TLS 1.3', name)
        equal(f['clearspan']['server']['verify'], 'ok', name)
    equal(result(s, 'agreed'), len(DIALOGUES))
    s.mirrored([(bytes(up), bytes(down)) for up, down in s.clients])


@scenario
def on_the_mirror_a_dialogue_never_turned_to_tls(s):
    """The default, byte for byte; and what a server refuses is shown."""
    s.start()
    want = []
    for n, (name, dialogue) in enumerate(DIALOGUES.items()):
        server_of(s, dialogue)
        client_of(s, dialogue)
        up, down = STRIPPED[name]
        want.append((up + said(dialogue[2], 'c'), down +
                     said(dialogue[2], 's')))
        s.d.flows(n + 1)
    s.mirrored(want)


@scenario
def a_dialogue_byte_by_byte(s):
    s.start(mirrors=mirror(starttls='keep'))

    def slowly(p, text):
        for i in range(len(text)):
            p.send(text[i:i + 1])
    for dialogue in (SMTP, IMAP):
        server_of(s, dialogue)
        port, clear, inside = dialogue
        p = s.plain(port)
        for by, text in clear:
            if by == 'c':
                slowly(p, text)
            else:
                equal(p.recv_exact(len(text)), text)
        p.use(peer.client_context(s.pki.ca), 'good.test').handshake()
        play(p, 'c', inside)
        p.finish()
    equal([f['app_proto'] for f in s.d.flows(2)], ['smtp', 'imap'])


@scenario
def a_server_that_refuses_and_a_client_that_never_asks(s):
    """Both go on in the clear; what the client sent behind its request goes
    on, too."""
    s.start()
    refuse = [('s', b'220 good.test ESMTP\r\n'), ('c', b'EHLO me\r\n'),
              ('s', b'250 STARTTLS\r\n'), ('c', b'STARTTLS\r\nNOOP\r\n'),
              ('s', b'454 not now\r\n'), ('s', b'250 ok\r\n'),
              ('c', b'QUIT\r\n'), ('s', b'221 bye\r\n')]

    def refusing(p):
        play(p, 's', refuse[:3])
        p.recv_exact(10)
        p.send(b'454 not now\r\n')
        p.recv_exact(6)
        play(p, 's', refuse[5:])
        p.recv_all()
        p.close()
    s.serve(25, refusing, plain=True)
    c = s.plain(25)
    play(c, 'c', refuse)
    c.finish()
    f = s.d.flows(1)[0]
    equal(f['app_proto'], 'smtp')
    check('tls' not in f, f)
    equal(result(s, 'refused'), 1)

    mail = [('s', b'220 x\r\n'), ('c', b'EHLO me\r\n'), ('s', b'250 x\r\n'),
            ('c', b'DATA\r\n'), ('s', b'354 go\r\n'),
            ('c', b'STARTTLS\r\nSTARTTLS\r\n.\r\n'), ('s', b'250 ok\r\n')]

    def plain(p):
        play(p, 's', mail)
        p.recv_all()
        p.close()
    s.serve(26, plain, plain=True)
    c = s.plain(26)
    play(c, 'c', mail)
    c.finish()
    equal(s.d.flows(2)[1]['app_proto'], 'smtp')


@scenario
def a_login_that_needs_tls_first_is_followed_by_it(s):
    """The server refuses it; the client turns to TLS, and is decrypted."""
    s.start(mirrors=mirror(starttls='keep'))
    login = {'smtp': (3, [('c', b'AUTH PLAIN AGEAYg==\r\n'),
                          ('s', b'530 5.7.0 STARTTLS first\r\n')]),
             'imap': (1, [('c', b'a0 LOGIN me x\r\n'),
                          ('s', b'a0 NO [PRIVACYREQUIRED] no\r\n')]),
             'nntp': (1, [('c', b'GROUP a\r\n'), ('s', b'483 no\r\n')])}
    for n, (name, (at, tried)) in enumerate(login.items()):
        port, clear, inside = DIALOGUES[name]
        dialogue = port, clear[:at] + tried + clear[at:], inside
        server_of(s, dialogue)
        client_of(s, dialogue)
        f = s.d.flows(n + 1)[n]
        equal([f['app_proto'], f['clearspan']['action']], [name, 'decrypt'])
        equal(f['tls']['sni'], 'good.test', name)


@scenario
def what_a_client_smuggles_behind_its_request_is_refused(s):
    """In the same segment as the request; and in its own before the hello."""
    s.unlike = 'what was refused never crossed'
    s.start()
    serve = server_of(s, SMTP)
    port, clear, inside = SMTP
    c = s.plain(port)
    play(c, 'c', clear[:3])
    c.send(b'STARTTLS\r\nRSET\r\n')
    equal(c.recv_all().replace(b'220 go ahead\r\n', b''), b'')
    f = s.d.flows(1)[0]
    check('client sent more in the clear' in f['flow']['reason'], f)
    check(b'RSET' not in serve.peers[0].received, serve.peers[0].received)
    c = s.plain(port)
    play(c, 'c', clear)
    c.send(b'RSET\r\n')
    c.recv_all()
    f = s.d.flows(2)[1]
    check('client sent more in the clear' in f['flow']['reason'], f)
    check(b'RSET' not in serve.peers[1].received, serve.peers[1].received)
    equal(result(s, 'injected-by-client'), 2)


@scenario
def what_a_server_smuggles_behind_its_answer_is_refused(s):
    s.unlike = 'what was refused never crossed'
    s.start()
    port, clear, inside = POP3

    def more(p):
        play(p, 's', clear[:4])
        p.send(b'+OK begin\r\n+OK evil\r\n')
        p.recv_all()
        p.close()

    def later(p):
        play(p, 's', clear)
        p.recv(1)
        p.send(b'+OK evil\r\n')
        p.recv_all()
        p.close()
    s.serve(port, more, plain=True)
    c = s.plain(port)
    play(c, 'c', clear[:4])
    check(b'evil' not in c.recv_all(), c.received)
    f = s.d.flows(1)[0]
    check('server sent more in the clear' in f['flow']['reason'], f)
    equal(result(s, 'injected-by-server'), 1)
    s.serve(111, later, plain=True)
    c = s.plain(111)
    play(c, 'c', clear)
    try:
        c.use(peer.client_context(s.pki.ca), 'good.test').handshake()
        raise Failure('a handshake through clear text')
    except (OSError, ssl.SSLError):
        pass
    c.sock.close()
    check('handshake with server' in s.d.flows(2)[1]['flow']['reason'])


@scenario
def rules_know_the_protocol_and_the_name(s):
    """`protocol` and `sni` in a dialogue: bypassed, blocked, or else."""
    s.unlike = 'some are not mirrored'
    s.start(**{'confirm-bypass': False}, rules=[
        {'name': 'ours', 'protocol': ['imap', 'ftp'], 'sni': ['good.test'],
         'action': 'bypass'},
        {'name': 'theirs', 'sni': ['=v4.good.test'], 'action': 'bypass'},
        {'name': 'no-pop', 'protocol': ['pop3'], 'action': 'block'},
        {'name': 'mail', 'protocol': ['smtp'], 'action': 'decrypt',
         'mirror': ['recorder']},
        {'name': 'default', 'action': 'bypass'}])
    server_of(s, IMAP)
    client_of(s, IMAP, trust=s.pki.root)
    f = s.d.flows(1)[0]
    equal([f['clearspan']['action'], f['clearspan']['rule']],
          ['bypass', 'ours'])
    server_of(s, SMTP)
    client_of(s, SMTP)
    f = s.d.flows(2)[1]
    equal([f['clearspan']['action'], f['clearspan']['rule']],
          ['decrypt', 'mail'])
    server_of(s, POP3)
    c = s.plain(110)
    try:
        c.recv_all()
    except OSError:
        pass
    f = s.d.flows(3)[2]
    equal([f['clearspan']['action'], f['clearspan']['rule']],
          ['block', 'no-pop'])
    server_of(s, NNTP)
    client_of(s, NNTP, trust=s.pki.root)
    f = s.d.flows(4)[3]
    equal([f['clearspan']['action'], f['clearspan']['rule']],
          ['bypass', 'default'])
    # By the name alone: the ciphertext of these passes as it came.
    for n, (dialogue, name, rule) in enumerate((
            (FTP, 'good.test', 'ours'), (SMTP, 'v4.good.test', 'theirs'))):
        server_of(s, dialogue, port=dialogue[0] + 10000)
        client_of(s, dialogue, name, trust=s.pki.root,
                  port=dialogue[0] + 10000)
        f = s.d.flows(5 + n)[4 + n]
        equal([f['clearspan']['action'], f['clearspan']['rule'],
               f['tls']['sni']], ['bypass', rule, name])


# What we say ourselves in a dialogue of our own, to see a certificate.
ASKED = {
    'smtp': b'STARTTLS\r\n', 'imap': b'a STARTTLS\r\n', 'pop3': b'STLS\r\n',
    'ftp': b'AUTH TLS\r\n', 'nntp': b'STARTTLS\r\n', 'sieve': b'STARTTLS\r\n',
    'xmpp': b"<?xml version='1.0'?><stream:stream to='good.test' "
            b"version='1.0' xmlns='jabber:client' "
            b"xmlns:stream='http://etherx.jabber.org/streams'>"
            b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    'mysql': b'\x20\0\0\1\1\x8a\x08\0\0\0\0\1\x21' + bytes(23)}


def asking(name, yes=None):
    """The dialogue of ours with a server that agrees, or says this."""
    port, clear, _ = DIALOGUES[name]
    begin = clear[:1] if clear[0][0] == 's' else []
    if name == 'smtp':
        begin += [('c', b'EHLO [127.0.0.1]\r\n'), clear[2]]
    if name == 'xmpp':
        begin, clear = [('c', ASKED[name]), clear[1]], clear[2:]
    else:
        begin += [('c', ASKED.get(name, clear[-2][1]))]
    if name == 'imap':
        yes = yes or b'a OK begin\r\n'
    if name == 'mysql':
        return port, begin, []
    return port, begin + [('s', yes or clear[-1][1])], []


def served_twice(s, name, port, cert='good', yes=None):
    """The second that comes is our own connection."""
    n, ctx = iter(range(9)), peer.server_context(s.pki.pair(cert))

    def handler(p):
        ours = next(n) == 1
        _, clear, inside = asking(name, yes) if ours else DIALOGUES[name]
        play(p, 's', clear)
        if yes is None or not ours:
            p.use(ctx, server=True).handshake()
            play(p, 's', inside)
        p.recv_all()
        p.close()
    return s.serve(port, handler, plain=True)


def confirmed(s, result):
    return s.d.metric('clearspan_confirmations_total', result=result)


@scenario(timeout=120)
def a_bypass_by_name_is_confirmed_in_a_dialogue_of_our_own(s):
    """Once for each server; the client sees the server's own certificate."""
    s.unlike = 'what is bypassed is not mirrored'
    s.start(workers=1, record=False, rules=[
        {'name': 'named', 'sni': ['=good.test'], 'action': 'bypass'},
        {'name': 'default', 'action': 'decrypt'}])
    for i, (name, dialogue) in enumerate(DIALOGUES.items()):
        served = served_twice(s, name, 2000 + i)
        for _ in range(2):
            client_of(s, dialogue, trust=s.pki.root, port=2000 + i)
        equal(len(served.wait(3)), 3, name)
        for f in s.d.flows(2 * i + 2)[-2:]:
            equal([f['app_proto'], f['clearspan']['action'],
                   f['clearspan']['rule'], f['clearspan'].get('why')],
                  [name, 'bypass', 'named', None])
    equal(confirmed(s, 'ok'), len(DIALOGUES))


@scenario
def a_bypass_by_name_behind_starttls_is_no_way_around(s):
    """The server is of another name, is not trusted, or does not agree to TLS
    a second time: it is decrypted; and if a rule refuses it, blocked."""
    s.unlike = 'some are not mirrored'
    s.start(workers=1, record=False, rules=[
        {'name': 'not', 'sni': ['=other.test'], 'action': 'block'},
        {'name': 'named', 'sni': ['=good.test'], 'action': 'bypass'},
        {'name': 'default', 'action': 'decrypt'}])
    n = 0
    for name, cert, no, action, result in (
            ('smtp', 'self', None, 'decrypt', 'untrusted'),
            ('imap', 'self', None, 'decrypt', 'untrusted'),
            ('smtp', 'good', b'454 not now\r\n', 'decrypt', 'failed'),
            ('imap', 'good', b'a NO not now\r\n', 'decrypt', 'failed'),
            ('imap', 'wrong', None, 'block', 'other-name')):
        before = confirmed(s, result)
        served_twice(s, name, 2000 + n, cert, no)
        c = s.plain(2000 + n)
        play(c, 'c', DIALOGUES[name][1])
        try:
            c.use(peer.client_context(s.pki.ca, verify=False),
                  'good.test').handshake()
            check(not own_certificate(s, c, cert), name, cert, no)
            play(c, 'c', DIALOGUES[name][2])
            c.finish()
        except (OSError, ssl.SSLError):
            equal(action, 'block', (name, cert, no))
        n += 1
        f = s.d.flows(n)[-1]
        equal([f['clearspan']['action'], f['clearspan']['why']],
              [action, 'bypass not confirmed'], f)
        equal(confirmed(s, result), before + 1, (name, cert, no))
