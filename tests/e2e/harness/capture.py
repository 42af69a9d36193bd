"""An independent reader of what the mirror sent.

Frames come from a classic pcap or a pcapng file, byte by byte, with nothing
borrowed from the product: every checksum is computed, every sequence number
followed, and what is wrong is put in words in Stream.problems.
"""
import os
import signal
import socket
import struct
import subprocess
import time

from .proc import PATIENCE


class Frame:
    __slots__ = ('ts', 'data', 'comment')

    def __init__(self, ts, data, comment=None):
        self.ts, self.data, self.comment = ts, data, comment


def frames_pcap(b):
    magic = b[:4]
    e = {b'\xd4\xc3\xb2\xa1': ('<', 1e6), b'\x4d\x3c\xb2\xa1': ('<', 1e9),
         b'\xa1\xb2\xc3\xd4': ('>', 1e6), b'\xa1\xb2\x3c\x4d': ('>', 1e9)}
    order, unit = e[bytes(magic)]
    head = struct.Struct(order + 'IIII')
    pos, end = 24, len(b)
    while pos + 16 <= end:
        sec, frac, cap, wire = head.unpack_from(b, pos)
        if pos + 16 + cap > end:
            break
        if cap != wire:
            raise ValueError('truncated frame: %d of %d' % (cap, wire))
        yield Frame(sec + frac / unit, b[pos + 16:pos + 16 + cap])
        pos += 16 + cap


def options(b, order):
    pos, out = 0, {}
    while pos + 4 <= len(b):
        code, size = struct.unpack_from(order + 'HH', b, pos)
        if code == 0:
            break
        out.setdefault(code, []).append(bytes(b[pos + 4:pos + 4 + size]))
        pos += 4 + (size + 3) // 4 * 4
    return out


def frames_pcapng(b):
    order = '<' if b[8:12] == b'\x4d\x3c\x2b\x1a' else '>'
    pos, res = 0, []
    while pos + 12 <= len(b):
        kind, size = struct.unpack_from(order + 'II', b, pos)
        if pos + size > len(b):
            break
        tail, = struct.unpack_from(order + 'I', b, pos + size - 4)
        if tail != size or size % 4:
            raise ValueError('pcapng block of %d bytes ends with %d'
                             % (size, tail))
        body = b[pos + 8:pos + size - 4]
        if kind == 1:
            o = options(body[8:], order).get(9, [b'\x06'])[0][0]
            res.append(2 ** (o & 127) if o & 128 else 10 ** o)
        elif kind == 6:
            iface, hi, lo, cap, wire = struct.unpack_from(order + '5I', body)
            if cap != wire:
                raise ValueError('truncated frame: %d of %d' % (cap, wire))
            o = options(body[20 + (cap + 3) // 4 * 4:], order)
            text = b'\n'.join(o.get(1, [])).decode() or None
            yield Frame((hi << 32 | lo) / res[iface], body[20:20 + cap], text)
        pos += size


def frames(data):
    if data[:4] == b'\x0a\x0d\x0d\x0a':
        return frames_pcapng(data)
    return frames_pcap(data) if len(data) >= 24 else iter(())


def good_sum(*parts):
    """The Internet checksum over parts comes out right (RFC 1071); all but
    the last have an even length."""
    total = 0
    for p in parts:
        if len(p) & 1:
            p = bytes(p) + b'\0'
        total += int.from_bytes(p, 'big')
    return total % 65535 == 0 and total != 0


class Half:
    """One direction as the frames told it."""

    def __init__(self):
        self.isn = None
        self.next = None
        self.mss = None
        self.wscale = None
        self.data = bytearray()
        self.fin = False
        self.rst = False
        self.acked = None
        self.unacked = 0        # data segments the other has not acked
        self.max_unacked = 0
        self.max_unacked_bytes = 0
        self.src_mac = set()
        self.segments = 0
        self.largest = 0


class Stream:
    def __init__(self, key):
        self.key = key          # (client, port, server, port)
        self.up, self.down = Half(), Half()
        self.order = []
        self.problems = []
        self.vlan = set()
        self.dst_mac = set()
        self.comments = []
        self.last = 0.0
        self.max_frame = 0
        self.count = 0

    @property
    def closed(self):
        return ((self.up.fin and self.down.fin) or self.up.rst or
                self.down.rst)

    def __repr__(self):
        return '<%s %d up %d down%s%s>' % (
            self.key, len(self.up.data), len(self.down.data),
            ' closed' if self.closed else '',
            ' ' + '; '.join(self.problems[:3]) if self.problems else '')

    def bad(self, what):
        if len(self.problems) < 50:
            self.problems.append('frame %d: %s' % (self.count, what))


def delta(a, b):
    """a - b in sequence numbers, signed."""
    d = (a - b) & 0xffffffff
    return d - (1 << 32) if d >= 1 << 31 else d


def tcp_options(b):
    out, i = {}, 0
    while i < len(b):
        if b[i] == 0:
            break
        if b[i] == 1:
            i += 1
            continue
        if i + 1 >= len(b) or b[i + 1] < 2:
            raise ValueError('option')
        out[b[i]] = b[i + 2:i + b[i + 1]]
        i += b[i + 1]
    return out


class Reader:
    """Reassembles frames into streams, in the order of their SYNs."""

    def __init__(self):
        self.open = {}
        self.streams = []
        self.loose = []         # what belongs to no stream, in words
        self.frames = 0

    def feed(self, frame):
        self.frames += 1
        d = frame.data
        dst, src = d[:6], d[6:12]
        kind, = struct.unpack_from('>H', d, 12)
        at, vlan = 14, None
        if kind == 0x8100:
            vlan, kind = struct.unpack_from('>HH', d, 14)
            vlan, at = vlan & 0xfff, 18
        if kind == 0x0800:
            ip = self.ipv4(d, at)
        elif kind == 0x86dd:
            ip = self.ipv6(d, at)
        else:
            self.loose.append('ethertype %04x' % kind)
            return
        if ip:
            self.tcp(frame, dst.hex(':'), src.hex(':'), vlan, *ip)

    def ipv4(self, d, at):
        hl = (d[at] & 15) * 4
        size, = struct.unpack_from('>H', d, at + 2)
        if not good_sum(d[at:at + hl]):
            self.loose.append('bad IPv4 header checksum')
        if at + size != len(d) and len(d) > 60:
            self.loose.append('IPv4 length %d in %d' % (size, len(d) - at))
        if d[at + 9] != 6:
            self.loose.append('IP protocol %d' % d[at + 9])
            return None
        a, b = d[at + 12:at + 16], d[at + 16:at + 20]
        seg = d[at + hl:at + size]
        pseudo = a + b + struct.pack('>HH', 6, len(seg))
        return (socket.inet_ntop(socket.AF_INET, a),
                socket.inet_ntop(socket.AF_INET, b), seg, pseudo)

    def ipv6(self, d, at):
        size, = struct.unpack_from('>H', d, at + 4)
        if d[at + 6] != 6:
            self.loose.append('IPv6 next header %d' % d[at + 6])
            return None
        if at + 40 + size != len(d):
            self.loose.append('IPv6 length %d' % size)
        a, b = d[at + 8:at + 24], d[at + 24:at + 40]
        seg = d[at + 40:at + 40 + size]
        pseudo = a + b + struct.pack('>II', len(seg), 6)
        return (socket.inet_ntop(socket.AF_INET6, a),
                socket.inet_ntop(socket.AF_INET6, b), seg, pseudo)

    def tcp(self, frame, dmac, smac, vlan, a, b, seg, pseudo):
        sp, dp, seq, ack, off, flags = struct.unpack_from('>HHIIBB', seg)
        off = (off >> 4) * 4
        syn, rst, fin = flags & 2, flags & 4, flags & 1
        has_ack, data = flags & 16, seg[off:]
        fwd, rev = (a, sp, b, dp), (b, dp, a, sp)
        if syn and not has_ack:
            st = Stream(fwd)
            if fwd in self.open and not self.open[fwd].closed:
                st.bad('SYN over an open stream')
            self.open[fwd] = st
            self.streams.append(st)
        st = self.open.get(fwd) or self.open.get(rev)
        if st is None:
            self.loose.append('%s:%d>%s:%d flags %02x without SYN' %
                              (a, sp, b, dp, flags))
            return
        forward = st.key == fwd
        me, peer = (st.up, st.down) if forward else (st.down, st.up)
        st.count += 1
        if not good_sum(pseudo, seg):
            st.bad('bad TCP checksum')
        if frame.ts + 1e-9 < st.last:
            st.bad('time runs backwards')
        st.last = frame.ts
        st.vlan.add(vlan)
        st.dst_mac.add(dmac)
        st.max_frame = max(st.max_frame, len(frame.data))
        if frame.comment:
            st.comments.append(frame.comment)
        me.src_mac.add(smac)
        if me.rst or (me.fin and (data or fin)):
            st.bad('a frame after the end')
        if syn:
            self.syn(st, me, peer, seq, ack, has_ack, seg[20:off], data)
            return
        if me.next is None or (peer.next is None and not rst):
            st.bad('data before the handshake')
            me.next = me.next if me.next is not None else seq
        self.segment(st, me, peer, seq, ack, has_ack, data, fin, rst)

    def syn(self, st, me, peer, seq, ack, has_ack, opts, data):
        if me.isn is not None:
            st.bad('a second SYN')
        o = tcp_options(opts)
        if 2 not in o or 3 not in o:
            st.bad('SYN without MSS or window scale')
        else:
            me.mss = struct.unpack('>H', o[2])[0]
            me.wscale = o[3][0]
        if data:
            st.bad('data on SYN')
        me.isn, me.next = seq, (seq + 1) & 0xffffffff
        if has_ack:
            if ack != peer.next:
                st.bad('SYN-ACK acks %d, not %d' % (ack, peer.next or 0))
            peer.acked = ack

    def segment(self, st, me, peer, seq, ack, has_ack, data, fin, rst):
        if me.next is not None and seq != me.next:
            d = delta(seq, me.next)
            st.bad('%s of %d' % ('gap' if d > 0 else 'overlap', abs(d)))
        if has_ack and peer.next is not None:
            if delta(ack, peer.next) > 0:
                st.bad('acks %d not yet sent' % delta(ack, peer.next))
            if peer.acked is not None and delta(ack, peer.acked) < 0:
                st.bad('ack goes back')
            peer.acked = ack
            if ack == peer.next:
                peer.unacked = 0
        elif not has_ack and not rst:
            st.bad('a segment without ACK')
        if data:
            me.segments += 1
            me.largest = max(me.largest, len(data))
            if peer.mss and len(data) > peer.mss:
                st.bad('%d bytes over MSS %d' % (len(data), peer.mss))
            me.unacked += 1
            me.max_unacked = max(me.max_unacked, me.unacked)
            me.max_unacked_bytes = max(
                me.max_unacked_bytes,
                delta((seq + len(data)) & 0xffffffff, me.acked))
            me.data += data
        me.next = (seq + len(data) + (1 if fin else 0)) & 0xffffffff
        if fin:
            me.fin = True
        if rst:
            me.rst = True


def read(path_or_bytes):
    """All of a capture file, as a Reader."""
    b = path_or_bytes
    if isinstance(b, str):
        with open(b, 'rb') as f:
            b = f.read()
    r = Reader()
    for f in frames(b):
        r.feed(f)
    return r


class Recorder:
    """tcpdump on one interface; streams() is what it has seen so far. snap
    bounds a frame, and so decides how many the kernel can keep for it, in
    buffer KiB."""

    def __init__(self, scenario, ns, dev, name, filt=(), snap=2048,
                 reader=Reader, buffer=49152):
        self.path = os.path.join(scenario.dir, name + '.pcap')
        self.s = scenario
        self.p = scenario.spawn(
            ns, 'tcpdump', '-i', dev, '-n', '-s', str(snap), '-U', '-Z', 'root',
            '--immediate-mode', '-B', str(buffer), '-w', self.path, *filt,
            name='tcpdump-' + name)
        self.p.wait_log('listening on')
        self.reader, self.pos = reader(), 0

    def poll(self):
        with open(self.path, 'rb') as f:
            if self.pos == 0:
                if len(f.read(24)) < 24:
                    return self.reader
                self.pos = 24
            f.seek(0)
            head = f.read(24)
            f.seek(self.pos)
            b = f.read()
        for fr in frames_pcap(head + b):
            self.reader.feed(fr)
            self.pos += 16 + len(fr.data)
        return self.reader

    def streams(self, n=None, closed=True, timeout=10):
        """Wait for n streams (and their ends); those there are."""
        if n is None:
            return self.poll().streams
        end = time.monotonic() + timeout * PATIENCE
        while True:
            st = self.poll().streams
            done = [x for x in st if x.closed or not closed]
            if len(done) >= n or time.monotonic() > end:
                return st
            time.sleep(0.02)

    def stop(self):
        """End the capture; nothing may have been dropped."""
        self.p.end(signal.SIGINT)
        return self.poll()


def tshark(*args, timeout=300):
    p = subprocess.run(('tshark', '-n') + args, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=timeout,
                       env=dict(os.environ, HOME='/nonexistent',
                                WIRESHARK_RUN_FROM_BUILD_DIRECTORY=''))
    if p.returncode:
        raise RuntimeError('tshark %s: %s' % (' '.join(args), p.stderr))
    return p.stdout


# The kernel, which computes the sums of a virtual port's frames, writes -0 for
# 0 in TCP, too (skb_checksum_help()): one frame in 65,536. Receivers take both.
MINUS_ZERO = 'TCP Checksum 0xffff instead of 0x0000 (see RFC 1624)'


def tshark_complains(path):
    """What tshark's analysis of TCP and its checksums have to say, by frames."""
    text = tshark('-r', path, '-o', 'tcp.check_checksum:TRUE',
                  '-o', 'ip.check_checksum:TRUE', '-T', 'fields',
                  '-e', 'frame.number', '-e', '_ws.expert.message',
                  '-Y', 'tcp.analysis.flags || tcp.checksum.status==0 || '
                  'ip.checksum.status==0 || _ws.malformed')
    return [x for x in text.splitlines() if
            x.split('\t')[1:] != [MINUS_ZERO]]


def tshark_tls(path, keylog, port):
    """What tshark decrypts of each TLS stream: [(up, down)]."""
    out = []
    n = tshark('-r', path, '-T', 'fields', '-e', 'tcp.stream',
               '-Y', 'tls.handshake.type==1')
    for i in sorted({int(x) for x in n.split()}):
        text = tshark('-r', path, '-q', '-o', 'tls.keylog_file:' + keylog,
                      '-d', 'tcp.port==%d,tls' % port,
                      '-z', 'follow,tls,raw,%d' % i)
        out.append(followed(text, port))
    return out


def followed(text, port=None):
    """(up, down) of what "follow" printed. Node 0 is who spoke first, which
    may be the server, whose port is known then."""
    first, second = bytearray(), bytearray()
    lines = text.splitlines()
    start = [k for k, v in enumerate(lines) if v.startswith('Node 1')]
    if not start:
        return b'', b''
    for line in lines[start[0] + 1:]:
        if line.startswith('='):
            break
        half = second if line.startswith('\t') else first
        half += bytes.fromhex(line.strip())
    if port and lines[start[0] - 1].endswith(':%d' % port):
        first, second = second, first
    return bytes(first), bytes(second)


def tshark_tcp(path):
    """Each TCP stream as tshark reassembles it: [(up, down)]; the second
    opinion on Reader."""
    out = []
    n = tshark('-r', path, '-T', 'fields', '-e', 'tcp.stream')
    for i in sorted({int(x) for x in n.split()}):
        text = tshark('-r', path, '-q', '-z', 'follow,tcp,raw,%d' % i)
        out.append(followed(text))
    return out
