// <kinora-live>: a camera live, as video with its sound where camera and browser have it, else as pictures on a canvas,
// and beside them, in step, the sound where somebody asks for it.
// The last picture stays, greyed, when they stop; says what is true and comes back by itself. Until the first picture
// the plain <img> or <video> of the page shows the same.
import { type CameraState, fetchCameras, showState } from './camera-state.ts';
import { canPlayLive, playLive } from './live-video.ts';
import { readPictures } from './multipart-pictures.ts';
import { PictureQueue } from './picture-queue.ts';
import { SoundButton } from './sound-button.ts';

const askMs = 2000;
/** Waits between attempts to connect, the last one for ever. */
const waitsMs = [250, 1000, 2000, 4000, 8000];
/** A camera that is live and silent for so long has lost us. */
const silentMs = 10_000;
/** A page that is not looked at lets go of the camera after this. */
const hiddenMs = 15_000;

class KinoraLive extends HTMLElement {
  #leaving = new AbortController();
  #stream: AbortController | null = null;
  #canvas = document.createElement('canvas');
  #video: HTMLVideoElement | null = null;
  /** Whether the camera and this browser may have video in common. */
  #mayVideo = canPlayLive();
  #hasPlayed = false;
  #askTimer = 0;
  #connectTimer = 0;
  #hiddenTimer = 0;
  #attempt = 0;
  #pictureAtMs = 0;
  #sound: SoundButton | null = null;
  #pictures: PictureQueue | null = null;

  connectedCallback(): void {
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    if (this.dataset.video === 'none') this.#mayVideo = false;
    const sound = new SoundButton(`${this.#address}/sound.mp4`);
    this.#sound = sound;
    this.#pictures = new PictureQueue((bitmap) => this.#draw(bitmap), sound.heardMs);
    sound.offer(this.dataset.sound === 'beside');
    window.addEventListener('online', () => this.#connect(), { signal });
    document.addEventListener('visibilitychange', () => this.#onVisibility(), { signal });
    this.#askTimer = window.setTimeout(() => this.#ask(), askMs);
    this.#connect();
  }

  disconnectedCallback(): void {
    this.#leaving.abort();
    this.#stream?.abort();
    this.#sound?.close();
    this.#pictures?.clear();
    for (const timer of [this.#askTimer, this.#connectTimer, this.#hiddenTimer]) clearTimeout(timer);
  }

  get #address(): string {
    // A guest link has everything below its own address.
    return this.dataset.address ?? `/cameras/${encodeURIComponent(this.dataset.id!)}`;
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#connectTimer);
    this.#stream?.abort();
    const stream = new AbortController();
    this.#stream = stream;
    this.#pictureAtMs = performance.now();
    try {
      // Video that never came may be one that nobody can begin with: now and then pictures are tried instead.
      const isVideoTurn = this.#hasPlayed || this.#attempt % 4 !== 3;
      if (this.#mayVideo && isVideoTurn)
        this.#mayVideo = await this.#playVideo(`${this.#address}/live.mp4`, stream.signal);
      else {
        const response = await fetch(`${this.#address}/stream.mjpeg`, { signal: stream.signal });
        if (!response.ok || !response.body) throw new Error(`The server answered ${response.status}.`);
        for await (const picture of readPictures(response.body)) {
          this.#sound?.compare(picture.takenAtMs);
          await this.#pictures?.add(picture);
        }
      }
    } catch {
      // Broken, refused or let go of: what follows is the same as after an end.
    }
    if (this.#stream !== stream || !this.isConnected || document.hidden) return;
    const waitMs = waitsMs[Math.min(this.#attempt, waitsMs.length - 1)]!;
    this.#attempt += 1;
    this.#connectTimer = window.setTimeout(() => this.#connect(), waitMs);
  }

  /** Resolves when the stream has ended; false where there will never be video here. */
  async #playVideo(address: string, signal: AbortSignal): Promise<boolean> {
    this.#video ??= this.querySelector('video') ?? makeVideo();
    const video = this.#video;
    video.addEventListener('loadeddata', () => this.#present(video), { signal, once: true });
    // Muted, it is taken without sound and shown nearer to now; a change of mind takes the other stream.
    const isMuted = video.muted;
    const onVolume = () => {
      if (video.muted !== isMuted) this.#connect();
    };
    video.addEventListener('volumechange', onVolume, { signal });
    const outcome = await playLive(video, address, {
      signal,
      onData: () => {
        this.#hasPlayed = true;
        this.#attempt = 0;
        this.#pictureAtMs = performance.now();
      },
    });
    return outcome === 'ended';
  }

  #draw(bitmap: ImageBitmap): void {
    if (this.#canvas.width !== bitmap.width || this.#canvas.height !== bitmap.height) {
      this.#canvas.width = bitmap.width;
      this.#canvas.height = bitmap.height;
    }
    this.#canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
    this.#attempt = 0;
    this.#pictureAtMs = performance.now();
    this.#present(this.#canvas);
  }

  /** Puts what shows the pictures in the place of what showed them so far. */
  #present(shown: HTMLElement): void {
    if (shown.parentElement === this) return;
    // Video has the sound in itself.
    if (shown === this.#video) this.#sound?.withdraw();
    const before = this.querySelector<HTMLElement>('img, video, canvas');
    if (!before) return;
    if (shown === this.#canvas) shown.setAttribute('role', 'img');
    shown.setAttribute('aria-label', before.getAttribute('alt') ?? before.getAttribute('aria-label') ?? '');
    before.removeAttribute('src');
    before.replaceWith(shown);
    if (before === this.#video) this.#video = null;
  }

  async #ask(): Promise<void> {
    if (!document.hidden) {
      try {
        const cameras = await fetchCameras(this.dataset.states);
        const camera = cameras.find((candidate) => candidate.id === this.dataset.id);
        if (camera) this.#show(camera.state, camera);
        if (this.#canvas.parentElement === this) this.#sound?.offer(camera?.kinds?.sound != null);
        const isSilent = performance.now() - this.#pictureAtMs > silentMs;
        if (camera?.state === 'live' && isSilent) this.#connect();
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
    if (!facts) return;
    showState(facts, state, camera?.stateSinceMs ?? null, camera?.message ?? null);
    const count = camera?.viewers ?? 0;
    const viewers = facts.querySelector('[data-part="viewers"]');
    if (viewers) viewers.textContent = count === 0 ? '' : count === 1 ? '1 viewer' : `${count} viewers`;
  }

  #onVisibility(): void {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) {
      this.#hiddenTimer = window.setTimeout(() => {
        this.#stream?.abort();
        this.#stream = null;
      }, hiddenMs);
    } else if (this.#stream === null) {
      this.#attempt = 0;
      this.#connect();
    }
  }
}

function makeVideo(): HTMLVideoElement {
  const video = document.createElement('video');
  Object.assign(video, { muted: true, autoplay: true, playsInline: true, controls: true });
  return video;
}

customElements.define('kinora-live', KinoraLive);
