// The accounts' database away for a while: what runs goes on, nobody new gets in, nothing hangs, and all is well by
// itself afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { isAppError } from '../../src/errors.ts';
import { connectMongo } from '../../src/mongo/connect.ts';
import { freePort } from '../helpers/free-port.ts';
import { createBrowser, createHomeBrowser, openLocalAccounts } from '../helpers/local-accounts.ts';
import { startMongo } from '../helpers/mongo/test-database.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const isAway = (error: unknown) => isAppError(error, 'unavailable');

test('while the database is away what runs goes on and nobody gets in; afterwards all is as before', async (t) => {
  const options = { folder: await temporaryFolder(), port: await freePort() };
  const engine = await startMongo(t, options);
  if (!engine) return;
  const { db, close } = await connectMongo(engine.url, { log: pino({ level: 'silent' }) });
  t.after(close);
  const accounts = await openLocalAccounts({ db });
  const home = createHomeBrowser(accounts);
  const id = await home.signUp('Ada', 'ada');
  const cookie = { cookie: home.session(), bearer: null };
  const { secret } = await accounts.addToken(home.asker(), id, {
    ...{ name: 'x', scopes: ['videos:watch'], expiresAtMs: null },
  });
  assert.equal((await accounts.identify(cookie))?.viewer.personId, id);
  await engine.stop();

  const startedMs = performance.now();
  assert.equal((await accounts.identify(cookie, { mayBeOld: true }))?.viewer.personId, id);
  const asked = [
    // Nobody has asked for it before.
    ...[accounts.identify({ cookie: null, bearer: secret }), createBrowser(accounts).signIn('ada')],
    ...[accounts.doors(), accounts.ping(), accounts.sharedRevision()],
  ];
  for (const outcome of await Promise.allSettled(asked))
    assert.ok(outcome.status === 'rejected' && isAway(outcome.reason), JSON.stringify(outcome));
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < 15_000, `${tookMs} ms`);
  // Once it is known, nobody waits.
  const quickly = async () => {
    const askedMs = performance.now();
    await assert.rejects(accounts.doors(), isAway);
    assert.equal((await accounts.identify(cookie, { mayBeOld: true }))?.viewer.personId, id);
    return performance.now() - askedMs < 500;
  };
  await until(quickly, { what: 'quick refusals', timeoutMs: 20_000 });

  await startMongo(t, options);
  await until(
    () =>
      accounts.ping().then(
        () => true,
        () => false,
      ),
    { what: 'the database', timeoutMs: 30_000 },
  );
  assert.equal((await accounts.identify(cookie))?.viewer.personId, id);
  assert.equal((await createBrowser(accounts).signIn('ada')).kind, 'signed-in');
  await accounts.endSessions(home.asker(), id, null, null);
  assert.equal(await accounts.identify(cookie), null);
});
