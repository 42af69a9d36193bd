"""What inline devices do to sessions: bytes changed, answers of their own,
resets, silence, and delays."""
import time

from harness import chain, check, device, equal, http, icap, net, peer, \
    scenario, wait
from harness.capture import Recorder

PAGE = b'HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n' + b'no. ' * 700
LATIN = PAGE.decode('latin-1')


@scenario
def bytes_that_a_device_changes_travel_on(s):
    """Both ways, over both families; the mirror of the client's side shows
    what the client said and heard."""
    d = device.Program(s, 'ips1',
                       {'do': 'replace', 'mark': 'secret', 'with': 'XXXXXX',
                        'side': 'inside'},
                       {'do': 'replace', 'mark': 'answer', 'with': 'YYYYYY',
                        'side': 'outside'})
    chain.start(s, [d], [chain.chain(d)])

    def handler(p):
        p.recv_until(b'.')
        p.send(b'the answer is here')
        p.recv_all()
        p.close()
    for a in (net.SERVER, net.SERVER6):
        srv = s.serve(443, handler=handler, address=a)
        c = s.tls(address=a)
        c.send(b'a secret word.')
        equal(c.recv_exact(18), b'the YYYYYY is here', 'at the client')
        c.finish()
        equal(bytes(srv.wait(1)[0].received), b'a XXXXXX word.',
              'at the server')
    s.mirrored([(b'a secret word.', b'the YYYYYY is here')] * 2)


@scenario
def mirrors_stand_before_and_behind_the_devices(s):
    d = device.Program(s, 'ips1', {'do': 'replace', 'mark': 'secret',
                                   'with': 'XXXXXX'})
    s.gateway.ip('link add span1 type veth peer name rec1 netns %s\n'
                 'link set span1 up\n' % s.net.recorder.path)
    s.net.recorder.ip('link set rec1 up\n')
    s.gateway.sysctl(ipv6__conf__span1__disable_ipv6=1)
    after = Recorder(s, s.net.recorder, 'rec1', 'after')
    s.recorders.append(after)
    chain.start(s, [d], [chain.chain(d)], [chain.rule(mirror=[
        {'name': 'recorder', 'at': 'before'},
        {'name': 'behind', 'at': 'after'}])], mirrors=[
            {'name': n, 'interface': i,
             'destination-mac': net.RECORDER_MAC}
            for n, i in (('recorder', 'span0'), ('behind', 'span1'))])
    srv = s.serve(443)
    c = s.exchange(b'a secret word', b'a XXXXXX word')
    srv.wait(1)
    s.mirrored([(b'a secret word', b'a XXXXXX word')])
    s.mirrored([(b'a XXXXXX word', b'a XXXXXX word')], rec=after)
    equal(bytes(c.received), b'a XXXXXX word')


def answered(s, rst):
    """A request that a device answers itself: (its client, the server)."""
    d = device.Program(s, 'ips1', {'do': 'answer', 'mark': 'GET /no',
                                   'with': LATIN, 'rst': rst})
    chain.start(s, [d], [chain.chain(d, verdict_timeout='2s')])
    srv = s.serve(443, handler=peer.http())
    c = s.tls()
    http.ask(c, '/yes')
    c.send(http.request('/no'))
    m = http.answer(c)
    equal([m.status, m.whole], [403, True], 'the page of the device')
    equal(m.body, PAGE.split(b'\r\n\r\n', 1)[1])
    c.close()
    p = srv.wait(1)[0]
    check(b'/no' not in p.received, 'the server got the request')
    s.unlike = 'the server never saw all of it'
    return d


@scenario
def a_page_of_the_device_is_the_answer(s):
    answered(s, False)


@scenario
def a_page_of_a_device_that_resets_the_server_is_the_answer(s):
    """As most do: the page, a FIN, and a RST to the other end."""
    answered(s, True)


@scenario
def a_reset_by_a_device_is_carried_to_both_ends(s):
    d = device.Program(s, 'ips1', {'do': 'reset', 'mark': 'evil'})
    chain.start(s, [d], [chain.chain(d)])
    for a in (net.SERVER, net.SERVER6):
        srv = s.serve(443, address=a)
        c = s.tls(address=a)
        c.send(b'well')
        c.recv_exact(4)
        c.send(b'evil')
        equal(peer.reset_wait(c.sock), peer.RST, 'at the client')
        p = srv.wait(1)[0]
        equal([bytes(p.received), p.eof], [b'well', peer.RST], 'the server')
    s.exchange(b'the rest')
    for f in s.d.flows(3)[:2]:
        equal([x[1:] for x in chain.hops(f)],
              [('ips1', 'reset_by_device')], f['flow'])
    equal(s.d.metric('clearspan_device_sessions_total', device='ips1',
                     result='reset'), 2.0)
    s.unlike = 'the server never saw what was reset'


@scenario
def a_device_of_the_kernel_rejects_and_drops_by_what_it_reads(s):
    """nftables on a bridge: a TCP reset to the client alone, and silence,
    which is a verdict after `verdict-timeout`; DSCP changed is no harm."""
    d = device.Bridge(s, 'ips1')
    chain.start(s, [d], [chain.chain(d, verdict_timeout='500ms')])
    d.rules(way=device.starts_with('drop') + ' counter drop\n'
            'ip protocol tcp ip dscp set 10\n'
            'ether type ip6 ip6 dscp set 10',
            door=device.starts_with('deny') + ' reject with tcp reset')
    srv = s.serve(443)
    for word in (b'well', b'deny', b'drop'):
        c = s.tls()
        c.send(b'first')
        c.recv_exact(5)
        start = time.monotonic()
        c.send(word)
        if word == b'well':
            equal(c.recv_exact(4), word)
            c.finish()
            continue
        equal(peer.reset_wait(c.sock), peer.RST, 'the client of ' +
              word.decode())
        took = time.monotonic() - start
        if word == b'drop':
            check(took > 0.4, 'a verdict after %.3f s' % took)
    check(d.hits() > 0, 'nothing was dropped')
    for p in srv.wait(3)[1:]:
        equal([bytes(p.received), p.eof], [b'first', peer.RST], 'server')
    f = s.d.flows(3)
    equal([[x[2] for x in chain.hops(x)] for x in f[1:]],
          [['reset_by_device'], ['dropped_by_device']], 'events')
    s.unlike = 'what was dropped is nobody\'s'


@scenario
def a_device_may_think_for_less_than_the_verdict_timeout(s):
    d = device.Program(s, 'ips1', {'do': 'stall', 'mark': 'slow',
                                   'seconds': 1})
    chain.start(s, [d], [chain.chain(d, verdict_timeout='20s')])
    srv = s.serve(443)
    start = time.monotonic()
    c = s.exchange(b'slowly, slowly')
    check(time.monotonic() - start > 0.9, 'it was not slow')
    s.same(srv, c)


@scenario
def a_slow_reader_is_no_verdict_of_the_device(s):
    """The server reads nothing for longer than `verdict-timeout`: windows
    close all the way, and nothing was dropped."""
    d = device.Bridge(s, 'ips1')
    chain.start(s, [d], [chain.chain(d, verdict_timeout='300ms')])
    big = bytes(16 << 20)
    done = []

    def handler(p):
        time.sleep(2)
        done.append(len(p.recv_exact(len(big))))
        p.send(b'ok')
        p.recv_all()
        p.close()
    s.serve(443, handler=handler)
    c = s.tls()
    c.send(big)
    equal(c.recv_exact(2), b'ok')
    equal(done, [len(big)])
    c.finish()


@scenario
def a_device_that_lets_no_connection_through_refuses_it(s):
    """The SYN vanishes while the probe passes: its verdict, with a page."""
    d = device.Bridge(s, 'ips1')
    chain.start(s, [d], [chain.chain(d)])
    d.rules(way='ip protocol tcp ip saddr 10.1.0.2 drop')
    s.serve(443, handler=peer.http())
    c = s.tls(alpn=['http/1.1'])
    m = http.ask(c, '/')
    icap.page(m, 503)
    c.close()
    equal([x[1:] for x in chain.hops(s.d.flows(1)[0])],
          [('ips1', 'dropped_by_device')])
    d.well()
    m = http.ask(s.tls(alpn=['http/1.1']), '/')
    equal(m.status, 200)


@scenario
def devices_services_and_mirrors_see_one_session_at_once(s):
    """REQMOD before the devices and RESPMOD behind them, seen from the
    client: a device sees what goes to the server, and what comes from it."""
    srv = icap.Script(s)
    d = device.Program(s, 'ips1', {'do': 'replace', 'mark': 'secret',
                                   'with': 'XXXXXX'})
    d.record()
    names = icap.service(srv.url('echo'), srv.url('echo'))
    chain.start(s, [d], [chain.chain(d)], [chain.rule(icap=['scan'])],
                icap=[names], log={'events': icap.EVENTS})
    wait(lambda: icap.ready(s.d.ctl('icap')), 'OPTIONS', 10 * s.slow)
    little = icap.Little(s)
    c = chain.named(little.client())
    m = little.ask(c, '/x?n=3000', 'POST', b'a secret word')
    equal([m.status, m.body], [200, http.content(3000)])
    equal(little.got()[0].body, b'a XXXXXX word', 'at the origin')
    c.finish()
    srv.logged(1, 'REQMOD')
    srv.logged(1, 'RESPMOD')
    wait(lambda: b'a secret word' in chain.saw(d, c).up, 'it at the device')
    x = s.rec.streams(1)[0]
    check(x.up.data.endswith(b'a secret word'), 'the mirror saw',
          bytes(x.up.data[-60:]))
    equal(x.problems, [])
