// The driver `push`: a camera or a phone that sends to us (POST /api/v1/cameras/:id/push). It waits for the sender,
// says so, and yields what comes.
import { AppError } from '../../errors.ts';
import type { CameraSample, DriverContext, DriverOptions } from '../driver.ts';
import { checkNames, textOption } from '../options.ts';

/** A sender that is there and sends nothing for so long is no signal. */
const silentMs = 10_000;

/** The key a sender must show; null where it needs none. Throws `bad-request`. */
export function keyOf(options: DriverOptions): string | null {
  checkNames('push', options, ['key']);
  return textOption(options, 'key', true);
}

/** Throws `bad-request`. */
export function checkOptions(options: DriverOptions): void {
  keyOf(options);
}

/** Waiting for a sender is not failing: this driver tells of silence itself. */
export function maxPauseMs(): number {
  return Number.POSITIVE_INFINITY;
}

/** Yields what the sender sends, for as long as the camera is watched; senders may come and go. */
export async function* samples(
  options: DriverOptions,
  { signal, senders, report }: DriverContext,
): AsyncGenerator<CameraSample, void, void> {
  checkOptions(options);
  if (!senders) throw new AppError('unavailable', 'Nothing can be sent to this camera here.');
  if (!senders.isSending) report?.('Waiting for the camera to send.');
  for (;;) {
    const event = await senders.next(silentMs, signal);
    if (event === 'stopped') return;
    if (event === 'ended') report?.('The camera stopped sending.');
    else if (event !== 'silent') yield event;
    else if (senders.isSending) report?.('The camera is connected and has sent nothing for 10 seconds.');
    else report?.('Waiting for the camera to send.');
  }
}
