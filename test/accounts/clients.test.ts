// better-auth's own client, unchanged, against what answers below /api/auth.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthClient } from 'better-auth/client';
import { usernameClient } from 'better-auth/client/plugins';
import type { Accounts } from '../../src/accounts/accounts.ts';
import {
  createBrowser,
  createHomeBrowser,
  goodPassword,
  openLocalAccounts,
  otherPassword,
} from '../helpers/local-accounts.ts';

function createClient(accounts: Accounts, browser: ReturnType<typeof createBrowser>) {
  const { origin } = browser.asker();
  return createAuthClient({
    baseURL: origin,
    plugins: [usernameClient()],
    fetchOptions: {
      async customFetchImpl(input, init) {
        const request = new Request(input, init);
        const url = new URL(request.url);
        const { status, headers, body } = await accounts.handle(browser.asker(), {
          ...{ method: request.method, path: url.pathname + url.search },
          headers: Object.fromEntries(request.headers),
          body: (await request.text()) || null,
        });
        browser.keep(headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value));
        return new Response(body, {
          status,
          headers: headers.filter(([name]) => name !== 'set-cookie') as never,
        });
      },
    },
  });
}

test('better-auth’s client signs up, logs in both ways, changes its password and logs out', async () => {
  const accounts = await openLocalAccounts({ config: { signUp: 'open' } });
  await createHomeBrowser(accounts).signUp('Ada', 'ada');
  const browser = createBrowser(accounts);
  const client = createClient(accounts, browser);
  const fields = { name: 'Ben', email: 'ben@example.org', password: goodPassword };
  assert.deepEqual(await client.signUp.email(fields).then(({ data }) => data?.user.name), 'Ben');
  assert.equal((await client.getSession()).data?.user.email, 'ben@example.org');
  const weak = await client.signUp.email({ ...fields, email: 'eve@example.org', password: 'password1' });
  assert.deepEqual([weak.error?.status, weak.error?.code], [400, 'BAD_REQUEST']);
  assert.match(weak.error?.message ?? '', /\w+ \w+/, 'a sentence');
  const taken = await client.signUp.email(fields);
  assert.deepEqual([taken.data, taken.error?.status], [null, 403]);

  const changed = await client.changePassword({ currentPassword: goodPassword, newPassword: otherPassword });
  assert.equal(changed.error, null);
  assert.equal((await client.signOut()).error, null);
  assert.equal((await client.getSession()).data, null);
  const wrong = await client.signIn.email({ email: fields.email, password: goodPassword });
  assert.deepEqual([wrong.error?.status, wrong.data], [401, null]);
  const right = await client.signIn.email({ email: fields.email, password: otherPassword });
  assert.equal(right.data?.user.name, 'Ben');

  const named = createClient(accounts, createBrowser(accounts));
  const entered = await named.signIn.username({ username: 'ada', password: goodPassword });
  assert.equal(entered.error, null);
  assert.deepEqual(await named.getSession().then(({ data }) => [data?.user.name, data?.user.email]), [
    'Ada',
    '',
  ]);
  await accounts.close();
});
