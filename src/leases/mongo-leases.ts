// Leases in MongoDB: one small document each, every change one conditional update of it. A retried or doubled write
// finds what it did the first time and does no harm.
import type { Collection, Db } from 'mongodb';
import { isDuplicate, withFailures } from '../mongo/failure.ts';
import { checkName, noteJson } from './lease-limits.ts';
import type { LeaseRow, LeaseStore, SeenLease } from './lease-store.ts';

type LeaseDocument = {
  /** The lease's name. */
  readonly _id: string;
  readonly token: number;
  readonly holder: string | null;
  readonly beat: number;
  readonly lengthMs: number;
  /** JSON, so that its keys may be anything. */
  readonly note: string;
  readonly asked: number;
};

/** Above every character that names have. */
const last = '\uffff';

/** The collection `leases`, found by `_id` alone: it needs no other index. */
export function createMongoLeases(db: Db): LeaseStore {
  const leases: Collection<LeaseDocument> = db.collection<LeaseDocument>('leases');

  /** Throws `unavailable`. */
  const take = async (
    lease: Omit<LeaseDocument, '_id' | 'token' | 'beat' | 'asked'> & { readonly name: string },
    seen: SeenLease,
  ): Promise<LeaseDocument | null> => {
    const { name, holder, lengthMs, note } = lease;
    const token = (seen?.token ?? 0) + 1;
    const fresh = { token, holder, beat: 0, lengthMs, note, asked: 0 };
    if (seen === null) {
      try {
        await leases.insertOne({ _id: name, ...fresh });
        return { _id: name, ...fresh };
      } catch (error) {
        if (!isDuplicate(error)) throw error;
      }
    } else {
      const wanted = { _id: name, token: seen.token, beat: seen.beat, holder: seen.holder };
      const taken = await leases.findOneAndUpdate(wanted, { $set: fresh }, { returnDocument: 'after' });
      if (taken) return taken;
    }
    // Another's by now; or ours already, by a write that was sent twice.
    return leases.findOne({ _id: name, token, holder });
  };

  return {
    read: (name) =>
      withFailures(async () => {
        checkName(name);
        const found = await leases.findOne({ _id: name });
        return found && toRow(found);
      }),
    list: (prefix) =>
      withFailures(async () => {
        const named = { $gte: String(prefix), $lt: String(prefix) + last };
        const found = leases.find({ _id: named, holder: { $ne: null } });
        return (await found.toArray()).map(toRow);
      }),
    take: ({ name, holder, lengthMs, note }, seen) =>
      withFailures(async () => {
        checkName(name);
        const taken = await take({ name, holder, lengthMs, note: noteJson(note) }, seen);
        return taken && toRow(taken);
      }),
    beat: ({ name, token }, note) =>
      withFailures(async () => {
        const found = await leases.findOneAndUpdate(
          { _id: name, token, holder: { $ne: null } },
          { $inc: { beat: 1 }, ...(note && { $set: { note: noteJson(note) } }) },
          { returnDocument: 'after' },
        );
        return found && toRow(found);
      }),
    ask: ({ name, token }) =>
      withFailures(async () => {
        await leases.updateOne({ _id: name, token, holder: { $ne: null } }, { $inc: { asked: 1 } });
      }),
    release: ({ name, token }) =>
      withFailures(async () => {
        await leases.updateOne({ _id: name, token }, { $set: { holder: null } });
      }),
    forget: (name) =>
      withFailures(async () => {
        await leases.deleteOne({ _id: name, holder: null });
      }),
  };
}

function toRow({ _id, token, holder, beat, lengthMs, note, asked }: LeaseDocument): LeaseRow {
  return { name: _id, token, holder, beat, lengthMs, note: JSON.parse(note), asked };
}
