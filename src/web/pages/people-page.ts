// The people of the house, for the owner: who there is and what each has, one person's role and room, and what becomes
// of everything when somebody goes.
import { html } from 'ghtml';
import type { Invite, Person } from '../../accounts/accounts.ts';
import { type Role, roles } from '../../accounts/permissions.ts';
import { copyable } from '../copyable.ts';
import { type FormError, formProblem, radioFields, textField } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { quotaMeter } from '../quota-meter.ts';
import { roleWords } from '../role-words.ts';
import type { View } from '../view.ts';
import { ageOf, loginOf } from './account-page.ts';
import { fateChoice } from './account-steps.ts';

/** What somebody has stored. */
export type Stored = { readonly videos: number; readonly bytes: number };

export type PeoplePage = {
  readonly people: readonly (Person & { readonly stored: Stored })[];
  readonly invites: readonly Invite[];
  /** Whether invitations let anybody in. */
  readonly takesInvites: boolean;
  /** Whether Kinora itself lets people in (KINORA_AUTH=accounts). */
  readonly hasDoor: boolean;
  readonly notice: string | null;
};

export function peoplePage(
  view: View,
  { people, invites, takesInvites, hasDoor, notice }: PeoplePage,
): string {
  const noMore = hasDoor
    ? '<p class="hint">New people are not taken (<code>KINORA_SIGN_UP=closed</code>).</p>'
    : '<p class="hint">Who comes in is not decided here; <a href="/settings">Settings</a> say by what.</p>';
  const main = html`<div class="column"><div class="heading"><h1>People</h1>
!${takesInvites ? html`<a class="button primary" href="/people/invite">!${icon('add')}Invite somebody</a>` : ''}</div>
!${notice === null ? '' : html`<p class="good" role="status">${notice}</p>`}
<ul class="rows people">!${people.map((person) => personRow(view, person))}</ul>
!${takesInvites ? '' : noMore}
!${
    invites.length === 0
      ? ''
      : html`<section aria-labelledby="invites"><h2 id="invites">Invited</h2><ul class="rows">!${invites.map((invite) => inviteRow(view, invite))}</ul></section>`
  }</div>`;
  return layout(view, { title: 'People', place: null, search: null, main });
}

function personRow(view: View, person: PeoplePage['people'][number]): string {
  const { id, name, role, stored, quotaBytes, lastSeenAtMs } = person;
  const seen = lastSeenAtMs === null ? 'never seen' : html`seen !${ageOf(view, lastSeenAtMs)}`;
  return html`<li><div><a href="/people/${id}"><strong dir="auto">${name}</strong></a> <span class="badge">${roleWords[role].name}</span>!${
    person.isDisabled ? ' <span class="badge off">Switched off</span>' : ''
  }!${view.viewer?.personId === id ? ' <span class="badge">You</span>' : ''}
<p class="hint">!${loginOf(person)} · !${seen} · ${countOf(view, stored.videos)}</p>
!${role === 'guest' && stored.videos === 0 ? '' : quotaMeter(view, { usedBytes: stored.bytes, quotaBytes })}</div>
<a class="button small" href="/people/${id}" aria-label="Change ${name}">Change</a></li>`;
}

function countOf({ formats }: View, videos: number): string {
  return `${formats.count(videos)} ${videos === 1 ? 'video' : 'videos'}`;
}

function inviteRow(view: View, { id, role, note, expiresAtMs }: Invite): string {
  const { formats } = view;
  const until = html`until <time datetime="${new Date(expiresAtMs).toISOString()}">${formats.moment(expiresAtMs)}</time>`;
  return html`<li><div><strong dir="auto">${note || 'Somebody'}</strong> <span class="badge">${roleWords[role].name}</span><p class="hint">The link holds !${until}</p></div>
<form method="post" action="/people/invites/remove"><button class="button small" name="id" value="${id}" aria-label="Take back the invitation of ${note || 'somebody'}">Take back</button></form></li>`;
}

/** What the role and the room are set to, as typed. */
export type PersonForm = { readonly role: string; readonly quota: string };

function roleChoice(value: string): string {
  const choices = roles.map((role: Role) => ({
    value: role,
    name: roleWords[role].name,
    hint: roleWords[role].about,
  }));
  return radioFields({ name: 'role', legend: 'Role', value, choices });
}

function quotaField(value: string, error: FormError | null): string {
  return textField(
    {
      ...{
        name: 'quota',
        label: 'Room for videos, GB',
        value,
        autocomplete: 'off',
        maxLength: 12,
        isOptional: true,
      },
      ...{ hint: 'Leave it empty for no limit.', more: 'inputmode="decimal"' },
    },
    error,
  );
}

export type PersonPage = {
  readonly person: Person;
  readonly stored: Stored;
  readonly form: PersonForm;
  readonly error: FormError | null;
  /** Whether this is who looks. */
  readonly isSelf: boolean;
  readonly hasDoor: boolean;
};

export function personPage(view: View, page: PersonPage): string {
  const { person, stored, form, error, isSelf, hasDoor } = page;
  const { formats } = view;
  const seen = person.lastSeenAtMs === null ? 'never' : ageOf(view, person.lastSeenAtMs);
  const main = html`<div class="column"><div class="heading"><h1><a class="up" href="/people" aria-label="Back to people">!${icon('back')}</a><span dir="auto">${person.name}</span></h1></div>
!${formProblem(error, ['quota'])}
<dl class="pairs"><div><dt>Logs in as</dt><dd>!${loginOf(person)}</dd></div><div><dt>Last seen</dt><dd>!${seen}</dd></div>
<div><dt>Here since</dt><dd>!${ageOf(view, person.createdAtMs)}</dd></div><div><dt>Second step</dt><dd>${person.hasTwoFactor ? 'On' : 'Off'}</dd></div>
<div><dt>Stored</dt><dd>${countOf(view, stored.videos)}, ${formats.size(stored.bytes)}</dd></div></dl>
<form class="fields" method="post" action="/people/${person.id}">!${roleChoice(form.role)}!${quotaField(form.quota, error)}
<div class="buttons"><button class="button primary">Save</button></div></form>
<div class="settings">
!${hasDoor ? resetSection(person) : ''}
!${isSelf ? '' : switchSection(person)}
!${isSelf ? '<section><h2>Leaving</h2><p class="hint">Your own account is removed <a href="/account/remove">on its own page</a>.</p></section>' : removeSection(view, person, stored)}
</div></div>`;
  return layout(view, { title: person.name, place: null, search: null, main });
}

function resetSection({ id }: Person): string {
  return html`<section aria-labelledby="reset"><h2 id="reset">Password forgotten?</h2><p class="hint">A link to set a new one, for you to hand over. It holds for a day and works once.</p>
<form method="post" action="/people/${id}/reset"><button class="button">Make a link</button></form></section>`;
}

function switchSection({ id, isDisabled }: Person): string {
  return html`<section aria-labelledby="switch"><h2 id="switch">${isDisabled ? 'Switched off' : 'Switch off'}</h2>
<p class="hint">${isDisabled ? 'Nobody can log in with this account. What it shared stays shared.' : 'Logged out everywhere at once, tokens too, and no log-in until it is switched on again. The videos stay.'}</p>
<form method="post" action="/people/${id}/switch"><button class="button" name="isDisabled" value="${isDisabled ? '0' : '1'}">${isDisabled ? 'Switch it on again' : 'Switch it off'}</button></form></section>`;
}

function removeSection(view: View, { id, name }: Person, { videos, bytes }: Stored): string {
  return html`<section aria-labelledby="remove"><h2 id="remove">Remove</h2><details class="unfold"><summary class="button quiet">!${icon('bin')}Remove this person</summary>
<form class="fields" method="post" action="/people/${id}/remove"><p class="hint">The account, its sessions, tokens and guest links are gone at once and cannot be brought back.</p>
!${fateChoice(view, { videos, bytes })}
<div class="buttons"><button class="button danger">Remove <bdi>${name}</bdi></button></div></form></details></section>`;
}

export type InvitePage = PersonForm & {
  readonly note: string;
  readonly days: string;
  readonly error: FormError | null;
};

/** How long an invitation can hold, days. */
export const inviteDays = ['1', '7', '30'] as const;

export function invitePage(view: View, { role, quota, note, days, error }: InvitePage): string {
  const up = html`<a class="up" href="/people" aria-label="Back to people">!${icon('back')}</a>`;
  const forWhom = {
    ...{
      name: 'note',
      label: 'For whom',
      value: note,
      autocomplete: 'off',
      maxLength: 100,
      isOptional: true,
    },
    hint: 'For your own list; they choose their name themselves.',
  };
  const holds = inviteDays.map((value) => ({ value, name: value === '1' ? 'A day' : `${value} days` }));
  const main = html`<div class="column narrow"><div class="heading"><h1>!${up}Invite somebody</h1></div>
<p class="lead">They get a link that makes one account. It works once.</p>!${formProblem(error, ['note', 'quota'])}
<form class="fields" method="post" action="/people/invite">!${textField(forWhom, error)}!${roleChoice(role)}!${quotaField(quota, error)}
!${radioFields({ name: 'days', legend: 'The link holds for', value: days, choices: holds })}
<div class="buttons"><button class="button primary">Make the link</button></div></form></div>`;
  return layout(view, { title: 'Invite somebody', place: null, search: null, main });
}

export type LinkPage = {
  readonly title: string;
  readonly lead: string;
  readonly address: string;
  /** The QR code's SVG. */
  readonly qr: string;
};

/** A link with a secret, shown this once. */
export function secretLinkPage(view: View, { title, lead, address, qr }: LinkPage): string {
  const main = html`<div class="column narrow"><div class="heading"><h1><a class="up" href="/people" aria-label="Back to people">!${icon('back')}</a>${title}</h1></div>
<p class="lead">${lead}</p>!${copyable('Link', address)}<div class="qr-frame">!${qr}</div>
<p><a class="button" href="/people">Done</a></p></div>`;
  return layout(view, { title, place: null, search: null, main, scripts: ['links.js'] });
}
