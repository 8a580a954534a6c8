// Media for tests: made when they run, by FFmpeg in a forked process, and read back by it. A file is made once per
// process for the same spec and lies in a temporary folder that is removed when the process ends; where
// KINORA_TEST_MEDIA names a folder, files are kept there and shared between processes instead.
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DecodedStream, DecodeOptions, MediaRequest, MediaSpec, StreamPackets } from './media-spec.ts';

export type * from './media-spec.ts';
export { readFrameNumber, readFrameNumberFromLuma } from './picture.ts';

type Waiting = { resolve(value: unknown): void; reject(error: Error): void };

let child: ChildProcess | null = null;
let nextId = 1;
let folder: string | null = null;
const waiting = new Map<number, Waiting>();
const made = new Map<string, Promise<string>>();

function startChild(): ChildProcess {
  const started = fork(join(import.meta.dirname, 'process.ts'), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // SVT-AV1 prints its settings without being asked, and knows only this to stop it.
    env: { ...process.env, SVT_LOG: '1' },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  started.on('message', ({ id, result, error }: { id: number; result: unknown; error?: string }) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) hold(started, false);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(error));
  });
  started.on('exit', (code, signal) => {
    if (child === started) child = null;
    for (const { reject } of waiting.values())
      reject(new Error(`the media process ended (${signal ?? code}) over this request`));
    waiting.clear();
  });
  return started;
}

/** An idle media process must not keep the test runner alive; a working one must. */
function hold(process: ChildProcess, isHeld: boolean) {
  if (isHeld) {
    process.ref();
    process.channel?.ref();
  } else {
    process.unref();
    process.channel?.unref();
  }
}

function ask<Result>(request: MediaRequest): Promise<Result> {
  child ??= startChild();
  const asked = child;
  hold(asked, true);
  const id = nextId++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    asked.send({ id, request });
  });
}

/** The folder for made files; a temporary one is removed when this process ends. */
function mediaFolder(): string {
  if (folder) return folder;
  const shared = process.env.KINORA_TEST_MEDIA;
  if (shared) {
    mkdirSync(shared, { recursive: true });
    folder = shared;
  } else {
    const own = mkdtempSync(join(tmpdir(), 'kinora-media-'));
    process.once('exit', () => rmSync(own, { recursive: true, force: true }));
    folder = own;
  }
  return folder;
}

const extensions: { [container: string]: string } = { matroska: 'mkv', mpegts: 'ts' };

/** Makes the media (once for the same spec) and resolves to its path. Leave the file as it is: others share it. */
export function makeMedia(spec: MediaSpec): Promise<string> {
  const key = createHash('sha1').update(JSON.stringify(spec)).digest('hex').slice(0, 16);
  let making = made.get(key);
  if (!making) {
    making = (async () => {
      const path = join(mediaFolder(), `${key}.${extensions[spec.container] ?? spec.container}`);
      if (existsSync(path)) return path;
      const unfinished = join(mediaFolder(), `${process.pid}-${key}.part`);
      await ask({ kind: 'make', spec, path: unfinished });
      renameSync(unfinished, path);
      return path;
    })();
    made.set(key, making);
  }
  return making;
}

/** The first encoder that `spec` needs and this FFmpeg lacks, so that a test can say what it leaves out; or null. */
export function missingEncoder(spec: MediaSpec): Promise<string | null> {
  return ask({ kind: 'missing-encoder', spec });
}

let dumps = 0;

/** Runs `use` with the bytes in a temporary file, or with the path or URL as it is. */
async function withSource<Result>(
  source: string | Uint8Array,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  if (typeof source === 'string') return await use(source);
  const path = join(mediaFolder(), `dump-${process.pid}-${++dumps}`);
  await writeFile(path, source);
  try {
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}

/** Every packet of every stream, as FFmpeg's demuxer sees them. `source`: a path, a URL or the bytes. */
export function listPackets(source: string | Uint8Array): Promise<StreamPackets[]> {
  return withSource(source, (path) => ask({ kind: 'packets', source: path }));
}

/** Decodes every video and audio stream: times after the edit list and digests. `source`: a path, a URL or the bytes. */
export function decodeDigests(
  source: string | Uint8Array,
  options: DecodeOptions = {},
): Promise<DecodedStream[]> {
  return withSource(source, (path) => ask({ kind: 'decode', source: path, options }));
}

let saidMissing = false;

/**
 * The path of a file in the shared corpus (KINORA_SHARED_MEDIA, or `../shared/media` beside the repository), such
 * as `play/sample.mp4`; no name gives the folder. Null where there is none, said once on the console.
 */
export function sharedMedia(name = ''): string | null {
  const root = process.env.KINORA_SHARED_MEDIA ?? join(import.meta.dirname, '../../../../shared/media');
  const path = join(root, name);
  if (existsSync(path)) return path;
  if (!saidMissing) console.log(`# no shared media at ${path}: the cases that need it are left out`);
  saidMissing = true;
  return null;
}
