// The `next` of a page: a place in the list as text that clients pass back and must not read. It is checked by form and
// by a check number, so that a mistyped or foreign one is refused instead of giving an odd page. Pure.
import { AppError } from '../../errors.ts';

/** Catches slips, not forgers: a forged place gives a page like any other. */
function checkNumber(sequence: number): number {
  let sum = 7;
  for (const digit of sequence.toString(36)) sum = (sum * 31 + digit.charCodeAt(0)) % 1296;
  return sum;
}

/** @param sequence of the last video of the page */
export function writeCursor(sequence: number): string {
  return `s${sequence.toString(36)}${checkNumber(sequence).toString(36).padStart(2, '0')}`;
}

/** The sequence that the page must stay below. Throws `bad-request`. */
export function readCursor(text: string): number {
  const match = /^s([0-9a-z]{1,11})[0-9a-z]{2}$/.exec(text);
  const sequence = match ? Number.parseInt(match[1]!, 36) : Number.NaN;
  if (!Number.isSafeInteger(sequence) || writeCursor(sequence) !== text) {
    throw new AppError('bad-request', 'This is not a place in the list.');
  }
  return sequence;
}
