// Since when the beat of each lease has stood still in the sight of this process. Memory: one small record for each
// of the last `maxSightings` names that were looked at.
import type { LeaseRow } from './lease-store.ts';

/** More names are not watched at a time; one that was forgotten is waited for anew, which is safe. */
const maxSightings = 20_000;

type Sighting = {
  readonly token: number;
  readonly beat: number;
  /** By the monotonic clock, when an answer first said so. */
  readonly sinceMs: number;
};

export type LeaseSightings = {
  /** Notes what an answer of the store said, and tells whether its beat has stood still for its whole length. */
  note(row: LeaseRow, nowMs: number): boolean;
  forget(name: string): void;
};

export function createLeaseSightings(): LeaseSightings {
  /** Oldest look first. */
  const sightings = new Map<string, Sighting>();
  return {
    note({ name, token, beat, lengthMs }, nowMs) {
      const before = sightings.get(name);
      const isSame = before !== undefined && before.token === token && before.beat === beat;
      const sinceMs = isSame ? before.sinceMs : nowMs;
      sightings.delete(name);
      sightings.set(name, { token, beat, sinceMs });
      if (sightings.size > maxSightings) sightings.delete(sightings.keys().next().value!);
      return nowMs - sinceMs >= lengthMs;
    },
    forget(name) {
      sightings.delete(name);
    },
  };
}
