"""Keepalives of TCP, on both legs."""
import re

from harness import scenario, wait


def timers(s, port):
    """What ss says of the timers of the daemon's sockets to or from port."""
    text = s.gateway.run('ss', '-Htno', 'state', 'established',
                         '( sport = :%d or dport = :%d )' % (port, port))
    return re.findall(r'timer:\((\w+),', text)


@scenario
def keepalives_are_there_by_default_and_may_be_left_out(s):
    s.start(record=False)
    s.serve(7, plain=True)
    for want in ['keepalive'] * 2, []:
        p = s.plain(7)
        p.send(b'\0once').recv_exact(5)
        wait(lambda: timers(s, 7) == want, 'timers')
        p.finish()
        wait(lambda: not timers(s, 7), 'end')
        if want:
            s.d.end()
            s.start(record=False, timeouts={'keepalive': '0s'})
