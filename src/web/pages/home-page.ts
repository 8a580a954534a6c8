// The first page: going on where one was, the newest, the cameras.
import { html } from 'ghtml';
import type { CameraInfo } from '../../cameras/cameras.ts';
import type { Marks, Progress, Video } from '../../catalogue/catalogue.ts';
import { cameraCard, videoCard } from '../cards.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

/** Cameras of the first page: one row. It is passed through more often than looked at, and each shown one runs. */
const cameraLimit = 4;

export type HomePage = {
  /** Begun and not seen to the end, last watched first. */
  readonly begun: readonly Video[];
  readonly newest: readonly Video[];
  /** The newest that others share; empty where those are among the newest anyway. */
  readonly shared: readonly Video[];
  readonly progress: ReadonlyMap<string, Progress>;
  readonly marks: ReadonlyMap<string, Marks>;
  /** Of those whose videos are here, oneself aside. */
  readonly ownerNames: ReadonlyMap<string, string>;
  readonly cameras: readonly CameraInfo[];
  /** Names of those who could share something, where there is nothing. */
  readonly sharers: readonly string[];
};

export function homePage(view: View, home: HomePage): string {
  const card = (video: Video) =>
    videoCard(view, video, {
      progress: home.progress.get(video.id),
      marks: home.marks.get(video.id),
      ownerName: home.ownerNames.get(video.ownerId),
    });
  const isEmpty = home.newest.length === 0;
  const main = html`<h1 class="unseen">Home</h1>
!${
    home.begun.length === 0
      ? ''
      : html`<section class="shelf" aria-labelledby="begun"><h2 id="begun">Go on watching</h2>
<ul class="grid even wide" data-arrows>!${home.begun.map(card)}</ul></section>`
  }
!${
    isEmpty
      ? emptyLibrary(view, home.sharers)
      : html`<section class="shelf" aria-labelledby="newest"><h2 id="newest"><a href="/videos">Newest</a></h2>
<ul class="grid even" data-arrows data-live>!${home.newest.map(card)}</ul></section>`
  }
!${
    home.shared.length === 0
      ? ''
      : html`<section class="shelf" aria-labelledby="shared"><h2 id="shared"><a href="/videos?show=shared">Shared with you</a></h2>
<ul class="grid even" data-arrows>!${home.shared.map(card)}</ul></section>`
  }
!${
    home.cameras.length === 0
      ? ''
      : html`<section class="shelf" aria-labelledby="cameras"><h2 id="cameras"><a href="/cameras">Cameras</a></h2>
<kinora-wall data-fps="1"><ul class="grid even wide" data-arrows>!${home.cameras.slice(0, cameraLimit).map((camera) => cameraCard(view, camera))}</ul></kinora-wall></section>`
  }`;
  return layout(view, { title: 'Kinora', place: 'home', search: '', main, scripts: ['wall.js'] });
}

/** What stands where videos will be: what one can do about it, by what one may. */
export function emptyLibrary(view: View, sharers: readonly string[]): string {
  const who = sharers.slice(0, 5).map((name) => html`<bdi>${name}</bdi>`);
  const asked = who.length === 0 ? '' : html`!${who.join(', ')} can share videos with you.`;
  return view.can('videos:add')
    ? html`<section class="empty">
<span class="empty-sign">!${icon('film')}</span>
<h2>No videos yet</h2>
<p>Drop a video anywhere on this page, or choose one. It plays as soon as its last byte has landed.</p>
!${asked ? html`<p class="hint">!${asked}</p>` : ''}
<a class="button primary" href="/upload">!${icon('upload')}Upload a video</a>
</section>`
    : html`<section class="empty">
<span class="empty-sign">!${icon('film')}</span>
<h2>Nothing is shared with you yet</h2>
<p>!${asked || 'Everybody here who has videos can share some with you. Ask one of them.'}</p>
</section>`;
}
