// Puts together what came over RTP in pieces: all packets of one timestamp are one picture (RFC 6184 §5.1, RFC 7798
// §4.1). FFmpeg's own parser would cut a picture in two where a camera repeats its parameter sets between slices.
// Memory: one picture, at most 16 MiB.
import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet } from 'node-av/lib';
import type { CodedPicture } from './video-reader.ts';

export type PacketJoiner = {
  /**
   * Takes a piece; hands over the picture before it where this piece is another's. That picture's bytes hold until
   * the next piece is pushed.
   */
  push(piece: Packet): CodedPicture | null;
};

/** A picture larger than this is dropped, as the server would. */
const maxBytes = 16 * 1024 * 1024;
/** Pieces of one picture: 1400 bytes each, so that any picture of that size fits. */
const maxPieces = 16_384;
/** Room for most key frames; it grows for those that are larger and stays so. */
const firstRoomBytes = 256 * 1024;

export function createPacketJoiner(): PacketJoiner {
  // Pieces are copied here once; the picture is a slice of it, the next one begins in the other.
  let room = Buffer.allocUnsafeSlow(firstRoomBytes);
  let spare = Buffer.allocUnsafeSlow(firstRoomBytes);
  let pieces = 0;
  let sizeBytes = 0;
  let pts = AV_NOPTS_VALUE;

  const finish = (): CodedPicture | null => {
    const isKept = sizeBytes > 0 && sizeBytes <= maxBytes && pieces <= maxPieces;
    const data = room.subarray(0, sizeBytes);
    [room, spare] = [spare, room];
    pieces = 0;
    sizeBytes = 0;
    return isKept ? { data, pts, dts: pts, duration: 0n, isKeyframe: false } : null;
  };
  const grow = (neededBytes: number) => {
    const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(neededBytes, room.length * 2)));
    room.copy(larger);
    room = larger;
  };

  return {
    push(piece) {
      const { pts: piecePts, data } = piece;
      const isNext = piecePts !== pts || pts === AV_NOPTS_VALUE;
      const before = isNext ? finish() : null;
      pts = piecePts;
      if (!data) return before;
      const at = sizeBytes;
      sizeBytes += data.length;
      pieces += 1;
      // Of one too large no more is kept, only that it is.
      if (sizeBytes > maxBytes || pieces > maxPieces) return before;
      if (sizeBytes > room.length) grow(sizeBytes);
      room.set(data, at);
      return before;
    },
  };
}
