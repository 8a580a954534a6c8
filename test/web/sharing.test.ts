// Sharing on the pages, over fakes with a household of four: who is offered what, the share pages as plain forms, names
// from outside, and in Chromium axe, a phone's width and marks that leave the picture playing.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Role } from '../../src/accounts/permissions.ts';
import { seriousFaults } from '../helpers/axe.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { fakeVideo } from '../helpers/fake-services.ts';
import { type FakeSite, startFakeSite } from '../helpers/fake-site.ts';

let site: FakeSite;
let browser: Browser;
/** Ben's: he is a member. */
let film: string;
let folder: string;

const hostileName = '</bdi><script>alert("folder")</script>';

before(async () => {
  site = await startFakeSite({ mode: 'accounts', videoCount: 30 });
  browser = await launchBrowser();
  const { services } = site;
  const { member } = services.accounts.ids;
  folder = (await services.library.addFolder({ ownerId: member, parentId: null, name: hostileName })).id;
  const video = fakeVideo(800, Date.now(), { ownerId: member, title: 'Ben’s film', folderId: folder });
  film = video.id;
  services.videos.unshift(video);
  await services.library.setAudiences('video', film, []);
});
after(async () => {
  await browser?.close();
  await site?.close();
});

const cookieOf = (role: Role) => site.services.accounts.cookieOf(site.services.accounts.ids[role]);
const get = async (role: Role, path: string) => {
  const response = await site.app.inject({
    url: path,
    headers: { accept: 'text/html', cookie: cookieOf(role) },
  });
  return { status: response.statusCode, text: response.body };
};
const post = (role: Role, path: string, form: URLSearchParams) =>
  site.app.inject({
    ...{ method: 'POST', url: path, payload: form.toString() },
    headers: {
      ...{ accept: 'text/html', cookie: cookieOf(role) },
      'content-type': 'application/x-www-form-urlencoded',
    },
  });

describe('a share page', () => {
  it('says who sees it, through which folder, and takes the household and people by name', async () => {
    const { ids } = site.services.accounts;
    const before = await get('member', `/videos/${film}/share`);
    assert.equal(before.status, 200);
    assert.match(before.text, /<li>You<\/li>[\s\S]*Nobody else\./);
    const form = new URLSearchParams({ person: ids.child });
    const saved = await post('member', `/videos/${film}/share`, form);
    assert.equal(saved.statusCode, 303);
    assert.equal(saved.headers.location, `/videos/${film}/share?saved`);
    const after = await get('member', saved.headers.location!);
    assert.match(after.text, /It is as you said/);
    assert.match(after.text, new RegExp(`name="person" value="${ids.child}" checked`));
    assert.deepEqual(await site.services.library.getAudiences('video', film), [ids.child]);
    await post('member', `/folders/${folder}/share`, new URLSearchParams({ household: '1' }));
    const through = (await get('member', `/videos/${film}/share`)).text;
    assert.match(through, /Everybody in the household but children, through the folder/);
    assert.doesNotMatch(through, /<script>alert/);
    await post('member', `/folders/${folder}/share`, new URLSearchParams());
    await post('member', `/videos/${film}/share`, new URLSearchParams());
    assert.deepEqual(await site.services.library.getAudiences('video', film), []);
  });

  it('refuses somebody who is not here, and keeps what was chosen', async () => {
    const answer = await post(
      'member',
      `/videos/${film}/share`,
      new URLSearchParams({ household: '1', person: 'nobody' }),
    );
    assert.equal(answer.statusCode, 400);
    assert.match(answer.body, /is not here/);
    assert.match(answer.body, /name="household" value="1" checked/);
    assert.match(answer.body, /Who can see it now<\/h2>[\s\S]*?Nobody else\./);
    assert.deepEqual(await site.services.library.getAudiences('video', film), []);
  });

  it('is nobody else’s: not the owner’s of the house, not a guest’s', async () => {
    assert.equal((await get('owner', `/videos/${film}/share`)).status, 404);
    assert.equal((await get('guest', `/videos/${film}/share`)).status, 404);
    await site.services.library.setAudiences('video', film, ['household']);
    assert.equal((await get('owner', `/videos/${film}/share`)).status, 403);
    await site.services.library.setAudiences('video', film, []);
  });

  it('of a camera names people, and owners see it anyway', async () => {
    const page = (await get('owner', '/cameras/garden/share')).text;
    assert.match(page, /The owners of this Kinora<\/li>\s*<li>Everybody in the household but children/);
    assert.doesNotMatch(page, /<bdi>Anna<\/bdi>/);
    await post(
      'owner',
      '/cameras/garden/share',
      new URLSearchParams({ person: site.services.accounts.ids.child }),
    );
    assert.equal((await get('child', '/cameras/garden')).status, 200);
    assert.equal((await get('member', '/cameras/garden')).status, 404);
    assert.doesNotMatch((await get('member', '/cameras')).text, /cameras\/garden/);
    await post('owner', '/cameras/garden/share', new URLSearchParams({ household: '1' }));
    assert.equal((await get('member', '/cameras/garden')).status, 200);
  });
});

describe('without accounts', () => {
  it('there is nobody to share with, and the pages say so', async () => {
    const alone = await startFakeSite({ mode: 'none', videoCount: 1 });
    try {
      const { id } = alone.services.videos[0]!;
      const page = await alone.app.inject({ url: `/videos/${id}`, headers: { accept: 'text/html' } });
      assert.equal(page.statusCode, 200);
      assert.doesNotMatch(page.body, /\/share"|Shared by/);
      const upload = await alone.app.inject({ url: '/upload', headers: { accept: 'text/html' } });
      assert.doesNotMatch(upload.body, /name="share"/);
      const share = await alone.app.inject({ url: `/videos/${id}/share`, headers: { accept: 'text/html' } });
      assert.equal(share.statusCode, 404);
      assert.match(share.body, /This Kinora has no accounts/);
    } finally {
      await alone.close();
    }
  });
});

describe('a video’s page', () => {
  it('offers everything to whose it is, and watching and marks to others', async () => {
    await site.services.library.setAudiences('video', film, ['household']);
    const own = (await get('member', `/videos/${film}`)).text;
    for (const action of ['rename', 'move', 'delete', 'marks'])
      assert.ok(own.includes(`action="/videos/${film}/${action}"`), action);
    assert.match(own, /\/share">[\s\S]{0,400}Shared<\/a>/);
    const others = (await get('guest', `/videos/${film}`)).text;
    assert.match(others, /Shared by <bdi>Ben<\/bdi>/);
    assert.ok(others.includes(`action="/videos/${film}/marks"`));
    for (const action of ['rename', 'move', 'delete'])
      assert.ok(!others.includes(`action="/videos/${film}/${action}"`), action);
    assert.doesNotMatch(others, /\/share"|\/links"/);
    // The folder around it is not shared, so its name is not told.
    assert.doesNotMatch(others, /alert\(/);
    await site.services.library.setAudiences('video', film, []);
  });

  it('keeps marks for each person alone', async () => {
    await site.services.library.setAudiences('video', film, ['household']);
    const answer = await post('guest', `/videos/${film}/marks`, new URLSearchParams({ favourite: '1' }));
    assert.equal(answer.statusCode, 303);
    assert.match(
      (await get('guest', `/videos/${film}`)).text,
      /name="favourite" value="0" aria-pressed="true"/,
    );
    assert.match(
      (await get('member', `/videos/${film}`)).text,
      /name="favourite" value="1" aria-pressed="false"/,
    );
    await site.services.library.setAudiences('video', film, []);
  });
});

describe('the upload page', () => {
  it('offers one’s own folders, the household, and says how much room is left', async () => {
    const page = (await get('member', `/upload?folder=${folder}`)).text;
    assert.match(page, new RegExp(`<option value="${folder}" selected>`));
    assert.match(page, /name="share" value="household"/);
    assert.match(page, /of 50 GB used/);
    assert.doesNotMatch(page, /<script>alert/);
    const child = (await get('child', '/upload')).text;
    assert.doesNotMatch(child, /name="share"/);
    assert.doesNotMatch(child, new RegExp(folder));
  });
});

describe('in Chromium', () => {
  const openAsMember = async () => {
    const page = await browser.newPage();
    const cookies = cookieOf('member').split('=');
    const value = cookies.slice(1).join('=');
    await page.context().addCookies([{ name: cookies[0]!, value, url: site.url }]);
    return page;
  };

  it('nothing that axe calls serious, nothing sideways, targets of 44 pixels, dark and light', async () => {
    const page = await openAsMember();
    for (const path of [
      `/videos/${film}/share`,
      `/folders/${folder}/share`,
      `/videos/${film}`,
      '/upload',
      '/',
    ]) {
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 740 });
        if (width === 360) await page.goto(site.url + path, { waitUntil: 'domcontentloaded' });
        await page.waitForFunction(() => document.documentElement.classList.contains('has-scripts'));
        await page.evaluate(() => {
          for (const more of document.querySelectorAll<HTMLDetailsElement>('details.unfold'))
            more.open = true;
        });
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, path);
        const small = await page.evaluate(() =>
          [
            ...document.querySelectorAll(
              'main a.button, main button, main summary, main select, main .option',
            ),
          ]
            .filter((element) => element.checkVisibility())
            .map((element) => ({
              height: element.getBoundingClientRect().height,
              html: element.outerHTML.slice(0, 90),
            }))
            .filter(({ height }) => height > 0 && height < 43.5),
        );
        assert.deepEqual(small, [], path);
        assert.deepEqual(await seriousFaults(page), [], `${path}, ${width}`);
      }
    }
    await page.context().close();
  });

  it('a mark is kept without leaving the page', async () => {
    const page = await openAsMember();
    await page.goto(`${site.url}/videos/${film}`);
    await page.waitForFunction(() => customElements.get('kinora-marks') !== undefined);
    await page.evaluate(() => Object.assign(window, { isSame: true }));
    const kept = page.waitForResponse((response) => response.url().endsWith('/marks'));
    await page.click('button[name="watched"]');
    assert.equal((await kept).status(), 204);
    await page.waitForSelector('button[name="watched"][aria-pressed="true"]');
    assert.equal(await page.evaluate('window.isSame'), true);
    const marks = await site.services.library.getMarks(site.services.accounts.ids.member, [film]);
    assert.equal(marks.get(film)?.isWatched, true);
    await page.context().close();
  });

  it('where uploads go is remembered for each person, and sent along', async () => {
    const page = await openAsMember();
    await page.goto(`${site.url}/upload`);
    await page.selectOption('#upload-folder', folder);
    await page.check('#upload-share');
    await page.goto(`${site.url}/upload`);
    assert.equal(await page.inputValue('#upload-folder'), folder);
    assert.ok(await page.isChecked('#upload-share'));
    const sent = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith('/api/v1/uploads'),
    );
    await page.goto(`${site.url}/settings`);
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(['x'.repeat(1000)], 'dropped.mkv'));
      document.body.dispatchEvent(
        new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
      );
    });
    const metadata = (await sent).headers()['upload-metadata'] ?? '';
    const value = (name: string) =>
      Buffer.from(new RegExp(`${name} ([\\w+/=]+)`).exec(metadata)?.[1] ?? '', 'base64').toString();
    assert.equal(value('folder'), folder);
    assert.equal(value('share'), 'household');
    await page.waitForSelector('.upload.done .doing:has-text("Here, for the household")');
    await page.context().close();
  });
});
