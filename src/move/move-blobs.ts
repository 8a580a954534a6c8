// One blob from a store to another: written, read back, and the digests compared before anybody is told that it is there.
import { createHash } from 'node:crypto';
import type { BlobReader, BlobStore } from '../blobs/blob-store.ts';
import { AppError, isAppError } from '../errors.ts';

/** Read and written at a time: a chunk of GridFS. */
const pieceBytes = 1024 * 1024;

/**
 * Copies a sealed blob. One that was begun before is gone on with; one that is whole there is only compared. Throws
 * `corrupt` where what is there afterwards is not the same, byte for byte; `not-found` where there is none to copy.
 * @returns bytes of the blob
 */
export async function moveBlob(id: string, from: BlobStore, to: BlobStore): Promise<number> {
  const source = await from.open(id);
  try {
    const digest = (await holds(to, id)) ? await digestOf(source) : await copy(source, id, to);
    const copied = await to.open(id);
    try {
      if (copied.sizeBytes !== source.sizeBytes || (await digestOf(copied)) !== digest)
        throw new AppError('corrupt', `What was stored of ${id} is not what was read of it.`);
    } finally {
      await copied.close();
    }
    return source.sizeBytes;
  } finally {
    await source.close();
  }
}

/** Copies what has arrived of an unfinished one; nothing where nothing has. */
export async function moveUnfinished(id: string, from: BlobStore, to: BlobStore): Promise<number> {
  const source = await found(() => from.openUnfinished(id));
  if (source === null) return 0;
  const writer = await to.append(id);
  try {
    for await (const piece of pieces(source, writer.sizeBytes)) await writer.write(piece);
    await writer.sync();
    return source.sizeBytes;
  } finally {
    await writer.close();
    await source.close();
  }
}

/** Resolves to the SHA-256 of the whole source. */
async function copy(source: BlobReader, id: string, to: BlobStore): Promise<string> {
  const writer = await to.append(id);
  try {
    const hash = createHash('sha256');
    let at = 0;
    for await (const piece of pieces(source, 0)) {
      hash.update(piece);
      // What an earlier run has written is there; the comparison afterwards is of all of it.
      const isThere = Math.max(0, Math.min(piece.length, writer.sizeBytes - at));
      at += piece.length;
      if (isThere < piece.length) await writer.write(piece.subarray(isThere));
    }
    await writer.seal();
    return hash.digest('hex');
  } finally {
    await writer.close();
  }
}

async function digestOf(reader: BlobReader): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces(reader, 0)) hash.update(piece);
  return hash.digest('hex');
}

/** From a byte on to the end; each is overwritten by the next. */
async function* pieces(reader: BlobReader, from: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(pieceBytes);
  for (let at = from; at < reader.sizeBytes; ) {
    const count = await reader.read(buffer, at);
    if (count === 0) throw new AppError('corrupt', 'A stored file ends before its end.');
    yield buffer.subarray(0, count);
    at += count;
  }
}

async function holds(store: BlobStore, id: string): Promise<boolean> {
  const reader = await found(() => store.open(id));
  await reader?.close();
  return reader !== null;
}

async function found(open: () => Promise<BlobReader>): Promise<BlobReader | null> {
  try {
    return await open();
  } catch (error) {
    if (isAppError(error, 'not-found')) return null;
    throw error;
  }
}
