// Asks a V4L2 device for its formats, sizes and rates, in a forked process that is given some seconds.
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { CameraAnswer, CameraRequest, DeviceMode } from './camera-messages.ts';
import { keepProcess } from './kept-process.ts';

/** Some webcams need a second to answer; one that does not answer in five is broken. */
const timeoutMs = 5000;
/** More than any device offers. */
const maxModes = 1000;

const noCalls =
  'Webcams are asked on 64-bit Linux with the package koffi, which is not installed here, or this is none.';

/** The modes, largest pictures first. Throws `unavailable` with one sentence, or the signal's reason. */
export async function listDeviceModes(
  device: string,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<readonly DeviceMode[]> {
  signal.throwIfAborted();
  const answer = Promise.withResolvers<readonly DeviceMode[]>();
  const fail = (message: string) => answer.reject(new AppError('unavailable', message));
  const kept = keepProcess({
    program: new URL('./camera-process.ts', import.meta.url),
    clock,
    hasPipe: true,
    maxMemoryBytes: 300 * 1024 * 1024,
    onMessage(message) {
      const said = message as CameraAnswer | null;
      if (said?.kind === 'modes') answer.resolve(said.modes);
      else if (said?.kind === 'no-engine') fail(noCalls);
      else if (said?.kind === 'failed') fail(`The camera ${device} cannot be asked what it offers.`);
    },
  });
  const over = new AbortController();
  const onAbort = () => answer.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  void kept.ended.then(() => fail(`The camera ${device} cannot be asked what it offers.`));
  void clock.sleep(timeoutMs, over.signal).then(
    () => fail(`The camera ${device} does not say what it offers.`),
    () => undefined,
  );
  try {
    kept.send({ kind: 'list-modes', device } satisfies CameraRequest);
    return sorted(await answer.promise);
  } finally {
    over.abort();
    signal.removeEventListener('abort', onAbort);
    kept.pipe.destroy();
    await kept.end();
  }
}

function sorted(modes: readonly DeviceMode[]): readonly DeviceMode[] {
  return modes
    .slice(0, maxModes)
    .toSorted((a, b) => b.width * b.height - a.width * a.height || b.maxFps - a.maxFps);
}
