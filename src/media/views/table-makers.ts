// The loops that make sample tables (ISO/IEC 14496-12 §8.6, §8.7) of columns that come a block at a time. Each keeps in
// its fields what goes on into the next block.

/**
 * Samples in a block: what one needs stays within a processor's nearest caches, and the loops are called often enough
 * to be compiled early on.
 */
export const blockSamples = 2048;

export type Maker = {
  /** Takes a block of `count` samples; writes to the beginning of `made` and returns how many numbers. */
  make(sizes: Int32Array, values: Int32Array, count: number, made: Uint32Array): number;
  /** After the last block: writes what is left at `at`, and returns how many numbers. */
  end(made: Uint32Array, at: number): number;
};

/** stts and ctts: how many equal values follow each other, and the value. */
export class EqualRuns implements Maker {
  #length = 0;
  #value = 0;

  make(_sizes: Int32Array, values: Int32Array, count: number, made: Uint32Array): number {
    let at = 0;
    let length = this.#length;
    let last = this.#value;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (value !== last) {
        made[at] = length;
        made[at + 1] = last;
        // The run before the first one is empty and is written over.
        if (length > 0) at += 2;
        length = 0;
        last = value;
      }
      length = (length + 1) | 0;
    }
    this.#length = length;
    this.#value = last;
    return at;
  }

  end(made: Uint32Array, at: number): number {
    made[at] = this.#length;
    made[at + 1] = this.#value;
    return 2;
  }
}

/** stsc: from which chunk on (counted from 1), so many samples each, sample entry 1. Values are gaps; 0: same chunk. */
export class ChunkRuns implements Maker {
  #chunk = 1;
  #samples = 0;
  #runLength = 0;

  make(_sizes: Int32Array, gaps: Int32Array, count: number, made: Uint32Array): number {
    let at = 0;
    let samples = this.#samples;
    for (let i = 0; i < count; i++) {
      samples++;
      if (gaps[i] === 0) continue;
      if (samples !== this.#runLength) {
        this.#runLength = samples;
        made[at] = this.#chunk;
        made[at + 1] = samples;
        made[at + 2] = 1;
        at += 3;
      }
      this.#chunk++;
      samples = 0;
    }
    this.#samples = samples;
    return at;
  }

  end(): number {
    return 0; // the gap given for the last sample is not 0
  }
}

/**
 * A place in the blob as two numbers, this many bits in the lower one. The engine keeps numbers below 2^31 in registers
 * and begins every function by supposing that all are; sums of doubles would have it compile each loop a second time.
 */
const lowBits = 28;
const lowMask = 2 ** lowBits - 1;
/** Samples and gaps up to this may be added to the lower part. */
export const largestStep = 2 ** 29;

/** stco and co64 where every sample is a chunk, as in Matroska. Values are gaps. */
export class SinglePlaces implements Maker {
  readonly #isLarge: boolean;
  #high: number;
  #low: number;

  constructor(first: number, isLarge: boolean) {
    this.#isLarge = isLarge;
    this.#high = Math.floor(first / 2 ** lowBits);
    this.#low = first % 2 ** lowBits;
  }

  make(sizes: Int32Array, gaps: Int32Array, count: number, made: Uint32Array): number {
    if (this.#isLarge) return this.#makeLarge(sizes, gaps, count, made);
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < count; i++) {
      made[i] = (high << lowBits) | low;
      low = (low + sizes[i]! + gaps[i]!) | 0;
      high = (high + (low >> lowBits)) | 0;
      low &= lowMask;
    }
    this.#high = high;
    this.#low = low;
    return count;
  }

  /** In halves, the high one first. */
  #makeLarge(sizes: Int32Array, gaps: Int32Array, count: number, made: Uint32Array): number {
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < count; i++) {
      made[2 * i] = high >> (32 - lowBits);
      made[2 * i + 1] = (high << lowBits) | low;
      low = (low + sizes[i]! + gaps[i]!) | 0;
      high = (high + (low >> lowBits)) | 0;
      low &= lowMask;
    }
    this.#high = high;
    this.#low = low;
    return count * 2;
  }

  end(): number {
    return 0;
  }
}

/** The same where samples without a gap between them are in one chunk. */
export class ChunkPlaces implements Maker {
  readonly #isLarge: boolean;
  #high: number;
  #low: number;
  #isNext = true;

  constructor(first: number, isLarge: boolean) {
    this.#isLarge = isLarge;
    this.#high = Math.floor(first / 2 ** lowBits);
    this.#low = first % 2 ** lowBits;
  }

  make(sizes: Int32Array, gaps: Int32Array, count: number, made: Uint32Array): number {
    const isLarge = this.#isLarge;
    let at = 0;
    let high = this.#high;
    let low = this.#low;
    let isNext = this.#isNext;
    for (let i = 0; i < count; i++) {
      const gap = gaps[i]!;
      if (isNext) {
        if (isLarge) made[at++] = high >> (32 - lowBits);
        made[at++] = (high << lowBits) | low;
      }
      isNext = gap !== 0;
      low = (low + sizes[i]! + gap) | 0;
      high = (high + (low >> lowBits)) | 0;
      low &= lowMask;
    }
    this.#high = high;
    this.#low = low;
    this.#isNext = isNext;
    return at;
  }

  end(): number {
    return 0;
  }
}
