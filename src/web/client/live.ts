// <kinora-live>: a camera's Motion-JPEG stream that says what is true and comes back by itself. The last picture
// stays, greyed, until a new one is there.
import { type CameraState, fetchCameras, showState } from './camera-state.ts';

const askMs = 2000;
/** Waits between attempts to connect, the last one for ever. */
const waitsMs = [500, 1000, 2000, 4000, 8000];
/** A page that is not looked at lets go of the camera after this. */
const hiddenMs = 15_000;

class KinoraLive extends HTMLElement {
  #leaving = new AbortController();
  #askTimer = 0;
  #connectTimer = 0;
  #hiddenTimer = 0;
  #attempt = 0;
  #isConnecting = false;
  #hadNoSignal = false;

  connectedCallback(): void {
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.#hadNoSignal = this.dataset.state === 'no-signal';
    this.#watch(this.#image());
    window.addEventListener('online', () => this.#reconnect(0), { signal });
    document.addEventListener('visibilitychange', () => this.#onVisibility(), { signal });
    this.#askTimer = window.setTimeout(() => this.#ask(), askMs);
  }

  disconnectedCallback(): void {
    this.#leaving.abort();
    clearTimeout(this.#askTimer);
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#hiddenTimer);
    this.#image().removeAttribute('src');
  }

  #image(): HTMLImageElement {
    return this.querySelector('img')!;
  }

  #watch(image: HTMLImageElement): void {
    image.addEventListener('error', () => this.#reconnect(), { signal: this.#leaving.signal });
    if (image.complete && image.naturalWidth === 0) this.#reconnect();
  }

  /** Opens a new stream beside the old picture and takes its place with its first picture. */
  #reconnect(waitMs = waitsMs[Math.min(this.#attempt, waitsMs.length - 1)]!): void {
    if (this.#isConnecting || document.hidden) return;
    this.#isConnecting = true;
    this.#attempt += 1;
    this.#connectTimer = window.setTimeout(() => {
      const old = this.#image();
      const next = old.cloneNode() as HTMLImageElement;
      const done = () => {
        this.#isConnecting = false;
      };
      next.addEventListener(
        'load',
        () => {
          done();
          this.#attempt = 0;
          if (!this.isConnected) return;
          this.#image().replaceWith(next);
          old.removeAttribute('src');
          this.#watch(next);
        },
        { once: true },
      );
      next.addEventListener(
        'error',
        () => {
          done();
          if (this.isConnected && !next.isConnected) this.#reconnect();
        },
        { once: true },
      );
      next.src = `/cameras/${encodeURIComponent(this.dataset.id!)}/stream.mjpeg?attempt=${this.#attempt}`;
    }, waitMs);
  }

  async #ask(): Promise<void> {
    if (!document.hidden) {
      try {
        const camera = (await fetchCameras()).find((candidate) => candidate.id === this.dataset.id);
        if (camera) this.#show(camera.state, camera);
      } catch {
        this.#show('offline', null);
      }
    }
    if (this.isConnected) this.#askTimer = window.setTimeout(() => this.#ask(), askMs);
  }

  #show(state: CameraState['state'] | 'offline', camera: CameraState | null): void {
    const isDark = state === 'no-signal' || state === 'offline';
    const message = this.querySelector<HTMLElement>('.stage-message')!;
    this.dataset.state = isDark ? 'no-signal' : state;
    message.hidden = !isDark;
    if (isDark) {
      message.querySelector('h2')!.textContent = state === 'offline' ? 'Offline' : 'No signal';
      message.querySelector('[data-part="message"]')!.textContent =
        state === 'offline'
          ? 'The server does not answer. The picture comes back by itself.'
          : (camera?.message ?? 'The camera sends no pictures.');
    }
    const facts = document.querySelector('#camera-facts');
    if (facts) {
      showState(facts, state);
      const count = camera?.viewers ?? 0;
      const viewers = facts.querySelector('[data-part="viewers"]');
      if (viewers) viewers.textContent = count === 0 ? '' : count === 1 ? '1 viewer' : `${count} viewers`;
    }
    if (this.#hadNoSignal && state === 'live') this.#reconnect(0);
    this.#hadNoSignal = isDark;
  }

  #onVisibility(): void {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) {
      this.#hiddenTimer = window.setTimeout(() => this.#image().removeAttribute('src'), hiddenMs);
    } else if (!this.#image().hasAttribute('src')) {
      this.#attempt = 0;
      this.#reconnect(0);
    }
  }
}

customElements.define('kinora-live', KinoraLive);
