// A camera in a process that does not own it: a driver that takes the samples from the owner, once for all who watch
// here, tells it how many they are, and goes to the next owner when there is another. Where this process owns it
// itself, the samples come straight from its hub. Memory: one frame of the stream.

import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { AppError, isAppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { CameraKinds } from '../camera-kinds.ts';
import type { CameraState } from '../cameras.ts';
import type { CameraSample, DriverContext, DriverModule } from '../driver.ts';
import type { ClusterTimings } from './cluster-setup.ts';
import type { Directory } from './directory.ts';
import { localFrames } from './local-frames.ts';
import type { Owner } from './notes.ts';
import type { OwnedCamera } from './owned-camera.ts';
import type { RelayFrame, RelayWord } from './relay-wire.ts';
import { remoteFrames } from './remote-frames.ts';
import { OwnerAway, type ServiceCalls } from './service-calls.ts';

export const reconnectingSentence =
  'Reconnecting: the process that ran this camera is gone, and another takes over.';
const noOwnerSentence = 'No process runs this camera at the moment; this is tried on.';

export type RelaySetup = {
  readonly id: string;
  /** This run of this process. */
  readonly holder: string;
  readonly directory: Directory;
  readonly calls: ServiceCalls;
  /** The camera where this process owns it. */
  readonly local: (id: string) => OwnedCamera | null;
  readonly timings: ClusterTimings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onKinds: (kinds: CameraKinds) => void;
  /** How many watch elsewhere has changed. */
  readonly onViewers: () => void;
};

/** Where the samples come from now. */
type Link = {
  readonly owner: Owner;
  /** Which of the owner's drivers it is: of one, no sample has another's number. */
  run: string;
  /** Grows where the same owner takes the lease anew. */
  token: number;
  readonly relay: string;
  /** As told by the owner; null before. */
  word: RelayWord | null;
  readonly isLocal: boolean;
};

type Seen = { readonly run: string; readonly sequence: number };

export class Relay {
  readonly #setup: RelaySetup;
  #link: Link | null = null;
  #audience = 0;
  #isTelling = false;
  /** The newest sample that came, and of whom: nothing comes twice. */
  #last: Seen | null = null;
  /** The newest lease's token that was seen: who has an older one is not the owner any more. */
  #newestToken = 0;
  /** What the local viewer is told when the audience changes. */
  #onAudience: (() => void) | null = null;

  constructor(setup: RelaySetup) {
    this.#setup = setup;
  }

  readonly module: DriverModule = {
    samples: (_options, context) => this.#samples(context),
    // The camera's silence is seen by its owner, the owner's by the stream.
    maxPauseMs: () => Number.POSITIVE_INFINITY,
  };

  get isLinked(): boolean {
    return this.#link !== null && !this.#link.isLocal;
  }

  /** How many watch in other processes; null where no owner has said. */
  get others(): number | null {
    const word = this.#link?.word;
    return word ? Math.max(0, word.viewers - word.yours) : null;
  }

  /** How many people watch here. */
  setAudience(people: number): void {
    if (people === this.#audience) return;
    this.#audience = people;
    this.#onAudience?.();
    void this.#tellAudience();
  }

  async *#samples({ signal, clock, report }: DriverContext): AsyncGenerator<CameraSample, void, void> {
    const { timings, log, id } = this.#setup;
    let darkSinceMs = clock.monotonicMs();
    let hadPictures = false;
    let isToldAway = false;
    /** The owner that was just left: whether there is another yet is asked of the store itself. */
    let left: Owner | null = null;
    while (!signal.aborted) {
      const owner = await this.#find(left !== null);
      if (signal.aborted) return;
      if (owner) {
        try {
          for await (const sample of this.#take(owner, signal, report)) {
            if (sample !== 'alive') yield sample;
            hadPictures ||= sample !== 'alive';
            isToldAway &&= sample === 'alive';
            darkSinceMs = clock.monotonicMs();
          }
        } catch (error) {
          if (signal.aborted) return;
          if (!isAppError(error)) log.error({ camera: id, err: error }, 'a relay failed');
          else {
            // Once for each time it is away.
            const level = isToldAway ? 'debug' : 'warn';
            log[level]({ camera: id, reason: reasonOf(error) }, 'the process of a camera is not to be had');
          }
          isToldAway = true;
        }
      }
      left = owner ?? left;
      if (signal.aborted) return;
      const darkMs = clock.monotonicMs() - darkSinceMs;
      if (darkMs >= timings.reconnectMs) report?.(noOwnerSentence);
      else if (hadPictures) report?.(reconnectingSentence, 'starting');
      await clock.sleep(timings.soonMs, signal).catch(() => undefined);
    }
  }

  /** Who has it now. Never throws. */
  async #find(isFresh: boolean): Promise<Owner | null> {
    const { directory, id } = this.#setup;
    const known = directory.owner(id);
    let found = known;
    if (isFresh || !known) {
      try {
        found = await directory.find(id);
      } catch (error) {
        if (!isAppError(error, 'unavailable')) throw error;
        // As it was before the database went.
      }
    }
    if (!found || found.token < this.#newestToken) return null;
    this.#newestToken = found.token;
    return found;
  }

  /** The samples of one owner until it is none any more; `alive` where it said something else. Throws where it breaks. */
  async *#take(
    owner: Owner,
    signal: AbortSignal,
    report: DriverContext['report'],
  ): AsyncGenerator<CameraSample | 'alive', void, void> {
    const { directory, holder, clock, onKinds, onViewers } = this.#setup;
    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    const link: Link = {
      ...{ owner, run: '', token: owner.token, relay: createId(), word: null },
      isLocal: owner.holder === holder,
    };
    // Another has it: what still comes of this one is not to be shown.
    const stopLooking = directory.onLook(() => {
      const now = directory.owner(this.#setup.id);
      if (now && now.token > link.token && now.holder !== owner.holder)
        over.abort(new AppError('unavailable', 'Another process has taken this camera over.'));
    });
    let shown: CameraState = 'starting';
    try {
      for await (const frame of this.#frames(link, ended)) {
        this.#link = link;
        if (frame.kind === 'sample') {
          const { sequence, sample, ageMs } = frame;
          if (this.#last?.run === link.run && sequence <= this.#last.sequence) continue;
          this.#last = { run: link.run, sequence };
          shown = 'live';
          yield {
            ...sample,
            takenAtMs: Math.round(clock.nowMs() - ageMs),
            takenAtMonotonicMs: clock.monotonicMs() - ageMs,
          };
          continue;
        }
        const { word } = frame;
        if (word.token > link.token) {
          link.token = word.token;
          this.#newestToken = Math.max(this.#newestToken, word.token);
        }
        link.run = word.run;
        const before = this.others;
        link.word = word;
        if (this.others !== before) onViewers();
        onKinds(word.kinds);
        if (word.ends !== null)
          throw new AppError('unavailable', 'The process gives this camera to another.');
        if (word.state === 'no-signal') report?.(word.message ?? '', 'no-signal');
        else if (word.state !== 'live' && shown !== 'starting') report?.(startingSentence, 'starting');
        if (word.state !== 'live') shown = word.state === 'no-signal' ? 'no-signal' : 'starting';
        if (word.yours !== this.#audience) void this.#tellAudience();
        yield 'alive';
      }
    } finally {
      stopLooking();
      over.abort();
      this.#onAudience = null;
      if (this.#link === link) this.#link = null;
      onViewers();
    }
    throw new AppError('unavailable', 'The stream of this camera has ended.');
  }

  #frames(link: Link, signal: AbortSignal): AsyncGenerator<RelayFrame, void, void> {
    const { id, local, calls, timings, clock } = this.#setup;
    const { owner, relay, token } = link;
    if (link.isLocal) {
      const owned = local(id);
      if (!owned) throw new AppError('unavailable', 'This process does not run this camera any more.');
      const onAudience = (tell: () => void) => {
        this.#onAudience = tell;
      };
      return localFrames(owned, { audience: () => this.#audience, onAudience, clock }, signal);
    }
    const { run, sequence } = this.#last ?? { run: '', sequence: 0 };
    const query = { relay, token: `${token}`, audience: `${this.#audience}`, run, after: `${sequence}` };
    const path = `owned/${encodeURIComponent(id)}/samples?${new URLSearchParams(query)}`;
    return remoteFrames({ calls, url: owner.note.url, path, timings, clock }, signal);
  }

  /** Until the owner knows; what fails is told again with the owner's next word. */
  async #tellAudience(): Promise<void> {
    const { calls, timings, id } = this.#setup;
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (;;) {
        const link = this.#link;
        const audience = this.#audience;
        if (!link || link.isLocal) return;
        const body = { relay: link.relay, token: link.token, audience };
        await calls.ask(link.owner.note.url, `owned/${encodeURIComponent(id)}/audience`, body, {
          timeoutMs: timings.silentMs,
        });
        if (audience === this.#audience) return;
      }
    } catch (error) {
      if (!isAppError(error)) throw error;
    } finally {
      this.#isTelling = false;
    }
  }
}

const startingSentence = 'The camera is starting again.';

/** Why, as far as it may be logged: never what a stranger sent. */
function reasonOf(error: AppError): string {
  const { cause } = error;
  if (error instanceof OwnerAway && error.reason !== null) return error.reason;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return `${error.message}${typeof code === 'string' ? ` (${code})` : ''}`;
}
