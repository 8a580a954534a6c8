// Many processes together: video bytes through one, two and three web replicas, a camera's viewers across them, how soon
// a killed owner's camera goes on, and what a process of each role takes of the memory.

import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createId } from '../../src/ids.ts';
import { openHouse, untilAllSee } from '../../test/cluster/house.ts';
import type { CameraViewer } from '../../test/cluster/numbered-camera.ts';
import { type Replica, startReplica } from '../../test/helpers/cluster/replica.ts';
import { findEngine } from '../../test/helpers/mongo/engine.ts';
import { withDatabase } from '../../test/helpers/mongo/test-database.ts';
import { createLoadClient, type LoadFigures } from './load.ts';
import { cpuSeconds, machineLine, median, residentMb, table } from './machine.ts';

const filmBytes = 64 * 1024 * 1024;
const viewers = 60;
const takeOvers = 10;
/** To each replica. */
const connections = 4;

export async function measureLoad({ seconds, rounds }: { seconds: number; rounds: number }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
  const found = await findEngine();
  const given = process.env.KINORA_TEST_MONGODB_URL;
  const engine = given || !found.start ? null : await found.start();
  const base = given ?? engine?.url;
  if (!base) {
    console.error(`cluster: ${found.why}`);
    process.exitCode = 1;
    return;
  }
  const mongoUrl = withDatabase(base, `kinora_bench_${createId()}`);
  console.log(
    `${machineLine()}; load before ${loadavg()[0]!.toFixed(1)}; ${engine?.name ?? 'a database given'}`,
  );
  const house = await openHouse({
    ...{ mongoUrl, web: 3, worker: 1, camera: 2, filmBytes, cameraEveryMs: 40 },
    settings: { KINORA_AUTH: 'none' },
  });
  let auth: Replica | null = null;
  try {
    const { web, worker, camera } = house.cluster;
    auth = await startReplica({ name: 'auth-1', roles: 'auth', settings: { MONGODB_URL: mongoUrl } });
    await auth.untilReady();
    const atRest = [web[0]!, auth, worker[0]!, camera[0]!].map((one) => [one, residentMb(one.pid)] as const);

    const load = await createLoadClient(folder);
    console.log(`load client: ${load.name}; ${rounds} rounds of ${seconds} s each, in turns; medians`);
    const run = async (replicas: readonly Replica[]) =>
      Promise.all(
        replicas.map(({ url, pid }) =>
          load.run({
            ...{ url: `${url}${house.filmPath}`, pid, connections, seconds },
            sizeBytes: filmBytes,
          }),
        ),
      );
    // Every replica has the film on its disk then.
    await run(web);
    const figures = [1, 2, 3].map((): { mb: number; cpu: number }[] => []);
    for (let round = 0; round < rounds; round += 1)
      for (const [i, list] of figures.entries()) list.push(together(await run(web.slice(0, i + 1))));
    console.log(
      table([
        ['whole files, warm', 'MB/s', 'CPU s per GB'],
        ...figures.map((list, i) => [
          `${i + 1} web`,
          median(list.map(({ mb }) => mb)).toFixed(0),
          median(list.map(({ cpu }) => cpu)).toFixed(3),
        ]),
      ]),
    );

    const watchers: CameraViewer[] = [];
    for (let i = 0; i < viewers; i += 1) watchers.push(house.watchCamera(house.home(i)));
    await untilAllSee(watchers);
    const pids = [...web, ...camera].map(({ pid }) => pid);
    const cpuNow = () => pids.map(cpuSeconds).reduce((sum, one) => sum + one, 0);
    const picturesNow = () => watchers.reduce((sum, { pictures }) => sum + pictures, 0);
    const [cpuBefore, picturesBefore, numberBefore] = [cpuNow(), picturesNow(), house.camera.number];
    await pause(seconds * 1000 * 2);
    const [cpu, pictures] = [cpuNow() - cpuBefore, picturesNow() - picturesBefore];
    const shown = pictures / viewers / (house.camera.number - numberBefore);
    const missed = watchers.reduce((sum, { gaps }) => sum + gaps.length, 0);
    console.log(
      `${viewers} viewers of one camera at ${web.length} replicas, ${(pictures / seconds / 2).toFixed(0)} pictures of 3 kB a second: ` +
        `${((cpu / pictures) * 1e6).toFixed(0)} µs of CPU each (all web and camera processes), ${(shown * 100).toFixed(1)} % shown, ${missed} gaps`,
    );
    const busy = [web[0]!, worker[0]!, await house.owner()].map((one) => [one, residentMb(one.pid)] as const);

    const tookMs: number[] = [];
    for (let number = 0; number < takeOvers; number += 1) {
      const owner = await house.owner();
      const killedAtMs = performance.now();
      await house.balancer.kill(owner);
      await pause(500);
      await untilAllSee(watchers);
      const ends = watchers.flatMap(({ gaps }) => gaps.map(({ untilMs }) => untilMs));
      tookMs.push(Math.max(...ends.filter((ms) => ms > killedAtMs)) - killedAtMs);
      await house.balancer.start(owner);
    }
    console.log(
      `an owner killed ${takeOvers} times: pictures for all again after ${median(tookMs).toFixed(0)} ms (median), ${Math.max(...tookMs).toFixed(0)} ms (worst)`,
    );
    await Promise.all(watchers.map((viewer) => viewer.stop()));
    console.log(
      table([
        ['resident memory', 'at rest, MB', 'after the load, MB'],
        ...atRest.map(([one, mb]) => [
          one.roles,
          mb.toFixed(0),
          busy.find(([other]) => other.roles === one.roles)?.[1].toFixed(0) ?? '',
        ]),
      ]),
    );
  } finally {
    await auth?.close();
    await house.database.db().dropDatabase();
    await house.close();
    await engine?.stop();
    await rm(folder, { recursive: true, force: true });
    console.log(`load after ${loadavg()[0]!.toFixed(1)}`);
  }
}

function together(figures: readonly LoadFigures[]): { mb: number; cpu: number } {
  const mb = figures.reduce((sum, { mbPerS }) => sum + mbPerS, 0);
  return { mb, cpu: figures.reduce((sum, { mbPerS, cpuPerGb }) => sum + mbPerS * cpuPerGb, 0) / mb };
}
