// Many keepers, clocks that run at different rates, processes that pause or die at any moment, and a store whose
// answers come late, get lost or arrive twice: at no true moment may two hold the same lease.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Clock } from '../../src/clock.ts';
import { AppError } from '../../src/errors.ts';
import { createLeaseKeeper } from '../../src/leases/create-lease-keeper.ts';
import type { HeldLease } from '../../src/leases/keeper.ts';
import type { LeaseStore } from '../../src/leases/lease-store.ts';
import { createMemoryLeases } from '../../src/leases/memory-leases.ts';

const log = pino({ level: 'silent' });
const lengthMs = 3000;

/** Mulberry32: the same numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** True time, which nobody in it can read. */
function createWorld() {
  const events: { atMs: number; run: () => void }[] = [];
  let nowMs = 0;
  return {
    get nowMs() {
      return nowMs;
    },
    at(atMs: number, run: () => void) {
      const event = { atMs: Math.max(nowMs, atMs), run };
      let place = events.length;
      while (place > 0 && events[place - 1]!.atMs > event.atMs) place -= 1;
      events.splice(place, 0, event);
    },
    async runUntil(endMs: number, onEach: () => void) {
      for (let next = events.shift(); next && next.atMs <= endMs; next = events.shift()) {
        nowMs = next.atMs;
        next.run();
        await new Promise(setImmediate);
        onEach();
      }
    },
  };
}

type World = ReturnType<typeof createWorld>;

/** One run of a process: what happens to it waits while it is paused, and is nothing once it is dead. */
function createProcess(world: World, leases: LeaseStore, random: () => number, holder: string) {
  const rate = 0.95 + random() * 0.1;
  const offsetMs = random() * 1e9;
  let pausedUntilMs = 0;
  let isDead = false;
  const mine = new Map<string, HeldLease>();

  /** Something reaches the process; the first thing after a pause is that somebody looks what is still held. */
  const reach = (atMs: number, run: () => void): void =>
    world.at(atMs, () => {
      if (isDead) return;
      if (world.nowMs < pausedUntilMs) return reach(pausedUntilMs, run);
      run();
    });
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => offsetMs + world.nowMs * rate,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        reach(world.nowMs + Math.max(0, ms) / rate, resolve);
      }),
  };
  /** Mostly quick, now and then longer than a lease. */
  const delayMs = () => (random() < 0.95 ? random() * 150 : random() * 2 * lengthMs);
  const store = Object.fromEntries(
    Object.entries(leases).map(([name, call]) => [
      name,
      (...values: unknown[]) =>
        new Promise((resolve, reject) => {
          const apply = () => (call as (...values: unknown[]) => Promise<unknown>)(...values);
          const fate = random();
          const lost = new AppError('unavailable', 'lost');
          // Lost on the way there.
          if (fate < 0.05) return reach(world.nowMs + delayMs(), () => reject(lost));
          world.at(world.nowMs + delayMs(), () => {
            void apply().then((answer) => {
              // Lost on the way back, or said before it is over.
              if (fate < 0.1) reach(world.nowMs + delayMs(), () => reject(lost));
              else reach(world.nowMs + delayMs(), () => resolve(answer));
            });
          });
          // Sent twice, the second time as late as may be.
          if (fate > 0.9 && name !== 'read')
            world.at(world.nowMs + random() * 4 * lengthMs, () => void apply());
        }),
    ]),
  ) as LeaseStore;
  const keeper = createLeaseKeeper({ store, clock, log, random, holder });
  return {
    ...{ keeper, clock, mine, holder },
    get isAwake() {
      return !isDead && world.nowMs >= pausedUntilMs;
    },
    pause(ms: number) {
      pausedUntilMs = Math.max(pausedUntilMs, world.nowMs + ms);
    },
    kill() {
      isDead = true;
    },
  };
}

async function simulate(seed: number): Promise<number> {
  const random = numbers(seed);
  const world = createWorld();
  const leases = createMemoryLeases();
  const names = ['camera:a', 'tidy'];
  const processes: ReturnType<typeof createProcess>[] = [];
  const newestToken = new Map<string, number>();
  let takings = 0;

  const live = async (process: ReturnType<typeof createProcess>, name: string): Promise<void> => {
    const { keeper, clock, mine } = process;
    for (;;) {
      try {
        const isPatient = random() < 0.5;
        const held = isPatient
          ? await keeper.wait(name, { lengthMs, asks: random() < 0.5 }, new AbortController().signal)
          : await keeper.take(name, { lengthMs });
        if (held) {
          takings += 1;
          assert.ok(
            held.token > (newestToken.get(name) ?? 0),
            `token ${held.token} of ${name} came after a newer one`,
          );
          newestToken.set(name, held.token);
          mine.set(name, held);
          held.onAsked(() => void held.release());
          await clock.sleep(random() * 6 * lengthMs, held.signal).catch(() => undefined);
          await held.release();
        }
      } catch (error) {
        if (!(error instanceof AppError)) return fail(error);
      }
      await clock.sleep(random() * lengthMs);
    }
  };
  let failure: unknown = null;
  const fail = (error: unknown) => {
    failure ??= error;
  };
  const start = () => {
    const process = createProcess(world, leases, random, `run-${processes.length}`);
    processes.push(process);
    for (const name of names) void live(process, name);
    const disturb = () => {
      const what = random();
      if (what < 0.5) process.pause(random() * 3 * lengthMs);
      else if (what < 0.6) {
        process.kill();
        world.at(world.nowMs + random() * lengthMs, start);
        return;
      }
      world.at(world.nowMs + random() * 10 * lengthMs, disturb);
    };
    world.at(world.nowMs + random() * 10 * lengthMs, disturb);
  };
  for (let number = 0; number < 5; number += 1) start();

  await world.runUntil(300_000, () => {
    if (failure) throw failure;
    for (const name of names) {
      const holders = processes.filter(({ isAwake, mine }) => isAwake && isHeld(mine.get(name)));
      assert.ok(
        holders.length <= 1,
        `seed ${seed}, at ${world.nowMs}: ${name} is held by ${holders.map(({ holder }) => holder)}`,
      );
    }
  });
  return takings;
}

function isHeld(held: HeldLease | undefined): boolean {
  try {
    held?.assertHeld();
    return held !== undefined;
  } catch {
    return false;
  }
}

test('whatever is late, lost or doubled, and whoever pauses or dies: no two hold a lease at one moment, and it goes on', async () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const takings = await simulate(seed);
    assert.ok(takings > 40, `seed ${seed}: taken ${takings} times in five minutes`);
  }
});
