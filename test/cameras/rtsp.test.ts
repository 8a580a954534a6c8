// The driver `rtsp` against a camera of our own that can be as hostile as a test wants, and against a real RTSP server
// where it is at hand.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadDriver } from '../../src/cameras/registry.ts';
import { annexBOf, collectSamples, configsOf } from '../helpers/collect-samples.ts';
import { freePort } from '../helpers/free-port.ts';
import { decodeDigests, makeMedia } from '../helpers/media/media.ts';
import { accessUnitsOf, type RtspCameraSetup, startRtspCamera } from '../helpers/rtsp-camera.ts';
import { until } from '../helpers/until.ts';
import { testDriver } from './driver-contract.ts';

const raw = {
  container: 'h264',
  video: { codec: 'h264', width: 320, height: 180, bFrames: 0, keyInterval: 10, seconds: 2 },
} as const;
const units = accessUnitsOf(await readFile(await makeMedia(raw)));
assert.equal(units.length, 50);

const camera = (more: Partial<RtspCameraSetup> = {}) => startRtspCamera({ units, ...more });

/** Cameras send at the pace of their clock, and silences are waited for: so many tests at once. */
const concurrency = 3;

/** Runs against a camera and gives back its samples; the camera is gone afterwards. */
async function collectFrom(more: Partial<RtspCameraSetup>, count: number, options = {}) {
  const server = await camera(more);
  try {
    return await collectSamples('rtsp', { url: server.url, ...options }, count);
  } finally {
    await server.close();
  }
}

async function failureOf(more: Partial<RtspCameraSetup>, options = {}): Promise<string> {
  let message = '';
  await assert.rejects(collectFrom(more, 1000, options), (error: Error) => {
    message = error.message;
    return true;
  });
  assert.match(message, /^[A-Z].{5,200}\.$/, 'a sentence');
  return message;
}

testDriver({
  name: 'rtsp',
  load: () => loadDriver('rtsp'),
  async working() {
    const server = await camera({ hasSound: true });
    return {
      options: { url: server.url },
      close: server.close,
      isReleased: () => server.connections === 0,
    };
  },
  failing: { options: { url: 'rtsp://127.0.0.1:1/cam' }, says: /Nothing answers at the camera’s address/ },
  refused: { options: { url: 'file:///etc/passwd' }, says: /begins with file:; it takes rtsp: or rtsps:/ },
});

describe('what a camera sends', { concurrency }, () => {
  test('comes picture by picture as it was, from its first key frame on', async () => {
    const samples = await collectFrom({}, 20);
    assert.ok(samples.every(({ codec }) => codec === 'avc'));
    assert.deepEqual(
      samples.map(({ isKey }) => isKey),
      Array.from({ length: 20 }, (_, number) => number % 10 === 0),
    );
    assert.equal(configsOf(samples, 'avc').length, 1, 'one configuration, with the first picture');
    const [video] = await decodeDigests(annexBOf(samples));
    assert.deepEqual(
      video!.frames.map(({ number }) => number),
      Array.from({ length: 20 }, (_, number) => number),
    );
    const steps = samples.slice(1).map(({ ptsMicros }, at) => ptsMicros - samples[at]!.ptsMicros);
    assert.ok(
      steps.every((step) => Math.abs(step - 40_000) <= 12),
      `25 pictures a second: ${steps}`,
    );
  });

  test('is whole where the description leaves the parameter sets out', async () => {
    const samples = await collectFrom({ isDescriptionBare: true }, 5);
    assert.ok(samples[0]!.isKey && samples[0]!.config);
  });

  test('has no picture cut in two by parameter sets between its slices', async () => {
    // What GStreamer's payloader does before every slice of a key frame.
    const twice = units.map((unit) => {
      const sets = unit.filter((piece) => [7, 8].includes(piece[0]! & 31));
      return sets.length === 0 ? unit : [...unit.slice(0, -1), ...sets, unit.at(-1)!];
    });
    const samples = await collectFrom({ units: twice }, 20);
    assert.equal(samples.filter(({ isKey }) => isKey).length, 2);
  });

  test('has its G.711 sound made AAC, on the clock of the pictures', async () => {
    const samples = await collectFrom({ hasSound: true }, 60);
    const sound = samples.filter(({ codec }) => codec === 'aac');
    assert.ok(sound.length > 5);
    // AudioSpecificConfig: AAC LC, 32000 Hz, one channel.
    assert.equal(configsOf(sound, 'aac').length, 1);
    assert.match(configsOf(sound, 'aac')[0]!, /^1288/);
    const steps = sound.slice(1).map(({ ptsMicros }, at) => ptsMicros - sound[at]!.ptsMicros);
    assert.ok(
      steps.every((step) => Math.abs(step - 32_000) <= 2),
      `frames of 1024 samples: ${steps}`,
    );
    const last = (codec: string) => samples.findLast((sample) => sample.codec === codec)!.ptsMicros;
    assert.ok(Math.abs(last('aac') - last('avc')) < 250_000);
  });

  test('changes its size midway: a new configuration comes with the key frame it holds from', async () => {
    const larger = accessUnitsOf(
      await readFile(await makeMedia({ ...raw, video: { ...raw.video, width: 640, height: 360 } })),
    );
    const samples = await collectFrom({ units: [...units.slice(0, 15), ...larger.slice(0, 15)] }, 28);
    const changes = samples.flatMap(({ config }, at) => (config ? [at] : []));
    assert.deepEqual(changes, [0, 15]);
    assert.ok(samples[15]!.isKey);
    const configs = configsOf(samples, 'avc');
    assert.notEqual(configs[0], configs[1]);
    const [video] = await decodeDigests(annexBOf(samples));
    assert.equal(video!.errors, 0);
  });

  test('has a clock that jumps and goes back: the pictures come all the same', async () => {
    const timeOf = (number: number) =>
      number < 10 ? number * 3600 : number < 20 ? 9e8 + number * 3600 : number * 3600;
    const samples = await collectFrom({ timeOf }, 28);
    assert.equal(samples.length, 28);
    assert.ok(samples.every(({ ptsMicros }) => Number.isSafeInteger(ptsMicros)));
  });
});

describe('a camera that has flowed for seconds', { concurrency }, () => {
  test('is let go within a second', async () => {
    const server = await camera({ hasSound: true });
    try {
      let letGoAtMs = 0;
      await collectSamples('rtsp', { url: server.url }, (samples) => {
        letGoAtMs = performance.now();
        return samples.length === 150;
      });
      assert.ok(performance.now() - letGoAtMs < 1000);
      await until(() => server.connections === 0);
    } finally {
      await server.close();
    }
  });

  test('and falls silent is told as such, in time', async () => {
    const startedAtMs = performance.now();
    assert.equal(await failureOf({ silentAfter: 60 }), 'The camera fell silent.');
    assert.ok(performance.now() - startedAtMs < 20_000);
  });

  test('and falls silent is let go within a second', async () => {
    const server = await camera({ silentAfter: 60 });
    try {
      let letGoAtMs = 0;
      await collectSamples('rtsp', { url: server.url }, (samples) => {
        letGoAtMs = performance.now();
        // All but the last picture, which only the next one would end.
        return samples.length === 59;
      });
      assert.ok(performance.now() - letGoAtMs < 1000);
      await until(() => server.connections === 0);
    } finally {
      await server.close();
    }
  });
});

describe('log-in', () => {
  const secret = 'p@ss/w:rd%41 ü';
  for (const scheme of ['basic', 'digest'] as const) {
    const logIn = { scheme, user: 'viewer', password: secret };
    test(`${scheme}: the right password opens, whatever stands in it`, async () => {
      assert.equal((await collectFrom({ logIn }, 3, { user: 'viewer', password: secret })).length, 3);
    });
    test(`${scheme}: a wrong one is told as such, and not repeated`, async () => {
      const message = await failureOf({ logIn }, { user: 'viewer', password: 'hunter22' });
      assert.equal(message, 'The camera refuses the user name or password.');
    });
    test(`${scheme}: none is told as well`, async () => {
      assert.equal(await failureOf({ logIn }), 'The camera asks for a user name and a password.');
    });
  }

  test('a log-in in the url counts, and is no part of what is asked for', async () => {
    const server = await camera({ logIn: { scheme: 'digest', user: 'viewer', password: secret } });
    const url = server.url.replace('://', `://viewer:${encodeURIComponent(secret)}@`);
    assert.equal((await collectSamples('rtsp', { url }, 2)).length, 2);
    assert.ok(
      server.requests.length > 0 && server.requests.every(({ url: asked }) => !asked.includes('viewer')),
    );
    await server.close();
  });
});

describe('cameras that misbehave', { concurrency }, () => {
  const status =
    (line: string, headers = '') =>
    (request: { headers: ReadonlyMap<string, string> }) =>
      `RTSP/1.0 ${line}\r\nCSeq: ${request.headers.get('cseq')}\r\n${headers}\r\n`;

  test('no stream at this address', async () => {
    assert.match(await failureOf({ answer: status('404 Not Found') }), /has no stream at this address/);
  });

  test('one that answers with a web page', async () => {
    const page = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>';
    const message = await failureOf({
      answer(_request, socket) {
        socket.end(page);
        return 'silence';
      },
    });
    assert.match(message, /is not RTSP, or broke off/);
  });

  for (const location of [
    'file:///etc/passwd',
    'http://169.254.169.254/latest/',
    'concat:/etc/passwd',
    'rtsp:///etc/passwd',
  ]) {
    test(`one that redirects to ${location} leads nowhere`, async () => {
      const message = await failureOf({ answer: status('302 Found', `Location: ${location}\r\n`) });
      assert.doesNotMatch(message, /passwd|169/);
    });
  }

  test('one that redirects to itself without end is given up', { timeout: 30_000 }, async () => {
    const server = await startRtspCamera({
      units,
      answer: (request) => status('302 Found', `Location: ${request.url}\r\n`)(request),
    });
    await assert.rejects(collectSamples('rtsp', { url: server.url }, 1), { name: 'AppError' });
    await server.close();
  });

  test('one that accepts and says nothing is told as such within seconds', async () => {
    const atMs = performance.now();
    assert.match(await failureOf({ answer: () => 'silence' }), /does not answer/);
    assert.ok(performance.now() - atMs < 15_000);
  });

  test('one that goes in the middle', async () => {
    assert.match(
      await failureOf({ unitsPerConnection: 5 }),
      /ended the stream|connection to the camera broke/,
    );
  });

  test('headers without end end the connection, not the memory', async () => {
    const message = await failureOf({
      answer(_request, socket) {
        const flood = () => {
          while (
            !socket.destroyed &&
            socket.write('X-Header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(100))
          );
        };
        socket.on('drain', flood);
        flood();
        return 'silence';
      },
    });
    assert.match(message, /does not answer/);
  });

  test('interleaved nonsense instead of pictures', async () => {
    const message = await failureOf({
      answer(request, socket) {
        if (request.method !== 'PLAY') return null;
        socket.write(status('200 OK')(request));
        for (let turn = 0; turn < 50; turn += 1) socket.write(Buffer.alloc(5000, 0x24 + turn));
        socket.end();
        return 'silence';
      },
    });
    assert.match(message, /\.$/);
  });

  test('an address of a cloud’s metadata service is not opened', async () => {
    await assert.rejects(
      collectSamples('rtsp', { url: 'rtsp://169.254.169.254/cam' }, 1),
      /metadata service/,
    );
  });
});

const tool = join(import.meta.dirname, '../../../shared/tools/rtsp_camera.py');
const modules =
  'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer';

function whyNoServer(): string | false {
  if (!existsSync(tool)) return 'the folder ../shared with rtsp_camera.py is not here';
  try {
    execFileSync('/usr/bin/python3', ['-c', modules], { stdio: 'ignore' });
    return false;
  } catch {
    return 'GStreamer’s RTSP server for Python is not installed (gir1.2-gst-rtsp-server-1.0)';
  }
}

describe('a real RTSP server', { concurrency, skip: whyNoServer() }, () => {
  const start = async (...parts: string[]): Promise<{ url: string; process: ChildProcess }> => {
    const port = await freePort();
    const started = spawn('/usr/bin/python3', [tool, String(port), '--size', '320x180', ...parts], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(started.stdout!, 'data');
    return { url: `rtsp://127.0.0.1:${port}/cam`, process: started };
  };
  const has = (codec: string, count: number) => (samples: readonly { codec: string }[]) =>
    samples.filter((sample) => sample.codec === codec).length >= count;

  for (const [codec, ours] of [
    ['h264', 'avc'],
    ['h265', 'hevc'],
    ['mjpeg', 'jpeg'],
  ] as const) {
    for (const transport of ['tcp', 'udp'] as const) {
      test(`${codec} with AAC over ${transport}`, async () => {
        const server = await start('--codec', codec);
        const samples = await collectSamples(
          'rtsp',
          { url: server.url, transport },
          (found) => has(ours, 15)(found) && has('aac', 5)(found),
        );
        server.process.kill('SIGKILL');
        if (ours === 'jpeg') return;
        const [video] = await decodeDigests(annexBOf(samples));
        assert.ok(video!.frames.length >= 14);
        assert.equal(video!.errors, 0);
      });
    }
  }

  test('digest log-in, right and wrong', async () => {
    const server = await start('--user', 'viewer', '--password', 's3cret', '--no-audio');
    assert.equal(
      (await collectSamples('rtsp', { url: server.url, user: 'viewer', password: 's3cret' }, 3)).length,
      3,
    );
    await assert.rejects(collectSamples('rtsp', { url: server.url, user: 'viewer', password: 'no' }, 1), {
      message: 'The camera refuses the user name or password.',
    });
    server.process.kill('SIGKILL');
  });

  test('a camera that vanishes is one sentence', async () => {
    const server = await start('--no-audio');
    const running = collectSamples('rtsp', { url: server.url }, (found) => {
      if (found.length === 5) server.process.kill('SIGKILL');
      return false;
    });
    await assert.rejects(
      running,
      /^AppError: The (camera ended the stream|connection to the camera broke)\.$/,
    );
    await until(() => server.process.signalCode !== null, { what: 'the end of the server' });
  });
});
