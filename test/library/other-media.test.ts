// Files of containers no parser of ours reads, with the real probe: kept, named, and looked into afterwards.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { isAppError } from '../../src/errors.ts';
import { createLibrary } from '../../src/library/create-library.ts';
import type { Library } from '../../src/library/library.ts';
import { createProbe } from '../../src/workers/probe.ts';
import { type MediaSpec, makeMedia } from '../helpers/media/media.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';
import { byForm } from './rig.ts';

const log = pino({ level: 'silent' });

async function withLibrary(use: (library: Library) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  const clock = systemClock;
  const blobs = await createDiskBlobs({ folder, reserveBytes: 1, clock });
  const catalogue = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock });
  const config = { maxUploadBytes: Number.POSITIVE_INFINITY, binMs: 1e12, unfinishedMs: 1e12 };
  const probe = createProbe({ clock, log });
  const library = createLibrary({ blobs, catalogue, clock, log, config, probe });
  await library.start();
  try {
    await use(library);
  } finally {
    await library.close();
    await probe.close();
    await catalogue.close();
    await blobs.close();
  }
}

async function add(library: Library, bytes: Uint8Array) {
  const arrival = await library.beginArrival(byForm('file'));
  await arrival.write(bytes);
  return arrival.finish();
}

const pictures = { codec: 'mpeg4', seconds: 2 } as const;
const cases: readonly [spec: MediaSpec, reason: RegExp | null, tracks: readonly string[]][] = [
  [{ container: 'avi', video: pictures }, /an AVI file/, ['mpeg4']],
  [
    { container: 'mpegts', video: { ...pictures, codec: 'h264' }, audio: { codec: 'aac' } },
    /an MPEG transport stream file/,
    ['avc', 'aac'],
  ],
  [{ container: 'mp3', audio: { codec: 'mp3', seconds: 2 } }, null, ['mp3']],
  [{ container: 'wav', audio: { codec: 'pcm', seconds: 2 } }, null, ['pcm']],
  [{ container: 'flac', audio: { codec: 'flac', seconds: 2 } }, null, ['flac']],
  [{ container: 'ogg', audio: { codec: 'opus', seconds: 2 } }, null, ['opus']],
];
for (const [spec, reason, codecs] of cases) {
  const outcome = reason === null ? 'plays as it is' : 'is kept with the reason';
  test(`${spec.container} ${outcome}, and its length and tracks are found afterwards`, async () => {
    const bytes = await readFile(await makeMedia(spec));
    await withLibrary(async (library) => {
      const video = await add(library, bytes);
      assert.equal(video.status, reason === null ? 'ready' : 'unplayable');
      if (reason === null) assert.equal(video.reason, null);
      else assert.match(video.reason!, reason);
      if (reason === null) {
        // One source: the view is the file itself, under its own type.
        assert.match(video.playback.viewType!, /^audio\//);
        assert.equal(video.playback.originalType, null);
        const view = await library.openView(video.id, null);
        assert.deepEqual([view.header.length, view.start, view.end], [0, 0, bytes.length]);
        assert.equal(view.contentType, video.playback.viewType);
        view.release();
        const clip = { startSeconds: 0.5, endSeconds: 1 };
        await assert.rejects(library.openView(video.id, clip), (error) => isAppError(error, 'bad-request'));
      } else {
        await assert.rejects(library.openView(video.id, null), (error) => isAppError(error, 'unplayable'));
      }
      const original = await library.openOriginal(video.id);
      assert.equal(original.end, bytes.length);
      if (reason === null) assert.match(original.contentType, /^audio\//);
      original.release();
      const found = await until(
        async () => {
          const now = await library.getVideo(video.id);
          return now.durationMs === null ? null : now;
        },
        { what: 'the probe has looked into it', timeoutMs: 20_000 },
      );
      assert.ok(Math.abs(found.durationMs! - 2000) < 200, `${found.durationMs} ms`);
      assert.deepEqual(
        found.tracks.map(({ codec }) => codec),
        codecs,
      );
      assert.equal(found.status, video.status);
    });
  });
}

test('ending in the middle of looking into a file leaves the file as it was', async () => {
  const bytes = await readFile(await makeMedia({ container: 'avi', video: pictures }));
  await withLibrary(async (library) => {
    for (let number = 0; number < 3; number += 1) await add(library, bytes);
  });
});
