// What decides beyond one cluster, as two small simulations with a seed of their own: how much of what people watch the
// caches of the replicas hold, and how cameras find new owners. design/scale.md states their results.
import { type ShareCamera, shareCameras } from '../../src/cameras/cluster/share.ts';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type CacheCase = {
  readonly viewers: number;
  readonly replicas: number;
  /** Size of the library, GB; a film has 2 GB. */
  readonly libraryGb: number;
  /** KINORA_CACHE_BYTES of each replica, GB. */
  readonly cacheGb: number;
  /** Which replica a viewer comes to: any, or the one of the film (consistent hashing of the path). */
  readonly routing: 'any' | 'film';
};

const filmGb = 2;
/** What is read and forgotten as one, GB: at 8 Mbit/s a minute. */
const stretchGb = 0.06;
const stretchesOfFilm = Math.round(filmGb / stretchGb);
/** How the films' popularity falls: the n-th is watched n^-0.9 times as often as the first. */
const zipf = 0.9;
/** Share of viewers who begin somewhere in the film, and the chance that one stops after a minute. */
const beginAnywhere = 0.3;
const stops = 1 / 30;

/** Share of the bytes that came from a cache, over three hours after three of filling. */
export function simulateCache({ viewers, replicas, libraryGb, cacheGb, routing }: CacheCase): number {
  const random = createRandom(20_261_121);
  const films = Math.round(libraryGb / filmGb);
  const sums = new Float64Array(films);
  for (let film = 0, sum = 0; film < films; film++) {
    sum += (film + 1) ** -zipf;
    sums[film] = sum;
  }
  const pickFilm = () => {
    const wanted = random() * sums[films - 1]!;
    let [low, high] = [0, films - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const most = Math.max(1, Math.floor(cacheGb / stretchGb));
  const caches = Array.from({ length: replicas }, () => createLru(most));
  const begin = () => {
    const film = pickFilm();
    return {
      film,
      at: random() < beginAnywhere ? Math.floor(random() * stretchesOfFilm) : 0,
      // Neighbours in popularity must not be neighbours in the hash.
      replica:
        routing === 'film' ? (Math.imul(film, 0x9e3779b1) >>> 0) % replicas : Math.floor(random() * replicas),
    };
  };
  const watching = Array.from({ length: viewers }, begin);
  const minutes = 360;
  let [hits, reads] = [0, 0];
  for (let minute = 0; minute < minutes; minute++) {
    for (let index = 0; index < viewers; index++) {
      let viewer = watching[index]!;
      if (viewer.at >= stretchesOfFilm || random() < stops) {
        viewer = begin();
        watching[index] = viewer;
      }
      const key = viewer.film * 1000 + viewer.at;
      viewer.at += 1;
      const isHit = caches[viewer.replica]!(key);
      if (minute < minutes / 2) continue;
      reads += 1;
      if (isHit) hits += 1;
    }
  }
  return hits / reads;
}

/** Whether a key was among the last `most` that were used; it is from then on. */
function createLru(most: number): (key: number) => boolean {
  const lastUse = new Map<number, number>();
  // Every use in turn; those that a later one has overtaken are passed over.
  const used: number[] = [];
  let oldest = 0;
  return (key) => {
    const isHit = lastUse.has(key);
    lastUse.set(key, used.length);
    used.push(key);
    while (lastUse.size > most) {
      const old = used[oldest]!;
      if (lastUse.get(old) === oldest) lastUse.delete(old);
      oldest += 1;
    }
    return isHit;
  };
}

export type TakeOverCase = {
  readonly cameras: number;
  readonly processes: number;
  /** Processes that are killed at once; all cameras are free at the start where it is null. */
  readonly killed: number | null;
};

export type TakeOver = {
  /** From the kill (or the start) until every camera has an owner, seconds. */
  readonly seconds: number;
  /** Leases asked for that another had taken before, per camera that was free. */
  readonly inVain: number;
  /** Most leases asked for within a second. */
  readonly mostPerSecond: number;
  /** The fullest process by what each should have. */
  readonly fullest: number;
};

/** Of src/cameras/cluster: what a look takes, a lease's length, and a write of the database that a majority has. */
const lookMs = 1000;
const leaseMs = 4000;
const writeMs = 5;

/** The program's own rule (`shareCameras`), asked by each process for itself, at its own times. */
export function simulateTakeOver({ cameras: count, processes: all, killed }: TakeOverCase): TakeOver {
  const random = createRandom(1);
  const names = Array.from({ length: all }, (_, index) => `p${String(index).padStart(3, '0')}`);
  const alive = names.slice(killed ?? 0);
  const cameras = Array.from({ length: count }, (_, index) => ({
    id: `c${String(index).padStart(5, '0')}`,
    cost: 1 + Math.round(random() * 40) / 10,
    holder: killed === null ? null : (names[index % all] as string | null),
  }));
  const gone = new Set(names.slice(0, killed ?? 0));
  const freed = cameras.filter(({ holder }) => holder === null || gone.has(holder));
  const freeCount = freed.length;
  // Each counts a lease's length by its own clock, from the last beat that it saw.
  const processes = alive.map((name) => ({
    name,
    nextMs: random() * lookMs,
    seesMs: killed === null ? 0 : leaseMs + random() * lookMs,
  }));
  const asks: { atMs: number; name: string; camera: (typeof cameras)[number] }[] = [];
  const asked: number[] = [];
  let [inVain, doneMs] = [0, 0];
  for (let nowMs = 0; freed.some(({ holder }) => holder === null || gone.has(holder)); nowMs += writeMs) {
    if (nowMs > 600_000) throw new Error('cameras stay without an owner');
    for (const process of processes) {
      if (nowMs < process.nextMs) continue;
      process.nextMs = nowMs + lookMs;
      if (nowMs < process.seesMs) continue;
      const seen = cameras.map(
        ({ id, cost, holder }): ShareCamera => ({
          ...{ id, cost, isWatched: true, freeMs: nowMs - process.seesMs },
          holder: holder !== null && gone.has(holder) ? null : holder,
        }),
      );
      const { take } = shareCameras({
        self: process.name,
        processes: alive,
        cameras: seen,
        mayMoveWatched: false,
      });
      for (const [index, id] of take.entries()) {
        const camera = cameras.find((one) => one.id === id)!;
        asks.push({ atMs: nowMs + (index + 1) * writeMs, name: process.name, camera });
        process.nextMs = Math.max(process.nextMs, nowMs + (index + 1) * writeMs);
      }
    }
    for (let index = asks.length - 1; index >= 0; index--) {
      const ask = asks[index]!;
      if (ask.atMs > nowMs) continue;
      asks.splice(index, 1);
      asked.push(nowMs);
      const isFree = ask.camera.holder === null || gone.has(ask.camera.holder);
      if (isFree) {
        ask.camera.holder = ask.name;
        doneMs = nowMs;
      } else inVain += 1;
    }
  }
  const loads = new Map<string, number>();
  for (const { holder, cost } of cameras) loads.set(holder!, (loads.get(holder!) ?? 0) + cost);
  const fair = cameras.reduce((sum, { cost }) => sum + cost, 0) / alive.length;
  const mostPerSecond = Math.max(
    ...asked.map((from) => asked.filter((at) => at >= from && at < from + 1000).length),
  );
  return {
    seconds: doneMs / 1000,
    inVain: inVain / freeCount,
    mostPerSecond,
    fullest: Math.max(...loads.values()) / fair,
  };
}

export const cacheCases: readonly CacheCase[] = [
  { viewers: 1000, replicas: 4, libraryGb: 10_000, cacheGb: 2, routing: 'any' },
  { viewers: 1000, replicas: 4, libraryGb: 10_000, cacheGb: 200, routing: 'any' },
  { viewers: 1000, replicas: 4, libraryGb: 10_000, cacheGb: 200, routing: 'film' },
  { viewers: 10_000, replicas: 20, libraryGb: 100_000, cacheGb: 2, routing: 'any' },
  { viewers: 10_000, replicas: 20, libraryGb: 100_000, cacheGb: 200, routing: 'any' },
  { viewers: 10_000, replicas: 20, libraryGb: 100_000, cacheGb: 200, routing: 'film' },
  { viewers: 10_000, replicas: 20, libraryGb: 100_000, cacheGb: 2000, routing: 'any' },
  { viewers: 10_000, replicas: 20, libraryGb: 100_000, cacheGb: 2000, routing: 'film' },
];

export const takeOverCases: readonly TakeOverCase[] = [
  { cameras: 100, processes: 4, killed: 1 },
  { cameras: 1000, processes: 20, killed: 1 },
  { cameras: 1000, processes: 20, killed: 10 },
  { cameras: 1000, processes: 20, killed: null },
];

const spaced = (value: number) => value.toLocaleString('en-US');

/** A row of the table in design/scale.md, as it stands there. */
export function cacheRow(one: CacheCase): string {
  const hit = simulateCache(one);
  // A viewer takes 1 MB a second.
  const fetched = (one.viewers * (1 - hit)) / 1000;
  const cells = [one.viewers, one.replicas, one.libraryGb / 1000, one.cacheGb].map(spaced);
  return `| ${cells.join(' | ')} | ${one.routing} | ${(hit * 100).toFixed(0)} % | ${fetched.toFixed(2)} |`;
}

export function takeOverRow(one: TakeOverCase): string {
  const { seconds, inVain, mostPerSecond, fullest } = simulateTakeOver(one);
  const what = one.killed === null ? 'all start' : `${one.killed} killed`;
  const cells = [
    spaced(one.cameras),
    one.processes,
    what,
    seconds.toFixed(1),
    inVain.toFixed(2),
    mostPerSecond,
  ];
  return `| ${cells.join(' | ')} | ${fullest.toFixed(2)} |`;
}
