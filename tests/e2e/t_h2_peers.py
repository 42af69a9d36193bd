"""Programs that speak HTTP/2, with each other through the gateway. What comes
is compared byte by byte, interim responses and trailers too."""
import os
import re

from harness import check, equal, h2_programs, programs, scenario
from harness.h2_programs import URL, curl

SMALL, BIG = b'a small file\n', os.urandom(700000)
FILES = {'small': SMALL, 'big': BIG, 'index.html': b'index\n'}


def passed(s):
    s.start()


def judged(s):
    """A rule asks for the host of each request: every stream is judged."""
    s.start(rules=[{'name': 'never', 'host': ['never.test'],
                    'action': 'block'},
                   {'name': 'default', 'action': 'decrypt',
                    'mirror': ['recorder']}],
            log={'events': ['flow', 'http']})


def was_judged(s):
    """... and none was read passively."""
    n = sum(s.d.metric('clearspan_http2_streams_total', result=x)
            for x in ('done', 'reset', 'broken'))
    check(n > 20, 'streams that were judged:', n)
    whole_mirror(s)


def whole_mirror(s):
    """What the recorder got of them is in order."""
    for x in s.rec.streams(1):
        equal(x.problems, [], 'mirror of %s' % (x.key,))


def both(s, name, *more):
    """The same bytes by one stream and by many at once."""
    equal(curl(s, *more, URL + 'small').ok().out, SMALL)
    equal(curl(s, *more, URL + 'big').ok().out, BIG)
    dirs = []
    for i in range(20):
        dirs += ['-o', s.path('got-%d' % i), URL + 'big']
    curl(s, '-Z', *more, *dirs).ok()
    for i in range(20):
        with open(s.path('got-%d' % i), 'rb') as f:
            equal(f.read(), BIG, '%s: number %d' % (name, i))


def told(s, url=URL + 'small'):
    r = curl(s, '-o', '/dev/null', '-w', '%{http_version} %{response_code}',
             url).ok()
    equal(r.text, '2 200')


def upload(s, url):
    with open(s.path('up'), 'wb') as f:
        f.write(BIG)
    r = curl(s, '-T', s.path('up'), '-X', 'POST', url).ok()
    equal(r.out, BIG, 'what was sent came back')


# --- servers, by curl, nghttp and h2load

def nginx(s):
    programs.nginx(s, files=FILES, more='location /to { return 307 /small; }')
    told(s)
    both(s, 'nginx')
    equal(curl(s, '-L', URL + 'to').ok().out, SMALL)
    r = curl(s, '-I', URL + 'big').ok()
    check('content-length: %d' % len(BIG) in r.text, r.text)
    r = curl(s, '-r', '100-199', URL + 'big').ok()
    check(r.out in (BIG[100:200], BIG), len(r.out))
    log = h2_programs.nghttp(s, '-n', URL + 'small', URL + 'big')
    equal(len(re.findall(r':status: 200', log)), 2, log[-3000:])


def nginx_at_load(s):
    """10,000 requests by 100 streams at once."""
    programs.nginx(s, files=FILES)
    r = h2_programs.h2load(s, '-n', '10000', '-c', '1', '-m', '100',
                           URL + 'small')
    check('status codes: 10000 2xx' in r.text, r.text)
    equal(int(re.search(r'\((\d+)\) data', r.text).group(1)),
          10000 * len(SMALL), 'bytes of content')
    h2_programs.h2load(s, '-n', '100', '-c', '4', '-m', '20', URL + 'big')


def nghttpd(s):
    h2_programs.nghttpd(s, FILES, '--trailer', 'x-end: of it',
                        '--echo-upload', '-p', '/index.html=/small')
    told(s)
    both(s, 'nghttpd')
    upload(s, URL + 'echo')
    log = h2_programs.nghttp(s, '-n', URL + 'small')
    check(re.search(r'x-end: of it', log), 'no trailer:', log[-3000:])
    with open(s.path('20k'), 'wb') as f:
        f.write(BIG[:20000])
    h2_programs.h2load(s, '-n', '300', '-c', '2', '-m', '100', '-d',
                       s.path('20k'), URL + 'small')


def apache(s):
    h2_programs.apache(s, dict(FILES, hinted=b'hinted\n'))
    told(s)
    both(s, 'apache')
    r = curl(s, '-v', URL + 'hinted').ok()
    equal(r.out, b'hinted\n')
    check('HTTP/2 103' in r.errors, 'no early hints:', r.errors[-3000:])
    check('</early.css>;rel=preload' in r.errors, r.errors[-3000:])
    log = h2_programs.nghttp(s, '-n', '--no-push', URL + 'hinted')
    equal(re.findall(r':status: (\d+)', log), ['103', '200'], log[-3000:])
    h2_programs.h2load(s, '-n', '1000', '-c', '2', '-m', '100', URL + 'small')


def node(s, *how):
    h2_programs.node(s)
    told(s, URL + 'n/5')
    upload(s, URL + 'echo')
    upload(s, URL + 'late')
    r = curl(s, '-v', URL + 'hints').ok()
    check('HTTP/2 103' in r.errors and r.out == b'hinted', r.errors[-3000:])
    r = curl(s, '-v', URL + 'trailers').ok()
    check('x-sum: 42' in r.errors, 'no trailers:', r.errors[-3000:])
    r = h2_programs.node_client(s, *how)
    check(r.text == 'all good\n', r.text, r.errors)


def chromium(s):
    """A page of 60 objects, each of them summed up, with a 103 before it, and
    a WebSocket within the same connection (RFC 8441)."""
    p = h2_programs.node(s)
    r = programs.chromium(s, URL + 'page', s.pki.ca)
    check('objects 60 bad  said 3 5000 hinted true' in r.text, r.text[-1500:],
          r.errors[-1500:])
    check('websocket over h2' in p.text(), p.text())


def grpc(s, *args):
    h2_programs.grpc(s)
    r = h2_programs.grpc_client(s, *args)
    check(r.text == 'all good\n', r.text, r.errors)


# --- how they are passed

@scenario
def h2_of_nginx(s):
    passed(s)
    nginx(s)
    whole_mirror(s)


@scenario
def h2_of_nginx_at_load(s):
    s.start(buffer=262144)      # room for all 50,000 packets
    nginx_at_load(s)
    whole_mirror(s)


@scenario
def h2_of_nghttpd(s):
    passed(s)
    nghttpd(s)
    whole_mirror(s)


@scenario
def h2_of_apache(s):
    passed(s)
    apache(s)
    whole_mirror(s)


@scenario
def h2_of_node(s):
    passed(s)
    node(s)
    whole_mirror(s)


@scenario(plain=True, timeout=150)
def h2_of_chromium(s):
    passed(s)
    chromium(s)
    whole_mirror(s)


@scenario(timeout=120)
def h2_of_grpc(s):
    passed(s)
    grpc(s)
    whole_mirror(s)


# --- where a rule by host judges each stream

@scenario
def h2_judged_of_nginx(s):
    judged(s)
    nginx(s)
    was_judged(s)


@scenario
def h2_judged_of_nghttpd(s):
    judged(s)
    nghttpd(s)
    was_judged(s)


@scenario
def h2_judged_of_apache(s):
    judged(s)
    apache(s)
    was_judged(s)


@scenario
def h2_judged_of_node(s):
    judged(s)
    node(s, 'scanned')
    was_judged(s)


@scenario(timeout=120)
def h2_judged_of_grpc(s):
    judged(s)
    grpc(s, '2', '50')
    was_judged(s)
