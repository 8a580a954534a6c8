// Chapters as Nero's writers put them: a chpl box in the user data of the movie. Not standardised; FFmpeg reads and
// writes it, and audiobook tools do.
import type { Chapter } from '../track.ts';
import type { Box, BoxBytes } from './box-reader.ts';

/** Start times count in tenths of a microsecond. */
const unitsPerMs = 10_000;

/** The chapters, in order of time; none where there is no chpl or it makes no sense. */
export function readChapters(file: BoxBytes, moov: Box): Chapter[] {
  const chpl = file.descend(moov, 'udta', 'chpl');
  if (!chpl || chpl.end - chpl.start < 9) return [];
  // version and flags (4), reserved in version 1 (4), count (1), then each: start (8), length of the title (1), title
  let at = chpl.start + (file.bytes[chpl.start] === 0 ? 4 : 8);
  const count = file.bytes[at]!;
  at += 1;
  const starts: { startMs: number; title: string }[] = [];
  for (let i = 0; i < count && at + 9 <= chpl.end; i += 1) {
    const titleEnd = at + 9 + file.bytes[at + 8]!;
    if (titleEnd > chpl.end) break;
    starts.push({ startMs: Math.round(file.u64(at) / unitsPerMs), title: file.text(at + 9, titleEnd) });
    at = titleEnd;
  }
  starts.sort((a, b) => a.startMs - b.startMs);
  return starts.map((chapter, i) => ({ ...chapter, endMs: starts[i + 1]?.startMs ?? null }));
}
