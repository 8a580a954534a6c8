// Work to be done once for a video, in the whole cluster: kept in the catalogue, so that no crash forgets it, and done
// one after the other by whichever worker comes to it first.
import type { Logger } from 'pino';
import type { Arrival, Catalogue, Task, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { isAppError } from '../errors.ts';
import type { Locks } from './locks.ts';

/** Tasks read at a time: more than all workers have in hand together. */
const batchSize = 200;
/** How soon a worker sees what another process added, at first and once nothing was added for a while, milliseconds. */
const soonMs = 1000;
const laterMs = 10_000;
/** When one is tried again that could not be done here (no engine, no database), at first and at last. */
const againMs = 10_000;
const longestAgainMs = 60 * 60 * 1000;

/** What a kind of task does: what the video is to be then, null to leave it. Throws `unavailable`: tried again later. */
export type Work = (video: Video) => Promise<Arrival | null>;

export type Tasks = {
  /** Keeps it in mind. Again with the same id: nothing happens. */
  add(kind: string, id: string, videoId: string): Promise<void>;
  /** Something was added, or may be done now. */
  wake(): void;
  /** Does what there is to do, now and whenever something is added, until it is closed. */
  start(): void;
  /** Resolves when what is being done is done or given up. Idempotent. */
  close(): Promise<void>;
};

export type TasksSetup = {
  readonly catalogue: Catalogue;
  readonly locks: Locks;
  readonly clock: Clock;
  readonly log: Logger;
  /** By kind; tasks of other kinds are left to those who know them. */
  readonly works: Readonly<Record<string, Work>>;
  /** Told of each that ended here: `lost` where another has it by now. */
  readonly onEnded?: TaskEnded | undefined;
};

export type TaskEnded = (kind: string, result: 'done' | 'failed' | 'lost') => void;

export function createTasks({ catalogue, locks, clock, log, works, onEnded }: TasksSetup): Tasks {
  const closing = new AbortController();
  let woken = Promise.withResolvers<void>();
  let going: Promise<void> = Promise.resolve();
  /** When one that failed is tried again; what is not in it, now. */
  const failures = new Map<string, { readonly againAtMs: number; readonly pauseMs: number }>();

  const put = (id: string) => {
    const pauseMs = Math.min(longestAgainMs, (failures.get(id)?.pauseMs ?? againMs / 2) * 2);
    failures.set(id, { againAtMs: clock.monotonicMs() + pauseMs, pauseMs });
  };

  /** Whether it was done, by us. */
  const attempt = async (task: Task, work: Work): Promise<boolean> => {
    const lock = await locks.take(`task:${task.id}`);
    if (!lock) return false;
    let isOver = false;
    try {
      const video = await catalogue.getVideo(task.videoId);
      // Not what it will be yet.
      if (!video || video.status === 'arriving') return false;
      if (!(await catalogue.claimTask(task.id, lock.token))) return false;
      const found = await work(video).catch((error) => {
        if (isAppError(error, 'unavailable') || closing.signal.aborted) throw error;
        log.info({ video: video.id, reason: (error as Error).message }, 'a file could not be looked into');
        return null;
      });
      lock.assertHeld();
      isOver = await catalogue.finishTask(task.id, lock.token, found);
      onEnded?.(task.kind, isOver ? 'done' : 'lost');
      return isOver;
    } finally {
      await lock.release(isOver);
    }
  };

  /** Whether anything was done. */
  const round = async (): Promise<boolean> => {
    let isAnyDone = false;
    const tasks = await catalogue.listTasks(batchSize);
    const ids = new Set(tasks.map(({ id }) => id));
    for (const id of failures.keys()) if (!ids.has(id)) failures.delete(id);
    for (const task of tasks) {
      const work = works[task.kind];
      if (closing.signal.aborted) return false;
      if (!work || (failures.get(task.id)?.againAtMs ?? 0) > clock.monotonicMs()) continue;
      try {
        if (!(await attempt(task, work))) continue;
        isAnyDone = true;
        failures.delete(task.id);
      } catch (error) {
        if (closing.signal.aborted) return false;
        onEnded?.(task.kind, isAppError(error, 'conflict') ? 'lost' : 'failed');
        if (!failures.has(task.id))
          log.warn({ err: error, video: task.videoId }, 'a task could not be done and is tried again');
        put(task.id);
      }
    }
    return isAnyDone;
  };

  /** In one process nobody else adds any: it need not look, but for those that are tried again. */
  const nextLookMs = (idleMs: number): number => {
    if (locks.isShared) return idleMs;
    const nextMs = Math.min(...[...failures.values()].map(({ againAtMs }) => againAtMs));
    return Math.min(longestAgainMs, Math.max(soonMs, nextMs - clock.monotonicMs()));
  };

  const goOn = async (): Promise<void> => {
    let idleMs = soonMs;
    while (!closing.signal.aborted) {
      woken = Promise.withResolvers();
      const isAnyDone = await round().catch((error) => {
        if (!closing.signal.aborted) log.warn({ err: error }, 'what is to be done could not be read');
        return false;
      });
      idleMs = isAnyDone ? soonMs : Math.min(laterMs, idleMs * 1.5);
      const rest = new AbortController();
      const resting = clock.sleep(nextLookMs(idleMs), AbortSignal.any([rest.signal, closing.signal]));
      await Promise.race([woken.promise, resting.catch(() => undefined)]);
      rest.abort();
    }
  };

  return {
    add: (kind, id, videoId) => catalogue.addTask({ id, kind, videoId, addedAtMs: clock.nowMs() }),
    wake: () => woken.resolve(),
    start() {
      going = goOn();
    },
    async close() {
      closing.abort();
      await going;
    },
  };
}
