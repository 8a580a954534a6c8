// One measurement in a process of its own, so that nothing is compiled yet but what the program itself compiles at its
// start: `header <index file>` or `arrive <film>`, then `warm` to do so. Prints JSON: wall and CPU time in ms of the
// first time and the median of the next ones.
import { openSync, readFileSync, readSync, statSync } from 'node:fs';
import { decodeIndex, encodeIndex } from '../../src/media/index-file.ts';
import { createMediaScan } from '../../src/media/scan.ts';
import { buildMp4View } from '../../src/media/views/progressive.ts';
import { warmUpViews } from '../../src/media/warm-up.ts';
import { median } from './machine.ts';

export type Once = { readonly firstMs: number; readonly firstCpuMs: number; readonly thenMs: number };

/** What a socket hands over at once. */
const pieceBytes = 64 * 1024;
const [what = '', path = '', isWarm] = process.argv.slice(2);

if (what !== '') {
  if (isWarm) for (const _ of warmUpViews());
  const work = what === 'header' ? headerOf : arrive;
  const times = Array.from({ length: 6 }, () => work(path));
  const [first, ...then] = times;
  const once: Once = {
    firstMs: first!.ms,
    firstCpuMs: first!.cpuMs,
    thenMs: median(then.map(({ ms }) => ms)),
  };
  console.log(JSON.stringify(once));
}

function timed(work: () => void): { ms: number; cpuMs: number } {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  work();
  const ms = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ms, cpuMs: (user + system) / 1000 };
}

/** From the file on the disk to the header. */
function headerOf(index: string) {
  return timed(() => {
    if (buildMp4View(decodeIndex(new Uint8Array(readFileSync(index)))).header.length === 0)
      throw new Error('the view has no header');
  });
}

/** From the last byte of a film to its index as it is stored. */
function arrive(film: string) {
  const fd = openSync(film, 'r');
  const { size } = statSync(film);
  const piece = new Uint8Array(pieceBytes);
  const scan = createMediaScan();
  for (let at = 0; at < size; ) {
    const read = readSync(fd, piece, 0, pieceBytes, at);
    scan.push(piece.subarray(0, read));
    at += read;
  }
  return timed(() => {
    const found = scan.finish();
    if (found.kind !== 'index') throw new Error('the film was not read as one');
    encodeIndex(found.index);
  });
}
