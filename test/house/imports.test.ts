// The house rules that a machine can hold: which folder may import which, names, lengths, documents.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = join(root, 'src');

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);

/** What the files of a folder may import besides its own, from the bottom up (design/architecture.md). */
const ground = [
  'errors.ts',
  'clock.ts',
  'log.ts',
  'ids.ts',
  'config.ts',
  'version.ts',
  'key-file.ts',
  'service-secret.ts',
  'keys.ts',
  'systemd.ts',
];
const allowed: Record<string, string[]> = {
  media: ['errors.ts'],
  // The database that several processes share: connection, failures, indexes, changes, keys.
  mongo: ground,
  leases: [...ground, 'mongo'],
  blobs: [...ground, 'mongo'],
  // Types of what a video is made of.
  catalogue: [...ground, 'media', 'mongo'],
  workers: [...ground, 'media'],
  library: [...ground, 'media', 'leases', 'blobs', 'catalogue', 'workers'],
  cameras: [...ground, 'tracing', 'media', 'leases', 'blobs', 'catalogue', 'workers'],
  // What goes out of a library and comes in again, all of it.
  archive: [...ground, 'catalogue', 'library', 'accounts'],
  // What requests and operations tell of themselves where OTEL_* asks for it.
  tracing: ground,
  metrics: [...ground, 'cameras'],
  // Everything from one place to another.
  move: [...ground, 'blobs', 'catalogue', 'accounts'],
  // Constructs what the program keeps things in, as app.ts constructs the rest.
  stores: [...ground, 'mongo', 'leases', 'blobs', 'catalogue', 'accounts', 'metrics'],
  check: [...ground, 'media', 'blobs', 'catalogue', 'library'],
  // Types of what is given to people and shared between them.
  accounts: [...ground, 'tracing', 'mongo', 'catalogue', 'cameras'],
  // Pages are told what to show; they fetch nothing themselves.
  web: [...ground, 'media', 'accounts', 'catalogue', 'cameras', 'library', 'archive'],
  http: [
    ...ground,
    'media',
    'accounts',
    'blobs',
    'catalogue',
    'library',
    'cameras',
    'web',
    'metrics',
    'tracing',
    'archive',
  ],
};

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  return [...text.matchAll(/(?:from|import\(|import)\s*'(\.[^']+)'/g)].map((match) =>
    normalize(relative(source, join(source, dirname(file), match[1]!))),
  );
}

test('imports point one way, from http down to errors and clock', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const [folder, ...inside] = file.split('/');
    if (inside.length === 0) continue; // main, app and the ground itself
    const may = allowed[folder!];
    if (folder === 'commands') continue; // commands construct, as app.ts does
    assert.ok(may, `the folder ${folder} has no rule in ${import.meta.filename}`);
    for (const target of importsOf(file)) {
      const isOwn = target.startsWith(`${folder}/`);
      const isAllowed = may.some((place) => target === place || target.startsWith(`${place}/`));
      if (!isOwn && !isAllowed) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(files.length > 40, 'the walk found the sources');
});

test('no file imports itself by a detour, for types neither', () => {
  const rounds: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const seenAt = path.indexOf(file);
    if (seenAt >= 0) rounds.push([...path.slice(seenAt), file].join(' -> '));
    if (seenAt >= 0 || done.has(file) || !files.includes(file)) return;
    for (const target of importsOf(file)) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  assert.deepEqual(rounds, []);
});

test('the ground imports nothing of ours but itself', () => {
  for (const file of ['errors.ts', 'clock.ts', 'ids.ts']) {
    for (const target of importsOf(file)) assert.ok(ground.includes(target), `${file} imports ${target}`);
  }
});

test('files are named after one noun in kebab-case, and none is a drawer for everything', () => {
  for (const file of files) {
    const name = file.split('/').at(-1)!;
    assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/, file);
    assert.doesNotMatch(name, /^(utils?|helpers?|misc|common|manager)\b/, file);
  }
});

test('no source file is over 500 lines, and each opens with what it is for', () => {
  for (const file of files) {
    const text = readFileSync(join(source, file), 'utf8');
    assert.ok(text.split('\n').length <= 500, `${file} is too long`);
    assert.match(text, /^(#!.*\n)?(\/\/|\/\*\*?) ?\S/, `${file} does not say what it is for`);
  }
});
