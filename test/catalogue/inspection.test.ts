// A catalogue whose file was damaged from outside is told for what it is, and put right where the videos say how.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import type { Disagreement, Folder } from '../../src/catalogue/catalogue.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { newVideo } from '../contracts/catalogue-samples.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const [inner, outer, berts] = ['inner', 'outer', 'berts'];

/** A closed catalogue with some of everything. */
async function prepare(): Promise<string> {
  const file = join(await temporaryFolder(), 'c.sqlite');
  const catalogue = await openSqliteCatalogue({ file, clock: systemClock });
  const folder = (id: string, rest: Partial<Folder>) =>
    catalogue.addFolder({ id, ownerId: 'anna', parentId: null, name: id, createdAtMs: 1, ...rest });
  await folder(outer, {});
  await folder(inner, { parentId: outer });
  await folder(berts, { ownerId: 'bert' });
  await catalogue.setAudiences('folder', outer, ['cora']);
  for (let i = 0; i < 30; i++) {
    const own = { ownerId: i % 3 ? 'anna' : 'bert', folderId: i % 3 === 1 ? inner : null };
    const id = `video ${i}`;
    await catalogue.beginUpload(newVideo(`Film ${i}`, { ...own, id, audiences: i % 2 ? ['household'] : [] }));
    if (i % 5 === 0) await catalogue.setBinned(id, 5);
    if (i % 4 === 0) await catalogue.setMarks('anna', id, { isFavourite: true });
  }
  for (const [subject, subjectId] of [
    ['video', 'video 1'],
    ['folder', outer],
    ['camera', 'door'],
  ] as const) {
    await catalogue.addLink({
      ...{
        id: `link ${subjectId}`,
        secretHash: subjectId,
        subject,
        subjectId,
        startSeconds: null,
        endSeconds: null,
      },
      ...{
        createdBy: 'anna',
        createdAtMs: 1,
        note: '',
        expiresAtMs: null,
        passwordHash: null,
        maxVisits: null,
      },
      ...{ visits: 0, allowsDownload: false },
    });
  }
  await catalogue.close();
  return file;
}

async function inspect(file: string, repair: boolean): Promise<readonly Disagreement[]> {
  const catalogue = await openSqliteCatalogue({ file, clock: systemClock });
  try {
    return await catalogue.inspect({ repair });
  } finally {
    await catalogue.close();
  }
}

const damages: [what: string, sql: string, told: RegExp[]][] = [
  [
    'a folder that is not there',
    "UPDATE videos SET folder_id = 'gone' WHERE id = 'video 1'",
    [/^video video 1: lies in/],
  ],
  [
    'a folder of another',
    `UPDATE videos SET folder_id = '${berts}' WHERE id = 'video 1'`,
    [/^video video 1: lies in/],
  ],
  [
    'a parent that is not there',
    `UPDATE folders SET parent_id = 'gone' WHERE id = '${inner}'`,
    [/^folder inner: lies in one/],
  ],
  [
    'a parent of another',
    `UPDATE folders SET parent_id = '${berts}' WHERE id = '${inner}'`,
    [/^folder inner: lies in one/],
  ],
  [
    'folders in a circle',
    `UPDATE folders SET parent_id = '${inner}' WHERE id = '${outer}'`,
    [/^folder inner: .*itself/, /^folder outer: .*itself/],
  ],
  [
    'shares of a video that are no list',
    "UPDATE videos SET audiences = 'x' WHERE id = 'video 1'",
    [/^video video 1: whom/],
  ],
  [
    'shares of a folder that are no list',
    `UPDATE folders SET audiences = '' WHERE id = '${outer}'`,
    [/^folder outer: whom/],
  ],
  [
    'a link to no video',
    "UPDATE links SET subject_id = 'gone' WHERE subject = 'video'",
    [/^link link video 1: leads to a video/],
  ],
  [
    'a link to no folder',
    "UPDATE links SET subject_id = 'gone' WHERE subject = 'folder'",
    [/^link link outer: leads to a folder/],
  ],
  ['wrong bytes', "UPDATE usage SET bytes = bytes + 1 WHERE owner_id = 'anna'", [/^usage of person anna: /]],
  ['usage that is missing', "DELETE FROM usage WHERE owner_id = 'anna'", [/^usage of person anna: /]],
  ['usage of nobody', "INSERT INTO usage VALUES ('dora', 1, 1)", [/^usage of person dora: /]],
  [
    'a wrong number',
    "UPDATE tallies SET videos = 0 WHERE name = 'library'",
    [/^number of videos in the library: /],
  ],
  [
    'a title in the wrong place',
    "UPDATE videos SET title_key = 'zzz' WHERE id = 'video 1'",
    [/^video video 1: .*place/],
  ],
  ['a word that is missing', "DELETE FROM title_words WHERE beginning = 'fi'", [/^search: 2 of/]],
  ['a word too many', "INSERT INTO title_words VALUES (0, 77, 'x', x'0100')", [/^search: 1 of/]],
  [
    'a share in the search alone',
    "UPDATE facets SET facet = 's/dora' WHERE facet = 's/cora'",
    [/^search: 4 of/],
  ],
  [
    'an owner that the search does not know',
    "DELETE FROM facets WHERE facet = 'o/bert' AND in_bin = 0",
    [/^search: 1 of/],
  ],
];

let sound: Promise<Buffer> | null = null;

/** A file like it, prepared once. */
async function copyOfSound(): Promise<string> {
  const file = join(await temporaryFolder(), 'c.sqlite');
  sound ??= prepare().then((prepared) => readFile(prepared));
  await writeFile(file, await sound);
  return file;
}

describe('A catalogue held against itself', () => {
  it('is sound when nobody touched it', async () => {
    const file = await prepare();
    assert.deepEqual(await inspect(file, false), []);
    assert.deepEqual(await inspect(file, true), []);
  });

  for (const [what, sql, told] of damages) {
    it(`tells of ${what}, and puts it right where that is asked`, async () => {
      const file = await copyOfSound();
      const database = new DatabaseSync(file);
      database.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
      database.close();
      for (const repair of [false, true]) {
        const found = await inspect(file, repair);
        // Rows that are wrong make the search wrong as well; once they are right, it is mended with them.
        const isSearch = told[0]!.source.startsWith('^search');
        const lines = found
          .map(({ subject, message }) => `${subject}: ${message}`)
          .filter((line) => isSearch || !line.startsWith('search'))
          .sort();
        assert.equal(lines.length, told.length, lines.join('\n'));
        for (const [i, line] of lines.entries()) assert.match(line, told[i]!);
        assert.ok(found.every(({ isRepaired }) => isRepaired === repair));
      }
      assert.deepEqual(await inspect(file, false), []);
    });
  }
});
