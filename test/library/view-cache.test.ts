// The cache of what is computed from indexes: bounded, shared while it is built, and forgotten when asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createViewCache } from '../../src/library/view-cache.ts';

test('those who ask for the same thing at the same time share one build', async () => {
  const cache = createViewCache(1000);
  let builds = 0;
  const gate = Promise.withResolvers<void>();
  const build = async () => {
    builds += 1;
    await gate.promise;
    return { value: builds, sizeBytes: 10 };
  };
  const asked = [cache.get('a', build), cache.get('a', build), cache.get('a', build)];
  gate.resolve();
  assert.deepEqual(await Promise.all(asked), [1, 1, 1]);
  assert.equal(await cache.get('a', build), 1);
  assert.equal(builds, 1);
});

test('what is kept never weighs more than the limit, and the least recently used goes first', async () => {
  const cache = createViewCache(100);
  const put = (key: string, sizeBytes: number) => cache.get(key, async () => ({ value: key, sizeBytes }));
  await put('a', 40);
  await put('b', 40);
  await put('a', 40);
  await put('c', 40);
  assert.equal(cache.sizeBytes, 80);
  const rebuilt: string[] = [];
  for (const key of ['a', 'c', 'b']) {
    await cache.get(key, async () => {
      rebuilt.push(key);
      return { value: key, sizeBytes: 40 };
    });
  }
  assert.deepEqual(rebuilt, ['b']);
});

test('a thing larger than the whole cache is given out and not kept', async () => {
  const cache = createViewCache(100);
  await cache.get('small', async () => ({ value: 1, sizeBytes: 50 }));
  assert.equal(await cache.get('large', async () => ({ value: 2, sizeBytes: 101 })), 2);
  assert.equal(cache.sizeBytes, 50);
});

test('a build that fails is told to all who wait, and is tried again by the next', async () => {
  const cache = createViewCache(100);
  const fail = async () => Promise.reject(new Error('no'));
  const asked = [cache.get('a', fail), cache.get('a', fail)];
  for (const answer of await Promise.allSettled(asked)) assert.equal(answer.status, 'rejected');
  assert.equal(await cache.get('a', async () => ({ value: 7, sizeBytes: 1 })), 7);
});

test('what is forgotten while it is built is not kept', async () => {
  const cache = createViewCache(100);
  const gate = Promise.withResolvers<void>();
  const asked = cache.get('id:view', async () => {
    await gate.promise;
    return { value: 1, sizeBytes: 10 };
  });
  cache.forget('id:');
  gate.resolve();
  assert.equal(await asked, 1);
  assert.equal(cache.sizeBytes, 0);
});
