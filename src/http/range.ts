// The Range header of a request, and the stretches of the representation that it means (RFC 9110 §14.1, §14.2).

/** A stretch of a representation, in bytes. `end` is exclusive. */
export type ByteRange = { readonly start: number; readonly end: number };

/**
 * What a Range header comes to. `ignored`: it is malformed, in another unit, or asks too much, and the answer is the
 * one without it (§14.2). `unsatisfiable`: it is well formed, and nothing of it lies within the representation.
 */
export type RangeRequest =
  | { readonly kind: 'ignored' }
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] };

/** More ranges than any player sends; past it the header is taken for an attack (§17.15) and ignored. */
const maxRanges = 16;

const ignored: RangeRequest = { kind: 'ignored' };
const unsatisfiable: RangeRequest = { kind: 'unsatisfiable' };

/**
 * Parses a Range header against a representation of `sizeBytes`. Ranges that overlap or touch are merged, and the
 * merged one stands where the first of them stood; otherwise the order is the client's (§15.3.7.2).
 */
export function parseRange(header: string, sizeBytes: number): RangeRequest {
  // §14.1: range units are compared without case.
  const set = /^bytes=(.*)$/i.exec(header)?.[1];
  if (set === undefined) return ignored;
  const ranges: ByteRange[] = [];
  let specs = 0;
  let isSuffixOfNothing = false;
  for (const element of set.split(',')) {
    const spec = element.replace(/^[ \t]+|[ \t]+$/g, '');
    // §5.6.1.2: a recipient skips empty elements of a list.
    if (spec === '') continue;
    specs += 1;
    const parts = /^(\d*)-(\d*)$/.exec(spec);
    if (!parts || specs > maxRanges) return ignored;
    const [, first = '', last = ''] = parts;
    if (first === '') {
      if (last === '') return ignored;
      const suffixBytes = parsePosition(last);
      if (suffixBytes === 0) continue;
      // §14.1.2: such a suffix is satisfiable, but no Content-Range can name an empty stretch.
      if (sizeBytes === 0) isSuffixOfNothing = true;
      else ranges.push({ start: Math.max(0, sizeBytes - suffixBytes), end: sizeBytes });
      continue;
    }
    if (last !== '' && compareDigits(last, first) < 0) return ignored;
    const start = parsePosition(first);
    if (start >= sizeBytes) continue;
    ranges.push({ start, end: last === '' ? sizeBytes : Math.min(sizeBytes, parsePosition(last) + 1) });
  }
  if (specs === 0 || (ranges.length === 0 && isSuffixOfNothing)) return ignored;
  return ranges.length === 0 ? unsatisfiable : { kind: 'ranges', ranges: mergeRanges(ranges) };
}

/**
 * Caps what one partial answer carries: ranges are kept from the first on until `maxBytes` (at least 1) are used up;
 * the one that crosses the cap is cut short, those after it are left out. A client sees what it got by Content-Range
 * and asks for the rest (§15.3.7: fewer bytes than asked for are a right answer).
 */
export function capRanges(ranges: readonly ByteRange[], maxBytes: number): ByteRange[] {
  const kept: ByteRange[] = [];
  let left = Math.max(1, maxBytes);
  for (const { start, end } of ranges) {
    if (left <= 0) break;
    const cut = Math.min(end, start + left);
    kept.push({ start, end: cut });
    left -= cut - start;
  }
  return kept;
}

/** A position of any number of digits; past what a size can be, the largest safe integer less one stands for it. */
function parsePosition(digits: string): number {
  const significant = digits.replace(/^0+/, '');
  return significant.length > 15 ? Number.MAX_SAFE_INTEGER - 1 : Number(significant);
}

/** Compares two numbers of any length. */
function compareDigits(left: string, right: string): number {
  const a = left.replace(/^0+/, '');
  const b = right.replace(/^0+/, '');
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function mergeRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const merged: ByteRange[] = [];
  for (let next of ranges) {
    let place = -1;
    // At most 16 of them: looking at each is cheaper than sorting and restoring the order.
    for (let i = 0; i < merged.length; i++) {
      const other = merged[i]!;
      if (next.start > other.end || other.start > next.end) continue;
      next = { start: Math.min(next.start, other.start), end: Math.max(next.end, other.end) };
      merged.splice(i, 1);
      place = place < 0 ? i : Math.min(place, i);
      // The grown range may now touch one that was passed.
      i = -1;
    }
    if (place < 0) merged.push(next);
    else merged.splice(place, 0, next);
  }
  return merged;
}
