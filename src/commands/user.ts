// `kinora user ...`: people from the command line, also while the program runs.
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Person, PersonChanges } from '../accounts/accounts.ts';
import { type Role, roles } from '../accounts/permissions.ts';
import { leave } from '../archive/leave.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { openSqliteCatalogue } from '../catalogue/sqlite/sqlite-catalogue.ts';
import { systemClock } from '../clock.ts';
import { bytes } from '../setting-parse.ts';
import {
  dateOf,
  type Household,
  Misuse,
  printTable,
  readLine,
  readWords,
  runCommand,
  withAccounts,
} from './account-command.ts';

const help = `kinora user: people of this Kinora, also while it runs. LOGIN is a user name or an e-mail address.

kinora user list
kinora user add LOGIN [--name NAME] [--role ROLE] [--quota BYTES] [--password-stdin]
      The first one is the owner, the others are members unless --role says so: ${roles.join(', ')}.
      A password is made and printed, or read from standard input.
kinora user role LOGIN ROLE
kinora user reset LOGIN [--password-stdin]
      Prints an address for a new password that is good for a day, or takes the new password from standard input.
kinora user reset LOGIN --second-factor
      Turns the second factor off, for somebody who lost the authenticator.
kinora user log-out LOGIN         ends all sessions
kinora user disable LOGIN         logs in no more; sessions end, tokens do not work
kinora user enable LOGIN
kinora user remove LOGIN          their videos belong to the owners from then on

A program that runs on the same data folder (KINORA_DATA) or database (MONGODB_URL) follows within seconds.`;

export function user(words: readonly string[]): Promise<number> {
  return runCommand('user', words, help, {
    list,
    add,
    role: changeRole,
    reset,
    'log-out': logOut,
    disable: (rest) => change(rest, { isDisabled: true }, 'is turned off and logged out'),
    enable: (rest) => change(rest, { isDisabled: false }, 'can log in again'),
    remove,
  });
}

async function list(words: readonly string[]): Promise<number> {
  readWords(words, [], {});
  return withAccounts(async ({ accounts }) => {
    const people = await accounts.listPeople();
    if (people.length === 0)
      return console.log('There is nobody yet: kinora user add LOGIN makes the owner.');
    printTable([
      ['LOGIN', 'NAME', 'ROLE', 'LAST SEEN (UTC)', 'NOTES'],
      ...people.map((person) => [
        ...[loginOf(person), person.name, person.role, dateOf(person.lastSeenAtMs)],
        [person.isDisabled && 'turned off', person.hasTwoFactor && 'second factor']
          .filter(Boolean)
          .join(', '),
      ]),
    ]);
  });
}

async function add(words: readonly string[]): Promise<number> {
  const given = readWords(words, ['LOGIN'], {
    name: { type: 'string' },
    role: { type: 'string' },
    quota: { type: 'string' },
    'password-stdin': { type: 'boolean' },
  });
  const login = given.positionals[0]!;
  const role = given.text('role') === null ? null : roleOf(given.text('role')!);
  const quota = given.text('quota');
  const quotaBytes = quota === null ? null : bytes(quota);
  if (quotaBytes && 'takes' in quotaBytes) throw new Misuse(`--quota takes ${quotaBytes.takes}`);
  const isMade = !given.has('password-stdin');
  const password = isMade ? makePassword() : await readLine();
  return withAccounts(
    async ({ accounts, asker, config }) => {
      const { hasOwner } = await accounts.doors();
      const person = await accounts.addPerson(asker, null, {
        ...{ name: given.text('name') ?? login.split('@')[0]!, login, password },
        role: role ?? (hasOwner ? 'member' : 'owner'),
        quotaBytes: quotaBytes?.value ?? (hasOwner ? config.auth.quotaBytes : null),
      });
      console.log(`${person.name} can log in as ${loginOf(person)} (${person.role}).`);
      if (isMade) console.log(`Password: ${password}`);
    },
    { makes: true },
  );
}

async function changeRole(words: readonly string[]): Promise<number> {
  const { positionals } = readWords(words, ['LOGIN', 'ROLE'], {});
  const role = roleOf(positionals[1]!);
  return change(positionals.slice(0, 1), { role }, `is ${role === 'owner' ? 'an' : 'a'} ${role} from now on`);
}

async function reset(words: readonly string[]): Promise<number> {
  const given = readWords(words, ['LOGIN'], {
    'password-stdin': { type: 'boolean' },
    'second-factor': { type: 'boolean' },
  });
  if (given.has('second-factor'))
    return change(given.positionals, { hasTwoFactor: false }, 'needs no second factor');
  const password = given.has('password-stdin') ? await readLine() : null;
  return withAccounts(async ({ accounts, asker, config, find }) => {
    const person = await find(given.positionals[0]!);
    const token = await accounts.makeResetToken(asker, null, person.id);
    if (password !== null) {
      await accounts.resetPassword(asker, token, password);
      return console.log(`${person.name} has a new password and is logged out everywhere.`);
    }
    const { publicUrl, port } = config.server;
    console.log(`${person.name} can choose a new password at this address, once, within a day:`);
    console.log(`${publicUrl ?? `http://localhost:${port || 5000}`}/reset?token=${token}`);
    if (publicUrl === null)
      console.log('On another device, put the address of this machine in the place of localhost.');
  });
}

async function logOut(words: readonly string[]): Promise<number> {
  const { positionals } = readWords(words, ['LOGIN'], {});
  return withAccounts(async ({ accounts, asker, find }) => {
    const person = await find(positionals[0]!);
    await accounts.endSessions(asker, person.id, null, null);
    console.log(`${person.name} is logged out everywhere.`);
  });
}

async function change(words: readonly string[], changes: PersonChanges, outcome: string): Promise<number> {
  const { positionals } = readWords(words, ['LOGIN'], {});
  return withAccounts(async ({ accounts, asker, find }) => {
    const { id } = await find(positionals[0]!);
    const { name } = await accounts.changePerson(asker, null, id, changes);
    console.log(`${name} ${outcome}.`);
  });
}

async function remove(words: readonly string[]): Promise<number> {
  const { positionals } = readWords(words, ['LOGIN'], {});
  return withAccounts(async (household) => {
    const person = await household.find(positionals[0]!);
    const hasVideos = await removeFromCatalogue(household, person);
    if (!hasVideos) await household.accounts.removePerson(household.asker, null, person.id);
    console.log(`${person.name} is removed.${hasVideos ? ' Their videos belong to the owners now.' : ''}`);
  });
}

/** null where it is with another process (the role `auth`). */
async function openCatalogue({ config, db, log }: Household): Promise<Catalogue | null> {
  if (db) {
    const { openMongoCatalogue } = await import('../catalogue/mongo/mongo-catalogue.ts');
    return openMongoCatalogue({ db, clock: systemClock, log });
  }
  const file = join(config.data.folder, 'kinora.sqlite');
  return existsSync(file) ? openSqliteCatalogue({ file, clock: systemClock }) : null;
}

/** With the videos, where the catalogue can be had here; else false. */
async function removeFromCatalogue(household: Household, { id }: Person): Promise<boolean> {
  const { accounts, asker } = household;
  const catalogue = await openCatalogue(household);
  if (!catalogue) return false;
  try {
    const library = {
      async giveEverything(fromId: string, toId: string) {
        while ((await catalogue.giveVideos(fromId, toId)) > 0);
      },
    };
    await leave({ accounts, library, catalogue, asker, byId: null }, { personId: id, videos: 'household' });
    return true;
  } finally {
    await catalogue.close();
  }
}

function roleOf(word: string): Role {
  if (!(roles as readonly string[]).includes(word)) throw new Misuse(`a role is one of ${roles.join(', ')}`);
  return word as Role;
}

function loginOf({ userName, email, id }: Person): string {
  return userName ?? email ?? id;
}

/** 20 letters and digits in four groups, about 100 bits; nothing that looks alike. */
function makePassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const group = () => Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return [group(), group(), group(), group()].join('-');
}
