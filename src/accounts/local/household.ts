// The owner's part: people, what they may do, and invites. What changes holds at once: sessions of somebody who is
// turned off or gone end with it.
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { Accounts, Invite, Person, PersonChanges } from '../accounts.ts';
import { roles } from '../permissions.ts';
import type { Core } from './core.ts';
import { parseName } from './people-rows.ts';
import { createSecret, hashSecret } from './secrets.ts';

type Household = Pick<Accounts, 'getPerson' | 'listPeople' | 'changePerson' | 'removePerson'> &
  Pick<Accounts, 'invite' | 'listInvites' | 'removeInvite' | 'findInvite' | 'listAudit'>;

/** More than a house can need; a bound on what an owner's stolen session can fill the disk with. */
const mostInvites = 200;

export function createHousehold(core: Core): Household {
  const { data, audit, clock } = core;
  const by = async (id: string | null) => (id ? data.people.get(id) : null);
  const refused = (why: 'not-found' | 'last-owner'): AppError =>
    why === 'not-found'
      ? new AppError('not-found', 'There is no such person.')
      : new AppError('conflict', 'This is the last owner. Make somebody else an owner first.');

  return {
    getPerson: (id) => data.people.get(id),
    listPeople: () => data.people.list(),
    async changePerson(asker, byId, id, changes) {
      // A token never does more than its person; what is over is taken from it when it is used (`permits`).
      const outcome = await data.people.change(id, checkedChanges(changes), clock.nowMs());
      if (typeof outcome === 'string') throw refused(outcome);
      const { before, after } = outcome;
      const what = describeChanges(before, after);
      if (what) await audit.note(asker, await by(byId), 'person-changed', `${after.name}: ${what}`);
      return after;
    },
    async removePerson(asker, byId, id) {
      const who = await by(byId); // read before, in case they remove themselves
      const outcome = await data.people.remove(id);
      if (typeof outcome === 'string') throw refused(outcome);
      await audit.note(asker, who, 'person-removed', outcome.name);
    },

    async invite(asker, byId, { role, quotaBytes, note, expiresAtMs }) {
      if (!roles.includes(role)) throw new AppError('bad-request', 'There is no such role.');
      const nowMs = clock.nowMs();
      if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs <= nowMs)
        throw new AppError('bad-request', 'Choose a time to come for the invite to end.');
      const invite: Invite = {
        ...{ id: createId(), role, quotaBytes: checkedQuota(quotaBytes), note: noteOf(note) },
        ...{ createdAtMs: nowMs, expiresAtMs },
      };
      const secret = createSecret();
      if (!(await data.invites.add(invite, hashSecret(secret), mostInvites)))
        throw new AppError('conflict', 'Too many invites wait already. Take some back first.');
      await audit.note(asker, await by(byId), 'person-invited', invite.note || role);
      return { invite, secret };
    },
    listInvites: () => data.invites.list(clock.nowMs()),
    removeInvite: (id) => data.invites.remove(id),
    findInvite: (secret) => data.invites.find(hashSecret(secret.slice(0, 200)), clock.nowMs()),
    listAudit: (beforeMs, limit) => audit.list(beforeMs, limit),
  };
}

/** What may be written, and nothing else. */
function checkedChanges(changes: PersonChanges): PersonChanges {
  const { name, role, quotaBytes, isDisabled, hasTwoFactor } = changes;
  if (role !== undefined && !roles.includes(role))
    throw new AppError('bad-request', 'There is no such role.');
  return {
    ...(name !== undefined && { name: parseName(name) }),
    ...(role !== undefined && { role }),
    ...(quotaBytes !== undefined && { quotaBytes: checkedQuota(quotaBytes) }),
    ...(isDisabled !== undefined && { isDisabled: isDisabled === true }),
    ...(hasTwoFactor === false && { hasTwoFactor }),
  };
}

/** One line of text, for the log as well: nothing that breaks it or turns it about. */
function noteOf(text: string): string {
  return text
    .replace(/[\s\p{Cc}\p{Bidi_Control}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}

function checkedQuota(quotaBytes: number | null): number | null {
  if (quotaBytes !== null && !(Number.isSafeInteger(quotaBytes) && quotaBytes >= 0))
    throw new AppError('bad-request', 'A quota is a whole number of bytes.');
  return quotaBytes;
}

function describeChanges(before: Person, after: Person): string {
  const parts = [
    before.name !== after.name && `called ${before.name} before`,
    before.hasTwoFactor && !after.hasTwoFactor && 'second factor off',
    before.role !== after.role && `${before.role} to ${after.role}`,
    before.quotaBytes !== after.quotaBytes && 'quota',
    before.isDisabled !== after.isDisabled && (after.isDisabled ? 'turned off' : 'turned on'),
  ];
  return parts.filter(Boolean).join(', ');
}
