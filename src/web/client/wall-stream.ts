// The wall's one connection: asked anew when other tiles are in view, with no gap between the old answer and the
// new; comes back by itself with growing pauses when it is lost.
import type { ShownState } from './camera-state.ts';
import { type Part, readParts } from './multipart-parts.ts';

export type WallPicture = {
  readonly id: string;
  readonly sequence: number;
  readonly takenAtMs: number;
  readonly blob: Blob;
};

export type WallState = {
  readonly id: string;
  readonly state: Exclude<ShownState, 'offline'>;
  readonly stateSinceMs?: number;
  readonly message?: string | null;
};

/** A tile as it is asked for. */
export type Wanted = { readonly id: string; readonly width: number; readonly sequence: number };

export type WallStreamSetup = {
  /** Most pictures a second of each camera; the server's own measure where it is null. */
  readonly fps: number | null;
  /** Resolves when it is drawn; so many at a time are asked for that the newest are not old when they are seen. */
  readonly onPicture: (picture: WallPicture) => Promise<void>;
  readonly onState: (state: WallState) => void;
  /** Whether the server answers. */
  readonly onConnection: (isThere: boolean) => void;
};

/** Waits between attempts, the last one for ever; a fifth of each is left to chance, so that walls do not march. */
const waitsMs = [250, 1000, 2000, 4000, 8000];
/** The server gives a sign of life every five seconds. */
const silentMs = 15_000;
/** Pictures that are decoded at once. While so many are, nothing more is read, and the server skips to the newest. */
const maxDecoding = 6;
/** As the server has it. */
const maxTiles = 64;

export class WallStream {
  readonly #setup: WallStreamSetup;
  #key = '';
  #wanted: () => readonly Wanted[] = () => [];
  /** The answer that is read, and the newest request; the same but for the moment of changing over. */
  #current: AbortController | null = null;
  #newest: AbortController | null = null;
  #timer = 0;
  #attempt = 0;
  #heardAtMs = 0;
  readonly #decoding = new Set<Promise<void>>();

  constructor(setup: WallStreamSetup) {
    this.#setup = setup;
  }

  /** Shows these from now on; none at all lets go of the connection. `wanted` is asked again at each attempt. */
  show(wanted: () => readonly Wanted[]): void {
    const key = wanted()
      .map(({ id, width }) => `${id}:${width}`)
      .join();
    if (key === this.#key) return;
    this.#key = key;
    this.#wanted = wanted;
    if (key === '') this.stop();
    else void this.#connect();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#key = '';
    const held = [this.#newest, this.#current];
    this.#newest = null;
    this.#current = null;
    for (const request of held) request?.abort();
  }

  /** Tries now rather than later: the network is there again. */
  retry(): void {
    if (this.#key !== '' && this.#current === null) void this.#connect();
  }

  /** To be called now and then: a connection that says nothing is none. */
  check(): void {
    if (this.#current && performance.now() - this.#heardAtMs > silentMs) this.#current.abort();
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#newest !== this.#current) this.#newest?.abort();
    const own = new AbortController();
    this.#newest = own;
    try {
      const response = await fetch(this.#address(), { signal: own.signal });
      if (!response.ok || !response.body) throw new Error(`The server answered ${response.status}.`);
      this.#current?.abort();
      this.#current = own;
      this.#heardAtMs = performance.now();
      this.#setup.onConnection(true);
      for await (const part of readParts(response.body)) {
        this.#heardAtMs = performance.now();
        await this.#take(part);
      }
    } catch {
      // Broken, refused, silent or let go of: what follows is the same as after an end.
    }
    own.abort();
    if (this.#current === own) this.#current = null;
    if (this.#newest !== own) return;
    this.#current?.abort();
    this.#current = null;
    this.#setup.onConnection(false);
    const waitMs = waitsMs[Math.min(this.#attempt, waitsMs.length - 1)]!;
    this.#attempt += 1;
    this.#timer = window.setTimeout(() => this.#connect(), waitMs * (0.8 + Math.random() * 0.4));
  }

  #address(): string {
    const { fps } = this.#setup;
    const show = this.#wanted()
      .slice(0, maxTiles)
      .map(({ id, width, sequence }) => (sequence > 0 ? `${id}:${width}:${sequence}` : `${id}:${width}`))
      .join();
    return `/cameras/wall.multipart?show=${show}${fps === null ? '' : `&fps=${fps}`}`;
  }

  async #take(part: Part): Promise<void> {
    if (part.header('content-type') !== 'image/jpeg') {
      const state = JSON.parse(new TextDecoder().decode(part.bytes)) as Partial<WallState>;
      if (state.id !== undefined) this.#setup.onState(state as WallState);
      return;
    }
    this.#attempt = 0;
    const drawn: Promise<void> = this.#setup
      .onPicture({
        id: part.header('x-camera') ?? '',
        sequence: Number(part.header('x-sequence')),
        takenAtMs: Number(part.header('x-timestamp')) * 1000,
        blob: new Blob([part.bytes], { type: 'image/jpeg' }),
      })
      .finally(() => this.#decoding.delete(drawn));
    this.#decoding.add(drawn);
    if (this.#decoding.size >= maxDecoding) await Promise.race(this.#decoding);
  }
}
