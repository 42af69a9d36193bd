"""The daemon with a chain of inline devices (harness/device.py), and what is
asked of every session that went through one."""
import os

from . import case, net
from .proc import equal, wait

# One hit and a new device is up; it takes seconds to be down, so that a busy
# machine does not bring about what a scenario is not about.
HEALTH = {'every': '1s', 'down': 10, 'up': 1, 'hold': '0ms'}
# For scenarios about health: found out soon.
QUICK = {'every': '200ms', 'down': 3, 'up': 2, 'hold': '0ms'}


def slot(*devices, name=None, fail='closed'):
    return {'name': name or 'slot-' + devices[0].name,
            'devices': [d.name for d in devices], 'fail': fail}


def chain(*slots, name='inspect', **over):
    """An entry of `chains:`; a slot may be given as its one device."""
    c = {'name': name, 'slots': [x if isinstance(x, dict) else slot(x)
                                 for x in slots]}
    c.update({k.replace('_', '-'): v for k, v in over.items()})
    return c


def rule(chain='inspect', name='default', **over):
    r = {'name': name, 'action': 'decrypt', 'mirror': ['recorder'],
         'chain': chain}
    r.update({k.replace('_', '-'): v for k, v in over.items()})
    return r


def conf(devices, chains, rules=None, health=HEALTH, **over):
    """Arguments for s.start() or s.conf()."""
    over['devices'] = [d if isinstance(d, dict) else d.conf(health=health)
                       for d in devices]
    over['chains'] = chains
    over['rules'] = rules or [rule(chains[0]['name'])]
    return over


def start(s, devices, chains, rules=None, record=True, prefix=(), **over):
    """Run the daemon, and wait for the devices to be up."""
    if not record and 'mirrors' not in over:
        over['mirrors'] = []
        rules = rules or [rule(chains[0]['name'])]
        for r in rules:
            r.pop('mirror', None)
    d = s.start(record=record, prefix=prefix,
                **conf(devices, chains, rules, **over))
    up(s, *devices)
    return d


def name(d):
    return d['name'] if isinstance(d, dict) else d.name


def is_up(s, d):
    return s.d.metric('clearspan_device_up', device=name(d)) == 1


def up(s, *devices):
    for d in devices:
        wait(lambda: is_up(s, d), 'device %s up' % name(d), 10 * s.slow)


def down(s, *devices):
    for d in devices:
        wait(lambda: not is_up(s, d), 'device %s down' % name(d), 10 * s.slow)


def helper(s):
    """Processes of the daemon's: the zone helper, and its namespaces."""
    out = []
    for p in os.listdir('/proc'):
        if p.isdigit():
            try:
                with open('/proc/%s/stat' % p) as f:
                    stat = f.read()
                if int(stat.rsplit(')', 1)[1].split()[1]) == s.d.pid:
                    out.append(int(p))
            except OSError:
                pass
    return out


def hops(event):
    """(slot, device, event) of each hop of a flow event; in their order."""
    return [(h['slot'], h.get('device'), h.get('event'))
            for h in event['clearspan'].get('chain', [])]


def addresses(p):
    """(client, port) of a peer's own end."""
    return p.sock.getsockname()[:2]


def saw(device, p, server=net.SERVER, port=443, up=None, down=None):
    """The device saw the connection of p with its own addresses, and these
    bytes; the flow."""
    def there():
        hit = [f for f in device.flows()
               if f.key == (p.name[0], p.name[1], server, port)]
        for f in hit:
            if (up is None or f.up == up) and (down is None or
                                               f.down == down):
                return f
        return None
    found = [f for f in device.flows() if f.key[:2] == tuple(p.name)]
    try:
        return wait(there, 'flow')
    except case.Failure:
        found = found or device.flows()
        if len(found) == 1:
            equal(found[0].key, (*p.name, server, port), 'addresses')
            equal(found[0].up, up, 'up through ' + device.name)
            equal(found[0].down, down, 'down through ' + device.name)
        raise case.Failure('%s saw %s, not %s:%d' % (
            device.name, found, p.name, port))


def named(p):
    """Remember the addresses of a peer: it may be closed when it is asked."""
    p.name = addresses(p)
    return p
