// Motion-JPEG to many viewers: 25 pictures of 56 KB a second to 200 of them, this program beside ustreamer, in turns;
// then 50 stalled ones among them, and how many one core can serve. `node bench/mjpeg.ts [seconds] [rounds]`.
// Needs a C compiler and the measuring tools next to the checkout (or KINORA_TOOLS); what is missing is said.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const seconds = Number(process.argv[2] ?? 10);
const rounds = Number(process.argv[3] ?? 3);
const [viewers, fps, pictureBytes] = [200, 25, 56_000];

const root = fileURLToPath(new URL('..', import.meta.url));
const tools = process.env.KINORA_TOOLS ?? join(root, '../shared/tools');

/** What `mjpegload` prints, as far as it is used here. */
type Load = {
  readonly frames: number;
  readonly fps_viewer_min: number;
  readonly fps_viewer_med: number;
  readonly missed_seq: number;
  readonly dups: number;
  readonly lat_ms_p50: number;
  readonly lat_ms_p99: number;
  readonly server_us_per_frame: number;
  readonly server_cpu_pct: number;
  readonly server_rss_mb: number;
  readonly sys_busy_pct: number;
};

type Running = { readonly url: string; readonly child: ChildProcess };

const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
try {
  await main();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const { model } = cpus()[0]!;
  print(
    `Motion-JPEG: ${viewers} viewers, ${fps} pictures of ${pictureBytes / 1000} KB a second, ${rounds} rounds of ${seconds} s`,
  );
  print(`${cpus().length} × ${model.trim()}, Node ${process.versions.node}, ${process.platform}`);
  if (!existsSync(join(tools, 'mjpegload.c'))) {
    print(
      `The measuring client is not at ${tools}: set KINORA_TOOLS to the folder of mjpegload.c. Nothing measured.`,
    );
    process.exitCode = 1;
    return;
  }
  await build();
  await writePictures();
  const hasPeer = find('ustreamer');
  if (!hasPeer)
    print('ustreamer is not installed (Debian: apt-get install ustreamer): measured without the peer.');

  const own: Load[] = [];
  const peer: Load[] = [];
  for (let round = 0; round < rounds; round += 1) {
    own.push(await measure(startKinora, viewers));
    if (hasPeer) peer.push(await measure(startUstreamer, viewers));
  }
  print('\n| 200 viewers | µs per picture | p50 ms | p99 ms | missed | twice | MB | machine busy |');
  print('|---|---|---|---|---|---|---|---|');
  row('Kinora', own);
  if (hasPeer) row('ustreamer', peer);

  const stalled = await measure(startKinora, viewers - 50, 50);
  print(
    '\n| 150 viewers beside 50 stalled | µs per picture | p50 ms | p99 ms | missed | twice | MB | machine busy |',
  );
  print('|---|---|---|---|---|---|---|---|');
  row('Kinora', [stalled]);

  print(
    '\n| viewers | slowest gets per second | median | server’s share of a core | µs per picture | machine busy |',
  );
  print('|---|---|---|---|---|---|');
  for (const count of [1000, 2000, 2500, 3000]) {
    const load = await measure(startKinora, count);
    const cells = [
      count,
      load.fps_viewer_min,
      load.fps_viewer_med,
      `${load.server_cpu_pct} %`,
      load.server_us_per_frame,
    ];
    print(`| ${cells.join(' | ')} | ${load.sys_busy_pct} % |`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function row(name: string, loads: readonly Load[]): void {
  const median = (pick: (load: Load) => number) => {
    const sorted = loads.map(pick).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  };
  const sum = (pick: (load: Load) => number) => loads.reduce((total, load) => total + pick(load), 0);
  const cells = [
    name,
    median((load) => load.server_us_per_frame).toFixed(1),
    median((load) => load.lat_ms_p50).toFixed(1),
    median((load) => load.lat_ms_p99).toFixed(1),
    sum((load) => load.missed_seq),
    sum((load) => load.dups),
    median((load) => load.server_rss_mb).toFixed(0),
    `${median((load) => load.sys_busy_pct).toFixed(0)} %`,
  ];
  print(`| ${cells.join(' | ')} |`);
}

function find(command: string): boolean {
  return (process.env.PATH ?? '').split(':').some((place) => existsSync(join(place, command)));
}

/** Compiles the client and the emulated device in the temporary folder. */
async function build(): Promise<void> {
  for (const name of ['mjpegload.c', 'fakev4l2.c', 'common.h'])
    await copyFile(join(tools, name), join(folder, name));
  const compile = (...flags: string[]) =>
    execFileSync('cc', ['-O2', ...flags], { cwd: folder, stdio: 'pipe' });
  compile('-o', 'mjpegload', 'mjpegload.c', '-lm');
  compile('-shared', '-fPIC', '-o', 'fakev4l2.so', 'fakev4l2.c', '-ldl');
}

/** The emulated camera's pictures, made as large as a camera's with comment segments (ITU-T T.81 §B.2.4.5). */
async function writePictures(): Promise<void> {
  const scene = join(root, 'src/cameras/emulated');
  await mkdir(join(folder, 'pictures'));
  for (const name of (await readdir(scene)).filter((file) => file.endsWith('.jpg'))) {
    const jpeg = await readFile(join(scene, name));
    const filler = Buffer.alloc(pictureBytes - jpeg.length, 0x20);
    filler.writeUInt16BE(0xfffe, 0);
    filler.writeUInt16BE(filler.length - 2, 2);
    await writeFile(
      join(folder, 'pictures', name),
      Buffer.concat([jpeg.subarray(0, 2), filler, jpeg.subarray(2)]),
    );
  }
  // The same stamp that the emulated device writes, so that latency is measured alike.
  await writeFile(
    join(folder, 'camera.mjs'),
    `import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
const folder = ${JSON.stringify(join(folder, 'pictures'))};
const pictures = readdirSync(folder).map((name) => readFileSync(folder + '/' + name));
export async function* samples(_options, { signal }) {
  const startMs = performance.now();
  for (let number = 0; !signal.aborted; number += 1) {
    await pause(Math.max(0, startMs + (number * 1000) / ${fps} - performance.now()));
    const stamp = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const comment = Buffer.from('SEQ=' + String(number).padStart(10, '0') + ' TSUS=' + stamp);
    const head = Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0, comment.length + 2]);
    yield Buffer.concat([head, comment, pictures[number % pictures.length].subarray(2)]);
  }
}
`,
  );
}

async function measure(start: () => Promise<Running>, count: number, stalled = 0): Promise<Load> {
  const { url, child } = await start();
  try {
    const flags = ['-c', count, '-d', seconds, '-w', 4, '-p', child.pid!, '-f', fps, '-s', stalled, url].map(
      String,
    );
    const load = spawn(join(folder, 'mjpegload'), flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    load.stdout.on('data', (piece: Buffer) => {
      output += piece.toString();
    });
    await once(load, 'exit');
    return JSON.parse(output) as Load;
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

async function startKinora(): Promise<Running> {
  const data = await mkdtemp(join(folder, 'data-'));
  const child = spawn(process.execPath, [join(root, 'src/main.ts')], {
    cwd: folder,
    env: {
      ...process.env,
      ...{ KINORA_PORT: '0', KINORA_DATA: data, KINORA_LOG_FORMAT: 'json', CAMERA: './camera.mjs' },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout!.on('data', (piece: Buffer) => {
      output += piece.toString();
      const found = /open (http:\/\/[^\s"]+)/.exec(output);
      if (found) resolve(found[1]!);
    });
    child.once('exit', () => reject(new Error(`the program did not start:\n${output}`)));
  });
  const { port } = new URL(address);
  return { url: `http://127.0.0.1:${port}/cameras/default/stream.mjpeg`, child };
}

async function startUstreamer(): Promise<Running> {
  const port = await freePort();
  // `--encoder HW` is how ustreamer passes a camera's own JPEG pictures on untouched.
  const flags = [
    '--device',
    '/dev/video0',
    '--format',
    'MJPEG',
    '--encoder',
    'HW',
    '-r',
    '640x360',
    '--log-level',
    '0',
  ];
  const child = spawn('ustreamer', [...flags, '--host', '127.0.0.1', '--port', String(port)], {
    env: {
      ...process.env,
      LD_PRELOAD: join(folder, 'fakev4l2.so'),
      ...{
        FAKEV4L2_DIR: join(folder, 'pictures'),
        FAKEV4L2_FPS: String(fps),
        FAKEV4L2_W: '640',
        FAKEV4L2_H: '360',
      },
    },
    stdio: 'ignore',
  });
  const deadline = performance.now() + 10_000;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp) return { url: `http://127.0.0.1:${port}/stream`, child };
    if (performance.now() > deadline) throw new Error('ustreamer did not start within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
