// Everything in MongoDB, for any number of processes; the data folder holds only what can be lost: the cache of chunks.
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createGridFsBlobs, type GridFsBlobs } from '../blobs/gridfs.ts';
import { openMongoCatalogue } from '../catalogue/mongo/mongo-catalogue.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { createLeaseKeeper } from '../leases/create-lease-keeper.ts';
import { createMongoLeases } from '../leases/mongo-leases.ts';
import { createChanges } from '../mongo/changes.ts';
import { connectMongo } from '../mongo/connect.ts';
import { createMongoKeys } from '../mongo/keys.ts';
import { createClosing, type Stores } from './stores.ts';

/** Connects to `config.cluster.mongoUrl`. Throws `bad-request`, `unavailable`. */
export async function openClusterStores(
  config: Config & { readonly cluster: { readonly mongoUrl: string } },
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<Stores> {
  const { folder, cacheBytes } = config.data;
  const closing = createClosing();
  const mongo = await connectMongo(config.cluster.mongoUrl, { log });
  closing.add(() => mongo.close());
  try {
    const { db } = mongo;
    const keys = createMongoKeys(db);
    const changes = createChanges({ db, clock, log });
    closing.add(() => changes.close());
    let leaseLost: ((name: string) => void) | null = null;
    const leases = createMongoLeases(db);
    const keeper = createLeaseKeeper({
      ...{ store: leases, clock, log },
      onLost: (name) => leaseLost?.(name),
    });
    closing.add(() => keeper.close());
    let blobs: GridFsBlobs | null = null;
    const kept = async () => (await keys.get('service', 'the other processes')).toString('hex');
    const secret = config.auth.serviceSecret ?? (await kept());
    return {
      ...{ keys, accounts: { db, keys }, shared: { leases, keeper, changes, secret } },
      onLeaseLost(listener) {
        leaseLost = listener;
      },
      figures: {
        leases: () => keeper.heldNames(),
        cache: () => blobs?.figures ?? { hits: 0, misses: 0, bytes: 0, limitBytes: 0 },
      },
      async openCatalogue() {
        const catalogue = await openMongoCatalogue({ db, clock, log, changes });
        closing.add(() => catalogue.close());
        return catalogue;
      },
      async openBlobs() {
        const cache = cacheBytes > 0 ? { folder: join(folder, 'cache'), maxBytes: cacheBytes } : null;
        const store = await createGridFsBlobs({ db, clock, log, cache });
        closing.add(() => store.close());
        blobs = store;
        return store;
      },
      close: () => closing.closeAll(),
    };
  } catch (error) {
    await closing.closeAll();
    throw error;
  }
}
