"""Pages of our own: what they say, in which language, to whom."""
import html
import json
import os
import re

from harness import check, equal, net, peer, programs, scenario, wait

BROWSER = 'Mozilla/5.0 (X11; Linux) Chromium/120'
RULES = [{'name': 'nobody', 'site': ['v4.good.test'], 'action': 'block'},
         {'name': 'default', 'action': 'decrypt'}]
REFERENCE = re.compile(r'session (\d+)')


def curl(s, *args):
    return programs.curl(s, '-A', BROWSER, *args)


def shown(page):
    """{label: text} of a page, and its title."""
    rows = re.findall('<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>', page)
    return dict((k, html.unescape(v)) for k, v in rows), \
        re.search('<h1>(.*?)</h1>', page).group(1)


def begin(s, **conf):
    """There are servers: a client that is slow to speak is connected first."""
    s.start(record=False, **conf)
    s.serve(443)
    s.serve(80, plain=True)


def reload(s):
    return s.run(s.gateway, s.binary, 'ctl', '-s',
                 s.d.conf['control']['socket'], 'reload')


def answered(s, status, text):
    """The flow event of the page that says this reference."""
    ref = REFERENCE.search(text).group(1)
    return wait(lambda: [f for f in s.d.events() if f['clearspan'].get(
        'answer', {}) == {'how': 'page', 'status': status, 'reference': ref}],
        'the page in the log')[0]


@scenario(plain=True)
def page_says_what_the_log_says(s):
    begin(s, rules=RULES, pages={'contact': 'Helpdesk <4711> & co'})
    for scheme in ('http', 'https'):
        url = scheme + '://v4.good.test/a?b=<i>&c="x"'
        r = curl(s, '-g', '-i', url)
        rows, title = shown(r.text)
        equal(title, 'This connection is not allowed')
        f = answered(s, 403, rows['Reference'])
        equal([rows['Reason'], rows['Rule'], f['clearspan']['rule']],
              [f['flow']['reason'], 'nobody', 'nobody'])
        equal(rows['Address'], url)
        equal(rows['Contact'], 'Helpdesk <4711> & co')
        check(re.fullmatch(r'20..-..-..T..:..:..Z', rows['Time']), rows)
        check('<i>' not in r.text and '<b>' not in r.text, r.text)
        check("Content-Security-Policy: default-src 'none';" in r.text, r.text)
        check('Cache-Control: no-store' in r.text, r.text)


@scenario(plain=True)
def page_in_the_language_that_is_wanted(s):
    begin(s, rules=RULES)
    url = 'https://v4.good.test/'
    for want, lang, title in (
            ('ja', 'ja', 'この接続は許可されていません'),
            ('de, ja;q=0.8, en;q=0.7', 'ja', 'この接続は許可されていません'),
            ('ja;q=0.1, en', 'en', 'This connection is not allowed'),
            ('de', 'en', 'This connection is not allowed')):
        r = curl(s, '-H', 'Accept-Language: ' + want, url)
        check('<html lang="%s">' % lang in r.text, r.text)
        equal(shown(r.text)[1], title)


@scenario(plain=True)
def page_for_programs_is_json(s):
    begin(s, rules=RULES)
    for args in ((), ('-A', BROWSER, '-H', 'Accept: application/json')):
        r = programs.curl(s, '-w', '%{http_code} %{content_type}', *args,
                          'https://v4.good.test/x')
        text, how = r.text.rsplit('\n', 1)
        equal(how, '403 application/json')
        o = json.loads(text)
        equal([o['error'], o['status'], o['rule'], o['url']],
              ['blocked', 403, 'nobody', 'https://v4.good.test/x'])
        answered(s, 403, o['reference'])


@scenario(plain=True)
def page_of_a_broken_server_is_a_failure(s):
    s.start(record=False)
    s.serve(443, plain=True, handler=lambda p: p.close())
    r = curl(s, '-i', 'https://v4.good.test/')
    check(r.text.startswith('HTTP/1.1 502'), r.text)
    rows, title = shown(r.text)
    equal(title, 'This connection could not be made')
    equal(rows['Reason'], answered(s, 502, r.text)['flow']['reason'])


@scenario(plain=True)
def page_for_a_name_that_is_markup(s):
    """In the path, in Host, and through the proxy."""
    begin(s, rules=[{'name': 'none', 'action': 'block'}])
    evil = b'x"><script>alert(1)</script>'
    for address, target in ((net.SERVER, b'/' + evil),
                            (net.INNER, b'http://good.test/' + evil)):
        c = peer.Peer(s.connect(80 if address == net.SERVER else net.PROXY,
                                address))
        c.send(b'GET %s HTTP/1.1\r\nHost: good.test\r\nUser-Agent: Mozilla/5'
               b'\r\nAccept-Language: %s\r\n\r\n' % (target, evil))
        text = c.recv_until(b'</html>')
        check(text.startswith(b'HTTP/1.1 403'), text)
        check(b'<script' not in text and b'alert(1)&lt;/script' in text, text)


@scenario(plain=True)
def page_template_is_checked_used_and_reloaded(s):
    where = s.path('pages')
    os.mkdir(where)

    def write(name, text):
        with open(os.path.join(where, name), 'w') as f:
            f.write(text)
    write('block.html', 'ours: {{host}} {{rule}}')
    write('block.ja.html', '日本語: {{host}}{{#contact}} ask{{/contact}}')
    begin(s, rules=RULES, pages={'directory': where})
    url = 'https://v4.good.test/'
    equal(curl(s, url).text, 'ours: v4.good.test nobody')
    equal(curl(s, '-H', 'Accept-Language: ja', url).text,
          '日本語: v4.good.test')
    write('block.html', 'line one\n  {{nobody}}')
    r = reload(s)
    check(r.code != 0 and 'pages/block.html:2:3: "nobody" is not a name' in
          r.text + r.errors, r.text, r.errors)
    equal(curl(s, url).text, 'ours: v4.good.test nobody')
    write('block.html', 'new {{status}}')
    reload(s).ok()
    equal(curl(s, url).text, 'new 403')


@scenario(plain=True)
def page_for_head_has_no_body(s):
    begin(s, rules=RULES)
    r = curl(s, '-I', 'https://v4.good.test/')
    check(r.text.startswith('HTTP/1.1 403'), r.text, r.errors)
    c = s.plain(80)
    c.send(b'HEAD / HTTP/1.1\r\nHost: v4.good.test\r\n\r\n')
    text = c.recv_all()
    check(text.startswith(b'HTTP/1.1 403') and text.endswith(b'\r\n\r\n'),
          text)


@scenario(plain=True)
def page_waits_for_a_slow_request(s):
    """Its head comes in pieces; and a client that asks nothing gets nothing."""
    begin(s, rules=RULES, timeouts={'linger': '3s'})
    c = s.tls(name='v4.good.test', alpn=['http/1.1'])
    for piece in (b'GET /slow', b' HTTP/1.1\r\nHo', b'st: v4.good.test\r\n',
                  b'\r\n'):
        c.send(piece)
    text = c.recv_until(b'}\n')
    check(b'"url":"https://v4.good.test/slow"' in text, text)
    silent = s.tls(name='v4.good.test', alpn=['http/1.1'])
    equal(silent.recv_all(), b'')
    wait(lambda: any(f['flow']['reason'].startswith('blocked by rule') and
                     'answer' not in f['clearspan'] for f in s.d.events()),
         'its end in the log')


BUTTON = re.compile('<form method="post" action="([^"]*)"><button')
PRESSED = ('-X', 'POST', '-H', 'Content-Length: 0', '-H',
           'Sec-Fetch-Mode: navigate', '-H', 'Sec-Fetch-Site: same-origin',
           '-H', 'Sec-Fetch-User: ?1')
WARN = [{'name': 'think', 'site': ['v4.good.test', 'www.good.test'],
         'action': 'warn'}, {'name': 'default', 'action': 'decrypt'}]
SERVED = b'what the server says'


def warned(s, *args):
    """The address that the button of the warning posts to."""
    r = curl(s, '-g', '-w', '%{http_code}', *args)
    check(r.text.endswith('403'), r.text, r.errors)
    equal(shown(r.text)[1], 'Please think before you go on')
    return html.unescape(BUTTON.search(r.text).group(1))


def press(s, url, to, *args):
    return curl(s, '-g', '-o', '/dev/null', '-w',
                '%{http_code} %{redirect_url}', *args,
                re.match('https?://[^/]*', url).group() + to).text


def one_way(s, url, *args):
    """A warning, its button, and the site; args: curl's way to it."""
    to = warned(s, *args, url)
    equal(press(s, url, to, *args, *PRESSED), '303 ' + url)
    equal(curl(s, '-g', *args, url).text, SERVED.decode())


@scenario(plain=True, timeout=120)
def warn_page_leads_to_the_site(s):
    """By TLS and plain, through both modes; for that site alone."""
    proxy = ('-x', 'http://%s:%d' % (net.INNER, net.PROXY))
    s.start(record=False, rules=WARN)
    s.serve(443, handler=peer.http(SERVED))
    s.serve(80, plain=True, handler=peer.http(SERVED))
    one_way(s, 'https://v4.good.test/a?b="c"&d')
    wait(lambda: [f for f in s.d.events() if f['flow']['reason'] ==
                  'went on after the warning of rule think' and
                  f['clearspan']['answer']['status'] == 303], 'in the log')
    wait(lambda: [f for f in s.d.events() if f['clearspan'].get('why') ==
                  'warned before' and f['clearspan']['action'] == 'decrypt'],
         'the session after it in the log')
    equal(curl(s, *proxy, 'https://v4.good.test/').text, SERVED.decode())
    equal(curl(s, 'http://v4.good.test/').text, SERVED.decode())
    for name, way in (('http://www.good.test/', proxy),):
        one_way(s, name, *way)


@scenario(plain=True)
def warn_page_in_the_proxy_by_tls(s):
    s.start(record=False, rules=WARN)
    s.serve(443, handler=peer.http(SERVED))
    one_way(s, 'https://v4.good.test/', '-x', 'http://%s:%d' %
            (net.INNER, net.PROXY))


@scenario(plain=True)
def warn_page_in_plain_http(s):
    s.start(record=False, rules=WARN)
    s.serve(80, plain=True, handler=peer.http(SERVED))
    one_way(s, 'http://v4.good.test/')


@scenario(plain=True)
def warn_page_is_not_answered_by_others(s):
    """The button of another site, by GET, by a script, or made up; and what a
    script gets has no button."""
    begin(s, rules=WARN)
    url = 'https://v4.good.test/'
    to = warned(s, url)
    other = warned(s, 'https://www.good.test/', '--connect-to',
                   'www.good.test:443:v4.good.test:443')
    made = to[:-1] + ('0' if to[-1] != '0' else '1')
    script = ('-X', 'POST', '-H', 'Content-Length: 0', '-H',
              'Sec-Fetch-Mode: navigate', '-H', 'Sec-Fetch-Site: same-origin')
    for args, way in ((PRESSED, other), (PRESSED, made), ((), to),
                      (script, to)):
        equal(press(s, url, way, *args).strip(), '403')
    for args in (('-H', 'Sec-Fetch-Dest: empty'), ('-A', 'curl')):
        r = curl(s, *args, url)
        equal(json.loads(r.text)['error'], 'warned')
        check('clearspan-continue' not in r.text, r.text)
    warned(s, url)


@scenario(plain=True)
def warn_page_comes_again(s):
    s.start(record=False, rules=WARN, pages={'remember': '1s'})
    s.serve(443, handler=peer.http(SERVED))
    url = 'https://v4.good.test/'
    press(s, url, warned(s, url), *PRESSED)
    wait(lambda: 'Please think' in curl(s, url).text, 'the warning again')


@scenario(plain=True)
def warn_page_cannot_lead_elsewhere(s):
    begin(s, rules=WARN)
    url = 'https://v4.good.test'
    to = warned(s, '--path-as-is', url + '//evil.test/')
    check(to.startswith('/.//evil.test/'), to)
    r = curl(s, '-i', '--path-as-is', *PRESSED, url + to)
    check('\nLocation: /.//evil.test/\n' in r.text.replace('\r', ''), r.text)


@scenario(plain=True)
def connect_to_what_is_blocked_shows_the_page(s):
    begin(s, rules=RULES)
    proxy = ('-x', 'http://%s:%d' % (net.INNER, net.PROXY))
    r = curl(s, *proxy, '-w', '%{http_connect} %{http_code}',
             'https://v4.good.test/x')
    rows, title = shown(r.text)
    check(r.text.endswith('200 403'), r.text)
    equal([title, rows['Address']], ['This connection is not allowed',
                                     'https://v4.good.test/x'])
    answered(s, 403, r.text)
    # Another name in the hello changes nothing; no server, no reset either.
    c = s.tls(name='good.test', alpn=['http/1.1'],
              sock=s.via_proxy('v4.good.test', 443))
    c.send(b'GET / HTTP/1.1\r\nHost: good.test\r\n\r\n')
    check(c.recv_until(b'}\n').startswith(b'HTTP/1.1 403'))
    c = peer.Peer(s.via_proxy('v4.good.test', 443))
    c.send(b'EHLO x\r\n')
    peer.reset_wait(c.sock)


@scenario(plain=True)
def connect_to_what_is_dead_shows_browsers_why(s):
    """Other clients get the status at once, which they understand."""
    s.start(record=False)
    proxy = ('-x', 'http://%s:%d' % (net.INNER, net.PROXY),
             '--proxy-header')
    r = curl(s, *proxy, 'User-Agent: ' + BROWSER, '-w',
             '%{http_connect} %{http_code}', 'https://v4.good.test/')
    check(r.text.endswith('200 502'), r.text, r.errors)
    equal(shown(r.text)[0]['Reason'],
          answered(s, 502, r.text)['flow']['reason'])
    r = curl(s, *proxy, 'User-Agent: git/2', '-w', '%{http_connect}',
             'https://v4.good.test/')
    check(r.text.endswith('502'), r.text, r.errors)


def forms(s):
    """The CA's certificate as clearspan ca export writes it, by form."""
    os.makedirs(s.path('ca'), exist_ok=True)
    with open(s.pki.ca) as f, open(s.path('ca/ca.pem'), 'w') as g:
        g.write(f.read())
    return {form: s.run(s.gateway, s.binary, 'ca', 'export', '--dir',
                        s.path('ca'), '--format', form).out
            for form in ('pem', 'der', 'p12', 'mobileconfig')}


def ca_is_served(s, base, *args):
    want = forms(s)
    for name, form, kind in (
            ('ca.pem', 'pem', 'application/x-pem-file'),
            ('ca.crt', 'der', 'application/x-x509-ca-cert'),
            ('ca.der', 'der', 'application/x-x509-ca-cert'),
            ('ca.mobileconfig', 'mobileconfig',
             'application/x-apple-aspen-config')):
        r = curl(s, '-D', s.path('head'), *args, base + name)
        equal(r.out, want[form], name)
        check('Content-Type: ' + kind in open(s.path('head')).read(), name)
    with open(s.path('got.p12'), 'wb') as f:
        f.write(curl(s, *args, base + 'ca.p12').out)
    r = s.run(s.client, 'openssl', 'pkcs12', '-in', s.path('got.p12'),
              '-passin', 'pass:', '-cacerts', '-nokeys')
    check('BEGIN CERTIFICATE' in r.text, r.text, r.errors)
    r = s.run(s.client, 'openssl', 'pkcs12', '-in', s.path('got.p12'),
              '-passin', 'pass:', '-nocerts', '-nodes')
    check('PRIVATE' not in r.text, 'a key')
    sha = s.run(s.client, 'openssl', 'x509', '-noout', '-fingerprint',
                '-sha256', '-in', s.pki.ca).text.split('=')[1].strip()
    for lang, title in (('en', 'Trust this network&#39;s certificate '
                         'authority'),
                        ('ja', 'このネットワークの認証局を信頼する')):
        r = curl(s, '-H', 'Accept-Language: ' + lang, *args, base)
        equal(shown(r.text)[1], title)
        check('<code>%s</code>' % sha in r.text, r.text)
    o = json.loads(programs.curl(s, *args, base).text)
    equal(o['fingerprint'], sha)
    r = curl(s, '-w', '%{http_code}', *args, base + 'ca.key')
    check(r.text.endswith('404') and 'PRIVATE' not in r.text, r.text)


@scenario(plain=True)
def ca_page_by_its_name_through_the_proxy(s):
    s.start(record=False, rules=[{'name': 'none', 'action': 'block'}])
    proxy = ('-x', 'http://%s:%d' % (net.INNER, net.PROXY))
    ca_is_served(s, 'http://clearspan.ca/', *proxy)
    trust = '--cacert', s.pki.ca
    ca_is_served(s, 'https://clearspan.ca/', *trust, *proxy)
    r = curl(s, *trust, '-w', '%{http_code}', '-x', 'socks5h://%s:%d' %
             (net.INNER, net.PROXY), 'https://clearspan.ca/ca.pem')
    check(r.text.endswith('200') and 'BEGIN' in r.text, r.text, r.errors)
    check(s.d.metric('clearspan_ca_expiry_seconds') > 0, 'its expiry')


@scenario(plain=True)
def ca_page_of_the_proxy_itself(s):
    s.start(record=False)
    ca_is_served(s, 'http://%s:%d/' % (net.INNER, net.PROXY))


@scenario(plain=True)
def ca_page_by_its_name_on_the_way(s):
    """To whatever address that name has, on the ports of http and https; no
    other port."""
    s.start(record=False)
    s.serve(443)
    ca_is_served(s, 'https://clearspan.ca/', '--cacert', s.pki.ca,
                 '--resolve', 'clearspan.ca:443:' + net.SERVER)
    s.serve(80, plain=True)
    s.serve(81, plain=True, handler=peer.http(SERVED))
    ca_is_served(s, 'http://clearspan.ca/', '--resolve',
                 'clearspan.ca:80:' + net.SERVER)
    equal(curl(s, '--resolve', 'clearspan.ca:81:' + net.SERVER,
               'http://clearspan.ca:81/').text, SERVED.decode())


@scenario(plain=True)
def ca_page_can_be_off(s):
    s.start(record=False, pages={'ca': False})
    s.serve(80, plain=True, handler=peer.http(SERVED))
    s.serve(443, handler=peer.http(SERVED))
    for scheme, port in ('http', 80), ('https', 443):
        equal(curl(s, '-k', '--resolve', 'clearspan.ca:%d:%s' %
                   (port, net.SERVER), scheme + '://clearspan.ca/').text,
              SERVED.decode())
    r = curl(s, '-w', '%{http_code}', 'http://%s:%d/ca.pem' %
             (net.INNER, net.PROXY))
    check(r.text.endswith('404') and 'BEGIN' not in r.text, r.text)
