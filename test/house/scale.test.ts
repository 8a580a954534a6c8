// What design/scale.md states comes out of its simulations, row by row. The rows of 10,000 viewers take some seconds of
// CPU each, so one of them stands for the others here; `node bench/scale.ts` prints them all.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  cacheCases,
  cacheRow,
  createRandom,
  takeOverCases,
  takeOverRow,
} from '../../bench/frame/scale-model.ts';

const document = readFileSync(new URL('../../design/scale.md', import.meta.url), 'utf8').split('\n');

test('chance is the same each time', () => {
  const [first, second] = [createRandom(7), createRandom(7)];
  const numbers = Array.from({ length: 1000 }, first);
  assert.deepEqual(numbers, Array.from({ length: 1000 }, second));
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `${mean}`);
});

test('the table of caches is what the simulation prints', () => {
  const small = cacheCases.filter(({ viewers }) => viewers <= 1000);
  const large = cacheCases.find(({ cacheGb, routing }) => cacheGb === 2000 && routing === 'film')!;
  for (const one of [...small, large]) {
    const row = cacheRow(one);
    assert.ok(document.includes(row), row);
  }
  const stated = document.filter((line) => /^\| [\d,]+ \| \d+ \| \d+ \| [\d,]+ \| (any|film) \|/.test(line));
  assert.equal(stated.length, cacheCases.length, 'no row but those of the simulation');
});

test('the table of cameras that lose their owner is what the simulation prints', () => {
  for (const one of takeOverCases) {
    const row = takeOverRow(one);
    assert.ok(document.includes(row), row);
  }
  const stated = document.filter((line) => /^\| [\d,]+ \| \d+ \| (\d+ killed|all start) \|/.test(line));
  assert.equal(stated.length, takeOverCases.length);
});
