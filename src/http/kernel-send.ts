// Lets the kernel carry a file's bytes to a socket (sendfile(2)), so that they pass neither through this process nor
// twice through the memory bus: a third of the CPU per byte of reading and writing. Linux only, through the optional
// package koffi; where either is missing, `send.ts` reads and writes instead.
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { endianness } from 'node:os';

export type KernelSend = {
  /**
   * Hands up to `length` bytes of the file, from `position`, to the socket, without waiting. Returns the bytes taken
   * (0: the socket is full), or -1 when this pair of descriptors cannot be served or has failed.
   */
  send(socketFd: number, fileFd: number, position: number, length: number): number;
  /**
   * Lets the kernel queue about so many bytes of this socket beyond what is on its way (TCP_NOTSENT_LOWAT), instead of
   * some megabytes. All sockets draw on one budget (tcp_mem): a thousand full queues use it up, and then every
   * connection of the machine crawls.
   */
  limitQueue(socketFd: number, queuedBytes: number): void;
  /**
   * Sends the head of an answer (latin1) whose body follows: it waits in the kernel to share the body's first packet
   * (MSG_MORE). Returns the bytes taken, or -1.
   */
  sendHead(socketFd: number, head: string): number;
  /** Whether the file's byte at `position` is in the page cache: if not, `send` would wait for the disk. */
  isCached(fileFd: number, position: number): boolean;
};

/** The descriptor of a plain TCP or pipe socket that has nothing waiting in this process, else null. */
export function idleDescriptor(socket: Socket): number | null {
  // `fd` and `writeQueueSize` of a handle are not documented, but as old as Node; anything else there turns it off.
  const handle = (socket as { _handle?: { fd?: unknown; writeQueueSize?: unknown } | null })._handle;
  if (!handle || socket.destroyed || 'encrypted' in socket) return null;
  if (socket.writableLength !== 0 || socket.writableCorked !== 0 || handle.writeQueueSize !== 0) return null;
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : null;
}

/** Bytes that libuv still holds for a socket. It shrinks as the client reads, even within one write. */
export function queuedBytes(socket: Socket): number {
  const handle = (socket as { _handle?: { writeQueueSize?: number } | null })._handle;
  return handle?.writeQueueSize ?? 0;
}

const eagain = 11;
const eintr = 4;
/** IPPROTO_TCP, tcp(7). */
const tcpLevel = 6;
/** TCP_NOTSENT_LOWAT, tcp(7). */
const tcpNotSentLowat = 25;
/** MSG_DONTWAIT, MSG_NOSIGNAL and MSG_MORE of send(2). */
const sendHeadFlags = 0x40 | 0x4000 | 0x8000;
/** RWF_NOWAIT of preadv2(2): fail rather than wait for the disk. */
const rwfNoWait = 8;

/** Binds the calls. Null where they are not to be had. */
export function loadKernelSend(): KernelSend | null {
  // The structures below are those of 64-bit little-endian machines, which is all that Node 24 has on Linux but s390x.
  if (process.platform !== 'linux' || endianness() !== 'LE' || !['x64', 'arm64'].includes(process.arch))
    return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const libc = koffi.load(null);
    const sendfile = libc.func('int64_t sendfile(int out, int in, int64_t *offset, size_t count)');
    const preadv2 = libc.func('int64_t preadv2(int fd, void *vectors, int count, int64_t offset, int flags)');
    const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t size)');
    const sendBytes = libc.func('int64_t send(int fd, const void *bytes, size_t count, int flags)');
    // Off V8's heap, where nothing moves, and held by the functions below for as long as they are.
    const offset = new Uint32Array(new ArrayBuffer(4096), 0, 2);
    const limit = new Int32Array(new ArrayBuffer(4096), 0, 1);
    const headBytes = Buffer.from(new ArrayBuffer(16_384));
    // struct iovec { void *base; size_t length; } of one byte that nobody looks at. The kernel writes there, so it is
    // memory of the C library that is never freed.
    const scratch = koffi.alloc('uint8_t', 64);
    const vector = new BigUint64Array(new ArrayBuffer(4096), 0, 2);
    vector[0] = koffi.address(scratch);
    vector[1] = 1n;
    return {
      send(socketFd, fileFd, position, length) {
        // The low and the high half: a BigInt would be an allocation.
        offset[0] = position % 0x1_0000_0000;
        offset[1] = position / 0x1_0000_0000;
        const count = Number(sendfile(socketFd, fileFd, offset, length));
        if (count >= 0) return count;
        const code = koffi.errno();
        return code === eagain || code === eintr ? 0 : -1;
      },
      limitQueue(socketFd, queuedBytes) {
        limit[0] = queuedBytes;
        setsockopt(socketFd, tcpLevel, tcpNotSentLowat, limit, 4);
      },
      sendHead(socketFd, head) {
        if (head.length > headBytes.length) return -1;
        return Number(sendBytes(socketFd, headBytes, headBytes.write(head, 'latin1'), sendHeadFlags));
      },
      isCached(fileFd, position) {
        if (Number(preadv2(fileFd, vector, 1, position, rwfNoWait)) >= 0) return true;
        // File systems that do not know the flag say EOPNOTSUPP: then nothing is known, and a thread has to read.
        return false;
      },
    };
  } catch {
    return null;
  }
}
