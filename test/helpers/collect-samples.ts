// Runs a camera driver for some samples, and turns its H.264 or H.265 back into a stream that tests can decode.
import type { CameraSample, DriverOptions } from '../../src/cameras/driver.ts';
import { loadDriver } from '../../src/cameras/registry.ts';
import { systemClock } from '../../src/clock.ts';

/** A driver that gives less than it should must not hold the tests for ever. */
const longestMs = 40_000;

/** Samples until `isEnough` says so, or as many as told. */
export async function collectSamples(
  driver: string,
  options: DriverOptions,
  isEnough: number | ((samples: readonly CameraSample[]) => boolean),
): Promise<CameraSample[]> {
  const { samples } = await loadDriver(driver);
  const end = new AbortController();
  const found: CameraSample[] = [];
  const tooLate = AbortSignal.timeout(longestMs);
  const signal = AbortSignal.any([end.signal, tooLate]);
  for await (const sample of samples(options, { signal, clock: systemClock })) {
    if (sample instanceof Uint8Array) throw new Error('a bare picture');
    found.push(sample);
    if (typeof isEnough === 'number' ? found.length >= isEnough : isEnough(found)) end.abort();
  }
  if (tooLate.aborted && !end.signal.aborted)
    throw new Error(`only ${found.length} samples came within ${longestMs} ms`);
  return found;
}

const startCode = Buffer.of(0, 0, 0, 1);

/** The pictures as an Annex B stream, parameter sets of each configuration before the picture it comes with. */
export function annexBOf(samples: readonly CameraSample[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { codec, config, data } of samples) {
    if (codec !== 'avc' && codec !== 'hevc') continue;
    if (config)
      for (const set of codec === 'avc' ? avcSets(config) : hevcSets(config)) parts.push(startCode, set);
    const bytes = Buffer.from(data);
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32BE(at);
      parts.push(startCode, bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
  }
  return Buffer.concat(parts);
}

function avcSets(config: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  let at = 5;
  for (const mask of [31, 255]) {
    for (let left = config[at++]! & mask; left > 0; left -= 1) {
      const length = config[at]! * 256 + config[at + 1]!;
      sets.push(config.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return sets;
}

function hevcSets(config: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  let at = 23;
  for (let arrays = config[22]!; arrays > 0; arrays -= 1) {
    let units = config[at + 1]! * 256 + config[at + 2]!;
    at += 3;
    for (; units > 0; units -= 1) {
      const length = config[at]! * 256 + config[at + 1]!;
      sets.push(config.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return sets;
}

/** The bytes of the configuration with the first picture, for comparing. */
export function configsOf(samples: readonly CameraSample[], codec: CameraSample['codec']): string[] {
  return samples
    .filter((sample) => sample.codec === codec && sample.config)
    .map(({ config }) => Buffer.from(config!).toString('hex'));
}
