// nginx in front, as deploy/nginx/ configures it, with KINORA_ACCEL and without, in turns: CPU per GB of both programs
// together, for whole files, ranges of files, and ranges of views. `node bench/accel.ts [seconds] [rounds]`.
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingNginx, missingPerlModule, type Nginx, startNginx } from '../test/helpers/nginx.ts';
import { createLoadClient, type LoadFigures } from './frame/load.ts';
import { machineLine, median, table } from './frame/machine.ts';
import { linkStored, makeFilm, startProgram, upload } from './frame/program.ts';

const seconds = Number(process.argv[2] ?? 3);
const rounds = Number(process.argv[3] ?? 3);
const leastBytes = 300_000_000;
const rangeBytes = 1_048_576;
const connections = 16;

if (missingNginx() || spawnSync('ffmpeg', ['-version']).status !== 0) {
  console.error(
    'accel: nginx, openssl and FFmpeg are needed (Debian: apt-get install nginx-light openssl ffmpeg).',
  );
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
await chmod(folder, 0o755);
const film = join(folder, 'film.mkv');
await makeFilm(film, leastBytes);
const settings = { KINORA_ACCEL: 'nginx', KINORA_TRUSTED_PROXIES: '127.0.0.1' };
const program = await startProgram(folder, settings);
const proxies: Nginx[] = [];
try {
  await chmod(join(folder, 'data'), 0o710);
  const video = new URL(await upload(program, film)).pathname;
  await linkStored(folder, join(folder, 'plain'));
  const { size } = await stat(join(folder, 'plain'));
  const front = async (how: { isWithoutAccel?: boolean; slices?: boolean }) => {
    const upstream = new URL(program.url).host;
    const nginx = await startNginx({
      upstream,
      blobsFolder: join(folder, 'data/blobs'),
      isPlain: true,
      workers: 2,
      ...how,
    });
    proxies.push(nginx);
    return nginx;
  };
  const without = await front({ isWithoutAccel: true });
  const withFiles = await front({});
  const withSlices = missingPerlModule() ? null : await front({ slices: true });
  if (!withSlices) console.log(`no figures of views: ${missingPerlModule()}`);
  const load = await createLoadClient(folder);
  console.log(`${machineLine()}; load before ${loadavg()[0]!.toFixed(1)}`);
  console.log(
    `load client: ${load.name}; ${connections} connections, ${rounds} rounds of ${seconds} s each, in turns; medians`,
  );

  const compare = async (
    title: string,
    path: string,
    ranges: number | undefined,
    fronts: (readonly [string, Nginx | null])[],
  ) => {
    const there = fronts.filter((entry): entry is [string, Nginx] => entry[1] !== null);
    const figures = new Map<string, LoadFigures[]>(there.map(([name]) => [name, []]));
    const one = (nginx: Nginx, forSeconds: number) =>
      load.run({
        ...{
          url: nginx.url + path,
          pid: nginx.pid,
          morePids: [program.pid],
          connections,
          seconds: forSeconds,
        },
        // A view is a little longer than its film.
        sizeBytes: size,
        ...(ranges && { rangeBytes: ranges }),
      });
    for (const [, nginx] of there) await one(nginx, 2);
    for (let round = 0; round < rounds; round++)
      for (const [name, nginx] of there) figures.get(name)!.push(await one(nginx, seconds));
    const rows = [['', 'CPU s/GB of both', 'MB/s', 'errors']];
    for (const [name, list] of figures)
      rows.push([
        name,
        median(list.map(({ cpuPerGb }) => cpuPerGb)).toFixed(3),
        median(list.map(({ mbPerS }) => mbPerS)).toFixed(0),
        String(list.reduce((sum, { errors }) => sum + errors, 0)),
      ]);
    console.log(`\n${title} (goal: less CPU with than without)\n${table(rows)}`);
  };
  const original = `${video}/original`;
  const ways = [
    ['without', without],
    ['KINORA_ACCEL', withFiles],
  ] as const;
  await compare('whole files', original, undefined, [...ways]);
  await compare('random 1 MiB ranges', original, rangeBytes, [...ways]);
  await compare('random 1 MiB ranges of the view', `${video}/video.mp4`, rangeBytes, [
    ['without', without],
    ['KINORA_ACCEL, slices', withSlices],
  ]);
  console.log(`load after ${loadavg()[0]!.toFixed(1)}`);
} finally {
  for (const nginx of proxies) await nginx.close();
  program.child.kill();
  await rm(folder, { recursive: true, force: true });
}
