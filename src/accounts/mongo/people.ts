// People in MongoDB. One is made in these steps, and is there with the last but one:
//
// 1. An invite is marked as used for them (`usedBy`).
// 2. The row of their password, under their id, which nobody has yet.
// 3. Their own row. Unique indexes decide: of two with one address or user name, or of two first owners, one is made;
//    the other takes back steps 2 and 1.
// 4. The invite goes.
//
// A crash before step 3 makes nobody; what it left is taken back within hours (`tidy.ts`). Who sleeps for long before
// step 3 does not go on.
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { Person, PersonChanges } from '../accounts.ts';
import type { NewPersonRow, PeopleData } from '../local/account-data.ts';
import { isStandIn } from '../local/people-rows.ts';
import type { Collections, UserDocument } from './collections.ts';
import { insertOnce, text, updateOnce } from './once.ts';
import { type OwnerLog, withRev } from './owner-log.ts';

/** From the first step to the third; longer than any database that works takes. */
const mostMs = 30_000;
/** Others who change the same person at the same moment. */
const mostRounds = 20;

export type MongoPeople = PeopleData & { removeRows(personId: string): Promise<void> };

type Tools = {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly ownerLog: () => OwnerLog;
  endSessions(personId: string): Promise<unknown>;
  changed(): Promise<void>;
};

export function mongoPeople(collections: Collections, tools: Tools): MongoPeople {
  const { user, account, invite, reset, twoFactor } = collections;
  const { clock, ownerLog, endSessions, changed } = tools;
  const credential = { providerId: 'credential', password: { $type: 'string' } } as const;

  async function get(id: string): Promise<Person | null> {
    const row = await user.findOne({ _id: text(id) });
    return row && toPerson(row, await hasPassword(row));
  }
  const hasPassword = async ({ _id }: UserDocument) =>
    (await account.findOne({ userId: _id, ...credential }, { projection: { _id: 1 } })) !== null;
  const hasOwner = async () => (await user.findOne({ role: 'owner' }, { projection: { _id: 1 } })) !== null;

  /** Step 1. */
  async function takeInvite(inviteId: string, personId: string, nowMs: number): Promise<boolean> {
    return updateOnce(
      invite,
      { _id: text(inviteId), expiresAtMs: { $gt: nowMs }, usedBy: { $exists: false } },
      { $set: { usedBy: personId } },
      { _id: inviteId, usedBy: personId },
    );
  }
  const isTaken = async (by: 'username' | 'email', value: string) =>
    (await user.findOne({ [by]: value }, { projection: { _id: 1 } })) !== null;
  async function takenOf({ userName, email }: NewPersonRow) {
    if (userName !== null && (await isTaken('username', userName))) return 'user-name-taken';
    return (await isTaken('email', email)) ? 'email-taken' : null;
  }
  /** Steps 2 and 3. */
  async function insert(
    person: NewPersonRow,
    isFirst: boolean,
    startedMs: number,
  ): Promise<'added' | 'user-name-taken' | 'email-taken' | 'not-admitted'> {
    const taken = await takenOf(person);
    if (taken) return taken;
    const { id, name, email, userName, role, quotaBytes, passwordHash } = person;
    const at = new Date(person.createdAtMs);
    const times = { createdAt: at, updatedAt: at };
    if (passwordHash !== null)
      await insertOnce(account, {
        ...{ _id: id, accountId: id, providerId: 'credential', userId: id, password: passwordHash },
        ...times,
      });
    if (clock.monotonicMs() - startedMs > mostMs)
      throw new AppError('unavailable', 'This took too long. Please try again.');
    const isMade = await insertOnce(user, {
      ...{ _id: id, name, email, emailVerified: false, role, quotaBytes, isDisabled: false },
      ...{ ...times, twoFactorEnabled: false },
      ...(userName !== null && { username: userName }),
      ...(isFirst && { isFirst }),
    });
    // The first owner of long ago may be gone, and others have come.
    if (isMade && isFirst && (await user.findOne({ role: 'owner', _id: { $ne: id } }))) {
      await user.deleteOne({ _id: id });
      return 'not-admitted';
    }
    return isMade ? 'added' : ((await takenOf(person)) ?? 'not-admitted');
  }

  async function removeRows(id: string): Promise<void> {
    const { session, deviceCode, verification, token, usedCode, passkey } = collections;
    const mine = { userId: id };
    await Promise.all([
      ...[session.deleteMany(mine), deviceCode.deleteMany(mine), verification.deleteMany({ value: id })],
      ...[token.deleteMany({ personId: id }), reset.deleteMany({ personId: id })],
      ...[usedCode.deleteMany({ personId: id }), twoFactor.deleteMany(mine), passkey.deleteMany(mine)],
    ]);
    await account.deleteMany(mine);
    await user.deleteOne({ _id: id });
    await changed();
  }
  /** What an owner who is none any more, or turned off, has handed out. */
  async function takeBack(): Promise<void> {
    await invite.deleteMany({});
    await reset.deleteMany({});
  }

  return {
    get,
    removeRows,
    async list() {
      const [rows, passwords] = await Promise.all([
        user.find({}).sort({ createdAt: 1, _id: 1 }).toArray(),
        account.find(credential, { projection: { userId: 1 } }).toArray(),
      ]);
      const withPassword = new Set(passwords.map(({ userId }) => userId));
      return rows.map((row) => toPerson(row, withPassword.has(row._id)));
    },
    async find(by, typed) {
      const row = await user.findOne({ [by === 'email' ? 'email' : 'username']: text(typed) });
      return row && toPerson(row, await hasPassword(row));
    },
    hasOwner,
    async add(person, admitted) {
      const startedMs = clock.monotonicMs();
      const isFirst = admitted.by === 'first';
      if (isFirst && (await hasOwner())) return 'not-admitted';
      const inviteId = admitted.by === 'invite' ? admitted.inviteId : null;
      if (inviteId !== null && !(await takeInvite(inviteId, person.id, person.createdAtMs)))
        return 'not-admitted';
      const outcome = await insert(person, isFirst, startedMs);
      if (outcome !== 'added') await account.deleteMany({ userId: person.id });
      if (inviteId === null) return outcome;
      const used = { _id: inviteId, usedBy: person.id };
      if (outcome === 'added') await invite.deleteOne(used);
      else await invite.updateOne(used, { $unset: { usedBy: '' } });
      return outcome;
    },
    async noteUse(personId, { sessionId, tokenId }, nowMs) {
      const { session, token } = collections;
      await Promise.all([
        sessionId && session.updateOne({ _id: sessionId }, { $set: { updatedAt: new Date(nowMs) } }),
        tokenId && token.updateOne({ _id: tokenId }, { $set: { lastUsedAtMs: nowMs } }),
        user.updateOne({ _id: personId }, { $set: { lastSeenAtMs: nowMs } }),
      ]);
    },
    async change(id, changes, nowMs) {
      for (let round = 1; round <= mostRounds; round += 1) {
        const row = await user.findOne({ _id: text(id) });
        if (!row) return 'not-found';
        const before = toPerson(row, await hasPassword(row));
        const set = writtenOf(changes, nowMs);
        const next = { ...row, ...set };
        const rev = row.rev ?? 0;
        const isOwner = next.role === 'owner' && !next.isDisabled;
        // Those of before do not come back with their person, whatever a crash left.
        if (row.isDisabled && !next.isDisabled) await endSessions(id);
        if (row.role === 'owner' && !row.isDisabled && !isOwner) {
          const outcome = await ownerLog().commit({ personId: id, rev, set });
          if (outcome === 'last-owner') return outcome;
          if (outcome === 'again') continue;
        } else {
          const changeId = createId();
          const isWritten = await updateOnce(
            user,
            { _id: id, ...withRev(rev) },
            { $set: { ...set, rev: rev + 1, changeId } },
            { _id: id, changeId },
          );
          if (!isWritten) continue;
          await changed();
          if (!row.isDisabled && next.isDisabled) await endSessions(id);
          if (row.role === 'owner' && !isOwner) await takeBack();
        }
        if (changes.hasTwoFactor === false) await twoFactor.deleteMany({ userId: id });
        const after = await get(id);
        return after ? { before, after } : 'not-found';
      }
      throw new AppError('unavailable', 'This person is being changed by many at once. Please try again.');
    },
    async remove(id) {
      for (let round = 1; round <= mostRounds; round += 1) {
        const row = await user.findOne({ _id: text(id) });
        if (!row) return 'not-found';
        const person = toPerson(row, await hasPassword(row));
        const rev = row.rev ?? 0;
        if (row.role === 'owner' && !row.isDisabled) {
          const outcome = await ownerLog().commit({ personId: id, rev, set: null });
          if (outcome === 'again') continue;
          return outcome === 'done' ? person : outcome;
        }
        const changeId = createId();
        // Turned off first: nobody comes in while their rows go, and a crash leaves somebody to be removed again.
        const isOff = await updateOnce(
          user,
          { _id: id, ...withRev(rev) },
          { $set: { isDisabled: true, rev: rev + 1, changeId } },
          { _id: id, changeId },
        );
        if (!isOff) continue;
        await changed();
        if (row.role === 'owner') await takeBack();
        await removeRows(id);
        return person;
      }
      throw new AppError('unavailable', 'This person is being changed by many at once. Please try again.');
    },
  };
}

function writtenOf({ hasTwoFactor, ...given }: PersonChanges, nowMs: number) {
  return {
    ...given,
    ...(hasTwoFactor === false && { twoFactorEnabled: false }),
    updatedAt: new Date(nowMs),
  };
}

function toPerson(row: UserDocument, hasPassword: boolean): Person {
  return {
    id: row._id,
    name: row.name,
    email: isStandIn(row.email) ? null : row.email,
    userName: row.username ?? null,
    role: row.role,
    quotaBytes: row.quotaBytes ?? null,
    isDisabled: row.isDisabled,
    hasPassword,
    hasTwoFactor: row.twoFactorEnabled === true,
    createdAtMs: row.createdAt.getTime(),
    lastSeenAtMs: row.lastSeenAtMs ?? null,
  };
}
