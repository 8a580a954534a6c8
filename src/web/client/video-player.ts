// <kinora-player>: media-chrome's controls around the browser's own video element, the keys, the place one was at,
// a message when nothing plays, and the next video at the end.
import { isTyping } from './keys.ts';

const skipSeconds = 10;
const louder = 0.1;
/** How often the place is kept while playing. */
const keepMs = 10_000;
const retryMs = 5000;

/** media-chrome's own button shows `1x` and is called otherwise, which voice control cannot say (WCAG 2.5.3). */
const speeds = [1, 1.25, 1.5, 2, 0.5, 0.75];

const controls = `<div class="controls"><media-time-range></media-time-range>
<media-control-bar><media-play-button></media-play-button><media-mute-button></media-mute-button><media-volume-range></media-volume-range>
<media-time-display showduration notoggle aria-hidden="true"></media-time-display><span class="gap"></span>
<button class="speed" type="button" aria-label="1× speed">1×</button><media-fullscreen-button></media-fullscreen-button></media-control-bar></div>`;

export class KinoraPlayer extends HTMLElement {
  #leaving = new AbortController();
  #keptAt = 0;
  #retryTimer = 0;
  #video!: HTMLVideoElement;

  connectedCallback(): void {
    this.#video = this.querySelector('video')!;
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.#video.removeAttribute('controls');
    this.#video.tabIndex = -1;
    if (!this.querySelector('.controls')) {
      const chrome = this.querySelector('media-controller')!;
      chrome.insertAdjacentHTML(
        'beforeend',
        '<media-loading-indicator noautohide></media-loading-indicator>',
      );
      chrome.insertAdjacentHTML('beforeend', controls);
      chrome.removeAttribute('gesturesdisabled');
    }
    this.querySelector('.speed')?.addEventListener('click', () => this.#changeSpeed(), { signal });
    document.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    document
      .querySelector<HTMLAnchorElement>('a[data-clip]')
      ?.addEventListener('click', (event) => this.#beginClip(event.currentTarget as HTMLAnchorElement), {
        signal,
      });
    window.addEventListener('pagehide', () => this.#keepPlace(), { signal });
    this.#video.addEventListener('timeupdate', () => this.#onTime(), { signal });
    this.#video.addEventListener('pause', () => this.#keepPlace(), { signal });
    this.#video.addEventListener('ended', () => this.#onEnd(), { signal });
    this.#video.addEventListener('play', () => this.querySelector('.next-up')?.remove(), { signal });
    this.#video.addEventListener('error', () => this.#onFailure(), { signal });
    const sources = this.#video.querySelectorAll('source');
    sources[sources.length - 1]?.addEventListener('error', () => this.#onFailure(), { signal });
    if (this.#video.networkState === HTMLMediaElement.NETWORK_NO_SOURCE || sources.length === 0)
      this.#onFailure();
  }

  disconnectedCallback(): void {
    this.#keepPlace();
    this.#leaving.abort();
    clearTimeout(this.#retryTimer);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target))
      return;
    if (document.querySelector('dialog[open]')) return;
    const target = event.target as HTMLElement;
    const isInside = this.contains(target);
    const isOnControl =
      target !== this.#video && target.matches('a[href], button, summary, media-control-bar *');
    if (!this.#handle(event.key, isInside, isOnControl, target)) return;
    event.preventDefault();
    this.querySelector('media-controller')?.dispatchEvent(new Event('pointermove', { bubbles: true }));
  }

  /** True where the key was for the player. On a button, space and arrows are the button's or the grid's. */
  #handle(key: string, isInside: boolean, isOnControl: boolean, target: HTMLElement): boolean {
    const isTv = document.documentElement.hasAttribute('data-tv');
    const isInGrid = target.closest('[data-arrows], .places') !== null;
    const isOnBar = target.localName === 'media-time-range';
    switch (key) {
      case ' ':
        return !isOnControl && this.#toggle();
      case 'k':
      case 'MediaPlayPause':
        return this.#toggle();
      case 'Enter':
        return isTv && (target === document.body || isOnBar) && this.#toggle();
      case 'ArrowLeft':
      case 'ArrowRight':
        if (isInGrid || target.localName === 'media-volume-range' || (isTv && isOnControl)) return false;
        return this.#skip(key === 'ArrowLeft' ? -skipSeconds : skipSeconds);
      case 'ArrowUp':
      case 'ArrowDown':
        if (isTv || !isInside || isOnBar) return false;
        return this.#turn(key === 'ArrowUp' ? louder : -louder);
      case 'f':
        return this.#fill();
      case 'm':
        this.#video.muted = !this.#video.muted;
        return true;
      default:
        return false;
    }
  }

  #toggle(): boolean {
    // A browser may refuse to play before the first click; the button is there for that.
    if (this.#video.paused) this.#video.play().catch(() => {});
    else this.#video.pause();
    return true;
  }

  #skip(seconds: number): boolean {
    const { currentTime, duration } = this.#video;
    const end = Number.isFinite(duration) ? duration : currentTime + skipSeconds;
    this.#video.currentTime = Math.min(end, Math.max(0, currentTime + seconds));
    return true;
  }

  #turn(change: number): boolean {
    this.#video.volume = Math.min(1, Math.max(0, this.#video.volume + change));
    return true;
  }

  #fill(): boolean {
    if (document.fullscreenElement) document.exitFullscreen();
    else
      this.querySelector('media-controller')
        ?.requestFullscreen()
        .catch(() => {});
    return true;
  }

  #changeSpeed(): void {
    const rate = speeds[(speeds.indexOf(this.#video.playbackRate) + 1) % speeds.length]!;
    this.#video.playbackRate = rate;
    const button = this.querySelector('.speed')!;
    button.textContent = `${rate}×`;
    button.setAttribute('aria-label', `${rate}× speed`);
  }

  #onTime(): void {
    if (performance.now() - this.#keptAt > keepMs) this.#keepPlace();
  }

  #keepPlace(): void {
    const { currentTime, played } = this.#video;
    // Of the visitor of a guest link nothing is kept.
    if (played.length === 0 || !this.dataset.id) return;
    this.#keptAt = performance.now();
    fetch(`/api/v1/videos/${this.dataset.id}/progress`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ positionMs: Math.round(currentTime * 1000) }),
      keepalive: true,
    }).catch(() => {
      // Not kept this time; it is tried again in a few seconds and when leaving.
    });
  }

  /** The form for a guest link begins with the moment that is being watched. */
  #beginClip(link: HTMLAnchorElement): void {
    const seconds = Math.floor(this.#video.currentTime);
    if (seconds > 0) link.search = `?start=${seconds}`;
  }

  #onEnd(): void {
    this.#keepPlace();
    if (!this.dataset.next || this.querySelector('.next-up')) return;
    const link = document.createElement('a');
    link.className = 'button primary next-up';
    link.href = this.dataset.next;
    link.append(
      'Next: ',
      Object.assign(document.createElement('bdi'), { textContent: this.dataset.nextTitle ?? '' }),
    );
    this.append(link);
    link.focus();
  }

  /** Nothing plays: either this browser knows none of the sources, or the server cannot be reached just now. */
  async #onFailure(): Promise<void> {
    const message = this.querySelector<HTMLElement>('.stage-message')!;
    const source = this.#video.querySelector('source');
    let isReachable = true;
    try {
      if (source) await fetch(source.src, { method: 'HEAD' });
    } catch {
      isReachable = false;
    }
    message.hidden = !isReachable;
    if (isReachable) return;
    const at = this.#video.currentTime;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = window.setTimeout(() => {
      this.#video.load();
      if (at > 0) this.#video.currentTime = at;
    }, retryMs);
  }
}
