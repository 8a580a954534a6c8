// Coming in: name and password, a passkey, another provider, or the phone for a television; then the code of the
// second factor where there is one. All of it but passkeys (WebAuthn has no other way) works without scripts.
import { html } from 'ghtml';
import type { Doors } from '../../accounts/accounts.ts';
import { type FormError, formProblem, nextField, textField } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

export type LoginPage = {
  readonly doors: Doors;
  /** Where it goes on; a checked path. */
  readonly next: string;
  /** What was typed before. */
  readonly login: string;
  readonly error: FormError | null;
  /** Something good to know, such as that the password was changed. */
  readonly notice: string | null;
};

export function loginPage(view: View, { doors, next, login, error, notice }: LoginPage): string {
  const query = next === '/' ? '' : `?next=${encodeURIComponent(next)}`;
  const main = html`<section class="door"><h1>Log in</h1>
!${notice === null ? '' : html`<p class="good" role="status">${notice}</p>`}
!${formProblem(error, ['login', 'password'])}
!${view.isTv ? phoneLink(true) : ''}
<form class="fields" method="post" action="/login">!${nextField(next)}
!${textField({ name: 'login', label: 'User name or e-mail', value: login, autocomplete: 'username webauthn', isFirst: !view.isTv }, error)}
!${textField({ name: 'password', label: 'Password', type: 'password', maxLength: 1000, autocomplete: 'current-password' }, error)}
<div class="buttons"><button class="button!${view.isTv ? '' : ' primary'}">Log in</button></div></form>
<div class="ways">
<kinora-passkey-log-in hidden data-next="${next}"><button type="button" class="button">!${icon('key')}Log in with a passkey</button><p class="wrong" role="alert"></p></kinora-passkey-log-in>
!${doors.openId === null ? '' : html`<a class="button" href="/login/openid${query}">Log in with ${doors.openId}</a>`}
!${view.isTv ? '' : phoneLink(false)}
</div>
<p class="asides"><a href="/forgot">Forgot the password?</a>!${doors.signUp === 'open' ? html` <a href="/sign-up${query}">Make an account</a>` : ''}</p>
</section>`;
  const scripts = ['passkeys.js'];
  return layout(view, { title: 'Log in', place: null, search: null, main, scripts });
}

/** On a television it is the first thing, and where the remote is: nobody likes to type there. */
function phoneLink(isFirst: boolean): string {
  return html`<a class="button!${isFirst ? ' primary' : ''}" href="/login/tv"!${isFirst ? ' autofocus' : ''}>!${icon('phone')}Log in with your phone</a>`;
}

/** The password was right; a code is awaited. */
export function secondFactorPage(
  view: View,
  { next, error }: { readonly next: string; readonly error: FormError | null },
): string {
  const code = {
    ...{ name: 'code', label: 'Code', autocomplete: 'one-time-code', maxLength: 40, isFirst: true },
    hint: 'The six digits that your authenticator app shows, or one of your recovery codes.',
  };
  const main = html`<section class="door"><h1>One more step</h1>
!${formProblem(error, ['code'])}
<form class="fields" method="post" action="/login/code">!${nextField(next)}
!${textField(code, error)}
<div class="buttons"><button class="button primary">Log in</button><a class="button quiet" href="/login">Begin again</a></div></form>
</section>`;
  return layout(view, { title: 'One more step', place: null, search: null, main });
}

/** Where a proxy in front says who it is (KINORA_AUTH=header), and it said nothing. */
export function proxyPage(view: View): string {
  const main = html`<section class="empty"><span class="empty-sign">!${icon('key')}</span><h1>Log in</h1>
<p>Who comes in here is told by the log-in page in front of this Kinora. Open it by that address.</p>
<a class="button" href="/">Try again</a></section>`;
  return layout(view, { title: 'Log in', place: null, search: null, main });
}
