"""A worker that does not come round is seen, and ends systemd's patience."""
import ctypes
import os
import socket

from harness import check, equal, scenario
from harness.proc import wait

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p,
                         ctypes.c_void_p]


def ptrace(request, tid):
    if _libc.ptrace(request, tid, None, None):
        raise OSError(ctypes.get_errno(), 'ptrace')


def thread(pid, name):
    for tid in os.listdir('/proc/%d/task' % pid):
        with open('/proc/%d/task/%s/comm' % (pid, tid)) as f:
            if f.read().strip() == name:
                return int(tid)
    raise LookupError(name)


class Hung:
    """One thread stands still, all others go on."""

    def __init__(self, tid):
        self.tid = tid

    def __enter__(self):
        ptrace(PTRACE_SEIZE, self.tid)
        ptrace(PTRACE_INTERRUPT, self.tid)
        os.waitpid(self.tid, 0x40000000)        # __WALL: it has stopped

    def __exit__(self, *exc):
        ptrace(PTRACE_DETACH, self.tid)


def supervisor(s):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(s.path('notify'))
    return sock


def told(sock, timeout):
    """The next word to systemd, or None."""
    sock.settimeout(timeout)
    try:
        return sock.recv(100)
    except socket.timeout:
        return None


@scenario
def a_worker_that_hangs_is_told_and_the_watchdog_hears_nothing(s):
    systemd = supervisor(s)
    d = s.start(record=False, env={
        'NOTIFY_SOCKET': s.path('notify'), 'WATCHDOG_USEC': '10000000'})
    heard = {told(systemd, 10 * s.slow) for _ in range(3)}
    equal(heard, {b'READY=1', b'WATCHDOG=1'}, 'told')
    with Hung(thread(d.pid, 'worker 1')):
        d.wait_log('worker 1 has not answered for', 15 * s.slow)
        while told(systemd, 0.01):      # from before
            pass
        # Twice the time between two words: there must be none.
        equal(told(systemd, 2.5), None, 'told of a daemon that hangs')
        d.metric_is(1, 'clearspan_worker_late_total')
        # The others serve on, and so do metrics and the control socket.
        equal(d.ctl('counters')['worker_late'], 1)
    d.wait_log('worker 1 answers again', 15 * s.slow)
    equal(told(systemd, 10 * s.slow), b'WATCHDOG=1', 'told')
    d.metric_is(1, 'clearspan_worker_late_total')


@scenario
def without_a_watchdog_nobody_is_told_that_we_live(s):
    systemd = supervisor(s)
    d = s.start(record=False, env={'NOTIFY_SOCKET': s.path('notify')})
    equal(told(systemd, 10 * s.slow), b'READY=1', 'told')
    wait(lambda: d.ctl('counters')['worker_late'] == 0, 'counters')
    equal(told(systemd, 2.5), None, 'told')
    s.stop(d)
    check(b'STOPPING=1' in told(systemd, 1), 'not told that it stops')
