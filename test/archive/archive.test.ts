// A library out into an archive and in again, in this Kinora and another; and archives of people who mean no good.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Viewer } from '../../src/accounts/permissions.ts';
import { type ExportSources, exportArchive } from '../../src/archive/export.ts';
import { type Importer, type ImportReport, importArchive, maxEntries } from '../../src/archive/import.ts';
import { tarEnd, tarHeader, tarPadding } from '../../src/archive/tar-header.ts';
import { readTar } from '../../src/archive/tar-reader.ts';
import { AppError } from '../../src/errors.ts';
import type { Library } from '../../src/library/library.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { add, byTus, film, kind, type Rig, readOriginal, withLibrary } from '../library/rig.ts';

const bytes = await readFile(await makeMedia(film));
const others = await readFile(await makeMedia({ ...film, container: 'mp4' }));
/** The same size, other bytes from some place on. */
const twin = Buffer.from(bytes);
twin[bytes.length - 10]! ^= 0xff;

const anna: Viewer = {
  ...{ personId: 'anna', name: 'Anna', role: 'member', scopes: null },
  ...{ sessionId: null, tokenId: null },
};

function sourcesOf(
  { library, catalogue, clock }: Rig,
  part: Partial<ExportSources['accounts']> = {},
): ExportSources {
  const accounts = {
    getPerson: async () => null,
    listPeople: async () => [{ id: 'ben', name: 'Ben' }],
    listTokens: async () => [],
    listAudit: async () => [],
    ...part,
  } as unknown as ExportSources['accounts'];
  return { library, catalogue, accounts, nowMs: clock.nowMs() };
}

async function exported(rig: Rig, ownerIds = ['anna']): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of exportArchive(sourcesOf(rig), anna, ownerIds)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function imported(rig: Rig, archive: Uint8Array, part: Partial<Importer> = {}): Promise<ImportReport> {
  const importer: Importer = {
    ...{ library: rig.library, personId: 'anna', quotaBytes: null, nowMs: rig.clock.nowMs() },
    signal: new AbortController().signal,
    ...part,
  };
  return importArchive(inPieces(archive), importer);
}

async function* inPieces(archive: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < archive.length; at += 50_000) yield archive.subarray(at, at + 50_000);
}

async function entriesOf(archive: Uint8Array): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for await (const entry of readTar(inPieces(archive))) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry.bytes()) chunks.push(Buffer.from(chunk));
    assert.ok(!found.has(entry.name), `${entry.name} is there once`);
    found.set(entry.name, Buffer.concat(chunks));
  }
  return found;
}

function tarOf(...files: (readonly [name: string, content: Uint8Array | string])[]): Buffer {
  const parts = files.flatMap(([name, content]) => {
    const body = Buffer.from(content as Uint8Array);
    return [tarHeader({ name, sizeBytes: body.length, modifiedAtMs: 0 }), body, tarPadding(body.length)];
  });
  return Buffer.concat([...parts, tarEnd()]);
}

/** Every video of the person's: folder path, title, digest of nothing but its size. */
async function libraryOf(library: Library, personId = 'anna', inBin = false) {
  const sight = { ownerIds: [personId], audiences: [] };
  const { items } = await library.listVideos({ limit: 1000, after: null, query: '', inBin, sight });
  const found: string[] = [];
  for (const { title, folderId, sizeBytes } of items) {
    const path = folderId === null ? [] : await library.folderPath(folderId);
    found.push(`${path.map(({ name }) => name).join('/')}: ${title} (${sizeBytes})`);
  }
  return found.sort();
}

/** A library with what a household has. */
async function fill({ library }: Rig) {
  const outer = await library.addFolder({ ownerId: 'anna', parentId: null, name: 'Holidays / 2026: “Süd”' });
  const inner = await library.addFolder({ ownerId: 'anna', parentId: outer.id, name: '日本の夏' });
  await library.addFolder({ ownerId: 'anna', parentId: null, name: 'Empty' });
  const plain = await add(library, bytes, 'film.mkv', { addedAtMs: Date.UTC(2020, 1, 2) });
  const deep = await add(library, others, `${'länge'.repeat(40)}.mp4`, { folderId: inner.id });
  await add(library, twin, 'film.mkv', { title: 'A twin', audiences: ['household', 'ben', 'gone'] });
  await add(library, others, '../../etc/passwd', { title: 'Odd name', folderId: outer.id });
  await library.binVideo((await add(library, others, 'old.mp4', { title: 'Thrown away' })).id);
  await add(library, bytes, 'bens.mkv', { ownerId: 'ben' });
  await (await library.beginArrival(byTus('coming.mkv', bytes.length))).suspend();
  await library.setMarks('anna', plain.id, { isFavourite: true });
  await library.setProgress('anna', deep.id, 700);
  await library.setMarks('ben', plain.id, { isWatched: true });
  return { plain, deep };
}

describe('an archive of one’s data', () => {
  test('has the originals byte for byte under safe names, and what is known of them', async () => {
    await withLibrary(async (rig) => {
      const { plain } = await fill(rig);
      const found = await entriesOf(await exported(rig));
      const names = [...found.keys()];
      assert.equal(names[0], 'kinora.json');
      const head = JSON.parse(found.get('kinora.json')!.toString());
      assert.deepEqual([head.kinora, head.person.name, head.person.role], [1, 'Anna', 'member']);
      const videos = names.filter((name) => !name.startsWith('kinora'));
      assert.equal(videos.length, 5, 'neither another’s nor what is still coming');
      for (const name of videos) assert.doesNotMatch(name, /[\\:*?"<>|]|(^|\/)\.|^\//, name);
      assert.deepEqual(found.get('videos/film.mkv'), twin, 'the newest has the plain name');
      assert.deepEqual(found.get(`videos/film [${plain.id}].mkv`), bytes);
      assert.ok(names.includes('videos/Holidays _ 2026_ “Süd”/_.._etc_passwd'), names.join('\n'));
      assert.deepEqual(found.get('bin/old.mp4'), others);
      const told = names
        .filter((name) => /^kinora\/videos-/.test(name))
        .flatMap((name) => JSON.parse(found.get(name)!.toString()).videos);
      const one = told.find((video) => video.id === plain.id);
      assert.equal(one.addedAt, '2020-02-02T00:00:00.000Z');
      assert.deepEqual([one.isFavourite, one.isWatched, one.positionMs], [true, false, null]);
      const shared = told.find((video) => video.title === 'A twin');
      assert.deepEqual(shared.sharedWith.sort(), ['Ben', 'somebody who left', 'the household']);
    });
  });

  test('tells links without their secrets, tokens by name, and what one did, newest first', async () => {
    await withLibrary(async (rig) => {
      const { id } = await add(rig.library, bytes);
      await rig.catalogue.addLink({
        ...{ id: 'l', secretHash: 'the hash', subject: 'video', subjectId: id, startSeconds: null },
        ...{
          endSeconds: null,
          createdBy: 'anna',
          createdAtMs: 5,
          note: 'For grandmother',
          expiresAtMs: null,
        },
        ...{ passwordHash: 'scrypt of it', maxVisits: null, visits: 0, allowsDownload: true },
      });
      for (let index = 0; index < 2500; index += 1) {
        const personId = index % 2 === 0 ? 'anna' : 'ben';
        await rig.catalogue.noteAudit({
          ...{ id: `n${index}`, atMs: 1000 + Math.floor(index / 7), personId, personName: 'x' },
          ...{ action: 'video-shared', subject: `${index}`, address: '::1' },
        });
      }
      const sources = sourcesOf(rig, {
        listTokens: async () => [
          {
            id: 't',
            personId: 'anna',
            name: 'My television',
            scopes: ['videos:watch'],
            createdAtMs: 1,
            expiresAtMs: null,
            lastUsedAtMs: null,
          },
        ],
        getPerson: async () =>
          ({ id: 'anna', name: 'Anna', userName: 'anna', email: null, createdAtMs: 1 }) as never,
      });
      const chunks: Buffer[] = [];
      for await (const chunk of exportArchive(sources, anna, ['anna'])) chunks.push(Buffer.from(chunk));
      const archive = Buffer.concat(chunks);
      const found = await entriesOf(archive);
      assert.equal(JSON.parse(found.get('kinora.json')!.toString()).tokens[0].name, 'My television');
      const [video] = JSON.parse(found.get('kinora/videos-00001.json')!.toString()).videos;
      assert.equal(video.links[0].note, 'For grandmother');
      assert.ok(!archive.includes('the hash') && !archive.includes('scrypt'), 'no secret is in it');
      const lines = [...found]
        .filter(([name]) => name.startsWith('kinora/audit-'))
        .flatMap(([, content]) => JSON.parse(content.toString()).lines as { subject: string }[]);
      const subjects = lines.map(({ subject }) => Number(subject));
      assert.equal(new Set(subjects).size, 1250, 'each of one’s own, once');
      assert.ok(subjects.every((subject) => subject % 2 === 0));
    });
  });

  test('of an owner has the household’s apart', async () => {
    await withLibrary(async (rig) => {
      await add(rig.library, bytes, 'mine.mkv');
      await add(rig.library, others, 'ours.mp4', { ownerId: 'household' });
      const names = [...(await entriesOf(await exported(rig, ['anna', 'household']))).keys()];
      assert.ok(names.includes('videos/mine.mkv') && names.includes('household/ours.mp4'), names.join(' '));
    });
  });

  test('says which videos could not be read, and has all the others', async () => {
    await withLibrary(async (rig) => {
      const lost = await add(rig.library, bytes, 'lost.mkv', { title: 'Lost' });
      await add(rig.library, others, 'there.mp4');
      await rig.blobs.remove(lost.blobId);
      const found = await entriesOf(await exported(rig));
      assert.deepEqual(JSON.parse(found.get('kinora/missing.json')!.toString()), { missing: ['Lost'] });
      assert.ok(found.has('videos/there.mp4') && !found.has('videos/lost.mkv'));
    });
  });
});

describe('an archive taken in', () => {
  test('by another Kinora is the same library: folders, titles, dates, marks, the bin', async () => {
    await withLibrary(async (from) => {
      await fill(from);
      const archive = await exported(from);
      await withLibrary(async (to) => {
        const report = await imported(to, archive);
        assert.deepEqual(
          { ...report, skipped: [] },
          { videos: 5, doubles: 0, skippedCount: 0, skipped: [], failure: null },
        );
        const wanted = (await libraryOf(from.library)).filter((line) => !line.includes('coming'));
        assert.deepEqual(await libraryOf(to.library), wanted);
        assert.deepEqual(
          await libraryOf(to.library, 'anna', true),
          await libraryOf(from.library, 'anna', true),
        );
        const sight = { ownerIds: ['anna'], audiences: [] };
        const tops = await to.library.listFolders(sight, null);
        assert.deepEqual(tops.map(({ name }) => name).sort(), ['Empty', 'Holidays / 2026: “Süd”']);
        const { items } = await to.library.listVideos({ limit: 10, after: null, query: '' });
        const plain = items.find(({ title }) => title === 'film')!;
        assert.equal(plain.addedAtMs, Date.UTC(2020, 1, 2));
        assert.deepEqual(await readOriginal(to.library, plain.id), bytes);
        assert.equal((await to.library.getMarks('anna', [plain.id])).get(plain.id)?.isFavourite, true);
        for (const { id } of items)
          assert.deepEqual(await to.library.getAudiences('video', id), [], 'private');
        const deep = items.find(({ title }) => title.startsWith('länge'))!;
        assert.equal((await to.library.getProgress('anna', [deep.id])).get(deep.id)?.positionMs, 700);
      });
    });
  });

  test('again makes no doubles and needs no room for them', async () => {
    await withLibrary(async (rig) => {
      await fill(rig);
      const archive = await exported(rig);
      const before = await libraryOf(rig.library);
      const usage = await rig.library.getUsage('anna');
      const report = await imported(rig, archive, { quotaBytes: usage.bytes });
      assert.deepEqual([report.videos, report.doubles, report.skippedCount], [0, 5, 0]);
      assert.deepEqual(await libraryOf(rig.library), before);
      assert.deepEqual(await rig.library.getUsage('anna'), usage);
    });
  });

  test('of the same size with other bytes is no double, wherever they differ', async () => {
    await withLibrary(async (rig) => {
      await add(rig.library, bytes);
      for (const at of [4000, 50_001, Math.floor(bytes.length / 2), bytes.length - 1]) {
        const other = Buffer.from(bytes);
        assert.ok(at < other.length);
        other[at]! ^= 1;
        const report = await imported(rig, tarOf([`${at}.mkv`, other]));
        assert.equal(report.videos, 1, JSON.stringify(report));
        const { items } = await rig.library.listVideos({ limit: 10, after: null, query: `${at}` });
        assert.deepEqual(await readOriginal(rig.library, items[0]!.id), other);
        assert.equal((await imported(rig, tarOf(['again.mkv', other]))).doubles, 1);
      }
    });
  });

  test('has as often what it had more than once, and again no more of it', async () => {
    await withLibrary(async (rig) => {
      const archive = tarOf(['a.mkv', bytes], ['b.mkv', bytes], ['c.mkv', twin]);
      assert.equal((await imported(rig, archive)).videos, 3);
      const again = await imported(rig, archive);
      assert.deepEqual([again.videos, again.doubles], [0, 3]);
      assert.equal(
        (await imported(rig, tarOf(['d.mkv', bytes], ['e.mkv', bytes], ['f.mkv', bytes]))).videos,
        1,
      );
    });
  });

  test('of any origin has its videos taken, in its folders, and the rest left out with the reason', async () => {
    await withLibrary(async (rig) => {
      const archive = tarOf(
        ['./camera/2024/a_film.mkv', bytes],
        ['./camera/notes.txt', 'What we saw.\n'.repeat(1000)],
        ['./camera/', ''],
        ['top.mp4', others],
        ['empty.mp4', ''],
        ['kinora/videos-00001.json', '{"place":{"path":[],"isBin":false},"videos":[]}'],
      );
      const report = await imported(rig, archive);
      assert.equal(report.videos, 2);
      assert.deepEqual(await libraryOf(rig.library), [
        `: top (${others.length})`,
        `camera/2024: a film (${bytes.length})`,
      ]);
      const reasons = new Map(report.skipped.map(({ name, reason }) => [name, reason]));
      assert.match(reasons.get('empty.mp4')!, /empty/);
      assert.ok(reasons.has('./camera/notes.txt') && reasons.has('kinora/videos-00001.json'));
      const sight = { ownerIds: ['anna'], audiences: [] };
      assert.equal((await rig.library.listFolders(sight, null)).length, 1, 'no folder for what is no video');
    });
  });

  test('stops at the quota with figures, and what fits comes in', async () => {
    await withLibrary(async (rig) => {
      const small = others.length < bytes.length ? others : bytes;
      const large = small === others ? bytes : others;
      const archive = tarOf(['a.mkv', large], ['b.mkv', small]);
      const report = await imported(rig, archive, { quotaBytes: small.length });
      assert.equal(report.videos, 1);
      assert.match(report.skipped[0]!.reason, /This video has .* may have/);
    });
  });

  test('that breaks off keeps what came whole, and leaves nothing of the rest', async () => {
    await withLibrary(async (rig) => {
      const archive = tarOf(['a.mkv', bytes], ['b.mp4', others]);
      const report = await imported(rig, archive.subarray(0, archive.length - others.length));
      assert.equal(report.videos, 1);
      assert.match(report.failure!, /ends before its time/);
      assert.deepEqual(await rig.catalogue.listArriving(), []);
      assert.equal((await imported(rig, archive)).doubles, 1);
    });
  });

  test('ends when it is told to, with nothing half done', async () => {
    await withLibrary(async (rig) => {
      const ended = new AbortController();
      const reason = new AppError('unauthorized', 'Logged out.');
      async function* cut(): AsyncGenerator<Uint8Array> {
        let count = 0;
        for await (const piece of inPieces(tarOf(['a.mkv', bytes], ['b.mp4', others]))) {
          count += 1;
          if (count === 3) ended.abort(reason);
          yield piece;
        }
      }
      const importer = {
        library: rig.library,
        personId: 'anna',
        quotaBytes: null,
        nowMs: 0,
        signal: ended.signal,
      };
      await assert.rejects(importArchive(cut(), importer), kind('unauthorized'));
      assert.deepEqual(await rig.catalogue.listArriving(), []);
    });
  });
});

describe('a hostile archive', () => {
  test('has no way out of itself', async () => {
    await withLibrary(async (rig) => {
      const bad = [
        '../../etc/cron.d/x.mkv',
        '/etc/passwd',
        'a/../../b.mkv',
        'C:\\Windows\\x.mkv',
        'a\\..\\..\\b.mkv',
        '..',
      ];
      const report = await imported(
        rig,
        tarOf(...bad.map((name) => [name, bytes] as const), ['fine.mkv', bytes]),
      );
      assert.equal(report.videos, 1);
      assert.deepEqual(
        report.skipped.map(({ name }) => name),
        bad,
      );
      for (const { reason } of report.skipped) assert.match(reason, /leads out/);
    });
  });

  test('with a million entries ends at its limit, reasons and all', async () => {
    await withLibrary(async (rig) => {
      const entry = tarHeader({ name: 'x', sizeBytes: 0, modifiedAtMs: 0 });
      const many = Buffer.concat(Array.from({ length: 1000 }, () => entry));
      let given = 0;
      async function* million(): AsyncGenerator<Uint8Array> {
        yield tarOf(['a.mkv', bytes]).subarray(0, -1024);
        for (; given < 1_000_000; given += 1000) yield many;
      }
      const importer = {
        library: rig.library,
        personId: 'anna',
        quotaBytes: null,
        nowMs: 0,
        signal: new AbortController().signal,
      };
      const report = await importArchive(million(), importer);
      assert.match(report.failure!, /more than 100000 entries/);
      assert.equal(report.skipped.length, 200);
      assert.ok(report.skippedCount >= maxEntries - 2);
      assert.ok(given <= maxEntries + 1000, `${given} were read`);
    });
  });

  const head = JSON.stringify({ kinora: 1 });
  const place = { path: [], isBin: false };
  const wrongs: readonly (readonly [string, [string, string][], RegExp])[] = [
    ['a newer form', [['kinora.json', '{"kinora":2}']], /newer Kinora/],
    ['a head of another form', [['kinora.json', '[]']], /not in the form/],
    ['a head that is no JSON', [['kinora.json', '{']], /cannot be read/],
    ['a head of five megabytes', [['kinora.json', ' '.repeat(5e6)]], /too long/],
    [
      'a piece without a place',
      [
        ['kinora.json', head],
        ['kinora/videos-00001.json', '{"videos":[]}'],
      ],
      /not in the form/,
    ],
    [
      'a piece with a place that is no path',
      [
        ['kinora.json', head],
        ['kinora/videos-00001.json', JSON.stringify({ place: { path: [{}] }, videos: [] })],
      ],
      /not in the form/,
    ],
    [
      'a piece nested without end',
      [
        ['kinora.json', head],
        ['kinora/videos-00001.json', `${'['.repeat(1e6)}`],
      ],
      /cannot be read/,
    ],
    [
      'a piece with too many videos',
      [
        ['kinora.json', head],
        ['kinora/videos-00001.json', JSON.stringify({ place, videos: Array(201).fill({}) })],
      ],
      /not in the form/,
    ],
  ];
  for (const [what, files, sentence] of wrongs) {
    test(`is refused: ${what}`, async () => {
      await withLibrary(async (rig) => {
        await assert.rejects(imported(rig, tarOf(...files)), (error) => {
          assert.ok(kind('bad-request')(error), String(error));
          assert.match((error as Error).message, sentence);
          return true;
        });
      });
    });
  }

  test('that says odd things of a video is believed in nothing of that', async () => {
    await withLibrary(async (rig) => {
      const file = 'videos/a.mkv';
      const odd = {
        ...{ file, title: '\u202e<script>\u0000', fileName: '../../../x', addedAt: '+275760-09-13' },
        ...{
          isFavourite: 'yes',
          isWatched: 1,
          positionMs: -5,
          ownerId: 'ben',
          audiences: ['household'],
          id: '../',
        },
      };
      const videos = [odd, { file: 5 }, null, [], { file: 'x'.repeat(5000), title: 'x', fileName: 'x' }];
      const path = ['a'.repeat(3000), '\u0000', '..', '/'];
      const archive = (path: string[]) =>
        tarOf(
          ['kinora.json', head],
          ['kinora/videos-00001.json', JSON.stringify({ place: { path, isBin: false }, videos })],
          [file, bytes],
        );
      await assert.rejects(imported(rig, archive(path)), kind('bad-request'), 'a folder without a name');
      const report = await imported(rig, archive(['..', '/']));
      assert.equal(report.videos, 1, JSON.stringify(report));
      const { items } = await rig.library.listVideos({ limit: 10, after: null, query: '' });
      assert.deepEqual([items[0]!.title, items[0]!.ownerId], ['<script>', 'anna']);
      assert.ok(items[0]!.addedAtMs <= rig.clock.nowMs());
      assert.deepEqual(await rig.library.getAudiences('video', items[0]!.id), []);
      const path_ = await rig.library.folderPath(items[0]!.folderId!);
      assert.deepEqual(
        path_.map(({ name }) => name),
        ['..', '/'],
        'names, and nothing but names',
      );
    });
  });
});
