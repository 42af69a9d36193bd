"""What clumsy and hostile peers do: stop in the middle, speak out of turn,
ask for what is not theirs."""
import socket
import threading
import time

from harness import check, equal, net, peer, programs, scenario

CATCH_ALL = {'name': 'default', 'action': 'decrypt', 'mirror': ['recorder']}


def proxy(s):
    return peer.Peer(s.connect(net.PROXY, net.INNER))


def ask(s, text):
    """What the proxy answers to this, up to the end of the head."""
    c = proxy(s)
    c.send(text.encode())
    try:
        return c.recv_until(b'\r\n\r\n')
    finally:
        c.sock.close()


def status(s, text):
    return ask(s, text).split(b' ')[1]


@scenario
def bypassed_sessions_are_no_handshakes_any_more(s):
    """limits.handshakes counts those under way, not what came of them."""
    s.start(record=False, workers=1, limits={'handshakes': 4},
            on={'untrusted-server': 'bypass'})
    s.serve(443, cert='self')
    held = []
    for i in range(8):
        held.append(s.tls(verify=False))
        held[-1].send(b'x')
        held[-1].recv_exact(1)
    check('accepting paused' not in s.d.text(), 'accepting was paused')
    for c in held:
        c.sock.close()
