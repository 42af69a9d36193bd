// gRPC by grpc-js, without protobuf: messages are bytes. The server is that of
// grpc_peer.py.
//	node grpc.js HOST:PORT CA
// Prints "all good", or what was wrong. NODE_PATH says where the library is.
'use strict';
const fs = require('fs'), assert = require('assert'),
  grpc = require('@grpc/grpc-js');
const [where, ca] = process.argv.slice(2);
const bytes = (x) => x;
const method = (name, up, down) => ({ path: '/t/' + name, requestStream: up,
  responseStream: down, requestSerialize: bytes, requestDeserialize: bytes,
  responseSerialize: bytes, responseDeserialize: bytes });
const Client = grpc.makeGenericClientConstructor({
  unary: method('Unary', false, false), down: method('Down', false, true),
  up: method('Up', true, false), both: method('Both', true, true),
  fail: method('Fail', false, false), forever: method('Forever', false, true),
  was: method('Was', false, false) }, 't');
const c = new Client(where, grpc.credentials.createSsl(fs.readFileSync(ca)),
  { 'grpc.max_receive_message_length': -1 });

// What a call with one answer ends in: {err, value, first, last}.
function ended(start) {
  return new Promise((done) => {
    const r = {};
    const call = start((err, value) => Object.assign(r, { err, value }));
    call.on('metadata', (m) => { r.first = m; });
    call.on('status', (s) => { r.last = s; setImmediate(done, r); });
  });
}

// The same of one with many: {got, err}.
function all(call) {
  return new Promise((done) => {
    const got = [];
    call.on('data', (d) => got.push(d));
    call.on('error', (err) => done({ got, err }));
    call.on('end', () => setImmediate(done, { got }));
  });
}

async function unary() {
  const m = new grpc.Metadata();
  m.set('x-more', '+more');
  const r = await ended((f) => c.unary(Buffer.from('a word'), m, f));
  assert.equal(r.err, null);
  assert.equal(String(r.value), 'a word+more');
  assert.deepEqual(r.first.get('x-initial'), ['one']);
  assert.deepEqual(r.last.metadata.get('x-final'), ['two']);
  assert.deepEqual(r.last.metadata.get('x-raw-bin'),
    [Buffer.from([0, 1, 255])]);
  const big = Buffer.alloc(3000000, 'big ');
  assert((await ended((f) => c.unary(big, f))).value.equals(big));
}

async function streams() {
  const down = await all(c.down(Buffer.from('500')));
  assert.equal(down.err, undefined);
  down.got.forEach((d, i) => assert.equal(String(d),
    String(i).repeat(i + 1)));
  assert.equal(down.got.length, 500);
  let sum = 0;
  const up = await ended((f) => {
    const call = c.up(f);
    for (let i = 0; i < 300; i++) {
      call.write(Buffer.alloc(i * 10, 'x'));
      sum += i * 10;
    }
    call.end();
    return call;
  });
  assert.equal(String(up.value), String(sum));
  const call = c.both(), said = [];
  const heard = all(call);
  for (let i = 0; i < 200; i++) {
    said.push('message ' + i);
    call.write(Buffer.from(said[i]));
  }
  call.end();
  assert.deepEqual((await heard).got.map(String),
    said.map((x) => [...x].reverse().join('')));
}

async function errors() {
  const r = await ended((f) => c.fail(Buffer.from('x'), f));
  assert.equal(r.err.code, grpc.status.FAILED_PRECONDITION);
  assert.equal(r.err.details, 'no: äää');
  assert.deepEqual(r.err.metadata.get('x-why'), ['asked to']);
  const late = await all(c.forever(Buffer.from('x'),
    { deadline: Date.now() + 1500 }));
  assert.equal(late.err.code, grpc.status.DEADLINE_EXCEEDED);
  await ended((f) => c.was(Buffer.from('x'), f));
  const call = c.forever(Buffer.from('x'));
  call.once('data', () => call.cancel());
  assert.equal((await all(call)).err.code, grpc.status.CANCELLED);
  assert.equal(String((await ended((f) => c.was(Buffer.from('x'), f))).value),
    'yes');
}

async function main() {
  await unary();
  await streams();
  await errors();
  await Promise.all([...Array(100).keys()].map(async (i) => {
    const text = Buffer.alloc(100 * i, String(i));
    const r = await ended((f) => c.unary(text, f));
    assert(r.value.equals(text), 'call ' + i);
  }));
  c.close();
  console.log('all good');
}

main().catch((e) => { console.log(e); process.exit(1); });
