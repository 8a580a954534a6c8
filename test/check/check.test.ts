// `kinora check`: every kind of disagreement is found and told in one line, and what can be mended is mended.
import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import type { Video } from '../../src/catalogue/catalogue.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { systemClock } from '../../src/clock.ts';
import { createLibrary } from '../../src/library/create-library.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const log = pino({ level: 'silent' });

/** A data folder with `count` films in it, open for the check. */
async function prepare(count: number) {
  const folder = await temporaryFolder();
  const film = await readFile(
    await makeMedia({ container: 'matroska', video: { codec: 'h264', seconds: 2 } }),
  );
  const blobs = await createDiskBlobs({ folder, reserveBytes: 1, clock: systemClock });
  const catalogue = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock: systemClock });
  const config = { maxUploadBytes: Number.POSITIVE_INFINITY, binMs: 1e12, unfinishedMs: 1e12 };
  const library = createLibrary({ blobs, catalogue, clock: systemClock, log, config });
  const videos: Video[] = [];
  for (let number = 0; number < count; number += 1) {
    const arrival = await library.beginArrival({
      ...{ ownerId: 'anna', folderId: null, audiences: [], quotaBytes: null },
      ...{ ownerId: 'household', folderId: null, audiences: [], quotaBytes: null },
      fileName: `film ${number}.mkv`,
      sizeBytes: null,
      uploadMetadata: null,
    });
    await arrival.write(film);
    videos.push(await arrival.finish());
  }
  return {
    folder,
    videos,
    blobs,
    film,
    library,
    pathOf: (id: string) => join(folder, 'blobs', id.slice(0, 2), id),
    async check(repair = false) {
      const lines: string[] = [];
      const result = await runCheck({ blobs, catalogue, repair, out: (line) => lines.push(line) });
      return { ...result, lines };
    },
    async close() {
      await library.close();
      await catalogue.close();
      await blobs.close();
    },
  };
}

test('a sound library has nothing to tell', async () => {
  const { check, close } = await prepare(2);
  assert.deepEqual(await check(), { videos: 2, problems: 0, repaired: 0, lines: [] });
  await close();
});

type Prepared = Awaited<ReturnType<typeof prepare>>;
const oldSeconds = Date.now() / 1000 - 2 * 60 * 60;

const harms: readonly [
  what: string,
  harm: (rig: Prepared, video: Video) => Promise<unknown>,
  line: RegExp,
  isMended: boolean,
][] = [
  [
    'a missing file',
    ({ pathOf }, { blobId }) => rm(pathOf(blobId)),
    /^video \w+: its file \w+ is missing/,
    false,
  ],
  [
    'a missing index',
    ({ pathOf }, { indexId }) => rm(pathOf(indexId!)),
    /^video \w+: its index \w+ is missing/,
    true,
  ],
  [
    'an index of garbage',
    ({ pathOf }, { indexId }) => writeFile(pathOf(indexId!), 'garbage garbage garbage'),
    /^video \w+: its index \w+ cannot be used/,
    true,
  ],
  [
    'an index of another version',
    async ({ pathOf }, { indexId }) => {
      const bytes = await readFile(pathOf(indexId!));
      bytes.writeUInt32LE(0, 8);
      await writeFile(pathOf(indexId!), bytes);
    },
    /^video \w+: its index \w+ cannot be used: .*version/,
    true,
  ],
  [
    'an old leftover',
    async ({ blobs, pathOf }) => {
      await blobs.put('0000000000000000', new Uint8Array(77));
      await utimes(pathOf('0000000000000000'), oldSeconds, oldSeconds);
    },
    /^blob 0000000000000000: a stored file of 77 bytes that no video names/,
    true,
  ],
  [
    'an old unfinished leftover',
    async ({ blobs, folder }) => {
      const writer = await blobs.append('1111111111111111');
      await writer.write(new Uint8Array(10));
      await writer.close();
      await utimes(join(folder, 'arriving', '1111111111111111'), oldSeconds, oldSeconds);
    },
    /^blob 1111111111111111: an unfinished file of 10 bytes that no video names/,
    true,
  ],
];
for (const [what, harm, line, isMended] of harms) {
  test(`${what} is told in one line${isMended ? ' and mended by --repair' : ', and stays as it is'}`, async () => {
    const rig = await prepare(2);
    await harm(rig, rig.videos[0]!);
    const found = await rig.check();
    assert.equal(found.problems, 1);
    assert.equal(found.lines.length, 1);
    assert.match(found.lines[0]!, line);
    const repaired = await rig.check(true);
    assert.equal(repaired.problems, isMended ? 0 : 1);
    assert.equal(repaired.repaired, isMended ? 1 : 0);
    assert.equal((await rig.check()).problems, isMended ? 0 : 1);
    if (isMended) {
      const view = await rig.library.openView(rig.videos[0]!.id, null);
      assert.ok(view.header.length > 0);
      view.release();
      assert.deepEqual(
        await readFile(rig.pathOf(rig.videos[0]!.blobId)),
        rig.film,
        'the original is as it was',
      );
    } else assert.ok(await rig.library.getVideo(rig.videos[0]!.id), 'the row stays: the disk may come back');
    await rig.close();
  });
}

test('a file that has become shorter is told, with the samples that are lost, and never touched', async () => {
  const rig = await prepare(1);
  const [video] = rig.videos;
  const path = rig.pathOf(video!.blobId);
  await truncate(path, Math.floor(rig.film.length / 2));
  const { lines } = await rig.check();
  assert.match(lines[0]!, /its file has \d+ bytes, not the \d+ it had/);
  assert.ok(lines.some((line) => /samples beyond the end of the file/.test(line)));
  await rig.check(true);
  assert.equal((await stat(path)).size, Math.floor(rig.film.length / 2));
  await rig.close();
});

test('a young file without a video is left alone', async () => {
  const rig = await prepare(0);
  await rig.blobs.put('0000000000000000', new Uint8Array(77));
  assert.deepEqual(await rig.check(true), { videos: 0, problems: 0, repaired: 0, lines: [] });
  const names = (await readdir(join(rig.folder, 'blobs'), { recursive: true })).filter((name) =>
    /0{16}$/.test(name),
  );
  assert.equal(names.length, 1);
  await rig.close();
});
