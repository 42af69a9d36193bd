"""Tags of endpoints: who sets them, what rules and groups make of them, and
that they hold for what is open."""
import json
import os

from harness import check, equal, net, peer, scenario, wait
from harness.peer import RST, reset_wait
from t_contained import OTHER, SAID, begin, files, get, status
from t_sensors import Sensor, about

GROUPS = [{'name': 'web', 'members': ['tag:web', '10.1.0.77']},
          {'name': 'cards', 'members': ['02:00:00:*']}]
RULES = [{'name': 'infected', 'tag': ['infected'], 'site': ['good.test'],
          'action': 'block'},
         {'name': 'no-web', 'group': ['web'], 'port': 444, 'action': 'reset'},
         {'name': 'default', 'action': 'decrypt'}]


def tags(s, *words):
    return s.d.ctl('tag', *words)


def rows(s):
    return sorted((t['endpoint'], t['tag'], t['by']) for t in
                  tags(s)['tags'])


@scenario
def tags_of_an_endpoint_decide_its_rules(s):
    """On new sessions, on requests of open ones, and on open sessions of no
    protocol that we read; of this endpoint alone."""
    begin(s, rules=RULES, groups=GROUPS)
    s.serve(444)
    s.serve(445)
    mine, theirs = s.tls(444), s.tls(444, sock=s.connect(444, source=(
        OTHER, 0)))
    other = s.tls(445)
    for p in mine, theirs, other:
        p.send(b'\1x')
        equal(p.recv_exact(2), b'\1x')
    web = s.tls(443, name='www.good.test')
    ask = b'GET / HTTP/1.1\r\nHost: www.good.test\r\n\r\n'
    web.send(ask)
    check(b' 200 ' in web.recv_until(SAID), 'first')
    tags(s, 'add', net.CLIENT, 'web', '1h', 'it', 'is', 'one')
    equal(reset_wait(mine.sock), RST)
    for p in theirs, other:
        p.send(b'\1y')
        equal(p.recv_exact(2), b'\1y')
    ended = wait(lambda: s.d.events(), 'the flow')[0]
    equal(ended['flow']['reason'], "the endpoint's tags have changed")
    equal(ended['clearspan']['tags'], ['web'])
    tags(s, 'add', net.CLIENT, 'infected')
    # Open sessions for this site are over; and so are new ones.
    equal(reset_wait(web.sock), RST)
    equal(status(get(s, 'https://www.good.test/')), '403')
    equal(status(get(s, 'http://www.good.test/')), '403')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    equal(rows(s), [(net.CLIENT, 'infected', 'operator'),
                    (net.CLIENT, 'web', 'operator')])
    last = [t['until'] for t in tags(s)['tags'] if t['tag'] == 'infected']
    equal(last, [None])
    out = s.d.ctl('explain', 'client=' + net.CLIENT, 'sni=www.good.test')
    check('rule: infected' in json.dumps(out), out)
    tags(s, 'clear', net.CLIENT, 'infected')
    equal(status(get(s, 'https://www.good.test/')), '200')
    told = wait(lambda: len(s.d.events('tag')) >= 3 and s.d.events('tag'),
                'events')
    equal([(e['tag']['action'], e['tag']['tag']) for e in told[:3]],
          [('set', 'web'), ('set', 'infected'), ('cleared', 'infected')])


@scenario
def tags_are_judged_at_each_request(s):
    """A connection whose rule does not name the site."""
    begin(s, rules=[{'name': 'infected', 'tag': 'infected', 'host':
                     ['v4.good.test'], 'action': 'block'},
                    {'name': 'default', 'action': 'decrypt'}])
    p = s.plain(80)

    def answer(name):
        p.send(b'GET / HTTP/1.1\r\nHost: %s\r\n\r\n' % name)
        head = p.recv_until(b'\r\n\r\n')
        if b' 200 ' in head:
            equal(p.recv_exact(len(SAID)), SAID)
        return head.split(b' ')[1]
    equal(answer(b'www.good.test'), b'200')
    equal(answer(b'v4.good.test'), b'200')
    tags(s, 'add', net.CLIENT, 'infected')
    equal(answer(b'v4.good.test'), b'403')


@scenario
def tags_come_by_verdicts_and_survive_a_restart(s):
    conf = dict(rules=RULES, groups=GROUPS, endpoints=files(s), mirrors=[],
                sensors=[{'name': 'ids', 'eve': 'unix:' +
                          s.path('eve.sock')}],
                responses=[{'when': {'signature': 'clean*'}, 'do': 'tag',
                            'clear': 'infected'},
                           {'when': {}, 'do': 'tag', 'tag': 'infected',
                            'for': '2h'}])
    begin(s, quarantines=[], **conf)
    Sensor(s, 'ids').say(about(net.CLIENT, signature='Trojan'))
    wait(lambda: rows(s) == [(net.CLIENT, 'infected', 'ids')], 'the tag')
    equal(status(get(s, 'https://www.good.test/')), '403')
    before = tags(s)['tags']
    s.stop(s.d)
    s.start(how=None, record=False, **conf)
    equal(tags(s)['tags'], before)
    equal(status(get(s, 'https://www.good.test/')), '403')
    Sensor(s, 'ids').say(about(net.CLIENT, signature='clean scan'))
    wait(lambda: rows(s) == [], 'it is cleared')
    equal(status(get(s, 'https://www.good.test/')), '200')
    case = s.d.ctl('case', str(before[0]['id']))['case']
    equal([c['what'] for c in case], ['tag', 'verdict'] * 2)
    tags(s, 'add', net.CLIENT, 'infected', '1s')
    wait(lambda: rows(s) == [], 'it ends')
    equal(status(get(s, 'https://www.good.test/')), '200')


@scenario
def tags_that_cannot_be_are_refused(s):
    begin(s)
    for words, right in ((('add', 'nobody', 'x'), 'write who as'),
                         (('add', net.CLIENT, 'a,b'), 'is not a tag'),
                         (('add', net.CLIENT), 'tag takes who'),
                         (('clear', net.CLIENT, 'x'), 'no such tag'),
                         (('what', 'a', 'b'), 'tag takes list')):
        r = s.run(s.gateway, s.binary, 'ctl', '-s', s.d.conf['control'][
            'socket'], 'tag', *words)
        check(right in r.errors, r.errors)
    equal(rows(s), [])


@scenario
def groups_are_by_address_and_by_tag(s):
    begin(s, groups=[{'name': 'some', 'members': [OTHER, 'tag:some']}],
          rules=[{'name': 'some', 'group': 'some', 'action': 'block'},
                 {'name': 'default', 'action': 'decrypt'}])
    equal(status(get(s, 'https://www.good.test/', OTHER)), '403')
    equal(status(get(s, 'https://www.good.test/')), '200')
    tags(s, 'add', net.CLIENT, 'some')
    equal(status(get(s, 'https://www.good.test/')), '403')


@scenario
def tags_of_a_file_are_those_that_stand_there(s):
    """As soon as it changes; a file with an error changes nothing; what others
    have set stays."""
    def write(text):
        with open(s.path('tags.new'), 'w') as f:
            f.write(text)
        os.rename(s.path('tags.new'), s.path('tags'))
    write('%s infected  web # one\n\n# none\n02:00:00:00:00:09\tweb\n'
          '10.1.0.9 web web\n' % net.CLIENT)
    begin(s, rules=RULES, groups=GROUPS,
          endpoints={**files(s), 'tags': s.path('tags')})
    equal(rows(s), [('02:00:00:00:00:09', 'web', 'file'),
                    (net.CLIENT, 'infected', 'file'),
                    (net.CLIENT, 'web', 'file'), ('10.1.0.9', 'web', 'file')])
    equal(status(get(s, 'https://www.good.test/')), '403')
    tags(s, 'add', OTHER, 'mine')
    write(net.CLIENT + ' web\n' + OTHER + ' bad,tag\nsomebody web\n')
    wait(lambda: s.reloads('failed') > 0, 'it is refused')
    for right in ('tags:2:10: this is no tag', 'tags:3:1: this is no endp'):
        s.d.wait_log(right)
    equal(len(rows(s)), 5)
    write(net.CLIENT + ' web\n')
    wait(lambda: rows(s) == [(net.CLIENT, 'web', 'file'),
                             (OTHER, 'mine', 'operator')], 'the others')
    equal(status(get(s, 'https://www.good.test/')), '200')
