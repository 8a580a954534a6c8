// The keys, in one table: shown by `?` on every page and listed in the settings.
import { html } from 'ghtml';

const keys: readonly (readonly [readonly string[], string])[] = [
  [['Space', 'k'], 'Play or pause'],
  [['←', '→'], 'Back or on by 10 seconds'],
  [['↑', '↓'], 'Louder or softer, with the player focused'],
  [['f'], 'Fill the screen'],
  [['m'], 'Sound off and on'],
  [['/'], 'Search'],
  [['Arrows', 'Enter'], 'Move in a grid and open'],
  [['x'], 'Pick a video in a list; Shift and arrows pick more'],
  [['Ctrl + a'], 'Pick all, while selecting'],
  [['Escape'], 'Close what is open; leave the selection'],
  [['?'], 'Show these keys'],
];

/** The table as a description list. */
export const keysList: string = html`<dl class="keys">!${keys.map(
  ([names, meaning]) =>
    html`<div><dt>!${names.map((name) => html`<kbd>${name}</kbd>`)}</dt><dd>${meaning}</dd></div>`,
)}</dl>`;

/** The dialog that `?` opens; closed until then, and useless without scripts, so never in the way. */
export const keysDialog: string = html`<dialog class="panel" id="keys" aria-labelledby="keys-title">
<h2 id="keys-title">Keys</h2>
!${keysList}
<form method="dialog"><button class="button">Close</button></form>
</dialog>`;
