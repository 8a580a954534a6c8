// The television: it shows a code and where to type it, and asks every 5 s whether somebody did; no scripts needed. On
// the phone: who asks, and yes or no.
import { html } from 'ghtml';
import type { WaitingDevice } from '../../accounts/accounts.ts';
import { type FormError, formProblem, textField } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { browserName } from '../user-agent.ts';
import type { View } from '../view.ts';

export type TvLogInPage = {
  readonly userCode: string;
  /** Where the code is typed, as a person reads it: `192.168.1.20:5000/tv`. */
  readonly typedAt: string;
  /** The QR code's SVG. */
  readonly qr: string;
  readonly expiresAtMs: number;
  readonly refreshSeconds: number;
};

/** In groups of four, as people read and type them. */
function spacedCode(code: string): string {
  return code.replace(/(.{4})(?=.)/g, '$1-');
}

export function tvLogInPage(view: View, page: TvLogInPage): string {
  const minutes = Math.max(1, Math.round((page.expiresAtMs - view.nowMs) / 60_000));
  const main = html`<section class="tv-door"><div><h1>Log in with your phone</h1>
<ol class="steps"><li>Point the phone’s camera at the picture, or open <strong class="address">${page.typedAt}</strong></li>
<li>See that it shows this code, and say yes.</li></ol>
<p class="code" aria-label="The code">${spacedCode(page.userCode)}</p>
<p class="hint">This screen goes on by itself. The code holds for ${view.formats.count(minutes)} minutes.</p>
<p><a class="button quiet" href="/login">Use a password instead</a></p></div>
<div class="qr-frame">!${page.qr}</div></section>
<kinora-television-log-in></kinora-television-log-in>`;
  return layout(view, {
    ...{ title: 'Log in with your phone', place: null, search: null, main },
    ...{ scripts: ['television-log-in.js'], refreshSeconds: page.refreshSeconds },
  });
}

/** Somebody said no on the phone. */
export function tvRefusedPage(view: View): string {
  const main = html`<section class="empty"><span class="empty-sign">!${icon('television')}</span><h1>It was refused</h1>
<p>Somebody said no on the phone, so this screen is not logged in.</p>
<a class="button primary" href="/login/tv" autofocus>Show a new code</a></section>`;
  return layout(view, { title: 'It was refused', place: null, search: null, main });
}

export type TvApprovalPage = {
  /** What was typed or came with the QR code. */
  readonly code: string;
  /** What waits with it; null where nothing was asked for yet or nothing waits. */
  readonly device: WaitingDevice | null;
  readonly error: FormError | null;
};

/** On the phone: the code, then who asks with it. */
export function tvApprovalPage(view: View, { code, device, error }: TvApprovalPage): string {
  const title = 'Log in a television';
  const main = html`<div class="column narrow"><h1>${title}</h1>!${formProblem(error, ['code'])}
!${device ? question(view, device) : codeForm(code, error)}</div>`;
  return layout(view, { title, place: null, search: null, main });
}

function codeForm(code: string, error: FormError | null): string {
  const field = {
    ...{ name: 'code', label: 'Code on the television', value: code, autocomplete: 'off', maxLength: 20 },
    ...{ isFirst: true, more: 'class="spaced"' },
    hint: 'On the television, choose “Log in with your phone”: it shows eight letters and digits.',
  };
  return html`<form class="fields" method="get" action="/tv">!${textField(field, error)}
<div class="buttons"><button class="button primary">Go on</button></div></form>`;
}

function question(view: View, device: WaitingDevice): string {
  const name = view.viewer?.name ?? '';
  return html`<div class="asked"><p class="code">${spacedCode(device.userCode)}</p>
<p>Is this the code on your television? Saying yes logs it in as <bdi><strong>${name}</strong></bdi>: whoever holds its remote sees what you see.</p>
<dl class="pairs"><div><dt>It is</dt><dd dir="auto">${browserName(device.userAgent)}</dd></div>
<div><dt>Its address</dt><dd>${device.address}</dd></div></dl>
<p class="hint">If somebody sent you this link or code, and no television of yours shows it, say no.</p>
<form method="post" action="/tv" class="buttons"><input type="hidden" name="code" value="${device.userCode}">
<button class="button primary" name="answer" value="yes">Yes, log it in</button><button class="button" name="answer" value="no">No</button></form></div>`;
}

/** What became of it. */
export function tvAnsweredPage(view: View, isApproved: boolean): string {
  const title = isApproved ? 'The television is logged in' : 'The television was refused';
  const main = html`<section class="empty"><span class="empty-sign">!${icon(isApproved ? 'tick' : 'television')}</span><h1>${title}</h1>
<p>!${isApproved ? 'It goes on by itself in a few seconds. You can end that at any time in your account, under “Where you are logged in”.' : 'Nothing was opened.'}</p>
<a class="button" href="/">To the first page</a></section>`;
  return layout(view, { title, place: null, search: null, main });
}
