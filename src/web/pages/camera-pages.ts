// The wall of cameras, and one camera live. The state is what the hub says, never a guess; without scripts the
// pages ask again by themselves.
import { html } from 'ghtml';
import { householdId } from '../../accounts/permissions.ts';
import type { CameraInfo } from '../../cameras/cameras.ts';
import { cameraCard, cameraState, lightClasses, timeAgo } from '../cards.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

/** Other cameras under one that is watched: some rows of them, the rest are a step away. */
const othersLimit = 12;

export function camerasPage(view: View, cameras: readonly CameraInfo[]): string {
  const main = html`<div class="heading"><h1>Cameras</h1>!${cameras.length === 0 || !view.can('cameras:manage') ? '' : html`<a class="button" href="/cameras/add">!${icon('add')}Add a camera</a>`}</div>
!${
    cameras.length === 0
      ? html`<section class="empty"><span class="empty-sign">!${icon('cameras')}</span><h2>No cameras yet</h2>
!${
          view.can('cameras:manage')
            ? html`<p>A network camera, a webcam, a phone: whatever sends pictures.</p>
<a class="button primary" href="/cameras/add">!${icon('add')}Add a camera</a>`
            : '<p>The owners of this Kinora say who sees which camera.</p>'
        }</section>`
      : html`<kinora-wall><ul class="wall" data-arrows data-count="${Math.min(cameras.length, 10)}">!${cameras.map((camera) => cameraCard(view, camera))}</ul></kinora-wall>`
  }`;
  return layout(view, {
    ...{ title: 'Cameras', place: 'cameras', search: '', main, kind: 'walled' },
    ...{ scripts: ['wall.js'], refreshSeconds: cameras.length > 0 ? 10 : null },
  });
}

export function cameraPage(view: View, camera: CameraInfo, others: readonly CameraInfo[]): string {
  const address = `/cameras/${encodeURIComponent(camera.id)}`;
  const main = html`<section class="stage live !${lightClasses(camera.id)}" aria-label="Live picture">
<kinora-live data-id="${camera.id}" data-state="${camera.state}" data-video="${hasVideo(camera)}" data-sound="${soundBeside(camera)}">
!${livePicture(camera, address)}
<div class="stage-message" role="status"!${camera.state === 'no-signal' ? '' : ' hidden'}><span class="empty-sign">!${icon('noSignal')}</span>
<h2>No signal</h2><p data-part="message">${camera.message ?? 'The camera sends no pictures.'}</p>
<p class="hint" data-part="since">!${camera.lastPictureAtMs === null ? '' : html`Last picture !${timeAgo(view, camera.lastPictureAtMs)}.`}</p></div>
</kinora-live>
</section>
<div class="under"><div class="head"><h1 dir="auto">${camera.name}</h1>
<p class="facts" id="camera-facts">!${cameraState(view, camera)} <span data-part="viewers">${viewers(camera.viewers)}</span></p>
<div class="actions"><button class="button" type="button" id="camera-sound" hidden>!${icon('speaker')}<span data-part="label">Play sound</span></button><a class="button" href="${address}/snapshot.jpg" download="${camera.id}.jpg">!${icon('download')}Save a picture</a>!${view.can('cameras:manage') ? managing(view, camera, address) : ''}</div>
!${
    soundBeside(camera) === 'none'
      ? ''
      : html`<audio id="camera-plain-sound" controls preload="none" src="${address}/sound.mp4" aria-label="Live sound of ${camera.name}"></audio>`
  }</div></div>
!${
    others.length === 0
      ? ''
      : html`<section class="shelf" aria-labelledby="others"><h2 id="others"><a href="/cameras">All cameras</a></h2>
<kinora-wall data-fps="1"><ul class="grid even" data-arrows>!${others.slice(0, othersLimit).map((other) => cameraCard(view, other))}</ul></kinora-wall></section>`
  }`;
  return layout(view, {
    ...{ title: camera.name, place: 'cameras', search: null, main, kind: 'watching' },
    scripts: ['live.js', 'wall.js'],
    refreshSeconds: camera.state === 'no-signal' ? 10 : null,
  });
}

/** What those who manage cameras do with one. Where everybody is the household there is nobody to choose. */
function managing(view: View, { isFromSettings }: CameraInfo, address: string): string {
  const edit = isFromSettings
    ? ''
    : html`<a class="button" href="${address}/edit">!${icon('rename')}Edit</a>`;
  const isShareable = view.viewer?.personId !== householdId;
  const share = isShareable
    ? html`<a class="button" href="${address}/share">!${icon('people')}Who sees it</a>`
    : '';
  return html`!${edit}!${share}<a class="button" href="${address}/links">!${icon('link')}Guest links</a>`;
}

/** `none`: it is known to send pictures alone, so that nothing else need be tried. */
function hasVideo({ kinds }: CameraInfo): string {
  return kinds.video ?? (kinds.pictures ? 'none' : 'unknown');
}

/** `beside`: it has sound that comes with no video. */
function soundBeside({ kinds }: CameraInfo): string {
  return kinds.sound !== null && kinds.video !== 'avc' ? 'beside' : 'none';
}

/** What shows the camera without scripts: H.264 as it is, everything else as pictures. */
function livePicture({ name, kinds }: CameraInfo, address: string): string {
  const label = `Live picture of ${name}`;
  if (kinds.video !== 'avc')
    return html`<img src="${address}/stream.mjpeg" alt="${label}" width="1280" height="720">`;
  return html`<video controls autoplay muted playsinline aria-label="${label}" width="1280" height="720">
<source src="${address}/live.mp4" type="video/mp4"><source src="${address}/live.m3u8" type="application/vnd.apple.mpegurl">
<img src="${address}/stream.mjpeg" alt="${label}"></video>`;
}

function viewers(count: number): string {
  if (count === 0) return '';
  return count === 1 ? '1 viewer' : `${count} viewers`;
}
