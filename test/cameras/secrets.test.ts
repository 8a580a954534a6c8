// Passwords of cameras: sealed in the catalogue with a key of this house, never shown, kept when something else is
// edited, and never sent to another address than they were given for.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { changedOptions } from '../../src/cameras/camera-options.ts';
import { createCameras } from '../../src/cameras/create-cameras.ts';
import { createSecretBox, isSealed, keyFileName } from '../../src/cameras/secret-box.ts';
import { shownOptions } from '../../src/cameras/secrets.ts';
import type { StoredCamera } from '../../src/catalogue/catalogue.ts';
import { createFileKeys } from '../../src/keys.ts';
import { createCameraCatalogue } from '../helpers/camera-catalogue.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { createPushDriver } from '../helpers/push-driver.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const secretOptions = {
  url: 'http://anna:s3cret@cam.local/video?usr=x&pwd=h1dden',
  password: 'pass-word',
  fps: 5,
  user: 'anna',
};

test('what is secret is sealed, opens again, and nothing of it can be read in between', async () => {
  const folder = await temporaryFolder();
  const box = createSecretBox(createFileKeys(folder));
  const sealed = await box.seal('door', secretOptions);
  assert.ok(isSealed(sealed.url) && isSealed(sealed.password));
  assert.deepEqual([sealed.fps, sealed.user], [5, 'anna']);
  for (const word of ['s3cret', 'h1dden', 'pass-word', 'cam.local'])
    assert.ok(!JSON.stringify(sealed).includes(word) && !JSON.stringify(sealed).includes(btoa(word)));
  assert.deepEqual(await createSecretBox(createFileKeys(folder)).open('door', sealed), secretOptions);
  const again = await box.seal('door', secretOptions);
  assert.notDeepEqual(again, sealed, 'no two are the same');
});

test('the key is made with the first secret, for this user alone, and once however many want it', async () => {
  const folder = await temporaryFolder();
  const boxes = Array.from({ length: 8 }, () => createSecretBox(createFileKeys(folder)));
  await boxes[0]!.seal('door', { fps: 5 });
  assert.deepEqual(await readdir(folder), []);
  const sealed = await Promise.all(boxes.map((box) => box.seal('door', { password: 'abc' })));
  assert.deepEqual(await readdir(folder), [keyFileName]);
  const file = await stat(join(folder, keyFileName));
  assert.equal(file.mode & 0o777, 0o600);
  assert.equal(file.size, 32);
  for (const one of sealed) assert.deepEqual(await boxes[0]!.open('door', one), { password: 'abc' });
});

test('a sealed value opens only where it belongs, whole, and with its key', async () => {
  const folder = await temporaryFolder();
  const box = createSecretBox(createFileKeys(folder));
  const { password } = await box.seal('door', { password: 'abc' });
  assert.ok(isSealed(password));
  const damaged = Buffer.from(password.sealed, 'base64');
  damaged[damaged.length - 1]! ^= 1;
  const cases: [string, Record<string, unknown>][] = [
    ['shed', { password }],
    ['door', { key: password }],
    ['door', { password: { sealed: damaged.toString('base64') } }],
    ['door', { password: { sealed: '' } }],
    ['door', { password: { sealed: password.sealed.slice(0, 20) } }],
  ];
  for (const [id, stored] of cases) {
    await assert.rejects(box.open(id, stored), { kind: 'unavailable', message: /cannot be read any more/ });
  }
  await writeFile(join(folder, keyFileName), randomBytes(32));
  await assert.rejects(
    createSecretBox(createFileKeys(folder)).open('door', { password }),
    /cannot be read any more/,
  );
  await writeFile(join(folder, keyFileName), 'short');
  await assert.rejects(
    createSecretBox(createFileKeys(folder)).open('door', { password }),
    /camera\.key\) cannot be read/,
  );
});

test('what is shown of options has no secret in it, and names those that are set', () => {
  const { options, secrets } = shownOptions(secretOptions);
  assert.deepEqual(options, { url: 'http://cam.local/video?usr=x', fps: 5, user: 'anna' });
  assert.deepEqual(secrets, ['url', 'password']);
});

test('a change keeps what it does not name, also a log-in within an address', () => {
  const cases: [Record<string, unknown>, Record<string, unknown>][] = [
    [{}, secretOptions],
    [{ fps: 9 }, { ...secretOptions, fps: 9 }],
    [{ fps: null }, { url: secretOptions.url, password: 'pass-word', user: 'anna' }],
    [{ url: 'http://cam.local/video?usr=x' }, secretOptions],
    [{ password: 'new' }, { ...secretOptions, password: 'new' }],
    [
      { url: 'http://cam.local/other' },
      { ...secretOptions, url: 'http://anna:s3cret@cam.local/other?pwd=h1dden' },
    ],
    [
      { url: 'http://evil.example/', password: 'new' },
      { ...secretOptions, url: 'http://evil.example/', password: 'new' },
    ],
    [
      { url: 'http://evil.example/', password: null },
      { url: 'http://evil.example/', fps: 5, user: 'anna' },
    ],
  ];
  for (const [changes, expected] of cases) assert.deepEqual(changedOptions(secretOptions, changes), expected);
});

test('a password does not go along to another address unless it is given again', () => {
  for (const url of [
    'http://evil.example/',
    'http://cam.local:8080/',
    'https://cam.local/',
    'rtsp://cam.local/',
  ]) {
    assert.throws(() => changedOptions(secretOptions, { url }), {
      kind: 'bad-request',
      message: 'The address of the camera is another one now: give password again.',
    });
  }
});

async function setUp(stored: StoredCamera[] = [], folder?: string) {
  const catalogue = createCameraCatalogue(stored);
  const driver = createPushDriver();
  const seen: Record<string, unknown>[] = [];
  const dataFolder = folder ?? (await temporaryFolder());
  const lines: string[] = [];
  const cameras = await createCameras({
    settings: {
      list: [{ id: 'door', name: 'Door', driver: 'x', options: { password: 'abc' } }],
      lingerMs: 0,
    },
    ...{ catalogue, dataFolder, clock: createFakeClock() },
    log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
    load: async () => ({
      ...driver,
      samples(options, context) {
        seen.push(options);
        return driver.samples(options, context);
      },
    }),
  });
  return { cameras, catalogue, seen, dataFolder, lines };
}

const ignore = { onSample() {}, onEnd() {} };
const turn = () => new Promise(setImmediate);

test('an added camera is stored sealed, runs with its password after a restart, and can be edited without it', async () => {
  const first = await setUp();
  await first.cameras.add({ id: 'shed', name: 'Shed', driver: 'mjpeg', options: secretOptions });
  assert.ok(!JSON.stringify(first.catalogue.stored).match(/s3cret|h1dden|pass-word/));
  await first.cameras.close();

  const { cameras, catalogue, seen, lines } = await setUp(first.catalogue.stored, first.dataFolder);
  assert.deepEqual(cameras.setup('shed')!.options, shownOptions(secretOptions).options);
  const edited = await cameras.edit('shed', { name: 'Old shed', options: { fps: 2 } });
  assert.equal(edited.name, 'Old shed');
  cameras.watch('shed', ignore);
  await turn();
  assert.deepEqual(seen, [{ ...secretOptions, fps: 2 }]);
  await cameras.close();
  assert.ok(!JSON.stringify([catalogue.stored, lines]).match(/s3cret|h1dden|pass-word/));
});

test('a camera stored before passwords were sealed is sealed at the next start', async () => {
  const { cameras, catalogue, seen } = await setUp([
    { id: 'shed', name: 'Shed', driver: 'mjpeg', options: { password: 'plain' }, addedAtMs: 1 },
  ]);
  assert.ok(isSealed(catalogue.stored[0]!.options.password));
  cameras.watch('shed', ignore);
  await turn();
  assert.deepEqual(seen, [{ password: 'plain' }]);
  await cameras.close();
});

test('without its key a camera stays listed, says what is wrong, and works again once given its password', async () => {
  const first = await setUp();
  await first.cameras.add({
    id: 'shed',
    name: 'Shed',
    driver: 'mjpeg',
    options: { password: 'abc', fps: 5 },
  });
  await first.cameras.close();
  const { cameras, seen, dataFolder } = await setUp(first.catalogue.stored);
  await writeFile(join(dataFolder, keyFileName), randomBytes(32), { mode: 0o600 });
  cameras.watch('shed', ignore);
  for (let i = 0; i < 5; i += 1) await turn();
  assert.match(cameras.get('shed')!.message!, /stored password of this camera cannot be read any more/);
  await cameras.edit('shed', { options: { password: 'abc' } });
  for (let i = 0; i < 5; i += 1) await turn();
  assert.deepEqual(seen, [{ password: 'abc', fps: 5 }]);
  assert.equal((await readFile(join(dataFolder, keyFileName))).length, 32);
  await cameras.close();
});

test('cameras of the settings cannot be looked into or edited', async () => {
  const { cameras } = await setUp();
  assert.equal(cameras.setup('door'), null);
  await assert.rejects(cameras.edit('door', { name: 'x' }), { kind: 'conflict' });
  await assert.rejects(cameras.edit('attic', { name: 'x' }), { kind: 'not-found' });
  await cameras.close();
});
