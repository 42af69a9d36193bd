"""Which CAs `quickstart` verifies servers with, and what it says of others."""
import os
import shutil

from harness import check, equal, peer, proc, programs, scenario, wait

HINT = 'to trust it: quickstart --trust FILE|DIR'


def asked(s, name, *args, env=None, refused=False):
    """quickstart with these CAs; good.test through it; its terminal."""
    home = s.path(name)
    q = s.spawn(s.gateway, s.binary, 'quickstart', '--dir', home, *args,
                env=env or {}, name=name)
    proc.wait_port(s.gateway, 8080, q)
    wait(lambda: 'Ctrl-C' in q.text(), 'commands to copy')
    r = programs.curl(s, '-4', '-x', 'http://127.0.0.1:8080',
                      'https://good.test/x', trust=home + '/ca.pem',
                      ns=s.gateway)
    if refused:
        equal(r.code, 60, 'curl: ' + r.errors)
        wait(lambda: HINT in q.text(), 'the line of a bad server')
    else:
        equal(r.ok().text, 'trusted')
        check('untrusted server' not in q.text(), q.text())
    equal(q.end(), 0, 'exit status')
    return q.text()


def server(s):
    s.serve(443, handler=peer.http(b'trusted'))


@scenario
def quickstart_says_which_server_it_does_not_trust_and_what_to_do(s):
    server(s)
    text = asked(s, 'none', refused=True)
    line = [x for x in text.splitlines() if HINT in x]
    equal(len(line), 1, text)
    check('to good.test: untrusted server: ' in line[0] and
          'issuer certificate' in line[0], line)


@scenario
def quickstart_trusts_what_ssl_cert_file_names(s):
    server(s)
    asked(s, 'file', env={'SSL_CERT_FILE': s.pki.root})
    text = asked(s, 'junk', env={'SSL_CERT_FILE': s.path('nothing.pem')},
                 refused=True)
    check('trust: SSL_CERT_FILE: %s: ' % s.path('nothing.pem') in text, text)


@scenario
def quickstart_trusts_the_hashed_names_of_ssl_cert_dir(s):
    server(s)
    one, two = s.path('one'), s.path('two')
    for d in (one, two):
        os.mkdir(d)
    shutil.copy(s.pki.root, two + '/little.pem')
    both = {'SSL_CERT_DIR': one + ':' + two}
    text = asked(s, 'unhashed', env=both, refused=True)
    check('trust: SSL_CERT_DIR: ' + one in text and 'rehash' in text, text)
    s.run(s.gateway, 'openssl', 'rehash', two).ok()
    asked(s, 'hashed', env=both)


@scenario
def quickstart_trusts_what_its_option_names(s):
    server(s)
    asked(s, 'file', '--trust', s.pki.root)
    os.mkdir(s.path('cas'))
    shutil.copy(s.pki.root, s.path('cas/little.pem'))
    other = s.path('file/ca.pem')
    asked(s, 'dir', '--trust', other, '--trust', s.path('cas'))
    for path, words in ((s.path('nowhere'), 'No such file'),
                        ('/dev/null', 'holds no PEM certificate')):
        r = s.run(s.gateway, s.binary, 'quickstart', '--dir', s.path('bad'),
                  '--trust', path)
        check(r.code == 2 and words in r.errors, r.code, r.errors)


@scenario
def quickstart_has_no_advice_for_a_name_that_is_wrong(s):
    """Trusting its CA would change nothing."""
    s.serve(443, cert='wrong', handler=peer.http(b'other'))
    home = s.path('q')
    q = s.spawn(s.gateway, s.binary, 'quickstart', '--dir', home, '--trust',
                s.pki.root, name='quick')
    proc.wait_port(s.gateway, 8080, q)
    wait(lambda: 'Ctrl-C' in q.text(), 'commands to copy')
    r = programs.curl(s, '-4', '-x', 'http://127.0.0.1:8080',
                      'https://good.test/x', trust=home + '/ca.pem',
                      ns=s.gateway)
    equal(r.code, 60, r.errors)
    wait(lambda: 'to good.test: untrusted server: ' in q.text(), 'the line')
    check('--trust' not in q.text(), q.text())
    equal(q.end(), 0)
