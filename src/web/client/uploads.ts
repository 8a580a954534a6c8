// <kinora-uploads>: drop videos anywhere, several at once, and the tray that shows them. The transfer itself (tus)
// is fetched with the first file; a page that uploads nothing does not carry it.

import { forgetInterrupted, listInterrupted } from './interrupted.ts';
import { say } from './say.ts';
import { startSoftNavigation } from './soft-navigation.ts';
import { uploadPlace } from './upload-place.ts';
import { UploadRow } from './upload-row.ts';
import type { Transfer } from './upload-transfer.ts';

/** Uploads that move at once; the others wait, so that the first is watched soonest. */
const atOnce = 2;

export class KinoraUploads extends HTMLElement {
  #rows: UploadRow[] = [];
  #tray: HTMLElement | null = null;
  #curtain: HTMLElement | null = null;

  connectedCallback(): void {
    document.addEventListener('dragenter', (event) => this.#onDrag(event));
    document.addEventListener('dragover', (event) => this.#onDrag(event));
    document.addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) this.#lift();
    });
    document.addEventListener('drop', (event) => this.#onDrop(event));
    document.addEventListener('change', (event) => this.#onChoice(event));
    document.addEventListener('kinora:page', () => this.#settle());
    window.addEventListener('beforeunload', (event) => {
      if (this.#isBusy()) event.preventDefault();
    });
    startSoftNavigation(() => this.#isBusy());
    this.#settle();
  }

  #isBusy(): boolean {
    return this.#rows.some((row) => row.state === 'going' || row.state === 'waiting' || row.state === 'lost');
  }

  #onDrag(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    if (this.#curtain) return;
    this.#curtain = Object.assign(document.createElement('div'), {
      className: 'curtain',
      textContent: 'Drop to upload',
    });
    document.body.append(this.#curtain);
  }

  #lift(): void {
    this.#curtain?.remove();
    this.#curtain = null;
  }

  #onDrop(event: DragEvent): void {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    this.#lift();
    this.add([...event.dataTransfer.files]);
  }

  #onChoice(event: Event): void {
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || field.id !== 'file' || !field.files) return;
    this.add([...field.files]);
    field.value = '';
  }

  /** Puts files in the queue. An empty one is a folder or nothing: it is said, not sent. */
  add(files: readonly File[]): void {
    for (const file of files) {
      if (file.size === 0) say(`“${file.name}” is empty.`);
      else this.#addRow(new UploadRow(file.name, file, uploadPlace()));
    }
    this.#next();
  }

  #addRow(row: UploadRow): void {
    // The same file again continues where it stopped: its row of before makes place.
    const before = this.#rows.find((other) => other.state === 'interrupted' && other.name === row.name);
    if (before) this.#removeRow(before);
    this.#rows.push(row);
    row.element.addEventListener('kinora:pause', () => this.#pause(row));
    row.element.addEventListener('kinora:go', () => this.#go(row));
    row.element.addEventListener('kinora:cancel', () => this.#cancel(row));
    this.#list().append(row.element);
    this.#place();
  }

  #next(): void {
    const going = this.#rows.filter((row) => row.state === 'going' || row.state === 'lost').length;
    for (const row of this.#rows
      .filter((candidate) => candidate.state === 'waiting')
      .slice(0, Math.max(0, atOnce - going))) {
      this.#start(row);
    }
  }

  async #start(row: UploadRow): Promise<void> {
    row.show('going');
    try {
      const { startTransfer } = await import('./upload-transfer.ts');
      if (row.state !== 'going') return;
      row.transfer = await startTransfer(row.file!, row.place, {
        onProgress: (sent, whole) => row.progress(sent, whole),
        onLost: () => row.show('lost'),
        onFailure: (sentence) => {
          // Tried again, it is asked anew where it goes.
          row.transfer = null;
          row.place = uploadPlace();
          row.show('failed', sentence);
          this.#next();
        },
        onDone: (id) => {
          row.done(id);
          this.#next();
        },
      });
      // Paused or cancelled while it was being prepared.
      if (row.isGone) await row.transfer.cancel();
      else if ((row.state as string) === 'paused') await row.transfer.pause();
    } catch {
      row.show('failed', 'It could not be started. Is the server there?');
      this.#next();
    }
  }

  async #pause(row: UploadRow): Promise<void> {
    row.show('paused');
    await row.transfer?.pause();
    this.#next();
  }

  #go(row: UploadRow): void {
    if (row.transfer) {
      row.show('going');
      row.transfer.resume();
    } else {
      row.show('waiting');
      this.#next();
    }
  }

  async #cancel(row: UploadRow): Promise<void> {
    const isRunning = row.state !== 'done' && row.state !== 'failed';
    this.#removeRow(row);
    row.isGone = true;
    const transfer: Transfer | null = row.transfer;
    if (isRunning && transfer) await transfer.cancel();
    if (row.interrupted) await forgetInterrupted(row.interrupted);
    this.#next();
  }

  #removeRow(row: UploadRow): void {
    this.#rows = this.#rows.filter((other) => other !== row);
    row.element.remove();
    if (this.#rows.length === 0) {
      this.#tray?.remove();
      this.#tray = null;
    }
  }

  #list(): HTMLElement {
    if (!this.#tray) {
      this.#tray = document.createElement('section');
      this.#tray.className = 'tray';
      this.#tray.setAttribute('aria-label', 'Uploads');
      this.#tray.append(Object.assign(document.createElement('h2'), { textContent: 'Uploads' }));
      this.#tray.append(document.createElement('ul'));
    }
    return this.#tray.querySelector('ul')!;
  }

  #place(): void {
    if (!this.#tray) return;
    const here = document.querySelector('#uploads-here');
    this.#tray.classList.toggle('here', here !== null);
    const parent = here ?? this;
    if (this.#tray.parentNode !== parent) parent.append(this.#tray);
  }

  /** A page is there: on the upload page the tray moves into it, with what a reload interrupted. */
  #settle(): void {
    this.#place();
    if (!document.querySelector('#uploads-here')) return;
    for (const interrupted of listInterrupted()) {
      const isKnown = this.#rows.some((row) => row.name === interrupted.fileName);
      if (isKnown) continue;
      const row = new UploadRow(interrupted.fileName, null, uploadPlace());
      row.interrupted = interrupted;
      this.#addRow(row);
      row.show('interrupted');
    }
  }
}
