// One clock for a camera's pictures and sound, whatever the camera's own clocks do: times that jump, step back, start
// again or drift off are set right by when the samples came. Memory: a few numbers.

/** A time may be so far before the newest one of its track: pictures that are shown in another order than they come. */
const backMicros = 1_000_000;

/** So much more than the time that has passed between two samples is a jump. */
const aheadMicros = 2_000_000;

/** A clock may be so far from ours since it was last set: what a camera sends in one burst, and hours of drift. */
const driftMicros = 10_000_000;

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
};

export class LiveTimeline {
  readonly #clocks: { video: TrackClock | null; audio: TrackClock | null } = { video: null, audio: null };

  /** The common time of a sample with the camera's time `ptsMicros` that came at `arrivalMs` (monotonic). */
  place(track: TimelineTrack, ptsMicros: number, arrivalMs: number): LiveTime {
    const arrival = arrivalMs * 1000;
    const pts = Number.isFinite(ptsMicros) ? ptsMicros : 0;
    const own = this.#clocks[track];
    const other = this.#clocks[track === 'video' ? 'audio' : 'video'];
    const micros = own === null ? Number.NaN : pts + own.offset;
    if (own && isPlausible(own, micros, arrival)) {
      if (micros > own.lastMicros) own.lastMicros = micros;
      own.lastArrival = arrival;
      return { micros, isJump: false };
    }
    const set = this.#set(track, pts, arrival, own, other);
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
      ...{ anchorMicros: micros, anchorArrival: arrival },
    };
    this.#clocks[track] = clock;
    return clock;
  }
}

function isPlausible(clock: TrackClock, micros: number, arrival: number, back = backMicros): boolean {
  const step = micros - clock.lastMicros;
  const drift = micros - clock.anchorMicros - (arrival - clock.anchorArrival);
  return step >= -back && step <= arrival - clock.lastArrival + aheadMicros && Math.abs(drift) <= driftMicros;
}
