// The catalogue in MongoDB keeps the contract.
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { openMongoCatalogue } from '../../src/catalogue/mongo/mongo-catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { catalogueContract } from '../contracts/catalogue.ts';
import { openTestDatabase } from '../helpers/mongo/test-database.ts';

const log = pino({ level: 'silent' });
const ends: (() => unknown)[] = [];
let missing: string | undefined;
const opened = await openTestDatabase({
  skip: (reason) => {
    missing = reason ?? '';
  },
  after: (end: () => unknown) => ends.push(end),
} as Parameters<typeof openTestDatabase>[0]);

/** Each takes a thousand calls of a server: enough to go through everything, and all of the suite stays bearable. */
const propertyRuns = 10;

if (opened) {
  const open = () => openMongoCatalogue({ db: opened.db, clock: systemClock, log });
  catalogueContract(
    'MongoDB',
    async () => {
      let catalogue = await open();
      return {
        catalogue,
        async reopen() {
          await catalogue.close();
          catalogue = await open();
          return catalogue;
        },
        async takeOut() {
          for (const name of ['videos', 'progress']) await opened.db.collection(name).deleteMany({});
        },
        async dispose() {
          for (const end of ends.reverse()) await end();
        },
      };
    },
    propertyRuns,
  );
} else {
  describe("MongoDB keeps the catalogue's contract", () => {
    it('has a database to be tried with', { skip: missing ?? 'no database' }, () => {});
  });
}
