// What benches tell of the machine and of a process on it.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** The machine and the versions that figures depend on, in one line. */
export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memoryGb = (totalmem() / 1e9).toFixed(0);
  return `${availableParallelism()} x ${model}, ${memoryGb} GB, ${process.platform} ${release()}, Node ${process.versions.node}`;
}

/** Resident memory of a process in MB of 10^6 bytes. Linux only. */
export function residentMb(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return (pages * 4096) / 1e6;
}

/** CPU seconds, user and system, that a process has used. Linux only; steps of 10 ms. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // proc(5): the name may hold spaces and brackets; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** CPU seconds of a process, and of those below it that run now. */
export function cpuSecondsOfTree(pid: number): { own: number; children: number } {
  let children = 0;
  const below = (parent: number) => {
    for (const child of readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ')) {
      if (child.trim() === '') continue;
      children += cpuSeconds(Number(child));
      below(Number(child));
    }
  };
  below(pid);
  return { own: cpuSeconds(pid), children };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Lines of equal columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
