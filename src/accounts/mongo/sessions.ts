// Sessions in MongoDB, in better-auth's own collection.
import type { Filter } from 'mongodb';
import type { ListedSessionRow, SessionData } from '../local/account-data.ts';
import type { Collections, SessionDocument } from './collections.ts';
import { insertOnce, text } from './once.ts';
import { writeAudit } from './secrets.ts';

const timesOf = ({ createdAt, expiresAt, updatedAt }: SessionDocument) => ({
  createdAtMs: createdAt.getTime(),
  expiresAtMs: expiresAt.getTime(),
  lastUsedAtMs: updatedAt.getTime(),
});

/** `changed` tells that answers are wrong by now. */
export function mongoSessions(
  { user, session, deviceCode, audit }: Collections,
  changed: () => Promise<void>,
): SessionData {
  /** Found first: what a removal that is seen twice says it removed may be nothing. */
  async function removeSessions(filter: Filter<SessionDocument>): Promise<number> {
    const found = await session.find(filter, { projection: { _id: 1 } }).toArray();
    if (found.length === 0) return 0;
    await session.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } });
    await changed();
    return found.length;
  }
  async function endByToken(token: string): Promise<{ id: string; personId: string } | null> {
    const row = await session.findOne({ token: text(token) });
    if (!row) return null;
    await removeSessions({ _id: row._id });
    return { id: row._id, personId: row.userId };
  }
  async function endSurplus(personId: string, keptId: string, most: number): Promise<void> {
    const surplus = await session
      .find({ userId: personId, _id: { $ne: keptId } }, { projection: { _id: 1 } })
      .sort({ updatedAt: -1 })
      .skip(most - 1)
      .toArray();
    if (surplus.length > 0) await removeSessions({ _id: { $in: surplus.map(({ _id }) => _id) } });
  }
  return {
    async add({ id, token, personId, address, userAgent, createdAtMs, expiresAtMs }) {
      const createdAt = new Date(createdAtMs);
      await insertOnce(session, {
        ...{ _id: id, token, userId: personId, ipAddress: address, userAgent },
        ...{ createdAt, updatedAt: createdAt, expiresAt: new Date(expiresAtMs) },
      });
    },
    async find(token) {
      const row = await session.findOne({ token: text(token) });
      const person = row && (await user.findOne({ _id: row.userId, isDisabled: false }));
      if (!row || !person) return null;
      return {
        ...{ id: row._id, token, personId: person._id, personName: person.name, role: person.role },
        ...timesOf(row),
      };
    },
    async list(personId, nowMs) {
      const rows = await session
        .find({ userId: text(personId), expiresAt: { $gt: new Date(nowMs) } })
        .sort({ updatedAt: -1, _id: 1 })
        .toArray();
      return rows.map(
        (row): ListedSessionRow => ({
          ...{ id: row._id, address: row.ipAddress ?? '', userAgent: row.userAgent ?? '' },
          ...timesOf(row),
        }),
      );
    },
    async prolong(id, expiresAtMs, nowMs) {
      const expiresAt = new Date(expiresAtMs);
      await session.updateOne(
        { _id: text(id), expiresAt: { $lt: expiresAt } },
        { $set: { expiresAt, updatedAt: new Date(nowMs) } },
      );
      await changed();
    },
    endByToken,
    async complete({ session: { id, personId }, before, most, nowMs, note }) {
      const ended = before ? await session.findOne({ token: text(before), _id: { $ne: id } }) : null;
      if (ended) await removeSessions({ _id: ended._id });
      await Promise.all([
        endSurplus(personId, id, most),
        user.updateOne({ _id: personId }, { $set: { lastSeenAtMs: nowMs } }),
        note && writeAudit(audit, [note]),
      ]);
    },
    async end(personId, id, exceptId) {
      // Which of them said yes to a television is not kept: it asks again.
      await deviceCode.deleteMany({ userId: text(personId) });
      if (id !== null) return removeSessions({ _id: text(id), userId: personId });
      return removeSessions({
        userId: personId,
        ...(exceptId !== null && { _id: { $ne: text(exceptId) } }),
      });
    },
  };
}
