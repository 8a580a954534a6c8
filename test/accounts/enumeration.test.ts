// Whether there is an account cannot be told from an answer, nor from how long it takes.
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { test } from 'node:test';
import { createPasswordHasher } from '../../src/accounts/password-hash.ts';
import {
  createBrowser,
  createHomeBrowser,
  createQuickHasher,
  goodPassword,
  openLocalAccounts,
} from '../helpers/local-accounts.ts';

/** How far the medians may lie apart. The work is the same to a few tenths of a millisecond; the rest is noise. */
const mostFactor = 1.25;
/** So many pairs; on a busy machine more, until the noise evens out. A real difference never does. */
const [fewestRounds, mostRounds] = [12, 36];

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

test('one password is worked out for whatever is typed: known, unknown, turned off, without a password, no address', async () => {
  const hasher = createQuickHasher();
  const accounts = await openLocalAccounts({ hasher });
  const home = createHomeBrowser(accounts);
  const ownerId = await home.signUp('Ada', 'ada@example.org');
  const account = { password: goodPassword, role: 'member', quotaBytes: null } as const;
  const off = await accounts.addPerson(home.asker(), ownerId, { ...account, name: 'Off', login: 'off' });
  await accounts.changePerson(home.asker(), ownerId, off.id, { isDisabled: true });
  await accounts.identifyNamed('named', 'Named');
  const answers = new Set<string>();
  for (const [login, password] of [
    ['ada@example.org', 'wrong'],
    ['ada@example.org', ''],
    ['ada@example.org', 'x'.repeat(5000)],
    ['nobody@example.org', 'wrong'],
    ['nobody', 'wrong'],
    ['off', 'wrong'],
    ['off', goodPassword],
    ['named', 'wrong'],
    ['', 'wrong'],
    ['a b', 'wrong'],
    ['@', 'wrong'],
    ['x'.repeat(10_000), 'wrong'],
  ] as const) {
    hasher.worked = 0;
    const answer = await createBrowser(accounts, { address: `10.0.0.${answers.size}` })
      .send('POST', '/sign-in/email', { email: login, password })
      .then(({ status, body, headers }) => JSON.stringify([status, body, headers]));
    answers.add(answer);
    assert.equal(hasher.worked, 1, `${login}: ${password.slice(0, 20)}`);
  }
  assert.equal(answers.size, 1, [...answers].join('\n'));
  await accounts.close();
});

test('known and unknown log-ins take the same time, measured in turns with the real scrypt', async (t) => {
  const accounts = await openLocalAccounts({ hasher: createPasswordHasher() });
  await createHomeBrowser(accounts).signUp('Ada', 'ada');
  let turn = 0;
  const time = async (login: string): Promise<number> => {
    turn += 1;
    const browser = createBrowser(accounts, { address: `10.${turn >> 8}.${turn & 255}.1` });
    const startMs = performance.now();
    await assert.rejects(browser.signIn(login, 'wrong password'), { kind: 'unauthorized' });
    return performance.now() - startMs;
  };
  for (const login of ['ada', 'nobody', 'ada', 'nobody']) await time(login); // loads and warms up
  // Whatever the machine does besides, it does to both; who goes first changes.
  const [known, unknown]: [number[], number[]] = [[], []];
  const factor = () => {
    const [a, b] = [median(known), median(unknown)];
    return Math.max(a, b) / Math.min(a, b);
  };
  for (let n = 0; n < fewestRounds || (n < mostRounds && factor() > mostFactor); n += 1)
    for (const isKnown of n % 2 === 0 ? [true, false] : [false, true])
      (isKnown ? known : unknown).push(await time(isKnown ? 'ada' : `nobody${n}`));
  const said = `medians of ${known.length}: known ${median(known).toFixed(1)} ms, unknown ${median(unknown).toFixed(1)} ms, factor ${factor().toFixed(3)}`;
  t.diagnostic(`${said} (${cpus()[0]?.model}, Node ${process.version})`);
  assert.ok(factor() <= mostFactor, said);
  await accounts.close();
});
