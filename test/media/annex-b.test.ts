// H.264 without a container cut into access units, held against FFmpeg's own packets; and streams that are none.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAnnexBStream, makeAvcRecord } from '../../src/media/annex-b.ts';
import { avcPictureFormat } from '../../src/media/codecs/parameter-sets.ts';
import { listPackets, makeMedia } from '../helpers/media/media.ts';

const path = await makeMedia({
  container: 'h264',
  video: { codec: 'h264', width: 320, height: 240, seconds: 2, keyInterval: 10, bFrames: 0 },
});
const bytes = await readFile(path);

function split(stream: Buffer, cuts: readonly number[], maxBytes = 1e6): Buffer[] {
  const splitter = createAnnexBStream(maxBytes);
  const units: Buffer[] = [];
  for (let at = 0, cut = 0; at < stream.length; cut += 1) {
    const end = at + cuts[cut % cuts.length]!;
    units.push(...splitter.push(stream.subarray(at, end)));
    at = end;
  }
  const last = splitter.end();
  return last ? [...units, last] : units;
}

test('the access units are FFmpeg’s packets, however the stream is cut', async () => {
  const [stream] = await listPackets(path);
  const whole = split(bytes, [4096]);
  assert.equal(whole.length, stream!.packets.length);
  // FFmpeg counts the zero byte of a long start code to the unit behind it; here units begin at 00 00 01.
  for (const [number, { size }] of stream!.packets.entries())
    assert.ok(size - whole[number]!.length === 1 || size === whole[number]!.length, `packet ${number}`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }), (cuts) => {
      assert.deepEqual(split(bytes, cuts), whole);
    }),
    { numRuns: 30 },
  );
});

test('the record made of the parameter sets tells the picture’s size', () => {
  const [first] = split(bytes, [4096]);
  const record = makeAvcRecord(first!);
  const format = avcPictureFormat(record!);
  assert.deepEqual([format?.width, format?.height], [320, 240]);
  assert.equal(makeAvcRecord(Buffer.from('no parameter sets')), null);
});

test('what is no H.264 is told, in bounded memory', () => {
  const splitter = createAnnexBStream(100_000);
  assert.throws(
    () => {
      for (let i = 0; i < 100; i += 1) for (const _ of splitter.push(Buffer.alloc(4096, 0x55)));
    },
    { kind: 'unavailable', message: 'The camera sends something that is no H.264.' },
  );
});

test('a picture without end and units without end are refused', () => {
  const endless = createAnnexBStream(100_000);
  assert.throws(
    () => {
      for (const _ of endless.push(Buffer.of(0, 0, 1, 0x65, 0x88)));
      for (let i = 0; i < 100; i += 1) for (const _ of endless.push(Buffer.alloc(4096, 0x55)));
    },
    { kind: 'unavailable', message: /more than 0 MB/ },
  );
  const many = createAnnexBStream(1e6);
  assert.throws(
    () => {
      for (let i = 0; i < 5000; i += 1) for (const _ of many.push(Buffer.of(0, 0, 1, 0x0c, 0xff)));
    },
    { kind: 'unavailable', message: /no H\.264/ },
  );
});

test('any bytes at all end in units or in a sentence', () => {
  const piece = fc.oneof(
    fc.constantFrom([0, 0, 1], [0, 0, 1, 0x67], [0, 0, 1, 0x65, 0x88], [0, 0, 0, 1, 0x41, 0x9a], [0, 0]),
    fc.uint8Array({ maxLength: 50 }).map((data) => [...data]),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const units = split(Buffer.from(pieces.flat()), [7]);
      assert.ok(units.every((unit) => unit.length > 0));
    }),
    { numRuns: 1000 },
  );
});
