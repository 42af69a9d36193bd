"""A transparent gateway and a server small enough for a test of the rules.

gateway.py relay PORT:  accept where TPROXY or REDIRECT bring a connection,
    connect on, from the client's own address where it was TPROXY, and say
    so in the reply.
gateway.py serve PORT:  reply with the peer's address, over UDP to port 25 too.
gateway.py ask ADDRESS PORT: print the reply, or what went wrong.
gateway.py udp ADDRESS PORT: print the reply, or "refused" if the packet is.
"""
import socket
import struct
import sys
import threading

IPV6_TRANSPARENT, IP_TRANSPARENT, ORIGINAL_DST = 75, 19, 80


def listener(port, transparent):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if transparent:
        s.setsockopt(socket.SOL_IPV6 if hasattr(socket, "SOL_IPV6") else 41,
                     IPV6_TRANSPARENT, 1)
    s.bind(("::", port))
    s.listen(16)
    return s


def plain(ip):
    return ip[7:] if ip.startswith("::ffff:") else ip


def original(c):
    ip, port = c.getsockname()[:2]
    try:
        if plain(ip) != ip:
            raw = c.getsockopt(socket.IPPROTO_IP, ORIGINAL_DST, 16)
            return socket.inet_ntop(socket.AF_INET, raw[4:8]), \
                struct.unpack("!H", raw[2:4])[0]
        raw = c.getsockopt(41, ORIGINAL_DST, 28)
        return socket.inet_ntop(socket.AF_INET6, raw[8:24]), \
            struct.unpack("!H", raw[2:4])[0]
    except OSError:
        return plain(ip), port


def relay(port):
    s = listener(port, True)
    while True:
        c, peer = s.accept()
        ip, dport = original(c)
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        u = socket.socket(family)
        u.settimeout(3)
        try:
            # Nothing brings replies to a client's address back to us
            # where REDIRECT is all there is.
            if ip == plain(c.getsockname()[0]):
                u.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
                u.bind((plain(peer[0]), 0))
            u.connect((ip, dport))
            c.sendall(b"relayed to %s: " % ip.encode() + u.recv(100))
        except OSError as e:
            c.sendall(b"relay: %s\n" % str(e).encode())
        c.close()
        u.close()


def answer(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    while True:
        s.sendto(b"hello", s.recvfrom(100)[1])


def serve(port):
    for p in port, 25:
        threading.Thread(target=answer, args=[p], daemon=True).start()
    s = listener(port, False)
    while True:
        c, peer = s.accept()
        c.sendall(b"hello %s\n" % plain(peer[0]).encode())
        c.close()


def ask(ip, port):
    try:
        c = socket.create_connection((ip, port), 3)
        print(c.makefile().read(), end="")
    except OSError as e:
        print(e)


def udp(ip, port):
    s = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET,
                      socket.SOCK_DGRAM)
    s.settimeout(1)
    try:
        s.connect((ip, port))
        s.send(b"x")
        print(s.recv(100).decode())
    except ConnectionRefusedError:
        print("refused")
    except OSError as e:
        print(e)


if __name__ == "__main__":
    verb, args = sys.argv[1], sys.argv[2:]
    args[-1] = int(args[-1])
    {"relay": relay, "serve": serve, "ask": ask, "udp": udp}[verb](*args)
