// Writes ISO BMFF boxes (ISO/IEC 14496-12 §4.2) into one growing buffer. Where the caller knows the size beforehand
// the buffer is allocated once; large tables reserve their room and are filled through `view` directly.

/** Typed arrays are in the order of the machine. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Big-endian writer. `length` bytes of `bytes` are written; `bytes` and `view` change when it grows. */
export class BoxWriter {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  length = 0;

  constructor(capacityBytes = 256) {
    this.bytes = new Uint8Array(capacityBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` bytes, moves past them and returns where they begin. They are zero. */
  reserve(count: number): number {
    const at = this.length;
    const needed = at + count;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    this.length = needed;
    return at;
  }

  u8(value: number): this {
    const at = this.reserve(1);
    this.bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.reserve(2);
    this.view.setUint16(at, value);
    return this;
  }

  u24(value: number): this {
    return this.u8(value >>> 16).u16(value & 0xffff);
  }

  u32(value: number): this {
    const at = this.reserve(4);
    this.view.setUint32(at, value);
    return this;
  }

  i32(value: number): this {
    const at = this.reserve(4);
    this.view.setInt32(at, value);
    return this;
  }

  /** A whole number from -2^53 to 2^53 as 64 bits, two's complement. */
  i64(value: number): this {
    const at = this.reserve(8);
    this.view.setInt32(at, Math.floor(value / 2 ** 32));
    this.view.setUint32(at + 4, value % 2 ** 32);
    return this;
  }

  /** 32 or 64 bits, as versions 0 and 1 of the header boxes have it. */
  u32or64(value: number, is64: boolean): this {
    return is64 ? this.i64(value) : this.u32(value);
  }

  /** Characters of one byte each: four-character codes. */
  latin(text: string): this {
    const at = this.reserve(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[at + i] = text.charCodeAt(i);
    return this;
  }

  raw(source: Uint8Array): this {
    const at = this.reserve(source.length);
    this.bytes.set(source, at);
    return this;
  }

  /** A table of numbers of 32 bits: copied whole, then swapped, some ten times faster than one by one. */
  u32s(values: Uint32Array): this {
    const at = this.reserve(values.byteLength);
    this.bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    if (isLittleEndian) Buffer.from(this.bytes.buffer, at, values.byteLength).swap32();
    return this;
  }

  /** Begins a box and returns the mark that `close` takes. */
  open(type: string): number {
    const mark = this.length;
    this.u32(0).latin(type);
    return mark;
  }

  /** Begins a FullBox (§4.2.2). */
  openFull(type: string, version: number, flags: number): number {
    const mark = this.open(type);
    this.u8(version).u24(flags);
    return mark;
  }

  /** Ends the box begun at `mark`: its size becomes known. */
  close(mark: number): this {
    this.view.setUint32(mark, this.length - mark);
    return this;
  }

  /** What has been written, without a copy. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }
}
