// Cameras beside ustreamer and motion from Debian and the way of the Flask articles under gevent: 25 pictures of 56 KB
// a second to 200 viewers, to 150 beside 50 that never read, and to as many as one core serves; H.264 to 50 viewers
// beside nginx; the first picture of a camera that was off. `node bench/cameras.ts [seconds] [rounds] [parts]`, parts
// by commas: pictures, stalled, most, live, first.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureFirst } from './frame/camera-first.ts';
import { measureLive } from './frame/camera-live.ts';
import { writePictures } from './frame/camera-pictures.ts';
import {
  type CameraServer,
  type CameraServersSetup,
  createPeers,
  kinoraWithDevice,
  kinoraWithModule,
} from './frame/camera-servers.ts';
import { machineLine, median, residentMb, table } from './frame/machine.ts';
import {
  createViewerClient,
  type ViewerClient,
  type ViewerFigures,
  type ViewerRun,
} from './frame/viewers.ts';

const seconds = Number(process.argv[2] ?? 10);
const rounds = Number(process.argv[3] ?? 3);
const parts = (process.argv[4] ?? 'pictures,stalled,most,live,first').split(',');
const [viewers, stalled, fps, pictureBytes] = [200, 50, 25, 56_000];
const heading = [
  '',
  'µs/picture',
  'p50 ms',
  'p99 ms',
  'missed',
  'twice',
  'fps',
  'KB',
  'RSS MB',
  'machine busy',
];

const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
try {
  await main();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  console.log(`${machineLine()}; load before ${loadavg()[0]!.toFixed(1)}`);
  console.log(`${rounds} rounds of ${seconds} s each, in turns; medians, missed and twice in all`);
  const pictures = join(folder, 'pictures');
  await writePictures(pictures, pictureBytes);
  const ofPictures = ['pictures', 'stalled', 'most'].some((part) => parts.includes(part));
  const client = ofPictures ? await createViewerClient(folder) : null;
  if (client) {
    const setup = { folder, pictures, fps, fakeDevice: client.fakeDevice, httpCamera: client.httpCamera };
    await measurePictures(client, setup);
  } else if (ofPictures) process.exitCode = 1;
  if (parts.includes('live')) await measureLive(folder, seconds, rounds);
  if (parts.includes('first')) await measureFirst(folder, pictures, Math.max(5, rounds));
  console.log(`load after ${loadavg()[0]!.toFixed(1)}`);
}

async function measurePictures(client: ViewerClient, setup: CameraServersSetup): Promise<void> {
  const own = kinoraWithModule(setup);
  const servers = [own, kinoraWithDevice(setup), ...(await createPeers(setup))];
  for (const { name, note } of servers) if (note) console.log(`${name}: ${note}`);
  if (parts.includes('pictures')) await compare(client, servers);
  const peer = servers.find(({ name }) => name.startsWith('ustreamer'));
  const two = peer ? [own, peer] : [own];
  if (parts.includes('stalled')) for (const server of two) await measureStalled(client, server);
  if (parts.includes('most')) for (const server of two) await findMost(client, server);
}

/** Starts the server, measures, ends it. Null where it serves nobody. */
async function measure(
  client: ViewerClient,
  server: CameraServer,
  what: Pick<ViewerRun, 'viewers' | 'stalled'>,
  isOnOneCore = false,
): Promise<ViewerFigures & { residentMb: number }> {
  const running = await server.start();
  try {
    if (isOnOneCore) pin(running.pid);
    const run = { ...what, url: running.url, pid: running.pid, fps, seconds, warmUpSeconds: 4 };
    const figures = await client.run(run);
    return { ...figures, residentMb: residentMb(running.pid) };
  } finally {
    await running.close();
  }
}

async function compare(client: ViewerClient, servers: readonly CameraServer[]): Promise<void> {
  const figures = new Map<CameraServer, ViewerFigures[]>(servers.map((server) => [server, []]));
  for (let round = 0; round < rounds; round++)
    for (const server of servers) figures.get(server)!.push(await measure(client, server, { viewers }));
  console.log(
    `\n${viewers} viewers, ${fps} pictures of ${pictureBytes / 1000} KB a second (goal: 12 µs, p99 8 ms, missed 0, twice 0)`,
  );
  const rows = [heading];
  for (const [server, list] of figures) rows.push(rowOf(server.name, list));
  console.log(table(rows));
}

function rowOf(name: string, list: readonly ViewerFigures[]): string[] {
  const middle = (pick: (figures: ViewerFigures) => number, digits: number) =>
    median(list.map(pick)).toFixed(digits);
  const sum = (pick: (figures: ViewerFigures) => number) =>
    String(list.reduce((total, figures) => total + pick(figures), 0));
  // Without a number nothing can be missed, and equal pictures that follow each other look like the same one.
  const isNumbered = list.every(({ lat_ms_p50 }) => lat_ms_p50 >= 0);
  const ifNumbered = (cell: string) => (isNumbered ? cell : '-');
  return [
    name,
    middle(({ server_us_per_frame }) => server_us_per_frame, 1),
    ifNumbered(middle(({ lat_ms_p50 }) => lat_ms_p50, 1)),
    ifNumbered(middle(({ lat_ms_p99 }) => lat_ms_p99, 1)),
    ifNumbered(sum(({ missed_seq }) => missed_seq)),
    ifNumbered(sum(({ dups }) => dups)),
    middle(({ fps_viewer_med }) => fps_viewer_med, 1),
    middle(({ avg_frame_bytes }) => avg_frame_bytes / 1000, 0),
    middle(({ server_rss_mb }) => server_rss_mb, 0),
    `${middle(({ sys_busy_pct }) => sys_busy_pct, 0)} %`,
  ];
}

async function measureStalled(client: ViewerClient, server: CameraServer): Promise<void> {
  const without = await measure(client, server, { viewers: viewers - stalled });
  const beside = await measure(client, server, { viewers: viewers - stalled, stalled });
  console.log(
    `\n${server.name}: ${viewers - stalled} viewers beside ${stalled} that never read (goal: unchanged, memory bounded)`,
  );
  console.log(table([heading, rowOf('without', [without]), rowOf('beside them', [beside])]));
}

/** As many as get all pictures from a server that has one core to itself, in steps. */
async function findMost(client: ViewerClient, server: CameraServer): Promise<void> {
  const isPinned = hasTaskset();
  console.log(
    `\n${server.name}: viewers at ${fps} pictures a second on one core (goal: 2500)${isPinned ? '' : '; taskset is not here: the server may use all cores'}`,
  );
  const rows = [['viewers', 'slowest', 'median', 'share of a core', 'µs/picture', 'machine busy']];
  for (const count of [750, 1000, 1500, 2000, 2500, 3000]) {
    const figures = await measure(client, server, { viewers: count }, isPinned);
    rows.push([
      String(count),
      figures.fps_viewer_min.toFixed(1),
      figures.fps_viewer_med.toFixed(1),
      `${figures.server_cpu_pct.toFixed(0)} %`,
      figures.server_us_per_frame.toFixed(1),
      `${figures.sys_busy_pct.toFixed(0)} %`,
    ]);
    // Far below: more of them would tell nothing.
    if (figures.fps_viewer_med < fps * 0.8) break;
  }
  console.log(table(rows));
}

function hasTaskset(): boolean {
  return spawnSync('taskset', ['-V']).status === 0;
}

/** All threads of the server on the first core. */
function pin(pid: number): void {
  spawnSync('taskset', ['-a', '-c', '-p', '0', String(pid)]);
}
