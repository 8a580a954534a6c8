// Servers that benches start: each a process with an address, ended with the bench whatever happens.
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export type ChildServer = {
  readonly url: string;
  readonly pid: number;
  /** Ends it; resolves when it has. Idempotent. */
  close(): Promise<void>;
};

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));

/** Starts a program that serves `port` of the loopback; resolves when it takes connections. */
export async function startServer(
  command: string,
  args: readonly string[],
  port: number,
  options: SpawnOptions = {},
): Promise<ChildServer> {
  const child = spawn(command, args, { stdio: 'ignore', ...options });
  const server = hold(child, `http://127.0.0.1:${port}`);
  const deadlineMs = performance.now() + 30_000;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      await server.close();
      throw new Error(`${command} did not start on port ${port}`);
    }
    await pause(50);
  }
  return server;
}

/** Starts the program itself with its data in `folder`. */
export async function startKinora(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ChildServer> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts')], {
    cwd: folder,
    env: {
      ...process.env,
      ...{
        KINORA_PORT: '0',
        KINORA_DATA: join(folder, 'data'),
        KINORA_LOG_FORMAT: 'json',
        KINORA_AUTH: 'none',
      },
      ...{ KINORA_RESERVE_BYTES: '1000000', ...settings },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const port = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout!.on('data', (piece: Buffer) => {
      if (output.length > 1e6) return;
      output += piece.toString();
      const found = /open http:\/\/[^\s"]+:(\d+)/.exec(output);
      if (found) resolve(found[1]!);
    });
    child.once('exit', () => reject(new Error(`the program did not start:\n${output}`)));
  });
  return hold(child, `http://127.0.0.1:${port}`);
}

function hold(child: ChildProcess, url: string): ChildServer {
  children.add(child);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const ended = once(child, 'exit').catch(() => {});
  return {
    url,
    pid: child.pid!,
    async close() {
      if (isRunning()) child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 5000);
      if (isRunning()) await ended;
      clearTimeout(force);
      children.delete(child);
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isUp = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return isUp;
}

/** Whether a program is here; where it is not it is installed from Debian, as root. What it prints for `versionArg`. */
export function findOrInstall(command: string, debianPackage: string, versionArg: string): string | null {
  const version = () => {
    const found = spawnSync(command, [versionArg], { encoding: 'utf8' });
    return found.error
      ? null
      : (/\d+(\.\d+)+/.exec(`${found.stdout}${found.stderr}`)?.[0] ?? 'of some version');
  };
  const before = version();
  if (before !== null) return before;
  if (process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', debianPackage], {
      stdio: 'ignore',
      env,
    });
  }
  const after = version();
  if (after === null)
    console.log(`${command} is not here (Debian: apt-get install ${debianPackage}): no such peer.`);
  return after;
}
