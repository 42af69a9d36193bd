"""Chromium as a person uses it: one start, several windows, each with its own
way to the network, driven by the DevTools protocol over a pipe."""
import base64
import json
import os
import select
import subprocess
import time

from . import net
from .proc import PATIENCE, Failure, check, wait
from .programs import CHROMIUM, nss

BUTTON = '''(() => { const e = document.querySelector('%s');
    e.scrollIntoView({block: 'center', behavior: 'instant'});
    const r = e.getBoundingClientRect();
    return [r.x + r.width / 2, r.y + r.height / 2] })()'''
FETCH = '''Promise.all(%s.map(u => fetch(u, {mode: 'no-cors'})
    .then(r => r.type, e => e.name)))'''
SHOWN = '''JSON.stringify({ready: document.readyState, url: location.href,
    lang: document.documentElement.lang, text: document.body.innerText,
    title: document.querySelector('h1')?.innerText,
    wide: document.documentElement.scrollWidth - innerWidth,
    spoke: performance.getEntriesByType('navigation')[0]?.nextHopProtocol})'''


class Browser:
    def __init__(self, s, pem, *args, also=()):
        env = nss(s, pem, *also)
        self.n, self.rest, self.events = 0, b'', []
        r, self.out = os.pipe()
        self.back, w = os.pipe()
        argv = ['bash', '-c', 'exec "$@" 3<&%d 4>&%d' % (r, w), 'x',
                *CHROMIUM, '--remote-debugging-pipe', '--user-data-dir=' +
                os.path.join(env['HOME'], 'profile'), *args]
        s.say('client$ ' + ' '.join(argv[4:]))
        with open(s.path('chromium.log'), 'ab') as log, s.client:
            self.p = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=(r, w), env=dict(os.environ, **env))
        os.close(r)
        os.close(w)

    def message(self, end):
        """The next one of Chromium's."""
        while b'\0' not in self.rest:
            if not select.select([self.back], [], [],
                                 max(0, end - time.monotonic()))[0]:
                raise Failure('Chromium says nothing more')
            data = os.read(self.back, 1 << 20)
            check(data, 'Chromium has ended')
            self.rest += data
        text, self.rest = self.rest.split(b'\0', 1)
        return json.loads(text)

    def call(self, method, session=None, **params):
        self.n += 1
        o = {'id': self.n, 'method': method, 'params': params}
        if session:
            o['sessionId'] = session
        os.write(self.out, json.dumps(o).encode() + b'\0')
        end = time.monotonic() + 20 * PATIENCE
        while True:
            m = self.message(end)
            if 'method' in m:
                self.events.append(m)
            if m.get('id') == self.n:
                check('error' not in m, method, m.get('error'))
                return m['result']

    def window(self, proxy=None, language='en'):
        more = {'proxyServer': proxy} if proxy else {}
        where = self.call('Target.createBrowserContext', **more)
        target = self.call('Target.createTarget', url='about:blank',
                           browserContextId=where['browserContextId'])
        w = Window(self, self.call('Target.attachToTarget', flatten=True,
                                   targetId=target['targetId'])['sessionId'])
        w.call('Page.enable')
        w.language(language)
        return w

    def close(self):
        self.call('Browser.close')
        self.p.wait(20 * PATIENCE)


class Window:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def language(self, name):
        agent = self.browser.call('Browser.getVersion')['userAgent']
        self.call('Emulation.setUserAgentOverride', acceptLanguage=name,
                  userAgent=agent.replace('Headless', ''))

    def js(self, text):
        r = self.call('Runtime.evaluate', expression=text)
        return r['result'].get('value')

    def open(self, url):
        """What it shows then."""
        r = self.call('Page.navigate', url=url)
        check('errorText' not in r or r['errorText'] ==
              'net::ERR_HTTP_RESPONSE_CODE_FAILURE', url, r)
        return self.shows(lambda o: o['url'] != 'about:blank')

    def fetch(self, urls):
        """All at once, from the page that is shown: {url: status of HTTP, or
        Chromium's error}."""
        self.call('Network.enable')
        self.browser.events.clear()
        self.call('Runtime.evaluate', awaitPromise=True,
                  expression=FETCH % json.dumps(urls))
        self.call('Network.disable')
        of, out = {}, {}
        for m in self.browser.events:
            p = m['params']
            if m['method'] == 'Network.requestWillBeSent':
                of[p['requestId']] = p['request']['url']
            elif m['method'] == 'Network.responseReceived':
                out[of.get(p['requestId'])] = p['response']['status']
            elif m['method'] == 'Network.loadingFailed':
                out.setdefault(of.get(p['requestId']), p['errorText'])
        return out

    def shows(self, what):
        """Wait for a page that is loaded and is so."""
        def look():
            text = self.js('document.body && ' + SHOWN)
            o = text and json.loads(text)
            if o and o['ready'] == 'complete' and what(o):
                return o
            time.sleep(0.05)    # Chromium has better things to do
            return None
        return wait(look, 'page that is awaited', 20)

    def press(self, selector):
        """By the mouse: a script's click is nobody's wish."""
        x, y = self.call('Runtime.evaluate', expression=BUTTON % selector,
                         returnByValue=True)['result']['value']
        for kind in 'mousePressed', 'mouseReleased':
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y,
                      button='left', clickCount=1)

    def size(self, width, height, dark=False):
        self.call('Emulation.setDeviceMetricsOverride', width=width,
                  height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call('Emulation.setEmulatedMedia', features=[
            {'name': 'prefers-color-scheme',
             'value': 'dark' if dark else 'light'}])

    def picture(self, path):
        data = self.call('Page.captureScreenshot',
                         captureBeyondViewport=True)['data']
        with open(path, 'wb') as f:
            f.write(base64.b64decode(data))
