// The library and its bin: a grid, searched by a plain form, followed by a plain link to the next page. Scripts
// fetch the same pages and put the new cards in place.
import { html } from 'ghtml';
import type { Progress, VideoPage } from '../../catalogue/catalogue.ts';
import { videoCard } from '../cards.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';
import { emptyLibrary } from './home-page.ts';

export type VideosPage = {
  readonly page: VideoPage;
  readonly progress: ReadonlyMap<string, Progress>;
  readonly query: string;
  readonly isFirst: boolean;
  readonly isBin: boolean;
  /** How long a video stays in the bin. */
  readonly binMs: number;
  /** One that was just put in the bin, to be undone. */
  readonly binned: { readonly id: string; readonly title: string } | null;
};

export function videosPage(view: View, list: VideosPage): string {
  const title = list.isBin ? 'Bin' : list.query ? `“${list.query}”` : 'Videos';
  const main = html`!${list.binned ? undoNotice(list.binned, list.binMs) : ''}
<div class="heading"><h1>!${list.isBin ? html`<a class="up" href="/videos" aria-label="Back to videos">!${icon('back')}</a>` : ''}${title}</h1>
!${list.isBin ? '' : html`<a class="button quiet" href="/videos?bin">!${icon('bin')}Bin</a>`}</div>
<kinora-library id="results" aria-live="off">
!${results(view, list)}
</kinora-library>`;
  const search = list.isBin ? null : list.query;
  return layout(view, { title, place: 'videos', search, main, scripts: ['library.js'] });
}

function results(view: View, list: VideosPage): string {
  const { items, next } = list.page;
  if (items.length === 0) return nothing(list);
  const cards = items.map((video) =>
    videoCard(view, video, {
      progress: list.progress.get(video.id),
      ...(list.isBin ? { binMs: list.binMs } : {}),
    }),
  );
  const lead = list.isBin
    ? html`<p class="lead">Videos stay here for ${Math.round(list.binMs / 86_400_000)} days and are then gone for good.</p>`
    : '';
  return html`!${lead}<ul class="grid" data-arrows data-live>!${cards}</ul>
!${next === null ? '' : html`<p class="more"><a class="button" rel="next" href="${nextAddress(list, next)}">More</a></p>`}`;
}

function nextAddress(list: VideosPage, after: string): string {
  const parameters = new URLSearchParams();
  if (list.query) parameters.set('q', list.query);
  parameters.set('after', after);
  return `/videos?${list.isBin ? 'bin&' : ''}${parameters}`;
}

function nothing(list: VideosPage): string {
  if (list.isBin) {
    return html`<section class="empty"><span class="empty-sign">!${icon('bin')}</span>
<h2>The bin is empty</h2><p>What you put in the bin can be taken out again for ${Math.round(list.binMs / 86_400_000)} days.</p>
<a class="button" href="/videos">To the videos</a></section>`;
  }
  if (list.query) {
    return html`<section class="empty"><span class="empty-sign">!${icon('search')}</span>
<h2>Nothing found</h2><p>No title has words that begin with <q dir="auto">${list.query}</q>.</p>
<a class="button" href="/videos">Show all videos</a></section>`;
  }
  return list.isFirst ? emptyLibrary : html`<p class="lead">That was the last one.</p>`;
}

function undoNotice(binned: { readonly id: string; readonly title: string }, binMs: number): string {
  return html`<div class="notice" role="status"><p><bdi>${binned.title}</bdi> is in the bin for ${Math.round(binMs / 86_400_000)} days.</p>
<form method="post" action="/videos/${binned.id}/restore"><button class="button small">!${icon('restore')}Undo</button></form></div>`;
}
