// The `next` of a page: a place in the list as text that clients pass back and must not read. It is checked by form and
// by a check number, so that a mistyped or foreign one is refused instead of giving an odd page. Pure.
import { AppError } from '../errors.ts';
import type { VideoSort } from './catalogue.ts';

/** Where a page ended: the last video, and what it was sorted by (null where by its place in the order of arrival). */
export type Place = { readonly sequence: number; readonly key: string | number | null };

/** The letter with which the places of each order begin. */
const letters: Record<VideoSort, string> = {
  newest: 's',
  oldest: 'o',
  title: 't',
  longest: 'd',
  largest: 'z',
};

/** Longest place that is looked at: of a title of 120 characters outside the plain ones. */
const longestPlace = 1000;

/** Catches slips, not forgers: a forged place gives a page like any other. */
function checkNumber(text: string): string {
  let sum = 7;
  for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) % 1296;
  return sum.toString(36).padStart(2, '0');
}

export function writeCursor(sort: VideoSort, { sequence, key }: Place): string {
  const text = letters[sort] + sequence.toString(36);
  const keyed = key === null ? text : `${text}.${Buffer.from(String(key)).toString('base64url')}`;
  return keyed + checkNumber(keyed);
}

/** The place after which the page begins. Throws `bad-request`, also for one of another order. */
export function readCursor(sort: VideoSort, text: string): Place {
  const match =
    text.length > longestPlace ? null : /^([a-z])([0-9a-z]{1,11})(?:\.([\w-]*))?[0-9a-z]{2}$/.exec(text);
  const sequence = match ? Number.parseInt(match[2]!, 36) : Number.NaN;
  const key = match ? keyOf(sort, match[3]) : undefined;
  if (!Number.isSafeInteger(sequence) || key === undefined || writeCursor(sort, { sequence, key }) !== text) {
    throw new AppError('bad-request', 'This is not a place in the list.');
  }
  return { sequence, key };
}

/** undefined where it is none. */
function keyOf(sort: VideoSort, encoded: string | undefined): Place['key'] | undefined {
  if (sort === 'newest' || sort === 'oldest') return encoded === undefined ? null : undefined;
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64url').toString();
  if (sort === 'title') return text;
  return Number.isFinite(Number(text)) ? Number(text) : undefined;
}

const mostInPage = 1000;

/** Throws `bad-request` for a limit that is none. */
export function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > mostInPage) {
    throw new AppError('bad-request', `A page has 1 to ${mostInPage} videos.`);
  }
}
