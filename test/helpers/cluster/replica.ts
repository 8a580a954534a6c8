// One process of a cluster: the real program with some roles, to be killed, stopped, woken, ended and started again at
// the same address.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-port.ts';
import { plainEnvironment } from '../program.ts';
import { until } from '../until.ts';

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export type ReplicaOptions = {
  /** `web-1`. */
  readonly name: string;
  /** As KINORA_ROLES. */
  readonly roles: string;
  readonly settings: Readonly<Record<string, string>>;
};

export type Replica = {
  readonly name: string;
  readonly roles: string;
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly isRunning: boolean;
  /** Of its own: the cache of chunks. Kept over restarts. */
  readonly dataFolder: string;
  /** Everything it has printed so far, all its runs. */
  output(): string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it has drained, to its exit code. */
  end(): Promise<number | null>;
  /** SIGSTOP and SIGCONT. */
  pause(): void;
  wake(): void;
  /** Runs it again; resolves when it is ready. */
  start(): Promise<void>;
  /** Resolves when /readyz says yes. */
  untilReady(timeoutMs?: number): Promise<void>;
  /** Ends it at once and removes its folder. Idempotent. */
  close(): Promise<void>;
};

/** Makes one and starts it. Not ready yet when it resolves: `untilReady`. */
export async function startReplica({ name, roles, settings }: ReplicaOptions): Promise<Replica> {
  const port = await freePort();
  const dataFolder = mkdtempSync(join(tmpdir(), `kinora ${name} `));
  let output = '';
  let child: ChildProcess | null = null;
  let ended: Promise<number | null> = Promise.resolve(null);
  const isRunning = () => child !== null && child.exitCode === null && child.signalCode === null;

  const run = () => {
    const started = spawn(process.execPath, [main], {
      cwd: dataFolder,
      env: {
        ...plainEnvironment(),
        KINORA_HOST: '127.0.0.1',
        KINORA_DATA: dataFolder,
        KINORA_LOG_FORMAT: 'json',
        KINORA_RESERVE_BYTES: '1000000',
        ...settings,
        KINORA_ROLES: roles,
        KINORA_PORT: String(port),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    ended = new Promise((resolve) => started.once('exit', (code) => resolve(code)));
    const read = (piece: Buffer) => {
      output += piece.toString();
    };
    started.stdout.on('data', read);
    started.stderr.on('data', read);
  };
  const signal = (what: NodeJS.Signals) => void (isRunning() && child?.kill(what));
  const stop = async (what: NodeJS.Signals) => {
    // A stopped process hears nothing but SIGKILL.
    if (what !== 'SIGKILL') signal('SIGCONT');
    signal(what);
    return ended;
  };
  const url = `http://127.0.0.1:${port}`;
  const untilReady = async (timeoutMs = 60_000) => {
    const said = async () => {
      if (!isRunning()) return 'ended';
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
      await answer.arrayBuffer();
      return answer.ok ? 'ready' : null;
    };
    if ((await until(said, { timeoutMs, what: `${name} ready` })) === 'ended')
      throw new Error(`${name} ended:\n${output}`);
  };
  run();
  return {
    ...{ name, roles, url, port, dataFolder, untilReady },
    get pid() {
      return child!.pid!;
    },
    get isRunning() {
      return isRunning();
    },
    output: () => output,
    kill: async () => void (await stop('SIGKILL')),
    end: () => stop('SIGTERM'),
    pause: () => signal('SIGSTOP'),
    wake: () => signal('SIGCONT'),
    async start() {
      if (!isRunning()) run();
      await untilReady();
    },
    async close() {
      await stop('SIGKILL');
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
