// Preconditions (RFC 9110 §13): dates in their three forms, entity tags, and which condition wins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  evaluateConditions,
  isRangeCurrent,
  parseEntityTags,
  parseHttpDate,
} from '../../src/http/conditional.ts';

const nowMs = Date.UTC(2026, 5, 1);
const modifiedMs = Date.UTC(1994, 10, 6, 8, 49, 37);
const validators = { etag: '"v1"', lastModifiedMs: modifiedMs + 250 };
const same = 'Sun, 06 Nov 1994 08:49:37 GMT';
const before = 'Sun, 06 Nov 1994 08:49:36 GMT';
const after = 'Sun, 06 Nov 1994 08:49:38 GMT';

test('an HTTP date is read in all three forms, and nothing else is a date', () => {
  const table: [string, number | null][] = [
    [same, modifiedMs],
    ['Sunday, 06-Nov-94 08:49:37 GMT', modifiedMs],
    ['Sun Nov  6 08:49:37 1994', modifiedMs],
    ['Monday, 01-Jun-76 00:00:00 GMT', Date.UTC(2076, 5, 1)],
    ['Wednesday, 01-Jun-77 00:00:00 GMT', Date.UTC(1977, 5, 1)],
    ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
    ['Sun, 06 Nov 1994 08:49:37 UTC', null],
    ['Sun, 31 Feb 2026 00:00:00 GMT', null],
    ['Sun, 06 Nov 1994 24:00:00 GMT', null],
    ['1994-11-06T08:49:37Z', null],
    ['', null],
  ];
  for (const [text, expected] of table) assert.equal(parseHttpDate(text, nowMs), expected, text);
});

test('entity tags are taken from a list with commas inside of quotes and junk between', () => {
  assert.equal(parseEntityTags(' * '), '*');
  assert.deepEqual(parseEntityTags('"a", W/"b,c" ,, junk, "d e", ""'), ['"a"', 'W/"b,c"', '""']);
  assert.deepEqual(parseEntityTags('"open'), []);
  assert.deepEqual(parseEntityTags(''), []);
});

test('a header of 16 KiB made to be slow is read at once', () => {
  const startMs = performance.now();
  for (const hostile of ['"a,', 'W/', '",', '" ', '\t', '"'])
    parseEntityTags(hostile.repeat(Math.floor(16_384 / hostile.length)));
  assert.ok(performance.now() - startMs < 500);
});

test('conditions are weighed in the order of §13.2.2', () => {
  const table: [Record<string, string>, string][] = [
    [{}, 'proceed'],
    [{ 'if-match': '"v1"' }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': '"v0", "v1"' }, 'proceed'],
    [{ 'if-match': 'W/"v1"' }, 'precondition-failed'],
    [{ 'if-match': '"v1"', 'if-unmodified-since': before }, 'proceed'],
    [{ 'if-unmodified-since': before }, 'precondition-failed'],
    [{ 'if-unmodified-since': same }, 'proceed'],
    [{ 'if-unmodified-since': 'soon' }, 'proceed'],
    [{ 'if-none-match': '"v1"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"v1"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"v0"', 'if-modified-since': after }, 'proceed'],
    [{ 'if-modified-since': before }, 'proceed'],
    [{ 'if-modified-since': same }, 'not-modified'],
    [{ 'if-modified-since': after }, 'not-modified'],
    [{ 'if-match': '"v0"', 'if-none-match': '"v1"' }, 'precondition-failed'],
    [{ 'if-match': '"v1"', 'if-none-match': '"v1"' }, 'not-modified'],
  ];
  for (const [headers, expected] of table)
    assert.equal(evaluateConditions(headers, validators, nowMs), expected, JSON.stringify(headers));
});

test('without a date of its own, conditions on dates are ignored', () => {
  const undated = { etag: '"v1"', lastModifiedMs: null };
  assert.equal(evaluateConditions({ 'if-modified-since': after }, undated, nowMs), 'proceed');
  assert.equal(evaluateConditions({ 'if-unmodified-since': before }, undated, nowMs), 'proceed');
  assert.equal(isRangeCurrent({ 'if-range': same }, undated, nowMs), false);
});

test('If-Range takes the same strong tag or the same old date only', () => {
  const table: [string, number, boolean][] = [
    ['"v1"', nowMs, true],
    ['W/"v1"', nowMs, false],
    ['"v2"', nowMs, false],
    ['"v1", "v2"', nowMs, false],
    ['*', nowMs, false],
    [same, nowMs, true],
    [same, modifiedMs + 60_000, true],
    [same, modifiedMs + 59_999, false],
    [after, nowMs, false],
    [before, nowMs, false],
  ];
  for (const [value, atMs, expected] of table)
    assert.equal(isRangeCurrent({ 'if-range': value }, validators, atMs), expected, value);
});
