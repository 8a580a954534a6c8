// What a guest link shows before it shows anything: a button, and a password where one is asked for. A messenger that
// looks what is behind a link sees this page, and nothing is counted. And what a link shows that has ended.
import { html } from 'ghtml';
import type { GuestLink } from '../../catalogue/catalogue.ts';
import type { Problem } from '../../errors.ts';
import { type IconName, icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

export type LinkDoorContent = {
  /** The link's own address: `/l/SECRET`. */
  readonly home: string;
  readonly subject: GuestLink['subject'];
  /** Of the thing; null where the password comes first. */
  readonly name: string | null;
  readonly needsPassword: boolean;
  readonly expiresAtMs: number | null;
};

const words: Readonly<Record<GuestLink['subject'], { sign: IconName; what: string; button: string }>> = {
  video: { sign: 'film', what: 'A video for you', button: 'Watch' },
  folder: { sign: 'folder', what: 'A folder of videos for you', button: 'Look inside' },
  camera: { sign: 'cameras', what: 'A live camera for you', button: 'Watch' },
};

export function linkDoorPage(view: View, content: LinkDoorContent, error: string | null): string {
  const { home, name, needsPassword, expiresAtMs } = content;
  const { sign, what, button } = words[content.subject];
  const title = name ?? what;
  const main = html`<section class="empty guest-door"><span class="empty-sign">!${icon(sign)}</span>
<h1 dir="auto">${title}</h1>
!${name === null ? '' : html`<p>${what}.</p>`}
!${error === null ? '' : html`<p class="remark" role="alert">!${icon('warning')}${error}</p>`}
<form method="post" action="${home}">!${
    needsPassword
      ? html`<label for="password">Password of this link</label>
<input id="password" name="password" type="password" maxlength="200" required autocomplete="off" autofocus>`
      : ''
  }<button class="button primary"!${needsPassword ? '' : ' autofocus'}>!${icon('play')}${button}</button></form>
!${expiresAtMs === null ? '' : html`<p class="hint">This link ends on !${moment(view, expiresAtMs)}.</p>`}
</section>`;
  return layout(view, { title, place: null, search: null, main, guestHome: home });
}

/** A link that leads nowhere, or something of it that is not there. */
export function linkErrorPage(view: View, problem: Problem, home: string): string {
  const main = html`<section class="empty"><span class="empty-sign">!${icon('warning')}</span>
<h1>${problem.title}</h1><p>${problem.detail}</p><p class="hint">Error ${problem.status}</p></section>`;
  return layout(view, { title: problem.title, place: null, search: null, main, guestHome: home });
}

/** The exact moment; scripts put it into the viewer's own time zone. */
export function moment(view: View, atMs: number): string {
  const { formats } = view;
  return html`<time datetime="${new Date(atMs).toISOString()}" lang="${formats.locale}">${formats.moment(atMs)}</time>`;
}
