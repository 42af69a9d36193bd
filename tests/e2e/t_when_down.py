"""What becomes of traffic when the daemon is gone, and the verbs of
`clearspan transparent` that show it and keep the rules over a reboot."""
import os
import re
import shutil
import signal
import socket
import ssl

from harness import check, equal, net, scenario, wait

UNIT = '/etc/systemd/system/clearspan-transparent.service'


def transparent(s, *argv):
    return s.run(s.gateway, s.binary, 'transparent', *argv)


def up(s, *options):
    transparent(s, 'up', '--confirm', '--in', 'gc', '--ports', '443,7',
                *options).ok()


def refused(s, port, address):
    try:
        s.connect(port, address).close()
    except ConnectionRefusedError:
        return True
    return False


def killed(s, *lasting):
    """SIGKILL, and the end of what was intercepted: a reset, or the end of a
    stream whose TLS has not ended."""
    s.d.end(signal.SIGKILL)
    s.daemons.remove(s.d)       # its exit status is not asked for
    for p in lasting:
        try:
            check(not p.sock.recv(65536), 'bytes after the end of the daemon')
        except ConnectionResetError:
            pass


def servers(s):
    return [s.serve(port, address=a, plain=port == 7)
            for port in (443, 7) for a in (net.SERVER, net.SERVER6)]


def through(s):
    """One connection of each kind that is intercepted and answered."""
    for a in (net.SERVER, net.SERVER6):
        s.exchange(b'inspected', address=a)
    made = [s.plain(7, a) for a in (net.SERVER, net.SERVER6)]
    made += [s.tls(443, address=a) for a in (net.SERVER, net.SERVER6)]
    for p in made:
        p.send(b'lasting')
        equal(p.recv_exact(7), b'lasting', 'the echo')
    return made


def accepted(all_):
    return [len(srv.peers) for srv in all_]


@scenario
def without_the_daemon_connections_are_reset_and_then_come_back(s):
    s.unlike = 'the daemon was killed'
    up(s)
    s.start(how=None)
    all_ = servers(s)
    lasting = through(s)
    was = accepted(all_)
    killed(s, *lasting)
    for p in lasting:           # nothing of an old one goes on to the server
        try:
            p.sock.send(b'more')
            check(not p.sock.recv(1), 'an answer without a daemon')
        except (ConnectionResetError, BrokenPipeError):
            pass
    for port in (443, 7):
        for a in (net.SERVER, net.SERVER6):
            check(refused(s, port, a), 'not refused:', a, port)
    equal(accepted(all_), was, 'connections that the servers accepted')
    for srv in all_:
        for p in srv.peers:
            check(b'more' not in bytes(p.received), 'came through')
    s.start(how=None, record=False)
    through(s)


@scenario
def without_the_daemon_connections_pass_where_that_is_asked(s):
    s.unlike = 'the daemon was killed'
    up(s, '--when-down', 'pass')
    s.start(how=None)
    all_ = servers(s)
    killed(s, *through(s))
    was = accepted(all_)
    for a in (net.SERVER, net.SERVER6):
        p = s.tls(443, address=a, trust=s.pki.root)     # its own certificate
        p.send(b'unread').recv_exact(6)
        p.finish()
        p = s.plain(7, a)
        p.send(b'unread').recv_exact(6)
        p.finish()
    wait(lambda: accepted(all_) == [n + 1 for n in was], 'the connections')
    s.start(how=None, record=False)
    through(s)
    try:
        s.tls(443, trust=s.pki.root)
        check(False, 'the origin itself answered')
    except ssl.SSLError:
        pass


@scenario
def what_passed_without_the_daemon_ends_when_it_is_back(s):
    """It has not seen it begin, so it cannot inspect it."""
    s.unlike = 'one connection was never relayed'
    up(s, '--when-down', 'pass')
    s.serve(7, plain=True)
    p = s.plain(7)
    p.send(b'unread')
    equal(p.recv_exact(6), b'unread', 'the echo')
    s.start(how=None)
    p.sock.send(b'more')
    try:
        check(not p.sock.recv(4), 'went on unread')
    except ConnectionResetError:
        pass


@scenario
def other_ports_and_the_gateway_itself_are_left_alone(s):
    up(s)
    s.serve(22, plain=True)
    p = s.plain(22)
    p.send(b'ssh').recv_exact(3)
    p.finish()
    with s.gateway:
        own = socket.create_server((net.INNER, 443))
    s.connect(443, net.INNER).close()
    own.close()


@scenario
def status_and_doctor_tell_both_states(s):
    r = transparent(s, 'status')
    equal((r.code, r.text.splitlines()[0]), (1, 'rules: none'), 'no rules')
    up(s)
    r = transparent(s, 'status')
    equal(r.code, 1, 'status without a listener')
    for want in ('in: gc', 'ports: (443,7|7,443)', 'when down: reject',
                 'listener: port 8443, NOTHING', 'connections are reset',
                 'over a reboot: disabled'):
        check(re.search(want, r.text), want, 'not in', r.text)
    d = s.run(s.gateway, s.binary, 'doctor')
    check(re.search(r'FAIL  rules: nothing listens on port 8443: connections '
                    r'are reset \(when down: reject\)\n +mend: ', d.text),
          d.text)
    equal(d.code, 1, 'doctor')
    up(s, '--when-down', 'pass')
    check('when down: pass' in transparent(s, 'status').text, 'pass')
    d = s.run(s.gateway, s.binary, 'doctor')
    check('connections pass, unread (when down: pass)' in d.text, d.text)
    s.start(how=None, record=False)
    r = transparent(s, 'status').ok()
    check('now: connections go to the listener' in r.text, r.text)
    d = s.run(s.gateway, s.binary, 'doctor', '-c', s.d.file)
    check('ok    rules: a listener is there on port 8443; when it is down, '
          'connections pass, unread' in d.text, d.text)


@scenario
def up_and_doctor_look_for_the_interface_and_the_listener(s):
    r = transparent(s, 'up', '--confirm', '--in', 'gc,eth77', '--port', '99')
    r.ok()
    check('there is no interface eth77' in r.errors, r.errors)
    check('nothing listens on port 99' in r.errors, r.errors)
    check('gc' not in r.errors, r.errors)
    check('missing interfaces: eth77' in transparent(s, 'status').text)
    d = s.run(s.gateway, s.binary, 'doctor')
    check('FAIL  rules: there is no interface eth77' in d.text, d.text)
    s.start(how=None, record=False)
    r = transparent(s, 'up', '--confirm', '--in', 'gc')
    equal((r.ok().errors, r.text), ('', ''), 'up with all there')


@scenario
def wrong_words_for_when_down_are_told(s):
    r = transparent(s, 'print', '--in', 'gc', '--when-down', 'drop')
    equal(r.code, 2, 'status')
    check('reject or pass, not "drop"' in r.errors, r.errors)
    equal(transparent(s, 'enable').code, 2, 'enable without any rules')


def own_etc(s):
    """An /etc/systemd/system that is this scenario's."""
    os.mkdir(s.path('units'))
    net.run('mount', '--bind', s.path('units'), os.path.dirname(UNIT))


def reboot(s):
    """What the kernel forgets, and then what systemd does for the unit."""
    transparent(s, 'down').ok()
    s.gateway.sysctl(ipv4__ip_forward=0, ipv6__conf__all__forwarding=0)
    with open(UNIT) as f:
        command = re.search('^ExecStart=(.*)$', f.read(), re.M).group(1)
    s.run(s.gateway, *command.split()).ok()


@scenario
def enabled_rules_and_forwarding_are_there_after_a_reboot(s):
    check(shutil.which('systemctl'), 'systemctl is missing: contrib/fresh')
    own_etc(s)
    up(s, '--when-down', 'pass', '--block-quic', '--dns')
    transparent(s, 'enable').ok()
    rules = s.gateway.run('nft', 'list', 'ruleset')
    wanted = os.path.dirname(UNIT) + '/sysinit.target.wants/' + \
        os.path.basename(UNIT)
    equal(os.readlink(wanted), UNIT, 'what systemctl enable links')
    r = transparent(s, 'status')
    check(re.search('over a reboot: enabled, --in gc --ports [47,3]+ --port '
                    '8443 --when-down pass --block-quic --dns\n', r.text), r.text)
    reboot(s)
    equal(s.gateway.run('nft', 'list', 'ruleset'), rules, 'the rules')
    with s.gateway:
        for path in ('ipv4/ip_forward', 'ipv6/conf/all/forwarding'):
            with open('/proc/sys/net/' + path) as f:
                equal(f.read(), '1\n', path)
    s.start(how=None)
    srv = s.serve(443)
    s.same(srv, s.exchange(b'after a reboot'))
    transparent(s, 'disable').ok()
    equal(os.path.exists(UNIT), False, 'the unit')
    equal(os.path.lexists(wanted), False, 'its link')
    check('over a reboot: disabled' in transparent(s, 'status').text)
    check('not enabled' in transparent(s, 'disable').ok().text)


@scenario
def the_unit_of_enable_is_one_that_systemd_takes(s):
    own_etc(s)
    transparent(s, 'enable', '--in', 'gc,eth9', '--ports', 'all').ok()
    check('--in gc,eth9 --ports all --port 8443 --when-down reject' in
          open(UNIT).read(), open(UNIT).read())
    r = s.run(s.gateway, 'systemd-analyze', 'verify', '--man=no', UNIT)
    equal((r.code, [x for x in r.errors.splitlines()
                    if 'clearspan' in x]), (0, []), r.errors)
