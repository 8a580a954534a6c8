// Tries a camera out, apart from all others: one run of its driver, to the first sample or the reason why none came.
import type { Clock } from '../clock.ts';
import { learnKinds, noKinds } from './camera-kinds.ts';
import type { CameraTest, Picture } from './cameras.ts';
import { type CameraSample, type DriverModule, type DriverOptions, maxSampleBytes } from './driver.ts';
import { type FirstPicture, makeFirstPicture } from './first-picture.ts';
import { trimJpeg } from './jpeg.ts';
import { withoutSecrets } from './secrets.ts';
import { Senders } from './senders.ts';

/** How long a first sample is waited for. */
const testMs = 10_000;

/** Once there is a picture, sound and others that come within this are told too. */
const moreMs = 500;

/** A picture of video takes a process that decodes it; one that takes longer is done without. */
const decodeMs = 5000;

/** How long the driver may take to end; then the answer goes out without waiting for it. */
const stopMs = 1000;

/** Never rejects but with the signal's reason. The driver has ended, or had a second to, when it resolves. */
export async function tryCamera(
  driver: DriverModule,
  options: DriverOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<CameraTest> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const stop = () => controller.abort();
  signal.addEventListener('abort', stop, { once: true });
  const seen: {
    kinds: CameraTest['kinds'];
    picture: Picture | null;
    message: string | null;
    reported: string;
  } = { kinds: noKinds, picture: null, message: null, reported: '' };
  const timer = new AbortController();
  void clock.sleep(testMs, timer.signal).then(stop, () => {});
  const run = (async () => {
    const context = {
      signal: controller.signal,
      clock,
      senders: new Senders(clock),
      report: (sentence: string) => {
        seen.reported = sentence;
      },
    };
    let number = 0;
    let video: FirstPicture | null = null;
    for await (const given of driver.samples(options, context)) {
      const sample = sampleOf(given, clock);
      if (!sample) {
        seen.message = 'The camera sends something that is no whole JPEG picture.';
        continue;
      }
      number += 1;
      const isFirst = seen.kinds === noKinds;
      seen.kinds = learnKinds(seen.kinds, sample);
      if (sample.codec === 'jpeg' && !seen.picture)
        seen.picture = { jpeg: sample.data, takenAtMs: clock.nowMs(), sequence: number };
      if (sample.codec === 'avc' || sample.codec === 'hevc') {
        if (!video && sample.isKey) {
          video = makeFirstPicture(clock, controller.signal);
          void video.picture.then((jpeg) => {
            if (jpeg) seen.picture ??= { jpeg, takenAtMs: clock.nowMs(), sequence: number };
            if (!controller.signal.aborted) stop();
          });
          void clock.sleep(decodeMs, timer.signal).then(stop, () => {});
        }
        video?.offer(sample);
      } else if (isFirst) {
        void clock.sleep(moreMs, timer.signal).then(
          () => video === null && stop(),
          () => {},
        );
      }
      if (controller.signal.aborted) return;
    }
    if (!controller.signal.aborted) seen.message ??= 'The camera ended without sending a picture.';
  })().catch((error: unknown) => {
    if (!controller.signal.aborted) seen.message = error instanceof Error ? error.message : String(error);
  });
  const stopped = new Promise<void>((resolve) => {
    controller.signal.addEventListener('abort', () => {
      void clock.sleep(stopMs, timer.signal).then(resolve, () => resolve());
    });
  });
  await Promise.race([run, stopped]);
  timer.abort();
  controller.abort();
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  const ok = seen.kinds !== noKinds;
  const reason = withoutSecrets(seen.message ?? seen.reported, options);
  return {
    ok,
    message: ok ? sentenceOf(seen.kinds) : reason || 'The camera has sent nothing within 10 seconds.',
    picture: seen.picture,
    kinds: seen.kinds,
  };
}

function sampleOf(given: Uint8Array | CameraSample, clock: Clock): CameraSample | null {
  const isBare = given instanceof Uint8Array;
  const data = isBare ? given : given?.data;
  if (!(data instanceof Uint8Array) || data.length > maxSampleBytes) return null;
  if (!isBare && given.codec !== 'jpeg') return given;
  const jpeg = trimJpeg(data);
  return (
    jpeg && { codec: 'jpeg', data: jpeg, ptsMicros: Math.round(clock.monotonicMs() * 1000), isKey: true }
  );
}

const videoNames = { avc: 'H.264', hevc: 'H.265' } as const;
const soundNames = { aac: 'AAC', opus: 'Opus', pcma: 'G.711', pcmu: 'G.711' } as const;

/** What a camera that works sends, as people say it. */
function sentenceOf({ pictures, video, sound, width, height }: CameraTest['kinds']): string {
  const picture = video ? `${videoNames[video]} video` : pictures ? 'JPEG pictures' : 'no pictures';
  const size = width && height ? ` of ${width} × ${height}` : '';
  return `The camera works: ${picture}${size}${sound ? `, sound (${soundNames[sound]})` : ''}.`;
}
