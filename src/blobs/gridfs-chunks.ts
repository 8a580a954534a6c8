// The chunks of GridFS: read as the bytes that came from the wire, written so that neither a doubled write nor a writer
// that was overtaken changes anything, removed a few at a time.
import { Binary, type Collection, type Db } from 'mongodb';
import { AppError } from '../errors.ts';
import { isDuplicate, withFailures } from '../mongo/failure.ts';
import type { WantedIndex } from '../mongo/indexes.ts';

/** What we write; what others wrote says its own. Larger ones are few commands and few files, smaller ones less to fetch for a seek. */
export const chunkBytes = 1024 * 1024;
/** Removed by one command: it is answered long before anybody takes the database for gone. */
const removedAtOnce = 256;
/** Writers of one chunk that meet: each time, one of them got on. */
const mostMeetings = 10;

/** One chunk. Fields in the GridFS specification's order and names, and one of ours. */
export type ChunkRow = {
  /** Ours are `<blob id>:<n>`: a doubled insert finds itself. Others have an ObjectId. */
  readonly _id: string;
  readonly files_id: string;
  readonly n: number;
  readonly data: Binary;
  /** Whose and how full it is: see `chunkVersion`. */
  readonly w: number;
};

/** A chunk's version: the writer's token first, then how many bytes it has (at most 2^20, so that 2^21 is room for both). */
export function chunkVersion(token: number, sizeBytes: number): number {
  return token * 2 ** 21 + sizeBytes;
}

export const chunkIndexes: readonly WantedIndex[] = [
  // As every GridFS driver makes it.
  { keys: { files_id: 1, n: 1 }, name: 'files_id_1_n_1', options: { unique: true } },
];

export type Chunks = {
  /** The bytes of a chunk, in memory of their own; null where it is not there. Throws `unavailable`, `corrupt`. */
  read(blobId: string, n: number): Promise<Uint8Array | null>;
  /**
   * Writes a chunk in the place of an older version. Throws `conflict` where a newer one is there, `unavailable`,
   * `no-room`. `bytes` are not to be changed until it has settled.
   */
  write(blobId: string, n: number, bytes: Uint8Array, token: number): Promise<void>;
  /** Removes those from number `from` on. Throws `unavailable`. */
  remove(blobId: string, from?: number): Promise<void>;
  /** Whose the first chunk is of those after `after`, up to `to`, that belong to none of `known`; null: nobody's. */
  findStranger(after: string, to: string | null, known: readonly string[]): Promise<string | null>;
};

export function createChunks(db: Db): Chunks {
  const rows: Collection<ChunkRow> = db.collection<ChunkRow>('blobs.chunks');
  return {
    read: (blobId, n) =>
      withFailures(async () => {
        // Raw: the driver would make an object of it, and a copy of its bytes.
        const found = await rows.findOne({ files_id: blobId, n }, { raw: true });
        return found === null ? null : dataOf(found as unknown as Uint8Array);
      }),

    write: (blobId, n, bytes, token) =>
      withFailures(async () => {
        const _id = `${blobId}:${n}`;
        const w = chunkVersion(token, bytes.length);
        for (let meeting = 1; ; meeting += 1) {
          try {
            // What is there and newer does not match, so that this becomes an insert, which its _id refuses.
            await rows.updateOne(
              { _id, files_id: blobId, n, w: { $lte: w } },
              { $set: { data: new Binary(bytes), w } },
              { upsert: true },
            );
            return;
          } catch (error) {
            if (!isDuplicate(error) || meeting === mostMeetings) throw error;
            const there = await rows.findOne({ _id }, { projection: { w: 1 } });
            if (there && there.w > w) throw overtaken();
          }
        }
      }),

    remove: (blobId, from = 0) =>
      withFailures(async () => {
        for (;;) {
          // Answered from the index alone: the documents are large.
          const found = await rows
            .find({ files_id: blobId, n: { $gte: from } }, { projection: { _id: 0, n: 1 } })
            .sort({ n: 1 })
            .limit(removedAtOnce)
            .toArray();
          const last = found.at(-1);
          if (!last) return;
          await rows.deleteMany({ files_id: blobId, n: { $gte: from, $lte: last.n } });
        }
      }),

    findStranger: (after, to, known) =>
      withFailures(async () => {
        const [found] = await rows
          .find(
            { files_id: { $gt: after, ...(to === null ? {} : { $lte: to }), $nin: known } },
            { projection: { _id: 0, files_id: 1 } },
          )
          .sort({ files_id: 1, n: 1 })
          .limit(1)
          .toArray();
        return found?.files_id ?? null;
      }),
  };
}

/** Another process writes this blob now. */
export function overtaken(): AppError {
  return new AppError('conflict', 'This upload is being written by another process by now.');
}

// Element types of BSON 1.1 (bsonspec.org) that chunks have, and how long the fixed ones are.
const binaryType = 0x05;
const textType = 0x02;
const fixedBytes = new Map([
  [0x01, 8], // double
  [0x07, 12], // ObjectId
  [0x08, 1], // boolean
  [0x09, 8], // date
  [0x10, 4], // int32
  [0x12, 8], // int64
]);

/** The value of `data` in a chunk's document, without a copy. Throws `corrupt`. */
export function dataOf(row: Uint8Array): Uint8Array {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const fail = () => new AppError('corrupt', 'A stored chunk cannot be read.');
  const sizeAt = (at: number) => {
    if (at + 4 > row.length) throw fail();
    const size = view.getInt32(at, true);
    if (size < 0 || at + 4 + size > row.length) throw fail();
    return size;
  };
  // int32 size, then elements: type, name, 0, value; then 0.
  for (let at = 4; at < row.length - 1; ) {
    const type = row[at]!;
    const nameEnd = row.indexOf(0, at + 1);
    if (nameEnd < 0) throw fail();
    const value = nameEnd + 1;
    if (type === binaryType) {
      const size = sizeAt(value); // then a byte of subtype: 0, generic
      const start = value + 5;
      if (row[value + 4] !== 0 || start + size > row.length) throw fail();
      if (isData(row, at + 1, nameEnd)) return row.subarray(start, start + size);
      at = start + size;
    } else if (type === textType) {
      at = value + 4 + sizeAt(value);
    } else {
      const size = fixedBytes.get(type);
      if (size === undefined) throw fail();
      at = value + size;
    }
  }
  throw fail();
}

function isData(row: Uint8Array, start: number, end: number): boolean {
  return Buffer.from(row.buffer, row.byteOffset + start, end - start).equals(dataName);
}

const dataName = Buffer.from('data');
