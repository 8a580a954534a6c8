// When a video counts as watched: one place for the library, which marks it, and for the pages, which draw how far.

/** Watched share from which a video counts as seen to the end: credits are not watched. */
const seenShare = 0.96;

/** Whether whoever is at `positionMs` has seen it to the end. Never, where its length is not known. */
export function isSeenToTheEnd(positionMs: number, durationMs: number | null): boolean {
  return durationMs !== null && durationMs > 0 && positionMs / durationMs >= seenShare;
}
