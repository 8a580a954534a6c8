// What cameras need to be one house's over many processes.
import type { LeaseKeeper } from '../../leases/keeper.ts';
import type { LeaseStore } from '../../leases/lease-store.ts';

export type ClusterSetup = {
  readonly keeper: LeaseKeeper;
  /** For looks that must not be a second old. */
  readonly leases: Pick<LeaseStore, 'read'>;
  /** Origin at which the other processes reach this one; asked for when it takes part (`join`). */
  readonly serviceUrl: () => string;
  /** What the processes prove themselves with. */
  readonly secret: string;
  /** Whether this process has the role `camera`, and so owns cameras. */
  readonly isOwner: boolean;
  /** Whether it has the role `web`, and so shows them. */
  readonly isWeb: boolean;
  /** Tells of what other processes changed; without it the list of cameras is read every `catalogueMs`. */
  readonly changes?: CameraChangesFeed;
  readonly timings?: Partial<ClusterTimings>;
};

/** `mongo/changes.ts`. */
export type CameraChangesFeed = {
  /** To be called after the write. */
  bump(topic: 'cameras'): Promise<void>;
  /** Calls the listener within 2 s of each change, and every while. Returns the way to stop. */
  on(topic: 'cameras', listener: () => void): () => void;
};

/** Milliseconds. */
export type ClusterTimings = {
  /** How long the leases of cameras are: how long a process must be dead before its cameras are taken over. */
  readonly leaseMs: number;
  /** Of the processes themselves: shorter, so that who is gone is not counted on to take over. */
  readonly processLeaseMs: number;
  readonly beatMs: number;
  /** How often leases are looked at; and how often while something is amiss. */
  readonly lookMs: number;
  readonly soonMs: number;
  /** How often the list of cameras is read where nobody tells of changes. */
  readonly catalogueMs: number;
  /** How often an owner says that it lives, and how long a relay believes it without a word. */
  readonly wordMs: number;
  readonly silentMs: number;
  /** How long a relay may take nothing before it is let go. */
  readonly stalledMs: number;
  /** How long pages say that a camera is being reconnected before they say that it has no signal. */
  readonly reconnectMs: number;
  /** Between two moves of cameras that are watched, so that one process unsettles few viewers. */
  readonly moveWatchedMs: number;
};

export const defaultTimings: ClusterTimings = {
  // Killed, found so, taken over, started and shown again within ten seconds, of which a camera's start takes two.
  ...{ leaseMs: 4000, processLeaseMs: 3000, beatMs: 1000 },
  ...{ lookMs: 1000, soonMs: 300, catalogueMs: 1500 },
  ...{ wordMs: 1000, silentMs: 3000, stalledMs: 30_000 },
  ...{ reconnectMs: 10_000, moveWatchedMs: 30_000 },
};

/** Counters since the start of the program, for metrics. */
export type ClusterFigures = {
  /** Cameras this process owns now, and relays of other processes that take from them. */
  readonly owned: number;
  readonly relaysServed: number;
  /** Cameras this process takes from another now. */
  readonly relaysTaken: number;
  /** Cameras taken over that another process had before. */
  readonly takeOvers: number;
  /** Leases that ended though they were not given back. */
  readonly lost: number;
  /** Samples that relays were not given because they were busy. */
  readonly relayDropped: number;
  /** Samples and their bytes that were sent to relays. */
  readonly relayedBytes: number;
};
