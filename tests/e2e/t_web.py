"""The administrator's pages, in Chromium and with curl. SHOTS=directory in the
environment is where pictures of them go, to be looked at."""
import json
import os
import re

from harness import browser, check, equal, net, scenario, wait
from t_browser import pictures
from t_contained import OTHER, begin, contain, files, get, status
from t_pages import curl
from t_sensors import Sensor, about

TOKENS = {'alice': ('operator', 'a' * 32), 'bob': ('viewer', 'b' * 32),
          'ids': ('sensor', 'c' * 32)}
BASE = 'https://good.test:9912'


def pages(s, **over):
    """A daemon with them, for a browser of the client's."""
    with open(s.path('api.token'), 'w') as f:
        for name, (role, token) in TOKENS.items():
            f.write('%s:%s:%s\n' % (name, role, token))
    os.chmod(s.path('api.token'), 0o600)
    pem, key = s.pki.pair('good')
    begin(s, **dict({
        'sensors': [{'name': 'api', 'listen': net.INNER + ':9912',
                     'token': s.path('api.token'), 'certificate': pem,
                     'key': key},
                    {'name': 'ids', 'eve': 'unix:' + s.path('eve.sock')}],
        'responses': [{'when': {'severity': '>=5'}, 'do': 'quarantine',
                       'profile': 'all', 'for': '2h'}, {'do': 'notify'}],
        'endpoints': {**files(s), 'inside': ['10.1.0.0/24']}}, **over))


def fetch(s, path, *args):
    r = curl(s, '--cacert', s.pki.root, '--resolve', 'good.test:9912:' +
             net.INNER, '-b', s.path('jar'), '-c', s.path('jar'), '-w',
             '\n%{http_code} %{redirect_url}', *args, BASE + path)
    text, end = r.text.rsplit('\n', 1)
    return [end.split(' ')[0], end.split(' ')[1], text]


def login(s, name):
    if os.path.exists(s.path('jar')):
        os.unlink(s.path('jar'))
    return fetch(s, '/ui/login', '--data', 'to=/ui/verdicts&token=' +
                 TOKENS[name][1])


def form(text):
    return re.search('name=form value="([0-9a-f]{64})"', text).group(1)


def say(w, selector, text):
    w.js('document.querySelector(%s).value = %s' % (
        json.dumps(selector), json.dumps(text)))


@scenario(plain=True, timeout=120)
def web_shows_the_administrator_what_happens(s):
    """Log in, see a verdict as it comes, release, contain; the endpoint's page
    with its traffic; in both languages, wide and narrow."""
    pages(s)
    b = browser.Browser(s, s.pki.root, '--host-resolver-rules=MAP good.test ' +
                        net.INNER)
    w, ja = b.window(), b.window(language='ja')
    equal(w.open(BASE + '/')['title'], 'Log in')
    pictures(w, 'web-login')
    say(w, '#token', 'wrong')
    w.press('main button')
    w.shows(lambda o: 'There is no such token.' in o['text'])
    say(w, '#token', TOKENS['alice'][1])
    w.press('main button')
    o = w.shows(lambda o: o['title'] == 'Quarantine')
    check('Nobody is in quarantine.' in o['text'], o)
    equal(status(get(s, 'https://www.good.test/')), '200')
    # It comes by itself.
    evil = 'A <b>very</b> "odd" & bad thing'
    Sensor(s, 'ids').say(about(OTHER, signature=evil))
    o = w.shows(lambda o: OTHER in o['text'])
    check(evil in o['text'] and '1 h 59 min' in o['text'], o)
    pictures(w, 'web-quarantine')
    o = w.open(BASE + '/ui/verdicts')
    check(evil in o['text'], o)
    pictures(w, 'web-verdicts')
    o = w.open(BASE + '/ui/case/1')
    check('No line of this case has been changed.' in o['text'] and
          evil.replace('"', '\\"') in o['text'], o)
    pictures(w, 'web-case')
    o = w.open(BASE + '/ui/endpoints')
    check(net.CLIENT in o['text'] and 'tls' in o['text'], o)
    pictures(w, 'web-endpoints')
    o = w.open(BASE + '/ui/endpoint/' + net.CLIENT)
    equal(o['title'], net.CLIENT)
    check('free' in o['text'], o)
    pictures(w, 'web-endpoint')
    # By hand: this endpoint, from its page; then it is released.
    say(w, '#reason', "the user's call")
    w.press('main form.row button')
    o = w.shows(lambda o: net.CLIENT in o['text'] and
                o['title'] == 'Quarantine')
    equal([(q['endpoint'], q['profile'], q['reason'], q['by']) for q in
           s.d.ctl('quarantine')['quarantine'] if q['id'] == 2],
          [(net.CLIENT, 'all', "the user's call", 'operator')])
    equal(s.d.ctl('case', '2')['case'][0]['about']['actor'],
          'alice (api, %s)' % net.CLIENT)
    equal(status(get(s, 'https://www.good.test/')), '403')
    w.press('form[action="/ui/release/2"] button')
    w.shows(lambda o: net.CLIENT not in o['text'] and
            o['title'] == 'Quarantine')
    equal(status(get(s, 'https://www.good.test/')), '200')
    # What else is in force.
    s.d.ctl('deny', 'add', '10.2.0.77', '1h', 'It is known for ' + evil)
    s.d.ctl('deny', 'add', 'a-rather-long-name.of-a-server.example', '2h',
            'by hand')
    s.d.ctl('step-up', 'add', OTHER, '30m', 'a closer look')
    w.shows(lambda o: '10.2.0.77' in o['text'] and evil in o['text'] and
            'a closer look' in o['text'])
    pictures(w, 'web-measures')
    # Another person, in another language.
    equal(ja.open(BASE + '/ui/verdicts')['title'], 'ログイン')
    say(ja, '#token', TOKENS['bob'][1])
    ja.press('main button')
    o = ja.shows(lambda o: o['title'] == '検知')
    equal(o['lang'], 'ja')
    o = ja.open(BASE + '/ui/')
    check(OTHER in o['text'] and '解除' not in o['text'], 'may only look')
    pictures(ja, 'web-quarantine-ja')
    o = ja.open(BASE + '/ui/?lang=en')
    equal(ja.open(BASE + '/ui/endpoints')['lang'], 'en')
    b.close()


@scenario
def web_is_for_those_who_logged_in(s):
    """And what another site's page, an old form or a made-up cookie wants is
    not done."""
    pages(s)
    n = contain(s, OTHER)
    for path in ('/ui/', '/ui/verdicts', '/ui/endpoints', '/ui/case/%d' % n,
                 '/ui/endpoint/' + OTHER):
        equal(fetch(s, path)[:2], ['303', BASE + '/ui/login?to=' + path])
    equal(login(s, 'ids')[0], '303')
    equal(fetch(s, '/ui/')[0], '403')
    equal(login(s, 'bob')[:2], ['303', BASE + '/ui/verdicts'])
    code, _, text = fetch(s, '/ui/')
    equal(code, '200')
    equal(fetch(s, '/ui/release/%d' % n, '--data', 'form=' +
                form(text))[0], '403')
    login(s, 'alice')
    mine = form(fetch(s, '/ui/')[2])
    check(mine != form(text), 'of each session')
    release = '/ui/release/%d' % n
    for data, also in (('form=' + form(text), ()), ('form=', ()), ('x', ()),
                       ('form=' + mine, ('-H', 'Origin: https://evil.test')),
                       ('form=' + mine, ('-H',
                                         'Sec-Fetch-Site: cross-site'))):
        equal(fetch(s, release, '--data', data, *also)[0], '403')
    equal(fetch(s, release)[0], '405')
    equal(len(s.d.ctl('quarantine')['quarantine']), 1)
    with open(s.path('jar')) as f:
        jar = f.read()
    for a, b in (('alice', 'bob'), ('\t4.', '\t6.'), ('\t4.', '\t2.')):
        with open(s.path('jar'), 'w') as f:
            f.write(jar.replace(a, b))
        equal(fetch(s, '/ui/')[0], '303')
    with open(s.path('jar'), 'w') as f:
        f.write(jar)
    # Not to another site.
    for to in ('//evil.test', 'https://evil.test', '/ui//evil.test',
               '/ui/%5Cevil'):
        equal(fetch(s, '/ui/login', '--data', 'to=%s&token=%s' % (
            to, TOKENS['alice'][1]))[1], BASE + '/ui/')
    equal(fetch(s, '/ui/endpoint?who=x')[0], '400')
    equal(fetch(s, '/ui/endpoint?who=' + OTHER)[1],
          BASE + '/ui/endpoint/' + OTHER)
    equal(fetch(s, '/ui/case/77')[0], '404')
    mine = form(fetch(s, '/ui/')[2])
    equal(fetch(s, release, '--data', 'form=' + mine)[:2],
          ['303', BASE + '/ui/'])
    equal(s.d.ctl('quarantine')['quarantine'], [])
    # A token that is gone is no login any more.
    with open(s.path('api.token'), 'w') as f:
        f.write('bob:viewer:%s\n' % TOKENS['bob'][1])
    s.d.ctl('reload')
    wait(lambda: fetch(s, '/ui/')[0] == '303', 'she is out')


@scenario
def web_approves_and_rejects(s):
    """What a verdict has proposed is done, or not; by whom is in the case."""
    pages(s, responses=[{'when': {}, 'do': 'quarantine', 'profile': 'all',
                         'for': '2h', 'approval': True}])
    login(s, 'alice')
    ids = Sensor(s, 'ids')
    for who in OTHER, '10.1.0.77':
        ids.say(about(who, signature='Ask about ' + who))
    text = wait(lambda: [t for t in [fetch(s, '/ui/verdicts')[2]]
                         if t.count('/ui/approve/') == 2], 'both')[0]
    check('Ask about ' + OTHER in text, text)
    first, second = sorted(int(x) for x in re.findall('/ui/approve/([0-9]+)',
                                                      text))
    equal(s.d.ctl('quarantine')['quarantine'], [])
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    equal(fetch(s, '/ui/approve/%d' % first, '--data', 'form=x')[0], '403')
    for verb, n in ('approve', first), ('reject', second):
        equal(fetch(s, '/ui/%s/%d' % (verb, n), '--data', 'form=' +
                    form(text))[0], '303')
    equal([q['endpoint'] for q in s.d.ctl('quarantine')['quarantine']],
          [OTHER])
    equal(status(get(s, 'https://www.good.test/', OTHER)), '403')
    check('/ui/approve/' not in fetch(s, '/ui/verdicts')[2], 'none waits')
    equal(fetch(s, '/ui/approve/%d' % second, '--data', 'form=' +
                form(text))[0], '400')


@scenario
def web_ends_denials_and_step_ups(s):
    """They are shown, with a button for who may; then it is as before."""
    pages(s, quarantines=[{'name': 'all'}])
    n = s.d.ctl('deny', 'add', net.SERVER, '1h', 'C <and> C')['denial']
    up = s.d.ctl('step-up', 'add', OTHER, '1h', 'a look')['step-up']
    wait(lambda: status(get(s, 'https://www.good.test/')) == '403', 'denied')
    login(s, 'bob')
    text = fetch(s, '/ui/')[2]
    check('C &lt;and> C' in text and net.SERVER in text and
          'a look' in text and '<td>all' in text, text)
    check('/ui/permit/' not in text and '/ui/step-down/' not in text, text)
    ends = ['/ui/permit/%d' % n, '/ui/step-down/%d' % up]
    for path in ends:
        equal(fetch(s, path, '--data', 'form=' + form(text))[0], '403')
    login(s, 'alice')
    text = fetch(s, '/ui/')[2]
    for path in ends:
        check('action="%s"' % path in text, path, text)
        equal(fetch(s, path, '--data', 'form=x')[0], '403')
        equal(fetch(s, path, '--data', 'form=' + form(text))[:2],
              ['303', BASE + '/ui/'])
        equal(fetch(s, path, '--data', 'form=' + form(text))[0], '400')
    equal(status(get(s, 'https://www.good.test/')), '200')
    equal([s.d.ctl(v)[k] for v, k in (('deny', 'denied'),
                                      ('step-up', 'step-up'))], [[], []])
    for i in n, up:
        equal([x['about']['actor'] for x in s.d.ctl('case', str(i))['case']
               if x['what'] in ('set', 'released')],
              ['ctl', 'alice (api, %s)' % net.CLIENT])
    check('/ui/permit/' not in fetch(s, '/ui/')[2], 'none is left')
