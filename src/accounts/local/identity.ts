// Who a request comes from, on every request: nothing of better-auth is loaded for it. An answer is kept for as long as
// nothing changed (`store.revision`), so most cost a look-up in a map.
import { AppError } from '../../errors.ts';
import type { Accounts, Credentials, Identity } from '../accounts.ts';
import type { Permission, Role } from '../permissions.ts';
import type { Core } from './core.ts';
import { parseLogin, parseName } from './people-rows.ts';
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

type Kept = {
  readonly identity: Identity;
  readonly renewableAtMs: number;
  readonly sessionId: string | null;
  readonly tokenId: string | null;
  lastUsedAtMs: number;
};
type PersonRow = { personId: string; personName: string; role: Role };

export function createIdentity(core: Core): Pick<Accounts, 'identify' | 'renew' | 'identifyNamed'> {
  const { store, clock, cookies, people, sessions } = core;
  const kept = new Map<string, Kept>();
  let keptAt = store.revision();

  function findSession(cookie: string): Kept | null {
    const token = cookies.readSession(cookie);
    if (!token) return null;
    const row = store.get<
      PersonRow & { id: string } & Record<'expiresAt' | 'updatedAt' | 'createdAt', string>
    >(
      `SELECT s.id, s.expiresAt, s.updatedAt, s.createdAt, u.id AS personId, u.name AS personName, u.role
       FROM "session" s JOIN "user" u ON u.id = s.userId WHERE s.token = ? AND u.isDisabled = 0`,
      token,
    );
    if (!row) return null;
    const expiresAtMs = Date.parse(row.expiresAt);
    return {
      identity: {
        viewer: {
          ...{ personId: row.personId, name: row.personName, role: row.role, scopes: null },
          ...{ sessionId: row.id, tokenId: null },
        },
        expiresAtMs,
        isRenewable: false,
      },
      renewableAtMs: renewableAtMs(Date.parse(row.createdAt), expiresAtMs),
      ...{ sessionId: row.id, tokenId: null, lastUsedAtMs: Date.parse(row.updatedAt) },
    };
  }
  function findToken(secret: string): Kept | null {
    type Row = PersonRow & {
      id: string;
      scopes: string;
      expiresAtMs: number | null;
      lastUsedAtMs: number | null;
    };
    const row = store.get<Row>(
      `SELECT t.id, t.scopes, t.expires_at_ms AS expiresAtMs, t.last_used_at_ms AS lastUsedAtMs,
         u.id AS personId, u.name AS personName, u.role
       FROM token t JOIN "user" u ON u.id = t.person_id WHERE t.secret_hash = ? AND u.isDisabled = 0`,
      hashSecret(secret),
    );
    if (!row) return null;
    return {
      identity: {
        viewer: {
          ...{ personId: row.personId, name: row.personName, role: row.role },
          ...{ scopes: JSON.parse(row.scopes) as Permission[], sessionId: null, tokenId: row.id },
        },
        expiresAtMs: row.expiresAtMs ?? never,
        isRenewable: false,
      },
      renewableAtMs: never,
      ...{ sessionId: null, tokenId: row.id, lastUsedAtMs: row.lastUsedAtMs ?? 0 },
    };
  }
  function noteUse(entry: Kept, nowMs: number): void {
    entry.lastUsedAtMs = nowMs;
    store.transaction(() => {
      if (entry.sessionId) sessions.noteUsed(entry.sessionId);
      if (entry.tokenId) store.run('UPDATE token SET last_used_at_ms = ? WHERE id = ?', nowMs, entry.tokenId);
      people.noteSeen(entry.identity.viewer.personId);
    });
  }

  return {
    async identify({ cookie, bearer }: Credentials) {
      const revision = store.revision();
      if (revision !== keptAt) {
        kept.clear();
        keptAt = revision;
      }
      // A request with a token asks as that token, whatever cookie the browser adds.
      const secret = bearer ?? cookie;
      if (!secret || secret.length > 300) return null;
      const key = (bearer === null ? 'c' : 'b') + secret;
      const nowMs = clock.nowMs();
      let entry = kept.get(key) ?? null;
      if (!entry) {
        entry = bearer === null ? findSession(secret) : findToken(secret);
        if (!entry) return null;
        if (kept.size >= mostKept) kept.clear();
        kept.set(key, entry);
      }
      if (nowMs >= entry.identity.expiresAtMs) return null;
      if (nowMs - entry.lastUsedAtMs >= noteEveryMs) noteUse(entry, nowMs);
      return nowMs < entry.renewableAtMs ? entry.identity : { ...entry.identity, isRenewable: true };
    },
    async renew(asker) {
      const token = cookies.sessionToken(asker);
      const session = token ? sessions.find(token) : null;
      if (!session || clock.nowMs() < session.renewableAtMs) return [];
      sessions.prolong(session.id);
      return [cookies.session(asker.origin, session.token)];
    },
    async identifyNamed(login, name) {
      let person = people.find(login);
      if (!person) {
        const parsed = parseLogin(login);
        const called = parseName(name?.trim() || login);
        person = store.transaction(() => {
          const isFirst = !people.hasOwner();
          const id = people.add(
            {
              ...{ name: called, login: parsed, role: isFirst ? 'owner' : 'member' },
              ...{ quotaBytes: isFirst ? null : core.config.quotaBytes, passwordHash: null },
            },
            'This address belongs to somebody else.',
          );
          return people.get(id)!;
        });
        core.audit.note({ address: '' }, person, 'signed-up', 'named by the proxy');
      }
      if (person.isDisabled) throw new AppError('unauthorized', 'This account is turned off. Ask the owner.');
      const nowMs = clock.nowMs();
      if (nowMs - (person.lastSeenAtMs ?? 0) >= noteEveryMs) people.noteSeen(person.id);
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
