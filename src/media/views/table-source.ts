// What a sample table box is written from, wherever its numbers come from: the columns of an index or its packed form.

/** Takes a piece of a table, in the machine's own byte order; it is used up when this returns. */
export type Emit = (piece: Uint32Array) => void;

/**
 * What stbl is written from. How long the tables are is known before they are made, for the size of the header decides
 * where everything is.
 */
export type SampleTables = {
  /** Of the first sample, and of the end of the last, in decode time. */
  readonly baseTicks: number;
  readonly overTicks: number;
  /** When the last sample presented is over. */
  readonly endTicks: number;
  /** Numbers in each table. */
  readonly lengths: {
    readonly times: number;
    readonly offsets: number;
    readonly chunkRuns: number;
    readonly chunks: number;
  };
  readonly hasNegativeOffset: boolean;
  /** The range of the blob in which the samples lie, end-exclusive. */
  readonly low: number;
  readonly high: number;
  /** Numbers of stss; null where every sample is a key frame. */
  readonly keys: Uint32Array | null;
  /** Pairs of stts: how many samples, how long each. */
  times(emit: Emit): void;
  /** Pairs of ctts: how many samples, presentation less decode time. Asked for where there are any. */
  offsets(emit: Emit): void;
  /** Entries of stsz. */
  sizes(emit: Emit): void;
  /** Triples of stsc. */
  chunkRuns(emit: Emit): void;
  /** Entries of stco (of co64 in halves, the high one first): where chunks begin, with `shift` added. */
  places(shift: number, isLarge: boolean, emit: Emit): void;
};
