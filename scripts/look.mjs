#!/usr/bin/env node
// `npm run look [page ...]`: writes a picture of every page at three sizes, dark and light, to look/.
import { join } from 'node:path';
import { ensureInstalled, root, runNode } from './setup.mjs';

ensureInstalled();
runNode([join(root, 'test', 'look', 'look.ts'), ...process.argv.slice(2)]);
