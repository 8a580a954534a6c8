// Reads the clock that the camera `test` draws into its pictures (src/workers/test-picture.ts): two rows of 24 squares
// in the second quarter of the picture, bits and their complement.

const bits = 24;
/** Less difference than this (of 255) between a square and its complement is no clock. */
const leastContrast = 48;

/**
 * The low 24 bits of the milliseconds since the epoch when the picture was drawn; null where there is no clear clock.
 * `brightnessAt` answers 0 to 255 at a point of the picture, both coordinates from 0 to 1.
 */
export function readTestClock(brightnessAt: (x: number, y: number) => number): number | null {
  let value = 0;
  for (let bit = 0; bit < bits; bit += 1) {
    const x = (bit + 0.5) / bits;
    const upper = brightnessAt(x, 2.5 / 8);
    const lower = brightnessAt(x, 3.5 / 8);
    if (!(Math.abs(upper - lower) >= leastContrast)) return null;
    value = value * 2 + (upper > lower ? 1 : 0);
  }
  return value;
}

/** Milliseconds from then to `nowMs`, the clock's going round counted in. */
export function sinceTestClock(value: number, nowMs: number): number {
  const round = 2 ** bits;
  return (((Math.floor(nowMs) - value) % round) + round) % round;
}
