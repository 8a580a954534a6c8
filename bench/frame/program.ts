// The program itself, as a bench measures it: started on a folder of its own, with a film that came by an upload.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import { chmod, link, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeMedia } from '../../test/helpers/media/media.ts';

const run = promisify(execFile);
/** Eight Mbit/s whatever the picture needs: as from a camera or a disc. */
const rate = '8000000';
const eightMegabits = { b: rate, maxrate: rate, minrate: rate, bufsize: rate, 'x264-params': 'nal-hrd=cbr' };

export type Program = { readonly url: string; readonly pid: number; readonly child: ChildProcess };

/** A Matroska film of the size at `path`: twenty seconds, again and again, with times that go on. Needs FFmpeg. */
export async function makeFilm(path: string, sizeBytes: number): Promise<void> {
  const video = {
    codec: 'h264',
    seconds: 20,
    width: 1280,
    height: 720,
    bFrames: 2,
    options: eightMegabits,
  } as const;
  const short = await makeMedia({ container: 'matroska', video, audio: { codec: 'aac' } });
  const again = String(Math.ceil(sizeBytes / (await stat(short)).size) - 1);
  await run('ffmpeg', ['-v', 'error', '-stream_loop', again, '-i', short, '-map', '0', '-c', 'copy', path]);
}

/** Starts `src/main.ts` with its data in `folder`. */
export async function startProgram(
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts')], {
    cwd: folder,
    env: {
      ...process.env,
      ...{ KINORA_PORT: '0', KINORA_DATA: join(folder, 'data'), KINORA_LOG_FORMAT: 'json' },
      KINORA_AUTH: 'none',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout!.on('data', (piece: Buffer) => {
      output += piece.toString();
      const found = /open http:\/\/[^\s"]+:(\d+)/.exec(output);
      if (found) resolve(found[1]!);
    });
    child.once('exit', () => reject(new Error(`the program did not start:\n${output}`)));
  });
  return { url: `http://127.0.0.1:${port}`, pid: child.pid!, child };
}

/** Uploads a film. Resolves to its address, such as `http://127.0.0.1:5000/videos/abc`. */
export async function upload(program: Program, path: string): Promise<string> {
  const form = new FormData();
  form.append('file', await openAsBlob(path), 'film.mkv');
  const headers = { accept: 'application/json' };
  const answer = await fetch(`${program.url}/upload`, { method: 'POST', body: form, headers });
  const { videos } = (await answer.json()) as { videos: { url: string; status: string }[] };
  if (videos[0]?.status !== 'ready')
    throw new Error(`the upload was answered with ${JSON.stringify(videos)}`);
  return program.url + videos[0].url;
}

/** Gives the largest stored file a second name: the peer sends the same pages of the same cache. */
export async function linkStored(folder: string, path: string): Promise<void> {
  const root = join(folder, 'data', 'blobs');
  let largest = { path: '', size: -1 };
  for (const name of await readdir(root, { recursive: true })) {
    const found = await stat(join(root, name));
    if (found.isFile() && found.size > largest.size) largest = { path: join(root, name), size: found.size };
  }
  await rm(path, { force: true });
  await link(largest.path, path);
  await chmod(path, 0o644);
}
