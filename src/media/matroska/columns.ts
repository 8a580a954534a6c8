// The samples of one track while a file is being scanned: parallel columns that grow by half, no object per sample.
// About 30 bytes a sample; a two-hour film has half a million.

/** Room for about a minute of most tracks before the first growth. */
const firstCapacity = 2048;

export class SampleColumns {
  count = 0;
  sizes = new Uint32Array(firstCapacity);
  /** Absolute byte offsets. */
  offsets = new Float64Array(firstCapacity);
  /** Block timestamps in ticks of the file; NaN for all but the first frame of a lace, which have none of their own. */
  ticks = new Float64Array(firstCapacity);
  /** Sound whose frames tell their own length (Opus, FLAC): length in samples; 0 where it could not be told. */
  lengths: Uint16Array | null;
  /** Ascending numbers of the key frames. */
  keys = new Uint32Array(firstCapacity);
  keyCount = 0;

  /** BlockDuration in ticks of the Block at `durationTicks`: only that of the last one presented matters. */
  durationTicks = Number.NaN;
  blockDuration = 0;
  /** DiscardPadding in ns of the Block that ends at sample `discardCount`: only that of the last one matters. */
  discardCount = -1;
  discardNs = 0;

  readonly #keepsKeys: boolean;

  constructor(options: { keepsKeys: boolean; keepsLengths: boolean }) {
    this.#keepsKeys = options.keepsKeys;
    this.lengths = options.keepsLengths ? new Uint16Array(firstCapacity) : null;
  }

  append(offset: number, size: number, ticks: number, length: number): void {
    const count = this.count;
    if (count === this.sizes.length) this.#grow();
    this.sizes[count] = size;
    this.offsets[count] = offset;
    this.ticks[count] = ticks;
    if (this.lengths !== null) this.lengths[count] = length;
    this.count = count + 1;
  }

  /** Marks the samples from `first` on as key frames. */
  markKeys(first: number): void {
    if (!this.#keepsKeys) return;
    for (let sample = first; sample < this.count; sample += 1) {
      if (this.keyCount === this.keys.length) this.keys = grown(this.keys);
      this.keys[this.keyCount] = sample;
      this.keyCount += 1;
    }
  }

  /** Forgets samples at the end that reach past byte `end`. Returns how many. */
  dropBeyond(end: number): number {
    const before = this.count;
    while (this.count > 0 && this.offsets[this.count - 1]! + this.sizes[this.count - 1]! > end)
      this.count -= 1;
    while (this.keyCount > 0 && this.keys[this.keyCount - 1]! >= this.count) this.keyCount -= 1;
    return before - this.count;
  }

  #grow(): void {
    this.sizes = grown(this.sizes);
    this.offsets = grown(this.offsets);
    this.ticks = grown(this.ticks);
    if (this.lengths !== null) this.lengths = grown(this.lengths);
  }
}

function grown<Column extends Uint32Array | Float64Array | Uint16Array>(column: Column): Column {
  const next = new (column.constructor as new (length: number) => Column)(Math.ceil(column.length * 1.5));
  next.set(column);
  return next;
}
