// Forked by the upgrade test: upgrades the catalogue in argv, and is gone before the upgrade is committed.
import { openForWriting } from '../../src/catalogue/sqlite/open-database.ts';
import { schemaHistory } from '../../src/catalogue/sqlite/schema.ts';

const step = schemaHistory.steps[1];
openForWriting(process.argv[2] ?? '', {
  ...schemaHistory,
  steps: {
    ...schemaHistory.steps,
    1: (database) => {
      if (typeof step === 'function') step(database);
      process.kill(process.pid, 'SIGKILL');
    },
  },
});
