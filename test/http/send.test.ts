// Answers over real sockets: what arrives, what stays usable after, and what happens when either side fails. All of
// it twice: with the kernel carrying the bytes (where this machine can) and with buffers.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, truncate } from 'node:fs/promises';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BlobReader } from '../../src/blobs/blob-store.ts';
import { openReader } from '../../src/blobs/disk-reader.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { loadKernelSend } from '../../src/http/kernel-send.ts';
import type { Representation } from '../../src/http/representation.ts';
import { type SendResult, sendRepresentation } from '../../src/http/send.ts';
import { createSendPool, type SendPool } from '../../src/http/send-pool.ts';
import { until } from '../helpers/until.ts';

const sizeBytes = 5_000_003;
const bytes = randomBytes(sizeBytes);
const head = randomBytes(70_001);
let folder = '';
let reader: BlobReader;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kinora-send-'));
  reader = await readerOf('blob', bytes);
});
after(async () => {
  await reader.close();
  await rm(folder, { recursive: true });
});

async function readerOf(name: string, content: Uint8Array): Promise<BlobReader> {
  const path = join(folder, name);
  const handle = await open(path, 'w');
  await handle.write(content);
  await handle.close();
  const opened = await openReader(path);
  assert.ok(opened);
  return opened;
}

function representationOf(pieces: Representation['pieces']): Representation {
  const total = pieces.reduce((sum, p) => sum + (p.kind === 'bytes' ? p.bytes.length : p.end - p.start), 0);
  return {
    pieces,
    sizeBytes: total,
    contentType: 'video/mp4',
    etag: '"v1"',
    lastModifiedMs: Date.UTC(2026, 0, 1),
    cacheControl: 'private, max-age=0',
    contentDisposition: null,
  };
}

type Host = {
  server: Server;
  port: number;
  results: SendResult[];
  answering: () => number;
  close(): Promise<void>;
};

async function host(
  representation: Representation,
  pool: SendPool,
  clock: Clock = systemClock,
): Promise<Host> {
  const results: SendResult[] = [];
  let answering = 0;
  const server = createServer(async (incoming: IncomingMessage, response: ServerResponse) => {
    answering += 1;
    results.push(
      await sendRepresentation(incoming, response, representation, {
        maxPartialBytes: Infinity,
        pool,
        clock,
      }),
    );
    answering -= 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    results,
    answering: () => answering,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Answer = { status: number; headers: IncomingMessage['headers']; body: Buffer; socket: Socket };

function get(
  port: number,
  headers: Record<string, string> = {},
  options: { agent?: Agent; method?: string } = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, headers, ...options }, (response) => {
      const chunks: Buffer[] = [];
      const { socket } = response;
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          socket,
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** A client that asks and does not read. */
async function stalledClient(port: number, text = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.pause();
  socket.write(text);
  return socket;
}

/** Monotonic time that moves only when told; sleeps end as it passes them. */
function heldClock(): Clock & { advance(ms: number): Promise<void> } {
  let nowMs = 0;
  let sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    nowMs: () => Date.UTC(2026, 5, 1) + nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms) => new Promise((wake) => sleepers.push({ atMs: nowMs + ms, wake })),
    async advance(ms) {
      nowMs += ms;
      const due = sleepers.filter(({ atMs }) => atMs <= nowMs);
      sleepers = sleepers.filter(({ atMs }) => atMs > nowMs);
      for (const { wake } of due) wake();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const kernel = loadKernelSend();
if (!kernel)
  console.log('the kernel cannot carry files to sockets here: only the way through buffers is tested');

for (const [way, how] of [
  ['the kernel', kernel],
  ['buffers', null],
] as const) {
  if (way === 'the kernel' && !how) continue;
  const poolOf = (clock = systemClock) => createSendPool({ clock, kernel: how });

  describe(`sending through ${way}`, () => {
    test('whole, in ranges and in several ranges, the bytes are the right ones', async () => {
      const whole = Buffer.concat([head, bytes.subarray(11, 4_000_000), head.subarray(0, 5)]);
      const pool = poolOf();
      const target = await host(
        representationOf([
          { kind: 'bytes', bytes: head },
          { kind: 'blob', reader, start: 11, end: 4_000_000 },
          { kind: 'bytes', bytes: head.subarray(0, 5) },
        ]),
        pool,
      );
      const all = await get(target.port);
      assert.equal(all.status, 200);
      assert.ok(all.body.equals(whole));
      for (const [start, end] of [
        [0, 1],
        [70_000, 70_002],
        [69_990, 2_000_000],
        [whole.length - 6, whole.length],
        [80_000, 80_100],
        [1, whole.length],
      ] as const) {
        const part = await get(target.port, { range: `bytes=${start}-${end - 1}` });
        assert.equal(part.status, 206);
        assert.equal(part.headers['content-range'], `bytes ${start}-${end - 1}/${whole.length}`);
        assert.ok(part.body.equals(whole.subarray(start, end)), `${start} to ${end}`);
      }
      const many = await get(target.port, { range: 'bytes=5-9,1000000-3000000,-7' });
      const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(
        many.headers['content-type'] ?? '',
      )?.[1];
      const part = (start: number, end: number) => [
        Buffer.from(
          `--${boundary}\r\nContent-Type: video/mp4\r\nContent-Range: bytes ${start}-${end - 1}/${whole.length}\r\n\r\n`,
        ),
        whole.subarray(start, end),
        Buffer.from('\r\n'),
      ];
      const expected = Buffer.concat([
        ...part(5, 10),
        ...part(1_000_000, 3_000_001),
        ...part(whole.length - 7, whole.length),
        Buffer.from(`--${boundary}--\r\n`),
      ]);
      assert.ok(many.body.equals(expected));
      const answer = await get(target.port, {}, { method: 'HEAD' });
      assert.equal(answer.headers['content-length'], String(whole.length));
      assert.equal(answer.body.length, 0);
      await until(() => target.answering() === 0);
      assert.ok(target.results.every(({ completed }) => completed));
      assert.equal(target.results[0]?.bytesSent, whole.length);
      assert.equal(pool.usedBytes, 0);
      await target.close();
    });

    test('a connection goes on after each kind of answer', async () => {
      const target = await host(
        representationOf([{ kind: 'blob', reader, start: 0, end: sizeBytes }]),
        poolOf(),
      );
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const sockets = new Set<Socket>();
      const table: [Record<string, string>, number, number][] = [
        [{ range: 'bytes=1-2000000' }, 206, 2_000_000],
        [{ 'if-none-match': '"v1"' }, 304, 0],
        [{ range: 'bytes=5000003-' }, 416, 0],
        [{ 'if-match': '"v2"' }, 412, 0],
        [{}, 200, sizeBytes],
        [{ range: 'bytes=-1' }, 206, 1],
      ];
      for (const [headers, status, length] of table) {
        const answer = await get(target.port, headers, { agent });
        assert.equal(answer.status, status);
        assert.equal(answer.body.length, length);
        sockets.add(answer.socket);
      }
      assert.equal(sockets.size, 1);
      agent.destroy();
      await target.close();
    });

    test('pipelined requests are answered in order', async () => {
      const target = await host(
        representationOf([{ kind: 'blob', reader, start: 0, end: sizeBytes }]),
        poolOf(),
      );
      const ranges = [
        [0, 3_000_000],
        [7, 8],
        [1_000_000, 4_000_000],
        [4, 90_000],
      ] as const;
      const socket = connect({ port: target.port, host: '127.0.0.1' });
      socket.write(
        ranges
          .map(([s, e], i) => {
            const last = i === ranges.length - 1 ? 'Connection: close\r\n' : '';
            return `GET / HTTP/1.1\r\nHost: x\r\n${last}Range: bytes=${s}-${e - 1}\r\n\r\n`;
          })
          .join(''),
      );
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      let rest = Buffer.concat(chunks);
      for (const [start, end] of ranges) {
        const headEnd = rest.indexOf('\r\n\r\n') + 4;
        assert.match(
          rest.subarray(0, headEnd).toString('latin1'),
          new RegExp(`Content-Range: bytes ${start}-${end - 1}/`),
        );
        assert.ok(rest.subarray(headEnd, headEnd + end - start).equals(bytes.subarray(start, end)));
        rest = rest.subarray(headEnd + end - start);
      }
      assert.equal(rest.length, 0);
      await target.close();
    });

    test('a client that leaves in the middle frees everything and closes no shared reader', async () => {
      const pool = poolOf();
      const big = representationOf(
        Array.from({ length: 60 }, () => ({ kind: 'blob' as const, reader, start: 0, end: sizeBytes })),
      );
      const target = await host(big, pool);
      const clients = await Promise.all(Array.from({ length: 5 }, () => stalledClient(target.port)));
      await until(() => target.answering() === 5 && pool.usedBytes > 0);
      for (const client of clients) client.destroy();
      await until(() => target.answering() === 0);
      assert.equal(target.results.filter(({ completed }) => completed).length, 0);
      assert.equal(pool.usedBytes, 0);
      assert.equal((await get(target.port, { range: 'bytes=0-9' })).body.length, 10);
      await target.close();
    });

    test('bytes that cannot be read break the connection, so no short body looks whole', async () => {
      const cut = await readerOf('cut', bytes);
      await truncate(join(folder, 'cut'), 2_000_000);
      const target = await host(
        representationOf([{ kind: 'blob', reader: cut, start: 0, end: sizeBytes }]),
        poolOf(),
      );
      await assert.rejects(get(target.port), { code: 'ECONNRESET' });
      const failing: BlobReader = {
        sizeBytes,
        modifiedAtMs: 0,
        read: (into, at) =>
          at < 1_500_000 ? reader.read(into, at) : Promise.reject(new Error('a bad disk')),
        close: async () => {},
      };
      const worse = await host(
        representationOf([{ kind: 'blob', reader: failing, start: 0, end: sizeBytes }]),
        poolOf(),
      );
      await assert.rejects(get(worse.port), { code: 'ECONNRESET' });
      await until(() => worse.answering() === 0 && target.answering() === 0);
      assert.equal(worse.results[0]?.completed, false);
      assert.equal(target.results[0]?.completed, false);
      await cut.close();
      await worse.close();
      await target.close();
    });

    test('a client that takes nothing for the stall time is closed, one that reads is not', async () => {
      const clock = heldClock();
      const pool = createSendPool({ clock, kernel: how, stallMs: 60_000 });
      const big = representationOf(
        Array.from({ length: 60 }, () => ({ kind: 'blob' as const, reader, start: 0, end: sizeBytes })),
      );
      const target = await host(big, pool, clock);
      const stalled = await stalledClient(target.port);
      await until(() => pool.usedBytes > 0);
      const reading = await stalledClient(target.port);
      await until(() => target.answering() === 2);
      let isOver = false;
      stalled.once('close', () => {
        isOver = true;
      });
      let received = 0;
      for (let quarter = 0; quarter < 6; quarter++) {
        assert.equal(target.answering(), quarter < 5 ? 2 : 1, `after ${quarter} looks`);
        // The reading client takes some megabytes between two looks.
        const goal = received + 4_000_000;
        await new Promise<void>((resolve) => {
          const onData = (chunk: Buffer) => {
            received += chunk.length;
            if (received < goal) return;
            reading.off('data', onData);
            reading.pause();
            resolve();
          };
          reading.on('data', onData);
          reading.resume();
        });
        await clock.advance(15_000);
        if (quarter === 4) await until(() => target.answering() === 1);
      }
      stalled.resume();
      await until(() => isOver);
      reading.destroy();
      await until(() => target.answering() === 0);
      assert.equal(pool.usedBytes, 0);
      await target.close();
    });

    test('60 clients that never read hold little, and others are served beside them', async () => {
      const pool = poolOf();
      const big = representationOf(
        Array.from({ length: 60 }, () => ({ kind: 'blob' as const, reader, start: 0, end: sizeBytes })),
      );
      const target = await host(big, pool);
      const clients = await Promise.all(Array.from({ length: 60 }, () => stalledClient(target.port)));
      await until(() => target.answering() === 60, { timeoutMs: 20_000 });
      const part = await get(target.port, { range: 'bytes=0-3999999' });
      assert.ok(part.body.equals(bytes.subarray(0, 4_000_000)));
      // With the kernel 4 KiB each; else the budget, and the smallest buffer, twice, for each beyond it.
      const limit = how ? 60 * 4096 : 16 * 1024 * 1024 + 60 * 2 * 16 * 1024;
      assert.ok(pool.usedBytes <= limit, `${pool.usedBytes} bytes are out`);
      for (const client of clients) client.destroy();
      await until(() => target.answering() === 0, { timeoutMs: 20_000 });
      assert.equal(pool.usedBytes, 0);
      await target.close();
    });
  });
}

test('an abort breaks the answer off', async () => {
  const abort = new AbortController();
  const pool = createSendPool({ clock: systemClock });
  const results: SendResult[] = [];
  const big = representationOf(
    Array.from({ length: 60 }, () => ({ kind: 'blob' as const, reader, start: 0, end: sizeBytes })),
  );
  const server = createServer(async (incoming, response) => {
    const options = { maxPartialBytes: Infinity, signal: abort.signal, pool };
    results.push(await sendRepresentation(incoming, response, big, options));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = await stalledClient((server.address() as AddressInfo).port);
  await until(() => pool.usedBytes > 0);
  abort.abort();
  await until(() => results.length === 1);
  assert.equal(results[0]?.completed, false);
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});
