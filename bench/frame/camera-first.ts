// How long a person looks at an empty page, as bench/cameras.ts measures it: from the request for the page of a
// camera that is off to its first whole picture, less what the camera itself takes to start.
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { samples as testSamples } from '../../src/cameras/drivers/test.ts';
import { systemClock } from '../../src/clock.ts';
import { writeCameraModule } from './camera-pictures.ts';
import { startKinora } from './child-server.ts';
import { median, table } from './machine.ts';

/** What the module's camera takes before its first picture. */
const ownStartMs = 300;
const goalMs = 500;

export async function measureFirst(folder: string, pictures: string, rounds: number): Promise<void> {
  console.log(
    `\nFirst picture after the page is asked for, camera off before (goal: ${goalMs} ms over its own start)`,
  );
  const own = await mkdtemp(join(folder, 'first-'));
  await mkdir(own, { recursive: true });
  await writeCameraModule(join(own, 'camera.mjs'), { folder: pictures, fps: 25, startMs: ownStartMs });
  // A camera for each round: none was on before.
  const cameras = Array.from({ length: rounds }, (_, round) => [
    `[[camera]]\nid = "jpeg-${round}"\ndriver = "./camera.mjs"\n`,
    `[[camera]]\nid = "avc-${round}"\ndriver = "test"\n`,
  ]);
  await writeFile(join(own, 'kinora.toml'), cameras.flat().join('\n'));
  const kinora = await startKinora(own, { KINORA_CAMERA_LINGER_SECONDS: '1' });
  const jpegMs: number[] = [];
  const avcMs: number[] = [];
  const avcOwnMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    jpegMs.push(await firstOf(kinora.url, `jpeg-${round}`, 'stream.mjpeg', isWholePart));
    avcMs.push(await firstOf(kinora.url, `avc-${round}`, 'live.mp4', isWholeFragment));
    avcOwnMs.push(await startOfTestCamera());
  }
  await kinora.close();
  const row = (name: string, list: number[], ownMs: number) => {
    const over = list.map((ms) => ms - ownMs);
    return [
      name,
      median(list).toFixed(0),
      ownMs.toFixed(0),
      median(over).toFixed(0),
      Math.max(...over).toFixed(0),
    ];
  };
  console.log(
    table([
      ['', 'ms', 'the camera’s own', 'over', 'worst'],
      row('stream.mjpeg of a module', jpegMs, ownStartMs),
      row('live.mp4 of the test camera', avcMs, median(avcOwnMs)),
    ]),
  );
}

/** From the request for the page to the first picture of the stream, asked for when the page is there. */
async function firstOf(
  url: string,
  id: string,
  stream: string,
  isWhole: (bytes: Buffer) => boolean,
): Promise<number> {
  const begunMs = performance.now();
  const page = await fetch(`${url}/cameras/${id}`, { headers: { accept: 'text/html' } });
  if (!page.ok) throw new Error(`the page of ${id} was answered with ${page.status}`);
  await page.text();
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const request = get(`${url}/cameras/${id}/${stream}`, (response) => {
      if (response.statusCode !== 200)
        reject(new Error(`${stream} was answered with ${response.statusCode}`));
      response.on('error', () => {});
      response.on('end', () => reject(new Error(`${stream} of ${id} ended before its first picture`)));
      response.on('data', (piece: Buffer) => {
        bytes = Buffer.concat([bytes, piece]);
        if (!isWhole(bytes)) return;
        resolve(performance.now() - begunMs);
        response.destroy();
      });
    });
    request.on('error', reject);
  });
}

/** A browser shows a picture when the delimiter after it is there. */
function isWholePart(bytes: Buffer): boolean {
  const first = bytes.indexOf('--frame\r\n');
  return first >= 0 && bytes.indexOf('\r\n--frame\r\n', first + 8) >= 0;
}

/** The first `mdat` box to its end (ISO/IEC 14496-12 §4.2, §8.1.1). */
function isWholeFragment(bytes: Buffer): boolean {
  for (let at = 0; at + 8 <= bytes.length; ) {
    const sizeBytes = bytes.readUInt32BE(at);
    if (sizeBytes < 8) throw new Error('live.mp4 has a box of a size it should not have');
    if (bytes.toString('latin1', at + 4, at + 8) === 'mdat') return at + sizeBytes <= bytes.length;
    at += sizeBytes;
  }
  return false;
}

/** The driver alone, from its call to its first sample of video. */
async function startOfTestCamera(): Promise<number> {
  const stop = new AbortController();
  const begunMs = performance.now();
  for await (const { codec } of testSamples({}, { signal: stop.signal, clock: systemClock })) {
    if (codec !== 'avc') continue;
    const ms = performance.now() - begunMs;
    stop.abort();
    return ms;
  }
  throw new Error('the test camera ended before its first picture');
}
