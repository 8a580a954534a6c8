// A new account: the first one, which owns this Kinora; by invitation; or open to all. Else a page that says so.
import { html } from 'ghtml';
import type { Invite } from '../../accounts/accounts.ts';
import { type FormError, formProblem, nextField, textField } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { newPasswordField } from '../password-field.ts';
import { roleWords } from '../role-words.ts';
import type { View } from '../view.ts';

/** Which way in it is. */
export type SignUpWay =
  | { readonly kind: 'first'; readonly needsCode: boolean }
  | { readonly kind: 'invite'; readonly secret: string; readonly invite: Invite }
  | { readonly kind: 'open' };

export type SignUpPage = {
  readonly way: SignUpWay;
  /** The name of the OpenID provider, which makes an account as well; null where none is offered. */
  readonly openId: string | null;
  readonly next: string;
  readonly name: string;
  readonly login: string;
  readonly error: FormError | null;
};

const shownBeside = ['name', 'login', 'password', 'code'];

export function signUpPage(view: View, { way, openId, next, name, login, error }: SignUpPage): string {
  const isFirst = way.kind === 'first';
  const title = isFirst ? 'Welcome to Kinora' : 'Make your account';
  const main = html`<section class="door"><h1>${title}</h1>
<p class="lead">!${leadOf(way)}</p>
!${formProblem(error, shownBeside)}
<form class="fields" method="post" action="/sign-up">!${nextField(next)}!${way.kind === 'invite' ? html`<input type="hidden" name="invite" value="${way.secret}">` : ''}
!${way.kind === 'first' && way.needsCode ? codeField(error) : ''}
!${textField({ name: 'name', label: 'Your name', value: name, autocomplete: 'name', hint: 'As the others here will see it.', isFirst: !(isFirst && way.needsCode) }, error)}
!${textField({ name: 'login', label: 'User name or e-mail', value: login, autocomplete: 'username', hint: 'To log in with. An e-mail address helps where a password is forgotten.', maxLength: 254 }, error)}
!${newPasswordField({ name: 'password', label: 'Password', error })}
<div class="buttons"><button class="button primary">Make my account</button></div></form>
!${openId === null || isFirst ? '' : otherLogIn(openId, way, next)}
!${isFirst ? '' : '<p class="asides"><a href="/login">I have an account</a></p>'}
</section>`;
  const scripts = ['password-strength.js'];
  return layout(view, { title, place: null, search: null, main, scripts });
}

/** No password is made here then. */
function otherLogIn(name: string, way: SignUpWay, next: string): string {
  const query = new URLSearchParams();
  if (way.kind === 'invite') query.set('invite', way.secret);
  if (next !== '/') query.set('next', next);
  return html`<div class="ways"><a class="button" href="/login/openid?${query.toString()}">Sign up with ${name}</a></div>`;
}

function leadOf(way: SignUpWay): string {
  if (way.kind === 'first')
    return html`Make the first account. It is the <strong>owner’s</strong>: who else may come in, and everything that is here already, is yours to decide about.`;
  if (way.kind === 'open') return html`What you upload is yours, and seen by nobody until you share it.`;
  return html`You are invited as ${roleWords[way.invite.role].invited}`;
}

function codeField(error: FormError | null): string {
  return textField(
    {
      ...{ name: 'code', label: 'Code on the console', autocomplete: 'off', maxLength: 40, isFirst: true },
      hint: 'You are not at the machine that Kinora runs on. So that nobody else can take it, type the code that it printed there when it started.',
    },
    error,
  );
}

/** Nobody gets in here without an invitation that holds, or at all. */
export function noSignUpPage(view: View, why: 'closed' | 'needs-invite' | 'bad-invite'): string {
  const [title, sentence] = {
    closed: ['No new accounts', 'This Kinora takes no new accounts. Its owner can make one for you.'],
    'needs-invite': [
      'By invitation',
      'An account is made with an invitation. Ask the owner of this Kinora for a link.',
    ],
    'bad-invite': [
      'This invitation holds no more',
      'It was used, or its time is over. Ask for a new link, or log in if the account is yours already.',
    ],
  }[why];
  const main = html`<section class="empty"><span class="empty-sign">!${icon('person')}</span><h1>${title}</h1>
<p>${sentence}</p><a class="button primary" href="/login">Log in</a></section>`;
  return layout(view, { title: title!, place: null, search: null, main });
}
