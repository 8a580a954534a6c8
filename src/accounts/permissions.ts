// Who may do what, in one table: the permissions a route can name, the roles of people, and what each role has.
// Whose video or camera it is comes on top of that (`access.ts`): a permission opens a kind of door, not every room.

/** What people and their tokens can be given. */
export const permissions = [
  /** See, play, go on watching, favourites: of what is one's own or shared with one. */
  'videos:watch',
  'videos:add',
  /** Titles, folders, places: of what is one's own. */
  'videos:edit',
  'videos:share',
  'videos:delete',
  'cameras:watch',
  'cameras:manage',
  'people:manage',
  'settings:manage',
  'audit:read',
  'metrics:read',
  /** One's own account: name, password, sessions, tokens. Never a token's. */
  'self',
] as const;
export type Permission = (typeof permissions)[number];

/** Whether a word (of a route's declaration, of a request for a token) is one of them. */
export function isPermission(word: string): word is Permission {
  return (permissions as readonly string[]).includes(word);
}

/**
 * What a route declares: a permission, or one of
 * `public`: anybody, logged in or not;
 * `link`: a guest link, which the route itself checks;
 * `key`: a key of the thing itself (a camera that pushes), which the route itself checks, or `cameras:manage`;
 * `service`: another process of this Kinora (the shared secret).
 */
export type RoutePermission = Permission | 'public' | 'link' | 'key' | 'service';

export const roles = ['owner', 'member', 'guest', 'child'] as const;
export type Role = (typeof roles)[number];

const ofRole: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  owner: new Set(permissions),
  member: new Set<Permission>([
    ...(['videos:watch', 'videos:add', 'videos:edit', 'videos:share', 'videos:delete'] as const),
    ...(['cameras:watch', 'self'] as const),
  ]),
  guest: new Set<Permission>(['videos:watch', 'cameras:watch', 'self']),
  // What a child films is its own to keep and name; it gives nothing away and nothing gets lost.
  child: new Set<Permission>(['videos:watch', 'videos:add', 'videos:edit', 'cameras:watch', 'self']),
};

/** Who asks. */
export type Viewer = {
  /** `household` where everybody is everybody (KINORA_AUTH=none). */
  readonly personId: string;
  readonly name: string;
  readonly role: Role;
  /** What a token is narrowed to; null where nothing narrows the role. */
  readonly scopes: readonly Permission[] | null;
  /** The session of the cookie, or the token; null where there is neither (`none`, `header`). */
  readonly sessionId: string | null;
  readonly tokenId: string | null;
};

/** Whose everything is while there are no accounts; afterwards the owners'. */
export const householdId = 'household';

/** Everybody, where KINORA_AUTH is `none`. */
export const household: Viewer = {
  ...{ personId: householdId, name: 'Household', role: 'owner', scopes: null },
  ...{ sessionId: null, tokenId: null },
};

/** Whether a person, by role and by what narrows it, may do such a thing at all. */
export function permits(viewer: Viewer, permission: Permission): boolean {
  return (
    ofRole[viewer.role].has(permission) && (viewer.scopes === null || viewer.scopes.includes(permission))
  );
}

/**
 * Whether somebody may let others do everything, or do it in their name: a token with `people:manage` would else get what
 * it was not given.
 */
export function mayMakeOwners(viewer: Viewer): boolean {
  return viewer.scopes === null && permits(viewer, 'people:manage');
}

/** What a token of such a person can be given: the role's, but not `self`. */
export function grantable(role: Role): Permission[] {
  return permissions.filter((permission) => permission !== 'self' && ofRole[role].has(permission));
}
