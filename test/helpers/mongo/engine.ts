// The database of the tests: a real MongoDB where one can be had, else a server that speaks its protocol. Tried in this
// order: $KINORA_TEST_MONGODB_URL, a `mongod` on the PATH, mongodb-memory-server (downloads one), mongo-java-server
// (brought by `mvn`).
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { freePort } from '../free-port.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../..');
const jars = join(root, 'node_modules', '.cache', 'kinora-test-database', '1.47.0');

/** A running database. */
export type Engine = {
  /** For people: `mongo-java-server 1.47.0 (H2)`. */
  readonly name: string;
  /** Without a database's name, with a slash at the end before any options. */
  readonly url: string;
  /** Ends it properly; what was written stays where it has a folder. Idempotent. */
  stop(): Promise<void>;
  /** Ends it as a power cut does. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
};

export type EngineOptions = {
  /** Where it keeps things; left out: in memory or a temporary folder. */
  readonly folder?: string;
  /** Left out: a free one. */
  readonly port?: number;
};

/** What starts an engine here; null with the reason where none can be had. Never the one of the environment. */
export async function findEngine(): Promise<
  | { readonly start: (options?: EngineOptions) => Promise<Engine>; readonly why: null }
  | { readonly start: null; readonly why: string }
> {
  const version = spawnSync('mongod', ['--version'], { encoding: 'utf8' });
  if (version.status === 0) {
    const number = /v(\d[\d.]*)/.exec(version.stdout)?.[1] ?? '';
    return { start: (options = {}) => startMongod('mongod', `mongod ${number}`, options), why: null };
  }
  const reasons = ['no mongod on the PATH'];
  const downloaded = await downloadMongod();
  if (downloaded.path) {
    const { path } = downloaded;
    return {
      start: (options = {}) => startMongod(path, 'mongod of mongodb-memory-server', options),
      why: null,
    };
  }
  reasons.push(downloaded.why ?? '');
  const missing = await bringJars();
  if (missing === null) return { start: (options = {}) => startJavaServer(options), why: null };
  reasons.push(missing);
  return { start: null, why: `No database for this test: ${reasons.join('; ')}.` };
}

async function downloadMongod(): Promise<{ path: string | null; why: string | null }> {
  // Asked first: its own tries take minutes where there is no way out.
  try {
    await fetch('https://fastdl.mongodb.org/', { method: 'HEAD', signal: AbortSignal.timeout(3000) });
  } catch {
    return { path: null, why: 'MongoDB cannot be downloaded from here' };
  }
  try {
    const { MongoBinary } = await import('mongodb-memory-server-core');
    return { path: await MongoBinary.getPath({}), why: null };
  } catch (error) {
    return {
      path: null,
      why: `MongoDB could not be downloaded (${(error as Error).message.split('\n')[0]})`,
    };
  }
}

/** A replica set of one, so that majority, sessions and change streams are as in production. */
async function startMongod(program: string, name: string, options: EngineOptions): Promise<Engine> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'kinora-mongod-')));
  await mkdir(folder, { recursive: true });
  const port = options.port ?? (await freePort());
  const words = ['--port', port, '--bind_ip', '127.0.0.1', '--dbpath', folder, '--replSet', 'kinora'];
  const child = spawn(program, [...words, '--nounixsocket'].map(String), {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const url = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 30_000 });
  try {
    const members = [{ _id: 0, host: `127.0.0.1:${port}` }];
    await client
      .db('admin')
      .command({ replSetInitiate: { _id: 'kinora', members } })
      .catch((error: { code?: number }) => {
        if (error.code !== 23) throw error; // done already
      });
    while (!(await client.db('admin').command({ hello: 1 })).isWritablePrimary);
  } finally {
    await client.close();
  }
  const removes = options.folder ? null : folder;
  return engineOf(child, name, url, (process) => process.kill('SIGTERM'), removes);
}

async function startJavaServer(options: EngineOptions): Promise<Engine> {
  const file = options.folder ? join(options.folder, 'database.mv') : '';
  if (options.folder) await mkdir(options.folder, { recursive: true });
  const words = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    join(jars, '*'),
    'bsh.Interpreter',
  ];
  const child = spawn('java', [...words, join(here, 'server.bsh'), String(options.port ?? 0), file], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /listening on (\d+)/.exec(said);
      if (found) resolve(Number(found[1]));
    });
    child.once('exit', (code) => reject(new Error(`the database of the tests ended (${code}): ${said}`)));
    child.once('error', reject);
  });
  const url = `mongodb://127.0.0.1:${port}/`;
  return engineOf(child, 'mongo-java-server 1.47.0 (H2)', url, (process) => process.stdin?.end(), null);
}

function engineOf(
  child: ChildProcess,
  name: string,
  url: string,
  end: (child: ChildProcess) => void,
  removes: string | null,
): Engine {
  const ended = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
  // A test that fails half way must not be kept alive by it.
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) (pipe as { unref?: () => void } | null)?.unref?.();
  const last = () => child.kill('SIGKILL');
  process.once('exit', last);
  const whenEnded = async () => {
    child.ref();
    await ended;
    process.off('exit', last);
    if (removes) await rm(removes, { recursive: true, force: true });
  };
  return {
    ...{ name, url },
    async stop() {
      child.kill('SIGCONT');
      end(child);
      await whenEnded();
    },
    async kill() {
      child.kill('SIGKILL');
      await whenEnded();
    },
    signal: (signal) => void child.kill(signal),
  };
}

/** Fetches mongo-java-server. null, or why not. */
async function bringJars(): Promise<string | null> {
  if (spawnSync('java', ['-version'], { stdio: 'ignore' }).status !== 0)
    return 'no java here (Debian: apt-get install default-jre-headless)';
  if (existsSync(jars)) return null;
  if (spawnSync('mvn', ['-v'], { stdio: 'ignore' }).status !== 0)
    return 'no mvn here (Debian: apt-get install maven)';
  await mkdir(dirname(jars), { recursive: true });
  const work = await mkdtemp(`${jars}-`);
  try {
    // Outside of the sources: mvn writes beside its pom.
    await cp(join(here, 'pom.xml'), join(work, 'pom.xml'));
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${join(work, 'jars')}`];
    const brought = spawnSync('mvn', ['-q', '-B', ...goal], {
      cwd: work,
      encoding: 'utf8',
      timeout: 300_000,
    });
    if (brought.status !== 0)
      return `mvn could not bring mongo-java-server: ${brought.stdout.trim().split('\n')[0]}`;
    await rename(join(work, 'jars'), jars).catch((error: NodeJS.ErrnoException) => {
      // Another test was quicker.
      if (!existsSync(jars)) throw error;
    });
    return null;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
