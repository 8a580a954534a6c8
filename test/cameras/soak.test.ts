// An hour of the program's time with ten cameras of several drivers that vanish and return every few seconds, and
// viewers who come, stall and go: afterwards no process, descriptor, sleeper or memory is left. The same dice every
// time; KINORA_TEST_SEED throws others. What happens on sockets takes real time, so the dice alone do not decide all.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { platform } from 'node:os';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CameraInfo } from '../../src/cameras/cameras.ts';
import type { CameraSample, DriverModule } from '../../src/cameras/driver.ts';
import { loadDriver } from '../../src/cameras/registry.ts';
import { startCameraServer } from '../helpers/camera-server.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { makeCamera } from '../helpers/h264-camera.ts';
import { numberedJpeg } from '../helpers/push-driver.ts';
import { until } from '../helpers/until.ts';
import {
  createDice,
  createVanishingModule,
  createVanishingSender,
  startVanishingHttpCamera,
  turnMs,
  type VanishingCamera,
} from '../helpers/vanishing-cameras.ts';

const seed = Number(process.env.KINORA_TEST_SEED ?? 4);
const warmUpSeconds = 600;
const measuredSeconds = 3000;
/** What code compiled meanwhile may grow by; the hour itself leaves a tenth of it. */
const heapGrowthBytes = 2e6;
/** JPEG-shaped pictures of one camera are so large that a viewer who does not read stalls. */
const [usualBytes, largeBytes] = [8_000, 1_000_000];

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

type Quiet = {
  readonly descriptors: number;
  readonly processes: number;
  readonly sleepers: number;
  readonly resources: Record<string, number>;
  readonly heapBytes: number;
  readonly outsideBytes: number;
};

describe('Cameras that come and go for an hour', () => {
  it('leave no process, descriptor, sleeper or memory behind', async (t) => {
    console.log(`dice thrown with KINORA_TEST_SEED=${seed}`);
    const house = await startHouse(createDice(seed));
    t.after(() => house.close());
    await house.live(warmUpSeconds);
    const before = await house.quiet();
    await house.live(measuredSeconds);
    const after = await house.quiet();

    const { seen } = house;
    const facts = { ...seen, states: undefined, before, after };
    t.diagnostic(JSON.stringify(facts));
    assert.equal(after.descriptors, before.descriptors, 'open descriptors');
    assert.equal(after.processes, before.processes, 'processes below this one');
    assert.equal(after.sleepers, before.sleepers, 'sleepers of the clock');
    assert.deepEqual(after.resources, before.resources, 'sockets, timers and the like');
    assert.ok(
      after.heapBytes - before.heapBytes < heapGrowthBytes,
      `the heap grew by ${after.heapBytes - before.heapBytes} bytes`,
    );
    assert.ok(
      after.outsideBytes - before.outsideBytes < heapGrowthBytes,
      `buffers grew by ${after.outsideBytes - before.outsideBytes} bytes`,
    );

    // That there was something to leave behind.
    for (const [id, states] of seen.states)
      assert.deepEqual([...states].sort(), ['live', 'no-signal', 'off', 'starting'], `states of ${id}`);
    assert.ok(seen.vanished > 1000, `cameras vanished ${seen.vanished} times`);
    assert.ok(seen.restarts > 500, `drivers were started again ${seen.restarts} times`);
    assert.ok(seen.pictures > 1000, `viewers were handed ${seen.pictures} samples`);
    assert.ok(seen.snapshots > 20, `${seen.snapshots} snapshots were made`);
    assert.ok(seen.streamBytes > 50e6, `streams carried ${seen.streamBytes} bytes`);
    assert.ok(seen.closedByServer > 5, `${seen.closedByServer} connections were closed by the server`);
    assert.ok(seen.changes > 30, `cameras were changed or removed ${seen.changes} times`);

    await house.close();
    assert.equal(house.server.clock.sleepers, 0, 'sleepers once all is closed');
  });
});

/** A house of ten cameras and the people who watch them. */
async function startHouse(dice: () => number) {
  const pick = <Value>(list: readonly Value[]): Value => list[Math.floor(dice() * list.length)]!;
  const video = await makeCamera({
    video: { codec: 'h264', width: 160, height: 90, fps: 5, seconds: 4, keyInterval: 5, bFrames: 0 },
  });
  // The process that made it stays for other tests.
  const children = childrenOf(process.pid);
  let number = 0;
  const usual = () => numberedJpeg(number++, usualBytes);
  // One buffer for all: making them is not what is tested.
  const large = numberedJpeg(0, largeBytes);
  let videoAt = 0;
  const aTurnOfVideo = (): CameraSample[] =>
    Array.from({ length: 5 }, () => {
      const sample = video.samples[videoAt % video.samples.length]!;
      const { config } = video.samples[0]!;
      const made = { ...sample, ptsMicros: videoAt * 200_000, ...(sample.isKey && config && { config }) };
      videoAt += 1;
      return made;
    });

  const modules: Record<string, ReturnType<typeof createVanishingModule>> = {
    hall: createVanishingModule(dice, () => [usual(), usual()]),
    shed: createVanishingModule(dice, () => [usual()]),
    lane: createVanishingModule(dice, () => [large]),
    yard: createVanishingModule(dice, aTurnOfVideo),
    gate: createVanishingModule(dice, aTurnOfVideo),
  };
  const https = {
    barn: await startVanishingHttpCamera(dice, usual),
    pond: await startVanishingHttpCamera(dice, usual),
    roof: await startVanishingHttpCamera(dice, usual),
  };
  const load = async (name: string): Promise<DriverModule> => modules[name]?.driver ?? loadDriver(name);
  const server = await startCameraServer({ load, clock: createFakeClock(undefined, turnMs / 2) });
  const { cameras, clock } = server;
  const setups = [
    ...Object.keys(modules).map((id) => ({ id, name: id, driver: id, options: {} })),
    ...Object.entries(https).map(([id, { url }]) => ({ id, name: id, driver: 'mjpeg', options: { url } })),
    { id: 'phone', name: 'phone', driver: 'push', options: {} },
  ];
  for (const setup of setups) await cameras.add(setup);
  // The tenth stands in the settings.
  const senders = ['phone', 'door'].map((id) =>
    createVanishingSender(
      dice,
      (body, signal) =>
        cameras.receive(
          id,
          { sender: 'household', type: 'multipart/x-mixed-replace; boundary=b', key: null, body },
          signal,
        ),
      usual,
    ),
  );
  const all: VanishingCamera[] = [...Object.values(modules), ...Object.values(https), ...senders];
  const ids = [...setups.map(({ id }) => id), 'door'];
  const videoIds = ['yard', 'gate'];
  const pictureIds = ids.filter((id) => !videoIds.includes(id));

  const seen = {
    ...{ pictures: 0, snapshots: 0, noSnapshots: 0, streams: 0, streamBytes: 0, closedByServer: 0 },
    ...{ changes: 0, restarts: 0, vanished: 0 },
    states: new Map<string, Set<CameraInfo['state']>>(ids.map((id) => [id, new Set()])),
  };
  const add = (what: 'pictures' | 'snapshots' | 'noSnapshots') => {
    seen[what] += 1;
  };
  cameras.onChange(({ id, state }) => seen.states.get(id)?.add(state));
  /** Those who go when their second has come. */
  const guests = new Set<{ leaveAtMs: number; leave(): void }>();
  const stay = (leave: () => void, seconds: number) =>
    guests.add({ leaveAtMs: clock.monotonicMs() + seconds * 1000, leave });

  const watch = (id: string) => {
    const isSlow = pictureIds.includes(id) && dice() < 0.2;
    const own = isSlow ? { pictures: { width: null, fps: 0.5 + dice() } } : undefined;
    const viewing = cameras.watch(id, { onSample: () => add('pictures'), onEnd: () => {} }, own);
    stay(() => viewing.close(), dice() * 20);
  };
  const snap = (id: string) => {
    const gone = new AbortController();
    cameras.snapshot(id, 1000, gone.signal).then(
      () => add('snapshots'),
      () => add('noSnapshots'),
    );
    stay(() => gone.abort(new Error('gone')), dice() * 12);
  };
  const stream = (path: string, isStalled: boolean) => {
    let hasLeft = false;
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    if (isStalled) socket.pause();
    socket.on('data', (piece: Buffer) => {
      seen.streamBytes += piece.length;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!hasLeft) seen.closedByServer += 1;
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    seen.streams += 1;
    const leave = () => {
      hasLeft = true;
      socket.destroy();
    };
    // One that does not read does not see either that the server has hung up.
    const wake = () => {
      socket.resume();
      stay(leave, 3 * (turnMs / 1000));
    };
    if (isStalled) stay(wake, 150);
    else stay(leave, dice() * 25);
  };
  let isChanging = false;
  const change = async () => {
    const { id, name, driver, options } = pick(setups);
    isChanging = true;
    if (dice() < 0.5) await cameras.edit(id, { name: `${name} ${seen.changes}` });
    else {
      await cameras.remove(id);
      await cameras.add({ id, name, driver, options });
    }
    isChanging = false;
    seen.changes += 1;
  };

  const come = (second: number) => {
    const there = cameras.list().map(({ id }) => id);
    if (dice() < 0.6) watch(pick(there));
    if (dice() < 0.15) snap(pick(pictureIds));
    if (dice() < 0.1) stream(`/cameras/${pick(pictureIds)}/stream.mjpeg${pick(['', '?fps=1'])}`, false);
    // Made by a process of its own.
    if (dice() < 0.003) stream(`/cameras/${pick(videoIds)}/stream.mjpeg`, false);
    if (dice() < 0.006) stream('/cameras/lane/stream.mjpeg', true);
    if (dice() < 0.05) stream(`/cameras/wall.multipart?show=${ids.join(',')}&fps=1`, dice() < 0.2);
    if (dice() < 0.1) stream(`/cameras/${pick(videoIds)}/live.mp4`, dice() < 0.2);
    if (dice() < 0.1) stream(`/cameras/${pick(videoIds)}/${pick(['live.m3u8', 'live/media.m3u8'])}`, false);
    // Removing one waits for its device, which may take a second of the house's time.
    if (second % 60 === 0 && !isChanging) void change();
  };

  const leaveDue = (nowMs: number) => {
    for (const guest of guests) {
      if (guest.leaveAtMs > nowMs) continue;
      guests.delete(guest);
      guest.leave();
    }
  };
  const bringBack = async () => {
    for (let turn = 0; turn < 100 && !Object.values(https).every(({ isThere }) => isThere); turn += 1) {
      for (const camera of Object.values(https)) camera.turn();
      await clock.settle();
    }
  };
  const countRestarts = () => cameras.figures().reduce((sum, { restarts }) => sum + restarts, 0);

  return {
    server,
    seen,
    /** So many seconds of the house's time. */
    async live(seconds: number) {
      for (let second = 0; second < seconds; second += turnMs / 1000) {
        const restartsBefore = countRestarts();
        for (const camera of all) camera.turn();
        leaveDue(clock.monotonicMs());
        await clock.advance(turnMs);
        seen.restarts += Math.max(0, countRestarts() - restartsBefore);
        come(second);
        server.lines.length = 0;
      }
      seen.vanished = all.reduce((sum, { vanished }) => sum + vanished, 0);
    },
    /** Everybody has gone home: what there still is. */
    async quiet(): Promise<Quiet> {
      // Twice: some only wake up first.
      for (let round = 0; round < 2; round += 1) leaveDue(Number.POSITIVE_INFINITY);
      // The linger, the longest a device takes, a playlist nobody asks for any more, a connection kept alive.
      for (let second = 0; second < 120; second += 10) await clock.advance(10_000);
      await bringBack();
      assert.ok(!isChanging, 'a camera is still being removed');
      await until(() => cameras.list().every(({ state, viewers }) => state === 'off' && viewers === 0), {
        what: 'all cameras off',
      });
      await until(async () => (await server.connections()) === 0, {
        what: 'all connections closed',
        timeoutMs: 10_000,
      });
      await until(() => childrenOf(process.pid) <= children, { what: 'all processes ended' });
      for (let round = 0; round < 4; round += 1) {
        collect();
        await new Promise(setImmediate);
      }
      const { heapUsed, external } = process.memoryUsage();
      return {
        descriptors: platform() === 'linux' ? readdirSync('/proc/self/fd').length : 0,
        processes: childrenOf(process.pid),
        sleepers: clock.sleepers,
        resources: resourcesNow(),
        heapBytes: heapUsed,
        outsideBytes: external,
      };
    },
    async close() {
      leaveDue(Number.POSITIVE_INFINITY);
      for (const camera of all) camera.close();
      await server.close();
      await clock.advance(60_000);
    },
  };
}

/** What keeps the event loop busy, by kind. */
function resourcesNow(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  // A pause of this test, and what the test runner writes.
  for (const kind of ['Timeout', 'Immediate', 'FSReqCallback', 'WriteWrap']) delete counts[kind];
  return counts;
}

/** Processes below one, at any depth (proc(5), children). 0 where there is no /proc. */
function childrenOf(pid: number): number {
  if (platform() !== 'linux') return 0;
  const found = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return found === '' ? 0 : found.split(' ').reduce((sum, child) => sum + 1 + childrenOf(Number(child)), 0);
}
