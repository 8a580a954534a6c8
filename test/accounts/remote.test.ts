// The port to people over HTTP: what is kept and for how long, what happens while the other process is away, and what
// is not to be had that way at all.
import assert from 'node:assert/strict';
import { createServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { after, describe, type TestContext, test } from 'node:test';
import type { Accounts, Identity } from '../../src/accounts/accounts.ts';
import { mostQuestionBytes, secretHeader } from '../../src/accounts/remote/service-methods.ts';
import { systemClock } from '../../src/clock.ts';
import { AppError, isAppError } from '../../src/errors.ts';
import { serviceSecret, startAccountsService, startOtherProcess } from '../helpers/accounts-service.ts';
import { createFakeAccounts, type FakeAccounts } from '../helpers/fake-accounts.ts';
import { createFakeClock, type FakeClock } from '../helpers/fake-clock.ts';
import { cookieIn } from '../helpers/fake-viewer.ts';
import { until } from '../helpers/until.ts';

const asker = {
  ...{ address: '192.168.1.9', userAgent: null, origin: 'http://kinora.local' },
  ...{ cookieHeader: null, isThisMachine: false },
};

/** A household in one process, another process that asks it, and what was asked. */
async function setUp(t: TestContext) {
  const clock = createFakeClock();
  const people = createFakeAccounts({ clock });
  const asked: string[] = [];
  const watched = new Proxy(people, {
    get(target, name: keyof FakeAccounts) {
      if (name !== 'revision') asked.push(String(name));
      return target[name];
    },
  });
  const service = await startAccountsService(watched);
  const { accounts, lines } = startOtherProcess(service.url, clock);
  t.after(async () => {
    await accounts.close();
    await service.close();
  });
  // The first word from there has come.
  const before = accounts.revision();
  await until(() => accounts.revision() > before, { what: 'the first revision' });
  const cookie = cookieIn(people.cookieOf(people.ids.member), 'kinora.session')!;
  return { clock, people, service, accounts, lines, asked, cookie };
}

/** Lets fake time pass in steps, and real answers come in between. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let step = 0; step < ms; step += 500) {
    await clock.advance(500);
    // The poll is a real question: it has been answered when the next one is being waited for.
    await until(() => clock.sleepers > 0, { what: 'the answer to a poll' });
  }
}

const credentials = (cookie: string) => ({ cookie, bearer: null });

describe('accounts of another process', () => {
  test('who somebody is comes over as it is, and is asked once', async (t) => {
    const { people, accounts, asked, cookie } = await setUp(t);
    const here = await people.identify(credentials(cookie));
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => accounts.identify(credentials(cookie))),
    );
    for (const answer of answers) assert.deepEqual(answer, here);
    assert.equal(asked.filter((name) => name === 'identify').length, 1);
  });

  test('nobody is nobody, and what cannot be a cookie of ours is not even asked', async (t) => {
    const { accounts, asked } = await setUp(t);
    assert.equal(await accounts.identify(credentials('made-up')), null);
    assert.deepEqual(
      asked.filter((name) => name === 'identify'),
      ['identify'],
    );
    assert.equal(await accounts.identify(credentials('x'.repeat(5000))), null);
    assert.equal(await accounts.identify({ cookie: null, bearer: null }), null);
    assert.equal(asked.filter((name) => name === 'identify').length, 1);
  });

  test('an answer holds while the other process says that nothing changed, and a minute at most', async (t) => {
    const { clock, accounts, asked, cookie } = await setUp(t);
    await accounts.identify(credentials(cookie));
    const questions = () => asked.filter((name) => name === 'identify').length;
    await pass(clock, 50_000);
    await accounts.identify(credentials(cookie));
    assert.equal(questions(), 1);
    await pass(clock, 11_000);
    await accounts.identify(credentials(cookie));
    assert.equal(questions(), 2);
  });

  test('what another process changes shows within 2 s, and the revision tells', async (t) => {
    const { clock, people, accounts, cookie } = await setUp(t);
    assert.equal((await accounts.identify(credentials(cookie)))?.viewer.role, 'member');
    const before = accounts.revision();
    await people.changePerson(asker, null, people.ids.member, { role: 'guest' });
    await pass(clock, 2000);
    assert.notEqual(accounts.revision(), before);
    assert.equal((await accounts.identify(credentials(cookie)))?.viewer.role, 'guest');
    await people.endSessions(asker, people.ids.member, null, null);
    await pass(clock, 2000);
    assert.equal(await accounts.identify(credentials(cookie)), null);
  });

  test('what this process takes away holds at once', async (t) => {
    const { people, accounts, cookie } = await setUp(t);
    await accounts.identify(credentials(cookie));
    const before = accounts.revision();
    await accounts.endSessions(asker, people.ids.member, null, null);
    assert.notEqual(accounts.revision(), before);
    assert.equal(await accounts.identify(credentials(cookie)), null);
  });

  test('refusals come over as they are', async (t) => {
    const { people, accounts } = await setUp(t);
    await assert.rejects(accounts.signIn(asker, 'ben', 'wrong'), (error: unknown) => {
      assert.ok(isAppError(error, 'unauthorized'));
      return true;
    });
    people.signIn = async () => {
      throw new AppError('too-many', 'Too many attempts.', { retryAfterSeconds: 77 });
    };
    await assert.rejects(accounts.signIn(asker, 'ben', 'wrong'), (error: unknown) => {
      assert.ok(isAppError(error, 'too-many'));
      assert.equal(error.message, 'Too many attempts.');
      assert.equal(error.retryAfterSeconds, 77);
      return true;
    });
    people.signIn = async () => {
      throw new TypeError('secret inside');
    };
    await assert.rejects(accounts.signIn(asker, 'ben', 'wrong'), (error: unknown) => {
      assert.ok(isAppError(error, 'internal'));
      assert.ok(!error.message.includes('secret'));
      return true;
    });
  });

  test('the whole of the audit log can be asked for', async (t) => {
    const { people, accounts } = await setUp(t);
    await people.signIn(asker, 'ben', 'wrong').catch(() => {});
    assert.deepEqual(
      await accounts.listAudit(Number.POSITIVE_INFINITY, 10),
      await people.listAudit(Number.POSITIVE_INFINITY, 10),
    );
  });

  test('a person whom a proxy names is asked for once', async (t) => {
    const { accounts, asked } = await setUp(t);
    const first = await accounts.identifyNamed('ben', null);
    assert.deepEqual(await accounts.identifyNamed('ben', null), first);
    assert.equal(asked.filter((name) => name === 'identifyNamed').length, 1);
    assert.notDeepEqual(await accounts.identifyNamed('kim', null), first);
  });
});

describe('while the process with the accounts is away', () => {
  const refused = (error: unknown) =>
    isAppError(error, 'unavailable') && /cannot be reached/.test(error.message);

  test('nobody is let in; what runs goes on for 5 minutes and no longer', async (t) => {
    const { clock, service, accounts, lines, cookie } = await setUp(t);
    const there = await accounts.identify(credentials(cookie));
    const before = accounts.revision();
    await service.goAway();
    await pass(clock, 2000);
    assert.notEqual(accounts.revision(), before, 'those who remember answers ask again');
    await pass(clock, 2000);
    await assert.rejects(accounts.identify(credentials(cookie)), refused);
    await assert.rejects(accounts.signIn(asker, 'ben', 'anything'), refused);
    await assert.rejects(accounts.doors(), refused);
    await assert.rejects(accounts.ping(), refused);
    await assert.rejects(accounts.identify(credentials('somebody-new'), { mayBeOld: true }), refused);
    assert.deepEqual(await accounts.identify(credentials(cookie), { mayBeOld: true }), there);
    await pass(clock, 290_000);
    assert.deepEqual(await accounts.identify(credentials(cookie), { mayBeOld: true }), there);
    const late = accounts.revision();
    await pass(clock, 12_000);
    await assert.rejects(accounts.identify(credentials(cookie), { mayBeOld: true }), refused);
    assert.notEqual(accounts.revision(), late, 'running answers are asked again when the time is up');
    assert.equal(lines.filter((line) => line.includes('nobody can log in')).length, 1);
  });

  test('a session that ran out meanwhile is over', async (t) => {
    const { clock, people, service, accounts, cookie } = await setUp(t);
    const { identify } = people;
    people.identify = async (given) => ({
      ...((await identify(given)) as Identity),
      expiresAtMs: clock.nowMs() + 60_000,
    });
    await accounts.identify(credentials(cookie));
    await service.goAway();
    await pass(clock, 59_000);
    assert.ok(await accounts.identify(credentials(cookie), { mayBeOld: true }));
    await pass(clock, 2000);
    await assert.rejects(accounts.identify(credentials(cookie), { mayBeOld: true }), refused);
  });

  test('a person whom a proxy names goes on with what runs just as long', async (t) => {
    const { clock, people, service, accounts } = await setUp(t);
    const { identifyNamed } = people;
    people.identifyNamed = async (login, name) => ({
      ...(await identifyNamed(login, name)),
      expiresAtMs: clock.nowMs() + 60_000,
    });
    await accounts.identifyNamed('ben', null);
    await service.goAway();
    await pass(clock, 290_000);
    const { viewer, expiresAtMs } = await accounts.identifyNamed('ben', null, { mayBeOld: true });
    assert.equal(viewer.personId, people.ids.member);
    assert.ok(expiresAtMs > clock.nowMs());
    await assert.rejects(accounts.identifyNamed('ben', null), refused);
    await pass(clock, 12_000);
    await assert.rejects(accounts.identifyNamed('ben', null, { mayBeOld: true }), refused);
  });

  test('an answer from before a change is not good for anything', async (t) => {
    const { clock, people, service, accounts, cookie } = await setUp(t);
    await accounts.identify(credentials(cookie));
    await people.endSessions(asker, people.ids.member, null, null);
    await pass(clock, 2000);
    await service.goAway();
    await pass(clock, 2000);
    await assert.rejects(accounts.identify(credentials(cookie), { mayBeOld: true }), refused);
  });

  test('when it is back, everything is as before within 2 s', async (t) => {
    const { clock, service, accounts, lines, cookie } = await setUp(t);
    await accounts.identify(credentials(cookie));
    await service.goAway();
    await pass(clock, 4000);
    await assert.rejects(accounts.doors(), refused);
    await service.comeBack();
    await pass(clock, 2000);
    assert.ok(await accounts.identify(credentials(cookie)));
    assert.equal((await accounts.doors()).hasOwner, true);
    assert.ok(lines.some((line) => line.includes('can be reached again')));
  });
});

describe('the service of the accounts', () => {
  const post = (url: string, method: string, headers: Record<string, string>, body = '[]') =>
    fetch(`${url}/service/accounts/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
  const proven = { [secretHeader]: serviceSecret };

  test('answers nobody without the secret, not even where the first signs are right', async (t) => {
    const { service } = await setUp(t);
    for (const headers of [{}, { [secretHeader]: '' }, { [secretHeader]: serviceSecret.slice(0, -1) }]) {
      const answer = await post(service.url, 'listPeople', headers as Record<string, string>);
      assert.equal(answer.status, 403);
      assert.ok(!(await answer.text()).includes('Anna'));
    }
    const authorized = { authorization: `Bearer ${serviceSecret}` };
    assert.equal((await post(service.url, 'listPeople', authorized)).status, 403);
    assert.equal((await post(service.url, 'listPeople', proven)).status, 200);
  });

  test('has the methods of the table and no other', async (t) => {
    const { service, accounts } = await setUp(t);
    for (const name of ['setupCode', 'close', 'constructor', '__proto__', 'toString', 'cookieOf'])
      assert.equal((await post(service.url, name, proven)).status, 404, name);
    assert.equal(await accounts.setupCode(), null);
    assert.equal((await fetch(`${service.url}/service/accounts/doors`, { headers: proven })).status, 404);
  });

  test('takes a list of arguments that is short, in a body that is bounded', async (t) => {
    const { service } = await setUp(t);
    assert.equal((await post(service.url, 'doors', proven, '{}')).status, 400);
    assert.equal((await post(service.url, 'doors', proven, '[1,2,3,4,5,6,7,8,9]')).status, 400);
    const large = JSON.stringify(['x'.repeat(mostQuestionBytes)]);
    assert.equal((await post(service.url, 'doors', proven, large)).status, 413);
  });

  test('has nothing of the rest of the program, but says how it is', async (t) => {
    const { service } = await setUp(t);
    for (const path of ['/', '/videos', '/login', '/api/v1/videos', '/cameras', '/sign-up'])
      assert.equal((await fetch(service.url + path)).status, 404, path);
    assert.deepEqual(await (await fetch(`${service.url}/livez`)).json(), { status: 'ok', missing: [] });
    assert.deepEqual(await (await fetch(`${service.url}/readyz`)).json(), { status: 'ok', missing: [] });
    assert.equal((await fetch(`${service.url}/metrics`)).status, 401);
  });

  test('another secret is nobody let in, and the log says why without telling it', async (t) => {
    const { service } = await setUp(t);
    const wrong = 'another-secret-of-more-than-32-signs';
    const { accounts, lines } = startOtherProcess(service.url, createFakeClock(), wrong);
    t.after(() => accounts.close());
    await until(() => lines.length > 0, { what: 'the line in the log' });
    assert.match(lines[0]!, /KINORA_AUTH_SECRET is not the one/);
    assert.ok(!lines.join().includes(wrong));
    await assert.rejects(accounts.doors(), (error) => isAppError(error, 'unavailable'));
  });
});

describe('something else at the address', () => {
  const closers: (() => void)[] = [];
  after(() => {
    for (const close of closers) close();
  });
  async function other(listener: HttpServer | ReturnType<typeof createSocketServer>): Promise<Accounts> {
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    // The first poll is asked at once, and would only tell that it is away.
    const { accounts } = startOtherProcess(`http://127.0.0.1:${port}`, systemClock);
    closers.push(() => {
      void accounts.close();
      listener.close();
    });
    return accounts;
  }
  const isAway = (error: unknown) => isAppError(error, 'unavailable');

  test('a page is no answer', async () => {
    const accounts = await other(createServer((_request, response) => response.end('<h1>Hello</h1>')));
    await assert.rejects(accounts.doors(), isAway);
  });

  test('an error that is none of ours opens nothing', async () => {
    const accounts = await other(
      createServer((_request, response) => {
        response.statusCode = 404;
        response.end(JSON.stringify({ type: 'about:blank#constructor', detail: 'x', result: {} }));
      }),
    );
    await assert.rejects(accounts.identify(credentials('c')), isAway);
  });

  test('an answer without an end is cut', async () => {
    const accounts = await other(
      createServer((_request, response) => {
        const piece = Buffer.alloc(100_000, 'x');
        const more = () => {
          while (response.writable && response.write(piece));
        };
        response.on('drain', more);
        more();
      }),
    );
    await assert.rejects(accounts.doors(), isAway);
  });

  test('silence is waited for 5 s, by a bounded number, and 20 s for what may be slow', async (t) => {
    const accounts = await other(createSocketServer(() => {}));
    const startedMs = performance.now();
    const all = Array.from({ length: 700 }, (_, index) => accounts.identify(credentials(`c${index}`)));
    const results = await Promise.allSettled(all);
    assert.ok(results.every(({ status }) => status === 'rejected'));
    assert.ok(performance.now() - startedMs < 10_000);
    // Ten times as fast: it is the same waiting.
    const limitsMs: number[] = [];
    const { timeout } = AbortSignal;
    t.mock.method(AbortSignal, 'timeout', (ms: number) => {
      limitsMs.push(ms);
      return timeout.call(AbortSignal, ms / 10);
    });
    await assert.rejects(accounts.doors(), isAway);
    assert.ok(limitsMs.some((ms) => ms > 19_000 && ms <= 20_000));
  });
});
