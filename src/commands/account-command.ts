// What `kinora user` and `kinora token` have in common: words to options, the accounts opened beside a running program,
// and failures as one line. Status: 0 done, 1 refused, 2 not understood.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { Accounts, Asker, Person } from '../accounts/accounts.ts';
import {
  type AccountsPlace,
  accountsFileName,
  createLocalAccounts,
} from '../accounts/local/create-local-accounts.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { AppError, isAppError } from '../errors.ts';
import { createLog } from '../log.ts';
import { commandSettings } from './command-settings.ts';

/** What was typed cannot be understood: status 2. */
export class Misuse extends Error {}

export type Words = {
  readonly positionals: readonly string[];
  /** Text of an option; null where it was not given. */
  text(name: string): string | null;
  has(name: string): boolean;
};

/** Reads options and the rest; as many of the rest as `names` has, those with `?` at their end may be left out. */
export function readWords(
  words: readonly string[],
  names: readonly string[],
  options: ParseArgsOptionsConfig,
): Words {
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new Misuse((error as Error).message.split('. ')[0]);
  }
  const { values, positionals } = parsed;
  const needed = names.filter((name) => !name.endsWith('?'));
  if (positionals.length < needed.length) throw new Misuse(`${needed[positionals.length]} is missing`);
  if (positionals.length > names.length)
    throw new Misuse(`"${positionals[names.length]}" is one word too many`);
  return {
    positionals,
    text: (name) => (typeof values[name] === 'string' ? values[name] : null),
    has: (name) => values[name] === true,
  };
}

export type Household = {
  readonly accounts: Accounts;
  readonly config: Config;
  readonly asker: Asker;
  /** Where everything is; null where it is in the data folder. */
  readonly db: Db | null;
  readonly log: Logger;
  /** By log-in name, e-mail address or id. Throws `not-found`. */
  find(login: string): Promise<Person>;
};

/**
 * Runs a command on the accounts in the data folder, or those of MONGODB_URL (then nothing of the folder is touched);
 * a program that runs on them sees the change within 2 s. `makes`: they are made where there are none yet.
 */
export async function withAccounts(
  work: (household: Household) => Promise<void>,
  { makes = false } = {},
): Promise<number> {
  const config = commandSettings();
  const closers: (() => Promise<void>)[] = [];
  try {
    const log = await createLog({ ...config.log, level: 'error' });
    const { place, db } = await findPlace(config, log, makes, closers);
    const accounts = await createLocalAccounts({
      ...{ ...place, clock: systemClock, config: config.auth, warmsUp: false, log },
    });
    closers.push(() => accounts.close());
    await work({
      ...{ accounts, config, db, log },
      asker: {
        ...{ address: 'command line', userAgent: null, cookieHeader: null, isThisMachine: true },
        origin: config.server.publicUrl ?? 'http://localhost',
      },
      async find(login) {
        const wanted = login.toLowerCase();
        const person = (await accounts.listPeople()).find(
          ({ id, email, userName }) => id === login || email === wanted || userName === wanted,
        );
        if (!person)
          throw new AppError('not-found', `there is nobody called "${login}"; kinora user list shows all`);
        return person;
      },
    });
    return 0;
  } catch (error) {
    if (!isAppError(error)) throw error;
    console.error(`kinora: ${error.message}`);
    return 1;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function findPlace(
  { roles, cluster, data: { folder } }: Config,
  log: Logger,
  makes: boolean,
  closers: (() => Promise<void>)[],
): Promise<{ readonly place: AccountsPlace; readonly db: Db | null }> {
  if (cluster.mongoUrl !== null) {
    const [{ connectMongo }, { createMongoKeys }] = await Promise.all([
      import('../mongo/connect.ts'),
      import('../mongo/keys.ts'),
    ]);
    const { db, close } = await connectMongo(cluster.mongoUrl, { log });
    closers.push(close);
    return { place: { db, keys: createMongoKeys(db) }, db };
  }
  if (!roles.has('auth'))
    throw new AppError(
      'conflict',
      'the accounts are kept by the process with the role auth: run this where it runs',
    );
  if (!makes && !existsSync(join(folder, accountsFileName)))
    throw new AppError('not-found', `there are no accounts in ${folder}; KINORA_DATA names the data folder`);
  await mkdir(folder, { recursive: true, mode: 0o750 });
  return { place: { folder }, db: null };
}

/** Picks the command of a word; `--help` anywhere shows the text. */
export async function runCommand(
  name: string,
  [word, ...rest]: readonly string[],
  help: string,
  commands: Readonly<Record<string, (words: readonly string[]) => Promise<number>>>,
): Promise<number> {
  if (word === undefined || [word, ...rest].some((given) => given === '--help' || given === '-h')) {
    console.log(help);
    return word === undefined ? 2 : 0;
  }
  try {
    if (!Object.hasOwn(commands, word))
      throw new Misuse(`"${word}" is not one of ${Object.keys(commands).join(', ')}`);
    return await commands[word]!(rest);
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    console.error(`kinora: ${name}: ${error.message}; kinora ${name} --help tells more`);
    return 2;
  }
}

/** The first line of standard input, at most 1000 characters. */
export async function readLine(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) {
    text += piece;
    if (text.includes('\n') || text.length > 1000) break;
  }
  return text.split(/\r?\n/)[0]!.slice(0, 1000);
}

/** Columns as wide as what stands in them; the first row is the heading. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

/** `2026-11-21 03:20`, UTC. */
export function dateOf(ms: number | null): string {
  return ms === null ? '-' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
