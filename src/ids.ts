// Ids: 16 lower-case characters of Crockford's base 32 (80 random bits), safe in URLs, file names on
// case-insensitive disks and as text. Made by whoever creates the thing, so that a retried write does no harm.
import { randomBytes } from 'node:crypto';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** A new random id. */
export function createId(): string {
  let id = '';
  for (const byte of randomBytes(16)) id += alphabet[byte & 31];
  return id;
}

/** Whether a string from outside has the form of an id. */
export function isId(text: string): boolean {
  return /^[0-9a-hjkmnp-tv-z]{16}$/.test(text);
}
