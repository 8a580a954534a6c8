// A video, or a stretch of one, for the visitor of a guest link: the player, its title, and the download where it is
// allowed. Nothing of the house around it.
import { html } from 'ghtml';
import type { GuestLink, Video } from '../../catalogue/catalogue.ts';
import { isSoundOnly, lightClasses } from '../cards.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

export type LinkVideoContent = {
  /** The link's own address: `/l/SECRET`. */
  readonly home: string;
  readonly link: GuestLink;
  readonly video: Video;
  /** It lies in the folder of a link, which it leads back to. */
  readonly isInFolder: boolean;
};

export function linkVideoPage(view: View, content: LinkVideoContent): string {
  const { home, link, video, isInFolder } = content;
  const base = isInFolder ? `${home}/videos/${video.id}` : home;
  const lengthMs = lengthOf(link, video);
  const sources = sourcesOf(link, video, base);
  const actions = [
    isInFolder
      ? html`<a class="button" href="${home}/folders/${video.folderId}">!${icon('back')}All videos</a>`
      : '',
    link.allowsDownload
      ? html`<a class="button" href="${base}/download" download>!${icon('download')}Download</a>`
      : '',
  ];
  const main = html`!${sources.length > 0 ? playerStage(video, base, sources, link.allowsDownload) : plainStage(video, link)}
<div class="under"><div class="head"><h1 dir="auto">${video.title}</h1>
<p class="facts">!${lengthMs === null ? '' : html`<span>${view.formats.duration(lengthMs)}</span>`}</p>
!${sources.length > 0 && video.reason ? html`<p class="remark">!${icon('warning')}${video.reason}</p>` : ''}
!${actions.join('') === '' ? '' : html`<div class="actions">!${actions}</div>`}</div></div>`;
  return layout(view, {
    ...{ title: video.title, place: null, search: null, main, kind: 'watching', guestHome: home },
    scripts: sources.length > 0 ? ['player.js'] : [],
  });
}

function lengthOf({ startSeconds, endSeconds }: GuestLink, { durationMs }: Video): number | null {
  if (durationMs === null) return null;
  const end = endSeconds === null ? durationMs : Math.min(durationMs, endSeconds * 1000);
  return end - (startSeconds ?? 0) * 1000;
}

type Source = { readonly src: string; readonly type: string };

function sourcesOf(link: GuestLink, { status, playback }: Video, base: string): Source[] {
  if (status !== 'ready') return [];
  const isStretch = link.startSeconds !== null || link.endSeconds !== null;
  const { viewType, originalType } = playback;
  const view = viewType ? [{ src: `${base}/video.mp4`, type: viewType }] : [];
  const isOriginalGiven = originalType !== null && link.allowsDownload && !isStretch;
  return isOriginalGiven ? [...view, { src: `${base}/original`, type: originalType }] : view;
}

function playerStage(video: Video, base: string, sources: readonly Source[], mayDownload: boolean): string {
  const picture = video.tracks.find((track) => track.kind === 'video' && track.width > 0);
  const sound = isSoundOnly(video) ? ` sound ${lightClasses(video.id)}` : '';
  const download = mayDownload
    ? html`<a class="button primary" href="${base}/download" download>!${icon('download')}Download</a>`
    : '';
  return html`<section class="stage!${sound}" aria-label="Player">
<kinora-player>
<media-controller nohotkeys gesturesdisabled>
<video slot="media" controls playsinline preload="metadata" width="${picture?.width || 1280}" height="${picture?.height || 720}"!${mayDownload ? '' : ' controlslist="nodownload"'}>
!${sources.map(({ src, type }) => html`<source src="${src}" type="${type}">`)}
<p>This browser cannot show videos.</p>
</video>
</media-controller>
<div class="stage-message" role="alert" hidden><h2>This browser cannot play it</h2>
<p>It knows none of the forms this video comes in, or the link has ended. Open the link again, or try another browser.</p>!${download}</div>
</kinora-player>
</section>`;
}

function plainStage(video: Video, link: GuestLink): string {
  return html`<section class="stage quiet !${lightClasses(video.id)}"><div class="sheet"><span class="empty-sign">!${icon('warning')}</span>
<h2>This video cannot be shown</h2><p>${
    link.allowsDownload
      ? 'No browser knows the form it comes in. A player on your device may show the file.'
      : 'Browsers cannot show the form it comes in, and this link is for watching alone.'
  }</p></div></section>`;
}
