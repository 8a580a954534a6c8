// How much a person may have: said with figures before a byte is taken, and held while several uploads run at once.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import type { ArrivingVideo } from '../../src/library/library.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { add, byForm, byTus, film, kind, openLibrary, withLibrary, writeAll } from './rig.ts';

const bytes = await readFile(await makeMedia(film));
const size = bytes.length;

/** Rejects with that kind, and a sentence that has these figures. */
const refused = (wanted: 'too-large' | 'no-room', sentence: RegExp) => (error: unknown) => {
  assert.ok(isAppError(error, wanted), String(error));
  assert.match(error.message, sentence);
  return true;
};

describe('an upload of known size', () => {
  const figures: readonly (readonly [
    quota: number,
    size: number,
    kind: 'too-large' | 'no-room',
    sentence: RegExp,
  ])[] = [
    [50e6, 60e6, 'too-large', /^This video has 60 MB, and all of yours together may have 50 MB\.$/],
    [1000, 1001, 'too-large', /1\.001 kB.*1 kB/],
    [0, 1, 'too-large', /1 byte, .* 0 bytes/],
    [50e6, 50e6, 'no-room', /^This video has 50 MB, and 49\.\d+ MB of your 50 MB are left\. Remove/],
  ];
  for (const [quotaBytes, sizeBytes, wanted, sentence] of figures) {
    test(`of ${sizeBytes} bytes with a quota of ${quotaBytes} is refused in figures`, async () => {
      await withLibrary(async ({ library, catalogue }) => {
        if (wanted === 'no-room') await add(library, bytes);
        const request = { quotaBytes };
        await assert.rejects(library.beginArrival(byTus('a', sizeBytes, request)), refused(wanted, sentence));
        await assert.rejects(
          library.assertQuota({ ownerId: 'anna', quotaBytes, sizeBytes }),
          refused(wanted, sentence),
        );
        assert.deepEqual(await catalogue.listArriving(), [], 'nothing of it is there');
        // Another person's room is not touched by it.
        if (sizeBytes <= quotaBytes) await library.assertQuota({ ownerId: 'ben', quotaBytes, sizeBytes });
      });
    });
  }

  test('counts as a whole from the moment it is begun, also when it pauses and when others begin at once', async () => {
    await withLibrary(async ({ library }) => {
      const quotaBytes = 10 * size;
      const begun = await Promise.allSettled(
        Array.from({ length: 14 }, (_, index) =>
          library.beginArrival(byTus(`${index}`, size, { quotaBytes })),
        ),
      );
      const taken = begun.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
      assert.equal(taken.length, 10);
      for (const one of begun) if (one.status === 'rejected') assert.ok(kind('no-room')(one.reason));
      for (const arrival of taken) await arrival.suspend();
      await assert.rejects(library.beginArrival(byTus('x', 1, { quotaBytes })), kind('no-room'));
      await library.cancelArrival(taken[0]!.id);
      await (await library.beginArrival(byTus('y', size, { quotaBytes }))).cancel();
      const arrival = await library.resumeArrival(taken[1]!.id, quotaBytes);
      await writeAll(arrival, bytes);
      assert.equal((await arrival.finish()).status, 'ready');
      assert.deepEqual(await library.getUsage('anna'), { videos: 9, bytes: 9 * size });
    });
  });

  test('is not hindered by what others have, nor by what was removed for good; the bin counts', async () => {
    await withLibrary(async ({ library }) => {
      const quotaBytes = Math.floor(1.5 * size);
      await add(library, bytes, 'bens.mkv', { ownerId: 'ben' });
      const { id } = await add(library, bytes, 'a.mkv', { quotaBytes });
      await library.binVideo(id);
      await assert.rejects(add(library, bytes, 'b.mkv', { quotaBytes }), kind('no-room'));
      await library.removeVideo(id);
      await add(library, bytes, 'c.mkv', { quotaBytes });
    });
  });
});

describe('an upload of unknown size', () => {
  test('is stopped with the bytes that pass what is left, and all of it goes', async () => {
    await withLibrary(async ({ library }) => {
      await add(library, bytes);
      const quotaBytes = size + 20_000;
      const arrival = await library.beginArrival(byForm('b.mkv', { quotaBytes }));
      await writeAll(arrival, bytes.subarray(0, 20_000), 1000);
      await assert.rejects(
        arrival.write(bytes.subarray(20_000, 20_001)),
        refused('no-room', /larger than the 20 kB that were left of your \d/),
      );
      assert.equal(arrival.receivedBytes, 20_000);
      await arrival.cancel();
      assert.equal((await library.getUsage('anna')).bytes, size);
    });
  });

  test('that could never fit says so', async () => {
    await withLibrary(async ({ library }) => {
      const arrival = await library.beginArrival(byForm('b.mkv', { quotaBytes: 5000 }));
      await writeAll(arrival, bytes.subarray(0, 5000), 1000);
      await assert.rejects(
        arrival.write(bytes.subarray(5000, 5001)),
        refused('too-large', /larger than the 5 kB that all of yours may have/),
      );
      await arrival.cancel();
    });
  });

  test('is not begun where nothing is left', async () => {
    await withLibrary(async ({ library }) => {
      await add(library, bytes);
      await assert.rejects(
        library.beginArrival(byForm('b.mkv', { quotaBytes: size })),
        refused('no-room', /nothing of your .* is left/),
      );
    });
  });

  test('side by side they never take more together, and what one did not need is there for the next', async () => {
    const large = 40 * 1024 * 1024;
    const chunk = Buffer.alloc(1024 * 1024);
    await withLibrary(async ({ library }) => {
      const arrivals: ArrivingVideo[] = [];
      const head = bytes.subarray(0, 4096);
      for (let index = 0; index < 3; index += 1) {
        const arrival = await library.beginArrival(byForm(`${index}.mkv`, { quotaBytes: large }));
        await arrival.write(head);
        arrivals.push(arrival);
      }
      const fill = async (arrival: ArrivingVideo) => {
        try {
          for (;;) await arrival.write(chunk);
        } catch (error) {
          assert.ok(kind('no-room')(error), String(error));
        }
      };
      await Promise.all(arrivals.map(fill));
      const total = () => arrivals.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
      assert.ok(total() <= large, `${total()} bytes`);
      // At most what each could not fill of its last chunk is left over.
      assert.ok(total() > large - 3 * chunk.length - 3 * head.length, `${total()} bytes`);
      const freed = arrivals[0]!.receivedBytes;
      await arrivals[0]!.cancel();
      await fill(arrivals[1]!);
      assert.ok(arrivals[1]!.receivedBytes + arrivals[2]!.receivedBytes > large - 3 * chunk.length);
      assert.ok(freed > chunk.length);
      for (const arrival of arrivals) await arrival.cancel();
      assert.equal((await library.getUsage('anna')).bytes, 0);
    });
  });

  test('that pauses keeps its place, also in the next process, and what is announced later is looked at', async () => {
    const folder = await temporaryFolder();
    const quotaBytes = size + 30_000;
    let rig = await openLibrary(folder);
    await rig.library.start();
    const begun = await rig.library.beginArrival(byTus('a.mkv', null, { quotaBytes }));
    await writeAll(begun, bytes.subarray(0, 30_000));
    await begun.suspend();
    await rig.leave();
    rig = await openLibrary(folder);
    await rig.library.start();
    const { library } = rig;
    assert.equal((await library.getUsage('anna')).bytes, 30_000);
    await assert.rejects(library.beginArrival(byTus('b', size + 1, { quotaBytes })), kind('no-room'));
    const other = await library.beginArrival(byTus('b', size, { quotaBytes }));
    const arrival = await library.resumeArrival(begun.id, quotaBytes);
    await assert.rejects(arrival.write(bytes.subarray(30_000, 30_001)), kind('no-room'));
    await arrival.suspend();
    await assert.rejects(library.announceSize(begun.id, quotaBytes + 1, quotaBytes), kind('too-large'));
    await assert.rejects(library.announceSize(begun.id, size, quotaBytes), kind('no-room'));
    await other.cancel();
    await library.announceSize(begun.id, size, quotaBytes);
    const last = await library.resumeArrival(begun.id, quotaBytes);
    await writeAll(last, bytes.subarray(30_000));
    assert.equal((await last.finish()).status, 'ready');
    assert.equal((await library.getUsage('anna')).bytes, size);
    await rig.leave();
  });
});
