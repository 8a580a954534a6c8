// A camera that this process owns: the hub with the real driver, the relays it serves, and the lease that says it may.
// Whatever goes out asks the lease first: a process that slept through its lease sends nothing when it wakes.
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { createId } from '../../ids.ts';
import type { HeldLease } from '../../leases/keeper.ts';
import type { CameraInfo, Viewer, Viewing } from '../cameras.ts';
import type { Hub } from '../hub.ts';
import { CameraCost } from './camera-cost.ts';
import type { ClusterTimings } from './cluster-setup.ts';
import type { CameraNote } from './notes.ts';
import { RelaySender, type RelaySocket } from './relay-sender.ts';
import type { RelayWord } from './relay-wire.ts';

/** Most relays of one camera: one for each process that shows it, and some that are being replaced. */
const maxRelays = 100;

export type OwnedCameraSetup = {
  readonly id: string;
  readonly lease: HeldLease;
  /** Makes the hub; told of each of its changes. */
  readonly createHub: (onChange: (info: CameraInfo) => void) => Hub;
  readonly url: string;
  /** See `CameraNote.setup`. */
  readonly setup: string;
  readonly timings: ClusterTimings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether it may serve on though its lease could not be renewed: asked once, when that is seen. */
  readonly mayGoOn: () => boolean;
  /** It has lost its lease and ended. Called once, never after `give` or `remove`. */
  readonly onLost: () => void;
  readonly onDropped: (samples: number) => void;
};

/** Who wants to relay, as it said. */
export type RelayRequest = {
  /** Made up by the relay; names it in `setAudience`. */
  readonly relay: string;
  /** The lease's token as the relay knows it. */
  readonly token: number;
  readonly audience: number;
  /** The newest sample it has, and of which run (`RelayWord`); '' and 0 where it has none. */
  readonly run: string;
  readonly after: number;
};

export class OwnedCamera {
  readonly #setup: OwnedCameraSetup;
  readonly hub: Hub;
  readonly #relays = new Map<string, RelaySender>();
  #lease: HeldLease;
  #setupMark: string;
  /** The lease could not be renewed since the database is away, as far as this process can tell. */
  #isAdrift = false;
  #isOver = false;
  readonly #cost: CameraCost;
  #costNow: number;
  #toldJson = '';
  readonly #ended = new AbortController();
  #isTalking = false;
  #sentBytes = 0;
  readonly #run = createId();
  readonly #listeners = new Set<() => void>();

  constructor(setup: OwnedCameraSetup) {
    this.#setup = setup;
    this.#lease = setup.lease;
    this.#setupMark = setup.setup;
    this.#cost = new CameraCost(setup.clock);
    this.#costNow = this.#cost.note(0);
    this.hub = setup.createHub(() => this.#onChange());
    this.#watchLease();
    this.tellNote();
  }

  get id(): string {
    return this.#setup.id;
  }

  get token(): number {
    return this.#lease.token;
  }

  get isAdrift(): boolean {
    return this.#isAdrift;
  }

  get isWatched(): boolean {
    return this.hub.info.state !== 'off';
  }

  get cost(): number {
    return this.#costNow;
  }

  get figures(): { readonly relays: number; readonly sentBytes: number } {
    return { relays: this.#relays.size, sentBytes: this.#sentBytes };
  }

  /** Whether what is done for the camera now is done by its owner. */
  mayServe(): boolean {
    if (this.#isOver) return false;
    if (this.#isAdrift) return true;
    try {
      this.#lease.assertHeld();
      return true;
    } catch {
      // Ends everything before this returns, unless it may go on.
      this.#onLeaseEnd();
      return !this.#isOver;
    }
  }

  /** The same process took the lease anew: everything goes on under it. */
  renew(lease: HeldLease): void {
    this.#lease = lease;
    this.#isAdrift = false;
    this.#toldJson = '';
    this.#watchLease();
    this.tellNote();
    this.#tellRelays();
  }

  /** It runs with another driver or other options now. */
  setSetup(mark: string): void {
    this.#setupMark = mark;
    this.tellNote();
  }

  /** A viewer in this very process. Throws `unavailable` where the camera is not this process' any more. */
  watch(viewer: Viewer): Viewing {
    if (!this.mayServe()) throw notOurs();
    return this.hub.watch({
      onSample: (sample) => {
        if (this.mayServe()) viewer.onSample(sample);
      },
      onState: (info) => viewer.onState?.(info),
      onEnd: () => viewer.onEnd(),
      audience: () => viewer.audience?.() ?? 1,
    });
  }

  /**
   * Serves a relay until its socket closes. Throws `conflict` for another token than the lease's, `unavailable` where
   * the camera is not this process' any more, `too-many`.
   */
  relay(socket: RelaySocket, { relay, token, audience, run, after }: RelayRequest): void {
    this.assertToken(token);
    if (this.#relays.has(relay)) throw new AppError('conflict', 'There is a relay of this name already.');
    if (this.#relays.size >= maxRelays)
      throw new AppError('too-many', `This camera is sent to ${maxRelays} processes already.`);
    const sender = new RelaySender({
      socket,
      monotonicMs: () => this.#setup.clock.monotonicMs(),
      mayServe: () => this.mayServe(),
      ...{ afterSequence: run === this.#run ? after : 0, audience },
      word: (yours, ends) => this.word(yours, ends),
      onDropped: (samples) => this.#setup.onDropped(samples),
      onSent: (bytes) => {
        this.#sentBytes += bytes;
      },
      onClose: () => void this.#relays.delete(relay),
    });
    this.#relays.set(relay, sender);
    try {
      sender.begin((viewer) => this.hub.watch(viewer));
    } catch (error) {
      sender.cut();
      throw error;
    }
    void this.#talk();
  }

  /** How many watch at the relay's end. Nothing happens where there is no such relay. Throws as `relay` does. */
  setAudience({ relay, token, audience }: Pick<RelayRequest, 'relay' | 'token' | 'audience'>): void {
    this.assertToken(token);
    this.#relays.get(relay)?.setAudience(audience);
  }

  /** Throws `conflict` for another token than the lease's, `unavailable` where the camera is not this process' any more. */
  assertToken(token: number): void {
    if (!this.mayServe()) throw notOurs();
    if (token !== this.#lease.token)
      throw new AppError('conflict', 'This camera has been taken over since; look again who has it.');
  }

  /** Calls the listener whenever there is another word for relays. Returns the way to stop. */
  onWord(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Notes what it costs by now, and tells others what has changed. */
  tellNote(): void {
    if (this.#isOver || this.#isAdrift) return;
    this.#costNow = this.#cost.note(this.hub.figures.bytesIn);
    const { url } = this.#setup;
    const { state, stateSinceMs, kinds, viewers, message, lastPictureAtMs, isFromSettings } = this.hub.info;
    const note: CameraNote = {
      ...{ url, state, stateSinceMs, kinds, viewers, message, lastPictureAtMs, isFromSettings },
      ...{ cost: this.#costNow, setup: this.#setupMark },
    };
    const json = JSON.stringify(note);
    if (json === this.#toldJson) return;
    this.#toldJson = json;
    this.#lease.setNote(note);
  }

  /** Stops the driver, tells the relays to look elsewhere, and gives the lease back: in this order. */
  async give(ends: 'moves' | 'removed'): Promise<void> {
    if (this.#isOver) return;
    for (const relay of [...this.#relays.values()]) relay.end(ends);
    this.#isOver = true;
    this.#ended.abort();
    // The device first: another process may be opening it the moment the lease is free.
    await this.hub.close();
    await this.#lease.release();
  }

  /** Another has taken it. */
  lose(): void {
    if (this.#isOver) return;
    void this.cut();
    this.#setup.onLost();
  }

  /** Ends everything at once. Idempotent. */
  async cut(): Promise<void> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#ended.abort();
      for (const relay of [...this.#relays.values()]) relay.cut();
    }
    await this.hub.close();
  }

  #watchLease(): void {
    const lease = this.#lease;
    const onEnd = () => {
      if (lease === this.#lease) this.#onLeaseEnd();
    };
    if (lease.signal.aborted) onEnd();
    else lease.signal.addEventListener('abort', onEnd, { once: true });
  }

  #onLeaseEnd(): void {
    if (this.#isOver || this.#isAdrift) return;
    if (this.#setup.mayGoOn()) {
      this.#isAdrift = true;
      return;
    }
    this.lose();
  }

  #onChange(): void {
    // Not before the constructor is done.
    if (!this.hub) return;
    this.tellNote();
    this.#tellRelays();
  }

  #tellRelays(): void {
    for (const relay of [...this.#relays.values()]) relay.tell();
    for (const listener of [...this.#listeners]) listener();
  }

  /** What relays are told; `yours` of the viewers are theirs. */
  word(yours: number, ends: RelayWord['ends'] = null): RelayWord {
    const { state, message, kinds, viewers } = this.hub.info;
    return { state, message, kinds, viewers, yours, run: this.#run, token: this.#lease.token, ends };
  }

  /** As long as there are relays they hear something each second. */
  async #talk(): Promise<void> {
    if (this.#isTalking) return;
    this.#isTalking = true;
    const { clock, timings } = this.#setup;
    while (this.#relays.size > 0 && !this.#isOver) {
      await clock.sleep(timings.wordMs, this.#ended.signal).catch(() => undefined);
      for (const relay of [...this.#relays.values()])
        if (relay.stalledMs > timings.stalledMs) relay.cut();
        else relay.tell();
    }
    this.#isTalking = false;
  }
}

function notOurs(): AppError {
  return new AppError('unavailable', 'This process does not run this camera any more.');
}
