// The test picture: a frame number that can be read back from decoded pixels or from a screenshot of a playing
// page at any size, over a gradient with a moving coloured block. Two rows of 16 squares span the top quarter of
// the picture: the number's bits (most significant first), and below each its complement.

const bits = 16;
/** Each of the two rows of squares is this part of the picture's height. */
const rowsPerPicture = 8;
/** Less difference than this (of 255) between a square and its complement is no pattern of ours. */
const leastContrast = 48;

export type PictureDrawer = {
  /** Draws frame `number` as packed yuv420p. The buffer is reused by the next call. */
  draw(number: number): Buffer;
};

/** Draws test pictures of one size (even width and height, at least 64 pixels wide and 32 high). */
export function createPictureDrawer(width: number, height: number): PictureDrawer {
  const lumaSize = width * height;
  const chromaWidth = width / 2;
  const chromaHeight = height / 2;
  const chromaSize = chromaWidth * chromaHeight;
  const background = Buffer.alloc(lumaSize + 2 * chromaSize, 128);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1)
      background[y * width + x] = 60 + Math.floor((x * 70) / width) + Math.floor((y * 40) / height);
  }
  const picture = Buffer.from(background);
  const bandLines = Math.floor((2 * height) / rowsPerPicture);

  const fillLuma = (left: number, top: number, right: number, bottom: number, value: number) => {
    for (let y = top; y < bottom; y += 1) picture.fill(value, y * width + left, y * width + right);
  };
  const fillChroma = (left: number, top: number, right: number, bottom: number, u: number, v: number) => {
    for (let y = top; y < bottom; y += 1) {
      const row = lumaSize + y * chromaWidth;
      picture.fill(u, row + left, row + right);
      picture.fill(v, row + chromaSize + left, row + chromaSize + right);
    }
  };

  return {
    draw(number) {
      background.copy(picture);
      for (let bit = 0; bit < bits; bit += 1) {
        const isSet = (number >> (bits - 1 - bit)) & 1;
        const left = Math.floor((bit * width) / bits);
        const right = Math.floor(((bit + 1) * width) / bits);
        const middle = Math.floor(height / rowsPerPicture);
        fillLuma(left, 0, right, middle, isSet ? 235 : 16);
        fillLuma(left, middle, right, bandLines, isSet ? 16 : 235);
      }
      // A coloured block moves to the right and changes its colour, so that motion and chroma are tested as well.
      const blockWidth = Math.floor(width / 8) & ~1;
      const blockHeight = Math.floor(height / 4) & ~1;
      const left = ((number * 4) % (width - blockWidth)) & ~1;
      const top = (bandLines + Math.floor(height / 8)) & ~1;
      fillLuma(left, top, left + blockWidth, top + blockHeight, 150);
      const angle = number / 20;
      fillChroma(
        left / 2,
        top / 2,
        (left + blockWidth) / 2,
        (top + blockHeight) / 2,
        128 + Math.round(80 * Math.cos(angle)),
        128 + Math.round(80 * Math.sin(angle)),
      );
      return picture;
    },
  };
}

type BrightnessAt = (x: number, y: number) => number;

/** Mean brightness of the inner half of a square. */
function meanBrightness(at: BrightnessAt, left: number, right: number, top: number, bottom: number): number {
  const insetX = (right - left) / 4;
  const insetY = (bottom - top) / 4;
  let sum = 0;
  let count = 0;
  for (let y = Math.ceil(top + insetY); y <= bottom - insetY; y += 1) {
    for (let x = Math.ceil(left + insetX); x <= right - insetX; x += 1) {
      sum += at(x, y);
      count += 1;
    }
  }
  return count === 0 ? Number.NaN : sum / count;
}

function readNumber(at: BrightnessAt, width: number, height: number): number | null {
  const rowHeight = height / rowsPerPicture;
  let number = 0;
  for (let bit = 0; bit < bits; bit += 1) {
    const left = (bit * width) / bits;
    const right = ((bit + 1) * width) / bits;
    const upper = meanBrightness(at, left, right, 0, rowHeight);
    const lower = meanBrightness(at, left, right, rowHeight, 2 * rowHeight);
    if (!(Math.abs(upper - lower) >= leastContrast)) return null;
    number = number * 2 + (upper > lower ? 1 : 0);
  }
  return number;
}

/**
 * Reads the frame number out of a picture of any size (at least 64 x 32) that shows the whole test picture and
 * nothing else, four bytes a pixel in the order red, green, blue, anything. Null where there is no clear number.
 */
export function readFrameNumber(
  rgba: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
): number | null {
  const at = (x: number, y: number) => {
    const pixel = (y * width + x) * 4;
    return 0.299 * rgba[pixel]! + 0.587 * rgba[pixel + 1]! + 0.114 * rgba[pixel + 2]!;
  };
  return readNumber(at, width, height);
}

/** As `readFrameNumber`, from a plane of brightness with `stride` bytes a line (the first plane of decoded YUV). */
export function readFrameNumberFromLuma(
  luma: Uint8Array,
  width: number,
  height: number,
  stride = width,
): number | null {
  return readNumber((x, y) => luma[y * stride + x]!, width, height);
}
