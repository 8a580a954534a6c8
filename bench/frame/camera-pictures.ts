// The pictures that cameras of benches send: those of the emulated camera, made as large as a camera's; and camera
// modules of a user's that send them with a number and a time in each, as the emulated device does.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const scene = join(import.meta.dirname, '../../src/cameras/emulated');
export const pictureSize = { width: 640, height: 360 } as const;

/** Writes them to `folder`, each `sizeBytes` long: filled with a comment segment (ITU-T T.81 §B.2.4.5). */
export async function writePictures(folder: string, sizeBytes: number): Promise<void> {
  await mkdir(folder);
  for (const name of (await readdir(scene)).filter((file) => file.endsWith('.jpg'))) {
    const jpeg = await readFile(join(scene, name));
    const filler = Buffer.alloc(sizeBytes - jpeg.length, 0x20);
    filler.writeUInt16BE(0xfffe, 0);
    filler.writeUInt16BE(filler.length - 2, 2);
    await writeFile(join(folder, name), Buffer.concat([jpeg.subarray(0, 2), filler, jpeg.subarray(2)]));
  }
}

/** Writes a module that sends the pictures of `folder`. `startMs`: how long the camera takes before its first one. */
export async function writeCameraModule(
  path: string,
  { folder, fps, startMs = 0 }: { folder: string; fps: number; startMs?: number },
): Promise<void> {
  await writeFile(
    path,
    `import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
const folder = ${JSON.stringify(folder)};
const pictures = readdirSync(folder).map((name) => readFileSync(folder + '/' + name));
export async function* samples(_options, { signal }) {
  const startMs = performance.now() + ${startMs};
  for (let number = 0; !signal.aborted; number += 1) {
    await pause(Math.max(0, startMs + (number * 1000) / ${fps} - performance.now()));
    const stamp = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const comment = Buffer.from('SEQ=' + String(number).padStart(10, '0') + ' TSUS=' + stamp);
    const head = Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0, comment.length + 2]);
    yield Buffer.concat([head, comment, pictures[number % pictures.length].subarray(2)]);
  }
}
`,
  );
}
