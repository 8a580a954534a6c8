// Adding and editing a camera: which kind, its fields, trying it out in a frame of its own (so that nothing typed is
// sent back), and removing it. Plain forms; no script is needed or loaded.
import { html } from 'ghtml';
import type { CameraSetup, CameraTest, DeviceMode, FoundCamera } from '../../cameras/cameras.ts';
import { type CameraField, type CameraKind, cameraKinds } from '../camera-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

/** The first step: what was found near (null: not looked for yet), and the kinds there are. */
export function addCameraPage(view: View, found: readonly FoundCamera[] | null): string {
  const main = html`<div class="column"><h1>Add a camera</h1>
!${foundSection(found)}
<section class="kinds" aria-labelledby="kinds"><h2 id="kinds">What kind is it?</h2>
<ul>!${cameraKinds.map(
    ({ driver, name, about }) =>
      html`<li><a href="/cameras/add?driver=${driver}"><strong>${name}</strong><span class="hint">${about}</span></a></li>`,
  )}</ul></section></div>`;
  return layout(view, { title: 'Add a camera', place: 'cameras', search: null, main });
}

function foundSection(found: readonly FoundCamera[] | null): string {
  if (found === null) {
    return html`<section class="near" aria-labelledby="near"><div><h2 id="near">Near you</h2>
<p class="hint">Asks the network (ONVIF) and looks at what is plugged in. Takes three seconds.</p></div>
<a class="button primary" href="/cameras/add?find">!${icon('search')}Look for cameras</a></section>`;
  }
  const list = html`<ul>!${found.map(
    (camera) =>
      html`<li><a href="/cameras/add?${linkOf(camera)}"><strong dir="auto">${camera.name}</strong><span class="hint">${camera.kind === 'onvif' ? 'In the network' : 'Plugged in'} · ${camera.address}</span></a></li>`,
  )}</ul>`;
  return html`<section class="kinds" aria-labelledby="near"><h2 id="near">Near you</h2>
!${found.length > 0 ? list : html`<p class="hint">Nothing answered. Cameras that are there all the same can be added by their address below.</p>`}
<p><a class="button" href="/cameras/add?find">!${icon('search')}Look again</a></p></section>`;
}

function linkOf({ driver, name, options }: FoundCamera): string {
  return new URLSearchParams({ driver, name, ...options }).toString();
}

export type CameraForm = {
  readonly kind: CameraKind;
  /** What the fields hold, by name; never a secret. */
  readonly values: Readonly<Record<string, string>>;
  /** Names of secret fields that are set and not shown; for addresses: that hold a log-in. */
  readonly secrets: readonly string[];
  /** Why it was not taken; null at first. */
  readonly error: string | null;
  /** The camera being edited; null where one is added. */
  readonly editing: Pick<CameraSetup, 'id' | 'name'> | null;
};

/** The second step, and editing. */
export function cameraFormPage(view: View, form: CameraForm): string {
  const { kind, values, error, editing } = form;
  const title = editing ? `Edit ${editing.name}` : 'Add a camera';
  const action = editing ? `/cameras/${encodeURIComponent(editing.id)}/edit` : '/cameras/add';
  const main = html`<div class="column"><h1 dir="auto">${title}</h1>
<p class="intro"><strong>${kind.name}.</strong> ${kind.about}!${editing ? '' : html` <a href="/cameras/add">Another kind</a>`}</p>
!${error === null ? '' : html`<p class="problem" role="alert">!${icon('warning')}<span>${error}</span></p>`}
<form class="fields" method="post" action="${action}">
<input type="hidden" name="driver" value="${kind.driver}">!${editing ? html`<input type="hidden" name="likeId" value="${editing.id}">` : ''}
<div class="field"><label for="name">Name</label><input id="name" name="name" value="${values.name ?? ''}" maxlength="200" required dir="auto" autocomplete="off" placeholder="Front door"></div>
!${kind.fields.map((field) => fieldOf(field, form))}
<div class="buttons"><button class="button primary">${editing ? 'Save' : 'Add the camera'}</button>
<button class="button" formaction="/cameras/add/tried" formtarget="test">Try it out</button>
!${kind.driver === 'v4l2' ? html`<button class="button" formaction="/cameras/add/modes" formtarget="test" formnovalidate>What it offers</button>` : ''}
<a class="button quiet" href="${editing ? `/cameras/${encodeURIComponent(editing.id)}` : '/cameras'}">Cancel</a></div>
</form>
<iframe class="tryout" name="test" title="What the camera answers" src="/cameras/add/tried"></iframe>
!${editing ? pushHint(kind, editing.id) : ''}
!${
    editing
      ? html`<details class="unfold removing"><summary class="button quiet">!${icon('bin')}Remove this camera</summary>
<form method="post" action="/cameras/${encodeURIComponent(editing.id)}/remove"><p>Its viewers are cut off. It can be added again at any time.</p><button class="button">Remove ${editing.name}</button></form></details>`
      : ''
  }
</div>`;
  return layout(view, { title, place: 'cameras', search: null, main });
}

function fieldOf(field: CameraField, { values, secrets, editing }: CameraForm): string {
  const { name, label, kind, hint = '', placeholder = '', isRequired = false } = field;
  const isSet = secrets.includes(name);
  const remark = isSet
    ? kind === 'secret'
      ? 'One is set. Leave it empty to keep it.'
      : 'A log-in is part of it and is not shown; it is kept.'
    : hint;
  const described = remark === '' ? '' : html` aria-describedby="${name}-hint"`;
  const required = isRequired ? ' required' : '';
  const control = () => {
    switch (kind) {
      case 'choice':
        return html`<select id="${name}" name="${name}"!${described}>!${(field.choices ?? []).map(
          ([value, text]) =>
            html`<option value="${value}"!${values[name] === value ? ' selected' : ''}>${text}</option>`,
        )}</select>`;
      case 'number':
        return html`<input id="${name}" name="${name}" type="number" inputmode="decimal" min="${field.min ?? 0}" max="${field.max ?? 1e9}" step="${field.step ?? '1'}" value="${values[name] ?? ''}" placeholder="${placeholder}"!${described}!${required}>`;
      case 'secret':
        return html`<input id="${name}" name="${name}" type="password" autocomplete="new-password" maxlength="2048"!${described}>`;
      default:
        return html`<input id="${name}" name="${name}" type="text"!${kind === 'address' ? ' inputmode="url"' : ''} value="${values[name] ?? ''}" placeholder="${placeholder}" maxlength="2048" autocomplete="off" autocapitalize="none" spellcheck="false"!${described}!${required}>`;
    }
  };
  const forget =
    editing && isSet && kind === 'secret'
      ? html`<label class="tick"><input type="checkbox" name="forget" value="${name}">Forget it</label>`
      : '';
  return html`<div class="field"><label for="${name}">${label}</label>!${control()}!${remark === '' ? '' : html`<p class="hint" id="${name}-hint">${remark}</p>`}!${forget}</div>`;
}

function pushHint(kind: CameraKind, id: string): string {
  if (kind.driver !== 'push') return '';
  const path = `/api/v1/cameras/${id}/push`;
  return html`<p class="hint">It sends to <code>${path}</code>, with the key as <code>?key=</code> or as a password.</p>`;
}

/** The frame's document: nothing yet, or what trying the camera out came to. */
export function cameraTestFrame(view: View, tested: CameraTest | null, picture: string | null): string {
  if (!tested) return frame(view, '');
  return frame(
    view,
    html`<div class="outcome !${tested.ok ? 'good' : 'bad'}" role="status">!${picture ? html`<img src="${picture}" alt="The camera’s picture">` : ''}
<p>!${tested.ok ? '' : icon('warning')}<span>${tested.message}</span></p></div>`,
  );
}

/** The frame's document: the sizes and rates of a device. */
export function cameraModesFrame(view: View, device: string, modes: readonly DeviceMode[]): string {
  const rate = (maxFps: number) =>
    maxFps > 0 ? html`up to ${view.formats.count(Math.round(maxFps))} a second` : '';
  return frame(
    view,
    html`<div class="outcome" role="status"><p><span>!${modes.length === 0 ? 'Nothing is offered by' : 'Offered by'} <code>${device}</code></span></p>
<table><thead><tr><th>Size</th><th>Form</th><th>Rate</th></tr></thead><tbody>!${modes.map(
      ({ width, height, format, maxFps }) =>
        html`<tr><td>${width} × ${height}</td><td>${format}</td><td>!${rate(maxFps)}</td></tr>`,
    )}</tbody></table></div>`,
  );
}

function frame(view: View, body: string): string {
  const theme = view.theme === 'system' ? 'light dark' : view.theme;
  return html`<!doctype html>
<html lang="en" data-theme="${view.theme}"!${view.isTv ? ' data-tv' : ''}><head><meta charset="utf-8"><title>Trying the camera out</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="${theme}">
<link rel="stylesheet" href="${view.asset('styles.css')}"></head><body class="frame">!${body}</body></html>
`;
}
