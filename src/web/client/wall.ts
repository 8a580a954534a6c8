// <kinora-wall>: live pictures of all cameras that are in view, over one connection, each at the size it is shown.
// What is out of view or in a tab that nobody looks at is not sent, and its camera may rest.
import { localizeStates } from './camera-state.ts';
import { say } from './say.ts';
import { WallStream } from './wall-stream.ts';
import { WallTile } from './wall-tile.ts';

/** Scrolling settles before other tiles are asked for. */
const settleMs = 150;
const tickMs = 1000;
/** A connection that is back within this was never missed. */
const lostMs = 1500;
/** Tiles about to come into view are asked for already. */
const margin = '64px';

class KinoraWall extends HTMLElement {
  #leaving = new AbortController();
  #tiles = new Map<string, WallTile>();
  #inView = new Set<WallTile>();
  #stream: WallStream | null = null;
  #settleTimer = 0;
  #lostTimer = 0;

  connectedCallback(): void {
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    const cards = [...this.querySelectorAll<HTMLElement>('.camera[data-id]')];
    this.#tiles = new Map(cards.map((card) => [card.dataset.id ?? '', new WallTile(card)]));
    const stream = new WallStream({
      fps: Number(this.dataset.fps) || null,
      onPicture: async (picture) => this.#tiles.get(picture.id)?.show(picture),
      onState: (state) => this.#tiles.get(state.id)?.setState(state),
      onConnection: (isThere) => this.#onConnection(isThere),
    });
    this.#stream = stream;

    const seen = new IntersectionObserver((entries) => this.#onSeen(entries), { rootMargin: margin });
    const resized = new ResizeObserver(() => this.#settle());
    for (const card of cards) seen.observe(card);
    resized.observe(this);
    document.addEventListener('visibilitychange', () => this.#show(), { signal });
    window.addEventListener('online', () => stream.retry(), { signal });
    // A page that is kept for the way back holds no connection.
    window.addEventListener('pagehide', () => stream.stop(), { signal });
    window.addEventListener('pageshow', () => this.#settle(), { signal });
    const ticker = window.setInterval(() => this.#tick(), tickMs);
    signal.addEventListener('abort', () => {
      seen.disconnect();
      resized.disconnect();
      clearInterval(ticker);
      clearTimeout(this.#settleTimer);
      clearTimeout(this.#lostTimer);
      stream.stop();
    });
  }

  disconnectedCallback(): void {
    this.#leaving.abort();
  }

  #onSeen(entries: readonly IntersectionObserverEntry[]): void {
    const isFirst = this.#inView.size === 0;
    for (const { target, isIntersecting } of entries) {
      const tile = this.#tiles.get((target as HTMLElement).dataset.id ?? '');
      if (!tile) continue;
      if (isIntersecting) this.#inView.add(tile);
      else this.#inView.delete(tile);
    }
    if (isFirst) this.#show();
    else this.#settle();
  }

  #settle(): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = window.setTimeout(() => this.#show(), settleMs);
  }

  #show(): void {
    clearTimeout(this.#settleTimer);
    if (document.hidden) {
      this.#stream?.stop();
      return;
    }
    const tiles = [...this.#tiles.values()].filter((tile) => this.#inView.has(tile) && !tile.isRemoved);
    const widths = new Map(tiles.map((tile) => [tile, tile.measure()]));
    this.#stream?.show(() =>
      tiles.map((tile) => ({ id: tile.id, width: widths.get(tile) ?? 160, sequence: tile.sequence })),
    );
  }

  #tick(): void {
    if (document.hidden) return;
    this.#stream?.check();
    for (const tile of this.#inView) tile.render();
  }

  #onConnection(isThere: boolean): void {
    if (isThere) {
      clearTimeout(this.#lostTimer);
      this.#lostTimer = 0;
      if (this.hasAttribute('data-lost')) this.#setLost(false);
    } else if (this.#lostTimer === 0 && !this.hasAttribute('data-lost')) {
      this.#lostTimer = window.setTimeout(() => this.#setLost(true), lostMs);
    }
  }

  #setLost(isLost: boolean): void {
    this.#lostTimer = 0;
    this.toggleAttribute('data-lost', isLost);
    for (const tile of this.#tiles.values()) tile.setOffline(isLost);
    say(
      isLost ? 'The server does not answer. The pictures come back by themselves.' : 'The cameras are back.',
    );
  }
}

localizeStates(document);
customElements.define('kinora-wall', KinoraWall);
