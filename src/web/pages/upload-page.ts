// Uploading: a plain form that works by itself; with scripts the same files go up resumably, several at once.
import { html } from 'ghtml';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

export function uploadPage(view: View): string {
  const main = html`<div class="column"><h1>Upload</h1>
<form class="drop" method="post" action="/upload" enctype="multipart/form-data" id="upload-form">
<span class="empty-sign">!${icon('upload')}</span>
<h2>Add videos</h2>
<p class="scripted by-hand">Drop them here or on any other page, or choose them.</p>
<input id="file" type="file" name="file" aria-label="Videos" accept="video/*,audio/*,.mkv,.webm,.mp4,.mov,.avi,.ts" multiple required>
<label class="button primary scripted" for="file" aria-hidden="true">!${icon('upload')}Choose videos</label>
<button class="button primary plain">!${icon('upload')}Upload</button>
<p class="hint">Each one plays as soon as its last byte has landed. The files are kept as they are.</p>
</form>
<div id="uploads-here"></div></div>`;
  return layout(view, { title: 'Upload', place: 'upload', search: null, main });
}
