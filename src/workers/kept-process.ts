// A forked process that is kept under watch: its memory, its signs of life, its end. Whatever it does, the server
// goes on; it is killed when it grows too large, falls silent, or does not end when told to.
import { type ChildProcess, fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';

/** How a process ended. `asked`: by `end`. `missing`: it could not be started at all. */
export type ProcessEnd =
  | { readonly why: 'asked' | 'silent' | 'too-large' }
  | { readonly why: 'missing'; readonly error: Error }
  | { readonly why: 'crashed'; readonly how: string };

export type KeptProcess = {
  readonly pid: number | undefined;
  /** The pipe for samples, descriptor 3 of the process. Throws where none was asked for. */
  readonly pipe: Duplex;
  /** Sends a message; does nothing once the process has gone. */
  send(message: object): void;
  /** Resolves when the process is gone. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /**
   * Ends it: with `graceMs` it is sent `{ kind: 'stop' }` and may end by itself for so long, then (or at once) it is
   * killed. Resolves when it is gone. Idempotent.
   */
  end(graceMs?: number): Promise<void>;
};

export type KeptProcessSetup = {
  readonly program: URL;
  readonly clock: Clock;
  readonly onMessage: (message: unknown) => void;
  /** Gives it a pipe for samples. */
  readonly hasPipe?: boolean;
  /** Most resident memory. Node with the engine takes 120 MB. Where the system does not tell, it is not watched. */
  readonly maxMemoryBytes: number;
  /** How often the memory is looked at, milliseconds. */
  readonly watchEveryMs?: number;
  /** Most seconds without a message before it counts as hung; not watched where it is not given. */
  readonly maxSilentSeconds?: number;
};

/** Names of what may be secret, ours among them. */
const secretName = /^(KINORA|MONGO)|pass|secret|token|key|credential|auth|cookie/i;

/**
 * Nothing of the environment, for it holds secrets and the process reads hostile bytes. But where this program keeps
 * what Node compiled: a process that finds it starts in half the time and takes 20 MB less. And where a library is
 * preloaded (webcams that need `v4l1compat.so` are started so), it and what it may be set by.
 */
function environment(): NodeJS.ProcessEnv {
  const { LD_PRELOAD, NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE } = process.env;
  if (LD_PRELOAD)
    return Object.fromEntries(Object.entries(process.env).filter(([name]) => !secretName.test(name)));
  return NODE_COMPILE_CACHE && !NODE_DISABLE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {};
}

/** Starts a process. What goes wrong with it, from the first moment on, is told by `ended`. */
export function keepProcess(setup: KeptProcessSetup): KeptProcess {
  const { program, clock, onMessage } = setup;
  const child = fork(program, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', setup.hasPipe ? 'pipe' : 'ignore', 'ipc'],
    // The young generation stays small: what these processes work on lies outside of V8's heap.
    execArgv: ['--max-old-space-size=128', '--max-semi-space-size=1', '--no-warnings'],
    env: environment(),
  });
  const over = new AbortController();
  const ended = Promise.withResolvers<ProcessEnd>();
  /** Why we killed it, where it was us. */
  let killedFor: ProcessEnd | null = null;
  let secondsSinceMessage = 0;
  let ending: Promise<void> | null = null;

  const kill = (reason: ProcessEnd) => {
    killedFor ??= reason;
    // SIGKILL: a process stuck in native code hears nothing else.
    child.kill('SIGKILL');
  };
  const finish = (end: ProcessEnd) => {
    over.abort();
    ended.resolve(killedFor ?? end);
  };
  child.on('message', (message) => {
    secondsSinceMessage = 0;
    onMessage(message);
  });
  child.on('error', (error) => {
    // Without a pid it never ran and no `exit` comes; else this tells of a message that could not be sent.
    if (child.pid === undefined) finish({ why: 'missing', error });
  });
  child.on('exit', (code, signal) => finish({ why: 'crashed', how: signal ?? `status ${code}` }));

  if (process.platform === 'linux') {
    void watchMemory(child, setup.maxMemoryBytes, setup.watchEveryMs ?? 1000, clock, over.signal).then(
      (isTooLarge) => isTooLarge && kill({ why: 'too-large' }),
    );
  }
  const { maxSilentSeconds } = setup;
  if (maxSilentSeconds !== undefined) {
    // Counted in turns, not by the time: a server that was itself held up has read no messages meanwhile.
    void everySecond(clock, over.signal, () => {
      secondsSinceMessage += 1;
      if (secondsSinceMessage > maxSilentSeconds) kill({ why: 'silent' });
    });
  }

  const end = async (graceMs: number) => {
    killedFor ??= { why: 'asked' };
    if (graceMs > 0 && child.connected && !over.signal.aborted) {
      send({ kind: 'stop' });
      await clock.sleep(graceMs, over.signal).catch(() => undefined);
    }
    if (!over.signal.aborted) child.kill('SIGKILL');
    await ended.promise;
  };
  const send = (message: object) => {
    // The callback takes the error of a process that went meanwhile.
    if (child.connected) child.send(message, () => undefined);
  };

  return {
    pid: child.pid,
    get pipe() {
      return child.stdio[3] as unknown as Duplex;
    },
    send,
    ended: ended.promise,
    end(graceMs = 0) {
      ending ??= end(graceMs);
      return ending;
    },
  };
}

/** Resolves to true when the process has grown too large, to false when it is gone. */
async function watchMemory(
  child: ChildProcess,
  maxBytes: number,
  everyMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    try {
      await clock.sleep(everyMs, signal);
      const status = await readFile(`/proc/${child.pid}/status`, 'latin1');
      const residentBytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
      if (residentBytes > maxBytes) return true;
    } catch {
      return false;
    }
  }
}

async function everySecond(clock: Clock, signal: AbortSignal, turn: () => void): Promise<void> {
  try {
    for (;;) {
      await clock.sleep(1000, signal);
      turn();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
