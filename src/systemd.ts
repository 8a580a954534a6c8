// What systemd and a service say to each other: sockets that were opened before the program (sd_listen_fds(3)), and
// words on how it is (sd_notify(3)). Without its variables in the environment all of this is nothing.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { endianness } from 'node:os';

type Environment = Record<string, string | undefined>;

/** SD_LISTEN_FDS_START: sockets are handed over from this descriptor on. */
const firstSocket = 3;
/** More listening sockets than anybody has. */
const mostSockets = 64;

/**
 * Descriptors of the sockets that this process inherited to listen on; none where it was not started by a socket, or
 * the variables are another process's. They are taken once: programs that this one starts are told of none.
 */
export function takeSockets(environment: Environment = process.env, pid = process.pid): readonly number[] {
  const { LISTEN_PID, LISTEN_FDS } = environment;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name];
  const count = /^\d{1,3}$/.test(LISTEN_FDS ?? '') ? Number(LISTEN_FDS) : 0;
  if (LISTEN_PID !== String(pid) || count > mostSockets) return [];
  return Array.from({ length: count }, (_, index) => firstSocket + index);
}

export type ServiceManager = {
  /** How the words go: by a system call of ours, or by the program `systemd-notify` where koffi is not installed. */
  readonly way: 'socket' | 'program';
  /** Sends lines such as `READY=1`. Never throws: a manager that does not listen must not end the program. */
  tell(...lines: readonly string[]): void;
  /** How often the watchdog wants to hear, milliseconds; null where there is none for this process. */
  readonly watchdogMs: number | null;
};

/** null where nobody waits for words (NOTIFY_SOCKET). The variables are taken from the environment. */
export function findServiceManager(
  environment: Environment = process.env,
  pid = process.pid,
): ServiceManager | null {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = environment;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
  // A path, or with @ a name in the kernel's own space (unix(7)); both within sun_path.
  if (NOTIFY_SOCKET === undefined || !/^[/@]/.test(NOTIFY_SOCKET)) return null;
  if (Buffer.byteLength(NOTIFY_SOCKET) > mostPathBytes) return null;
  const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid);
  const micros = isForUs && /^\d{1,15}$/.test(WATCHDOG_USEC ?? '') ? Number(WATCHDOG_USEC) : 0;
  const send = openSender(NOTIFY_SOCKET);
  return {
    way: send ? 'socket' : 'program',
    watchdogMs: micros > 0 ? micros / 1000 : null,
    tell(...lines) {
      const isSent = send?.(lines.join('\n')) ?? false;
      if (!isSent) tellByProgram(NOTIFY_SOCKET, lines);
    },
  };
}

/**
 * Pings the watchdog at half its time for as long as `isWell` resolves in time. A loop that stands still pings nothing
 * by itself; so does one whose stores do not answer: then systemd starts the service anew. Returns what ends it.
 */
export function pingWatchdog(
  manager: Pick<ServiceManager, 'tell' | 'watchdogMs'>,
  isWell: () => Promise<unknown>,
  onIll: (error: unknown) => void,
): () => void {
  const { watchdogMs } = manager;
  if (watchdogMs === null) return () => {};
  let isAsking = false;
  const ping = () => {
    // An answer that never comes must not pile up questions.
    if (isAsking) return;
    isAsking = true;
    isWell()
      .then(() => manager.tell('WATCHDOG=1'), onIll)
      .finally(() => {
        isAsking = false;
      });
  };
  // sd_watchdog_enabled(3): "recommended … every half of the time returned".
  const timer = setInterval(ping, watchdogMs / 2);
  timer.unref();
  ping();
  return () => clearInterval(timer);
}

/** sun_path of unix(7) is 108 bytes, with its end. */
const mostPathBytes = 107;
/** socket(2): AF_UNIX, SOCK_DGRAM with SOCK_CLOEXEC. */
const unixFamily = 1;
const datagramType = 2 | 0o2000000;
/** send(2): MSG_DONTWAIT and MSG_NOSIGNAL. */
const sendFlags = 0x40 | 0x4000;

/**
 * Node has no sockets of this kind (unix, datagrams), so it is three calls of the C library. Null where koffi is not
 * installed or the machine is none that they are written for.
 */
function openSender(address: string): ((text: string) => boolean) | null {
  if (process.platform !== 'linux' || endianness() !== 'LE') return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const libc = koffi.load(null);
    const socket = libc.func('int socket(int domain, int type, int protocol)');
    const sendto = libc.func(
      'int64_t sendto(int fd, const void *bytes, size_t count, int flags, const void *to, uint32_t size)',
    );
    const close = libc.func('int close(int fd)');
    const path = Buffer.from(address);
    // struct sockaddr_un: the family in two bytes, then the path; of an abstract name the @ stands for a zero byte, and
    // the size says where it ends.
    const isAbstract = address.startsWith('@');
    const to = Buffer.alloc(2 + path.length + (isAbstract ? 0 : 1));
    to.writeUInt16LE(unixFamily, 0);
    path.copy(to, 2);
    if (isAbstract) to[2] = 0;
    return (text) => {
      const fd = Number(socket(unixFamily, datagramType, 0));
      if (fd < 0) return false;
      const bytes = Buffer.from(text);
      const sent = Number(sendto(fd, bytes, bytes.length, sendFlags, to, to.length));
      close(fd);
      return sent === bytes.length;
    };
  } catch {
    return null;
  }
}

/** Needs `NotifyAccess=all` in the unit: the words come from another process then. */
function tellByProgram(address: string, lines: readonly string[]): void {
  const child = spawn('systemd-notify', [...lines], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', NOTIFY_SOCKET: address },
  });
  child.on('error', () => {});
  child.unref();
}
