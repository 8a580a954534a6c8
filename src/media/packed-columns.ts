// A sample table in little room: each column in the narrowest numbers that hold it, decode times as differences, places
// as the gap to the end of the sample before; and what a header's size depends on, counted beforehand. This is what an
// index file holds.
import type { Column } from './little-endian.ts';

/** One number stands for a column of equal ones. */
export type PackedColumn = Column | number;

export type PackedSamples = {
  readonly count: number;
  readonly sizes: PackedColumn;
  readonly firstOffset: number;
  /** Bytes from the end of sample `i` to the beginning of `i + 1`: one fewer than there are samples. */
  readonly gaps: PackedColumn;
  readonly firstDts: number;
  /** Ticks from sample `i` to `i + 1`: one fewer than there are samples. */
  readonly durations: PackedColumn;
  readonly lastDuration: number;
  readonly cts: PackedColumn | null;
  readonly keys: Uint32Array | null;
  readonly descriptions: Uint32Array | null;
} & PackedTotals;

/** What is known of a whole table without going through it. All 0 where there are no samples. */
export type PackedTotals = {
  readonly lastDts: number;
  /** When the last sample is over as presented, in ticks; at least 0. */
  readonly endTicks: number;
  /** The range of the blob in which the samples lie, end-exclusive. */
  readonly low: number;
  readonly high: number;
  /** Runs of equal durations (the last sample's included), and of equal `cts` (0 where it is null). */
  readonly durationRuns: number;
  readonly ctsRuns: number;
  readonly leastCts: number;
  /** No sample is larger, nor any gap (before or behind), than this. */
  readonly largestStep: number;
  /** Runs of samples that lie next to each other, and runs of such runs that are equally long. */
  readonly chunks: number;
  readonly chunkRuns: number;
};
