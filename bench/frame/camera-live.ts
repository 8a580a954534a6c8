// Live H.264 to many viewers as bench/cameras.ts measures it: a film of 1080p sent as a camera in its own time, as
// fragmented MP4, beside nginx sending the same bytes from a file: as fast as it can, and at the camera's rate.
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, mkdtemp, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../test/helpers/free-port.ts';
import { type ChildServer, findOrInstall, startKinora, startServer } from './child-server.ts';
import { createLoadClient, type LoadFigures } from './load.ts';
import { cpuSecondsOfTree, median, residentMb, table } from './machine.ts';

const viewers = 50;
/** Bits a second, whatever the picture needs: as a 1080p camera sends. */
const rate = '8000000';
const goal = 2;

export async function measureLive(folder: string, seconds: number, rounds: number): Promise<void> {
  console.log(
    `\nH.264, 1080p, 25 pictures and 8 Mbit a second, passed through: ${viewers} viewers of live.mp4`,
  );
  const own = await mkdtemp(join(folder, 'live-'));
  await chmod(folder, 0o755);
  await chmod(own, 0o755);
  if (findOrInstall('ffmpeg', 'ffmpeg', '-version') === null) return;
  const film = join(own, 'film.mp4');
  await makeFilm(film);
  await writeFile(
    join(own, 'kinora.toml'),
    `[[camera]]\nid = "door"\ndriver = "file"\npath = ${JSON.stringify(film)}\n`,
  );
  const kinora = await startKinora(own);
  const live = { url: `${kinora.url}/cameras/door/live.mp4`, pid: kinora.pid };
  const alone = await costOfOne(live);
  console.log(
    `one viewer: ${alone.server.toFixed(2)} % of a core in the server, ${alone.camera.toFixed(2)} % in the camera’s process (goal: below 1 %)`,
  );
  const client = await createLoadClient(own);
  // What a viewer got in twenty seconds is what nginx sends.
  await record(live.url, join(own, 'same.mp4'), 20);
  const sizeBytes = (await stat(join(own, 'same.mp4'))).size;
  const nginx = await startNginx(own, sizeBytes / 20);
  const targets = [{ name: 'Kinora', ...live }];
  if (nginx) {
    targets.push({ name: 'nginx, at that rate', url: `${nginx.url}/paced/same.mp4`, pid: nginx.pid });
    targets.push({ name: 'nginx, at full speed', url: `${nginx.url}/same.mp4`, pid: nginx.pid });
  }
  const one = (target: (typeof targets)[number], forSeconds: number) =>
    client.run({ ...target, connections: viewers, seconds: forSeconds, sizeBytes });
  const figures = new Map<string, LoadFigures[]>(targets.map(({ name }) => [name, []]));
  for (const target of targets) await one(target, 2);
  for (let round = 0; round < rounds; round++)
    for (const target of targets) figures.get(target.name)!.push(await one(target, seconds));
  const cpu = (name: string) => median(figures.get(name)!.map(({ cpuPerGb }) => cpuPerGb));
  const rows = [['', 'CPU s/GB', 'MB/s', 'errors', 'Kinora / this', 'RSS MB']];
  for (const { name, pid } of targets) {
    const list = figures.get(name)!;
    rows.push([
      name,
      cpu(name).toFixed(3),
      median(list.map(({ mbPerS }) => mbPerS)).toFixed(1),
      String(list.reduce((sum, { errors }) => sum + errors, 0)),
      (cpu('Kinora') / cpu(name)).toFixed(2),
      residentMb(pid).toFixed(0),
    ]);
  }
  console.log(`goal: at most ${goal} x nginx’s CPU per GB\n${table(rows)}`);
  await nginx?.close();
  await kinora.close();
}

/** Four seconds with noise in them: filler that an encoder puts in for a constant rate is not passed on. */
async function makeFilm(path: string): Promise<void> {
  const picture = 'testsrc2=size=1920x1080:rate=25,noise=alls=16:allf=t';
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25', '-bf', '0'];
  const limits = ['-b:v', rate, '-maxrate', rate, '-bufsize', rate];
  const all = ['-v', 'error', '-f', 'lavfi', '-i', picture, '-t', '4', ...encode, ...limits, path];
  await promisify(execFile)('ffmpeg', all);
}

/** Percent of a core while one viewer watches, over five seconds. */
async function costOfOne({ url, pid }: { url: string; pid: number }) {
  const response = await open(url);
  response.resume();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const before = cpuSecondsOfTree(pid);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const after = cpuSecondsOfTree(pid);
  response.destroy();
  return {
    server: (after.own - before.own) * 20,
    camera: (after.children - before.children) * 20,
  };
}

async function record(url: string, path: string, seconds: number): Promise<void> {
  const response = await open(url);
  const file = createWriteStream(path);
  response.pipe(file);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  response.destroy();
  await new Promise((resolve) => file.end(resolve));
}

function open(url: string) {
  return new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    get(url, (response) => {
      response.on('error', () => {});
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`${url} was answered with ${response.statusCode}`));
    }).on('error', reject);
  });
}

/** Debian's nginx with one worker; what lies under /paced/ goes at the camera's rate. */
async function startNginx(folder: string, bytesPerSecond: number): Promise<ChildServer | null> {
  if (findOrInstall('nginx', 'nginx-light', '-v') === null) return null;
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const path = join(folder, 'nginx.conf');
  await writeFile(
    path,
    `worker_processes 1; daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; root ${folder};
    location /paced/ { alias ${folder}/; limit_rate ${Math.round(bytesPerSecond)}; } } }`,
  );
  return startServer('nginx', ['-c', path], port);
}
