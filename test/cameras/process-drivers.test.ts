// The drivers `file` and `test`, whose work is done in a process: the contract, their own habits, and that a camera is
// back when its process has crashed or hung, with nothing left behind.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pino } from 'pino';
import { createCameras } from '../../src/cameras/create-cameras.ts';
import type { CameraSample } from '../../src/cameras/driver.ts';
import { loadDriver } from '../../src/cameras/registry.ts';
import { systemClock } from '../../src/clock.ts';
import { annexBOf, collectSamples, configsOf } from '../helpers/collect-samples.ts';
import { decodeDigests, makeMedia, sharedMedia } from '../helpers/media/media.ts';
import { until } from '../helpers/until.ts';
import { testDriver } from './driver-contract.ts';

const folder = await mkdtemp(join(tmpdir(), 'kinora-process-drivers-'));
after(() => rm(folder, { recursive: true, force: true }));
const video = { codec: 'h264', width: 320, height: 180, seconds: 1 } as const;
const film = await makeMedia({ container: 'mp4', video, audio: { codec: 'aac' } });

testDriver({
  name: 'file',
  load: () => loadDriver('file'),
  working: async () => ({ options: { path: film } }),
  failing: {
    options: { path: join(folder, 'absent.mp4') },
    says: /^There is no video file .*absent\.mp4\.$/,
  },
  refused: { options: { path: film, speed: 2 }, says: /no option “speed”; it takes path/ },
});

testDriver({
  name: 'test',
  load: () => loadDriver('test'),
  working: async () => ({ options: { width: 320, height: 180, fps: 50 } }),
  failing: null,
  refused: { options: { width: 321 }, says: /width is 321; it takes an even whole number/ },
});

const isOf = (codec: string) => (sample: CameraSample) => sample.codec === codec;

// Films play at the pace of their clock: three at once.
describe('the camera driver file', { concurrency: 3 }, () => {
  test('goes round without a jump of its clock, at its own pace, pictures and sound', async () => {
    const atMs = performance.now();
    const samples = await collectSamples(
      'file',
      { path: film },
      (found) => found.filter(isOf('avc')).length >= 60,
    );
    const lastedMs = performance.now() - atMs;
    const pictures = samples.filter(isOf('avc'));
    const shown = pictures.map(({ ptsMicros }) => ptsMicros).sort((a, b) => a - b);
    const steps = shown.slice(1).map((pts, at) => pts - shown[at]!);
    // The sound of a second of video is up to one frame longer: so long is the step over the end.
    assert.ok(
      steps.every((step) => step > 0 && step < 130_000),
      `${steps}`,
    );
    assert.equal(steps.filter((step) => Math.abs(step - 40_000) < 10).length >= 50, true);
    assert.ok(lastedMs > 1900, `60 pictures at 25 a second took ${Math.round(lastedMs)} ms`);
    const heard = samples.filter(isOf('aac')).map(({ ptsMicros }) => ptsMicros);
    assert.ok(heard.slice(1).every((pts, at) => pts > heard[at]! && pts - heard[at]! < 130_000));
    assert.equal(configsOf(samples, 'avc').length, 1);
    const [decoded] = await decodeDigests(annexBOf(samples.slice(0, samples.lastIndexOf(pictures.at(-1)!))));
    assert.deepEqual(
      decoded!.frames.slice(0, 25).map(({ number }) => number),
      Array.from({ length: 25 }, (_, number) => number),
    );
  });

  test('pictures in another order carry their decode time', async () => {
    const samples = await collectSamples('file', { path: film }, 60);
    const pictures = samples.filter(isOf('avc'));
    const decode = pictures.map((sample) => sample.dtsMicros ?? sample.ptsMicros);
    assert.ok(
      decode.every((dts, at) => at === 0 || dts > decode[at - 1]!),
      'never back',
    );
    assert.ok(pictures.some(({ ptsMicros }, at) => ptsMicros !== decode[at]));
  });

  for (const [what, spec, codecs] of [
    [
      'H.265 in Matroska',
      { container: 'matroska', video: { ...video, codec: 'hevc' }, audio: { codec: 'opus' } },
      ['hevc', 'opus'],
    ],
    [
      'Motion-JPEG in AVI',
      { container: 'avi', video: { ...video, codec: 'mjpeg' }, audio: { codec: 'pcm' } },
      ['jpeg', 'aac'],
    ],
    ['MPEG-TS with ADTS sound', { container: 'mpegts', video, audio: { codec: 'aac' } }, ['avc', 'aac']],
    [
      'MPEG-4 and MP3, encoded',
      { container: 'avi', video: { ...video, codec: 'mpeg4' }, audio: { codec: 'mp3' } },
      ['jpeg', 'aac'],
    ],
    [
      'VP9 and Vorbis, encoded',
      { container: 'webm', video: { ...video, codec: 'vp9' }, audio: { codec: 'vorbis' } },
      ['jpeg', 'aac'],
    ],
  ] as const) {
    test(`takes ${what}`, async () => {
      const path = await makeMedia(spec);
      const seen = (found: readonly CameraSample[], codec: string) => found.filter(isOf(codec)).length;
      // Round at least once, so that what is encoded has begun again.
      const samples = await collectSamples('file', { path }, (found) =>
        codecs.every((codec) => seen(found, codec) >= 30),
      );
      assert.deepEqual([...new Set(samples.map(({ codec }) => codec))].sort(), [...codecs].sort());
    });
  }

  test('what is no video, damaged, a folder or a playlist is one sentence', async () => {
    const write = async (name: string, text: string | Buffer) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const cases: [string, RegExp][] = [
      [await write('text.mp4', 'no video'), /damaged or no video/],
      [await write('empty.mp4', ''), /damaged or no video|cannot be read/],
      [await write('cut.mp4', readFileSync(film).subarray(0, 3000)), /\.$/],
      [
        await write(
          'list.m3u8',
          `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${film}\n#EXT-X-ENDLIST\n`,
        ),
        /damaged or no video/,
      ],
      [await write('concat.txt', `ffconcat version 1.0\nfile '${film}'\n`), /damaged or no video/],
      [await makeMedia({ container: 'wav', audio: { codec: 'pcm' } }), /no pictures in the file/],
      [folder, /There is no video file/],
      ['concat:/etc/passwd', /There is no video file/],
    ];
    for (const [path, says] of cases) {
      await assert.rejects(collectSamples('file', { path }, 1), (error: Error) => {
        assert.match(error.message, says, path);
        assert.match(error.message, /^[A-Z][^\n]{5,300}\.$/);
        return true;
      });
    }
  });

  test('real files play', {
    skip: sharedMedia() === null && 'the folder ../shared/media is not here',
  }, async () => {
    for (const name of [
      'play/video.mp4',
      'odd/sample.avi',
      'odd/segment.ts',
      'odd/h265_bframes.mp4',
      'camera/vtest.avi',
    ])
      assert.equal((await collectSamples('file', { path: sharedMedia(name)! }, 12)).length, 12, name);
  });
});

describe('the camera driver test', () => {
  test('sends H.264 that starts at once, its numbers in the pictures, and a tone', async () => {
    const samples = await collectSamples(
      'test',
      { width: 320, height: 180, fps: 25 },
      (found) => found.filter(isOf('avc')).length >= 30,
    );
    assert.ok(samples.filter(isOf('aac')).length > 30);
    const pictures = samples.filter(isOf('avc'));
    const [decoded] = await decodeDigests(annexBOf(pictures));
    assert.equal(decoded!.errors, 0);
    // Those a busy machine had no time for are left out of both.
    assert.deepEqual(
      decoded!.frames.map(({ number }) => number! * 40_000),
      pictures.map(({ ptsMicros }) => ptsMicros),
    );
  });

  test('sends JPEG where asked, without sound', async () => {
    const samples = await collectSamples('test', { width: 320, height: 180, codec: 'jpeg', sound: false }, 5);
    assert.ok(samples.every(isOf('jpeg')));
  });
});

/** The processes this one has forked. */
function children(): number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** Those of them that read a camera. */
function cameraProcesses(): number[] {
  return children().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('camera-process');
    } catch {
      return false;
    }
  });
}

describe('a camera whose process is lost', {
  skip:
    !existsSync(`/proc/self/task/${process.pid}/children`) && 'only Linux tells the processes of a process',
}, () => {
  for (const [how, signal, says] of [
    ['crashes', 'SIGSEGV', /crashed \(SIGSEGV\)/],
    ['hangs', 'SIGSTOP', /hung and was ended/],
  ] as const) {
    test(`${how}: it says so and is back; the other cameras do not notice; nothing is left`, {
      timeout: 60_000,
    }, async () => {
      const options = { width: 160, height: 90, fps: 10, sound: false };
      const cameras = await createCameras({
        settings: {
          list: ['one', 'two'].map((id) => ({ id, name: id, driver: 'test', options })),
          lingerMs: 0,
        },
        catalogue: {
          listCameras: async () => [],
          addCamera: async () => undefined,
          removeCamera: async () => undefined,
        } as never,
        clock: systemClock,
        log: pino({ level: 'silent' }),
        random: () => 0,
      } as unknown as Parameters<typeof createCameras>[0]);
      const descriptors = () => readdirSync('/proc/self/fd').length;
      const before = descriptors();
      const messages: string[] = [];
      const watch = (id: string) => {
        const counted = { samples: 0, statesSeen: new Set<string>() };
        cameras.watch(id, {
          onSample: () => {
            counted.samples += 1;
          },
          onState: ({ state, message }) => {
            counted.statesSeen.add(state);
            if (message) messages.push(message);
          },
          onEnd: () => undefined,
        });
        return counted;
      };
      const one = watch('one');
      await until(() => one.samples > 2, { what: 'the first camera', timeoutMs: 15_000 });
      const [first] = cameraProcesses();
      const two = watch('two');
      await until(() => two.samples > 2, { what: 'the second camera', timeoutMs: 15_000 });
      two.statesSeen.clear();
      process.kill(first!, signal);
      await until(() => messages.length > 0, { what: 'the message', timeoutMs: 20_000 });
      assert.match(messages[0]!, says);
      const soFar = one.samples;
      await until(() => one.samples > soFar + 2, { what: 'the camera to be back', timeoutMs: 20_000 });
      assert.equal(cameras.get('one')!.state, 'live');
      assert.equal(two.statesSeen.size, 0, 'the other one was live all the time');
      await cameras.close();
      await until(() => cameraProcesses().length === 0, { what: 'the end of the processes' });
      await until(() => descriptors() <= before, { what: 'the release of the descriptors' });
    });
  }
});
