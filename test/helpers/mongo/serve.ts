// One database for a whole run of the tests (`scripts/test.mjs`): prints `{"url", "name", "why"}` and runs until its
// input ends.
import { findEngine } from './engine.ts';

const found = await findEngine();
const engine = found.start ? await found.start() : null;
console.log(JSON.stringify({ url: engine?.url ?? null, name: engine?.name ?? null, why: found.why }));
process.stdin.resume().once('end', async () => {
  await engine?.stop();
  process.exit(0);
});
