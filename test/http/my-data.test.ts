// "My data" on the real program: everything out and in again, in little memory whatever the size, for nobody else, and
// not a byte longer than one is logged in. And what becomes of it when somebody goes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { tarEnd, tarHeader, tarPadding } from '../../src/archive/tar-header.ts';
import { readTar } from '../../src/archive/tar-reader.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { type House, type HousePerson, startHouse, upload } from '../helpers/people.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

type Report = {
  videos: number;
  doubles: number;
  skippedCount: number;
  skipped: { name: string; reason: string }[];
  failure: string | null;
};

let house: House;
let film: Buffer;

before(async () => {
  house = await startHouse();
  film = await readFile(await makeMedia({ container: 'matroska', video: { codec: 'h264', seconds: 1 } }));
});
after(() => house?.close());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function* inOrder(
  ...parts: readonly (Uint8Array | AsyncIterable<Uint8Array>)[]
): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else yield* part;
  }
}

function tarOf(...files: (readonly [name: string, content: Uint8Array])[]): Buffer {
  const parts = files.flatMap(([name, content]) => [
    ...[tarHeader({ name, sizeBytes: content.length, modifiedAtMs: 0 }), content, tarPadding(content.length)],
  ]);
  return Buffer.concat([...parts, tarEnd()]);
}

/** Sends a tar as it is. */
function bring(person: HousePerson, archive: Uint8Array | AsyncIterable<Uint8Array>): Promise<Response> {
  const body =
    archive instanceof Uint8Array ? new Uint8Array(archive) : Readable.toWeb(Readable.from(archive));
  return fetch(`${house.url}/account/data`, {
    ...{ method: 'POST', body, duplex: 'half' },
    headers: { cookie: person.cookie, 'content-type': 'application/x-tar', accept: 'application/json' },
  } as object);
}

/** Sends the beginning of a body and then nothing, until it is ended from the other side, or here. */
function beginToSend(
  person: HousePerson,
  path: string,
  type: string,
  beginning: Uint8Array,
): { isEnded: () => boolean; end(): void } {
  let isEnded = false;
  const sending = request(`${house.url}${path}`, {
    method: 'POST',
    headers: { cookie: person.cookie, 'content-type': type, accept: 'application/json' },
  });
  sending.on('error', () => {});
  sending.on('response', (answer) => answer.resume());
  sending.on('close', () => {
    isEnded = true;
  });
  sending.write(beginning);
  return { isEnded: () => isEnded, end: () => void sending.destroy() };
}

const titles = async (person: HousePerson, query = '') =>
  (await person.read<{ items: { title: string }[] }>(`/api/v1/videos?whose=own${query}`)).items
    .map(({ title }) => title)
    .sort();

describe('everything of one’s own', () => {
  test('is a tar archive that the tar of this machine unpacks, and is in another’s library afterwards', async () => {
    const person = await house.add('Exporting', 'member');
    const folder = await person.read<{ id: string }>('/api/v1/folders', {
      method: 'POST',
      body: { name: 'Été' },
    });
    const id = await upload(person, film, 'one.mkv');
    await person.ask(`/api/v1/videos/${id}`, {
      method: 'PATCH',
      body: { folderId: folder.id, title: 'Le premier' },
    });
    await upload(person, film, 'two.mkv');
    await upload(house.owner, film, 'the owner’s.mkv');

    const answer = await person.ask('/account/data.tar');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/x-tar');
    assert.match(
      answer.headers.get('content-disposition')!,
      /^attachment; filename="Kinora of Exporting\.tar"/,
    );
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    const archive = Buffer.from(await answer.arrayBuffer());
    const place = await temporaryFolder();
    await writeFile(join(place, 'all.tar'), archive);
    execFileSync('tar', ['-xf', 'all.tar'], { cwd: place, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    assert.equal(sha256(readFileSync(join(place, 'videos', 'Été', 'one.mkv'))), sha256(film));
    assert.deepEqual(readdirSync(join(place, 'videos')).sort(), ['two.mkv', 'Été']);
    const head = JSON.parse(readFileSync(join(place, 'kinora.json'), 'utf8'));
    assert.equal(head.person.name, 'Exporting');
    const lines = JSON.parse(readFileSync(join(place, 'kinora', 'audit-00001.json'), 'utf8')).lines;
    const actions = lines.map((line: { action: string }) => line.action);
    assert.ok(actions.includes('video-added') && actions.includes('data-exported'), actions.join(' '));

    const other = await house.add('Importing', 'member');
    const taken = await bring(other, archive);
    assert.equal(taken.status, 200, await taken.clone().text());
    assert.deepEqual(await taken.json(), {
      videos: 2,
      doubles: 0,
      skippedCount: 0,
      skipped: [],
      failure: null,
    });
    assert.deepEqual(await titles(other), ['Le premier', 'two']);
    assert.equal(((await (await bring(other, archive)).json()) as Report).doubles, 2);
    assert.deepEqual(await titles(person), ['Le premier', 'two']);
  });

  test('is nobody else’s, and no token’s', async () => {
    for (const path of ['/account/data', '/account/data.tar']) {
      const answer = await house.ask(path, { headers: { accept: 'application/json' } });
      assert.equal(answer.status, 401, path);
      const secret = await house.owner.token('videos:watch', 'videos:add');
      const headers = { authorization: `Bearer ${secret}`, accept: 'application/json' };
      assert.equal((await house.ask(path, { headers })).status, 403, path);
    }
    assert.equal((await house.ask('/account/data', { method: 'POST', body: new FormData() })).status, 401);
  });

  test('comes in by a plain form, and the page says what became of it', async () => {
    const person = await house.add('Plain', 'member');
    const form = new FormData();
    const archive = tarOf(
      ['a/one.mkv', film],
      ['../out.mkv', film],
      ['notes.txt', Buffer.from('x'.repeat(5000))],
    );
    form.append('archive', new Blob([new Uint8Array(archive)]), 'old <b>.tar');
    const headers = { accept: 'text/html' };
    const answer = await person.ask('/account/data', { method: 'POST', body: form, headers });
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), '/account/data#imported');
    const page = await (await person.ask('/account/data', { headers })).text();
    assert.match(page, /1 video came in\. 2 things were left out\./);
    assert.match(page, /leads out of the archive/);
    const others = await (await house.member.ask('/account/data', { headers })).text();
    assert.doesNotMatch(others, /came in/);
    assert.deepEqual(await titles(person), ['one']);
  });

  for (const [what, body, sentence] of [
    ['a compressed archive', Buffer.from([0x1f, 0x8b, 8, ...new Array(2000).fill(0)]), /compressed \(gzip\)/],
    ['no archive', Buffer.from('hello'), /no tar archive/],
    ['nothing at all', Buffer.alloc(0), /nothing in this archive|Send an archive/],
  ] as const) {
    test(`${what} is refused in words`, async () => {
      const answer = await bring(house.member, body);
      assert.equal(answer.status, 400);
      assert.match(((await answer.json()) as { detail: string }).detail, sentence);
    });
  }

  test('who may not add videos brings nothing in', async () => {
    assert.equal((await bring(house.guest, tarOf(['a.mkv', film]))).status, 403);
    const page = await (await house.guest.ask('/account/data', { headers: { accept: 'text/html' } })).text();
    assert.doesNotMatch(page, /name="archive"/);
  });

  test('is held to the quota, and a refused archive leaves nothing', async () => {
    const person = await house.add('Limited', 'member');
    const change = { method: 'PATCH', body: { quotaBytes: film.length + 10 } };
    await house.owner.ask(`/api/v1/people/${person.id}`, change);
    const other = Buffer.concat([film, Buffer.from([0xec, 0x80])]);
    const report = (await (await bring(person, tarOf(['a.mkv', film], ['b.mkv', other]))).json()) as Report;
    assert.deepEqual([report.videos, report.skippedCount], [1, 1]);
    assert.match(report.skipped[0]!.reason, /This video has .* left/);
  });
});

/** A film made long by a Void element behind it (RFC 8794 §11.3.2), in pieces. */
async function* longFilm(voidBytes: number): AsyncGenerator<Uint8Array> {
  yield film;
  const head = Buffer.alloc(9);
  head[0] = 0xec;
  head.writeBigUInt64BE((1n << 56n) | BigInt(voidBytes), 1);
  yield head;
  const zeros = Buffer.alloc(64 * 1024);
  for (let left = voidBytes; left > 0; left -= zeros.length)
    yield zeros.subarray(0, Math.min(left, zeros.length));
}

describe('160 MB', () => {
  /** What the issue calls constant: far below what is sent. */
  const mostMoreBytes = 48 * 1024 * 1024;
  const voidBytes = 160_000_000;
  let sizeBytes: number;
  let program: Program;

  before(async () => {
    sizeBytes = film.length + 9 + voidBytes;
    program = await startProgram({ settings: { KINORA_AUTH: 'none' } });
  });
  after(() => program?.close());

  /** Most resident memory while the work runs, over what there was before. */
  async function growth(work: () => Promise<unknown>): Promise<number> {
    const before = program.residentBytes();
    let most = before;
    let isOver = false;
    const done = work().finally(() => {
      isOver = true;
    });
    await until(
      () => {
        most = Math.max(most, program.residentBytes());
        return isOver;
      },
      { timeoutMs: 120_000, what: 'the work is over' },
    );
    await done;
    return most - before;
  }

  test('come in, go out and come in again within 48 MiB of memory', async () => {
    const send = (body: AsyncIterable<Uint8Array>) =>
      fetch(`${program.url}/account/data`, {
        ...{ method: 'POST', body: Readable.toWeb(Readable.from(body)), duplex: 'half' },
        headers: { 'content-type': 'application/x-tar' },
      } as object);
    const archive = () =>
      inOrder(
        tarHeader({ name: 'long.mkv', sizeBytes, modifiedAtMs: 0 }),
        longFilm(voidBytes),
        tarPadding(sizeBytes),
        tarEnd(),
      );
    // What is loaded and grown by the first use of anything is no part of it.
    assert.equal((await send(inOrder(tarOf(['small.mkv', film])))).status, 200);
    await (await fetch(`${program.url}/account/data.tar`)).arrayBuffer();

    const inward = await growth(async () => {
      const report = (await (await send(archive())).json()) as Report;
      assert.deepEqual([report.videos, report.failure], [1, null]);
    });
    const outward = await growth(async () => {
      const answer = await fetch(`${program.url}/account/data.tar`);
      const found: [string, number][] = [];
      for await (const entry of readTar(answer.body as unknown as AsyncIterable<Uint8Array>)) {
        let bytes = 0;
        for await (const chunk of entry.bytes()) bytes += chunk.length;
        found.push([entry.name, bytes]);
      }
      assert.ok(found.some(([name, bytes]) => name === 'videos/long.mkv' && bytes === sizeBytes));
    });
    const again = await growth(async () => {
      assert.equal(((await (await send(archive())).json()) as Report).doubles, 1);
    });
    const inMb = [inward, outward, again].map((bytes) => (bytes / 1e6).toFixed(1)).join(', ');
    console.log(`# 160 MB in, out and in again: ${inMb} MB more memory`);
    for (const bytes of [inward, outward, again]) assert.ok(bytes < mostMoreBytes, `${inMb} MB more`);
  });

  test('wait for a client that reads slowly: nothing is made ahead', async () => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${program.url}/account/data.tar`).on('response', resolve).on('error', reject).end();
    });
    answer.pause();
    const readBytes = () => {
      const io = readFileSync(`/proc/${program.pid}/io`, 'utf8');
      return Number(/^rchar: (\d+)/m.exec(io)![1]);
    };
    let last = -1;
    let same = 0;
    // It stands still once the socket is full.
    await until(
      () => {
        const now = readBytes();
        same = now === last ? same + 1 : 0;
        last = now;
        return same > 10;
      },
      { timeoutMs: 20_000, what: 'it waits' },
    );
    const before = readBytes();
    assert.ok(program.residentBytes() < 400e6);
    answer.destroy();
    assert.ok(readBytes() - before < 50e6);
  });
});

describe('who is logged out', () => {
  /** Another session of a person whose library is long, so that there is something to end. */
  async function longPerson(name: string): Promise<{ person: HousePerson; other: HousePerson }> {
    const person = await house.add(name, 'member');
    const body = inOrder(
      tarHeader({ name: 'long.mkv', sizeBytes: film.length + 9 + 64e6, modifiedAtMs: 0 }),
      longFilm(64e6),
      tarPadding(film.length + 9 + 64e6),
      tarEnd(),
    );
    assert.equal((await bring(person, body)).status, 200);
    return { person, other: await house.logIn(person) };
  }

  test('gets no more of the archive within 5 s', async () => {
    const { person, other } = await longPerson('Leaving');
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { cookie: person.cookie };
      request(`${house.url}/account/data.tar`, { headers }).on('response', resolve).on('error', reject).end();
    });
    answer.pause();
    let isCut = false;
    answer.on('error', () => {
      isCut = true;
    });
    const since = performance.now();
    const ended = await other.ask('/api/v1/me/sessions', { method: 'DELETE' });
    assert.ok(ended.ok, await ended.text());
    // A little at a time: all of it would be here before anybody looks.
    const readOn = () => {
      answer.read();
      return isCut || answer.destroyed || answer.complete;
    };
    await until(readOn, { timeoutMs: 8000, what: 'it is cut' });
    assert.ok(!answer.complete, 'not the whole archive');
    assert.ok(performance.now() - since < 5500);
  });

  test('brings no more in, and nothing half is left', async () => {
    const { person, other } = await longPerson('Bringing');
    const beginning = Buffer.concat([tarHeader({ name: 'b.mkv', sizeBytes: 1e9, modifiedAtMs: 0 }), film]);
    const sending = beginToSend(person, '/account/data', 'application/x-tar', beginning);
    await until(async () => (await titles(person)).includes('b'), { what: 'it is coming' });
    await other.ask('/api/v1/me/sessions', { method: 'DELETE' });
    await until(async () => !(await titles(other)).includes('b'), { timeoutMs: 8000, what: 'it is gone' });
    await until(sending.isEnded, { what: 'the connection is ended' });
    sending.end();
  });
});

describe('who leaves', () => {
  const leave = (person: HousePerson, videos: string) =>
    house.owner.ask(`/api/v1/people/${person.id}?videos=${videos}`, { method: 'DELETE' });

  for (const choice of ['household', 'bin', 'member'] as const) {
    test(`gives the videos: ${choice}`, async () => {
      const person = await house.add(`Gone to ${choice}`, 'member');
      const title = `left to ${choice}`;
      const id = await upload(person, film, `${title}.mkv`);
      const answer = await leave(person, choice === 'member' ? house.member.id : choice);
      assert.equal(answer.status, 204, await answer.text());
      assert.equal((await person.ask('/api/v1/videos')).status, 401);
      const heir = choice === 'member' ? house.member : house.owner;
      assert.equal((await titles(heir, choice === 'bin' ? '&bin=true' : '')).includes(title), true);
      assert.equal((await titles(heir, choice === 'bin' ? '' : '&bin=true')).includes(title), false);
      if (choice === 'member') assert.equal((await house.owner.ask(`/api/v1/videos/${id}`)).status, 404);
    });
  }

  test('gives them to nobody who cannot have them, and is still there then', async () => {
    const person = await house.add('Staying', 'member');
    await upload(person, film, 'stays.mkv');
    for (const heir of [house.guest.id, person.id, 'nobody'])
      assert.equal((await leave(person, heir)).status, 400, heir);
    assert.deepEqual(await titles(person), ['stays']);
  });

  test('is not the last owner', async () => {
    const answer = await leave(house.owner, 'household');
    assert.ok([400, 409].includes(answer.status), `${answer.status}`);
    assert.equal((await house.owner.ask('/api/v1/videos')).status, 200);
  });

  test('in the middle of sending leaves nothing behind that is nobody’s', async () => {
    const person = await house.add('Sending', 'member');
    const head = '--x\r\nContent-Disposition: form-data; name="file"; filename="sent.mkv"\r\n\r\n';
    const beginning = Buffer.concat([Buffer.from(head), film, Buffer.alloc(100_000)]);
    const sending = beginToSend(person, '/upload', 'multipart/form-data; boundary=x', beginning);
    await until(async () => (await titles(person)).includes('sent'), { what: 'it is coming' });
    assert.equal((await leave(person, 'household')).status, 204);
    await until(sending.isEnded, { timeoutMs: 8000, what: 'the connection is ended' });
    assert.ok(!(await titles(house.owner)).includes('sent'));
    sending.end();
  });
});
