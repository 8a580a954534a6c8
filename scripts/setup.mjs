// What every command of package.json does first, on any Node from 18 on and before anything is installed: brings
// the dependencies (once), finds a Node that runs the program, and runs it. Plain JavaScript without dependencies.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.kinora-installed');
const bundledNode = join(
  root,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);

/** The oldest Node that runs the program: it strips types and has SQLite and zlib's brotli built in. */
const neededMajor = 24;

export function say(text) {
  process.stderr.write(`kinora: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

/** Installs the dependencies of the lock file, unless that has been done; a start without it costs a few ms. */
export function ensureInstalled() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const stamp = `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say('installing what it needs, as pinned in package-lock.json (once; one to three minutes) ...');
  const environment = { ...process.env };
  if (!isWritable(homedir())) environment.npm_config_cache = join(root, '.cache', 'npm');
  const npm = spawnSync(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev', '--include=optional'],
    { cwd: root, env: environment, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' },
  );
  if (npm.error)
    fail(`npm could not be started (${npm.error.message}); it comes with Node, from nodejs.org or Debian`);
  if (npm.status !== 0)
    fail('npm ci failed; what it printed above says why. Run the same command again when mended.');
  findNode();
  writeFileSync(stampFile, stamp);
  say('installed.');
}

function isWritable(folder) {
  try {
    if (!folder) return false;
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The Node to run the program with: the running one if it is new enough, else the one of the npm package `node`. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= neededMajor) return process.execPath;
  if (existsSync(bundledNode)) return bundledNode;
  return fail(
    `this needs Node ${neededMajor} or newer; this is ${process.version}, and the npm package "node" did not bring one ` +
      '(are install scripts switched off in npm?). Install a newer Node, or allow them and run this again.',
  );
}

/**
 * Where Node keeps what it compiled, for the program, its threads and its processes: a start without it takes three
 * times as long. Beside the dependencies it was made from, in nobody else's reach.
 */
export const compileCache = join(root, 'node_modules', '.cache', 'kinora', 'compiled');

/** Runs a program with the newer Node and leaves with its exit status; signals are passed on. */
export function runNode(args, environment = {}) {
  const child = spawn(findNode(), args, {
    cwd: root,
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...environment },
    // The channel's only use: the program ends when this process is gone.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`could not start: ${error.message}`));
  child.on('exit', (status, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exit(status ?? 1);
  });
}

/** Runs a program with the newer Node and waits for it; returns its exit status. */
export function runNodeAndWait(args, environment = {}) {
  const done = spawnSync(findNode(), args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  });
  return done.status ?? 1;
}
