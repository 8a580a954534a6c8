// What the kernel may queue for each of few and of many connections.
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { createSocketQueues } from '../../src/http/socket-queues.ts';

const mib = 1024 * 1024;

test('few connections have wide queues, and a thousand stay near the budget', () => {
  const calls: number[] = [];
  const queues = createSocketQueues({ limitQueue: (_fd, bytes) => calls.push(bytes) }, 128 * mib);
  const granted = Array.from({ length: 1000 }, () => queues.limit(new Socket(), 5));
  assert.deepEqual(granted.slice(0, 100), Array(100).fill(mib));
  assert.ok(granted.every((bytes) => bytes >= 64 * 1024));
  const sum = granted.reduce((total, bytes) => total + bytes, 0);
  // Nobody gets less than the narrowest queue: past the budget a thousand take at most as many of those.
  assert.ok(sum <= (128 + 64) * mib, `${sum / mib} MiB`);
  assert.deepEqual(calls, granted);
  for (const bytes of granted) queues.release(bytes);
  assert.equal(queues.limit(new Socket(), 5), mib, 'what was given back is there again');
});

test('a connection is told its width once, and again when that changes', () => {
  const calls: number[] = [];
  const queues = createSocketQueues({ limitQueue: (_fd, bytes) => calls.push(bytes) }, 16 * mib);
  const socket = new Socket();
  for (let answer = 0; answer < 3; answer += 1) queues.release(queues.limit(socket, 5));
  assert.deepEqual(calls, [mib]);
  const others = Array.from({ length: 20 }, () => queues.limit(new Socket(), 6));
  const width = queues.limit(socket, 5);
  assert.ok(width < mib);
  assert.deepEqual([calls[0], calls.at(-1)], [mib, width]);
  for (const bytes of [...others, width]) queues.release(bytes);
});
