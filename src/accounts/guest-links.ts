// Guest links: a way in for somebody without an account, to one video, a stretch of it, a folder or a camera. What a
// link gives is asked of this port alone, with the link in hand: no route for visitors asks the library by itself.
import type { Folder, GuestLink, Video } from '../catalogue/catalogue.ts';
import type { Viewer } from './permissions.ts';

export type NewLink = Pick<
  GuestLink,
  | 'subject'
  | 'subjectId'
  | 'startSeconds'
  | 'endSeconds'
  | 'note'
  | 'expiresAtMs'
  | 'maxVisits'
  | 'allowsDownload'
> & { readonly password: string | null };

/** What a folder link shows of a folder now. */
export type LinkedFolder = {
  readonly folder: Folder;
  /** From the link's own folder down to this one, both included. */
  readonly path: readonly Folder[];
  readonly folders: readonly Folder[];
  /** Those that can be watched, newest first. */
  readonly videos: readonly Video[];
  /** For `after`; null on the last page. */
  readonly next: string | null;
};

export type GuestLinks = {
  /**
   * `secret` (160 bits) stands in the address `/l/SECRET`, is shown once and kept as a hash. `address`: the maker's, for
   * the audit log. Throws `not-found`, `forbidden`, `bad-request`, `conflict` (more links than anybody needs).
   */
  make(
    viewer: Viewer,
    link: NewLink,
    address: string,
  ): Promise<{ readonly link: GuestLink; readonly secret: string }>;
  /** One's own; of one thing, an owner's list has everybody's. Newest first. Expired ones stay until they are ended. */
  list(
    viewer: Viewer,
    of?: { readonly subject: GuestLink['subject']; readonly subjectId: string },
  ): Promise<readonly GuestLink[]>;
  /** One's own, an owner any. Throws `not-found`. Holds at once. */
  end(viewer: Viewer, id: string, address: string): Promise<void>;
  /** What the thing is called, for its maker; its id where it is no more. */
  nameOf(link: Pick<GuestLink, 'subject' | 'subjectId'>): Promise<string>;
  /** The link of a secret where it holds: not ended or expired, and its maker may share the thing, now. Else null. */
  find(secret: string): Promise<GuestLink | null>;
  /**
   * Lets a visitor in: checks the password (limited by address and by link), counts the visit. `pass` goes into a cookie
   * for the link's own path. Throws `unauthorized` (password), `gone` (visits used up), `too-many`.
   */
  enter(
    link: GuestLink,
    options: { readonly password: string | null; readonly address: string },
  ): Promise<{ readonly pass: string }>;
  /** Whether a cookie's pass is good for this link. */
  isPass(link: GuestLink, pass: string | null): Promise<boolean>;
  /** The video of a link, or (with its id) one that lies in the folder of a link, now. Throws `not-found`. */
  video(link: GuestLink, videoId: string | null): Promise<Video>;
  /** The folder of a link (null), or one in it, now. Throws `not-found`; `bad-request` for an `after` that is none. */
  folder(link: GuestLink, folderId: string | null, after: string | null): Promise<LinkedFolder>;
};
