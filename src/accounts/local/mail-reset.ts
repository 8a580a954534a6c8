// A way to a new password by mail. The answer comes before anything is looked up in earnest, so that neither it nor its
// time tells whether there is such an account.
import { AppError } from '../../errors.ts';
import type { Accounts, Asker } from '../accounts.ts';
import type { Core } from './core.ts';
import { createMailer, type Mailer } from './mailer.ts';
import { addResetSecret } from './passwords.ts';
import { findPerson } from './people-rows.ts';
import { jsonAnswer, type RawRoutes, textOf } from './raw-requests.ts';

type MailReset = Pick<Accounts, 'askReset'>;

/** Long enough for a mail that is slow, short for one that somebody else reads later. */
const holdsMs = 3_600_000;
/** After the answer: what is done for an account that exists takes nothing of the asker's time. */
const afterMs = 100;
/** Mails on their way; more is somebody who asks for everybody. */
const mostUnderWay = 50;

/** `mailer`: for tests of what goes wrong with it. */
export function createMailReset(core: Core, mailer: Mailer | null = mailerOf(core)): MailReset {
  const { attempts, data, clock, log, config } = core;
  let underWay = 0;

  async function send(asker: Asker, login: string): Promise<void> {
    const person = await findPerson(data.people, login);
    if (!mailer || !config.mail || !person?.email || person.isDisabled) return;
    const secret = await addResetSecret(core, person.id, holdsMs);
    const { origin } = config.mail;
    await mailer.send({
      to: person.email,
      subject: 'A new password for Kinora',
      text: [
        `Hello ${person.name},`,
        `somebody (at ${asker.address}) asked for a new password for your account at ${origin}.`,
        `If that was you, open this within an hour and choose one:\n${origin}/reset?token=${secret}`,
        'If it was not, you need not do anything: your password stays as it is.',
      ].join('\n\n'),
    });
  }

  return {
    async askReset(asker, login) {
      const typed = login.trim().slice(0, 254);
      if (typed === '') throw new AppError('bad-request', 'Type the e-mail address that you log in with.');
      const person = await findPerson(data.people, typed);
      await attempts.begin('mail', { address: asker.address, account: person?.id ?? typed });
      if (underWay >= mostUnderWay) return;
      underWay++;
      clock
        .sleep(afterMs)
        .then(() => send(asker, typed))
        .catch(({ code, responseCode, message }) =>
          log.warn(
            { code, responseCode, reason: message },
            'a mail with a way to a new password was not sent',
          ),
        )
        .finally(() => underWay--);
    },
  };
}

function mailerOf({ config }: Core): Mailer | null {
  return config.mail && createMailer(config.mail);
}

/** In better-auth's shape, for its clients. */
export function mailResetRoutes(
  _core: Core,
  accounts: Pick<Accounts, 'askReset' | 'resetPassword'>,
): RawRoutes {
  return {
    async 'POST /request-password-reset'(asker, call) {
      await accounts.askReset(asker, textOf(call, 'email'));
      return jsonAnswer(200, { status: true, message: 'If there is such an account, a mail is on its way.' });
    },
    async 'POST /reset-password'(asker, call) {
      await accounts.resetPassword(asker, textOf(call, 'token'), textOf(call, 'newPassword'));
      return jsonAnswer(200, { status: true });
    },
  };
}
