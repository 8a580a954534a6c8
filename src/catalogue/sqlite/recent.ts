// What was asked for lately, for as long as nothing was written: a player asks for range after range, and finding the
// row, and whom it is shared with, costs more than the rest of such an answer.
import type { Clock } from '../../clock.ts';
import { isAppError } from '../../errors.ts';
import type { Shared, Sharing, Video } from '../catalogue.ts';
import type { Reads } from './reads.ts';

/** More than are watched at once in any home. */
const mostRecent = 100;
/** How long the writes of another process may go unseen here. */
const lookEveryMs = 1000;

export class Recent {
  readonly #reads: Reads;
  readonly #clock: Clock;
  /** Answers of this process' writer so far: what was read when there were as many still holds. */
  readonly #answers: () => number;
  readonly #videos = new Map<string, Video>();
  readonly #sharings = new Map<string, Sharing>();
  #asOf = -1;
  #lookedAtMs = 0;
  #accessChanges = 0;

  constructor(reads: Reads, clock: Clock, answers: () => number) {
    this.#reads = reads;
    this.#clock = clock;
    this.#answers = answers;
  }

  /** Forgets what may hold no longer. Own writes are seen at once, those of other processes after a second. */
  look(): void {
    const answers = this.#answers();
    const nowMs = this.#clock.monotonicMs();
    if (answers === this.#asOf && nowMs - this.#lookedAtMs < lookEveryMs) return;
    const changes = this.#reads.sharing((sharing) => sharing.accessChanges());
    if (answers !== this.#asOf || changes !== this.#accessChanges) {
      this.#videos.clear();
      this.#sharings.clear();
    }
    this.#asOf = answers;
    this.#lookedAtMs = nowMs;
    this.#accessChanges = changes;
  }

  video(id: string): Video | null {
    this.look();
    const video = this.#videos.get(id) ?? this.#reads.getVideo(id);
    if (video) keep(this.#videos, id, video);
    return video;
  }

  sharing(subject: Shared, id: string): Sharing | null {
    this.look();
    const key = `${subject} ${id}`;
    const sharing =
      this.#sharings.get(key) ?? this.#reads.sharing((sharing) => sharing.getSharing(subject, id));
    if (sharing) keep(this.#sharings, key, sharing);
    return sharing;
  }

  /** Once the catalogue is closed, the last one. */
  accessChanges(): number {
    try {
      this.look();
    } catch (error) {
      if (!isAppError(error, 'unavailable')) throw error;
    }
    return this.#accessChanges;
  }
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (map.has(key)) return;
  if (map.size === mostRecent) map.clear();
  map.set(key, value);
}
