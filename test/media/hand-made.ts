// Indexes made by hand for tests: tracks of any shape without a file behind them.
import type { MediaIndex, SampleTable, Track } from '../../src/media/track.ts';

/** A box as bytes. */
export function makeBox(type: string, ...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const content = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + content.length);
  head.write(type, 4, 'latin1');
  return new Uint8Array(Buffer.concat([head, content]));
}

export function makeSamples(fields: Partial<SampleTable> & { count: number }): SampleTable {
  const { count } = fields;
  return {
    sizes: new Uint32Array(count).fill(100),
    offsets: Float64Array.from({ length: count }, (_, i) => 1000 + i * 250),
    dts: Float64Array.from({ length: count }, (_, i) => i * 1000),
    cts: null,
    keys: null,
    descriptions: null,
    lastDuration: 1000,
    ...fields,
  };
}

export function makeTrack(fields: Partial<Track>): Track {
  const kind = fields.kind ?? 'video';
  const isVideo = kind === 'video';
  return {
    number: 1,
    kind,
    codec: isVideo ? 'avc' : 'aac',
    codecName: isVideo ? 'V_MPEG4/ISO/AVC' : 'A_AAC',
    codecString: isVideo ? 'avc1.64001f' : 'mp4a.40.2',
    language: 'und',
    name: '',
    isDefault: true,
    width: isVideo ? 640 : 0,
    height: isVideo ? 360 : 0,
    displayWidth: isVideo ? 640 : 0,
    displayHeight: isVideo ? 360 : 0,
    matrix: null,
    channels: isVideo ? 0 : 2,
    sampleRate: isVideo ? 0 : 48000,
    timescale: isVideo ? 25000 : 48000,
    sampleEntries: [makeBox(isVideo ? 'avc1' : 'mp4a', new Uint8Array(28))],
    samples: makeSamples({ count: 10 }),
    edits: [],
    obstacle: null,
    ...fields,
  };
}

export function makeIndex(tracks: readonly Track[], fields: Partial<MediaIndex> = {}): MediaIndex {
  const end = Math.max(
    0,
    ...tracks.map((track) => {
      let most = 0;
      for (let i = 0; i < track.samples.count; i++)
        most = Math.max(most, track.samples.offsets[i]! + track.samples.sizes[i]!);
      return most;
    }),
  );
  return {
    container: 'matroska',
    sizeBytes: end + 10,
    durationMs: 400,
    tracks,
    chapters: [],
    isProgressive: false,
    remarks: [],
    ...fields,
  };
}

/**
 * A film as a Matroska file would have it: 24 pictures a second with B-frames in groups of four, key frames every
 * two seconds, sound in frames of 1024 samples, every sample its own chunk, sizes as an encoder makes them.
 */
export function makeFilm(seconds: number): MediaIndex {
  const videoCount = Math.round(seconds * 24);
  const audioCount = Math.round((seconds * 48000) / 1024);
  const video = makeSamples({
    count: videoCount,
    keys: Uint32Array.from({ length: Math.ceil(videoCount / 48) }, (_, i) => i * 48),
    cts: Int32Array.from({ length: videoCount }, (_, i) => [2000, 4000, 1000, 1000][i % 4]! + 0),
    lastDuration: 1000,
  });
  const audio = makeSamples({
    count: audioCount,
    dts: Float64Array.from({ length: audioCount }, (_, i) => i * 1024),
    lastDuration: 1024,
  });
  // A small generator with a fixed seed: the same film each time.
  let seed = 12345;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  let place = 5000;
  let sound = 0;
  for (let i = 0; i < videoCount; i++) {
    video.sizes[i] = i % 48 === 0 ? 120_000 + random(60_000) : 4_000 + random(30_000);
    video.offsets[i] = place + 7;
    place += 7 + video.sizes[i]!;
    for (; sound < audioCount && sound * 1024 * 24 <= i * 48000; sound++) {
      audio.sizes[sound] = 300 + random(200);
      audio.offsets[sound] = place + 7;
      place += 7 + audio.sizes[sound]!;
    }
  }
  for (; sound < audioCount; sound++) {
    audio.offsets[sound] = place + 7;
    place += 7 + audio.sizes[sound]!;
  }
  const tracks = [
    makeTrack({
      timescale: 24000,
      samples: video,
      edits: [{ durationSeconds: videoCount / 24, mediaTime: 2000, rate: 1 }],
    }),
    makeTrack({ number: 2, kind: 'audio', samples: audio, language: 'en', name: 'English' }),
  ];
  return makeIndex(tracks, { sizeBytes: place, durationMs: seconds * 1000 });
}
