// The calls of the C library by which a device is read, through the optional package koffi.
import { createRequire } from 'node:module';
import { errnoName, ReadError } from './read-error.ts';

export type Libc = {
  readonly open: (path: string, flags: number) => number;
  readonly close: (fd: number) => number;
  readonly ioctl: (fd: number, request: number, argument: Buffer) => number;
  /** Resolves to the number of ready descriptors. */
  readonly poll: (descriptor: Buffer, timeoutMs: number) => Promise<number>;
  readonly map: (fd: number, length: number, offset: number) => { bytes: Buffer; free: () => void };
  readonly errno: () => number;
};

/** null where this machine has no such calls: not Linux, not 64-bit, or koffi is not installed. */
export function loadLibc(): Libc | null {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    // Of the process, not of the file libc.so: a preloaded library is heard.
    const libc = koffi.load(null);
    const open = libc.func('int open(const char *path, int flags, ...)');
    const ioctl = libc.func('int ioctl(int fd, unsigned long request, ...)');
    const poll = libc.func('int poll(void *descriptors, unsigned long count, int timeout)');
    const mmap = libc.func(
      'void *mmap(void *at, size_t length, int protection, int flags, int fd, long offset)',
    );
    const munmap = libc.func('int munmap(void *at, size_t length)');
    return {
      open: (path, flags) => open(path, flags, 'int', 0),
      close: libc.func('int close(int fd)') as unknown as Libc['close'],
      ioctl: (fd, request, argument) => ioctl(fd, request, 'void *', argument),
      poll: (descriptor, timeoutMs) =>
        new Promise((resolve) => {
          poll.async(descriptor, 1, timeoutMs, (error: unknown, ready: number) =>
            resolve(error ? -1 : ready),
          );
        }),
      map(fd, length, offset) {
        const at = mmap(null, length, 3, 1, fd, offset); // PROT_READ | PROT_WRITE, MAP_SHARED
        if (at === null || koffi.address(at) === 0xffff_ffff_ffff_ffffn)
          throw new ReadError('open', errnoName(koffi.errno()), 'mmap');
        return { bytes: Buffer.from(koffi.view(at, length)), free: () => void munmap(at, length) };
      },
      errno: () => koffi.errno(),
    };
  } catch {
    return null;
  }
}
