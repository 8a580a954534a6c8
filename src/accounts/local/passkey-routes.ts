// Passkeys (WebAuthn level 3): better-auth makes and checks them, this says when and under which limits. A passkey stands
// for a password and a second factor, so the device has to check who holds it (user verification; `engine-options.ts`
// refuses a log-in without).
import { AppError } from '../../errors.ts';
import type { Accounts, Asker, RawAnswer } from '../accounts.ts';
import type { Core } from './core.ts';
import { engineAnswer, jsonAnswer, passOn, type RawCall, type RawRoutes, textOf } from './raw-requests.ts';

const refused = 'The passkey did not let you in. Try again, or log in with the password.';

export function passkeyRoutes(core: Core, accounts: Pick<Accounts, 'removePasskey'>): RawRoutes {
  const { attempts, audit, data, engine, sessions } = core;

  /** Who is logged in. Throws `unauthorized`. */
  async function personOf(asker: Asker) {
    const token = core.cookies.sessionToken(asker);
    const session = token ? await sessions.find(token) : null;
    const person = session && (await data.people.get(session.personId));
    if (!person) throw new AppError('unauthorized', 'Please log in first.');
    return person;
  }
  /** better-auth asks for a log-in of the last day before a passkey is added; here in words. */
  function inWords(answer: RawAnswer): RawAnswer {
    if (answer.status !== 403) return answer;
    throw new AppError('forbidden', 'You logged in a while ago. Log in again, then add the passkey.');
  }
  const nameOf = (call: RawCall) =>
    textOf(call, 'name').replace(/\s+/gu, ' ').trim().slice(0, 80) || 'Passkey';

  return {
    async 'GET /passkey/generate-register-options'(asker, call) {
      const { name, email, userName } = await personOf(asker);
      await attempts.begin('waiting', { address: asker.address });
      const answer = await engine.call(asker, { method: 'GET', path: call.path });
      if (answer.status !== 200) return inWords(await engineAnswer(core, asker, answer));
      // What the device shows beside the passkey: better-auth would take the address, which may only stand in for one.
      const user = { ...(answer.json?.user as object), name: email ?? userName ?? name, displayName: name };
      return jsonAnswer(200, { ...answer.json, user }, answer.cookies);
    },
    async 'POST /passkey/verify-registration'(asker, call) {
      const person = await personOf(asker);
      const name = nameOf(call);
      const body = { response: call.body.response, name };
      const answer = await engine.call(asker, { method: 'POST', path: call.path, body });
      if (answer.status === 200) await audit.note(asker, person, 'passkey-added', name);
      return inWords(await engineAnswer(core, asker, answer));
    },
    async 'GET /passkey/generate-authenticate-options'(asker, call) {
      await attempts.begin('waiting', { address: asker.address });
      const answer = await engine.call(asker, { method: 'GET', path: call.path });
      return jsonAnswer(answer.status, { ...answer.json, userVerification: 'required' }, answer.cookies);
    },
    async 'POST /passkey/verify-authentication'(asker, call) {
      const attempt = await attempts.begin('password', { address: asker.address });
      const credential = (call.body.response ?? {}) as { id?: unknown };
      const ownerId = await data.factors.passkeyOwner(
        typeof credential.id === 'string' ? credential.id.slice(0, 2000) : '',
      );
      const person = ownerId ? await data.people.get(ownerId) : null;
      const answer =
        person && !person.isDisabled
          ? await engine.call(asker, { method: 'POST', path: call.path, body: { response: credential } })
          : null;
      if (answer?.status !== 200) {
        await audit.note(asker, person, 'sign-in-failed', 'passkey');
        const isUnverified = answer?.json?.code === 'USER_NOT_VERIFIED';
        throw new AppError('unauthorized', isUnverified ? String(answer?.json?.message) : refused);
      }
      await attempt.succeeded();
      return engineAnswer(core, asker, answer, 'passkey');
    },
    'GET /passkey/list-user-passkeys': (asker, call) => passOn(core, asker, { ...call, query: '' }),
    async 'POST /passkey/delete-passkey'(asker, call) {
      await accounts.removePasskey(asker, (await personOf(asker)).id, textOf(call, 'id'));
      return jsonAnswer(200, { status: true });
    },
  };
}
