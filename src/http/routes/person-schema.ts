// The JSON forms of people, sessions, tokens and invites, field by field, so that nothing else can slip out.
import type { Person, Session, Invite as StoredInvite, Token } from '../../accounts/accounts.ts';
import { householdId, permissions, roles, type Viewer } from '../../accounts/permissions.ts';
import { AppError } from '../../errors.ts';
import { type Static, type TSchema, Type } from '../schema.ts';

export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

export const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

/** Milliseconds since the epoch. */
const Moment = Type.Integer({ description: 'Milliseconds since the epoch' });

export const Quota = Nullable(
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Bytes; null: not limited' }),
);

export const PersonBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  email: Nullable(Type.String()),
  userName: Nullable(Type.String()),
  role: Type.Enum([...roles]),
  quotaBytes: Quota,
  isDisabled: Type.Boolean({ description: 'Cannot log in' }),
  hasPassword: Type.Boolean(),
  hasTwoFactor: Type.Boolean(),
  createdAtMs: Moment,
  lastSeenAtMs: Nullable(Moment),
});

export function personBody(person: Person): Static<typeof PersonBody> {
  const { id, name, email, userName, role, quotaBytes, isDisabled, hasPassword, hasTwoFactor } = person;
  const { createdAtMs, lastSeenAtMs } = person;
  return {
    ...{ id, name, email, userName, role, quotaBytes, isDisabled, hasPassword, hasTwoFactor },
    ...{ createdAtMs, lastSeenAtMs },
  };
}

export const SessionBody = Type.Object({
  id: Type.String(),
  address: Nullable(Type.String()),
  userAgent: Nullable(Type.String()),
  createdAtMs: Moment,
  lastUsedAtMs: Moment,
  expiresAtMs: Moment,
  isThisOne: Type.Boolean(),
});

export function sessionBody(session: Session): Static<typeof SessionBody> {
  const { id, address, userAgent, createdAtMs, lastUsedAtMs, expiresAtMs, isThisOne } = session;
  return { id, address, userAgent, createdAtMs, lastUsedAtMs, expiresAtMs, isThisOne };
}

export const Scopes = Type.Array(Type.Enum([...permissions]), {
  ...{ minItems: 1, maxItems: permissions.length },
  description: 'What it may do, of what its person may',
});

export const TokenBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scopes: Scopes,
  createdAtMs: Moment,
  expiresAtMs: Nullable(Moment),
  lastUsedAtMs: Nullable(Moment),
});

export function tokenBody(token: Token): Static<typeof TokenBody> {
  const { id, name, scopes, createdAtMs, expiresAtMs, lastUsedAtMs } = token;
  return { id, name, scopes: [...scopes], createdAtMs, expiresAtMs, lastUsedAtMs };
}

export const InviteBody = Type.Object({
  id: Type.String(),
  role: Type.Enum([...roles]),
  quotaBytes: Quota,
  note: Type.String({ description: 'For whom' }),
  createdAtMs: Moment,
  expiresAtMs: Moment,
});

export function inviteBody(invite: StoredInvite): Static<typeof InviteBody> {
  const { id, role, quotaBytes, note, createdAtMs, expiresAtMs } = invite;
  return { id, role, quotaBytes, note, createdAtMs, expiresAtMs };
}

/** Whose account it is. Throws `conflict` where everybody is the household. */
export function accountOf({ personId }: Viewer): string {
  if (personId === householdId)
    throw new AppError('conflict', 'There are no accounts here: KINORA_AUTH is “none”.');
  return personId;
}
