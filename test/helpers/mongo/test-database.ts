// A database of its own for a test, on the engine of this run; dropped afterwards.
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type Db, MongoClient } from 'mongodb';
import { type Engine, type EngineOptions, findEngine } from './engine.ts';

export type TestDatabase = {
  /** With the database's name: what MONGODB_URL is set to. */
  readonly url: string;
  readonly name: string;
};

/** Of this process, or of the whole run (`scripts/test.mjs` starts one for all). */
let running: Promise<{ url: string | null; why: string | null }> | null = null;

async function startShared(): Promise<{ url: string | null; why: string | null }> {
  const given = process.env.KINORA_TEST_MONGODB_URL;
  if (given) return { url: given, why: null };
  const missing = process.env.KINORA_TEST_NO_MONGODB;
  if (missing) return { url: null, why: missing };
  const found = await findEngine();
  return found.start ? { url: (await found.start()).url, why: null } : { url: null, why: found.why };
}

/**
 * A fresh database. null where no engine can be had: then the test is skipped already, with the reason, and has only
 * to return.
 */
export async function testDatabase(t: Pick<TestContext, 'skip' | 'after'>): Promise<TestDatabase | null> {
  running ??= startShared();
  const { url, why } = await running;
  if (url === null) {
    t.skip(why ?? 'no database here');
    return null;
  }
  const name = `kinora_test_${randomBytes(8).toString('hex')}`;
  const named = withDatabase(url, name);
  t.after(() => dropDatabase(named));
  return { url: named, name };
}

/** The same, as an open database of the driver's with the writes' guarantees that the program asks for. */
export async function openTestDatabase(
  t: Pick<TestContext, 'skip' | 'after'>,
): Promise<(TestDatabase & { readonly db: Db; readonly client: MongoClient }) | null> {
  const made = await testDatabase(t);
  if (!made) return null;
  const client = new MongoClient(made.url, { w: 'majority', journal: true, serverSelectionTimeoutMS: 5000 });
  t.after(() => client.close());
  return { ...made, client, db: client.db() };
}

/** An engine of the test's own, to be stopped and started again; null (and skipped) where there is none. */
export async function startMongo(
  t: Pick<TestContext, 'skip' | 'after'>,
  options: EngineOptions = {},
): Promise<Engine | null> {
  const found = await findEngine();
  if (!found.start) {
    t.skip(found.why);
    return null;
  }
  const engine = await found.start(options);
  t.after(() => engine.stop());
  return engine;
}

/** The same server (or servers), another database. */
export function withDatabase(url: string, name: string): string {
  const parts = /^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?[^?]*(\?.*)?$/.exec(url);
  if (!parts) throw new Error('this is no MongoDB URL');
  return `${parts[1]}/${name}${parts[2] ?? ''}`;
}

async function dropDatabase(url: string): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2000 });
  try {
    await client.db().dropDatabase();
  } catch {
    // The engine is gone, and the database with it.
  } finally {
    await client.close();
  }
}
