// How much the kernel may queue for each client that is being sent a file. All sockets of a machine draw on one budget
// (tcp_mem): a thousand full queues of 2.3 MB use it up, and then every connection crawls, whoever serves it. So the
// queues of a server share a budget of their own: wide while few are sent to, narrow for the thousandth.
import type { Socket } from 'node:net';
import { totalmem } from 'node:os';
import type { KernelSend } from './kernel-send.ts';

/** A range of the usual size goes out in one call. */
const widestBytes = 1024 * 1024;
/** Still half a millisecond of a gigabit until this program has its turn again. */
const narrowestBytes = 64 * 1024;
/** A queue may take this share of what is left of the budget. */
const budgetShare = 16;
/** A third of what Linux lets all sockets hold before it slows them down (3/64 of the memory). */
const defaultBudgetBytes = totalmem() / 64;

export type SocketQueues = {
  /** Narrows the queue of a connection for an answer that begins. Returns what `release` is to be given at its end. */
  limit(socket: Socket, socketFd: number): number;
  release(grantedBytes: number): void;
};

export function createSocketQueues(
  kernel: Pick<KernelSend, 'limitQueue'>,
  budgetBytes = defaultBudgetBytes,
): SocketQueues {
  /** A connection keeps its width from one answer to the next, so that most answers need no system call. */
  const widths = new WeakMap<Socket, number>();
  let grantedBytes = 0;
  return {
    limit(socket, socketFd) {
      const fair = (budgetBytes - grantedBytes) / budgetShare;
      let bytes = narrowestBytes;
      while (bytes < widestBytes && bytes * 2 <= fair) bytes *= 2;
      grantedBytes += bytes;
      if (widths.get(socket) !== bytes) {
        widths.set(socket, bytes);
        kernel.limitQueue(socketFd, bytes);
      }
      return bytes;
    },
    release(bytes) {
      grantedBytes -= bytes;
    },
  };
}
