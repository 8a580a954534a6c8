// The pages of people as text: who is shown what, what a form answers, what is shown once, what nobody keeps.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encode } from 'uqr';
import { auditActions } from '../../src/accounts/accounts.ts';
import type { Role } from '../../src/accounts/permissions.ts';
import { actionWords, auditKinds } from '../../src/web/pages/audit-page.ts';
import { qrCode } from '../../src/web/qr-code.ts';
import { browserName } from '../../src/web/user-agent.ts';
import { fakePassword, fakeSetupCode } from '../helpers/fake-accounts.ts';
import { type FakeDoor, fakeAsker, hostileNames, startFakeDoor } from '../helpers/fake-door.ts';
import { type FakeSite, startFakeSite } from '../helpers/fake-site.ts';
import { doorPages } from '../look/door-pages.ts';

let door: FakeDoor;
before(async () => {
  door = await startFakeDoor();
});
after(() => door.close());

type Ask = {
  readonly as?: Role;
  readonly form?: Record<string, string | string[]>;
  readonly site?: FakeSite;
};

async function ask(path: string, { as, form, site = door.site }: Ask = {}) {
  const cookie = as ? door.session(as) : null;
  const fields = Object.entries(form ?? {}).flatMap(([name, value]) =>
    [value].flat().map((each) => [name, each]),
  );
  const answer = await site.app.inject({
    url: path,
    method: form ? 'POST' : 'GET',
    headers: {
      accept: 'text/html',
      ...(cookie && { cookie: `${cookie.name}=${cookie.value}` }),
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(form && { payload: new URLSearchParams(fields).toString() }),
  });
  const { statusCode: status, headers, body: text } = answer;
  return { status, headers, text, location: headers.location, cookies: answer.cookies };
}

describe('every page of people', () => {
  for (const entry of doorPages) {
    it(`${entry.name} has its landmarks and nothing inline, and is kept by nobody but where it may be`, async () => {
      const { text, status, headers } = await ask(entry.path(door), {
        ...(entry.who !== 'nobody' && entry.who !== 'first' && { as: entry.who }),
        ...(entry.who === 'first' && { site: door.first }),
      });
      assert.equal(status, entry.status);
      for (const landmark of ['header', 'main', 'h1', 'title'])
        assert.equal(text.match(new RegExp(`<${landmark}[\\s>]`, 'g'))?.length, 1, landmark);
      assert.doesNotMatch(text, /undefined|\[object|NaN/);
      assert.doesNotMatch(text, /<script(?![^>]*\ssrc=)|<[^>]*\sstyle=|<style|<[^>"']*\son\w+=/);
      // The places of the library may be kept by one's own browser; who may see what, and the door, by none.
      const isPlace = /^(home|videos?|upload|error|settings)-/.test(entry.name);
      if (!isPlace) assert.match(headers['cache-control'] ?? '', /no-store/);
      const ids = [...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
      assert.equal(new Set(ids).size, ids.length, `ids stand once: ${ids}`);
      for (const [, described] of text.matchAll(/aria-(?:describedby|labelledby)="([^"]+)"/g))
        for (const id of described!.split(' ')) assert.ok(ids.includes(id), `${id} is there`);
    });
  }

  it('shows nobody more than the brand, and people the places that are open to them', async () => {
    const { text } = await ask('/login');
    assert.doesNotMatch(text, /<nav|type="search"|kinora-uploads|details class="account"/);
    const placesOf = async (as: Role) =>
      [
        ...(await ask('/', { as })).text.matchAll(/<a href="\/(videos|cameras|upload|settings)"[^>]*><svg/g),
      ].map(([, place]) => place);
    assert.deepEqual(await placesOf('guest'), ['videos', 'cameras', 'settings']);
    for (const role of ['owner', 'member', 'child'] as const)
      assert.deepEqual(await placesOf(role), ['videos', 'cameras', 'upload', 'settings'], role);
    const menuOf = async (as: Role) => (await ask('/', { as })).text.includes('href="/people"');
    assert.deepEqual([await menuOf('owner'), await menuOf('member')], [true, false]);
  });

  it('writes names as text, wherever they stand', async () => {
    for (const [index, name] of hostileNames.entries()) {
      const { accounts } = door.site.services;
      const [key, value] = accounts.cookieOf(door.hostileIds[index === 1 ? 0 : index]!).split('=');
      const shown = index === 1 ? hostileNames[0]! : name;
      const pages = await Promise.all(
        ['/', '/account', '/settings'].map((url) =>
          door.site.app.inject({ url, headers: { accept: 'text/html', cookie: `${key}=${value}` } }),
        ),
      );
      const escaped = shown.replaceAll('<', '&#60;').replaceAll('>', '&#62;').replaceAll('"', '&#34;');
      for (const { body } of pages) {
        assert.ok(body.includes(escaped.slice(0, 20)), shown);
        assert.doesNotMatch(body, /<script>alert/);
      }
    }
    for (const path of ['/people', '/audit', '/account/tokens']) {
      const { text } = await ask(path, { as: 'owner' });
      assert.doesNotMatch(text, /<script>alert/);
      assert.match(text, /&#60;script&#62;alert/, path);
    }
  });
});

describe('the log-in', () => {
  it('goes on where it was wanted, never to another site', async () => {
    const goesTo = async (next: string) =>
      (await ask('/login', { form: { login: 'ben', password: fakePassword, next } })).location;
    assert.equal(await goesTo('/videos?q=a'), '/videos?q=a');
    for (const next of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      '\t//e',
    ])
      assert.equal(await goesTo(next), '/', next);
    const hidden = (await ask('/login?next=//evil.example')).text;
    assert.doesNotMatch(hidden, /evil/);
  });

  it('sets the session as a cookie that scripts cannot read, and says nothing of the password', async () => {
    const done = await ask('/login', { form: { login: 'ben', password: fakePassword } });
    assert.equal(done.status, 303);
    const cookie = done.cookies.find(({ name }) => name === 'kinora.session') as { httpOnly?: boolean };
    assert.equal(cookie.httpOnly, true);
    const wrong = await ask('/login', { form: { login: '"><b>', password: 'secret<i>' } });
    assert.equal(wrong.status, 401);
    assert.doesNotMatch(wrong.text, /secret|<b>/);
    assert.match(wrong.text, /value="&#34;&#62;&#60;b&#62;"/);
  });

  it('says when to try again where there were too many', async () => {
    let last = await ask('/login', { form: { login: 'kim', password: 'wrong' } });
    for (let tries = 0; tries < 10 && last.status !== 429; tries += 1)
      last = await ask('/login', { form: { login: 'kim', password: 'wrong' } });
    assert.equal(last.status, 429);
    assert.equal(last.headers['retry-after'], '120');
    assert.match(last.text, /role="alert"[\s\S]*Try again in 2 minutes\./);
  });

  it('is passed by who is in already, and by nobody where there is no owner yet', async () => {
    assert.equal((await ask('/login?next=/cameras', { as: 'child' })).location, '/cameras');
    assert.equal((await ask('/login', { site: door.first })).location, '/sign-up');
  });

  it('is at the proxy where that names people, and nowhere where everybody is everybody', async () => {
    const proxied = await startFakeSite({ mode: 'header' });
    const open = await startFakeSite();
    try {
      assert.match((await ask('/login', { site: proxied })).text, /told by the log-in page in front/);
      assert.equal((await ask('/login', { site: open })).location, '/');
      const settings = (await ask('/settings', { site: open })).text;
      assert.match(
        settings,
        /class="warning"[\s\S]*The door is open\.[\s\S]*KINORA_AUTH&#61;none|KINORA_AUTH=none/,
      );
      assert.doesNotMatch(settings, /details class="account"/);
      for (const path of ['/account', '/account/tokens', '/account/remove', '/tv'])
        assert.equal((await ask(path, { site: open })).status, 404, path);
    } finally {
      await proxied.close();
      await open.close();
    }
  });
});

describe('another log-in', () => {
  const plain = (address: string) => address.replaceAll('&#61;', '=').replaceAll('&#38;', '&');
  const stateOf = (location: unknown) => JSON.parse(new URL(String(location)).searchParams.get('state')!);

  it('is offered, keeps where one wanted to go, and brings an invitation along', async () => {
    assert.ok(
      plain((await ask('/login?next=/cameras')).text).includes('href="/login/openid?next=%2Fcameras"'),
    );
    const { text } = await ask(`/sign-up?invite=${door.inviteSecret}`);
    const [, address] = /href="(\/login\/openid[^"]+)"/.exec(text) ?? [];
    const gone = await ask(plain(address!));
    assert.equal(gone.status, 303);
    assert.deepEqual(stateOf(gone.location), { next: '/', invite: door.inviteSecret, connects: false });
    const kept = await ask('/login/openid?next=//evil.example');
    assert.equal(stateOf(kept.location).next, '/');
  });

  it('that failed says why', async () => {
    for (const after of ['openid-failed', 'openid-closed', 'openid-connect', 'openid-taken'])
      assert.match((await ask(`/login?after=${after}`)).text, /role="alert" id="problem"/, after);
    assert.doesNotMatch((await ask('/login?after=constructor')).text, /id="problem"|role="status"/);
  });

  it('is connected with the password, by a link and not by a form', async () => {
    const wrong = await ask('/account/openid', { as: 'member', form: { password: 'wrong' } });
    assert.equal(wrong.status, 401);
    assert.match(wrong.text, /id="openid-password-error"/);
    const right = await ask('/account/openid', { as: 'member', form: { password: fakePassword } });
    const [, address] = /<a class="button primary" href="(https:[^"]+)"/.exec(right.text) ?? [];
    assert.deepEqual(stateOf(plain(address!)), {
      next: '/account?done=openid',
      invite: null,
      connects: true,
    });
    assert.ok(right.cookies.some(({ name }) => name === 'state'));
  });
});

describe('signing up', () => {
  const account = { name: 'Ada', login: 'ada', password: fakePassword };

  it('tells beside the field what is wrong, and keeps all but the password', async () => {
    const cases: [Partial<typeof account>, string][] = [
      [{ password: 'short' }, 'password-error'],
      [{ login: 'a b' }, 'login-error'],
      [{ name: ' ' }, 'name-error'],
      [{ login: 'ben' }, 'login-error'],
    ];
    for (const [change, id] of cases) {
      const form = { ...account, ...change, invite: door.inviteSecret };
      const { text, status } = await ask('/sign-up', { form });
      assert.ok(status === 400 || status === 409, `${status}`);
      assert.ok(text.includes(`id="${id}"`), id);
      assert.ok(text.includes(`aria-describedby="${id}`), id);
      assert.equal(text.match(/autofocus/g)?.length, 1);
      assert.ok(!text.includes(form.password));
    }
  });

  it('takes the code of the console from elsewhere, and an invitation once', async () => {
    const first = await startFakeSite({ mode: 'accounts', accounts: { isEmpty: true } });
    try {
      const remote = (form: Record<string, string>) =>
        first.app.inject({
          ...{ method: 'POST', url: '/sign-up', payload: new URLSearchParams(form).toString() },
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-real-ip': '203.0.113.1' },
        });
      assert.match((await remote(account)).body, /id="code-error"/);
      assert.equal((await remote({ ...account, code: fakeSetupCode })).statusCode, 303);
    } finally {
      await first.close();
    }
    const invited = await ask('/sign-up', {
      form: { ...account, invite: door.inviteSecret, next: '/cameras' },
    });
    assert.deepEqual([invited.status, invited.location], [303, '/cameras']);
    const again = await ask('/sign-up', { form: { ...account, login: 'ada2', invite: door.inviteSecret } });
    assert.equal(again.status, 403);
    assert.match(again.text, /holds no more/);
  });

  it('judges a password without a page, and not without end', async () => {
    const judged = await ask('/sign-up/strength', { form: { password: 'password', about: ['Ada', 'ada'] } });
    assert.deepEqual(Object.keys(JSON.parse(judged.text)).sort(), ['isEnough', 'reason', 'score']);
    assert.equal(judged.headers['cache-control'], 'no-store');
    let status = 200;
    for (let tries = 0; tries < 100 && status === 200; tries += 1)
      ({ status } = await ask('/sign-up/strength', { form: { password: 'password' } }));
    assert.equal(status, 429);
  });
});

describe('what is shown once', () => {
  it('a token: after it was made, and not in the list', async () => {
    const made = await ask('/account/tokens', {
      ...{
        as: 'member',
        form: { name: 'Backup', scope: ['videos:watch', 'videos:add', 'nonsense'], days: '7' },
      },
    });
    assert.equal(made.status, 200);
    const [, secret] = /value="(kinora_[\w-]+)"/.exec(made.text) ?? [];
    assert.ok(secret);
    assert.ok(!(await ask('/account/tokens', { as: 'member' })).text.includes(secret));
    const { accounts } = door.site.services;
    const [token] = await accounts.listTokens(accounts.ids.member);
    assert.deepEqual(token?.scopes, ['videos:watch', 'videos:add']);
    const days = (token!.expiresAtMs! - Date.now()) / 86_400_000;
    assert.ok(days > 6.9 && days <= 7, `${days}`);
    const none = await ask('/account/tokens', { as: 'member', form: { name: 'Nothing', days: '7' } });
    assert.equal(none.status, 400);
    const removed = await ask('/account/tokens/remove', { as: 'guest', form: { id: token!.id } });
    assert.equal(removed.status, 303);
    assert.equal((await accounts.listTokens(accounts.ids.member)).length, 1, 'of somebody else it stays');
  });

  it('a link to a new password: it works, and ends the sessions', async () => {
    const { accounts } = door.site.services;
    const session = accounts.cookieOf(accounts.ids.guest);
    const page = await ask(`/people/${accounts.ids.guest}/reset`, { as: 'owner', form: {} });
    const [, token] = /reset\?token(?:=|&#61;)(\w+)/.exec(page.text) ?? [];
    assert.ok(token);
    assert.equal(page.headers['cache-control'], 'no-store');
    const weak = await ask('/reset', { form: { token, password: 'short' } });
    assert.match(weak.text, /id="password-error"/);
    const done = await ask('/reset', { form: { token, password: 'a wholly new one here' } });
    assert.equal(done.location, '/login?after=reset');
    assert.match(
      (await ask('/reset', { form: { token, password: 'a wholly new one here' } })).text,
      /does not hold/,
    );
    const [, value] = session.split('=');
    assert.equal(await accounts.identify({ cookie: value!, bearer: null }), null);
  });
});

describe('people', () => {
  it('the last owner stays one, and nobody removes themselves there', async () => {
    const { owner, child } = door.site.services.accounts.ids;
    const demoted = await ask(`/people/${owner}`, { as: 'owner', form: { role: 'member', quota: '' } });
    assert.equal(demoted.status, 409);
    assert.match(demoted.text, /There has to be an owner/);
    assert.equal((await ask(`/people/${owner}/remove`, { as: 'owner', form: {} })).status, 409);
    const wrong = await ask(`/people/${child}`, { as: 'owner', form: { role: 'king', quota: '' } });
    assert.equal(wrong.status, 400);
    assert.equal((await ask('/people/nobody', { as: 'owner' })).status, 404);
  });

  it('a role and a room are changed, and hold', async () => {
    const { accounts } = door.site.services;
    const saved = await ask(`/people/${accounts.ids.child}`, {
      as: 'owner',
      form: { role: 'guest', quota: '2.5' },
    });
    assert.equal(saved.location, '/people?done=saved');
    const person = await accounts.getPerson(accounts.ids.child);
    assert.deepEqual([person?.role, person?.quotaBytes], ['guest', 2_500_000_000]);
    await accounts.changePerson(fakeAsker, null, accounts.ids.child, { role: 'child' });
  });
});

describe('what was done', () => {
  it('is there in words for every kind, and every kind can be asked for', () => {
    assert.deepEqual(Object.keys(actionWords).sort(), [...auditActions].sort());
    assert.deepEqual(auditKinds.flatMap(({ actions }) => actions).sort(), [...auditActions].sort());
  });

  it('is shown by person and kind, in pages that lose nothing, and as lines', async () => {
    const { accounts } = door.site.services;
    const atMs = Date.UTC(2020, 0, 1);
    for (let index = 0; index < 730; index += 1) {
      // Several of one moment, and a cut of pages and slices among them.
      const moment = atMs - Math.floor(index / 7) * 1000;
      accounts.audit.push({
        ...{ id: `many-${index}`, atMs: moment, personId: accounts.ids.child, personName: 'Kim' },
        ...{ action: 'device-approved', subject: `number ${index}.`, address: '192.168.1.9' },
      });
    }
    const seen: string[] = [];
    let path: string | undefined = `/audit?person=${accounts.ids.child}&kind=log-ins`;
    let pages = 0;
    while (path && pages < 30) {
      const { text } = await ask(path, { as: 'owner' });
      seen.push(...[...text.matchAll(/number (\d+)\./g)].map(([, number]) => number!));
      path = /rel="next" href="([^"]+)"/.exec(text)?.[1]?.replaceAll('&#61;', '=').replaceAll('&#38;', '&');
      pages += 1;
    }
    assert.equal(seen.length, 730);
    assert.equal(new Set(seen).size, 730);
    assert.ok(pages >= 7, `${pages} pages`);

    const lines = await ask(`/audit.ndjson?person=${accounts.ids.child}`, { as: 'owner' });
    assert.match(String(lines.headers['content-type']), /ndjson/);
    const entries = lines.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { personId: string });
    assert.ok(entries.length >= 730);
    assert.ok(entries.every(({ personId }) => personId === accounts.ids.child));
  });
});

describe('a television', () => {
  it('keeps its secret in a cookie for its page alone, and takes no other for one', async () => {
    const shown = await ask('/login/tv');
    const cookie = shown.cookies.find(({ name }) => name === 'kinora-device') as Record<string, unknown>;
    assert.deepEqual([cookie.path, cookie.httpOnly, cookie.sameSite], ['/login/tv', true, 'Lax']);
    assert.match(shown.text, /<noscript><meta http-equiv="refresh" content="5"><\/noscript>/);
    assert.ok(!shown.text.includes(String(cookie.value).split('.')[0]!), 'the secret is not in the page');
    for (const value of ['x', '../../etc.AAAA.1', `${'a'.repeat(9)}.AAAABBBB.1700000000000`]) {
      const answer = await door.site.app.inject({
        url: '/login/tv',
        headers: { cookie: `kinora-device=${value}` },
      });
      assert.equal(answer.statusCode, 200);
      assert.match(answer.body, /class="code"/);
      assert.doesNotMatch(answer.body, /AAAABBBB/);
    }
  });
});

describe('a QR code', () => {
  it('draws every module where it belongs, with a quiet zone, and nothing inline', async () => {
    const text = 'http://192.168.1.5:5000/tv?code=ABCDEFGH';
    const svg = await qrCode(text, 'To the "phone"');
    const side = Number(/viewBox="0 0 (\d+) /.exec(svg)?.[1]);
    const drawn = Array.from({ length: side }, () => new Array<boolean>(side).fill(false));
    for (const [, x, y, width] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g))
      for (let at = 0; at < Number(width); at += 1) drawn[Number(y)]![Number(x) + at] = true;
    const { data, size } = encode(text, { ecc: 'M', border: 4 });
    assert.equal(side, size);
    assert.deepEqual(drawn, data);
    assert.match(svg, /aria-label="To the &#34;phone&#34;"/);
    assert.doesNotMatch(svg, /style=/);
    await assert.rejects(qrCode('x'.repeat(801), 'too long'));
  });
});

describe('the name of a browser', () => {
  it('is what a person would call it, and nothing made up', () => {
    const cases: [string | null, string][] = [
      [
        'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1',
        'Safari on iPhone',
      ],
      ['Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36 Edg/120.0', 'Edge on Windows'],
      ['Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0', 'Firefox on Linux'],
      [
        'Mozilla/5.0 (Linux; Android 14) SamsungBrowser/23.0 Chrome/115.0 Safari/537.36',
        'Samsung Internet on Android',
      ],
      [
        'Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) Version/6.0 TV Safari/537.36',
        'Safari on a Samsung television',
      ],
      ['curl/8.5.0', 'curl'],
      ['<script>', 'A browser'],
      [null, 'A browser'],
    ];
    for (const [userAgent, name] of cases) assert.equal(browserName(userAgent), name);
  });
});
