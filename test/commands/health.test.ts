// `kinora health`: what it says of programs that are ready, that miss something, and that are not there.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { health } from '../../src/commands/health.ts';
import { freePort } from '../helpers/free-port.ts';

/** A program that answers /readyz so, and nothing else. */
async function answering(t: TestContext, status: number, body: string): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/readyz' ? status : 404).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function run(t: TestContext, ...words: string[]): Promise<{ status: number; said: string }> {
  const lines: string[] = [];
  const mocks = (['log', 'error'] as const).map((name) =>
    t.mock.method(console, name, (line: string) => void lines.push(line)),
  );
  const status = await health(words);
  for (const mock of mocks) mock.mock.restore();
  return { status, said: lines.join('\n') };
}

test('all that are asked have to be ready, and what one misses is said', async (t) => {
  const ready = await answering(t, 200, '{"status":"ok","missing":[]}');
  const waiting = await answering(t, 503, '{"status":"unavailable","missing":["catalogue","accounts"]}');
  const page = await answering(t, 502, '<h1>Bad gateway</h1>');
  const gone = `http://127.0.0.1:${await freePort()}`;
  const cases: [string[], number, RegExp][] = [
    [[ready], 0, /^http:\/\/127\.0\.0\.1:\d+: ready$/],
    [[ready, ready], 0, /ready\n.*ready/],
    [[ready, waiting], 1, /not ready \(503\): catalogue, accounts/],
    [[page], 1, /not ready \(502\): <h1>Bad gateway/],
    [[gone, ready], 1, /no answer: .*ECONNREFUSED[\s\S]*: ready/],
    [['5000'], 2, /takes addresses/],
    [['--now'], 2, /takes addresses/],
  ];
  for (const [words, status, said] of cases) {
    const result = await run(t, ...words);
    assert.equal(result.status, status, words.join(' '));
    assert.match(result.said, said);
  }
});

test('without an address it asks where the settings say, on this machine', async (t) => {
  const { port } = new URL(await answering(t, 200, '{}'));
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  for (const host of ['0.0.0.0', '::', 'localhost', '127.0.0.1']) {
    Object.assign(process.env, { KINORA_PORT: port, KINORA_HOST: host });
    assert.deepEqual(await run(t), { status: 0, said: `http://127.0.0.1:${port}: ready` });
  }
  process.env.KINORA_PORT = '0';
  assert.equal((await run(t)).status, 2);
});
