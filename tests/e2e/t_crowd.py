"""Many at once that come and go as they like: no worker hangs.

CROWD=100000 in the environment is how many connections; `make soak` is that.
They take about 2 ms each."""
import os
import threading
import time

from harness import check, equal, icap, net, scenario, wait
from harness.proc import Failure, wait_port

HERE = os.path.dirname(os.path.abspath(__file__))
N = int(os.environ.get('CROWD', '3000'))
CLIENTS = 64


def workers_cpu(d):
    """Seconds of CPU that the workers have used."""
    total = 0
    for task in os.listdir('/proc/%d/task' % d.pid):
        at = '/proc/%d/task/%s/' % (d.pid, task)
        if open(at + 'comm').read().startswith('worker'):
            total += int(open(at + 'schedstat').read().split()[0])
    return total / 1e9


def idle(s):
    """No session is left, and while we use a second of CPU, on whatever
    machine, a worker that spins would get one too."""
    wait(lambda: s.d.metric('clearspan_sessions_open') == 0, 'all ended',
         60 * s.slow)
    used, until = workers_cpu(s.d), time.process_time() + 1
    while time.process_time() < until:
        pass
    used = workers_cpu(s.d) - used
    check(used < 0.1, 'the idle workers used', used, 's of CPU')
    check(s.d.ctl('status'), 'no status')


MODES = ('transparent', 'explicit', 'icap', 'mirror', 'bypass')


def crowd_start(s, exe):
    """An origin at a port for each mode."""
    srv = icap.Script(s)
    rules = [{'name': 'icap', 'port': [445], 'action': 'decrypt',
              'icap': ['scan']},
             {'name': 'mirror', 'port': [446], 'action': 'decrypt',
              'mirror': ['recorder']},
             {'name': 'bypass', 'port': [447], 'action': 'bypass'},
             {'name': 'default', 'action': 'decrypt'}]
    icap.start(s, icap.service(respmod=srv.url('204')), rules=rules,
               record=False, log={'level': 'warn', 'events': ['flow']},
               limits={'per-client': 5000})
    for port in range(443, 448):
        p = s.spawn(s.server, exe, 'serve', net.SERVER, str(port),
                    *s.pki.pair('good'), name='origin-%d' % port)
        wait_port(s.server, port, p)


def crowd(s, exe, mode, n, bad):
    at = MODES.index(mode)
    proxy = (net.INNER, '8080') if mode == 'explicit' else ()
    trust = s.pki.root if mode == 'bypass' else s.pki.ca
    share = CLIENTS // len(MODES) + (at < CLIENTS % len(MODES))
    try:
        r = s.run(s.client, exe, 'go', net.SERVER, str(443 + at), str(share),
                  str(n), str(at + 1), trust, 'good.test', *proxy,
                  timeout=60 + n // 10)
        if r.code != 0:
            bad.append((mode, r.text))
    except Failure as e:
        bad.append((mode, str(e)))


@scenario(timeout=180 + N // 20)
def crowd_of_64_clients_over_all_modes_leaves_the_workers_idle(s):
    exe = s.path('crowd')
    s.run(s.gateway, 'cc', '-O2', '-pthread', '-o', exe, HERE + '/crowd.c',
          '-lssl', '-lcrypto').ok()
    crowd_start(s, exe)
    bad = []
    n = N // len(MODES) // (1 if s.kind == 'plain' else 4)
    ts = [threading.Thread(target=crowd, args=(s, exe, mode, n, bad))
          for mode in MODES]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    equal(bad, [])
    idle(s)
