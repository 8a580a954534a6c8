// One camera of a wall: its pictures on a canvas that keeps the last one; what its state is, and of when the picture
// is once it stands still.
import { localizeStates, type ShownState, showState, timeOfDay } from './camera-state.ts';
import type { WallPicture, WallState } from './wall-stream.ts';

/** A picture stands still when none has come for so long, or for three times the camera's usual pause. */
const stillMs = 12_000;
/** Browsers round device pixels; a picture of more of them than this is not sharper to the eye. */
const maxPixelRatio = 2;

export class WallTile {
  readonly id: string;
  readonly card: HTMLElement;
  /** Of the picture that is shown; 0 where there is none. */
  sequence = 0;
  readonly #poster: HTMLElement;
  readonly #canvas = document.createElement('canvas');
  readonly #reason: HTMLElement;
  readonly #taken = document.createElement('time');
  #state: WallState;
  #isOffline = false;
  #turn = 0;
  #drawn = 0;
  #widthPixels = 0;
  #takenAtMs = 0;
  #shownAtMs = 0;
  #usualPauseMs = 0;

  constructor(card: HTMLElement) {
    this.card = card;
    this.id = card.dataset.id ?? '';
    this.#poster = card.querySelector('.poster')!;
    this.#reason = card.querySelector('.reason')!;
    this.#canvas.setAttribute('aria-hidden', 'true');
    this.#taken.className = 'taken';
    this.#taken.hidden = true;
    const since = card.querySelector<HTMLTimeElement>('.state time');
    this.#state = {
      id: this.id,
      state: (card.querySelector<HTMLElement>('.state')?.dataset.state ?? 'off') as WallState['state'],
      message: this.#reason.textContent,
      ...(since && { stateSinceMs: Date.parse(since.dateTime) }),
    };
    localizeStates(card);
  }

  get isRemoved(): boolean {
    return this.#state.state === 'removed';
  }

  /** Its width in device pixels, in steps, so that a window that grows a little changes nothing. */
  measure(): number {
    const ratio = Math.min(window.devicePixelRatio, maxPixelRatio);
    this.#widthPixels = Math.max(1, Math.round(this.#poster.clientWidth * ratio));
    return Math.ceil(this.#widthPixels / 160) * 160;
  }

  /** Draws the picture unless a newer one was quicker; resolves when that is done. Never rejects. */
  async show({ sequence, takenAtMs, blob }: WallPicture): Promise<void> {
    // While the connection changes hands a picture can come by both.
    if (sequence === this.sequence) return;
    this.sequence = sequence;
    this.#turn += 1;
    const turn = this.#turn;
    let bitmap: ImageBitmap;
    try {
      bitmap = await createImageBitmap(blob);
    } catch {
      // A picture that cannot be decoded: the one before stays.
      return;
    }
    if (turn > this.#drawn) {
      this.#drawn = turn;
      this.#draw(bitmap);
      const nowMs = performance.now();
      if (this.#shownAtMs > 0) this.#usualPauseMs = nowMs - this.#shownAtMs;
      this.#shownAtMs = nowMs;
      this.#takenAtMs = takenAtMs;
      this.render();
    }
    bitmap.close();
  }

  setState(state: WallState): void {
    this.#state = state;
    this.render();
  }

  setOffline(isOffline: boolean): void {
    this.#isOffline = isOffline;
    this.render();
  }

  /** Says what is true now; to be called now and then, for time alone makes a picture old. */
  render(): void {
    const { state, stateSinceMs, message } = this.#state;
    const shown: ShownState = this.#isOffline ? 'offline' : state;
    showState(this.card, shown, stateSinceMs ?? null, message ?? null);
    const isStill =
      shown === 'no-signal' ||
      shown === 'offline' ||
      shown === 'removed' ||
      (shown === 'starting' && Boolean(message)) ||
      (shown === 'live' && this.#isOld());
    this.card.className = `camera ${shown}${isStill ? ' still' : ''}`;
    const reason = shown === 'no-signal' ? (message ?? '') : '';
    if (this.#reason.textContent !== reason) this.#reason.textContent = reason;
    this.#reason.hidden = reason === '';
    this.#taken.hidden = !isStill || this.#takenAtMs === 0;
    if (this.#taken.hidden) return;
    const text = timeOfDay(this.#takenAtMs);
    if (this.#taken.textContent !== text) {
      this.#taken.textContent = text;
      this.#taken.dateTime = new Date(this.#takenAtMs).toISOString();
      this.#taken.title = 'When the last picture was taken';
    }
  }

  #isOld(): boolean {
    const ageMs = performance.now() - this.#shownAtMs;
    return this.#shownAtMs > 0 && ageMs > Math.max(stillMs, 3 * this.#usualPauseMs);
  }

  #draw(bitmap: ImageBitmap): void {
    const canvas = this.#canvas;
    // No more pixels than are seen: scaling them down each time the page is composed would cost more.
    const width = Math.min(bitmap.width, this.#widthPixels || bitmap.width);
    const height = Math.max(1, Math.round((width * bitmap.height) / bitmap.width));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    canvas.getContext('2d', { alpha: false })?.drawImage(bitmap, 0, 0, width, height);
    if (!canvas.isConnected) this.#poster.append(canvas, this.#taken);
  }
}
