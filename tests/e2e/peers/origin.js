// An origin that speaks HTTP/2, and HTTP/1.1 for a WebSocket unless it is told
// "only": node origin.js CERT KEY ADDRESS PORT [only]. What it answers is in
// the path: /n/BYTES (the byte at i is i * 7 + n), /echo, /hints (a 103 first),
// /trailers, /late (the answer's head before the request's body is read), /ask
// (the request's trailers, told), /reset (RST_STREAM with code 11 after some of
// the body), /page (a 103, 60 objects and a WebSocket of RFC 8441, whose outcome
// it writes down).
'use strict';
const http2 = require('http2'), fs = require('fs'),
  crypto = require('crypto');
const [cert, key, address, port, only] = process.argv.slice(2);
const server = http2.createSecureServer({
  cert: fs.readFileSync(cert), key: fs.readFileSync(key),
  allowHTTP1: !only, settings: { enableConnectProtocol: true, maxConcurrentStreams: 200 } });
let waiting = null, told = false;

function body(n) {
  const b = Buffer.alloc(n);
  for (let i = 0; i < n; i++) b[i] = i * 7 + n;
  return b;
}

function sum(s) {
  let h = 7;
  for (let i = 0; i < s.length; i++) h = (h * 31 + s.charCodeAt(i)) >>> 0;
  return h;
}

const object = (i) => ('object ' + i + ' ').repeat(i * i);
const PAGE = `<!doctype html><html><body><p id=r>nothing</p>
<script>
const sum = ${sum.toString()}, got = {};
function put(i, s) { got[i] = sum(s); }
</script>
${[...Array(30).keys()].map((i) => `<script src=/o/${i}></script>`).join('')}
<script>
(async () => {
  await Promise.all([...Array(30).keys()].map(async (i) => {
    const r = await fetch('/o/' + (i + 30));
    put(i + 30, await r.text());
  }));
  const said = await new Promise((done) => {
    const w = new WebSocket('wss://' + location.host + '/chat'), all = [];
    w.onopen = () => { w.send('one'); w.send('x'.repeat(5000)); };
    w.onerror = () => done('failed');
    w.onmessage = (e) => {
      all.push(e.data.length);
      if (all.length == 2) { done(all.join(' ')); w.close(); }
    };
  });
  const r = await fetch('/result', { method: 'POST',
    body: JSON.stringify({ got, said, hinted: performance.getEntriesByType(
      'navigation')[0].firstInterimResponseStart > 0 }) });
  document.getElementById('r').textContent = await r.text();
  await fetch('/done');
})();
</script><img src=/wait></body></html>`;

function frames(stream) {       // WebSocket: every message comes back
  let b = Buffer.alloc(0);
  stream.on('data', (d) => {
    b = Buffer.concat([b, d]);
    for (;;) {
      if (b.length < 6) return;
      let n = b[1] & 127, at = 2;
      if (n == 126) { n = b.readUInt16BE(2); at = 4; }
      if (b.length < at + 4 + n) return;
      const out = Buffer.alloc(at + n);
      b.copy(out, 0, 0, at);
      out[1] &= 127;
      for (let i = 0; i < n; i++) out[at + i] = b[at + 4 + i] ^ b[at + i % 4];
      stream.write(out);
      if ((b[0] & 15) == 8) stream.end();
      b = b.subarray(at + 4 + n);
    }
  });
}

function result(text) {
  const r = JSON.parse(text);
  let bad = [];
  for (let i = 0; i < 60; i++)
    if (r.got[i] !== sum(object(i))) bad.push(i);
  return `objects ${Object.keys(r.got).length} bad ${bad} said ${r.said}` +
    ` hinted ${r.hinted}`;
}

function whole(stream, then) {
  const all = [];
  stream.on('data', (d) => all.push(d));
  stream.on('end', () => then(Buffer.concat(all)));
}

const answers = {
  n: (s, n) => { s.respond({ 'x-n': n }); s.end(body(Number(n))); },
  echo: (s) => whole(s, (b) => { s.respond({ 'x-echo': b.length }); s.end(b); }),
  late: (s) => { s.respond({ 'x-late': '1' }); s.pipe(s); },
  hints: (s) => {
    s.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
    s.respond({ ':status': 200 });
    s.end('hinted');
  },
  trailers: (s) => {
    s.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true });
    s.on('wantTrailers', () => s.sendTrailers({ 'x-sum': '42', 'x-b': 'c' }));
    s.end('with trailers');
  },
  ask: (s) => {
    let t = {};
    s.on('trailers', (h) => { t = h; });
    whole(s, (b) => {
      s.respond({ ':status': 200 });
      s.end(JSON.stringify([b.length, t['x-up']]));
    });
  },
  reset: (s) => {
    s.respond({ ':status': 200 });
    s.write('some of it', () => s.close(11));
  },
  page: (s) => {
    s.additionalHeaders({ ':status': 103,
      link: '</o/0>; rel=preload; as=script' });
    s.respond({ ':status': 200, 'content-type': 'text/html' });
    s.end(PAGE);
  },
  o: (s, i) => {
    s.respond({ ':status': 200, 'content-type': 'text/javascript' });
    s.end(i < 30 ? `put(${i}, "${object(i)}")` : object(i));
  },
  chat: (s, _, head) => {
    if (head[':protocol'] !== 'websocket') {
      s.respond({ ':status': 400 });
      return s.end();
    }
    console.log('websocket over h2');
    s.respond({ ':status': 200 });
    frames(s);
  },
  result: (s) => whole(s, (b) => {
    s.respond({ ':status': 200 });
    s.end(result(String(b)));
  }),
  done: (s) => {
    s.respond({ ':status': 200 });
    s.end();
    told = true;
    if (waiting) waiting();
  },
  wait: (s) => {                // the page is loaded when this is answered
    waiting = () => { s.respond({ ':status': 204 }); s.end(); };
    if (told) waiting();
  },
};

server.on('stream', (stream, head) => {
  const [, what, arg] = head[':path'].split('/');
  stream.on('error', (e) => console.log('stream:', e.code || e.message));
  stream.on('aborted', () => console.log('aborted', head[':path'],
    stream.rstCode));
  if (answers[what]) return answers[what](stream, arg, head);
  stream.respond({ ':status': 404 });
  stream.end();
});
server.on('upgrade', (r, socket) => {           // RFC 6455, 4.2.2
  console.log('websocket over http/1.1');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n' +
    'Connection: Upgrade\r\nSec-WebSocket-Accept: ' +
    crypto.createHash('sha1').update(r.headers['sec-websocket-key'] +
      '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64') +
    '\r\n\r\n');
  frames(socket);
});
server.on('sessionError', (e) => console.log('session:', e.message));
server.listen(Number(port), address);
