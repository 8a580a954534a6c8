// What answers below /api/auth/, for better-auth's own clients and anybody who speaks JSON. Nothing is passed on that is
// not listed: each address is either ours (in better-auth's shape, under our rules) or better-auth's with a reason.
import { AppError, errorStatus, isAppError } from '../../errors.ts';
import type { Accounts, Asker, RawAnswer, RawRequest } from '../accounts.ts';
import type { Core } from './core.ts';
import type { EngineAnswer } from './engine.ts';
import { basePath } from './engine-parts.ts';
import { completeLogIn, tryPassword } from './log-in.ts';

/** A request that was looked through: JSON or nothing, from a page of ours or from no page at all. */
export type RawCall = {
  readonly method: string;
  /** Below `/api/auth`, without the query. */
  readonly path: string;
  /** With the question mark; empty where there is none. */
  readonly query: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: RawRequest['headers'];
};
export type RawRoute = (asker: Asker, call: RawCall) => Promise<RawAnswer>;
/** `POST /sign-in/email` to what answers it; a last part `/*` stands for anything. */
export type RawRoutes = Readonly<Record<string, RawRoute>>;

/** Bodies here are some fields; a passkey's is the largest. */
const mostBodyBytes = 20_000;

/** An answer in JSON. */
export function jsonAnswer(
  status: number,
  value: unknown,
  cookies: readonly string[] = [],
  more: RawAnswer['headers'] = [],
): RawAnswer {
  return {
    status,
    headers: [
      ['content-type', 'application/json'],
      ['cache-control', 'no-store'],
      ...more,
      ...cookies.map((cookie) => ['set-cookie', cookie] as const),
    ],
    body: JSON.stringify(value),
  };
}

/** Text of a field; empty where it is none. */
export function textOf(call: RawCall, field: string): string {
  const value = call.body[field];
  return typeof value === 'string' ? value : '';
}

/** Passes a call on to better-auth. A log-in it makes is completed as every other (`completeLogIn`). */
export async function passOn(core: Core, asker: Asker, call: RawCall): Promise<RawAnswer> {
  const answer = await core.engine.call(asker, {
    ...{ method: call.method, path: call.path + call.query },
    body: call.method === 'GET' ? null : call.body,
  });
  return engineAnswer(core, asker, answer);
}

/** better-auth's answer as the caller gets it. `how` somebody came in with it, for the audit log. */
export async function engineAnswer(
  core: Core,
  asker: Asker,
  answer: EngineAnswer,
  how = '',
): Promise<RawAnswer> {
  let { cookies } = answer;
  const token = core.cookies.newSessionToken(cookies);
  if (token && token !== core.cookies.sessionToken(asker))
    ({ cookies } = await completeLogIn(core, asker, cookies, how));
  return toRaw(answer, cookies);
}

function toRaw({ status, headers, body, json }: EngineAnswer, cookies: readonly string[]): RawAnswer {
  const kept = headers.filter(([name]) => ['content-type', 'location', 'retry-after'].includes(name));
  const all = [
    ...kept,
    ['cache-control', 'no-store'] as const,
    ...cookies.map((cookie) => ['set-cookie', cookie] as const),
  ];
  return { status, headers: all, body: json ? JSON.stringify(withoutStandIn(json)) : body };
}

/** The address that stands in for one (`people-rows.ts`) is nobody's business. */
function withoutStandIn(json: Readonly<Record<string, unknown>>): unknown {
  const user = json.user as { email?: unknown } | null | undefined;
  if (typeof user?.email !== 'string' || !user.email.endsWith('.invalid')) return json;
  return { ...json, user: { ...user, email: '' } };
}

export function createRawRequests(
  core: Core,
  accounts: Pick<Accounts, 'signUp' | 'signOut' | 'changePassword' | 'endSessions'>,
  more: readonly RawRoutes[],
): Pick<Accounts, 'handle'> {
  /** Who is logged in. Throws `unauthorized`. */
  const sessionOf = async (asker: Asker) => {
    const token = core.cookies.sessionToken(asker);
    const session = token ? await core.sessions.find(token) : null;
    if (!session) throw new AppError('unauthorized', 'Please log in first.');
    return session;
  };
  const signIn = async (asker: Asker, login: string, password: string): Promise<RawAnswer> => {
    const { outcome, answer } = await tryPassword(core, asker, login, password);
    return toRaw(answer, outcome.cookies);
  };
  const own: RawRoutes = {
    'GET /ok': async () => jsonAnswer(200, { ok: true }),
    async 'GET /get-session'(asker, call) {
      // better-auth takes milliseconds to say so; anybody may ask.
      const token = core.cookies.sessionToken(asker);
      if (!token || !(await core.sessions.find(token))) return jsonAnswer(200, null);
      return passOn(core, asker, { ...call, query: '' });
    },
    'POST /sign-in/email': (asker, call) => signIn(asker, textOf(call, 'email'), textOf(call, 'password')),
    'POST /sign-in/username': (asker, call) =>
      signIn(asker, textOf(call, 'username'), textOf(call, 'password')),
    async 'POST /sign-up/email'(asker, call) {
      const { personId, cookies } = await accounts.signUp(asker, {
        name: textOf(call, 'name'),
        login: textOf(call, 'email') || textOf(call, 'username'),
        password: textOf(call, 'password'),
        setupCode: textOf(call, 'setupCode') || null,
        invite: textOf(call, 'invite') || null,
      });
      const { name, email, userName, role, createdAtMs } = (await core.data.people.get(personId))!;
      const createdAt = new Date(createdAtMs).toISOString();
      const user = {
        ...{ id: personId, name, email: email ?? '', username: userName, role },
        ...{ emailVerified: false, image: null, createdAt, updatedAt: createdAt },
      };
      return jsonAnswer(200, { token: core.cookies.newSessionToken(cookies), user }, cookies);
    },
    'POST /sign-out': async (asker) => jsonAnswer(200, { success: true }, await accounts.signOut(asker)),
    async 'POST /change-password'(asker, call) {
      const { personId } = await sessionOf(asker);
      const [current, next] = [textOf(call, 'currentPassword'), textOf(call, 'newPassword')];
      const cookies = await accounts.changePassword(asker, personId, current, next);
      return jsonAnswer(
        200,
        { token: core.cookies.newSessionToken(cookies), user: { id: personId } },
        cookies,
      );
    },
    async 'POST /revoke-other-sessions'(asker) {
      const { personId, id } = await sessionOf(asker);
      await accounts.endSessions(asker, personId, null, id);
      return jsonAnswer(200, { status: true });
    },
    async 'POST /revoke-sessions'(asker) {
      await accounts.endSessions(asker, (await sessionOf(asker)).personId, null, null);
      return jsonAnswer(200, { status: true }, await accounts.signOut(asker));
    },
  };
  const routes = new Map(more.concat(own).flatMap((table) => Object.entries(table)));

  return {
    async handle(asker, request) {
      try {
        const call = readCall(asker, request);
        const route =
          routes.get(`${call.method} ${call.path}`) ??
          routes.get(`${call.method} ${call.path.slice(0, call.path.lastIndexOf('/'))}/*`);
        if (!route) return jsonAnswer(404, { code: 'NOT_FOUND', message: 'There is nothing here.' });
        return await route(asker, call);
      } catch (error) {
        if (!isAppError(error)) throw error;
        const wait =
          error.retryAfterSeconds === null ? [] : [['retry-after', `${error.retryAfterSeconds}`] as const];
        const code = error.kind.toUpperCase().replaceAll('-', '_');
        return jsonAnswer(errorStatus[error.kind], { code, message: error.message }, [], wait);
      }
    },
  };
}

/** Throws `bad-request`, `unsupported-media`, `too-large`, and `forbidden` for what a page of somebody else's sends. */
function readCall(asker: Asker, { method, path, headers, body }: RawRequest): RawCall {
  const url = URL.parse(path, asker.origin);
  if (!url?.pathname.startsWith(`${basePath}/`) || path.length > 4000)
    throw new AppError('bad-request', 'This address is not understood.');
  const call = { method, path: url.pathname.slice(basePath.length), query: url.search, headers };
  if (method === 'GET' || method === 'HEAD') return { ...call, method: 'GET', body: {} };
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (
    (origin !== undefined && origin !== asker.origin) ||
    (site && site !== 'same-origin' && site !== 'none')
  )
    throw new AppError('forbidden', 'This was sent by a page from elsewhere.');
  if (!body) return { ...call, body: {} };
  if (body.length > mostBodyBytes) throw new AppError('too-large', 'This is too much at once.');
  // A form of another page can send no JSON, whatever browser it is.
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? ''))
    throw new AppError('unsupported-media', 'Send JSON.');
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new AppError('bad-request', 'This is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AppError('bad-request', 'Send a JSON object.');
  return { ...call, body: value as Record<string, unknown> };
}
