// Puts together what came over RTP in pieces: all packets of one timestamp are one picture (RFC 6184 §5.1, RFC 7798
// §4.1). FFmpeg's own parser would cut a picture in two where a camera repeats its parameter sets between slices.
// Memory: one picture, at most 16 MiB.
import { AV_NOPTS_VALUE } from 'node-av/constants';
import { Packet } from 'node-av/lib';

export type PacketJoiner = {
  /** Takes a piece; hands over the picture before it where this piece is another's. */
  push(piece: Packet): Packet | null;
};

/** A picture larger than this is dropped, as the server would. */
const maxBytes = 16 * 1024 * 1024;
/** Pieces of one picture: 1400 bytes each, so that any picture of that size fits. */
const maxPieces = 16_384;

export function createPacketJoiner(): PacketJoiner {
  let pieces: Buffer[] = [];
  let sizeBytes = 0;
  let pts = AV_NOPTS_VALUE;
  const whole = new Packet();
  whole.alloc();

  const finish = (): Packet | null => {
    if (pieces.length === 0) return null;
    const isKept = sizeBytes <= maxBytes && pieces.length <= maxPieces;
    whole.unref();
    if (isKept) {
      whole.data = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, sizeBytes);
      whole.pts = pts;
      whole.dts = pts;
    }
    pieces = [];
    sizeBytes = 0;
    return isKept ? whole : null;
  };

  return {
    push(piece) {
      const isNext = piece.pts !== pts || pts === AV_NOPTS_VALUE;
      const before = isNext ? finish() : null;
      pts = piece.pts;
      const { data } = piece;
      if (!data) return before;
      sizeBytes += data.length;
      // Of one too large no more is kept, only that it is.
      if (sizeBytes <= maxBytes && pieces.length <= maxPieces) pieces.push(Buffer.from(data));
      return before;
    },
  };
}
