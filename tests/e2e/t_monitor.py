"""mode: monitor, and the lists of what is not decrypted."""
import os

from harness import check, equal, net, peer, scenario

RULES = [{'name': 'no', 'site': ['www.good.test'], 'action': 'block'},
         {'name': 'think', 'site': ['v6.good.test'], 'action': 'warn'},
         {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}]
WOULD = {'www.good.test': 'block', 'v6.good.test': 'warn',
         'good.test': 'decrypt'}


@scenario
def monitor_passes_all_and_says_what_it_would_do(s):
    s.start(rules=RULES, mode='monitor')
    srv = s.serve(443)
    for name in WOULD:
        s.exchange(name.encode(), name=name, trust=s.pki.root)
    srv.wait(3)
    equal({f['tls']['sni']: [f['clearspan']['action'], f['clearspan']['why']]
           for f in s.d.flows(3)},
          {name: ['bypass', 'monitor: would ' + what]
           for name, what in WOULD.items()})
    s.d.metric_is(3.0, 'clearspan_undecrypted_total', reason='monitor')
    s.mirrored([])


@scenario
def monitor_passes_through_the_proxy(s):
    s.start(record=False, rules=RULES, mode='monitor')
    s.serve(443)
    s.serve(80, plain=True, handler=peer.http(b'hello'))
    s.hosts('%s www.good.test\n' % net.SERVER)
    s.exchange(b'x', name='www.good.test', trust=s.pki.root,
               sock=s.via_proxy('www.good.test', 443))
    c = peer.Peer(s.connect(net.PROXY, net.INNER))
    c.send(b'GET http://www.good.test/ HTTP/1.1\r\nHost: www.good.test\r\n'
           b'\r\n')
    c.recv_until(b'hello')
    c.finish()
    equal([f['clearspan']['why'] for f in s.d.flows(2)],
          ['monitor: would block'] * 2)


# Whose content is anybody's, and so nothing of theirs passes unread.
CLOUDS = ['x.cloudfront.net', 'x.s3.amazonaws.com', 'x.akamaized.net',
          'storage.googleapis.com', 'x.web.app', 'drive.google.com',
          'x.blob.core.windows.net', 'x.azureedge.net', 'x.sharepoint.com',
          'www.icloud.com', 'x.icloud-content.com', 'api.dropboxapi.com',
          'x.pages.dev', 'raw.githubusercontent.com', 'x.fastly.net',
          'www.apple.com', 'www.google.com', 'www.microsoft.com']
PRIVATE = ['www.paypal.com', 'direct.jp-bank.japanpost.jp', 'www.mhlw.go.jp',
           '111.nhs.uk', 'x.gov', 'www.inochinodenwa.org',
           '1-courier.push.apple.com', 'fe2.update.microsoft.com',
           'ts01-b.cloudsink.net']


def entries(path):
    with open(path) as f:
        lines = [x.strip() for x in f]
    return [x for x in lines if x and x[0] != '#']


@scenario
def lists_that_are_shipped_say_what_passes(s):
    """What is private, nothing of a cloud, and no name twice."""
    here = os.path.join(os.path.dirname(__file__), '../../etc/lists')
    lists = {n[:-4]: os.path.abspath(os.path.join(here, n))
             for n in sorted(os.listdir(here))}
    equal(sorted(lists), ['banks', 'government', 'health', 'pinned',
                          'updates'])
    for path in lists.values():
        have = entries(path)
        for x in have:
            labels = x.lstrip('=').split('.')
            above = ['.'.join(labels[i:]) for i in range(1, len(labels))]
            check(x == x.lower() and have.count(x) == 1 and
                  not set(above) & set(have), path, x)
    s.start(record=False, lists=lists)
    # What an endpoint in quarantine may have is not where others keep files.
    s.reload(lists=lists, rules=[
        {'name': 'updates', 'sni': '@updates', 'action': 'bypass'},
        {'name': 'default', 'action': 'decrypt'}])
    for name in CLOUDS + ['evil.windowsupdate.com.test', 'a.deb.debian.org']:
        r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
                  'sni=' + name)
        check('verdict: decrypt ' in r.text, name, r.text)
    for name in ('dl.delivery.mp.microsoft.com', 'deb.debian.org',
                 'fe2cr.update.microsoft.com', 'database.clamav.net'):
        r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
                  'sni=' + name)
        check('verdict: bypass ' in r.text, name, r.text)
    s.reload(lists=lists, rules=[
        {'name': 'private', 'sni': ['@' + n for n in lists if
                                    n != 'updates'], 'action': 'bypass'},
        {'name': 'default', 'action': 'decrypt'}])
    for name in PRIVATE + CLOUDS + ['notpaypal.com']:
        r = s.run(s.gateway, s.binary, 'explain', '-c', s.d.file,
                  'sni=' + name)
        check('verdict: %s ' % ('bypass' if name in PRIVATE else 'decrypt') in
              r.text, name, r.text, r.errors)
