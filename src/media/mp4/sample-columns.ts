// The samples of one track while they are found: typed columns that grow, no object per sample. Turned into the
// SampleTable of the index at the end, when the size of the file is known: samples that lie beyond it are left out.
import { AppError } from '../../errors.ts';
import type { SampleTable } from '../track.ts';

/** As many as an index on disk may have: four days of pictures and sound, 470 MB in these columns. */
export const maxSamples = 2 ** 24;

export type FinishedSamples = {
  readonly samples: SampleTable;
  /** Samples left out because their bytes are not in the file. */
  readonly missingCount: number;
};

export class SampleColumns {
  count = 0;
  sizes = new Uint32Array(0);
  offsets = new Float64Array(0);
  dts = new Float64Array(0);
  cts = new Int32Array(0);
  /** 1 for a key frame. */
  keys = new Uint8Array(0);
  /** Runs `[firstSample, entryNumber]`, flattened. */
  descriptions: number[] = [];
  /** Decode time after the last sample. */
  endDts = 0;

  /** Makes room for `more` samples behind the present ones. Throws AppError beyond `maxSamples`. */
  reserve(more: number): void {
    const needed = this.count + more;
    if (needed > maxSamples)
      throw new AppError('unplayable', 'This video has more samples than we can keep.');
    if (needed <= this.sizes.length) return;
    const capacity = Math.min(maxSamples, Math.max(needed, this.count * 2, 256));
    this.sizes = grown(new Uint32Array(capacity), this.sizes, this.count);
    this.offsets = grown(new Float64Array(capacity), this.offsets, this.count);
    this.dts = grown(new Float64Array(capacity), this.dts, this.count);
    this.cts = grown(new Int32Array(capacity), this.cts, this.count);
    this.keys = grown(new Uint8Array(capacity), this.keys, this.count);
  }

  /** Samples from here on use that sample entry (0-based). */
  useDescription(entryNumber: number): void {
    const runs = this.descriptions;
    const last = runs.length - 2;
    if (last >= 0 && runs[last + 1] === entryNumber) return;
    if (last >= 0 && runs[last] === this.count) runs[last + 1] = entryNumber;
    else runs.push(this.count, entryNumber);
  }

  /** The table of the samples that lie within the file. */
  finish(sizeBytes: number): FinishedSamples {
    const { sizes, offsets, dts, cts, keys, count } = this;
    let kept = 0;
    let lastDts = 0;
    let lastEnd = this.endDts;
    let hasCts = false;
    let keyCount = 0;
    const runs: number[] = [];
    let run = 0;
    let entry = 0;
    for (let i = 0; i < count; i += 1) {
      while (run < this.descriptions.length && this.descriptions[run]! <= i) {
        entry = this.descriptions[run + 1]!;
        run += 2;
      }
      if (offsets[i]! + sizes[i]! > sizeBytes) continue;
      // Decode times never go back; where a file's do, presentation stays where it was.
      const time = dts[i]!;
      const ordered = kept > 0 && time < lastDts ? lastDts : time;
      sizes[kept] = sizes[i]!;
      offsets[kept] = offsets[i]!;
      dts[kept] = ordered;
      cts[kept] = cts[i]! + (time - ordered);
      keys[kept] = keys[i]!;
      if (cts[kept] !== 0) hasCts = true;
      keyCount += keys[kept]!;
      if (runs.length === 0 ? entry !== 0 || kept === 0 : runs[runs.length - 1] !== entry)
        runs.push(kept, entry);
      lastDts = ordered;
      lastEnd = i + 1 < count ? Math.max(ordered, dts[i + 1]!) : Math.max(ordered, this.endDts);
      kept += 1;
    }
    const isUniform = runs.length === 0 || (runs.length === 2 && runs[1] === 0);
    return {
      missingCount: count - kept,
      samples: {
        count: kept,
        sizes: sizes.slice(0, kept),
        offsets: offsets.slice(0, kept),
        dts: dts.slice(0, kept),
        cts: hasCts ? cts.slice(0, kept) : null,
        keys: keyCount === kept ? null : keyNumbers(keys, kept, keyCount),
        descriptions: isUniform ? null : Uint32Array.from(runs),
        lastDuration: kept > 0 ? lastEnd - lastDts : 0,
      },
    };
  }
}

function grown<Column extends Uint32Array | Float64Array | Int32Array | Uint8Array>(
  larger: Column,
  old: Column,
  count: number,
): Column {
  larger.set(old.subarray(0, count) as never);
  return larger;
}

function keyNumbers(keys: Uint8Array, count: number, keyCount: number): Uint32Array {
  const numbers = new Uint32Array(keyCount);
  let at = 0;
  for (let i = 0; i < count; i += 1) if (keys[i] === 1) numbers[at++] = i;
  return numbers;
}
