#!/usr/bin/env node
// `npm start` and the command `kinora`: installs what is missing, then runs src/main.ts.
import * as module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileCache, ensureInstalled, findNode, root, runNode } from './setup.mjs';

ensureInstalled();
const main = join(root, 'src', 'main.ts');
if (findNode() === process.execPath) {
  process.env.NODE_COMPILE_CACHE = compileCache;
  module.enableCompileCache(compileCache);
  await import(pathToFileURL(main).href);
} else runNode([main, ...process.argv.slice(2)]);
