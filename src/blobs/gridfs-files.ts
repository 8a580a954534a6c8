// What GridFS knows of blobs: `blobs.files` has the sealed ones alone, as every driver reads them, `blobs.arriving`
// the unfinished ones with the token of their writer. No chunk is there without a document in one of the two before it,
// so a chunk that belongs to neither is nobody's. A blob is sealed from the moment its document in `blobs.arriving` says
// so; moving it over to `blobs.files` may be done by anybody, any number of times.
import { type Collection, type Db, Long } from 'mongodb';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { createId } from '../ids.ts';
import { isDuplicate, withFailures } from '../mongo/failure.ts';
import type { BlobEntry } from './blob-store.ts';
import { chunkBytes, overtaken } from './gridfs-chunks.ts';

/** A sealed blob (GridFS specification, "files collection document"). */
type FileRow = {
  readonly _id: string;
  /** Bytes: a 64-bit integer in the database, a number as the driver gives it back. */
  readonly length: number | Long;
  readonly chunkSize: number;
  /** When it was sealed, by the clock of the machine that did. */
  readonly uploadDate: Date;
  /** The id again: tools ask for a name. */
  readonly filename: string;
  readonly metadata: {
    readonly v: 1;
    /** The `writer` of the arriving document that it was. */
    readonly writer: string;
  };
};

/** An unfinished blob. */
type ArrivingRow = {
  readonly _id: string;
  readonly v: 1;
  /** Grows with every taking up. What carries an older one changes nothing any more. */
  readonly token: number;
  /** Names that one taking up, so that a doubled one is known for what it is. */
  readonly writer: string;
  /** Bytes that are there for good, whatever happens to the writer. Never shrinks. */
  readonly length: number;
  readonly chunkSize: number;
  /** When its length was noted last, by the writer's clock. */
  readonly writtenAt: Date;
  /** It is sealed, with this date; the document is on its way to `blobs.files`. */
  readonly sealedAt?: Date;
};

/** Sealed or not, as far as it can be read. */
export type StoredBlob = {
  readonly id: string;
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  readonly modifiedAtMs: number;
};

/** What a writer was given: the right to write from `sizeBytes` on, until another one is. */
export type Turn = {
  readonly id: string;
  readonly token: number;
  readonly writer: string;
  readonly sizeBytes: number;
  /** Of every chunk of it but the last: as whoever began it had them. */
  readonly chunkBytes: number;
};

export type Files = {
  /** null where no sealed one is there. */
  find(id: string): Promise<StoredBlob | null>;
  /** null where no unfinished one is there. */
  findUnfinished(id: string): Promise<StoredBlob | null>;
  /** Begins an unfinished blob or takes it up; whoever wrote it before does so no more. Throws `conflict` where it is sealed. */
  take(id: string): Promise<Turn>;
  /** Notes what is there for good. Throws `conflict` where it was taken up by another, `gone` where it was removed. */
  note(turn: Turn, sizeBytes: number): Promise<void>;
  /** Makes it a sealed blob of that size. Throws as `note`. */
  seal(turn: Turn, sizeBytes: number): Promise<void>;
  remove(id: string): Promise<void>;
  /** Those after `after` in the order of their ids, at most `limit`. */
  list(kind: 'sealed' | 'unfinished', after: string, limit: number): Promise<readonly BlobEntry[]>;
};

/** How often two that begin the same blob may meet: each time, one of them got on. */
const mostMeetings = 10;

/** Every call throws `unavailable` where the database cannot be reached. */
export function createFiles(db: Db, clock: Clock): Files {
  const files: Collection<FileRow> = db.collection<FileRow>('blobs.files');
  const arriving: Collection<ArrivingRow> = db.collection<ArrivingRow>('blobs.arriving');

  async function findSealed(id: string): Promise<StoredBlob | null> {
    const row = await files.findOne({ _id: id });
    return row && storedOf(row._id, Number(row.length), row.chunkSize, row.uploadDate);
  }

  /** The second half of a sealing, whoever began it. */
  async function moveOver(row: ArrivingRow, sealedAt: Date): Promise<void> {
    const { _id, writer, chunkSize } = row;
    const length = Long.fromNumber(row.length);
    const made = { _id, length, chunkSize, uploadDate: sealedAt, filename: _id };
    try {
      await files.insertOne({ ...made, metadata: { v: 1, writer } });
    } catch (error) {
      if (!isDuplicate(error)) throw error; // it was there already
    }
    await arriving.deleteOne({ _id });
  }

  /** Why a write under a turn matched nothing. */
  async function whyNot({ id }: Turn): Promise<AppError> {
    const isThere = (await arriving.findOne({ _id: id })) ?? (await files.findOne({ _id: id }));
    return isThere ? overtaken() : new AppError('gone', 'This upload was removed.');
  }

  return {
    find: (id) =>
      withFailures(async () => {
        const found = await findSealed(id);
        if (found) return found;
        const row = await arriving.findOne({ _id: id });
        if (row && !row.sealedAt) return null;
        if (row?.sealedAt) await moveOver(row, row.sealedAt);
        // It may have been moved over between the two questions.
        return findSealed(id);
      }),

    findUnfinished: (id) =>
      withFailures(async () => {
        const row = await arriving.findOne({ _id: id });
        return row && !row.sealedAt ? storedOf(id, row.length, row.chunkSize, row.writtenAt) : null;
      }),

    take: (id) =>
      withFailures(async () => {
        const writer = createId();
        const complete = () => new AppError('conflict', 'This upload is complete.');
        if (await files.findOne({ _id: id }, { projection: { _id: 1 } })) throw complete();
        for (let meeting = 1; ; meeting += 1) {
          let row: ArrivingRow | null = null;
          try {
            row = await arriving.findOneAndUpdate(
              { _id: id, sealedAt: { $exists: false }, writer: { $ne: writer } },
              {
                $inc: { token: 1 },
                $set: { writer },
                $setOnInsert: {
                  ...{ v: 1, length: 0, chunkSize: chunkBytes },
                  writtenAt: new Date(clock.nowMs()),
                },
              },
              { upsert: true, returnDocument: 'after' },
            );
          } catch (error) {
            if (!isDuplicate(error) || meeting === mostMeetings) throw error;
            // It is sealed, or this very call was seen twice, or another began it in this moment.
            const there = await arriving.findOne({ _id: id });
            if (there?.sealedAt) {
              await moveOver(there, there.sealedAt);
              throw complete();
            }
            if (there?.writer === writer) row = there;
          }
          if (!row) continue;
          // A sealing that ended after the first question made room for this document: it is nobody's.
          if (row.token === 1 && (await files.findOne({ _id: id }, { projection: { _id: 1 } }))) {
            await arriving.deleteOne({ _id: id, writer });
            throw complete();
          }
          return { id, token: row.token, writer, sizeBytes: row.length, chunkBytes: row.chunkSize };
        }
      }),

    note: (turn, sizeBytes) =>
      withFailures(async () => {
        const { matchedCount } = await arriving.updateOne(
          { _id: turn.id, token: turn.token, sealedAt: { $exists: false } },
          { $max: { length: sizeBytes }, $set: { writtenAt: new Date(clock.nowMs()) } },
        );
        if (matchedCount === 0) throw await whyNot(turn);
      }),

    seal: (turn, sizeBytes) =>
      withFailures(async () => {
        const sealedAt = new Date(clock.nowMs());
        const { id: _id, token, writer } = turn;
        const isMine = { _id, token };
        const { matchedCount } = await arriving.updateOne(isMine, { $set: { length: sizeBytes, sealedAt } });
        if (matchedCount > 0) {
          const row = { _id, token, writer, length: sizeBytes, chunkSize: turn.chunkBytes };
          return moveOver({ ...row, v: 1, writtenAt: sealedAt }, sealedAt);
        }
        // A doubled write whose first was carried to its end by somebody else finds its own work.
        const there = await files.findOne({ _id });
        if (there?.metadata?.writer !== writer) throw await whyNot(turn);
      }),

    remove: (id) =>
      withFailures(async () => {
        // In this order: what is being moved over meanwhile is found in the second.
        await arriving.deleteOne({ _id: id });
        await files.deleteOne({ _id: id });
      }),

    list: (kind, after, limit) =>
      withFailures(async () => {
        if (kind === 'sealed') {
          const rows = await files
            .find({ _id: { $gt: after } })
            .sort({ _id: 1 })
            .limit(limit)
            .toArray();
          return rows.map((row) => entryOf(row._id, Number(row.length), row.uploadDate, true));
        }
        const rows = await arriving
          .find({ _id: { $gt: after } })
          .sort({ _id: 1 })
          .limit(limit)
          .toArray();
        for (const row of rows) if (row.sealedAt) await moveOver(row, row.sealedAt);
        return rows.map((row) => entryOf(row._id, row.length, row.writtenAt, row.sealedAt !== undefined));
      }),
  };
}

function storedOf(id: string, sizeBytes: number, ofChunk: number, at: Date): StoredBlob {
  if (!(ofChunk > 0 && sizeBytes >= 0))
    throw new AppError('corrupt', 'What is known of a stored file is damaged.');
  return { id, sizeBytes, chunkBytes: ofChunk, modifiedAtMs: at.getTime() };
}

function entryOf(id: string, sizeBytes: number, at: Date, isSealed: boolean): BlobEntry {
  return { id, sizeBytes, isSealed, modifiedAtMs: at.getTime() };
}
