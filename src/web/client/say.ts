// One short sentence at the foot of the page that goes away by itself, read out by screen readers.

const shownMs = 4000;
let current: HTMLElement | null = null;

/** Says it, in place of what was said before. */
export function say(sentence: string): void {
  current?.remove();
  const said = document.createElement('p');
  said.className = 'said';
  said.setAttribute('role', 'status');
  document.body.append(said);
  said.textContent = sentence;
  current = said;
  window.setTimeout(() => said.remove(), shownMs);
}
