// The port to people in a process without the role `auth`: every method is a question over HTTP to a process that has
// it. Answers of `identify` are kept a few seconds (`kept-answers.ts`), and a word a second tells whether they still
// hold. While that process is away nobody is let in; what runs already goes on for 5 minutes.
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { isAppError } from '../../errors.ts';
import type { Tracing } from '../../tracing/tracing.ts';
import type { Accounts, Credentials, IdentifyOptions, Identity } from '../accounts.ts';
import { awayMs, createKeptAnswers } from './kept-answers.ts';
import { createServiceCaller } from './service-caller.ts';
import { type RevisionAnswer, type ServiceMethod, serviceMethods } from './service-methods.ts';
import { ServiceAway } from './service-place.ts';

/** How often the other side is asked whether anything has changed. */
const pollMs = 1000;
/** For what has to be quick: who somebody is, and the word whether anything has changed. */
const quickMs = 5000;
/** Words in a row that did not come in time: one may be lost to a busy moment (better-auth takes a second to load). */
const mostLate = 1;
/** A log-in is slow on purpose, and OpenID asks a provider on the way. */
const slowMs = 20_000;
/** What answers about people whom a proxy names are kept by; never the beginning of another key. */
const namedKey = 'named ';
/** No cookie or token of ours is longer. */
const mostCredentialLength = 1000;

export type RemoteAccountsOptions = {
  /** Origins of the processes that keep the accounts, with commas between; they share one store. */
  readonly url: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tracing?: Tracing | null;
};

/** Asks for the first time at once; where nobody answers it is there all the same, and says so. */
export function createRemoteAccounts({
  url,
  secret,
  clock,
  log,
  tracing = null,
}: RemoteAccountsOptions): Accounts {
  const caller = createServiceCaller({ urls: url.split(','), secret, tracing });
  const answers = createKeptAnswers(clock);
  const pending = new Map<string, Promise<Identity | null>>();
  const closing = new AbortController();
  let revision = 0;
  let known: string | null = null;
  let late = 0;
  let away: { readonly sinceMs: number; isOver: boolean } | null = null;

  function change(): void {
    revision++;
    answers.clear();
  }

  async function call(name: ServiceMethod, args: readonly unknown[]): Promise<unknown> {
    // The poll tells when it is back; until then nobody waits for a connection that will not come.
    if (away) throw new ServiceAway();
    const kind = serviceMethods[name];
    const result = await caller.ask(name, args, {
      timeoutMs: name === 'identify' ? quickMs : slowMs,
      kind: kind === 'read' || kind === 'again' ? kind : 'once',
    });
    if (kind === 'end') change();
    return result;
  }

  async function identify(
    key: string,
    ask: () => Promise<unknown>,
    { mayBeOld = false }: IdentifyOptions = {},
  ): Promise<Identity | null> {
    const kept = answers.get(key);
    if (kept) return kept;
    try {
      // Pages ask for many things at once: one question will do for all of them.
      let asked = pending.get(key);
      if (!asked) {
        asked = askAndKeep(key, ask).finally(() => pending.delete(key));
        pending.set(key, asked);
      }
      return await asked;
    } catch (error) {
      const old = mayBeOld && isAppError(error, 'unavailable') ? answers.getOld(key) : undefined;
      if (old) return old;
      throw error;
    }
  }

  async function askAndKeep(key: string, ask: () => Promise<unknown>): Promise<Identity | null> {
    const question = answers.ask();
    const identity = (await ask()) as Identity | null;
    const before = answers.getOld(key);
    if (before && JSON.stringify(before.viewer) !== JSON.stringify(identity?.viewer)) revision++;
    if (identity) answers.keep(key, identity, question, key.startsWith(namedKey));
    else answers.forget(key);
    return identity;
  }

  async function askRevision(): Promise<string> {
    const options = { timeoutMs: quickMs, kind: 'read' } as const;
    return ((await caller.ask('revision', [], options)) as RevisionAnswer).revision;
  }

  async function poll(): Promise<void> {
    const atMs = clock.monotonicMs();
    try {
      const answer = await askRevision();
      late = 0;
      if (away) {
        log.info('accounts can be reached again');
        away = null;
        revision++;
      }
      if (answer === known) answers.confirm(atMs);
      else change();
      known = answer;
    } catch (error) {
      if (!away && error instanceof ServiceAway && error.isSlow && ++late <= mostLate) return;
      if (!away) {
        const { message, cause } = error as Error;
        log.warn(
          { url, reason: cause instanceof Error ? cause.message : message },
          'accounts cannot be reached: nobody can log in; what runs goes on for 5 minutes',
        );
        away = { sinceMs: atMs, isOver: false };
        revision++;
      } else if (!away.isOver && atMs - away.sinceMs > awayMs) {
        log.warn('accounts could not be reached for 5 minutes: nothing goes on without them');
        away.isOver = true;
        revision++;
      }
    }
  }

  async function keepPolling(): Promise<void> {
    while (!closing.signal.aborted) {
      await poll();
      await clock.sleep(pollMs, closing.signal).catch(() => undefined);
    }
  }
  const polling = keepPolling();

  const asked = Object.fromEntries(
    Object.keys(serviceMethods).map((name) => [
      name,
      (...args: readonly unknown[]) => call(name as ServiceMethod, args),
    ]),
  ) as Omit<Accounts, 'setupCode' | 'revision' | 'sharedRevision' | 'close'>;

  return {
    ...asked,
    identify(credentials: Credentials, options) {
      const key = keyOf(credentials);
      if (key === null) return Promise.resolve(null);
      return identify(key, () => call('identify', [credentials, { mustBeFresh: true }]), options);
    },
    async identifyNamed(login, name, options) {
      const key = namedKey + JSON.stringify([login, name]);
      return (await identify(
        key,
        () => call('identifyNamed', [login, name, { mustBeFresh: true }]),
        options,
      ))!;
    },
    async handle(asker, request) {
      const answer = await asked.handle(asker, request);
      // Logging out, among others; what only asks, or was refused, took nothing from anybody.
      if (request.method !== 'GET' && answer.status < 400) change();
      return answer;
    },
    // JSON has no infinity, by which callers mean "from the newest".
    listAudit: (beforeMs, limit) => asked.listAudit(Math.min(beforeMs, Number.MAX_SAFE_INTEGER), limit),
    setupCode: () => Promise.resolve(null),
    revision: () => revision,
    sharedRevision: askRevision,
    async close() {
      closing.abort();
      caller.close();
      await polling;
    },
  };
}

/** What an answer is kept by; null for what is nobody's without asking. */
function keyOf({ cookie, bearer }: Credentials): string | null {
  const given = bearer ?? cookie;
  if (!given || given.length > mostCredentialLength) return null;
  return bearer ? `bearer ${bearer}` : `cookie ${cookie}`;
}
