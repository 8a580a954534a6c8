// What it costs to let a request in: server CPU per request with accounts (a session's cookie, a token, somebody with
// whom the film is shared) beside KINORA_AUTH=none, in turns, for a small range of a film and for a list.
// `node bench/auth.ts [requests a turn] [rounds]`.
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMedia } from '../test/helpers/media/media.ts';
import { type ChildServer, startKinora } from './frame/child-server.ts';
import { cpuSeconds, machineLine, median, table } from './frame/machine.ts';

const requests = Number(process.argv[2] ?? 20_000);
const rounds = Number(process.argv[3] ?? 9);
const connections = 8;
/** The bound. */
const goalUs = 30;
const password = 'four brown otters under the mill';

type Target = {
  readonly name: string;
  readonly server: ChildServer;
  readonly headers: string[];
  readonly videoId: string;
};

const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
const servers: ChildServer[] = [];
try {
  await main();
} finally {
  for (const server of servers) await server.close();
  await rm(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const film = await readFile(
    await makeMedia({ container: 'matroska', video: { codec: 'h264', width: 64, height: 64, seconds: 1 } }),
  );
  const start = async (mode: string) => {
    const own = join(folder, mode);
    await mkdir(own);
    const server = await startKinora(own, { KINORA_AUTH: mode, KINORA_HOST: 'localhost' });
    servers.push(server);
    return server;
  };
  const open = await start('none');
  const house = await start('accounts');
  const json = { 'content-type': 'application/json' };
  const send = async (server: ChildServer, path: string, body: unknown, headers = {}, method = 'POST') => {
    const init = { method, headers: { ...json, ...headers }, body: JSON.stringify(body) };
    const answer = await fetch(server.url + path, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const signUp = async (name: string, invite?: string) => {
    const account = { name, email: `${name}@example.org`, password, invite };
    const answer = await send(house, '/api/auth/sign-up/email', account);
    const { user } = (await answer.json()) as { user: { id: string } };
    return {
      id: user.id,
      cookie: answer.headers
        .getSetCookie()
        .map((line) => line.split(';', 1)[0])
        .join('; '),
    };
  };
  const owner = await signUp('anna');
  const invited = await send(house, '/api/v1/invites', { role: 'member' }, { cookie: owner.cookie });
  const { url: invite } = (await invited.json()) as { url: string };
  const member = await signUp('ben', new URL(invite).searchParams.get('invite')!);
  const made = await send(
    house,
    '/api/v1/me/tokens',
    { name: 'bench', scopes: ['videos:watch'] },
    { cookie: owner.cookie },
  );
  const { secret } = (await made.json()) as { secret: string };
  const upload = async (server: ChildServer, headers: Record<string, string>) => {
    const form = new FormData();
    form.append('file', new Blob([film]), 'film.mkv');
    const init = { method: 'POST', body: form, headers: { accept: 'application/json', ...headers } };
    const { videos } = (await (await fetch(`${server.url}/upload`, init)).json()) as {
      videos: { id: string }[];
    };
    return videos[0]!.id;
  };
  const openId = await upload(open, {});
  const houseId = await upload(house, { cookie: owner.cookie });
  await send(
    house,
    `/api/v1/videos/${houseId}/shares`,
    { people: [member.id] },
    { cookie: owner.cookie },
    'PUT',
  );
  const targets: Target[] = [
    { name: 'KINORA_AUTH=none', server: open, headers: [], videoId: openId },
    { name: 'cookie, own film', server: house, headers: [`Cookie: ${owner.cookie}`], videoId: houseId },
    { name: 'cookie, shared film', server: house, headers: [`Cookie: ${member.cookie}`], videoId: houseId },
    { name: 'token', server: house, headers: [`Authorization: Bearer ${secret}`], videoId: houseId },
  ];
  console.log(`${machineLine()}; load before ${loadavg()[0]!.toFixed(1)}`);
  console.log(
    `${rounds} rounds of ${requests} requests each, in turns, ${connections} connections, after a warm-up; medians`,
  );
  await compare('1 KiB range of the original', targets, (target) => [
    `GET /videos/${target.videoId}/original HTTP/1.1`,
    'Range: bytes=0-1023',
  ]);
  await compare('a list of one video', targets, () => ['GET /api/v1/videos?limit=1 HTTP/1.1']);
  console.log(`load after ${loadavg()[0]!.toFixed(1)}`);
}

async function compare(
  title: string,
  targets: readonly Target[],
  head: (target: Target) => string[],
): Promise<void> {
  const figures = new Map<Target, number[]>(targets.map((target) => [target, []]));
  const bytesOf = (target: Target) =>
    Buffer.from(
      [...head(target), `Host: ${new URL(target.server.url).host}`, ...target.headers, '', ''].join('\r\n'),
    );
  for (const target of targets) await run(target, bytesOf(target), Math.max(5000, requests >> 1));
  for (let round = 0; round < rounds; round += 1)
    for (const target of targets) figures.get(target)!.push(await run(target, bytesOf(target), requests));
  const base = median(figures.get(targets[0]!)!);
  const rows = [['', 'CPU µs/request', 'more than none, µs', 'lowest', 'highest']];
  for (const target of targets) {
    const list = figures.get(target)!;
    const more = median(list) - base;
    rows.push([
      target.name,
      median(list).toFixed(1),
      target === targets[0] ? '' : more.toFixed(1),
      Math.min(...list).toFixed(1),
      Math.max(...list).toFixed(1),
    ]);
  }
  console.log(`\n${title} (goal: at most ${goalUs} µs more)\n${table(rows)}`);
}

/** CPU microseconds of the server a request. */
async function run(target: Target, asked: Buffer, count: number): Promise<number> {
  const before = cpuSeconds(target.server.pid);
  let left = count;
  await Promise.all(
    Array.from({ length: connections }, () => talk(target.server.url, asked, () => left-- > 0)),
  );
  return ((cpuSeconds(target.server.pid) - before) / count) * 1e6;
}

/** Asks the same again and again over one connection, one at a time; all answers have the length of the first. */
async function talk(url: string, asked: Buffer, isMore: () => boolean): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  await new Promise<void>((resolve, reject) => {
    let answerBytes = 0;
    let receivedBytes = 0;
    let first = '';
    const next = () => {
      if (isMore()) socket.write(asked);
      else {
        socket.destroy();
        resolve();
      }
    };
    socket.on('data', (piece) => {
      receivedBytes += piece.length;
      if (answerBytes === 0) {
        first += piece.toString('latin1');
        const end = first.indexOf('\r\n\r\n');
        const length = /content-length: (\d+)/i.exec(first);
        if (end < 0 || !length) return;
        if (!/^HTTP\/1.1 20[06]/.test(first)) reject(new Error(first.slice(0, 500)));
        answerBytes = end + 4 + Number(length[1]);
      }
      if (receivedBytes < answerBytes) return;
      receivedBytes -= answerBytes;
      next();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the connection')));
    next();
  });
}
