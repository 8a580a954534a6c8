// Who a request comes from, on every request: nothing of better-auth is loaded for it. An answer is kept for as long as
// nothing changed (`data.revision`), where other processes share the store for some seconds at most, so most cost a
// look-up in a map. Bounded: 2,000 answers.
import { AppError, isAppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { Accounts, Credentials, Identity, Person } from '../accounts.ts';
import type { Core } from './core.ts';
import { engineAddress, findPerson, parseLogin, parseName } from './people-rows.ts';
import { hashSecret } from './secrets.ts';
import { renewableAtMs } from './sessions.ts';

/** How often "last used" is written; more precise would cost a sync of the disk each time. */
const noteEveryMs = 3_600_000;
/** Kept answers; when full all are forgotten, which costs one query each. */
const mostKept = 2000;
/** An answer about a person whom a proxy names holds no longer than this. */
const namedForMs = 60_000;
/** For tokens that do not expire: the last of JSON's whole numbers. */
const never = Number.MAX_SAFE_INTEGER;
/** How long running answers go on while the store cannot be asked; and how long one is waited for. */
const awayMs = 300_000;
const impatientMs = 2000;

type Found = {
  readonly identity: Identity;
  readonly renewableAtMs: number;
  readonly sessionId: string | null;
  readonly tokenId: string | null;
  lastUsedAtMs: number;
};
type Kept = Found & { readonly askedAtMs: number };
/** Somebody whom a proxy names. */
type Named = { readonly person: Person; readonly askedAtMs: number; seenAtMs: number };

export function createIdentity(core: Core): Pick<Accounts, 'identify' | 'renew' | 'identifyNamed'> {
  const { data, clock, cookies, sessions } = core;
  const kept = new Map<string, Kept>();
  /** Pages ask for many things at once: one question will do for all of them. */
  const pending = new Map<string, Promise<Kept | null>>();
  const named = new Map<string, Named>();
  let keptAt = data.revision();

  /** Nothing is good that was answered before the last change. */
  function forgetOld(): void {
    const revision = data.revision();
    if (revision === keptAt) return;
    kept.clear();
    named.clear();
    keptAt = revision;
  }
  const isGood = (entry: { readonly askedAtMs: number }) =>
    clock.monotonicMs() - entry.askedAtMs <= data.keepMs;

  async function findSession(cookie: string): Promise<Found | null> {
    const token = cookies.readSession(cookie);
    const row = token ? await data.sessions.find(token) : null;
    if (!row) return null;
    return {
      identity: {
        viewer: {
          ...{ personId: row.personId, name: row.personName, role: row.role, scopes: null },
          ...{ sessionId: row.id, tokenId: null },
        },
        ...{ expiresAtMs: row.expiresAtMs, isRenewable: false },
      },
      renewableAtMs: renewableAtMs(row),
      ...{ sessionId: row.id, tokenId: null, lastUsedAtMs: row.lastUsedAtMs },
    };
  }
  async function findToken(secret: string): Promise<Found | null> {
    const row = await data.tokens.find(hashSecret(secret));
    if (!row) return null;
    return {
      identity: {
        viewer: {
          ...{ personId: row.personId, name: row.personName, role: row.role },
          ...{ scopes: row.scopes, sessionId: null, tokenId: row.id },
        },
        ...{ expiresAtMs: row.expiresAtMs ?? never, isRenewable: false },
      },
      renewableAtMs: never,
      ...{ sessionId: null, tokenId: row.id, lastUsedAtMs: row.lastUsedAtMs ?? 0 },
    };
  }
  async function ask(key: string, { cookie, bearer }: Credentials): Promise<Kept | null> {
    // Before the question: a change that comes meanwhile makes the answer an old one, which is not kept.
    const revision = data.revision();
    const askedAtMs = clock.monotonicMs();
    const found = await (bearer === null ? findSession(cookie!) : findToken(bearer));
    if (!found) {
      kept.delete(key);
      return null;
    }
    const entry = { ...found, askedAtMs };
    if (data.revision() === revision) {
      if (kept.size >= mostKept) kept.clear();
      kept.set(key, entry);
    }
    return entry;
  }
  /** One question for all who ask at once, and not one from before the last change. */
  function askOnce(key: string, credentials: Credentials): Promise<Kept | null> {
    const name = `${data.revision()} ${key}`;
    let asked = pending.get(name);
    if (!asked) {
      asked = ask(key, credentials).finally(() => pending.delete(name));
      pending.set(name, asked);
    }
    return asked;
  }
  /** For what runs already: an old answer where the store cannot be asked. */
  async function askPatiently(key: string, credentials: Credentials, old: Kept): Promise<Kept | null> {
    if (data.awayMs() > awayMs) return askOnce(key, credentials);
    if (data.awayMs() > 0) return old;
    const timer = new AbortController();
    const late = clock.sleep(impatientMs, timer.signal).then(
      () => old,
      () => old,
    );
    const asked = askOnce(key, credentials).catch((error: unknown) => {
      if (isAppError(error, 'unavailable')) return old;
      throw error;
    });
    return Promise.race([asked, late]).finally(() => timer.abort());
  }
  async function askNamed(login: string, name: string | null): Promise<Named> {
    const revision = data.revision();
    const askedAtMs = clock.monotonicMs();
    const person = (await findPerson(data.people, login)) ?? (await addNamed(core, login, name));
    const entry = { person, askedAtMs, seenAtMs: person.lastSeenAtMs ?? 0 };
    if (data.revision() === revision) {
      if (named.size >= mostKept) named.clear();
      named.set(login, entry);
    }
    return entry;
  }
  async function noteUse(
    used: { readonly personId: string } & Pick<Found, 'sessionId' | 'tokenId'>,
    nowMs: number,
  ): Promise<void> {
    try {
      await data.people.noteUse(used.personId, used, nowMs);
    } catch (error) {
      // Nobody is kept out because it cannot be noted.
      if (!isAppError(error, 'unavailable')) throw error;
    }
  }

  return {
    async identify({ cookie, bearer }, { mayBeOld = false, mustBeFresh = false } = {}) {
      forgetOld();
      // A request with a token asks as that token, whatever cookie the browser adds.
      const secret = bearer ?? cookie;
      if (!secret || secret.length > 300) return null;
      const key = (bearer === null ? 'c' : 'b') + secret;
      let entry = kept.get(key) ?? null;
      if (!entry || (mustBeFresh && data.isShared) || !isGood(entry))
        entry = await (mustBeFresh
          ? ask(key, { cookie, bearer })
          : entry && mayBeOld
            ? askPatiently(key, { cookie, bearer }, entry)
            : askOnce(key, { cookie, bearer }));
      const nowMs = clock.nowMs();
      if (!entry || nowMs >= entry.identity.expiresAtMs) return null;
      if (nowMs - entry.lastUsedAtMs >= noteEveryMs) {
        entry.lastUsedAtMs = nowMs;
        await noteUse({ ...entry, personId: entry.identity.viewer.personId }, nowMs);
      }
      return nowMs < entry.renewableAtMs ? entry.identity : { ...entry.identity, isRenewable: true };
    },
    async renew(asker) {
      const token = cookies.sessionToken(asker);
      const session = token ? await sessions.find(token) : null;
      if (!session || clock.nowMs() < renewableAtMs(session)) return [];
      await sessions.prolong(session);
      return [cookies.session(asker.origin, session.token)];
    },
    async identifyNamed(login, name, { mayBeOld = false, mustBeFresh = false } = {}) {
      forgetOld();
      let entry = named.get(login) ?? null;
      const isAway = mayBeOld && data.awayMs() > 0 && data.awayMs() <= awayMs;
      if (!entry || (mustBeFresh && data.isShared) || !(isGood(entry) || isAway))
        entry = await askNamed(login, name);
      const { person } = entry;
      if (person.isDisabled) throw new AppError('unauthorized', 'This account is turned off. Ask the owner.');
      const nowMs = clock.nowMs();
      if (nowMs - entry.seenAtMs >= noteEveryMs) {
        entry.seenAtMs = nowMs;
        await noteUse({ personId: person.id, sessionId: null, tokenId: null }, nowMs);
      }
      return {
        viewer: {
          ...{ personId: person.id, name: person.name, role: person.role, scopes: null },
          ...{ sessionId: null, tokenId: null },
        },
        expiresAtMs: nowMs + namedForMs,
        isRenewable: false,
      };
    },
  };
}

/** Somebody whom a trusted proxy names for the first time: the very first one is the owner. */
async function addNamed({ data, clock, config, audit }: Core, login: string, name: string | null) {
  const parsed = parseLogin(login);
  const called = parseName(name?.trim() || login);
  const id = createId();
  const add = (isFirst: boolean) =>
    data.people.add(
      {
        ...{ id, name: called, email: engineAddress({ id, email: parsed.email }), userName: parsed.userName },
        ...{ role: isFirst ? 'owner' : 'member', quotaBytes: isFirst ? null : config.quotaBytes },
        ...{ passwordHash: null, createdAtMs: clock.nowMs() },
      },
      { by: isFirst ? 'first' : 'nothing' },
    );
  let outcome = (await data.people.hasOwner()) ? ('not-admitted' as const) : await add(true);
  if (outcome === 'not-admitted') outcome = await add(false);
  // Pages ask for many things at once, in many processes: another request made them a moment ago.
  const person = outcome === 'added' ? await data.people.get(id) : await findPerson(data.people, login);
  if (!person) throw new AppError('unavailable', 'The account could not be made right now. Try again.');
  if (outcome === 'added') await audit.note({ address: '' }, person, 'signed-up', 'named by the proxy');
  return person;
}
