import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PendingBytes } from '../../src/media/pending-bytes.ts';

test('whatever comes and is used in whatever pieces, what is held is what came less what was used', () => {
  const step = fc.record({ chunk: fc.uint8Array({ maxLength: 40 }), used: fc.nat({ max: 60 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const pending = new PendingBytes(16);
      let expected: Buffer = Buffer.alloc(0);
      for (const { chunk, used } of steps) {
        pending.append(chunk);
        expected = Buffer.concat([expected, chunk]);
        assert.deepEqual(pending.bytes, expected);
        pending.drop(Math.min(used, pending.length));
        expected = expected.subarray(Math.min(used, expected.length));
        assert.deepEqual(pending.bytes, expected);
        assert.equal(pending.length, expected.length);
      }
    }),
  );
});
