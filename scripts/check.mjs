// `npm run check`: formats (writes), lints and typechecks. With --verify nothing is written (the tests use that).
import { join } from 'node:path';
import { ensureInstalled, root, runNodeAndWait, say } from './setup.mjs';

ensureInstalled();
const verify = process.argv.includes('--verify');
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
const typescript = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const steps = [
  [
    'format and lint',
    [biome, verify ? 'ci' : 'check', ...(verify ? [] : ['--write']), '--error-on-warnings', '.'],
  ],
  ['types', [typescript, '--noEmit']],
];
for (const [name, args] of steps) {
  const status = runNodeAndWait(args);
  if (status !== 0) {
    say(`${name}: failed`);
    process.exit(status);
  }
  say(`${name}: fine`);
}
