// One's own account: name, password, passkeys, the second factor, where one is logged in. Every part is a form of its
// own; what was wrong is said where it was typed.
import { html } from 'ghtml';
import type { Passkey, Person, Session } from '../../accounts/accounts.ts';
import { type FormError, formProblem, textField } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { newPasswordField } from '../password-field.ts';
import { roleWords } from '../role-words.ts';
import { browserName } from '../user-agent.ts';
import type { View } from '../view.ts';
import { openIdSection } from './open-id-page.ts';

/** The parts that have a form. */
export type AccountPart = 'name' | 'password' | 'passkeys' | 'two-factor' | 'openid' | 'sessions';

export type AccountPage = {
  readonly person: Person;
  readonly sessions: readonly Session[];
  readonly passkeys: readonly Passkey[];
  /** Whether one logs in here, and not at a proxy in front. */
  readonly hasDoor: boolean;
  /** The name of the OpenID provider; null where none is set. */
  readonly openId: string | null;
  readonly error: (FormError & { readonly part: AccountPart }) | null;
  readonly notice: string | null;
};

export function accountPage(view: View, account: AccountPage): string {
  const { person, hasDoor, notice } = account;
  const main = html`<div class="column"><h1>Account</h1>
<p class="intro"><bdi>${person.name}</bdi> · !${loginOf(person)} · ${roleWords[person.role].name}</p>
!${notice === null ? '' : html`<p class="good" role="status">${notice}</p>`}
<div class="settings">
!${nameSection(account)}
!${hasDoor ? [passwordSection(account), passkeySection(view, account), twoFactorSection(account), account.openId === null ? '' : openIdSection(account.openId, person.hasPassword, errorOf(account, 'openid')), sessionSection(view, account)] : ''}
<section aria-labelledby="more"><h2 id="more">More</h2><ul class="leads">
!${moreLinks(view).map(
    ([href, name, about]) =>
      html`<li><a href="${href}"><strong>${name}</strong><span class="hint">${about}</span></a></li>`,
  )}</ul></section>
</div></div>`;
  const scripts = hasDoor ? ['password-strength.js', 'passkeys.js'] : [];
  return layout(view, { title: 'Account', place: null, search: null, main, scripts });
}

/** What the account is called at the log-in. */
export function loginOf({ email, userName }: Person): string {
  return html`<span dir="ltr">${email ?? userName ?? 'without a log-in of its own'}</span>`;
}

function moreLinks(view: View): (readonly [string, string, string])[] {
  return [
    ['/account/tokens', 'Tokens', 'For programs that act for you: what each may do, and until when.'],
    ...(view.can('videos:share')
      ? [['/account/links', 'Guest links', 'What you shared with people who have no account.'] as const]
      : []),
    ['/account/data', 'My data', 'Everything of yours as one archive, and back again.'],
    ['/account/remove', 'Remove my account', 'And what becomes of the videos.'],
  ];
}

const errorOf = (account: AccountPage, part: AccountPart): FormError | null =>
  account.error?.part === part ? account.error : null;

function nameSection(account: AccountPage): string {
  const error = errorOf(account, 'name');
  const field = {
    name: 'name',
    label: 'Name',
    value: account.person.name,
    autocomplete: 'name',
    maxLength: 80,
  };
  return html`<section aria-labelledby="name-title"><h2 id="name-title">Name</h2>!${formProblem(error, ['name'])}
<form class="fields one-line" method="post" action="/account/name">!${textField({ ...field, hint: 'As the others here see it.' }, error)}
<button class="button">Save</button></form></section>`;
}

function passwordSection(account: AccountPage): string {
  const { person } = account;
  const error = errorOf(account, 'password');
  if (!person.hasPassword)
    return html`<section aria-labelledby="password-title"><h2 id="password-title">Password</h2>
<p class="hint">This account has none: you log in another way. The owner can give you a link to set one.</p></section>`;
  const current = {
    name: 'current',
    label: 'Present password',
    autocomplete: 'current-password',
    maxLength: 1000,
  };
  return html`<section aria-labelledby="password-title"><h2 id="password-title">Password</h2>
<details class="unfold"!${error ? ' open' : ''}><summary class="button">Change the password</summary>!${formProblem(error, ['current', 'next'])}
<form class="fields" method="post" action="/account/password"><input type="hidden" name="username" autocomplete="username" value="${person.email ?? person.userName ?? ''}">
!${textField({ ...current, type: 'password' }, error)}
!${newPasswordField({ name: 'next', label: 'New password', error })}
<p class="hint">Everywhere else you are logged out.</p>
<div class="buttons"><button class="button primary">Change it</button></div></form></details></section>`;
}

function passkeySection(view: View, account: AccountPage): string {
  const { passkeys } = account;
  const list = html`<ul class="rows">!${passkeys.map(
    (passkey) =>
      html`<li><div><bdi>${passkey.name || 'Passkey'}</bdi> <span class="hint">added !${ageOf(view, passkey.createdAtMs)}</span></div>
<form method="post" action="/account/passkeys/remove"><button class="button small" name="id" value="${passkey.id}" aria-label="Remove the passkey ${passkey.name}">Remove</button></form></li>`,
  )}</ul>`;
  return html`<section aria-labelledby="passkeys-title"><h2 id="passkeys-title">Passkeys</h2>!${formProblem(errorOf(account, 'passkeys'))}
<p class="hint">Log in with the fingerprint, face or PIN of a phone or computer: nothing to remember, nothing to be stolen.</p>
!${passkeys.length > 0 ? list : ''}
<kinora-passkey-add hidden><label class="unseen" for="passkey-name">Name of the new passkey</label><input id="passkey-name" maxlength="60" placeholder="Phone" autocomplete="off"><button type="button" class="button">!${icon('add')}Add a passkey</button><p class="wrong" role="alert"></p></kinora-passkey-add>
<p class="hint no-passkeys">Adding one needs a browser that knows passkeys, scripts, and an address that begins with <code>https://</code> (or <code>localhost</code>).</p></section>`;
}

function twoFactorSection(account: AccountPage): string {
  const { person } = account;
  const error = errorOf(account, 'two-factor');
  if (!person.hasPassword) return '';
  const password = {
    ...{ name: 'password', label: 'Password', type: 'password' as const, maxLength: 1000 },
    autocomplete: 'current-password',
  };
  const form = (actions: string) =>
    html`!${formProblem(error, ['password'])}<form class="fields" method="post" action="/account/two-factor/start">!${textField(password, error)}<div class="buttons">!${actions}</div></form>`;
  const on = html`<p><strong>On.</strong> Besides the password, a code of your authenticator app is asked for.</p>
<details class="unfold"!${error ? ' open' : ''}><summary class="button">New recovery codes, or off</summary>
!${form('<button class="button" formaction="/account/two-factor/codes">New recovery codes</button> <button class="button" formaction="/account/two-factor/stop">Switch it off</button>')}</details>`;
  const off = html`<p class="hint">Off. With it, somebody who knows your password still cannot log in without your phone.</p>
<details class="unfold"!${error ? ' open' : ''}><summary class="button">Switch it on</summary>!${form('<button class="button primary">Go on</button>')}</details>`;
  return html`<section aria-labelledby="two-factor-title"><h2 id="two-factor-title">Second step at the log-in</h2>!${person.hasTwoFactor ? on : off}</section>`;
}

function sessionSection(view: View, account: AccountPage): string {
  const { sessions } = account;
  const row = (session: Session) =>
    html`<li><div><strong>${browserName(session.userAgent)}</strong>!${session.isThisOne ? ' <span class="badge">This one</span>' : ''}
<p class="hint">${session.address ?? 'Unknown address'} · !${session.isThisOne ? '' : html`last used !${ageOf(view, session.lastUsedAtMs)} · `}logged in !${ageOf(view, session.createdAtMs)}</p></div>
!${session.isThisOne ? '' : html`<form method="post" action="/account/sessions/end"><button class="button small" name="id" value="${session.id}" aria-label="Log out ${browserName(session.userAgent)}, ${session.address ?? ''}">Log out</button></form>`}</li>`;
  return html`<section aria-labelledby="sessions-title"><h2 id="sessions-title">Where you are logged in</h2>!${formProblem(errorOf(account, 'sessions'))}
<ul class="rows">!${sessions.map(row)}</ul>
!${sessions.length > 1 ? html`<form method="post" action="/account/sessions/end"><button class="button" name="id" value="others">Log out everywhere else</button></form>` : ''}</section>`;
}

/** `3 days ago`, with the exact moment. */
export function ageOf(view: View, atMs: number): string {
  const { formats, nowMs } = view;
  return html`<time datetime="${new Date(atMs).toISOString()}" title="${formats.moment(atMs)}">${formats.age(atMs, nowMs)}</time>`;
}
