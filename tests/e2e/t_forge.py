"""The names in a forged certificate, and who signs it."""
import os
import re
import threading
import time

from harness import check, equal, net, peer, programs, scenario, \
    wait


def names(p):
    return p.tls.getpeercert()['subjectAltName']


def direct(s, port=443, name=None, sock=None):
    """Without an SNI; the certificate is checked for the address."""
    ctx = peer.client_context(s.pki.ca)
    return peer.Peer(sock or s.connect(port), ctx,
                     name or net.SERVER).handshake()


@scenario
def a_leaf_has_the_name_that_was_asked_for(s):
    """And no other: of a wildcard only the one below it."""
    s.start()
    srv = s.serve(443)
    made = []
    for name in ('good.test', 'www.good.test', 'v4.good.test', 'good.test'):
        c = s.exchange(name.encode(), name=name)
        equal(names(c), (('DNS', name),))
        made.append(c)
    # By address, and by a name that a CONNECT had.
    for sock in (None, s.via_proxy(net.SERVER, 443)):
        c = direct(s, sock=sock)
        equal(names(c), (('IP Address', net.SERVER),))
        c.send(b'x')
        c.recv_exact(1)
        made.append(c.finish())
    s.same(srv, made)
    s.d.metric_is(4, 'clearspan_forged_total', cache='miss')


@scenario
def a_name_that_is_not_covered_is_not_added(s):
    s.start(record=False)
    s.serve(443, cert='wrong')
    c = s.tls(verify=False)
    want = s.tls(name='other.test')
    equal(names(want), (('DNS', 'other.test'),))
    check(c.tls.getpeercert(True) != want.tls.getpeercert(True))
    for p in (c, want):
        p.finish()
    f = s.d.flows(2)
    equal(sorted(x['clearspan']['forged']['ca'] for x in f),
          ['trusted', 'untrusted'])


@scenario
def all_names_where_that_is_asked_for(s):
    s.start(record=False, forge={'names': 'all'})
    s.serve(443, cert='names')
    c = s.exchange(name='www.good.test')
    equal(names(c), (('DNS', 'good.test'), ('DNS', '*.good.test'),
                     ('DNS', 'two.test')))
    f = s.exchange(name='two.test')
    equal(f.tls.getpeercert(True), c.tls.getpeercert(True))


@scenario
def a_ticket_is_for_one_name(s):
    """A client that takes it to another gets no way around that one's
    certificate."""
    s.start(record=False)
    s.serve(443)
    ctx = peer.client_context(s.pki.ca, hi='1.2')
    a = s.tls(ctx=ctx, name='www.good.test')
    sess = a.tls.session
    a.finish()
    b = s.tls(ctx=ctx, name='v4.good.test', session=sess)
    check(not b.tls.session_reused, 'resumed under another name')
    equal(names(b), (('DNS', 'v4.good.test'),))
    b.finish()


@scenario(plain=True, timeout=150)
def chromium_does_not_coalesce_names(s):
    """Two names of one address and one certificate, HTTP/2; the second is
    blocked. With all names in the leaf its request goes over the first one's
    connection."""
    rules = [{'name': 'blocked', 'sni': ['www.good.test'],
              'action': 'block'}, {'name': 'default', 'action': 'decrypt'}]
    files = {}
    for how in b'all', b'asked':        # nothing comes from the cache
        files['%s.html' % how.decode()] = (
            b'<html><body>first<script src="https://www.good.test/'
            b'%s.js"></script></body></html>' % how)
        files['%s.js' % how.decode()] = b'document.write("and " + "second")'
    for how, reached in (('all', True), ('asked', False)):
        d = s.start(how == 'all' and 'tproxy', record=False, rules=rules,
                    forge={'names': how})
        if how == 'all':
            programs.nginx(s, files=files)
        r = programs.chromium(s, 'https://v4.good.test/%s.html' % how,
                              s.pki.ca)
        check('first' in r.text, r.text, r.errors[-2000:])
        equal('and second' in r.text, reached, 'with names: ' + how)
        if not reached:
            wait(lambda: any(f['clearspan'].get('rule') == 'blocked'
                             for f in d.events()), 'its own connection')
        s.stop(d)
    with open(s.path('nginx-access.log')) as f:
        equal(re.findall(r'\w+\.js', f.read()), ['all.js'], 'at the server')


def cpu_by_thread(d):
    """{name: seconds of CPU} of the daemon's threads."""
    out = {}
    for task in os.listdir('/proc/%d/task' % d.pid):
        at = '/proc/%d/task/%s/' % (d.pid, task)
        with open(at + 'comm') as f, open(at + 'schedstat') as g:
            name = f.read().split()[0]
            out[name] = out.get(name, 0) + int(g.read().split()[0]) / 1e9
    return out


def signing(s):
    """Seconds of CPU that one signature takes here. Releases of openssl
    print this, or its reciprocal."""
    r = s.run(s.gateway, 'openssl', 'speed', '-mr', '-seconds', '1', 'rsa4096')
    v = float(re.search(r'\+F2:\d+:4096:([\d.]+):', r.text).group(1))
    return v if v < 1 else 1 / v


@scenario(timeout=120)
def a_ca_key_of_rsa_4096_signs_beside_the_worker(s):
    """Forged leaves serve. What signing them takes is not the worker's time,
    which has a session to answer meanwhile."""
    s.run(s.gateway, s.binary, 'ca', 'create', '--dir', s.path('ca'), '--key',
          'rsa:4096').ok()
    pem = s.path('ca/ca.pem')
    text = s.run(s.gateway, 'openssl', 'x509', '-in', pem, '-noout',
                 '-text').text
    check('(4096 bit)' in text, text)
    s.start(record=False, workers=1, limits={'handshakes': 1000},
            ca={'certificate': pem, 'key': s.path('ca/ca.key')}, mirrors=[],
            rules=[{'name': 'default', 'action': 'decrypt'}])
    s.serve(443)
    ctx = peer.client_context(pem)
    old = s.tls(ctx=ctx)
    n, made, pongs = 40, [], []

    def one(i):
        p = s.tls(ctx=ctx, name='n%d.good.test' % i)
        p.send(b'hello')
        equal(p.recv_exact(5), b'hello')
        made.append(p)
    ts = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in ts:
        t.start()
    while any(t.is_alive() for t in ts):
        old.send(b'ping')
        equal(old.recv_exact(4), b'ping')
        pongs.append(len(made))
        time.sleep(0.005)       # for it not to be all that is done
    for t in ts:
        t.join()
    equal(len(made), n, 'handshakes')
    took = cpu_by_thread(s.d)
    check(took['signer'] > n * signing(s) / 2, took, pongs)
    for p in made + [old]:
        p.close()
