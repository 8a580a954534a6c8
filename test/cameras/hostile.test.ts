// Cameras that misbehave on purpose, seen as the pages see them: each becomes a clear state within its time, costs
// bounded memory, holds up nobody, and leaves no connection behind.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, test } from 'node:test';
import pino from 'pino';
import { createCameras } from '../../src/cameras/create-cameras.ts';
import { maxSampleBytes } from '../../src/cameras/driver.ts';
import { createCameraCatalogue } from '../helpers/camera-catalogue.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { startMjpegCamera } from '../helpers/mjpeg-camera.ts';
import { numberedJpeg } from '../helpers/push-driver.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const head = 'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n';
const answer = (status: string, fields: string) => `HTTP/1.1 ${status}\r\n${fields}Content-Length: 0\r\n\r\n`;
const part = (bytes: Uint8Array, length: number | string = bytes.length) =>
  Buffer.concat([
    Buffer.from(`--x\r\nContent-Type: image/jpeg\r\nContent-Length: ${length}\r\n\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);

/** Writes until the other side hangs up, as fast as it takes it. */
function flood(socket: Socket, chunk: Buffer): void {
  const write = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', write);
  write();
}

type Case = {
  readonly name: string;
  readonly answer: (socket: Socket, request: string) => void;
  readonly says: RegExp;
  /** Nothing of it ends by itself: it is told by the time that passes. */
  readonly isSlow?: boolean;
};

const stale = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", stale=true\r\n';
const whole = Buffer.from(numberedJpeg(1, 4000));

const cases: Case[] = [
  { name: 'accepts and says nothing', answer() {}, says: /^No picture came for 10 seconds\.$/, isSlow: true },
  {
    name: 'says one byte of its answer and no more',
    answer: (socket) => socket.write('H'),
    says: /^No picture came for 10 seconds\.$/,
    isSlow: true,
  },
  {
    name: 'begins a picture and never ends it',
    answer: (socket) => socket.write(Buffer.concat([Buffer.from(head), part(whole, 9_000_000)])),
    says: /^No picture came for 10 seconds\.$/,
    isSlow: true,
  },
  {
    name: 'sends headers without end',
    answer: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      flood(socket, Buffer.from('X-Filler: 0123456789\r\n'.repeat(2000)));
    },
    says: /headers without end/,
  },
  {
    name: 'sends parts without a boundary',
    answer: (socket) => {
      socket.write(head);
      flood(socket, Buffer.concat([whole, whole]));
    },
    says: /no delimiter|without end/,
  },
  {
    name: 'announces a picture of 200 MB',
    answer: (socket) => {
      socket.write(`${head}--x\r\nContent-Length: 209715200\r\n\r\n`);
      flood(socket, Buffer.alloc(65_536, 0x55));
    },
    says: /picture of more than 16 MB/,
  },
  {
    name: 'sends a picture of 200 MB',
    answer: (socket) => {
      socket.write(`${head}--x\r\n\r\n`);
      flood(socket, Buffer.concat([Buffer.of(0xff, 0xd8, 0xff), Buffer.alloc(65_536, 0x55)]));
    },
    says: /picture of more than 16 MB/,
  },
  {
    name: 'sends pictures that are cut off',
    answer: (socket) =>
      socket.write(
        Buffer.concat([
          Buffer.from(head),
          part(whole.subarray(0, 2000)),
          part(whole.subarray(0, 2000)),
          Buffer.from('--x\r\n'),
        ]),
      ),
    says: /no whole JPEG picture/,
  },
  {
    name: 'sends lengths that are wrong, and rubbish',
    answer: (socket) => {
      socket.write(head);
      for (const length of ['-1', '99', 'x', '0']) socket.write(part(Buffer.alloc(500, 0x41), length));
      socket.write('--x\r\n');
    },
    says: /no whole JPEG picture/,
  },
  {
    name: 'answers with a web page',
    answer: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Welcome</h1>'),
    says: /web page, not with a stream/,
  },
  {
    name: 'redirects to a file',
    answer: (socket) => socket.end(answer('302 Found', 'Location: file:///etc/passwd\r\n')),
    says: /redirects to a file: address/,
  },
  {
    name: 'redirects to the metadata service of a cloud',
    answer: (socket) => socket.end(answer('302 Found', 'Location: http://169.254.169.254/latest/\r\n')),
    says: /metadata service/,
  },
  {
    name: 'redirects for ever',
    answer: (socket) => socket.end(answer('302 Found', `Location: /${Math.random()}\r\n`)),
    says: /redirects again and again/,
  },
  {
    name: 'asks for the password for ever',
    answer: (socket) => socket.end(answer('401 Unauthorized', stale)),
    says: /refuses the user name or password/,
  },
  {
    name: 'writes control characters where people read',
    answer: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Type: a\u0007\u0009b\r\n\r\n'),
    says: /^The camera.*\.$/,
  },
];

async function setUp(url: string) {
  const clock = createFakeClock();
  const cameras = await createCameras({
    settings: {
      list: [
        { id: 'door', name: 'Door', driver: 'mjpeg', options: { url, user: 'anna', password: 'secret' } },
      ],
      lingerMs: 0,
    },
    ...{ clock, log: pino({ level: 'silent' }), catalogue: createCameraCatalogue(), random: () => 1 },
    dataFolder: await temporaryFolder(),
  });
  after(() => cameras.close());
  return { clock, cameras };
}

for (const { name, answer: behave, says, isSlow } of cases) {
  test(`a camera that ${name} is no signal, with the reason, in bounded memory`, async () => {
    const camera = await startMjpegCamera(behave);
    // Also where it failed: a server that listens keeps the process, and with it the whole run.
    after(() => camera.close());
    const { clock, cameras } = await setUp(camera.url);
    const before = process.memoryUsage().arrayBuffers;
    const viewing = cameras.watch('door', { onSample: () => assert.fail('a picture came'), onEnd() {} });
    if (isSlow) {
      await until(() => camera.requests.length === 1);
      await clock.advance(10_000);
    }
    await until(() => cameras.get('door')!.state === 'no-signal', { timeoutMs: 20_000 });
    const { message, stateSinceMs } = cameras.get('door')!;
    assert.match(message!, says);
    assert.doesNotMatch(message!, /secret|\p{Cc}/u);
    assert.ok(stateSinceMs <= clock.nowMs());
    await until(() => {
      Buffer.alloc(1_000_000); // so that there is something to collect
      return process.memoryUsage().arrayBuffers - before < 4 * maxSampleBytes;
    });
    viewing.close();
    await clock.advance(1000);
    await until(() => cameras.get('door')!.state === 'off' && camera.connections === 0);
    assert.equal(clock.sleepers, 0, 'nothing waits for it any more');
  });
}

test('a camera that sends pictures as fast as it can holds up nobody else', async () => {
  const camera = await startMjpegCamera((socket) => {
    socket.write(head);
    flood(socket, Buffer.concat(Array.from({ length: 50 }, () => part(whole))));
  });
  after(() => camera.close());
  const { cameras } = await setUp(camera.url);
  let pictures = 0;
  const viewing = cameras.watch('door', { onSample: () => (pictures += 1), onEnd() {} });
  let turns = 0;
  await until(
    () => {
      turns += 1;
      return pictures > 2000;
    },
    { timeoutMs: 20_000 },
  );
  assert.ok(turns > 3, 'other work had its turns in between');
  assert.equal(cameras.get('door')!.state, 'live');
  viewing.close();
});

test('a camera that comes back is live again, and one that goes leaves nothing behind, fifty times over', async () => {
  let round = 0;
  const camera = await startMjpegCamera((socket) => {
    round += 1;
    if (round % 3 === 0) return void socket.destroy();
    socket.write(Buffer.concat([Buffer.from(head), part(whole)]));
    if (round % 3 === 1) socket.end();
    else setImmediate(() => socket.destroy());
  });
  after(() => camera.close());
  const { clock, cameras } = await setUp(camera.url);
  let pictures = 0;
  const viewing = cameras.watch('door', { onSample: () => (pictures += 1), onEnd() {} });
  for (let times = 1; times <= 50; times += 1) {
    await until(() => round >= times && cameras.get('door')!.state === 'no-signal' && clock.sleepers === 1, {
      what: `round ${times}`,
    });
    await clock.advance(30_000);
  }
  assert.ok(pictures >= 16);
  assert.ok(cameras.figures()[0]!.restarts >= 50);
  viewing.close();
  await clock.advance(1000);
  await until(() => camera.connections === 0 && clock.sleepers === 0);
});
