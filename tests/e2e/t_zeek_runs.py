"""Zeek itself, where there is one (Debian has none; zeek must be in PATH): it
reads our mirror, what it notices contains, and it runs contrib/zeek."""
import json
import os
import shutil

from harness import Failure, check, equal, net, scenario, wait
from harness.case import whole_lines
from t_contained import OTHER, Udp, begin, files, get, reports, status
from t_rest import far
from t_sensors import verdicts
from t_suricata import (conversations, conversed, meets_eicar, serve_eicar,
                        watched)
from t_zeek import token

MISSING = None if shutil.which('zeek') else 'there is no zeek in PATH'
HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = ['10.1.0.0/24', 'fd01::/64']
HOLD = {'when': {'severity': '>=5'}, 'do': 'quarantine', 'profile': 'all',
        'for': '1h'}
SIGNATURE = '''\
signature eicar {
	ip-proto == tcp
	http-reply-body /.*EICAR-STANDARD/
	event "EICAR came"
}
'''
# What is noticed of a signature; {then} is done besides.
NOTICES = '''\
@load-sigs ./eicar
@load base/frameworks/notice
redef LogAscii::use_json = T;
redef enum Notice::Type += {{ Eicar }};
event signature_match(s: signature_state, msg: string, data: string)
	{{
	NOTICE([$note=Eicar, $conn=s$conn, $msg=msg]);
	{then}
	}}
'''
PLUGIN = '''\
@load ./clearspan
redef Clearspan::url = "https://v4.good.test:9913";
redef Clearspan::token_file = "{token}";
redef Clearspan::ca_file = "{ca}";
event NetControl::init()
	{{
	NetControl::activate(Clearspan::create(), 10);
	}}
'''
# Does what the lines of a file say, and says what became of the rules.
DRIVEN = '''\
redef exit_only_after_terminate = T;
type Line: record { s: string; };
global said = open("said");
global named: table[string] of string;
function tell(what: string, r: NetControl::Rule, why: string)
	{
	print said, fmt("%s %s %s", what, r$id, why);
	}
event NetControl::rule_added(r: NetControl::Rule, p: NetControl::PluginState,
    msg: string)
	{
	tell("added", r, msg);
	}
event NetControl::rule_removed(r: NetControl::Rule, p: NetControl::PluginState,
    msg: string)
	{
	tell("removed", r, msg);
	}
event NetControl::rule_error(r: NetControl::Rule, p: NetControl::PluginState,
    msg: string)
	{
	tell("error", r, msg);
	}
event NetControl::init_done()
	{
	print said, "ready";
	}
function drop_rule(e: NetControl::Entity, t: NetControl::TargetType): string
	{
	return NetControl::add_rule([$ty=NetControl::DROP, $target=t, $entity=e,
	    $expire=0sec]);
	}
event asked(d: Input::EventDescription, t: Input::Event, s: string)
	{
	local w = split_string_n(s, / /, F, 3);
	local id = "?";
	switch ( w[0] )
		{
		case "drop":
			id = NetControl::drop_address(to_addr(w[1]),
			    double_to_interval(to_double(w[2])), w[3]);
			break;
		case "quarantine":
			id = NetControl::quarantine_host(to_addr(w[1]), 10.2.0.2,
			    10.2.0.3, 0sec, "infected")[0];
			break;
		case "mac":
			id = drop_rule([$ty=NetControl::MAC, $mac=w[1]],
			    NetControl::FORWARD);
			break;
		case "net":
			id = drop_rule([$ty=NetControl::ADDRESS,
			    $ip=to_subnet(w[1])], NetControl::FORWARD);
			break;
		case "watch":
			id = drop_rule([$ty=NetControl::ADDRESS,
			    $ip=to_subnet(w[1])], NetControl::MONITOR);
			break;
		case "connection":
			id = NetControl::drop_connection([$orig_h=to_addr(w[1]),
			    $orig_p=1/tcp, $resp_h=10.2.0.2, $resp_p=443/tcp], 0sec);
			break;
		case "allow":
			id = NetControl::whitelist_address(to_addr(w[1]), 0sec);
			break;
		case "remove":
			id = NetControl::remove_rule(w[1], "asked") ? w[1] : "";
			break;
		}
	print said, fmt("id %s", id);
	}
event zeek_init()
	{
	set_buf(said, F);
	Input::add_event([$source="asked", $reader=Input::READER_RAW,
	    $mode=Input::STREAM, $name="asked", $fields=Line, $ev=asked,
	    $want_record=F]);
	}
'''


class Zeek:
    """A directory of its own, and what ran there."""

    def __init__(self, s, ns, script, *args):
        self.s = s
        self.dir = s.path('zeek')
        os.mkdir(self.dir)
        self.seen = 0
        for name, text in (('eicar.sig', SIGNATURE), ('run.zeek', script),
                           ('asked', '')):
            with open(self.path(name), 'w') as f:
                f.write(text)
        os.symlink(os.path.join(HERE, '../../contrib/zeek/clearspan.zeek'),
                   self.path('clearspan.zeek'))
        self.ns, self.argv = ns, ['zeek', '-C', *args, './run.zeek']

    def path(self, name):
        return os.path.join(self.dir, name)

    def spawn(self):
        self.p = self.s.spawn(self.ns, *self.argv, name='zeek', cwd=self.dir)

    def reads(self):
        """Until it sees the mirror."""
        self.spawn()
        self.p.wait_log('listening on rec0', 60)
        serve_eicar(self.s)
        wait(lambda: status(get(self.s, 'https://www.good.test/clean')) ==
             '200' and self.log('http'), 'http.log')

    def log(self, name):
        return list(map(json.loads, whole_lines(self.path(name + '.log'))))

    def said(self):
        return whole_lines(self.path('said'))

    def hear(self, what):
        """The next line that begins with that; the rest of it."""
        def at():
            if not self.p.alive():
                raise Failure('zeek has ended: ' + self.p.text())
            return next((i for i, x in enumerate(self.said()) if
                         i >= self.seen and x.startswith(what)), -1) + 1
        try:
            self.seen = wait(at, 'line', 30)
        except Failure:
            raise Failure('zeek did not say "%s": %s' % (what, self.said()))
        return self.said()[self.seen - 1][len(what):].strip()

    def ask(self, line):
        """The id of the rule; "": it was refused."""
        with open(self.path('asked'), 'a') as f:
            f.write(line + '\n')
        return self.hear('id')


def reported(s, url='10.1.0.1'):
    """What loads the plugin, with a token and its CA; where its URL is."""
    s.hosts('10.2.0.2 good.test www.good.test\n%s v4.good.test\n' % url)
    return PLUGIN.format(token=token(s, 'soc'), ca=s.pki.root)


def driven(s, **over):
    """Clearspan, and a Zeek that has its plugin and is told what to do."""
    begin(s, **dict({
        'sensors': [far(s)], 'responses': [HOLD],
        'endpoints': {**files(s), 'inside': INSIDE,
                      'never': ['10.1.0.9']}}, **over))
    z = Zeek(s, s.gateway, reported(s) + DRIVEN)
    z.spawn()
    z.hear('ready')
    return z


def contained(s):
    return sorted(q['endpoint'] for q in s.d.ctl('quarantine', 'list')
                  ['quarantine'])


@scenario(skip=MISSING, timeout=120)
def zeek_reads_streams_of_http2_as_conversations(s):
    """Each is a line of http.log, and nothing is weird."""
    want = conversations(s)
    z = Zeek(s, s.gateway, 'redef LogAscii::use_json = T;\n'
             'redef ignore_checksums = F;\n'
             '@load policy/misc/capture-loss\n', '-r', s.path('disk.pcapng'))
    z.argv.remove('-C')
    s.run(s.gateway, *z.argv, cwd=z.dir, timeout=90).ok()
    conversed(((e['uri'], e['status_code'], e['response_body_len'])
               for e in z.log('http')), want)
    equal(z.log('weird'), [])
    for e in z.log('conn'):
        equal((e.get('service'), e['missed_bytes']), ('http', 0), e)
        check(e['history'].startswith('Sh') and
              not set(e['history']) & set('CcGgTtWw'), e)


@scenario(skip=MISSING, timeout=120)
def zeek_notices_eicar_and_its_endpoint_is_contained(s):
    """Over HTTPS, on the mirror: notice.log is followed as it is written."""
    s.hosts('10.2.0.2 good.test v4.good.test www.good.test\n')
    z = Zeek(s, s.net.recorder, NOTICES.format(then=''), '-i', 'rec0')
    watched(s, responses=[HOLD],
            sensors=[{'name': 'zeek', 'eve': z.path('notice.log')}])
    z.reads()
    meets_eicar(s)
    equal(sorted((v['product'], v['signature'], v['endpoint'], v['peer'],
                  v['result']) for v in verdicts(s, 2)),
          [('zeek', what, net.CLIENT, net.SERVER, 'done') for what in
           ('Eicar', 'Signatures::Sensitive_Signature')])
    equal(status(get(s, 'https://www.good.test/clean', OTHER)), '200')
    wait(lambda: status(get(s, 'https://www.good.test/clean')) == '403',
         'the page')


@scenario(skip=MISSING, timeout=120)
def zeek_sees_eicar_and_its_plugin_contains(s):
    """From the mirror to the last packet by nothing but Zeek and curl; Zeek
    knows that it was done."""
    s.gateway.ip("""link add m0 type veth peer name m1 netns %s
addr add 10.9.0.1/24 dev m0
link set m0 up
""" % s.net.recorder.path)
    s.net.recorder.ip('addr add 10.9.0.2/24 dev m1\nlink set m1 up\n')
    z = Zeek(s, s.net.recorder, reported(s, '10.9.0.1') + NOTICES.format(
        then='NetControl::drop_address(s$conn$id$orig_h, 0sec, msg);'),
        '-i', 'rec0')
    watched(s, responses=[HOLD], sensors=[far(s, listen='10.9.0.1:9913')])
    z.reads()
    s.say('%.3f s from the request to the reset' % meets_eicar(s))
    v = verdicts(s, 1)[0]
    equal([v['product'], v['signature'], v['category'], v['endpoint']],
          ['generic', 'Zeek NetControl', 'EICAR came', net.CLIENT])
    equal(reports(s, 1)[0]['endpoint'], net.CLIENT)
    wait(lambda: status(get(s, 'https://www.good.test/clean')) == '403',
         'the page')
    wait(lambda: [e for e in z.log('netcontrol') if
                  e.get('state') == 'NetControl::SUCCEEDED'],
         'what Zeek knows of it', 30)


@scenario(skip=MISSING, timeout=120)
def zeek_drops_by_its_plugin_and_releases(s):
    """drop_address(), twice; what it removes, and what it expires; what an
    operator ended before; whom none may contain."""
    z = driven(s)
    udp = Udp(s, 5000)
    check(udp.ask(b'before'), 'UDP')
    hostile = '"; touch %s; \'$(touch %s)`id` {"id": 99}' % (
        (s.path('x'),) * 2)
    first = z.ask('drop %s 0 %s' % (net.CLIENT, hostile))
    z.hear('added ' + first)
    equal(contained(s), [net.CLIENT])
    check(not os.path.exists(s.path('x')), 'the shell ran it')
    equal(status(get(s, 'https://www.good.test/')), '403')
    check(not udp.ask(b'after', 0.5), 'UDP of the one contained')
    equal(status(get(s, 'https://www.good.test/', OTHER)), '200')
    equal(verdicts(s, 1)[0]['category'], hostile)
    equal(z.ask('remove ' + first), first)
    z.hear('removed ' + first)
    equal(contained(s), [])
    wait(lambda: status(get(s, 'https://www.good.test/')) == '200',
         'the release')
    # By itself, as Zeek says.
    short = z.ask('drop %s 1 drop' % net.CLIENT)
    z.hear('added ' + short)
    z.hear('removed ' + short)
    equal(contained(s), [])
    # An operator was faster: that is no error.
    other = z.ask('drop %s 0 drop' % net.CLIENT)
    z.hear('added ' + other)
    s.d.ctl('quarantine', 'release', str(verdicts(s, 3)[-1]['quarantine']))
    z.ask('remove ' + other)
    z.hear('removed ' + other)
    never = z.ask('drop 10.1.0.9 0 drop')
    check('never' in z.hear('error ' + never), z.said())
    equal(contained(s), [])


@scenario(skip=MISSING, timeout=120)
def zeek_quarantines_by_its_plugin_and_keeps_its_other_rules(s):
    """quarantine_host() and a MAC contain; two rules about one host hold until
    the second is gone; networks, connections, allowed ones and what is only
    about Zeek's monitoring are not ours."""
    z = driven(s)
    for line in ('net 10.1.0.0/24', 'watch 10.1.0.2/32', 'connection 10.1.0.2',
                 'allow 10.1.0.2'):
        equal(z.ask(line), '', line)
    equal(contained(s), [])
    rule = z.ask('quarantine ' + net.CLIENT)
    z.hear('added ' + rule)
    equal(contained(s), [net.CLIENT])
    equal(status(get(s, 'https://www.good.test/')), '403')
    second = z.ask('drop %s 0 drop' % net.CLIENT)
    z.hear('added ' + second)
    equal(contained(s), [net.CLIENT])
    z.ask('remove ' + rule)
    check('still' in z.hear('removed ' + rule), z.said())
    equal(contained(s), [net.CLIENT])
    z.ask('remove ' + second)
    z.hear('removed ' + second)
    equal(contained(s), [])
    mac = '02:00:00:00:00:99'
    by_mac = z.ask('mac ' + mac)
    z.hear('added ' + by_mac)
    equal(contained(s), [mac])
    z.ask('remove ' + by_mac)
    z.hear('removed ' + by_mac)
    equal(contained(s), [])


@scenario(skip=MISSING, timeout=120)
def zeek_says_why_its_plugin_was_not_heard(s):
    """A token that is none, a certificate of nobody's, nothing there."""
    z = driven(s)
    with open(s.path('soc.header'), 'w') as f:
        f.write('Authorization: Bearer nobody\n')
    rule = z.ask('drop %s 0 drop' % net.CLIENT)
    check('401' in z.hear('error ' + rule), z.said())
    s.hosts('10.1.0.99 v4.good.test\n')
    rule = z.ask('drop %s 0 drop' % OTHER)
    check('curl' in z.hear('error ' + rule), z.said())
    equal(contained(s), [])
