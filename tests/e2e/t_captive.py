"""A contained device learns of it by itself: captive portal API, what systems
ask for to learn whether they are online, DNS that leads to the page."""
import json
import os
import time

from harness import browser, check, equal, net, peer, programs, scenario, wait
from t_contained import ALL, OTHER, SAID, begin, contain, files, get, status
from t_pages import BROWSER, curl, shown
import t_dns

API = 'https://clearspan.ca/captive/api'
TITLE = {'en': 'This device is in quarantine',
         'ja': 'この端末は隔離されています'}
FREE = 'This device is not in quarantine'
PROXY = '-x', 'http://%s:%d' % (net.INNER, net.PROXY)
# As these systems send them.
PROBES = [
    ('Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A)',
     'http://connectivitycheck.gstatic.com/generate_204'),
    ('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) '
     'Chrome/60.0.3112.32 Safari/537.36', 'http://www.google.com/gen_204'),
    ('Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0',
     'http://www.gstatic.com/generate_204'),
    ('CaptiveNetworkSupport-475.0.0.0.1 wispr',
     'http://captive.apple.com/hotspot-detect.html'),
    ('Microsoft NCSI', 'http://www.msftconnecttest.com/connecttest.txt'),
    (BROWSER, 'http://www.msftconnecttest.com/redirect'),
    ('Microsoft NCSI', 'http://www.msftncsi.com/ncsi.txt'),
    ('Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
     'http://detectportal.firefox.com/canonical.html'),
    ('Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
     'http://detectportal.firefox.com/success.txt?ipv4'),
    ('NetworkManager/1.52.1', 'http://network-test.debian.org/nm'),
    ('NetworkManager/1.48', 'http://nmcheck.gnome.org/check_network_status.txt')
]


def name_of(url):
    return url.split('/')[2]


def to(name, port=443, address=net.SERVER):
    return '--resolve', '%s:%d:%s' % (
        name, port, '[%s]' % address if ':' in address else address)


def api(s, url=API, *args, trust=None, source=net.CLIENT, address=net.SERVER):
    """What it says, by a client that takes what RFC 8908 says."""
    r = programs.curl(s, '--cacert', trust or s.pki.ca, '-D', s.path('head'),
                      '--interface', source, '-H',
                      'Accept: application/captive+json', *to(
                          name_of(url), address=address), *args, url).ok()
    with open(s.path('head')) as f:
        head = f.read()
    check('Content-Type: application/captive+json' in head and
          'Cache-Control: private' in head, head)
    return json.loads(r.text)


@scenario
def captive_api_tells_each_client_of_itself(s):
    """By both modes and families, with and without ALPN; by TLS alone."""
    begin(s)
    s.client.ip('addr add fd01::3/64 dev c0 nodad\n')
    s.serve(443, handler=peer.http(SAID), address=net.SERVER6)
    equal(api(s), {'captive': False})
    n = contain(s, net.CLIENT, 'updates')
    contain(s, net.CLIENT6)
    for args in (), ('--no-alpn',), ('--http2',), PROXY:
        o = api(s, API, *args)
        left = o['quarantine'].pop('seconds-remaining')
        check(0 < left <= 3600, left)
        until = o['quarantine'].pop('until')
        equal(o, {'captive': True, 'can-extend-session': False,
                  'user-portal-url': 'https://clearspan.ca/captive/',
                  'quarantine': {'reference': 'quarantine %d' % n,
                                 'reason': 'EICAR test file'}}, until)
    equal(api(s, source=OTHER), {'captive': False})
    check(api(s, source=net.CLIENT6, address=net.SERVER6)['captive'])
    equal(api(s, source='fd01::3', address=net.SERVER6), {'captive': False})
    r = curl(s, '-w', '%{http_code} %{redirect_url}', *to('clearspan.ca', 80),
             'http://clearspan.ca/captive/api')
    equal(r.text, '302 ' + API)
    r = curl(s, '-I', '--cacert', s.pki.ca, *to('clearspan.ca'), API)
    check('captive+json' in r.text, r.text)
    # Where it leads to.
    for url, trust in (('https', s.pki.ca), ('http', None)):
        for way in to('clearspan.ca', 443 if trust else 80), PROXY:
            r = get(s, url + '://clearspan.ca/captive/', net.CLIENT, *way,
                    *(('--cacert', trust) if trust else ()))
            equal(status(r), '200')
            rows, title = shown(r.text)
            equal([title, rows['Still works']],
                  [TITLE['en'], 'v4.good.test, 10.2.0.3'])
            check('EICAR' in rows['Reason'] and rows['Until'] and
                  rows['Reference'] == 'quarantine %d' % n, rows)
    r = get(s, 'http://clearspan.ca/captive/', OTHER,
            *to('clearspan.ca', 80))
    equal([status(r), shown(r.text)[1]], ['200', FREE])
    wait(lambda: [f for f in s.d.events() if f['flow']['reason'] ==
                  'the captive portal' and f['clearspan']['answer'][
                      'status'] == 200], 'in the log')


@scenario
def captive_api_counts_down_and_ends(s):
    begin(s)
    n = contain(s, net.CLIENT, 'all', '5s')
    seen = []

    def free():
        o = api(s)
        if o['captive']:
            seen.append(o['quarantine']['seconds-remaining'])
        return not o['captive']
    wait(free, 'its end')
    check(seen == sorted(seen, reverse=True) and seen[0] <= 5 and
          seen[-1] < seen[0], seen)
    r = get(s, 'http://www.good.test/')
    equal(status(r), '200', n)
    contain(s, net.CLIENT)
    check(api(s)['captive'])
    s.d.ctl('quarantine', 'release', str(s.d.ctl('quarantine')[
        'quarantine'][0]['id']))
    equal(api(s), {'captive': False})


@scenario
def captive_portal_has_a_name_and_certificate_of_the_operators(s):
    """Clients trust it without any CA of ours, so there needs to be none."""
    pair = s.pki.pair('names')
    begin(s, pages={'captive': {'name': 'WWW.good.test.'},
                    'ca': False, 'contact': 'Helpdesk, 4711'},
          certificates=[{'site': ['=www.good.test'], 'certificate': pair[0],
                         'key': pair[1]}])
    url = 'https://www.good.test/captive/api'
    for args in (), PROXY:
        equal(api(s, url, *args, trust=s.pki.root), {'captive': False})
    contain(s, net.CLIENT)
    for args in (), PROXY:
        equal(api(s, url, *args, trust=s.pki.root)['user-portal-url'],
              'https://www.good.test/captive/')
    r = get(s, 'https://www.good.test/captive/', net.CLIENT, '--cacert',
            s.pki.root)
    equal([status(r), shown(r.text)[0]['Contact']], ['200', 'Helpdesk, 4711'])
    # What is not of the portal: there is no page of the CA.
    equal(status(get(s, 'https://www.good.test/', net.CLIENT, '--cacert',
                     s.pki.root)), '404')
    url = PROBES[0][1]
    r = curl(s, *to(name_of(url), 80), '-w', '%{redirect_url}', url)
    equal(r.text, 'http://www.good.test/captive/')
    # A reload gives it another one.
    over = {k.replace('-', '_'): s.d.conf[k] for k in
            ('rules', 'mirrors', 'endpoints', 'quarantines')}
    s.reload(**over, pages={'captive': {'name': 'portal.test'}})
    r = curl(s, *to(name_of(url), 80), '-w', '%{redirect_url}', url)
    equal(r.text, 'http://portal.test/captive/')
    check(api(s, 'https://portal.test/captive/api')['captive'])
    with open(s.path('bad.yaml'), 'w') as f:
        f.write('listen: [{name: a, mode: explicit, address: "127.0.0.1:1"}]'
                '\npages: {captive: {name: "1.2.3.4"}}\n')
    r = s.run(s.gateway, s.binary, 'check', '-c', s.path('bad.yaml'))
    check(r.code == 2 and '2:25: "1.2.3.4" is not the name of a host' in
          r.text + r.errors, r.text, r.errors)


def probe(s, agent, url, *args, source=net.CLIENT, address=net.SERVER):
    return programs.curl(s, '-A', agent, '--interface', source, *to(
        name_of(url), 80, address), '-w', '\n%{http_code} %{redirect_url}',
        *args, url)


@scenario(timeout=120)
def captive_probes_of_each_system_are_led_to_the_page(s):
    """While the device is contained; before, and of others, they pass as they
    are. The page needs no name: it is at the address of the probe."""
    s.start(record=False, mirrors=[], quarantines=ALL, endpoints=files(s),
            rules=[{'name': 'default', 'action': 'decrypt'}],
            pages={'contact': 'Helpdesk, extension 4711'})
    s.client.ip('addr add fd01::3/64 dev c0 nodad\n')
    for address in net.SERVER, net.SERVER6:
        web = s.serve(80, plain=True, handler=peer.http(SAID),
                      address=address)
        n = contain(s, net.CLIENT)
        six = contain(s, net.CLIENT6)
        source = net.CLIENT6 if ':' in address else net.CLIENT
        free = 'fd01::3' if ':' in address else OTHER
        page = 'http://%s/captive/' % (
            '[%s]' % address if ':' in address else address)
        for agent, url in PROBES:
            r = probe(s, agent, url, source=source, address=address)
            equal(r.text, '\n302 ' + page, url)
            r = probe(s, agent, url, source=free, address=address)
            equal(r.text, SAID.decode() + '\n200 ', url)
        check(all(b'User-Agent: ' + a.encode() in b''.join(
            bytes(p.received) for p in web.peers) for a, _ in PROBES),
            'each as it was sent')
        r = probe(s, BROWSER, PROBES[3][1], '-L', '-H',
                  'Accept-Language: ja', source=source, address=address)
        check(r.text.endswith('200 '), r.text)
        equal(shown(r.text)[1], TITLE['ja'])
        check('4711' in r.text and 'EICAR test file' in r.text, r.text)
        # Pages of the same hosts that are no probes, and other methods.
        url = 'http://www.google.com/'
        r = probe(s, BROWSER, url, source=source, address=address)
        check(r.text.endswith('403 '), r.text)
        r = probe(s, BROWSER, PROBES[0][1], '-d', 'x=y', source=source,
                  address=address)
        check(r.text.endswith('403 '), r.text)
        for i in n, six:
            s.d.ctl('quarantine', 'release', str(i))
        r = probe(s, PROBES[0][0], PROBES[0][1], source=source,
                  address=address)
        equal(r.text, SAID.decode() + '\n200 ')


@scenario
def captive_probes_through_the_proxy_and_by_tls(s):
    begin(s)
    contain(s, net.CLIENT)
    for agent, url in PROBES[:5]:
        r = programs.curl(s, '-A', agent, *PROXY, '-w',
                          '%{http_code} %{redirect_url}', url)
        equal(r.text, '302 http://clearspan.ca/captive/')
    r = programs.curl(s, '-A', BROWSER, *PROXY, '-L', PROBES[0][1])
    equal(shown(r.text)[1], TITLE['en'])
    url = 'https://www.google.com/generate_204'
    for args in to('www.google.com'), PROXY, to('www.google.com') + (
            '--http2',):
        r = programs.curl(s, '--cacert', s.pki.ca, '-w',
                          '%{http_code} %{redirect_url}', *args, url)
        check(r.text.startswith('302 http://'), r.text)


@scenario
def captive_probes_of_a_profile_that_does_not_tell(s):
    begin(s, quarantines=[{'name': 'all', 'tell': False}])
    contain(s, net.CLIENT)
    r = probe(s, BROWSER, PROBES[0][1])
    check(r.text.endswith('403 '), r.text)
    equal(shown(r.text)[1], TITLE['en'])
    check(api(s)['captive'], 'the API is asked, and says what is so')


def question(name, kind=1, cls=1, flags=b'\1\0'):
    labels = b''.join(bytes([len(x)]) + x.encode() for x in name.split('.'))
    return (b'\x12\x34' + flags + b'\0\1\0\0\0\0\0\0' + labels + b'\0' +
            kind.to_bytes(2, 'big') + cls.to_bytes(2, 'big'))


def pointed(q, address, kind=1):
    """The answer that it has that address for 5 seconds."""
    return (q[:2] + b'\x81\x80\0\1\0\1\0\0\0\0' + q[12:] + b'\xc0\x0c' +
            kind.to_bytes(2, 'big') + b'\0\1\0\0\0\5' +
            len(address).to_bytes(2, 'big') + address)


def nothing(q):
    return q[:2] + b'\x81\x80\0\1\0\0\0\0\0\0' + q[12:]


def refused(q):
    return q[:2] + b'\x81\5\0\1\0\0\0\0\0\0' + q[12:]


@scenario
def captive_dns_leads_to_the_page(s):
    """No query of a contained client goes on; its names lead to where it gets
    the page, those that its profile allows are refused, and servers that it
    may ask are asked."""
    t_dns.start(s, quarantines=ALL, endpoints=files(s),
                inspect={}, mirrors=[], rules=[
            {'name': 'default', 'action': 'decrypt'}])
    four = t_dns.Server(s, t_dns.echo_id())
    six = t_dns.Server(s, t_dns.echo_id(), net.SERVER6)
    s.serve(80, plain=True, handler=peer.http(SAID))
    name = 'www.msftconnecttest.com'
    a4, a6 = bytes([10, 2, 0, 2]), bytes([0xfd, 2] + [0] * 13 + [2])
    q, aaaa = question(name), question(name, 28)
    n = contain(s, net.CLIENT)
    m = contain(s, net.CLIENT6)
    c, c6 = t_dns.client(s), t_dns.client(s, net.SERVER6)
    equal(t_dns.ask(c, q), pointed(q, a4))
    equal(t_dns.ask(c, aaaa), nothing(aaaa))
    equal(t_dns.ask(c6, aaaa), pointed(aaaa, a6, 28))
    equal(t_dns.ask(c6, q), nothing(q))
    for other in (question(name, 65), question(name, 255)):
        equal(t_dns.ask(c, other), nothing(other))
    edns = q[:10] + b'\0\1' + q[12:] + b'\0\0\x29\x10\0\0\0\0\0\0\0'
    equal(t_dns.ask(c, edns), pointed(q, a4))
    for bad in question(name, 1, 3), question('a b'):
        equal(t_dns.ask(c, bad), refused(bad))
    two = q[:5] + b'\2' + q[6:] + q[12:]
    equal(t_dns.ask(c, two)[:4], b'\x12\x34\x81\5')
    equal(four.asked + six.asked, [])
    equal(t_dns.queries(s, 'held'), 7)
    # Which brings a browser to the page.
    r = get(s, 'http://anything.test/', net.CLIENT,
            *to('anything.test', 80, net.SERVER))
    equal([status(r), shown(r.text)[1]], ['403', TITLE['en']])
    for i in n, m:
        s.d.ctl('quarantine', 'release', str(i))
    equal(t_dns.ask(c, t_dns.query()), t_dns.answer())
    # A profile that has a server, and names.
    contain(s, net.CLIENT, 'updates')
    contain(s, net.CLIENT6, 'updates')
    equal(t_dns.ask(c, t_dns.query()), t_dns.answer())
    asked = len(six.asked)
    allowed = question('v4.good.test', 28)
    equal(t_dns.ask(c6, allowed), refused(allowed))
    equal(t_dns.ask(c6, aaaa), pointed(aaaa, a6, 28))
    equal(len(six.asked), asked)


@scenario
def captive_dns_is_refused_where_nothing_is_told(s):
    t_dns.start(s, quarantines=[{'name': 'all', 'tell': False}], endpoints=files(s),
                inspect={}, mirrors=[], rules=[
            {'name': 'default', 'action': 'decrypt'}])
    server = t_dns.Server(s, t_dns.echo_id())
    contain(s, net.CLIENT)
    q = question('www.msftconnecttest.com')
    equal(t_dns.ask(t_dns.client(s), q), refused(q))
    equal(server.asked, [])


@scenario
def captive_client_on_a_slow_link_gets_its_page(s):
    """Its first bytes come when servers that speak first would have been
    connected."""
    begin(s)
    contain(s, net.CLIENT)
    request = b'GET / HTTP/1.1\r\nHost: www.good.test\r\n\r\n'
    for port in 443, 80:
        c = s.connect(port)
        time.sleep(0.2)
        c = s.tls(sock=c, alpn=['http/1.1']) if port == 443 else peer.Peer(c)
        c.send(request)
        check(c.recv_all().startswith(b'HTTP/1.1 403'), port)
    # And one that says nothing at all.
    equal(peer.reset_wait(s.connect(443)), peer.RST)


SHOTS = os.environ.get('SHOTS')


@scenario(plain=True, timeout=120)
def chromium_is_led_to_the_page_of_the_quarantine(s):
    """By what it and others ask for, in both languages; and the API's URL."""
    begin(s, quarantines=[{'name': 'updates', 'allow': [
        'windowsupdate.com', 'deb.debian.org', '=ocsp.test'],
        'servers': ['10.2.0.3', '10.3.0.0/24']}],
        pages={'contact': 'Helpdesk, extension 4711'})
    b = browser.Browser(s, s.pki.ca, '--host-resolver-rules=MAP * %s, '
                        'EXCLUDE %s' % (net.SERVER, net.INNER))
    direct, proxy = b.window(), b.window('%s:%d' % (net.INNER, net.PROXY),
                                         'ja')
    n = contain(s, net.CLIENT, 'updates')
    for w, lang in (direct, 'en'), (proxy, 'ja'):
        o = w.open(PROBES[8][1])
        equal([o['title'], o['lang']], [TITLE[lang], lang])
        check(o['url'].endswith('/captive/') and
              'quarantine %d' % n in o['text'] and '4711' in o['text'] and
              'windowsupdate.com, deb.debian.org, ocsp.test, 10.2.0.3, '
              '10.3.0.0/24' in o['text'], o)
        for width, height in ((1280, 800), (360, 740)):
            w.size(width, height)
            o = w.shows(lambda o: True)
            check(o['wide'] <= 0, 'too wide by', o['wide'])
            if SHOTS:
                w.picture('%s/quarantine-%s-%d.png' % (SHOTS, lang, width))
        o = w.open('https://clearspan.ca/captive/')
        equal(o['title'], TITLE[lang])
        o = w.open('https://www.good.test/')
        equal(o['title'], TITLE[lang])
    s.d.ctl('quarantine', 'release', str(n))
    equal(direct.open('http://clearspan.ca/captive/')['title'], FREE)
    if SHOTS:
        direct.picture(SHOTS + '/released-en-360.png')
    equal(direct.open(PROBES[8][1])['text'], SAID.decode())
    b.close()
