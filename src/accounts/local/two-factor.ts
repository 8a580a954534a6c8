// The second factor: codes of an authenticator (TOTP, RFC 6238) and recovery codes, each good once. better-auth keeps the
// secrets and checks the codes; that one is not given twice, how often they may be tried, and who may turn it on and off
// is seen to here.
import { AppError } from '../../errors.ts';
import type { Accounts, Asker, Person } from '../accounts.ts';
import type { Core } from './core.ts';
import type { EngineAnswer } from './engine.ts';
import { completeLogIn } from './log-in.ts';
import { provePassword } from './passwords.ts';
import { jsonAnswer, type RawRoutes, textOf } from './raw-requests.ts';

type TwoFactor = Pick<
  Accounts,
  'proveSecondFactor' | 'startTwoFactor' | 'confirmTwoFactor' | 'stopTwoFactor' | 'renewRecoveryCodes'
>;

/** A code is good for three steps of 30 s (RFC 6238 §5.2). Remembered longer: the clocks of two machines may differ. */
const codeMs = 900_000;
/** better-auth's cookie of a log-in that awaits its second factor, without the prefix. */
const challengeCookie = 'two_factor';
/** Longest code that is looked at: recovery codes have 11 characters, and people type spaces. */
const longestCode = 40;

const wrongCode = 'This code is not right. Take the one that is shown now, or a recovery code.';
const givenBefore = 'This code was given already. Wait for the next one.';
const tooLate = 'This log-in has taken too long. Log in with the password again.';

export function createTwoFactor(core: Core): TwoFactor {
  const { data, sessions, engine, audit, attempts, clock } = core;

  /** Whose log-in awaits a code, as the cookie says. */
  async function challenged(asker: Asker): Promise<Person | null> {
    const identifier = core.cookies.readSigned(asker, challengeCookie);
    const personId = identifier && (await data.factors.awaiting(identifier, clock.nowMs()));
    return personId ? data.people.get(personId) : null;
  }
  /** The person, who has to be the one that the session's cookie is of: better-auth goes by that. */
  async function own(asker: Asker, personId: string): Promise<Person> {
    const token = core.cookies.sessionToken(asker);
    const session = token ? await sessions.find(token) : null;
    const person = session?.personId === personId ? await data.people.get(personId) : null;
    if (!person)
      throw new AppError('forbidden', 'Log in here with your password to change the second factor.');
    return person;
  }
  /** Has a code checked, and counts it. */
  async function check(asker: Asker, person: Person, path: string, code: string): Promise<EngineAnswer> {
    const attempt = await attempts.begin('code', { address: asker.address, account: person.id });
    // Recovery codes are used up by better-auth itself, in one step.
    const nowMs = clock.nowMs();
    // Before it is checked: of two requests with one code, one gets further.
    const isFresh = !isTotp(code) || (await data.factors.takeCode(person.id, code, nowMs, nowMs - codeMs));
    let answer: EngineAnswer;
    try {
      if (!isFresh) throw new AppError('unauthorized', givenBefore);
      answer = await engine.call(asker, { method: 'POST', path, body: { code } });
    } catch (error) {
      if (isFresh) {
        await data.factors.giveBackCode(person.id, code);
        await attempt.void();
      }
      throw error;
    }
    if (answer.status === 200) await attempt.succeeded();
    return answer;
  }

  return {
    async proveSecondFactor(asker, typed) {
      const person = await challenged(asker);
      if (!person) throw new AppError('unauthorized', tooLate);
      const code = readCode(typed);
      // A session of somebody else in this browser would have the code checked as theirs.
      const bare = { ...asker, cookieHeader: withoutSession(asker.cookieHeader) };
      const path = isTotp(code) ? '/two-factor/verify-totp' : '/two-factor/verify-backup-code';
      const answer = await check(bare, person, path, code);
      if (answer.status !== 200) {
        await audit.note(asker, person, 'sign-in-failed', 'second factor');
        throw refusalOf(answer);
      }
      return completeLogIn(core, asker, answer.cookies, isTotp(code) ? 'second factor' : 'recovery code');
    },

    async startTwoFactor(asker, personId, password) {
      const person = await own(asker, personId);
      if (!person.hasPassword)
        throw new AppError(
          'conflict',
          'This account has no password, so there is nothing a second factor adds to.',
        );
      if (person.hasTwoFactor)
        throw new AppError('conflict', 'The second factor is on. Turn it off first to set up another one.');
      await provePassword(core, asker, personId, password);
      const { status, json } = await engine.call(asker, {
        ...{ method: 'POST', path: '/two-factor/enable', body: { password } },
      });
      if (status !== 200 || typeof json?.totpURI !== 'string' || !Array.isArray(json.backupCodes))
        throw new AppError('unavailable', 'The second factor cannot be set up right now.');
      return {
        uri: labelled(json.totpURI, person.email ?? person.userName ?? person.name),
        recoveryCodes: json.backupCodes as string[],
      };
    },

    async confirmTwoFactor(asker, personId, typed) {
      const person = await own(asker, personId);
      const code = readCode(typed);
      if (!isTotp(code))
        throw new AppError('unauthorized', 'Type the six digits that the authenticator shows.');
      const answer = await check(asker, person, '/two-factor/verify-totp', code);
      if (answer.status !== 200) throw refusalOf(answer);
      if (!person.hasTwoFactor) await audit.note(asker, person, 'two-factor-on');
      return answer.cookies;
    },

    async stopTwoFactor(asker, personId, password) {
      const person = await own(asker, personId);
      await provePassword(core, asker, personId, password);
      await data.factors.turnOff(personId);
      if (person.hasTwoFactor) await audit.note(asker, person, 'two-factor-off');
    },

    async renewRecoveryCodes(asker, personId, password) {
      const person = await own(asker, personId);
      if (!person.hasTwoFactor) throw new AppError('conflict', 'The second factor is off. Turn it on first.');
      await provePassword(core, asker, personId, password);
      const { status, json } = await engine.call(asker, {
        ...{ method: 'POST', path: '/two-factor/generate-backup-codes', body: { password } },
      });
      if (status !== 200 || !Array.isArray(json?.backupCodes))
        throw new AppError('unavailable', 'There can be no new recovery codes right now.');
      return json.backupCodes as string[];
    },
  };
}

/** The log-in's second step for those who speak JSON; turning it on and off is for the pages. */
export function twoFactorRoutes(_core: Core, methods: Pick<Accounts, 'proveSecondFactor'>): RawRoutes {
  const prove: RawRoutes[string] = async (asker, call) => {
    const { personId, cookies } = await methods.proveSecondFactor(asker, textOf(call, 'code'));
    return jsonAnswer(200, { status: true, user: { id: personId } }, cookies);
  };
  return { 'POST /two-factor/verify-totp': prove, 'POST /two-factor/verify-backup-code': prove };
}

/** What was typed, without what people put in between; recovery codes have a hyphen in the middle. */
function readCode(typed: string): string {
  const code = typed.slice(0, longestCode).replace(/[\s-]/g, '').toLowerCase();
  return /^\d{6}$/.test(code) ? code : `${code.slice(0, 5)}-${code.slice(5)}`;
}

function isTotp(code: string): boolean {
  return /^\d{6}$/.test(code);
}

function refusalOf({ status, json }: EngineAnswer): AppError {
  const code = json?.code;
  if (status === 429 || code === 'TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE')
    return new AppError('too-many', 'Too many wrong codes. Wait a quarter of an hour, then log in again.', {
      retryAfterSeconds: 900,
    });
  if (code === 'INVALID_TWO_FACTOR_COOKIE') return new AppError('unauthorized', tooLate);
  if (code === 'INVALID_CODE' || code === 'INVALID_BACKUP_CODE' || status === 409)
    return new AppError('unauthorized', wrongCode);
  return new AppError('unavailable', 'The code cannot be checked right now. Log in again.');
}

/** The Cookie header without sessions. */
function withoutSession(header: string | null): string | null {
  const kept = header?.split(';').filter((pair) => !/^\s*(__Host-)?kinora\.session=/.test(pair));
  return kept && kept.length > 0 ? kept.join(';') : null;
}

/** The address for the authenticator, under the name that the person logs in with and not one that stands in for it. */
function labelled(uri: string, name: string): string {
  const url = new URL(uri);
  return `otpauth://totp/${encodeURIComponent(`Kinora:${name}`)}?${url.searchParams}`;
}
