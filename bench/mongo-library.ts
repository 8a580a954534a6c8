// A library in the MongoDB catalogue: how long pages, searches and orders take by kind and by who looks, and how fast
// and in how much memory the whole list streams. `node bench/mongo-library.ts [rows]`, on KINORA_TEST_MONGODB_URL or
// what the tests would use. No peer. The engine of the tests without MongoDB walks through all documents for each
// question (its indexes serve unique keys alone), so there only what the program itself does means something.
import { cpus, loadavg } from 'node:os';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import type { ListRequest, Sight } from '../src/catalogue/catalogue.ts';
import { collectionsOf } from '../src/catalogue/mongo/documents.ts';
import { openMongoCatalogue } from '../src/catalogue/mongo/mongo-catalogue.ts';
import { arrived, newDoc } from '../src/catalogue/mongo/video-docs.ts';
import { systemClock } from '../src/clock.ts';
import { createId } from '../src/ids.ts';
import { findEngine } from '../test/helpers/mongo/engine.ts';
import { withDatabase } from '../test/helpers/mongo/test-database.ts';
import { arrival, createTitles } from './frame/household-library.ts';

const rows = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 10);
const folders = 200;
/** Documents of one write. */
const together = 1000;

const found = process.env.KINORA_TEST_MONGODB_URL ? null : await findEngine();
if (found && !found.start) throw new Error(found.why);
const engine = found?.start ? await found.start() : null;
const url = withDatabase(process.env.KINORA_TEST_MONGODB_URL ?? engine!.url, `kinora_bench_${createId()}`);
const client = new MongoClient(url, { w: 'majority', journal: true });
const db = client.db();
try {
  const load = () => loadavg()[0]!.toFixed(0);
  console.log(
    `mongo-library: ${cpus()[0]?.model.trim()} x ${cpus().length}, load ${load()}, node ${process.version}, ${engine?.name ?? 'the database of KINORA_TEST_MONGODB_URL'}, ${rows} videos`,
  );
  const tools = { db, clock: systemClock, log: pino({ level: 'silent' }) };
  const catalogue = await openMongoCatalogue(tools);
  for (let i = 0; i < folders; i++) {
    const parentId = i % 10 === 0 ? null : `folder ${i - (i % 10)}`;
    await catalogue.addFolder({
      ...{ id: `folder ${i}`, ownerId: 'person0', parentId, name: 'f', createdAtMs: 1 },
    });
    if (i % 20 === 0) await catalogue.setAudiences('folder', `folder ${i}`, ['household']);
  }
  const title = createTitles(rows);
  let startMs = performance.now();
  for (let first = 0; first < rows; first += together) {
    const docs = Array.from({ length: Math.min(together, rows - first) }, (_, k) => {
      const i = first + k;
      const folderId = i % 20 === 0 ? `folder ${(i / 20) % folders}` : null;
      const video = {
        ...{ id: createId(), ownerId: `person${i % 20}`, folderId, title: title(i), fileName: 'x.mkv' },
        ...{ audiences: i % 5 === 0 ? ['household'] : [], sizeBytes: 1, blobId: createId() },
        ...{ uploadMetadata: null, addedAtMs: 1_700_000_000_000 },
      };
      return { ...newDoc(video, i + 1), ...arrived(arrival), isUnsettled: false };
    });
    await collectionsOf(db).videos.insertMany(docs);
  }
  console.log(`filled in ${((performance.now() - startMs) / 1000).toFixed(0)} s, load ${load()}`);

  const sight: Sight = { ownerIds: ['person1'], audiences: ['person1', 'household'] };
  const middle = await catalogue.listVideos({ limit: 1000, after: null, query: '', sight });
  const kinds: [string, Partial<ListRequest>][] = [
    ['everything, first page', {}],
    ['seen by one, first page', { sight }],
    ['seen by one, a thousand further down', { sight, after: middle.next }],
    ['seen by one, own', { sight, whose: 'own' }],
    ['seen by one, by title', { sight, sort: 'title' }],
    ['seen by one, longest', { sight, sort: 'longest' }],
    ['common word', { sight, query: 'holiday' }],
    ['two common words', { sight, query: 'holiday even' }],
    ['words that never meet', { sight, query: 'even odd' }],
    ['one video', { query: `img ${Math.floor(rows / 3)}` }],
    ['unwatched', { sight, marked: { personId: 'person1', as: 'unwatched' } }],
  ];
  for (const [name, request] of kinds) {
    const [times, cpu]: [number[], number[]] = [[], []];
    let count = 0;
    for (let round = -2; round < rounds; round++) {
      const [from, fromCpu] = [performance.now(), process.cpuUsage()];
      count = (await catalogue.listVideos({ limit: 50, after: null, query: '', ...request })).items.length;
      if (round < 0) continue;
      times.push(performance.now() - from);
      const { user, system } = process.cpuUsage(fromCpu);
      cpu.push((user + system) / 1000);
    }
    const middleOf = (list: number[]) =>
      list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!.toFixed(1);
    console.log(
      `${name.padEnd(40)} ${String(count).padStart(3)} found   p50 ${middleOf(times).padStart(7)} ms   of it CPU of the program ${middleOf(cpu)} ms`,
    );
  }
  startMs = performance.now();
  const { videos } = await catalogue.getUsage('person1');
  console.log(`what somebody has (${videos} videos): ${(performance.now() - startMs).toFixed(0)} ms`);

  const before = process.memoryUsage.rss();
  let [count, most] = [0, before];
  startMs = performance.now();
  for await (const _ of catalogue.streamVideos({ query: '', inBin: false })) {
    if (++count % 1000 === 0) most = Math.max(most, process.memoryUsage.rss());
    if (performance.now() - startMs > 60_000) break;
  }
  const seconds = (performance.now() - startMs) / 1000;
  console.log(
    `stream: ${count} videos in ${seconds.toFixed(0)} s, memory ${(before / 1e6).toFixed(0)} MB before, ${(most / 1e6).toFixed(0)} MB at most; load ${load()}`,
  );
  await catalogue.close();
} finally {
  await db.dropDatabase();
  await client.close();
  await engine?.stop();
}
