// Whether a conditional request is answered as usual, with 304 or with 412 (RFC 9110 §13), and whether its Range
// counts (§13.1.5). Pure: headers and facts in, a verdict out.

/** What conditions are compared with. */
export type Validators = {
  /** Strong, with its quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch; null where there is no date. */
  readonly lastModifiedMs: number | null;
};

/** Request headers as Node gives them: lower-case names, and the lists joined with commas. */
export type RequestHeaders = { readonly [name: string]: string | string[] | undefined };

export type Verdict = 'proceed' | 'not-modified' | 'precondition-failed';

/** Evaluates the four preconditions of a GET or HEAD in the order of §13.2.2 (If-Range is `isRangeCurrent`). */
export function evaluateConditions(
  headers: RequestHeaders,
  { etag, lastModifiedMs }: Validators,
  nowMs: number,
): Verdict {
  const ifMatch = single(headers['if-match']);
  const ifNoneMatch = single(headers['if-none-match']);
  if (ifMatch !== undefined) {
    // §13.1.1: the strong comparison.
    const tags = parseEntityTags(ifMatch);
    if (tags !== '*' && !tags.includes(etag)) return 'precondition-failed';
  } else {
    const unmodifiedSinceMs = parseHttpDate(single(headers['if-unmodified-since']), nowMs);
    // §13.1.4: a field that is no date, or a resource without one, is ignored.
    if (
      unmodifiedSinceMs !== null &&
      lastModifiedMs !== null &&
      wholeSeconds(lastModifiedMs) > unmodifiedSinceMs
    )
      return 'precondition-failed';
  }
  if (ifNoneMatch !== undefined) {
    // §13.1.2: the weak comparison, which takes W/"x" and "x" for the same.
    const tags = parseEntityTags(ifNoneMatch);
    const isKnown = tags === '*' || tags.some((tag) => tag.replace(/^W\//, '') === etag);
    return isKnown ? 'not-modified' : 'proceed';
  }
  const modifiedSinceMs = parseHttpDate(single(headers['if-modified-since']), nowMs);
  if (modifiedSinceMs !== null && lastModifiedMs !== null && wholeSeconds(lastModifiedMs) <= modifiedSinceMs)
    return 'not-modified';
  return 'proceed';
}

/**
 * True where Range counts: no If-Range, or one that matches strongly (§13.1.5). A date matches only exactly and only
 * as a strong validator (§8.8.2.2): `nowMs`, when the answer is made, must be at least a minute after it.
 */
export function isRangeCurrent(
  headers: RequestHeaders,
  { etag, lastModifiedMs }: Validators,
  nowMs: number,
): boolean {
  const value = single(headers['if-range'])?.trim();
  if (value === undefined) return true;
  // A date has no quote among its first three characters, an entity tag has one (§13.1.5).
  if (value.slice(0, 3).includes('"')) return value === etag;
  const sinceMs = parseHttpDate(value, nowMs);
  if (sinceMs === null || lastModifiedMs === null) return false;
  const modifiedMs = wholeSeconds(lastModifiedMs);
  return sinceMs === modifiedMs && nowMs - modifiedMs >= 60_000;
}

/** `*`, or the entity tags of a list as they stand. What is no entity tag is skipped up to the next comma. */
export function parseEntityTags(value: string): '*' | string[] {
  if (value.trim() === '*') return '*';
  const tags: string[] = [];
  // §8.8.3: etagc is any visible character but the quote, commas and octets from 0x80 included.
  const pattern = /[ \t]*(?:((?:W\/)?"[\x21\x23-\x7e\x80-\uffff]*")[ \t]*(?:,|$)|[^,]*(?:,|$))/y;
  while (pattern.lastIndex < value.length) {
    const match = pattern.exec(value);
    if (!match) break;
    if (match[1] !== undefined) tags.push(match[1]);
  }
  return tags;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const imfFixdate = /^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat), (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const rfc850Date =
  /^(?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day, (\d\d)-(\w{3})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const asctimeDate = /^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) (\w{3}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/**
 * An HTTP-date in any of the three forms of §5.6.7, in milliseconds since the epoch; null for anything else. The
 * form with two digits of a year means the nearest such year that is at most 50 years after `nowMs`.
 */
export function parseHttpDate(value: string | undefined, nowMs: number): number | null {
  if (value === undefined) return null;
  const text = value.trim();
  let found = imfFixdate.exec(text);
  if (found) return toMs(found[3]!, found[2]!, found[1]!, found[4]!, found[5]!, found[6]!);
  found = asctimeDate.exec(text);
  if (found) return toMs(found[6]!, found[1]!, found[2]!, found[3]!, found[4]!, found[5]!);
  found = rfc850Date.exec(text);
  if (!found) return null;
  const thisYear = new Date(nowMs).getUTCFullYear();
  let year = Math.floor(thisYear / 100) * 100 + 100 + Number(found[3]);
  while (year > thisYear + 50) year -= 100;
  return toMs(String(year), found[2]!, found[1]!, found[4]!, found[5]!, found[6]!);
}

function toMs(
  year: string,
  month: string,
  day: string,
  hour: string,
  minute: string,
  second: string,
): number | null {
  const monthIndex = months.indexOf(month);
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  // A leap second (60) is a valid HTTP-date.
  if (monthIndex < 0 || h > 23 || m > 59 || s > 60) return null;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(day));
  if (date.getUTCMonth() !== monthIndex || date.getUTCDate() !== Number(day)) return null;
  return date.getTime() + ((h * 60 + m) * 60 + s) * 1000;
}

/** HTTP dates have whole seconds; what Last-Modified shows is what is compared. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
