// The 512-byte headers of a tar archive and the records that extend them (IEEE Std 1003.1-2017, pax, "ustar Interchange
// Format" and "pax Interchange Format"): written, and read from archives that anybody may have made.
import { AppError } from '../errors.ts';

export const blockBytes = 512;

/** Largest size the eleven octal digits of a ustar header hold: 8 GiB less one byte. */
const largestOctalSize = 0o77777777777;

export type NewTarEntry = {
  /** With `/` between folders; one that ends in `/` is a folder. At most 4000 characters. */
  readonly name: string;
  /** Of what follows; 0 for folders. */
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
};

/** A header as it stands in an archive. */
export type TarHeader = {
  readonly name: string;
  readonly sizeBytes: number;
  /** `0` a file, `5` a folder, `x` records for the next entry, `L` GNU's long name, ... */
  readonly type: string;
};

/** The header of an entry; with pax records before it where a name is long or not ASCII, or the size past 8 GiB. */
export function tarHeader(entry: NewTarEntry): Buffer {
  const { name, sizeBytes } = entry;
  const modifiedAt = Math.max(0, Math.floor(entry.modifiedAtMs / 1000));
  const type = name.endsWith('/') ? '5' : '0';
  const records: [string, string][] = [];
  if (!isPlainName(name)) records.push(['path', name]);
  if (sizeBytes > largestOctalSize) records.push(['size', String(sizeBytes)]);
  const plain = records.length === 0 ? name : asciiName(name);
  // What the records say holds; a reader that knows none of them could not read so large a file in any case.
  const size = sizeBytes > largestOctalSize ? 0 : sizeBytes;
  const header = ustarBlock(plain, size, modifiedAt, type);
  if (records.length === 0) return header;
  const extension = Buffer.from(records.map(([key, value]) => paxRecord(key, value)).join(''));
  return Buffer.concat([
    ustarBlock('PaxHeader', extension.length, modifiedAt, 'x'),
    extension,
    tarPadding(extension.length),
    header,
  ]);
}

/** What fills the last block of so many bytes. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc(paddingBytes(sizeBytes));
}

export function paddingBytes(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}

/** Two blocks of zeros end an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * blockBytes);
}

function isPlainName(name: string): boolean {
  return name.length <= 100 && /^[\x20-\x7e]*$/.test(name);
}

/** For readers without pax: the end of the name, where the extension is. */
function asciiName(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '_').slice(-100);
}

function ustarBlock(name: string, sizeBytes: number, modifiedAt: number, type: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0, 100, 'latin1'); // name
  block.write(type === '5' ? '0000755\0' : '0000644\0', 100, 'latin1'); // mode
  block.write('0000000\0', 108, 'latin1'); // uid
  block.write('0000000\0', 116, 'latin1'); // gid
  block.write(`${octal(sizeBytes, 11)}\0`, 124, 'latin1'); // size
  block.write(`${octal(modifiedAt, 11)}\0`, 136, 'latin1'); // mtime, seconds
  block.write('        ', 148, 'latin1'); // chksum, as spaces while it is summed
  block.write(type, 156, 'latin1'); // typeflag
  block.write('ustar\0', 257, 'latin1'); // magic
  block.write('00', 263, 'latin1'); // version
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1'); // chksum
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0').slice(-digits);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** Reads a header; null for a block of zeros. Throws `bad-request` for what is none. */
export function readTarHeader(block: Buffer): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  const stated = Number.parseInt(text(block, 148, 8).trim(), 8);
  let sum = 0;
  for (let at = 0; at < blockBytes; at += 1) sum += at >= 148 && at < 156 ? 0x20 : block[at]!;
  if (stated !== sum) throw damaged();
  const prefix = text(block, 257, 5) === 'ustar' && block[262] === 0 ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    sizeBytes: readSize(block.subarray(124, 136)),
    // Before ustar a file was NUL, and a folder a name that ends so.
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156]!),
  };
}

/** A field of text up to its NUL; bytes that are no UTF-8 become U+FFFD. */
function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or GNU's base 256 where the first bit is set. */
function readSize(field: Buffer): number {
  if (field[0]! & 0x80) {
    let value = BigInt(field[0]! & 0x7f);
    for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
    return checkedSize(value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.NaN : Number(value));
  }
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+/g, ' ')
    .trim();
  return checkedSize(digits === '' ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN);
}

/** Throws `bad-request` for what is no size. */
export function checkedSize(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw damaged();
  return value;
}

/** Reads the records of a pax header. Throws `bad-request`. */
export function readPaxRecords(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 || space - at > 8 ? Number.NaN : Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(0x3d, at);
    const end = at + length;
    if (
      !(length > 0) ||
      !(end <= bytes.length) ||
      equals < space ||
      equals >= end ||
      bytes[end - 1] !== 0x0a
    ) {
      throw damaged();
    }
    records.set(bytes.toString('utf8', space + 1, equals), bytes.toString('utf8', equals + 1, end - 1));
    at = end;
  }
  return records;
}

export function damaged(): AppError {
  return new AppError('bad-request', 'This archive is damaged: what should be a header in it is none.');
}
