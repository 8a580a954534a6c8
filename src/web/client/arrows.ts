// Arrow keys. In a grid they move between the cards, which are one tab stop (roving). On a television they move
// anywhere: to the nearest thing in that direction.
import { isTyping } from './keys.ts';

type Direction = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown';

const grids = '[data-arrows]';
const reachable =
  'a[href], button:not([disabled]), input:not([disabled]), summary, [tabindex]:not([tabindex="-1"]), [data-arrows] a[href]';

/** Where the remote's first key goes: what the page is for, else its places. */
const firstChoices = [
  'main media-play-button',
  'main .grid a[href], main .wall a[href]',
  'main a[href], main button',
  '.places a',
];

export function startArrows(): void {
  rove(document);
  document.addEventListener('focusin', (event) => {
    const grid = (event.target as Element).closest?.(grids);
    if (grid) keepOneStop(grid, event.target as HTMLElement);
  });
  // On `window`, so that whoever needs the key for itself (the player) has had it first.
  window.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (!isDirection(event.key)) return;
    if (move(event.key, event.target)) event.preventDefault();
  });
}

function isDirection(key: string): key is Direction {
  return key === 'ArrowLeft' || key === 'ArrowRight' || key === 'ArrowUp' || key === 'ArrowDown';
}

/** Makes each grid under `root` one tab stop: its first card, or the one last focused. */
export function rove(root: ParentNode): void {
  for (const grid of root.querySelectorAll(grids)) keepOneStop(grid, null);
}

function keepOneStop(grid: Element, wanted: HTMLElement | null): void {
  const links = [...grid.querySelectorAll<HTMLElement>('a[href]')];
  const stop =
    wanted && links.includes(wanted) ? wanted : (links.find((link) => link.tabIndex === 0) ?? links[0]);
  for (const link of links) link.tabIndex = link === stop ? 0 : -1;
}

function move(direction: Direction, target: EventTarget | null): boolean {
  const isTv = document.documentElement.hasAttribute('data-tv');
  const from = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  if (isTyping(target) && !leavesText(target, direction)) return false;
  const scope =
    document.querySelector('dialog[open]') ?? (isTv ? document.body : from?.closest(`${grids}, .places`));
  if (!scope) return false;
  const next =
    from && from !== document.body && from.id !== 'main'
      ? nearest(from, direction, scope)
      : firstOf(firstChoices);
  if (!next) return false;
  next.focus();
  next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  return true;
}

/** Whether an arrow typed in a field goes on to the next thing: sideways only from the text's end, as a remote has no Tab. */
function leavesText(field: EventTarget | null, direction: Direction): boolean {
  if (direction === 'ArrowUp' || direction === 'ArrowDown') return true;
  if (!document.documentElement.hasAttribute('data-tv') || !(field instanceof HTMLInputElement)) return false;
  const { selectionStart: start, selectionEnd: end, value } = field;
  const isLeftward = direction === 'ArrowLeft';
  return value === '' || (start === end && start === (isLeftward ? 0 : value.length));
}

function firstOf(selectors: readonly string[]): HTMLElement | null {
  for (const selector of selectors) {
    for (const found of document.querySelectorAll<HTMLElement>(selector)) if (isSeen(found)) return found;
  }
  return null;
}

/** The nearest thing that can be focused in that direction; sideways distance counts three times. */
function nearest(from: HTMLElement, direction: Direction, scope: Element): HTMLElement | null {
  const start = from.getBoundingClientRect();
  let best: HTMLElement | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of scope.querySelectorAll<HTMLElement>(reachable)) {
    if (candidate === from || candidate.classList.contains('skip')) continue;
    if (!isSeen(candidate)) continue;
    const rect = candidate.getBoundingClientRect();
    const distance = distanceBetween(start, rect, direction);
    if (distance !== null && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** What a closed <details> holds has a size but cannot be seen. */
function isSeen(element: HTMLElement): boolean {
  const { width, height } = element.getBoundingClientRect();
  return width > 0 && height > 0 && element.checkVisibility?.() !== false;
}

/** null where `to` does not lie in that direction; a pixel of overlap is forgiven. */
function distanceBetween(from: DOMRect, to: DOMRect, direction: Direction): number | null {
  const ahead = {
    ArrowLeft: from.left - to.right,
    ArrowRight: to.left - from.right,
    ArrowUp: from.top - to.bottom,
    ArrowDown: to.top - from.bottom,
  }[direction];
  if (ahead < -2) return null;
  const isVertical = direction === 'ArrowUp' || direction === 'ArrowDown';
  const gap = isVertical
    ? gapBetween(from.left, from.right, to.left, to.right)
    : gapBetween(from.top, from.bottom, to.top, to.bottom);
  const drift = isVertical ? Math.abs(from.left - to.left) : Math.abs(from.top - to.top);
  return ahead + gap * 3 + drift * 0.1;
}

function gapBetween(start: number, end: number, otherStart: number, otherEnd: number): number {
  return Math.max(0, otherStart - end, start - otherEnd);
}
