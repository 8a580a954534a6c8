// The pages as text: what stands in them, that nothing from outside can break out, and that every link and form
// leads to a route that exists.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fakeId, fakeVideo, hostileTitles } from '../helpers/fake-services.ts';
import { type FakeSite, startFakeSite } from '../helpers/fake-site.ts';

let site: FakeSite;
before(async () => {
  site = await startFakeSite();
});
after(() => site.close());

const html = { accept: 'text/html' };
const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await site.app.inject({ url: path, headers: { ...html, ...headers } });
  return { status: response.statusCode, headers: response.headers, text: response.body };
};
const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  site.app.inject({
    ...{ method: 'POST', url: path, payload: new URLSearchParams(form).toString() },
    headers: { ...html, 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });

const pages = [
  ...['/', '/videos', '/videos?q=piano', '/videos?q=zebra', '/videos?bin', '/upload', '/settings'],
  ...['/cameras', '/cameras/default', '/cameras/garage', `/videos/${fakeId(4)}`, `/videos/${fakeId(0)}`],
  ...[`/videos/${fakeId(6)}`, `/videos/${fakeId(40)}`, `/videos/${fakeId(17)}`, '/nowhere'],
];

describe('every page', () => {
  for (const path of pages) {
    it(`${path} has its landmarks, one title and one first heading`, async () => {
      const { text } = await get(path);
      assert.match(text, /^<!doctype html>\n<html lang="en"/);
      for (const landmark of ['header', 'main', 'h1', 'title']) {
        const count = text.match(new RegExp(`<${landmark}[\\s>]`, 'g'))?.length;
        assert.equal(count, 1, `${landmark} in ${path}`);
      }
      // Of several each says which one it is.
      const navs = [...text.matchAll(/<nav[^>]*>/g)].map(([nav]) => /aria-label="([^"]+)"/.exec(nav)?.[1]);
      assert.ok(navs.includes('Places') && !navs.includes(undefined), `nav in ${path}`);
      assert.equal(new Set(navs).size, navs.length, `nav in ${path}`);
      assert.match(text, /<a class="skip" href="#main">/);
      assert.doesNotMatch(text, /undefined|\[object|NaN|\\n/);
    });

    it(`${path} has nothing inline that its policy refuses`, async () => {
      const { text } = await get(path);
      assert.doesNotMatch(text, /<script(?![^>]*\ssrc=)/);
      assert.doesNotMatch(text, /<[^>]*\sstyle=|<style|<[^>"']*\son\w+=/);
      assert.doesNotMatch(text, /(?:src|href|action)="(?:https?:)?\/\//);
    });
  }

  it('leads only to routes that exist', async () => {
    const seen = new Set<string>();
    for (const path of pages) {
      const { text } = await get(path);
      for (const [, address] of text.matchAll(
        /<(?:a|link|script|img|source)\s[^>]*?(?:href|src)="([^"#]+)/g,
      )) {
        seen.add(address!.replaceAll('&#61;', '=').replaceAll('&#38;', '&'));
      }
    }
    assert.ok(seen.size > 60, `${seen.size} addresses`);
    const bytes = /\/(video\.mp4|original|snapshot\.jpg|stream\.mjpeg)$/;
    for (const address of seen) {
      const { pathname } = new URL(address, site.url);
      const isRoute = site.app.findRoute({ method: 'GET', url: pathname }) !== null;
      const isKnown = isRoute || bytes.test(pathname) || (await get(address)).status === 200;
      assert.ok(isKnown, address);
    }
  });

  it('has forms only to routes that exist', async () => {
    const known = [
      '/videos/:id/rename',
      '/videos/:id/delete',
      '/videos/:id/restore',
      '/videos/:id/remove',
      ...['/videos/:id/marks', '/videos/:id/move'],
      ...['/settings', '/upload', '/folders', '/videos/selection'],
    ];
    for (const path of pages) {
      const { text } = await get(path);
      for (const [, action] of text.matchAll(/<form[^>]*method="post"[^>]*action="([^"]+)"/g)) {
        const pattern = action!.replace(/^\/videos\/[0-9a-z]{16}\//, '/videos/:id/');
        assert.ok(known.includes(pattern) && site.app.hasRoute({ method: 'POST', url: pattern }), action);
      }
    }
  });
});

describe('titles from outside', () => {
  it('are shown as text and never as markup, in the list and on their page', async () => {
    const list = (await get('/videos')).text;
    for (const [index, title] of hostileTitles.entries()) {
      const page = (await get(`/videos/${fakeId(17 + index)}`)).text;
      const escaped = title.replaceAll('&', '&#38;').replaceAll('<', '&#60;').replaceAll('>', '&#62;');
      const whole = escaped.replaceAll('"', '&#34;').replaceAll("'", '&#39;').replaceAll('=', '&#61;');
      assert.ok(list.includes(`<span class="name" dir="auto">${whole}</span>`), title);
      assert.ok(page.includes(`<h1 dir="auto">${whole}</h1>`), title);
      assert.ok(page.includes(`value="${whole}"`), title);
    }
    assert.doesNotMatch(list, /<script>alert/);
  });

  it('cannot break out of an attribute through the search', async () => {
    const { text } = await get(`/videos?q=${encodeURIComponent('"><img src=x onerror=alert(1)>')}`);
    assert.doesNotMatch(text, /<img src=x/);
    assert.match(text, /value="&#34;&#62;&#60;img/);
  });

  it('cannot break out through reason, track name or container', async () => {
    const evil = '"><script>alert(1)</script>';
    const video = fakeVideo(900, Date.now(), {
      status: 'unplayable',
      reason: evil,
      container: evil,
      fileName: evil,
    });
    site.services.videos.push(video);
    const { text } = await get(`/videos/${video.id}`);
    site.services.videos.pop();
    assert.doesNotMatch(text, /<script>alert/);
    assert.equal(text.match(/&#60;script&#62;alert/g)?.length, 3);
  });
});

describe('the library page', () => {
  it('goes through every video by its More link, none twice', async () => {
    const seen: string[] = [];
    let path: string | undefined = '/videos';
    while (path) {
      const { text } = await get(path);
      for (const [, id] of text.matchAll(/<li class="card [^>]*data-id="([^"]+)"/g)) seen.push(id!);
      path = /rel="next" href="([^"]+)"/.exec(text)?.[1]?.replaceAll('&#61;', '=').replaceAll('&#38;', '&');
    }
    const here = site.services.videos.filter((video) => video.binnedAtMs === null).map((video) => video.id);
    assert.deepEqual(seen, here);
  });

  it('keeps the words of a search in its More link', async () => {
    const { text } = await get('/videos?q=2020');
    assert.match(text, /<h1>“2020”<\/h1>/);
    for (const [, title] of text.matchAll(/<span class="name" dir="auto">([^<]*)</g))
      assert.match(title!, /2020/);
  });

  it('says sizes, ages and lengths as people do, in their locale', async () => {
    const english = (await get('/videos', { 'accept-language': 'en' })).text;
    assert.match(english, /<span>3\.9 GB<\/span>/);
    assert.match(english, />14 hours ago<\/time>/);
    assert.match(english, /<span class="length">1:44:12<\/span>/);
    const german = (await get('/videos', { 'accept-language': 'de-DE,de;q=0.9' })).text;
    assert.match(german, /lang="de-DE">vor 14 Stunden<\/time>/);
    assert.match(german, /<span>3,9\sGB<\/span>/);
    assert.equal((await get('/videos', { 'accept-language': 'x'.repeat(5000) })).status, 200);
  });
});

describe('forms', () => {
  it('rename, put in the bin, offer undoing it, and take out again', async () => {
    const id = fakeId(60);
    const renamed = await post(`/videos/${id}/rename`, { title: 'New & <b>bold</b>' });
    assert.equal(renamed.statusCode, 303);
    assert.equal(renamed.headers.location, `/videos/${id}`);
    assert.match((await get(`/videos/${id}`)).text, /New &#38; &#60;b&#62;bold/);
    const binned = await post(`/videos/${id}/delete`, {});
    assert.equal(binned.headers.location, `/videos?binned=${id}`);
    const notice = (await get(`/videos?binned=${id}`)).text;
    assert.match(notice, new RegExp(`<form method="post" action="/videos/${id}/restore">`));
    assert.match((await get('/videos?bin')).text, new RegExp(`data-id="${id}"`));
    assert.equal((await post(`/videos/${id}/restore`, {})).headers.location, `/videos/${id}`);
    assert.doesNotMatch((await get('/videos?bin')).text, new RegExp(`data-id="${id}"`));
  });

  it('remove for good what is in the bin, and nothing else', async () => {
    const id = fakeId(61);
    const refused = await post(`/videos/${id}/remove`, {});
    assert.equal(refused.statusCode, 409);
    assert.match(refused.body, /Only what is in the bin/);
    assert.equal((await get(`/videos/${id}`)).status, 200);
    await post(`/videos/${id}/delete`, {});
    assert.match((await get('/videos?bin')).text, new RegExp(`action="/videos/${id}/remove"`));
    const removed = await post(`/videos/${id}/remove`, {});
    assert.equal(removed.statusCode, 303);
    assert.equal(removed.headers.location, '/videos?bin');
    assert.equal((await get(`/videos/${id}`)).status, 404);
  });

  it('refuse an empty title with a page that says so', async () => {
    const response = await post(`/videos/${fakeId(60)}/rename`, { title: '  ' });
    assert.equal(response.statusCode, 400);
    assert.match(response.body, /A title has between 1 and 500 characters/);
  });

  it('from another site are refused', async () => {
    const response = await post(`/videos/${fakeId(60)}/delete`, {}, { 'sec-fetch-site': 'cross-site' });
    assert.equal(response.statusCode, 403);
    assert.equal((await site.services.library.getVideo(fakeId(60))).binnedAtMs, null);
  });

  it('keep the theme and television mode in cookies that the next page follows', async () => {
    const response = await post('/settings', { theme: 'dark' });
    const cookie = String(response.headers['set-cookie']).split(';', 1)[0]!;
    assert.match((await get('/', { cookie })).text, /<html lang="en" data-theme="dark">/);
    assert.match((await get('/', { cookie: 'kinora-theme="><script>' })).text, /data-theme="system"/);
    const tv = await get('/?tv');
    assert.match(String(tv.headers['set-cookie']), /^kinora-tv=1; Path=\/; Max-Age=31536000/);
    assert.match(tv.text, /<html lang="en" data-theme="system" data-tv>/);
    assert.match(String((await get('/?tv=0')).headers['set-cookie']), /Max-Age=0/);
  });
});

describe('a video’s page', () => {
  it('lists the view before the original, from where one was', async () => {
    const video = site.services.videos[4]!;
    site.services.videos[4] = { ...video, playback: { ...video.playback, originalType: 'video/webm' } };
    const { text } = await get(`/videos/${video.id}`);
    site.services.videos[4] = video;
    const sources = [...text.matchAll(/<source src="([^"]+)" type="([^"]+)"/g)].map((match) => match[1]);
    const start = Math.floor((video.durationMs! * 0.62) / 1000);
    const fragment = `#t&#61;${start}`;
    assert.deepEqual(sources, [
      `/videos/${video.id}/video.mp4${fragment}`,
      `/videos/${video.id}/original${fragment}`,
    ]);
  });

  it('begins where the address says, and ignores what is no time', async () => {
    const id = fakeId(3);
    assert.match((await get(`/videos/${id}?t=83`)).text, /video\.mp4#t&#61;83"/);
    for (const wrong of ['-1', 'x', '1e9', '99999999', '"']) {
      assert.match((await get(`/videos/${id}?t=${encodeURIComponent(wrong)}`)).text, /video\.mp4"/);
    }
  });

  it('that is arriving says how far it is and asks again without scripts', async () => {
    const { text } = await get(`/videos/${fakeId(0)}`);
    assert.match(text, /<noscript><meta http-equiv="refresh" content="5"><\/noscript>/);
    assert.match(
      text,
      /62%<\/span> <span data-part="bytes">2\.6 GB of 4\.2 GB<\/span> <span data-part="left">\d:\d\d left/,
    );
    assert.doesNotMatch(text, /<video/);
  });

  it('that cannot be shown says why and offers the file', async () => {
    const { text } = await get(`/videos/${fakeId(6)}`);
    assert.match(text, /This is an AVI file/);
    assert.match(text, new RegExp(`href="/videos/${fakeId(6)}/original" download`));
    assert.doesNotMatch(text, /<video/);
  });

  it('that is not there is a page with a way on', async () => {
    for (const path of [`/videos/${fakeId(9999)}`, '/videos/..%2f..%2fetc', '/cameras/none']) {
      const { status, text } = await get(path);
      assert.equal(status, 404);
      assert.match(text, /<h1>Not here<\/h1>[\s\S]*href="\/"/);
    }
  });
});
