// The rows of the accounts as no store in particular has them: what `kinora move` carries from one to another. Every
// collection, its fields and their kinds; a test holds it against the tables and against better-auth's own list.

/** `date`: ISO 8601 text here, better-auth's own way of a time in each store. `list`: of texts. */
export type FieldKind = 'text' | 'number' | 'flag' | 'date' | 'list';

export type RowFields = Readonly<Record<string, FieldKind>>;

/** The first fields, up to `keys` of them, are what a row is known by. */
export type RowForm = { readonly keys: 1 | 2; readonly isEngines: boolean; readonly fields: RowFields };

const times = { createdAt: 'date', updatedAt: 'date' } as const;

/** People come first: the rest refers to them. See `sqlite/schema.ts` for what each field is. */
export const accountRowForms = {
  user: {
    ...{ keys: 1, isEngines: true },
    fields: {
      ...{ id: 'text', name: 'text', email: 'text', emailVerified: 'flag', image: 'text', ...times },
      ...{ username: 'text', twoFactorEnabled: 'flag', role: 'text', quotaBytes: 'number' },
      ...{ isDisabled: 'flag', lastSeenAtMs: 'number' },
    },
  },
  session: {
    ...{ keys: 1, isEngines: true },
    fields: {
      ...{ id: 'text', expiresAt: 'date', token: 'text', ...times },
      ...{ ipAddress: 'text', userAgent: 'text', userId: 'text' },
    },
  },
  account: {
    ...{ keys: 1, isEngines: true },
    fields: {
      ...{ id: 'text', accountId: 'text', providerId: 'text', userId: 'text' },
      ...{ accessToken: 'text', refreshToken: 'text', idToken: 'text' },
      ...{ accessTokenExpiresAt: 'date', refreshTokenExpiresAt: 'date', scope: 'text', password: 'text' },
      ...times,
    },
  },
  verification: {
    ...{ keys: 1, isEngines: true },
    fields: { id: 'text', identifier: 'text', value: 'text', expiresAt: 'date', ...times },
  },
  twoFactor: {
    ...{ keys: 1, isEngines: true },
    fields: {
      ...{ id: 'text', secret: 'text', backupCodes: 'text', userId: 'text', verified: 'flag' },
      ...{ failedVerificationCount: 'number', lockedUntil: 'date' },
    },
  },
  deviceCode: {
    ...{ keys: 1, isEngines: true },
    fields: {
      ...{ id: 'text', deviceCode: 'text', userCode: 'text', userId: 'text', expiresAt: 'date' },
      ...{ status: 'text', lastPolledAt: 'date', pollingInterval: 'number', clientId: 'text', scope: 'text' },
    },
  },
  passkey: {
    ...{ keys: 1, isEngines: true },
    fields: {
      ...{ id: 'text', name: 'text', publicKey: 'text', userId: 'text', credentialID: 'text' },
      ...{ counter: 'number', deviceType: 'text', backedUp: 'flag', transports: 'text' },
      ...{ createdAt: 'date', aaguid: 'text' },
    },
  },
  token: {
    ...{ keys: 1, isEngines: false },
    fields: {
      ...{ id: 'text', personId: 'text', name: 'text', secretHash: 'text', scopes: 'list' },
      ...{ createdAtMs: 'number', expiresAtMs: 'number', lastUsedAtMs: 'number' },
    },
  },
  invite: {
    ...{ keys: 1, isEngines: false },
    fields: {
      ...{ id: 'text', secretHash: 'text', role: 'text', quotaBytes: 'number', note: 'text' },
      ...{ createdAtMs: 'number', expiresAtMs: 'number' },
    },
  },
  reset: {
    ...{ keys: 1, isEngines: false },
    fields: { secretHash: 'text', personId: 'text', expiresAtMs: 'number' },
  },
  usedCode: {
    ...{ keys: 2, isEngines: false },
    fields: { personId: 'text', code: 'text', atMs: 'number' },
  },
  audit: {
    ...{ keys: 1, isEngines: false },
    fields: {
      ...{ id: 'text', atMs: 'number', personId: 'text', personName: 'text', action: 'text' },
      ...{ subject: 'text', address: 'text' },
    },
  },
  attempt: { keys: 1, isEngines: false, fields: { key: 'text', fullAtMs: 'number' } },
} as const satisfies Record<string, RowForm>;

export type AccountCollection = keyof typeof accountRowForms;

export const accountCollections = Object.keys(accountRowForms) as AccountCollection[];

/** A value of a row; null where there is none. */
export type RowValue = string | number | boolean | readonly string[] | null;

export type AccountRow = {
  readonly collection: AccountCollection;
  /** Every field of the collection. */
  readonly row: Readonly<Record<string, RowValue>>;
};

/** How a collection's rows are formed, without the narrowness of the table. */
export function rowFormOf(collection: AccountCollection): RowForm {
  return accountRowForms[collection];
}
