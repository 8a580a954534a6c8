// Lists of videos: everything one may see, a folder, the bin. A grid, narrowed by plain links and searched by a plain
// form, followed by a link to the next page; picking many at once is the same list as one form. Scripts fetch the same
// pages and put the new cards in place.
import { html } from 'ghtml';
import {
  type Folder,
  type Marks,
  type Progress,
  type VideoPage,
  type VideoSort,
  videoSorts,
} from '../../catalogue/catalogue.ts';
import { type FolderCard, folderCard, videoCard } from '../cards.ts';
import { folderSelect } from '../folder-choice.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { type ListAddress, listHref, type Show } from '../list-address.ts';
import { selectLink } from '../select-link.ts';
import type { View } from '../view.ts';
import { folderHead, type OpenFolder } from './folder-head.ts';
import { emptyLibrary } from './home-page.ts';

export type VideosPage = {
  readonly list: ListAddress;
  readonly page: VideoPage;
  readonly progress: ReadonlyMap<string, Progress>;
  readonly marks: ReadonlyMap<string, Marks>;
  /** Names of those whose videos and folders are here, by their ids; oneself is not among them. */
  readonly ownerNames: ReadonlyMap<string, string>;
  readonly isFirst: boolean;
  /** How long a video stays in the bin. */
  readonly binMs: number;
  /** What was just done, to be said and, where there is a way back, undone. */
  readonly notice: Notice | null;
  /** In this folder, or at the top. */
  readonly folders: readonly FolderCard[];
  /** The folder this is a list of; null for all. */
  readonly folder: OpenFolder | null;
  /** Where videos can be moved: the viewer's own. */
  readonly ownFolders: readonly Folder[];
  /** Whether there are others to share with. */
  readonly hasOthers: boolean;
  /** With whom what is picked can be shared. */
  readonly others: readonly { readonly id: string; readonly name: string }[];
  /** Names of those who could share something, where there is nothing. */
  readonly sharers: readonly string[];
};

export type Notice = {
  readonly text: string;
  /** What it names, shown by itself: any text. */
  readonly name?: string;
  /** A form that takes it back. */
  readonly undo?: { readonly action: string; readonly fields: readonly (readonly [string, string])[] };
};

const showNames: Readonly<Record<Show, string>> = {
  all: 'All',
  mine: 'Mine',
  shared: 'Shared with me',
  favourites: 'Favourites',
  unwatched: 'Unwatched',
};
const sortNames: Readonly<Record<VideoSort, string>> = {
  newest: 'Newest',
  oldest: 'Oldest',
  title: 'Title',
  longest: 'Longest',
  largest: 'Largest',
};

export function videosPage(view: View, content: VideosPage): string {
  const { list, folder, notice } = content;
  const title = list.isBin ? 'Bin' : (folder?.folder.name ?? (list.query ? `“${list.query}”` : 'Videos'));
  const main = html`!${notice ? noticeOf(notice, list) : ''}
!${folder ? folderHead(view, folder, content.ownFolders, list) : plainHead(view, content, title)}
!${list.isBin ? '' : narrowing(view, content)}
<kinora-library id="results" aria-live="off">
!${results(view, content)}
</kinora-library>`;
  return layout(view, {
    ...{ title, place: 'videos', search: list.isBin ? null : list.query, main },
    scripts: list.isSelecting ? ['library.js', 'select.js'] : ['library.js'],
  });
}

function plainHead(view: View, { list }: VideosPage, title: string): string {
  if (list.isBin)
    return html`<div class="heading"><h1><a class="up" href="/videos" aria-label="Back to videos">!${icon('back')}</a>${title}</h1>
<p class="heading-actions">!${selectLink(view, list)}</p></div>`;
  const add = view.can('videos:edit')
    ? html`<details class="unfold"><summary class="button quiet">!${icon('folder')}New folder</summary>
<form method="post" action="/folders"><label for="new-folder">Name</label>
<input id="new-folder" name="name" maxlength="200" required dir="auto" autocomplete="off"><button class="button primary">Make it</button></form></details>`
    : '';
  const bin = view.can('videos:delete')
    ? html`<a class="button quiet" href="/videos?bin">!${icon('bin')}Bin</a>`
    : '';
  return html`<div class="heading"><h1>${title}</h1>
<div class="heading-actions">!${selectLink(view, list)}!${list.query === '' ? add : ''}!${bin}</div></div>`;
}

/** Which of them, and in which order. */
function narrowing(view: View, { list, hasOthers }: VideosPage): string {
  const shown = (Object.keys(showNames) as Show[]).filter(
    (show) =>
      (hasOthers || (show !== 'mine' && show !== 'shared')) && (show !== 'mine' || view.can('videos:add')),
  );
  const links = shown.map((show) => {
    const state = show === list.show ? ' aria-current="true"' : '';
    return html`<a href="${listHref({ ...list, show })}"!${state}>${showNames[show]}</a>`;
  });
  const sorts = videoSorts.map((sort) => {
    const state = sort === list.sort ? ' aria-current="true"' : '';
    return html`<a href="${listHref({ ...list, sort })}"!${state}>${sortNames[sort]}</a>`;
  });
  return html`<div class="narrowing"><nav aria-label="Which videos">!${links}</nav>
<details class="sorts"><summary class="button quiet small">!${icon('list')}<span class="unseen">Sorted by </span>${sortNames[list.sort]}</summary><nav aria-label="Sorted by">!${sorts}</nav></details></div>`;
}

function results(view: View, content: VideosPage): string {
  const { list, page } = content;
  const { items, next } = page;
  const folders =
    content.folders.length === 0
      ? ''
      : html`<ul class="folders" data-arrows>!${content.folders.map((folder) => folderCard(view, folder))}</ul>`;
  if (items.length === 0)
    return html`!${folders}!${folders ? nothingBeside(content) : nothing(view, content)}`;
  const cards = items.map((video) =>
    videoCard(view, video, {
      progress: content.progress.get(video.id),
      marks: content.marks.get(video.id),
      ownerName: content.ownerNames.get(video.ownerId),
      isPickable: list.isSelecting,
      ...(list.isBin && { binMs: content.binMs }),
    }),
  );
  const lead = list.isBin
    ? html`<p class="lead">Videos stay here for ${daysOf(content.binMs)} days and are then gone for good.</p>`
    : '';
  const grid = html`<ul class="grid" data-arrows data-live>!${cards}</ul>
!${next === null ? '' : html`<p class="more"><a class="button" rel="next" href="${listHref(list, { after: next })}">More</a></p>`}`;
  return list.isSelecting
    ? selection(view, content, html`!${lead}!${grid}`)
    : html`!${folders}!${lead}!${grid}`;
}

/** The grid as one form, with what can be done to what is picked. */
function selection(view: View, { list, ownFolders, hasOthers, others }: VideosPage, grid: string): string {
  const button = (action: string, label: string, sign: Parameters<typeof icon>[0]) =>
    html`<button class="button small" name="action" value="${action}">!${icon(sign)}${label}</button>`;
  const inLibrary = html`!${
    view.can('videos:edit') && ownFolders.length > 0
      ? html`<details class="unfold up-wards"><summary class="button small">!${icon('move')}Move</summary>
<div class="unfolded">!${folderSelect({ id: 'to', name: 'folder', label: 'To', folders: ownFolders, chosenId: list.folderId })}
<button class="button primary" name="action" value="move">Move</button></div></details>`
      : ''
  }!${hasOthers && view.can('videos:share') ? sharing(others) : ''}
!${list.show === 'favourites' ? button('unfavourite', 'No favourite', 'star') : button('favourite', 'Favourite', 'star')}
!${view.can('videos:delete') ? button('bin', 'Move to the bin', 'bin') : ''}`;
  const inBin = html`!${button('restore', 'Take out', 'restore')}
<details class="unfold up-wards"><summary class="button small">!${icon('bin')}Remove now</summary>
<div class="unfolded"><p class="hint">This cannot be undone.</p>!${button('remove', 'Remove for good', 'bin')}</div></details>`;
  return html`<kinora-selection><form method="post" action="/videos/selection">
<input type="hidden" name="from" value="${listHref({ ...list, isSelecting: false })}">
!${grid}
<div class="selection-bar" role="group" aria-label="What is picked"><p class="picked" role="status" hidden></p>
!${list.isBin ? inBin : inLibrary}</div></form></kinora-selection>`;
}

/** With the household, with people by name; added to whom each is shared with already. */
function sharing(others: VideosPage['others']): string {
  return html`<details class="unfold up-wards"><summary class="button small">!${icon('people')}Share</summary>
<div class="unfolded"><fieldset class="options"><legend>Share with</legend>
<label class="option small"><input type="checkbox" name="household" value="1"><span>Everybody in the household</span></label>
!${others.map(({ id, name }) => html`<label class="option small"><input type="checkbox" name="person" value="${id}"><bdi>${name}</bdi></label>`)}
</fieldset><button class="button primary" name="action" value="share">Share</button></div></details>`;
}

function nothingBeside({ list }: VideosPage): string {
  return list.show === 'all' && list.query === ''
    ? ''
    : html`<p class="lead">No video here is one of these.</p>`;
}

function nothing(view: View, { list, isFirst, binMs, folder, sharers }: VideosPage): string {
  const all = html`<a class="button" href="/videos">Show all videos</a>`;
  if (list.isBin)
    return html`<section class="empty"><span class="empty-sign">!${icon('bin')}</span>
<h2>The bin is empty</h2><p>What you put in the bin can be taken out again for ${daysOf(binMs)} days.</p>
<a class="button" href="/videos">To the videos</a></section>`;
  if (list.query)
    return html`<section class="empty"><span class="empty-sign">!${icon('search')}</span>
<h2>Nothing found</h2><p>No title has words that begin with <q dir="auto">${list.query}</q>.</p>!${all}</section>`;
  if (!isFirst) return html`<p class="lead">That was the last one.</p>`;
  if (list.show !== 'all') {
    const [head, text] = nothingSuch[list.show];
    return html`<section class="empty"><span class="empty-sign">!${icon('film')}</span><h2>${head}</h2><p>${text}</p>!${all}</section>`;
  }
  if (folder)
    return html`<section class="empty"><span class="empty-sign">!${icon('folder')}</span>
<h2>Nothing in it yet</h2><p>!${
      folder.isOwn
        ? 'Upload a video into it, or select some and move them here.'
        : 'Whoever it belongs to has put nothing into it.'
    }</p>!${folder.isOwn && view.can('videos:add') ? html`<a class="button primary" href="/upload?folder=${folder.folder.id}">!${icon('upload')}Upload into it</a>` : ''}</section>`;
  return emptyLibrary(view, sharers);
}

const nothingSuch: Readonly<Record<Exclude<Show, 'all'>, readonly [string, string]>> = {
  mine: ['No videos of yours yet', 'What you upload stands here.'],
  shared: ['Nothing is shared with you yet', 'What others share with the household or with you stands here.'],
  favourites: ['No favourites yet', 'Open a video and press the star.'],
  unwatched: ['Everything is watched', 'What you have not seen to its end stands here.'],
};

function daysOf(binMs: number): number {
  return Math.round(binMs / 86_400_000);
}

function noticeOf({ text, name, undo }: Notice, list: ListAddress): string {
  const back = undo
    ? html`<form method="post" action="${undo.action}"><input type="hidden" name="from" value="${listHref(list)}">!${undo.fields.map(
        ([field, value]) => html`<input type="hidden" name="${field}" value="${value}">`,
      )}<button class="button small">!${icon('restore')}Undo</button></form>`
    : '';
  return html`<div class="notice" role="status"><p>!${name === undefined ? '' : html`<bdi>${name}</bdi> `}${text}</p>!${back}</div>`;
}
