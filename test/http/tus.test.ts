// Resumable uploads on the real program: the protocol by hand, a real client, and kills at random moments.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Upload } from 'tus-js-client';
import { makeMedia } from '../helpers/media/media.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

let program: Program;
let film: Buffer;
/** Where a connection hangs or breaks. */
let half: number;

before(async () => {
  program = await startProgram();
  film = await readFile(
    await makeMedia({ container: 'matroska', video: { codec: 'h264', seconds: 2 }, audio: { codec: 'aac' } }),
  );
  half = Math.floor(film.length / 2);
});
after(() => program.close());

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const tus = { 'tus-resumable': '1.0.0' };
const name = (text: string) => `filename ${Buffer.from(text).toString('base64')},filetype dmlkZW8vbXA0`;
const octets = { ...tus, 'content-type': 'application/offset+octet-stream' };

async function create(headers: Record<string, string>, body?: Uint8Array): Promise<Response> {
  return fetch(`${program.url}/api/v1/uploads`, {
    method: 'POST',
    headers: { ...tus, ...headers },
    ...(body && { body: new Uint8Array(body) }),
  });
}

async function begin(sizeBytes: number, fileName = 'A_film.mkv'): Promise<string> {
  const answer = await create({ 'upload-length': String(sizeBytes), 'upload-metadata': name(fileName) });
  assert.equal(answer.status, 201);
  return new URL(answer.headers.get('location')!, `${program.url}/`).href;
}

function patch(
  url: string,
  offset: number,
  bytes: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'PATCH',
    headers: { ...octets, 'upload-offset': String(offset), ...headers },
    body: new Uint8Array(bytes),
  });
}

async function offsetOf(url: string): Promise<number> {
  const answer = await fetch(url, { method: 'HEAD', headers: tus });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  return Number(answer.headers.get('upload-offset'));
}

async function original(id: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(`${program.url}/videos/${id}/original`)).arrayBuffer());
}

const idOf = (url: string) => url.split('/').at(-1)!;

describe('the protocol', () => {
  test('OPTIONS tells the version and the extensions', async () => {
    const answer = await fetch(`${program.url}/api/v1/uploads`, { method: 'OPTIONS' });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('tus-version'), '1.0.0');
    assert.deepEqual(answer.headers.get('tus-extension')!.split(',').sort(), [
      'creation',
      'creation-defer-length',
      'creation-with-upload',
      'expiration',
      'termination',
    ]);
    assert.equal(
      answer.headers.get('access-control-allow-origin'),
      null,
      'pages of other sites may not upload',
    );
  });

  test('an upload in three parts becomes a video whose page the last answer names', async () => {
    const url = await begin(film.length);
    const id = idOf(url);
    assert.equal(await offsetOf(url), 0);
    const listed = (await (await fetch(`${program.url}/api/v1/videos/${id}`)).json()) as Record<
      string,
      unknown
    >;
    assert.deepEqual([listed.status, listed.title, listed.sizeBytes], ['arriving', 'A film', film.length]);
    let offset = 0;
    for (const end of [1000, Math.floor(film.length / 2), film.length]) {
      const answer = await patch(url, offset, film.subarray(offset, end));
      assert.equal(answer.status, 204);
      assert.equal(answer.headers.get('upload-offset'), String(end));
      assert.equal(answer.headers.get('kinora-video'), end === film.length ? `/videos/${id}` : null);
      assert.equal(answer.headers.has('upload-expires'), end !== film.length);
      offset = end;
    }
    const done = (await (await fetch(`${program.url}/api/v1/videos/${id}`)).json()) as Record<
      string,
      unknown
    >;
    assert.equal(done.status, 'ready');
    assert.equal(digest(await original(id)), digest(film));
    assert.equal(await offsetOf(url), film.length, 'one who asks again is told it is complete');
  });

  test('an upload can come whole with its creation', async () => {
    const answer = await create(
      { ...octets, 'upload-length': String(film.length), 'upload-metadata': name('b.mkv') },
      film,
    );
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get('upload-offset'), String(film.length));
    const id = idOf(answer.headers.get('location')!);
    assert.equal(answer.headers.get('kinora-video'), `/videos/${id}`);
    assert.equal(digest(await original(id)), digest(film));
  });

  test('an upload whose length is told at its end is finished then', async () => {
    const created = await create({ 'upload-defer-length': '1', 'upload-metadata': name('c.mkv') });
    const url = new URL(created.headers.get('location')!, `${program.url}/`).href;
    assert.equal((await patch(url, 0, film)).status, 204);
    const head = await fetch(url, { method: 'HEAD', headers: tus });
    assert.equal(head.headers.get('upload-defer-length'), '1');
    const last = await patch(url, film.length, new Uint8Array(0), { 'upload-length': String(film.length) });
    assert.equal(last.status, 204);
    assert.equal(last.headers.get('kinora-video'), `/videos/${idOf(url)}`);
    assert.equal(digest(await original(idOf(url))), digest(film));
  });

  test('a wrong offset is answered with 409 and changes nothing', async () => {
    const url = await begin(film.length);
    assert.equal((await patch(url, 10, film)).status, 409);
    assert.equal(await offsetOf(url), 0);
    assert.equal((await fetch(url, { method: 'DELETE', headers: tus })).status, 204);
  });

  test('a given-up upload is gone, and a finished one cannot be given up', async () => {
    const url = await begin(film.length);
    await patch(url, 0, film.subarray(0, 1000));
    assert.equal((await fetch(url, { method: 'DELETE', headers: tus })).status, 204);
    assert.equal((await fetch(url, { method: 'HEAD', headers: tus })).status, 404);
    const done = await begin(film.length);
    await patch(done, 0, film);
    assert.equal((await fetch(done, { method: 'DELETE', headers: tus })).status, 400);
    assert.equal(
      (await fetch(`${program.url}/videos/${idOf(done)}/original`, { method: 'HEAD' })).status,
      200,
    );
  });

  const refusals: readonly [what: string, status: number, run: () => Promise<Response>][] = [
    ['an empty file', 415, () => create({ 'upload-length': '0', 'upload-metadata': name('x.mp4') })],
    [
      'a text',
      415,
      async () => patch(await begin(400_000, 'x.mp4'), 0, Buffer.from('no film, '.repeat(40_000))),
    ],
    ['no length', 400, () => create({ 'upload-metadata': name('x.mp4') })],
    [
      'no version',
      412,
      () => fetch(`${program.url}/api/v1/uploads`, { method: 'POST', headers: { 'upload-length': '5' } }),
    ],
    ['metadata that is none', 400, () => create({ 'upload-length': '5', 'upload-metadata': 'filename ***' })],
    ['an unknown id', 404, () => patch(`${program.url}/api/v1/uploads/0123456789abcdef`, 0, film)],
    ['a path for an id', 404, () => patch(`${program.url}/api/v1/uploads/..%2f..%2fetc%2fpasswd`, 0, film)],
    [
      'a page of another site',
      403,
      () => create({ 'upload-length': '5', origin: 'http://elsewhere.example' }),
    ],
  ];
  for (const [what, status, run] of refusals) {
    test(`${what} is refused with ${status} and a problem that says why`, async () => {
      const answer = await run();
      assert.equal(answer.status, status);
      assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/);
      const problem = (await answer.json()) as { status: number; detail: string };
      assert.equal(problem.status, status);
      assert.ok(problem.detail.length > 5);
    });
  }

  test('a refused upload leaves nothing to come back to', async () => {
    const url = await begin(400_000, 'x.mp4');
    assert.equal((await patch(url, 0, Buffer.from('no film, '.repeat(40_000)))).status, 415);
    assert.equal((await fetch(url, { method: 'HEAD', headers: tus })).status, 404);
  });

  test('no names but the ones of the protocol reach the page', async () => {
    const url = await begin(film.length, '../<script>\0\u202evkm.mkv');
    assert.equal((await patch(url, 0, film)).status, 204);
    const video = (await (await fetch(`${program.url}/api/v1/videos/${idOf(url)}`)).json()) as {
      title: string;
    };
    assert.equal(video.title, '<script> vkm');
  });

  test('a request that hangs gives way to the one that takes over', async () => {
    const url = await begin(film.length);
    const hanging = request(url, {
      method: 'PATCH',
      headers: { ...octets, 'upload-offset': '0', 'content-length': film.length },
    });
    hanging.on('error', () => {});
    hanging.write(film.subarray(0, half));
    await until(async () => {
      const video = (await (await fetch(`${program.url}/api/v1/videos/${idOf(url)}`)).json()) as {
        receivedBytes: number;
      };
      return video.receivedBytes === half;
    });
    const offset = await offsetOf(url);
    assert.equal(offset, half);
    const answer = await patch(url, offset, film.subarray(offset));
    assert.equal(answer.status, 204);
    hanging.destroy();
    assert.equal(digest(await original(idOf(url))), digest(film));
  });

  test('a connection that breaks keeps what had come', async () => {
    const url = await begin(film.length);
    const broken = request(url, {
      method: 'PATCH',
      headers: { ...octets, 'upload-offset': '0', 'content-length': film.length },
    });
    broken.on('error', () => {});
    broken.write(film.subarray(0, half));
    await until(async () => {
      const video = (await (await fetch(`${program.url}/api/v1/videos/${idOf(url)}`)).json()) as {
        receivedBytes: number;
      };
      return video.receivedBytes === half;
    });
    broken.destroy();
    assert.equal(await offsetOf(url), half);
    assert.equal((await patch(url, half, film.subarray(half))).status, 204);
    assert.equal(digest(await original(idOf(url))), digest(film));
  });
});

test('a real client uploads in parts and is told where the video is', async () => {
  let video: string | undefined;
  await new Promise<void>((resolve, reject) => {
    const upload = new Upload(film, {
      endpoint: `${program.url}/api/v1/uploads`,
      chunkSize: 40_000,
      metadata: { filename: 'From a client.mkv', filetype: 'video/x-matroska' },
      onAfterResponse: (_request, response) => {
        video = response.getHeader('Kinora-Video') ?? video;
      },
      onError: reject,
      onSuccess: () => resolve(),
    });
    upload.start();
  });
  assert.match(video!, /^\/videos\/[0-9a-z]{16}$/);
  assert.equal(digest(await original(video!.split('/').at(-1)!)), digest(film));
});

test('whatever moment the program is killed at, nothing acknowledged is lost and the upload goes on', async () => {
  // A film made long by a Void element behind it (RFC 8794 §11.3.2), no two parts of which are alike.
  const voidHead = Buffer.alloc(9);
  voidHead[0] = 0xec;
  voidHead.writeBigUInt64BE((1n << 56n) | 1_000_000n, 1);
  const bytes = Buffer.concat([film, voidHead, randomBytes(1_000_000)]);
  const dataFolder = await mkdtemp(join(tmpdir(), 'kinora-kills-'));
  let current = await startProgram({ dataFolder });
  const rounds = 2;
  try {
    for (let round = 0; round < rounds; round += 1) {
      const created = await fetch(`${current.url}/api/v1/uploads`, {
        method: 'POST',
        headers: {
          ...tus,
          'upload-length': String(bytes.length),
          'upload-metadata': name(`kill ${round}.mkv`),
        },
      });
      const path = created.headers.get('location')!;
      let acknowledged = 0;
      let kills = 0;
      while (acknowledged < bytes.length) {
        // A part at a time, each acknowledged; somewhere among them, the program is killed.
        const killAfterMs = kills < 2 ? randomInt(1, 60) : null;
        const killed = killAfterMs === null ? null : killLater(current, killAfterMs);
        try {
          while (acknowledged < bytes.length) {
            const end = Math.min(bytes.length, acknowledged + randomInt(1, 400_000));
            const answer = await fetch(new URL(path, current.url), {
              method: 'PATCH',
              headers: { ...octets, 'upload-offset': String(acknowledged) },
              body: new Uint8Array(bytes.subarray(acknowledged, end)),
            });
            assert.equal(answer.status, 204);
            acknowledged = Number(answer.headers.get('upload-offset'));
          }
        } catch (error) {
          if (!killed || error instanceof assert.AssertionError) throw error;
        }
        if (!killed) break;
        await killed;
        kills += 1;
        await current.close();
        current = await startProgram({ dataFolder });
        const head = await fetch(new URL(path, current.url), { method: 'HEAD', headers: tus });
        assert.equal(head.status, 200);
        const stored = Number(head.headers.get('upload-offset'));
        assert.ok(stored >= acknowledged, `${stored} are there of ${acknowledged} acknowledged`);
        acknowledged = stored;
      }
      const id = idOf(path);
      await until(
        async () =>
          ((await (await fetch(`${current.url}/api/v1/videos/${id}`)).json()) as { status: string })
            .status === 'ready',
        { what: 'it is ready' },
      );
      const stored = Buffer.from(await (await fetch(`${current.url}/videos/${id}/original`)).arrayBuffer());
      assert.equal(digest(stored), digest(bytes));
    }
    const list = (await (await fetch(`${current.url}/api/v1/videos`)).json()) as { items: unknown[] };
    assert.equal(list.items.length, rounds);
  } finally {
    await current.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
});

/** Kills the program a moment from now, whatever it is doing then. */
function killLater(victim: Program, afterMs: number): Promise<unknown> {
  return new Promise((resolve) => setTimeout(() => resolve(victim.end('SIGKILL')), afterMs));
}
