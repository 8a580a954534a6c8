// The door: signing up, logging in and out, the second factor, a forgotten password. Each is a plain form that answers
// 303; what was wrong comes back in the form, never with a password. Nothing of it is kept by anybody (no-store).
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Cookies } from '../../accounts/accounts.ts';
import type { Clock } from '../../clock.ts';
import { AppError, errorStatus, isAppError } from '../../errors.ts';
import type { FormError } from '../../web/form-fields.ts';
import { forgotPage, noResetPage, resetPage } from '../../web/pages/forgot-page.ts';
import { loginPage, proxyPage, secondFactorPage } from '../../web/pages/login-page.ts';
import { noSignUpPage, type SignUpWay, signUpPage } from '../../web/pages/sign-up-page.ts';
import { askerOf } from '../local-request.ts';
import { nextPath } from '../next-path.ts';
import { atDoor, needs } from '../permission.ts';
import type { Services } from '../services.ts';
import {
  fieldOf,
  first,
  formErrorOf,
  formOf,
  type PageTools,
  passwordOf,
  type Query,
  setCookies,
} from './page-form.ts';

const open = { config: needs('public') };
/** What lets somebody in, or leads there. */
const door = { config: atDoor() };

/** Longest secret of a link that is looked at. */
const maxSecret = 200;

const notices: Readonly<Record<string, string>> = {
  reset: 'Your password is changed. Log in with the new one.',
  out: 'You are logged out.',
  removed: 'Your account is removed.',
};

/** Why the way over the OpenID provider came to nothing (`accounts/local/open-id.ts`). */
const failures: Readonly<Record<string, string>> = {
  'openid-failed': 'The log-in there did not work. Try again, or log in here.',
  'openid-closed':
    'There is no account here for that log-in yet. Ask the owner of this Kinora for an invite.',
  'openid-connect':
    'There is an account here with that e-mail address. Log in here first, then connect the other log-in on the page of your account.',
  'openid-taken': 'That log-in is connected with another account here.',
};

/** Into the scope of the pages, which reads forms and refuses those of other sites. */
export function logInPageRoutes(
  app: FastifyInstance,
  { accounts, clock, config }: Services,
  { viewOf, headers }: PageTools,
): void {
  const pageHeaders = { ...headers, 'cache-control': 'no-store' };
  const send = (reply: FastifyReply, page: string) => reply.headers(pageHeaders).send(page);
  const goOn = (reply: FastifyReply, cookies: Cookies, path: string) => {
    setCookies(reply, cookies);
    return reply.header('cache-control', 'no-store').redirect(path, 303);
  };
  const asker = (request: FastifyRequest) => askerOf(request, config);
  const nextOf = (request: FastifyRequest) => nextPath(first((request.query as Query['Querystring']).next));

  /** Before each page of the door: nothing to do for those who are in, or where there is no door. */
  const passBy = (request: FastifyRequest, reply: FastifyReply): FastifyReply | null => {
    if (request.viewer) return reply.redirect(nextOf(request), 303);
    return config.auth.mode === 'header' ? send(reply, proxyPage(viewOf(request))) : null;
  };

  const sendLogin = async (
    request: FastifyRequest,
    reply: FastifyReply,
    page: { next: string; login?: string; error?: FormError; notice?: string | null },
  ) =>
    send(
      reply,
      loginPage(viewOf(request), {
        ...{ doors: await accounts.doors(), login: '', error: null, notice: null },
        ...page,
      }),
    );

  app.get<Query>('/login', open, async (request, reply) => {
    const passed = passBy(request, reply);
    if (passed) return passed;
    if (!(await accounts.doors()).hasOwner) return reply.redirect('/sign-up', 303);
    const after = first(request.query.after);
    const failure = Object.hasOwn(failures, after) ? failures[after] : undefined;
    return sendLogin(request, reply, {
      ...{ next: nextOf(request), notice: Object.hasOwn(notices, after) ? notices[after]! : null },
      ...(failure !== undefined && { error: { field: null, message: failure } }),
    });
  });

  app.post('/login', door, async (request, reply) => {
    const form = formOf(request);
    const next = nextPath(form.get('next') ?? '/');
    const login = fieldOf(form, 'login', 254);
    try {
      const result = await accounts.signIn(asker(request), login, passwordOf(form));
      const code = next === '/' ? '/login/code' : `/login/code?next=${encodeURIComponent(next)}`;
      return goOn(reply, result.cookies, result.kind === 'signed-in' ? next : code);
    } catch (error) {
      return sendLogin(request, reply, {
        ...{ next, login },
        error: formErrorOf(reply, error, { unauthorized: 'password' }),
      });
    }
  });

  app.get('/login/code', open, async (request, reply) => {
    const page = secondFactorPage(viewOf(request), { next: nextOf(request), error: null });
    return passBy(request, reply) ?? send(reply, page);
  });

  app.post('/login/code', door, async (request, reply) => {
    const form = formOf(request);
    const next = nextPath(form.get('next') ?? '/');
    try {
      const { cookies } = await accounts.proveSecondFactor(asker(request), fieldOf(form, 'code', 64));
      return goOn(reply, cookies, next);
    } catch (error) {
      const shown = formErrorOf(reply, error, { unauthorized: 'code', 'bad-request': 'code' });
      return send(reply, secondFactorPage(viewOf(request), { next, error: shown }));
    }
  });

  app.get<Query>('/login/openid', door, async (request, reply) => {
    const invite = first(request.query.invite).slice(0, maxSecret) || null;
    const next = nextOf(request);
    try {
      const { location, cookies } = await accounts.startOpenId(asker(request), next, { invite });
      return goOn(reply, cookies, location);
    } catch (error) {
      // Passwords still let people in.
      if (!isAppError(error, 'unavailable')) throw error;
      reply.code(errorStatus.unavailable);
      return sendLogin(request, reply, { next, error: { field: null, message: error.message } });
    }
  });

  app.post('/logout', open, async (request, reply) => {
    const cookies = await accounts.signOut(asker(request));
    // Whoever sits down next and goes back is shown nothing (W3C Clear Site Data §3.1).
    reply.header('clear-site-data', '"cache"');
    return goOn(reply, cookies, '/login?after=out');
  });

  /** Which way in there is; a word where there is none. */
  const wayOf = async (request: FastifyRequest, secret: string) => {
    const { hasOwner, signUp } = await accounts.doors();
    if (!hasOwner) return { kind: 'first', needsCode: !asker(request).isThisMachine } satisfies SignUpWay;
    if (signUp === 'closed') return 'closed';
    const invite = secret === '' ? null : await accounts.findInvite(secret);
    if (invite) return { kind: 'invite', secret, invite } satisfies SignUpWay;
    if (signUp === 'open') return { kind: 'open' } satisfies SignUpWay;
    return secret === '' ? 'needs-invite' : 'bad-invite';
  };

  app.get<Query>('/sign-up', open, async (request, reply) => {
    const passed = passBy(request, reply);
    if (passed) return passed;
    const way = await wayOf(request, first(request.query.invite).slice(0, maxSecret));
    const view = viewOf(request);
    if (typeof way === 'string')
      return send(reply.code(way === 'bad-invite' ? 410 : 403), noSignUpPage(view, way));
    const { openId } = await accounts.doors();
    const page = { way, openId, next: nextOf(request), name: '', login: '', error: null };
    return send(reply, signUpPage(view, page));
  });

  app.post('/sign-up', door, async (request, reply) => {
    const form = formOf(request);
    const secret = fieldOf(form, 'invite', maxSecret);
    const way = await wayOf(request, secret);
    const view = viewOf(request);
    if (typeof way === 'string') return send(reply.code(403), noSignUpPage(view, way));
    const typed = { name: fieldOf(form, 'name'), login: fieldOf(form, 'login', 254) };
    const next = nextPath(form.get('next') ?? '/');
    try {
      const { cookies } = await accounts.signUp(asker(request), {
        ...{ ...typed, password: passwordOf(form), invite: secret || null },
        setupCode: fieldOf(form, 'code', 40) || null,
      });
      return goOn(reply, cookies, next);
    } catch (error) {
      const field = isAppError(error, 'bad-request') ? await wrongField(typed, passwordOf(form)) : 'name';
      const needsCode = way.kind === 'first' && way.needsCode;
      const shown = formErrorOf(reply, error, {
        ...{ 'bad-request': field, conflict: 'login' },
        ...(needsCode && { forbidden: 'code', unauthorized: 'code' }),
      });
      return send(reply, signUpPage(view, { way, openId: null, next, ...typed, error: shown }));
    }
  });

  /** Which field a refused account is about: the port gives a sentence alone. */
  const wrongField = async ({ name, login }: { name: string; login: string }, password: string) => {
    const { isEnough } = await accounts.judgePassword(password, [name, login]);
    if (!isEnough && name !== '' && /^.{3}/.test(login)) return 'password';
    return name === '' ? 'name' : 'login';
  };

  const mayJudge = createPace(clock);
  app.post('/sign-up/strength', door, async (request, reply) => {
    const form = formOf(request);
    if (!mayJudge(asker(request).address))
      throw new AppError('too-many', 'Please type a little slower.', { retryAfterSeconds: 1 });
    const about = form
      .getAll('about')
      .slice(0, 4)
      .map((text) => text.slice(0, 254));
    const verdict = await accounts.judgePassword(passwordOf(form), about);
    return reply.header('cache-control', 'no-store').send(verdict);
  });

  app.get('/forgot', open, async (request, reply) => {
    const { canMail } = await accounts.doors();
    const page = forgotPage(viewOf(request), { canMail, isAsked: false, error: null });
    return passBy(request, reply) ?? send(reply, page);
  });

  app.post('/forgot', door, async (request, reply) => {
    const { canMail } = await accounts.doors();
    try {
      await accounts.askReset(asker(request), fieldOf(formOf(request), 'login', 254));
      return send(reply, forgotPage(viewOf(request), { canMail, isAsked: true, error: null }));
    } catch (error) {
      const shown = formErrorOf(reply, error, { 'bad-request': 'login' });
      return send(reply, forgotPage(viewOf(request), { canMail, isAsked: false, error: shown }));
    }
  });

  app.get<Query>('/reset', open, async (request, reply) => {
    const token = first(request.query.token).slice(0, maxSecret);
    const view = viewOf(request);
    return token === ''
      ? send(reply, noResetPage(view))
      : send(reply, resetPage(view, { token, error: null }));
  });

  app.post('/reset', door, async (request, reply) => {
    const form = formOf(request);
    const token = fieldOf(form, 'token', maxSecret);
    const view = viewOf(request);
    try {
      await accounts.resetPassword(asker(request), token, passwordOf(form));
      return goOn(reply, [], '/login?after=reset');
    } catch (error) {
      const shown = formErrorOf(reply, error, { 'bad-request': 'password' });
      const isOver = ['unauthorized', 'forbidden', 'not-found', 'gone'].some((kind) =>
        isAppError(error, kind as 'gone'),
      );
      return send(reply, isOver ? noResetPage(view) : resetPage(view, { token, error: shown }));
    }
  });
}

/** Passwords that one address can have judged in a moment: each costs the processor some milliseconds. */
const judgedAtOnce = 20;
const judgedPerSecond = 4;
const maxAddresses = 1000;

/** Lets each address through so often and no more (a leaking bucket). Bounded: the address not seen longest is forgotten. */
function createPace(clock: Clock): (address: string) => boolean {
  const levels = new Map<string, { level: number; atMs: number }>();
  return (address) => {
    const nowMs = clock.monotonicMs();
    const before = levels.get(address) ?? { level: 0, atMs: nowMs };
    const level = Math.max(0, before.level - ((nowMs - before.atMs) / 1000) * judgedPerSecond);
    if (level > judgedAtOnce) return false;
    levels.delete(address);
    if (levels.size >= maxAddresses) levels.delete(levels.keys().next().value!);
    levels.set(address, { level: level + 1, atMs: nowMs });
    return true;
  };
}
