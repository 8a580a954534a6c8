// Shows pictures in step with a sound that is heard later than they come: each waits until its time is heard. Without
// sound they are shown at once. Memory: the pictures, packed, that wait, and one unpacked.
import type { DatedPicture } from './multipart-pictures.ts';

/** Browsers hold less sound than this; a picture whose sound would be later waits for nothing. */
const longestWaitMs = 3000;
/** The oldest go first: a page in the background shows none. */
const mostPictures = 128;
const mostBytes = 32 * 1024 * 1024;

/** Half of a screen's frame: a picture that is due before the next one is due now. */
const earlyMs = 8;
/** Screens that are not looked at draw no frames. */
const hiddenFrameMs = 250;

export class PictureQueue {
  readonly #draw: (bitmap: ImageBitmap) => void;
  readonly #heardMs: () => number | null;
  #held: DatedPicture[] = [];
  #heldBytes = 0;
  #isShowing = false;

  /** `heardMs`: the time that is heard now, on the clock of the pictures; null while nothing is. */
  constructor(draw: (bitmap: ImageBitmap) => void, heardMs: () => number | null) {
    this.#draw = draw;
    this.#heardMs = heardMs;
  }

  /**
   * Takes the next picture. Resolves when another one may come: without sound when it is shown, so that a page which
   * cannot follow takes fewer. Rejects where it is damaged and nothing waits.
   */
  async add(picture: DatedPicture): Promise<void> {
    if (this.#heardMs() === null && !this.#isShowing)
      return this.#show(await createImageBitmap(picture.jpeg));
    this.#held.push(picture);
    this.#heldBytes += picture.jpeg.size;
    while (this.#held.length > mostPictures || this.#heldBytes > mostBytes) this.#take();
    if (!this.#isShowing) void this.#showHeld();
  }

  /** Lets go of what waits. */
  clear(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  async #showHeld(): Promise<void> {
    this.#isShowing = true;
    while (this.#held.length > 0) {
      // The next one is due already: this one comes too late to be unpacked.
      while (this.#held[1] && this.#isDue(this.#held[1])) this.#take();
      const picture = this.#take();
      const bitmap = picture && (await createImageBitmap(picture.jpeg).catch(() => null));
      if (!bitmap) continue;
      while (!this.#isDue(picture)) await nextFrame();
      this.#show(bitmap);
    }
    this.#isShowing = false;
  }

  #take(): DatedPicture | undefined {
    const picture = this.#held.shift();
    if (picture) this.#heldBytes -= picture.jpeg.size;
    return picture;
  }

  #isDue({ takenAtMs }: DatedPicture): boolean {
    const heardMs = this.#heardMs();
    if (heardMs === null) return true;
    const leftMs = takenAtMs - heardMs;
    return !(leftMs > earlyMs && leftMs <= longestWaitMs);
  }

  #show(bitmap: ImageBitmap): void {
    this.#draw(bitmap);
    bitmap.close();
  }
}

function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      resolve();
    };
    const frame = requestAnimationFrame(done);
    const timer = setTimeout(done, hiddenFrameMs);
  });
}
