// Gives one picture to many sockets without copying it for each: it is put into a file in memory (memfd_create(2)),
// and sendfile(2) hands the file's own pages to every socket. Halves the CPU per picture (see bench/cameras.ts).
// Memory: one file, gone within the same turn of the event loop; its pages live until the last socket has sent them.
import { closeSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { type KernelSend, loadKernelSend } from './kernel-send.ts';

/** MFD_CLOEXEC, memfd_create(2): worker processes do not inherit the file. */
const closeOnExec = 1;

/** Making the file costs about as much as writing a picture to two sockets: up to so many, it is not made. */
const plainSends = 2;

/** A third of a second at 3 Mbit/s: what a socket may hold that is not under way. */
const unsentBytes = 128 * 1024;

/** What goes to many sockets as it is: a picture's part of a multipart stream, a fragment of MP4. */
export type Shared = { readonly part: Buffer };

export type PictureCarrier = {
  /**
   * Sends a picture's part to an open socket that has nothing waiting; what the kernel does not take waits in the
   * socket. `descriptor` is the socket's own (`idleDescriptor`, asked once: it costs as much as the rest of the
   * way through JavaScript), null where it has none.
   */
  send(socket: Socket, descriptor: number | null, picture: Shared): void;
  /** Has the kernel hold little for this socket, so that one who cannot follow shows at once. Needed by no picture. */
  keepNear?(descriptor: number): void;
};

/** Writes to each socket by itself. */
export const plainCarrier: PictureCarrier = {
  send: (socket, _descriptor, { part }) => void socket.write(part),
};

/** The carrier of this machine: through the kernel on Linux with the optional package koffi, else the plain one. */
export function createPictureCarrier(): PictureCarrier {
  const kernel = loadKernelSend();
  const createFile = loadMemoryFiles();
  return kernel && createFile ? createKernelCarrier(kernel, createFile) : plainCarrier;
}

function createKernelCarrier(kernel: KernelSend, createFile: () => number): PictureCarrier {
  // The picture that is being handed round in this turn of the event loop; a hub does that in one go.
  let current: Shared | null = null;
  let sends = 0;
  let file = -1;

  const forget = () => {
    if (file >= 0) closeSync(file);
    file = -1;
    current = null;
    sends = 0;
  };
  const open = (part: Buffer) => {
    file = createFile();
    if (file < 0) return;
    try {
      // Every picture has a file of its own: pages that sockets still hold must not change.
      if (writeSync(file, part, 0, part.length, 0) === part.length) return;
    } catch {
      // No memory for it: the plain way needs none.
    }
    closeSync(file);
    file = -1;
  };

  return {
    send(socket, descriptor, picture) {
      if (picture !== current) {
        if (current === null) setImmediate(forget);
        else forget();
        current = picture;
      }
      const { part } = picture;
      sends += 1;
      if (sends === plainSends + 1) open(part);
      // A send that fails is told by the socket itself, in the plain write.
      const canCarry = file >= 0 && descriptor !== null;
      const taken = canCarry ? Math.max(0, kernel.send(descriptor, file, 0, part.length)) : 0;
      if (taken < part.length) socket.write(taken === 0 ? part : part.subarray(taken));
    },
    keepNear: (descriptor) => kernel.limitQueue(descriptor, unsentBytes),
  };
}

/** What makes an empty file in memory and returns its descriptor, or -1. Null where there is no such thing. */
function loadMemoryFiles(): (() => number) | null {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const memfdCreate = koffi.load(null).func('int memfd_create(const char *name, unsigned int flags)');
    return () => Number(memfdCreate('kinora-picture', closeOnExec));
  } catch {
    return null;
  }
}
