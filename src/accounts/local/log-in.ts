// Coming in by password, and what every way of coming in ends with: the session the browser had before ends (session
// fixation, OWASP ASVS 5.0 §7.2.4), the browser is marked as one that was logged in, and it is noted.
import { AppError } from '../../errors.ts';
import type { Accounts, Asker, Cookies, SecondFactor, SignedIn } from '../accounts.ts';
import type { Core } from './core.ts';
import type { EngineAnswer } from './engine.ts';
import { engineAddress, findPerson, nobody } from './people-rows.ts';
import { mostSessions } from './sessions.ts';

/** Of whatever was wrong: nothing tells which part, or whether there is such an account. */
const wrongLogIn = 'The user name, the e-mail address or the password is not right.';

/** Longer ones cannot be right (`password-strength.ts`), and are not worked through. */
const longestPassword = 512;

/** Ends a way of coming in whose cookies carry a new session. `subject` is how, for the audit log; null where another line says it. Throws `unauthorized` where they do not. */
export async function completeLogIn(
  core: Core,
  asker: Asker,
  cookies: Cookies,
  subject: string | null = '',
): Promise<SignedIn> {
  const { data, audit, clock } = core;
  const token = core.cookies.newSessionToken(cookies);
  const session = token ? await core.sessions.find(token) : null;
  if (!session) {
    // Its person was turned off or removed while they came in: it would hold again when they are turned on.
    if (token) await data.sessions.endByToken(token);
    throw new AppError('unauthorized', wrongLogIn);
  }
  const { personId } = session;
  const person = { id: personId, name: session.personName };
  await data.sessions.complete({
    ...{ session, before: core.cookies.sessionToken(asker), most: mostSessions, nowMs: clock.nowMs() },
    note: subject === null ? null : audit.entryOf(asker, person, 'signed-in', subject),
  });
  const mark = core.cookies.markDevice(asker, personId);
  return { kind: 'signed-in', personId, cookies: mark ? [...cookies, mark] : cookies };
}

/** A session for somebody who has proved in another way who they are (sign-up, a phone that vouches). */
export async function startSession(
  core: Core,
  asker: Asker,
  personId: string,
  subject: string | null = '',
): Promise<SignedIn> {
  if ((await core.data.people.get(personId))?.isDisabled !== false)
    throw new AppError('unauthorized', wrongLogIn);
  const { token } = await core.sessions.create(asker, personId);
  return completeLogIn(core, asker, [core.cookies.session(asker.origin, token)], subject);
}

/** The password's part; the answer is better-auth's own, for those who speak to it directly. */
export async function tryPassword(
  core: Core,
  asker: Asker,
  login: string,
  password: string,
): Promise<{ readonly outcome: SignedIn | SecondFactor; readonly answer: EngineAnswer }> {
  const { data, attempts, engine, audit } = core;
  const person = await findPerson(data.people, login);
  const device = person && core.cookies.deviceOf(asker, person.id);
  const attempt = await attempts.begin('password', {
    ...{ address: asker.address, account: person?.id ?? login, device },
  });
  const ask = () =>
    engine.call(asker, {
      method: 'POST',
      path: '/sign-in/email',
      body: {
        // better-auth works out a password for an address that is nobody's as well, so that both take the same time.
        email: person ? engineAddress(person) : nobody,
        password: password.length > longestPassword || password === '' ? ' ' : password,
      },
    });
  let answer: EngineAnswer;
  try {
    answer = await (device ? core.hasher.first(ask) : ask());
  } catch (error) {
    await attempt.void(); // nothing was learnt
    throw error;
  }
  if (answer.status !== 200) {
    await audit.note(asker, person, 'sign-in-failed');
    throw new AppError('unauthorized', wrongLogIn);
  }
  await attempt.succeeded();
  if (answer.json?.twoFactorRedirect === true)
    return { outcome: { kind: 'second-factor', cookies: answer.cookies }, answer };
  return { outcome: await completeLogIn(core, asker, answer.cookies), answer };
}

export function createLogIn(core: Core): Pick<Accounts, 'signIn' | 'signOut'> {
  const { data, audit } = core;
  return {
    async signIn(asker, login, password) {
      return (await tryPassword(core, asker, login, password)).outcome;
    },
    async signOut(asker) {
      const token = core.cookies.sessionToken(asker);
      const session = token ? await data.sessions.endByToken(token) : null;
      if (session) await audit.note(asker, await data.people.get(session.personId), 'signed-out');
      return [core.cookies.endSession(asker.origin)];
    },
  };
}
