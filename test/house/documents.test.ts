// The documents of ref/ name every error kind, metric and route there is, and none that is not.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.ts';
import { errorStatus } from '../../src/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('every document that a reader is promised is there', () => {
  const needed = [
    ...['README.md', 'CHANGELOG.md', 'LICENSE'],
    ...['architecture', 'glossary', 'views', 'writes'].map((name) => `design/${name}.md`),
    ...['configuration', 'api', 'errors', 'metrics'].map((name) => `ref/${name}.md`),
    ...['start', 'uploads', 'cameras'].map((name) => `guide/${name}.md`),
  ];
  assert.deepEqual(
    needed.filter((path) => !existsSync(join(root, path))),
    [],
  );
});

test('every guide, reference and design is linked from README.md, so that it is found', () => {
  const linked = new Set([...read('README.md').matchAll(/\]\(([^)#\s]+\.md)/g)].map(([, target]) => target));
  const there = ['design', 'guide', 'ref'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  );
  assert.deepEqual(
    there.filter((name) => !linked.has(name)),
    [],
  );
});

test('ref/errors.md lists each kind of error with its status', () => {
  const rows = [...read('ref/errors.md').matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)].map(
    ([, kind, status]) => [kind, Number(status)],
  );
  assert.deepEqual(Object.fromEntries(rows), errorStatus);
});

test('links between documents lead somewhere', () => {
  const folders = ['', 'design', 'guide', 'ref', 'bench'];
  const documents = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  );
  const broken: string[] = [];
  for (const document of documents) {
    for (const [, target] of read(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      if (!existsSync(join(root, dirname(document), target!))) broken.push(`${document} -> ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('ref/metrics.md lists each metric of ours, and none that is not', async () => {
  const { createMetrics } = await import('../../src/metrics/metrics.ts');
  const metrics = createMetrics({ cameras: { list: () => [], figures: () => [] }, clock: systemClock });
  const text = await metrics.read();
  const there = [...text.matchAll(/^# TYPE (kinora_\w+) (\w+)$/gm)].map(
    ([, name, kind]) => `${name} ${kind}`,
  );
  const listed = [...read('ref/metrics.md').matchAll(/^\| `(kinora_\w+)` \| (\w+) \|/gm)].map(
    ([, name, kind]) => `${name} ${kind}`,
  );
  assert.deepEqual(listed.toSorted(), there.toSorted());
});
