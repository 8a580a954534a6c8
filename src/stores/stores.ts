// What the program keeps things in, opened part by part as its roles need them: for one process in the data folder
// (`local-stores.ts`), or in a database that any number of processes share (`cluster-stores.ts`).
import type { AccountsPlace } from '../accounts/local/create-local-accounts.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Keys } from '../keys.ts';
import type { LeaseKeeper } from '../leases/keeper.ts';
import type { LeaseStore } from '../leases/lease-store.ts';
import type { ClusterSources } from '../metrics/cluster-metrics.ts';
import type { Changes } from '../mongo/changes.ts';

/** What processes share besides what they keep. */
export type SharedParts = {
  readonly leases: LeaseStore;
  readonly keeper: LeaseKeeper;
  readonly changes: Changes;
  /** What the processes prove themselves with to one another. */
  readonly secret: string;
};

export type Stores = {
  readonly accounts: AccountsPlace;
  readonly keys: Keys;
  /** null where this process is alone. */
  readonly shared: SharedParts | null;
  /** For the metrics. */
  readonly figures: Partial<ClusterSources>;
  /** Has a lease that is lost told from now on. */
  onLeaseLost(listener: (name: string) => void): void;
  /** Each is opened once and closed with the stores. Throw `unavailable`, `corrupt`, `conflict`. */
  openCatalogue(): Promise<Catalogue>;
  openBlobs(): Promise<BlobStore>;
  /** Closes what was opened, the last first. Idempotent. */
  close(): Promise<void>;
};

/** Remembers what has to be closed, in the reverse order. */
export function createClosing(): { readonly add: (close: () => unknown) => void; closeAll(): Promise<void> } {
  const opened: (() => unknown)[] = [];
  return {
    add: (close) => void opened.push(close),
    async closeAll() {
      for (const close of opened.splice(0).reverse()) await close();
    },
  };
}
