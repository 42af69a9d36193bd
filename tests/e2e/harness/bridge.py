"""An inline device of our own: a bridge in user space, between two ports.

usage: bridge.py INSIDE OUTSIDE ACTS

It passes frames from port to port and does on the way what the JSON file ACTS
says; SIGHUP reads that again. Each thing done is a line of JSON on stdout. A
frame longer than its MTU, or with a wrong checksum, it does not take, as
devices do that get frames around the kernel: both are counted.

ACTS is {"mtu": 1500, "delay": ms, "loss": 0..1, "reorder": 0..1, "acts": [
{"do": ..., "mark": text, "side": "inside"|"outside"}, ...]}. An act meets the
first segment from that side (default: either) that contains its mark:
	replace	the mark becomes "with", of the same length
	answer	"with" goes back as the other end's answer, with a FIN; the
		other end hears no more of it, or gets a RST ("rst": true)
	drop	the segment and all of its connection that follows vanish
	reset	both ends get a RST, and the segment vanishes
	stall	the connection's frames are kept for "seconds"
Loss and reordering meet only segments with data, by a generator with a seed.
"""
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
PACKET_IGNORE_OUTGOING = 23
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SIDES = ('inside', 'outside')


def fold(*parts):
    """The Internet checksum of parts (RFC 1071), all but the last even."""
    total = sum(int.from_bytes(bytes(p) + b'\0' * (len(p) & 1), 'big')
                for p in parts) % 65535
    return 65535 - total


class Segment:
    """A TCP segment in a frame; what it points into is the frame."""

    def __init__(self, frame):
        self.frame = frame
        kind = frame[12:14]
        self.ok = False
        if kind == b'\x08\x00' and frame[23] == 6:
            self.ip, hl = 14, (frame[14] & 15) * 4
            self.a, self.b = frame[26:30], frame[30:34]
            end = 14 + struct.unpack_from('>H', frame, 16)[0]
        elif kind == b'\x86\xdd' and frame[20] == 6:
            self.ip, hl = 14, 40
            self.a, self.b = frame[22:38], frame[38:54]
            end = 54 + struct.unpack_from('>H', frame, 18)[0]
        else:
            return
        self.tcp, self.end = 14 + hl, end
        self.sport, self.dport, self.seq, self.ack, off, self.flags = \
            struct.unpack_from('>HHIIBB', frame, self.tcp)
        self.at = self.tcp + (off >> 4) * 4
        self.data = frame[self.at:end]
        self.one, self.two = (self.a, self.sport), (self.b, self.dport)
        self.ok = True

    @property
    def key(self):
        return (self.one, self.two) if self.one < self.two else (
            self.two, self.one)

    def names(self):
        f = socket.AF_INET if len(self.a) == 4 else socket.AF_INET6
        return [socket.inet_ntop(f, self.a), self.sport,
                socket.inet_ntop(f, self.b), self.dport]

    def pseudo(self, n):
        return self.a + self.b + struct.pack('>HH', 6, n)

    def good(self):
        tcp = self.frame[self.tcp:self.end]
        return fold(self.pseudo(len(tcp)), tcp) in (0, 65535)

    def with_data(self, data):
        """The same segment with other data of the same length."""
        tcp = bytearray(self.frame[self.tcp:self.at]) + data
        tcp[16:18] = b'\0\0'
        tcp[16:18] = struct.pack('>H', fold(self.pseudo(len(tcp)), tcp))
        return self.frame[:self.tcp] + bytes(tcp) + self.frame[self.end:]

    def forge(self, back, seq, ack, flags, data=b''):
        """A frame of its connection, without options: the way it goes, or
        back."""
        src, dst = (self.two, self.one) if back else (self.one, self.two)
        f = self.frame
        mac = f[6:12] + f[:6] if back else f[:12]
        tcp = bytearray(struct.pack('>HHIIBBHHH', src[1], dst[1],
                                    seq & 0xffffffff, ack & 0xffffffff,
                                    5 << 4, flags, 65535, 0, 0)) + data
        tcp[16:18] = struct.pack('>H', fold(
            src[0] + dst[0] + struct.pack('>HH', 6, len(tcp)), tcp))
        if len(self.a) == 16:
            ip = struct.pack('>IHBB', 6 << 28, len(tcp), 6, 64) + \
                src[0] + dst[0]
            return mac + b'\x86\xdd' + ip + bytes(tcp)
        ip = bytearray(struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(tcp), 0,
                                   0x4000, 64, 6, 0)) + src[0] + dst[0]
        ip[10:12] = struct.pack('>H', fold(ip))
        return mac + b'\x08\x00' + bytes(ip) + bytes(tcp)


class Bridge:
    def __init__(self, ports, path):
        self.path = path
        self.socks = [self.port(x) for x in ports]
        self.flows = {}         # key: what became of a connection
        self.later = []         # (when, number, port, frame)
        self.number = 0
        self.n = {'frames': 0, 'long': 0, 'bad': 0, 'lost': 0, 'late': 0}
        self.stopping = self.reread = False
        self.load()

    def port(self, name):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)   # SO_RCVBUFFORCE
        s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        s.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack(
            'iHH8s', socket.if_nametoindex(name), PACKET_MR_PROMISC, 0, b''))
        s.bind((name, ETH_P_ALL))
        s.setblocking(False)
        return s

    def load(self):
        with open(self.path) as f:
            c = json.load(f)
        self.mtu, self.delay = c.get('mtu', 1500), c.get('delay', 0) / 1000
        self.loss, self.reorder = c.get('loss', 0), c.get('reorder', 0)
        self.random = random.Random(c.get('seed', 1))
        self.acts = c.get('acts', [])
        for a in self.acts:
            a['mark'] = a['mark'].encode('latin-1')
            a['with'] = a.get('with', '').encode('latin-1')
        self.say('ready', acts=len(self.acts))

    def say(self, what, seg=None, **more):
        if seg:
            more['flow'] = seg.names()
        print(json.dumps(dict(more, did=what)), flush=True)

    # --- frames
    def send(self, port, frame):
        try:
            self.socks[port].send(frame)
        except OSError:         # the port is down, or has no room
            self.n['lost'] += 1

    def pass_on(self, port, frame, wait=0.0, until=0.0):
        wait += self.delay
        if wait or until:
            self.number += 1
            heapq.heappush(self.later, (until or time.monotonic() + wait,
                                        self.number, port, frame))
        else:
            self.send(port, frame)

    def take(self, came):
        for i in range(64):
            try:
                frame = self.socks[came].recv(1 << 17)
            except BlockingIOError:
                return
            except OSError:     # the port went down
                return
            self.n['frames'] += 1
            if len(frame) > self.mtu + 14:
                self.n['long'] += 1
                if self.n['long'] == 1:
                    self.say('long', bytes=len(frame))
                continue
            seg = Segment(frame)
            if not seg.ok:
                self.pass_on(1 - came, frame)
            elif not seg.good():
                self.n['bad'] += 1
                if self.n['bad'] == 1:
                    self.say('bad', seg)
            else:
                self.segment(came, seg)

    def segment(self, came, seg):
        if seg.flags & (SYN | ACK) == SYN:
            self.flows.pop(seg.key, None)
        state = self.flows.get(seg.key)
        if state:
            self.follow(came, seg, state)
            return
        if seg.data:
            for a in self.acts:
                if a['mark'] in seg.data and \
                   a.get('side', SIDES[came]) == SIDES[came]:
                    self.act(came, seg, a)
                    return
        self.maybe(came, seg)

    def maybe(self, came, seg):
        """Pass it on, unless it is to be lost or to come late."""
        wait = 0.0
        if seg.data:
            if self.loss and self.random.random() < self.loss:
                self.n['lost'] += 1
                return
            if self.reorder and self.random.random() < self.reorder:
                self.n['late'] += 1
                wait = 0.003
        self.pass_on(1 - came, seg.frame, wait)

    def follow(self, came, seg, state):
        """A segment of a connection that something was done to."""
        if state[0] == 'stall':
            if state[1] > time.monotonic():
                self.pass_on(1 - came, seg.frame, until=state[1])
            else:
                del self.flows[seg.key]
                self.maybe(came, seg)
        elif state[0] == 'answer' and came == state[1] and seg.flags & FIN:
            self.send(came, seg.forge(True, state[2], seg.seq +
                                      len(seg.data) + 1, ACK))

    # --- what is done
    def act(self, came, seg, a):
        getattr(self, 'do_' + a['do'])(came, seg, a)
        self.say(a['do'], seg)

    def do_replace(self, came, seg, a):
        data = seg.data.replace(a['mark'], a['with'])
        assert len(data) == len(seg.data)
        self.pass_on(1 - came, seg.with_data(data))

    def do_drop(self, came, seg, a):
        self.flows[seg.key] = ('drop',)

    def do_reset(self, came, seg, a):
        self.flows[seg.key] = ('drop',)
        self.send(came, seg.forge(True, seg.ack, seg.seq + len(seg.data),
                                  RST | ACK))
        self.send(1 - came, seg.forge(False, seg.seq, seg.ack, RST | ACK))

    def do_stall(self, came, seg, a):
        self.flows[seg.key] = ('stall', time.monotonic() + a['seconds'])
        self.follow(came, seg, self.flows[seg.key])

    def do_answer(self, came, seg, a):
        got, seq = seg.seq + len(seg.data), seg.ack
        for i in range(0, len(a['with']), 1000):
            part = a['with'][i:i + 1000]
            self.send(came, seg.forge(True, seq, got, PSH | ACK, part))
            seq += len(part)
        self.send(came, seg.forge(True, seq, got, FIN | ACK))
        self.flows[seg.key] = ('answer', came, seq + 1)
        if a.get('rst'):
            self.send(1 - came, seg.forge(False, seg.seq, seg.ack,
                                          RST | ACK))

    # --- the loop
    def run(self, wake):
        poll = select.poll()
        for s in (*self.socks, wake):
            poll.register(s, select.POLLIN)
        while not self.stopping:
            wait = None
            if self.later:
                wait = max(0, self.later[0][0] - time.monotonic()) * 1000
            for fd, what in poll.poll(wait):
                if fd == wake:
                    os.read(wake, 64)
                else:
                    self.take(0 if fd == self.socks[0].fileno() else 1)
            while self.later and self.later[0][0] <= time.monotonic():
                when, number, port, frame = heapq.heappop(self.later)
                self.send(port, frame)
            if self.reread:
                self.reread = False
                self.load()
        self.say('end', **self.n)


def main():
    b = Bridge(sys.argv[1:3], sys.argv[3])
    wake, woken = os.pipe()         # a signal ends the wait for frames
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)

    def stop(*x):
        b.stopping = True

    def again(*x):
        b.reread = True
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, again)
    b.run(wake)


if __name__ == '__main__':
    main()
