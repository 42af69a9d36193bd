"""Rules by category: feeds, what is logged, and a feed that breaks."""
import os

from harness import check, equal, scenario, wait


def refused(s):
    r = s.run(s.gateway, s.binary, 'ctl', '-s',
              s.d.conf['control']['socket'], 'reload')
    equal(r.code, 1, r.text + r.errors)
    return r.text + r.errors


@scenario
def a_category_is_what_the_feeds_say(s):
    def write(name, text):
        with open(s.path('new'), 'w') as f:
            f.write(text)
        os.makedirs(os.path.dirname(s.path(name)), exist_ok=True)
        os.rename(s.path('new'), s.path(name))
    write('own', 'good.test finance\nwww.good.test shop\n')
    write('ut1/adult/domains', 'v6.good.test\n')
    write('hosts', '0.0.0.0 ads.good.test\n')
    s.start(record=False, categories=[
        s.path('own'), s.path('ut1'),
        {'file': s.path('hosts'), 'category': 'ads'}], rules=[
        {'name': 'money', 'category': 'finance', 'not': {'category': 'shop'},
         'action': 'bypass'},
        {'name': 'known', 'not': {'category': 'unknown'},
         'action': 'decrypt'},
        {'name': 'default', 'action': 'decrypt'}])
    s.serve(443)
    s.exchange(b'money', name='good.test', trust=s.pki.root)
    s.exchange(b'both', name='www.good.test')
    equal([[f['clearspan']['category'], f['clearspan']['rule']]
           for f in s.d.flows(2)],
          [[['finance'], 'money'], [['finance', 'shop'], 'known']])

    # A feed that is gone, or is no feed, changes nothing; nor does one that
    # has no longer what a rule asks for.
    write('own', 'what is this?\n')
    os.rename(s.path('ut1'), s.path('away'))
    said = refused(s)
    for part in ('own:1:1: "what is this?"', 'ut1"', 'No such file'):
        check(part in said, part, said)
    os.rename(s.path('away'), s.path('ut1'))
    write('own', 'other.test shop\n')
    said = refused(s)
    check('no category "finance"' in said, said)
    lines = s.d.ctl('explain', 'https://good.test/')['lines']
    check('category "finance"' in lines[0]['explained'], lines)
    check('bypass rule: money' in lines[-1]['explained'], lines)

    # What is right again is noticed.
    write('own', 'other.test finance\nwww.good.test shop\n')
    wait(lambda: s.d.metric('clearspan_reloads_total', result='ok') == 1,
         'a reload')
    s.exchange(b'not money', name='good.test')
    flow = s.d.flows(3)[2]['clearspan']
    equal([flow['category'], flow['rule']], [['unknown'], 'default'])
