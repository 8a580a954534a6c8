// `npm run bench [names...]`: the benches of bench/, all or those named, with the Node that runs the program.
import { join } from 'node:path';
import { ensureInstalled, root, runNode } from './setup.mjs';

ensureInstalled();
runNode([join(root, 'bench', 'bench.ts'), ...process.argv.slice(2)], { NODE_NO_WARNINGS: '1' });
