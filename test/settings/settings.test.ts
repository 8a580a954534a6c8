// Settings: the environment over the file, one clear line for each mistake, and the documents that list them.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { settingList } from '../../src/setting-list.ts';
import { fileKey, readSettings } from '../../src/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'kinora-settings-'));
const secret = '0123456789abcdef0123456789abcdef';
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
    assert.deepEqual([...config.roles], ['web', 'auth', 'worker', 'camera']);
    assert.equal(config.server.host, '::');
    assert.equal(config.server.publicUrl, null);
    assert.deepEqual(config.server.hosts, []);
    assert.deepEqual(config.server.trustedProxies, []);
    assert.deepEqual(config.auth, {
      ...{ mode: 'accounts', signUp: 'invite', header: 'remote-user', quotaBytes: null },
      ...{ serviceUrl: null, serviceSecret: null, mail: null, openId: null },
    });
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

  test('nginx sends files only where it is known by its address, and where there are files', () => {
    const nginx = { KINORA_ACCEL: 'nginx' };
    assert.equal(read({}).server.accel, false);
    assert.throws(() => read(nginx), /KINORA_ACCEL=nginx needs KINORA_TRUSTED_PROXIES/);
    const trusted = { ...nginx, KINORA_TRUSTED_PROXIES: '127.0.0.1' };
    assert.equal(read(trusted).server.accel, true);
    assert.throws(
      () => read({ ...trusted, MONGODB_URL: 'mongodb://db.example.org/kinora' }),
      /^AppError: .*MONGODB_URL/,
    );
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

  test('behind its own door it listens on this machine only, unless told otherwise', () => {
    assert.equal(read({ KINORA_AUTH: 'none' }).server.host, 'localhost');
    assert.equal(read({ KINORA_AUTH: 'none', KINORA_HOST: '0.0.0.0' }).server.host, '0.0.0.0');
    assert.equal(read({ KINORA_ROLES: 'auth', KINORA_AUTH_SECRET: secret }).server.host, 'localhost');
    assert.equal(read({ KINORA_AUTH: 'header', KINORA_TRUSTED_PROXIES: '127.0.0.1' }).server.host, '::');
  });

  test('lists have commas between, or are arrays in the file', () => {
    const { server } = read(
      { KINORA_HOSTS: 'Kinora.example.org, tv.example.org' },
      'trusted_proxies = ["10.0.0.0/8", "::1"]\n',
    );
    assert.deepEqual(server.hosts, ['kinora.example.org', 'tv.example.org']);
    assert.deepEqual(server.trustedProxies, ['10.0.0.0/8', '::1']);
  });

  test('the address people use is an origin', () => {
    const urlOf = (url: string) => read({ KINORA_URL: url }).server.publicUrl;
    assert.equal(urlOf('https://Videos.example.org/'), 'https://videos.example.org');
    assert.equal(urlOf('http://192.0.2.7:8080'), 'http://192.0.2.7:8080');
  });

  test('roles are all, auth, or all the others; any of them where a database is shared', () => {
    const rolesOf = (roles: string, more: Record<string, string> = { KINORA_AUTH_SECRET: secret }) =>
      [...read({ KINORA_ROLES: roles, ...more }).roles].sort().join(' ');
    assert.equal(rolesOf('all'), 'auth camera web worker');
    assert.equal(rolesOf('auth, web, camera, worker'), 'auth camera web worker');
    assert.equal(rolesOf('auth'), 'auth');
    const media = read({
      ...{ KINORA_ROLES: 'camera,web,worker', KINORA_AUTH_SECRET: secret },
      KINORA_AUTH_URL: 'http://127.0.0.1:5001',
    });
    assert.deepEqual([...media.roles].sort(), ['camera', 'web', 'worker']);
    assert.equal(String(media.auth.serviceUrl), 'http://127.0.0.1:5001');
    const two = {
      KINORA_ROLES: 'web',
      MONGODB_URL: 'mongodb://127.0.0.1/kinora',
      KINORA_AUTH_SECRET: secret,
    };
    assert.equal(
      read({ ...two, KINORA_AUTH_URL: 'http://10.0.0.7:5000, HTTP://auth-2/' }).auth.serviceUrl,
      'http://10.0.0.7:5000,http://auth-2',
    );
    for (const KINORA_AUTH_URL of ['http://a,', 'http://a http://b', 'http://a,b', 'http://a,http://b/path'])
      assert.throws(() => read({ ...two, KINORA_AUTH_URL }), {
        kind: 'bad-request',
        message: /KINORA_AUTH_URL/,
      });
    assert.equal(rolesOf('web,worker,camera', { KINORA_AUTH: 'none' }), 'camera web worker');
    const shared = { MONGODB_URL: 'mongodb://127.0.0.1/kinora' };
    assert.equal(rolesOf('worker', shared), 'worker');
    assert.equal(rolesOf('camera,worker', shared), 'camera worker');
    assert.equal(rolesOf('auth', shared), 'auth');
    assert.equal(rolesOf('web,auth', shared), 'auth web');
    assert.equal(rolesOf('web', { ...shared, KINORA_AUTH_URL: 'http://auth:5000' }), 'web');
    const server = read({ ...shared, KINORA_ROLES: 'camera', KINORA_SERVICE_URL: 'http://10.0.0.7:5000' });
    assert.equal(server.server.host, '::', 'the others must reach it');
    assert.equal(server.cluster.serviceUrl, 'http://10.0.0.7:5000');
  });

  test('mail and OpenID are sections of their own', () => {
    const { mail, openId } = read({
      ...{ KINORA_SMTP_URL: 'smtp://k:p@mail.example.org:587', KINORA_MAIL_FROM: 'Kinora <k@example.org>' },
      ...{ KINORA_OPENID_ISSUER: 'https://id.example.org/realms/home', KINORA_OPENID_CLIENT_ID: 'kinora' },
      ...{ KINORA_OPENID_CLIENT_SECRET: 's3cret', KINORA_URL: 'https://videos.example.org' },
    }).auth;
    assert.deepEqual(mail, {
      ...{ url: 'smtp://k:p@mail.example.org:587', from: 'Kinora <k@example.org>' },
      origin: 'https://videos.example.org',
    });
    assert.deepEqual(openId, {
      ...{ issuer: 'https://id.example.org/realms/home', clientId: 'kinora', clientSecret: 's3cret' },
      name: 'OpenID',
    });
  });

  test('what a setting with a password was given is not said again', () => {
    for (const name of ['KINORA_AUTH_SECRET', 'KINORA_SMTP_URL']) {
      assert.throws(
        () => read({ [name]: 'hunter2 hunter2' }),
        (error: Error) =>
          error.message.startsWith(`${name} is not right`) && !error.message.includes('hunter2'),
      );
    }
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
      'a way of logging in that is none',
      { KINORA_AUTH: 'basic' },
      undefined,
      /^KINORA_AUTH is "basic", but it takes accounts, none, header$/,
    ],
    [
      'names by a proxy that is not named',
      { KINORA_AUTH: 'header' },
      undefined,
      /needs KINORA_TRUSTED_PROXIES/,
    ],
    [
      'a header that means something else',
      { KINORA_AUTH_HEADER: 'Cookie' },
      undefined,
      /^KINORA_AUTH_HEADER is "Cookie", but it takes/,
    ],
    ['a network that is none', { KINORA_TRUSTED_PROXIES: '10.0.0.0/33' }, undefined, /it takes addresses or/],
    ['an empty place in a list', { KINORA_TRUSTED_PROXIES: '10.0.0.1,' }, undefined, /it takes addresses or/],
    ['a name with a port', { KINORA_HOSTS: 'kinora.example.org:80' }, undefined, /it takes host names/],
    ['an address with a path', { KINORA_URL: 'https://example.org/kinora' }, undefined, /with no path after/],
    [
      'an address with a password',
      { KINORA_URL: 'https://a:b@example.org' },
      undefined,
      /with no path after/,
    ],
    ['an address of another kind', { KINORA_URL: 'ftp://example.org' }, undefined, /with no path after/],
    [
      'a role that is none',
      { KINORA_ROLES: 'web,cook' },
      undefined,
      /it takes all, or of web, auth, worker, camera$/,
    ],
    [
      'roles without the service of the accounts',
      { KINORA_ROLES: 'web,worker,camera', KINORA_AUTH_SECRET: secret },
      undefined,
      /needs KINORA_AUTH_URL and KINORA_AUTH_SECRET/,
    ],
    ['the service without a secret', { KINORA_ROLES: 'auth' }, undefined, /needs KINORA_AUTH_SECRET/],
    [
      'the service of no accounts',
      { KINORA_ROLES: 'auth', KINORA_AUTH: 'none', KINORA_AUTH_SECRET: secret },
      undefined,
      /keeps accounts, and KINORA_AUTH=none has none/,
    ],
    [
      'the address of a service that is not used',
      { KINORA_AUTH_URL: 'http://127.0.0.1:5001', KINORA_AUTH_SECRET: secret },
      undefined,
      /KINORA_AUTH_URL is for a process without the role auth/,
    ],
    ['a short secret', { KINORA_AUTH_SECRET: 'short' }, undefined, /is not right: it takes at least 32/],
    ['a mail server without a sender', { KINORA_SMTP_URL: 'smtp://m' }, undefined, /needs KINORA_MAIL_FROM/],
    [
      'a sender without a mail server',
      { KINORA_MAIL_FROM: 'k@example.org' },
      undefined,
      /needs KINORA_SMTP_URL/,
    ],
    [
      'mails with links to nowhere',
      { KINORA_SMTP_URL: 'smtp://m', KINORA_MAIL_FROM: 'k@example.org' },
      undefined,
      /needs KINORA_URL/,
    ],
    ['half of OpenID', { KINORA_OPENID_CLIENT_ID: 'k' }, undefined, /^OpenID log-in needs .* together$/],
    [
      'an OpenID provider in clear text',
      { KINORA_OPENID_ISSUER: 'http://id.example.org' },
      undefined,
      /begins with https/,
    ],
    ['a database that is none', { MONGODB_URL: 'http://x' }, undefined, /^MONGODB_URL .*mongodb:\/\/host/],
    ['roles without a database', { KINORA_ROLES: 'web' }, undefined, /need MONGODB_URL$/],
    [
      'pages without accounts',
      { KINORA_ROLES: 'web', MONGODB_URL: 'mongodb://x' },
      undefined,
      /needs KINORA_AUTH_URL/,
    ],
    ['an address for nobody', { KINORA_SERVICE_URL: 'http://x' }, undefined, /needs MONGODB_URL$/],
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
