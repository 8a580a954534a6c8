// One relay at its camera's owner: a viewer whose socket leads to another process. What it does while the socket is
// busy is what viewers do: it has no queue but for a little sound, and goes on with the newest picture, or where it
// stopped if no key frame came since, else at the last key frame. Memory: what is in flight, at most what the hub keeps
// for those who come, and `maxSounds` of sound.
import type { Viewer, Viewing } from '../cameras.ts';
import type { LiveSample } from '../live-sample.ts';
import { frameHead, type RelayWord, wordFrame } from './relay-wire.ts';

/** What a relay's socket has to do; a `net.Socket` can. */
export type RelaySocket = {
  readonly writableLength: number;
  readonly destroyed: boolean;
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  on(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
};

/** Sound that waits for a busy socket: some two seconds of it. */
const maxSounds = 100;

/** The picture before a relay came is sent to it where it is not older than this, as to other viewers. */
const newestMaxAgeMs = 1000;

export type RelaySenderSetup = {
  readonly socket: RelaySocket;
  readonly monotonicMs: () => number;
  /** Asked before every write: whether this process still owns the camera. */
  readonly mayServe: () => boolean;
  /** The newest sample the relay has of this very lease: it goes on behind it. 0 for none. */
  readonly afterSequence: number;
  readonly audience: number;
  readonly word: (yours: number, ends: RelayWord['ends']) => RelayWord;
  readonly onDropped: (samples: number) => void;
  readonly onSent: (bytes: number) => void;
  /** The socket has closed. Called once. */
  readonly onClose: () => void;
};

export class RelaySender implements Viewer {
  readonly #setup: RelaySenderSetup;
  #viewing: Viewing | null = null;
  #lastSequence: number;
  #audience: number;
  /** Samples that came while the socket was busy, and the sound among them that is kept. */
  #missed = 0;
  #sounds: LiveSample[] = [];
  /** Pictures that build on others were left out: the next one to go is a key frame. */
  #needsKey = true;
  #isWordDue = false;
  #isOver = false;
  /** Since when the socket holds something it has not taken; null while it is free. */
  #busySinceMs: number | null = null;

  constructor(setup: RelaySenderSetup) {
    this.#setup = setup;
    this.#lastSequence = setup.afterSequence;
    this.#audience = setup.audience;
    setup.socket.on('drain', () => this.#onDrain());
    setup.socket.on('close', () => this.#onClosed());
    setup.socket.on('error', () => {});
  }

  /** Joins the camera's hub, and sends what whoever comes begins with. Throws what `watch` throws. */
  begin(watch: (viewer: Viewer) => Viewing): void {
    this.#viewing = watch(this);
    this.tell();
    this.#catchUp();
    if (this.#setup.socket.destroyed) this.#onClosed();
  }

  audience(): number {
    return this.#audience;
  }

  /** How many people watch over there. */
  setAudience(people: number): void {
    if (people === this.#audience || this.#isOver) return;
    this.#audience = people;
    this.#viewing?.audienceChanged();
  }

  /** How long the socket has taken nothing, though there was something for it, milliseconds. */
  get stalledMs(): number {
    return this.#busySinceMs === null ? 0 : this.#setup.monotonicMs() - this.#busySinceMs;
  }

  onSample(sample: LiveSample): void {
    if (this.#isOver || !this.#setup.mayServe()) return;
    const isBusy = this.#setup.socket.writableLength > 0;
    if (!isBusy && this.#missed === 0) {
      this.#send(sample);
      return;
    }
    this.#missed += 1;
    if (isSound(sample)) {
      this.#sounds.push(sample);
      if (this.#sounds.length > maxSounds) this.#sounds.shift();
    }
    if (isBusy) this.#busySinceMs ??= this.#setup.monotonicMs();
    // What was a little too much for the kernel drains without a word.
    else this.#onDrain();
  }

  /** What is known of the camera has changed, or a second is over. */
  tell(): void {
    if (this.#isOver || !this.#setup.mayServe()) return;
    // A socket that is busy shows by that alone that we live.
    this.#isWordDue = true;
    if (this.#setup.socket.writableLength === 0) this.#onDrain();
  }

  /** The camera is no more, or goes elsewhere: says so, and ends. Idempotent. */
  end(ends: 'moves' | 'removed'): void {
    if (this.#isOver) return;
    const { socket } = this.#setup;
    if (socket.writableLength > 0 || !this.#setup.mayServe()) {
      this.cut();
      return;
    }
    socket.write(wordFrame(this.#setup.word(this.#audience, ends)));
    this.#leave();
    socket.end();
  }

  onEnd(): void {
    this.end('removed');
  }

  /** Ends at once: not a byte more goes out. Idempotent. */
  cut(): void {
    if (!this.#setup.socket.destroyed) this.#setup.socket.destroy();
    this.#leave();
  }

  /** False where it is none to send. */
  #send(sample: LiveSample): boolean {
    if (sample.sequence <= this.#lastSequence) return false;
    if (isVideo(sample)) {
      if (this.#needsKey && !sample.isKey) {
        this.#setup.onDropped(1);
        return false;
      }
      this.#needsKey = false;
    }
    this.#lastSequence = sample.sequence;
    const { socket, monotonicMs, onSent } = this.#setup;
    const head = frameHead(sample, monotonicMs() - sample.takenAtMonotonicMs);
    onSent(head.length + sample.data.length);
    socket.cork();
    socket.write(head);
    socket.write(sample.data);
    socket.uncork();
    return true;
  }

  #onDrain(): void {
    this.#busySinceMs = null;
    if (this.#isOver || this.#setup.socket.destroyed || !this.#setup.mayServe()) return;
    if (this.#isWordDue) {
      this.#isWordDue = false;
      this.#setup.socket.write(wordFrame(this.#setup.word(this.#audience, null)));
    }
    // What is written now may fill it again.
    if (this.#missed > 0 && this.#setup.socket.writableLength === 0) this.#catchUp();
  }

  /** What is sent of the past: to whoever just came, and to one whose socket was busy. */
  #catchUp(): void {
    const viewing = this.#viewing!;
    const missed = this.#missed;
    const sounds = this.#sounds;
    this.#missed = 0;
    this.#sounds = [];
    let sent = 0;
    const backlog = viewing.backlog();
    const newest = viewing.newest();
    const isFresh =
      newest !== null &&
      (missed > 0 || this.#setup.monotonicMs() - newest.takenAtMonotonicMs <= newestMaxAgeMs);
    // Sound between the pictures of a video is in its backlog, which begins with a key frame.
    const next = backlog.length > 0 ? [...backlog] : sounds;
    if (isFresh) next.push(newest);
    next.sort((a, b) => a.sequence - b.sequence);
    this.#needsKey = backlog.length === 0 || backlog[0]!.sequence > this.#lastSequence;
    for (const sample of next) if (this.#send(sample)) sent += 1;
    if (missed > sent) this.#setup.onDropped(missed - sent);
  }

  #onClosed(): void {
    this.#leave();
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#missed > 0) this.#setup.onDropped(this.#missed);
    this.#sounds = [];
    this.#viewing?.close();
    this.#setup.onClose();
  }
}

function isVideo({ codec }: LiveSample): boolean {
  return codec === 'avc' || codec === 'hevc';
}

function isSound(sample: LiveSample): boolean {
  return sample.codec !== 'jpeg' && !isVideo(sample);
}
