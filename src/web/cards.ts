// Cards: a video or a camera in a grid. The 16:9 area is a quiet cast of light made from the id by style classes
// alone; a poster will lie over it later without anything moving.
import { html } from 'ghtml';
import type { CameraInfo } from '../cameras/cameras.ts';
import type { Folder, Marks, Progress, Video } from '../catalogue/catalogue.ts';
import { isSeenToTheEnd } from '../library/watched.ts';
import { icon } from './icons.ts';
import type { View } from './view.ts';

/** How many hues and casts of light the stylesheet knows. */
const hueCount = 10;
const castCount = 5;

/** The style classes that draw the light of an id: always the same for the same one. */
export function lightClasses(id: string): string {
  let hash = 2166136261; // FNV-1a: spreads ids that differ in one character
  for (let index = 0; index < id.length; index += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 16777619) >>> 0;
  }
  return `hue-${hash % hueCount} cast-${(hash >>> 8) % castCount}`;
}

/** Less than this is a look, not the beginning of watching. */
const begunMs = 5000;

/** Share of 0 to 1 that a person has watched; null where not begun or seen to the end. */
export function watchedShare(video: Video, progress: Progress | undefined): number | null {
  if (!progress || !video.durationMs || progress.positionMs < begunMs) return null;
  if (isSeenToTheEnd(progress.positionMs, video.durationMs)) return null;
  return progress.positionMs / video.durationMs;
}

/** Share of 0 to 1 that has arrived; null where the whole is not known. */
export function arrivedShare(video: Video): number | null {
  return video.sizeBytes ? Math.min(1, video.receivedBytes / video.sizeBytes) : null;
}

/** Whether there is only sound in it. */
export function isSoundOnly(video: Video): boolean {
  return video.tracks.length > 0 && !video.tracks.some((track) => track.kind === 'video');
}

export type CardOptions = {
  readonly progress?: Progress | undefined;
  /** In the bin: shows when it goes, with a button to take it out. */
  readonly binMs?: number;
  readonly marks?: Marks | undefined;
  /** Whose it is, where it is not one's own. */
  readonly ownerName?: string | undefined;
  /** It is a check box of the form around it, not a way to the video. */
  readonly isPickable?: boolean;
};

/** One video as a list item. */
export function videoCard(view: View, video: Video, options: CardOptions = {}): string {
  const { formats } = view;
  const watched = watchedShare(video, options.progress);
  const size = video.sizeBytes === null ? null : formats.size(video.sizeBytes);
  const poster = html`<span class="poster !${lightClasses(video.id)}">!${posterSign(view, video)}!${posterMarks(options)}!${posterLine(view, video, watched)}</span>
<span class="name" dir="auto">${video.title}</span>`;
  const isInBin = options.binMs !== undefined && video.binnedAtMs !== null;
  return html`<li class="card !${video.status}" data-id="${video.id}">
!${
    options.isPickable
      ? html`<label class="pick"><input type="checkbox" name="id" value="${video.id}">!${poster}</label>`
      : html`<a href="/videos/${video.id}">!${poster}</a>`
  }
<p class="facts">!${options.ownerName === undefined ? '' : html`<span><bdi>${options.ownerName}</bdi></span> `}!${size === null ? '' : html`<span>${size}</span> `}!${
    isInBin
      ? html`<span>${binnedFor(view, video.binnedAtMs! + options.binMs!)}</span>`
      : timeAgo(view, video.addedAtMs)
  }</p>
!${
    isInBin && !options.isPickable
      ? html`<form method="post" action="/videos/${video.id}/restore"><button class="button small">!${icon('restore')}Take out</button></form>
<details class="unfold"><summary class="button small">Remove now</summary>
<form method="post" action="/videos/${video.id}/remove"><button class="button small">!${icon('bin')}Remove for good</button></form></details>`
      : ''
  }
</li>`;
}

/** What the person who looks has marked. */
function posterMarks({ marks }: CardOptions): string {
  if (!marks?.isFavourite && !marks?.isWatched) return '';
  return html`<span class="marks">!${marks.isFavourite ? html`<span title="Favourite">!${icon('star')}<span class="unseen">Favourite</span></span>` : ''}!${
    marks.isWatched
      ? html`<span title="Watched">!${icon('tick')}<span class="unseen">Watched</span></span>`
      : ''
  }</span>`;
}

export type FolderCard = {
  readonly folder: Folder;
  readonly videos: number;
  readonly folders: number;
  /** Whose it is, where it is not one's own. */
  readonly ownerName?: string | undefined;
};

/** One folder as a list item: a plate instead of a poster, so that a row of them stays low. */
export function folderCard(view: View, { folder, videos, folders, ownerName }: FolderCard): string {
  const count = (number: number, one: string, many: string) =>
    number === 0 ? '' : html`<span>${view.formats.count(number)} ${number === 1 ? one : many}</span> `;
  const facts = html`!${ownerName === undefined ? '' : html`<span><bdi>${ownerName}</bdi></span> `}!${count(videos, 'video', 'videos')}!${count(folders, 'folder', 'folders')}`;
  return html`<li class="folder"><a href="/folders/${folder.id}"><span class="sign-of">!${icon('folder')}</span>
<span class="name" dir="auto">${folder.name}</span><span class="facts">!${facts.trim() === '' ? html`<span>Empty</span>` : facts}</span></a></li>`;
}

function binnedFor(view: View, goneAtMs: number): string {
  const days = Math.max(0, Math.ceil((goneAtMs - view.nowMs) / 86_400_000));
  return days === 1 ? 'gone in 1 day' : `gone in ${view.formats.count(days)} days`;
}

function posterSign(view: View, video: Video): string {
  if (video.status === 'arriving') {
    const share = arrivedShare(video);
    const text = share === null ? view.formats.size(video.receivedBytes) : view.formats.share(share);
    return html`<span class="sign">!${icon('upload')}Arriving · ${text}</span>`;
  }
  if (video.status === 'unplayable') {
    return html`<span class="sign">!${icon('warning')}Cannot be played</span>`;
  }
  if (video.status === 'converting') return html`<span class="sign">!${icon('film')}Being converted</span>`;
  const sound = isSoundOnly(video) ? html`<span class="sign">!${icon('sound')}Sound only</span>` : '';
  if (video.durationMs === null) return sound;
  return html`!${sound}<span class="length">${view.formats.duration(video.durationMs)}</span>`;
}

function posterLine(view: View, video: Video, watched: number | null): string {
  const share = video.status === 'arriving' ? arrivedShare(video) : watched;
  if (share === null) return '';
  const label = video.status === 'arriving' ? 'Arrived' : 'Watched';
  return html`<progress class="line" max="100" value="${Math.round(share * 100)}" aria-label="${label}">${view.formats.share(share)}</progress>`;
}

/** An age with the exact moment as its title. */
export function timeAgo(view: View, atMs: number): string {
  const { formats } = view;
  return html`<time datetime="${new Date(atMs).toISOString()}" title="${formats.moment(atMs)}" lang="${formats.locale}">${formats.age(atMs, view.nowMs)}</time>`;
}

/** What a camera's state is called, here and everywhere. */
const cameraStateNames = {
  off: 'Off',
  starting: 'Starting',
  live: 'Live',
  'no-signal': 'No signal',
} as const satisfies Record<CameraInfo['state'], string>;

/** One camera as a list item: name and state over its picture, which scripts draw and others load every while. */
export function cameraCard(view: View, camera: CameraInfo): string {
  const address = `/cameras/${encodeURIComponent(camera.id)}`;
  const reason = camera.state === 'no-signal' ? (camera.message ?? '') : '';
  // Own pictures cost nothing; those that must be made are made small.
  const snapshot = `${address}/snapshot.jpg${camera.kinds.video ? '?width=640' : ''}`;
  return html`<li class="camera !${camera.state}" data-id="${camera.id}">
<a href="${address}">
<span class="poster !${lightClasses(camera.id)}"><noscript><img src="${snapshot}" alt="" width="640" height="360"></noscript></span>
<span class="reason"!${reason === '' ? ' hidden' : ''}>${reason}</span>
<span class="corner"><span class="name" dir="auto">${camera.name}</span>!${cameraState(view, camera)}</span>
</a>
</li>`;
}

/** The dot and the word for a state; of one without signal also since when. */
export function cameraState(view: View, { state, stateSinceMs, message }: CameraInfo): string {
  // One that starts and says why was lost and comes back.
  const word = state === 'starting' && message !== null ? 'Reconnecting' : cameraStateNames[state];
  const since = state === 'no-signal' ? html` !${timeAgo(view, stateSinceMs)}` : '';
  return html`<span class="state" data-state="${state}"><span class="dot"></span><span class="word">${word}</span>!${since}</span>`;
}
