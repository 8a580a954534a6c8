// `kinora token ...`: tokens for the API from the command line, also while the program runs.
import { grantable, type Permission, permissions } from '../accounts/permissions.ts';
import { systemClock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { dateOf, Misuse, printTable, readWords, runCommand, withAccounts } from './account-command.ts';

const help = `kinora token: tokens for the API (Authorization: Bearer), also while Kinora runs.

kinora token list [LOGIN]
kinora token add LOGIN --name NAME [--scopes SCOPE,SCOPE] [--days DAYS]
      Prints the token, which is not shown again. Without --scopes it may what its person may; without --days it
      holds until it is removed. Scopes: ${permissions.filter((permission) => permission !== 'self').join(', ')}.
kinora token remove ID`;

export function token(words: readonly string[]): Promise<number> {
  return runCommand('token', words, help, { list, add, remove });
}

async function list(words: readonly string[]): Promise<number> {
  const { positionals } = readWords(words, ['LOGIN?'], {});
  return withAccounts(async ({ accounts, find }) => {
    const person = positionals[0] === undefined ? null : await find(positionals[0]);
    const tokens = await accounts.listTokens(person?.id ?? null);
    if (tokens.length === 0) return console.log('There are no tokens.');
    const people = new Map((await accounts.listPeople()).map(({ id, name }) => [id, name]));
    printTable([
      ['ID', 'PERSON', 'NAME', 'ENDS (UTC)', 'LAST USED (UTC)', 'SCOPES'],
      ...tokens.map(({ id, personId, name, expiresAtMs, lastUsedAtMs, scopes }) => [
        ...[id, people.get(personId) ?? personId, name, dateOf(expiresAtMs), dateOf(lastUsedAtMs)],
        scopes.join(','),
      ]),
    ]);
  });
}

async function add(words: readonly string[]): Promise<number> {
  const given = readWords(words, ['LOGIN'], {
    name: { type: 'string' },
    scopes: { type: 'string' },
    days: { type: 'string' },
  });
  const name = given.text('name');
  if (name === null) throw new Misuse('--name is missing: what the token is for');
  const days = given.text('days');
  if (days !== null && !(/^\d{1,4}$/.test(days) && Number(days) > 0))
    throw new Misuse('--days takes a whole number from 1 to 9999');
  const scopes = given.text('scopes')?.split(',').map(scopeOf) ?? null;
  return withAccounts(async ({ accounts, asker, find }) => {
    const person = await find(given.positionals[0]!);
    const { token, secret } = await accounts.addToken(asker, person.id, {
      name,
      scopes: scopes ?? grantable(person.role),
      expiresAtMs: days === null ? null : systemClock.nowMs() + Number(days) * 86_400_000,
    });
    const until =
      token.expiresAtMs === null ? 'until it is removed' : `until ${dateOf(token.expiresAtMs)} UTC`;
    // Apart from the token itself, so that a script can keep that alone.
    console.error(`A token of ${person.name} (${token.id}), good ${until}. It is not shown again:`);
    console.log(secret);
  });
}

async function remove(words: readonly string[]): Promise<number> {
  const { positionals } = readWords(words, ['ID'], {});
  return withAccounts(async ({ accounts, asker }) => {
    const id = positionals[0]!;
    const token = (await accounts.listTokens(null)).find((one) => one.id === id);
    const isGone = token !== undefined && (await accounts.removeToken(asker, token.personId, id));
    if (!isGone) throw new AppError('not-found', 'there is no such token; kinora token list shows all');
    console.log(`The token "${token.name}" works no more.`);
  });
}

function scopeOf(word: string): Permission {
  const scope = word.trim();
  if (!(permissions as readonly string[]).includes(scope) || scope === 'self')
    throw new Misuse(`"${scope}" is not a scope`);
  return scope as Permission;
}
