// One scan for any file: refused as soon as its bytes are known to be no media, else indexed or told by its kind.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createMediaScan, scanStored } from '../../src/media/scan.ts';
import { box, ftyp, join, latin, moov, text, trak, u32, zeros } from '../helpers/media/boxes.ts';

const refused = { name: 'AppError', kind: 'unsupported-media' };
const stored = (bytes: Uint8Array) =>
  scanStored((into, position) => {
    const read = bytes.subarray(position, position + into.length);
    into.set(read);
    return read.length;
  }, bytes.length);

test('text is refused once four kilobytes of it have arrived, and stays refused', () => {
  const scan = createMediaScan();
  const line = text('The quick brown fox jumps over the lazy dog.\n'.repeat(20));
  const pushAll = () => {
    for (let i = 0; i < 10; i += 1) scan.push(line);
  };
  assert.throws(pushAll, refused);
  scan.push(line);
  assert.throws(() => scan.finish(), refused);
  assert.equal(scan.sniffed, null);
});

test('an empty file and one of a few bytes are refused at their end', async () => {
  for (const bytes of [zeros(0), text('hello')]) {
    const scan = createMediaScan();
    scan.push(bytes);
    assert.throws(() => scan.finish(), refused);
    await assert.rejects(stored(bytes), refused);
  }
});

test('a kind without an index is told by its name, however it arrives', async () => {
  const avi = join(latin('RIFF'), u32(0), latin('AVI LIST'), zeros(9000));
  const scan = createMediaScan();
  for (let at = 0; at < avi.length; at += 5) scan.push(avi.subarray(at, at + 5));
  const result = scan.finish();
  assert.equal(result.kind === 'other' && result.sniffed.kind, 'avi');
  assert.deepEqual(await stored(avi), result);
});

test('an MP4 without picture or sound is refused, and one that was not finished has a reason', async () => {
  const textOnly = join(ftyp(), moov(trak({ handler: 'text', stbl: [] })));
  await assert.rejects(stored(textOnly), refused);
  const unfinished = join(ftyp(), box('mdat', zeros(9000)));
  await assert.rejects(stored(unfinished), { name: 'AppError', kind: 'unplayable' });
});

test('the chunks of an upload may be reused as soon as push returns', () => {
  const file = join(ftyp(), moov(trak({ stbl: [] })), box('mdat', zeros(100)));
  const whole = createMediaScan();
  whole.push(file);
  const scan = createMediaScan();
  const chunk = Buffer.alloc(64);
  for (let at = 0; at < file.length; at += 64) {
    const size = Math.min(64, file.length - at);
    chunk.set(file.subarray(at, at + size));
    scan.push(chunk.subarray(0, size));
    chunk.fill(0xee);
  }
  assert.deepEqual(scan.finish(), whole.finish());
});
