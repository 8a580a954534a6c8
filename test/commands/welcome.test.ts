// What the start says beside its address: where other devices go, how the first account is made, and what is open.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { welcome } from '../../src/commands/welcome.ts';
import type { Config } from '../../src/config.ts';
import { addressesAt } from '../../src/http/house-addresses.ts';
import { readSettings } from '../../src/settings.ts';

const configOf = (environment: Record<string, string>): Config =>
  readSettings(environment, '/nowhere', false);

async function linesOf(environment: Record<string, string>, setupCode: string | null = null) {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const app = {
    url: 'http://localhost:5000',
    setupCode: async () => setupCode,
    close: async () => {},
    isWell: async () => true,
  };
  await welcome(app, configOf(environment), log, false);
  return lines;
}

const warn = 40;

describe('the start', () => {
  test('says loudly where there are no accounts', async () => {
    const lines = await linesOf({ KINORA_AUTH: 'none' });
    assert.equal(lines.length, 1);
    assert.equal(lines[0]!.level, warn);
    assert.match(
      lines[0]!.msg,
      /^KINORA_AUTH is none: .*whoever can reach this address can see, add and delete/,
    );
  });

  test('tells the code while there is no owner, at a level that is seen wherever anything is', async () => {
    const lines = await linesOf({ KINORA_HOST: '127.0.0.1' }, 'ABCD-2345');
    assert.equal(lines.length, 1);
    assert.equal(lines[0]!.level, warn);
    assert.match(
      lines[0]!.msg,
      /no owner yet.* on this machine .* from another device with the code ABCD-2345$/,
    );
    assert.deepEqual(await linesOf({ KINORA_HOST: '127.0.0.1' }), [], 'nothing once there is one');
  });

  test('says where other devices go', async () => {
    const from = async (environment: Record<string, string>) =>
      (await linesOf(environment)).map(({ msg }) => msg);
    assert.deepEqual(await from({ KINORA_URL: 'https://videos.example.org' }), [
      'From other devices: https://videos.example.org',
    ]);
    assert.deepEqual(await from({ KINORA_HOST: '192.0.2.7' }), ['From other devices: http://192.0.2.7:5000']);
    assert.deepEqual(await from({ KINORA_HOST: '2001:db8::7' }), [
      'From other devices: http://[2001:db8::7]:5000',
    ]);
    assert.deepEqual(await from({ KINORA_HOST: 'localhost' }), []);
    const proxied = { KINORA_AUTH: 'header', KINORA_TRUSTED_PROXIES: '192.0.2.1', KINORA_HOST: '192.0.2.7' };
    assert.deepEqual(await from(proxied), [], 'past the proxy nobody is let in');
    for (const address of addressesAt(5000, configOf({})))
      assert.match(address, /^http:\/\/(?!127\.)[\d.]+:5000$/);
  });

  test('of a process that keeps the accounts sends nobody there', async () => {
    const settings = { KINORA_ROLES: 'auth', KINORA_AUTH_SECRET: 'x'.repeat(40), KINORA_HOST: '0.0.0.0' };
    const lines = await linesOf(settings, 'ABCD-2345');
    assert.match(lines[0]!.msg, /does auth; people open the address of a process with the role web$/);
    assert.match(lines[1]!.msg, /ABCD-2345/);
    assert.ok(!lines.some(({ msg }) => msg.startsWith('From other devices')));
  });
});
