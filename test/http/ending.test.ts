// A program that ends behind a balancer: requests on connections that were made before are answered, however late.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProgram } from '../helpers/program.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { until } from '../helpers/until.ts';

const request = 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('a connection that was made before the end brings its last request, and only that one', async (t) => {
  const program = await startProgram({ settings: { KINORA_DRAIN_WAIT_SECONDS: '1' } });
  t.after(() => program.close());
  const port = Number(new URL(program.url).port);
  const [silent, kept] = [await connectRaw(port), await connectRaw(port)];
  t.after(() => {
    silent.close();
    kept.close();
  });
  kept.send(request);
  await until(() => kept.statuses().length === 1);
  assert.doesNotMatch(kept.text(), /connection: close/i);

  const ended = program.end('SIGTERM');
  await until(async () => {
    const late = await connectRaw(port).catch(() => null);
    late?.close();
    return late === null;
  });
  for (const client of [silent, kept]) {
    const before = client.statuses().length;
    client.send(request);
    await until(() => client.isClosed);
    assert.deepEqual(client.statuses().slice(before), [200]);
    assert.match(client.text(), /connection: close/i);
  }
  assert.deepEqual(await ended, { code: 0, signal: null });
});
