// What stands above a folder's videos: the way to it, and what its owner can do with it.
import { html } from 'ghtml';
import { householdId } from '../../accounts/permissions.ts';
import type { Folder } from '../../catalogue/catalogue.ts';
import { folderSelect, foldersOutside } from '../folder-choice.ts';
import { icon } from '../icons.ts';
import type { ListAddress } from '../list-address.ts';
import { selectLink } from '../select-link.ts';
import type { View } from '../view.ts';

export type OpenFolder = {
  readonly folder: Folder;
  /** From the top to it, itself the last; what one may not see is left out. */
  readonly path: readonly Folder[];
  readonly isOwn: boolean;
};

/** So many steps of the way are shown; of a longer one the first and the last. */
const maxSteps = 4;

export function folderHead(
  view: View,
  { folder, path, isOwn }: OpenFolder,
  ownFolders: readonly Folder[],
  list: ListAddress,
): string {
  const around = path.filter(({ id }) => id !== folder.id);
  const shown = around.length <= maxSteps ? around : [around[0]!, ...around.slice(1 - maxSteps)];
  const steps = shown.map((step, index) => {
    const isGap = around.length > maxSteps && index === 1;
    return html`!${isGap ? '<li aria-hidden="true">…</li>' : ''}<li><a href="/folders/${step.id}" dir="auto">${step.name}</a></li>`;
  });
  return html`<nav class="crumbs" aria-label="The way here"><ol><li><a href="/videos">Videos</a></li>!${steps}</ol></nav>
<div class="heading"><h1 dir="auto">${folder.name}</h1>
<div class="heading-actions">!${selectLink(view, list)}!${isOwn ? ownActions(view, folder, ownFolders) : ''}</div></div>`;
}

function ownActions(view: View, folder: Folder, ownFolders: readonly Folder[]): string {
  const base = `/folders/${folder.id}`;
  const links = view.can('videos:share')
    ? html`<p><a class="button" href="${base}/links">!${icon('link')}Guest links</a></p>`
    : '';
  const more = html`<details class="unfold"><summary class="button quiet">!${icon('more')}<span>More</span></summary><div class="unfolded">
!${links}
<form method="post" action="/folders"><input type="hidden" name="parent" value="${folder.id}">
<label for="new-folder">A folder in it</label><input id="new-folder" name="name" maxlength="200" required dir="auto" autocomplete="off"><button class="button">Make it</button></form>
<form method="post" action="${base}/rename"><label for="folder-name">Name</label>
<input id="folder-name" name="name" value="${folder.name}" maxlength="200" required dir="auto" autocomplete="off"><button class="button">Rename</button></form>
<form method="post" action="${base}/move">!${folderSelect({
    ...{
      id: 'folder-to',
      name: 'parent',
      label: 'Lies in',
      chosenId: folder.parentId,
      topName: 'No other folder',
    },
    folders: foldersOutside(ownFolders, folder.id),
  })}<button class="button">Move</button></form>
!${
    view.can('videos:delete')
      ? html`<form method="post" action="${base}/delete"><p class="hint">Its videos go to the bin, from which they can be taken out.</p><button class="button">!${icon('bin')}Delete the folder</button></form>`
      : ''
  }</div></details>`;
  const share =
    view.can('videos:share') && view.viewer?.personId !== householdId
      ? html`<a class="button quiet" href="${base}/share">!${icon('people')}Share</a>`
      : '';
  const upload = view.can('videos:add')
    ? html`<a class="button quiet" href="/upload?folder=${folder.id}">!${icon('upload')}Upload</a>`
    : '';
  return html`!${upload}!${share}!${view.can('videos:edit') ? more : ''}`;
}
