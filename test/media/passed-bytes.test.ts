// A scan that is made again from stored bytes is given only what it looks at, and finds the same as one given all.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import { createMediaScan } from '../../src/media/scan.ts';
import { type MediaSpec, makeMedia } from '../helpers/media/media.ts';

const video = { codec: 'h264', seconds: 4, bFrames: 2 } as const;
const specs: readonly MediaSpec[] = [
  { container: 'matroska', video, audio: { codec: 'aac' } },
  { container: 'mp4', video, audio: { codec: 'aac' } },
];
for (const spec of specs) {
  for (const share of [0.1, 0.5, 0.9, 1]) {
    test(`${spec.container} of which ${share * 100} % is passed over and the rest pushed`, async (t) => {
      const bytes = new Uint8Array(await readFile(await makeMedia(spec)));
      const scan = createMediaScan();
      const stored = Math.floor(bytes.length * share);
      let given = 0;
      for (let at = 0; at < stored; ) {
        const passable = Math.min(scan.passableBytes, stored - at);
        if (passable > 0) {
          scan.pass(passable);
          at += passable;
          continue;
        }
        const end = Math.min(at + 300, stored);
        scan.push(bytes.subarray(at, end));
        given += end - at;
        at = end;
      }
      for (let at = stored; at < bytes.length; at += 5000) scan.push(bytes.subarray(at, at + 5000));
      const whole = createMediaScan();
      whole.push(bytes);
      assert.deepEqual(scan.finish(), whole.finish());
      t.diagnostic(`${given} of ${stored} bytes given`);
      assert.ok(given <= stored);
    });
  }
}

test('bytes that a scan needs cannot be passed over', () => {
  assert.throws(
    () => createMediaScan().pass(1),
    (error) => isAppError(error, 'internal'),
  );
});
