// Reads bits, most significant first, out of hostile bytes: past the end there are zeros and `isPastEnd` says so,
// so that a header parser needs no check at each field.

export class BitReader {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether more bits were read than there are. */
  get isPastEnd(): boolean {
    return this.#bit > this.#bytes.length * 8;
  }

  /** Bits not read yet; negative past the end. */
  get remaining(): number {
    return this.#bytes.length * 8 - this.#bit;
  }

  /** The next `count` bits (0..32) as an unsigned number. */
  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#bit >>> 3] ?? 0;
      value = value * 2 + ((byte >>> (7 - (this.#bit & 7))) & 1);
      this.#bit++;
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  skip(count: number): void {
    this.#bit += count;
  }

  /** uvlc() of the AV1 specification §4.10.3. */
  readUvlc(): number {
    let zeros = 0;
    while (zeros < 32 && this.remaining > 0 && !this.flag()) zeros++;
    return zeros >= 32 ? 2 ** 32 - 1 : this.read(zeros) + 2 ** zeros - 1;
  }
}
