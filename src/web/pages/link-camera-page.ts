// A live camera for the visitor of a guest link, until the link ends: pictures that need no scripts, better ones and the
// sound in step where there are some. Everything is asked for below the link's own address.
import { html } from 'ghtml';
import type { CameraInfo } from '../../cameras/cameras.ts';
import type { GuestLink } from '../../catalogue/catalogue.ts';
import { cameraState, lightClasses } from '../cards.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';
import { moment } from './link-door-page.ts';

export type LinkCameraContent = {
  /** The link's own address: `/l/SECRET`. */
  readonly home: string;
  readonly link: GuestLink;
  readonly camera: CameraInfo;
};

export function linkCameraPage(view: View, { home, link, camera }: LinkCameraContent): string {
  const { kinds, name, state } = camera;
  const video = kinds.video ?? (kinds.pictures ? 'none' : 'unknown');
  const hasSoundBeside = kinds.sound !== null && kinds.video !== 'avc';
  const main = html`<section class="stage live !${lightClasses(camera.id)}" aria-label="Live picture">
<kinora-live data-id="camera" data-address="${home}" data-states="${home}/state" data-state="${state}" data-video="${video}" data-sound="${hasSoundBeside ? 'beside' : 'none'}">
<img src="${home}/stream.mjpeg" alt="Live picture of ${name}" width="1280" height="720">
<div class="stage-message" role="status"!${state === 'no-signal' ? '' : ' hidden'}><span class="empty-sign">!${icon('noSignal')}</span>
<h2>No signal</h2><p data-part="message">The camera sends no pictures.</p></div>
</kinora-live>
</section>
<div class="under"><div class="head"><h1 dir="auto">${name}</h1>
<p class="facts" id="camera-facts">!${cameraState(view, camera)}</p>
!${link.expiresAtMs === null ? '' : html`<p class="hint">This link ends on !${moment(view, link.expiresAtMs)}.</p>`}
<div class="actions"><button class="button" type="button" id="camera-sound" hidden>!${icon('speaker')}<span data-part="label">Play sound</span></button></div>
!${kinds.sound === null ? '' : html`<audio id="camera-plain-sound" controls preload="none" src="${home}/sound.mp4" aria-label="Live sound of ${name}"></audio>`}</div></div>`;
  return layout(view, {
    ...{ title: name, place: null, search: null, main, kind: 'watching', guestHome: home },
    scripts: ['live.js'],
    refreshSeconds: state === 'no-signal' ? 10 : null,
  });
}
