// The button that plays a camera's sound beside its pictures. Off at first: browsers let no page begin to sound by
// itself, and nobody wants it.
import { LiveSound } from './live-sound.ts';
import { canPlayLive } from './live-video.ts';

const words = { off: 'Play sound', waiting: 'Starting', on: 'Stop sound' };

export class SoundButton {
  readonly #button: HTMLButtonElement | null;
  readonly #address: string;
  readonly #stopListening = new AbortController();
  #sound: LiveSound | null = null;

  /** `address` is that of the sound. A browser that cannot play it in step keeps the page's plain player. */
  constructor(address: string) {
    this.#address = address;
    this.#button = canPlayLive() ? document.querySelector('#camera-sound') : null;
    if (!this.#button) return;
    const plain = document.querySelector<HTMLElement>('#camera-plain-sound');
    if (plain) plain.hidden = true;
    this.#button.addEventListener('click', () => this.#toggle(), { signal: this.#stopListening.signal });
  }

  /** See `LiveSound.heardMs`. */
  readonly heardMs = (): number | null => this.#sound?.heardMs() ?? null;

  /** See `LiveSound.compare`. */
  compare(takenAtMs: number): void {
    this.#sound?.compare(takenAtMs);
  }

  /** Whether there is sound to be played. One that is on stays, and comes back by itself. */
  offer(hasSound: boolean): void {
    if (this.#button && this.#sound === null) this.#button.hidden = !hasSound;
  }

  /** Off and away, as where the video has the sound itself. */
  withdraw(): void {
    this.#stop();
    this.offer(false);
  }

  close(): void {
    this.#stop();
    this.#stopListening.abort();
  }

  #toggle(): void {
    if (this.#sound) this.#stop();
    else this.#sound = new LiveSound(this.#address, () => this.#show());
    this.#show();
  }

  #stop(): void {
    const sound = this.#sound;
    this.#sound = null;
    sound?.stop();
    this.#show();
  }

  #show(): void {
    const state = this.#sound === null ? 'off' : this.#sound.isHeard ? 'on' : 'waiting';
    const label = this.#button?.querySelector('[data-part="label"]');
    if (!this.#button || !label || this.#button.dataset.state === state) return;
    this.#button.dataset.state = state;
    label.textContent = words[state];
  }
}
