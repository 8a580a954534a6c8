// Several processes that keep the same accounts, and others that ask them: whichever answers, it is the same, and one
// that is killed or hangs is not missed.
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import type { Accounts } from '../../src/accounts/accounts.ts';
import { createServiceCaller } from '../../src/accounts/remote/service-caller.ts';
import { systemClock } from '../../src/clock.ts';
import { serviceSecret, startAccountsService, startOtherProcess } from '../helpers/accounts-service.ts';
import { createFakeAccounts } from '../helpers/fake-accounts.ts';
import { createBrowser, createHomeBrowser, openLocalAccounts } from '../helpers/local-accounts.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';
import { until } from '../helpers/until.ts';

/** A way through to a process, which can be cut as by a power cut: what is open hangs, and nothing is told. */
async function startWire(t: TestContext, url: string) {
  const { port } = new URL(url);
  const { connect } = await import('node:net');
  const sockets = new Set<Socket>();
  let isHung = false;
  let opened = 0;
  const wire = createServer((near) => {
    opened += 1;
    sockets.add(near);
    near.on('error', () => {});
    const far = connect(Number(port), '127.0.0.1');
    sockets.add(far);
    far.on('error', () => {});
    near.on('data', (data) => void (isHung || far.write(data)));
    far.on('data', (data) => void (isHung || near.write(data)));
    near.on('close', () => far.destroy());
    far.on('close', () => void (isHung || near.destroy()));
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    wire.close();
  });
  const address = wire.address() as { port: number };
  return {
    url: `http://127.0.0.1:${address.port}`,
    connections: () => opened,
    /** What is open now hangs; `isOver`: new connections lead somewhere again. */
    hang({ isOver }: { readonly isOver: boolean }): void {
      isHung = true;
      if (!isOver) return;
      for (const socket of sockets) socket.removeAllListeners('data').pause();
      isHung = false;
    },
  };
}

async function ask(accounts: Accounts) {
  const people = await accounts.listPeople();
  return people.length;
}

describe('of two processes with the accounts', () => {
  test('one is killed: log-ins go on, sessions hold, what was taken away is away everywhere', async (t) => {
    const found = await openTestDatabase(t);
    if (!found) return;
    const { db } = found;
    const [first, second] = [await openLocalAccounts({ db }), await openLocalAccounts({ db })];
    assert.equal(
      await first.setupCode(),
      await second.setupCode(),
      'whoever prints it, any of them takes it',
    );
    const services = [await startAccountsService(first), await startAccountsService(second)];
    const urls = services.map(({ url }) => url).join(',');
    const [one, other] = [startOtherProcess(urls, systemClock), startOtherProcess(urls, systemClock)];
    t.after(async () => {
      for (const { accounts } of [one, other]) await accounts.close();
      for (const service of services) await service.close();
    });
    const browser = createBrowser(one.accounts);
    const setupCode = (await first.setupCode())!;
    const id = await browser.signUp('Ada', 'ada', { setupCode });
    assert.equal((await browser.identity())?.viewer.personId, id);
    const elsewhere = createBrowser(other.accounts);
    await elsewhere.signIn('ada');
    await until(() => one.accounts.revision() > 0 && other.accounts.revision() > 0, {
      what: 'the first words',
    });
    // Answers of two do not make those who remember them ask without end: nothing changes.
    const before = [one.accounts.revision(), other.accounts.revision()];
    for (let n = 0; n < 10; n += 1) assert.equal(await first.sharedRevision(), await second.sharedRevision());
    await services[0]!.goAway();
    for (let n = 0; n < 3; n += 1) {
      await createBrowser(one.accounts).signIn('ada');
      await createBrowser(other.accounts).signIn('ada');
    }
    assert.equal((await browser.identity())?.viewer.personId, id);
    assert.equal((await elsewhere.identity())?.viewer.personId, id);
    assert.deepEqual(
      [one.accounts.revision(), other.accounts.revision()],
      before,
      'it was not even heard of',
    );
    assert.deepEqual([...one.lines, ...other.lines], []);
    await services[0]!.comeBack();
    await services[1]!.goAway();
    const session = (await elsewhere.identity())!.viewer.sessionId!;
    await one.accounts.endSessions(browser.asker(), id, session, null);
    await until(async () => (await elsewhere.identity()) === null, {
      timeoutMs: 4000,
      what: 'the session to end in the other process',
    });
    assert.equal((await browser.identity())?.viewer.personId, id);
  });

  test('what one of them remembers is not what it tells another process', async (t) => {
    const found = await openTestDatabase(t);
    if (!found) return;
    const { db } = found;
    const [first, second] = [await openLocalAccounts({ db }), await openLocalAccounts({ db })];
    const home = createHomeBrowser(first);
    const id = await home.signUp('Ada', 'ada');
    const cookie = { cookie: home.session(), bearer: null };
    assert.equal((await second.identify(cookie))?.viewer.personId, id);
    await first.endSessions(home.asker(), id, null, null);
    assert.equal(await second.identify(cookie, { mustBeFresh: true }), null);
    await until(async () => (await second.identify(cookie)) === null, {
      timeoutMs: 2000,
      what: 'word of the change',
    });
  });

  test('tries are counted together', async (t) => {
    const found = await openTestDatabase(t);
    if (!found) return;
    const { db } = found;
    const both = [await openLocalAccounts({ db }), await openLocalAccounts({ db })];
    await createHomeBrowser(both[0]!).signUp('Ada', 'ada');
    const kinds: Record<string, number> = {};
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        createBrowser(both[n % 2]!, { address: '203.0.113.9' })
          .signIn('ada', `wrong ${n}`)
          .catch(({ kind }: { kind: string }) => {
            kinds[kind] = (kinds[kind] ?? 0) + 1;
          }),
      ),
    );
    assert.equal(kinds['too-many']! + kinds.unauthorized!, 40);
    assert.ok(kinds.unauthorized! <= 8, `${kinds.unauthorized} were worked out`);
    const elsewhere = createBrowser(both[1]!, { address: '198.51.100.4' });
    assert.equal((await elsewhere.signIn('ada')).kind, 'signed-in');
  });
});

describe('an address that leads to whichever process is there', () => {
  const options = { timeoutMs: 10_000, kind: 'read' } as const;

  test('a kept connection to one that died without a word is given up, and a new one made, at once', async (t) => {
    const people = createFakeAccounts({ clock: systemClock });
    const service = await startAccountsService(people);
    const wire = await startWire(t, service.url);
    const { accounts } = startOtherProcess(wire.url, systemClock);
    t.after(async () => {
      await accounts.close();
      await service.close();
    });
    const count = await ask(accounts);
    const cookie = people.cookieOf(people.ids.member).split('=')[1]!;
    wire.hang({ isOver: true });
    const startedMs = performance.now();
    assert.equal(await ask(accounts), count);
    assert.ok(await accounts.identify({ cookie, bearer: null }));
    // What may not be asked twice has a connection of its own, so it never waits on a dead one.
    await assert.rejects(accounts.signUp(asker, { name: '', login: 'x', password: 'y' }), (error: Error) => {
      assert.notEqual((error as { kind?: string }).kind, 'unavailable');
      return true;
    });
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < 8000, `${tookMs} ms`);
    assert.ok(wire.connections() >= 3);
  });

  test('one that hangs is left for the next, and one that may have heard is not asked twice', async (t) => {
    const good = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => {
        const body = '{"result":"from the next"}';
        socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      });
    });
    let heard = 0;
    const cut = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => {
        heard += 1;
        socket.destroy();
      });
    });
    const silent = createServer((socket) => void socket.on('error', () => {}));
    const listen = async (server: ReturnType<typeof createServer>) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => server.close());
      return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    };
    const [goodUrl, cutUrl, silentUrl] = [await listen(good), await listen(cut), await listen(silent)];
    const gone = createServer();
    const goneUrl = await listen(gone);
    await new Promise<void>((resolve) => gone.close(() => resolve()));
    const callTo = (...urls: string[]) => {
      const caller = createServiceCaller({ urls, secret: serviceSecret });
      t.after(() => caller.close());
      return caller;
    };
    for (const url of [silentUrl, cutUrl, goneUrl])
      for (let n = 0; n < 3; n += 1)
        assert.equal(await callTo(url, goodUrl).ask('doors', [], options), 'from the next');
    // Nobody is there: it did not get there, so the next is asked whatever it is.
    for (let n = 0; n < 4; n += 1)
      assert.equal(
        await callTo(goneUrl, goodUrl).ask('signUp', [], { ...options, kind: 'once' }),
        'from the next',
      );
    heard = 0;
    await assert.rejects(callTo(cutUrl, cutUrl).ask('signUp', [], { ...options, kind: 'once' }), {
      kind: 'unavailable',
    });
    assert.equal(heard, 1);
    assert.equal(
      await callTo(cutUrl, goodUrl).ask('signIn', [], { ...options, kind: 'again' }),
      'from the next',
    );
    await assert.rejects(callTo(goneUrl, goneUrl).ask('doors', [], options), { kind: 'unavailable' });
  });
});

const asker = {
  ...{ address: '192.168.1.9', userAgent: null, origin: 'http://kinora.local' },
  ...{ cookieHeader: null, isThisMachine: false },
};
