// One line about what somebody did, kept for the owner. The words for actions are `accounts/accounts.ts`'s.

export type AuditNote = {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** null where nobody was logged in. */
  readonly personId: string | null;
  /** As it was called then. */
  readonly personName: string;
  readonly action: string;
  /** What it was done to, in words people know it by; may be empty. */
  readonly subject: string;
  /** The client's. */
  readonly address: string;
};
