// Samples between the server and its processes: whole however they are cut, bounded whatever the head says.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createSampleParser,
  sampleHead,
  type WireSample,
  writeSample,
} from '../../src/workers/sample-wire.ts';

const codecs = ['jpeg', 'avc', 'hevc', 'aac', 'opus', 'pcma', 'pcmu'] as const;

const anySample: fc.Arbitrary<WireSample> = fc
  .record({
    codec: fc.constantFrom(...codecs),
    data: fc.uint8Array({ minLength: 1, maxLength: 3000 }),
    ptsMicros: fc.maxSafeNat(),
    dtsMicros: fc.option(fc.integer({ max: -1 }), { nil: undefined }),
    isKey: fc.boolean(),
    config: fc.option(fc.uint8Array({ minLength: 1, maxLength: 80 }), { nil: undefined }),
  })
  .map(({ config, dtsMicros, ...sample }) => ({
    ...sample,
    ...(config && { config }),
    ...(dtsMicros !== undefined && { dtsMicros }),
  }));

function bytesOf(samples: readonly WireSample[]): Buffer {
  return Buffer.concat(
    samples.flatMap((sample) => [sampleHead(sample), sample.config ?? Buffer.alloc(0), sample.data]),
  );
}

function plain(sample: WireSample): object {
  const { data, config, ...rest } = sample;
  return {
    ...rest,
    data: Buffer.from(data).toString('hex'),
    config: config && Buffer.from(config).toString('hex'),
  };
}

test('samples come out as they went in, wherever the pipe cuts them', () => {
  fc.assert(
    fc.property(
      fc.array(anySample, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 500 })),
      (samples, cuts) => {
        const bytes = bytesOf(samples);
        const parser = createSampleParser();
        const found: WireSample[] = [];
        let at = 0;
        for (let turn = 0; at < bytes.length; turn += 1) {
          const size = cuts.length === 0 ? bytes.length : cuts[turn % cuts.length]!;
          // A chunk of its own, as a pipe hands them out.
          found.push(...parser.push(Uint8Array.from(bytes.subarray(at, at + size))));
          at += size;
        }
        assert.deepEqual(found.map(plain), samples.map(plain));
        assert.equal(parser.isBetweenSamples, true);
      },
    ),
    { numRuns: 500 },
  );
});

test('a sample that one chunk holds whole is a slice of it; one that spans several is copied once', () => {
  const sample: WireSample = { codec: 'avc', data: Buffer.alloc(1000, 7), ptsMicros: 1, isKey: true };
  const bytes = Uint8Array.from(bytesOf([sample]));
  const [whole] = createSampleParser().push(bytes);
  assert.equal(whole!.data.buffer, bytes.buffer);
  const parser = createSampleParser();
  assert.deepEqual([...parser.push(bytes.slice(0, 600))], []);
  assert.equal(parser.isBetweenSamples, false);
  const [joined] = parser.push(bytes.slice(600));
  assert.equal(joined!.data.buffer.byteLength, 1000, 'exactly its own bytes, from no pool');
});

test('a head that lies is refused before any memory is taken', () => {
  const head = sampleHead({ codec: 'jpeg', data: Buffer.alloc(10), ptsMicros: 5, isKey: true });
  const lies: readonly [string, (bytes: Buffer) => void][] = [
    ['no mark', (bytes) => bytes.writeUInt8(0, 0)],
    ['codec 0', (bytes) => bytes.writeUInt8(0, 1)],
    ['codec 8', (bytes) => bytes.writeUInt8(codecs.length + 1, 1)],
    ['a configuration of 4 GB', (bytes) => bytes.writeUInt32LE(0xffff_ffff, 4)],
    ['a sample of 4 GB', (bytes) => bytes.writeUInt32LE(0xffff_ffff, 8)],
    ['a sample of nothing', (bytes) => bytes.writeUInt32LE(0, 8)],
    ['no time', (bytes) => bytes.writeDoubleLE(Number.NaN, 12)],
    ['no decode time', (bytes) => bytes.writeDoubleLE(Number.POSITIVE_INFINITY, 20)],
  ];
  for (const [what, lie] of lies) {
    const bytes = Buffer.from(head);
    lie(bytes);
    assert.throws(() => [...createSampleParser().push(bytes)], { name: 'AppError', kind: 'internal' }, what);
  }
  assert.throws(() => [...createSampleParser({ maxDataBytes: 9 }).push(head)], { kind: 'internal' });
  assert.deepEqual([...createSampleParser({ maxDataBytes: 10 }).push(head)], []);
});

test('any bytes end in samples or one clear error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const parser = createSampleParser({ maxDataBytes: 1000, maxConfigBytes: 1000 });
      try {
        for (const sample of parser.push(bytes)) assert.ok(sample.data.length <= 1000);
      } catch (error) {
        assert.equal((error as Error).name, 'AppError');
      }
    }),
    { numRuns: 2000 },
  );
});

test('a full pipe says so and takes more once it has drained', async () => {
  const pipe = new PassThrough({ highWaterMark: 1000 });
  const sample: WireSample = {
    codec: 'aac',
    data: Buffer.alloc(600, 1),
    ptsMicros: 0,
    isKey: true,
    config: Buffer.of(1, 2),
  };
  let written = 0;
  while (writeSample(pipe, sample)) assert.ok(++written < 100);
  const drained = once(pipe, 'drain');
  const parser = createSampleParser();
  let read = 0;
  pipe.on('data', (chunk: Buffer) => {
    for (const found of parser.push(chunk)) {
      assert.deepEqual(plain(found), plain(sample));
      read += 1;
    }
  });
  await drained;
  assert.equal(read, written + 1);
});
