// Who asks, over a real listener with people in memory: cookies, tokens, a proxy's word; where nobody is led; what other
// sites' pages cannot do; which names this house goes by; what is believed of where somebody is.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { fastify } from 'fastify';
import { type Identity, sessionCookie } from '../../src/accounts/accounts.ts';
import type { Config } from '../../src/config.ts';
import { AppError } from '../../src/errors.ts';
import { createHostCheck } from '../../src/http/hosts.ts';
import { createIdentities } from '../../src/http/identities.ts';
import { installIdentity } from '../../src/http/identity.ts';
import { askerOf, isThisMachine } from '../../src/http/local-request.ts';
import { nextPath } from '../../src/http/next-path.ts';
import { needs } from '../../src/http/permission.ts';
import { createServer } from '../../src/http/server.ts';
import { createProxyCheck } from '../../src/http/trusted-proxies.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { createFakeServices, type FakeOptions } from '../helpers/fake-services.ts';

type Asked = { status: number; headers: Record<string, string | string[] | undefined>; text: string };
type Site = Awaited<ReturnType<typeof startSite>>;

async function startSite(options: FakeOptions, server: Partial<Config['server']> = {}) {
  const fakes = createFakeServices({ videoCount: 3, ...options });
  const config = { ...fakes.config, server: { ...fakes.config.server, ...server } };
  const made = await createServer({ ...fakes, config });
  const url = await made.listen();
  const { port } = new URL(url);
  /** Not `fetch`, which lets nobody say a Host or an Origin of their own. */
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', body = '') =>
    new Promise<Asked>((resolve, reject) => {
      const sent = request({ host: 'localhost', port, path, method, headers, agent: false }, (answer) => {
        let text = '';
        answer.on('data', (piece: Buffer) => {
          text += piece.toString();
        });
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return { ...fakes, url, ask, close: () => made.close() };
}

const page = { accept: 'text/html' };

describe('with accounts', () => {
  let site: Site;
  let cookie: string;
  before(async () => {
    site = await startSite({ mode: 'accounts' });
    cookie = site.accounts.cookieOf(site.accounts.ids.member);
  });
  after(() => site?.close());

  test('a person who is not logged in is led to the log-in and back, a program is told', async () => {
    const led = await site.ask('/videos?q=lake&after=x', page);
    assert.equal(led.status, 303);
    assert.equal(led.headers.location, `/login?next=${encodeURIComponent('/videos?q=lake&after=x')}`);
    assert.equal(led.headers['cache-control'], 'no-store');
    assert.equal((await site.ask('/', page)).headers.location, '/login');
    // A television that is not logged in yet is one already.
    assert.equal((await site.ask('/?tv', page)).headers.location, '/login?next=%2F%3Ftv&tv=1');
    const told = await site.ask('/api/v1/videos');
    assert.equal(told.status, 401);
    assert.equal(told.headers['www-authenticate'], 'Bearer realm="Kinora"');
    assert.match(String(told.headers['content-type']), /problem\+json/);
    // A form that was open while the session ended: a page says so, nothing is repeated by itself.
    assert.equal((await site.ask('/settings', page, 'POST')).status, 401);
  });

  test('a session is its cookie’s, and answers are for its person alone', async () => {
    const answer = await site.ask('/api/v1/me', { cookie });
    assert.equal(JSON.parse(answer.text).id, site.accounts.ids.member);
    const list = await site.ask('/api/v1/videos', { cookie });
    assert.match(String(list.headers['cache-control']), /private/);
    assert.match(String(list.headers.vary), /Cookie/);
    for (const wrong of ['', 'x', 'x'.repeat(5000), '%00', '../../etc/passwd'])
      assert.equal((await site.ask('/api/v1/me', { cookie: `${sessionCookie}=${wrong}` })).status, 401);
  });

  test('a token is taken from its header alone, never from an address, and goes before a cookie', async () => {
    const asker = {
      address: '',
      userAgent: null,
      origin: site.url,
      cookieHeader: null,
      isThisMachine: false,
    };
    const token = { name: 'Script', scopes: ['videos:watch' as const], expiresAtMs: null };
    const { secret } = await site.accounts.addToken(asker, site.accounts.ids.member, token);
    const authorization = `Bearer ${secret}`;
    assert.equal((await site.ask('/api/v1/videos', { authorization })).status, 200);
    for (const name of ['token', 'access_token', 'key', 'bearer', 'authorization'])
      assert.equal((await site.ask(`/api/v1/videos?${name}=${secret}`)).status, 401, name);
    assert.equal((await site.ask('/api/v1/videos', { cookie: `${sessionCookie}=${secret}` })).status, 401);
    // A token that is nobody's is not made good by a cookie; nor is one that may not.
    assert.equal((await site.ask('/api/v1/videos', { authorization: 'Bearer wrong', cookie })).status, 401);
    assert.equal((await site.ask('/api/v1/me', { authorization, cookie })).status, 403);
    const asPage = await site.ask('/videos', { ...page, authorization: 'Bearer wrong' });
    assert.equal(asPage.status, 401, 'a program is not led to a page');
  });

  test('what is open stays so with a cookie that is nobody’s', async () => {
    for (const path of ['/livez', '/forgot', '/api/openapi.json', '/login'])
      assert.equal((await site.ask(path, { cookie: `${sessionCookie}=x`, ...page })).status, 200, path);
  });

  const senders: readonly [string, Record<string, string>, number][] = [
    ['a page of ours', { 'sec-fetch-site': 'same-origin' }, 204],
    ['the address bar', { 'sec-fetch-site': 'none' }, 204],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of a sibling of the same site', { 'sec-fetch-site': 'same-site' }, 403],
    ['an older browser, page of another site', { origin: 'https://evil.example' }, 403],
    ['an older browser, another port of this machine', { origin: 'http://localhost:1' }, 403],
    ['an older browser, a page without an origin', { origin: 'null' }, 403],
    ['an older browser, an origin that is none', { origin: 'http://' }, 403],
    ['no browser', {}, 204],
  ];
  for (const [who, headers, status] of senders) {
    test(`${who} ${status === 403 ? 'changes nothing' : 'may change things'} with somebody’s cookie`, async () => {
      const { id } = site.videos[1]!;
      const json = { 'content-type': 'application/json', cookie };
      const path = `/api/v1/videos/${id}/progress`;
      const answer = await site.ask(path, { ...json, ...headers }, 'PUT', '{"positionMs":1}');
      assert.equal(answer.status, status, answer.text);
    });
  }

  test('a token is brought by hand, so it may be brought from anywhere', async () => {
    const asker = {
      address: '',
      userAgent: null,
      origin: site.url,
      cookieHeader: null,
      isThisMachine: false,
    };
    const token = { name: 'Elsewhere', scopes: ['videos:watch' as const], expiresAtMs: null };
    const { secret } = await site.accounts.addToken(asker, site.accounts.ids.member, token);
    const path = `/api/v1/videos/${site.videos[1]!.id}/progress`;
    const headers = { 'content-type': 'application/json', origin: 'https://elsewhere.example' };
    const put = (authorization: string) =>
      site.ask(path, { ...headers, authorization, cookie }, 'PUT', '{"positionMs":1}');
    assert.equal((await put(`Bearer ${secret}`)).status, 204);
    // And one that is nobody's does not make the cookie do.
    assert.equal((await put('Bearer x')).status, 401);
    assert.equal((await put('Basic eDp4')).status, 403);
  });

  test('JSON comes as JSON: what a form of another site could send is no JSON', async () => {
    const path = `/api/v1/videos/${site.videos[1]!.id}/progress`;
    const forms = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'x/y',
    ];
    for (const type of forms) {
      const answer = await site.ask(path, { cookie, 'content-type': type }, 'PUT', '{"positionMs":1}');
      assert.equal(answer.status, 415, type);
    }
  });

  test('a name that is not ours is not answered to, and the setting for it is named', async () => {
    for (const host of [
      'evil.example',
      'evil.example:5000',
      'localhost.evil.example',
      'a b',
      '@evil',
      '[::g]',
    ]) {
      const answer = await site.ask('/livez', { host });
      assert.equal(answer.status, 421, host);
      if (/^evil/.test(host)) assert.match(answer.text, /KINORA_HOSTS/);
    }
    for (const host of [
      'localhost',
      '127.0.0.1:1',
      '[::1]:1',
      '192.168.1.5',
      'kinora',
      'kinora.local',
      'x.fritz.box',
    ])
      assert.equal((await site.ask('/livez', { host })).status, 200, host);
  });
});

describe('before there is an owner', () => {
  test('everybody is led to where the first account is made', async () => {
    const site = await startSite({ mode: 'accounts', accounts: { isEmpty: true } });
    try {
      assert.equal((await site.ask('/videos', page)).headers.location, '/sign-up');
    } finally {
      await site.close();
    }
  });
});

describe('behind a log-in of one’s own (KINORA_AUTH=header)', () => {
  test('the trusted proxy’s word is the person; a cookie is nothing', async () => {
    const site = await startSite({ mode: 'header' }, { trustedProxies: ['127.0.0.0/8', '::1'] });
    try {
      const ben = await site.ask('/api/v1/me', { 'remote-user': 'ben' });
      assert.equal(JSON.parse(ben.text).id, site.accounts.ids.member);
      assert.equal((await site.ask('/api/v1/me')).status, 401);
      assert.equal((await site.ask('/videos', page)).status, 401, 'there is no log-in here to be led to');
      const cookie = site.accounts.cookieOf(site.accounts.ids.owner);
      assert.equal((await site.ask('/api/v1/me', { cookie })).status, 401);
      assert.equal((await site.ask('/api/v1/me', { 'remote-user': 'x'.repeat(5000) })).status, 401);
    } finally {
      await site.close();
    }
  });

  test('nobody else’s word is', async () => {
    const site = await startSite({ mode: 'header' }, { trustedProxies: ['192.0.2.1'] });
    try {
      const forged = { 'remote-user': 'anna@example.org', 'x-forwarded-for': '192.0.2.1' };
      assert.equal((await site.ask('/api/v1/me', forged)).status, 403);
      assert.equal((await site.ask('/api/v1/people', forged)).status, 403);
      assert.equal((await site.ask('/livez', forged)).status, 200);
    } finally {
      await site.close();
    }
  });
});

test('without accounts everybody is the household, but pages of other sites are still nobody', async () => {
  const site = await startSite({ mode: 'none' });
  try {
    const me = JSON.parse((await site.ask('/api/v1/me')).text);
    assert.deepEqual([me.id, me.role], ['household', 'owner']);
    const foreign = { origin: 'https://evil.example', authorization: 'Bearer x' };
    assert.equal((await site.ask('/settings', foreign, 'POST')).status, 403);
    assert.equal((await site.ask('/livez', { host: 'evil.example' })).status, 421);
  } finally {
    await site.close();
  }
});

test('a route that does not say what it needs stops the start, whoever adds it', async () => {
  const { accounts, config, log, clock } = createFakeServices();
  const app = fastify();
  const routes = installIdentity(
    app,
    { accounts, config, log },
    createIdentities({ accounts, config, clock }),
  );
  app.get('/said', { config: needs('videos:watch') }, () => '');
  assert.deepEqual(
    routes.map(({ method, permission }) => [method, permission]),
    [
      ['GET', 'videos:watch'],
      ['HEAD', 'videos:watch'],
    ],
  );
  assert.throws(() => app.get('/unsaid', () => ''), /GET \/unsaid does not say what it needs/);
  app.register(async (scope) => void scope.post('/plugin', () => ''));
  await assert.rejects(async () => app.ready(), /POST \/plugin does not say/);
});

describe('who asks is remembered for a moment', () => {
  const identity: Identity = {
    viewer: {
      ...{ personId: 'ben', name: 'Ben', role: 'member', scopes: null },
      ...{ sessionId: 's', tokenId: null },
    },
    expiresAtMs: Date.UTC(2026, 0, 1, 13),
    isRenewable: false,
  };
  function setup(mode: Config['auth']['mode'] = 'accounts', server: Partial<Config['server']> = {}) {
    const clock = createFakeClock();
    const state = { revision: 1, asked: 0, found: identity as Identity | null, mayBeOld: [] as unknown[] };
    const { config } = createFakeServices({ videoCount: 0, mode });
    const identities = createIdentities({
      config: { ...config, server: { ...config.server, ...server } },
      clock,
      accounts: {
        identifyNamed: () => Promise.reject(new Error('not by name here')),
        async identify(_credentials, options) {
          state.asked += 1;
          state.mayBeOld.push(options?.mayBeOld);
          return state.found;
        },
        revision: () => state.revision,
      },
    });
    const of = (headers: Record<string, string>, protocol = 'http') =>
      ({ headers, protocol, raw: { socket: { remoteAddress: '127.0.0.1' } } }) as never;
    return { clock, state, identities, of };
  }
  const cookie = { cookie: `other=1; ${sessionCookie}=abc` };

  test('at once, until something changes, for 3 s, and never past the session’s end', async () => {
    const { clock, state, identities, of } = setup();
    assert.deepEqual(await identities.find(of(cookie)), identity);
    // Not a promise: the hot path waits for nothing.
    assert.equal(identities.find(of(cookie)), identity);
    assert.equal(state.asked, 1);
    state.revision += 1;
    await identities.find(of(cookie));
    assert.equal(state.asked, 2);
    await clock.advance(2900);
    assert.equal(identities.find(of(cookie)), identity);
    await clock.advance(200);
    await identities.find(of(cookie));
    assert.equal(state.asked, 3);
    await clock.advance(identity.expiresAtMs - clock.nowMs() - 1000);
    await identities.find(of(cookie));
    await clock.advance(1500);
    state.found = null;
    assert.equal(await identities.find(of(cookie)), null);
    identities.forget(of(cookie));
  });

  test('but not that it is nobody, and one who is asked for by old answers is not let in by them elsewhere', async () => {
    const { state, identities, of } = setup();
    state.found = null;
    await identities.find(of(cookie));
    await identities.find(of(cookie));
    assert.equal(state.asked, 2);
    state.found = identity;
    await identities.find(of(cookie), true);
    await identities.find(of(cookie), false);
    assert.deepEqual(state.mayBeOld, [false, false, true, false]);
  });

  test('within bounds', async () => {
    const { state, identities, of } = setup();
    for (let count = 0; count < 2500; count += 1)
      await identities.find(of({ cookie: `${sessionCookie}=${count}` }));
    await identities.find(of({ cookie: `${sessionCookie}=2499` }));
    assert.equal(state.asked, 2500);
    await identities.find(of({ cookie: `${sessionCookie}=0` }));
    assert.equal(state.asked, 2501);
  });

  test('over HTTPS by the cookie that only HTTPS and this very host can have set', async () => {
    const { state, identities, of } = setup();
    const isAsked = async (header: string, protocol: string) => {
      const before = state.asked;
      await identities.find(of({ cookie: header }, protocol));
      return state.asked > before;
    };
    assert.equal(await isAsked(`${sessionCookie}=planted`, 'https'), false);
    assert.equal(await isAsked(`__Host-${sessionCookie}=real`, 'https'), true);
    assert.equal(await isAsked(`__Host-${sessionCookie}=real2`, 'http'), false);
    const behind = setup('accounts', { publicUrl: 'https://videos.example.org' });
    assert.equal(await behind.identities.find(behind.of({ cookie: `${sessionCookie}=planted` })), null);
  });
});

test('while the accounts are away nothing opens by failing, and what is open stays so', async () => {
  const fakes = createFakeServices({ mode: 'accounts', videoCount: 1 });
  const away = () => Promise.reject(new AppError('unavailable', 'The accounts cannot be reached right now.'));
  const server = await createServer({ ...fakes, accounts: { ...fakes.accounts, identify: away } });
  const url = await server.listen();
  try {
    const headers = { cookie: `${sessionCookie}=x` };
    for (const path of ['/', '/api/v1/videos', '/api/v1/people', `/videos/${fakes.videos[0]!.id}/original`])
      assert.equal((await fetch(url + path, { headers })).status, 503, path);
    assert.equal((await fetch(`${url}/livez`, { headers })).status, 200);
  } finally {
    await server.close();
  }
});

test('after the log-in one is led to a path of ours, and nowhere else', () => {
  for (const path of ['/', '/videos', '/videos?q=a%20b#x', '/videos/0123456789abcdef?t=83', '/@x', '/a//b'])
    assert.equal(nextPath(path), path);
  const hostile = [
    ...[
      '//evil.example',
      '/\\evil.example',
      '\\\\evil',
      '/\\/evil',
      '///evil',
      '/\t/evil',
      '/\n/evil',
      ' //evil',
    ],
    ...['https://evil.example', 'http:/evil', 'javascript:alert(1)', 'data:text/html,x', 'evil.example', ''],
    ...[
      '/..//evil.example',
      '/./\\evil',
      '/x/..//evil',
      '/%0d%0aSet-Cookie',
      '/ü',
      '/a b',
      `/${'x'.repeat(2000)}`,
    ],
    ...[undefined, null, 5, ['/videos'], {}],
  ];
  for (const path of hostile) {
    const next = nextPath(path);
    const { host } = new URL(next, 'http://ours.example');
    assert.equal(host, 'ours.example', String(path));
    assert.match(next, /^\/(?![/\\])/);
    assert.ok(next === '/' || next === '/%0d%0aSet-Cookie', `${path} became ${next}`);
  }
});

test('names of this house', () => {
  const isKnown = createHostCheck({ publicUrl: 'https://videos.example.org', hosts: ['Box.Example.net'] });
  const known = [
    ...[
      'localhost',
      'LOCALHOST:5000',
      'kinora',
      'kinora.',
      'tv.local',
      'a.b.lan',
      'x.home.arpa',
      'my.fritz.box',
    ],
    ...['192.168.1.5:80', '127.0.0.1', '[::1]', '[fe80::1]:5000', 'videos.example.org', 'box.example.net:1'],
  ];
  for (const host of known) assert.ok(isKnown(host), host);
  const others = [
    ...[
      'evil.com',
      'localhost.evil.com',
      'evil.local.com',
      '127.0.0.1.evil.com',
      'xlocal.com',
      'notfritz.box',
    ],
    ...[
      'videos.example.org.evil.com',
      'avideos.example.org',
      '',
      'a/b',
      'a@b',
      '[::1',
      '::1',
      'a:b',
      'a:123456',
    ],
  ];
  for (const host of others) assert.ok(!isKnown(host), host);
  // What was said of some is not said of others once there were many.
  for (let count = 0; count < 300; count += 1) assert.ok(!isKnown(`x${count}.evil.com`));
  assert.ok(isKnown('localhost'));
});

test('peers that are trusted', () => {
  const isTrusted = createProxyCheck(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);
  for (const peer of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', '2001:db8::5'])
    assert.ok(isTrusted(peer), peer);
  for (const peer of ['11.0.0.1', '192.0.2.8', '::1', '2001:db9::1', '', 'x', undefined])
    assert.ok(!isTrusted(peer), String(peer));
  assert.ok(!createProxyCheck([])('127.0.0.1'));
});

describe('this very machine', () => {
  const config = (publicUrl: string | null = null) => ({ server: { publicUrl } }) as Config;
  const from = (remoteAddress: string, headers: Record<string, string>) =>
    ({
      ...{ headers, ip: remoteAddress, host: headers.host ?? '', protocol: 'http' },
      raw: { socket: { remoteAddress } },
    }) as never;

  test('is a loopback address by a loopback name, with nothing in between', () => {
    const host = 'localhost:5000';
    for (const [address, headers] of [
      ['127.0.0.1', { host }],
      ['::1', { host: '[::1]:5000' }],
      ['::ffff:127.0.0.1', { host: '127.0.0.1:5000', origin: 'http://127.0.0.1:5000' }],
    ] as const)
      assert.ok(isThisMachine(from(address, headers), config()), `${address} ${JSON.stringify(headers)}`);
  });

  const others: readonly [string, string, Record<string, string>][] = [
    ['another machine', '192.168.1.7', { host: 'localhost' }],
    ['a name that leads here', '127.0.0.1', { host: 'evil.example' }],
    ['this machine’s name in the network', '127.0.0.1', { host: 'kinora.local' }],
    ['no name', '127.0.0.1', {}],
    ['a page of elsewhere', '127.0.0.1', { host: 'localhost', origin: 'https://evil.example' }],
    ['a page of nowhere', '127.0.0.1', { host: 'localhost', origin: 'null' }],
    ['an origin with a user', '127.0.0.1', { host: 'localhost', origin: 'http://localhost@evil.example' }],
    ...['forwarded', 'x-forwarded-for', 'x-real-ip', 'via', 'x-forwarded-host', 'x-forwarded-proto'].map(
      (name): [string, string, Record<string, string>] => [
        `something in between (${name})`,
        '127.0.0.1',
        { host: 'localhost', [name]: '' },
      ],
    ),
  ];
  for (const [what, address, headers] of others) {
    test(`is not ${what}`, () => assert.ok(!isThisMachine(from(address, headers), config())));
  }
  test('is nobody where a proxy stands in front', () => {
    const request = from('127.0.0.1', { host: 'localhost' });
    assert.ok(!isThisMachine(request, config('https://videos.example.org')));
    assert.equal(askerOf(request, config('https://videos.example.org')).origin, 'https://videos.example.org');
    assert.equal(askerOf(request, config()).origin, 'http://localhost');
  });
  test('an address is one address, however the listener calls it', () => {
    assert.equal(askerOf(from('::ffff:192.168.1.7', { host: 'x' }), config()).address, '192.168.1.7');
    assert.equal(askerOf(from('2001:db8::1', { host: 'x' }), config()).address, '2001:db8::1');
  });
});

describe('what proxies say of where somebody is', () => {
  const forwarded = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'evil.example' };
  test('is believed of trusted ones', async () => {
    const site = await startSite({ mode: 'accounts' }, { trustedProxies: ['127.0.0.1', '::1'] });
    try {
      assert.equal(
        (await site.ask('/livez', forwarded)).status,
        421,
        'the name it was asked by is the outer one',
      );
    } finally {
      await site.close();
    }
  });
  test('and of nobody else', async () => {
    const site = await startSite({ mode: 'accounts' });
    try {
      assert.equal((await site.ask('/livez', forwarded)).status, 200);
    } finally {
      await site.close();
    }
  });
});
