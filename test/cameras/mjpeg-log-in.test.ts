// Logging in to an HTTP camera: basic and digest as the RFCs have them, and cameras that ask without end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerChallenge } from '../../src/cameras/drivers/http-log-in.ts';
import { samples } from '../../src/cameras/drivers/mjpeg.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { startMjpegCamera } from '../helpers/mjpeg-camera.ts';
import { multipart, part, watchMjpeg } from '../helpers/mjpeg-parts.ts';
import { numberIn } from '../helpers/push-driver.ts';

const exact = (bytes: number) => String(bytes);

const challenge = (fields: string) =>
  `HTTP/1.1 401 Unauthorized\r\n${fields}Content-Length: 0\r\nConnection: close\r\n\r\n`;

/** Asks for a log-in first, then sends one picture to whoever shows any. */
const guarded = (fields: string) => (socket: Socket, head: string) => {
  if (!/^authorization:/im.test(head)) return void socket.end(challenge(fields));
  socket.write(multipart('x'));
  socket.end(part(1, { delimiter: '--x', length: exact }));
};
const basic = 'WWW-Authenticate: Basic realm="cam"\r\n';

for (const [name, fields] of [
  ['asks for basic credentials', basic],
  ['asks without saying how', ''],
] as const) {
  test(`a camera that ${name} gets them, from the address or from the options, once it has asked`, async () => {
    const expected = `Basic ${Buffer.from('anna:p:ss wört').toString('base64')}`;
    const own = await watchMjpeg(guarded(fields), { user: 'anna', password: 'p:ss wört' });
    assert.doesNotMatch(own.requests[0]!, /authorization/i);
    assert.ok(own.requests[1]!.includes(expected));
    assert.deepEqual(own.numbers, [1]);
    const camera = await startMjpegCamera(guarded(fields));
    const url = camera.url.replace('://', '://anna:p%3Ass%20w%C3%B6rt@');
    const context = { signal: new AbortController().signal, clock: createFakeClock() };
    assert.equal(numberIn((await samples({ url }, context).next()).value as Uint8Array), 1);
    assert.ok(camera.requests[1]!.includes(expected));
    await camera.close();
  });
}

test('the digest answers are those of RFC 7616 §3.9.1, the better hash first', () => {
  const common =
    'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const logIn = { user: 'Mufasa', password: 'Circle of Life' };
  const nonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
  const answer = (header: string) => answerChallenge(header, logIn, '/dir/index.html', nonce);
  const md5 = answer(`Digest ${common}, algorithm=MD5`);
  assert.match(md5!, /response="8ca523f5e9506fed4657c9700eebdbec"/);
  const both = answer(`Digest ${common}, algorithm=MD5, Digest ${common}, algorithm=SHA-256`);
  assert.match(both!, /response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"/);
  assert.match(both!, /algorithm=SHA-256, .*opaque="FQhe[^"]+", qop=auth, nc=00000001/);
});

test('a digest of before qop, a hashed user name, and one no header can hold are understood', () => {
  const logIn = { user: 'Müller', password: 'x' };
  const old = answerChallenge('Digest realm="r", nonce="n"', { user: 'a', password: 'b' }, '/v');
  const hash = (text: string) => createHash('md5').update(text).digest('hex');
  assert.ok(old!.includes(`response="${hash(`${hash('a:r:b')}:n:${hash('GET:/v')}`)}"`));
  assert.doesNotMatch(old!, /qop|cnonce/);
  assert.match(
    answerChallenge('Digest realm="r", nonce="n"', logIn, '/v')!,
    /username\*=UTF-8''M%C3%BCller,/,
  );
  const hashed = answerChallenge('Digest realm="r", nonce="n", userhash=true', logIn, '/v');
  assert.ok(hashed!.includes(`username="${hash('Müller:r')}"`));
  assert.equal(answerChallenge('Negotiate', logIn, '/v'), null);
  assert.equal(answerChallenge('Digest realm="r", nonce="n", qop="auth-int"', logIn, '/v'), null);
});

test('a camera with digest gets no basic credentials and takes the answer', async () => {
  const asked =
    'WWW-Authenticate: Basic realm="cam"\r\nWWW-Authenticate: Digest realm="cam", nonce="abc", qop="auth"\r\n';
  const { numbers, requests } = await watchMjpeg(guarded(asked), { username: 'anna', password: 'secret' });
  assert.deepEqual(numbers, [1]);
  const hash = (text: string) => createHash('md5').update(text).digest('hex');
  const cnonce = /cnonce="([^"]+)"/.exec(requests[1]!)![1];
  const right = hash(`${hash('anna:cam:secret')}:abc:00000001:${cnonce}:auth:${hash('GET:/video')}`);
  assert.ok(requests[1]!.includes(`response="${right}"`));
  assert.doesNotMatch(requests.join(''), /Basic/);
});

test('a nonce that was too old is answered once more; a camera that asks without end is not', async () => {
  const stale = 'WWW-Authenticate: Digest realm="cam", nonce="abc", stale=true\r\n';
  let asked = 0;
  const patient = await watchMjpeg(
    (socket, head) => (++asked < 3 ? void socket.end(challenge(stale)) : guarded('')(socket, head)),
    { user: 'anna', password: 'x' },
  );
  assert.deepEqual(patient.numbers, [1]);
  const endless = await watchMjpeg((socket) => socket.end(challenge(stale)), { user: 'anna', password: 'x' });
  assert.equal(endless.requests.length, 3);
  assert.equal(endless.message, 'The camera refuses the user name or password.');
});

for (const scheme of ['Basic', 'Digest nonce="n", qop="auth",']) {
  test(`a wrong password (${scheme.split(' ')[0]}) is said, and tried once`, async () => {
    const fields = `WWW-Authenticate: ${scheme} realm="cam"\r\n`;
    const wrong = await watchMjpeg((socket) => socket.end(challenge(fields)), {
      user: 'anna',
      password: 'no',
    });
    assert.equal(wrong.message, 'The camera refuses the user name or password.');
    assert.equal(wrong.requests.length, 2);
  });
}

test('any challenge at all ends in an answer without line ends, or in none', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'Digest ',
      'Basic ',
      'realm="',
      '"',
      ',',
      '=',
      'nonce=',
      'qop="auth"',
      '\\',
      'algorithm=SHA-256',
    ),
    fc.string({ maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const answer = answerChallenge(pieces.join(''), { user: 'a"b', password: 'c' }, '/v');
      assert.ok(answer === null || /^(Basic|Digest) /.test(answer));
    }),
    { numRuns: 1000 },
  );
});
