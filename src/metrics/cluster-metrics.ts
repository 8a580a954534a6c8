// Metrics of the work that processes share: leases, tasks and the cache of chunks. What can be asked is asked
// when Prometheus asks; what only happens is counted when it does. Where a process has none of it they are empty.
import { Counter, Gauge, type Registry } from 'prom-client';

/** What a cache of chunks has done since the start. */
export type CacheFigures = {
  /** Chunks that were there, and that had to be fetched. */
  readonly hits: number;
  readonly misses: number;
  /** Held now, and at most. */
  readonly bytes: number;
  readonly limitBytes: number;
};

/** Where the figures come from; each part of the program hands in its own. */
export type ClusterSources = {
  /** Names of the leases that this process holds: `camera:porch`. */
  readonly leases: () => readonly string[] | Promise<readonly string[]>;
  /** Tasks that wait in the catalogue, by kind: the same for each process that is asked. */
  readonly tasks: () => ReadonlyMap<string, number> | Promise<ReadonlyMap<string, number>>;
  readonly cache: () => CacheFigures;
};

export type ClusterMetrics = {
  /** Hands in where figures come from; a later one of the same kind takes the place of the earlier. */
  watch(sources: Partial<ClusterSources>): void;
  /** Notes a lease that was lost, not given back. */
  leaseLost(name: string): void;
  /** Notes a task that ended here: `done`, `failed`, or `lost` to a process that took it over. */
  taskEnded(kind: string, result: 'done' | 'failed' | 'lost'): void;
};

export function addClusterMetrics(registers: Registry[]): ClusterMetrics {
  let sources: Partial<ClusterSources> = {};

  new Gauge({
    name: 'kinora_leases_held',
    help: 'Leases that this process holds, by what they are for',
    ...{ labelNames: ['kind'], registers },
    async collect() {
      this.reset();
      for (const name of (await asked(sources.leases)) ?? []) this.inc({ kind: kindOf(name) });
    },
  });
  const lost = new Counter({
    name: 'kinora_leases_lost_total',
    help: 'Leases that were lost, by what they are for',
    ...{ labelNames: ['kind'], registers },
  });
  new Gauge({
    name: 'kinora_tasks_waiting',
    help: 'Tasks that wait or run, by kind; the same in every process',
    ...{ labelNames: ['kind'], registers },
    async collect() {
      this.reset();
      for (const [kind, count] of (await asked(sources.tasks)) ?? []) this.set({ kind }, count);
    },
  });
  const ended = new Counter({
    name: 'kinora_tasks_ended_total',
    help: 'Tasks that ended in this process, by kind and result',
    ...{ labelNames: ['kind', 'result'], registers },
  });
  for (const [name, help, read] of [
    ['kinora_cache_bytes', 'Bytes of videos that are kept on the disk of this process', 'bytes'],
    ['kinora_cache_limit_bytes', 'Most bytes of videos that may be kept on it', 'limitBytes'],
  ] as const) {
    new Gauge({
      ...{ name, help, labelNames: ['store'], registers },
      collect() {
        this.reset();
        const figures = sources.cache?.();
        if (figures) this.set({ store: 'chunks' }, figures[read]);
      },
    });
  }
  for (const [name, help, read] of [
    ['kinora_cache_hits_total', 'Chunks of videos that were on the disk of this process', 'hits'],
    ['kinora_cache_misses_total', 'Chunks of videos that had to be fetched', 'misses'],
  ] as const) {
    new Counter({
      ...{ name, help, labelNames: ['store'], registers },
      collect() {
        this.reset();
        const figures = sources.cache?.();
        if (figures) this.inc({ store: 'chunks' }, figures[read]);
      },
    });
  }

  return {
    watch(more) {
      sources = { ...sources, ...more };
    },
    leaseLost: (name) => lost.inc({ kind: kindOf(name) }),
    taskEnded: (kind, result) => ended.inc({ kind, result }),
  };
}

/** What is for one thing of many is one kind: ids would make a series each. */
function kindOf(lease: string): string {
  return lease.split(':', 1)[0]!;
}

/** undefined where it cannot be asked just now: everything else is still told. */
async function asked<Value>(source: (() => Value | Promise<Value>) | undefined): Promise<Value | undefined> {
  try {
    return await source?.();
  } catch {
    return undefined;
  }
}
