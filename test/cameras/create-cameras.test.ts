// The cameras of a house: from settings and catalogue, added and removed while the program runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { createCameras } from '../../src/cameras/create-cameras.ts';
import type { CameraSettings } from '../../src/config.ts';
import type { AppError } from '../../src/errors.ts';
import { createCameraCatalogue } from '../helpers/camera-catalogue.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { createPushDriver, numberedJpeg } from '../helpers/push-driver.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const base = {
  clock: createFakeClock(),
  log: pino({ level: 'silent' }),
  dataFolder: await temporaryFolder(),
};
const settings = (...list: CameraSettings[]) => ({ list, lingerMs: 10_000 });
const door: CameraSettings = { id: 'door', name: 'Door', driver: 'emulated', options: {} };

test('cameras of the settings and of the catalogue are listed, none is started', async () => {
  const stored = {
    id: 'shed',
    name: 'Shed',
    driver: 'mjpeg',
    options: { url: 'http://cam.local' },
    addedAtMs: 0,
  };
  const hidden = { ...stored, id: 'door' };
  const cameras = await createCameras({
    ...base,
    settings: settings(door),
    catalogue: createCameraCatalogue([stored, hidden]),
  });
  assert.deepEqual(
    cameras.list().map(({ id, driver, state, isFromSettings }) => ({ id, driver, state, isFromSettings })),
    [
      { id: 'door', driver: 'emulated', state: 'off', isFromSettings: true },
      { id: 'shed', driver: 'mjpeg', state: 'off', isFromSettings: false },
    ],
  );
  assert.equal(cameras.get('attic'), null);
  await cameras.close();
});

test('a wrong camera of the settings stops the start with one sentence that names it', async () => {
  const cases: [Partial<CameraSettings>, RegExp][] = [
    [{ driver: 'webcam' }, /^Camera “door” of the settings: There is no camera driver “webcam”/],
    [{ driver: 'images' }, /needs the option path/],
    [{ driver: 'emulated', options: { fps: -1 } }, /fps is -1; it takes a number from/],
    [{ driver: 'mjpeg', options: { url: 'ftp://anna:s3same@cam' } }, /begins with ftp:/],
    [{ driver: './absent.ts' }, /cannot be loaded/],
    [{ name: '' }, /1 to 200 characters/],
  ];
  for (const [part, says] of cases) {
    await assert.rejects(
      createCameras({
        ...base,
        settings: settings({ ...door, ...part }),
        catalogue: createCameraCatalogue(),
      }),
      (error: AppError) => {
        assert.equal(error.kind, 'bad-request');
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /s3same|\n/);
        return true;
      },
    );
  }
});

test('a wrong camera in the catalogue does not stop the start and says what is wrong when it is watched', async () => {
  const catalogue = createCameraCatalogue([
    { id: 'old', name: 'Old', driver: 'gone', options: {}, addedAtMs: 0 },
  ]);
  const cameras = await createCameras({ ...base, settings: settings(door), catalogue });
  await assert.rejects(cameras.snapshot('old', 1000, new AbortController().signal), {
    kind: 'unavailable',
    message: /no camera driver “gone”/,
  });
  await cameras.close();
});

test('a camera can be added, is stored with its options, and is removed again with its viewers', async () => {
  const catalogue = createCameraCatalogue();
  const driver = createPushDriver();
  const cameras = await createCameras({ ...base, settings: settings(), catalogue, load: async () => driver });
  const changes: string[] = [];
  const stop = cameras.onChange(({ id, state, viewers }) => changes.push(`${id} ${state} ${viewers}`));
  const added = await cameras.add({
    id: 'shed',
    name: 'Shed',
    driver: 'mjpeg',
    options: { url: 'http://cam.local' },
  });
  assert.equal(added.isFromSettings, false);
  assert.deepEqual(catalogue.stored[0]!.options, { url: 'http://cam.local' });
  let ends = 0;
  cameras.watch('shed', { onSample: () => {}, onEnd: () => (ends += 1) });
  await base.clock.settle();
  driver.push(numberedJpeg(1));
  await base.clock.settle();
  await cameras.remove('shed');
  assert.equal(ends, 1);
  assert.equal(driver.stops, 1);
  assert.deepEqual(catalogue.stored, []);
  assert.equal(cameras.get('shed'), null);
  assert.deepEqual(changes, ['shed starting 1', 'shed starting 1', 'shed live 1', 'shed off 0']);
  stop();
  assert.throws(() => cameras.watch('shed', { onSample() {}, onEnd() {} }), { kind: 'not-found' });
  await assert.rejects(cameras.remove('shed'), { kind: 'not-found' });
  await cameras.close();
});

test('what cannot be added is refused with the reason', async () => {
  const cameras = await createCameras({
    ...base,
    settings: settings(door),
    catalogue: createCameraCatalogue(),
  });
  const shed = { id: 'shed', name: 'Shed', driver: 'mjpeg', options: { url: 'http://cam.local' } };
  const cases: [Partial<typeof shed>, string, RegExp][] = [
    [{ id: 'door' }, 'conflict', /already a camera “door”/],
    [{ id: '../door' }, 'bad-request', /is not one/],
    [{ id: 'a'.repeat(65) }, 'bad-request', /1 to 64 small letters/],
    [{ name: 'x'.repeat(201) }, 'bad-request', /1 to 200 characters/],
    [{ driver: '/tmp/evil.ts' }, 'bad-request', /only through the settings file/],
    [{ driver: 'evil.mjs' }, 'bad-request', /only through the settings file/],
    [{ driver: 'webcam' }, 'bad-request', /no camera driver/],
    [{ options: { url: 'file:///etc/passwd' } }, 'bad-request', /http: or https:/],
  ];
  for (const [part, kind, message] of cases) {
    await assert.rejects(cameras.add({ ...shed, ...part }), { kind, message });
  }
  const both = await Promise.allSettled([cameras.add(shed), cameras.add(shed)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await assert.rejects(cameras.remove('door'), { kind: 'conflict', message: /only be removed there/ });
  await cameras.close();
});
