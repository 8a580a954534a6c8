// The wall of cameras, and one camera live. The state is what the hub says, never a guess; without scripts the
// pages ask again by themselves.
import { html } from 'ghtml';
import type { CameraInfo } from '../../cameras/cameras.ts';
import { cameraCard, cameraState, lightClasses, timeAgo } from '../cards.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

export function camerasPage(view: View, cameras: readonly CameraInfo[]): string {
  const main = html`<div class="heading"><h1>Cameras</h1></div>
!${
    cameras.length === 0
      ? html`<section class="empty"><span class="empty-sign">!${icon('cameras')}</span><h2>No cameras yet</h2>
<p>Add one to the settings file, as a <code>[[camera]]</code> with an id, a name and a driver.</p></section>`
      : html`<kinora-wall><ul class="wall" data-arrows data-count="${Math.min(cameras.length, 9)}">!${cameras.map(cameraCard)}</ul></kinora-wall>`
  }`;
  return layout(view, {
    ...{ title: 'Cameras', place: 'cameras', search: '', main, kind: 'walled' },
    ...{ scripts: ['wall.js'], refreshSeconds: cameras.length > 0 ? 10 : null },
  });
}

export function cameraPage(view: View, camera: CameraInfo, others: readonly CameraInfo[]): string {
  const address = `/cameras/${encodeURIComponent(camera.id)}`;
  const main = html`<section class="stage live !${lightClasses(camera.id)}" aria-label="Live picture">
<kinora-live data-id="${camera.id}" data-state="${camera.state}">
<img src="${address}/stream.mjpeg" alt="Live picture of ${camera.name}" width="1280" height="720">
<div class="stage-message" role="status"!${camera.state === 'no-signal' ? '' : ' hidden'}><span class="empty-sign">!${icon('noSignal')}</span>
<h2>No signal</h2><p data-part="message">${camera.message ?? 'The camera sends no pictures.'}</p>
<p class="hint" data-part="since">!${camera.lastPictureAtMs === null ? '' : html`Last picture !${timeAgo(view, camera.lastPictureAtMs)}.`}</p></div>
</kinora-live>
</section>
<div class="under"><div class="head"><h1 dir="auto">${camera.name}</h1>
<p class="facts" id="camera-facts">!${cameraState(camera.state)} <span data-part="viewers">${viewers(camera.viewers)}</span></p>
<div class="actions"><a class="button" href="${address}/snapshot.jpg" download="${camera.id}.jpg">!${icon('download')}Save a picture</a></div>
</div></div>
!${
    others.length === 0
      ? ''
      : html`<section class="shelf" aria-labelledby="others"><h2 id="others"><a href="/cameras">All cameras</a></h2>
<kinora-wall><ul class="grid even" data-arrows>!${others.map(cameraCard)}</ul></kinora-wall></section>`
  }`;
  return layout(view, {
    ...{ title: camera.name, place: 'cameras', search: null, main, kind: 'watching' },
    scripts: ['live.js', 'wall.js'],
    refreshSeconds: camera.state === 'no-signal' ? 10 : null,
  });
}

function viewers(count: number): string {
  if (count === 0) return '';
  return count === 1 ? '1 viewer' : `${count} viewers`;
}
