// Runs what makes indexes and headers on a film that does not exist, a bit at a time, so that the engine has compiled
// those loops before somebody waits for one: the first header of a process would take two to three times as long.
import { decodeIndex, encodeIndex } from './index-file.ts';
import type { MediaIndex, SampleTable, Track } from './track.ts';
import { buildMp4View } from './views/progressive.ts';

/** Found by trying: after these the loops are in their fastest form. */
const rounds = 12;
/** Some minutes of film: a round takes about a millisecond once compiled, some ten before. */
const pictures = 12_000;

/** Yields after each piece of work of some milliseconds. */
export function* warmUpViews(): Generator<void> {
  // Beyond 4 GB places take 8 bytes: the other form of the loop.
  const films = [filmAt(1000), filmAt(2 ** 33)];
  for (let round = 0; round < rounds; round++) {
    for (const film of films) {
      const stored = encodeIndex(film);
      yield;
      buildMp4View(decodeIndex(stored));
      yield;
    }
  }
}

function filmAt(offset: number): MediaIndex {
  const picture = tableAt(offset, 300, 9000);
  const cts = Int32Array.from({ length: pictures }, (_, i) => 42 + ((i * 83) % 126));
  const keys = Uint32Array.from({ length: pictures / 50 }, (_, i) => i * 50);
  const dts = Float64Array.from({ length: pictures }, (_, i) => Math.round((i * 1000) / 24));
  const sound = tableAt(offset + 10_000, 8000, 300);
  const tracks = [
    trackOf('video', { ...picture, dts, cts, keys, lastDuration: 42 }),
    trackOf('audio', { ...sound, lastDuration: 1024 }),
  ];
  return {
    container: 'matroska',
    sizeBytes: offset + 2 ** 31,
    durationMs: 0,
    tracks,
    chapters: [],
    isProgressive: false,
    remarks: [],
  };
}

/** Samples whose sizes and gaps are never twice the same. */
function tableAt(offset: number, gap: number, size: number): SampleTable {
  const sizes = Uint32Array.from({ length: pictures }, (_, i) => size + ((i * 7919) % size));
  const offsets = new Float64Array(pictures);
  let place = offset;
  for (let i = 0; i < pictures; i++) {
    offsets[i] = place;
    place += sizes[i]! + gap + (i % 7);
  }
  const dts = Float64Array.from({ length: pictures }, (_, i) => i * 1024);
  return {
    ...{ count: pictures, sizes, offsets, dts, cts: null, keys: null, descriptions: null },
    lastDuration: 0,
  };
}

function trackOf(kind: 'video' | 'audio', samples: SampleTable): Track {
  return {
    ...{ number: 1, kind, codec: kind === 'video' ? 'avc' : 'aac', codecName: '', codecString: null },
    ...{ language: 'und', name: '', isDefault: true, width: 0, height: 0, displayWidth: 0, displayHeight: 0 },
    ...{ matrix: null, channels: 0, sampleRate: 0, timescale: 1000, sampleEntries: [new Uint8Array(8)] },
    ...{ samples, edits: [], obstacle: null },
  };
}
