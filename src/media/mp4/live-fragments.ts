// Takes the samples out of a fragmented MP4 while it arrives (ISO/IEC 14496-12 §8.8): what a camera or FFmpeg sends
// to us. Memory: the table of contents, one fragment's head, and one sample; media data nobody refers to is let go.
import { AppError } from '../../errors.ts';
import { BoxBytes } from './box-reader.ts';
import { FragmentReader } from './fragments.ts';
import { configOf } from './live-config.ts';
import { type Movie, readMovie, type TrackDraft } from './movie.ts';

/** A live stream's table of contents lists no samples; FFmpeg's takes 1.3 KB. */
const maxMoovBytes = 1024 * 1024;
/** The head of one fragment: ten thousand samples of 16 bytes are far beyond what a live one holds. */
const maxMoofBytes = 256 * 1024;
const maxSampleBytes = 16 * 1024 * 1024;
const maxFragmentSamples = 20_000;

export type FragmentSample = {
  readonly codec: 'avc' | 'hevc' | 'aac' | 'opus';
  readonly data: Uint8Array;
  /** Presentation time in microseconds on the stream's own clock. */
  readonly ptsMicros: number;
  readonly isKey: boolean;
  /** avcC, hvcC, AudioSpecificConfig or OpusHead; on the first sample of its track. */
  readonly config?: Uint8Array;
};

export type FragmentStream = {
  /** Takes the next bytes and yields the samples complete by now. Throws `bad-request` or `unsupported-media`. */
  push(chunk: Uint8Array): Generator<FragmentSample, void, void>;
};

type LiveTrack = {
  readonly draft: TrackDraft;
  readonly codec: FragmentSample['codec'];
  config: Uint8Array | null;
};

/** A sample that is awaited: where its bytes stand in the stream. */
type Awaited = {
  readonly track: LiveTrack;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly ptsMicros: number;
  readonly isKey: boolean;
};

const damaged = (what: string) => new AppError('bad-request', `What was sent is no fragmented MP4: ${what}.`);

export function createFragmentStream(): FragmentStream {
  // What has arrived and is not used: `held` bytes of `buffer` from `start` on, the first at `position` of the stream.
  let buffer: Buffer = Buffer.alloc(0);
  let start = 0;
  let held = 0;
  let position = 0;
  /** Bytes of the present box that nobody needs, still to come. */
  let skipBytes = 0;
  let movie: Movie | null = null;
  let tracks: LiveTrack[] = [];
  let awaited: Awaited[] = [];
  let next = 0;
  /** Where the present mdat ends; null outside of one. */
  let mdatEnd: number | null = null;

  const append = (chunk: Uint8Array) => {
    if (start + held + chunk.length > buffer.length) {
      const isRoomy = held + chunk.length <= buffer.length;
      const target = isRoomy
        ? buffer
        : Buffer.allocUnsafe(Math.max(64 * 1024, held + chunk.length, 2 * held));
      buffer.copy(target, 0, start, start + held);
      buffer = target;
      start = 0;
    }
    buffer.set(chunk, start + held);
    held += chunk.length;
  };
  const drop = (count: number) => {
    start += count;
    held -= count;
    position += count;
  };

  function readMoov(content: Uint8Array): void {
    movie = readMovie(content, () => {});
    tracks = movie.tracks.flatMap((draft) => {
      const found = configOf(draft.description);
      return found ? [{ draft, ...found }] : [];
    });
    if (tracks.length === 0) {
      throw new AppError('unsupported-media', 'What was sent holds neither H.264 nor H.265 nor AAC.');
    }
  }

  function readMoof(content: Uint8Array, moofPosition: number): void {
    for (const { columns } of movie!.tracks) {
      columns.count = 0;
      columns.descriptions.length = 0;
    }
    if (countSamples(content) > maxFragmentSamples) throw damaged('one fragment has too many samples');
    // One for each fragment: it bounds what it reads over its whole life, and a stream has no end.
    new FragmentReader(movie!.tracks, () => {}).read(content, moofPosition);
    awaited = [];
    next = 0;
    for (const track of tracks) {
      const { columns, timescale } = track.draft;
      for (let i = 0; i < columns.count; i += 1) {
        const micros = ((columns.dts[i]! + columns.cts[i]!) / timescale) * 1e6;
        awaited.push({
          track,
          offset: columns.offsets[i]!,
          sizeBytes: columns.sizes[i]!,
          ptsMicros: Math.round(micros),
          isKey: columns.keys[i] === 1,
        });
      }
    }
    awaited.sort((one, other) => one.offset - other.offset);
  }

  /** The next sample of the present mdat; null where more bytes are needed or none is left in it. */
  function takeSample(): FragmentSample | null {
    for (;;) {
      const sample = awaited[next];
      if (!sample || sample.offset + sample.sizeBytes > mdatEnd!) return null;
      const at = sample.offset - position;
      if (sample.sizeBytes === 0) {
        next += 1;
        continue;
      }
      if (at < 0) throw damaged('its samples overlap');
      if (sample.sizeBytes > maxSampleBytes)
        throw new AppError('bad-request', 'One picture of what was sent is larger than 16 MB.');
      if (at > 0) {
        const gap = Math.min(at, held);
        drop(gap);
        if (gap < at) return null;
      }
      if (held < sample.sizeBytes) return null;
      next += 1;
      const { track } = sample;
      const data = new Uint8Array(buffer.subarray(start, start + sample.sizeBytes));
      drop(sample.sizeBytes);
      const config = track.config;
      track.config = null;
      return {
        codec: track.codec,
        data,
        ptsMicros: sample.ptsMicros,
        isKey: sample.isKey,
        ...(config && { config }),
      };
    }
  }

  return {
    *push(chunk) {
      append(chunk);
      for (;;) {
        if (skipBytes > 0) {
          const count = Math.min(skipBytes, held);
          drop(count);
          skipBytes -= count;
          if (skipBytes > 0) return;
        }
        if (mdatEnd !== null) {
          for (let sample = takeSample(); sample; sample = takeSample()) yield sample;
          const isWaiting =
            awaited[next] !== undefined && awaited[next]!.offset + awaited[next]!.sizeBytes <= mdatEnd;
          if (isWaiting) return;
          skipBytes = mdatEnd - position;
          mdatEnd = null;
          continue;
        }
        if (held < 16) return;
        const header = new BoxBytes(buffer.subarray(start, start + 16));
        const type = header.type(4);
        let sizeBytes = header.view.getUint32(0);
        let headerBytes = 8;
        if (sizeBytes === 1) {
          sizeBytes = header.u64(8); //                          largesize (§4.2)
          headerBytes = 16;
        }
        if (position === 0 && type !== 'ftyp' && type !== 'styp') throw damaged('it does not begin as one');
        if (!/^[\x20-\x7e\xa9]{4}$/.test(type) || sizeBytes < headerBytes || sizeBytes > 2 ** 48)
          throw damaged('a part of it has no sensible size or name');
        const contentBytes = sizeBytes - headerBytes;
        if (type === 'moov' || type === 'moof') {
          if (type === 'moof' && !movie) throw damaged('its table of contents is missing');
          if (contentBytes > (type === 'moov' ? maxMoovBytes : maxMoofBytes))
            throw damaged('its heads are too large for a live stream');
          if (held < sizeBytes) return;
          const boxPosition = position;
          const content = new Uint8Array(buffer.subarray(start + headerBytes, start + sizeBytes));
          drop(sizeBytes);
          if (type === 'moov') readMoov(content);
          else readMoof(content, boxPosition);
        } else if (type === 'mdat') {
          if (!movie) {
            throw damaged('its pictures come before its table of contents (movflags empty_moov is missing)');
          }
          mdatEnd = position + sizeBytes;
          drop(headerBytes);
        } else {
          skipBytes = sizeBytes;
        }
      }
    },
  };
}

/** What the runs of a moof claim to hold (trun, §8.8.8), before anything is made of it. */
function countSamples(content: Uint8Array): number {
  const file = new BoxBytes(content);
  let count = 0;
  for (const traf of file.children(0, content.length)) {
    if (traf.type !== 'traf') continue;
    for (const { type, start, end } of file.children(traf.start, traf.end))
      if (type === 'trun' && end - start >= 8) count += file.view.getUint32(start + 4);
  }
  return count;
}
