// Settings: the environment over the file, one clear line for each mistake, and the documents that list them.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { settingList } from '../../src/setting-list.ts';
import { fileKey, readSettings } from '../../src/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'kinora-settings-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function read(environment: Record<string, string>, toml?: string) {
  const path = join(folder, 'kinora.toml');
  if (toml === undefined) rmSync(path, { force: true });
  else writeFileSync(path, toml);
  return readSettings(environment, folder, false);
}

describe('settings', () => {
  test('nothing set gives the documented defaults', () => {
    const config = read({});
    assert.equal(config.server.host, 'localhost');
    assert.equal(config.server.port, 5000);
    assert.equal(config.server.isPortFixed, false);
    assert.equal(config.server.maxPartialBytes, Number.POSITIVE_INFINITY);
    assert.equal(config.data.folder, join(folder, 'data'));
    assert.equal(config.cameras.lingerMs, 10_000);
    assert.deepEqual(config.cameras.list, [
      { id: 'default', name: 'Camera', driver: 'emulated', options: {} },
    ]);
    assert.equal(config.log.format, 'json');
  });

  test('the environment wins over the file, and the file over the defaults', () => {
    const toml = 'port = 7000\nmax_partial_bytes = "64 kB"\n';
    assert.equal(read({ KINORA_PORT: '0' }, toml).server.port, 0);
    assert.equal(read({}, toml).server.port, 7000);
    assert.equal(read({}, toml).server.isPortFixed, true);
    assert.equal(read({}, toml).server.maxPartialBytes, 64_000);
  });

  test('an empty variable is as good as none', () => {
    assert.equal(read({ KINORA_PORT: '' }).server.port, 5000);
  });

  test('cameras stand in the file, with the options of their driver', () => {
    const config = read(
      { CAMERA: './mine.ts' },
      '[[camera]]\nid = "porch"\nname = "Front porch"\ndriver = "mjpeg"\nurl = "http://127.0.0.1/"\nfps = 5\n',
    );
    assert.deepEqual(config.cameras.list, [
      { id: 'default', name: 'Camera', driver: './mine.ts', options: {} },
      { id: 'porch', name: 'Front porch', driver: 'mjpeg', options: { url: 'http://127.0.0.1/', fps: 5 } },
    ]);
  });

  test('the webcam of the old examples is the default camera, by its number or its device', () => {
    const deviceOf = (source?: string) =>
      read({ CAMERA: 'opencv', ...(source && { OPENCV_CAMERA_SOURCE: source }) }).cameras.list[0]!.options
        .device;
    assert.equal(deviceOf(), '/dev/video0');
    assert.equal(deviceOf('2'), '/dev/video2');
    assert.equal(deviceOf('/dev/v4l/by-id/usb-cam-index0'), '/dev/v4l/by-id/usb-cam-index0');
    assert.throws(
      () => deviceOf('/etc/passwd'),
      /^AppError: OPENCV_CAMERA_SOURCE is "\/etc\/passwd", but it takes/,
    );
  });

  const mistakes: [
    name: string,
    environment: Record<string, string>,
    toml: string | undefined,
    says: RegExp,
  ][] = [
    [
      'a misspelt variable',
      { KINORA_PROT: '1' },
      undefined,
      /^KINORA_PROT is not a setting; did you mean KINORA_PORT\?$/,
    ],
    [
      'an unknown variable',
      { KINORA_ELEPHANTS: '1' },
      undefined,
      /^KINORA_ELEPHANTS is not a setting; `kinora --help`/,
    ],
    [
      'a port that is none',
      { KINORA_PORT: '70000' },
      undefined,
      /^KINORA_PORT is "70000", but it takes a whole number from 0/,
    ],
    [
      'a size of nothing',
      { KINORA_MAX_PARTIAL_BYTES: '0' },
      undefined,
      /^KINORA_MAX_PARTIAL_BYTES is "0", but it takes/,
    ],
    [
      'accounts, which come later',
      { KINORA_AUTH: 'accounts' },
      undefined,
      /^KINORA_AUTH is "accounts", but it takes none$/,
    ],
    ['a database, which comes later', { MONGODB_URL: 'mongodb://x' }, undefined, /^MONGODB_URL is set, but/],
    [
      'a file that is not there',
      { KINORA_CONFIG: 'nowhere.toml' },
      undefined,
      /nowhere\.toml cannot be read/,
    ],
    ['a file that is no TOML', {}, 'port = = 3', /is not valid TOML/],
    ['an unknown key', {}, 'prot = 3', /^"prot" in the settings file is not a setting; did you mean port\?/],
    ['a wrong key', {}, 'log = "loud"', /^"log" in the settings file is "loud", but it takes trace, debug/],
    ['a camera with no driver', {}, '[[camera]]\nid = "a"', /number 1 .*"driver" is missing/],
    [
      'a camera with a bad id',
      {},
      '[[camera]]\nid = "A b"\ndriver = "images"',
      /"id" is "A b", but it takes/,
    ],
    [
      'two cameras of one id',
      {},
      '[[camera]]\nid="a"\ndriver="x"\n[[camera]]\nid="a"\ndriver="x"',
      /two cameras with the id "a"/,
    ],
    ['cameras in single brackets', {}, '[camera]\nid="a"', /\[\[camera\]\], twice bracketed/],
  ];
  for (const [name, environment, toml, says] of mistakes) {
    test(`${name} stops the start with one line`, () => {
      assert.throws(
        () => read(environment, toml),
        (error: Error) => {
          assert.match(error.message, says);
          assert.ok(!error.message.includes('\n'), 'one line');
          return true;
        },
      );
    });
  }

  test('ref/configuration.md lists every setting, with its default, and no other', () => {
    const text = readFileSync(new URL('../../ref/configuration.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (?:`([a-z_]+)`)? *\| ([^|]+) \|/gm)].map((row) => [
      row[1],
      row[2] ?? null,
      row[3]?.trim(),
    ]);
    const known = Object.values(settingList).map(({ name, defaultText }) => [
      name,
      fileKey(name),
      defaultText,
    ]);
    assert.deepEqual(
      rows.toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1)),
      known.toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1)),
    );
  });
});
