// The frame of every page: the bar with the places that are open to who looks, search, the menu of one's account, the
// main landmark, and what scripts need to hang on to (the upload tray, the table of keys).
import { html } from 'ghtml';
import { householdId, type Permission } from '../accounts/permissions.ts';
import { type IconName, icon } from './icons.ts';
import { keysDialog } from './keys.ts';
import type { View } from './view.ts';

export type Place = 'home' | 'videos' | 'cameras' | 'upload' | 'settings';

export type Page = {
  /** Plain text; the program's name is added. */
  readonly title: string;
  readonly place: Place | null;
  /** Markup of the main landmark. */
  readonly main: string;
  /** Words in the search field; null hides the field. */
  readonly search: string | null;
  /** Scripts of this page beside `base.js`. */
  readonly scripts?: readonly string[];
  /** Reloads after so many seconds where there are no scripts. */
  readonly refreshSeconds?: number | null;
  /** A class on the body for pages that are laid out otherwise. */
  readonly kind?: string;
  /** Of a guest link: where the brand leads. Nobody is told the page's address, which holds a secret. */
  readonly guestHome?: string;
};

type PlaceEntry = {
  readonly place: Place & IconName;
  readonly name: string;
  readonly permission: Permission;
};

const places: readonly PlaceEntry[] = [
  { place: 'videos', name: 'Videos', permission: 'videos:watch' },
  { place: 'cameras', name: 'Cameras', permission: 'cameras:watch' },
  { place: 'upload', name: 'Upload', permission: 'videos:add' },
  { place: 'settings', name: 'Settings', permission: 'self' },
];

/** The whole document. */
export function layout(view: View, page: Page): string {
  const theme = view.theme === 'system' ? 'light dark' : view.theme;
  return html`<!doctype html>
<html lang="en" data-theme="${view.theme}"!${view.isTv ? ' data-tv' : ''}>
<head>
<meta charset="utf-8">
<title>${page.title === 'Kinora' ? 'Kinora' : `${page.title} · Kinora`}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="${theme}">
<meta name="theme-color" content="#171310" media="(prefers-color-scheme: dark)">
<meta name="theme-color" content="#faf7f2" media="(prefers-color-scheme: light)">
<meta name="referrer" content="${page.guestHome === undefined ? 'same-origin' : 'no-referrer'}">
<link rel="icon" href="${view.asset('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${view.asset('styles.css')}">
!${[page.refreshSeconds ? html`<noscript><meta http-equiv="refresh" content="${page.refreshSeconds}"></noscript>` : '']}
<script type="module" src="${view.asset('base.js')}"></script>
!${(page.scripts ?? []).map((name) => html`<script type="module" src="${view.asset(name)}"></script>`)}
</head>
<body class="${page.kind ?? ''}">
<a class="skip" href="#main">Skip to the content</a>
<header class="bar!${page.search !== null && view.can('videos:watch') ? ' with-search' : ''}">
  <a class="brand" href="${page.guestHome ?? '/'}"!${page.place === 'home' ? ' aria-current="page"' : ''}>!${brandMark}<span>Kinora</span></a>
  !${view.viewer === null ? '' : navigation(view, page)}
</header>
<main id="main" tabindex="-1">
!${page.main}
</main>
!${view.can('videos:add') ? html`<kinora-uploads data-person="${view.viewer?.personId ?? ''}"></kinora-uploads>` : ''}
!${view.viewer === null ? '' : keysDialog}
</body>
</html>
`;
}

/** A lamp and its cone of light. */
const brandMark =
  '<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">' +
  '<path class="cone" d="M9 12 22 5.5v13z"/><circle class="lamp" cx="7" cy="12" r="4.5"/></svg>';

function navigation(view: View, page: Page): string {
  const open = places.filter((entry) => view.can(entry.permission));
  const search = page.search !== null && view.can('videos:watch') ? searchForm(page.search) : '';
  return html`<nav class="places" aria-label="Places">!${open.map((entry) => placeLink(entry, page.place))}</nav>
  !${search}!${accountMenu(view)}`;
}

function placeLink({ place, name }: PlaceEntry, current: Place | null): string {
  const state = place === current ? ' aria-current="page"' : '';
  return html`<a href="/${place}"!${state}>!${icon(place)}<span>${name}</span></a>`;
}

/** One's own account; nothing where everybody is the household. Leaving is a form: a link could be followed by anything. */
function accountMenu({ viewer, can }: View): string {
  if (viewer === null || viewer.personId === householdId) return '';
  const entries: readonly (readonly [Permission, string, IconName, string])[] = [
    ['self', '/account', 'person', 'Account'],
    ['people:manage', '/people', 'people', 'People'],
    ['audit:read', '/audit', 'list', 'What was done'],
    ['self', '/tv', 'television', 'Log in a television'],
  ];
  const links = entries.filter(([permission]) => can(permission));
  return html`<details class="account"><summary>!${icon('person')}<span class="unseen">Account of </span><span class="who" dir="auto">${viewer.name}</span></summary>
<div class="menu">!${links.map(([, href, sign, name]) => html`<a href="${href}">!${icon(sign)}${name}</a>`)}!${
    viewer.sessionId === null
      ? ''
      : html`<form method="post" action="/logout"><button>!${icon('leave')}Log out</button></form>`
  }</div></details>`;
}

function searchForm(words: string): string {
  return html`<form class="search" role="search" action="/videos">
    !${icon('search')}<input type="search" name="q" value="${words}" maxlength="200" placeholder="Search videos" aria-label="Search videos" autocomplete="off" enterkeyhint="search">
  </form>`;
}
