// Passkeys (WebAuthn level 3): better-auth checks them, this says when. A passkey stands for a password and a second
// factor, so the device has to have checked who holds it (user verification, §6.1 flags).

import { AppError } from '../../errors.ts';
import type { Accounts } from '../accounts.ts';
import type { Core } from './core.ts';
import { engineAnswer, passOn, type RawCall, type RawRoutes, textOf } from './raw-requests.ts';

/** Bit 2 of the flags, which stand after the 32 bytes of the RP ID's hash (§6.1). */
const userVerified = 0x04;
const flagsAt = 32;

export function passkeyRoutes(core: Core, accounts: Pick<Accounts, 'removePasskey'>): RawRoutes {
  const { attempts, audit, engine, people, sessions } = core;
  const personOf = (token: string | null) => {
    const session = token ? sessions.find(token) : null;
    return session ? people.get(session.personId) : null;
  };
  return {
    'GET /passkey/generate-register-options': (asker, call) => passOn(core, asker, call),
    async 'POST /passkey/verify-registration'(asker, call) {
      const answer = await engine.call(asker, { method: 'POST', path: call.path, body: call.body });
      const person = personOf(core.cookies.sessionToken(asker));
      if (answer.status === 200) audit.note(asker, person, 'passkey-added', textOf(call, 'name'));
      return engineAnswer(core, asker, answer);
    },
    async 'GET /passkey/generate-authenticate-options'(asker, call) {
      attempts.begin('waiting', { address: asker.address });
      return passOn(core, asker, call);
    },
    async 'POST /passkey/verify-authentication'(asker, call) {
      const attempt = attempts.begin('password', { address: asker.address });
      if (!isUserVerified(call)) {
        audit.note(asker, null, 'sign-in-failed', 'passkey');
        throw new AppError(
          'unauthorized',
          'The passkey did not check that it is you. Turn on its PIN, fingerprint or face.',
        );
      }
      const answer = await engine.call(asker, { method: 'POST', path: call.path, body: call.body });
      if (answer.status === 200) attempt.succeeded();
      else audit.note(asker, null, 'sign-in-failed', 'passkey');
      return engineAnswer(core, asker, answer);
    },
    'GET /passkey/list-user-passkeys': (asker, call) => passOn(core, asker, { ...call, query: '' }),
    async 'POST /passkey/delete-passkey'(asker, call) {
      const person = personOf(core.cookies.sessionToken(asker));
      if (!person) throw new AppError('unauthorized', 'Please log in first.');
      await accounts.removePasskey(asker, person.id, textOf(call, 'id'));
      return { status: 200, headers: [['content-type', 'application/json']], body: '{"status":true}' };
    },
  };
}

/** What is looked at here is what the signature is over, so a lie here fails there. */
function isUserVerified(call: RawCall): boolean {
  const { response } = (call.body.response ?? {}) as { response?: { authenticatorData?: unknown } };
  const data = response?.authenticatorData;
  if (typeof data !== 'string') return false;
  return ((Buffer.from(data, 'base64url')[flagsAt] ?? 0) & userVerified) !== 0;
}
