// The Video element of a TrackEntry (RFC 9559 §5.1.4.1.28): size, shape, colour, and how the picture is turned.
import type { Colour } from '../codecs/description.ts';
import { children, readFloat, readUint } from './ebml.ts';
import { ids } from './elements.ts';

/** What a track without a picture has. */
export const noVideo = {
  width: 0,
  height: 0,
  displayWidth: 0,
  displayHeight: 0,
  bitDepth: 0,
  colour: null as Colour | null,
  /** Degrees counter-clockwise. */
  rotation: 0,
  /** Left and right are exchanged before it is turned. */
  isMirrored: false,
};

/** Reads the Video element of a TrackEntry. */
export function readVideo(video: Uint8Array): typeof noVideo {
  let displayUnit = 0;
  const found = { ...noVideo };
  for (const { id, data } of children(video)) {
    if (id === ids.pixelWidth) found.width = boundedPixels(data);
    else if (id === ids.pixelHeight) found.height = boundedPixels(data);
    else if (id === ids.displayWidth) found.displayWidth = readUint(data);
    else if (id === ids.displayHeight) found.displayHeight = readUint(data);
    else if (id === ids.displayUnit) displayUnit = readUint(data);
    else if (id === ids.colour) Object.assign(found, readColour(data));
    else if (id === ids.projection) Object.assign(found, readProjection(data));
  }
  const { displayWidth, displayHeight } = found;
  const isAspectOnly = displayUnit >= 1 && displayUnit <= 3; // cm, inches, ratio (RFC 9559 §5.1.4.1.28.14)
  const isKnown = displayWidth > 0 && displayHeight > 0 && displayUnit <= 3;
  if (!isKnown || (!isAspectOnly && (displayWidth > 65_535 || displayHeight > 65_535))) {
    found.displayWidth = found.width;
    found.displayHeight = found.height;
  } else if (isAspectOnly) {
    found.displayHeight = found.height;
    found.displayWidth = Math.max(
      1,
      Math.min(65_535, Math.round((found.height * displayWidth) / displayHeight)),
    );
  }
  return found;
}

/** No sample entry can say more than 65535 (ISO/IEC 14496-12 §12.1.3), and no screen shows it. */
function boundedPixels(data: Uint8Array): number {
  return Math.min(readUint(data), 65_535);
}

function readColour(colour: Uint8Array): { colour: Colour; bitDepth: number } {
  // 2 is "unspecified" in ISO/IEC 23091-2, and the default of all three.
  let [primaries, transfer, matrix, range, bitDepth] = [2, 2, 2, 0, 0];
  for (const { id, data } of children(colour)) {
    const value = Math.min(readUint(data), 255);
    if (id === ids.primaries) primaries = value;
    else if (id === ids.transferCharacteristics) transfer = value;
    else if (id === ids.matrixCoefficients) matrix = value;
    else if (id === ids.range) range = value;
    else if (id === ids.bitsPerChannel) bitDepth = value;
  }
  return { colour: { primaries, transfer, matrix, isFullRange: range === 2 }, bitDepth };
}

/**
 * How a flat picture is turned (RFC 9559 §5.1.4.1.28.41): the roll is counter-clockwise, and a yaw of half a turn,
 * which comes first, mirrors it. Any other pose is of no use on a flat screen.
 */
function readProjection(projection: Uint8Array): { rotation: number; isMirrored: boolean } {
  let [type, yaw, pitch, roll] = [0, 0, 0, 0];
  for (const { id, data } of children(projection)) {
    if (id === ids.projectionType) type = readUint(data);
    else if (id === ids.projectionPoseYaw) yaw = readFloat(data);
    else if (id === ids.projectionPosePitch) pitch = readFloat(data);
    else if (id === ids.projectionPoseRoll) roll = readFloat(data);
  }
  const isFlat = type === 0 && pitch === 0 && (yaw === 0 || Math.abs(yaw) === 180);
  return isFlat ? { rotation: roll, isMirrored: yaw !== 0 } : { rotation: 0, isMirrored: false };
}

/** HTC phones wrote the rotation (clockwise) into the track's name, having no other place for it then. */
export function namedRotation(name: string): number {
  const degrees = /^htc_video_rotA-(\d{3})$/i.exec(name)?.[1];
  return degrees === undefined ? 0 : -Number(degrees);
}

/** Where the right and the down of a picture go after quarter turns counter-clockwise, as [x, y] each, y down. */
const quarterTurns = [
  [1, 0, 0, 1],
  [0, -1, 1, 0],
  [-1, 0, 0, -1],
  [0, 1, -1, 0],
] as const;

/**
 * The tkhd matrix (ISO/IEC 14496-12 §8.3.2) that mirrors and turns a picture and keeps it in the first quadrant;
 * angles are rounded to a quarter. Null where it stays as it is.
 */
export function orientationMatrix(
  degrees: number,
  isMirrored: boolean,
  { displayWidth, displayHeight }: { displayWidth: number; displayHeight: number },
): readonly number[] | null {
  const quarters = ((Math.round(degrees / 90) % 4) + 4) % 4;
  if (quarters === 0 && !isMirrored) return null;
  const [rightX, rightY, downX, downY] = quarterTurns[quarters]!;
  const side = isMirrored ? -1 : 1;
  const [a, b, c, d] = [side * rightX, side * rightY, downX, downY];
  const x = -Math.min(0, a * displayWidth) - Math.min(0, c * displayHeight);
  const y = -Math.min(0, b * displayWidth) - Math.min(0, d * displayHeight);
  const fixed = 0x10000; // 16.16; the last column is 2.30
  return [a, b, 0, c, d, 0, x, y].map((value) => value * fixed + 0).concat(0x40000000);
}
