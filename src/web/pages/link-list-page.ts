// The guest links to one thing, and the form that makes one. A link that was just made is shown this once, to be copied
// or read off by a phone: what is kept of it cannot be turned back into its address.
import { html } from 'ghtml';
import type { GuestLink } from '../../catalogue/catalogue.ts';
import { timeAgo } from '../cards.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { qrCode } from '../qr-code.ts';
import type { View } from '../view.ts';
import { moment } from './link-door-page.ts';

export type LinkSubject = {
  readonly subject: GuestLink['subject'];
  readonly id: string;
  readonly name: string;
  /** Of a video; null where a stretch cannot be cut out of it. */
  readonly durationMs: number | null;
};

/** What was typed, as text; never the password. */
export type LinkFormValues = Readonly<
  Record<'note' | 'lasts' | 'start' | 'end' | 'visits' | 'download', string>
>;

export type LinkListContent = {
  readonly of: LinkSubject;
  readonly links: readonly GuestLink[];
  /** The whole address of the link that was made with the request before; null else. */
  readonly madeUrl: string | null;
  readonly values: LinkFormValues;
  readonly error: string | null;
};

/** How long a link lasts, by the seconds that the form sends; empty for one without an end. */
export const lastings: readonly {
  readonly seconds: string;
  readonly name: string;
  readonly isShort: boolean;
}[] = [
  { seconds: '3600', name: 'An hour', isShort: true },
  { seconds: '28800', name: 'Eight hours', isShort: true },
  { seconds: '86400', name: 'A day', isShort: true },
  { seconds: '604800', name: 'A week', isShort: true },
  { seconds: '2592000', name: 'A month', isShort: true },
  { seconds: '31536000', name: 'A year', isShort: false },
  { seconds: '', name: 'Until I end it', isShort: false },
];

export const emptyLinkForm: LinkFormValues = {
  ...{ note: '', lasts: '604800', start: '', end: '', visits: '', download: '' },
};

export function subjectAddress({ subject, id }: Pick<LinkSubject, 'subject' | 'id'>): string {
  return `/${subject}s/${encodeURIComponent(id)}`;
}

export async function linkListPage(view: View, content: LinkListContent): Promise<string> {
  const { of, links } = content;
  const address = subjectAddress(of);
  const main = html`<div class="column links"><div class="heading"><h1><a class="up" href="${address}" aria-label="Back to ${of.name}">!${icon('back')}</a><span>Guest links to <bdi>${of.name}</bdi></span></h1></div>
<p class="hint">Somebody with such a link needs no account. It gives this alone, and nothing beside it.</p>
!${content.madeUrl === null ? '' : await madeLink(content.madeUrl)}
<section aria-labelledby="new-link"><h2 id="new-link">A new link</h2>!${linkForm(content)}</section>
<section aria-labelledby="links"><h2 id="links">Links there are</h2>!${
    links.length === 0
      ? html`<p class="hint">None yet.</p>`
      : html`<ul class="link-list">!${links.map((link) => linkEntry(view, link, null, `${address}/links`))}</ul>`
  }</section></div>`;
  return layout(view, {
    ...{ title: `Guest links to ${of.name}`, place: of.subject === 'camera' ? 'cameras' : 'videos' },
    ...{ search: null, main, scripts: ['links.js'] },
  });
}

/** All links of a person, with what each leads to. */
export function ownLinksPage(
  view: View,
  links: readonly { readonly link: GuestLink; readonly name: string }[],
): string {
  const main = html`<div class="column links"><div class="heading"><h1><a class="up" href="/account" aria-label="Back to the account">!${icon('back')}</a>Guest links</h1></div>
<p class="hint">Links are made on the page of a video, a folder or a camera. Ended here, one leads nowhere at once.</p>
!${
    links.length === 0
      ? html`<section class="empty"><span class="empty-sign">!${icon('link')}</span><h2>No guest links</h2><p>Nothing is shared with people outside this house.</p><a class="button primary" href="/videos">To the videos</a></section>`
      : html`<ul class="link-list">!${links.map(({ link, name }) => linkEntry(view, link, name, '/account/links'))}</ul>`
  }</div>`;
  return layout(view, { title: 'Guest links', place: null, search: null, main });
}

async function madeLink(url: string): Promise<string> {
  return html`<section class="made-link" aria-labelledby="made"><h2 id="made">Here is the link</h2>
<p>It is shown this once. Copy it now, or read it with a phone.</p>
<kinora-copy-text><input readonly value="${url}" aria-label="Address of the link" dir="ltr"><button class="button primary" type="button" hidden>!${icon('link')}Copy</button></kinora-copy-text>
<div class="qr-frame">!${await qrCode(url, 'QR code of the link')}</div></section>`;
}

function linkForm({ of, values, error }: LinkListContent): string {
  const isCamera = of.subject === 'camera';
  const choices = lastings.filter(({ isShort }) => isShort || !isCamera);
  const stretch =
    of.subject === 'video' && of.durationMs !== null
      ? html`<fieldset class="field"><legend>Only a stretch of it</legend><div class="side-by-side">!${field({ name: 'start', label: 'From', value: values.start, more: 'placeholder="0:00" inputmode="text" maxlength="20"' })}!${field({ name: 'end', label: 'To', value: values.end, more: 'placeholder="the end" inputmode="text" maxlength="20"' })}</div>
<p class="hint">Such as 1:05 or 1:02:09; left empty it is the whole video. The file of a stretch may hold some seconds before it, which players do not show: video can only be cut at certain pictures.</p></fieldset>`
      : '';
  const download = isCamera
    ? ''
    : html`<div class="field"><label class="tick"><input type="checkbox" name="download" value="1"!${values.download === '1' ? ' checked' : ''}> Allow the download</label>
<p class="hint">Without it no file is offered, but nothing can keep somebody who can watch from recording.</p></div>`;
  return html`<form method="post" action="${subjectAddress(of)}/links" class="link-form">
!${error === null ? '' : html`<p class="remark" role="alert" id="problem">!${icon('warning')}${error}</p>`}
!${field({ name: 'note', label: 'For whom', value: values.note, more: 'maxlength="200" dir="auto"', hint: 'For you alone, to tell links apart.' })}
<div class="field"><label for="lasts">It lasts</label><select id="lasts" name="lasts">!${choices.map(
    ({ seconds, name }) =>
      html`<option value="${seconds}"!${seconds === values.lasts ? ' selected' : ''}>${name}</option>`,
  )}</select></div>
!${stretch}
!${field({ name: 'password', label: 'Password, if there is to be one', value: '', type: 'password', more: 'maxlength="200"', hint: 'Say it another way than the link goes: on the phone, for instance.' })}
!${field({ name: 'visits', label: 'For how many visitors', value: values.visits, more: 'inputmode="numeric" maxlength="5" placeholder="any number"', hint: 'Each browser that opens it counts once.' })}
!${download}
!${isCamera ? html`<p class="hint">Whoever has the link sees the live picture, and may record it, until it ends.</p>` : ''}
<button class="button primary">!${icon('link')}Make the link</button></form>`;
}

function field(options: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly type?: string;
  readonly more: string;
  readonly hint?: string;
}): string {
  const { name, label, value, type = 'text', more, hint } = options;
  return html`<div class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" value="${value}" autocomplete="!${type === 'password' ? 'new-password' : 'off'}"!${hint ? html` aria-describedby="${name}-hint"` : ''} !${more}>!${hint ? html`<p class="hint" id="${name}-hint">${hint}</p>` : ''}</div>`;
}

/** `name`: what it leads to, where the page does not say so already. */
function linkEntry(view: View, link: GuestLink, name: string | null, back: string): string {
  const { formats } = view;
  const isOver = link.expiresAtMs !== null && link.expiresAtMs <= view.nowMs;
  const of = { subject: link.subject, id: link.subjectId };
  const facts = [
    link.startSeconds === null && link.endSeconds === null ? null : stretchText(view, link),
    isOver ? 'Over' : null,
    visitText(view, link),
    link.passwordHash === null ? null : 'with a password',
    link.allowsDownload ? 'download allowed' : null,
  ].filter((fact) => fact !== null);
  return html`<li>
<div><p class="link-name">!${name === null ? '' : html`<a href="${subjectAddress(of)}"><bdi>${name}</bdi></a> `}<bdi>${link.note || (name === null ? 'Without a note' : '')}</bdi></p>
<p class="facts">!${facts.map((fact) => html`<span>${fact}</span> `)}<span>made !${timeAgo(view, link.createdAtMs)}</span>!${
    link.expiresAtMs === null || isOver
      ? ''
      : html` <span lang="${formats.locale}">ends !${moment(view, link.expiresAtMs)}</span>`
  }</p></div>
<form method="post" action="/account/links/${link.id}/end"><input type="hidden" name="back" value="${back}"><button class="button small">!${icon('bin')}!${isOver ? 'Remove' : 'End it'}</button></form></li>`;
}

function stretchText(view: View, { startSeconds, endSeconds }: GuestLink): string {
  const start = view.formats.duration((startSeconds ?? 0) * 1000);
  return endSeconds === null ? `from ${start}` : `${start} to ${view.formats.duration(endSeconds * 1000)}`;
}

function visitText(view: View, { visits, maxVisits }: GuestLink): string {
  const count = view.formats.count(visits);
  if (maxVisits !== null) return `opened by ${count} of ${view.formats.count(maxVisits)} visitors`;
  if (visits === 0) return 'not opened yet';
  return visits === 1 ? 'opened by 1 visitor' : `opened by ${count} visitors`;
}
