#!/usr/bin/env python3
"""Run the end-to-end scenarios: tests/e2e/run.py [-k PATTERN] [-j N] [-l]

Each scenario is a function with @scenario in a file t_*.py here. It runs in a
process of its own inside new network, mount and pid namespaces (harness/box),
which take everything with them when it ends, fails or is interrupted. Wants
root.

CLEARSPAN=path is the binary (default build/clearspan); KIND=asan or tsan gives
it more time and leaves out what only a plain build is for.

CROWD, AT_ONCE and BULK make the soaks of t_crowd.py and t_chain_soak.py larger
than what the suite has time for; their heads say how.
"""
import argparse
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from harness import box, net                # noqa: E402
from harness import case as base            # noqa: E402
from harness.pki import Pki                 # noqa: E402
from harness.proc import PATIENCE           # noqa: E402


def load():
    """Every scenario: {name: function}; names are unique."""
    out = {}
    for f in sorted(os.listdir(HERE)):
        if re.fullmatch(r't_\w+\.py', f):
            importlib.import_module(f[:-3])
    for f in base.ALL:
        if f.__name__ in out:
            sys.exit('two scenarios are called ' + f.__name__)
        out[f.__name__] = f
    return out


def one(name, f, directory, pki):
    """Inside the namespaces: run it; 0 passed, 1 failed."""
    s = None
    try:
        s = base.Scenario(name, directory, pki)
        f(s)
        s.finish()
        return 0
    except Exception as e:
        if isinstance(e, base.Failure):
            tb = traceback.extract_tb(e.__traceback__)
            at = [x for x in tb if os.path.basename(x.filename)
                  .startswith('t_')] or tb
            print('%s:%d: %s\n%s' % (os.path.basename(at[-1].filename),
                                     at[-1].lineno, at[-1].line, e))
        else:
            traceback.print_exc(file=sys.stdout)
        try:
            if s:
                print(s.failed())
        except Exception:
            traceback.print_exc(file=sys.stdout)
        return 1


class Job:
    def __init__(self, name, f, work, pki):
        self.name = name
        self.dir = os.path.join(work, name)
        os.mkdir(self.dir)
        self.out = os.path.join(work, name + '.out')
        self.start = time.monotonic()
        self.deadline = self.start + f.timeout * base.SLOW * PATIENCE
        self.p = box.Child(lambda: one(name, f, self.dir, pki), self.dir,
                           self.out)

    def poll(self):
        """None while it runs; else (passed, text)."""
        if self.p.poll() is None:
            if time.monotonic() < self.deadline:
                return None
            self.kill()
            with open(self.out, 'a') as out:
                out.write('not done within its time\n')
                for f in ('commands', 'clearspan.log'):
                    try:
                        t = open(os.path.join(self.dir, f)).read()
                        out.write('--- %s\n%s\n' % (f, t[-4000:]))
                    except OSError:
                        pass
        text = open(self.out, errors='replace').read()
        if self.p.returncode and not text:
            text = 'it ended with status %d, and said nothing' % \
                self.p.returncode
        return self.p.returncode == 0, text

    def kill(self):
        self.p.kill()


def run_all(todo, args, work):
    pki = os.path.join(work, 'pki')
    Pki(pki).make()
    net.printed(base.BINARY, *net.STEER)
    # What may take long goes first, for none to be left alone at the end.
    queue = sorted(todo.items(), key=lambda x: -x[1].timeout)
    jobs, failed, passed = [], [], 0
    try:
        while queue or jobs:
            while queue and len(jobs) < args.j:
                name, f = queue.pop(0)
                jobs.append(Job(name, f, work, pki))
            time.sleep(0.01)
            for j in list(jobs):
                r = j.poll()
                if r is None:
                    continue
                jobs.remove(j)
                took = time.monotonic() - j.start
                if r[0]:
                    passed += 1
                    if args.v:
                        print('  pass  %-60s %5.1f s, cpu %.1f' %
                              (j.name, took, j.p.cpu))
                    if not args.keep:
                        shutil.rmtree(j.dir, ignore_errors=True)
                else:
                    failed.append(j.name)
                    print('  FAIL  %-60s %5.1f s\n%s' % (
                        j.name, took,
                        '\n'.join('\t' + x for x in r[1].splitlines())))
                sys.stdout.flush()
    finally:
        for j in jobs:
            j.kill()
    return passed, failed


def main():
    a = argparse.ArgumentParser()
    a.add_argument('-k', default='', help='only names that match this RE')
    a.add_argument('-j', type=int, default=2 * len(os.sched_getaffinity(0)),
                   help='at once; they mostly wait')
    a.add_argument('-l', action='store_true', help='list the names')
    a.add_argument('-v', action='store_true', help='say what passed')
    a.add_argument('--keep', action='store_true', help='keep directories')
    args = a.parse_args()
    todo = {n: f for n, f in load().items() if re.search(args.k, n) and
            not (f.plain and base.KIND != 'plain')}
    if args.l:
        print('\n'.join(todo))
        return 0
    if os.geteuid():
        sys.exit('the end-to-end scenarios make network namespaces: run '
                 'them as root')
    if not os.path.exists(base.BINARY):
        sys.exit('no %s: run make first' % base.BINARY)
    os.environ['CLEARSPAN'] = base.BINARY = os.path.abspath(base.BINARY)
    for n in [n for n, f in todo.items() if f.skip]:
        print('skipped: %s: %s' % (n, todo.pop(n).skip))
    signal.signal(signal.SIGTERM, lambda *x: sys.exit(1))
    work = tempfile.mkdtemp(prefix='clearspan-e2e.')
    os.chmod(work, 0o755)
    start = time.monotonic()
    try:
        passed, failed = run_all(todo, args, work)
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)
    for f in failed:
        print('failed: ' + f)
    print('e2e %s: %d passed, %d failed, %.0f s' % (
        base.KIND, passed, len(failed), time.monotonic() - start))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
