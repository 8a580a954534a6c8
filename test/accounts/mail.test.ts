// A new password by mail, with a real mail server: the link is this Kinora's, holds once, and nothing tells whether there
// is such an account.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { SMTPServer } from 'smtp-server';
import { createLocalAccounts } from '../../src/accounts/local/create-local-accounts.ts';
import { systemClock } from '../../src/clock.ts';
import {
  authConfig,
  createBrowser,
  createHomeBrowser,
  createQuickHasher,
  otherPassword,
} from '../helpers/local-accounts.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { until } from '../helpers/until.ts';

const origin = 'https://videos.example.org';
const mailPassword = 'the-mail-password';

type MailServerOptions = { readonly host?: string; readonly refuses?: boolean };

/** Takes mails with a password, in clear text; says what came. */
async function startMailServer(
  t: TestContext,
  { host = '127.0.0.1', refuses = false }: MailServerOptions = {},
) {
  const mails: { to: string[]; text: string }[] = [];
  const logIns: string[] = [];
  const server = new SMTPServer({
    ...{ hideSTARTTLS: true, allowInsecureAuth: true, logger: false },
    onAuth(auth, _session, done) {
      logIns.push(`${auth.username} ${auth.password}`);
      done(null, { user: auth.username });
    },
    onRcptTo(_address, _session, done) {
      done(refuses ? Object.assign(new Error('no such ada@example.org'), { responseCode: 550 }) : null);
    },
    onData(stream, session, done) {
      const pieces: Buffer[] = [];
      stream.on('data', (piece) => pieces.push(piece));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({
          to,
          text: Buffer.concat(pieces).toString().replace(/=\r\n/g, '').replaceAll('=3D', '='),
        });
        done();
      });
    },
  });
  server.on('error', () => {}); // a client that gives up
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.after(() => new Promise<void>((resolve) => server.close(resolve)));
  const { port } = server.server.address() as AddressInfo;
  return { mails, logIns, url: `smtp://kinora:${mailPassword}@${host}:${port}` };
}

async function setUp(t: TestContext, url: string) {
  const lines: string[] = [];
  const accounts = await createLocalAccounts({
    ...{ folder: await temporaryFolder(), clock: systemClock, hasher: createQuickHasher(), warmsUp: false },
    config: { ...authConfig, mail: { url, from: 'Kinora <kinora@example.org>', origin } },
    log: pino({ base: null }, { write: (line: string) => void lines.push(line) }),
  });
  t.after(() => accounts.close());
  const home = createHomeBrowser(accounts);
  const id = await home.signUp('Ada', 'ada@example.org');
  return { accounts, home, id, lines };
}

describe('a new password by mail', () => {
  test('comes as a link of this Kinora, and holds once', async (t) => {
    const { mails, url } = await startMailServer(t);
    const { accounts, home, id } = await setUp(t, url);
    assert.equal((await accounts.doors()).canMail, true);
    // Whoever asks can say any Host; the link is not theirs.
    const stranger = createBrowser(accounts, { origin: 'http://203.0.113.5', address: '203.0.113.5' });
    await accounts.askReset(stranger.asker(), ' ADA@example.org ');
    await until(() => mails.length === 1, { timeoutMs: 15_000, what: 'the mail' });
    const [mail] = mails;
    assert.deepEqual(mail!.to, ['ada@example.org']);
    assert.match(mail!.text, /^From: Kinora <kinora@example\.org>\r$/m);
    assert.match(mail!.text, /Hello Ada,/);
    assert.ok(!mail!.text.includes('http://203'));
    const [, token] = /https:\/\/videos\.example\.org\/reset\?token=([0-9a-z]{32})/.exec(mail!.text) ?? [];
    assert.ok(token, mail!.text);
    assert.ok(await home.identity());
    await accounts.resetPassword(stranger.asker(), token, otherPassword);
    assert.equal(await home.identity(), null, 'sessions have ended');
    await assert.rejects(accounts.resetPassword(stranger.asker(), token, otherPassword), {
      kind: 'forbidden',
    });
    assert.equal((await createBrowser(accounts).signIn('ada@example.org', otherPassword)).kind, 'signed-in');
    const notes = await accounts.listAudit(Number.MAX_SAFE_INTEGER, 10);
    assert.ok(notes.some(({ action, personId }) => action === 'password-reset' && personId === id));
  });

  test('is sent to nobody who has no address, is turned off, or is not there; the answer is the same', async (t) => {
    const { mails, url } = await startMailServer(t);
    const { accounts, home, id } = await setUp(t, url);
    const add = (name: string, login: string) =>
      accounts.addPerson(home.asker(), id, {
        ...{ name, login, password: otherPassword, role: 'member', quotaBytes: null },
      });
    await add('Ben', 'ben');
    const off = await add('Kim', 'kim@example.org');
    await accounts.changePerson(home.asker(), id, off.id, { isDisabled: true });
    for (const login of ['ben', 'kim@example.org', 'nobody@example.org', 'x'.repeat(10_000), "' OR 1=1"])
      assert.equal(await accounts.askReset(createBrowser(accounts).asker(), login), undefined);
    await accounts.askReset(home.asker(), 'ada@example.org');
    await until(() => mails.length > 0, { timeoutMs: 15_000, what: 'the mail to who is there' });
    assert.deepEqual(
      mails.map(({ to }) => to),
      [['ada@example.org']],
    );
    await assert.rejects(accounts.askReset(home.asker(), ' '), { kind: 'bad-request' });
  });

  test('takes as long to ask for as for an address that is not there', async (t) => {
    const { url } = await startMailServer(t);
    const { accounts } = await setUp(t, url);
    const times = { there: [] as number[], nowhere: [] as number[] };
    for (let round = 0; round < 41; round++) {
      for (const kind of ['there', 'nowhere'] as const) {
        const asker = createBrowser(accounts, { address: `198.51.100.${round}` }).asker();
        const login = kind === 'there' ? 'ada@example.org' : `nobody${round}@example.org`;
        const startedMs = performance.now();
        await accounts.askReset(asker, login).catch(() => {}); // too many for one account: as quick
        times[kind].push(performance.now() - startedMs);
      }
    }
    const median = (values: number[]) => values.sort((a, b) => a - b)[20]!;
    const apart = Math.abs(median(times.there) - median(times.nowhere));
    t.diagnostic(`medians are ${apart.toFixed(3)} ms apart`);
    assert.ok(apart < 1, `${apart} ms`);
  });

  test('can be asked for a few times', async (t) => {
    const { url } = await startMailServer(t);
    const { accounts } = await setUp(t, url);
    const asker = createBrowser(accounts).asker();
    for (const login of ['ada@example.org', 'nobody@example.org']) {
      const kinds: string[] = [];
      for (let count = 0; count < 5; count++)
        kinds.push(
          await accounts.askReset(asker, login).then(
            () => 'asked',
            ({ kind }) => kind,
          ),
        );
      assert.deepEqual(kinds, ['asked', 'asked', 'asked', 'too-many', 'too-many'], login);
    }
  });

  test('that the mail server refuses is in the log, without address or secret', async (t) => {
    const { url, mails } = await startMailServer(t, { refuses: true });
    const { accounts, lines } = await setUp(t, url);
    await accounts.askReset(createBrowser(accounts).asker(), 'ada@example.org');
    await until(() => lines.some((line) => line.includes('was not sent')), {
      timeoutMs: 15_000,
      what: 'the line',
    });
    const all = lines.join('');
    for (const secret of ['ada@', 'token', mailPassword]) assert.ok(!all.includes(secret), secret);
    assert.match(all, /"responseCode":550/);
    assert.equal(mails.length, 0);
  });

  test('a mail password goes nowhere in clear text but to this machine', async (t) => {
    const { url, mails, logIns } = await startMailServer(t, { host: '127.0.0.2' });
    const { accounts, lines } = await setUp(t, url);
    await accounts.askReset(createBrowser(accounts).asker(), 'ada@example.org');
    await until(() => lines.some((line) => line.includes('was not sent')), {
      timeoutMs: 15_000,
      what: 'the line',
    });
    assert.deepEqual([logIns, mails], [[], []]);
  });

  test('by JSON it answers alike for everybody', async (t) => {
    const { url, mails } = await startMailServer(t);
    const { accounts } = await setUp(t, url);
    const browser = createBrowser(accounts);
    const answers = [];
    for (const email of ['nobody@example.org', 'ada@example.org'])
      answers.push(await browser.send('POST', '/request-password-reset', { email }));
    assert.equal(answers[0]!.status, 200);
    assert.deepEqual(answers[0], answers[1]);
    await until(() => mails.length === 1, { timeoutMs: 15_000, what: 'the mail' });
    const [, token] = /token=([0-9a-z]{32})/.exec(mails[0]!.text)!;
    const weak = await browser.send('POST', '/reset-password', { token, newPassword: 'password' });
    assert.equal(weak.status, 400);
    const done = await browser.send('POST', '/reset-password', { token, newPassword: otherPassword });
    assert.equal(done.status, 200);
  });
});
