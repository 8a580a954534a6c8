// Reads a tar archive that anybody may have made, as its bytes come. Memory: one chunk and a header, whatever sizes the
// archive claims. Nothing is written anywhere here, and no name in it is ever used as a path.
import { AppError } from '../errors.ts';
import {
  blockBytes,
  checkedSize,
  damaged,
  paddingBytes,
  readPaxRecords,
  readTarHeader,
} from './tar-header.ts';

/** Most bytes of a header's extension: names of 32,000 characters. */
const maxExtensionBytes = 65_536;

export type TarEntry = {
  readonly name: string;
  readonly sizeBytes: number;
  /** `other`: links, devices, pipes, sparse files. */
  readonly kind: 'file' | 'folder' | 'other';
  /** What is in it, once. Chunks hold until the next one. What is not read is skipped. Throws `bad-request` where it ends before its time. */
  bytes(): AsyncGenerator<Uint8Array, void>;
};

/** The first bytes of what people take for a tar archive, and what each is. */
const compressions: readonly (readonly [number[], string])[] = [
  [[0x1f, 0x8b], 'gzip'],
  [[0x42, 0x5a, 0x68], 'bzip2'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
];

/** The entries in their order. Throws `bad-request` for what is no archive, or is damaged. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void> {
  const input = new ByteInput(source);
  let records: Map<string, string> | null = null;
  let longName: string | null = null;
  for (let isFirst = true; ; isFirst = false) {
    const block = await input.take(blockBytes, isFirst);
    if (block === null) return;
    if (isFirst) assertPlainTar(block);
    const header = readTarHeader(block);
    // Zeros: the end. What stands after them is nobody's.
    if (header === null) return;
    const { type } = header;
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      if (header.sizeBytes > maxExtensionBytes) throw damaged();
      const extension = await input.take(header.sizeBytes);
      await input.skip(paddingBytes(header.sizeBytes));
      if (type === 'x') records = readPaxRecords(extension);
      if (type === 'L') longName = extension.toString('utf8').split('\0', 1)[0]!;
      continue;
    }
    // GNU's old sparse files have more headers, which nothing but GNU tar reads.
    if (type === 'S')
      throw new AppError('bad-request', 'This archive holds files with holes, which are not read here.');
    const size = records?.get('size');
    const sizeBytes = size === undefined ? header.sizeBytes : checkedSize(Number(size.trim() || Number.NaN));
    const isSparse = records !== null && [...records.keys()].some((key) => key.startsWith('GNU.sparse.'));
    const content = new EntryContent(input, hasContent(type) ? sizeBytes : 0);
    const name = records?.get('path') ?? longName ?? header.name;
    records = null;
    longName = null;
    yield {
      name,
      sizeBytes: content.leftBytes,
      kind: kindOf(type, name, isSparse),
      bytes: () => content.read(),
    };
    await content.finish();
  }
}

function kindOf(type: string, name: string, isSparse: boolean): TarEntry['kind'] {
  if (type === '5' || ((type === '0' || type === '7') && name.endsWith('/'))) return 'folder';
  return (type === '0' || type === '7') && !isSparse ? 'file' : 'other';
}

/** Links, devices, folders and pipes have none, whatever size they state (ustar Interchange Format, typeflag 1 to 6). */
function hasContent(type: string): boolean {
  return !(type >= '1' && type <= '6');
}

function assertPlainTar(block: Buffer): void {
  const found = compressions.find(([bytes]) => bytes.every((byte, at) => block[at] === byte));
  if (found) {
    throw new AppError(
      'bad-request',
      `This archive is compressed (${found[1]}). Unpack it to a plain .tar file first.`,
    );
  }
  if (block.toString('latin1', 0, 4) === 'PK\x03\x04') {
    throw new AppError('bad-request', 'This is a zip archive. Make a plain .tar file of it first.');
  }
  try {
    readTarHeader(block);
  } catch (cause) {
    throw new AppError('bad-request', 'This is no tar archive.', { cause });
  }
}

/** What is in one entry: read by whoever wants it, and skipped to its end by the reader. */
class EntryContent {
  leftBytes: number;
  readonly #padding: number;
  readonly #input: ByteInput;

  constructor(input: ByteInput, sizeBytes: number) {
    this.#input = input;
    this.leftBytes = sizeBytes;
    this.#padding = paddingBytes(sizeBytes);
  }

  async *read(): AsyncGenerator<Uint8Array, void> {
    while (this.leftBytes > 0) {
      const chunk = await this.#input.some(this.leftBytes);
      this.leftBytes -= chunk.length;
      yield chunk;
    }
  }

  async finish(): Promise<void> {
    await this.#input.skip(this.leftBytes + this.#padding);
    this.leftBytes = 0;
  }
}

/** Bytes in the pieces that are asked for, out of the pieces they came in. */
class ByteInput {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly so many, copied; few. `null` where `mayEnd` and there is nothing any more. */
  take(count: number): Promise<Buffer>;
  take(count: number, mayEnd: boolean): Promise<Buffer | null>;
  async take(count: number, mayEnd = false): Promise<Buffer | null> {
    const taken = Buffer.alloc(count);
    for (let at = 0; at < count; ) {
      if (this.#chunk.length === 0 && !(await this.#next())) {
        if (!mayEnd) throw cutShort();
        if (at === 0) return null;
        throw new AppError('bad-request', 'This is no tar archive.');
      }
      const part = this.#chunk.subarray(0, count - at);
      taken.set(part, at);
      this.#chunk = this.#chunk.subarray(part.length);
      at += part.length;
    }
    return taken;
  }

  /** At least one byte, at most so many, not copied. */
  async some(most: number): Promise<Uint8Array> {
    if (this.#chunk.length === 0 && !(await this.#next())) throw cutShort();
    const part = this.#chunk.subarray(0, Math.min(most, this.#chunk.length));
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.some(left)).length;
  }

  /** False at the end. Empty chunks are passed over. */
  async #next(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#source.next();
      if (done) return false;
      if (value.length === 0) continue;
      this.#chunk = value;
      return true;
    }
  }
}

function cutShort(): AppError {
  return new AppError('bad-request', 'The archive ends before its time; what came whole is kept.');
}
