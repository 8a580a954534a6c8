// Lists of a catalogue large enough for several buckets of the index: every order and every sight, walked in pages,
// against plain sorting; searches that pause; places that are read back.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Catalogue,
  type ListRequest,
  type Sight,
  type VideoSort,
  videoSorts,
} from '../../src/catalogue/catalogue.ts';
import { readCursor, writeCursor } from '../../src/catalogue/page-cursor.ts';
import { titleKey } from '../../src/catalogue/search-words.ts';
import { FacetScan } from '../../src/catalogue/sqlite/facet-scan.ts';
import type { Wanted } from '../../src/catalogue/sqlite/facets.ts';
import { writeMembers } from '../../src/catalogue/sqlite/members.ts';
import { openForReading, openForWriting } from '../../src/catalogue/sqlite/open-database.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { WordIndex } from '../../src/catalogue/sqlite/word-index.ts';
import { WordSearch } from '../../src/catalogue/sqlite/word-search.ts';
import { createWrites } from '../../src/catalogue/sqlite/writes.ts';
import { systemClock } from '../../src/clock.ts';
import { isAppError } from '../../src/errors.ts';
import { arrival, newVideo } from '../contracts/catalogue-samples.ts';

type Listed = {
  id: string;
  key: string;
  durationMs: number;
  sizeBytes: number;
  isOwn: boolean;
  isRare: boolean;
  isHoliday: boolean;
  isBinned: boolean;
};

/** Three buckets; more than are sorted by their keys. */
const count = 9500;
const anna: Sight = { ownerIds: ['anna'], audiences: [] };
const cora: Sight = { ownerIds: ['cora'], audiences: ['cora'] };

describe('Lists over several buckets', () => {
  let catalogue: Catalogue;
  let folder: string;
  let file: string;
  const listed: Listed[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kinora lists '));
    file = join(folder, 'c.sqlite');
    const database = openForWriting(file);
    database.exec('PRAGMA synchronous = OFF; BEGIN');
    const index = new WordIndex(database);
    const writes = createWrites(database, index);
    for (let i = 0; i < count; i++) {
      const known = { durationMs: (i * 7919) % 500, sizeBytes: (i * 104_729) % 700 };
      const [isOwn, isRare, isHoliday, isBinned] = [
        i % 5 !== 0,
        i > 9000 || i < 20,
        i % 3 === 0,
        i % 50 === 0,
      ];
      // A few titles, each many times: ties over many pages.
      const title = `${isHoliday ? 'Holiday' : 'Winter'} ${(i * 31) % 17}`;
      const given = { ownerId: isOwn ? 'anna' : 'bert', audiences: isRare ? ['cora'] : [] };
      const video = newVideo(title, given);
      writes.beginUpload(video);
      writes.storeArrival(video.id, { ...arrival, ...known });
      if (isBinned) writes.setBinned(video.id, 5);
      listed.push({ id: video.id, key: titleKey(title), ...known, isOwn, isRare, isHoliday, isBinned });
    }
    index.flush();
    database.exec('COMMIT');
    database.close();
    catalogue = await openSqliteCatalogue({ file, clock: systemClock });
  });
  after(async () => {
    await catalogue.close();
    await rm(folder, { recursive: true });
  });

  const inOrder: Record<VideoSort, (list: Listed[]) => Listed[]> = {
    oldest: (list) => list,
    newest: (list) => list.toReversed(),
    title: (list) => list.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
    longest: (list) => list.toReversed().sort((a, b) => b.durationMs - a.durationMs),
    largest: (list) => list.toReversed().sort((a, b) => b.sizeBytes - a.sizeBytes),
  };
  const asked: [name: string, request: Partial<ListRequest>, belongs: (video: Listed) => boolean][] = [
    ['everything', {}, () => true],
    ["one person's, most of all", { sight: anna }, ({ isOwn }) => isOwn],
    ['a few, all old or new', { sight: cora }, ({ isRare }) => isRare],
    ['a third, by a word', { query: 'hol' }, ({ isHoliday }) => isHoliday],
    ["a word, of one person's", { query: 'hol', sight: anna }, (video) => video.isHoliday && video.isOwn],
    [
      "others', shared",
      { sight: { ...anna, audiences: ['cora'] }, whose: 'others' },
      (video) => !video.isOwn && video.isRare,
    ],
  ];

  for (const [name, request, belongs] of asked) {
    for (const sort of videoSorts) {
      it(`are whole and in order: ${name}, ${sort}`, async () => {
        for (const [inBin, limit] of [
          [false, 1000],
          [false, 617],
          [true, 50],
        ] as const) {
          const found: string[] = [];
          for (let next: string | null = null, isFirst = true; isFirst || next !== null; isFirst = false) {
            const page = await catalogue.listVideos({
              query: '',
              ...request,
              sort,
              inBin,
              limit,
              after: next,
            });
            found.push(...page.items.map(({ id }) => id));
            next = page.next;
          }
          const expected = inOrder[sort](
            listed.filter((video) => video.isBinned === inBin && belongs(video)),
          );
          assert.deepEqual(
            found,
            expected.map(({ id }) => id),
          );
        }
      });
    }
  }

  it('repeat and lose nothing that stays when others go between pages', async () => {
    for (const sort of ['title', 'longest', 'largest'] as const) {
      const seen: string[] = [];
      const gone = new Set<string>();
      for (let next: string | null = null, isFirst = true; isFirst || next !== null; isFirst = false) {
        const page = await catalogue.listVideos({ query: '', sight: anna, sort, limit: 700, after: next });
        seen.push(...page.items.map(({ id }) => id));
        next = page.next;
        // The very last one goes: its place must still be one.
        const last = page.items.at(-1)!.id;
        gone.add(last);
        await catalogue.setBinned(last, 5);
      }
      const staying = listed.filter(({ id, isOwn, isBinned }) => isOwn && !isBinned && !gone.has(id));
      assert.deepEqual(
        seen.filter((id) => !gone.has(id)),
        inOrder[sort](staying).map(({ id }) => id),
      );
      for (const id of gone) await catalogue.setBinned(id, null);
    }
  });

  it('that pause after every lookup find what those find that do not', () => {
    const database = openForReading(file);
    const search = new WordSearch(database);
    const questions: Wanted[] = [
      { words: ['hol'], anyOf: [], noneOf: [] },
      { words: [], anyOf: [['o/anna', 's/cora'], ['f/']], noneOf: ['o/bert'] },
      { words: ['hol'], anyOf: [['s/cora']], noneOf: [] },
      { words: [], anyOf: [['s/nobody']], noneOf: [] },
    ];
    for (const direction of ['up', 'down'] as const) {
      for (const wanted of questions) {
        const run = (lookups: number) => {
          const found: [number, string][] = [];
          let pieces = 0;
          for (let next: number | null = direction === 'up' ? 0 : 99; next !== null; pieces++) {
            const take = (bucket: number, members: Uint8Array) =>
              found.push([bucket, Buffer.from(members).toString('hex')]) > 0;
            next = search.scan(wanted, false, next, direction, take, lookups);
          }
          return { found, pieces };
        };
        const [paused, whole] = [run(0), run(Number.POSITIVE_INFINITY)];
        assert.deepEqual(paused.found, whole.found);
        assert.equal(whole.pieces, 1);
        if (whole.found.length > 1) assert.ok(paused.pieces > 1);
      }
    }
    database.close();
  });
});

describe('The sets of a facet', () => {
  it('are met from any bucket on, each once, whichever are asked for', () => {
    const members = writeMembers(new Uint8Array(512).fill(1))!;
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 300 }), { maxLength: 200 }),
        fc.array(fc.nat({ max: 300 })),
        fc.constantFrom('down' as const, 'up' as const),
        (buckets, asked, direction) => {
          const order = direction === 'down' ? -1 : 1;
          const rows = buckets.sort((a, b) => (a - b) * order).map((bucket) => ({ bucket, members }));
          const isAtOrPast = (bucket: number, from: number) => (bucket - from) * order >= 0;
          const scan = new FacetScan(direction, (from, limit) =>
            rows.filter(({ bucket }) => isAtOrPast(bucket, from)).slice(0, limit),
          );
          for (const from of asked.sort((a, b) => (a - b) * order)) {
            assert.equal(scan.seek(from), buckets.find((bucket) => isAtOrPast(bucket, from)) ?? null);
            assert.equal(scan.at(from) !== null, buckets.includes(from));
          }
        },
      ),
    );
  });
});

describe('A place in another order', () => {
  it('is read back whatever the key is, and refused as one of another order', () => {
    const key = fc.string({ unit: 'binary', maxLength: 120 }).map((text) => titleKey(text));
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        key,
        fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
        (sequence, text, number) => {
          for (const sort of videoSorts) {
            const keys = {
              newest: null,
              oldest: null,
              title: text,
              longest: number,
              largest: Math.floor(number),
            };
            const place = { sequence, key: keys[sort] };
            const cursor = writeCursor(sort, place);
            assert.match(cursor, /^[\w.-]+$/);
            assert.deepEqual(readCursor(sort, cursor), place);
            for (const other of videoSorts) {
              if (other !== sort)
                assert.throws(
                  () => readCursor(other, cursor),
                  (error) => isAppError(error, 'bad-request'),
                );
            }
          }
        },
      ),
    );
  });
});

describe('The key of a title', () => {
  it('puts titles in the order in which people look for them', () => {
    const sorted = [
      '',
      '2 Fast',
      '10 Things',
      '2001',
      'Äpfel',
      'apple pie',
      'Part 2',
      'part 10',
      'PART 10 b',
      'Zoo',
    ];
    const keys = sorted.map(titleKey);
    assert.deepEqual(keys.toSorted(), keys);
    assert.equal(titleKey('  Éclair—007 '), titleKey('eclair 7'));
  });

  it('is bounded, well-formed, and orders numbers of any length by what they count', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 90n }),
        fc.bigInt({ min: 0n, max: 10n ** 90n }),
        (a, b) => {
          const [x, y] = [titleKey(`no ${a}`), titleKey(`no ${b}`)];
          assert.equal(x < y, a < b);
        },
      ),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (title) => {
        const key = titleKey(title);
        assert.ok([...key].length <= 120 && key.isWellFormed());
      }),
    );
  });
});
