// <kinora-arriving>: bar, figure and time left of a video that is coming, and the player as soon as it is there.
import { Speed } from './speed.ts';
import { fetchVideoState, formatDuration, formatShare, formatSize } from './video-state.ts';

const intervalMs = 1000;

class KinoraArriving extends HTMLElement {
  #timer = 0;
  #speed: Speed | null = null;

  connectedCallback(): void {
    this.#timer = window.setTimeout(() => this.#ask(), intervalMs);
  }

  disconnectedCallback(): void {
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    try {
      const state = await fetchVideoState(this.dataset.id!);
      if (!state || (state.status !== 'arriving' && state.status !== 'converting')) {
        location.reload();
        return;
      }
      if (state.status === 'arriving') this.#show(state.receivedBytes ?? 0, state.sizeBytes);
    } catch {
      this.#write('left', 'The server does not answer; trying again');
    }
    if (this.isConnected) this.#timer = window.setTimeout(() => this.#ask(), intervalMs);
  }

  #show(receivedBytes: number, sizeBytes: number | null): void {
    this.#speed ??= new Speed(receivedBytes);
    this.#speed.note(receivedBytes);
    const bar = this.querySelector('progress');
    if (sizeBytes && bar) bar.value = receivedBytes / sizeBytes;
    this.#write('share', sizeBytes ? formatShare(receivedBytes / sizeBytes) : '');
    this.#write('bytes', formatSize(receivedBytes) + (sizeBytes ? ` of ${formatSize(sizeBytes)}` : ''));
    const leftMs = sizeBytes ? this.#speed.remainingMs(sizeBytes - receivedBytes) : null;
    if (leftMs !== null) this.#write('left', `${formatDuration(leftMs)} left`);
  }

  #write(part: string, text: string): void {
    const place = this.querySelector(`[data-part="${part}"]`);
    if (place) place.textContent = text;
  }
}

customElements.define('kinora-arriving', KinoraArriving);
