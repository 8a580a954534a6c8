// What every blob store must do. Run by each adapter's own test file with a way to make a store, and to open what it
// left a second time.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { BlobEntry, BlobReader, BlobStore } from '../../src/blobs/blob-store.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';

export type BlobStoreUnderTest = {
  store: BlobStore;
  /** Closes the store and opens the same bytes anew, as a restart does. */
  reopen(): Promise<BlobStore>;
  /** Removes everything. */
  dispose(): Promise<void>;
};

/** Bytes that differ at every position and for every seed. */
export function pattern(sizeBytes: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export async function readAll(reader: BlobReader): Promise<Uint8Array> {
  const bytes = new Uint8Array(reader.sizeBytes);
  assert.equal(await reader.read(bytes, 0), bytes.length);
  return bytes;
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export function blobStoreContract(name: string, make: () => Promise<BlobStoreUnderTest>): void {
  describe(`${name} keeps the blob store's contract`, () => {
    let test: BlobStoreUnderTest;
    let store: BlobStore;
    before(async () => {
      test = await make();
      store = test.store;
    });
    after(async () => {
      await store.close();
      await test.dispose();
    });

    async function listed(id: string): Promise<BlobEntry[]> {
      const found: BlobEntry[] = [];
      for await (const entry of store.list()) if (entry.id === id) found.push(entry);
      return found;
    }

    async function sealed(bytes: Uint8Array): Promise<string> {
      const id = createId();
      const writer = await store.append(id);
      await writer.write(bytes);
      await writer.seal();
      return id;
    }

    for (const pieceBytes of [1, 1000, 65_536, 262_143, 262_144, 700_001]) {
      it(`gives back what was written in pieces of ${pieceBytes} bytes`, async () => {
        const bytes = pattern(pieceBytes === 1 ? 5000 : 2_500_000, pieceBytes);
        const id = createId();
        const writer = await store.append(id);
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          const piece = bytes.slice(at, at + pieceBytes);
          await writer.write(piece);
          piece.fill(0); // the caller may use it again
          assert.equal(writer.sizeBytes, Math.min(bytes.length, at + pieceBytes));
        }
        await writer.seal();
        const reader = await store.open(id);
        assert.equal(digest(await readAll(reader)), digest(bytes));
        await reader.close();
      });
    }

    it('stores an empty blob', async () => {
      const reader = await store.open(await sealed(new Uint8Array(0)));
      assert.equal(reader.sizeBytes, 0);
      assert.equal(await reader.read(new Uint8Array(10), 0), 0);
      await reader.close();
    });

    it('reads at any place, less than asked for only at the end', async () => {
      const bytes = pattern(100_000);
      const reader = await store.open(await sealed(bytes));
      for (const [position, length, expected] of [
        [0, 1, 1],
        [99_999, 1, 1],
        [50_000, 1000, 1000],
        [99_990, 100, 10],
        [100_000, 5, 0],
        [1e12, 5, 0],
      ] as const) {
        const into = new Uint8Array(length);
        assert.equal(await reader.read(into, position), expected);
        assert.deepEqual(into.subarray(0, expected), bytes.subarray(position, position + expected));
      }
      await assert.rejects(reader.read(new Uint8Array(1), -1));
      await reader.close();
    });

    it('has the same bytes where it says that they are in a file', async () => {
      const bytes = pattern(2_300_000);
      const reader = await store.open(await sealed(bytes));
      for (let position = 0; reader.fileRange && position < bytes.length; ) {
        if (reader.approach && !(await reader.approach(position, bytes.length))) break; // in no file
        const range = reader.fileRange(position, bytes.length);
        assert.ok(range && range.length > 0 && position + range.length <= bytes.length);
        const found = Buffer.alloc(range.length);
        assert.equal(readSync(range.fd, found, 0, range.length, range.offset), range.length);
        assert.equal(digest(found), digest(bytes.subarray(position, position + range.length)));
        position += range.length;
      }
      await reader.close();
      assert.equal(reader.fileRange?.(0, 10) ?? null, null);
    });

    it('serves many reads of one reader at once', async () => {
      const bytes = pattern(1_000_000);
      const reader = await store.open(await sealed(bytes));
      const reads = Array.from({ length: 100 }, async (_, i) => {
        const into = new Uint8Array(10_000);
        assert.equal(await reader.read(into, i * 10_000), 10_000);
        return Buffer.compare(into, bytes.subarray(i * 10_000, (i + 1) * 10_000));
      });
      assert.ok((await Promise.all(reads)).every((difference) => difference === 0));
      await reader.close();
    });

    it('finishes a read that is under way when its reader is closed, and refuses later ones', async () => {
      const bytes = pattern(300_000);
      const reader = await store.open(await sealed(bytes));
      const into = new Uint8Array(300_000);
      const reading = reader.read(into, 0);
      const closings = [reader.close(), reader.close()];
      assert.equal(await reading, 300_000);
      assert.equal(digest(into), digest(bytes));
      await Promise.all(closings);
      await assert.rejects(reader.read(into, 0));
    });

    it('takes up an unfinished blob where it was, after a restart too', async () => {
      const bytes = pattern(600_000);
      const id = createId();
      const first = await store.append(id);
      await first.write(bytes.subarray(0, 100_000));
      await first.close();
      await first.close();
      const second = await store.append(id);
      assert.equal(second.sizeBytes, 100_000);
      await second.write(bytes.subarray(100_000, 300_000));
      await second.sync();
      await second.close();
      store = await test.reopen();
      const third = await store.append(id);
      assert.equal(third.sizeBytes, 300_000);
      await third.write(bytes.subarray(300_000));
      await third.seal();
      const reader = await store.open(id);
      assert.equal(digest(await readAll(reader)), digest(bytes));
      await reader.close();
    });

    it('lets what has arrived be read while it is being written, as of that moment', async () => {
      const bytes = pattern(50_000);
      const id = createId();
      const writer = await store.append(id);
      await writer.write(bytes.subarray(0, 20_000));
      const early = await store.openUnfinished(id);
      await writer.write(bytes.subarray(20_000));
      const late = await store.openUnfinished(id);
      assert.equal(early.sizeBytes, 20_000);
      assert.equal(late.sizeBytes, 50_000);
      const into = new Uint8Array(30_000);
      assert.equal(await early.read(into, 15_000), 5_000);
      assert.equal(digest(await readAll(late)), digest(bytes));
      await Promise.all([early.close(), late.close(), writer.close()]);
    });

    it('has one writer for one blob', async () => {
      const id = createId();
      const writer = await store.append(id);
      await assert.rejects(store.append(id), (error) => isAppError(error, 'conflict'));
      await writer.close();
      await (await store.append(id)).close();
      const [won, lost] = await Promise.allSettled([store.append(id), store.append(id)]);
      assert.deepEqual([won?.status, lost?.status].sort(), ['fulfilled', 'rejected']);
      if (won?.status === 'fulfilled') await won.value.close();
      if (lost?.status === 'fulfilled') await lost.value.close();
    });

    it('does not append to a sealed blob, whose writer has ended', async () => {
      const id = createId();
      const writer = await store.append(id);
      await writer.write(pattern(10));
      await writer.seal();
      await writer.seal();
      await writer.close();
      await assert.rejects(writer.write(pattern(1)));
      await assert.rejects(store.append(id), (error) => isAppError(error, 'conflict'));
      const reader = await store.open(id);
      assert.equal(reader.sizeBytes, 10);
      await reader.close();
    });

    it('tells sealed and unfinished apart', async () => {
      const id = createId();
      const writer = await store.append(id);
      await writer.write(pattern(77));
      await writer.sync();
      await assert.rejects(store.open(id), (error) => isAppError(error, 'not-found'));
      assert.deepEqual(
        (await listed(id)).map((entry) => [entry.sizeBytes, entry.isSealed]),
        [[77, false]],
      );
      await writer.seal();
      await assert.rejects(store.openUnfinished(id), (error) => isAppError(error, 'not-found'));
      assert.deepEqual(
        (await listed(id)).map((entry) => [entry.sizeBytes, entry.isSealed]),
        [[77, true]],
      );
    });

    it('puts a small blob whole, again with the same bytes, never with others', async () => {
      const id = createId();
      await store.put(id, pattern(1000));
      await store.put(id, pattern(1000));
      await assert.rejects(store.put(id, pattern(1000, 2)), (error) => isAppError(error, 'conflict'));
      const reader = await store.open(id);
      assert.deepEqual(await readAll(reader), pattern(1000));
      await reader.close();
      await assert.rejects(store.append(id), (error) => isAppError(error, 'conflict'));
    });

    it('removes sealed and unfinished ones, and what is not there', async () => {
      const bytes = pattern(500_000);
      const id = await sealed(bytes);
      const reader = await store.open(id);
      await store.remove(id);
      await store.remove(id);
      await assert.rejects(store.open(id), (error) => isAppError(error, 'not-found'));
      assert.equal(digest(await readAll(reader)), digest(bytes), 'an open reader goes on');
      await reader.close();

      const unfinished = createId();
      const writer = await store.append(unfinished);
      await writer.write(bytes);
      await store.remove(unfinished);
      await assert.rejects(writer.write(bytes));
      await assert.rejects(writer.seal());
      await writer.close();
      assert.deepEqual(await listed(unfinished), []);
      assert.deepEqual(await listed(id), []);
    });

    it('takes no name that is not an id', async () => {
      for (const id of [
        '',
        '../../etc/passwd',
        'a'.repeat(15),
        'A'.repeat(16),
        `${'a'.repeat(15)}/`,
        '..\0aaaaaaaaaaaaa',
      ]) {
        for (const call of [
          () => store.append(id),
          () => store.put(id, pattern(1)),
          () => store.open(id),
          () => store.openUnfinished(id),
          () => store.remove(id),
        ]) {
          await assert.rejects(call(), (error) => isAppError(error, 'bad-request'));
        }
      }
    });

    it('lists every blob once, after a restart too', async () => {
      const ids = new Map<string, boolean>();
      for (let i = 0; i < 40; i++) {
        const id = createId();
        ids.set(id, i % 2 === 0);
        if (i % 2 === 0) await store.put(id, pattern(i));
        else await (await store.append(id)).close();
      }
      store = await test.reopen();
      const seen = new Map<string, boolean>();
      for await (const entry of store.list()) {
        assert.ok(!seen.has(entry.id));
        assert.ok(Math.abs(entry.modifiedAtMs - Date.now()) < 3_600_000);
        seen.set(entry.id, entry.isSealed);
      }
      for (const [id, isSealed] of ids) assert.equal(seen.get(id), isSealed);
    });

    it('tells how much room there is', async () => {
      const room = await store.room();
      assert.ok(room === null || (room.freeBytes > 0 && room.totalBytes >= room.freeBytes));
    });

    it('keeps what was written when it is closed', async () => {
      const id = createId();
      const writer = await store.append(id);
      await writer.write(pattern(123));
      await store.close();
      store = await test.reopen();
      const reader = await store.openUnfinished(id);
      assert.deepEqual(await readAll(reader), pattern(123));
      await reader.close();
    });
  });
}
