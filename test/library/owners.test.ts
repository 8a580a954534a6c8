// Whose videos are: folders with their limits, marks, a folder into the bin, everything of a person who goes.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Folder } from '../../src/catalogue/catalogue.ts';
import type { Library } from '../../src/library/library.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { add, byTus, dayMs, film, kind, openLibrary, withLibrary, writeAll } from './rig.ts';

const bytes = await readFile(await makeMedia(film));
const sightOf = (...ownerIds: string[]) => ({ ownerIds, audiences: [] });

async function listed(library: Library, ownerId: string, inBin = false): Promise<string[]> {
  const request = { limit: 1000, after: null, query: '', inBin, sight: sightOf(ownerId) };
  return (await library.listVideos(request)).items.map(({ title }) => title).sort();
}

const make = (library: Library, name: string, parent: Folder | null = null) =>
  library.addFolder({ ownerId: 'anna', parentId: parent?.id ?? null, name });

describe('folders', () => {
  test('have names that people can read, and no others', async () => {
    await withLibrary(async ({ library }) => {
      assert.equal((await make(library, ' Holidays\u0000\n\u202e 2026 ')).name, 'Holidays 2026');
      for (const name of ['', '  ', '\u200b', 'x'.repeat(201), 'x'.repeat(1e6)])
        await assert.rejects(make(library, name), kind('bad-request'));
      const folder = await make(library, 'A');
      await assert.rejects(library.renameFolder(folder.id, '\t'), kind('bad-request'));
      assert.equal((await library.renameFolder(folder.id, 'B')).name, 'B');
      await assert.rejects(library.renameFolder('0000000000000000', 'B'), kind('not-found'));
    });
  });

  test('lie in one another twenty deep, made so or moved so', async () => {
    await withLibrary(async ({ library }) => {
      const chain: Folder[] = [];
      for (let depth = 0; depth < 20; depth += 1) chain.push(await make(library, `${depth}`, chain.at(-1)));
      await assert.rejects(make(library, 'too deep', chain.at(-1)), kind('bad-request'));
      const outer = await make(library, 'outer');
      const inner = await make(library, 'inner', outer);
      await assert.rejects(library.moveFolder(outer.id, chain[18]!.id), kind('bad-request'));
      await library.moveFolder(outer.id, chain[17]!.id);
      assert.equal((await library.folderPath(inner.id)).length, 20);
      await assert.rejects(library.moveFolder(outer.id, inner.id), kind('conflict'));
      await assert.rejects(library.moveFolder(chain[0]!.id, inner.id), kind('conflict'));
    });
  });

  test('of one place are a thousand at most', async () => {
    await withLibrary(async ({ library }) => {
      const parent = await make(library, 'parent');
      for (let round = 0; round < 20; round += 1)
        await Promise.all(
          Array.from({ length: 50 }, (_, index) => make(library, `${round}-${index}`, parent)),
        );
      await assert.rejects(make(library, 'one more', parent), kind('bad-request'));
    });
  });

  test('of somebody else take nothing', async () => {
    await withLibrary(async ({ library }) => {
      const folder = await make(library, 'Annas');
      const { id } = await add(library, bytes, 'bens.mkv', { ownerId: 'ben' });
      const bens = { ownerId: 'ben', folderId: folder.id };
      await assert.rejects(add(library, bytes, 'b.mkv', bens), kind('not-found'));
      await assert.rejects(library.moveVideo(id, folder.id), kind('not-found'));
      const wanted = { ownerId: 'ben', parentId: folder.id, name: 'x' };
      await assert.rejects(library.addFolder(wanted), kind('not-found'));
      const other = await library.addFolder({ ownerId: 'ben', parentId: null, name: 'Bens' });
      await assert.rejects(library.moveFolder(other.id, folder.id), kind('not-found'));
    });
  });
});

describe('a folder into the bin', () => {
  test('takes all that lies in it and below along; taken out, it lies where the folder lay', async () => {
    await withLibrary(async ({ library, clock }) => {
      const outer = await make(library, 'outer');
      const doomed = await make(library, 'doomed', outer);
      const below = await make(library, 'below', doomed);
      await add(library, bytes, 'stays.mkv', { folderId: outer.id });
      const one = await add(library, bytes, 'one.mkv', { folderId: doomed.id });
      await add(library, bytes, 'two.mkv', { folderId: below.id });
      const coming = await library.beginArrival(byTus('coming.mkv', bytes.length, { folderId: below.id }));
      await library.binFolder(doomed.id);
      assert.deepEqual(await listed(library, 'anna'), ['coming', 'stays']);
      assert.deepEqual(await listed(library, 'anna', true), ['one', 'two']);
      for (const { id } of [doomed, below]) await assert.rejects(library.getFolder(id), kind('not-found'));
      await writeAll(coming, bytes);
      assert.equal((await coming.finish()).folderId, outer.id, 'what was coming is here');
      assert.equal((await library.restoreVideo(one.id)).folderId, outer.id);
      await clock.advance(29 * dayMs);
      assert.deepEqual(await listed(library, 'anna', true), ['two'], 'the bin keeps for its time');
      await assert.rejects(library.binFolder(doomed.id), kind('not-found'));
    });
  });

  test('that a crash interrupted goes on when it is asked for again', async () => {
    const folder = await temporaryFolder();
    const before = await openLibrary(folder);
    await before.library.start();
    const doomed = await make(before.library, 'doomed');
    const below = await make(before.library, 'below', doomed);
    const inside = await add(before.library, bytes, 'one.mkv', { folderId: below.id });
    await add(before.library, bytes, 'two.mkv', { folderId: doomed.id });
    // As far as a crash may have let it come: the innermost is done, the outer one is not begun.
    await before.catalogue.setBinned(inside.id, before.clock.nowMs());
    await before.catalogue.removeFolder(below.id);
    await before.leave();
    const { library, leave } = await openLibrary(folder);
    await library.start();
    assert.deepEqual(await listed(library, 'anna'), ['two']);
    await library.binFolder(doomed.id);
    assert.deepEqual(await listed(library, 'anna'), []);
    assert.deepEqual(await listed(library, 'anna', true), ['one', 'two']);
    await leave();
  });
});

describe('everything of a person who goes', () => {
  const fill = async (library: Library) => {
    const folder = await make(library, 'Annas');
    await add(library, bytes, 'one.mkv');
    await add(library, bytes, 'two.mkv', { folderId: folder.id });
    await library.binVideo((await add(library, bytes, 'binned.mkv')).id);
    const coming = await library.beginArrival(byTus('coming.mkv', bytes.length, { folderId: folder.id }));
    await coming.write(bytes.subarray(0, 1000));
    return { folder, coming };
  };

  test('is somebody else’s, folders and bin too; what was coming is given up', async () => {
    await withLibrary(async ({ library }) => {
      const { folder, coming } = await fill(library);
      await library.giveEverything('anna', 'ben', false);
      assert.deepEqual(await listed(library, 'anna'), []);
      assert.deepEqual(await listed(library, 'ben'), ['one', 'two']);
      assert.deepEqual(await listed(library, 'ben', true), ['binned']);
      assert.equal((await library.getFolder(folder.id)).ownerId, 'ben');
      await assert.rejects(coming.write(bytes.subarray(1000, 2000)), kind('gone'));
      assert.deepEqual(await library.getUsage('anna'), { videos: 0, bytes: 0 });
      assert.equal((await library.getUsage('ben')).videos, 3);
      await library.giveEverything('anna', 'ben', false);
    });
  });

  test('lies in the bin of the household, where its time runs', async () => {
    await withLibrary(async ({ library }) => {
      const { folder } = await fill(library);
      await library.giveEverything('anna', 'household', true);
      assert.deepEqual(await listed(library, 'household'), []);
      assert.deepEqual(await listed(library, 'household', true), ['binned', 'one', 'two']);
      await assert.rejects(library.getFolder(folder.id), kind('not-found'));
    });
  });

  test('a crash after any step lets the next time complete it', async () => {
    for (const steps of [0, 1, 2, 3]) {
      const folder = await temporaryFolder();
      const before = await openLibrary(folder);
      await before.library.start();
      const { coming } = await fill(before.library);
      if (steps > 0) await before.library.cancelArrival(coming.id);
      if (steps > 1) {
        const { items } = await before.library.listVideos({ limit: 1, after: null, query: '' });
        await before.library.binVideo(items[0]!.id);
      }
      if (steps > 2) await before.catalogue.giveVideos('anna', 'household');
      await before.leave();
      const { library, leave } = await openLibrary(folder);
      await library.start();
      await library.giveEverything('anna', 'household', true);
      assert.deepEqual(await listed(library, 'anna'), []);
      if (steps < 3) assert.deepEqual(await listed(library, 'household', true), ['binned', 'one', 'two']);
      assert.deepEqual(await library.getUsage('anna'), { videos: 0, bytes: 0 });
      await leave();
    }
  });

  test('is not given to oneself', async () => {
    await withLibrary(async ({ library }) => {
      await assert.rejects(library.giveEverything('anna', 'anna', false), kind('bad-request'));
    });
  });
});

describe('a video that is watched', () => {
  test('to the credits is marked so and no longer begun; for nobody else', async () => {
    await withLibrary(async ({ library }) => {
      const { id, durationMs } = await add(library, bytes);
      const sight = sightOf('anna');
      const begun = async () => (await library.listBegun('anna', sight, 10)).map((video) => video.id);
      await library.setProgress('anna', id, durationMs! * 0.5);
      assert.equal((await library.getMarks('anna', [id])).get(id)?.isWatched ?? false, false);
      await library.setProgress('anna', id, durationMs! * 0.97);
      assert.equal((await library.getMarks('anna', [id])).get(id)?.isWatched, true);
      assert.equal((await library.getMarks('ben', [id])).get(id)?.isWatched ?? false, false);
      assert.deepEqual(await begun(), []);
    });
  });

  test('keeps the other mark, and a person may say otherwise', async () => {
    await withLibrary(async ({ library }) => {
      const { id, durationMs } = await add(library, bytes);
      await library.setMarks('anna', id, { isFavourite: true });
      await library.setProgress('anna', id, durationMs!);
      assert.deepEqual((await library.getMarks('anna', [id])).get(id), {
        isFavourite: true,
        isWatched: true,
      });
      await library.setMarks('anna', id, { isWatched: false });
      assert.deepEqual((await library.getMarks('anna', [id])).get(id), {
        isFavourite: true,
        isWatched: false,
      });
    });
  });
});

test('what another Kinora knew of a video is kept in plain words', async () => {
  await withLibrary(async ({ library }) => {
    const addedAtMs = Date.UTC(2019, 4, 1);
    const video = await add(library, bytes, 'x.mkv', { title: ' Our\u202e  film\u0000 ', addedAtMs });
    assert.deepEqual([video.title, video.addedAtMs], ['Our film', addedAtMs]);
    assert.equal((await add(library, bytes, 'a_name.mkv', { title: '\u200b' })).title, 'a name');
    assert.equal((await add(library, bytes, 'y.mkv', { title: 'x'.repeat(5000) })).title.length, 500);
  });
});
