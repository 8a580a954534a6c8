// Builds helm and the program beside this file by Go, from the modules that go.sum pins, once; both are kept in the
// user's cache. That is four to five minutes of CPU where Go has built none of it yet, so on four cores or more `npm test`
// runs this file beside all other tests, with what they leave of the machine: `build.ts OUTCOME` writes there what `builtTools` says.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../../helpers/until.ts';

/** Where it is not done by then the tests go without; what a cut build did is not done again. */
const buildMs = 700_000;

/** How long the last test waits for who builds beside it. */
const patienceMs = 180_000;

const here = fileURLToPath(new URL('.', import.meta.url));
const helmModule = 'helm.sh/helm/v4/cmd/helm';
const words = ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o'];

/** The folder with the two programs, or a sentence why they cannot be had. */
export async function builtTools(): Promise<string> {
  const folder = toolsFolder();
  if (process.env.KINORA_TEST_HELM === '0') return 'KINORA_TEST_HELM is 0';
  if (existsSync(folder)) return folder;
  if (process.env.KINORA_TEST_HELM === 'built')
    return 'helm is not built yet: five minutes of CPU, once, by KINORA_TEST_HELM=1 npm test';
  const beside = process.env.KINORA_TEST_HELM_OUTCOME;
  if (!beside) return build(folder);
  const waited = { timeoutMs: patienceMs, what: 'helm' };
  if (!(await until(() => existsSync(beside), waited).catch(() => false)))
    return 'helm is still being built; the next run goes on from there';
  return readFileSync(beside, 'utf8');
}

/** Of these very sources, in the user's cache. */
function toolsFolder(): string {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const name of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(here, name)));
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kinora');
  return join(cache, `kubernetes-tools-${hash.digest('hex').slice(0, 16)}`);
}

async function build(folder: string): Promise<string> {
  if (spawnSync('go', ['version']).error) return 'Go is not on this machine, which builds helm';
  const building = `${folder}.${process.pid}`;
  try {
    mkdirSync(building, { recursive: true });
  } catch (error) {
    return `there is no cache to keep helm in: ${(error as Error).message}`;
  }
  const tidy = () => rmSync(building, { recursive: true, force: true });
  process.once('exit', tidy);
  try {
    const failure = await runGo([...words, `${building}/`, '.', helmModule]);
    if (failure !== null) return failure;
    renameSync(building, folder);
    return folder;
  } catch (error) {
    // Another run was quicker.
    return existsSync(folder) ? folder : (error as Error).message;
  } finally {
    tidy();
    process.off('exit', tidy);
  }
}

/** Resolves to why it failed, or null. */
async function runGo(args: readonly string[]): Promise<string | null> {
  const child = spawn('nice', ['-n', '19', 'go', ...args], {
    ...{ cwd: here, timeout: buildMs, killSignal: 'SIGKILL' },
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (more) => {
    said += more;
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const [status, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('error', (error) => {
      said = error.message;
      resolve([1, null]);
    });
    child.once('exit', (...how) => resolve(how));
  });
  process.off('exit', end);
  if (signal) return `helm was not built within ${buildMs / 1000} s; the next run goes on from there`;
  return status === 0 ? null : `helm cannot be built here: ${said.trim().split('\n').at(-1)}`;
}

const [, self, outcome] = process.argv;
if (self === fileURLToPath(import.meta.url) && outcome) {
  process.once('SIGTERM', () => process.exit(1));
  const said = await builtTools();
  // Whole at once to who waits for it.
  writeFileSync(`${outcome}.part`, said);
  renameSync(`${outcome}.part`, outcome);
}
