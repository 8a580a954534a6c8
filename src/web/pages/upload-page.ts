// Uploading: a plain form that works by itself; with scripts the same files go up resumably, several at once. Where
// they will lie and who sees them is chosen before, and remembered by scripts for drops on any other page.
import { html } from 'ghtml';
import type { Folder } from '../../catalogue/catalogue.ts';
import { folderSelect } from '../folder-choice.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { type Quota, quotaMeter } from '../quota-meter.ts';
import type { View } from '../view.ts';

export type UploadPage = {
  /** Where videos can be put: the viewer's own. */
  readonly folders: readonly Folder[];
  /** The folder that the address asks for; null where it asks for none. */
  readonly folderId: string | null;
  /** Whether there is a household to share with, and the viewer may. */
  readonly canShare: boolean;
  readonly quota: Quota;
};

export function uploadPage(view: View, { folders, folderId, canShare, quota }: UploadPage): string {
  const folder =
    folders.length === 0
      ? ''
      : html`<div class="field">!${folderSelect({
          ...{ id: 'upload-folder', name: 'folder', label: 'Folder', folders, chosenId: folderId },
        })}</div>`;
  const share = canShare
    ? html`<label class="option small"><input type="checkbox" id="upload-share" name="share" value="household"><span>Everybody in the household may watch<span class="hint">All but children, who see what is shared with them by name.</span></span></label>`
    : '';
  // Before the file: the server reads the form as it comes.
  const place =
    folder || share
      ? html`<kinora-upload-place class="upload-place"!${folderId === null ? '' : ' data-asked'}>!${folder}!${share}</kinora-upload-place>`
      : '';
  const main = html`<div class="column"><h1>Upload</h1>
<form class="drop" method="post" action="/upload" enctype="multipart/form-data" id="upload-form">
<span class="empty-sign">!${icon('upload')}</span>
<h2>Add videos</h2>
!${place}
<p class="scripted by-hand">Drop them here or on any other page, or choose them.</p>
<input id="file" type="file" name="file" aria-label="Videos" accept="video/*,audio/*,.mkv,.webm,.mp4,.mov,.avi,.ts" multiple required>
<label class="button primary scripted" for="file" aria-hidden="true">!${icon('upload')}Choose videos</label>
<button class="button primary plain">!${icon('upload')}Upload</button>
<p class="hint">Each one plays as soon as its last byte has landed. The files are kept as they are.</p>
</form>
!${quota.quotaBytes === null && quota.usedBytes === 0 ? '' : quotaMeter(view, quota)}
<div id="uploads-here"></div></div>`;
  return layout(view, { title: 'Upload', place: 'upload', search: null, main });
}
