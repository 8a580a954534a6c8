// What was done, for the owner: log-ins, shares, deletions, settings, newest first, by person and by kind.
import { html } from 'ghtml';
import type { AuditAction, AuditEntry } from '../../accounts/accounts.ts';
import { selectField } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';
import { ageOf } from './account-page.ts';

/** What follows the person's name. */
export const actionWords: Readonly<Record<AuditAction, string>> = {
  'signed-up': 'made an account',
  'signed-in': 'logged in',
  'sign-in-failed': 'A log-in failed',
  'signed-out': 'logged out',
  'session-ended': 'ended a session',
  'device-approved': 'logged in a television',
  'password-changed': 'changed the password',
  'password-reset': 'set a new password with a link',
  'two-factor-on': 'switched the second step on',
  'two-factor-off': 'switched the second step off',
  'passkey-added': 'added a passkey',
  'passkey-removed': 'removed a passkey',
  'person-invited': 'invited somebody',
  'person-changed': 'changed a person',
  'person-removed': 'removed a person',
  'token-added': 'made a token',
  'token-removed': 'removed a token',
  'video-added': 'added a video',
  'video-shared': 'shared a video',
  'video-binned': 'put a video in the bin',
  'video-restored': 'took a video out of the bin',
  'video-removed': 'removed a video for good',
  'folder-shared': 'shared a folder',
  'folder-removed': 'removed a folder',
  'link-made': 'made a guest link',
  'link-opened': 'A guest link was opened',
  'link-refused': 'A guest link refused somebody',
  'link-ended': 'ended a guest link',
  'camera-added': 'added a camera',
  'camera-changed': 'changed a camera',
  'camera-removed': 'removed a camera',
  'camera-shared': 'shared a camera',
  'settings-changed': 'changed settings',
  'data-exported': 'took their data out',
  'data-imported': 'brought data in',
};

type Kind = { readonly value: string; readonly name: string; readonly actions: readonly AuditAction[] };

/** What the log can be narrowed to. */
export const auditKinds: readonly Kind[] = [
  {
    ...{ value: 'log-ins', name: 'Log-ins' },
    actions: ['signed-up', 'signed-in', 'sign-in-failed', 'signed-out', 'session-ended', 'device-approved'],
  },
  {
    ...{ value: 'security', name: 'Passwords, passkeys and tokens' },
    actions: [
      ...(['password-changed', 'password-reset', 'two-factor-on', 'two-factor-off'] as const),
      ...(['passkey-added', 'passkey-removed', 'token-added', 'token-removed'] as const),
    ],
  },
  {
    ...{ value: 'people', name: 'People' },
    actions: ['person-invited', 'person-changed', 'person-removed'],
  },
  {
    ...{ value: 'shares', name: 'Shares and links' },
    actions: [
      ...(['video-shared', 'folder-shared', 'camera-shared', 'link-made'] as const),
      ...(['link-opened', 'link-refused', 'link-ended'] as const),
    ],
  },
  {
    ...{ value: 'videos', name: 'Videos' },
    actions: ['video-added', 'video-binned', 'video-restored', 'video-removed', 'folder-removed'],
  },
  {
    ...{ value: 'settings', name: 'Cameras, settings and data' },
    actions: [
      ...(['camera-added', 'camera-changed', 'camera-removed', 'settings-changed'] as const),
      ...(['data-exported', 'data-imported'] as const),
    ],
  },
];

/** Where the sentence begins with what happened, not with who. */
const withoutSubject: readonly AuditAction[] = ['sign-in-failed', 'link-opened', 'link-refused'];

export type AuditPage = {
  readonly entries: readonly AuditEntry[];
  readonly people: readonly { readonly id: string; readonly name: string }[];
  /** Empty: all. */
  readonly personId: string;
  readonly kind: string;
  /** The address of the older ones; null where these are the last. */
  readonly olderAt: string | null;
};

export function auditPage(view: View, { entries, people, personId, kind, olderAt }: AuditPage): string {
  const query = new URLSearchParams();
  if (personId) query.set('person', personId);
  if (kind) query.set('kind', kind);
  const whose = [{ value: '', name: 'Everybody' }, ...people.map(({ id, name }) => ({ value: id, name }))];
  const kinds = [{ value: '', name: 'Everything' }, ...auditKinds];
  const main = html`<div class="column"><div class="heading"><h1>What was done</h1>
<a class="button quiet" href="/audit.ndjson?${query.toString()}" download="kinora-audit.ndjson">!${icon('download')}Download</a></div>
<form class="filters" method="get" action="/audit">!${selectField({ name: 'person', label: 'Who', value: personId, choices: whose })}
!${selectField({ name: 'kind', label: 'What', value: kind, choices: kinds })}<button class="button">Show</button></form>
!${entries.length === 0 ? '<p class="lead">Nothing of that kind was done.</p>' : html`<ol class="rows log">!${entries.map((entry) => row(view, entry))}</ol>`}
!${olderAt === null ? '' : html`<p class="more"><a class="button" rel="next" href="${olderAt}">Older</a></p>`}</div>`;
  return layout(view, { title: 'What was done', place: null, search: null, main });
}

function row(view: View, { atMs, personName, action, subject, address }: AuditEntry): string {
  const words = actionWords[action];
  const who = withoutSubject.includes(action)
    ? ''
    : html`<bdi><strong>${personName || 'Somebody'}</strong></bdi> `;
  const what = subject === '' ? '' : html`: <bdi>${subject}</bdi>`;
  return html`<li><div><p>!${who}${words}!${what}</p><p class="hint">!${ageOf(view, atMs)}!${address === '' ? '' : html` · ${address}`}</p></div></li>`;
}
