// KINORA_ACCEL with the configuration that is handed out: whatever is asked for, the answer through nginx is the one
// that Kinora gives by itself, whoever may not see a video is sent none of it, and a browser plays.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { connect } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launchBrowser } from '../helpers/browser.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { missingNginx, missingPerlModule, type Nginx, serverName, startNginx } from '../helpers/nginx.ts';
import { type Program, startProgram } from '../helpers/program.ts';

type Answer = { status: number; headers: Record<string, unknown>; body: Buffer };
type Headers = Record<string, string>;

const origin = `https://${serverName}`;
/** What is a hop's own, or differs from one moment to the next. */
const passing = ['date', 'server', 'connection', 'keep-alive', 'transfer-encoding'];

function ask(
  base: string,
  path: string,
  headers: Headers = {},
  method = 'GET',
  body?: string | Buffer,
): Promise<Answer> {
  const isTls = base.startsWith('https');
  const { port } = new URL(base);
  return new Promise((resolve, reject) => {
    const asked = (isTls ? requestHttps : requestHttp)(
      {
        ...{ host: '127.0.0.1', port, method, path, agent: false, rejectUnauthorized: false },
        headers: { host: serverName, ...headers, ...(body && { 'content-length': body.length }) },
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const kept = Object.entries(response.headers).filter(([name]) => !passing.includes(name));
          resolve({
            status: response.statusCode!,
            headers: Object.fromEntries(kept),
            body: Buffer.concat(pieces),
          });
        });
      },
    );
    asked.on('error', reject).end(body);
  });
}

/** A boundary is made anew for each answer. */
function withoutBoundary({ status, headers, body }: Answer) {
  const boundary = /boundary=(\S+)/.exec(String(headers['content-type']))?.[1];
  const text = body.toString('latin1');
  return boundary === undefined
    ? { status, headers, body: text }
    : {
        ...{ status, headers: { ...headers, 'content-type': 'multipart' } },
        body: text.replaceAll(boundary, 'B'),
      };
}

describe('KINORA_ACCEL behind nginx', { skip: missingNginx() }, () => {
  let program: Program;
  let films: Nginx;
  let all: Nginx | null = null;
  let ana: Headers;
  let eve: Headers;
  let film: Buffer;
  let id: string;
  let headBytes: number;
  const direct = () => program.url.replace('localhost', '127.0.0.1');

  async function signUp(name: string, setupCode?: string): Promise<Headers> {
    const account = JSON.stringify({
      ...{ name, email: `${name}@example.org`, password: `lamp over the quiet harbour ${name}` },
      setupCode,
    });
    const answer = await ask(
      films.url,
      '/api/auth/sign-up/email',
      { 'content-type': 'application/json', origin },
      'POST',
      account,
    );
    assert.equal(answer.status, 200, answer.body.toString());
    const cookies = [answer.headers['set-cookie'] ?? []].flat() as string[];
    return { cookie: cookies.map((cookie) => cookie.split(';')[0]).join('; ') };
  }

  before(async () => {
    program = await startProgram({
      settings: {
        ...{ KINORA_AUTH: 'accounts', KINORA_HOST: '127.0.0.1', KINORA_SIGN_UP: 'open', KINORA_URL: origin },
        ...{ KINORA_TRUSTED_PROXIES: '127.0.0.1', KINORA_ACCEL: 'nginx', CAMERA: 'emulated' },
      },
    });
    // As the data folder of an installed program: its group may pass through.
    chmodSync(program.dataFolder, 0o710);
    const upstream = new URL(direct()).host;
    const blobsFolder = join(program.dataFolder, 'blobs');
    films = await startNginx({ upstream, blobsFolder });
    if (!missingPerlModule()) all = await startNginx({ upstream, blobsFolder, slices: true });
    ana = await signUp('Ana', /code\S*\W+([0-9A-Z]{4}-?[0-9A-Z]{4})/i.exec(program.output())?.[1]);
    eve = await signUp('Eve');
    const rate = '8000000';
    const options = { b: rate, maxrate: rate, minrate: rate, bufsize: rate, 'x264-params': 'nal-hrd=cbr' };
    film = readFileSync(
      await makeMedia({
        container: 'matroska',
        video: { codec: 'h264', seconds: 4, width: 320, height: 240, options },
      }),
    );
    const boundary = 'a-boundary-that-is-not-in-it';
    const form = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="film.mkv"\r\nContent-Type: video/x-matroska\r\n\r\n`,
      ),
      film,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const uploaded = await ask(
      films.url,
      '/upload',
      {
        ...ana,
        origin,
        accept: 'application/json',
        'content-type': `multipart/form-data; boundary=${boundary}`,
      },
      'POST',
      form,
    );
    assert.equal(uploaded.status, 201, uploaded.body.toString());
    id = JSON.parse(uploaded.body.toString()).videos[0].id;
    const view = await ask(direct(), `/videos/${id}/video.mp4`, ana);
    const asked = { ...ana, range: 'bytes=0-', 'sec-fetch-dest': 'video', 'x-kinora-accel': 'slices' };
    headBytes = (await ask(direct(), `/videos/${id}/video.mp4`, asked)).body.length;
    // What was made, and then the film's own bytes.
    const at = film.indexOf(view.body.subarray(headBytes, headBytes + 64));
    assert.ok(at > 0 && film.indexOf(view.body.subarray(headBytes)) === at);
    assert.ok(headBytes > 500 && film.length > 2_000_000, `${headBytes} ${film.length}`);
  });

  after(async () => {
    await films?.close();
    await all?.close();
    await program?.close();
  });

  type Told = 'files' | 'slices' | null;
  const requests = (): [string, string, Headers, Told][] => {
    const original = `/videos/${id}/original`;
    const view = `/videos/${id}/video.mp4`;
    const body = headBytes + 1000;
    return [
      ['the file', original, {}, 'files'],
      ['its download inline', `${original}?inline`, {}, 'files'],
      ['a range', original, { range: 'bytes=1000-1999' }, 'files'],
      ['all but the beginning', original, { range: 'bytes=5000-' }, 'files'],
      ['the end', original, { range: 'bytes=-700' }, 'files'],
      ['more than there is', original, { range: 'bytes=1000-999999999999' }, 'files'],
      ['nothing of it', original, { range: 'bytes=999999999999-' }, null],
      ['many ranges', original, { range: 'bytes=0-9,100-199,5000-' }, null],
      ['ranges that are one', original, { range: 'bytes=0-99,50-199' }, 'slices'],
      ['a range that is none', original, { range: 'bytes=9-2' }, null],
      ['another unit', original, { range: 'seconds=1-2' }, null],
      ['what is known', original, { 'if-none-match': 'TAG' }, null],
      ['what is not known', original, { 'if-none-match': '"x"', range: 'bytes=0-9' }, 'files'],
      ['what is asked to be the same', original, { 'if-match': 'TAG' }, null],
      ['what must be the same and is not', original, { 'if-match': '"x"' }, null],
      ['what has changed since', original, { 'if-modified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 'files'],
      ['what has not', original, { 'if-modified-since': 'DATE' }, null],
      ['a range of the same', original, { 'if-range': 'TAG', range: 'bytes=7-9' }, 'files'],
      ['a range of what it was', original, { 'if-range': '"x"', range: 'bytes=7-9' }, 'files'],
      ['a range of a date', original, { 'if-range': 'DATE', range: 'bytes=7-9' }, null],
      ['the view', view, {}, null],
      ['the head of the view', view, { range: `bytes=0-${headBytes - 1}` }, null],
      ['its head and more', view, { range: `bytes=10-${body}` }, null],
      ['the first byte of the film', view, { range: `bytes=${headBytes}-${headBytes}` }, 'slices'],
      ['a stretch of the view', view, { range: `bytes=${body}-${body + 99_999}` }, 'slices'],
      ['the rest of the view', view, { range: `bytes=${body}-` }, 'slices'],
      ['the end of the view', view, { range: 'bytes=-5000' }, 'slices'],
      ['two stretches of the view', view, { range: `bytes=${body}-${body + 9},${body + 50}-` }, null],
      ['a clip', `${view}?start=1&end=2.5`, {}, null],
      ['the end of a clip', `${view}?start=1&end=2.5`, { range: 'bytes=-70000' }, 'slices'],
      ['a clip without an end', `${view}?start=2`, { range: 'bytes=-1' }, 'slices'],
      ['the same of the view', view, { 'if-range': 'TAG', range: `bytes=${body}-` }, 'slices'],
    ];
  };

  test('each answer is the one that Kinora gives by itself: status, headers and bytes', async () => {
    for (const [what, path, asked, told] of requests()) {
      const known = await ask(direct(), path, ana, 'HEAD');
      const [tag, date] = [String(known.headers.etag), String(known.headers['last-modified'])];
      const filled = Object.entries(asked).map(([name, value]) => [
        name,
        value.replace('TAG', tag).replace('DATE', date),
      ]);
      const headers = { ...ana, ...Object.fromEntries(filled) };
      const own = await ask(direct(), path, headers);
      assert.ok(!('x-accel-redirect' in own.headers), what);
      const nginx = await ask(direct(), path, { ...headers, 'x-kinora-accel': 'files slices' });
      const redirect = nginx.headers['x-accel-redirect'];
      assert.equal(/^\/-kinora\/(\w+)\//.exec(String(redirect ?? ''))?.[1] ?? null, told, what);
      if (told) assert.equal(nginx.body.length, 0, what);
      for (const proxy of [films, all]) {
        if (!proxy) continue;
        const seen = await ask(proxy.url, path, headers);
        assert.deepEqual(withoutBoundary(seen), withoutBoundary(own), what);
        const head = await ask(proxy.url, path, headers, 'HEAD');
        assert.deepEqual(head, await ask(direct(), path, headers, 'HEAD'), `HEAD, ${what}`);
      }
    }
  });

  test('over HTTP/2 a range is the same bytes', async () => {
    const session = connect(films.url, { servername: serverName, rejectUnauthorized: false });
    try {
      const stream = session.request({
        ...{ ':path': `/videos/${id}/original`, ':authority': serverName },
        ...{ cookie: ana.cookie, range: 'bytes=1000-200999' },
      });
      const pieces: Buffer[] = [];
      let status: unknown;
      stream.on('response', (headers) => {
        status = headers[':status'];
      });
      for await (const piece of stream) pieces.push(piece as Buffer);
      assert.equal(status, 206);
      assert.ok(Buffer.concat(pieces).equals(film.subarray(1000, 201_000)));
    } finally {
      session.close();
    }
  });

  test('who may not see a video is told so, with and without, and the locations are closed to everybody', async () => {
    const told = await ask(direct(), `/videos/${id}/original`, { ...ana, 'x-kinora-accel': 'files' });
    const path = String(told.headers['x-accel-redirect']);
    assert.match(path, /^\/-kinora\/files\/blobs\/\w\w\/\w+$/);
    for (const proxy of [films, all]) {
      if (!proxy) continue;
      for (const place of ['original', 'video.mp4']) {
        for (const range of [{}, { range: 'bytes=-1000' }]) {
          const refused = await ask(proxy.url, `/videos/${id}/${place}`, { ...eve, ...range });
          assert.equal(refused.status, 404, place);
          assert.equal((await ask(proxy.url, `/videos/${id}/${place}`, range)).status, 401, place);
        }
      }
      for (const headers of [{}, ana]) {
        for (const inside of [path, path.replace('files', 'slices'), `${path}?x`, `//${path}`]) {
          const refused = await ask(proxy.url, inside, headers);
          assert.equal(refused.status, 404, inside);
          assert.ok(!refused.body.includes(film.subarray(0, 100)), inside);
        }
      }
    }
  });

  test('a client that claims to be nginx learns no path', async () => {
    const claimed = {
      ...ana,
      'x-kinora-accel': 'files slices',
      'x-accel-redirect': '/-kinora/files/blobs/aa/b',
    };
    const seen = await ask(films.url, `/videos/${id}/video.mp4`, { ...claimed, range: 'bytes=-10' });
    assert.equal(seen.status, 206);
    assert.equal(seen.body.length, 10);
    assert.ok(
      !Object.keys(seen.headers).some((name) => /accel|slice/.test(name)),
      JSON.stringify(seen.headers),
    );
  });

  test('a guest link gives the same bytes', async () => {
    const made = await ask(
      films.url,
      '/api/v1/links',
      { ...ana, origin, 'content-type': 'application/json' },
      'POST',
      JSON.stringify({ subject: 'video', subjectId: id, allowsDownload: true }),
    );
    assert.equal(made.status, 201, made.body.toString());
    const { pathname } = new URL(JSON.parse(made.body.toString()).url);
    const entered = await ask(
      films.url,
      pathname,
      { origin, 'content-type': 'application/x-www-form-urlencoded' },
      'POST',
      'x=',
    );
    const cookies = [entered.headers['set-cookie'] ?? []].flat() as string[];
    const pass = { cookie: cookies.map((cookie) => cookie.split(';')[0]).join('; ') };
    for (const place of ['original', 'video.mp4']) {
      for (const proxy of [films, all]) {
        if (!proxy) continue;
        const headers = { ...pass, range: 'bytes=-4000' };
        const seen = await ask(proxy.url, `${pathname}/${place}`, headers);
        assert.equal(seen.status, 206, seen.body.toString('latin1'));
        assert.deepEqual(seen, await ask(direct(), `${pathname}/${place}`, headers), place);
        const stranger = await ask(proxy.url, `${pathname}/${place}`, { range: 'bytes=-4000' });
        assert.notEqual(stranger.status, 206, 'the pass is asked for');
      }
    }
  });

  test('a browser gets the head of a view first, the rest from nginx, and plays it to where it seeks', {
    skip: missingPerlModule(),
  }, async () => {
    const { url, port, accessLog } = all!;
    const view = `/videos/${id}/video.mp4`;
    const first = await ask(url, view, { ...ana, range: 'bytes=0-', 'sec-fetch-dest': 'video' });
    assert.equal(first.status, 206);
    assert.equal(first.body.length, headBytes);
    const program = await ask(url, view, { ...ana, range: 'bytes=0-' });
    assert.ok(program.body.length > film.length / 2, 'what is no browser gets all that it asked for');
    const browser = await launchBrowser([`--host-resolver-rules=MAP ${serverName} 127.0.0.1`]);
    try {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const site = `https://${serverName}:${port}`;
      await context.addCookies(
        ana.cookie!.split('; ').map((pair) => ({
          ...{ name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1) },
          ...{ url: site, secure: true },
        })),
      );
      const page = await context.newPage();
      const slices = () => accessLog().match(/"GET \/-kinora\/slices\/[^"]+" 206/g)?.length ?? 0;
      const before = slices();
      await page.goto(`${site}/videos/${id}`);
      const played = await page.evaluate(async () => {
        const video = document.querySelector('video')!;
        video.muted = true;
        const until = (name: string) =>
          new Promise((resolve) => video.addEventListener(name, resolve, { once: true }));
        await video.play();
        const seeked = until('seeked');
        video.currentTime = 3;
        await seeked;
        await video.play();
        await until('ended');
        return { time: video.currentTime, width: video.videoWidth, error: video.error };
      });
      assert.equal(played.error, null);
      assert.equal(played.width, 320);
      assert.ok(played.time > 3.9, `${played.time}`);
      assert.ok(slices() > before, accessLog());
    } finally {
      await browser.close();
    }
  });

  test('a camera that was off shows its first picture through nginx, and is not held back', async () => {
    const asked = requestHttps({
      ...{ host: '127.0.0.1', port: films.port, path: '/cameras/default/stream.mjpeg', agent: false },
      ...{ rejectUnauthorized: false, headers: { host: serverName, ...ana } },
    });
    const picture = new Promise<Buffer>((resolve, reject) => {
      let seen = Buffer.alloc(0);
      asked.on('error', reject);
      asked.on('response', (response) =>
        response.on('data', (piece: Buffer) => {
          seen = Buffer.concat([seen, piece]);
          // Two whole pictures: the second did not wait for a buffer to fill.
          if (seen.toString('latin1').split('\xff\xd9').length > 2) resolve(seen);
        }),
      );
    });
    asked.end();
    assert.ok((await picture).length > 100);
    asked.destroy();
  });
});
