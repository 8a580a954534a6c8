// What every camera driver must do, built in or the user's: start, yield pictures, end within 1 s of its signal and
// release what it holds, and say in one sentence why it cannot.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CameraSample, DriverModule, DriverOptions } from '../../src/cameras/driver.ts';
import { trimJpeg } from '../../src/cameras/jpeg.ts';
import { systemClock } from '../../src/clock.ts';
import { until } from '../helpers/until.ts';

export type DriverCase = {
  readonly name: string;
  readonly load: () => Promise<DriverModule>;
  /** Options under which it works. Called once a test; what `close` releases is released after it. */
  readonly working: () => Promise<{
    options: DriverOptions;
    close?: () => Promise<void>;
    isReleased?: () => boolean;
  }>;
  /** Options under which it cannot, and what the sentence must say; null where it always can. */
  readonly failing: { readonly options: DriverOptions; readonly says: RegExp } | null;
  /** Options it refuses before it starts; null where it has no check. */
  readonly refused: { readonly options: DriverOptions; readonly says: RegExp } | null;
};

const enough = 5;

/** Registers the contract's tests for one driver. */
export function testDriver({ name, load, working, failing, refused }: DriverCase): void {
  describe(`the camera driver ${name}`, () => {
    test('starts and yields whole pictures', async () => {
      const { options, close } = await working();
      const { samples } = await load();
      const controller = new AbortController();
      let count = 0;
      const seen = new Set<string>();
      for await (const sample of samples(options, { signal: controller.signal, clock: systemClock })) {
        checkSample(sample, seen);
        if (++count === enough) controller.abort();
      }
      assert.equal(count, enough, 'it ended after its signal without another picture');
      await close?.();
    });

    test('ends within one second of its signal and releases what it holds', async () => {
      const { options, close, isReleased } = await working();
      const { samples } = await load();
      const controller = new AbortController();
      const running = samples(options, { signal: controller.signal, clock: systemClock });
      await running.next();
      const pending = running.next();
      const abortedAtMs = performance.now();
      controller.abort();
      // One more picture may have been on its way.
      if (!(await pending).done) await running.next();
      assert.ok(performance.now() - abortedAtMs < 1000);
      assert.equal((await running.next()).done, true);
      if (isReleased) await until(isReleased, { what: 'the release of the camera' });
      await close?.();
    });

    test('yields nothing when its signal has aborted before it starts', async () => {
      const { options, close } = await working();
      const { samples } = await load();
      const running = samples(options, { signal: AbortSignal.abort(), clock: systemClock });
      assert.equal((await running.next()).done, true);
      await close?.();
    });

    if (failing) {
      test('says in one sentence why it cannot', async () => {
        const { samples } = await load();
        const running = samples(failing.options, {
          signal: new AbortController().signal,
          clock: systemClock,
        });
        await assert.rejects(running.next(), (error: Error) => {
          assert.match(error.message, failing.says);
          assert.match(error.message, /^[A-Z].{5,200}\.$/, 'one line, a sentence');
          return true;
        });
      });
    }
    if (refused) {
      test('refuses wrong options before it starts', async () => {
        const { checkOptions } = await load();
        assert.throws(() => checkOptions!(refused.options), {
          name: 'AppError',
          kind: 'bad-request',
          message: refused.says,
        });
      });
    }
  });
}

/** A JPEG picture is whole; of every other codec the first one can be begun with. `seen` is kept from call to call. */
function checkSample(sample: Uint8Array | CameraSample, seen: Set<string>): void {
  if (sample instanceof Uint8Array || sample.codec === 'jpeg') {
    assert.ok(trimJpeg(sample instanceof Uint8Array ? sample : sample.data), 'a whole JPEG');
    return;
  }
  assert.ok(Number.isFinite(sample.ptsMicros) && sample.data.length > 0);
  if (!seen.has(sample.codec)) {
    assert.ok(sample.isKey, `the first sample of ${sample.codec} is one to begin with`);
    if (!sample.codec.startsWith('pcm'))
      assert.ok(sample.config, `${sample.codec} comes with its configuration`);
  }
  seen.add(sample.codec);
  if (sample.codec !== 'avc' && sample.codec !== 'hevc') return;
  const view = new DataView(sample.data.buffer, sample.data.byteOffset, sample.data.length);
  let at = 0;
  while (at < view.byteLength) at += 4 + view.getUint32(at);
  assert.equal(at, view.byteLength, 'length prefixes of four bytes that fit');
}
