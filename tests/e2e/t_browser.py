"""Pages of our own as a person sees them, in Chromium. SHOTS=directory in the
environment is where pictures of them go, to be looked at."""
import os

from harness import browser, check, equal, net, peer, scenario

SHOTS = os.environ.get('SHOTS')
BLOCKED = {'en': 'This connection is not allowed',
           'ja': 'この接続は許可されていません'}
FAILED = {'en': 'This connection could not be made',
          'ja': '接続できませんでした'}
WARNED = {'en': 'Please think before you go on',
          'ja': '続行する前にご確認ください'}
CA = {'en': "Trust this network's certificate authority",
      'ja': 'このネットワークの認証局を信頼する'}


def pictures(w, name):
    """Nothing is cut off on a telephone."""
    for width, height in ((1280, 800),) * bool(SHOTS) + ((360, 700),):
        w.size(width, height)
        o = w.shows(lambda o: True)
        check(o['wide'] <= 0, name, 'is too wide by', o['wide'])
        if SHOTS:
            w.picture('%s/%s-%d.png' % (SHOTS, name, width))


@scenario(plain=True, timeout=120)
def chromium_shows_our_pages(s):
    """Refused, failed, warned of and the CA's: plain and by TLS, through both
    modes, over HTTP/2, in both languages; and the button leads on."""
    s.start(record=False, mirrors=[], icap=[
        {'name': 'dead', 'reqmod': 'icap://10.1.0.1:9/x', 'fail': 'closed'}],
        pages={'contact': 'Helpdesk, extension 4711'}, rules=[
        {'name': 'no-games', 'site': ['=v4.good.test'], 'action': 'block'},
        {'name': 'think', 'site': ['=www.good.test', '=chain.test'],
         'action': 'warn'},
        {'name': 'scan', 'site': ['=good.test'], 'action': 'decrypt',
         'icap': ['dead']},
        {'name': 'default', 'action': 'decrypt'}])
    s.serve(443, handler=peer.http(b'what the server says'),
            alpn=['http/1.1'])
    for address in net.SERVER, net.SERVER6:
        s.serve(444, alpn=['h2'], handler=lambda p: p.recv_all(),
                address=address)
    s.serve(80, plain=True, handler=peer.http(b'said in the clear'))
    b = browser.Browser(s, s.pki.ca, '--host-resolver-rules='
                        'MAP clearspan.ca ' + net.SERVER)
    direct = b.window()
    proxy = b.window('%s:%d' % (net.INNER, net.PROXY), 'ja')
    warned = {'en': ('https://www.good.test/', 'what the server says'),
              'ja': ('http://chain.test/', 'said in the clear')}
    for w, lang in (direct, 'en'), (proxy, 'ja'):
        for scheme in 'http', 'https':
            o = w.open(scheme + '://v4.good.test/play?a=b')
            equal([o['title'], o['lang']], [BLOCKED[lang], lang])
            check('no-games' in o['text'] and '4711' in o['text'], o)
        pictures(w, 'block-' + lang)
        o = w.open('http://clearspan.ca/')
        equal([o['title'], o['lang']], [CA[lang], lang])
        pictures(w, 'ca-' + lang)
        o = w.open('https://good.test:444/')
        equal([o['title'], o['spoke']], [FAILED[lang], 'h2'])
        check('the service dead could not check the content: down' in
              o['text'], o)
        pictures(w, 'failure-' + lang)
        site, text = warned[lang]
        equal(w.open(site + 'page')['title'], WARNED[lang])
        pictures(w, 'warn-' + lang)
        w.press('button')
        w.shows(lambda o: o['url'] == site + 'page' and o['text'] == text)
        equal(w.open(site + 'other')['text'], text)
    b.close()
