// What reading costs the database: only the chunks of a range, each once for everybody, none that are kept here; and what
// goes on while it is away. Bytes are asked for over HTTP, as players do, by the kernel's way and by buffers.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { ftruncateSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, it, type TestContext, test } from 'node:test';
import { type CommandStartedEvent, GridFSBucket, MongoClient } from 'mongodb';
import type { BlobReader } from '../../src/blobs/blob-store.ts';
import { createGridFsBlobs, type GridFsBlobs } from '../../src/blobs/gridfs.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { isAppError } from '../../src/errors.ts';
import { sendRepresentation } from '../../src/http/send.ts';
import { createSendPool } from '../../src/http/send-pool.ts';
import { createId } from '../../src/ids.ts';
import { pattern, readAll } from '../contracts/blob-store.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { startMongo, testDatabase, withDatabase } from '../helpers/mongo/test-database.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const chunk = 1024 * 1024;
const log = { warn: () => {} };
const skip = (reason?: string) => void test('reading from GridFS', { skip: reason ?? true });
const opened = await testDatabase({ after: (fn: unknown) => after(fn as () => void), skip });
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A store, and the numbers of the chunks it asked for. */
async function openStore(
  t: TestContext,
  url: string,
  { maxBytes = 512 * chunk, clock = systemClock as Clock, selectionMs = 5000 } = {},
) {
  const client = new MongoClient(url, {
    writeConcern: { w: 'majority', journal: true },
    serverSelectionTimeoutMS: selectionMs,
    monitorCommands: true,
  });
  const asked: number[] = [];
  client.on('commandStarted', ({ commandName, command }: CommandStartedEvent) => {
    if (commandName === 'find' && command.find === 'blobs.chunks') asked.push(command.filter.n);
  });
  const cache = { folder: join(await temporaryFolder(), 'cache'), maxBytes };
  const store = await createGridFsBlobs({ db: client.db(), clock, log, cache });
  t.after(async () => {
    await store.close();
    await client.close();
  });
  return { store, client, asked };
}

async function seal(store: GridFsBlobs, bytes: Uint8Array): Promise<string> {
  const id = createId();
  const writer = await store.append(id);
  await writer.write(bytes);
  await writer.seal();
  return id;
}

/** Answers every GET with the blob, as the program does. `way`: the kernel's, where there is one, or buffers. */
async function serve(t: TestContext, reader: BlobReader, way: 'kernel' | 'buffers'): Promise<string> {
  const pool = createSendPool({ clock: systemClock, ...(way === 'buffers' ? { kernel: null } : {}) });
  const { sizeBytes } = reader;
  const server = createServer((request, response) => {
    const pieces = [{ kind: 'blob', reader, start: 0, end: sizeBytes } as const];
    const what = { contentType: 'video/mp4', etag: '"a"', lastModifiedMs: null, cacheControl: 'private' };
    const whole = { pieces, sizeBytes, ...what, contentDisposition: null };
    void sendRepresentation(request, response, whole, { maxPartialBytes: Number.POSITIVE_INFINITY, pool });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await reader.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function get(url: string, range: string | null = null): Promise<Uint8Array> {
  const answer = await fetch(url, range ? { headers: { range } } : {});
  return new Uint8Array(await answer.arrayBuffer());
}

const ways = ['kernel', 'buffers'] as const;
const caches = [
  ['with a cache', 512 * chunk],
  ['with a cache of one chunk', chunk],
  ['without a cache', 0],
] as const;

if (opened) {
  const { url } = opened;
  describe('A range of a blob in GridFS', () => {
    const bytes = pattern(6.5 * chunk, 3);
    for (const way of ways) {
      for (const [name, maxBytes] of caches) {
        it(`asks for the chunks it lies in and no other, ${name}, through ${way}`, async (t) => {
          const { store, asked } = await openStore(t, url, { maxBytes });
          const id = await seal(store, bytes);
          const site = await serve(t, await store.open(id), way);
          for (const [first, last, chunks] of [
            [0, 0, [0]],
            [chunk - 1, chunk, [0, 1]],
            [2 * chunk, 3 * chunk - 1, [2]],
            [3 * chunk + 5, 5 * chunk + 5, [3, 4, 5]],
            [6.5 * chunk - 10, 6.5 * chunk - 1, [6]],
          ] as const) {
            const from = asked.length;
            const found = await get(site, `bytes=${first}-${last}`);
            assert.equal(digest(found), digest(bytes.subarray(first, last + 1)), `${first}-${last}`);
            const now = [...new Set(asked.slice(from))].sort();
            const isFresh = maxBytes > chunk;
            // What an earlier range brought is not asked for again.
            const expected = isFresh ? chunks.filter((n) => !asked.slice(0, from).includes(n)) : chunks;
            assert.ok(
              now.every((n) => chunks.includes(n as never)),
              `${first}-${last} asked for ${now}`,
            );
            if (isFresh) assert.deepEqual(now, expected);
          }
          assert.equal(digest(await get(site)), digest(bytes));
        });
      }
    }

    it('that was read once is not asked for again, until its file is lost', async (t) => {
      const { store, asked } = await openStore(t, url);
      const id = await seal(store, bytes);
      const reader = await store.open(id);
      const site = await serve(t, reader, 'kernel');
      assert.equal(digest(await get(site)), digest(bytes));
      assert.deepEqual([...asked].sort(), [0, 1, 2, 3, 4, 5, 6]);
      for (let round = 0; round < 3; round += 1) assert.equal(digest(await get(site)), digest(bytes));
      assert.equal(asked.length, 7);
      const { hits, misses } = store.figures;
      assert.ok(misses === 7 && hits >= 7 && hits <= 30, `${hits} of them were there`);
      ftruncateSync(reader.fileRange!(0, 1)!.fd, 1000);
      assert.equal(digest(await get(site)), digest(bytes));
      assert.ok(asked.length > 7);
    });

    it('is fetched once when a hundred ask for it at once', async (t) => {
      for (const maxBytes of [512 * chunk, 0]) {
        const { store, asked } = await openStore(t, url, { maxBytes });
        const id = await seal(store, bytes);
        const site = await serve(t, await store.open(id), 'kernel');
        const found = await Promise.all(
          Array.from({ length: 100 }, () => get(site, `bytes=${chunk}-${chunk + 99_999}`)),
        );
        const wanted = digest(bytes.subarray(chunk, chunk + 100_000));
        assert.ok(found.every((part) => digest(part) === wanted));
        assert.deepEqual(asked, [1]);
        assert.equal(store.figures.misses, 1);
      }
    });

    it('is what a hundred readers at different places get from a cache that is far too small', async (t) => {
      const { store } = await openStore(t, url, { maxBytes: 3 * chunk });
      const id = await seal(store, bytes);
      const sites = await Promise.all(ways.map(async (way) => serve(t, await store.open(id), way)));
      await Promise.all(
        Array.from({ length: 100 }, async (_, i) => {
          const first = Math.floor((i * 6.3 * chunk) / 100);
          const found = await get(sites[i % 2]!, `bytes=${first}-${first + 199_999}`);
          assert.equal(digest(found), digest(bytes.subarray(first, first + 200_000)));
        }),
      );
      assert.ok(store.figures.bytes <= 3 * chunk);
    });

    it('is fetched two chunks ahead of who reads in order, never beyond what was asked for', async (t) => {
      const { store, asked } = await openStore(t, url);
      const reader = await store.open(await seal(store, bytes));
      await reader.approach!(0, bytes.length);
      await until(() => asked.length === 3);
      assert.deepEqual([...asked].sort(), [0, 1, 2]);
      await reader.approach!(2 * chunk, 4 * chunk);
      await until(() => asked.length === 4);
      assert.deepEqual([...asked].sort(), [0, 1, 2, 3]);
      await reader.close();
    });
  });

  it('The driver’s own stream reads what we wrote, and we read what it wrote', async (t) => {
    const { store, client } = await openStore(t, url);
    const bytes = pattern(2.3 * chunk, 9);
    const bucket = new GridFSBucket(client.db(), { bucketName: 'blobs' });
    const id = await seal(store, bytes);
    const parts: Buffer[] = [];
    for await (const part of bucket.openDownloadStream(id as never)) parts.push(part as Buffer);
    assert.equal(digest(Buffer.concat(parts)), digest(bytes));
    const theirs = createId();
    const upload = bucket.openUploadStreamWithId(theirs as never, 'film.mp4', { chunkSizeBytes: 255 * 1024 });
    upload.end(bytes);
    await once(upload, 'finish');
    const reader = await store.open(theirs);
    assert.equal(digest(await readAll(reader)), digest(bytes));
    const site = await serve(t, reader, 'kernel');
    assert.equal(digest(await get(site)), digest(bytes));
    assert.equal(digest(await get(site, 'bytes=700000-1500000')), digest(bytes.subarray(700_000, 1_500_001)));
  });

  it('A blob that another process removed is told as gone to who still reads it, after what is kept here', async (t) => {
    const { store } = await openStore(t, url);
    const other = await openStore(t, url);
    const bytes = pattern(5 * chunk);
    const id = await seal(store, bytes);
    const reader = await store.open(id);
    const into = new Uint8Array(1000);
    await reader.read(into, 0);
    await other.store.remove(id);
    assert.equal(await reader.read(into, 0), 1000);
    await assert.rejects(reader.read(into, 4 * chunk), (error) => isAppError(error, 'gone'));
    await reader.close();
  });

  it('A chunk that is shorter than it was is an error, never a short read', async (t) => {
    const { store, client } = await openStore(t, url);
    const id = await seal(store, pattern(3 * chunk));
    const rows = client.db().collection('blobs.chunks');
    await rows.updateOne({ files_id: id as never, n: 1 }, { $set: { data: Buffer.alloc(1000) } });
    const reader = await store.open(id);
    await assert.rejects(reader.read(new Uint8Array(3 * chunk), 0), (error) => isAppError(error, 'corrupt'));
    const site = await serve(t, reader, 'kernel');
    await assert.rejects(get(site));
  });
}

// Each has an engine of its own and mostly waits.
describe('While the database is away', { concurrency: true }, () => {
  it('what is kept here goes on, a running stream waits and is whole afterwards; others are told at once', async (t) => {
    const folder = await temporaryFolder();
    const engine = await startMongo(t, { folder });
    if (!engine) return;
    const { store } = await openStore(t, withDatabase(engine.url, 'kinora'), { selectionMs: 1500 });
    const bytes = pattern(20 * chunk, 5);
    const id = await seal(store, bytes);
    const reader = await store.open(id);
    const site = await serve(t, reader, 'kernel');
    await get(site, `bytes=0-${4 * chunk - 1}`);
    await engine.stop();
    const kept = await get(site, `bytes=100-${4 * chunk - 1}`);
    assert.equal(digest(kept), digest(bytes.subarray(100, 4 * chunk)));
    const running = get(site);
    const isAway = (error: unknown) => isAppError(error, 'unavailable');
    await Promise.all(
      [
        ...[store.open(id), store.append(createId()), store.put(createId(), bytes.subarray(0, 10))],
        reader.read(new Uint8Array(10), 10 * chunk),
      ].map((call) => assert.rejects(call as Promise<unknown>, isAway)),
    );
    const again = await startMongo(t, { folder, port: Number(new URL(engine.url).port) });
    assert.ok(again);
    assert.equal(digest(await running), digest(bytes));
    assert.equal(digest(await readAll(reader)), digest(bytes));
  });

  it('for longer than anybody waits, a running stream breaks off; a hundred who queue are told after one wait', async (t) => {
    const engine = await startMongo(t);
    if (!engine) return;
    const clock = createFakeClock();
    const { store } = await openStore(t, withDatabase(engine.url, 'kinora'), { clock, selectionMs: 1500 });
    const bytes = pattern(8 * chunk);
    const site = await serve(t, await store.open(await seal(store, bytes)), 'buffers');
    await get(site, `bytes=0-${2 * chunk - 1}`);
    const other = await openStore(t, withDatabase(engine.url, 'kinora'), { selectionMs: 1500, maxBytes: 0 });
    const ids = await Promise.all(Array.from({ length: 100 }, () => seal(other.store, pattern(10))));
    const readers = await Promise.all(ids.map((id) => other.store.open(id)));
    await engine.stop();
    const told = await Promise.allSettled(readers.map((reader) => reader.read(new Uint8Array(10), 0)));
    assert.ok(told.every((one) => one.status === 'rejected' && isAppError(one.reason, 'unavailable')));
    assert.ok(other.store.figures.misses <= 24, 'not one after the other');
    await Promise.all(readers.map((reader) => reader.close()));
    const answer = await fetch(site);
    assert.equal(answer.headers.get('content-length'), String(bytes.length));
    let isOver = false;
    const reading = answer.arrayBuffer().finally(() => {
      isOver = true;
    });
    reading.catch(() => {});
    await until(
      async () => {
        await clock.advance(2000);
        return isOver;
      },
      { timeoutMs: 60_000 },
    );
    await assert.rejects(reading);
    assert.ok(clock.monotonicMs() >= 50_000, 'it waited a while');
  });
});
