// `npm run cluster`: the whole thing on this machine, many processes over one database, until Ctrl-C.
import { join } from 'node:path';
import { ensureInstalled, root, runNode } from './setup.mjs';

ensureInstalled();
runNode([join(root, 'test', 'helpers', 'cluster', 'run.ts')]);
