// One upload in the tray: name, what it is doing, bar, and the buttons that fit its state.
import type { Interrupted } from './interrupted.ts';
import { Speed } from './speed.ts';
import type { UploadPlace } from './upload-place.ts';
import type { Transfer } from './upload-transfer.ts';
import { fetchVideoState, formatDuration, formatShare, formatSize } from './video-state.ts';

export type UploadState = 'waiting' | 'going' | 'paused' | 'lost' | 'failed' | 'interrupted' | 'done';

const sentences: Readonly<Record<UploadState, string>> = {
  waiting: 'Waiting',
  going: 'Starting',
  paused: 'Paused',
  lost: 'Connection lost; it goes on by itself',
  failed: 'It did not arrive',
  interrupted: 'Interrupted; choose the same file and it goes on',
  done: 'Here',
};

export class UploadRow {
  readonly element = document.createElement('li');
  readonly name: string;
  readonly file: File | null;
  /** Where it will lie and who will see it. */
  place: UploadPlace;
  state: UploadState = 'waiting';
  transfer: Transfer | null = null;
  interrupted: Interrupted | null = null;
  isGone = false;
  #doing = document.createElement('span');
  #bar = document.createElement('progress');
  #buttons = document.createElement('span');
  #speed: Speed | null = null;

  constructor(name: string, file: File | null, place: UploadPlace) {
    this.name = name;
    this.file = file;
    this.place = place;
    this.element.className = 'upload';
    const title = Object.assign(document.createElement('bdi'), {
      className: 'name',
      textContent: name,
      title: name,
    });
    this.#doing.className = 'doing';
    this.#doing.setAttribute('role', 'status');
    this.#buttons.className = 'buttons';
    this.#bar.max = 1;
    this.#bar.value = 0;
    this.#bar.setAttribute('aria-label', `Uploaded of ${name}`);
    this.element.append(title, this.#doing, this.#buttons, this.#bar);
    this.show('waiting');
  }

  show(state: UploadState, sentence: string = sentences[state]): void {
    this.state = state;
    this.element.className = `upload ${state}`;
    this.#doing.textContent = sentence;
    this.#bar.hidden = state === 'interrupted' || state === 'failed' || state === 'done';
    if (state !== 'going') this.#speed = null;
    this.#showButtons();
  }

  progress(sentBytes: number, wholeBytes: number): void {
    if (this.state === 'lost') this.show('going');
    if (this.state !== 'going') return;
    this.#speed ??= new Speed(sentBytes);
    this.#speed.note(sentBytes);
    this.#bar.value = wholeBytes > 0 ? sentBytes / wholeBytes : 0;
    const leftMs = this.#speed.remainingMs(wholeBytes - sentBytes);
    const share = formatShare(sentBytes / Math.max(1, wholeBytes));
    const parts = [share, `${formatSize(sentBytes)} of ${formatSize(wholeBytes)}`];
    if (leftMs !== null) parts.push(`${formatDuration(leftMs)} left`);
    if (this.transfer?.isShared) parts.push('for the household');
    this.#doing.textContent = parts.join(' · ');
  }

  done(id: string): void {
    this.#bar.value = 1;
    this.show('done', this.transfer?.isShared ? 'Here, for the household' : sentences.done);
    const link = Object.assign(document.createElement('a'), { className: 'button', href: `/videos/${id}` });
    link.textContent = 'Watch';
    this.#buttons.prepend(link);
    this.#showWhatItIs(id, link);
  }

  /** What arrived may be no more than kept: the row says so instead of promising a picture. */
  async #showWhatItIs(id: string, link: HTMLAnchorElement): Promise<void> {
    try {
      const video = await fetchVideoState(id);
      if (video?.status !== 'unplayable') return;
      this.#doing.textContent = 'Here, but it cannot be played';
      link.textContent = 'Open';
    } catch {
      // The page behind the link says it in any case.
    }
  }

  #showButtons(): void {
    this.#buttons.replaceChildren();
    if (this.state === 'going' || this.state === 'lost') this.#button('Pause', 'pause');
    if (this.state === 'paused') this.#button('Go on', 'go');
    if (this.state === 'failed' && this.file) this.#button('Try again', 'go');
    if (this.state === 'interrupted') this.#chooser();
    this.#button(this.state === 'done' || this.state === 'failed' ? 'Close' : 'Cancel', 'cancel');
  }

  #button(label: string, action: 'pause' | 'go' | 'cancel'): void {
    const button = Object.assign(document.createElement('button'), { className: 'button', type: 'button' });
    button.textContent = label;
    button.setAttribute('aria-label', `${label}: ${this.name}`);
    button.addEventListener('click', () => this.element.dispatchEvent(new CustomEvent(`kinora:${action}`)));
    this.#buttons.append(button);
  }

  #chooser(): void {
    const button = Object.assign(document.createElement('button'), { className: 'button', type: 'button' });
    button.textContent = 'Choose';
    button.addEventListener('click', () => document.querySelector<HTMLInputElement>('#file')?.click());
    this.#buttons.append(button);
  }
}
