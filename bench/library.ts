// A library of a million videos in the SQLite catalogue: how fast rows go in, how long pages and searches take by kind,
// and how fast and in how much memory the whole list streams. `node bench/library.ts [rows] [file]`; needs about 1 GB in
// the temporary folder. A file that is named is kept, and used as it is when it holds videos already. No peer: a list of 50 from a million rows at most 50 ms (p99) is the aim.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Arrival, Catalogue } from '../src/catalogue/catalogue.ts';
import { openSqliteCatalogue } from '../src/catalogue/sqlite/sqlite-catalogue.ts';
import { systemClock } from '../src/clock.ts';
import { createId } from '../src/ids.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const rounds = 200;
/** Uploads whose writes wait together, as with many people at once: they share commits. */
const together = 2000;

const arrival: Arrival = {
  status: 'ready',
  reason: null,
  sizeBytes: 734_003_200,
  durationMs: 5_400_000,
  container: 'matroska',
  tracks: (['video', 'audio'] as const).map((kind, i) => ({
    number: i + 1,
    kind,
    codec: kind === 'video' ? 'avc' : 'aac',
    codecName: kind === 'video' ? 'V_MPEG4/ISO/AVC' : 'A_AAC',
    codecString: kind === 'video' ? 'avc1.640028' : 'mp4a.40.2',
    language: 'eng',
    name: '',
    width: kind === 'video' ? 1920 : 0,
    height: kind === 'video' ? 1080 : 0,
    channels: kind === 'audio' ? 2 : 0,
    sampleRate: kind === 'audio' ? 48_000 : 0,
    obstacle: null,
  })),
  playback: { viewType: 'video/mp4; codecs="avc1.640028, mp4a.40.2"', originalType: null },
  indexId: createId(),
};

/** The same pseudo-random numbers in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Titles as people have them: common words, rare ones, years, camera names; half a million older, the rest newer. */
function createTitles(): (i: number) => string {
  const random = createRandom(7);
  const syllables = ['ka', 'ri', 'mo', 'te', 'lu', 'san', 'dor', 'vel', 'pi', 'no', 'ge', 'ha'];
  const pick = <Item>(list: readonly Item[]) => list[Math.floor(random() ** 2 * list.length)]!;
  const vocabulary = Array.from({ length: 20_000 }, () => {
    let word = '';
    for (let length = 2 + random() * 3; length > 0; length--) word += pick(syllables);
    return word;
  });
  return (i) => {
    const words = [pick(vocabulary), pick(vocabulary), pick(vocabulary), String(2000 + (i % 25))];
    if (random() < 0.3) words.push('Holiday');
    words.push(i % 2 === 0 ? 'even' : 'odd', i < rows / 2 ? 'older' : 'younger');
    if (random() < 0.1) words.push(`IMG_${i}`);
    return words.join(' ');
  };
}

function describe(timesMs: number[]): string {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return `p50 ${at(0.5).toFixed(2).padStart(7)} ms   p99 ${at(0.99).toFixed(2).padStart(7)} ms   max ${at(1).toFixed(2).padStart(7)} ms`;
}

async function insert(catalogue: Catalogue): Promise<void> {
  const title = createTitles();
  const startMs = performance.now();
  for (let from = 0; from < rows; from += together) {
    const batch = Array.from({ length: Math.min(together, rows - from) }, async (_, k) => {
      const [id, text] = [createId(), title(from + k)];
      await Promise.all([
        catalogue.beginUpload({
          ...{ id, ownerId: 'household', folderId: null, audiences: [] },
          title: text,
          fileName: `${text}.mkv`,
          sizeBytes: arrival.sizeBytes,
          blobId: createId(),
          uploadMetadata: null,
          addedAtMs: 1_600_000_000_000 + (from + k) * 1000,
        }),
        catalogue.finishUpload(id, arrival),
      ]);
    });
    await Promise.all(batch);
  }
  const seconds = (performance.now() - startMs) / 1000;
  console.log(
    `insert, ${together} at once: ${rows} videos in ${seconds.toFixed(1)} s, ${Math.round(rows / seconds)}/s`,
  );
}

/** The `next` of some place in the list, found by walking there. */
async function placeAt(catalogue: Catalogue, depth: number): Promise<string | null> {
  let next: string | null = null;
  for (let at = 0; at < depth; at += 1000) {
    next = (await catalogue.listVideos({ limit: 1000, after: next, query: '' })).next;
  }
  return next;
}

async function read(catalogue: Catalogue): Promise<void> {
  const deep = await placeAt(catalogue, rows / 2);
  const last = await placeAt(catalogue, rows - 1000);
  const kinds: [name: string, query: string, after: string | null][] = [
    ['first page', '', null],
    ['page in the middle', '', deep],
    ['last page', '', last],
    ['one letter', 'h', null],
    ['one letter, in the middle', 'h', deep],
    ['common word (30 %)', 'holiday', null],
    ['common word, in the middle', 'holiday', deep],
    ['two common words', 'holiday even', null],
    ['two common words, in the middle', 'holiday even', deep],
    ['three common beginnings', 'h e y', null],
    ['common words that never meet', 'even odd', null],
    ['common only further down', 'older', null],
    ['common only above, from the middle', 'younger', deep],
    ['rare word', 'kamorite', null],
    ['rare word and a common one', 'kamorite holiday', null],
    ['one video', `img ${Math.floor(rows / 3)}`, null],
    ['a word as typed: ho', 'ho', null],
    ['no match', 'zzzz', null],
    ['no match and a common one', 'zzzz holiday', null],
    ['sixteen words', 'h e y o 2 k r m t l s d v p n g', null],
  ];
  const times = new Map(kinds.map(([name]) => [name, [] as number[]]));
  const counts = new Map<string, number>();
  // Interleaved, so that each kind meets the cache as the others leave it.
  for (let round = -10; round < rounds; round++) {
    for (const [name, query, after] of kinds) {
      const startMs = performance.now();
      const { items } = await catalogue.listVideos({ limit: 50, after, query });
      if (round >= 0) times.get(name)!.push(performance.now() - startMs);
      counts.set(name, items.length);
    }
  }
  for (const [name, list] of times) {
    console.log(`${name.padEnd(36)} ${String(counts.get(name)).padStart(3)} found   ${describe(list)}`);
  }
}

async function write(catalogue: Catalogue): Promise<void> {
  const title = createTitles();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const id = createId();
    const startMs = performance.now();
    await catalogue.beginUpload({
      ...{ id, ownerId: 'household', folderId: null, audiences: [] },
      title: title(i),
      fileName: 'x.mkv',
      sizeBytes: 1,
      blobId: createId(),
      uploadMetadata: null,
      addedAtMs: 1_700_000_000_000,
    });
    times.push(performance.now() - startMs);
  }
  console.log(`${'one upload begun, durable'.padEnd(36)}             ${describe(times)}`);
}

async function stream(catalogue: Catalogue, query: string): Promise<void> {
  globalThis.gc?.();
  const beforeBytes = process.memoryUsage.rss();
  let mostBytes = beforeBytes;
  let count = 0;
  let textBytes = 0;
  const startMs = performance.now();
  for await (const video of catalogue.streamVideos({ query, inBin: false })) {
    textBytes += JSON.stringify(video).length + 1;
    if (++count % 5000 === 0) mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
  }
  const seconds = (performance.now() - startMs) / 1000;
  console.log(
    `stream as NDJSON, query "${query}": ${count} videos, ${(textBytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s, ` +
      `${Math.round(count / seconds)}/s, memory ${(beforeBytes / 1e6).toFixed(0)} MB before, ${(mostBytes / 1e6).toFixed(0)} MB at most`,
  );
}

const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
try {
  console.log(
    `library: ${cpus()[0]?.model.trim()} x ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
      `${process.platform} ${process.arch}, Node ${process.version}, SQLite ${process.versions.sqlite}`,
  );
  const file = process.argv[3] ?? join(folder, 'kinora.sqlite');
  let catalogue = await openSqliteCatalogue({ file, clock: systemClock });
  if ((await catalogue.countVideos()) === 0) await insert(catalogue);
  await catalogue.close();
  console.log(`file: ${((await stat(file)).size / 1e6).toFixed(0)} MB`);
  const startMs = performance.now();
  catalogue = await openSqliteCatalogue({ file, clock: systemClock });
  console.log(`opened in ${(performance.now() - startMs).toFixed(0)} ms`);
  await read(catalogue);
  await write(catalogue);
  await stream(catalogue, '');
  await stream(catalogue, 'holiday');
  await catalogue.close();
} finally {
  await rm(folder, { recursive: true });
}
