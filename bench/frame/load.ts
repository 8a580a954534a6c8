// The load client: the C program `httpload` where its source and a compiler are there, else a small one on Node.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuSecondsOfTree } from './machine.ts';

export type LoadOptions = {
  readonly url: string;
  readonly pid: number;
  /** More processes whose CPU counts, where several serve together. */
  readonly morePids?: readonly number[];
  readonly connections: number;
  readonly seconds: number;
  /** Random ranges of so many bytes of a file of `sizeBytes`; left out, whole files. */
  readonly rangeBytes?: number;
  readonly sizeBytes: number;
};

export type LoadFigures = { readonly mbPerS: number; readonly cpuPerGb: number; readonly errors: number };

export type LoadClient = { readonly name: string; run(options: LoadOptions): Promise<LoadFigures> };

/** Builds `httpload` in `folder` from the measuring tools next to the checkout, or KINORA_TOOLS. */
export async function createLoadClient(folder: string): Promise<LoadClient> {
  const tools = process.env.KINORA_TOOLS ?? join(import.meta.dirname, '../../../shared/tools');
  if (existsSync(join(tools, 'httpload.c'))) {
    for (const name of ['httpload.c', 'common.h']) await copyFile(join(tools, name), join(folder, name));
    const built = spawnSync('cc', ['-O2', '-o', 'httpload', 'httpload.c', '-lm'], { cwd: folder });
    if (built.status === 0) return { name: 'httpload (C)', run: (options) => runHttpload(folder, options) };
  }
  return {
    name: 'Node (slower than the servers it measures: compare CPU, not throughput)',
    run: runNodeLoad,
  };
}

async function runHttpload(folder: string, options: LoadOptions): Promise<LoadFigures> {
  const { url, pid, morePids = [], connections, seconds, rangeBytes, sizeBytes } = options;
  const range = rangeBytes ? ['-R', String(rangeBytes), '-S', String(sizeBytes)] : [];
  const args = [
    '-c',
    String(connections),
    '-d',
    String(seconds),
    '-w',
    '0.5',
    '-p',
    [pid, ...morePids].join(','),
    ...range,
    url,
  ];
  const { stdout } = await promisify(execFile)(join(folder, 'httpload'), args);
  const found = JSON.parse(stdout);
  return {
    mbPerS: found.MB_per_s,
    cpuPerGb: found.server_cpu_s_per_GB,
    errors: found.errors + found.bad_status + found.early_close,
  };
}

async function runNodeLoad(options: LoadOptions): Promise<LoadFigures> {
  const { url, pid, morePids = [], connections, seconds, rangeBytes, sizeBytes } = options;
  const end = performance.now() + seconds * 1000;
  const cpuNow = () =>
    [pid, ...morePids].reduce((sum, one) => {
      const { own, children } = cpuSecondsOfTree(one);
      return sum + own + children;
    }, 0);
  const cpuBefore = cpuNow();
  let [bytes, errors] = [0, 0];
  const one = () =>
    new Promise<void>((resolve) => {
      const start = Math.floor(Math.random() * (sizeBytes - (rangeBytes ?? 0)));
      const headers = rangeBytes ? { range: `bytes=${start}-${start + rangeBytes - 1}` } : {};
      const outgoing = get(url, { headers }, (response) => {
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (performance.now() > end) outgoing.destroy();
        });
        response.on('close', resolve);
        response.on('error', () => {});
      });
      outgoing.on('error', () => {
        if (performance.now() < end) errors += 1;
        resolve();
      });
    });
  const loop = async () => {
    while (performance.now() < end) await one();
  };
  await Promise.all(Array.from({ length: connections }, loop));
  return { mbPerS: bytes / seconds / 1e6, cpuPerGb: ((cpuNow() - cpuBefore) * 1e9) / bytes, errors };
}
