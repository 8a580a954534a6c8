// What a test asks of the media process, and what it is told. Plain data: it crosses a process boundary.

export type VideoSpec = {
  codec: 'h264' | 'hevc' | 'vp8' | 'vp9' | 'av1' | 'mpeg4' | 'mpeg2' | 'mjpeg';
  /** Even numbers; 640 x 360 unless told. */
  width?: number;
  height?: number;
  /** Frames per second, or a fraction as [30000, 1001]; 25 unless told. */
  fps?: number | readonly [number, number];
  /** Length in seconds; 4 unless told. */
  seconds?: number;
  /** B-frames between two others, for codecs that have them; 2 unless told. */
  bFrames?: number;
  /** Frames from one key frame to the next; 25 unless told. */
  keyInterval?: number;
  /** Further options of the FFmpeg encoder. */
  options?: Record<string, string>;
};

export type AudioSpec = {
  codec: 'aac' | 'opus' | 'vorbis' | 'flac' | 'mp3' | 'ac3' | 'eac3' | 'pcm';
  /** 48,000 unless told. */
  sampleRate?: number;
  /** 2 unless told. */
  channels?: number;
  /** Length in seconds; the video's unless told, or 4. */
  seconds?: number;
  options?: Record<string, string>;
};

export type MediaSpec = {
  /** A muxer of FFmpeg by name: `matroska`, `webm`, `mp4`, `mov`, `avi`, `mpegts`, `mp3`, `ogg`, `flac`, `wav`, ... */
  container: string;
  video?: VideoSpec;
  audio?: AudioSpec;
  /** Options of the muxer, such as `movflags`. */
  formatOptions?: Record<string, string>;
};

export type PacketFacts = {
  /** In ticks of the stream's time base; null where the container tells none. */
  pts: number | null;
  dts: number | null;
  duration: number;
  size: number;
  /** Byte position in the file; -1 where not known. */
  pos: number;
  isKey: boolean;
  /** SHA-1 of the bytes, 16 hexadecimal digits. */
  digest: string;
};

export type StreamPackets = {
  kind: string;
  codec: string;
  /** Seconds per tick as a fraction. */
  timeBase: readonly [number, number];
  packets: PacketFacts[];
};

export type DecodedFrame = {
  /** Presentation time in microseconds, after the edit list. */
  timeUs: number;
  /** CRC-32 of the packed pixels or samples, 8 hexadecimal digits. */
  digest: string;
  /** Video: the number burnt into the picture, where it is one of ours; else null. */
  number: number | null;
  /** Sound: samples per channel in this frame; 0 for pictures. */
  samples: number;
};

export type DecodedStream = {
  kind: 'video' | 'audio';
  codec: string;
  width: number;
  height: number;
  sampleRate: number;
  channels: number;
  frames: DecodedFrame[];
  /** Sound, where asked for: all samples as floats, channel after channel in every sample, in one piece. */
  pcm: Float32Array | null;
  /** Frames or packets that the decoder refused, and its words for the first. */
  errors: number;
  firstError: string | null;
};

export type DecodeOptions = {
  /** Seek to the key frame at or before this time first, in seconds. */
  fromSeconds?: number;
  /** Hand back the decoded sound itself as well. */
  pcm?: boolean;
};

export type MediaRequest =
  | { kind: 'make'; spec: MediaSpec; path: string }
  | { kind: 'missing-encoder'; spec: MediaSpec }
  | { kind: 'packets'; source: string }
  | { kind: 'decode'; source: string; options: DecodeOptions };
