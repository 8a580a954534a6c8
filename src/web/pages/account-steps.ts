// Steps of one's account that have a page of their own: the second factor's QR code, recovery codes, tokens, removing it.
// What is shown once (codes, secrets) is in no address and kept by nobody.
import { html } from 'ghtml';
import type { Person, Token } from '../../accounts/accounts.ts';
import { grantable, type Permission } from '../../accounts/permissions.ts';
import { copyable } from '../copyable.ts';
import { type FormError, formProblem, radioFields, selectField, textField } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { scopeWords } from '../role-words.ts';
import type { View } from '../view.ts';
import { ageOf } from './account-page.ts';

const upToAccount = html`<a class="up" href="/account" aria-label="Back to the account">!${icon('back')}</a>`;

export type TwoFactorStep = {
  /** The QR code's SVG and the secret as text; null where a wrong code was typed: both are shown once. */
  readonly secret: { readonly qr: string; readonly text: string } | null;
  readonly recoveryCodes: readonly string[];
  readonly error: FormError | null;
};

export function twoFactorStepPage(view: View, { secret, recoveryCodes, error }: TwoFactorStep): string {
  const code = {
    ...{ name: 'code', label: 'Code that the app shows', autocomplete: 'one-time-code', maxLength: 10 },
    ...{ isFirst: secret === null, more: 'inputmode="numeric"' },
  };
  const main = html`<div class="column narrow"><div class="heading"><h1>!${upToAccount}Second step at the log-in</h1></div>
!${
    secret
      ? html`<ol class="steps"><li>Open an authenticator app on your phone, and add an account with this picture.
<div class="qr-frame">!${secret.qr}</div><p class="hint">Or type this key: <code class="secret">${secret.text}</code></p></li>
<li>Keep these recovery codes on paper: each logs you in once, where the phone is lost.!${codeList(recoveryCodes)}</li>
<li>Type the code that the app shows now.</li></ol>`
      : html`<p class="lead">Type the code that the app shows now. To see the picture again, <a href="/account#two-factor-title">begin anew</a>.</p>`
  }
!${formProblem(error, ['code'])}
<form class="fields" method="post" action="/account/two-factor/confirm">!${textField(code, error)}
<div class="buttons"><button class="button primary">Switch it on</button><a class="button quiet" href="/account">Cancel</a></div></form></div>`;
  return layout(view, { title: 'Second step', place: null, search: null, main });
}

function codeList(codes: readonly string[]): string {
  return html`<ul class="codes" aria-label="Recovery codes">!${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul>`;
}

export function recoveryCodesPage(view: View, codes: readonly string[]): string {
  const main = html`<div class="column narrow"><div class="heading"><h1>!${upToAccount}New recovery codes</h1></div>
<p class="lead">The old ones hold no more. Print or write these down now: they are shown once. Each logs you in once, where the phone is lost.</p>
!${codeList(codes)}<p><a class="button primary" href="/account">I have them on paper</a></p></div>`;
  return layout(view, { title: 'New recovery codes', place: null, search: null, main });
}

export type TokensPage = {
  readonly person: Person;
  readonly tokens: readonly Token[];
  /** One that was just made: shown this once. */
  readonly made: { readonly name: string; readonly secret: string } | null;
  /** What was typed. */
  readonly name: string;
  readonly scopes: readonly string[];
  readonly days: string;
  readonly error: FormError | null;
};

/** How long a token can hold, days; empty: without end. */
export const tokenDays = ['7', '30', '90', '365', ''] as const;

export function tokensPage(view: View, page: TokensPage): string {
  const { tokens, made, error } = page;
  const main = html`<div class="column"><div class="heading"><h1>!${upToAccount}Tokens</h1></div>
<p class="lead">A token lets a program act for you, sent as <code>Authorization: Bearer TOKEN</code>. Give each one only what it needs.</p>
!${made ? html`<div class="once" role="status"><p><strong>The token <bdi>${made.name}</bdi></strong> is shown this once. Copy it to where it is needed.</p>!${copyable('Token', made.secret)}</div>` : ''}
!${tokens.length === 0 ? '' : html`<ul class="rows">!${tokens.map((token) => tokenRow(view, token))}</ul>`}
<section aria-labelledby="new"><h2 id="new">New token</h2>!${formProblem(error, ['name'])}
<form class="fields" method="post" action="/account/tokens">!${textField({ name: 'name', label: 'Name', value: page.name, autocomplete: 'off', maxLength: 100, hint: 'What it is for, such as “Backup script”.' }, error)}
<fieldset class="options"><legend>It may</legend>!${grantable(page.person.role).map((scope) => scopeOption(scope, page.scopes.includes(scope)))}</fieldset>
!${selectField({ name: 'days', label: 'It holds for', value: page.days, choices: tokenDays.map((days) => ({ value: days, name: days === '' ? 'as long as it is not removed' : days === '365' ? 'a year' : `${days} days` })) })}
<div class="buttons"><button class="button primary">Make it</button></div></form></section></div>`;
  return layout(view, { title: 'Tokens', place: null, search: null, main, scripts: ['links.js'] });
}

function scopeOption(scope: Permission, isChosen: boolean): string {
  return html`<label class="option small"><input type="checkbox" name="scope" value="${scope}"!${isChosen ? ' checked' : ''}><span>${scopeWords[scope]} <code>${scope}</code></span></label>`;
}

function tokenRow(view: View, token: Token): string {
  const { name, scopes, expiresAtMs, lastUsedAtMs } = token;
  const isOver = expiresAtMs !== null && expiresAtMs <= view.nowMs;
  const until =
    expiresAtMs === null
      ? 'without end'
      : html`!${isOver ? '<strong>over</strong> since' : 'until'} <time datetime="${new Date(expiresAtMs).toISOString()}">${view.formats.moment(expiresAtMs)}</time>`;
  return html`<li><div><strong dir="auto">${name}</strong><p class="hint">${scopes.map((scope) => scopeWords[scope]).join(', ')}</p>
<p class="hint">!${until} · !${lastUsedAtMs === null ? 'never used' : html`used !${ageOf(view, lastUsedAtMs)}`}</p></div>
<form method="post" action="/account/tokens/remove"><button class="button small" name="id" value="${token.id}" aria-label="Remove the token ${name}">Remove</button></form></li>`;
}

const toTheBin = {
  value: 'bin',
  name: 'Go into the bin',
  hint: 'The owners can take them out for a while; then they are gone for good.',
};

/** What becomes of the videos of somebody who goes. */
export function fateChoice(
  { formats }: View,
  { videos, bytes }: { readonly videos: number; readonly bytes: number },
  canBin = true,
): string {
  if (videos === 0) return '<input type="hidden" name="videos" value="keep">';
  const room = `${formats.count(videos)} ${videos === 1 ? 'video' : 'videos'}, ${formats.size(bytes)}`;
  return radioFields({
    ...{ name: 'videos', legend: room, value: 'keep' },
    choices: [
      {
        ...{ value: 'keep', name: 'Stay in the household' },
        hint: 'They belong to the owners from then on; who could see them still can.',
      },
      ...(canBin ? [toTheBin] : []),
    ],
  });
}

export type RemoveAccountPage = {
  readonly person: Person;
  readonly videos: number;
  readonly bytes: number;
  readonly error: FormError | null;
};

export function removeAccountPage(view: View, { person, videos, bytes, error }: RemoveAccountPage): string {
  const password = {
    ...{ name: 'password', label: 'Password', type: 'password' as const, maxLength: 1000 },
    autocomplete: 'current-password',
  };
  const main = html`<div class="column narrow"><div class="heading"><h1>!${upToAccount}Remove my account</h1></div>
<p class="lead">Your log-in, sessions, tokens, guest links and where you were in videos are gone at once, and cannot be brought back. To take your videos along, get <a href="/account/data">your data</a> before.</p>
!${formProblem(error, ['password'])}
<form class="fields" method="post" action="/account/remove">!${fateChoice(view, { videos, bytes }, view.can('videos:delete'))}
!${person.hasPassword ? textField(password, error) : ''}
<div class="buttons"><button class="button danger">Remove my account</button><a class="button quiet" href="/account">Keep it</a></div></form></div>`;
  return layout(view, { title: 'Remove my account', place: null, search: null, main });
}
