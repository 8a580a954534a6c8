// The bytes of videos on the real program: views, clips and originals with ranges, tags and names.
import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { decodeDigests, makeMedia, sharedMedia } from '../helpers/media/media.ts';
import { type Program, startProgram } from '../helpers/program.ts';

let program: Program;
let path: string;
let film: Buffer;
let id: string;

before(async () => {
  program = await startProgram({ settings: { KINORA_MAX_PARTIAL_BYTES: '100000' } });
  path = await makeMedia({
    container: 'matroska',
    video: { codec: 'h264', seconds: 4, bFrames: 2 },
    audio: { codec: 'aac' },
  });
  film = await readFile(path);
  id = await upload(film, 'Käse "1".mkv');
});
after(() => program.close());

async function upload(bytes: Uint8Array, fileName: string): Promise<string> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(bytes)]), fileName);
  const headers = { accept: 'application/json' };
  const answer = await fetch(`${program.url}/upload`, { method: 'POST', body: form, headers });
  assert.equal(answer.status, 201, await answer.clone().text());
  return ((await answer.json()) as { videos: { id: string }[] }).videos[0]!.id;
}

const get = (place: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${program.url}/videos/${place}`, { method, headers });
const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('the view of a Matroska film', () => {
  test('is an MP4 whose pictures and sound are those of the film', async () => {
    const answer = await get(`${id}/video.mp4`);
    assert.equal(answer.status, 200);
    assert.match(
      answer.headers.get('content-type')!,
      /^video\/mp4; codecs="avc1\.[0-9a-f]{6}, ?mp4a\.40\.2"$/i,
    );
    const view = await bytesOf(answer);
    assert.equal(view.toString('latin1', 4, 8), 'ftyp');
    const [seen, meant] = [await decodeDigests(view), await decodeDigests(path)];
    assert.deepEqual(
      seen.map(({ kind, frames }) => [kind, frames.length]),
      meant.map(({ kind, frames }) => [kind, frames.length]),
    );
    const pictures = (streams: typeof seen) =>
      streams.find(({ kind }) => kind === 'video')!.frames.map((frame) => frame.digest);
    assert.deepEqual(pictures(seen), pictures(meant));
  });

  test('put together from random ranges is the same bytes', async () => {
    const whole = await bytesOf(await get(`${id}/video.mp4`));
    const pieces: Buffer[] = [];
    for (let at = 0; at < whole.length; ) {
      const end = Math.min(whole.length, at + randomInt(1, 90_000));
      const answer = await get(`${id}/video.mp4`, { range: `bytes=${at}-${end - 1}` });
      assert.equal(answer.status, 206);
      assert.equal(answer.headers.get('content-range'), `bytes ${at}-${end - 1}/${whole.length}`);
      pieces.push(await bytesOf(answer));
      at = end;
    }
    assert.equal(digest(Buffer.concat(pieces)), digest(whole));
  });

  test('is the same byte for byte', async () => {
    const whole = await bytesOf(await get(`${id}/video.mp4`));
    const last = whole.length - 1;
    const places = [0, 1, last, ...Array.from({ length: 60 }, () => randomInt(0, whole.length))];
    for (const at of places) {
      const answer = await get(`${id}/video.mp4`, { range: `bytes=${at}-${at}` });
      assert.equal(answer.headers.get('content-range'), `bytes ${at}-${at}/${whole.length}`);
      assert.deepEqual(await bytesOf(answer), whole.subarray(at, at + 1), `byte ${at}`);
    }
  });

  test('answers HEAD as GET, and 304 to one who has it', async () => {
    const [head, whole] = [await get(`${id}/video.mp4`, {}, 'HEAD'), await get(`${id}/video.mp4`)];
    await bytesOf(whole);
    for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'accept-ranges']) {
      assert.equal(head.headers.get(name), whole.headers.get(name), name);
    }
    assert.match(head.headers.get('etag')!, /^"[\x21-\x7e]+"$/);
    assert.equal((await get(`${id}/video.mp4`, { 'if-none-match': head.headers.get('etag')! })).status, 304);
  });

  test('gives any stretch as an MP4 of its own, under a tag of its own', async () => {
    const tags = new Set([(await get(`${id}/video.mp4`, {}, 'HEAD')).headers.get('etag')]);
    for (const query of ['start=1&end=2', 'start=1.5', 'end=0.5', 'start=0&end=100']) {
      const answer = await get(`${id}/video.mp4?${query}`);
      assert.equal(answer.status, 200, query);
      tags.add(answer.headers.get('etag'));
      const clip = await bytesOf(answer);
      assert.equal(clip.toString('latin1', 4, 8), 'ftyp');
      assert.ok((await decodeDigests(clip)).find(({ kind }) => kind === 'video')!.frames.length > 0);
    }
    assert.equal(tags.size, 5);
  });

  for (const query of [
    'start=x',
    'start=-1',
    'start=2&end=1',
    'start=1&end=1',
    'start=1e3',
    'start=1&start=2',
    'start=99',
    'end=NaN',
  ]) {
    test(`refuses a clip of ?${query} with 400`, async () => {
      const answer = await get(`${id}/video.mp4?${query}`);
      assert.equal(answer.status, 400);
      await answer.text();
    });
  }
});

describe('the original', () => {
  test('is the file as it came, offered under its name', async () => {
    const answer = await get(`${id}/original`);
    assert.equal(answer.status, 200);
    assert.equal(digest(await bytesOf(answer)), digest(film));
    assert.equal(
      answer.headers.get('content-disposition'),
      `attachment; filename="Kase _1_.mkv"; filename*=UTF-8''K%C3%A4se%20_1_.mkv`,
    );
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.match(answer.headers.get('content-security-policy')!, /sandbox/);
    const inline = await get(`${id}/original?inline`, {}, 'HEAD');
    assert.match(inline.headers.get('content-disposition')!, /^inline;/);
  });

  test('has ranges as long as the cap allows', async () => {
    const capped = await get(`${id}/original`, { range: 'bytes=0-' });
    assert.equal(capped.status, 206);
    assert.equal(capped.headers.get('content-range'), `bytes 0-99999/${film.length}`);
    assert.deepEqual(await bytesOf(capped), film.subarray(0, 100_000));
    const last = await get(`${id}/original`, { range: 'bytes=-801' });
    assert.deepEqual(await bytesOf(last), film.subarray(-801));
  });
});

test('a video that was shared as the example of the cap answers exactly so', async () => {
  const example = sharedMedia('play/video.mp4');
  if (!example) return console.log('# the shared example is not here');
  const shared = await upload(await readFile(example), 'video.mp4');
  for (const place of ['video.mp4', 'original']) {
    const first = await get(`${shared}/${place}`, { range: 'bytes=0-' });
    assert.equal(first.status, 206);
    assert.equal(first.headers.get('content-range'), 'bytes 0-99999/255849');
    assert.equal((await bytesOf(first)).length, 100_000);
    const rest = await get(`${shared}/${place}`, { range: 'bytes=255048-' });
    assert.equal(rest.status, 206);
    assert.equal((await bytesOf(rest)).length, 801);
  }
});

test('an unknown video is 404, and one that is no id at all as well', async () => {
  for (const unknown of ['0123456789abcdef', '..%2f..%2fetc', '%00', 'x'.repeat(100)]) {
    for (const place of ['video.mp4', 'original']) {
      const answer = await get(`${unknown}/${place}`);
      assert.equal(answer.status, 404, unknown);
      assert.match(answer.headers.get('content-type')!, /problem\+json/);
      await answer.text();
    }
  }
});

test('a file that cannot be shown is kept, says why with 409, and can be downloaded', async () => {
  const avi = await readFile(await makeMedia({ container: 'avi', video: { codec: 'mpeg4', seconds: 1 } }));
  const kept = await upload(avi, 'tape.avi');
  const view = await get(`${kept}/video.mp4`);
  assert.equal(view.status, 409);
  const problem = (await view.json()) as { detail: string };
  assert.match(problem.detail, /AVI/i);
  assert.equal(digest(await bytesOf(await get(`${kept}/original`))), digest(avi));
});

test('one that is arriving answers 409 on both', async () => {
  const created = await fetch(`${program.url}/api/v1/uploads`, {
    method: 'POST',
    headers: { 'tus-resumable': '1.0.0', 'upload-length': '1000', 'upload-metadata': 'filename YQ==' },
  });
  const arriving = created.headers.get('location')!.split('/').at(-1)!;
  for (const place of ['video.mp4', 'original']) {
    const answer = await get(`${arriving}/${place}`);
    assert.equal(answer.status, 409);
    await answer.text();
  }
});
