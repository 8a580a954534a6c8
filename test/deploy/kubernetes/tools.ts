// The real `helm` and the program beside this file that reads documents with the Kubernetes API's own types: built by
// Go from the modules that go.sum pins, once, and kept in the user's cache.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Two to three minutes of CPU where Go has built none of it yet; what a cut build did is not done again. */
const buildMs = 200_000;

const here = fileURLToPath(new URL('.', import.meta.url));
const helmModule = 'helm.sh/helm/v4/cmd/helm';

export type KubernetesTools = {
  /** Runs helm; `output` has both of its outputs where it failed. */
  helm(...words: string[]): { readonly ok: boolean; readonly output: string };
  /** What is wrong with each document, as an API server sees it. */
  judge(documents: string): readonly Verdict[];
};

export type Verdict = { readonly kind: string; readonly name: string; readonly problems: readonly string[] };

/** The tools, or why there are none. `KINORA_TEST_HELM=0` does without. */
export function kubernetesTools(): KubernetesTools | string {
  const folder = build();
  if (!existsSync(folder)) return folder;
  const run = (program: string, words: readonly string[], input = '') => {
    const done = spawnSync(join(folder, program), words, {
      ...{ input, encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
      // Nothing of the person's own: no cluster, no plugins, no repositories.
      env: { PATH: process.env.PATH, HOME: folder, HELM_DATA_HOME: folder, HELM_CONFIG_HOME: folder },
    });
    const ok = done.status === 0;
    return { ok, output: ok ? done.stdout : `${done.stdout}${done.stderr}${done.error ?? ''}` };
  };
  return {
    helm: (...words) => run('helm', words),
    judge(documents) {
      const { ok, output } = run('kubernetes', [], documents);
      if (!ok) throw new Error(output);
      return output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Verdict);
    },
  };
}

/** The folder with the two programs, or a sentence why they cannot be had. */
function build(): string {
  if (process.env.KINORA_TEST_HELM === '0') return 'KINORA_TEST_HELM is 0';
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const name of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(here, name)));
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kinora');
  const folder = join(cache, `kubernetes-tools-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  if (spawnSync('go', ['version']).error) return 'Go is not on this machine, which builds helm';
  const building = `${folder}.${process.pid}`;
  try {
    mkdirSync(building, { recursive: true });
  } catch (error) {
    return `there is no cache to keep helm in: ${(error as Error).message}`;
  }
  const words = [
    'build',
    '-trimpath',
    '-buildvcs=false',
    '-ldflags=-s -w',
    '-o',
    `${building}/`,
    '.',
    helmModule,
  ];
  const done = spawnSync('nice', ['go', ...words], {
    ...{ cwd: here, encoding: 'utf8', timeout: buildMs, killSignal: 'SIGKILL' },
    env: { ...process.env, CGO_ENABLED: '0' },
  });
  if (done.status === 0) {
    try {
      renameSync(building, folder);
      return folder;
    } catch {
      // Another run was quicker.
      if (existsSync(folder)) return folder;
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
  }
  rmSync(building, { recursive: true, force: true });
  return done.error
    ? `helm was not built within ${buildMs / 1000} s (${done.error.message}); the next run goes on from there`
    : `helm cannot be built here: ${done.stderr.trim().split('\n').at(-1)}`;
}
