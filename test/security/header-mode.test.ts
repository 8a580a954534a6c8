// KINORA_AUTH=header on the real program: the proxy's word is the only way in. The door of passwords is shut, and no
// header in another spelling, twice, or from elsewhere is its word.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { type Program, startProgram } from '../helpers/program.ts';

/** Linux gives a machine all of 127.0.0.0/8: one of them is the proxy, another one somebody on the machine. */
const proxy = '127.0.0.2';
const stranger = '127.0.0.1';
const password = 'four brown otters under the mill';

type Answer = { readonly status: number; readonly body: string; readonly cookies: readonly string[] };

let program: Program;
before(async () => {
  program = await startProgram({
    settings: {
      ...{ KINORA_AUTH: 'header', KINORA_TRUSTED_PROXIES: proxy, KINORA_SIGN_UP: 'open' },
      KINORA_HOST: '127.0.0.1',
    },
  });
});
after(() => program?.close());

function ask(
  from: string,
  path: string,
  headers: Record<string, string | string[]> = {},
  body: string | null = null,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(program.url);
    const method = body === null ? 'GET' : 'POST';
    const options = { host: '127.0.0.1', port, path, method, headers, localAddress: from, agent: false };
    const sent = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, body: text, cookies: answer.headers['set-cookie'] ?? [] }),
      );
    });
    sent.on('error', reject).end(body ?? undefined);
  });
}
const roleOf = async (headers: Record<string, string | string[]>) => {
  const { status, body } = await ask(proxy, '/api/v1/me', headers);
  return status === 200 ? (JSON.parse(body) as { role: string }).role : status;
};

test('nobody makes an account, logs in or waits at a door that is not there', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' };
  const json = { 'content-type': 'application/json' };
  const account = JSON.stringify({ name: 'Eve', email: 'eve@example.org', password });
  const fields = String(new URLSearchParams({ name: 'Eve', login: 'eve@example.org', password }));
  const doors: [string, Record<string, string>, string | null][] = [
    ['/api/auth/sign-up/email', json, account],
    ['/api/auth/sign-in/email', json, account],
    ['/api/auth/passkey/generate-authenticate-options', {}, null],
    ['/sign-up', form, fields],
    ['/login', form, fields],
    ['/login/code', form, 'code=123456'],
    ['/forgot', form, 'login=eve%40example.org'],
    ['/reset', form, `token=x&password=${encodeURIComponent(password)}`],
    ['/login/openid', { accept: 'text/html' }, null],
    ['/login/tv', { accept: 'text/html' }, null],
  ];
  for (const from of [stranger, proxy])
    for (const [path, headers, body] of doors) {
      const answer = await ask(from, path, headers, body);
      assert.equal(answer.status, 403, `${path} from ${from}`);
      assert.deepEqual(answer.cookies, [], path);
    }
  // Whom the proxy names first is the owner, whoever knocked before.
  assert.equal(await roleOf({ 'remote-user': 'anna@example.org' }), 'owner');
});

test('the name is one header of this name, once, from the proxy', async () => {
  assert.equal((await ask(stranger, '/api/v1/me', { 'remote-user': 'anna@example.org' })).status, 403);
  assert.equal(await roleOf({ 'Remote-User': 'ANNA@example.org' }), 'owner');
  for (const headers of [
    { remote_user: 'anna@example.org' },
    { 'remote-user': '' },
    { 'remote-user': 'a'.repeat(2000) },
    { 'x-remote-user': 'anna@example.org' },
  ])
    assert.equal(await roleOf(headers), 401, JSON.stringify(headers).slice(0, 60));
  for (const name of [
    ['eve@example.org', 'anna@example.org'],
    'eve@example.org, anna@example.org',
    Buffer.from('ａnna').toString('latin1'),
    'x',
  ])
    assert.equal(await roleOf({ 'remote-user': name }), 400, String(name));
  assert.equal(await roleOf({ 'remote-user': '__proto__' }), 'member');
});
