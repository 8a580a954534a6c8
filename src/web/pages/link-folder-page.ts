// A folder for the visitor of a guest link: what is in it now. Each step leads further in or back up to the link's own
// folder, never out of it.
import { html } from 'ghtml';
import type { LinkedFolder } from '../../accounts/guest-links.ts';
import type { GuestLink, Video } from '../../catalogue/catalogue.ts';
import { isSoundOnly, lightClasses } from '../cards.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

export type LinkFolderContent = {
  /** The link's own address: `/l/SECRET`. */
  readonly home: string;
  readonly link: GuestLink;
  readonly shown: LinkedFolder;
};

export function linkFolderPage(view: View, { home, shown }: LinkFolderContent): string {
  const { folder, path, folders, videos, next } = shown;
  const address = (id: string) => (id === path[0]!.id ? home : `${home}/folders/${id}`);
  const up = path.slice(0, -1);
  const isEmpty = folders.length === 0 && videos.length === 0;
  const main = html`!${
    up.length === 0
      ? ''
      : html`<nav class="guest-path" aria-label="Folders around this one">!${up.map((entry) => html`<a href="${address(entry.id)}" dir="auto">${entry.name}</a>`)}</nav>`
  }
<div class="heading"><h1 dir="auto">${folder.name}</h1></div>
!${
    folders.length === 0
      ? ''
      : html`<ul class="guest-folders">!${folders.map(
          (inner) =>
            html`<li><a class="button" href="${address(inner.id)}">!${icon('folder')}<span dir="auto">${inner.name}</span></a></li>`,
        )}</ul>`
  }
!${videos.length === 0 ? '' : html`<ul class="grid" data-arrows>!${videos.map((video) => card(view, video, home))}</ul>`}
!${isEmpty ? html`<section class="empty"><span class="empty-sign">!${icon('film')}</span><h2>Nothing here yet</h2><p>What is put into this folder shows up here.</p></section>` : ''}
!${next === null ? '' : html`<p class="more"><a class="button" href="${address(folder.id)}?after=${next}">Show more</a></p>`}`;
  return layout(view, { title: folder.name, place: null, search: null, main, guestHome: home });
}

function card(view: View, video: Video, home: string): string {
  const length =
    video.durationMs === null
      ? ''
      : html`<span class="length">${view.formats.duration(video.durationMs)}</span>`;
  const sign =
    video.status !== 'ready'
      ? html`<span class="sign">!${icon('warning')}Cannot be played</span>`
      : isSoundOnly(video)
        ? html`<span class="sign">!${icon('sound')}Sound only</span>`
        : '';
  return html`<li class="card !${video.status}"><a href="${home}/videos/${video.id}">
<span class="poster !${lightClasses(video.id)}">!${sign}!${length}</span>
<span class="name" dir="auto">${video.title}</span></a></li>`;
}
