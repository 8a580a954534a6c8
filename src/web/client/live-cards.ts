// Cards of videos that are arriving follow them, and become ordinary cards when the last byte has landed.
import { rove } from './arrows.ts';
import { localizeMoments } from './moments.ts';
import { fetchPage } from './page-fetch.ts';
import { fetchVideoState, formatShare, formatSize, type VideoState } from './video-state.ts';

const intervalMs = 2000;
/** Cards followed at once; more than a person has uploads going. */
const most = 8;

export function startLiveCards(): void {
  const tick = async () => {
    try {
      if (!document.hidden) await followAll();
    } catch {
      // The server does not answer just now; the next round asks again.
    }
    window.setTimeout(tick, intervalMs);
  };
  window.setTimeout(tick, intervalMs);
}

async function followAll(): Promise<void> {
  const cards = [...document.querySelectorAll<HTMLElement>('[data-live] > .arriving[data-id]')].slice(
    0,
    most,
  );
  let hasLanded = false;
  for (const card of cards) {
    const state = await fetchVideoState(card.dataset.id!);
    if (state?.status === 'arriving') show(card, state);
    else hasLanded = true;
  }
  if (hasLanded) await replaceCards(cards);
}

function show(card: HTMLElement, state: VideoState): void {
  const received = state.receivedBytes ?? 0;
  const share = state.sizeBytes ? received / state.sizeBytes : null;
  const sign = card.querySelector('.sign');
  if (sign?.lastChild)
    sign.lastChild.textContent = `Arriving · ${share === null ? formatSize(received) : formatShare(share)}`;
  const bar = card.querySelector('progress');
  if (bar && share !== null) bar.value = share * 100;
}

async function replaceCards(cards: readonly HTMLElement[]): Promise<void> {
  const page = await fetchPage(location.href);
  for (const card of cards) {
    const fresh = page.querySelector(`[data-live] > [data-id="${CSS.escape(card.dataset.id!)}"]`);
    const hasFocus = card.contains(document.activeElement);
    if (fresh) card.replaceWith(fresh);
    else card.remove();
    if (hasFocus && fresh) fresh.querySelector<HTMLElement>('a[href]')?.focus();
  }
  rove(document);
  localizeMoments(document);
}
