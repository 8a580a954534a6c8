// Sending files beside nginx, in turns: CPU per GB and throughput of whole files and of random ranges, a view beside
// a plain file, and what 1,000 clients that never read cost. The program itself, with a film that was uploaded; nginx
// sends the same stored file; beside them the sending alone, on a bare server. `node bench/files.ts [seconds] [rounds]`.
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createLoadClient, type LoadClient, type LoadFigures } from './frame/load.ts';
import { machineLine, median, residentMb, table } from './frame/machine.ts';
import { linkStored, makeFilm, startProgram, upload } from './frame/program.ts';

const seconds = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 5);
const leastBytes = 600_000_000;
const rangeBytes = 1_048_576;
const stalledCount = 1000;

type Target = { readonly name: string; readonly url: string; readonly pid: number };

const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
const children: ChildProcess[] = [];
const endChildren = () => {
  for (const child of children) child.kill();
};
process.on('exit', endChildren);
// nginx would outlive this otherwise; `exit` handlers run on a normal end only.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
try {
  await main();
} finally {
  endChildren();
  await rm(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  // nginx's workers run as another user.
  await chmod(folder, 0o755);
  if (spawnSync('ffmpeg', ['-version']).status !== 0) {
    console.error('files: FFmpeg makes the film, and is not here (Debian: apt-get install ffmpeg).');
    process.exitCode = 1;
    return;
  }
  const film = join(folder, 'film.mkv');
  await makeFilm(film, leastBytes);
  const program = await startProgram(folder);
  children.push(program.child);
  const video = await upload(program, film);
  await rm(film);
  await linkStored(folder, join(folder, 'plain'));
  const sizeBytes = (await stat(join(folder, 'plain'))).size;
  console.log(`${machineLine()}; load before ${loadavg()[0]!.toFixed(1)}`);
  const load = await createLoadClient(folder);
  console.log(
    `load client: ${load.name}; ${rounds} rounds of ${seconds} s each, in turns, after a warm-up; medians`,
  );
  const plain = { name: 'kinora', url: `${video}/original`, pid: program.pid };
  const view = { name: 'kinora, view', url: `${video}/video.mp4`, pid: program.pid };
  const { server, hasKernel } = await startServer();
  const alone = { ...server, name: 'its sending alone', url: `${server.url}plain` };
  console.log(
    hasKernel ? 'bytes go through the kernel (sendfile)' : 'no sendfile here: bytes go through buffers',
  );
  const buffers = { ...(await startServer('buffers')).server, name: 'alone, buffers' };
  const nginx = await startNginx();
  if (!nginx) console.log('nginx is not installed and could not be: no peer (apt-get install nginx-light)');
  const peer = nginx ? [nginx] : [];

  const targets = [plain, ...peer, view, alone, buffers];
  await compare(load, 'whole files, 16 connections', targets, { sizeBytes, goal: 1.05 });
  const ranges = { sizeBytes, goal: 1.1, rangeBytes };
  await compare(load, 'random 1 MiB ranges, 16 connections', targets, ranges);
  for (const target of [plain, ...peer]) await measureStalled(load, target, sizeBytes);
  console.log(`load after ${loadavg()[0]!.toFixed(1)}`);
}

async function compare(
  load: LoadClient,
  title: string,
  targets: readonly Target[],
  { goal, ...what }: { goal: number; sizeBytes: number; rangeBytes?: number },
): Promise<void> {
  const figures = new Map<Target, LoadFigures[]>(targets.map((target) => [target, []]));
  const one = (target: Target, forSeconds: number) =>
    load.run({
      ...target,
      connections: 16,
      seconds: forSeconds,
      ...what,
    });
  // Until what is compiled as it runs has been.
  for (const target of targets) await one(target, 4);
  for (let round = 0; round < rounds; round++)
    for (const target of targets) figures.get(target)!.push(await one(target, seconds));
  const cpu = (target: Target) => median(figures.get(target)!.map((figure) => figure.cpuPerGb));
  const base = targets.find(({ name }) => name.startsWith('nginx'));
  const rows = [['', 'CPU s/GB', 'MB/s', 'errors', base ? 'CPU / nginx' : '']];
  for (const target of targets) {
    const list = figures.get(target)!;
    rows.push([
      target.name,
      cpu(target).toFixed(3),
      median(list.map((figure) => figure.mbPerS)).toFixed(0),
      String(list.reduce((sum, figure) => sum + figure.errors, 0)),
      base ? (cpu(target) / cpu(base)).toFixed(2) : '',
    ]);
  }
  console.log(
    `\n${title} (goal: at most ${goal} x nginx's CPU; a view within 5 % of a file)\n${table(rows)}`,
  );
}

async function measureStalled(load: LoadClient, target: Target, sizeBytes: number): Promise<void> {
  const alone = await load.run({ ...target, connections: 4, seconds, sizeBytes });
  const idleMb = residentMb(target.pid);
  const { hostname, port, pathname } = new URL(target.url);
  const sockets: Socket[] = [];
  for (let i = 0; i < stalledCount; i++) {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.pause();
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
    sockets.push(socket);
  }
  // Until the server has filled what the system takes for each.
  for (let before = -1, now = 0; before !== now; ) {
    before = now;
    await pause(1000);
    now = Math.round(residentMb(target.pid));
  }
  const stalledMb = residentMb(target.pid);
  const beside = await load.run({ ...target, connections: 4, seconds, sizeBytes });
  for (const socket of sockets) socket.destroy();
  console.log(
    `\n${target.name}: ${stalledCount} clients that never read (goal: under 64 MB, the others as fast)`,
  );
  console.log(
    table([
      ['', 'RSS MB', 'MB/s of 4 others', 'CPU s/GB'],
      ['without', idleMb.toFixed(0), alone.mbPerS.toFixed(0), alone.cpuPerGb.toFixed(3)],
      ['with', stalledMb.toFixed(0), beside.mbPerS.toFixed(0), beside.cpuPerGb.toFixed(3)],
      ['more', (stalledMb - idleMb).toFixed(1), '', ''],
    ]),
  );
}

async function startServer(...args: string[]): Promise<{ server: Target; hasKernel: boolean }> {
  const child = fork(join(import.meta.dirname, 'frame/files-server.ts'), [join(folder, 'plain'), ...args]);
  children.push(child);
  const [{ port, hasKernel }] = await once(child, 'message');
  return { server: { name: 'kinora', url: `http://127.0.0.1:${port}/`, pid: child.pid! }, hasKernel };
}

/** Debian's nginx, as it is usually set up to send files. */
async function startNginx(): Promise<Target | null> {
  const isThere = () => spawnSync('nginx', ['-v']).status === 0;
  if (!isThere() && process.getuid?.() === 0)
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'nginx-light'], { stdio: 'ignore' });
  if (!isThere()) return null;
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  probe.close();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (n) => `${n}_temp_path ${folder}/${n};`,
  );
  await writeFile(
    join(folder, 'nginx.conf'),
    `worker_processes auto; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; root ${folder}; } }`,
  );
  children.push(spawn('nginx', ['-c', join(folder, 'nginx.conf')], { stdio: 'ignore' }));
  for (let tries = 0; !existsSync(join(folder, 'nginx.pid')); tries++) {
    if (tries > 100) return null;
    await pause(50);
  }
  const pid = Number(readFileSync(join(folder, 'nginx.pid'), 'utf8'));
  const version = spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr.trim().split('/').at(-1);
  return { name: `nginx ${version}`, url: `http://127.0.0.1:${port}/plain`, pid };
}
