// The metrics of what processes share: by kind and not by id, read when asked, and quiet where the database is away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { version } from '../../src/version.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';

const create = (roles: string[] = []) =>
  createMetrics({ cameras: { list: () => [], figures: () => [] }, clock: createFakeClock(), roles });

async function linesOf(metrics: ReturnType<typeof create>): Promise<string[]> {
  const ours = /^kinora_(info|leases|tasks|cache|database)/;
  return (await metrics.read()).split('\n').filter((line) => ours.test(line));
}

test('a process says which roles it has', async () => {
  assert.deepEqual(await linesOf(create(['web', 'camera'])), [
    `kinora_info{role="web",version="${version}"} 1`,
    `kinora_info{role="camera",version="${version}"} 1`,
  ]);
});

test('leases and tasks are told by kind, the cache as it is, and what happened is counted', async () => {
  const metrics = create();
  let held = ['camera:porch', 'camera:garden', 'tidy'];
  let hits = 5;
  metrics.cluster.watch({ leases: () => held, tasks: async () => new Map([['describe', 3]]) });
  metrics.cluster.watch({ cache: () => ({ hits, misses: 2, bytes: 7_340_032, limitBytes: 2e9 }) });
  metrics.cluster.leaseLost('camera:porch');
  metrics.cluster.taskEnded('describe', 'done');
  metrics.cluster.taskEnded('describe', 'done');
  assert.deepEqual(await linesOf(metrics), [
    'kinora_leases_held{kind="camera"} 2',
    'kinora_leases_held{kind="tidy"} 1',
    'kinora_leases_lost_total{kind="camera"} 1',
    'kinora_tasks_waiting{kind="describe"} 3',
    'kinora_tasks_ended_total{kind="describe",result="done"} 2',
    'kinora_cache_bytes{store="chunks"} 7340032',
    'kinora_cache_limit_bytes{store="chunks"} 2000000000',
    'kinora_cache_hits_total{store="chunks"} 5',
    'kinora_cache_misses_total{store="chunks"} 2',
  ]);
  held = [];
  hits = 6;
  const later = await linesOf(metrics);
  assert.ok(!later.some((line) => line.startsWith('kinora_leases_held')), 'given back, it is no longer told');
  assert.ok(later.includes('kinora_cache_hits_total{store="chunks"} 6'));
});

test('while the database is away everything else is still told', async () => {
  const metrics = create(['worker']);
  metrics.cluster.watch({ tasks: () => Promise.reject(new Error('away')), leases: () => ['tidy'] });
  const lines = await linesOf(metrics);
  assert.ok(lines.includes('kinora_leases_held{kind="tidy"} 1'));
  assert.ok(!lines.some((line) => line.startsWith('kinora_tasks_waiting')));
});
