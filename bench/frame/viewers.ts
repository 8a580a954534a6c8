// Viewers of Motion-JPEG streams: the C program `mjpegload` of the measuring tools next to the checkout (or
// KINORA_TOOLS), which counts pictures, tells missed ones and their age by the number and time in each, and reads the
// server's CPU from /proc, children included.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What `mjpegload` prints, as far as it is used here. */
export type ViewerFigures = {
  readonly frames: number;
  readonly wall_s: number;
  readonly viewers_with_frames: number;
  readonly fps_viewer_min: number;
  readonly fps_viewer_med: number;
  readonly avg_frame_bytes: number;
  readonly missed_seq: number;
  readonly dups: number;
  /** Negative where the pictures carry no time. */
  readonly lat_ms_p50: number;
  readonly lat_ms_p99: number;
  readonly server_us_per_frame: number;
  readonly server_cpu_pct: number;
  readonly server_rss_mb: number;
  readonly sys_busy_pct: number;
};

export type ViewerRun = {
  readonly url: string;
  /** The server and, with its children, what it needs. */
  readonly pid: number;
  readonly viewers: number;
  /** Beside those; they never read. */
  readonly stalled?: number;
  readonly fps: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
};

export type ViewerClient = {
  /** LD_PRELOAD library that shows programs a V4L2 camera at /dev/video0. */
  readonly fakeDevice: string;
  /** A Motion-JPEG camera over HTTP with the same pictures, a Node program: port, folder, rate. */
  readonly httpCamera: string;
  run(what: ViewerRun): Promise<ViewerFigures>;
};

/** Compiles the tools in `folder`. Null, with the reason printed, where they or a compiler are missing. */
export async function createViewerClient(folder: string): Promise<ViewerClient | null> {
  const tools = process.env.KINORA_TOOLS ?? join(import.meta.dirname, '../../../shared/tools');
  if (!existsSync(join(tools, 'mjpegload.c'))) {
    console.log(`The viewers are not at ${tools}: set KINORA_TOOLS to the folder of mjpegload.c.`);
    return null;
  }
  for (const name of ['mjpegload.c', 'fakev4l2.c', 'common.h'])
    await copyFile(join(tools, name), join(folder, name));
  try {
    const compile = (...flags: string[]) =>
      execFileSync('cc', ['-O2', ...flags], { cwd: folder, stdio: 'pipe' });
    compile('-o', 'mjpegload', 'mjpegload.c', '-lm');
    compile('-shared', '-fPIC', '-o', 'fakev4l2.so', 'fakev4l2.c', '-ldl');
  } catch {
    console.log('The viewers need a C compiler (Debian: apt-get install gcc libc6-dev).');
    return null;
  }
  return {
    fakeDevice: join(folder, 'fakev4l2.so'),
    httpCamera: join(tools, 'mjpeg_source.js'),
    run: (what) => run(join(folder, 'mjpegload'), what),
  };
}

async function run(program: string, what: ViewerRun): Promise<ViewerFigures> {
  const { url, pid, viewers, stalled = 0, fps, seconds, warmUpSeconds } = what;
  const counts = ['-c', viewers, '-s', stalled, '-f', fps, '-d', seconds, '-w', warmUpSeconds, '-p', pid];
  const child = spawn(program, [...counts.map(String), url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString();
  });
  await once(child, 'close');
  return JSON.parse(output) as ViewerFigures;
}
