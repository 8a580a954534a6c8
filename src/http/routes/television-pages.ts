// A television is logged in with a code: its page asks every 5 s whether somebody said yes (a reload without scripts),
// and the phone's page says who asks and takes the answer. The television's secret is in a cookie for its page alone.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DeviceLogIn, DeviceState } from '../../accounts/accounts.ts';
import { householdId } from '../../accounts/permissions.ts';
import { AppError, isAppError } from '../../errors.ts';
import { tvAnsweredPage, tvApprovalPage, tvLogInPage, tvRefusedPage } from '../../web/pages/tv-pages.ts';
import { qrCode } from '../../web/qr-code.ts';
import { readCookie, tvCookieFor } from '../../web/view.ts';
import { reachableOrigin } from '../house-addresses.ts';
import { askerOf } from '../local-request.ts';
import { atDoor, needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import { fieldOf, first, formErrorOf, formOf, type PageTools, type Query, setCookies } from './page-form.ts';

const deviceCookie = 'kinora-device';

/** Longest code that is looked at; people type spaces and dashes in between. */
const maxTyped = 20;

/** Into the scope of the pages. */
export function televisionPageRoutes(
  app: FastifyInstance,
  { accounts, config, clock }: Services,
  { viewOf, headers }: PageTools,
): void {
  const pageHeaders = { ...headers, 'cache-control': 'no-store' };
  const send = (reply: FastifyReply, page: string) => reply.headers(pageHeaders).send(page);
  const asker = (request: FastifyRequest) => askerOf(request, config);

  const keep = (request: FastifyRequest, reply: FastifyReply, waiting: DeviceLogIn | null) => {
    const value = waiting ? `${waiting.deviceCode}.${waiting.userCode}.${waiting.expiresAtMs}` : '';
    const age = waiting ? Math.max(0, Math.ceil((waiting.expiresAtMs - clock.nowMs()) / 1000)) : 0;
    const secure = asker(request).origin.startsWith('https:') ? '; Secure' : '';
    const cookie = `${deviceCookie}=${value}; Path=/login/tv; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}`;
    reply.header('set-cookie', cookie);
  };

  app.get('/login/tv', { config: atDoor() }, async (request, reply) => {
    if (request.viewer) return reply.redirect('/', 303);
    const view = { ...viewOf(request), isTv: true };
    let waiting = waitingIn(request.headers.cookie);
    const state = waiting ? await poll(request, waiting.deviceCode) : null;
    if (state?.kind === 'signed-in') {
      setCookies(reply, [...state.cookies, tvCookieFor(true)]);
      keep(request, reply, null);
      return reply.header('cache-control', 'no-store').redirect('/', 303);
    }
    if (state?.kind === 'denied') {
      keep(request, reply, null);
      return send(reply, tvRefusedPage(view));
    }
    if (!waiting || state?.kind === 'expired') {
      waiting = await accounts.startDevice(asker(request));
      keep(request, reply, waiting);
    }
    const address = `${reachableOrigin(request, config)}/tv`;
    const { userCode, expiresAtMs, intervalMs } = waiting;
    return send(
      reply,
      tvLogInPage(view, {
        ...{ userCode, expiresAtMs, typedAt: address.replace(/^https?:\/\//, '') },
        qr: await qrCode(`${address}?code=${encodeURIComponent(userCode)}`, 'Opens the same on the phone'),
        refreshSeconds: Math.ceil(intervalMs / 1000),
      }),
    );
  });

  /** A screen that asks too soon, or while the accounts are away, goes on waiting. */
  const poll = async (request: FastifyRequest, deviceCode: string): Promise<DeviceState> => {
    try {
      return await accounts.pollDevice(asker(request), deviceCode);
    } catch (error) {
      if (isAppError(error, 'too-many') || isAppError(error, 'unavailable')) return { kind: 'pending' };
      throw error;
    }
  };

  /** Who says yes or no. Where everybody is the household a television comes in without. */
  const personIdOf = (request: FastifyRequest): string => {
    const { personId } = viewerOf(request);
    if (personId === householdId)
      throw new AppError('not-found', 'There are no accounts here: a television just opens the first page.');
    return personId;
  };

  app.get<Query>('/tv', { config: needs('self') }, async (request, reply) => {
    const code = first(request.query.code).slice(0, maxTyped).trim();
    const personId = personIdOf(request);
    const view = viewOf(request);
    if (code === '') return send(reply, tvApprovalPage(view, { code, device: null, error: null }));
    try {
      const device = await accounts.findDevice(asker(request), personId, code);
      if (!device) throw new AppError('not-found', notWaiting);
      return send(reply, tvApprovalPage(view, { code, device, error: null }));
    } catch (error) {
      const shown = formErrorOf(reply, error, { 'not-found': 'code' });
      return send(reply, tvApprovalPage(view, { code, device: null, error: shown }));
    }
  });

  app.post('/tv', { config: needs('self') }, async (request, reply) => {
    const form = formOf(request);
    const code = fieldOf(form, 'code', maxTyped);
    const isApproved = form.get('answer') === 'yes';
    const personId = personIdOf(request);
    const view = viewOf(request);
    try {
      await accounts.answerDevice(asker(request), personId, code, isApproved);
      return send(reply, tvAnsweredPage(view, isApproved));
    } catch (error) {
      const shown = formErrorOf(reply, error, { 'not-found': 'code' });
      return send(reply, tvApprovalPage(view, { code, device: null, error: shown }));
    }
  });
}

const notWaiting = 'No television waits with this code. Look again: it may show another one by now.';

/** What the cookie of a television's page says; null where it says nothing of ours. */
function waitingIn(cookieHeader: string | undefined): DeviceLogIn | null {
  const value = readCookie(cookieHeader, deviceCookie) ?? '';
  const [, deviceCode, userCode, expiresAt] =
    /^([\w-]{8,200})\.([A-Z0-9]{4,16})\.(\d{13})$/.exec(value) ?? [];
  if (deviceCode === undefined || userCode === undefined) return null;
  return { deviceCode, userCode, expiresAtMs: Number(expiresAt), intervalMs: 5000 };
}
