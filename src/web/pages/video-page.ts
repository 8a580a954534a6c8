// One video: the stage with the player, or what stands there instead, then what it is and what one can do with it.
import { html } from 'ghtml';
import { householdId } from '../../accounts/permissions.ts';
import type { Folder, Marks, Progress, Video } from '../../catalogue/catalogue.ts';
import { isSoundOnly, lightClasses, timeAgo, videoCard, watchedShare } from '../cards.ts';
import { folderSelect } from '../folder-choice.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';
import { aboutFile } from './video-facts.ts';
import { arrivingStage, binnedStage, plainStage } from './video-stages.ts';

export type VideoPageContent = {
  readonly video: Video;
  readonly progress: Progress | undefined;
  /** Where the address asks to begin, seconds; null where it does not. */
  readonly startSeconds: number | null;
  /** Others to watch next. */
  readonly others: readonly Video[];
  readonly othersProgress: ReadonlyMap<string, Progress>;
  readonly othersMarks: ReadonlyMap<string, Marks>;
  readonly isOwn: boolean;
  /** Of others' videos, by the owner's id. */
  readonly ownerNames: ReadonlyMap<string, string>;
  /** The folder it lies in, where it may be seen. */
  readonly folder: Folder | null;
  /** Where its owner can move it. */
  readonly ownFolders: readonly Folder[];
  readonly marks: Marks;
  /** Somebody else sees it; known of one's own alone. */
  readonly isShared: boolean;
};

export function videoPage(view: View, content: VideoPageContent): string {
  const { video } = content;
  const isPlayer = video.status === 'ready' && video.binnedAtMs === null;
  const main = html`!${stage(view, content)}
<div class="under">
<div class="head"><h1 dir="auto">${video.title}</h1>
<p class="facts">!${placeOf(content)}!${video.durationMs === null ? '' : html`<span>${view.formats.duration(video.durationMs)}</span> `}!${
    video.sizeBytes === null ? '' : html`<span>${view.formats.size(video.sizeBytes)}</span> `
  }!${timeAgo(view, video.addedAtMs)}</p>
!${isPlayer && video.reason ? html`<p class="remark">!${icon('warning')}${video.reason}</p>` : ''}
!${isPlayer ? resumeRemark(view, content) : ''}
!${video.binnedAtMs === null ? actions(view, content) : ''}
</div>
!${video.status === 'arriving' ? '' : aboutFile(view, video)}
</div>
!${
    content.others.length === 0
      ? ''
      : html`<section class="shelf" aria-labelledby="others"><h2 id="others">Watch next</h2>
<ul class="grid even" data-arrows>!${content.others.map((other) =>
          videoCard(view, other, {
            progress: content.othersProgress.get(other.id),
            marks: content.othersMarks.get(other.id),
            ownerName: content.ownerNames.get(other.ownerId),
          }),
        )}</ul></section>`
  }`;
  const isWaiting = video.status === 'arriving' || video.status === 'converting';
  return layout(view, {
    ...{ title: video.title, place: 'videos', search: '', main, kind: 'watching' },
    scripts: isPlayer ? ['player.js'] : isWaiting ? ['arriving.js'] : [],
    refreshSeconds: isWaiting ? 5 : null,
  });
}

function stage(view: View, content: VideoPageContent): string {
  const { video } = content;
  if (video.binnedAtMs !== null) return binnedStage(view, video);
  if (video.status === 'arriving') return arrivingStage(view, video);
  if (video.status !== 'ready') return plainStage(video);
  return playerStage(content);
}

/** Where playing begins: as the address says, else where one was, else the start. Seconds. */
function beginAt(content: VideoPageContent): number {
  if (content.startSeconds !== null) return content.startSeconds;
  const { video, progress } = content;
  return progress && watchedShare(video, progress) !== null ? Math.floor(progress.positionMs / 1000) : 0;
}

function playerStage(content: VideoPageContent): string {
  const { video } = content;
  const start = beginAt(content);
  // A media fragment (W3C Media Fragments URI 1.0 §4.2.1): the browser begins there without any script.
  const fragment = start > 0 ? `#t=${start}` : '';
  const sources = [
    video.playback.viewType ? { path: 'video.mp4', type: video.playback.viewType } : null,
    video.playback.originalType ? { path: 'original', type: video.playback.originalType } : null,
  ].filter((source) => source !== null);
  const picture = video.tracks.find((track) => track.kind === 'video' && track.width > 0);
  const sound = isSoundOnly(video);
  return html`<section class="stage!${sound ? ` sound ${lightClasses(video.id)}` : ''}" aria-label="Player">
<kinora-player data-id="${video.id}" data-start="${start}"!${next(content)}>
<media-controller nohotkeys gesturesdisabled>
<video slot="media" controls playsinline preload="metadata" width="${picture?.width || 1280}" height="${picture?.height || 720}">
!${sources.map((source) => html`<source src="/videos/${video.id}/${source.path}${fragment}" type="${source.type}">`)}
<p>This browser cannot show videos. <a href="/videos/${video.id}/original" download>Download it</a>.</p>
</video>
</media-controller>
<div class="stage-message" role="alert" hidden><h2>This browser cannot play it</h2>
<p>It knows none of the forms this video comes in!${codecs(video)}. Another browser may, or a player on your device.</p>
<a class="button primary" href="/videos/${video.id}/original" download>!${icon('download')}Download</a></div>
</kinora-player>
</section>`;
}

function next(content: VideoPageContent): string {
  const other = content.others.find((candidate) => candidate.status === 'ready');
  return other ? html` data-next="/videos/${other.id}" data-next-title="${other.title}"` : '';
}

function codecs(video: Video): string {
  const names = video.tracks.map((track) => track.codec.toUpperCase()).filter((name) => name !== 'OTHER');
  return names.length > 0 ? html` (${names.join(', ')})` : '';
}

function resumeRemark(view: View, content: VideoPageContent): string {
  const start = beginAt(content);
  if (start === 0) return '';
  return html`<p class="remark">Begins at ${view.formats.duration(start * 1000)}. <a href="/videos/${content.video.id}?t=0">From the start</a></p>`;
}

/** Whose it is, where it is not one's own, and the folder it lies in. */
function placeOf({ video, isOwn, ownerNames, folder }: VideoPageContent): string {
  const name = ownerNames.get(video.ownerId);
  const owner = isOwn ? '' : html`<span>Shared by <bdi>${name ?? 'somebody'}</bdi></span> `;
  const around =
    folder === null
      ? ''
      : html`<span>in <a href="/folders/${folder.id}"><bdi>${folder.name}</bdi></a></span> `;
  return html`!${owner}!${around}`;
}

function actions(view: View, content: VideoPageContent): string {
  const { video, marks, isOwn } = content;
  const base = `/videos/${video.id}`;
  const isHere = video.status !== 'arriving';
  return html`<div class="actions">
!${isHere ? marking(video, marks) : ''}
!${isHere && video.status !== 'unplayable' ? html`<a class="button" href="${base}/original" download>!${icon('download')}Download</a>` : ''}
!${video.status === 'ready' ? html`<kinora-copy-link><button class="button" type="button" hidden>!${icon('link')}<span>Copy link at this time</span></button></kinora-copy-link>` : ''}
!${isOwn ? ownActions(view, content) : ''}
</div>`;
}

/** Favourite and watched: one's own, also of what is others'. The value is what a press makes it. */
function marking(video: Video, { isFavourite, isWatched }: Marks): string {
  const toggle = (name: string, isOn: boolean, sign: 'star' | 'tick', label: string) =>
    html`<button class="button toggle" name="${name}" value="${isOn ? '0' : '1'}" aria-pressed="${isOn ? 'true' : 'false'}">!${icon(sign)}${label}</button>`;
  return html`<kinora-marks data-id="${video.id}"><form method="post" action="/videos/${video.id}/marks">!${toggle('favourite', isFavourite, 'star', 'Favourite')}!${
    video.status === 'ready' ? toggle('watched', isWatched, 'tick', 'Watched') : ''
  }</form></kinora-marks>`;
}

/** What only whose it is can do, as far as the role lets. */
function ownActions(view: View, content: VideoPageContent): string {
  const { video, isShared } = content;
  const base = `/videos/${video.id}`;
  const isHere = video.status !== 'arriving';
  const isAlone = view.viewer?.personId === householdId;
  const share = isAlone
    ? ''
    : html`<a class="button" href="${base}/share">!${icon('people')}${isShared ? 'Shared' : 'Share'}</a>`;
  const links =
    isHere && video.status !== 'unplayable'
      ? html`<a class="button" data-clip href="${base}/links">!${icon('clip')}Guest link, clip</a>`
      : '';
  return html`!${view.can('videos:share') ? html`!${share}!${links}` : ''}!${rarer(view, content)}`;
}

/** What is done once in a while: place, name, the bin. */
function rarer(view: View, { video, ownFolders }: VideoPageContent): string {
  const base = `/videos/${video.id}`;
  const canEdit = view.can('videos:edit');
  const move =
    canEdit && ownFolders.length > 0
      ? html`<form method="post" action="${base}/move">!${folderSelect({ id: 'folder', name: 'folder', label: 'Lies in', folders: ownFolders, chosenId: video.folderId })}<button class="button">!${icon('move')}Move</button></form>`
      : '';
  const rename = canEdit
    ? html`<form method="post" action="${base}/rename"><label for="title">Title</label>
<input id="title" name="title" value="${video.title}" maxlength="500" required dir="auto" autocomplete="off"><button class="button">!${icon('rename')}Rename</button></form>`
    : '';
  const bin =
    video.status !== 'arriving' && view.can('videos:delete')
      ? html`<form method="post" action="${base}/delete"><button class="button">!${icon('bin')}Move to the bin</button></form>`
      : '';
  const all = html`!${rename}!${move}!${bin}`;
  return all === ''
    ? ''
    : html`<details class="unfold"><summary class="button">!${icon('more')}More</summary><div class="unfolded">!${all}</div></details>`;
}
