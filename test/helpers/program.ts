// The real program as a process of its own, on a free port and an empty data folder; ended and removed afterwards.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export type Program = {
  readonly url: string;
  readonly pid: number;
  readonly dataFolder: string;
  /** Everything it has printed so far. */
  output(): string;
  /** Resolves to how it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends a signal, unless it has ended, and resolves to how it ended. */
  end(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
  /** Resident memory in bytes, from /proc. */
  residentBytes(): number;
  /** Ends it if it runs and removes its data folder, unless that was given. Idempotent. */
  close(): Promise<void>;
};

export type ProgramOptions = {
  /** Settings beside the port and the data folder. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A data folder that is there already (a second start); it is not removed. */
  readonly dataFolder?: string;
};

/** The environment without settings of the person who runs the tests. */
export function plainEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(KINORA_(?!TEST_)|MONGODB_URL$|CAMERA$|NODE_TEST)/.test(entry[0]),
  );
  return Object.fromEntries(entries);
}

/** Starts the program and resolves when it prints its address. Rejects with its output when it ends before. */
export async function startProgram({ settings = {}, dataFolder }: ProgramOptions = {}): Promise<Program> {
  const folder = dataFolder ?? mkdtempSync(join(tmpdir(), 'kinora data '));
  const child = spawn(process.execPath, [main], {
    cwd: folder,
    env: {
      ...plainEnvironment(),
      KINORA_PORT: '0',
      KINORA_DATA: folder,
      KINORA_LOG_FORMAT: 'json',
      // Test machines may be nearly full; the reserve has a test of its own.
      KINORA_RESERVE_BYTES: '1000000',
      // Most tests are about videos and cameras; those about people say so.
      KINORA_AUTH: 'none',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const url = await new Promise<string>((resolve, reject) => {
    const read = (piece: Buffer) => {
      output += piece.toString();
      const address = /Kinora is ready: open (http:\/\/[^\s"]+)/.exec(output);
      if (address) resolve(address[1]!);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    ended.then(({ code, signal }) => reject(new Error(`the program ended (${signal ?? code}):\n${output}`)));
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (isRunning()) child.kill(signal);
    return ended;
  };
  return {
    url,
    pid: child.pid!,
    dataFolder: folder,
    output: () => output,
    ended,
    end,
    kill: (signal) => void child.kill(signal),
    residentBytes: () => residentBytes(child),
    async close() {
      await end('SIGKILL');
      if (dataFolder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** VmRSS of /proc/PID/status in bytes (proc(5)). */
function residentBytes(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
