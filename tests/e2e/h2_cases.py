"""What a peer may not do in HTTP/2, and what it may: a table of cases by the
sections of RFC 9113 (HPACK: RFC 7541; extended CONNECT: RFC 8441).

A case is a function of an end of ours (harness/h2) and the id of an open
stream: of a request that is not at its end, or, as a server, of one that has
not been answered. It does one thing. What must come of it is said before it:
conn, an error of the connection; stream, of the stream that it returns (or the
open one) and of no other; either, where the RFC leaves the choice; maybe, an
error or nothing; fine, nothing at all. The first code is the RFC's; others are
near enough, where programs differ. A request that must not get to the other
side is for /evil."""
import struct

from harness import h2
from harness.h2 import (ACK, CLOSED, COMPRESSION, CONTINUATION, DATA,
                        END_HEADERS, END_STREAM, FLOW, GOAWAY, HEADERS,
                        PADDED, PING, PRIORITY, PROTOCOL, PUSH, REFUSED, RST,
                        SETTINGS, SIZE, TOP, WINDOW, WITH_PRIORITY, literals,
                        request, settings)

CASES = []
IDLE = 1001


class Case:
    def __init__(self, section, want, codes, roles, act):
        self.section, self.want, self.codes = section, want, codes
        self.roles, self.act, self.name = roles, act, act.__name__

    def __repr__(self):
        return '%s (%s)' % (self.name, self.section)


def case(section, want, *codes, by='client server'):
    def mark(f):
        CASES.append(Case(section, want, codes, by.split(), f))
        return f
    return mark


def evil(e, fields, end=True):
    """A request of its own, with these fields to it or in its place."""
    st = e.open()
    e.head(st.sid, fields, end)
    return st.sid


def with_(*more, path='/evil', **kw):
    return request(path, more=more, **kw)


# --- 3.4, 4: the preface, frames, field blocks

@case('4.1', 'fine')
def frame_of_a_kind_that_nobody_knows(e, sid):
    e.send(0x5f, 0xff, 0, b'what?')
    e.send(0xfe, 0, sid, b'')


@case('4.1', 'fine')
def bit_that_is_reserved(e, sid):
    e.send(PING, 0, 1 << 31, b'reserved')


@case('4.1', 'fine')
def flags_that_nobody_knows(e, sid):
    e.send(PING, 0xfe & ~ACK, 0, b'flagged!')


@case('4.2', 'either', SIZE)
def data_larger_than_allowed(e, sid):
    if e.server:
        e.head(sid, [(':status', '200')], False)
    e.data(sid, bytes(16385), False)


@case('4.2', 'conn', SIZE)
def headers_larger_than_allowed(e, sid):
    e.send(HEADERS, END_HEADERS, sid, bytes(20000))


@case('4.2', 'conn', SIZE)
def settings_larger_than_allowed(e, sid):
    e.send(SETTINGS, 0, 0, settings(*[(0x4242, 1)] * 3000))


@case('4.2', 'conn', SIZE)
def continuation_larger_than_allowed(e, sid):
    sid = sid if e.server else e.open().sid
    e.send(HEADERS, END_STREAM, sid, literals(with_())[:4])
    e.send(CONTINUATION, END_HEADERS, sid, bytes(20000))


def block_is(e, sid, block):
    if not e.server:
        sid = e.open().sid
    e.block_of(sid, block)


@case('4.3', 'conn', COMPRESSION)
def index_beyond_the_table(e, sid):
    block_is(e, sid, b'\xff\x80\x40')


@case('7541, 6.1', 'conn', COMPRESSION)
def index_of_zero(e, sid):
    block_is(e, sid, b'\x80')


@case('7541, 6.3', 'conn', COMPRESSION)
def table_larger_than_allowed(e, sid):
    block_is(e, sid, h2.number(1 << 20, 5, 0x20) + literals(with_()))


@case('7541, 4.2', 'conn', COMPRESSION)
def table_size_behind_a_field(e, sid):
    block_is(e, sid, literals(with_()) + b'\x20')


@case('7541, 5.2', 'conn', COMPRESSION)
def huffman_padding_of_zeros(e, sid):
    block_is(e, sid, b'\x00\x85\xf2\xb2\x4a\x84\x00\x84\x49\x50\x9f\xf0')


@case('7541, 5.2', 'conn', COMPRESSION)
def huffman_code_of_the_end(e, sid):
    block_is(e, sid, b'\x00\x85\xf2\xb2\x4a\x87\xff\x84\x49\x50\x9f\xff')


@case('7541, 5.1', 'conn', COMPRESSION)
def integer_without_end(e, sid):
    block_is(e, sid, b'\x00\x7f' + b'\x80' * 20 + b'\x01a')


@case('4.3', 'conn', COMPRESSION)
def field_block_that_is_cut_off(e, sid):
    block_is(e, sid, literals(with_())[:-3])


@case('6.10', 'conn', PROTOCOL)
def field_block_with_data_within(e, sid):
    e.send(HEADERS, END_STREAM, e.open().sid if not e.server else sid,
           literals(with_())[:4])
    e.data(sid, b'x', False)


@case('6.10', 'conn', PROTOCOL)
def field_block_with_an_unknown_frame_within(e, sid):
    e.send(HEADERS, END_STREAM, e.open().sid if not e.server else sid,
           literals(with_())[:4])
    e.send(0x5f, 0, 0, b'what?')


@case('6.10', 'conn', PROTOCOL)
def continuation_of_another_stream(e, sid):
    e.send(HEADERS, END_STREAM, e.open().sid if not e.server else sid,
           literals(with_())[:4])
    e.send(CONTINUATION, END_HEADERS, sid + 2 if e.server else sid,
           literals(with_())[4:])


@case('6.10', 'conn', PROTOCOL)
def field_block_with_another_head_within(e, sid):
    e.send(HEADERS, END_STREAM, e.open().sid if not e.server else sid,
           literals(with_())[:4])
    e.head(sid if e.server else e.open().sid, with_())


@case('5.5', 'conn', PROTOCOL)
def field_block_with_settings_within(e, sid):
    e.send(HEADERS, END_STREAM, e.open().sid if not e.server else sid,
           literals(with_())[:4])
    e.send(SETTINGS, 0, 0, b'')


@case('6.10', 'conn', PROTOCOL)
def continuation_of_nothing(e, sid):
    e.send(CONTINUATION, END_HEADERS, sid, literals([('a', 'b')]))


@case('6.10', 'conn', PROTOCOL)
def continuation_of_a_whole_head(e, sid):
    if e.server:
        e.head(sid, [(':status', '200')], False)
    e.send(CONTINUATION, END_HEADERS, sid, literals([('a', 'b')]))


@case('6.10', 'conn', PROTOCOL)
def continuation_on_stream_0(e, sid):
    e.send(CONTINUATION, END_HEADERS, 0, literals([('a', 'b')]))


@case('6.10', 'fine', by='client')
def head_in_five_pieces(e, sid):
    block, st = literals(request('/fine', more=[('a', 'b')])), e.open()
    cut = [block[i:i + len(block) // 4] for i in
           range(0, len(block), len(block) // 4)]
    e.send(HEADERS, END_STREAM, st.sid, cut[0])
    for x in cut[1:]:
        e.send(CONTINUATION, END_HEADERS * (x is cut[-1]), st.sid, x)
    e.answer(st)


# --- 5.1: the states of a stream

@case('5.1', 'conn', PROTOCOL)
def data_on_an_idle_stream(e, sid):
    e.data(IDLE, b'x')


@case('5.1', 'conn', PROTOCOL)
def reset_of_an_idle_stream(e, sid):
    e.send(RST, 0, IDLE, bytes(4))


@case('5.1', 'conn', PROTOCOL)
def window_of_an_idle_stream(e, sid):
    e.grow(IDLE, 1)


@case('5.1', 'conn', PROTOCOL, by='server')
def answer_on_an_idle_stream(e, sid):
    e.head(IDLE, [(':status', '200')])


@case('5.1', 'either', CLOSED, PROTOCOL, by='client')
def data_behind_the_end(e, sid):
    st = e.ask('/x?hold=1')
    e.data(st.sid, b'behind')
    return st.sid


@case('5.1', 'either', CLOSED, PROTOCOL, by='client')
def head_behind_the_end(e, sid):
    st = e.ask('/x?hold=1')
    e.head(st.sid, [('behind', '1')])
    return st.sid


@case('5.1', 'maybe', CLOSED, PROTOCOL, by='server')
def data_behind_the_answer(e, sid):
    e.head(sid, [(':status', '200')])
    e.data(sid, b'behind')


@case('5.1', 'maybe', CLOSED, PROTOCOL, by='server')
def head_behind_the_answer(e, sid):
    e.head(sid, [(':status', '200')])
    e.head(sid, [('behind', '1')])


@case('5.1', 'fine', by='client')
def window_and_reset_behind_the_end(e, sid):
    st = e.get('/x')
    e.grow(st.sid, 5)
    e.send(PRIORITY, 0, st.sid, bytes(4) + b'\x10')
    e.reset(st.sid)


@case('5.1', 'maybe', CLOSED, PROTOCOL, by='client')
def head_on_a_closed_stream(e, sid):
    st = e.get('/x')
    e.head(st.sid, with_())


@case('5.1', 'maybe', CLOSED, PROTOCOL, by='client')
def data_on_a_closed_stream(e, sid):
    st = e.get('/x')
    e.data(st.sid, b'behind')


@case('5.1.1', 'conn', PROTOCOL, by='client')
def stream_of_an_even_id(e, sid):
    e.head(2, with_())


@case('5.1.1', 'conn', PROTOCOL, by='server')
def stream_that_the_server_opens(e, sid):
    e.head(2, [(':status', '200')])


@case('5.1.1', 'maybe', PROTOCOL, CLOSED, by='client')
def stream_of_a_smaller_id(e, sid):
    """Those that were passed over are closed."""
    e.open()
    e.get('/x')
    e.head(e.next - 4, with_())


@case('5.1.2', 'either', REFUSED, PROTOCOL, by='client')
def more_streams_than_allowed(e, sid):
    n = e.theirs[h2.S_STREAMS]
    for i in range(n - 1):              # and the one that is open
        e.ask('/x?hold=1')
    return evil(e, with_())


@case('5.1', 'conn', PROTOCOL)
def priority_and_window_of_an_idle_stream(e, sid):
    """The first is allowed, the second is not."""
    e.send(PRIORITY, 0, IDLE, bytes(4) + b'\x10')
    e.grow(IDLE, 1)


@case('5.3.1', 'maybe', PROTOCOL)
def priority_that_depends_on_itself(e, sid):
    """An error in RFC 7540; now nothing depends on it."""
    e.send(PRIORITY, 0, sid, struct.pack('>I', sid) + b'\x10')
    if e.server:
        e.head(sid, [(':status', '200')])


@case('7', 'fine', by='client')
def reset_with_a_code_that_nobody_knows(e, sid):
    st = e.ask('/x?hold=1')
    e.reset(st.sid, 0xdeadbeef)


# --- 6.1 to 6.4: DATA, HEADERS, PRIORITY, RST_STREAM

@case('6.1', 'conn', PROTOCOL)
def data_on_stream_0(e, sid):
    e.data(0, b'x')


@case('6.1', 'conn', PROTOCOL)
def data_with_more_padding_than_it_has(e, sid):
    if e.server:
        e.head(sid, [(':status', '200')], False)
    e.send(DATA, PADDED, sid, b'\x05five')


@case('6.1', 'conn', SIZE, PROTOCOL)
def data_padded_without_a_length(e, sid):
    if e.server:
        e.head(sid, [(':status', '200')], False)
    e.send(DATA, PADDED, sid, b'')


@case('6.1', 'fine', by='client')
def data_with_padding(e, sid):
    st = e.open()
    e.head(st.sid, request('/x?echo=1', 'POST'), False)
    e.send(DATA, PADDED, st.sid, b'\xff' + b'hello' + bytes(255))
    e.send(DATA, PADDED, st.sid, b'\x00' + b' you')
    e.send(DATA, PADDED | END_STREAM, st.sid, b'\x03' + bytes(3))
    assert e.answer(st).body == b'hello you', st


@case('6.2', 'conn', PROTOCOL)
def head_on_stream_0(e, sid):
    e.head(0, with_())


@case('6.2', 'conn', PROTOCOL)
def head_with_more_padding_than_it_has(e, sid):
    e.send(HEADERS, PADDED | END_HEADERS | END_STREAM,
           sid if e.server else e.open().sid, b'\xff' + literals(with_()))


@case('6.2', 'conn', SIZE, PROTOCOL)
def head_padded_without_a_length(e, sid):
    e.send(HEADERS, PADDED | END_HEADERS | END_STREAM,
           sid if e.server else e.open().sid, b'')


@case('6.2', 'conn', SIZE, PROTOCOL)
def head_too_short_for_its_priority(e, sid):
    e.send(HEADERS, WITH_PRIORITY | END_HEADERS | END_STREAM,
           sid if e.server else e.open().sid, b'\0\0\0')


@case('6.2', 'fine', by='client')
def head_with_padding_and_priority(e, sid):
    st = e.open()
    e.send(HEADERS, PADDED | WITH_PRIORITY | END_HEADERS | END_STREAM,
           st.sid, b'\x04' + bytes(4) + b'\x10' + literals(request('/x')) +
           bytes(4))
    assert e.answer(st).body == b'\xcd\xd6' or e.answer(st).whole


@case('6.3', 'conn', PROTOCOL)
def priority_of_stream_0(e, sid):
    e.send(PRIORITY, 0, 0, bytes(5))


@case('6.3', 'either', SIZE)
def priority_of_four_bytes(e, sid):
    e.send(PRIORITY, 0, sid, bytes(4))


@case('6.3', 'fine', by='client')
def priority_of_an_idle_stream(e, sid):
    e.send(PRIORITY, 0, IDLE, bytes(4) + b'\x10')


@case('6.4', 'conn', PROTOCOL)
def reset_of_stream_0(e, sid):
    e.send(RST, 0, 0, bytes(4))


@case('6.3', 'either', SIZE)
def priority_of_six_bytes(e, sid):
    e.send(PRIORITY, 0, sid, bytes(6))


@case('6.4', 'conn', SIZE)
def reset_of_three_bytes(e, sid):
    e.send(RST, 0, sid, bytes(3))


@case('6.4', 'conn', SIZE)
def reset_of_five_bytes(e, sid):
    e.send(RST, 0, sid, bytes(5))


# --- 6.5: SETTINGS

@case('6.5', 'conn', PROTOCOL)
def settings_of_a_stream(e, sid):
    e.send(SETTINGS, 0, sid, settings((3, 5)))


@case('6.5', 'conn', SIZE)
def settings_acknowledged_with_more(e, sid):
    e.send(SETTINGS, ACK, 0, settings((3, 5)))


@case('6.5', 'conn', SIZE)
def settings_of_five_bytes(e, sid):
    e.send(SETTINGS, 0, 0, bytes(5))


@case('6.5.2', 'conn', PROTOCOL)
def setting_of_push_2(e, sid):
    e.send(SETTINGS, 0, 0, settings((h2.S_PUSH, 2)))


@case('6.5.2', 'conn', PROTOCOL, by='server')
def setting_of_push_by_a_server(e, sid):
    e.send(SETTINGS, 0, 0, settings((h2.S_PUSH, 1)))


@case('6.5.2', 'conn', FLOW)
def setting_of_a_window_beyond(e, sid):
    e.send(SETTINGS, 0, 0, settings((h2.S_WINDOW, TOP + 1)))


@case('6.5.2', 'conn', PROTOCOL)
def setting_of_frames_too_small(e, sid):
    e.send(SETTINGS, 0, 0, settings((h2.S_FRAME, 16383)))


@case('6.5.2', 'conn', PROTOCOL)
def setting_of_frames_too_large(e, sid):
    e.send(SETTINGS, 0, 0, settings((h2.S_FRAME, 1 << 24)))


@case('8441, 3', 'conn', PROTOCOL)
def setting_of_connect_2(e, sid):
    e.send(SETTINGS, 0, 0, settings((h2.S_CONNECT, 2)))


@case('8441, 3', 'conn', PROTOCOL, by='server')
def setting_of_connect_taken_back(e, sid):
    e.send(SETTINGS, 0, 0, settings((h2.S_CONNECT, 1)))
    e.send(SETTINGS, 0, 0, settings((h2.S_CONNECT, 0)))


@case('6.5.2', 'fine')
def setting_that_nobody_knows(e, sid):
    e.send(SETTINGS, 0, 0, settings((0x4242, 7), (0xfefe, TOP)))


@case('6.5.3', 'fine', by='client')
def setting_given_twice(e, sid):
    """In their order: the last one counts."""
    n = e.acks
    e.send(SETTINGS, 0, 0, settings((h2.S_WINDOW, 0), (h2.S_WINDOW, 65535)))
    e.until(lambda: e.acks > n, 'acknowledgement of SETTINGS')
    e.get('/x?n=50000')


@case('6.5.2', 'fine', by='client')
def setting_of_a_table_of_nothing(e, sid):
    """From the acknowledgement on, no field is in a table."""
    n = e.acks
    e.get('/x')
    e.send(SETTINGS, 0, 0, settings((h2.S_TABLE, 0)))
    e.until(lambda: e.acks > n, 'acknowledgement of SETTINGS')
    e.decoder.max_allowed_table_size = 0
    e.get('/x')
    assert e.decoder.header_table_size == 0, 'its table'
    e.get('/x')
    e.decoder.max_allowed_table_size = 1 << 24


@case('6.5.3', 'fine')
def settings_are_acknowledged(e, sid):
    n = e.acks
    e.send(SETTINGS, 0, 0, settings((h2.S_STREAMS, 50)))
    e.until(lambda: e.acks > n, 'acknowledgement of SETTINGS')


# --- 6.6 to 6.8: PUSH_PROMISE, PING, GOAWAY

@case('8.4', 'conn', PROTOCOL, by='client')
def promise_of_a_client(e, sid):
    e.send(PUSH, END_HEADERS, sid, struct.pack('>I', 2) + literals(with_()))


@case('8.4', 'conn', PROTOCOL, by='server')
def promise_that_was_forbidden(e, sid):
    e.send(PUSH, END_HEADERS, sid, struct.pack('>I', 2) +
           literals(request('/pushed')))


@case('6.7', 'conn', PROTOCOL)
def ping_of_a_stream(e, sid):
    e.send(PING, 0, sid, bytes(8))


@case('6.7', 'conn', SIZE)
def ping_of_seven_bytes(e, sid):
    e.send(PING, 0, 0, bytes(7))


@case('6.7', 'conn', SIZE)
def ping_of_nine_bytes(e, sid):
    e.send(PING, 0, 0, bytes(9))


@case('6.6', 'conn', PROTOCOL)
def promise_on_stream_0(e, sid):
    e.send(PUSH, END_HEADERS, 0, struct.pack('>I', 2) +
           literals(request('/pushed')))


@case('6.7', 'fine')
def ping_is_answered_alike(e, sid):
    e.send(PING, 0, 0, b'question')
    e.until(lambda: b'question' in e.pings, 'answer to PING')


@case('6.7', 'fine')
def answer_to_no_ping(e, sid):
    n = len(e.pings)
    e.send(PING, ACK, 0, b'answered')
    e.send(PING, 0, 0, b'question')
    e.until(lambda: e.pings[n:] == [b'question'], 'answer to PING alone')


@case('6.8', 'conn', PROTOCOL)
def goaway_of_a_stream(e, sid):
    e.send(GOAWAY, 0, sid, bytes(8))


@case('6.8', 'conn', SIZE, PROTOCOL)
def goaway_of_seven_bytes(e, sid):
    e.send(GOAWAY, 0, 0, bytes(7))


# --- 6.9: WINDOW_UPDATE

@case('6.9', 'conn', PROTOCOL)
def window_of_the_connection_by_0(e, sid):
    e.grow(0, 0)


@case('6.9', 'either', PROTOCOL)
def window_of_a_stream_by_0(e, sid):
    e.grow(sid, 0)


@case('6.9', 'conn', SIZE)
def window_of_three_bytes(e, sid):
    e.send(WINDOW, 0, sid, bytes(3))


@case('6.9', 'conn', SIZE)
def window_of_five_bytes(e, sid):
    e.send(WINDOW, 0, sid, bytes(5))


@case('6.9.1', 'conn', FLOW)
def window_of_the_connection_beyond(e, sid):
    e.grow(0, TOP)
    e.grow(0, TOP)


@case('6.9.1', 'stream', FLOW)
def window_of_a_stream_beyond(e, sid):
    e.grow(sid, TOP)


@case('6.9.2', 'either', FLOW)
def window_of_a_stream_beyond_by_settings(e, sid):
    e.grow(sid, TOP - 65535)
    e.send(SETTINGS, 0, 0, settings((h2.S_WINDOW, 65536)))


@case('6.9.1', 'either', FLOW, by='client')
def data_beyond_the_window(e, sid):
    """The server takes no more than its own first window."""
    st = e.ask('/stuck', 'POST', end=False)
    n = st.window + 65535 + 16384
    while n > 0:
        e.data(st.sid, bytes(min(n, 16384)), False)
        n -= 16384
    return st.sid


@case('6.9.2', 'fine', by='client')
def window_that_is_none_at_first(e, sid):
    """And then becomes less than none."""
    e.told[h2.S_WINDOW] = 10
    n = e.acks
    e.send(SETTINGS, 0, 0, settings((h2.S_WINDOW, 10)))
    e.until(lambda: e.acks > n, 'acknowledgement')
    e.auto = False
    st = e.ask('/x?n=100')
    e.until(lambda: len(st.body) == 10, 'ten bytes')
    e.send(SETTINGS, 0, 0, settings((h2.S_WINDOW, 0)))
    e.told[h2.S_WINDOW] = 0
    e.until(lambda: e.acks > n + 1, 'acknowledgement')
    e.grow(st.sid, 12)                  # from -10
    st.room += 2
    e.until(lambda: len(st.body) == 12, 'two bytes')
    e.grow(st.sid, 1000)
    st.room += 1000
    e.answer(st)
    e.auto, e.told[h2.S_WINDOW] = True, 65535
    e.send(SETTINGS, 0, 0, settings((h2.S_WINDOW, 65535)))


# --- 8.1: the order of a message

@case('8.1', 'stream', PROTOCOL)
def trailers_without_an_end(e, sid):
    if e.server:
        e.head(sid, [(':status', '200')], False)
    e.head(sid, [('x-t', '1')], False)


@case('8.1', 'stream', PROTOCOL)
def trailers_with_a_pseudo_header(e, sid):
    if e.server:
        e.head(sid, [(':status', '200')], False)
    e.head(sid, [(':status' if e.server else ':path', '/200')])


@case('8.1', 'either', PROTOCOL, by='server')
def data_before_the_head(e, sid):
    e.data(sid, b'first', False)


@case('8.1', 'stream', PROTOCOL, by='server')
def interim_response_that_ends(e, sid):
    e.head(sid, [(':status', '103')], True)


@case('8.1', 'stream', PROTOCOL, by='server')
def data_behind_an_interim_response(e, sid):
    e.head(sid, [(':status', '103')], False)
    e.data(sid, b'no head')


@case('8.6', 'stream', PROTOCOL, by='server')
def switching_protocols(e, sid):
    e.head(sid, [(':status', '101')], False)


@case('8.1.1', 'stream', PROTOCOL, by='client')
def request_longer_than_it_says(e, sid):
    st = e.open()
    e.head(st.sid, request('/begun', 'POST', more=[('content-length', '3')]),
           False)
    e.data(st.sid, b'four')
    return st.sid


@case('8.1.1', 'stream', PROTOCOL, by='client')
def request_shorter_than_it_says(e, sid):
    st = e.open()
    e.head(st.sid, request('/begun', 'POST', more=[('content-length', '5')]),
           False)
    e.data(st.sid, b'four')
    return st.sid


@case('8.1.1', 'stream', PROTOCOL, by='client')
def request_without_the_body_that_it_tells_of(e, sid):
    return evil(e, with_(('content-length', '5')))


@case('8.1.1', 'stream', PROTOCOL, by='server')
def answer_longer_than_it_says(e, sid):
    e.head(sid, [(':status', '200'), ('content-length', '3')], False)
    e.data(sid, b'four')


@case('8.1.1', 'stream', PROTOCOL, by='server')
def answer_shorter_than_it_says(e, sid):
    e.head(sid, [(':status', '200'), ('content-length', '5')], False)
    e.data(sid, b'four')


# --- 8.2, 8.3: fields and pseudo-headers, by both

FIELDS = [
    ('8.2', 'name_in_upper_case', ('X-Up', '1')),
    ('8.2.1', 'name_with_a_blank', ('x y', '1')),
    ('8.2.1', 'name_with_a_control', ('x\x01y', '1')),
    ('8.2.1', 'name_with_a_colon_within', ('x:y', '1')),
    ('8.2.1', 'name_with_8_bits', (b'x\xe9', '1')),
    ('8.2.1', 'name_of_nothing', ('', '1')),
    ('8.2.1', 'name_with_lines', ('x\r\ny', '1')),
    ('8.2.1', 'value_with_cr', ('x-v', 'a\rb')),
    ('8.2.1', 'value_with_lf', ('x-v', 'a\nb')),
    ('8.2.1', 'value_with_crlf_and_a_field', ('x-v', 'a\r\nx-w: b')),
    ('8.2.1', 'value_with_nul', ('x-v', 'a\0b')),
    ('8.2.1', 'value_with_a_blank_before', ('x-v', ' a')),
    ('8.2.1', 'value_with_a_blank_behind', ('x-v', 'a\t')),
    ('8.2.2', 'field_connection', ('connection', 'close')),
    ('8.2.2', 'field_keep_alive', ('keep-alive', '1')),
    ('8.2.2', 'field_proxy_connection', ('proxy-connection', 'close')),
    ('8.2.2', 'field_transfer_encoding', ('transfer-encoding', 'chunked')),
    ('8.2.2', 'field_upgrade', ('upgrade', 'websocket')),
    ('8.3', 'pseudo_header_that_nobody_knows', (':what', '1')),
    ('8.1.1', 'length_that_is_none', ('content-length', '-1')),
    ('8.1.1', 'length_with_a_sign', ('content-length', '+4')),
]
for section_, name_, field_ in FIELDS:
    def act(e, sid, field=field_):
        if not e.server:
            at = with_()
            return evil(e, [field] + at if field[0][:1] == ':' else
                        at + [field])
        head = [(':status', '200')]
        e.head(sid, [field] + head if field[0][:1] == ':' else
               head + [field], False)
        e.data(sid, b'four')
    act.__name__ = name_
    case(section_, 'stream', PROTOCOL)(act)

REQUESTS = [
    ('8.2.2', 'te_that_is_not_trailers', with_(('te', 'gzip'))),
    ('8.3', 'pseudo_header_behind_a_field',
     with_()[:3] + [('a', 'b'), (':path', '/evil')]),
    ('8.3', 'pseudo_header_of_answers', [(':status', '200')] + with_()),
    ('8.3.1', 'method_twice', [(':method', 'GET')] + with_()),
    ('8.3.1', 'path_twice', [(':path', '/x')] + with_()),
    ('8.3.1', 'scheme_twice', [(':scheme', 'https')] + with_()),
    ('8.3.1', 'authority_twice', [(':authority', 'good.test')] + with_()),
    ('8.3.1', 'no_method', with_()[1:]),
    ('8.3.1', 'no_scheme', [x for x in with_() if x[0] != ':scheme']),
    ('8.3.1', 'no_path', with_()[:3]),
    ('8.3.1', 'path_of_nothing', with_(path='')),
    ('8.3.1', 'path_that_is_no_path', with_(path='evil')),
    ('8.3.1', 'path_with_a_blank', with_(path='/evil HTTP/1.1')),
    ('8.3.1', 'path_with_lines', with_(path='/evil HTTP/1.1\r\nA: b')),
    ('8.3.1', 'path_with_a_control', with_(path='/evil\x01')),
    ('8.3.1', 'method_with_a_blank', with_(method='GET /x')),
    ('8.3.1', 'method_of_nothing', with_(method='')),
    ('8.3.1', 'scheme_of_nothing', [
        (':method', 'GET'), (':scheme', ''), (':authority', 'good.test'),
        (':path', '/evil')]),
    ('8.3.1', 'scheme_with_a_blank', [
        (':method', 'GET'), (':scheme', 'https x'),
        (':authority', 'good.test'), (':path', '/evil')]),
    ('8.3.1', 'scheme_with_lines', [
        (':method', 'GET'), (':scheme', 'https\r\nx: y'),
        (':authority', 'good.test'), (':path', '/evil')]),
    ('8.3.1', 'path_of_a_star_without_options', with_(path='*')),
    ('8.3.1', 'authority_with_a_user', with_(host='me@good.test')),
    ('8.3.1', 'authority_with_a_blank', with_(host='good.test x')),
    ('8.3.1', 'authority_with_lines', with_(host='good.test\r\nx: y')),
    ('8.3.1', 'host_that_is_not_the_authority', with_(('host', 'two.test'))),
    ('8.3.1', 'host_twice', with_(('host', 'good.test'),
                                  ('host', 'two.test'))),
    ('8.3.1', 'neither_host_nor_authority',
     [x for x in with_() if x[0] != ':authority']),
    ('8.1.1', 'two_lengths', with_(('content-length', '0'),
                                   ('content-length', '4'))),
    ('8.1.1', 'two_lengths_in_a_list', with_(('content-length', '0, 4'))),
    ('8.5', 'connect_with_a_path', [
        (':method', 'CONNECT'), (':authority', 'good.test:443'),
        (':path', '/evil')]),
    ('8.5', 'connect_with_a_scheme', [
        (':method', 'CONNECT'), (':authority', 'good.test:443'),
        (':scheme', 'https')]),
    ('8.5', 'connect_of_nobody', [(':method', 'CONNECT')]),
    ('8441, 4', 'protocol_without_connect', [(':protocol', 'websocket')] +
     with_()),
]
for section_, name_, fields_ in REQUESTS:
    def act(e, sid, fields=fields_):
        return evil(e, fields)
    act.__name__ = 'request_' + name_
    case(section_, 'stream', PROTOCOL, by='client')(act)

ANSWERS = [
    ('8.3.2', 'no_status', [('server', 'x')]),
    ('8.3.2', 'status_twice', [(':status', '200'), (':status', '200')]),
    ('8.3.2', 'status_of_letters', [(':status', 'abc')]),
    ('8.3.2', 'status_of_four_digits', [(':status', '2000')]),
    ('8.3.2', 'status_of_two_digits', [(':status', '20')]),
    ('8.3.2', 'status_of_nothing', [(':status', '')]),
    ('8.3.2', 'status_with_a_sign', [(':status', '+20')]),
    ('8.3.2', 'status_with_words', [(':status', '200 OK')]),
    ('8.3.2', 'status_behind_a_field', [('a', 'b'), (':status', '200')]),
    ('8.3', 'pseudo_header_of_requests', [(':status', '200'),
                                          (':path', '/')]),
    ('8.1.1', 'two_lengths', [(':status', '200'), ('content-length', '4'),
                              ('content-length', '9')]),
]
for section_, name_, fields_ in ANSWERS:
    def act(e, sid, fields=fields_):
        e.head(sid, fields, False)
        e.data(sid, b'four')
    act.__name__ = 'answer_' + name_
    case(section_, 'stream', PROTOCOL, by='server')(act)


@case('8.2.2', 'fine', by='client')
def te_of_trailers(e, sid):
    e.get('/x', more=[('te', 'trailers')])


@case('8.3.1', 'fine', by='client')
def host_alone(e, sid):
    st = e.open()
    e.head(st.sid, [x for x in request('/x') if x[0] != ':authority'] +
           [('host', 'good.test')])
    assert e.answer(st).status == 200, st


@case('8.3.1', 'fine', by='client')
def host_that_is_the_authority(e, sid):
    assert e.get('/x', more=[('host', 'good.test')]).status == 200


@case('8.2.3', 'fine', by='client')
def cookies_in_pieces(e, sid):
    e.get('/cookies', more=[('cookie', 'a=b'), ('cookie', 'c=d')])


@case('8.1', 'stream', PROTOCOL, by='server')
def interim_response_behind_the_head(e, sid):
    e.head(sid, [(':status', '200')], False)
    e.head(sid, [(':status', '103')], False)


@case('8.1', 'fine', by='server')
def interim_responses_and_trailers(e, sid):
    for i in range(3):
        e.head(sid, [(':status', '103'), ('link', '</%d>' % i)], False)
    e.head(sid, [(':status', '200')], False)
    e.data(sid, b'hello', False)
    e.data(sid, b'', False)
    e.head(sid, [('x-sum', '1')])
    return 'answered'


# What each side can break, by section; 3.4, which no stream is open for, and
# 10.5 are in t_h2_conform and t_h2_abuse.
BOTH = """4.1 4.2 4.3 5.1 5.1.1 5.3.1 5.5 6.1 6.2 6.3 6.4 6.5 6.5.2 6.5.3 6.6
    6.7 6.8 6.9 6.9.1 6.9.2 6.10 8.1 8.1.1 8.2 8.2.1 8.2.2 8.3 8.4""".split()
for role_, sections_ in (('client', BOTH + ['5.1.2', '7', '8.3.1', '8.5']),
                         ('server', BOTH + ['8.3.2', '8.6'])):
    have_ = {c.section for c in CASES if role_ in c.roles}
    assert not set(sections_) - have_, (role_, set(sections_) - have_)
assert len(CASES) == len({c.name for c in CASES}), 'two have one name'
