// The disk's own: the contract, then full and failing disks, symbolic links, and processes killed while they write.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import { type DiskFiles, realFiles } from '../../src/blobs/disk-files.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { blobStoreContract, pattern, readAll } from '../contracts/blob-store.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

blobStoreContract('The disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kinora blobs '));
  const open = () => createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock });
  let store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    dispose: () => rm(folder, { recursive: true }),
  };
});

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A disk with room for so many bytes, which writes as much as fits and then says so. */
function smallDisk(capacityBytes: number): DiskFiles {
  let usedBytes = 0;
  return {
    ...realFiles,
    async write(fd, bytes, offset, length, position) {
      const fitting = Math.min(length, capacityBytes - usedBytes);
      if (fitting <= 0) throw systemError('ENOSPC');
      usedBytes += fitting;
      return realFiles.write(fd, bytes, offset, fitting, position);
    },
  };
}

describe('A disk', () => {
  it('that is full refuses more, keeps what was written, and lets it be taken up when there is room', async () => {
    const folder = await temporaryFolder();
    const bytes = pattern(3_000_000);
    const id = createId();
    const full = await createDiskBlobs({
      folder,
      reserveBytes: 0,
      clock: systemClock,
      files: smallDisk(1_000_000),
    });
    const writer = await full.append(id);
    await writer.write(bytes.subarray(0, 400_000));
    await writer.sync();
    await assert.rejects(
      async () => {
        for (let at = 400_000; at < bytes.length; at += 50_000) {
          await writer.write(bytes.subarray(at, at + 50_000));
        }
      },
      (error) => isAppError(error, 'no-room'),
    );
    assert.equal(writer.sizeBytes, 1_000_000);
    await assert.rejects(writer.seal(), (error) => isAppError(error, 'no-room'));
    await writer.close();
    await assert.rejects(full.put(createId(), pattern(10)), (error) => isAppError(error, 'no-room'));
    await full.close();
    assert.deepEqual(await readdir(join(folder, 'arriving')), [id], 'nothing else was left');

    const roomy = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock });
    const again = await roomy.append(id);
    assert.equal(again.sizeBytes, 1_000_000);
    await again.write(bytes.subarray(1_000_000));
    await again.seal();
    const reader = await roomy.open(id);
    assert.ok(Buffer.from(bytes).equals(await readAll(reader)));
    await reader.close();
    await roomy.close();
  });

  it('tells of buffered bytes that did not fit when the writer is closed', async () => {
    const folder = await temporaryFolder();
    const store = await createDiskBlobs({
      folder,
      reserveBytes: 0,
      clock: systemClock,
      files: smallDisk(100),
    });
    const writer = await store.append(createId());
    await writer.write(pattern(200));
    await assert.rejects(writer.close(), (error) => isAppError(error, 'no-room'));
    await writer.close();
    await store.close();
  });

  it('with less than the reserve refuses uploads but takes an index, and goes on when there is room', async () => {
    const folder = await temporaryFolder();
    let freeBytes = 5000;
    let nowMs = 0;
    const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
    const files: DiskFiles = { ...realFiles, statfs: async () => ({ freeBytes, totalBytes: 1e9 }) };
    const store = await createDiskBlobs({ folder, reserveBytes: 4000, clock, files });
    assert.deepEqual(await store.room(), { freeBytes: 1000, totalBytes: 1e9 });
    const id = createId();
    const writer = await store.append(id);
    await writer.write(pattern(900));
    await assert.rejects(writer.write(pattern(1001)), (error) => isAppError(error, 'no-room'));
    assert.equal(writer.sizeBytes, 900);
    await store.put(createId(), pattern(2000));
    freeBytes = 1e8;
    nowMs += 2000;
    await writer.write(pattern(10));
    await writer.seal();
    const reader = await store.open(id);
    assert.equal(reader.sizeBytes, 910);
    await reader.close();
    await store.close();
  });

  it('asks for the free room now and then, not at every write', async () => {
    const folder = await temporaryFolder();
    let asked = 0;
    const files: DiskFiles = {
      ...realFiles,
      async statfs() {
        asked++;
        return { freeBytes: 1e12, totalBytes: 1e12 };
      },
    };
    const clock: Clock = { ...systemClock, monotonicMs: () => 0 };
    const store = await createDiskBlobs({ folder, reserveBytes: 1e9, clock, files });
    const writer = await store.append(createId());
    const piece = pattern(64 * 1024);
    for (let i = 0; i < 1024; i++) await writer.write(piece);
    await writer.close();
    await store.close();
    assert.ok(asked >= 3 && asked <= 8, `asked ${asked} times in 64 MiB`);
  });

  it('whose sync fails once does not get to say that a later one worked', async () => {
    const folder = await temporaryFolder();
    let isFailing = false;
    const files: DiskFiles = {
      ...realFiles,
      async fdatasync(fd) {
        if (isFailing) {
          isFailing = false; // as Linux does: told once, then the pages count as clean
          throw systemError('EIO');
        }
        return realFiles.fdatasync(fd);
      },
    };
    const store = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock, files });
    const id = createId();
    const writer = await store.append(id);
    await writer.write(pattern(1000));
    await writer.sync();
    await writer.write(pattern(500));
    isFailing = true;
    await assert.rejects(writer.sync());
    await assert.rejects(writer.sync());
    await assert.rejects(writer.write(pattern(1)));
    await assert.rejects(writer.seal());
    assert.equal(writer.sizeBytes, 1000, 'back to what is known to be on the disk');
    await writer.close();
    const again = await store.append(id);
    assert.equal(again.sizeBytes, 1000);
    await again.close();
    await store.close();
  });

  it('gets a large upload bit by bit, so that little is left to do at its end', async () => {
    const folder = await temporaryFolder();
    const syncs: number[] = [];
    let writtenBytes = 0;
    const files: DiskFiles = {
      ...realFiles,
      async write(_fd, _bytes, _offset, length) {
        writtenBytes += length;
        return length;
      },
      async fdatasync() {
        syncs.push(writtenBytes);
      },
    };
    const store = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock, files });
    const writer = await store.append(createId());
    const piece = pattern(1 << 20);
    for (let i = 0; i < 200; i++) await writer.write(piece);
    await writer.seal();
    assert.ok(syncs.length >= 5, `synced ${syncs.length} times in 200 MiB`);
    for (const [i, at] of syncs.entries()) assert.ok(at - (syncs[i - 1] ?? 0) <= 64 << 20);
    await store.close();
  });

  it('whose sync in the background fails is cut back under a write that is under way', async () => {
    const folder = await temporaryFolder();
    const path = (id: string) => join(folder, 'arriving', id);
    let isFailing = false;
    const { promise: writeMayEnd, resolve: endWrite } = Promise.withResolvers<void>();
    const { promise: syncFailed, resolve: tellSyncFailed } = Promise.withResolvers<void>();
    const files: DiskFiles = {
      ...realFiles,
      async write(...call) {
        if (isFailing) await writeMayEnd;
        return realFiles.write(...call);
      },
      async fdatasync(fd) {
        if (!isFailing) return realFiles.fdatasync(fd);
        tellSyncFailed();
        throw systemError('EIO');
      },
    };
    const store = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock, files });
    const id = createId();
    const writer = await store.append(id);
    const piece = pattern(8 << 20);
    await writer.write(piece);
    await writer.sync();
    for (let i = 0; i < 3; i++) await writer.write(piece);
    const almost = writer.write(piece); // with this one 32 MiB are unsynced: the sync begins
    await almost;
    isFailing = true;
    const during = writer.write(piece);
    endWrite();
    await Promise.allSettled([during]);
    const later = writer.write(piece);
    await Promise.allSettled([later]);
    await assert.rejects(writer.sync());
    await syncFailed;
    await writer.close();
    assert.equal(writer.sizeBytes, (await stat(path(id))).size, 'what is told is what is there');
    const again = await store.openUnfinished(id);
    const last = new Uint8Array(piece.length);
    await again.read(last, again.sizeBytes - piece.length);
    assert.ok(Buffer.from(last).equals(piece), 'no hole');
    await again.close();
    await store.close();
  });

  it('that can neither sync nor cut back gives up that upload', async () => {
    const folder = await temporaryFolder();
    const files: DiskFiles = {
      ...realFiles,
      async fdatasync() {
        throw systemError('EIO');
      },
      async ftruncate() {
        throw systemError('EIO');
      },
    };
    const store = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock, files });
    const id = createId();
    const writer = await store.append(id);
    await writer.write(pattern(500));
    await assert.rejects(writer.sync());
    await writer.close();
    await assert.rejects(store.append(id), (error) => isAppError(error, 'corrupt'));
    await store.remove(id);
    await (await store.append(id)).close();
    await store.close();
  });

  it('that is slow holds an upload back instead of the memory', async () => {
    const folder = await temporaryFolder();
    const { promise, resolve } = Promise.withResolvers<void>();
    const files: DiskFiles = {
      ...realFiles,
      async write(...call) {
        await promise;
        return realFiles.write(...call);
      },
    };
    const store = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock, files });
    const writer = await store.append(createId());
    const piece = pattern(64 * 1024);
    let taken = 0;
    const writing = (async () => {
      for (let i = 0; i < 100; i++) {
        await writer.write(piece);
        taken++;
      }
    })();
    await until(() => taken > 0);
    // Enough turns of the event loop for everything that can go on without the disk.
    for (let i = 0; i < 200; i++) await new Promise((done) => setImmediate(done));
    assert.ok(taken <= 8, `${taken} pieces taken while the disk did nothing`);
    resolve();
    await writing;
    await writer.close();
    assert.equal(writer.sizeBytes, 100 * piece.length);
    await store.close();
  });

  it('is never left through a symbolic link, and odd files are not taken for blobs', async () => {
    const folder = await temporaryFolder();
    const outside = join(folder, 'outside');
    await writeFile(outside, 'secret');
    const store = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock });
    const [sealed, unfinished] = [createId(), createId()];
    await mkdir(join(folder, 'blobs', sealed.slice(0, 2)), { recursive: true });
    await symlink(outside, join(folder, 'blobs', sealed.slice(0, 2), sealed));
    await symlink(outside, join(folder, 'arriving', unfinished));
    await mkdir(join(folder, 'arriving', createId()));
    await writeFile(join(folder, 'arriving', 'notes.txt'), '');
    await assert.rejects(store.open(sealed));
    await assert.rejects(store.openUnfinished(unfinished));
    await assert.rejects(store.append(unfinished));
    for await (const entry of store.list()) assert.fail(`listed ${entry.id}`);
    await store.close();
  });

  it('loses the leftovers of an interrupted put at the next start', async () => {
    const folder = await temporaryFolder();
    await (await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock })).close();
    await writeFile(join(folder, 'arriving', `${createId()}.put-3`), 'half');
    await (await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock })).close();
    assert.deepEqual(await readdir(join(folder, 'arriving')), []);
  });

  it('dates a blob by the clock when it is sealed', async () => {
    const folder = await temporaryFolder();
    const clock: Clock = { ...systemClock, nowMs: () => 1_600_000_000_000 };
    const store = await createDiskBlobs({ folder, reserveBytes: 0, clock });
    const id = createId();
    await (await store.append(id)).seal();
    const reader = await store.open(id);
    assert.equal(reader.modifiedAtMs, 1_600_000_000_000);
    await reader.close();
    await store.close();
  });
});

type Told = { id: string; what: string; sizeBytes: number };

/** Runs the appending process until it has told `tellings` times and a little longer, then kills it. */
async function runAndKill(folder: string, id: string, tellings: number): Promise<Told[]> {
  const told: Told[] = [];
  const child: ChildProcess = fork(join(import.meta.dirname, 'appending-process.ts'), [folder, id]);
  const enough = Promise.withResolvers<void>();
  child.on('message', (message: Told) => {
    told.push(message);
    if (told.length === tellings) enough.resolve();
  });
  const exited = once(child, 'exit');
  await Promise.race([enough.promise, exited]);
  // A busy wait of up to 3 ms puts the kill between any two system calls of the child.
  for (const until = performance.now() + Math.random() * 3; performance.now() < until; );
  child.kill('SIGKILL');
  const [, signal] = await exited;
  assert.equal(signal, 'SIGKILL', 'the process ended by itself');
  return told;
}

describe('A process killed while it writes', () => {
  it('loses nothing that was synced, sealed or put, in twelve kills and more on one folder', async () => {
    const folder = await temporaryFolder();
    const bytes = pattern(900_000, 7);
    const mustBe = new Map<string, Told>();
    let goOnWith = createId();
    const has = (state: Told['what']) => [...mustBe.values()].some(({ what }) => what === state);
    // Where chance has it that no kill came upon one that was synced only, it is tried on.
    for (let kill = 0; kill < 12 || (kill < 60 && !(has('sealed') && has('synced'))); kill++) {
      for (const message of await runAndKill(folder, goOnWith, randomInt(1, 40))) {
        if (message.what === 'taken up') {
          assert.ok(message.sizeBytes >= (mustBe.get(message.id)?.sizeBytes ?? 0));
        } else mustBe.set(message.id, message);
      }
      const store = await createDiskBlobs({ folder, reserveBytes: 0, clock: systemClock });
      goOnWith = createId();
      for (const [id, { what, sizeBytes }] of mustBe) {
        const isWhole = what === 'sealed' || what === 'put';
        const open = await store.open(id).catch((error) => {
          // One that was begun may not be there; one that was synced is there, sealed or not.
          if (isWhole || !isAppError(error, 'not-found')) throw error;
          return store.openUnfinished(id).catch((missing) => {
            if (sizeBytes > 0) throw missing;
            return null;
          });
        });
        if (!open) continue;
        assert.ok(open.sizeBytes >= sizeBytes, `${what} ${sizeBytes}, found ${open.sizeBytes}`);
        assert.ok(Buffer.from(await readAll(open)).equals(bytes.subarray(0, open.sizeBytes)));
        await open.close();
        if (!isWhole && open.sizeBytes < bytes.length) goOnWith = id;
      }
      await store.close();
    }
    assert.ok(has('sealed') && has('synced'));
  });
});
