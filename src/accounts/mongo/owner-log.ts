// Owners who are to be owners no longer (another role, turned off, removed), one after the other whoever asks where, so
// that the last one stays. There are no transactions; the steps:
//
// 1. Read the state. Is a change pending there, it is ended first (from step 3 on).
// 2. Count the other owners who can log in; none: refused. Write the change into the state as pending, with `v` + 1,
//    where `v` still is what was read: nobody else's change came in between, so the count holds.
// 3. Change the person's row where its `rev` still is what was decided upon. A process that slept since then finds
//    another `rev`: the row was changed by whoever ended it, and perhaps others since.
// 4. What goes with it: sessions, invites and ways to a new password; of somebody removed all rows, theirs last.
// 5. Take the change out of the state.
//
// After a crash the change is pending, and is ended from step 3 on by the next one, by a start, or by whoever sees it
// stand for 5 s. Every step may be done twice, also by two processes at once. Changes that only make owners, or are
// about others, need none of this: they are one row's, where `rev` holds.
import type { Filter } from 'mongodb';
import { createId } from '../../ids.ts';
import type { Collections, OwnerChange, UserDocument } from './collections.ts';
import { updateOnce } from './once.ts';
import { stateId } from './state.ts';

/** Others who change owners at the same moment, one after the other. */
const mostRounds = 50;

export type OwnerLog = {
  /** `again`: the person's row is another one by now. */
  commit(change: Omit<OwnerChange, 'changeId'>): Promise<'done' | 'again' | 'last-owner'>;
  /** Steps 3 to 5. False where the person's row was another one by step 3. */
  finish(change: OwnerChange): Promise<boolean>;
  /** What a crash left. */
  recover(): Promise<void>;
};

export function createOwnerLog(
  { state, user, invite, reset }: Collections,
  rows: {
    /** Ends all sessions of a person. */
    endSessions(personId: string): Promise<unknown>;
    /** Removes everything of a person, the row itself last. */
    removeRows(personId: string): Promise<void>;
    changed(): Promise<void>;
  },
): OwnerLog {
  async function finish({ changeId, personId, rev, set }: OwnerChange): Promise<boolean> {
    const isWritten = await updateOnce(
      user,
      { _id: personId, ...withRev(rev) },
      { $set: { ...(set ?? { isDisabled: true }), rev: rev + 1, changeId } },
      { _id: personId, changeId },
    );
    await rows.changed();
    if (set === null || set.isDisabled === true) await rows.endSessions(personId);
    // What somebody handed out as an owner would let them back in. Whose they are is not kept, so all of them end.
    await invite.deleteMany({});
    await reset.deleteMany({});
    if (set === null) await rows.removeRows(personId);
    await state.updateOne({ _id: stateId, 'pending.changeId': changeId }, { $set: { pending: null } });
    return isWritten || set === null;
  }
  return {
    finish,
    async commit(wanted) {
      for (let round = 1; round <= mostRounds; round += 1) {
        const found = await state.findOne({ _id: stateId });
        if (!found) break;
        if (found.pending) {
          await finish(found.pending);
          continue;
        }
        const person = await user.findOne({ _id: wanted.personId });
        if ((person?.rev ?? 0) !== wanted.rev || !person) return 'again';
        const other = await user.findOne({
          _id: { $ne: wanted.personId },
          ...{ role: 'owner', isDisabled: false },
        });
        if (!other) return 'last-owner';
        const change: OwnerChange = { ...wanted, changeId: createId() };
        const isMine = await updateOnce(
          state,
          { _id: stateId, v: found.v, pending: null },
          { $set: { v: found.v + 1, pending: change } },
          { _id: stateId, 'pending.changeId': change.changeId },
        );
        if (!isMine) continue;
        return (await finish(change)) ? 'done' : 'again';
      }
      return 'again';
    },
    async recover() {
      const found = await state.findOne({ _id: stateId });
      if (found?.pending) await finish(found.pending);
    },
  };
}

/** A filter; rows that better-auth made, or that were moved here, have none. */
export function withRev(rev: number): Filter<UserDocument> {
  return rev === 0 ? { rev: { $exists: false } } : { rev };
}
