// What a camera process answers about cameras to try, modes of a device and cameras found, to JSON and back: read with
// care, since the processes may be of different versions.
import type { CameraTest, DeviceMode, FoundCamera } from '../cameras.ts';
import { maxSampleBytes } from '../driver.ts';
import { readKinds } from './notes.ts';
import { OwnerAway } from './service-calls.ts';

/** Nobody has so many. */
const mostItems = 1000;
const mostChars = 2000;

export function writeTest({ ok, message, picture, kinds }: CameraTest): unknown {
  return { ok, message, kinds, jpeg: picture && Buffer.from(picture.jpeg).toString('base64') };
}

/** Throws `unavailable`, as the others do, where it is none. */
export function readTest(answer: unknown, nowMs: number): CameraTest {
  const { ok, message, kinds, jpeg } = fields(answer);
  if (typeof ok !== 'boolean' || typeof message !== 'string') throw new OwnerAway();
  const bytes = typeof jpeg === 'string' ? Buffer.from(jpeg, 'base64') : null;
  const isPicture = bytes !== null && bytes.length > 0 && bytes.length <= maxSampleBytes;
  return {
    ...{ ok, message: message.slice(0, mostChars), kinds: readKinds(kinds) },
    picture: isPicture ? { jpeg: bytes, takenAtMs: nowMs, sequence: 1 } : null,
  };
}

export function readModes(answer: unknown): DeviceMode[] {
  return items(answer).map((each) => {
    const { width, height, maxFps, format } = fields(each);
    const isMode = isCount(width) && isCount(height) && typeof maxFps === 'number' && maxFps >= 0;
    if (!isMode || typeof format !== 'string' || format.length > mostChars) throw new OwnerAway();
    return { width, height, maxFps, format };
  });
}

export function readFound(answer: unknown): FoundCamera[] {
  return items(answer).map((each) => {
    const { kind, name, address, driver, options } = fields(each);
    const texts = [name, address, driver, ...Object.values(fields(options))];
    if (kind !== 'onvif' && kind !== 'v4l2') throw new OwnerAway();
    if (!texts.every((text) => typeof text === 'string' && text.length <= mostChars)) throw new OwnerAway();
    return { kind, name, address, driver, options } as FoundCamera;
  });
}

function items(answer: unknown): readonly unknown[] {
  if (!Array.isArray(answer) || answer.length > mostItems) throw new OwnerAway();
  return answer;
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new OwnerAway();
  return value as Readonly<Record<string, unknown>>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
