// <kinora-arriving>: bar, figure and time left of a video that is coming, and the player as soon as it is there.
import { followVideos } from './follow-videos.ts';
import { Speed } from './speed.ts';
import { formatDuration, formatShare, formatSize, type VideoState } from './video-state.ts';

class KinoraArriving extends HTMLElement {
  #stop = (): void => {};
  #speed: Speed | null = null;

  connectedCallback(): void {
    this.#stop = followVideos([this.dataset.id!], {
      onVideo: (state) => this.#onVideo(state),
      onGone: () => location.reload(),
      onLost: () => this.#write('left', 'The server does not answer; trying again'),
    });
  }

  disconnectedCallback(): void {
    this.#stop();
  }

  #onVideo(state: VideoState): void {
    if (state.status === 'arriving') this.#show(state.receivedBytes ?? 0, state.sizeBytes);
    else if (state.status !== 'converting') location.reload();
  }

  #show(receivedBytes: number, sizeBytes: number | null): void {
    this.#speed ??= new Speed(receivedBytes);
    this.#speed.note(receivedBytes);
    const bar = this.querySelector('progress');
    if (sizeBytes && bar) bar.value = receivedBytes / sizeBytes;
    this.#write('share', sizeBytes ? formatShare(receivedBytes / sizeBytes) : '');
    this.#write('bytes', formatSize(receivedBytes) + (sizeBytes ? ` of ${formatSize(sizeBytes)}` : ''));
    const leftMs = sizeBytes ? this.#speed.remainingMs(sizeBytes - receivedBytes) : null;
    this.#write('left', leftMs === null ? '' : `${formatDuration(leftMs)} left`);
  }

  #write(part: string, text: string): void {
    const place = this.querySelector(`[data-part="${part}"]`);
    if (place) place.textContent = text;
  }
}

customElements.define('kinora-arriving', KinoraArriving);
