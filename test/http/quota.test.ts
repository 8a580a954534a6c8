// How much a person may send, over real connections: refused before the body is read, and before it is sent where the
// client asks first; held while several uploads run.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import { makeMedia } from '../helpers/media/media.ts';
import { type House, type HousePerson, startHouse } from '../helpers/people.ts';

let house: House;
let film: Buffer;
let quotaBytes: number;
/** Another person for each test, with room for two films and a half. */
let person: HousePerson;
let count = 0;

const noRoom = /^This video has .*, and .* (of your .* (is|are)|is) left\./;

before(async () => {
  house = await startHouse();
  film = await readFile(
    await makeMedia({ container: 'matroska', video: { codec: 'h264', seconds: 2 }, audio: { codec: 'aac' } }),
  );
  quotaBytes = Math.floor(film.length * 2.5);
});
after(() => house.close());
beforeEach(async () => {
  count += 1;
  person = await house.add(`Person ${count}`, 'member');
  await setQuota(quotaBytes);
});

async function setQuota(bytes: number | null): Promise<void> {
  const answer = await house.owner.ask(`/api/v1/people/${person.id}`, {
    method: 'PATCH',
    body: { quotaBytes: bytes },
  });
  assert.equal(answer.status, 200, await answer.text());
}

type Sent = { status: number; detail: string; sentBytes: number; continued: boolean };

/**
 * Sends a head that promises `sizeBytes`, and up to so many bytes of zeros until an answer comes. With `expect` nothing is
 * sent before the server says so.
 */
function sendUntilAnswered(
  path: string,
  sizeBytes: number,
  headers: Record<string, string>,
  expect = false,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const sending = request(`${house.url}${path}`, {
      method: 'POST',
      headers: {
        cookie: person.cookie,
        'content-length': String(sizeBytes),
        ...headers,
        ...(expect && { expect: '100-continue' }),
      },
    });
    let sentBytes = 0;
    let continued = false;
    let isAnswered = false;
    const chunk = Buffer.alloc(64 * 1024);
    const send = () => {
      while (!isAnswered && !sending.destroyed && sentBytes < sizeBytes) {
        const part = chunk.subarray(0, Math.min(chunk.length, sizeBytes - sentBytes));
        sentBytes += part.length;
        if (!sending.write(part)) return void sending.once('drain', send);
      }
    };
    sending.on('continue', () => {
      continued = true;
      send();
    });
    sending.on('response', (answer: IncomingMessage) => {
      isAnswered = true;
      let text = '';
      answer.on('data', (piece: Buffer) => {
        text += piece.toString();
      });
      answer.on('end', () => {
        sending.destroy();
        const { detail } = JSON.parse(text) as { detail: string };
        resolve({ status: answer.statusCode!, detail, sentBytes, continued });
      });
    });
    sending.on('error', (error) => {
      if (!isAnswered) reject(error);
    });
    sending.flushHeaders();
    if (!expect) send();
  });
}

async function form(bytes: Uint8Array, files = 1): Promise<Response> {
  const body = new FormData();
  for (let index = 0; index < files; index += 1)
    body.append('file', new Blob([new Uint8Array(bytes)]), `${index}.mkv`);
  return person.ask('/upload', { method: 'POST', body, headers: { accept: 'application/json' } });
}

const tus = { 'tus-resumable': '1.0.0' };

async function create(sizeBytes: number | null, more: Record<string, string> = {}): Promise<Response> {
  const length: Record<string, string> =
    sizeBytes === null ? { 'upload-defer-length': '1' } : { 'upload-length': String(sizeBytes) };
  const name = `filename ${Buffer.from('film.mkv').toString('base64')}`;
  return person.ask('/api/v1/uploads', {
    method: 'POST',
    headers: { ...tus, ...length, 'upload-metadata': name, ...more },
  });
}

const detailOf = async (answer: Response) => ((await answer.json()) as { detail: string }).detail;

async function usedBytes(): Promise<number> {
  const { items } = await person.read<{ items: { sizeBytes: number }[] }>('/api/v1/videos?whose=own');
  return items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

const gigabyte = 1_000_000_000;
const asForm = { 'content-type': 'multipart/form-data; boundary=x', accept: 'application/json' };

describe('a form that does not fit', () => {
  test('is refused by its length before it is read: 413 where it never fits', async () => {
    const { status, detail, sentBytes } = await sendUntilAnswered('/upload', 5 * gigabyte, asForm);
    assert.equal(status, 413);
    assert.match(detail, /^This video has 5 GB, and all of yours together may have \d/);
    assert.ok(sentBytes < gigabyte, `${sentBytes} bytes were sent`);
  });

  test('is refused before it is sent, where the client asks first: 507 where it does not fit now', async () => {
    await setQuota(5 * gigabyte);
    assert.equal((await form(film)).status, 201);
    // A form has at most so much around its files that a little more than what is left could still fit.
    const promised = 5 * gigabyte + 950_000;
    assert.ok(film.length > 50_000);
    const sent = await sendUntilAnswered('/upload', promised, asForm, true);
    const { status, detail, sentBytes, continued } = sent;
    assert.deepEqual([status, sentBytes, continued], [507, 0, false]);
    assert.match(detail, noRoom);
  });

  test('is told to go on where it fits, and is taken', async () => {
    const boundary = 'x';
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mkv"\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), film, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    const status = await new Promise<number>((resolve, reject) => {
      const sending = request(`${house.url}/upload`, {
        method: 'POST',
        headers: { cookie: person.cookie, 'content-length': body.length, ...asForm, expect: '100-continue' },
      });
      sending.on('continue', () => sending.end(body));
      sending.on('response', (answer) => {
        answer.resume();
        resolve(answer.statusCode!);
      });
      sending.on('error', reject);
      sending.flushHeaders();
    });
    assert.equal(status, 201);
  });

  test('of several files keeps those that fit and says of the other what is left', async () => {
    const answer = await form(film, 3);
    assert.equal(answer.status, 201);
    const { videos, refused } = (await answer.json()) as { videos: unknown[]; refused: { reason: string }[] };
    assert.deepEqual([videos.length, refused.length], [2, 1]);
    assert.match(refused[0]!.reason, /^This video is larger than the .* that were left of your .*\. Remove/);
    assert.equal(await usedBytes(), 2 * film.length);
  });

  test('without a length is stopped as soon as it passes', async () => {
    await setQuota(film.length);
    const large = Buffer.concat([film, Buffer.alloc(3_000_000)]);
    const head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.mkv"\r\n\r\n';
    async function* pieces() {
      yield Buffer.from(head);
      for (let at = 0; at < large.length; at += 50_000) yield large.subarray(at, at + 50_000);
      yield Buffer.from('\r\n--x--\r\n');
    }
    const init = { method: 'POST', body: Readable.toWeb(Readable.from(pieces())), duplex: 'half' };
    const headers = { ...asForm, cookie: person.cookie };
    const answer = await fetch(`${house.url}/upload`, { ...init, headers } as object);
    assert.equal(answer.status, 413);
    assert.match(await detailOf(answer), /larger than the .* that all of yours may have/);
    assert.equal(await usedBytes(), 0);
  });

  test('side by side: of ten forms at once as many come in as fit', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => form(film)));
    const taken = answers.filter(({ status }) => status === 201).length;
    assert.ok(taken >= 1 && taken <= 2, `${taken}`);
    for (const { status } of answers) assert.ok([201, 507].includes(status), `${status}`);
    assert.ok((await usedBytes()) <= quotaBytes);
  });
});

describe('a resumable upload that does not fit', () => {
  test('is not begun: 413 where it never fits, 507 where it does not now, with figures', async () => {
    const never = await create(quotaBytes + 1);
    assert.equal(never.status, 413);
    assert.match(await detailOf(never), /all of yours together/);
    assert.equal((await create(2 * film.length)).status, 201);
    const now = await create(film.length);
    assert.equal(now.status, 507);
    assert.match(await detailOf(now), noRoom);
    const body = {
      ...tus,
      'upload-length': String(5 * gigabyte),
      'content-type': 'application/offset+octet-stream',
    };
    const sent = await sendUntilAnswered('/api/v1/uploads', 5 * gigabyte, body, true);
    assert.deepEqual([sent.status, sent.sentBytes, sent.continued], [413, 0, false]);
  });

  test('of a length told later is stopped where it passes, and goes on where there is room', async () => {
    const begun = await create(null);
    assert.equal(begun.status, 201);
    const path = new URL(begun.headers.get('location')!, house.url).pathname;
    const patch = (offset: number, bytes: Uint8Array, more: Record<string, string> = {}) =>
      person.ask(path, {
        method: 'PATCH',
        body: new Uint8Array(bytes),
        headers: {
          ...tus,
          ...{ 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) },
          ...more,
        },
      });
    assert.equal((await patch(0, film.subarray(0, 1000))).status, 204);
    await setQuota(900);
    assert.equal((await patch(1000, film.subarray(1000, 2000))).status, 413);
    await setQuota(film.length - 1);
    const announced = await patch(1000, film.subarray(1000), { 'upload-length': String(film.length) });
    assert.equal(announced.status, 507, await announced.clone().text());
    await setQuota(film.length);
    const last = await patch(1000, film.subarray(1000), { 'upload-length': String(film.length) });
    assert.equal(last.status, 204, await last.clone().text());
    assert.equal(await usedBytes(), film.length);
  });

  test('is nobody’s but whose it is', async () => {
    const begun = await create(film.length);
    const path = new URL(begun.headers.get('location')!, house.url).pathname;
    const others = [house.owner, house.member];
    for (const other of others) {
      for (const method of ['HEAD', 'PATCH', 'DELETE']) {
        const answer = await other.ask(path, {
          method,
          headers: { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
          ...(method === 'PATCH' && { body: new Uint8Array(film) }),
        });
        assert.equal(answer.status, 404, `${method} by ${other.name}`);
      }
    }
    assert.equal(
      (await person.ask(path, { method: 'HEAD', headers: tus })).headers.get('upload-offset'),
      '0',
    );
  });

  test('lies where its metadata say, shared as they say', async () => {
    const folder = await person.read<{ id: string }>('/api/v1/folders', {
      method: 'POST',
      body: { name: 'Tus' },
    });
    const word = (text: string) => Buffer.from(text).toString('base64');
    const metadata = (folderId: string, share: string) =>
      `filename ${word('film.mkv')},folder ${word(folderId)},share ${word(share)}`;
    const begun = await create(film.length, { 'upload-metadata': metadata(folder.id, 'household') });
    assert.equal(begun.status, 201, await begun.clone().text());
    const id = begun.headers.get('location')!.split('/').at(-1);
    const video = await house.guest.read<{ folderId: string }>(`/api/v1/videos/${id}`);
    assert.equal(video.folderId, folder.id);
    assert.equal((await create(1000, { 'upload-metadata': metadata('0000000000000000', '') })).status, 404);
    assert.equal((await create(1000, { 'upload-metadata': metadata('', 'world') })).status, 400);
  });
});

test('a form that is none, or is cut short, is refused in words', async () => {
  for (const body of [
    '',
    'nonsense',
    '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
  ]) {
    const headers = { ...asForm, cookie: person.cookie };
    const answer = await fetch(`${house.url}/upload`, { method: 'POST', headers, body });
    assert.equal(answer.status, 400, body);
    assert.match(await detailOf(answer), /No file was chosen|The form is damaged/);
  }
});

test('who is not limited has the disk alone as a limit', async () => {
  await setQuota(null);
  const answers = await Promise.all(Array.from({ length: 4 }, () => form(film)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 201, 201, 201],
  );
});
