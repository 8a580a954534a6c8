// One clock for a camera's pictures and sound, whatever the camera's own clocks do: times that jump, step back, start
// again or drift off are set right by when the samples came. Memory: a few numbers.

/** A time may be so far before the newest one of its track and is no step back: clocks jitter. */
const jitterMicros = 100_000;
/** The same where pictures are shown in another order than they come. */
const reorderMicros = 1_000_000;

/** So much more than the time that has passed between two samples is a jump. */
const aheadMicros = 2_000_000;

/** A clock may be so far from ours since it was last set: what a camera sends in one burst, and hours of drift. */
const driftMicros = 10_000_000;

/** A clock that got there at more than this rate is no clock: quartz is off by a ten-thousandth at most. */
const worstRate = 0.01;

/** Where the common clock begins: room for decode times before the first presentation time. */
const startMicros = 1_000_000;

export type TimelineTrack = 'video' | 'audio';

export type LiveTime = {
  /** On the common clock, microseconds, above zero. */
  readonly micros: number;
  /** Whether the camera's own time was given up here and set anew. */
  readonly isJump: boolean;
};

type TrackClock = {
  /** Common time minus the camera's. */
  offset: number;
  /** The newest common time, and when its sample came on our monotonic clock, microseconds. */
  lastMicros: number;
  lastArrival: number;
  /** The place where the offset was set. */
  anchorMicros: number;
  anchorArrival: number;
  /** The camera's times tell nothing: arrival alone counts. */
  isByArrival: boolean;
};

export class LiveTimeline {
  readonly #clocks: { video: TrackClock | null; audio: TrackClock | null } = { video: null, audio: null };

  /**
   * The common time of a sample with the camera's time `ptsMicros` that came at `arrivalMs` (monotonic).
   * `mayReorder`: times may go back as far as coded order and shown order differ.
   */
  place(track: TimelineTrack, ptsMicros: number, arrivalMs: number, mayReorder = false): LiveTime {
    const arrival = arrivalMs * 1000;
    const pts = Number.isFinite(ptsMicros) ? ptsMicros : 0;
    const own = this.#clocks[track];
    const other = this.#clocks[track === 'video' ? 'audio' : 'video'];
    if (own?.isByArrival) {
      own.lastMicros = Math.max(own.lastMicros + 1, own.anchorMicros + arrival - own.anchorArrival);
      own.lastArrival = arrival;
      return { micros: own.lastMicros, isJump: false };
    }
    const micros = own === null ? Number.NaN : pts + own.offset;
    if (own && isPlausible(own, micros, arrival, mayReorder ? reorderMicros : jitterMicros)) {
      if (micros > own.lastMicros) own.lastMicros = micros;
      own.lastArrival = arrival;
      return { micros, isJump: false };
    }
    const set = this.#set(track, pts, arrival, own, other);
    set.isByArrival = own !== null && isRunaway(own, micros, arrival);
    return { micros: set.lastMicros, isJump: own !== null };
  }

  /** Sets a track's clock: as the other track's where that fits, so that both stay in step; else by arrival. */
  #set(
    track: TimelineTrack,
    pts: number,
    arrival: number,
    own: TrackClock | null,
    other: TrackClock | null,
  ): TrackClock {
    const isAfterOwn = (micros: number) => own === null || micros > own.lastMicros;
    if (other) {
      const shared = pts + other.offset;
      if (isPlausible(other, shared, arrival, aheadMicros) && isAfterOwn(shared) && shared > 0)
        return this.#keep(track, shared, pts, arrival);
    }
    const newest = [own, other].filter((clock) => clock !== null);
    // What passed here since then passed there; never before what was already given out.
    const byArrival = Math.max(
      startMicros,
      ...newest.map((clock) => clock.lastMicros + Math.max(1, arrival - clock.lastArrival)),
    );
    return this.#keep(track, byArrival, pts, arrival);
  }

  #keep(track: TimelineTrack, micros: number, pts: number, arrival: number): TrackClock {
    const clock: TrackClock = {
      ...{ offset: micros - pts, lastMicros: micros, lastArrival: arrival },
      ...{ anchorMicros: micros, anchorArrival: arrival, isByArrival: false },
    };
    this.#clocks[track] = clock;
    return clock;
  }
}

function driftOf(clock: TrackClock, micros: number, arrival: number): number {
  return Math.abs(micros - clock.anchorMicros - (arrival - clock.anchorArrival));
}

function isPlausible(clock: TrackClock, micros: number, arrival: number, back: number): boolean {
  const step = micros - clock.lastMicros;
  return (
    step >= -back &&
    step <= arrival - clock.lastArrival + aheadMicros &&
    driftOf(clock, micros, arrival) <= driftMicros
  );
}

/** Whether a clock ran away step by step, rather than jumped. */
function isRunaway(clock: TrackClock, micros: number, arrival: number): boolean {
  const drift = driftOf(clock, micros, arrival);
  const isStep = Math.abs(micros - clock.lastMicros) <= arrival - clock.lastArrival + aheadMicros;
  return isStep && drift > driftMicros && drift > worstRate * (arrival - clock.anchorArrival);
}
