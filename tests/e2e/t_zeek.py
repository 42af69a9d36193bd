"""What the NetControl plugin in contrib/zeek asks for, by the same calls of
curl."""
import json
import os
import re

from harness import check, equal, net, scenario, wait
from t_contained import OTHER, SAID, Udp, get, status
from t_rest import TOKENS, listen, rows, sensor

ID = r'"id": ?([0-9]+)'


def token(s, name):
    """A file for curl -H @FILE."""
    path = s.path(name + '.header')
    with open(path, 'w') as f:
        f.write('Authorization: Bearer %s\n' % TOKENS.get(name, name))
    return path


def calls(s, *args, body=None, name='soc'):
    """What curl says, as the plugin calls it; its exit status before it."""
    r = s.run(s.gateway, 'curl', '-sS', '--fail-with-body', '-m', '10', '-H',
              '@' + token(s, name), *args, input=body)
    return r.code, r.text + r.errors


def drop(s, who, why='drop', **kw):
    """The plugin's report."""
    return calls(
        s, '-H', 'Content-Type: application/json', '--data-binary', '@-',
        'http://127.0.0.1:9912/v1/verdicts', body=json.dumps({
            'endpoint': who, 'severity': '8', 'category': why,
            'signature': 'Zeek NetControl'}).encode(), **kw)


def undo(s, n, **kw):
    return calls(s, '-X', 'DELETE', 'http://127.0.0.1:9912/v1/verdicts/%s' % n,
                 **kw)


@scenario
def calls_of_the_plugin_for_zeek_contain_and_release(s):
    """A sensor's token is enough for both; who is contained twice has one
    number; what has ended is 404; a location is a text and no more."""
    listen(s, endpoints={'state': s.path('state'), 'cases': s.path('cases'),
                         'identity': 'address', 'inside': ['10.1.0.0/24'],
                         'never': ['10.1.0.9']})
    udp = Udp(s, 5000)
    check(udp.ask(b'before'), 'UDP')
    hostile = '"; touch %s; echo "\n{"id": 99}\r\n$(id)`id`' % s.path('x')
    for why in 'drop', hostile:
        code, said = drop(s, net.CLIENT, why)
        equal((code, json.loads(said)['verdicts'][0]['id']), (0, 1))
        equal(re.findall(ID, said), ['1'])     # as the plugin looks for it
    equal(list(rows(s)), [net.CLIENT])
    check(not os.path.exists(s.path('x')), 'the shell ran it')
    equal(status(get(s, 'https://www.good.test/')), '403')
    check(not udp.ask(b'after', 0.5), 'UDP of the one contained')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    equal(undo(s, 1)[0], 0)
    r = wait(lambda: (lambda x: status(x) == '200' and x)(
        get(s, 'https://www.good.test/')), 'the release')
    check(SAID.decode() in r.text, r.text)
    check(udp.ask(b'again'), 'UDP after it')
    code, said = undo(s, 1)
    equal(code, 22)
    check('error: 404' in said, said)
    code, said = drop(s, '10.1.0.9')
    equal((code, re.findall(ID, said)), (0, []), said)
    check('"why":' in said, said)
    code, said = drop(s, net.CLIENT, name='nobody')
    equal(code, 22)
    check('error: 401' in said, said)
