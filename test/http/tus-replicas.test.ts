// Resumable uploads over three real programs that share a database, as a plain round robin sends them: every piece to
// another one, while one is killed and one is stopped and woken.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { makeMedia } from '../helpers/media/media.ts';
import { testDatabase } from '../helpers/mongo/test-database.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { until } from '../helpers/until.ts';

const pieceBytes = 1024 * 1024;
const ends: (() => unknown)[] = [];
let missing: string | undefined;
let programs: Program[] = [];
let url = '';
let film: Buffer;

const start = () => startProgram({ settings: { MONGODB_URL: url } });

before(async () => {
  const database = await testDatabase({
    skip: (reason?: string) => {
      missing = reason ?? 'no database';
    },
    after: (end: () => unknown) => void ends.push(end),
  } as Parameters<typeof testDatabase>[0]);
  if (!database) return;
  url = database.url;
  programs = await Promise.all([start(), start(), start()]);
  // A film of two seconds, and a box behind it that nobody looks into.
  const small = await readFile(await makeMedia({ container: 'mp4', video: { codec: 'h264', seconds: 2 } }));
  const box = Buffer.concat([Buffer.alloc(8), randomBytes(6 * pieceBytes)]);
  box.writeUInt32BE(box.length, 0);
  box.write('free', 4, 'latin1');
  film = Buffer.concat([small, box]);
});
after(async () => {
  for (const program of programs) await program.close();
  for (const end of ends.reverse()) await end();
});

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const tus = { 'tus-resumable': '1.0.0' };

async function begin(program: Program): Promise<string> {
  const answer = await fetch(`${program.url}/api/v1/uploads`, {
    method: 'POST',
    headers: {
      ...tus,
      'upload-length': String(film.length),
      'upload-metadata': `filename ${Buffer.from('film.mp4').toString('base64')}`,
    },
  });
  assert.equal(answer.status, 201, await answer.text());
  return answer.headers.get('location')!.split('/').at(-1)!;
}
const patch = (program: Program, id: string, offset: number) =>
  fetch(`${program.url}/api/v1/uploads/${id}`, {
    method: 'PATCH',
    headers: {
      ...tus,
      ...{ 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
    },
    body: new Uint8Array(film.subarray(offset, offset + pieceBytes)),
  });
async function offsetOf(program: Program, id: string): Promise<number> {
  const answer = await fetch(`${program.url}/api/v1/uploads/${id}`, { method: 'HEAD', headers: tus });
  assert.equal(answer.status, 200);
  return Number(answer.headers.get('upload-offset'));
}
/** All that is left, a piece to each in turn, as a client does that asks where it was after any failure. */
async function sendRest(turn: readonly Program[], id: string, from: number): Promise<void> {
  let at = from;
  for (let piece = 0; at < film.length; piece += 1) {
    const answer = await patch(turn[piece % turn.length]!, id, at);
    assert.equal(answer.status, 204, await answer.text());
    at = Number(answer.headers.get('upload-offset'));
    assert.equal(await offsetOf(turn[(piece + 1) % turn.length]!, id), at);
  }
}
/** A piece of which half comes, over a connection that stays open. */
async function sendHalf(program: Program, id: string, offset: number) {
  const client = await connectRaw(Number(new URL(program.url).port));
  const head = [
    `PATCH /api/v1/uploads/${id} HTTP/1.1`,
    ...['Host: localhost', 'Tus-Resumable: 1.0.0', `Upload-Offset: ${offset}`],
    ...['Content-Type: application/offset+octet-stream', `Content-Length: ${pieceBytes}`],
  ];
  client.send(`${head.join('\r\n')}\r\n\r\n`);
  client.send(film.subarray(offset, offset + pieceBytes / 2));
  return client;
}
const stateOf = async (program: Program, id: string) =>
  (await (await fetch(`${program.url}/api/v1/videos/${id}`)).json()) as {
    status: string;
    receivedBytes: number;
  };
async function listed(program: Program, id: string): Promise<number> {
  const answer = await fetch(`${program.url}/api/v1/videos`);
  const { items } = (await answer.json()) as { items: { id: string; receivedBytes: number }[] };
  return items.find((video) => video.id === id)?.receivedBytes ?? 0;
}
async function assertWhole(id: string): Promise<void> {
  for (const program of programs) {
    assert.equal((await stateOf(program, id)).status, 'ready');
    const original = await fetch(`${program.url}/videos/${id}/original`);
    assert.equal(digest(Buffer.from(await original.arrayBuffer())), digest(film));
    const view = await fetch(`${program.url}/videos/${id}/video.mp4`, { headers: { range: 'bytes=0-99' } });
    assert.equal(view.status, 206);
    await view.body?.cancel();
  }
}

test('every piece to another replica, one of which is killed in the middle of its piece: the same file', async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const [a, b, c] = programs as [Program, Program, Program];
  const id = await begin(a);
  for (const [piece, program] of [b, c].entries()) {
    const answer = await patch(program, id, piece * pieceBytes);
    assert.equal(answer.status, 204, await answer.text());
  }
  await sendHalf(b, id, 2 * pieceBytes);
  // How far it is shows in the lists of another replica while it comes.
  await until(async () => (await listed(c, id)) > 2 * pieceBytes, { timeoutMs: 20_000 });
  await b.end('SIGKILL');
  const from = await offsetOf(c, id);
  assert.ok(from >= 2 * pieceBytes && from <= 2.5 * pieceBytes, `${from}`);
  programs[1] = await start();
  await sendRest([a, programs[1]!, c], id, from);
  await assertWhole(id);
});

test('a replica that is stopped while it takes a piece, and woken after others went on, changes nothing', async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const [a, b, c] = programs as [Program, Program, Program];
  const id = await begin(a);
  assert.equal((await patch(a, id, 0)).status, 204);
  const old = await sendHalf(a, id, pieceBytes);
  await until(async () => (await listed(a, id)) > pieceBytes, { timeoutMs: 20_000 });
  a.kill('SIGSTOP');
  const from = await offsetOf(b, id);
  assert.ok(from >= pieceBytes && from <= 1.5 * pieceBytes, `${from}`);
  await sendRest([c, b], id, from);
  a.kill('SIGCONT');
  old.send(film.subarray(1.5 * pieceBytes, 2 * pieceBytes));
  await until(() => old.isClosed || old.statuses().some((status) => status >= 400), { timeoutMs: 30_000 });
  old.close();
  await assertWhole(id);
  const { items } = (await (await fetch(`${b.url}/api/v1/videos`)).json()) as { items: unknown[] };
  assert.equal(items.length, 2);
});
