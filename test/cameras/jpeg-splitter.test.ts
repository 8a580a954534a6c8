// JPEG pictures one after another without anything between them, cut at their own ends and nowhere else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createJpegSplitter } from '../../src/cameras/drivers/jpeg-splitter.ts';

const segment = (marker: number, content: Uint8Array) =>
  Buffer.concat([Buffer.of(0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 255), content]);

/** SOI, the segments, a scan with stuffed bytes and restart markers, EOI (ITU-T T.81 §B.1). */
const picture = (number: number, ...segments: Buffer[]) =>
  Buffer.concat([
    Buffer.of(0xff, 0xd8),
    ...segments,
    segment(0xfe, Buffer.from(`picture ${number}`)),
    segment(0xda, Buffer.of(1, 1, 0, 0, 63, 0)),
    Buffer.of(0x11, 0xff, 0x00, 0xd9, 0xff, 0xd0, 0x22, 0xff, 0x00, 0xd8, 0xff, 0xff, 0x00, 0x33),
    Buffer.of(0xff, 0xd9),
  ]);

const thumbnail = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), picture(99)]));
const pictures = [picture(1), picture(2, thumbnail), picture(3)];

function split(bytes: Buffer, cuts: readonly number[], maxBytes?: number): Buffer[] {
  const splitter = createJpegSplitter(maxBytes);
  const found: Buffer[] = [];
  for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
    const end = at + cuts[cut % cuts.length]!;
    found.push(...splitter.push(bytes.subarray(at, end)));
    at = end;
  }
  return found;
}

test('pictures are cut at their ends, a thumbnail inside one cuts nothing, however the bytes come', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(cuts, (lengths) => assert.deepEqual(split(Buffer.concat(pictures), lengths), pictures)),
  );
});

test('what stands between pictures, and a picture that is damaged, is left out', () => {
  const damaged = Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2), Buffer.from('no marker')]);
  const stream = Buffer.concat([
    Buffer.from('noise'),
    pictures[0]!,
    damaged,
    pictures[1]!,
    Buffer.alloc(50),
    pictures[2]!,
  ]);
  assert.deepEqual(split(stream, [7]), pictures);
});

test('what never ends or is no picture is refused in a sentence', () => {
  const endless = Buffer.concat([pictures[0]!.subarray(0, -2), Buffer.alloc(200_000, 0x11)]);
  assert.throws(() => split(endless, [4096], 100_000), {
    kind: 'unavailable',
    message: /^The camera sends a picture of more than/,
  });
  assert.throws(() => split(Buffer.alloc(200_000, 0x11), [4096]), {
    kind: 'unavailable',
    message: /no JPEG picture/,
  });
});

test('any bytes at all end in pictures or in a sentence', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      [0xff, 0xd8, 0xff],
      [0xff, 0xd9],
      [0xff, 0xda, 0, 2],
      [0xff, 0xe1, 0xff, 0xff],
      [0xff, 0xc0, 0, 0],
      [0xff],
    ),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => [...bytes]),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      for (const found of split(Buffer.from(pieces.flat()), [5])) {
        assert.equal(found.readUInt16BE(0), 0xffd8);
        assert.equal(found.readUInt16BE(found.length - 2), 0xffd9);
      }
    }),
    { numRuns: 1000 },
  );
});
