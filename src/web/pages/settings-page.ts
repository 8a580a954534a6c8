// Settings: only what is real. What is one's own is a button of a plain form, kept in a cookie; who may come in is told
// to the owner, with the settings that decide it.
import { html } from 'ghtml';
import { icon } from '../icons.ts';
import { keysList } from '../keys.ts';
import { layout } from '../layout.ts';
import { type Theme, themes, type View } from '../view.ts';

/** `freeBytes` is what videos may still take: less the reserve. */
export type Room = { readonly freeBytes: number; readonly totalBytes: number };

export type SettingsPage = {
  readonly version: string;
  readonly videoCount: number;
  /** null where the disk does not say. */
  readonly room: Room | null;
  /** Kept free for everything else on the disk. */
  readonly reserveBytes: number;
  /** How people come in; null for those whom it does not concern. */
  readonly door: Door | null;
};

export type Door = {
  readonly mode: 'accounts' | 'none' | 'header';
  readonly signUp: 'open' | 'invite' | 'closed';
  readonly people: number;
  /** Where other devices of the house reach this machine; empty where it listens on itself only. */
  readonly addresses: readonly string[];
  /** The QR code of the first of them, as SVG. */
  readonly qr: string | null;
};

const themeNames: Record<Theme, string> = { system: 'As the system', light: 'Light', dark: 'Dark' };

export function settingsPage(view: View, settings: SettingsPage): string {
  const { formats } = view;
  const main = html`<div class="column"><h1>Settings</h1>
<div class="settings">
<section aria-labelledby="look"><h2 id="look">Look</h2>
<form method="post" action="/settings" class="setting"><div><h3 id="theme">Colours</h3><p class="hint">Kept in this browser.</p></div>
<div class="choice" role="group" aria-labelledby="theme">!${themes.map((theme) => choice('theme', theme, themeNames[theme], theme === view.theme))}</div></form>
<form method="post" action="/settings" class="setting"><div><h3 id="tv">Television</h3><p class="hint">Larger, with room at the edges; the remote’s arrows reach everything.</p></div>
<div class="choice" role="group" aria-labelledby="tv">!${choice('tv', '0', 'Off', !view.isTv)}!${choice('tv', '1', 'On', view.isTv)}</div></form>
</section>
!${settings.door ? doorSection(view, settings.door) : ''}
<section aria-labelledby="store"><h2 id="store">Room</h2>
!${settings.room ? roomMeter(view, settings.room, settings.reserveBytes) : ''}
<dl class="pairs"><div><dt>Videos</dt><dd>${formats.count(settings.videoCount)}</dd></div>
<div><dt>Version</dt><dd>Kinora ${settings.version}</dd></div></dl></section>
<section aria-labelledby="keys-here"><h2 id="keys-here">Keys</h2>!${keysList}</section>
</div></div>`;
  return layout(view, { title: 'Settings', place: 'settings', search: null, main });
}

const signUpWords = {
  open: 'Whoever opens the page can make an account',
  invite: 'New people need an invitation',
  closed: 'No new people',
};

function doorSection(view: View, door: Door): string {
  const who =
    door.mode === 'none'
      ? html`<div class="warning" role="note">!${icon('warning')}<div><p><strong>The door is open.</strong> Everybody who reaches this address is the owner: sees everything, changes everything, deletes everything.</p>
<p>That is <code>KINORA_AUTH=none</code>. It is meant for a machine behind a door of its own. Leave the setting out to have accounts.</p></div></div>`
      : html`<dl class="pairs"><div><dt>Log-in</dt><dd>${door.mode === 'header' ? 'By the proxy in front' : 'With an account'}<small><code>KINORA_AUTH=${door.mode}</code></small></dd></div>
!${door.mode === 'header' ? '' : html`<div><dt>Sign-up</dt><dd>${signUpWords[door.signUp]}<small><code>KINORA_SIGN_UP=${door.signUp}</code></small></dd></div>`}
<div><dt>People</dt><dd>${view.formats.count(door.people)}</dd></div></dl>
<p class="links"><a class="button" href="/people">!${icon('people')}People</a> <a class="button" href="/audit">!${icon('list')}What was done</a></p>`;
  return html`<section aria-labelledby="door"><h2 id="door">Who may come in</h2>!${who}</section>
<section aria-labelledby="addresses"><h2 id="addresses">Phones and televisions</h2>!${addressList(door)}</section>`;
}

function addressList({ mode, addresses, qr }: Door): string {
  if (addresses.length === 0 && mode === 'header')
    return html`<p class="hint">They open the address of the proxy in front. Set <code>KINORA_URL</code> to it to see it here.</p>`;
  if (addresses.length === 0)
    return html`<p class="hint">Only this machine reaches it. To let the others of the house in, set <code>KINORA_HOST</code> to <code>::</code>.</p>`;
  return html`<div class="reach"><div><p>Open one of these in any browser of the house:</p><ul>!${addresses.map((address) => html`<li><a href="${address}">${address}</a></li>`)}</ul>
<p class="hint">Or point a phone’s camera at the picture.</p></div>!${qr === null ? '' : html`<div class="qr-frame">!${qr}</div>`}</div>`;
}

function choice(name: string, value: string, label: string, isChosen: boolean): string {
  return html`<button name="${name}" value="${value}" aria-pressed="${String(isChosen)}">${label}</button>`;
}

function roomMeter(view: View, room: Room, reserveBytes: number): string {
  const { formats } = view;
  const taken = 1 - room.freeBytes / Math.max(1, room.totalBytes);
  return html`<div class="room"><p><strong>${formats.size(room.freeBytes)}</strong> free for videos</p>
<progress class="bar-wide" max="1" value="${Math.min(1, Math.max(0, taken)).toFixed(4)}" aria-label="Taken"></progress>
<p class="hint">Of ${formats.size(room.totalBytes)} on this disk. ${formats.size(reserveBytes)} are always kept free.</p></div>`;
}
