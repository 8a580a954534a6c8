// What the server and a process that makes pictures say to each other besides samples.

/** To the process, once, before the first sample. */
export type PictureRequest = {
  readonly kind: 'make';
  /** Width of the pictures in pixels; null for that of the source. Never larger than the source. */
  readonly width: number | null;
};

/** From the process. */
export type PictureAnswer =
  /** Said every second. */
  | { readonly kind: 'alive' }
  /** The engine is loaded. */
  | { readonly kind: 'ready' }
  /** So many of the samples sent are dealt with, in the order sent. */
  | { readonly kind: 'done'; readonly samples: number }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'no-engine' };

/**
 * Samples to the process carry a number where their time would be, and pictures come back with it: whatever times a
 * camera gives, a picture finds its way to the sample it was made of. Odd: a picture of it is wanted; even: it is
 * only there for others to be decoded.
 */
export function sampleMark(number: number, isWanted: boolean): number {
  return number * 2 + (isWanted ? 1 : 0);
}

export function isMarkedWanted(mark: number): boolean {
  return mark % 2 === 1;
}
