// The feed gives a parser the same bytes however they come: whole, in any chunks, or by reading any window.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../src/errors.ts';
import {
  type ByteFeed,
  createPushScan,
  maxNeedBytes,
  type Parser,
  scanByReading,
} from '../../src/media/feed.ts';

type Step = { take: number } | { skip: number } | { peek: number };

/** A parser that carries out a list of steps over and over, and says what it saw at each. */
function follow(steps: readonly Step[]): (feed: ByteFeed) => Parser<string[]> {
  return function* (feed) {
    const seen: string[] = [];
    for (let index = 0; ; index += 1) {
      const step = steps[index % steps.length]!;
      if ('skip' in step) {
        feed.skip(step.skip);
        if (step.skip > 0 || index % 2 === 0) continue;
        yield 0;
        continue;
      }
      const count = 'take' in step ? step.take : step.peek;
      const from = feed.position;
      if (feed.available < count) yield count;
      if (feed.available < count) {
        seen.push(`end at ${from} with ${feed.available} of ${feed.sizeBytes}`);
        return seen;
      }
      if ('take' in step) seen.push(`${from}: ${Buffer.from(feed.take(count)).toString('hex')}`);
      else
        seen.push(`${from}? ${Buffer.from(feed.bytes.subarray(feed.at, feed.at + count)).toString('hex')}`);
    }
  };
}

function pushed<T>(parse: (feed: ByteFeed) => Parser<T>, file: Uint8Array, cuts: readonly number[]): T {
  const scan = createPushScan(parse);
  // One buffer for all chunks, spoilt after each push: a scan that kept a view into it would see the rubbish.
  const shared = new Uint8Array(file.length);
  const edges = [0, ...[...cuts].map((cut) => cut % (file.length + 1)).sort((a, b) => a - b), file.length];
  for (let index = 1; index < edges.length; index += 1) {
    const part = file.subarray(edges[index - 1], edges[index]);
    shared.set(part);
    scan.push(shared.subarray(0, part.length));
    shared.fill(0xee);
  }
  return scan.finish();
}

function read<T>(
  parse: (feed: ByteFeed) => Parser<T>,
  file: Uint8Array,
  windowBytes: number,
  wait = false,
): Promise<T> {
  const readAt = (into: Uint8Array, position: number) => {
    const part = file.subarray(position, position + into.length);
    into.fill(0xee);
    into.set(part);
    return wait ? Promise.resolve(part.length) : part.length;
  };
  return scanByReading(parse, readAt, file.length, windowBytes);
}

const numbered = (length: number) =>
  Uint8Array.from({ length }, (_, index) => (index * 167 + (index >> 8)) & 255);

describe('feed', () => {
  const step = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ peek: fc.integer({ min: 0, max: 60 }) }),
    fc.record({ skip: fc.integer({ min: 0, max: 120 }) }),
  );
  const program = fc
    .array(step, { minLength: 1, maxLength: 12 })
    .filter((steps) => steps.some((one) => ('take' in one ? one.take : 'skip' in one ? one.skip : 0) > 0))
    .filter((steps) => steps.some((one) => !('skip' in one) && ('take' in one ? one.take : one.peek) > 0));

  test('any chunking and any reading window give the parser the same as the whole file', async () => {
    await fc.assert(
      fc.asyncProperty(
        program,
        fc.integer({ min: 0, max: 600 }).map(numbered),
        fc.array(fc.nat(600), { maxLength: 200 }),
        fc.integer({ min: 1, max: 300 }),
        fc.boolean(),
        async (steps, file, cuts, windowBytes, wait) => {
          const whole = pushed(follow(steps), file, []);
          assert.deepEqual(pushed(follow(steps), file, cuts), whole);
          assert.deepEqual(await read(follow(steps), file, windowBytes, wait), whole);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('what was read is what stands in the file at that position', () => {
    fc.assert(
      fc.property(program, fc.array(fc.nat(500), { maxLength: 100 }), (steps, cuts) => {
        const file = numbered(500);
        for (const line of pushed(follow(steps), file, cuts)) {
          const [, position, hex] = /^(\d+)[:?] ([0-9a-f]*)$/.exec(line) ?? [];
          if (position === undefined) continue;
          const from = Number(position);
          assert.equal(hex, Buffer.from(file.subarray(from, from + hex!.length / 2)).toString('hex'));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a skip far past the chunk lands on the right byte', () => {
    const scan = createPushScan(function* (feed): Parser<number[]> {
      yield 1;
      feed.skip(1_000_000);
      yield 2;
      return [...feed.take(2)];
    });
    for (let at = 0; at < 1_100_000; at += 1000) {
      scan.push(Uint8Array.from({ length: 1000 }, (_, index) => Math.floor((at + index) / 10_000)));
    }
    assert.deepEqual(scan.finish(), [100, 100]);
  });

  test('a skip past the end of the file is an end, with the real size known', async () => {
    const parse = function* (feed: ByteFeed): Parser<unknown> {
      feed.skip(Number.MAX_SAFE_INTEGER - 10);
      if (!feed.ended) yield 1;
      return [feed.available, feed.ended, feed.sizeBytes];
    };
    assert.deepEqual(pushed(parse, numbered(50), [7, 20]), [0, true, 50]);
    assert.deepEqual(await read(parse, numbered(50), 16), [0, true, 50]);
  });

  test('megabytes asked for at once over small chunks are copied in linear total', () => {
    const chunk = numbered(1000);
    const sizes = [2_000_000, 16_000_000];
    const millis = sizes.map((size) => {
      const scan = createPushScan(function* (feed): Parser<string> {
        yield size;
        return createHash('sha1').update(feed.take(size)).digest('hex');
      });
      const expected = createHash('sha1');
      const began = performance.now();
      for (let sent = 0; sent < size; sent += chunk.length) scan.push(chunk);
      const took = performance.now() - began;
      for (let sent = 0; sent < size; sent += chunk.length) expected.update(chunk);
      assert.equal(scan.finish(), expected.digest('hex'));
      return took;
    });
    // Quadratic copying would move 128 GB for the second (a minute); linear copying moves 48 MB.
    assert.ok(millis[1]! < 5000, `16 MB took ${millis[1]} ms`);
  });

  test('small needs over one-byte chunks never see stale bytes after a large one', () => {
    const file = numbered(9000);
    const parse = function* (feed: ByteFeed): Parser<string> {
      const hash = createHash('sha1');
      for (const count of [5000, 3, 2, 700, 1, 1, 2000]) {
        if (feed.available < count) yield count;
        hash.update(feed.take(count));
      }
      return hash.digest('hex');
    };
    const expected = createHash('sha1').update(file.subarray(0, 7707)).digest('hex');
    assert.equal(pushed(parse, file, Array.from(file.keys())), expected);
  });

  test('a payload that is skipped is never copied, however it is cut', (t) => {
    const scan = createPushScan(function* (feed): Parser<number> {
      yield 1;
      feed.skip(1 + 64 * 4096 - 3);
      yield 4;
      return feed.take(4)[3]!;
    });
    const chunk = new Uint8Array(4096).fill(1);
    const copies = t.mock.method(Uint8Array.prototype, 'set');
    scan.push(Uint8Array.of(1));
    for (let index = 0; index < 64; index += 1) scan.push(chunk);
    scan.push(Uint8Array.of(42));
    const copiedBytes = copies.mock.calls.reduce((sum, { arguments: [from] }) => sum + from.length, 0);
    copies.mock.restore();
    assert.equal(scan.finish(), 42);
    // The three bytes that straddle the last two chunks, and the one that completes them.
    assert.equal(copiedBytes, 4);
  });

  test('what a parser slices out of a Buffer is its own', () => {
    const scan = createPushScan(function* (feed): Parser<Uint8Array> {
      yield 4;
      return feed.take(4).slice();
    });
    const chunk = Buffer.from([1, 2, 3, 4]);
    scan.push(chunk);
    chunk.fill(0);
    assert.deepEqual(Array.from(scan.finish()), [1, 2, 3, 4]);
  });

  test('a need beyond the limit is a clear error, first or in the middle, pushed or read', async () => {
    const refused = (error: unknown) => error instanceof AppError && error.kind === 'unsupported-media';
    for (const before of [0, 10]) {
      const parse = function* (feed: ByteFeed): Parser<void> {
        if (before > 0) {
          yield before;
          feed.skip(before);
        }
        yield maxNeedBytes + 1;
      };
      const scan = createPushScan(parse);
      assert.throws(() => scan.push(numbered(100)), refused);
      scan.push(numbered(100));
      assert.throws(() => scan.finish(), refused);
      await assert.rejects(read(parse, numbered(100), 32), refused);
    }
  });

  test('an error of the parser comes out of the push that met it and again from finish', () => {
    const scan = createPushScan(function* (feed): Parser<void> {
      yield 4;
      throw new AppError('unsupported-media', `no film begins with ${feed.take(4).join()}`);
    });
    scan.push(Uint8Array.of(1, 2, 3));
    assert.throws(() => scan.push(Uint8Array.of(4, 5)), { message: 'no film begins with 1,2,3,4' });
    scan.push(Uint8Array.of(6));
    assert.throws(() => scan.finish(), { message: 'no film begins with 1,2,3,4' });
  });

  test('an empty file still runs the parser to its end', async () => {
    const parse = function* (feed: ByteFeed): Parser<string> {
      yield 8;
      return `${feed.available} of ${feed.sizeBytes}, ended ${feed.ended}`;
    };
    assert.equal(createPushScan(parse).finish(), '0 of 0, ended true');
    assert.equal(await read(parse, new Uint8Array(0), 8), '0 of 0, ended true');
  });

  test('finish may be called twice and bytes after the result are ignored', () => {
    const scan = createPushScan(function* (feed): Parser<number> {
      yield 1;
      return feed.take(1)[0]!;
    });
    scan.push(Uint8Array.of(9, 8));
    scan.push(Uint8Array.of(7));
    assert.equal(scan.finish(), 9);
    assert.equal(scan.finish(), 9);
  });

  test('a file that turns out shorter than was said ends where its bytes end', async () => {
    const parse = function* (feed: ByteFeed): Parser<unknown> {
      feed.skip(90);
      yield 20;
      return [feed.available, feed.sizeBytes];
    };
    const file = numbered(95);
    const readAt = (into: Uint8Array, position: number) => {
      const part = file.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    };
    assert.deepEqual(await scanByReading(parse, readAt, 1000), [5, 95]);
  });
});
