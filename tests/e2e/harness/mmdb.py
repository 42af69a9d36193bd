"""Databases of MaxMind's format, version 2.0, of what a test says: which
country each prefix is in. A wider prefix comes before those in it."""
import ipaddress
import struct


def _text(s):
    return bytes([0x40 | len(s)]) + s.encode()


def _map(**members):
    return bytes([0xe0 | len(members)]) + b''.join(
        _text(k) + v for k, v in members.items())


def _short(v):
    return b'\xa2' + struct.pack('>H', v)


def countries(**prefixes):
    """countries(DE=['192.0.2.0/24'], ...): the bytes of a file."""
    nodes, data = [[None, None]], b''
    for country, nets in prefixes.items():
        leaf = len(data) + 16
        data += _map(country=_map(iso_code=_text(country)))
        for net in map(ipaddress.ip_network, nets):
            bits = format(int(net.network_address), '0%db' %
                          net.max_prefixlen)[:net.prefixlen]
            bits = [int(b) for b in ('0' * 96 if net.version == 4 else '') +
                    bits]
            at = nodes[0]
            for b in bits[:-1]:
                if not isinstance(at[b], list):
                    at[b] = [at[b], at[b]]
                    nodes.append(at[b])
                at = at[b]
            at[bits[-1]] = leaf
    number = {id(n): i for i, n in enumerate(nodes)}
    tree = b''.join(struct.pack('>I', number[id(v)] if isinstance(v, list) else
                                len(nodes) + (v or 0))
                    for n in nodes for v in n)
    return tree + bytes(16) + data + b'\xab\xcd\xefMaxMind.com' + _map(
        node_count=b'\xc4' + struct.pack('>I', len(nodes)),
        record_size=_short(32), ip_version=_short(6),
        database_type=_text('Test-Country'),
        languages=b'\x01\x04' + _text('en'),
        binary_format_major_version=_short(2),
        binary_format_minor_version=_short(0),
        build_epoch=b'\x04\x02' + struct.pack('>I', 1700000000),
        description=_map())
