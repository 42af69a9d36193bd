// A client of HTTP/2 that asks origin.js for all it has, a hundred streams at
// once among it: node client.js https://HOST/. NODE_EXTRA_CA_CERTS has the CA.
// Prints "all good", or what was wrong.
'use strict';
const http2 = require('http2'), assert = require('assert');
const crypto = require('crypto');
const c = http2.connect(process.argv[2]);
c.on('error', (e) => { console.log('session', e); process.exit(1); });

function body(n) {
  const b = Buffer.alloc(n);
  for (let i = 0; i < n; i++) b[i] = i * 7 + n;
  return b;
}

// One request; all that came of it.
function ask(path, up, head, trailers) {
  return new Promise((done) => {
    const s = c.request({ ':path': path, ':method': up ? 'POST' : 'GET',
      ...head }, { endStream: !up, waitForTrailers: !!trailers });
    const r = { interim: [], body: [] };
    s.on('headers', (h) => r.interim.push(h));
    s.on('response', (h) => { r.head = h; });
    s.on('trailers', (h) => { r.trailers = h; });
    s.on('data', (d) => r.body.push(d));
    s.on('error', (e) => { r.error = e.message; });
    s.on('close', () => {
      r.code = s.rstCode;
      r.body = Buffer.concat(r.body);
      done(r);
    });
    if (trailers) s.on('wantTrailers', () => s.sendTrailers(trailers));
    if (up) s.end(up);
  });
}

async function same(n) {
  const r = await ask('/n/' + n);
  assert.equal(r.head[':status'], 200);
  assert.ok(r.body.equals(body(n)), 'body of ' + n);
}

async function echo(path, n) {
  const up = crypto.randomBytes(n), r = await ask(path, up);
  assert.equal(r.head[':status'], 200);
  assert.ok(r.body.equals(up), `${path} of ${n}: ${r.body.length}`);
}

(async () => {
  await Promise.all([...Array(100).keys()].map((i) => same(i * 997)));
  await Promise.all([...Array(20).keys()].map((i) => echo('/echo', i * 9973)));
  await Promise.all([same(3000000), echo('/echo', 3000000),
    echo('/late', 2000000), same(0), echo('/echo', 1)]);
  let r = await ask('/hints');
  assert.deepEqual(r.interim.map((h) => [h[':status'], h.link]),
    [[103, '</a.css>; rel=preload']]);
  assert.equal(String(r.body), 'hinted');
  r = await ask('/trailers');
  assert.equal(String(r.body), 'with trailers');
  assert.equal(r.trailers['x-sum'] + r.trailers['x-b'], '42c');
  r = await ask('/ask', Buffer.from('hello'), {}, { 'x-up': 'went up' });
  assert.equal(String(r.body), '[5,"went up"]');
  const [bad, good] = await Promise.all([ask('/reset'), ask('/n/500000')]);
  if (process.argv[3] !== 'scanned')    // node ends the body, then resets
    assert.equal(bad.code, 11);
  assert.ok(good.body.equals(body(500000)), 'sibling of a reset stream');
  r = await ask('/nothing');
  assert.equal(r.head[':status'], 404);
  console.log('all good');
  c.close();
})().catch((e) => { console.log(e); process.exit(1); });
