// One's own account: name, password, second factor, passkeys, sessions, tokens, and leaving for good. What needs the
// password asks for it; what was wrong comes back in the form it was typed in.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Person } from '../../accounts/accounts.ts';
import { isPermission, permits } from '../../accounts/permissions.ts';
import { leave } from '../../archive/leave.ts';
import { AppError } from '../../errors.ts';
import type { FormError } from '../../web/form-fields.ts';
import { type AccountPage, type AccountPart, accountPage } from '../../web/pages/account-page.ts';
import {
  recoveryCodesPage,
  removeAccountPage,
  type TokensPage,
  tokenDays,
  tokensPage,
  twoFactorStepPage,
} from '../../web/pages/account-steps.ts';
import { openIdStepPage } from '../../web/pages/open-id-page.ts';
import { qrCode } from '../../web/qr-code.ts';
import { askerOf } from '../local-request.ts';
import { needs, viewerOf } from '../permission.ts';
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

const own = { config: needs('self') };
const dayMs = 86_400_000;

const notices: Readonly<Record<string, string>> = {
  name: 'Your name is changed.',
  password: 'Your password is changed. Everywhere else you are logged out.',
  'two-factor-on': 'The second step is on. It is asked for from the next log-in on.',
  'two-factor-off': 'The second step is off.',
  passkey: 'The passkey is added.',
  'no-passkey': 'The passkey is removed.',
  sessions: 'Logged out there.',
  openid: 'It is connected: from now on you can log in with it.',
};

function noticeOf(done: string): string | null {
  return Object.hasOwn(notices, done) ? notices[done]! : null;
}

/** Into the scope of the pages, which reads forms and refuses those of other sites. */
export function accountPageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { accounts, catalogue, config, library } = services;
  const pageHeaders = { ...headers, 'cache-control': 'no-store' };
  const send = (reply: FastifyReply, page: string) => reply.headers(pageHeaders).send(page);
  const asker = (request: FastifyRequest) => askerOf(request, config);
  const done = (reply: FastifyReply, notice: string) => reply.redirect(`/account?done=${notice}`, 303);

  /** The household has no account of its own: with KINORA_AUTH=none there is nothing here. */
  const personOf = async (request: FastifyRequest): Promise<Person> => {
    const person = await accounts.getPerson(viewerOf(request).personId);
    if (!person) throw new AppError('not-found', 'There are no accounts here: everybody is the household.');
    return person;
  };

  const sendAccount = async (
    request: FastifyRequest,
    reply: FastifyReply,
    more: Partial<Pick<AccountPage, 'error' | 'notice'>>,
  ) => {
    const person = await personOf(request);
    const { sessionId } = viewerOf(request);
    const [sessions, passkeys, { openId }] = await Promise.all([
      accounts.listSessions(person.id, sessionId),
      accounts.listPasskeys(person.id),
      accounts.doors(),
    ]);
    const hasDoor = config.auth.mode === 'accounts';
    const page = { person, sessions, passkeys, hasDoor, openId, error: null, notice: null, ...more };
    return send(reply, accountPage(viewOf(request), page));
  };

  app.get<Query>('/account', own, (request, reply) =>
    sendAccount(request, reply, { notice: noticeOf(first(request.query.done)) }),
  );

  /** A form of the account's page: what it does, and where it goes then. */
  const part = (
    path: string,
    name: AccountPart,
    act: (
      person: Person,
      form: URLSearchParams,
      request: FastifyRequest,
      reply: FastifyReply,
    ) => Promise<FastifyReply>,
    fields: Parameters<typeof formErrorOf>[2] = {},
  ) => {
    app.post(path, own, async (request, reply) => {
      try {
        return await act(await personOf(request), formOf(request), request, reply);
      } catch (error) {
        const shown = formErrorOf(reply, error, fields);
        return sendAccount(request, reply, { error: { part: name, ...shown } });
      }
    });
  };
  const wrongPassword = { unauthorized: 'password' };

  part(
    '/account/name',
    'name',
    async (person, form, request, reply) => {
      await accounts.changePerson(asker(request), person.id, person.id, { name: fieldOf(form, 'name') });
      return done(reply, 'name');
    },
    { 'bad-request': 'name' },
  );

  part(
    '/account/password',
    'password',
    async (person, form, request, reply) => {
      const [current, next] = [passwordOf(form, 'current'), passwordOf(form, 'next')];
      setCookies(reply, await accounts.changePassword(asker(request), person.id, current, next));
      return done(reply, 'password');
    },
    { unauthorized: 'current', 'bad-request': 'next' },
  );

  part(
    '/account/openid',
    'openid',
    async (person, form, request, reply) => {
      const { location, cookies } = await accounts.startOpenId(asker(request), '/account?done=openid', {
        connect: { personId: person.id, password: passwordOf(form) },
      });
      setCookies(reply, cookies);
      const name = (await accounts.doors()).openId ?? '';
      return send(reply, openIdStepPage(viewOf(request), { name, location }));
    },
    wrongPassword,
  );

  part(
    '/account/two-factor/start',
    'two-factor',
    async (person, form, request, reply) => {
      const { uri, recoveryCodes } = await accounts.startTwoFactor(
        asker(request),
        person.id,
        passwordOf(form),
      );
      const secret = {
        qr: await qrCode(uri, 'The key for an authenticator app'),
        text: new URL(uri).searchParams.get('secret') ?? '',
      };
      return send(reply, twoFactorStepPage(viewOf(request), { secret, recoveryCodes, error: null }));
    },
    wrongPassword,
  );
  part(
    '/account/two-factor/stop',
    'two-factor',
    async (person, form, request, reply) => {
      await accounts.stopTwoFactor(asker(request), person.id, passwordOf(form));
      return done(reply, 'two-factor-off');
    },
    wrongPassword,
  );
  part(
    '/account/two-factor/codes',
    'two-factor',
    async (person, form, request, reply) => {
      const codes = await accounts.renewRecoveryCodes(asker(request), person.id, passwordOf(form));
      return send(reply, recoveryCodesPage(viewOf(request), codes));
    },
    wrongPassword,
  );
  app.post('/account/two-factor/confirm', own, async (request, reply) => {
    try {
      const person = await personOf(request);
      const code = fieldOf(formOf(request), 'code', 20).replaceAll(/\s/g, '');
      setCookies(reply, await accounts.confirmTwoFactor(asker(request), person.id, code));
      return done(reply, 'two-factor-on');
    } catch (error) {
      const shown = formErrorOf(reply, error, { unauthorized: 'code', 'bad-request': 'code' });
      const page = { secret: null, recoveryCodes: [], error: shown };
      return send(reply, twoFactorStepPage(viewOf(request), page));
    }
  });

  part('/account/passkeys/remove', 'passkeys', async (person, form, request, reply) => {
    await accounts.removePasskey(asker(request), person.id, fieldOf(form, 'id'));
    return done(reply, 'no-passkey');
  });

  part('/account/sessions/end', 'sessions', async (person, form, request, reply) => {
    const id = fieldOf(form, 'id');
    const { sessionId } = viewerOf(request);
    await accounts.endSessions(asker(request), person.id, id === 'others' ? null : id, sessionId);
    return done(reply, 'sessions');
  });

  // --- Tokens.

  const sendTokens = async (request: FastifyRequest, reply: FastifyReply, more: Partial<TokensPage>) => {
    const person = await personOf(request);
    const tokens = await accounts.listTokens(person.id);
    const page = { person, tokens, made: null, name: '', scopes: [], days: '90', error: null, ...more };
    return send(reply, tokensPage(viewOf(request), page));
  };
  app.get('/account/tokens', own, (request, reply) => sendTokens(request, reply, {}));
  app.post('/account/tokens', own, async (request, reply) => {
    const form = formOf(request);
    const name = fieldOf(form, 'name');
    const scopes = form.getAll('scope').filter(isPermission);
    const days = tokenDays.find((choice) => choice === form.get('days')) ?? '90';
    try {
      const expiresAtMs = days === '' ? null : services.clock.nowMs() + Number(days) * dayMs;
      const { secret } = await accounts.addToken(asker(request), viewerOf(request).personId, {
        ...{ name, scopes, expiresAtMs },
      });
      return await sendTokens(request, reply, { made: { name, secret } });
    } catch (error) {
      const field = scopes.length > 0 ? 'name' : null;
      const shown: FormError = formErrorOf(reply, error, field ? { 'bad-request': field } : {});
      return sendTokens(request, reply, { name, scopes, days, error: shown });
    }
  });
  app.post('/account/tokens/remove', own, async (request, reply) => {
    await accounts.removeToken(asker(request), viewerOf(request).personId, fieldOf(formOf(request), 'id'));
    return reply.redirect('/account/tokens', 303);
  });

  // --- Leaving for good.

  const sendRemove = async (request: FastifyRequest, reply: FastifyReply, error: FormError | null) => {
    const person = await personOf(request);
    const usage = await library.getUsage(person.id);
    return send(reply, removeAccountPage(viewOf(request), { person, ...usage, error }));
  };
  app.get('/account/remove', own, (request, reply) => sendRemove(request, reply, null));
  app.post('/account/remove', own, async (request, reply) => {
    try {
      const form = formOf(request);
      const person = await personOf(request);
      const videos = form.get('videos') === 'bin' ? 'bin' : 'household';
      if (videos === 'bin' && !permits(viewerOf(request), 'videos:delete'))
        throw new AppError('forbidden', 'You may not delete videos: they stay in the household.');
      if (person.hasPassword) await accounts.confirmPassword(asker(request), person.id, passwordOf(form));
      await leave(
        { accounts, library, catalogue, asker: asker(request), byId: person.id },
        { personId: person.id, videos },
      );
    } catch (error) {
      return sendRemove(request, reply, formErrorOf(reply, error, wrongPassword));
    }
    setCookies(reply, await accounts.signOut(asker(request)));
    return reply.redirect('/login?after=removed', 303);
  });
}
