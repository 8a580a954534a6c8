// Range and the plan of an answer: a table of the RFC's own cases, then generated headers against the oracle.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRange } from '../../src/http/range.ts';
import { type PlanFacts, planResponse } from '../../src/http/response-plan.ts';
import { oracle } from '../helpers/range-oracle.ts';

const ignored = { kind: 'ignored' };
const unsatisfiable = { kind: 'unsatisfiable' };
const ranges = (...list: [number, number][]) => ({
  kind: 'ranges',
  ranges: list.map(([start, end]) => ({ start, end })),
});

const cases: [header: string, sizeBytes: number, expected: unknown][] = [
  ['bytes=0-499', 10_000, ranges([0, 500])],
  ['bytes=-500', 10_000, ranges([9500, 10_000])],
  ['bytes=9500-', 10_000, ranges([9500, 10_000])],
  ['bytes=0-0,-1', 10_000, ranges([0, 1], [9999, 10_000])],
  ['bytes= 0-999, 4500-5499, -1000', 10_000, ranges([0, 1000], [4500, 5500], [9000, 10_000])],
  ['bytes=500-600,601-999', 10_000, ranges([500, 1000])],
  ['bytes=500-700,601-999', 10_000, ranges([500, 1000])],
  ['bytes=9000-,0-9,100-109,5-104', 10_000, ranges([9000, 10_000], [0, 110])],
  ['BYTES=0-1', 10, ranges([0, 2])],
  ['bytes=,,0-1,\t,', 10, ranges([0, 2])],
  ['bytes=-20', 10, ranges([0, 10])],
  ['bytes=5-999999999999999999999999999999', 10, ranges([5, 10])],
  ['bytes=-999999999999999999999999999999', 10, ranges([0, 10])],
  ['bytes=00000000000000000000001-2', 10, ranges([1, 3])],
  ['bytes=999999999999999999999999-', 10, unsatisfiable],
  ['bytes=10-', 10, unsatisfiable],
  ['bytes=-0', 10, unsatisfiable],
  ['bytes=0-', 0, unsatisfiable],
  ['bytes=-1', 0, ignored],
  ['bytes=99999999999999999999-99999999999999999998', 10, ignored],
  ['bytes=2-1', 10, ignored],
  ['bytes=0-1,2-1', 10, ignored],
  ['bytes=', 10, ignored],
  ['bytes=-', 10, ignored],
  ['bytes=a-b', 10, ignored],
  ['bytes=0x1-2', 10, ignored],
  ['bytes=1 -2', 10, ignored],
  ['bytes =1-2', 10, ignored],
  ['bytes=1-2-3', 10, ignored],
  ['bytes=+1-2', 10, ignored],
  ['bytes', 10, ignored],
  ['seconds=1-2', 10, ignored],
  [`bytes=${Array.from({ length: 17 }, (_, i) => `${i * 2}-${i * 2}`).join(',')}`, 100, ignored],
];

test('a Range header means what RFC 9110 §14 says', () => {
  for (const [header, sizeBytes, expected] of cases)
    assert.deepEqual(parseRange(header, sizeBytes), expected, `${header} of ${sizeBytes}`);
});

const facts: PlanFacts = {
  sizeBytes: 255_849,
  contentType: 'video/mp4',
  etag: '"v1"',
  lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  cacheControl: 'private, max-age=60',
  contentDisposition: 'inline',
  nowMs: Date.UTC(2026, 5, 1),
  maxPartialBytes: Infinity,
  createBoundary: () => 'limit',
};

function headersOf(plan: { headers: string[] }): Record<string, string> {
  const found: Record<string, string> = {};
  for (let i = 0; i < plan.headers.length; i += 2)
    found[plan.headers[i]!.toLowerCase()] = plan.headers[i + 1]!;
  return found;
}

test('one partial answer is capped, and says what it carries', () => {
  const capped = { ...facts, maxPartialBytes: 100_000 };
  const first = planResponse('GET', { range: 'bytes=0-' }, capped);
  assert.equal(first.status, 206);
  assert.equal(headersOf(first)['content-range'], 'bytes 0-99999/255849');
  assert.equal(headersOf(first)['content-length'], '100000');
  const last = planResponse('GET', { range: 'bytes=255048-' }, capped);
  assert.equal(headersOf(last)['content-range'], 'bytes 255048-255848/255849');
  assert.equal(headersOf(last)['content-length'], '801');
  const several = planResponse('GET', { range: 'bytes=0-59999,70000-129999,200000-200009' }, capped);
  assert.deepEqual(
    several.slices.filter((slice) => slice.kind === 'range'),
    [
      { kind: 'range', start: 0, end: 60_000 },
      { kind: 'range', start: 70_000, end: 110_000 },
    ],
  );
  assert.equal(planResponse('GET', {}, capped).status, 200, 'a whole answer is not partial');
});

test('each status carries its own headers and no others', () => {
  const validators = { etag: '"v1"', 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT' };
  const body = {
    ...validators,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=60',
    'content-disposition': 'inline',
    'content-type': 'video/mp4',
    'x-content-type-options': 'nosniff',
  };
  const refused = {
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
    'content-length': '0',
    etag: '"v1"',
  };
  const table: [string, Record<string, string>, number, Record<string, string>][] = [
    ['GET', {}, 200, { ...body, 'content-length': '255849' }],
    ['HEAD', {}, 200, { ...body, 'content-length': '255849' }],
    ['HEAD', { range: 'bytes=0-1' }, 200, { ...body, 'content-length': '255849' }],
    [
      'GET',
      { range: 'bytes=0-1' },
      206,
      { ...body, 'content-length': '2', 'content-range': 'bytes 0-1/255849' },
    ],
    ['GET', { range: 'bytes=255849-' }, 416, { ...refused, 'content-range': 'bytes */255849' }],
    ['GET', { 'if-match': '"v2"' }, 412, refused],
    ['GET', { 'if-none-match': '"v1"' }, 304, { ...validators, 'cache-control': 'private, max-age=60' }],
    ['HEAD', { 'if-none-match': '"v1"' }, 304, { ...validators, 'cache-control': 'private, max-age=60' }],
  ];
  for (const [method, headers, status, expected] of table) {
    const plan = planResponse(method, headers, facts);
    assert.equal(plan.status, status, JSON.stringify(headers));
    assert.deepEqual(headersOf(plan), expected, `${method} ${JSON.stringify(headers)}`);
  }
});

test('Last-Modified is never later than the answer', () => {
  const plan = planResponse('GET', {}, { ...facts, lastModifiedMs: facts.nowMs + 5000 });
  assert.equal(headersOf(plan)['last-modified'], new Date(facts.nowMs).toUTCString());
});

/** A generator of numbers from a seed (mulberry32), so that a failure can be run again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('200,000 generated requests are answered as an independent reading of the RFC answers them', () => {
  const seed = Number(process.env.KINORA_TEST_SEED ?? 20_260_101);
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const nowMs = Date.UTC(2026, 5, 1, 12);
  const dates = (ms: number) =>
    pick([
      new Date(ms).toUTCString(),
      new Date(ms - 1000).toUTCString(),
      new Date(ms + 1000).toUTCString(),
      new Date(nowMs).toUTCString(),
      new Date(ms).toISOString(),
      'Thu, 31 Feb 2026 00:00:00 GMT',
      'yesterday',
      '0',
      '',
    ]);
  const number = (size: number) =>
    pick([
      () => String(below(size + 4)),
      () => String(below(size + 4)),
      () => String(size),
      () => '0',
      () => `000${below(size + 4)}`,
      () => '9'.repeat(10 + below(30)),
      () => pick(['x', '+1', '1.0', '-1', ' ', '0x2', '١']),
    ])();
  const spec = (size: number) =>
    pick([
      () => `${number(size)}-${number(size)}`,
      () => `${below(size + 1)}-${below(size + 8)}`,
      () => `${number(size)}-`,
      () => `-${number(size)}`,
      () => `-${below(size + 3)}`,
      () => pick(['', ' ', '-', '--', '5', ' 1-2', '1-2\t', '1 -2']),
    ])();
  const range = (size: number) =>
    pick(['bytes=', 'bytes=', 'bytes=', 'bytes=', 'bytes=', 'Bytes=', 'bytes= ', 'bytes', 'items=', '']) +
    Array.from({ length: pick([1, 1, 1, 2, 2, 3, 5, below(20)]) }, () => spec(size)).join(
      pick([',', ',', ', ', ',,', ';']),
    );
  const tags = (etag: string) =>
    Array.from({ length: 1 + below(3) }, () =>
      pick([etag, etag, `W/${etag}`, '"other"', 'W/"other"', '*', '', 'bare', '"a,b"', 'v1']),
    ).join(pick([',', ', ', ' , ']));
  const statuses = new Map<number, number>();
  for (let i = 0; i < 200_000; i++) {
    const size = pick([0, 1, 2, 5, 16, 40, 90]);
    const etag = pick(['"v1"', '"a,b"', '""']);
    const lastModifiedMs = pick([
      null,
      nowMs - 86_400_000 + 123,
      nowMs - 30_000,
      nowMs - 60_000,
      nowMs + 5000,
    ]);
    const given = {
      sizeBytes: size,
      etag,
      lastModifiedMs,
      nowMs,
      maxPartialBytes: pick([Infinity, Infinity, 1, 7, 30]),
    };
    const ms = lastModifiedMs ?? nowMs;
    const headers: Record<string, string> = {};
    if (random() < 0.85) headers.range = range(size);
    if (random() < 0.25) headers['if-range'] = random() < 0.6 ? tags(etag) : dates(ms);
    if (random() < 0.12) headers['if-match'] = tags(etag);
    if (random() < 0.12) headers['if-none-match'] = tags(etag);
    if (random() < 0.12) headers['if-modified-since'] = dates(ms);
    if (random() < 0.12) headers['if-unmodified-since'] = dates(ms);
    const method = random() < 0.9 ? 'GET' : 'HEAD';

    const plan = planResponse(method, headers, { ...facts, ...given });
    const expected = oracle(method, headers, given);
    const context = `seed ${seed}, case ${i}: ${method} ${JSON.stringify({ headers, given })}`;
    const parts = plan.slices.flatMap((s) => (s.kind === 'range' ? [[s.start, s.end - 1]] : []));
    assert.equal(plan.status, expected.status, context);
    assert.deepEqual(parts, expected.parts, context);
    const found = headersOf(plan);
    const bytes = plan.slices.reduce(
      (sum, s) => sum + (s.kind === 'range' ? s.end - s.start : s.text.length),
      0,
    );
    if (method === 'GET' && plan.status !== 304)
      assert.equal(found['content-length'], String(bytes), context);
    if (plan.status === 304) assert.equal(found['content-length'], undefined, context);
    if (plan.status === 416) assert.equal(found['content-range'], `bytes */${size}`, context);
    else if (parts.length === 1 && plan.status === 206)
      assert.equal(found['content-range'], `bytes ${parts[0]![0]}-${parts[0]![1]}/${size}`, context);
    else assert.equal(found['content-range'], undefined, context);
    assert.equal(found.etag, etag, context);
    statuses.set(plan.status, (statuses.get(plan.status) ?? 0) + 1);
  }
  for (const status of [200, 206, 304, 412, 416])
    assert.ok((statuses.get(status) ?? 0) > 2000, `only ${statuses.get(status)} answers were ${status}`);
});
