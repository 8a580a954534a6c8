// Takes leases, keeps them alive, and tells when one is lost. Times are this process' monotonic ones.
import type { LeaseRow } from './lease-store.ts';

/** A lease this process holds. */
export type HeldLease = {
  readonly name: string;
  /** For whatever is written under the lease. */
  readonly token: number;
  /** Aborts when the lease is lost: another took it, it was given back, or it could not be renewed in time. */
  readonly signal: AbortSignal;
  /**
   * Throws `conflict` where it may be lost: asked before every step that cannot be taken back. It knows without asking
   * the store: a process that slept longer than the lease finds it lost when it wakes.
   */
  assertHeld(): void;
  /** Told to others with the next beat. */
  setNote(note: Readonly<Record<string, unknown>>): void;
  /** Called once when somebody else wants it; soon where that was before. */
  onAsked(listener: () => void): void;
  /**
   * Gives it back; never throws: where the store cannot be reached it is tried again for as long as the lease is long.
   * Idempotent. `isOver`: what it was about is gone for good or will not be asked for by token again; nothing is kept
   * of it.
   */
  release(isOver?: boolean): Promise<void>;
};

export type TakeOptions = {
  /** How long after its last beat another may take it, milliseconds. */
  readonly lengthMs: number;
  readonly note?: Readonly<Record<string, unknown>>;
  /** How often it beats, and so how soon it hears that it is asked for; left out: a third of the length. */
  readonly beatMs?: number;
  /** Nobody can have taken it before (its id was just made): saves a look. */
  readonly isNew?: boolean;
};

export type LeaseKeeper = {
  /** This run of this process. */
  readonly holder: string;
  /** Takes it if it is free or its holder has stood still for its whole length in the sight of this keeper; null else. Throws `unavailable`. */
  take(name: string, options: TakeOptions): Promise<HeldLease | null>;
  /** Waits for it in turns, and asks the holder to give it back where told. Throws the signal's reason, `unavailable`. */
  wait(
    name: string,
    options: TakeOptions & { readonly asks?: boolean },
    signal: AbortSignal,
  ): Promise<HeldLease>;
  /** Waits as `wait` until no other process holds it, and takes nothing. Throws the signal's reason, `unavailable`. */
  untilLeft(name: string, options: { readonly asks?: boolean }, signal: AbortSignal): Promise<void>;
  /** Names of the leases this keeper holds now. */
  heldNames(): readonly string[];
  /** Whether it is held or being taken in this process. */
  isHeldHere(name: string): boolean;
  /**
   * Leases that begin so as they were seen last (at most a second ago), without those that were given back or whose
   * holder stands still. While the store cannot be reached: as they were seen before. Throws `unavailable` where they
   * were not.
   */
  seen(prefix: string): Promise<readonly LeaseRow[]>;
  /** Gives all back, and takes no more (`unavailable`). Idempotent. */
  close(): Promise<void>;
};
