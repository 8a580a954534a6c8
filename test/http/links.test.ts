// Guest links over HTTP, every route of the program behind a real listener: the door, what is behind it, and that there
// is nothing else behind it, whatever is asked for and however it is spelled.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sessionCookie } from '../../src/accounts/accounts.ts';
import { viewStream } from '../helpers/camera-server.ts';
import { askRaw, type LinkHouse, type MadeLink, startLinkHouse } from '../helpers/link-house.ts';
import { decodeDigests, makeMedia } from '../helpers/media/media.ts';
import { numberedJpeg } from '../helpers/push-driver.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const hourMs = 3_600_000;
const html = { accept: 'text/html' };

let house: LinkHouse;
let film: string;

before(async () => {
  film = await makeMedia({
    container: 'matroska',
    video: { codec: 'h264', seconds: 8, bFrames: 2 },
    audio: { codec: 'aac' },
  });
  house = await startLinkHouse();
});
after(() => house.close());

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${house.url}${path}`, { method, headers, redirect: 'manual' });
const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

describe('the door of a link', () => {
  test('is shown without a count, a cookie, or a word of what a password hides', async () => {
    const video = await house.addVideo({ path: film, title: 'Summer at the lake' });
    const open = await house.makeLink({ subject: 'video', subjectId: video.id, maxVisits: 1 });
    const locked = await house.makeLink({ subject: 'video', subjectId: video.id, password: 'goose' });
    for (const { path } of [open, locked]) {
      // As often as messengers like to look.
      for (const method of ['GET', 'HEAD', 'GET']) {
        const answer = await get(path, { ...html, 'user-agent': 'facebookexternalhit/1.1' }, method);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get('set-cookie'), null);
      }
    }
    assert.match(await (await get(open.path, html)).text(), /Summer at the lake/);
    assert.doesNotMatch(await (await get(locked.path, html)).text(), /Summer|lake/i);
    for (const { link } of [open, locked]) assert.equal((await house.catalogue.getLink(link.id))?.visits, 0);
    assert.ok(await house.enter(open));
    assert.equal((await house.catalogue.getLink(open.link.id))?.visits, 1);
  });

  test('opens with a cookie for its own path alone, which scripts cannot read', async () => {
    const video = await house.addVideo({ path: film, title: 'Lake' });
    const { path } = await house.makeLink({
      subject: 'video',
      subjectId: video.id,
      expiresAtMs: house.clock.nowMs() + hourMs,
    });
    const answer = await get(path, html, 'POST');
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), path);
    const [pass, ...attributes] = answer.headers.get('set-cookie')!.split('; ');
    assert.match(pass!, /^kinora\.pass=[0-9a-z]{16}\.[\w-]{43}$/);
    assert.deepEqual(attributes, [`Path=${path}`, 'Max-Age=3600', 'HttpOnly', 'SameSite=Lax']);
  });

  test('opens for an old television, which sends no origin from a page that tells none', async () => {
    const video = await house.addVideo({ path: film, title: 'Lake' });
    const { path } = await house.makeLink({ subject: 'video', subjectId: video.id });
    const answer = await get(path, { ...html, origin: 'null' }, 'POST');
    assert.equal(answer.status, 303);
  });

  test('takes the password, shows the form again for a wrong one, and says how long to wait', async () => {
    const video = await house.addVideo({ path: film, title: 'Summer' });
    const link = await house.makeLink({ subject: 'video', subjectId: video.id, password: 'goose' });
    const post = (password: string) =>
      fetch(`${house.url}${link.path}`, {
        ...{ method: 'POST', headers: html, redirect: 'manual' },
        body: new URLSearchParams({ password }),
      });
    const wrong = await post('duck');
    assert.equal(wrong.status, 401);
    const page = await wrong.text();
    assert.match(page, /role="alert".*That is not the password/s);
    assert.doesNotMatch(page, /duck|Summer/);
    for (let attempt = 0; attempt < 9; attempt += 1) await post('duck');
    const late = await post('goose');
    assert.equal(late.status, 429);
    assert.equal(late.headers.get('retry-after'), '900');
    assert.match(await late.text(), /Try again in 15 minutes/);
    await house.clock.advance(900_000);
    assert.ok(await house.enter(link, 'goose'));
  });

  test('says when all its visits are used up', async () => {
    const video = await house.addVideo({ path: film, title: 'Lake' });
    const link = await house.makeLink({ subject: 'video', subjectId: video.id, maxVisits: 1 });
    const cookie = await house.enter(link);
    const second = await get(link.path, html, 'POST');
    assert.equal(second.status, 410);
    assert.match(await second.text(), /used as often as it may/);
    const again = await get(link.path, { ...html, cookie }, 'POST');
    assert.equal(again.status, 303, 'whoever is in presses twice and is counted once');
    assert.equal((await get(`${link.path}/video.mp4`, { cookie })).status, 200);
  });

  test('every answer below it is kept by nobody, told to nobody, found by nobody', async () => {
    const video = await house.addVideo({ path: film, title: 'Lake' });
    const link = await house.makeLink({ subject: 'video', subjectId: video.id, allowsDownload: true });
    const cookie = await house.enter(link);
    const none = `/l/${'A'.repeat(27)}`;
    const places = ['', '/video.mp4', '/download', '/original', '/nothing', '/videos/x'].map(
      (place) => link.path + place,
    );
    for (const path of [...places, none]) {
      for (const headers of [{ cookie }, html, { ...html, cookie }] as Record<string, string>[]) {
        const answer = await get(path, headers);
        await answer.arrayBuffer();
        assert.equal(answer.headers.get('referrer-policy'), 'no-referrer', path);
        assert.match(answer.headers.get('x-robots-tag')!, /noindex/, path);
        if (answer.status !== 303) assert.match(answer.headers.get('cache-control') ?? '', /no-store/, path);
      }
    }
    const page = await (await get(link.path, { ...html, cookie })).text();
    assert.match(page, /<meta name="referrer" content="no-referrer">/);
  });

  test('is a page that says so where the link has ended, without a name of anything', async () => {
    const video = await house.addVideo({ path: film, title: 'Lake' });
    const link = await house.makeLink({ subject: 'video', subjectId: video.id });
    const cookie = await house.enter(link);
    await house.links.end(house.anna, link.link.id, '');
    for (const headers of [html, { ...html, cookie }]) {
      const answer = await get(link.path, headers);
      assert.equal(answer.status, 404);
      const page = await answer.text();
      assert.match(page, /This link has ended, or never was/);
      assert.doesNotMatch(page, /Lake|href="\/videos|href="\/cameras/);
    }
    assert.equal((await get(link.path, html, 'POST')).status, 404);
    assert.equal((await get(`${link.path}/video.mp4`, { cookie })).status, 404);
  });
});

describe('a link to a video', () => {
  let link: MadeLink;
  let cookie: string;
  let id: string;
  before(async () => {
    ({ id } = await house.addVideo({ path: film, title: 'Lake <b>' }));
    link = await house.makeLink({ subject: 'video', subjectId: id });
    cookie = await house.enter(link);
  });

  test('shows the player and the title, and nothing of the house', async () => {
    await house.addVideo({ path: film, title: 'Diary' });
    const page = await (await get(link.path, { ...html, cookie })).text();
    assert.match(page, /<h1 dir="auto">Lake &#60;b&#62;<\/h1>/);
    assert.ok(page.includes(`<source src="${link.path}/video.mp4" type="video/mp4;`));
    assert.doesNotMatch(page, /Diary|Door|Anna|camcorder|href="\/(?!l\/|assets\/)|\/api\//);
    assert.ok(!page.includes(id), 'not even its id');
    assert.doesNotMatch(page, /\/download"|\/original/);
  });

  test('gives its view with ranges to whoever has the pass, and to nobody else', async () => {
    const path = `${link.path}/video.mp4`;
    const answer = await get(path, { cookie });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type')!, /^video\/mp4/);
    assert.equal(answer.headers.get('content-disposition'), null);
    const whole = await bytesOf(answer);
    const opened = await house.library.openView(id, null);
    assert.equal(whole.length, opened.header.length + opened.end - opened.start);
    opened.release();
    const part = await get(path, { cookie, range: 'bytes=100-299' });
    assert.equal(part.status, 206);
    assert.deepEqual(await bytesOf(part), whole.subarray(100, 300));
    assert.equal((await get(path, { cookie }, 'HEAD')).headers.get('content-length'), String(whole.length));

    assert.equal((await get(path)).status, 401);
    const shown = await get(path, html);
    assert.deepEqual([shown.status, shown.headers.get('location')], [303, link.path]);
    const other = await house.enter(await house.makeLink({ subject: 'video', subjectId: id }));
    assert.equal((await get(path, { cookie: other })).status, 401, 'the pass of another link');
    assert.equal((await get(path, { cookie: house.accounts.cookieOf(house.ben.personId) })).status, 401);
  });

  test('gives no file where the download is not allowed, and the file as it came where it is', async () => {
    for (const place of ['original', 'download'])
      assert.equal((await get(`${link.path}/${place}`, { cookie })).status, 404, place);
    const open = await house.makeLink({ subject: 'video', subjectId: id, allowsDownload: true });
    const pass = { cookie: await house.enter(open) };
    const download = await get(`${open.path}/download`, pass);
    assert.match(
      download.headers.get('content-disposition')!,
      /^attachment; filename="Lake _b_ of the camcorder\.mkv"/,
    );
    assert.deepEqual(await bytesOf(download), await readFile(film));
    const original = await get(`${open.path}/original`, pass);
    assert.match(original.headers.get('content-disposition')!, /^inline/);
    assert.match(original.headers.get('content-security-policy')!, /sandbox/);
    await original.arrayBuffer();
    const page = await (await get(open.path, { ...html, ...pass })).text();
    assert.ok(page.includes(`href="${open.path}/download"`));
  });

  test('cannot be made to give a part of it, or more, by what its address asks for', async () => {
    const whole = await bytesOf(await get(`${link.path}/video.mp4`, { cookie }));
    assert.deepEqual(await bytesOf(await get(`${link.path}/video.mp4?start=1&end=2`, { cookie })), whole);
  });
});

describe('a link to a stretch of a video', () => {
  test('is a file that begins at 0 and holds the pictures of the stretch, whatever else is asked for', async () => {
    const { id } = await house.addVideo({ path: film, title: 'Lake' });
    const link = await house.makeLink({ subject: 'video', subjectId: id, startSeconds: 3, endSeconds: 5 });
    const cookie = await house.enter(link);
    const path = `${link.path}/video.mp4`;
    const bytes = await bytesOf(await get(path, { cookie }));
    const [pictures] = (await decodeDigests(bytes)).filter(({ kind }) => kind === 'video');
    const numbers = pictures!.frames.map(({ number }) => number);
    assert.deepEqual(
      numbers,
      Array.from({ length: 50 }, (_, index) => 75 + index),
    );
    assert.equal(pictures!.frames[0]!.timeUs, 0);
    for (const query of [
      'start=0',
      'end=8',
      'start=0&end=8',
      'start=3&end=8',
      'start=&end=',
      'start=0&start=1',
      'start[]=0',
    ])
      assert.deepEqual(await bytesOf(await get(`${path}?${query}`, { cookie })), bytes, query);
    const page = await (await get(link.path, { ...html, cookie })).text();
    assert.match(page, /<span>0:02<\/span>/);
    assert.doesNotMatch(page, /0:08|original/);
  });

  test('gives the stretch as the download, never the file it was cut from', async () => {
    const { id } = await house.addVideo({ path: film, title: 'Lake' });
    const part = { startSeconds: 3, endSeconds: 5, allowsDownload: true } as const;
    const link = await house.makeLink({ subject: 'video', subjectId: id, ...part });
    const cookie = await house.enter(link);
    assert.equal((await get(`${link.path}/original`, { cookie })).status, 404);
    const download = await get(`${link.path}/download`, { cookie });
    assert.match(
      download.headers.get('content-disposition')!,
      /^attachment; filename="Lake 0\.03-0\.05\.mp4"/,
    );
    assert.deepEqual(await bytesOf(download), await bytesOf(await get(`${link.path}/video.mp4`, { cookie })));
    const page = await (await get(link.path, { ...html, cookie })).text();
    assert.doesNotMatch(page, /\/original|camcorder/);
  });
});

test('a folder’s link shows what is in it, plays it, and follows what is moved', async () => {
  const trips = await house.addFolder('Trips');
  const norway = await house.addFolder('Norway', trips.id);
  const diary = await house.addFolder('Diary');
  const train = await house.addVideo({ path: film, title: 'Night train', folderId: trips.id });
  const fjord = await house.addVideo({ path: film, title: 'Fjord', folderId: norway.id });
  const secret = await house.addVideo({ path: film, title: 'Secret', folderId: diary.id });
  const link = await house.makeLink({ subject: 'folder', subjectId: trips.id });
  const cookie = await house.enter(link);
  const page = async (place: string) => {
    const answer = await get(`${link.path}${place}`, { ...html, cookie });
    return { status: answer.status, text: await answer.text() };
  };
  const top = await page('');
  assert.match(top.text, /Night train/);
  assert.ok(top.text.includes(`href="${link.path}/folders/${norway.id}"`));
  assert.doesNotMatch(top.text, /Diary|Secret|Fjord/);
  const inner = await page(`/folders/${norway.id}`);
  assert.match(inner.text, /Fjord/);
  assert.ok(inner.text.includes(`<a href="${link.path}" dir="auto">Trips</a>`));
  const player = await page(`/videos/${fjord.id}`);
  assert.ok(player.text.includes(`${link.path}/videos/${fjord.id}/video.mp4`));
  assert.ok(player.text.includes(`href="${link.path}/folders/${norway.id}"`));
  for (const { id } of [train, fjord])
    assert.equal((await get(`${link.path}/videos/${id}/video.mp4`, { cookie })).status, 200);
  const outside = [
    `/folders/${diary.id}`,
    `/videos/${secret.id}`,
    `/videos/${secret.id}/video.mp4`,
    '/video.mp4',
  ];
  for (const place of [
    ...outside,
    `/videos/${train.id}/original`,
    `/videos/${train.id}/download`,
    '/stream.mjpeg',
  ])
    assert.equal((await page(place)).status, 404, place);
  await house.library.moveVideo(fjord.id, diary.id);
  assert.doesNotMatch((await page(`/folders/${norway.id}`)).text, /href="[^"]*\/videos\//);
  assert.equal((await get(`${link.path}/videos/${fjord.id}/video.mp4`, { cookie })).status, 404);
  await house.library.moveVideo(secret.id, trips.id);
  assert.match((await page('')).text, /Secret/);
});

describe('what a link does not name', () => {
  test('is to its visitor what it is to nobody: every route of the program answers the same with the pass as without', async () => {
    const folder = await house.addFolder('Trips');
    const video = await house.addVideo({ path: film, title: 'Lake', folderId: folder.id });
    const sibling = await house.addVideo({ path: film, title: 'Sea', folderId: folder.id });
    const made = await Promise.all([
      house.makeLink({ subject: 'video', subjectId: video.id, allowsDownload: true }),
      house.makeLink({ subject: 'folder', subjectId: folder.id, allowsDownload: true }),
      house.makeLink({ subject: 'camera', subjectId: 'door', expiresAtMs: house.clock.nowMs() + hourMs }),
    ]);
    const ids = { video: video.id, sibling: sibling.id, folder: folder.id, camera: 'door' };
    const fill = (url: string): string[] => {
      const path = url.replace('*', 'x');
      if (!path.includes(':')) return [path];
      const named = Object.values(ids).map((id) => path.replace(/:id\b/, id).replace(/:\w+/g, id));
      return [...new Set(named)];
    };
    const asked = house.routes.filter(
      ({ permission, method }) => !['link', 'public'].includes(permission) && method !== 'OPTIONS',
    );
    assert.ok(asked.length > 60, `the walk found ${asked.length} routes`);
    const places = asked.flatMap(({ method, url }) => fill(url).map((path) => ({ method, path })));
    const answered = new Map<string, number>();
    for (const { method, path } of places) {
      const { status } = await askRaw(house.port, path, { method });
      assert.ok(status >= 300, `${method} ${path} is open to anybody: ${status}`);
      answered.set(`${method} ${path}`, status);
    }
    for (const link of made) {
      const pass = await house.enter(link);
      const session = `${sessionCookie}=${pass.split('=')[1]}`;
      const headers = { cookie: `${pass}; ${session}`, authorization: `Bearer ${link.secret}` };
      for (const { method, path } of places) {
        const visitor = await askRaw(house.port, path, { method, headers });
        assert.equal(visitor.status, answered.get(`${method} ${path}`), `${method} ${path}`);
        const pages = await askRaw(house.port, path, { method, headers: { cookie: pass, ...html } });
        assert.ok(pages.status >= 300 && !/Lake|Sea|Trips|Door/.test(pages.body.toString()), path);
      }
    }
  });

  test('is 404 below its address too: siblings, other cameras, other clips, and every spelling of a way up', async () => {
    const folder = await house.addFolder('Trips');
    const video = await house.addVideo({ path: film, title: 'Lake', folderId: folder.id });
    const sibling = await house.addVideo({ path: film, title: 'Sea', folderId: folder.id });
    const links = await Promise.all([
      house.makeLink({ subject: 'video', subjectId: video.id, allowsDownload: true }),
      house.makeLink({ subject: 'video', subjectId: video.id, startSeconds: 1, endSeconds: 2 }),
      house.makeLink({ subject: 'camera', subjectId: 'door', expiresAtMs: house.clock.nowMs() + hourMs }),
    ]);
    const up = ['..', '%2e%2e', '.%2e', '%2E.', '..;', '%252e%252e', '..%5c', '%c0%ae%c0%ae'];
    const targets = [
      ...[`videos/${sibling.id}`, `videos/${sibling.id}/video.mp4`, `videos/${sibling.id}/original`],
      ...[`videos/${sibling.id}/download`, `videos/${video.id}/original`, `folders/${folder.id}`, 'folders'],
      ...['cameras/garden/stream.mjpeg', 'cameras/garden/snapshot.jpg', 'garden/stream.mjpeg', 'live.m3u8'],
      ...['api/v1/videos', 'api/v1/cameras', 'videos', 'account/links', 'links', `${video.id}/video.mp4`],
      ...['video.mp4/', 'video.mp4%00', 'video.mp4/..', 'VIDEO.MP4', 'original%2f..%2fvideo.mp4'],
    ];
    const ways = (path: string) => [
      ...targets.flatMap((target) => [
        ...[`${path}/${target}`, `${path}//${target}`, `${path}/%2f${target}`, `${path}/%5c${target}`],
        ...up.flatMap((step) => [
          `${path}/${step}/${step}/${target}`,
          `${path}/${step}%2f${step}%2f${target}`,
        ]),
      ]),
      `/l/${'A'.repeat(27)}/../${path.slice(3)}/../../videos/${sibling.id}/video.mp4`,
    ];
    let count = 0;
    for (const link of links) {
      const cookie = await house.enter(link);
      for (const path of ways(link.path)) {
        const isOwn = /\/video\.mp4\/?$/.test(path) && path.startsWith(`${link.path}/video.mp4`);
        if (isOwn) continue;
        const answer = await askRaw(house.port, path, { headers: { cookie } });
        assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`);
        assert.ok(!answer.body.includes('ftyp') && !answer.body.includes('Sea'), path);
        count += 1;
      }
    }
    assert.ok(count > 1000, `${count} paths`);
  });

  test('takes no other method, and no body changes anything', async () => {
    const video = await house.addVideo({ path: film, title: 'Lake' });
    const link = await house.makeLink({ subject: 'video', subjectId: video.id });
    const cookie = await house.enter(link);
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST']) {
      const answer = await askRaw(house.port, `${link.path}/video.mp4`, { method, headers: { cookie } });
      assert.equal(answer.status, 404, method);
    }
    assert.equal((await house.library.getVideo(video.id)).binnedAtMs, null);
  });
});

describe('what runs over a link', () => {
  /** An MP4 that no socket swallows whole: a box of nothing at its end. */
  async function addLongFilm(folderId: string | null = null) {
    const path = await makeMedia({ container: 'mp4', video: { codec: 'h264', seconds: 2 } });
    const nothing = Buffer.alloc(32 * 1024 * 1024);
    nothing.writeUInt32BE(nothing.length, 0);
    nothing.write('free', 4, 'latin1');
    const long = join(await temporaryFolder(), 'long.mp4');
    await writeFile(long, Buffer.concat([await readFile(path), nothing]));
    return house.addVideo({ path: long, title: 'Long', folderId, ownerId: house.ben.personId });
  }

  type Ending = {
    readonly what: string;
    readonly end: (video: { id: string }, link: MadeLink) => Promise<unknown>;
  };
  const asker = { address: '' } as Parameters<LinkHouse['accounts']['changePerson']>[0];
  const role = (to: 'guest' | 'member') =>
    house.accounts.changePerson(asker, house.anna.personId, house.ben.personId, { role: to });
  const endings: readonly Ending[] = [
    { what: 'its maker ends it', end: (_video, { link }) => house.links.end(house.ben, link.id, '') },
    { what: 'the video goes into the bin', end: ({ id }) => house.library.binVideo(id) },
    { what: 'the video is moved out of the folder', end: ({ id }) => house.library.moveVideo(id, null) },
    { what: 'its maker may share no longer', end: () => role('guest') },
    { what: 'its time is over', end: () => house.clock.advance(hourMs) },
  ];
  for (const { what, end } of endings) {
    test(`a film ends within 5 s when ${what}`, async () => {
      await role('member');
      const { id: folderId } = await house.addFolder('Trips', null, house.ben.personId);
      const video = await addLongFilm(folderId);
      const expiresAtMs = house.clock.nowMs() + hourMs;
      const link = await house.makeLink(
        { subject: 'folder', subjectId: folderId, expiresAtMs, allowsDownload: true },
        house.ben,
      );
      const cookie = await house.enter(link);
      const answer = await get(`${link.path}/videos/${video.id}/download`, { cookie });
      assert.equal(answer.status, 200);
      const reader = answer.body!.getReader();
      await reader.read();
      for (let second = 0; second < 10; second += 1) {
        await house.clock.advance(1000);
        assert.equal((await reader.read()).done, false, 'it goes on while the link holds');
      }
      await end(video, link);
      for (let second = 0; second < 5; second += 1) await house.clock.advance(1000);
      await assert.rejects(async () => {
        for (;;) if ((await reader.read()).done) return;
      }, 'the connection is broken, so that no short film looks whole');
      await role('member');
    });
  }

  test('a camera’s pictures are its own, and end within 5 s with the link', async () => {
    const link = await house.makeLink({
      ...{ subject: 'camera', subjectId: 'door', expiresAtMs: house.clock.nowMs() + hourMs },
    });
    const nobody = await get(`${link.path}/stream.mjpeg`);
    assert.equal(nobody.status, 401);
    const cookie = await house.enter(link);
    const page = await (await get(link.path, { ...html, cookie })).text();
    assert.ok(page.includes(`<img src="${link.path}/stream.mjpeg"`));
    assert.doesNotMatch(page, /Garden|href="\/(?!l\/|assets\/)|\/cameras\//);
    const viewer = await viewStream(
      house.port,
      `${link.path}/stream.mjpeg HTTP/1.1\r\nCookie: ${cookie}\r\nX:`,
    );
    await until(() => house.driver.starts > 0 && house.cameras.get('door')!.viewers === 1, {
      what: 'a viewer',
    });
    house.driver.push(numberedJpeg(7));
    await until(() => viewer.numbers.includes(7), { what: 'the picture' });
    const snapshot = await get(`${link.path}/snapshot.jpg`, { cookie });
    assert.equal(snapshot.status, 200);
    await snapshot.arrayBuffer();
    const state = (await (await get(`${link.path}/state`, { cookie })).json()) as { items: object[] };
    assert.deepEqual(Object.keys(state.items[0]!), [
      'id',
      'state',
      'stateSinceMs',
      'lastPictureAtMs',
      'viewers',
      'kinds',
    ]);
    assert.equal((await get(`${link.path}/video.mp4`, { cookie })).status, 404);
    await house.links.end(house.anna, link.link.id, '');
    for (let second = 0; second < 5; second += 1) await house.clock.advance(1000);
    await until(() => viewer.isClosed, { what: 'the end of the stream' });
    assert.equal((await get(`${link.path}/stream.mjpeg`, { cookie })).status, 404);
  });

  test('a camera’s pictures end when the time of the link is over', async () => {
    const link = await house.makeLink({
      ...{ subject: 'camera', subjectId: 'garden', expiresAtMs: house.clock.nowMs() + 60_000 },
    });
    const cookie = await house.enter(link);
    const viewer = await viewStream(
      house.port,
      `${link.path}/stream.mjpeg HTTP/1.1\r\nCookie: ${cookie}\r\nX:`,
    );
    await until(() => house.cameras.get('garden')!.viewers === 1, { what: 'a viewer' });
    await house.clock.advance(59_000);
    assert.equal(viewer.isClosed, false);
    await house.clock.advance(1000);
    await until(() => viewer.isClosed, { what: 'the end of the stream' });
  });
});
