// Bytes of a stream that have arrived and are not used yet, in one buffer that grows as far as its user lets them pile
// up. What is used is stepped over; the rest moves to the front only where room is needed.

export class PendingBytes {
  #buffer: Buffer;
  #start = 0;
  #end = 0;
  #bytes: Buffer;

  constructor(sizeBytes: number) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes);
    this.#bytes = this.#buffer.subarray(0, 0);
  }

  /** What is held, as a view: it is good until the next `append`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** Copies. */
  append(chunk: Uint8Array): void {
    const needed = this.length + chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) {
      const target =
        needed > this.#buffer.length
          ? Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, needed))
          : this.#buffer;
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#buffer = target;
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
    this.#view();
  }

  /** The first `count` bytes are used; no more than are held. */
  drop(count: number): void {
    this.#start = Math.min(this.#end, this.#start + count);
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    }
    this.#view();
  }

  #view(): void {
    this.#bytes = this.#buffer.subarray(this.#start, this.#end);
  }
}
