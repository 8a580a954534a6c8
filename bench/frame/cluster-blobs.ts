// Video bytes out of GridFS: cold, and warm from the cache on the disk, beside the disk store and beside the driver's
// `openDownloadStream` piped into the answer, in turns. Then a hundred viewers who ask for one chunk at once.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import { createGridFsBlobs } from '../../src/blobs/gridfs.ts';
import { systemClock } from '../../src/clock.ts';
import { createId } from '../../src/ids.ts';
import { findEngine } from '../../test/helpers/mongo/engine.ts';
import { withDatabase } from '../../test/helpers/mongo/test-database.ts';
import { createLoadClient, type LoadFigures } from './load.ts';
import { machineLine, median, residentMb, table } from './machine.ts';

/** Four blobs, asked for in turns: small enough for a database that keeps all in memory. */
const blobBytes = 64 * 1024 * 1024;
const blobCount = 4;
const connections = 4;
const viewers = 100;

export type BlobServerWay = 'disk' | 'warm' | 'cold' | 'peer' | 'buffers';
export type BlobServerArgs = {
  readonly way: BlobServerWay;
  readonly folder: string;
  readonly url: string;
  readonly ids: readonly string[];
};

type Target = {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly child: ChildProcess;
};

export async function measureBlobs({ seconds, rounds }: { seconds: number; rounds: number }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
  const found = await findEngine();
  const given = process.env.KINORA_TEST_MONGODB_URL;
  const engine = given || !found.start ? null : await found.start();
  const base = given ?? engine?.url;
  if (!base) {
    console.error(`cluster: ${found.why}`);
    process.exitCode = 1;
    return;
  }
  const url = withDatabase(base, `kinora_bench_${createId()}`);
  const client = new MongoClient(url, { writeConcern: { w: 'majority', journal: true } });
  const targets: Target[] = [];
  try {
    console.log(
      `${machineLine()}; load before ${loadavg()[0]!.toFixed(1)}; ${engine?.name ?? 'a database given'}`,
    );
    const ids = await fill(folder, client);
    const load = await createLoadClient(folder);
    console.log(`load client: ${load.name}; ${rounds} rounds of ${seconds} s each, in turns; medians`);
    const start = async (name: string, way: BlobServerWay) => {
      const target = await startServer(name, { way, folder, url, ids });
      targets.push(target);
      return target;
    };
    const disk = await start('disk store', 'disk');
    const warm = await start('GridFS, warm', 'warm');
    const buffers = await start('GridFS, warm, without sendfile', 'buffers');
    const cold = await start('GridFS, cold', 'cold');
    const peer = await start('openDownloadStream, piped', 'peer');
    const run = async (list: readonly Target[], rangeBytes?: number) => {
      const figures = new Map<Target, LoadFigures[]>(list.map((target) => [target, []]));
      const once = (target: Target, time: number) =>
        load.run({
          ...target,
          connections,
          seconds: time,
          sizeBytes: blobBytes,
          ...(rangeBytes ? { rangeBytes } : {}),
        });
      for (const target of list) {
        // All that is kept here is, whatever the load.
        for (let i = 0; i < blobCount * 2; i += 1) await (await fetch(target.url)).arrayBuffer();
        await once(target, 2);
      }
      for (let round = 0; round < rounds; round += 1)
        for (const target of list) figures.get(target)!.push(await once(target, seconds));
      return figures;
    };
    const whole = await run([disk, warm, buffers, cold, peer]);
    console.log(
      `\nwhole files, ${connections} connections (goals: warm 1.1 x the disk store, cold no more than the peer)`,
    );
    print(
      whole,
      new Map([
        [warm, disk],
        [buffers, disk],
        [cold, peer],
      ]),
    );
    const ranges = await run([disk, warm], 1024 * 1024);
    console.log(`\nrandom ranges of 1 MiB, ${connections} connections`);
    print(ranges, new Map([[warm, disk]]));
    await askAtOnce(await start('GridFS, nobody asked yet', 'cold'));
    console.log(`load after ${loadavg()[0]!.toFixed(1)}`);
  } finally {
    for (const { child } of targets) child.kill();
    await client.db().dropDatabase();
    await client.close();
    await engine?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function print(figures: Map<Target, LoadFigures[]>, beside: Map<Target, Target>): void {
  const cpu = (target: Target) => median(figures.get(target)!.map((figure) => figure.cpuPerGb));
  const rows = [['', 'CPU s/GB', 'MB/s', 'errors', 'RSS MB', 'ratio']];
  for (const [target, list] of figures) {
    const other = beside.get(target);
    rows.push([
      target.name,
      cpu(target).toFixed(3),
      median(list.map((figure) => figure.mbPerS)).toFixed(0),
      String(list.reduce((sum, figure) => sum + figure.errors, 0)),
      residentMb(target.pid).toFixed(0),
      other ? `${(cpu(target) / cpu(other)).toFixed(2)} of ${other.name}` : '',
    ]);
  }
  console.log(table(rows));
}

/** The same bytes into both stores. */
async function fill(folder: string, client: MongoClient): Promise<string[]> {
  const tools = { clock: systemClock, log: { warn: () => {} } };
  const disk = await createDiskBlobs({ folder: join(folder, 'disk'), reserveBytes: 0, clock: systemClock });
  const grid = await createGridFsBlobs({ db: client.db(), cache: null, ...tools });
  const piece = Buffer.alloc(1024 * 1024, 'video');
  const ids: string[] = [];
  for (let i = 0; i < blobCount; i += 1) {
    const id = createId();
    ids.push(id);
    for (const store of [disk, grid]) {
      const writer = await store.append(id);
      while (writer.sizeBytes < blobBytes) await writer.write(piece);
      await writer.seal();
    }
  }
  await disk.close();
  await grid.close();
  return ids;
}

async function startServer(name: string, args: BlobServerArgs): Promise<Target> {
  // As the program is started: `main.ts` says why.
  const execArgv = ['--semi-space-growth-factor=1'];
  const child = fork(join(import.meta.dirname, 'cluster-blob-server.ts'), [JSON.stringify(args)], {
    execArgv,
  });
  const [{ port }] = await once(child, 'message');
  return { name, url: `http://127.0.0.1:${port}/`, pid: child.pid!, child };
}

/** A range of one chunk that nobody has asked for, by all in the same moment. */
async function askAtOnce(target: Target): Promise<void> {
  const count = async () => {
    target.child.send('count');
    const [{ fetched }] = await once(target.child, 'message');
    return Number(fetched);
  };
  const before = await count();
  const range = 'bytes=0-99999';
  const parts = await Promise.all(
    Array.from({ length: viewers }, async () => {
      const answer = await fetch(`${target.url}one`, { headers: { range } });
      return (await answer.arrayBuffer()).byteLength;
    }),
  );
  const isWhole = parts.every((length) => length === 100_000);
  console.log(
    `\n${viewers} viewers ask for one cold chunk at once (goal: 1 fetch): ${(await count()) - before} fetched${isWhole ? '' : ', SHORT ANSWERS'}`,
  );
}
