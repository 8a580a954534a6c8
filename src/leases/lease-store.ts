// The port to leases: who does what only one may do at a time, with fencing tokens. Adapters: `memory-leases.ts` (one
// process), `mongo-leases.ts`; both pass `test/contracts/leases.ts`. No clock is in it: whoever waits for a lease
// watches its beat by a monotonic clock of its own (`keeper.ts`), as Kubernetes' leader election does.

/** A lease as it stands. */
export type LeaseRow = {
  /** What it is about: `camera:front-door`, `video:ID`, `tidy`. 1 to 200 characters. */
  readonly name: string;
  /** Grows by one with every taking, also after a release: what carries an older one comes too late. From 1. */
  readonly token: number;
  /** Who holds it: the id of a process' run, never used again; null where it was given back. */
  readonly holder: string | null;
  /** Changes with every beat of the holder. */
  readonly beat: number;
  /** How long its beat must stand still, by the watcher's own clock, before another may take it; milliseconds. */
  readonly lengthMs: number;
  /** What the holder wants others to know: plain JSON, at most 16 KiB. */
  readonly note: Readonly<Record<string, unknown>>;
  /** How many asked the holder to give it back (`ask`) since it was taken. */
  readonly asked: number;
};

/** What a taker saw of the lease; it is taken only while that still holds. null: that there is none. */
export type SeenLease = Pick<LeaseRow, 'token' | 'beat' | 'holder'> | null;

export type LeaseStore = {
  /** null where there never was one. */
  read(name: string): Promise<LeaseRow | null>;
  /** Those whose name begins so and that somebody holds, alive or not, in no order. */
  list(prefix: string): Promise<readonly LeaseRow[]>;
  /**
   * Takes it where it is as it was seen: with the next token, beat 0, nobody asking. null where it is not any more.
   * Again by the same holder: the same lease. A holder's calls for one name come one after the other.
   */
  take(
    lease: Pick<LeaseRow, 'name' | 'lengthMs' | 'note'> & { readonly holder: string },
    seen: SeenLease,
  ): Promise<LeaseRow | null>;
  /** Shows that the holder lives, and its note where it is given; null where another holds it by now. */
  beat(
    lease: Pick<LeaseRow, 'name' | 'token'>,
    note?: Readonly<Record<string, unknown>>,
  ): Promise<LeaseRow | null>;
  /** Asks the holder of this token to give it back; nothing happens where another holds it by now. */
  ask(lease: Pick<LeaseRow, 'name' | 'token'>): Promise<void>;
  /** Gives it back: the next one need not wait. Nothing happens where another holds it by now. Idempotent. */
  release(lease: Pick<LeaseRow, 'name' | 'token'>): Promise<void>;
  /**
   * Forgets one that nobody holds, of something that is gone for good: its tokens would begin at 1 again. Nothing
   * happens where somebody holds it.
   */
  forget(name: string): Promise<void>;
};
