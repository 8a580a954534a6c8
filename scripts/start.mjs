#!/usr/bin/env node
// `npm start` and the command `kinora`: installs what is missing, then runs src/main.ts.
import * as module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileCache, ensureInstalled, findNode, root, runNode } from './setup.mjs';

ensureInstalled();
if (process.env.npm_lifecycle_event === 'start') endWithParent();
const main = join(root, 'src', 'main.ts');
if (findNode() === process.execPath) {
  process.env.NODE_COMPILE_CACHE = compileCache;
  module.enableCompileCache(compileCache);
  await import(pathToFileURL(main).href);
} else runNode([main, ...process.argv.slice(2)]);

/** npm that was killed outright passes nothing on; what it started should not outlive it and hold the port. */
function endWithParent() {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
}
