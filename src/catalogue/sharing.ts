// The catalogue's words for whose things are and who else may see them: folders, shares, guest links, marks.
// Everything is by plain ids; what a role may do is `accounts/permissions.ts`.

/** Holds videos and folders of one person. */
export type Folder = {
  readonly id: string;
  readonly ownerId: string;
  /** null at the top. */
  readonly parentId: string | null;
  readonly name: string;
  readonly createdAtMs: number;
};

/** Who a thing is shared with: a person's id, or everybody of the household but children. */
export const householdAudience = 'household';

export type Shared = 'video' | 'folder' | 'camera';

/** Whose and with whom: what decides about one thing. */
export type Sharing = {
  /** null for cameras, which are the house's. */
  readonly ownerId: string | null;
  /** Of the thing itself and of every folder around it. */
  readonly audiences: readonly string[];
};

/** What somebody sees in a list: the videos of these owners, and those shared with one of these audiences. */
export type Sight = {
  readonly ownerIds: readonly string[];
  readonly audiences: readonly string[];
};

/** A person's own marks on a video. */
export type Marks = { readonly isFavourite: boolean; readonly isWatched: boolean };

export type Usage = {
  /** The bin's and arriving ones too. */
  readonly videos: number;
  /** What is stored, the bin included, and what arriving ones were announced as (or have, where that is more). */
  readonly bytes: number;
};

/** A way in for somebody without an account, to one thing. The secret is in the address; here is its hash. */
export type GuestLink = {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly subject: Shared;
  readonly subjectId: string;
  /** A stretch of a video, seconds; null for the whole (both), or to the end (`endSeconds`). */
  readonly startSeconds: number | null;
  readonly endSeconds: number | null;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly note: string;
  /** null where it does not expire. */
  readonly expiresAtMs: number | null;
  /** scrypt, as `accounts/password-hash.ts` writes it; null where none is asked for. */
  readonly passwordHash: string | null;
  /** How many different visitors; null for any number. */
  readonly maxVisits: number | null;
  readonly visits: number;
  readonly allowsDownload: boolean;
};
