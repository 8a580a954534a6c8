// Adding, editing, trying out and removing cameras in the page, over the real cameras: as a person without scripts
// does it, and as one who writes requests by hand.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fastify } from 'fastify';
import pino from 'pino';
import { household } from '../../src/accounts/permissions.ts';
import type { Cameras } from '../../src/cameras/cameras.ts';
import { createCameras } from '../../src/cameras/create-cameras.ts';
import { isSealed } from '../../src/cameras/secret-box.ts';
import { systemClock } from '../../src/clock.ts';
import { installErrors } from '../../src/http/errors.ts';
import { pageRoutes } from '../../src/http/routes/pages.ts';
import { cameraKinds, idOfName } from '../../src/web/camera-fields.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { createCameraCatalogue } from '../helpers/camera-catalogue.ts';
import { createFakeServices } from '../helpers/fake-services.ts';
import { installFakeViewer } from '../helpers/fake-viewer.ts';
import { startMjpegCamera } from '../helpers/mjpeg-camera.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

type Site = { readonly url: string; readonly cameras: Cameras; readonly stored: Record<string, unknown>[] };

async function startSite(): Promise<Site> {
  const catalogue = createCameraCatalogue();
  const log = pino({ level: 'silent' });
  const cameras = await createCameras({
    settings: { list: [{ id: 'porch', name: 'Porch', driver: 'emulated', options: {} }], lingerMs: 0 },
    ...{ catalogue, log, clock: systemClock, dataFolder: await temporaryFolder() },
    discovery: { onvif: { interfaces: [], searchMs: 0 }, deviceFolder: '/nonexistent' },
  });
  const services = { ...createFakeServices(), cameras, log };
  const app = fastify({ forceCloseConnections: true });
  installErrors(app, services);
  installFakeViewer(app, household);
  await pageRoutes(app, services);
  await app.listen({ host: '127.0.0.1', port: 0 });
  after(async () => {
    await cameras.close();
    await app.close();
  });
  const { port } = app.server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, cameras, stored: catalogue.stored };
}

async function ask(site: Site, path: string, form?: Record<string, string>) {
  const response = await fetch(`${site.url}${path}`, {
    redirect: 'manual',
    headers: { accept: 'text/html' },
    ...(form && { method: 'POST', body: new URLSearchParams(form) }),
  });
  const { status, headers } = response;
  return { status, headers, location: headers.get('location'), text: await response.text() };
}

const door = {
  ...{ driver: 'mjpeg', name: 'Front "door"', url: 'http://anna:inUrl@cam.local/video' },
  ...{ user: 'anna', password: 'inField' },
};

test('the first page offers every kind, and each kind has a form that says what is needed', async () => {
  const site = await startSite();
  const { text } = await ask(site, '/cameras/add');
  for (const { driver, name, fields } of cameraKinds) {
    assert.ok(text.includes(`href="/cameras/add?driver=${driver}"`) && text.includes(name));
    const form = await ask(site, `/cameras/add?driver=${driver}`);
    assert.equal(form.status, 200);
    for (const field of fields) assert.match(form.text, new RegExp(`<label for="${field.name}">`));
  }
  assert.equal((await ask(site, '/cameras/add?driver=webcam')).status, 400);
  assert.equal((await ask(site, '/cameras/add?driver=__proto__')).status, 400);
});

test('the options that a form can give are options that the drivers know', async () => {
  const { loadDriver } = await import('../../src/cameras/registry.ts');
  for (const { driver, fields } of cameraKinds) {
    const { checkOptions } = await loadDriver(driver);
    for (const { name } of fields) {
      try {
        checkOptions!({ [name]: {} });
        assert.fail(`${driver} takes nonsense as ${name}`);
      } catch (error) {
        assert.doesNotMatch((error as Error).message, /has no option/, `${driver} ${name}`);
      }
    }
  }
});

test('a camera is added by its name, its password sealed, and its page comes next', async () => {
  const site = await startSite();
  const added = await ask(site, '/cameras/add', door);
  assert.deepEqual([added.status, added.location], [303, '/cameras/front-door']);
  const [stored] = site.stored as { name: string; options: Record<string, unknown> }[];
  assert.equal(stored!.name, 'Front "door"');
  assert.ok(isSealed(stored!.options.password) && isSealed(stored!.options.url));
  const again = await ask(site, '/cameras/add', door);
  assert.equal(again.location, '/cameras/front-door-2');
});

test('what was sent wrong comes back with the reason and without its password', async () => {
  const site = await startSite();
  const cases: [Record<string, string>, number, RegExp][] = [
    [{ ...door, url: 'file:///etc/passwd' }, 400, /begins with file:; it takes http: or https:/],
    [{ ...door, name: '  ' }, 400, /name of a camera has 1 to 200 characters/],
    [{ driver: 'test', name: 'Test', fps: 'fast' }, 400, /Pictures a second takes a number/],
    [{ driver: 'test', name: 'Test', fps: '1e9' }, 400, /it takes a number from/],
  ];
  for (const [form, status, says] of cases) {
    const { status: answered, text } = await ask(site, '/cameras/add', form);
    assert.equal(answered, status);
    assert.match(text, /role="alert"/);
    assert.match(text, says);
    assert.ok(!text.includes('inField'));
    assert.ok(text.includes(form.name!.replaceAll('"', '&#34;')) || text.includes(form.name!));
  }
  assert.deepEqual(site.stored, []);
});

test('editing shows no secret, keeps what is left empty, and forgets what it is told to', async () => {
  const site = await startSite();
  await ask(site, '/cameras/add', door);
  const page = await ask(site, '/cameras/front-door/edit');
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('cache-control'), 'no-store');
  assert.ok(!/inUrl|inField/.test(page.text));
  assert.ok(page.text.includes('value="http://cam.local/video"'));
  assert.match(page.text, /One is set\. Leave it empty to keep it\./);
  assert.match(page.text, /A log-in is part of it/);

  const same = { driver: 'mjpeg', name: 'Door', url: 'http://cam.local/video', user: 'anna', password: '' };
  assert.equal((await ask(site, '/cameras/front-door/edit', same)).location, '/cameras/front-door');
  assert.equal(site.cameras.get('front-door')!.name, 'Door');
  assert.deepEqual(site.cameras.setup('front-door')!.secrets, ['url', 'password']);

  const moved = await ask(site, '/cameras/front-door/edit', { ...same, url: 'http://evil.example/' });
  assert.equal(moved.status, 400);
  assert.match(moved.text, /give password again/);
  assert.ok(moved.text.includes('value="http://evil.example/"'));

  await ask(site, '/cameras/front-door/edit', { ...same, user: '', forget: 'password' });
  const setup = site.cameras.setup('front-door')!;
  assert.deepEqual(setup.secrets, ['url']);
  assert.equal(setup.options.user, undefined);
});

test('a camera is removed; one of the settings is neither edited nor removed', async () => {
  const site = await startSite();
  await ask(site, '/cameras/add', door);
  assert.equal((await ask(site, '/cameras/front-door/remove', {})).location, '/cameras');
  assert.equal((await ask(site, '/cameras/front-door/edit')).status, 404);
  for (const [path, form] of [
    ['/cameras/porch/edit', undefined],
    ['/cameras/porch/edit', door],
    ['/cameras/porch/remove', {}],
  ] as const) {
    assert.equal((await ask(site, path, form)).status, 409, path);
  }
  assert.ok(!(await ask(site, '/cameras/porch')).text.includes('/edit'));
});

test('a device that is not there says so where its sizes would be listed', async () => {
  const site = await startSite();
  const { text, status } = await ask(site, '/cameras/add/modes', { driver: 'v4l2', device: '/dev/video<b>' });
  assert.ok(status >= 400);
  assert.match(text, /class="outcome bad"/);
  assert.ok(!text.includes('<b>'));
  assert.match((await ask(site, '/cameras/add?driver=v4l2')).text, /What it offers/);
});

test('what a link or a neighbour writes into the form stays text', async () => {
  const site = await startSite();
  const hostile = '"><script>alert(1)</script>';
  const query = new URLSearchParams({ driver: 'rtsp', name: hostile, url: hostile, password: 'planted' });
  const { text } = await ask(site, `/cameras/add?${query}`);
  assert.ok(!text.includes('<script>alert'));
  assert.ok(!text.includes('planted'), 'a link cannot fill a password');
  const looked = await ask(site, '/cameras/add?find');
  assert.match(looked.text, /Nothing answered/);
});

test('a name becomes an id of its own', () => {
  const ids: [string, string][] = [
    ['Front door', 'front-door'],
    ['Über-Garten № 2', 'uber-garten-2'],
    ['日本', 'camera'],
    ['--', 'camera'],
    ['x'.repeat(100), 'x'.repeat(40)],
  ];
  for (const [name, id] of ids)
    assert.equal(
      idOfName(name, () => false),
      id,
    );
  const taken = new Set(['door', 'door-2']);
  assert.equal(
    idOfName('Door', (id) => taken.has(id)),
    'door-3',
  );
});

/** A whole gray picture of 8 × 8 (ITU-T T.81), small enough to stand here. */
const grayJpeg = Buffer.from(
  '/9j/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q==',
  'base64',
);

test('without scripts a camera is tried out beside the form, which keeps what was typed, and then added', async () => {
  const camera = await startMjpegCamera((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n');
    for (let i = 0; i < 2; i += 1) {
      socket.write(`--x\r\nContent-Type: image/jpeg\r\nContent-Length: ${grayJpeg.length}\r\n\r\n`);
      socket.write(grayJpeg);
      socket.write('\r\n');
    }
  });
  const site = await startSite();
  const browser = await launchBrowser();
  try {
    const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await page.goto(`${site.url}/cameras/add`);
    await page.getByRole('link', { name: /Web camera page/ }).click();
    await page.getByLabel('Name', { exact: true }).fill('Shed');
    await page.getByLabel('Address').fill('http://127.0.0.1:1/');
    await page.getByLabel('Password').fill('secret');
    await page.getByRole('button', { name: 'Try it out' }).click();
    const frame = page.frameLocator('iframe[name=test]');
    await frame.getByText('Nothing answers at the camera’s address.').waitFor();
    await page.getByLabel('Address').fill(camera.url);
    await page.getByRole('button', { name: 'Try it out' }).click();
    await frame.getByText('The camera works: JPEG pictures of 8 × 8.').waitFor();
    const width = await frame
      .locator('img')
      .evaluate((img) => (img as unknown as { naturalWidth: number }).naturalWidth);
    assert.equal(width, 8, 'the picture is shown');
    assert.equal(await page.getByLabel('Password').inputValue(), 'secret');
    await page.getByRole('button', { name: 'Add the camera' }).click();
    await page.getByRole('heading', { name: 'Shed' }).waitFor();
    assert.ok(site.cameras.get('shed'));
    await page.getByRole('link', { name: 'Edit' }).click();
    assert.equal(await page.getByLabel('Password').inputValue(), '');
    await page.getByText('Remove this camera').click();
    await page.getByRole('button', { name: 'Remove Shed' }).click();
    await page.getByRole('heading', { name: 'Cameras' }).waitFor();
    assert.equal(site.cameras.get('shed'), null);
  } finally {
    await browser.close();
    await camera.close();
  }
});
