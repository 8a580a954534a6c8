// A catalogue from before there were accounts becomes the household's: nothing of it is lost, all of it is found, in
// bounded time, and an upgrade that is cut off has not happened.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import type { Sight } from '../../src/catalogue/catalogue.ts';
import { titleKey } from '../../src/catalogue/search-words.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { hostileTitles } from '../contracts/catalogue-samples.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { makeOldCatalogue } from './old-catalogue.ts';

const household: Sight = { ownerIds: ['household'], audiences: ['household'] };

/** More than a bucket of the index. */
const titles = Array.from({ length: 4500 }, (_, i) => `Film ${i} ${i % 3 ? 'Sommer' : 'Été'}`);

async function openOld(old: readonly string[]) {
  const file = join(await temporaryFolder(), 'c.sqlite');
  makeOldCatalogue(file, old);
  return { file, open: () => openSqliteCatalogue({ file, clock: systemClock }) };
}

describe('A catalogue of schema 1', () => {
  it("is the household's afterwards, with everything in it", async () => {
    const { open } = await openOld([...titles, ...hostileTitles]);
    const catalogue = await open();
    const all = [...titles, ...hostileTitles];
    const expected = all.map((title, i) => ({ id: `old ${i}`, title, isBinned: i % 11 === 0 }));
    const seen: string[] = [];
    for await (const video of catalogue.streamVideos({ query: '', inBin: 'both', sight: household })) {
      assert.deepEqual([video.ownerId, video.folderId], ['household', null]);
      seen.push(video.id);
    }
    const inLibrary = expected.filter(({ isBinned }) => !isBinned);
    const inBin = expected.filter(({ isBinned }) => isBinned);
    assert.deepEqual(
      seen,
      [...inLibrary.toReversed(), ...inBin.toReversed()].map(({ id }) => id),
    );
    assert.equal(await catalogue.countVideos(), inLibrary.length);

    const summers: string[] = [];
    const request = { limit: 1000, query: 'somm', sight: household, folderId: null };
    for (let next: string | null = null, isFirst = true; isFirst || next; isFirst = false) {
      const page = await catalogue.listVideos({ ...request, after: next });
      summers.push(...page.items.map(({ title }) => title));
      next = page.next;
    }
    assert.deepEqual(
      summers,
      inLibrary
        .map(({ title }) => title)
        .filter((title) => title.includes('Sommer'))
        .toReversed(),
    );

    const sorted = await catalogue.listVideos({
      limit: 1000,
      after: null,
      query: '',
      sight: household,
      sort: 'title',
    });
    const keys = inLibrary.map(({ title }) => titleKey(title));
    keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(
      sorted.items.map(({ title }) => titleKey(title)),
      keys.slice(0, 1000),
    );

    const progress = await catalogue.getProgress(
      'household',
      all.map((_, i) => `old ${i}`),
    );
    assert.equal(progress.size, Math.ceil(all.length / 5));
    assert.deepEqual(progress.get('old 15'), { positionMs: 15.5, updatedAtMs: 15 });
    assert.equal((await catalogue.getMarks('household', ['old 15'])).size, 0);
    assert.equal((await catalogue.listBegun('household', household, 10)).length, 10);

    const bytes = all.reduce((sum, _, i) => sum + (i % 7 === 0 ? 7 : 1000 + i), 0);
    assert.deepEqual(await catalogue.getUsage('household'), { videos: all.length, bytes });
    assert.deepEqual(await catalogue.inspect({ repair: false }), []);
    await catalogue.close();
  });

  it('is what it was when the upgrade is killed before its end, and upgraded by the next start', async () => {
    const { file, open } = await openOld(titles);
    const child = fork(join(import.meta.dirname, 'upgrading-process.ts'), [file]);
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL', 'the process ended by itself');
    const database = new DatabaseSync(file);
    assert.equal(database.prepare('PRAGMA user_version').get()?.user_version, 1);
    const columns = database
      .prepare('PRAGMA table_info(videos)')
      .all()
      .map(({ name }) => name);
    assert.ok(!columns.includes('owner_id'));
    assert.equal(database.prepare('SELECT count(*) AS videos FROM videos').get()?.videos, titles.length);
    assert.equal(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'folders'").get(), undefined);
    database.close();
    const catalogue = await open();
    assert.equal((await catalogue.getUsage('household')).videos, titles.length);
    assert.deepEqual(await catalogue.inspect({ repair: false }), []);
    await catalogue.close();
  });

  it('of a hundred thousand videos is upgraded within a minute on a busy machine', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => `v ${i % 50}`);
    const { open } = await openOld(many);
    const startMs = performance.now();
    const catalogue = await open();
    const seconds = (performance.now() - startMs) / 1000;
    assert.ok(seconds < 60, `${seconds.toFixed(1)} s`);
    const { items } = await catalogue.listVideos({ limit: 10, after: null, query: 'v 49', sight: household });
    assert.equal(items[0]?.id, 'old 99999');
    assert.equal((await catalogue.getUsage('household')).videos, many.length);
    await catalogue.close();
  });
});
