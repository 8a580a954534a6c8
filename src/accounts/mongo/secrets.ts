// Passwords, second factors, tokens, invites, televisions that wait, and the audit log, in MongoDB. What is good once is
// marked by the request that takes it (`takenBy`, `usedBy`) in one write, and removed after what it was taken for.
import type { Collection } from 'mongodb';
import { createId } from '../../ids.ts';
import { isDuplicate } from '../../mongo/failure.ts';
import type { AuditEntry, Invite, Token } from '../accounts.ts';
import type {
  AuditData,
  DeviceData,
  InviteData,
  PasswordData,
  SecondFactorData,
  TokenData,
} from '../local/account-data.ts';
import type { AuditDocument, Collections, InviteDocument, TokenDocument } from './collections.ts';
import { insertOnce, text, updateOnce } from './once.ts';

export function mongoPasswords(
  { user, account, reset }: Collections,
  endSessions: (personId: string) => Promise<unknown>,
): PasswordData {
  async function setHash(personId: string, password: string, nowMs: number): Promise<void> {
    const updatedAt = new Date(nowMs);
    const mine = { userId: personId, providerId: 'credential' };
    const { matchedCount } = await account.updateOne(mine, { $set: { password, updatedAt } });
    if (matchedCount > 0) return;
    const row = { ...mine, accountId: personId, password, createdAt: updatedAt, updatedAt };
    // Where another request has made it meanwhile, the last one holds.
    if (!(await insertOnce(account, { ...row, _id: personId }))) return;
    await account.updateOne(mine, { $set: { password, updatedAt } });
  }
  async function change(personId: string, hash: string, nowMs: number): Promise<boolean> {
    if (!(await user.findOne({ _id: text(personId) }, { projection: { _id: 1 } }))) return false;
    await setHash(personId, hash, nowMs);
    await reset.deleteMany({ personId });
    await endSessions(personId);
    return true;
  }
  async function findReset(secretHash: string, nowMs: number): Promise<string | null> {
    const found = await reset.findOne({
      ...{ _id: text(secretHash), expiresAtMs: { $gt: nowMs } },
      takenBy: { $exists: false },
    });
    const person = found && (await user.findOne({ _id: found.personId, isDisabled: false }));
    return person?._id ?? null;
  }
  return {
    async hash(personId) {
      const row = await account.findOne({ userId: text(personId), providerId: 'credential' });
      return row?.password ?? null;
    },
    change,
    async addReset(personId, secretHash, expiresAtMs, nowMs) {
      await reset.deleteMany({ $or: [{ personId: text(personId) }, { expiresAtMs: { $lt: nowMs } }] });
      await insertOnce(reset, { _id: text(secretHash), personId, expiresAtMs });
    },
    findReset,
    async takeReset(secretHash, hash, nowMs) {
      const personId = await findReset(secretHash, nowMs);
      if (personId === null) return null;
      const takenBy = createId();
      const isMine = await updateOnce(
        reset,
        { _id: secretHash, takenBy: { $exists: false } },
        { $set: { takenBy } },
        { _id: secretHash, takenBy },
      );
      return isMine && (await change(personId, hash, nowMs)) ? personId : null;
    },
  };
}

export function mongoSecondFactors({
  user,
  verification,
  twoFactor,
  passkey,
  usedCode,
}: Collections): SecondFactorData {
  const codeId = (personId: string, code: string) => `${text(personId)} ${text(code)}`;
  return {
    async takeCode(personId, code, nowMs, sinceMs) {
      const _id = codeId(personId, code);
      const takenBy = createId();
      try {
        await usedCode.insertOne({ _id, personId, code, atMs: nowMs, takenBy });
        return true;
      } catch (error) {
        if (!isDuplicate(error)) throw error;
      }
      const found = await usedCode.findOne({ _id });
      if (found?.takenBy === takenBy) return true;
      if (!found || found.atMs >= sinceMs) return false;
      // One of long ago, by chance the same.
      return updateOnce(
        usedCode,
        { _id, takenBy: found.takenBy },
        { $set: { takenBy, atMs: nowMs } },
        { _id, takenBy },
      );
    },
    async giveBackCode(personId, code) {
      await usedCode.deleteOne({ _id: codeId(personId, code) });
    },
    async awaiting(identifier, nowMs) {
      const row = await verification.findOne({
        ...{ identifier: text(identifier), expiresAt: { $gt: new Date(nowMs) } },
      });
      return row?.value ?? null;
    },
    async turnOff(personId) {
      await user.updateOne({ _id: text(personId) }, { $set: { twoFactorEnabled: false } });
      await twoFactor.deleteMany({ userId: personId });
    },
    async passkeys(personId) {
      const rows = await passkey
        .find({ userId: text(personId) })
        .sort({ createdAt: 1, _id: 1 })
        .toArray();
      return rows.map(({ _id, name, createdAt }) => ({
        ...{ id: _id, name: name ?? '', createdAtMs: createdAt?.getTime() ?? 0 },
      }));
    },
    async passkeyOwner(credentialId) {
      return (await passkey.findOne({ credentialID: text(credentialId) }))?.userId ?? null;
    },
    async removePasskey(personId, id) {
      const mine = { _id: text(id), userId: text(personId) };
      const found = await passkey.findOne(mine);
      if (found) await passkey.deleteOne(mine);
      return found && { name: found.name ?? '' };
    },
  };
}

// Field by field: what was moved here has no fields without a value, and newer programs may write more.
const toToken = (row: TokenDocument): Token => ({
  ...{ id: row._id, personId: row.personId, name: row.name, scopes: row.scopes },
  ...{ createdAtMs: row.createdAtMs, expiresAtMs: row.expiresAtMs ?? null },
  lastUsedAtMs: row.lastUsedAtMs ?? null,
});

export function mongoTokens({ user, token }: Collections, changed: () => Promise<void>): TokenData {
  return {
    async find(secretHash) {
      const row = await token.findOne({ secretHash: text(secretHash) });
      const person = row && (await user.findOne({ _id: row.personId, isDisabled: false }));
      return person ? { ...toToken(row), personName: person.name, role: person.role } : null;
    },
    async list(personId) {
      const filter = personId === null ? {} : { personId: text(personId) };
      const rows = await token.find(filter).sort({ createdAtMs: -1, _id: 1 }).toArray();
      return rows.map(toToken);
    },
    async add({ id, ...rest }, secretHash, most) {
      await insertOnce(token, { _id: id, ...rest, secretHash });
      // Looked at afterwards: of two at once that are one too many, none stays rather than both.
      const held = await token.countDocuments({ personId: rest.personId });
      if (held <= most && (await user.findOne({ _id: rest.personId }))) return true;
      await token.deleteOne({ _id: id });
      return false;
    },
    async remove(personId, id) {
      const mine = { _id: text(id), personId: text(personId) };
      const found = await token.findOne(mine);
      if (!found) return null;
      await token.deleteOne(mine);
      await changed();
      return found.name;
    },
  };
}

const toInvite = (row: InviteDocument): Invite => ({
  ...{ id: row._id, role: row.role, quotaBytes: row.quotaBytes ?? null, note: row.note },
  ...{ createdAtMs: row.createdAtMs, expiresAtMs: row.expiresAtMs },
});

export function mongoInvites({ invite }: Collections): InviteData {
  const waiting = (nowMs: number) => ({ expiresAtMs: { $gt: nowMs }, usedBy: { $exists: false } });
  return {
    async add({ id, ...rest }, secretHash, most) {
      await invite.deleteMany({ expiresAtMs: { $lte: rest.createdAtMs } });
      await insertOnce(invite, { _id: id, ...rest, secretHash });
      if ((await invite.countDocuments({})) <= most) return true;
      await invite.deleteOne({ _id: id });
      return false;
    },
    async list(nowMs) {
      return (await invite.find(waiting(nowMs)).sort({ createdAtMs: -1, _id: 1 }).toArray()).map(toInvite);
    },
    async remove(id) {
      await invite.deleteOne({ _id: text(id) });
    },
    async find(secretHash, nowMs) {
      const row = await invite.findOne({ secretHash: text(secretHash), ...waiting(nowMs) });
      return row && toInvite(row);
    },
    async use(id, nowMs) {
      const usedBy = createId();
      const isMine = await updateOnce(
        invite,
        { _id: text(id), ...waiting(nowMs) },
        { $set: { usedBy } },
        { _id: id, usedBy },
      );
      if (isMine) await invite.deleteOne({ _id: id, usedBy });
      return isMine;
    },
  };
}

export function mongoDevices({ deviceCode }: Collections): DeviceData {
  const pending = (userCode: string, nowMs: number) => ({
    ...{ userCode: text(userCode), status: 'pending', expiresAt: { $gt: new Date(nowMs) } },
  });
  return {
    async waiting(nowMs) {
      await deviceCode.deleteMany({ expiresAt: { $lt: new Date(nowMs) } });
      return deviceCode.countDocuments({});
    },
    async find(userCode, nowMs) {
      const row = await deviceCode.findOne(pending(userCode, nowMs));
      return row && { scope: row.scope ?? null, expiresAtMs: row.expiresAt.getTime() };
    },
    async answer(userCode, personId, isApproved, nowMs) {
      const row = await deviceCode.findOne(pending(userCode, nowMs));
      if (!row) return false;
      const answerId = createId();
      return updateOnce(
        deviceCode,
        { _id: row._id, status: 'pending' },
        { $set: { status: isApproved ? 'approved' : 'denied', userId: text(personId), answerId } },
        { _id: row._id, answerId },
      );
    },
  };
}

/** Adds them in their order. */
export async function writeAudit(
  audit: Collection<AuditDocument>,
  entries: readonly AuditEntry[],
): Promise<void> {
  const rows = entries.map(({ id, ...entry }, n): AuditDocument => ({ _id: id, ...entry, n: orderOf(n) }));
  try {
    await audit.insertMany(rows, { ordered: false });
  } catch (error) {
    // Their ids are random: those that are there are these.
    if (!isDuplicate(error)) throw error;
  }
}

/** Grows within a process, and from one to its next start. */
function orderOf(n: number): number {
  return performance.timeOrigin + performance.now() + n / 1000;
}

export function mongoAudit({ audit }: Collections): AuditData {
  return {
    add: (entries) => (entries.length === 0 ? Promise.resolve() : writeAudit(audit, entries)),
    async list(beforeMs, limit) {
      const rows = await audit
        .find({ atMs: { $lt: beforeMs } })
        .sort({ atMs: -1, n: -1 })
        .limit(limit)
        .toArray();
      return rows.map((row) => ({
        ...{ id: row._id, atMs: row.atMs, personId: row.personId ?? null, personName: row.personName },
        ...{ action: row.action, subject: row.subject, address: row.address },
      }));
    },
    async tidy(keptFromMs, mostFailures, mostOthers) {
      await audit.deleteMany({ atMs: { $lt: keptFromMs } });
      for (const [action, most] of [
        ['sign-in-failed', mostFailures],
        [{ $ne: 'sign-in-failed' }, mostOthers],
      ] as const) {
        const filter = { action } as Parameters<typeof audit.find>[0];
        const [first] = await audit.find(filter).sort({ atMs: -1, n: -1 }).skip(most).limit(1).toArray();
        if (!first) continue;
        await audit.deleteMany({ ...filter, atMs: { $lt: first.atMs } });
        await audit.deleteMany({ ...filter, atMs: first.atMs, n: { $lte: first.n } });
      }
    },
  };
}
