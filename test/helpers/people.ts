// The real program with accounts and a household in it: an owner, a member, a guest and a child, each with an account
// and a session of their own. They stand in the data folder before the program starts, put there by its own code with
// passwords that are quickly worked out; where the accounts are elsewhere they are made as people make them (the API).
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Role } from '../../src/accounts/permissions.ts';
import { type Program, type ProgramOptions, startProgram } from './program.ts';

/** Of everybody here; strong enough for the real check. */
export const housePassword = 'four brown otters under the mill';

export type HousePerson = {
  readonly id: string;
  readonly name: string;
  readonly login: string;
  readonly role: Role;
  /** The Cookie header of the session. */
  readonly cookie: string;
  /** Asks as that person. A body that is no string and no form is sent as JSON. */
  ask(path: string, init?: AskInit): Promise<Response>;
  /** The same, of an answer in JSON that has to be a good one. */
  read<Body>(path: string, init?: AskInit): Promise<Body>;
  /** A token with these scopes; resolves to its secret. */
  token(...scopes: string[]): Promise<string>;
};

export type AskInit = Omit<RequestInit, 'body'> & { readonly body?: unknown };

export type House = {
  readonly program: Program;
  readonly url: string;
  readonly owner: HousePerson;
  readonly member: HousePerson;
  readonly guest: HousePerson;
  readonly child: HousePerson;
  /** Asks as nobody. Redirects are not followed, here and everywhere. */
  ask(path: string, init?: AskInit): Promise<Response>;
  /** One more of that role. */
  add(name: string, role: Role): Promise<HousePerson>;
  /** Another session of somebody: another browser. */
  logIn(person: HousePerson): Promise<HousePerson>;
  close(): Promise<void>;
};

/** Everybody but the owner. */
const others = [
  ['Ben', 'member'],
  ['Greta', 'guest'],
  ['Kim', 'child'],
] as const;

/** Starts the program with its people. `settings` beside KINORA_AUTH. */
export async function startHouse({ settings = {}, dataFolder }: ProgramOptions = {}): Promise<House> {
  const isElsewhere = settings.KINORA_AUTH_URL !== undefined || settings.MONGODB_URL !== undefined;
  const folder = dataFolder ?? mkdtempSync(join(tmpdir(), 'kinora data '));
  const removeFolder = () => {
    if (dataFolder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  let program: Program | null = null;
  try {
    const seeded = isElsewhere ? null : await seedPeople(folder);
    program = await startProgram({ dataFolder: folder, settings: { ...settings, KINORA_AUTH: 'accounts' } });
    const { url } = program;
    const [owner, member, guest, child] = seeded
      ? seeded.map(({ cookie, ...person }) => personWith(url, person, cookie))
      : await signUpPeople(url);
    const running = program;
    return {
      ...{ program, url, owner: owner!, member: member!, guest: guest!, child: child! },
      add: (name, role) => signUpInvited(url, owner!, name, role),
      ask: (path, init) => askWith(url, {}, path, init),
      async logIn(person) {
        const answer = await askWith(url, {}, '/api/auth/sign-in/email', {
          method: 'POST',
          body: { email: person.login, password: housePassword },
        });
        assert.equal(answer.status, 200, await answer.clone().text());
        return personWith(url, person, cookieOf(answer));
      },
      async close() {
        await running.close();
        removeFolder();
      },
    };
  } catch (error) {
    await program?.close();
    removeFolder();
    throw error;
  }
}

type SeededPerson = Pick<HousePerson, 'id' | 'name' | 'login' | 'role' | 'cookie'>;

/** What is told of those who are in a folder of people. */
const toldOf = 'people.json';

/**
 * The household in a data folder that no program uses. Where KINORA_TEST_MEDIA names a folder it is made there, once for
 * all files, and each takes a copy: the same people, with the same sessions. Anew every ten minutes, so that their
 * sessions are always young.
 */
export async function seedPeople(folder: string): Promise<SeededPerson[]> {
  const shared = process.env.KINORA_TEST_MEDIA;
  if (!shared) return makePeople(folder);
  const template = join(shared, `people-${Math.floor(Date.now() / 600_000)}`);
  if (!existsSync(template)) {
    mkdirSync(shared, { recursive: true });
    const unfinished = mkdtempSync(`${template}-`);
    writeFileSync(join(unfinished, toldOf), JSON.stringify(await makePeople(unfinished)));
    try {
      renameSync(unfinished, template);
    } catch (error) {
      // Another test was quicker.
      if (!existsSync(template)) throw error;
      rmSync(unfinished, { recursive: true });
    }
  }
  cpSync(template, folder, { recursive: true, filter: (path) => !path.endsWith(toldOf) });
  return JSON.parse(readFileSync(join(template, toldOf), 'utf8')) as SeededPerson[];
}

/** By the accounts' own code, which takes most of a second to load, in the order owner first. */
async function makePeople(folder: string): Promise<SeededPerson[]> {
  const { createBrowser, createCheapHasher, createHomeBrowser, openLocalAccounts } = await import(
    './local-accounts.ts'
  );
  const accounts = await openLocalAccounts({ folder, hasher: createCheapHasher() });
  const home = createHomeBrowser(accounts);
  const signUp = async (browser: typeof home, name: string, role: Role, more: { invite?: string }) => {
    const login = loginOf(name);
    const id = await browser.signUp(name, login, { password: housePassword, ...more });
    return { id, name, login, role, cookie: browser.asker().cookieHeader! };
  };
  const owner = await signUp(home, 'Anna', 'owner', {});
  const people = [owner];
  for (const [name, role] of others) {
    const { secret } = await accounts.invite(home.asker(), owner.id, {
      ...{ role, quotaBytes: null, note: '', expiresAtMs: Date.now() + 3_600_000 },
    });
    const browser = createBrowser(accounts, { address: '127.0.0.1', userAgent: 'node' });
    people.push(await signUp(browser, name, role, { invite: secret }));
  }
  await accounts.close();
  return people;
}

async function signUpPeople(url: string): Promise<HousePerson[]> {
  const owner = await signUp(url, 'Anna', 'owner', null);
  const people = [owner];
  for (const [name, role] of others) people.push(await signUpInvited(url, owner, name, role));
  return people;
}

async function signUpInvited(
  url: string,
  owner: HousePerson,
  name: string,
  role: Role,
): Promise<HousePerson> {
  const invite = await owner.read<{ url: string }>('/api/v1/invites', { method: 'POST', body: { role } });
  return signUp(url, name, role, new URL(invite.url).searchParams.get('invite'));
}

const loginOf = (name: string) => `${name.toLowerCase().replaceAll(' ', '.')}@example.org`;

async function signUp(url: string, name: string, role: Role, invite: string | null): Promise<HousePerson> {
  const login = loginOf(name);
  const answer = await askWith(url, {}, '/api/auth/sign-up/email', {
    method: 'POST',
    body: { name, email: login, password: housePassword, ...(invite !== null && { invite }) },
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const { user } = (await answer.json()) as { user: { id: string } };
  return personWith(url, { id: user.id, name, login, role }, cookieOf(answer));
}

function personWith(
  url: string,
  { id, name, login, role }: Pick<HousePerson, 'id' | 'name' | 'login' | 'role'>,
  cookie: string,
): HousePerson {
  const ask: HousePerson['ask'] = (path, init) => askWith(url, { cookie }, path, init);
  const read = async <Body>(path: string, init?: AskInit): Promise<Body> => {
    const answer = await ask(path, init);
    assert.ok(answer.ok, `${name} ${path}: ${answer.status} ${await answer.clone().text()}`);
    return (await answer.json()) as Body;
  };
  return {
    ...{ id, name, login, role, cookie, ask, read },
    async token(...scopes) {
      const made = await read<{ secret: string }>('/api/v1/me/tokens', {
        method: 'POST',
        body: { name: 'A token', scopes },
      });
      return made.secret;
    },
  };
}

async function askWith(
  url: string,
  own: Readonly<Record<string, string>>,
  path: string,
  { body, headers, ...init }: AskInit = {},
): Promise<Response> {
  const isRaw =
    body === undefined ||
    typeof body === 'string' ||
    body instanceof FormData ||
    body instanceof URLSearchParams ||
    body instanceof Uint8Array;
  return fetch(`${url}${path}`, {
    ...{ redirect: 'manual', ...init },
    headers: {
      ...own,
      ...(!isRaw && { 'content-type': 'application/json' }),
      ...(headers as Record<string, string>),
    },
    ...(body !== undefined && { body: (isRaw ? body : JSON.stringify(body)) as BodyInit }),
  });
}

/** The Cookie header that a browser would send after this answer. */
function cookieOf(answer: Response): string {
  const pairs = answer.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]!);
  return pairs.filter((pair) => !pair.endsWith('=')).join('; ');
}

/** A small film as this person's upload; resolves to the id of its video. */
export async function upload(person: HousePerson, film: Uint8Array, name = 'film.mkv'): Promise<string> {
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(film)]), name);
  const answer = await person.ask('/upload', {
    method: 'POST',
    body: form,
    headers: { accept: 'application/json' },
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  const { videos } = (await answer.json()) as { videos: { id: string }[] };
  return videos[0]!.id;
}
