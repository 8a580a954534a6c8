// The mjpeg driver against cameras as they are and cameras that misbehave on purpose: each gives its pictures or one
// clear sentence, in bounded memory.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { maxSampleBytes } from '../../src/cameras/driver.ts';
import { parseCameraUrl } from '../../src/cameras/drivers/camera-url.ts';
import { samples } from '../../src/cameras/drivers/mjpeg.ts';
import { createPictureParser } from '../../src/cameras/drivers/picture-parser.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { startMjpegCamera } from '../helpers/mjpeg-camera.ts';
import { multipart, ok, type PartStyle, part, watchMjpeg } from '../helpers/mjpeg-parts.ts';
import { numberedJpeg, numberIn } from '../helpers/push-driver.ts';

const exact = (bytes: number) => String(bytes);
const [first, second, third] = [1, 2, 3];

const styles: [string, string, PartStyle][] = [
  ['with lengths', multipart('x'), { delimiter: '--x', length: exact }],
  ['without lengths', multipart('x'), { delimiter: '--x' }],
  ['with a quoted boundary', multipart('"a b"'), { delimiter: '--a b', length: exact }],
  ['that declares its boundary with the dashes', multipart('--x'), { delimiter: '--x', length: exact }],
  ['that declares dashes and writes two more', multipart('--x'), { delimiter: '----x' }],
  ['that writes its boundary without dashes', multipart('x'), { delimiter: 'x' }],
  ['that declares another boundary', multipart('other'), { delimiter: '--x' }],
  ['that declares none', ok('multipart/x-mixed-replace'), { delimiter: '--x', length: exact }],
  [
    'whose lengths are too short',
    multipart('x'),
    { delimiter: '--x', length: (bytes) => String(bytes - 100) },
  ],
  [
    'whose lengths are too long',
    multipart('x'),
    { delimiter: '--x', length: (bytes) => String(bytes + 100) },
  ],
  ['whose lengths are zero', multipart('x'), { delimiter: '--x', length: () => '0' }],
  ['whose lengths are negative', multipart('x'), { delimiter: '--x', length: () => '-1' }],
  ['with bare line feeds', multipart('x'), { delimiter: '--x', length: exact, lineEnd: '\n' }],
];

for (const [name, head, style] of styles) {
  test(`a camera ${name} is understood`, async () => {
    const { numbers, message } = await watchMjpeg((socket) => {
      for (const piece of [
        Buffer.from(head),
        ...[first, second, third].map((number) => part(number, style)),
      ]) {
        socket.write(piece);
      }
      socket.end(`${style.delimiter}\r\n`);
    });
    assert.deepEqual(numbers, [1, 2, 3]);
    assert.equal(message, 'The camera ended the stream.');
  });
}

test('a picture is there as soon as its announced length is, before the next delimiter', async () => {
  const camera = await startMjpegCamera((socket) => {
    const whole = part(1, { delimiter: '--x', length: exact });
    socket.write(Buffer.concat([Buffer.from(multipart('x')), whole.subarray(0, -2)]));
  });
  const controller = new AbortController();
  const running = samples({ url: camera.url }, { signal: controller.signal, clock: createFakeClock() });
  assert.equal(numberIn((await running.next()).value as Uint8Array), 1);
  controller.abort();
  assert.equal((await running.next()).done, true);
  await camera.close();
});

test('however the bytes are cut, the pictures are the same', () => {
  const styleOf = fc.constantFrom(...styles.map(([, , style]) => style));
  fc.assert(
    fc.property(
      styleOf,
      fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 60 }),
      (style, cuts) => {
        const stream = Buffer.concat([
          ...[1, 2, 3].map((number) => part(number, style)),
          Buffer.from(style.delimiter),
        ]);
        const parser = createPictureParser('x');
        const numbers: number[] = [];
        for (let at = 0, cut = 0; at < stream.length; cut += 1) {
          const end = at + cuts[cut % cuts.length]!;
          for (const picture of parser.push(stream.subarray(at, end))) numbers.push(numberIn(picture));
          at = end;
        }
        assert.deepEqual(numbers, [1, 2, 3]);
      },
    ),
    { numRuns: 500 },
  );
});

test('any bytes at all end in pictures or in a sentence', () => {
  const piece = fc.oneof(
    fc
      .constantFrom(
        '--x\r\n',
        '\r\n',
        '\r\n\r\n',
        'Content-Length: 7\r\n',
        'Content-Length: 999999999999\r\n',
        '--',
        '\xff\xd8\xff',
        '\xff\xd9',
      )
      .map((text) => Buffer.from(text, 'latin1')),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const parser = createPictureParser('x', 2000);
      try {
        for (const bytes of pieces)
          for (const picture of parser.push(bytes)) assert.ok(picture.length <= 2000 + 256);
      } catch (error) {
        assert.match((error as Error).message, /^The camera.*\.$/);
      }
    }),
    { numRuns: 2000 },
  );
});

const refusals: [string, (socket: Socket) => void, RegExp][] = [
  ['answers with a web page', (socket) => socket.end(`${ok('text/html; charset=utf-8')}<html>`), /web page/],
  ['answers with one picture', (socket) => socket.end(ok('image/jpeg')), /image\/jpeg, not with a stream/],
  ['declares nothing', (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nhello'), /nothing declared/],
  [
    'asks for a log-in that it is not given',
    (socket) => socket.end('HTTP/1.1 401 No\r\nConnection: close\r\n\r\n'),
    /asks for a user name and a password/,
  ],
  [
    'forbids it',
    (socket) => socket.end('HTTP/1.1 403 No\r\nConnection: close\r\n\r\n'),
    /user name or password/,
  ],
  ['has no such page', (socket) => socket.end('HTTP/1.1 404 No\r\nConnection: close\r\n\r\n'), /status 404/],
  ['is no HTTP server', (socket) => socket.end('220 welcome to ftp\r\n'), /not HTTP/],
  ['hangs up', (socket) => socket.destroy(), /closed the connection|cannot be reached/],
  [
    'hangs up in the middle of a picture',
    (socket) => {
      socket.write(`${multipart('x')}--x\r\nContent-Length: 5000\r\n\r\n`);
      socket.end(numberedJpeg(1, 1000));
    },
    /ended the stream|connection to the camera broke/,
  ],
  [
    'sends response headers without end',
    (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n', 'X-Filler: 0123456789\r\n'),
    /headers without end/,
  ],
  [
    'sends part headers without end',
    (socket) => flood(socket, `${multipart('x')}--x\r\n`, 'X-Filler: 0123456789\r\n'),
    /headers without end/,
  ],
  ['sends one line without end', (socket) => flood(socket, multipart('x'), '0123456789'), /no delimiter/],
  [
    'sends lines without a delimiter',
    (socket) => flood(socket, multipart('x'), 'hello, camera here\r\n'),
    /no delimiter/,
  ],
  [
    'announces a picture of 200 MB',
    (socket) => flood(socket, `${multipart('x')}--x\r\nContent-Length: 200000000\r\n\r\n`, 'x'),
    /more than 16 MB/,
  ],
  [
    'sends a picture of 200 MB unannounced',
    (socket) => flood(socket, `${multipart('x')}--x\r\n\r\n\xff\xd8\xff`, 'x'),
    /more than 16 MB/,
  ],
  ['redirects to a file', (socket) => redirect(socket, 'file:///etc/passwd'), /redirects to a file: address/],
  [
    'redirects to the metadata service',
    (socket) => redirect(socket, 'http://169.254.169.254/latest/meta-data/'),
    /metadata service/,
  ],
  [
    'redirects there in hexadecimal',
    (socket) => redirect(socket, 'http://0xa9fea9fe/latest/'),
    /metadata service/,
  ],
  [
    'redirects there as IPv6',
    (socket) => redirect(socket, 'http://[::ffff:169.254.169.254]/latest/'),
    /metadata service/,
  ],
  [
    'redirects to the metadata service of IPv6',
    (socket) => redirect(socket, 'http://[fd00:ec2::254]/latest/'),
    /metadata service/,
  ],
  [
    'redirects to a link-local address',
    (socket) => redirect(socket, 'http://169.254.3.4/'),
    /redirects to a link-local address/,
  ],
  ['redirects to data', (socket) => redirect(socket, 'data:image/jpeg,x'), /redirects to a data: address/],
  ['redirects in circles', (socket) => redirect(socket, '/video'), /again and again/],
  ['redirects nowhere', (socket) => redirect(socket, 'http://'), /no address/],
];

for (const [name, answer, says] of refusals) {
  test(`a camera that ${name} is told apart in one sentence`, async () => {
    const before = process.memoryUsage().arrayBuffers;
    const { numbers, message } = await watchMjpeg(answer);
    assert.match(message, says);
    assert.match(message, /^The .{5,200}\.$/);
    assert.deepEqual(numbers, []);
    // The largest picture, the doubling of the buffer that holds it, and what is on its way in sockets.
    assert.ok(process.memoryUsage().arrayBuffers - before < 4 * maxSampleBytes);
  });
}

const asksForLogIn =
  'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="cam"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

test('a redirect to another camera is followed, without the password', async () => {
  const target = await startMjpegCamera((socket) => {
    socket.write(multipart('x'));
    socket.end(part(1, { delimiter: '--x', length: exact }));
  });
  const { numbers } = await watchMjpeg(
    (socket, head) => {
      if (/^authorization:/im.test(head)) redirect(socket, target.url);
      else socket.end(asksForLogIn);
    },
    {
      user: 'anna',
      password: 'secret',
    },
  );
  assert.deepEqual(numbers, [1]);
  assert.doesNotMatch(target.requests[0]!, /authorization/i);
  await target.close();
});

test('a camera that accepts and says nothing is let go when the signal aborts', async () => {
  const controller = new AbortController();
  const camera = await startMjpegCamera(() => controller.abort());
  const running = samples({ url: camera.url }, { signal: controller.signal, clock: createFakeClock() });
  assert.equal((await running.next()).done, true);
  await camera.close();
});

test('an address is http or https, and its log-in does not stay in it', () => {
  for (const text of [
    'file:///etc/passwd',
    'ftp://cam/',
    'javascript:1',
    'gopher://cam',
    'cam.local/video',
    '',
  ]) {
    assert.throws(() => parseCameraUrl(text), { kind: 'bad-request' }, text);
  }
  const { url, user, password } = parseCameraUrl('http://anna:s%40fe@cam.local/v');
  assert.deepEqual([url.href, user, password], ['http://cam.local/v', 'anna', 's@fe']);
});

function redirect(socket: Socket, location: string): void {
  socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
}

/** Writes `start`, then `again` until the other side hangs up. */
function flood(socket: Socket, start: string, again: string): void {
  const chunk = Buffer.from(again.repeat(Math.ceil(65_536 / again.length)), 'latin1');
  const write = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.write(Buffer.from(start, 'latin1'));
  socket.on('drain', write);
  write();
}
