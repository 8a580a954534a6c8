// Chapters (RFC 9559 §5.1.7): the titles along the film, flattened from the edition that plays by default.
import type { Chapter } from '../track.ts';
import { children, type Element, readString, readUint } from './ebml.ts';
import { ids } from './elements.ts';

/** More than any film has; the rest is left out. */
const maxChapters = 10_000;
/** Chapters in chapters: discs nest two or three deep. */
const maxDepth = 8;

/** The chapters of the default edition (else the first) in order of time. Never throws. */
export function readChapters(chapters: Uint8Array): Chapter[] {
  const editions = [...ofId(chapters, ids.editionEntry)].filter(
    (edition) => !flag(edition, ids.editionFlagHidden),
  );
  const edition = editions.find((each) => flag(each, ids.editionFlagDefault)) ?? editions[0];
  if (!edition) return [];
  const found: Chapter[] = [];
  collect(edition.data, 1, found);
  return found.sort((a, b) => a.startMs - b.startMs);
}

function collect(parent: Uint8Array, depth: number, found: Chapter[]): void {
  for (const atom of ofId(parent, ids.chapterAtom)) {
    if (found.length >= maxChapters) return;
    let startMs = 0;
    let endMs: number | null = null;
    let title = '';
    for (const { id, data } of children(atom.data)) {
      if (id === ids.chapterTimeStart) startMs = readUint(data) / 1e6;
      else if (id === ids.chapterTimeEnd) endMs = readUint(data) / 1e6;
      else if (id === ids.chapterDisplay && title === '') title = displayTitle(data);
    }
    if (!flag(atom, ids.chapterFlagHidden)) found.push({ startMs, endMs, title });
    if (depth < maxDepth) collect(atom.data, depth + 1, found);
  }
}

function displayTitle(display: Uint8Array): string {
  for (const { data } of ofId(display, ids.chapString)) return readString(data);
  return '';
}

function flag(parent: Element, id: number): boolean {
  for (const { data } of ofId(parent.data, id)) return readUint(data) !== 0;
  return false;
}

function* ofId(parent: Uint8Array, id: number): Generator<Element, void, void> {
  for (const element of children(parent)) if (element.id === id) yield element;
}
