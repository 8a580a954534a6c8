// Settings: only what is real. Each choice is a button of a plain form, kept in a cookie.
import { html } from 'ghtml';
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
<section aria-labelledby="store"><h2 id="store">Room</h2>
!${settings.room ? roomMeter(view, settings.room, settings.reserveBytes) : ''}
<dl class="pairs"><div><dt>Videos</dt><dd>${formats.count(settings.videoCount)}</dd></div>
<div><dt>Version</dt><dd>Kinora ${settings.version}</dd></div></dl></section>
<section aria-labelledby="keys-here"><h2 id="keys-here">Keys</h2>!${keysList}</section>
</div></div>`;
  return layout(view, { title: 'Settings', place: 'settings', search: null, main });
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
