// Guest links: a way in for somebody without an account, to one video, a stretch of it, a folder or a camera.
import type { GuestLink } from '../catalogue/catalogue.ts';
import type { Viewer } from './permissions.ts';

export type NewLink = Pick<
  GuestLink,
  'subject' | 'subjectId' | 'startSeconds' | 'endSeconds' | 'note' | 'expiresAtMs' | 'maxVisits' | 'allowsDownload'
> & { readonly password: string | null };

/** A visitor who was let in, as the cookie says. */
export type Visit = { readonly link: GuestLink };

export type GuestLinks = {
  /** `secret` (128 bits) stands in the address `/l/SECRET`, is shown once and kept as a hash. Throws `not-found`, `forbidden`, `bad-request`. */
  make(viewer: Viewer, link: NewLink): Promise<{ readonly link: GuestLink; readonly secret: string }>;
  list(viewer: Viewer, of?: { readonly subject: GuestLink['subject']; readonly subjectId: string }): Promise<readonly GuestLink[]>;
  /** One's own, an owner any. Throws `not-found`. Holds at once. */
  end(viewer: Viewer, id: string): Promise<void>;
  /** The link of a secret where it holds (not expired, its maker still may share it); null else, always in the same time. */
  find(secret: string): Promise<GuestLink | null>;
  /**
   * Lets a visitor in: checks the password (limited by address), counts the visit. `pass` goes into a cookie for the
   * link's own path. Throws `unauthorized` (password), `gone` (visits used up), `too-many`.
   */
  enter(link: GuestLink, options: { readonly password: string | null; readonly address: string }): Promise<{ readonly pass: string }>;
  /** Whether a cookie's pass is good for this link. */
  isPass(link: GuestLink, pass: string | null): boolean;
};
