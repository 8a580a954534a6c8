// What all answers of a server share while they send: recycled buffers out of one budget, and the watch over clients
// that stopped reading. Memory: at most the budget, plus the smallest buffer for each answer past it.
import type { Clock } from '../clock.ts';
import { type KernelSend, loadKernelSend } from './kernel-send.ts';
import { createSocketQueues, type SocketQueues } from './socket-queues.ts';

/** The largest buffer: past it, fewer system calls no longer show in the CPU time per byte. */
export const maxBufferBytes = 1024 * 1024;
/** The smallest: what a thousand clients that never read may hold each. */
const minBufferBytes = 16 * 1024;
/** A buffer may take this share of what is left of the budget, so that slow readers never starve the others. */
const budgetShare = 16;
/** All buffers of a process together. */
const defaultBudgetBytes = 16 * 1024 * 1024;
/** nginx's send_timeout: a client that took nothing for so long is gone, or paused and comes back by Range. */
const defaultStallMs = 60_000;

/** An answer on its way, as the stall watch sees it. */
export type Watched = {
  /** Changes whenever the client has taken something. */
  progress(): number;
  /** True while it is the client that is waited for, not the disk. */
  isWaiting(): boolean;
  /** Called once when it has waited too long. */
  onStall(): void;
};

export type SendPool = {
  /** Null where the kernel cannot carry files to sockets. */
  readonly kernel: KernelSend | null;
  /** Null with `kernel`. */
  readonly queues: SocketQueues | null;
  /** Bytes of buffers that are out. */
  readonly usedBytes: number;
  /** A buffer of at most about `wantedBytes`, smaller when much is out. Not cleared. */
  take(wantedBytes: number): Buffer<ArrayBuffer>;
  /** Gives a buffer back. `isReusable` false: something may still write to or read from it, so it is let go. */
  give(buffer: Buffer<ArrayBuffer>, isReusable: boolean): void;
  /** Watches an answer until the returned function is called. */
  watch(watched: Watched): () => void;
};

export type SendPoolOptions = {
  readonly clock: Clock;
  readonly budgetBytes?: number;
  readonly stallMs?: number;
  /** Null: read and write instead. */
  readonly kernel?: KernelSend | null;
};

/** Makes a pool. It holds nothing but memory, and a sleep while something is watched. */
export function createSendPool({
  clock,
  budgetBytes = defaultBudgetBytes,
  stallMs = defaultStallMs,
  kernel = loadKernelSend(),
}: SendPoolOptions): SendPool {
  const free = new Map<number, Buffer<ArrayBuffer>[]>();
  let usedBytes = 0;
  let freeBytes = 0;
  const watch = createStallWatch(clock, stallMs);

  return {
    kernel,
    queues: kernel && createSocketQueues(kernel),
    get usedBytes() {
      return usedBytes;
    },
    take(wantedBytes) {
      const fair = Math.floor((budgetBytes - usedBytes) / budgetShare);
      const limit = Math.min(maxBufferBytes, Math.max(minBufferBytes, fair));
      const bytes = sizeClass(wantedBytes, limit);
      usedBytes += bytes;
      const recycled = free.get(bytes)?.pop();
      if (!recycled) return Buffer.allocUnsafeSlow(bytes);
      freeBytes -= bytes;
      return recycled;
    },
    give(buffer, isReusable) {
      usedBytes -= buffer.length;
      if (!isReusable || usedBytes + freeBytes + buffer.length > budgetBytes) return;
      const shelf = free.get(buffer.length);
      if (shelf) shelf.push(buffer);
      else free.set(buffer.length, [buffer]);
      freeBytes += buffer.length;
    },
    watch,
  };
}

/** The smallest power of two from 4 KiB that holds what is wanted, or the largest within the limit. */
function sizeClass(wantedBytes: number, limit: number): number {
  let bytes = 4096;
  while (bytes < wantedBytes && bytes * 2 <= limit) bytes *= 2;
  return bytes;
}

/** One sleep for all answers, four looks in each stall time: precise enough, and nothing to do for each chunk. */
function createStallWatch(clock: Clock, stallMs: number): (watched: Watched) => () => void {
  type Entry = { progress: number; sinceMs: number };
  const entries = new Map<Watched, Entry>();
  let isRunning = false;

  const look = () => {
    const nowMs = clock.monotonicMs();
    for (const [watched, entry] of entries) {
      const progress = watched.progress();
      if (progress !== entry.progress || !watched.isWaiting()) {
        entry.progress = progress;
        entry.sinceMs = nowMs;
      } else if (nowMs - entry.sinceMs >= stallMs) {
        entries.delete(watched);
        watched.onStall();
      }
    }
  };
  // It ends by itself at the first look that finds nothing to watch: answers come and go far more often.
  const run = async () => {
    while (entries.size > 0) {
      await clock.sleep(stallMs / 4);
      look();
    }
    isRunning = false;
  };

  return (watched) => {
    entries.set(watched, { progress: watched.progress(), sinceMs: clock.monotonicMs() });
    if (!isRunning) {
      isRunning = true;
      void run();
    }
    return () => entries.delete(watched);
  };
}
