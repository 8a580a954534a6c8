// Runs benches one after the other, each in its own process: `npm run bench [names...]`. README.md says what a bench is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { machineLine } from './frame/machine.ts';

const folder = import.meta.dirname;
const all = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && name !== 'bench.ts')
  .map((name) => name.slice(0, -3))
  .sort();
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  process.exit(1);
}
console.log(machineLine());
const failed: string[] = [];
for (const name of asked.length > 0 ? asked : all) {
  console.log(`\n== ${name}`);
  const child = spawn(process.execPath, [join(folder, `${name}.ts`)], { stdio: 'inherit' });
  const stop = () => child.kill();
  process.once('SIGTERM', stop);
  const [status] = await once(child, 'exit');
  process.off('SIGTERM', stop);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`\nDid not end well: ${failed.join(', ')}`);
  process.exit(1);
}
