// The real `helm` and the program beside this file that reads documents with the Kubernetes API's own types, as the
// tests use them.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtTools } from './build.ts';

export type KubernetesTools = {
  /** Runs helm; `output` has both of its outputs where it failed. */
  helm(...words: string[]): { readonly ok: boolean; readonly output: string };
  /** What is wrong with each document, as an API server sees it. */
  judge(documents: string): readonly Verdict[];
};

export type Verdict = { readonly kind: string; readonly name: string; readonly problems: readonly string[] };

/** The tools, or why there are none. `KINORA_TEST_HELM=0` does without. */
export async function kubernetesTools(): Promise<KubernetesTools | string> {
  const folder = await builtTools();
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
