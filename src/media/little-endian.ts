// Reads and writes the numbers, texts and columns of an index file, little-endian as every machine that runs this is,
// so that a column is used where it lies. Reading checks every length against what is left.
import { AppError } from '../errors.ts';

export type Column =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float64Array;
type ColumnType<Kind extends Column> = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Kind;
};

/** Columns begin at a multiple of the widest number. */
const alignment = 8;

export class LittleEndianWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  length = 0;

  constructor(capacityBytes = 4096) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #reserve(count: number): number {
    const at = this.length;
    if (at + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(at + count, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.length = at + count;
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  f64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  /** A length and so many bytes. */
  blob(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  text(value: string): void {
    this.blob(new TextEncoder().encode(value));
  }

  /** The numbers of a column, aligned; their count is told elsewhere. */
  column(values: Column): void {
    this.#reserve((alignment - (this.length % alignment)) % alignment);
    const at = this.#reserve(values.byteLength);
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  }

  /** Everything written, without a copy. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }
}

export class LittleEndianReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  /** `bytes` must begin at a multiple of 8 of its buffer. */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = at;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #advance(count: number): number {
    const at = this.#at;
    if (count > this.remaining) throw new AppError('corrupt', 'the index of this video is cut off');
    this.#at = at + count;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  /** A number of things of at least `leastBytes` each: more than fit in what is left are refused. */
  count(leastBytes: number): number {
    const count = this.u32();
    if (count * leastBytes > this.remaining)
      throw new AppError('corrupt', 'the index of this video counts more than it holds');
    return count;
  }

  /** A view into the bytes. */
  blob(): Uint8Array {
    const length = this.u32();
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.blob());
  }

  /** A view of `count` numbers. */
  column<Kind extends Column>(type: ColumnType<Kind>, count: number): Kind {
    this.#advance((alignment - (this.#at % alignment)) % alignment);
    const at = this.#advance(count * type.BYTES_PER_ELEMENT);
    return new type(this.#bytes.buffer, this.#bytes.byteOffset + at, count);
  }
}
