// POST /upload on the real program over real connections: what browsers, scripts and hostile clients send.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { makeMedia } from '../helpers/media/media.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

type Answer = {
  videos: { id: string; title: string; url: string; status: string }[];
  refused?: { fileName: string; reason: string }[];
};

let program: Program;
let film: Buffer;

before(async () => {
  program = await startProgram();
  film = await readFile(
    await makeMedia({ container: 'matroska', video: { codec: 'h264', seconds: 2 }, audio: { codec: 'aac' } }),
  );
});
after(() => program.close());

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Files below the data folder that hold bytes, finished or not. */
function storedFiles(): string[] {
  const entries = readdirSync(program.dataFolder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /^[0-9a-z]{16}$/.test(entry.name))
    .map(({ name }) => name);
}

/** Sends files as scripts do. */
function send(
  files: readonly (readonly [name: string, bytes: Uint8Array | string])[],
  accept = 'application/json',
) {
  const form = new FormData();
  for (const [name, bytes] of files) form.append('file', new Blob([bytes as BlobPart]), name);
  return fetch(`${program.url}/upload`, {
    method: 'POST',
    body: form,
    headers: { accept },
    redirect: 'manual',
  });
}

/** A form as it goes over the wire, with a file name of exactly these bytes. */
function rawForm(fileName: string, bytes: Uint8Array): { body: Buffer; type: string } {
  const head = `--B\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\nContent-Type: video/mp4\r\n\r\n`;
  return {
    body: Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n--B--\r\n')]),
    type: 'multipart/form-data; boundary=B',
  };
}

describe('a form', () => {
  test('answers a script with 201 and what the videos are, and they are the bytes that were sent', async () => {
    const answer = await send([['My_film.mkv', film]]);
    assert.equal(answer.status, 201);
    const { videos } = (await answer.json()) as Answer;
    assert.equal(videos.length, 1);
    assert.deepEqual(
      { ...videos[0], id: '' },
      { id: '', title: 'My film', url: `/videos/${videos[0]!.id}`, status: 'ready' },
    );
    const original = await fetch(`${program.url}/videos/${videos[0]!.id}/original`);
    assert.equal(digest(Buffer.from(await original.arrayBuffer())), digest(film));
  });

  test('sends a browser to the video, or to the list when there are several', async () => {
    const html = 'text/html,application/xhtml+xml,*/*;q=0.8';
    const one = await send([['a.mkv', film]], html);
    assert.equal(one.status, 303);
    assert.match(one.headers.get('location')!, /^\/videos\/[0-9a-z]{16}$/);
    const several = await send(
      [
        ['a.mkv', film],
        ['b.mkv', film],
      ],
      html,
    );
    assert.equal(several.status, 303);
    assert.equal(several.headers.get('location'), '/videos');
  });

  test('with one file refused among others keeps the others and says which and why', async () => {
    const answer = await send([
      ['a.mkv', film],
      ['notes.mp4', 'just some notes '.repeat(10_000)],
      ['empty.mp4', ''],
      ['b.mkv', film],
    ]);
    assert.equal(answer.status, 201);
    const { videos, refused } = (await answer.json()) as Answer;
    assert.deepEqual(
      videos.map(({ title }) => title),
      ['a', 'b'],
    );
    assert.deepEqual(
      refused!.map(({ fileName }) => fileName),
      ['notes.mp4', 'empty.mp4'],
    );
    assert.match(refused![1]!.reason, /empty/);
  });

  const refusals: readonly [what: string, bytes: string][] = [
    ['a text that calls itself an MP4', 'Not a film at all. '.repeat(20_000)],
    ['an empty file', ''],
    ['a file of one byte', 'x'],
    ['a page', '<!doctype html><script>alert(1)</script>'],
  ];
  for (const [what, bytes] of refusals) {
    test(`with ${what} is refused with 415, as a problem or a page, and leaves nothing`, async () => {
      const stored = storedFiles();
      const answer = await send([['<script>alert(1)</script>.mp4', bytes]]);
      assert.equal(answer.status, 415);
      assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/);
      const problem = (await answer.json()) as { status: number; detail: string };
      assert.equal(problem.status, 415);
      assert.ok(problem.detail.length > 20);
      const page = await send([['<script>alert(1)</script>.mp4', bytes]], 'text/html');
      assert.equal(page.status, 415);
      const text = await page.text();
      assert.match(page.headers.get('content-type')!, /^text\/html/);
      assert.doesNotMatch(text, /<script>alert/);
      assert.deepEqual(storedFiles(), stored);
    });
  }

  test('without a file, or that is no form, is answered with 400', async () => {
    assert.equal((await send([['', '']])).status, 400);
    const empty = new FormData();
    empty.append('other', 'x');
    const headers = { accept: 'application/json' };
    assert.equal(
      (await fetch(`${program.url}/upload`, { method: 'POST', body: empty, headers })).status,
      400,
    );
    const json = { ...headers, 'content-type': 'application/json' };
    assert.equal(
      (await fetch(`${program.url}/upload`, { method: 'POST', body: '{}', headers: json })).status,
      400,
    );
  });

  const names: readonly [sent: string, title: RegExp][] = [
    ['../../x.mkv', /^x$/],
    ['..\\\\..\\\\y.mkv', /^y$/],
    ['nul\0name.mkv', /^nul name$/],
    ['%22quoted%22.mkv', /quoted/],
    ['\u202evkm.gpj\u202c.mkv', /^vkm gpj$/],
    ['<script>alert(1)', /^<script>alert\(1\)$/],
    [`${'n'.repeat(300)}.mkv`, /^n{300}$/],
    ['con.mkv', /^con$/],
    ['   .mkv', /./],
  ];
  for (const [name, title] of names) {
    test(`with the name ${JSON.stringify(name.slice(0, 30))} is stored under an id and shown as text`, async () => {
      const { body, type } = rawForm(name, film);
      const headers = { 'content-type': type, accept: 'application/json' };
      const answer = await fetch(`${program.url}/upload`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers,
      });
      assert.equal(answer.status, 201, await answer.clone().text());
      const [video] = ((await answer.json()) as Answer).videos;
      assert.match(video!.title, title);
      const original = await fetch(`${program.url}/videos/${video!.id}/original`, { method: 'HEAD' });
      assert.match(
        original.headers.get('content-disposition')!,
        /^attachment; filename="[ !#-[\]-~]+"; filename\*=UTF-8''\S+$/,
      );
      for (const path of readdirSync(program.dataFolder, { recursive: true }) as string[]) {
        assert.match(path, /^[a-z0-9./-]+$/i, 'no name from outside on the disk');
      }
    });
  }
});

describe('a client that goes away or is in the way', () => {
  test('in the middle of a file leaves nothing of it', async () => {
    const stored = storedFiles();
    const socket = connect(Number(new URL(program.url).port), 'localhost');
    socket.write(
      `POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 99999999\r\n\r\n` +
        `--B\r\nContent-Disposition: form-data; name="file"; filename="a.mkv"\r\n\r\n`,
    );
    socket.write(film.subarray(0, 100_000));
    await until(() => storedFiles().length === stored.length + 1, { what: 'it has begun to arrive' });
    socket.destroy();
    await until(() => storedFiles().length === stored.length, { what: 'nothing is left' });
    const list = (await (await fetch(`${program.url}/api/v1/videos?q=zzz`)).json()) as { items: unknown[] };
    assert.deepEqual(list.items, []);
  });

  test('that sends two gigabytes of text is told 415 after a small part of them', async () => {
    const piece = Buffer.from('no film here, only words and more words\n'.repeat(1700));
    const total = 2 * 1024 ** 3;
    const head = `--B\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n`;
    let sentBytes = 0;
    const answer = await new Promise<{ status: number; body: string; sentBytes: number }>(
      (resolve, reject) => {
        const outgoing = request(`${program.url}/upload`, {
          method: 'POST',
          headers: {
            'content-type': 'multipart/form-data; boundary=B',
            'content-length': total,
            accept: 'application/json',
          },
        });
        let isAnswered = false;
        outgoing.on('response', (response) => {
          isAnswered = true;
          let body = '';
          response.on('data', (text) => {
            body += text;
            // As curl does: an answer that is an error ends the sending.
            if (body.length === Number(response.headers['content-length'])) {
              outgoing.destroy();
              resolve({ status: response.statusCode!, body, sentBytes });
            }
          });
        });
        outgoing.on('error', (error) => !isAnswered && reject(error));
        const pump = () => {
          while (!isAnswered && sentBytes < total) {
            sentBytes += piece.length;
            if (!outgoing.write(piece)) return void outgoing.once('drain', pump);
          }
        };
        outgoing.write(head);
        pump();
      },
    );
    assert.equal(answer.status, 415);
    assert.equal((JSON.parse(answer.body) as { status: number }).status, 415);
    assert.ok(answer.sentBytes < 100 * 1024 * 1024, `${answer.sentBytes} bytes were sent before the answer`);
  });

  test('that asks to go on first (Expect) is answered', async () => {
    const { body, type } = rawForm('e.mkv', film);
    const status = await new Promise<number>((resolve, reject) => {
      const outgoing = request(`${program.url}/upload`, {
        method: 'POST',
        headers: {
          'content-type': type,
          'content-length': body.length,
          expect: '100-continue',
          accept: 'application/json',
        },
      });
      outgoing.on('continue', () => outgoing.end(body));
      outgoing.on('response', (response) => resolve(response.resume().statusCode!));
      outgoing.on('error', reject);
    });
    assert.equal(status, 201);
  });
});

test('a disk below its reserve answers 507 and everything else goes on', async () => {
  const full = await startProgram({ settings: { KINORA_RESERVE_BYTES: '900 TB' } });
  try {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(film)]), 'a.mkv');
    const headers = { accept: 'application/json' };
    const answer = await fetch(`${full.url}/upload`, { method: 'POST', body: form, headers });
    assert.equal(answer.status, 507);
    assert.equal(((await answer.json()) as { status: number }).status, 507);
    assert.equal((await fetch(`${full.url}/api/v1/videos`)).status, 200);
  } finally {
    await full.close();
  }
});

test('one larger than is taken answers 413', async () => {
  const small = await startProgram({ settings: { KINORA_MAX_UPLOAD_BYTES: '50000' } });
  try {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(film)]), 'a.mkv');
    const headers = { accept: 'application/json' };
    assert.equal((await fetch(`${small.url}/upload`, { method: 'POST', body: form, headers })).status, 413);
  } finally {
    await small.close();
  }
});

test('ten uploads at once are held in a few megabytes', {
  skip: process.platform !== 'linux' && 'memory is read from /proc',
}, async () => {
  const big = await startProgram();
  const megabytes = 40;
  try {
    // Warm: the code paths are compiled and the pools filled.
    await uploadFiller(big.url, 20);
    const idleBytes = big.residentBytes();
    let peakBytes = idleBytes;
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, big.residentBytes());
    }, 20);
    const statuses = await Promise.all(Array.from({ length: 10 }, () => uploadFiller(big.url, megabytes)));
    clearInterval(watch);
    assert.deepEqual(statuses, Array(10).fill(201));
    const grownMb = (peakBytes - idleBytes) / 1024 / 1024;
    console.log(`# ten uploads of ${megabytes} MB at once: ${grownMb.toFixed(1)} MB above idle`);
    assert.ok(grownMb < 64, `${grownMb.toFixed(1)} MB above idle`);
  } finally {
    await big.close();
  }
});

/** Uploads the film with an EBML Void element behind it that makes it this large: it is still a film. */
function uploadFiller(url: string, megabytes: number): Promise<number> {
  const head = Buffer.from(`--B\r\nContent-Disposition: form-data; name="file"; filename="big.mkv"\r\n\r\n`);
  const tail = Buffer.from('\r\n--B--\r\n');
  const filler = Buffer.alloc(1024 * 1024);
  const voidHead = Buffer.alloc(9);
  voidHead[0] = 0xec;
  voidHead.writeBigUInt64BE((1n << 56n) | BigInt(megabytes * filler.length), 1);
  const contentLength = head.length + film.length + voidHead.length + megabytes * filler.length + tail.length;
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/upload`, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'multipart/form-data; boundary=B',
        'content-length': contentLength,
        accept: 'application/json',
      },
    });
    outgoing.on('response', (response) => resolve(response.resume().statusCode!));
    outgoing.on('error', reject);
    outgoing.write(head);
    outgoing.write(film);
    outgoing.write(voidHead);
    let left = megabytes;
    const pump = () => {
      while (left > 0) {
        left -= 1;
        if (!outgoing.write(filler)) return void outgoing.once('drain', pump);
      }
      outgoing.end(tail);
    };
    pump();
  });
}
