// Making a Matroska film of some 600 MB playable in a browser: our index and view against a remux by FFmpeg
// (`-c copy -movflags +faststart`), in turns. Goal: nothing of the film is written, the index is complete at most 0.1 s
// after the last byte, and the header is there 20 ms later. `node bench/views.ts [megabytes]`.
import { execFile } from 'node:child_process';
import { close, fsync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeIndex, encodeIndex } from '../src/media/index-file.ts';
import { createMediaScan, type MediaScanResult, scanStored } from '../src/media/scan.ts';
import type { MediaIndex } from '../src/media/track.ts';
import { buildMp4View } from '../src/media/views/progressive.ts';
import { makeMedia } from '../test/helpers/media/media.ts';
import { writeLongFilm } from './frame/long-film.ts';
import { median, table } from './frame/machine.ts';
import type { Once } from './frame/once.ts';

const run = promisify(execFile);
const megabytes = Number(process.argv[2] ?? 600);
const rounds = 5;
/** What a socket hands over at once. */
const pieceBytes = 64 * 1024;

type Figures = { wallSeconds: number; cpuSeconds: number; writtenBytes: number };

/** Wall and CPU time of work in this process. */
async function measure(work: () => Promise<number>): Promise<Figures> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const writtenBytes = await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    wallSeconds: (performance.now() - before) / 1000,
    cpuSeconds: (user + system) / 1e6,
    writtenBytes,
  };
}

function indexOf(result: MediaScanResult): MediaIndex {
  if (result.kind !== 'index') throw new Error('the film was not read as one');
  return result.index;
}

/** Eight Mbit/s, filled up where the picture needs less: with ten minutes in 600 MB, as from a camera or a disc. */
const rate = '8000000';
const eightMegabits = { b: rate, maxrate: rate, minrate: rate, bufsize: rate, 'x264-params': 'nal-hrd=cbr' };

/** A film of the asked-for size: twenty seconds, again and again, with times that go on. */
async function makeFilm(folder: string): Promise<string> {
  const short = await makeMedia({
    container: 'matroska',
    video: {
      codec: 'h264',
      seconds: 20,
      width: 1280,
      height: 720,
      bFrames: 2,
      options: eightMegabits,
    },
    audio: { codec: 'aac' },
  });
  const times = Math.ceil((megabytes * 1e6) / (await stat(short)).size);
  const film = join(folder, 'film.mkv');
  await run('ffmpeg', [
    '-v',
    'error',
    '-stream_loop',
    String(times),
    '-i',
    short,
    '-map',
    '0',
    '-c',
    'copy',
    film,
  ]);
  return film;
}

/** The stored film scanned, its index stored and its view's header made. */
async function viewOfStored(film: string, sizeBytes: number, folder: string): Promise<number> {
  const fd = openSync(film, 'r');
  const readAt = (into: Uint8Array, position: number) => readSync(fd, into, 0, into.length, position);
  const index = indexOf(await scanStored(readAt, sizeBytes));
  await promisify(close)(fd);
  const encoded = encodeIndex(index);
  const path = join(folder, 'index');
  writeFileSync(path, encoded);
  const written = openSync(path, 'r+');
  await promisify(fsync)(written);
  await promisify(close)(written);
  if (buildMp4View(index).header.length === 0) throw new Error('the view has no header');
  return encoded.length;
}

/** FFmpeg's remux, with the CPU time that it tells itself (`-benchmark`). */
async function remux(film: string, folder: string): Promise<Figures> {
  const output = join(folder, 'remuxed.mp4');
  const before = performance.now();
  const { stderr } = await run('ffmpeg', [
    ...['-v', 'info', '-nostdin', '-nostats', '-benchmark', '-y', '-i', film],
    ...['-map', '0:v', '-map', '0:a', '-c', 'copy', '-movflags', '+faststart', output],
  ]);
  const wallSeconds = (performance.now() - before) / 1000;
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  // Fast start writes the file, then moves all of it to make room for `moov`: every byte goes out twice.
  const writtenBytes = 2 * (await stat(output)).size;
  await rm(output);
  return { wallSeconds, cpuSeconds: Number(user) + Number(system), writtenBytes };
}

/** The film pushed as it would arrive: how long after the last byte the index is complete, and what the scan cost. */
function arrive(film: string, sizeBytes: number): { afterLastByteMs: number; scanSeconds: number } {
  const fd = openSync(film, 'r');
  const piece = new Uint8Array(pieceBytes);
  const scan = createMediaScan();
  let scanMs = 0;
  for (let at = 0; at < sizeBytes; ) {
    const read = readSync(fd, piece, 0, pieceBytes, at);
    const before = performance.now();
    scan.push(piece.subarray(0, read));
    scanMs += performance.now() - before;
    at += read;
  }
  const before = performance.now();
  encodeIndex(indexOf(scan.finish()));
  const afterLastByteMs = performance.now() - before;
  return { afterLastByteMs, scanSeconds: (scanMs + afterLastByteMs) / 1000 };
}

const folder = await mkdtemp(join(tmpdir(), 'kinora-bench-'));
try {
  const version = await run('ffmpeg', ['-version']).catch(() => null);
  if (!version) {
    console.error(
      'views: FFmpeg makes the film and is the peer, and is not here (Debian: apt-get install ffmpeg).',
    );
    process.exitCode = 1;
  } else await bench();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const film = await makeFilm(folder);
  const { size } = await stat(film);
  console.log(
    `A Matroska film of ${(size / 1e6).toFixed(0)} MB (H.264 with B-frames, AAC), ${rounds} rounds in turns, medians.`,
  );
  await viewOfStored(film, size, folder);
  await remux(film, folder);
  const [ours, theirs]: [Figures[], Figures[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await measure(() => viewOfStored(film, size, folder)));
    theirs.push(await remux(film, folder));
  }
  const row = (name: string, figures: readonly Figures[]) => [
    name,
    `${median(figures.map(({ wallSeconds }) => wallSeconds)).toFixed(2)} s`,
    `${median(figures.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2)} s`,
    `${(median(figures.map(({ writtenBytes }) => writtenBytes)) / 1e6).toFixed(1)} MB`,
  ];
  console.log(
    table([
      ['', 'wall', 'CPU', 'written'],
      row('scan, index, view of the stored film', ours),
      row('ffmpeg -c copy -movflags +faststart', theirs),
    ]),
  );

  const arrivals = Array.from({ length: 3 }, () => arrive(film, size));
  const encoded = readFileSync(join(folder, 'index'));
  const { tracks, durationMs } = decodeIndex(new Uint8Array(encoded));
  const samples = tracks.reduce((sum, track) => sum + track.samples.count, 0);
  const after = median(arrivals.map(({ afterLastByteMs }) => afterLastByteMs));
  console.log(
    `While it arrives: index complete ${after.toFixed(1)} ms after the last byte (goal 100), the scan's own time ` +
      `${median(arrivals.map(({ scanSeconds }) => scanSeconds)).toFixed(2)} s in all`,
  );
  console.log(
    `Index: ${(durationMs / 60_000).toFixed(0)} minutes, ${samples} samples in ${(encoded.length / 1e6).toFixed(2)} MB, ${(encoded.length / samples).toFixed(2)} bytes each (goal 12)`,
  );

  const long = join(folder, 'long.mkv');
  const longSamples = writeLongFilm(long);
  const longIndex = join(folder, 'long-index');
  const fd = openSync(long, 'r');
  const readAt = (into: Uint8Array, position: number) => readSync(fd, into, 0, into.length, position);
  writeFileSync(longIndex, encodeIndex(indexOf(await scanStored(readAt, (await stat(long)).size))));
  await promisify(close)(fd);
  console.log(
    `A film of two hours, ${longSamples} samples each in a Block of its own, in processes of their own:`,
  );
  const lines: string[][] = [['', 'first', 'CPU', 'then']];
  const started = { cold: 'nothing compiled', warm: 'after the warm-up that every start does' };
  for (const [what, path, goal] of [
    ['header', longIndex, 'header from the index file (goal 20 ms)'],
    ['arrive', long, 'index after the last byte (goal 100 ms)'],
  ] as const) {
    for (const state of ['cold', 'warm'] as const) {
      const runs: Once[] = [];
      for (let round = 0; round < rounds; round += 1) runs.push(await once(what, path, state));
      const ms = (of: (run: Once) => number) => `${median(runs.map(of)).toFixed(1)} ms`;
      lines.push([
        `${goal}, ${started[state]}`,
        ms(({ firstMs }) => firstMs),
        ms(({ firstCpuMs }) => firstCpuMs),
        ms(({ thenMs }) => thenMs),
      ]);
    }
  }
  console.log(table(lines));
}

/** A measurement in a process of its own. */
async function once(what: 'header' | 'arrive', path: string, state: 'cold' | 'warm'): Promise<Once> {
  const script = join(import.meta.dirname, 'frame', 'once.ts');
  const { stdout } = await run(process.execPath, [script, what, path, ...(state === 'warm' ? [state] : [])]);
  return JSON.parse(stdout) as Once;
}
