// Everything in the data folder, for one process: SQLite and files.
import { join } from 'node:path';
import { createDiskBlobs } from '../blobs/disk.ts';
import { openSqliteCatalogue } from '../catalogue/sqlite/sqlite-catalogue.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { createFileKeys } from '../keys.ts';
import { createClosing, type Stores } from './stores.ts';

/** The folder is this process' alone (`data-lock.ts`). */
export function openLocalStores(config: Config, { clock }: { readonly clock: Clock }): Stores {
  const { folder, reserveBytes } = config.data;
  const keys = createFileKeys(folder);
  const closing = createClosing();
  return {
    ...{ keys, shared: null, figures: {} },
    accounts: { folder, keys },
    onLeaseLost() {},
    async openCatalogue() {
      const catalogue = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock });
      closing.add(() => catalogue.close());
      return catalogue;
    },
    async openBlobs() {
      const blobs = await createDiskBlobs({ folder, reserveBytes, clock, isShared: config.server.accel });
      closing.add(() => blobs.close());
      return blobs;
    },
    close: () => closing.closeAll(),
  };
}
