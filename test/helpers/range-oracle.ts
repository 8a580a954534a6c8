// An independent, slow and simple reading of RFC 9110 §13 and §14, to hold response-plan.ts against. It shares no
// code with it: sets of byte numbers instead of intervals, a character loop instead of patterns, BigInt for numbers.

export type OracleFacts = {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModifiedMs: number | null;
  readonly nowMs: number;
  readonly maxPartialBytes: number;
};

export type OracleAnswer = {
  readonly status: number;
  /** The bytes of the representation that the answer carries, part by part. */
  readonly parts: readonly (readonly [first: number, last: number])[];
};

export function oracle(
  method: string,
  headers: Readonly<Record<string, string | undefined>>,
  facts: OracleFacts,
): OracleAnswer {
  const whole: OracleAnswer = {
    status: 200,
    parts: method === 'GET' && facts.sizeBytes > 0 ? [[0, facts.sizeBytes - 1]] : [],
  };
  const modified = facts.lastModifiedMs === null ? null : Math.floor(facts.lastModifiedMs / 1000);
  // §13.2.2, steps 1 to 4.
  if (headers['if-match'] !== undefined) {
    if (!hasTag(headers['if-match'], facts.etag, false)) return { status: 412, parts: [] };
  } else if (headers['if-unmodified-since'] !== undefined) {
    const since = seconds(headers['if-unmodified-since']);
    if (since !== null && modified !== null && modified > since) return { status: 412, parts: [] };
  }
  if (headers['if-none-match'] !== undefined) {
    if (hasTag(headers['if-none-match'], facts.etag, true)) return { status: 304, parts: [] };
  } else if (headers['if-modified-since'] !== undefined) {
    const since = seconds(headers['if-modified-since']);
    if (since !== null && modified !== null && modified <= since) return { status: 304, parts: [] };
  }
  // Step 5.
  const range = headers.range;
  if (method !== 'GET' || range === undefined) return whole;
  const ifRange = headers['if-range'];
  if (ifRange !== undefined && ifRange !== facts.etag) {
    const since = seconds(ifRange);
    const isOld = modified !== null && facts.nowMs - modified * 1000 >= 60_000;
    if (since === null || modified !== since || !isOld) return whole;
  }
  return ranged(range, facts, whole);
}

function ranged(range: string, facts: OracleFacts, whole: OracleAnswer): OracleAnswer {
  const equals = range.indexOf('=');
  if (equals < 0 || range.slice(0, equals).toLowerCase() !== 'bytes') return whole;
  const specs = range
    .slice(equals + 1)
    .split(',')
    .map((spec) => trim(spec))
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > 16) return whole;
  const size = BigInt(facts.sizeBytes);
  const asked: [bigint, bigint][] = [];
  let canIgnore = false;
  for (const spec of specs) {
    const dash = spec.indexOf('-');
    const [first, last] = [spec.slice(0, dash), spec.slice(dash + 1)];
    if (dash < 0 || !isDigits(first) || !isDigits(last) || (first === '' && last === '')) return whole;
    if (first === '') {
      if (BigInt(last) === 0n) continue;
      if (size === 0n) canIgnore = true;
      else asked.push([BigInt(last) > size ? 0n : size - BigInt(last), size - 1n]);
    } else {
      if (last !== '' && BigInt(last) < BigInt(first)) return whole;
      if (BigInt(first) >= size) continue;
      asked.push([BigInt(first), last === '' || BigInt(last) >= size ? size - 1n : BigInt(last)]);
    }
  }
  if (asked.length === 0) return canIgnore ? whole : { status: 416, parts: [] };
  return { status: 206, parts: cap(islands(asked), facts.maxPartialBytes) };
}

/** Runs of bytes that anyone asked for, each at the place of the first request that wants one of its bytes. */
function islands(asked: readonly (readonly [bigint, bigint])[]): [number, number][] {
  const wanted = new Map<number, number>();
  for (const [place, [first, last]] of asked.entries()) {
    for (let byte = Number(first); byte <= Number(last); byte++)
      wanted.set(byte, Math.min(place, wanted.get(byte) ?? Infinity));
  }
  const found: { place: number; run: [number, number] }[] = [];
  for (const byte of [...wanted.keys()].sort((a, b) => a - b)) {
    const open = found.at(-1);
    if (open && open.run[1] === byte - 1) {
      open.run[1] = byte;
      open.place = Math.min(open.place, wanted.get(byte)!);
    } else found.push({ place: wanted.get(byte)!, run: [byte, byte] });
  }
  return found.sort((a, b) => a.place - b.place).map(({ run }) => run);
}

function cap(runs: readonly [number, number][], maxBytes: number): [number, number][] {
  const kept: [number, number][] = [];
  let left = maxBytes;
  for (const [first, last] of runs) {
    if (left === 0) break;
    const count = Math.min(left, last - first + 1);
    kept.push([first, first + count - 1]);
    left -= count;
  }
  return kept;
}

function hasTag(list: string, etag: string, isWeak: boolean): boolean {
  if (trim(list) === '*') return true;
  // A character at a time: commas inside of quotes belong to the tag.
  let element = '';
  let isQuoted = false;
  const elements: string[] = [];
  for (const character of list) {
    if (character === '"') isQuoted = !isQuoted;
    if (character === ',' && !isQuoted) {
      elements.push(element);
      element = '';
    } else element += character;
  }
  elements.push(element);
  return elements.map(trim).some((tag) => tag === etag || (isWeak && tag === `W/${etag}`));
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Only the dates that the generator makes: the preferred form, and those that no calendar has. */
function seconds(text: string): number | null {
  const words = text.split(' ');
  if (words.length !== 6 || !days.includes(words[0]!.slice(0, 3)) || words[5] !== 'GMT') return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || new Date(ms).toUTCString() !== text ? null : ms / 1000;
}

function isDigits(text: string): boolean {
  return [...text].every((character) => character >= '0' && character <= '9');
}

function trim(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && ' \t'.includes(text[from]!)) from++;
  while (to > from && ' \t'.includes(text[to - 1]!)) to--;
  return text.slice(from, to);
}
