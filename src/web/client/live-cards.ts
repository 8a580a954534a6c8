// Cards of videos that are arriving follow them, and become ordinary cards when the last byte has landed.
import { rove } from './arrows.ts';
import { followVideos } from './follow-videos.ts';
import { localizeMoments } from './moments.ts';
import { fetchPage } from './page-fetch.ts';
import { formatShare, formatSize, type VideoState } from './video-state.ts';

/** How soon cards that came since are followed: a search, the next page, an upload. */
const intervalMs = 2000;
/** Cards followed at once; more than a person has uploads going. */
const most = 50;
/** Those that land together are replaced together. */
const togetherMs = 100;

export function startLiveCards(): void {
  let followed = '';
  let stop = (): void => {};
  let timer = 0;
  const landed = new Set<string>();

  const followAll = () => {
    const ids = arrivingCards().map((card) => card.dataset.id!);
    if (ids.join() === followed) return;
    stop();
    followed = ids.join();
    stop = ids.length > 0 ? followVideos(ids, { onVideo, onGone: land }) : () => {};
  };
  const replace = async () => {
    const cards = arrivingCards().filter((card) => landed.has(card.dataset.id!));
    landed.clear();
    try {
      if (cards.length > 0) await replaceCards(cards);
    } catch {
      // The server does not answer just now: it is told again.
      stop();
      followed = '';
    }
    followAll();
  };
  const land = (id: string) => {
    landed.add(id);
    clearTimeout(timer);
    timer = window.setTimeout(replace, togetherMs);
  };
  const onVideo = (state: VideoState) => {
    if (state.status !== 'arriving') return land(state.id);
    for (const card of arrivingCards()) if (card.dataset.id === state.id) show(card, state);
  };
  followAll();
  window.setInterval(followAll, intervalMs);
}

function arrivingCards(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-live] > .arriving[data-id]')].slice(0, most);
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
