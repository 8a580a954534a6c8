// Videos arriving: what is kept, refused, taken up again and recovered, with the real stores on a real disk.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import type { Library } from '../../src/library/library.ts';
import { createFakeClock, type FakeClock } from '../helpers/fake-clock.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';
import {
  add,
  byForm,
  byTus,
  dayMs,
  film,
  kind,
  openLibrary,
  readOriginal,
  withLibrary,
  writeAll,
} from './rig.ts';

const isGone = (library: Library, id: string) => library.getVideo(id).then(() => false, kind('not-found'));

/** Lets hours pass until it is so. The library tidies hourly, and a round of it takes real time on the disk. */
function hoursUntil(clock: FakeClock, what: string, isSo: () => Promise<boolean>): Promise<true> {
  const passAndLook = async () => {
    await clock.advance(5 * 60 * 60 * 1000);
    return isSo();
  };
  return until(passAndLook, { what, timeoutMs: 30_000 }) as Promise<true>;
}

/** Names of everything stored, bytes and unfinished bytes alike. */
async function storedNames(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile() && /^[0-9a-z]{16}$/.test(entry.name)).map(({ name }) => name);
}

describe('a video arrives', () => {
  test('what came in pieces of any size is the same bytes, ready, with its index', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library, folder }) => {
      for (const chunkBytes of [777, 64 * 1024, bytes.length]) {
        const arrival = await library.beginArrival(byForm('A_film.mkv'));
        await writeAll(arrival, bytes, chunkBytes);
        assert.equal(arrival.receivedBytes, bytes.length);
        const video = await arrival.finish();
        assert.equal(video.status, 'ready');
        assert.equal(video.title, 'A film');
        assert.equal(video.sizeBytes, bytes.length);
        assert.ok(Math.abs(video.durationMs! - 2000) < 100);
        assert.deepEqual(await readOriginal(library, video.id), bytes);
        const view = await library.openView(video.id, null);
        assert.ok(view.header.length > 100 && view.end <= bytes.length);
        view.release();
      }
      assert.equal((await storedNames(folder)).length, 6, 'three originals and three indexes');
    });
  });

  test('an empty file is refused in a sentence and leaves nothing', async () => {
    await withLibrary(async ({ library, folder, catalogue }) => {
      const arrival = await library.beginArrival(byForm('empty.mp4'));
      await assert.rejects(
        arrival.finish(),
        (error) => isAppError(error, 'unsupported-media') && /empty/.test(error.message),
      );
      assert.deepEqual(await storedNames(folder), []);
      assert.equal((await catalogue.listArriving()).length, 0);
    });
  });

  test('a text that calls itself a film is refused while it arrives and leaves nothing', async () => {
    await withLibrary(async ({ library, folder, catalogue }) => {
      const text = Buffer.from('All work and no play makes Jack a dull boy.\n'.repeat(100_000));
      const arrival = await library.beginArrival(byForm('film.mp4'));
      await assert.rejects(writeAll(arrival, text), kind('unsupported-media'));
      assert.ok(arrival.receivedBytes <= 1024 * 1024, 'long before its end');
      assert.deepEqual(await storedNames(folder), []);
      assert.equal((await catalogue.listArriving()).length, 0);
      await assert.rejects(arrival.write(text), kind('conflict'));
      await arrival.cancel();
    });
  });

  test('one larger than allowed is refused, by what it says and by what comes', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(
      async ({ library }) => {
        await assert.rejects(library.beginArrival(byTus('a', 50_001)), kind('too-large'));
        const arrival = await library.beginArrival(byForm('a'));
        await assert.rejects(writeAll(arrival, bytes, 20_000), kind('too-large'));
        await arrival.cancel();
      },
      { maxUploadBytes: 50_000 },
    );
  });

  test('more bytes than were announced are refused', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library }) => {
      const arrival = await library.beginArrival(byTus('a.mkv', 1000));
      await arrival.write(bytes.subarray(0, 1000));
      await assert.rejects(arrival.write(bytes.subarray(1000, 1001)), kind('bad-request'));
      await arrival.cancel();
    });
  });

  test('a cancelled one leaves nothing, also when another request cancels it', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library, folder }) => {
      const arrival = await library.beginArrival(byForm('a.mkv'));
      const writing = writeAll(arrival, bytes, 1000);
      const stopped = assert.rejects(writing, kind('gone'));
      await arrival.write(bytes.subarray(0, 10));
      await library.cancelArrival(arrival.id);
      await stopped;
      await assert.rejects(library.getVideo(arrival.id), kind('not-found'));
      assert.deepEqual(await storedNames(folder), []);
    });
  });

  test('a file that ends in the middle is kept', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library }) => {
      const part = bytes.subarray(0, Math.floor(bytes.length * 0.6));
      const video = await add(library, part);
      assert.ok(['ready', 'unplayable'].includes(video.status));
      assert.deepEqual(await readOriginal(library, video.id), part);
    });
  });

  test('whatever is done to the bytes of a film, it is refused in words or kept as it came', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library }) => {
      for (let round = 0; round < 40; round += 1) {
        const hurt = Buffer.from(bytes);
        for (let wound = 0; wound < 20; wound += 1) {
          const noise = randomBytes(6);
          const range = round % 2 === 0 ? 2000 : hurt.length;
          hurt[noise.readUInt32LE(0) % range] = noise[5]!;
        }
        try {
          const video = await add(library, hurt);
          assert.deepEqual(await readOriginal(library, video.id), hurt);
          assert.ok(video.status === 'ready' || video.reason, 'one that does not play says why');
        } catch (error) {
          assert.ok(isAppError(error, 'unsupported-media'), String(error));
        }
      }
    });
  });
});

describe('an upload that pauses', () => {
  test('goes on where it was, in this process and in the next, and gives the same bytes', async () => {
    const bytes = await readFile(await makeMedia(film));
    const folder = await temporaryFolder();
    const cuts = [0, 0.1, 0.3, 0.5].map((share) => Math.floor(bytes.length * share));
    cuts.push(bytes.length - 1, bytes.length);
    let rig = await openLibrary(folder);
    await rig.library.start();
    const begun = await rig.library.beginArrival(byTus('a.mkv', bytes.length));
    await begun.suspend();
    for (let part = 1; part < cuts.length; part += 1) {
      if (part % 2 === 0) {
        await rig.leave();
        rig = await openLibrary(folder);
        await rig.library.start();
      }
      assert.equal((await rig.library.getVideo(begun.id)).receivedBytes, cuts[part - 1]);
      const arrival = await rig.library.resumeArrival(begun.id, null);
      assert.equal(arrival.receivedBytes, cuts[part - 1]);
      await assert.rejects(
        rig.library.resumeArrival(begun.id, null),
        kind('conflict'),
        'one writer at a time',
      );
      await writeAll(arrival, bytes.subarray(cuts[part - 1], cuts[part]));
      if (part === cuts.length - 1) assert.equal((await arrival.finish()).status, 'ready');
      else await arrival.suspend();
    }
    assert.deepEqual(await readOriginal(rig.library, begun.id), bytes);
    const straight = await add(rig.library, bytes);
    const [one, other] = [
      await rig.library.openView(begun.id, null),
      await rig.library.openView(straight.id, null),
    ];
    assert.deepEqual(one.header, other.header, 'the index is the one of an upload without pauses');
    one.release();
    other.release();
    await assert.rejects(rig.library.resumeArrival(begun.id, null), kind('conflict'));
    await rig.leave();
  });

  test('is removed when nobody goes on with it in time, and not before', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library, clock, folder }) => {
      const arrival = await library.beginArrival(byTus('a.mkv', bytes.length));
      await arrival.write(bytes.subarray(0, 1000));
      await arrival.suspend();
      await clock.advance(6 * dayMs);
      assert.equal((await library.getVideo(arrival.id)).receivedBytes, 1000);
      await hoursUntil(clock, 'it is gone', () => isGone(library, arrival.id));
      assert.deepEqual(await storedNames(folder), []);
    });
  });
});

describe('a crash', () => {
  /** Brings a data folder to where a crash after a step of `design/writes.md` leaves it. */
  const crashes: readonly [
    step: string,
    uploadMetadata: string | null,
    left: 'ready' | 'arriving' | 'nothing',
  ][] = [
    ['after 1, by form', null, 'nothing'],
    ['after 1, by tus', 'filename eA==', 'arriving'],
    ['after 2, by form', null, 'nothing'],
    ['after 2, by tus', 'filename eA==', 'arriving'],
    ['after the last 3, by tus', 'filename eA==', 'ready'],
    ['after 4, by form', null, 'ready'],
    ['after 4, by tus', 'filename eA==', 'ready'],
  ];
  for (const [step, uploadMetadata, left] of crashes) {
    test(`${step} leaves it ${left}`, async () => {
      const bytes = await readFile(await makeMedia(film));
      const folder = await temporaryFolder();
      const before = await openLibrary(folder);
      const row = {
        ...{ id: '0123456789abcdef', title: 'x', fileName: 'x', blobId: 'fedcba9876543210' },
        ...{ ownerId: 'anna', folderId: null, audiences: [] },
      };
      const sizeBytes = uploadMetadata === null ? null : bytes.length;
      await before.catalogue.beginUpload({
        ...row,
        sizeBytes,
        uploadMetadata,
        addedAtMs: before.clock.nowMs(),
      });
      if (!step.startsWith('after 1')) {
        const writer = await before.blobs.append(row.blobId);
        await writer.write(step.startsWith('after 2') ? bytes.subarray(0, 5000) : bytes);
        await writer.sync();
        if (step.startsWith('after 4')) await writer.seal();
        else await writer.close();
      }
      await before.catalogue.close();
      await before.blobs.close();

      const { library, leave } = await openLibrary(folder);
      await library.start();
      if (left === 'nothing') {
        await assert.rejects(library.getVideo(row.id), kind('not-found'));
        assert.deepEqual(await storedNames(folder), []);
      } else if (left === 'arriving') {
        const stored = step.startsWith('after 2') ? 5000 : 0;
        assert.equal((await library.getVideo(row.id)).receivedBytes, stored);
        const arrival = await library.resumeArrival(row.id, null);
        await writeAll(arrival, bytes.subarray(stored));
        assert.equal((await arrival.finish()).status, 'ready');
      } else {
        await until(async () => (await library.getVideo(row.id)).status === 'ready', {
          what: 'it is finished',
        });
        assert.deepEqual(await readOriginal(library, row.id), bytes);
      }
      await leave();
    });
  }

  test('in the middle of a removal lets the next start complete it', async () => {
    const bytes = await readFile(await makeMedia(film));
    const folder = await temporaryFolder();
    const before = await openLibrary(folder);
    const [kept, gone] = [await add(before.library, bytes), await add(before.library, bytes)];
    await before.catalogue.setBinned(gone.id, 0);
    await before.blobs.remove(gone.indexId!);
    await before.leave();
    const { library, leave } = await openLibrary(folder);
    await library.start();
    await until(() => library.getVideo(gone.id).then(() => false, kind('not-found')), {
      what: 'the row goes',
    });
    assert.deepEqual((await storedNames(folder)).sort(), [kept.blobId, kept.indexId!].sort());
    await leave();
  });

  test('between an index and its row leaves a leftover, which goes once it is an hour old', async () => {
    const folder = await temporaryFolder();
    const before = await openLibrary(folder);
    const video = await add(before.library, await readFile(await makeMedia(film)));
    await before.blobs.put('0000000000000000', new Uint8Array(100));
    await before.leave();
    const clock = createFakeClock(Date.now());
    const { library, leave } = await openLibrary(folder, { clock });
    await library.start();
    await clock.settle();
    assert.ok((await storedNames(folder)).includes('0000000000000000'), 'a young one stays');
    await hoursUntil(
      clock,
      'the leftover goes',
      async () => !(await storedNames(folder)).includes('0000000000000000'),
    );
    assert.deepEqual((await storedNames(folder)).sort(), [video.blobId, video.indexId!].sort());
    await leave();
  });

  test('that took the index or hurt it is healed when the video is opened', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library, blobs, folder }) => {
      const whole = await add(library, bytes);
      const expected = await library.openView(whole.id, null);
      for (const harm of ['missing', 'cut', 'garbage']) {
        const video = await add(library, bytes);
        const path = join(folder, 'blobs', video.indexId!.slice(0, 2), video.indexId!);
        if (harm === 'missing') await rm(path);
        else if (harm === 'cut') await truncate(path, 50);
        else await writeFile(path, randomBytes(500));
        const views = await Promise.all([library.openView(video.id, null), library.openView(video.id, null)]);
        for (const view of views) {
          assert.deepEqual(view.header, expected.header);
          view.release();
        }
        const healed = await library.getVideo(video.id);
        assert.notEqual(healed.indexId, video.indexId);
        assert.equal(views[0]!.etag, views[1]!.etag);
      }
      expected.release();
      let count = 0;
      for await (const _ of blobs.list()) count += 1;
      assert.equal(count, 8, 'four originals, four indexes');
    });
  });
});

describe('the bin', () => {
  test('keeps a video for its time, gives it back, and then it is gone with its bytes', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library, clock, folder }) => {
      const video = await add(library, bytes);
      await library.binVideo(video.id);
      await clock.advance(29 * dayMs);
      assert.equal((await library.restoreVideo(video.id)).binnedAtMs, null);
      await library.binVideo(video.id);
      await clock.advance(29 * dayMs);
      assert.deepEqual(await readOriginal(library, video.id), bytes);
      await hoursUntil(clock, 'it is gone', () => isGone(library, video.id));
      assert.deepEqual(await storedNames(folder), []);
    });
  });

  test('a removal does not cut off who is reading', async () => {
    const bytes = await readFile(await makeMedia(film));
    await withLibrary(async ({ library }) => {
      const video = await add(library, bytes);
      const opened = await library.openOriginal(video.id);
      await library.removeVideo(video.id);
      const read = Buffer.alloc(bytes.length);
      await opened.reader.read(read, 0);
      assert.deepEqual(read, bytes);
      opened.release();
      await assert.rejects(library.openOriginal(video.id), kind('not-found'));
    });
  });
});
