// What the server and the probe's process say to each other, and what comes out.
import type { Codec, TrackKind } from '../media/track.ts';

export type ProbedTrack = {
  readonly number: number;
  readonly kind: TrackKind;
  readonly codec: Codec;
  /** As FFmpeg calls it. */
  readonly codecName: string;
  readonly language: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly sampleRate: number;
};

export type Probed = {
  /** null where the file does not tell. */
  readonly durationMs: number | null;
  readonly tracks: readonly ProbedTrack[];
};

/** To the process: once `describe`, then the bytes it asks for. */
export type ProbeRequest =
  | { readonly kind: 'describe'; readonly sizeBytes: number }
  | { readonly kind: 'bytes'; readonly id: number; readonly bytes: Uint8Array };

/** From the process: reads, then one of the others. */
export type ProbeAnswer =
  | { readonly kind: 'read'; readonly id: number; readonly position: number; readonly length: number }
  | { readonly kind: 'found'; readonly found: Probed }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'no-engine' };
