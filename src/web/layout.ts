// The frame of every page: the bar with the four places, search, the main landmark, and what scripts need to hang
// on to (the upload tray, the table of keys).
import { html } from 'ghtml';
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
};

const places: readonly { readonly place: Place; readonly name: string; readonly icon: IconName }[] = [
  { place: 'videos', name: 'Videos', icon: 'videos' },
  { place: 'cameras', name: 'Cameras', icon: 'cameras' },
  { place: 'upload', name: 'Upload', icon: 'upload' },
  { place: 'settings', name: 'Settings', icon: 'settings' },
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
<meta name="referrer" content="same-origin">
<link rel="icon" href="${view.asset('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${view.asset('styles.css')}">
!${[page.refreshSeconds ? html`<noscript><meta http-equiv="refresh" content="${page.refreshSeconds}"></noscript>` : '']}
<script type="module" src="${view.asset('base.js')}"></script>
!${(page.scripts ?? []).map((name) => html`<script type="module" src="${view.asset(name)}"></script>`)}
</head>
<body class="${page.kind ?? ''}">
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
  <a class="brand" href="/"!${page.place === 'home' ? ' aria-current="page"' : ''}>!${brandMark}<span>Kinora</span></a>
  <nav class="places" aria-label="Places">!${places.map((entry) => placeLink(entry, page.place))}</nav>
  !${page.search === null ? '' : searchForm(page.search)}
</header>
<main id="main" tabindex="-1">
!${page.main}
</main>
<kinora-uploads></kinora-uploads>
!${keysDialog}
</body>
</html>
`;
}

/** A lamp and its cone of light. */
const brandMark =
  '<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">' +
  '<path class="cone" d="M9 12 22 5.5v13z"/><circle class="lamp" cx="7" cy="12" r="4.5"/></svg>';

function placeLink(entry: (typeof places)[number], current: Place | null): string {
  const state = entry.place === current ? ' aria-current="page"' : '';
  return html`<a href="/${entry.place}"!${state}>!${icon(entry.icon)}<span>${entry.name}</span></a>`;
}

function searchForm(words: string): string {
  return html`<form class="search" role="search" action="/videos">
    !${icon('search')}<input type="search" name="q" value="${words}" maxlength="200" placeholder="Search videos" aria-label="Search videos" autocomplete="off" enterkeyhint="search">
  </form>`;
}
