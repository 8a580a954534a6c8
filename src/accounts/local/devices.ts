// Logging in a television (RFC 8628): it shows a short code, a person who is logged in on a phone says yes or no, and the
// television, which asks now and then, gets a session of its own. better-auth keeps the codes and hands a session out
// once; who may ask and answer how often is seen to here.
import { AppError } from '../../errors.ts';
import type { Accounts, Asker, WaitingDevice } from '../accounts.ts';
import type { Core } from './core.ts';
import { completeLogIn } from './log-in.ts';

type Devices = Pick<Accounts, 'startDevice' | 'pollDevice' | 'findDevice' | 'answerDevice'>;

const clientId = 'kinora-television';
const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
/** Codes that wait at once: past it somebody fills the store. With 2^40 codes, guessing one of so many stays hopeless. */
const mostWaiting = 1000;

const notWaiting = 'No television waits with this code. Look again: it may show another one by now.';

/** Who asks, in the place that the protocol has for what is asked for (`scope`), so that the phone can show it. */
type Asked = { readonly address: string; readonly userAgent: string | null };

export function createDevices(core: Core): Devices {
  const { data, engine, attempts, audit, clock } = core;

  /** A guess counts, a code that waits does not. */
  async function find(asker: Asker, personId: string, typed: string): Promise<WaitingDevice | null> {
    const attempt = await attempts.begin('user-code', { address: asker.address, account: personId });
    const userCode = typed
      .slice(0, 40)
      .replace(/[^a-z0-9]/gi, '')
      .toUpperCase();
    const row = await data.devices.find(userCode, clock.nowMs());
    if (!row) return null;
    await attempt.succeeded();
    return { ...readAsked(row.scope), userCode, expiresAtMs: row.expiresAtMs };
  }

  return {
    async startDevice(asker) {
      await attempts.begin('waiting', { address: asker.address });
      if ((await data.devices.waiting(clock.nowMs())) >= mostWaiting)
        throw new AppError(
          'too-many',
          'Too many televisions wait at this moment. Try again in a few minutes.',
          {
            retryAfterSeconds: 300,
          },
        );
      const { address, userAgent } = asker;
      const asked: Asked = { address, userAgent: userAgent?.slice(0, 300) ?? null };
      const { status, json } = await engine.call(asker, {
        ...{ method: 'POST', path: '/device/code' },
        body: { client_id: clientId, scope: JSON.stringify(asked) },
      });
      const { device_code, user_code, expires_in, interval } = json ?? {};
      if (status !== 200 || typeof device_code !== 'string' || typeof user_code !== 'string')
        throw new AppError('unavailable', 'No television can be logged in right now.');
      return {
        ...{ deviceCode: device_code, userCode: user_code },
        expiresAtMs: clock.nowMs() + Number(expires_in) * 1000,
        intervalMs: Number(interval) * 1000,
      };
    },

    async pollDevice(asker, deviceCode) {
      const { status, json } = await engine.call(asker, {
        ...{ method: 'POST', path: '/device/token' },
        body: { grant_type: grantType, device_code: deviceCode.slice(0, 200), client_id: clientId },
      });
      if (status === 200 && typeof json?.access_token === 'string') {
        const cookie = core.cookies.session(asker.origin, json.access_token);
        return completeLogIn(core, asker, [cookie], 'television');
      }
      // RFC 8628 §3.5; what it does not know (any more) has run out.
      if (json?.error === 'authorization_pending' || json?.error === 'slow_down') return { kind: 'pending' };
      return { kind: json?.error === 'access_denied' ? 'denied' : 'expired' };
    },

    findDevice: (asker, personId, userCode) => find(asker, personId, userCode),

    async answerDevice(asker, personId, userCode, isApproved) {
      const person = await data.people.get(personId);
      const waiting = await find(asker, personId, userCode);
      if (!waiting || !person || person.isDisabled) throw new AppError('not-found', notWaiting);
      if (!(await data.devices.answer(waiting.userCode, personId, isApproved, clock.nowMs())))
        throw new AppError('not-found', notWaiting);
      if (isApproved) await audit.note(asker, person, 'device-approved', waiting.address);
    },
  };
}

function readAsked(scope: string | null): Asked {
  try {
    const { address, userAgent } = JSON.parse(scope ?? '{}') as Partial<Asked>;
    return { address: address ?? '', userAgent: userAgent ?? null };
  } catch {
    return { address: '', userAgent: null };
  }
}
