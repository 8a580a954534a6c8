// Reads packets one after the other. A live camera sends hundreds a second, one per RTP packet, and a read in
// FFmpeg's own thread costs more than all else that is done with a packet: while a camera flows it is read where we
// are, and the process looks up between two pictures.
import type { FormatContext, Packet } from 'node-av/lib';
import type { Clock } from '../clock.ts';

/** A camera that lets us wait longer than this does not flow: half of what the server grants for a goodbye. */
const slowMs = 250;
/** For so long after such a wait is read in the other thread, so that a slow camera holds up nothing. */
const slowForMs = 3000;
/** A camera that has flowed for so long is one that flows. */
const provenAfterMs = 1000;
/** The longest without a look at what the server says, while packets come. */
const maxBusyMs = 50;
/** A picture's packets come within some milliseconds of each other: read in one go they cost less. */
const gatherMs = 4;

export type PacketReader = {
  /** Reads the next packet; gives back what FFmpeg answered. */
  next(): number | Promise<number>;
  /** To be awaited after each packet where it is not null. `isNewPicture`: a picture has just begun. */
  turn(isNewPicture: boolean): Promise<void> | null;
};

/** `isLive`: the input comes over the network at its own pace; else every read is made in the other thread. */
export function createPacketReader(
  input: Pick<FormatContext, 'readFrame' | 'readFrameSync'>,
  packet: Packet,
  isLive: boolean,
  clock: Clock,
): PacketReader {
  // As long as it is not known to flow it does not.
  let slowUntilMs = isLive ? clock.monotonicMs() + provenAfterMs : Number.POSITIVE_INFINITY;
  let turnedAtMs = clock.monotonicMs();

  const note = (startedAtMs: number) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - startedAtMs > slowMs) slowUntilMs = nowMs + slowForMs;
  };
  const nextElsewhere = async (startedAtMs: number): Promise<number> => {
    const answer = await input.readFrame(packet);
    note(startedAtMs);
    turnedAtMs = clock.monotonicMs();
    return answer;
  };

  return {
    next() {
      const startedAtMs = clock.monotonicMs();
      if (startedAtMs < slowUntilMs) return nextElsewhere(startedAtMs);
      const answer = input.readFrameSync(packet);
      note(startedAtMs);
      return answer;
    },
    turn(isNewPicture) {
      const nowMs = clock.monotonicMs();
      const busyMs = nowMs - turnedAtMs;
      if (nowMs < slowUntilMs || (busyMs < maxBusyMs && !isNewPicture)) return null;
      // One that catches up is not made to wait.
      if (busyMs < 3 * gatherMs) return null;
      turnedAtMs = nowMs + gatherMs;
      return isNewPicture ? clock.sleep(gatherMs) : new Promise(setImmediate);
    },
  };
}
