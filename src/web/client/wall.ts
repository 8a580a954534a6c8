// <kinora-wall>: the newest picture of each camera every two seconds while the page is looked at. A picture is
// decoded before it takes the place of the one before, so that nothing flickers.
import { fetchCameras, showState } from './camera-state.ts';

const intervalMs = 2000;

class KinoraWall extends HTMLElement {
  #timer = 0;
  #round = 0;

  connectedCallback(): void {
    for (const image of this.querySelectorAll('img'))
      image.addEventListener('error', () => (image.hidden = true));
    for (const image of this.querySelectorAll('img')) {
      if (image.complete && image.naturalWidth === 0) image.hidden = true;
    }
    this.#timer = window.setTimeout(() => this.#tick(), intervalMs);
  }

  disconnectedCallback(): void {
    clearTimeout(this.#timer);
  }

  async #tick(): Promise<void> {
    if (!document.hidden) {
      this.#round += 1;
      const cards = [...this.querySelectorAll<HTMLElement>('.camera')].filter(isInSight);
      await Promise.all([this.#states(), ...cards.map((card) => this.#picture(card))]);
    }
    if (this.isConnected) this.#timer = window.setTimeout(() => this.#tick(), intervalMs);
  }

  async #states(): Promise<void> {
    try {
      for (const camera of await fetchCameras()) {
        const card = this.querySelector<HTMLElement>(`.camera[data-id="${CSS.escape(camera.id)}"]`);
        if (!card) continue;
        card.className = `camera ${camera.state}`;
        showState(card, camera.state);
      }
    } catch {
      for (const card of this.querySelectorAll('.camera')) showState(card, 'offline');
    }
  }

  async #picture(card: HTMLElement): Promise<void> {
    const image = card.querySelector('img');
    if (!image) return;
    const next = new Image(640, 360);
    next.alt = '';
    next.src = `/cameras/${encodeURIComponent(card.dataset.id!)}/snapshot.jpg?round=${this.#round}`;
    try {
      await next.decode();
      image.replaceWith(next);
    } catch {
      // No picture just now: the last one stays, and the state says so.
    }
  }
}

function isInSight(card: HTMLElement): boolean {
  const rect = card.getBoundingClientRect();
  return rect.bottom > 0 && rect.top < window.innerHeight;
}

customElements.define('kinora-wall', KinoraWall);
