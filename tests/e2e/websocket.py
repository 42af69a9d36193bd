#!/usr/bin/python3
"""A WebSocket's two ends by python3-websockets, as programs of their own:

    websocket.py server PORT CERTIFICATE KEY
    websocket.py client URL CA DEFLATE

The server answers a text by itself in upper case, and other messages by
themselves; "close" by an end of its own. The client reads messages from
standard input, a line each: "text WORDS", "binary N" (bytes), "ping", and writes
a line for each answer: its type and the SHA-256 of its bytes, or what ended it.
"""
import asyncio
import hashlib
import ssl
import sys

import websockets

HUGE = 64 << 20


async def answer(ws, *_):
    async for m in ws:
        if m == 'close':
            await ws.close(4000, 'as you say')
            return
        await ws.send(m.upper() if isinstance(m, str) else m)


async def server(port, certificate, key):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with websockets.serve(answer, None, int(port), ssl=tls,
                                max_size=HUGE):
        print('ready', flush=True)
        await asyncio.Future()


async def client(url, ca, deflate):
    tls = ssl.create_default_context(cafile=ca)
    tls.set_alpn_protocols(['http/1.1'])        # as browsers do
    async with websockets.connect(
            url, ssl=tls, max_size=HUGE, open_timeout=30,
            compression='deflate' if deflate == 'yes' else None) as ws:
        # Where they are has changed with websockets 14.
        agreed = (ws if hasattr(ws, 'extensions') else ws.protocol).extensions
        print('agreed', type(agreed[0]).__name__ if agreed else 'nothing',
              flush=True)
        for line in sys.stdin:
            what, _, rest = line.rstrip('\n').partition(' ')
            if what == 'ping':
                await (await ws.ping(b'are you there'))
                print('pong', flush=True)
                continue
            await ws.send(rest if what == 'text' else
                          bytes(i * 7 % 251 for i in range(int(rest))))
            try:
                m = await ws.recv()
            except websockets.ConnectionClosed:
                break
            kind = 'text' if isinstance(m, str) else 'binary'
            data = m.encode() if isinstance(m, str) else m
            print(kind, hashlib.sha256(data).hexdigest(), flush=True)
    print('closed', ws.close_code, ws.close_reason, flush=True)


if __name__ == '__main__':
    asyncio.run({'server': server, 'client': client}[sys.argv[1]](
        *sys.argv[2:]))
