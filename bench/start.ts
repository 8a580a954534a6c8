// How long from the command to the first page, on a start that has nothing to install, and what an idle program
// takes of the memory. There is no peer to install beside it; the goals are the figures.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { machineLine, median, residentMb, table } from './frame/machine.ts';

const rounds = Number(process.argv[2] ?? 7);
const root = fileURLToPath(new URL('..', import.meta.url));

console.log('Start: from `npm start` to the first page answered, nothing to install. Goal: 1.5 s.');
console.log(machineLine());

type Start = { readyMs: number; pageMs: number; residentMb: number };

/** Starts it as a person would, asks for the first page, lets it rest, measures, ends it. */
async function start(command: string, words: string[]): Promise<Start> {
  const folder = mkdtempSync(join(tmpdir(), 'kinora-bench-start-'));
  const begun = performance.now();
  const child = spawn(command, words, {
    cwd: root,
    env: { ...process.env, KINORA_DATA: folder, KINORA_PORT: '0', KINORA_LOG_FORMAT: 'json' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  try {
    let output = '';
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (piece: Buffer) => {
        output += piece.toString();
        const address = /Kinora is ready: open (http:\/\/[^\s"]+)/.exec(output);
        if (address) resolve(address[1]!);
      });
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)));
    });
    const readyMs = performance.now() - begun;
    const answer = await fetch(url);
    await answer.text();
    const pageMs = performance.now() - begun;
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const pid = Number(/"pid":(\d+)/.exec(output)?.[1] ?? 0);
    await pause(3000);
    const resident = /^process_resident_memory_bytes (\d+)/m.exec(metrics);
    return { readyMs, pageMs, residentMb: pid ? residentMb(pid) : Number(resident?.[1] ?? 0) / 1e6 };
  } finally {
    process.kill(-child.pid!, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

await start('npm', ['start']); // The first one fills the caches.
const starts: Start[] = [];
for (let round = 0; round < rounds; round++) starts.push(await start('npm', ['start']));
const of = (figure: (start: Start) => number) => median(starts.map(figure));
console.log(
  table([
    ['what', 'median', 'goal'],
    ['address printed', `${of((each) => each.readyMs).toFixed(0)} ms`, ''],
    ['first page answered', `${of((each) => each.pageMs).toFixed(0)} ms`, '<= 1500 ms'],
    ['resident memory, idle', `${of((each) => each.residentMb).toFixed(0)} MB`, ''],
  ]),
);
