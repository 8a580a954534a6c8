// A program for PATH that stands in for one that is not installed: a script for this very Node behind a line of
// shell, since the path of Node may hold spaces, which `#!` does not take.
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes the program `name` into a folder; `script` is CommonJS. The shell becomes Node, so the process id is its own. */
export async function writeStandIn(folder: string, name: string, script: string): Promise<void> {
  const scriptPath = join(folder, `${name}.cjs`);
  await writeFile(scriptPath, script);
  const path = join(folder, name);
  const quoted = [process.execPath, scriptPath].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  await writeFile(path, `#!/bin/sh\nexec ${quoted} "$@"\n`);
  await chmod(path, 0o755);
}
