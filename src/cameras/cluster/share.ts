// Who of the camera processes owns which camera: worked out by each for itself from what all of them see. A pure
// function of that, so that it can be tried with any number of processes and cameras.

export type ShareCamera = {
  readonly id: string;
  readonly cost: number;
  /** Who owns it; null where nobody does. */
  readonly holder: string | null;
  /** Of the own ones: whether somebody watches. */
  readonly isWatched: boolean;
  /** How long nobody has owned it, as seen here, milliseconds. */
  readonly freeMs: number;
};

export type ShareView = {
  /** Who asks. */
  readonly self: string;
  /** Those that own and take cameras, `self` among them where it does. */
  readonly processes: readonly string[];
  readonly cameras: readonly ShareCamera[];
  /** Whether one that is watched may be moved now: it costs its viewers a second. */
  readonly mayMoveWatched: boolean;
};

export type Share = {
  readonly take: readonly string[];
  readonly give: readonly { readonly id: string; readonly to: string }[];
};

/**
 * Whoever is to take a free camera has so long; then the next one in line does: it may lack it in its settings, or be
 * gone.
 */
const patienceMs = 1500;

/** So much more must be gained than is moved, so that nothing goes back and forth. */
const least = 0.5;
/** What is watched moves only for a share this large of what each should have. */
const watchedShare = 0.25;

/**
 * Free cameras go to whoever has least, the dearest first. Of those that are owned the fullest process gives some to
 * the emptiest: first such that nobody watches, as many as bring the two together; else one that is watched.
 */
export function shareCameras({ self, processes, cameras, mayMoveWatched }: ShareView): Share {
  const loads = new Map(processes.map((holder) => [holder, 0]));
  for (const { holder, cost } of cameras) {
    const load = holder === null ? undefined : loads.get(holder);
    if (holder !== null && load !== undefined) loads.set(holder, load + cost);
  }
  if (!loads.has(self)) return { take: [], give: [] };
  return { take: takeFree(self, loads, cameras), give: giveAway(self, loads, cameras, mayMoveWatched) };
}

function takeFree(self: string, loads: Map<string, number>, cameras: readonly ShareCamera[]): string[] {
  const take: string[] = [];
  const free = cameras.filter(({ holder }) => holder === null);
  free.sort((a, b) => b.cost - a.cost || order(a.id, b.id));
  for (const { id, cost, freeMs } of free) {
    const line = inLine(loads);
    const [first] = line[0]!;
    const place = line.findIndex(([holder]) => holder === self);
    if (first === self || freeMs > patienceMs * place) take.push(id);
    loads.set(first, loads.get(first)! + cost);
  }
  return take;
}

function giveAway(
  self: string,
  loads: Map<string, number>,
  cameras: readonly ShareCamera[],
  mayMoveWatched: boolean,
): { id: string; to: string }[] {
  const own = cameras.filter(({ holder }) => holder === self);
  const give: { id: string; to: string }[] = [];
  const fair = [...loads.values()].reduce((sum, load) => sum + load, 0) / loads.size;
  for (;;) {
    const line = inLine(loads);
    const [to, emptiest] = line[0]!;
    const fullest = line.filter(([, load]) => load === line.at(-1)![1])[0]!;
    if (fullest[0] !== self || to === self) return give;
    const gap = fullest[1] - emptiest;
    const left = own.filter(({ id }) => !give.some((given) => given.id === id));
    const isWorth =
      (gain: number) =>
      ({ cost }: ShareCamera) =>
        cost <= gap - gain;
    const still = left.filter(({ isWatched }) => !isWatched).filter(isWorth(least));
    const moved =
      nearest(still, gap / 2) ??
      // The last step, and alone.
      (mayMoveWatched && give.length === 0
        ? nearest(left.filter(isWorth(Math.max(least, fair * watchedShare))), gap / 2)
        : null);
    if (!moved) return give;
    give.push({ id: moved.id, to });
    if (moved.isWatched) return give;
    loads.set(self, fullest[1] - moved.cost);
    loads.set(to, emptiest + moved.cost);
  }
}

/** Whoever has least first. */
function inLine(loads: ReadonlyMap<string, number>): [string, number][] {
  return [...loads].sort((a, b) => a[1] - b[1] || order(a[0], b[0]));
}

/** The one whose cost is nearest to what would make the two even. */
function nearest(cameras: readonly ShareCamera[], cost: number): ShareCamera | null {
  let best: ShareCamera | null = null;
  for (const camera of cameras)
    if (!best || Math.abs(camera.cost - cost) < Math.abs(best.cost - cost)) best = camera;
  return best;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
