// `npm run cluster`: a database, two auth, three web, two camera and two worker processes and nginx in front, on free
// ports, for a look; everything is stopped and removed at the end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEngine } from '../mongo/engine.ts';
import { withDatabase } from '../mongo/test-database.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { missingFront } from './front.ts';

const say = (text: string) => console.log(`kinora: ${text}`);
const folder = mkdtempSync(join(tmpdir(), 'kinora-cluster-'));
say('bringing a database ...');
const found = await findEngine();
if (!found.start) {
  console.error(`kinora: ${found.why}`);
  process.exit(1);
}
const engine = await found.start({ folder: join(folder, 'database') });
let cluster: Cluster | null = null;
let isEnding = false;
const end = async () => {
  if (isEnding) return;
  isEnding = true;
  say('stopping everything ...');
  await cluster?.close();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end());

const withoutFront = missingFront();
say('starting two auth, three web, two camera and two worker processes ...');
try {
  cluster = await startCluster({
    mongoUrl: withDatabase(engine.url, 'kinora'),
    ...{ auth: 2, web: 3, camera: 2, worker: 2, hasFront: withoutFront === false },
    // Whoever is first is the owner, on this machine: nginx hides that it is this machine.
    settings: { KINORA_SIGN_UP: 'open' },
  });
} catch (error) {
  console.error(error);
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(1);
}
say(`the database is ${engine.name} at ${engine.url}`);
for (const { name, url, pid } of cluster.all) say(`${name.padEnd(8)} ${url}  (process ${pid})`);
if (withoutFront) say(`nothing is in front: ${withoutFront}`);
const code = cluster.auth[0] && /"setupCode":"([^"]+)"/.exec(cluster.auth[0].output())?.[1];
if (code) say(`the first account is made with the code ${code}`);
say(`open ${cluster.url}   (Ctrl-C ends it)`);
