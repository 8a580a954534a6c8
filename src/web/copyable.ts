// Text that is to be taken elsewhere, shown this once: a field that can be marked, and a button that copies it where
// there are scripts (`client/links.ts`).
import { html } from 'ghtml';
import { icon } from './icons.ts';

/** `label` names it: `Token`. One to a page. */
export function copyable(label: string, text: string): string {
  return html`<div class="field"><label for="copyable">${label}</label><kinora-copy-text class="copyable"><input id="copyable" value="${text}" readonly dir="ltr" autocomplete="off"><button type="button" class="button" hidden>!${icon('link')}Copy</button></kinora-copy-text></div>`;
}
