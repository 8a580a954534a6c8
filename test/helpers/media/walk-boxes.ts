// Walks a generated MP4 box by box and checks that every size adds up and every sample lies in mdat. Written apart
// from the parser and the writer of the program, so that an error in either shows.
import assert from 'node:assert/strict';

type WalkedBox = { type: string; start: number; end: number; path: string };

const containers = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'dinf', 'udta']);

function* boxesIn(view: DataView, start: number, end: number, path: string): Generator<WalkedBox> {
  let at = start;
  while (at < end) {
    assert.ok(at + 8 <= end, `${path}: ${end - at} bytes are no box`);
    const type = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
    let size = view.getUint32(at);
    let header = 8;
    if (size === 1) {
      size = Number(view.getBigUint64(at + 8));
      header = 16;
    }
    assert.ok(
      size >= header && at + size <= end,
      `${path}/${type} of ${size} bytes does not fit in ${end - at}`,
    );
    const inside = { type, start: at + header, end: at + size, path: `${path}/${type}` };
    yield inside;
    if (containers.has(type)) yield* boxesIn(view, inside.start, inside.end, inside.path);
    at += size;
  }
  assert.equal(at, end, `${path} ends in the middle of a box`);
}

/** Asserts that `bytes` is one whole MP4: boxes fill each other exactly, tables agree, samples are in mdat. */
export function assertSoundBoxes(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const boxes = [...boxesIn(view, 0, bytes.length, '')];
  const top = boxes.filter(({ path }) => path.split('/').length === 2).map(({ type }) => type);
  assert.deepEqual(top, ['ftyp', 'moov', 'mdat']);
  const mdat = boxes.find(({ type }) => type === 'mdat')!;
  const tables = boxes.filter(({ type }) => type === 'stbl');
  assert.ok(tables.length > 0, 'no track');
  for (const stbl of tables)
    checkTable(
      view,
      boxes.filter(({ start, end }) => start >= stbl.start && end <= stbl.end),
      mdat,
    );
}

function checkTable(view: DataView, boxes: WalkedBox[], mdat: WalkedBox) {
  const find = (type: string) => boxes.find((box) => box.type === type);
  const u32 = (at: number) => view.getUint32(at);
  const runTotal = (box: WalkedBox) => {
    const count = u32(box.start + 4);
    assert.equal(box.end - box.start, 8 + 8 * count, `${box.path} has another length than its count says`);
    let total = 0;
    for (let i = 0; i < count; i += 1) total += u32(box.start + 8 + 8 * i);
    return total;
  };
  const stsz = find('stsz')!;
  const constant = u32(stsz.start + 4);
  const count = u32(stsz.start + 8);
  if (constant === 0) assert.equal(stsz.end - stsz.start, 12 + 4 * count, 'stsz');
  assert.equal(runTotal(find('stts')!), count, 'stts and stsz disagree');
  const ctts = find('ctts');
  if (ctts) assert.equal(runTotal(ctts), count, 'ctts and stsz disagree');
  const stsd = find('stsd')!;
  const entryCount = u32(stsd.start + 4);
  assert.ok(entryCount > 0, 'stsd is empty');

  const is64 = find('co64') !== undefined;
  const chunks = find('co64') ?? find('stco')!;
  const chunkCount = u32(chunks.start + 4);
  assert.equal(chunks.end - chunks.start, 8 + (is64 ? 8 : 4) * chunkCount, 'chunk offsets');
  const stsc = find('stsc')!;
  const runs = u32(stsc.start + 4);
  assert.equal(stsc.end - stsc.start, 8 + 12 * runs, 'stsc');
  let sample = 0;
  let run = -1;
  for (let chunk = 0; chunk < chunkCount; chunk += 1) {
    while (run + 1 < runs && u32(stsc.start + 8 + 12 * (run + 1)) <= chunk + 1) run += 1;
    const entry = u32(stsc.start + 16 + 12 * run);
    assert.ok(entry >= 1 && entry <= entryCount, 'a chunk names a sample entry that is not there');
    const at = chunks.start + 8 + (is64 ? 8 : 4) * chunk;
    let offset = is64 ? Number(view.getBigUint64(at)) : u32(at);
    for (let i = u32(stsc.start + 12 + 12 * run); i > 0; i -= 1, sample += 1) {
      assert.ok(offset >= mdat.start, `sample ${sample} begins before mdat`);
      offset += constant || u32(stsz.start + 12 + 4 * sample);
      assert.ok(offset <= mdat.end, `sample ${sample} ends behind mdat`);
    }
  }
  assert.equal(sample, count, 'stsc and stsz disagree');
  const stss = find('stss');
  if (!stss) return;
  for (let i = 0, last = 0; i < u32(stss.start + 4); i += 1) {
    const number = u32(stss.start + 8 + 4 * i);
    assert.ok(number > last && number <= count, 'stss is not ascending');
    last = number;
  }
}
