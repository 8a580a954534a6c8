// The picture of the camera `test`: colour bars, and what a program can read back from it at any size, decoded or from
// a screenshot: the frame's number and the time it was drawn, as rows of big squares; both in digits for people.
//
//   0/8 .. 1/8 of the height   16 squares: the number's bits, most significant first, white for 1
//   1/8 .. 2/8                 their complement
//   2/8 .. 3/8                 24 squares: the low 24 bits of the milliseconds since the epoch
//   3/8 .. 4/8                 their complement
//   4/8 .. 8/8                 colour bars, and the digits over them

const white = 235;
const black = 16;
const numberBits = 16;
/** 24 bits go round in 4.6 hours: enough to measure a delay. */
const clockBits = 24;

/** 75 % colour bars (Y, U, V of ITU-R BT.601): white, yellow, cyan, green, magenta, red, blue, black. */
const bars: readonly (readonly [number, number, number])[] = [
  [180, 128, 128],
  [162, 44, 142],
  [131, 156, 44],
  [112, 72, 58],
  [84, 184, 198],
  [65, 100, 212],
  [35, 212, 114],
  [16, 128, 128],
];

/** Digits of 3 by 5 dots, a row in three bits, the colon and the point. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  0: [7, 5, 5, 5, 7],
  1: [2, 6, 2, 2, 7],
  2: [7, 1, 7, 4, 7],
  3: [7, 1, 7, 1, 7],
  4: [5, 5, 7, 1, 1],
  5: [7, 4, 7, 1, 7],
  6: [7, 4, 7, 5, 7],
  7: [7, 1, 2, 2, 2],
  8: [7, 5, 7, 5, 7],
  9: [7, 5, 7, 1, 7],
  ':': [0, 2, 0, 2, 0],
  '.': [0, 0, 0, 0, 2],
  ' ': [0, 0, 0, 0, 0],
};
const glyphRows = 5;
const glyphColumns = 4; // with the gap after it

export type TestPicture = {
  /** Draws as packed yuv420p. The buffer is written over by the next call. */
  draw(number: number, nowMs: number): Buffer;
};

/** Draws pictures of one size: even width and height, at least 160 by 90. */
export function createTestPicture(width: number, height: number): TestPicture {
  const lumaBytes = width * height;
  const chromaWidth = width / 2;
  const chromaBytes = chromaWidth * (height / 2);
  const picture = Buffer.alloc(lumaBytes + 2 * chromaBytes, 128);
  const line = (eighths: number) => Math.floor((eighths * height) / 8);
  const barsTop = line(4);
  for (let y = barsTop; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [luma, u, v] = bars[Math.floor((x * bars.length) / width)]!;
      picture[y * width + x] = luma;
      const chroma = (y >> 1) * chromaWidth + (x >> 1);
      picture[lumaBytes + chroma] = u;
      picture[lumaBytes + chromaBytes + chroma] = v;
    }
  }
  const scale = Math.max(1, Math.floor(Math.min(width / (14 * glyphColumns), height / 32)));
  const textTop = barsTop + Math.floor((height - barsTop - (2 * glyphRows + 3) * scale) / 2);

  /** A row of squares: drawn once, then copied to each line below. */
  const drawBits = (value: number, bits: number, fromEighth: number) => {
    for (const [isComplement, eighth] of [
      [0, fromEighth],
      [1, fromEighth + 1],
    ] as const) {
      const [top, bottom] = [line(eighth), line(eighth + 1)];
      const start = top * width;
      for (let bit = 0; bit < bits; bit += 1) {
        const isSet = (Math.floor(value / 2 ** (bits - 1 - bit)) & 1) ^ isComplement;
        const [left, right] = [Math.floor((bit * width) / bits), Math.floor(((bit + 1) * width) / bits)];
        picture.fill(isSet ? white : black, start + left, start + right);
      }
      for (let y = top + 1; y < bottom; y += 1) picture.copyWithin(y * width, start, start + width);
    }
  };
  const drawText = (text: string, top: number) => {
    const left = Math.max(0, Math.floor((width - text.length * glyphColumns * scale) / 2));
    for (let row = 0; row < glyphRows * scale; row += 1) {
      const start = (top + row) * width + left;
      for (let at = 0; at < text.length; at += 1) {
        const dots = glyphs[text[at]!]![Math.floor(row / scale)]!;
        for (let column = 0; column < glyphColumns; column += 1) {
          const x = start + (at * glyphColumns + column) * scale;
          picture.fill(dots & (4 >> column) && column < 3 ? white : black, x, x + scale);
        }
      }
    }
  };

  return {
    draw(number, nowMs) {
      drawBits(number % 2 ** numberBits, numberBits, 0);
      drawBits(Math.floor(nowMs) % 2 ** clockBits, clockBits, 2);
      drawText(new Date(nowMs).toISOString().slice(11, 23), textTop);
      drawText(String(number).padStart(12, ' '), textTop + (glyphRows + 2) * scale);
      return picture;
    },
  };
}
