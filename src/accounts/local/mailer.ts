// Sends mails by SMTP. nodemailer is loaded with the first one.
import type { Config } from '../../config.ts';

export type Mail = { readonly to: string; readonly subject: string; readonly text: string };

export type Mailer = {
  /** Rejects where the server does not take it; the error's `code` says why and holds no address. */
  send(mail: Mail): Promise<void>;
};

/** A server that does not answer is given up: nobody waits, but sockets would pile up. */
const timeoutMs = 20_000;

export function createMailer({ url, from }: NonNullable<Config['auth']['mail']>): Mailer {
  const { hostname, username, protocol } = new URL(url);
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return {
    async send({ to, subject, text }) {
      const { createTransport } = await import('nodemailer');
      const transport = createTransport({
        url,
        // A password never goes over the network in clear text, whatever the server offers.
        requireTLS: protocol === 'smtp:' && username !== '' && !isHere,
        ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
        // Nothing is attached that stands somewhere on the disk or the network.
        ...{ disableFileAccess: true, disableUrlAccess: true },
      });
      try {
        await transport.sendMail({ from, to: { name: '', address: to }, subject, text });
      } catch (error) {
        const { code = 'unknown', responseCode = null } = error as { code?: string; responseCode?: number };
        throw Object.assign(new Error('the mail server did not take it'), { code, responseCode });
      } finally {
        transport.close();
      }
    },
  };
}
