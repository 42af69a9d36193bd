#!/usr/bin/python3
"""gRPC by Debian's library, without protobuf: messages are bytes.

    grpc_peer.py server ADDRESS:PORT CERT KEY
    grpc_peer.py client HOST:PORT CA [SIBLINGS MESSAGES]
    grpc_peer.py ask HOST:PORT CA

Debian's own python3 has the library. The client asks for every kind of call
and prints "all good", or the assertion that failed. `ask` makes the calls that
standard input says, all at once on one connection, and prints what became of
each: a line of JSON for a line of JSON.
"""
import json
import os
import sys
import threading
from concurrent import futures

os.environ['GRPC_DNS_RESOLVER'] = 'native'      # /etc/hosts

import grpc                                     # noqa: E402

cancelled = threading.Event()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def meta(context):
    return dict(context.invocation_metadata())


def unary(request, context):
    context.send_initial_metadata((('x-initial', 'one'),))
    context.set_trailing_metadata((('x-final', 'two'),
                                   ('x-raw-bin', b'\0\1\xff')))
    return request + meta(context).get('x-more', '').encode()


def down(request, context):
    for i in range(int(request)):
        yield b'%d' % i * (i + 1)


def up(requests, context):
    return b'%d' % sum(map(len, requests))


def both(requests, context):
    for r in requests:
        yield r[::-1]


def talk(requests, context):
    """To the first message many; to each other one itself."""
    for i, r in enumerate(requests):
        for k in range(50 if i == 0 else 1):
            yield r + b'%d' % k


def fail(request, context):
    context.set_trailing_metadata((('x-why', 'asked to'),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, 'no: ' + 'ä' * 3)


def forever(request, context):
    """Until it is cancelled, or its deadline has passed."""
    context.add_callback(cancelled.set)
    yield b'first'
    cancelled.wait(30)


def was(request, context):
    """Whether the last of those is over: waits for it."""
    out = b'yes' if cancelled.wait(30) else b'no'
    cancelled.clear()
    return out


def server(where, cert, key):
    s = grpc.server(futures.ThreadPoolExecutor(16), options=[
        ('grpc.max_receive_message_length', -1)])
    s.add_generic_rpc_handlers([grpc.method_handlers_generic_handler('t', {
        'Unary': grpc.unary_unary_rpc_method_handler(unary),
        'Down': grpc.unary_stream_rpc_method_handler(down),
        'Up': grpc.stream_unary_rpc_method_handler(up),
        'Both': grpc.stream_stream_rpc_method_handler(both),
        'Talk': grpc.stream_stream_rpc_method_handler(talk),
        'Fail': grpc.unary_unary_rpc_method_handler(fail),
        'Forever': grpc.unary_stream_rpc_method_handler(forever),
        'Was': grpc.unary_unary_rpc_method_handler(was)})])
    s.add_secure_port(where, grpc.ssl_server_credentials(
        [(read(key), read(cert))]))
    s.start()
    s.wait_for_termination()


def equal(a, b):
    assert a == b, (a, b)


def refused(code, call):
    try:
        call()
    except grpc.RpcError as e:
        equal(e.code(), code)
        return e
    raise AssertionError('no error; wanted %s' % code)


def calls(c, n):
    one = c.unary_unary('/t/Unary')
    got, call = one.with_call(b'hello', metadata=(('x-more', '!'),),
                              timeout=60)
    equal(got, b'hello!')
    equal(dict(call.initial_metadata())['x-initial'], 'one')
    final = dict(call.trailing_metadata())
    equal((final['x-final'], final['x-raw-bin']), ('two', b'\0\1\xff'))
    big = os.urandom(2000000)
    equal(one(big, timeout=60), big)
    equal(list(c.unary_stream('/t/Down')(b'%d' % n, timeout=60)),
          [b'%d' % i * (i + 1) for i in range(n)])
    equal(c.stream_unary('/t/Up')((b'x' * i for i in range(2 * n)),
                                  timeout=60), b'%d' % sum(range(2 * n)))
    many = [os.urandom(i * 37) for i in range(n // 2)]
    equal(list(c.stream_stream('/t/Both')(iter(many), timeout=60)),
          [x[::-1] for x in many])


def turns(c):
    """One message at a time: the next goes when the last is back."""
    back = threading.Semaphore(1)

    def talk():
        for i in range(20):
            back.acquire()
            yield b'%d' % i
    for i, x in enumerate(c.stream_stream('/t/Both')(talk(), timeout=60)):
        equal(x, (b'%d' % i)[::-1])
        back.release()


def failures(c):
    e = refused(grpc.StatusCode.FAILED_PRECONDITION,
                lambda: c.unary_unary('/t/Fail')(b'', timeout=60))
    equal(e.details(), 'no: äää')
    equal(dict(e.trailing_metadata())['x-why'], 'asked to')
    refused(grpc.StatusCode.UNIMPLEMENTED,
            lambda: c.unary_unary('/t/Nothing')(b'', timeout=60))
    forever, over = c.unary_stream('/t/Forever'), c.unary_unary('/t/Was')
    refused(grpc.StatusCode.DEADLINE_EXCEEDED,
            lambda: list(forever(b'', timeout=5)))
    equal(over(b'', timeout=60), b'yes')
    call = forever(b'', timeout=60)
    equal(next(call), b'first')
    call.cancel()
    refused(grpc.StatusCode.CANCELLED, lambda: next(call))
    equal(over(b'', timeout=60), b'yes')


def channel(where, ca):
    return grpc.secure_channel(where, grpc.ssl_channel_credentials(read(ca)),
                               [('grpc.max_receive_message_length', -1)])


def one(c, what):
    """A call: its method, messages (hex), whether each waits for as many
    answers as `waits` says before the next, and whether they are compressed.
    Returns what came, and how it ended."""
    got, back = [], threading.Semaphore(0)

    def messages():
        for i, m in enumerate(what['messages']):
            if i > 0:
                for _ in range(what.get('waits', 0)):
                    back.acquire()
            yield bytes.fromhex(m)
    call = c.stream_stream('/t/' + what['method'])(
        messages(), timeout=150, compression=grpc.Compression.Gzip
        if what.get('gzip') else None)
    try:
        for m in call:
            got.append(m.hex())
            back.release()
            os.write(2, b'# %d\n' % len(got))      # of many threads
    except grpc.RpcError:
        pass
    for _ in range(1000):
        back.release()
    return {'got': got, 'code': call.code().name, 'details': call.details()}


def ask(where, ca):
    lines = [json.loads(x) for x in sys.stdin]
    with channel(where, ca) as c, \
            futures.ThreadPoolExecutor(len(lines)) as pool:
        for x in pool.map(lambda x: one(c, x), lines):
            print(json.dumps(x), flush=True)


def client(where, ca, siblings=10, n=200):
    n = int(n)
    with channel(where, ca) as c:
        calls(c, n)
        turns(c)
        failures(c)
        with futures.ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda i: calls(c, n), range(int(siblings))))
    print('all good')


if __name__ == '__main__':
    {'server': server, 'client': client, 'ask': ask}[sys.argv[1]](*sys.argv[2:])
