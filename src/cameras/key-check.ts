// Compares a key someone shows with the one that is set.
import { createHash, timingSafeEqual } from 'node:crypto';

/** In the same time whatever they are: their digests have one length, and all of it is compared. */
export function isSameKey(shown: string, set: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(shown), digest(set));
}
