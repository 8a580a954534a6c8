// What the hub keeps for whoever comes to an H.264 camera: from the last key frame on, with its configuration, bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveSample } from '../../src/cameras/live-sample.ts';
import { SampleBacklog } from '../../src/cameras/sample-backlog.ts';
import { startCameraServer } from '../helpers/camera-server.ts';
import { makeCamera } from '../helpers/h264-camera.ts';
import { pushInTime } from '../helpers/live-viewer.ts';
import { until } from '../helpers/until.ts';

const sample = (sequence: number, isKey: boolean, { sizeBytes = 100, atMs = sequence * 40 } = {}) =>
  new LiveSample(
    { codec: 'avc', data: new Uint8Array(sizeBytes), ptsMicros: 0, isKey },
    atMs,
    atMs,
    sequence,
  );
const numbers = (backlog: SampleBacklog) => backlog.samples.map(({ sequence }) => sequence);

test('a backlog begins at the newest key frame, and holds nothing before the first', () => {
  const backlog = new SampleBacklog();
  backlog.add(sample(1, false));
  assert.deepEqual(numbers(backlog), []);
  for (const [number, isKey] of [
    [2, true],
    [3, false],
    [4, true],
    [5, false],
  ] as const)
    backlog.add(sample(number, isKey));
  assert.deepEqual(numbers(backlog), [4, 5]);
});

test('a stretch that is too long or too large is given up until the next key frame', () => {
  const long = new SampleBacklog();
  long.add(sample(1, true, { atMs: 0 }));
  long.add(sample(2, false, { atMs: 15_001 }));
  long.add(sample(3, false, { atMs: 15_040 }));
  assert.deepEqual(numbers(long), []);
  long.add(sample(4, true, { atMs: 15_080 }));
  assert.deepEqual(numbers(long), [4]);
  const large = new SampleBacklog();
  large.add(sample(1, true, { sizeBytes: 9_000_000 }));
  large.add(sample(2, false, { sizeBytes: 9_000_000 }));
  assert.deepEqual(numbers(large), []);
});

test('a viewer of the hub that comes late is given the key frame with its configuration, and what followed', async () => {
  const camera = await makeCamera({ video: { codec: 'h264', bFrames: 0, seconds: 2, keyInterval: 10 } });
  const server = await startCameraServer();
  const nobody = { onSample: () => {}, onEnd: () => {} };
  const first = server.cameras.watch('door', { ...nobody, audience: () => 3 });
  await until(() => server.driver.starts === 1);
  assert.equal(server.cameras.get('door')!.viewers, 3, 'a viewer may stand for several');
  await pushInTime(server, camera.samples.slice(0, 24));
  const second = server.cameras.watch('door', nobody);
  const backlog = second.backlog();
  assert.deepEqual(
    backlog.map(({ data }) => data),
    camera.samples.slice(20, 24).map(({ data }) => data),
  );
  assert.deepEqual(backlog[0]!.config, camera.samples[0]!.config);
  server.driver.fail(new Error('gone'));
  await until(() => server.cameras.get('door')!.state === 'no-signal');
  assert.deepEqual(second.backlog(), [], 'nothing of before once the signal is lost');
  first.close();
  second.close();
  await server.close();
});
