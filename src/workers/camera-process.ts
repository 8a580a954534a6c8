// The process behind `camera-input.ts`: opens one camera, file or device with FFmpeg (node-av) and sends its samples
// through descriptor 3 until it is told to stop. Nothing it says is trusted by the server.
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import type { CameraAnswer, CameraRequest, CameraSource, InputFailure } from './camera-messages.ts';
import type { CameraReader } from './camera-output.ts';
import { type WireSample, writeSample } from './sample-wire.ts';

/** By then it has loaded and used what it needs. */
const compiledAfterMs = 2500;

const pipe = new Socket({ fd: 3, readable: false, writable: true });
let reader: CameraReader | null = null;
let isStopping = false;

// The server has gone, however it did.
process.on('disconnect', () => process.exit());
pipe.on('error', () => process.exit());
process.on('message', (request: CameraRequest) => {
  if (request.kind === 'stop') {
    isStopping = true;
    if (reader) reader.stop();
    else process.exit();
  } else if (request.kind === 'list-modes') void tellModes(request.device);
  else void serve(request.source);
});
setInterval(() => say({ kind: 'alive' }), 1000);
// Kept for the next such process. This one is killed in the end, when Node would do it by itself.
setTimeout(flushCompileCache, compiledAfterMs).unref();

function say(answer: CameraAnswer): void {
  process.send?.(answer, undefined, undefined, () => undefined);
}

async function serve(source: CameraSource): Promise<void> {
  let failure: InputFailure = { stage: 'read', code: 'EOF', detail: '' };
  try {
    reader = await createReader(source);
    if (!reader) return say({ kind: 'no-engine' });
    if (!isStopping) await reader.run(send);
  } catch (error) {
    failure = failureOf(error);
  }
  // Killed rather than run down: the engine's own clean-up at exit is of no use to anybody.
  if (isStopping) process.kill(process.pid, 'SIGKILL');
  // The server ends this process once it has read that.
  say({ kind: 'failed', failure });
}

async function tellModes(device: string): Promise<void> {
  try {
    const { listV4l2Device } = await import('./v4l2-camera.ts');
    const modes = listV4l2Device(device);
    say(modes ? { kind: 'modes', modes } : { kind: 'no-engine' });
  } catch (error) {
    say({ kind: 'failed', failure: failureOf(error) });
  }
}

async function hasEngine(): Promise<boolean> {
  return import('node-av/lib').then(
    () => true,
    () => false,
  );
}

async function createReader(source: CameraSource): Promise<CameraReader | null> {
  const onOpened = () => say({ kind: 'opened' });
  if (source.kind === 'v4l2') {
    const { createV4l2Reader } = await import('./v4l2-camera.ts');
    return createV4l2Reader(source, onOpened);
  }
  if (!(await hasEngine())) return null;
  if (source.kind === 'test') {
    const { createTestReader } = await import('./test-camera.ts');
    return createTestReader(source, onOpened);
  }
  if (source.kind === 'sound') {
    const { createSoundInput } = await import('./sound-input.ts');
    return createSoundInput(source, onOpened);
  }
  const { createDemuxReader } = await import('./camera-demux.ts');
  return createDemuxReader(source, onOpened);
}

function failureOf(error: unknown): InputFailure {
  const { stage = 'read', code = 'FAILED', message = String(error) } = error as Partial<InputFailure> & Error;
  return { stage, code: String(code).slice(0, 60), detail: message.slice(0, 300) };
}

function send(sample: WireSample): Promise<void> | void {
  if (writeSample(pipe, sample)) return;
  return new Promise((resolve) => pipe.once('drain', resolve));
}
