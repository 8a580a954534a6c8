// The people behind guest links as they are now, asked for once in a while: with an accounts process elsewhere each
// question is a request.
import type { Clock } from '../clock.ts';
import type { Accounts } from './accounts.ts';
import { household, householdId, type Viewer } from './permissions.ts';

/** Revocation shows within 5 s on running streams, which ask every second or two. */
const keepMs = 2000;
const maxKept = 1000;

export type LinkMakers = {
  /** With the role alone, no token that narrows it; null where there is no such person or they are disabled. */
  find(personId: string): Promise<Viewer | null>;
};

type Kept = { readonly maker: Viewer | null; readonly untilMs: number; readonly revision: number };

export function createLinkMakers({
  accounts,
  clock,
}: {
  readonly accounts: Pick<Accounts, 'getPerson' | 'revision'>;
  readonly clock: Clock;
}): LinkMakers {
  const kept = new Map<string, Kept>();
  return {
    async find(personId) {
      if (personId === householdId) return household;
      const nowMs = clock.monotonicMs();
      // Before the question: a change that comes meanwhile makes the answer an old one.
      const revision = accounts.revision();
      const entry = kept.get(personId);
      if (entry && entry.untilMs > nowMs && entry.revision === revision) return entry.maker;
      const person = await accounts.getPerson(personId);
      const maker: Viewer | null =
        person && !person.isDisabled
          ? {
              ...{ personId, name: person.name, role: person.role, scopes: null },
              ...{ sessionId: null, tokenId: null },
            }
          : null;
      if (kept.size >= maxKept) kept.clear();
      kept.set(personId, { maker, untilMs: nowMs + keepMs, revision });
      return maker;
    },
  };
}
