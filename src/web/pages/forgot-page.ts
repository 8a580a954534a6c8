// A password that was forgotten: asking for a mail, and setting a new one with its link (or with one from the owner).
import { html } from 'ghtml';
import { type FormError, formProblem, textField } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { newPasswordField } from '../password-field.ts';
import type { View } from '../view.ts';

export type ForgotPage = {
  /** Whether mails can be sent. */
  readonly canMail: boolean;
  /** Somebody asked: the same answer whether there is such an account or not. */
  readonly isAsked: boolean;
  readonly error: FormError | null;
};

export function forgotPage(view: View, { canMail, isAsked, error }: ForgotPage): string {
  const title = 'Forgot the password?';
  const body = isAsked ? asked : canMail ? mailForm(error) : askTheOwner;
  const main = html`<section class="door"><h1>${isAsked ? 'Look into your mail' : title}</h1>!${formProblem(error, ['login'])}
!${body}<p class="asides"><a href="/login">Back to the log-in</a></p></section>`;
  return layout(view, { title, place: null, search: null, main });
}

const asked =
  '<p class="lead" role="status">If there is an account with this e-mail address, a mail with a link is on its way. The link holds for an hour.</p>';

const askTheOwner = html`<p class="lead">The owner of this Kinora can give you a link to set a new one: under People, by your name.</p>
<p class="lead">Are you the owner? On the machine that it runs on, type <code>kinora user reset</code> and your user name.</p>`;

function mailForm(error: FormError | null): string {
  const field = {
    ...{ name: 'login', label: 'E-mail', type: 'email' as const, autocomplete: 'username', maxLength: 254 },
    ...{ isFirst: true, hint: 'A mail with a link comes there.' },
  };
  return html`<form class="fields" method="post" action="/forgot">!${textField(field, error)}
<div class="buttons"><button class="button primary">Send me a link</button></div></form>
<p class="hint">No e-mail address? The owner of this Kinora can give you a link as well.</p>`;
}

/** A new password, with the token of a link. */
export function resetPage(
  view: View,
  { token, error }: { readonly token: string; readonly error: FormError | null },
): string {
  const title = 'Set a new password';
  const main = html`<section class="door"><h1>${title}</h1>
<p class="lead">Everywhere you are logged in now, you will be asked for it.</p>
!${formProblem(error, ['password'])}
<form class="fields" method="post" action="/reset"><input type="hidden" name="token" value="${token}">
!${newPasswordField({ name: 'password', label: 'New password', error })}
<div class="buttons"><button class="button primary">Set it</button></div></form></section>`;
  return layout(view, { title, place: null, search: null, main, scripts: ['password-strength.js'] });
}

/** The link has no token, or none that could hold. */
export function noResetPage(view: View): string {
  const main = html`<section class="empty"><span class="empty-sign">!${icon('key')}</span><h1>This link does not hold any more</h1>
<p>It was used, or its time is over.</p><a class="button primary" href="/forgot">Ask for a new one</a></section>`;
  return layout(view, { title: 'This link does not hold any more', place: null, search: null, main });
}
