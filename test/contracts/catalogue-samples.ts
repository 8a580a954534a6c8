// Videos and titles with which catalogues are tried.
import type { Arrival, NewVideo } from '../../src/catalogue/catalogue.ts';
import { createId } from '../../src/ids.ts';

let addedAtMs = 1_700_000_000_000;

/** A new video; each is added a second after the one before. */
export function newVideo(title: string, rest: Partial<NewVideo> = {}): NewVideo {
  addedAtMs += 1000;
  return {
    id: createId(),
    ownerId: 'household',
    folderId: null,
    audiences: [],
    title,
    fileName: `${title}.mkv`,
    sizeBytes: 1234,
    blobId: createId(),
    uploadMetadata: null,
    addedAtMs,
    ...rest,
  };
}

export const arrival: Arrival = {
  status: 'ready',
  reason: null,
  sizeBytes: 5000,
  durationMs: 61_234.5,
  container: 'matroska',
  tracks: [
    {
      number: 1,
      kind: 'video',
      codec: 'avc',
      codecName: 'V_MPEG4/ISO/AVC',
      codecString: 'avc1.64001f',
      language: 'und',
      name: 'Näme "quoted"',
      width: 1920,
      height: 1080,
      channels: 0,
      sampleRate: 0,
      obstacle: null,
    },
  ],
  playback: { viewType: 'video/mp4; codecs="avc1.64001f"', originalType: null },
  indexId: '0123456789abcdef',
};

/** Titles from outside, none of which may break, hide or change anything. */
export const hostileTitles = [
  '',
  ' ',
  '\0',
  'nul\0inside',
  '"AND* NEAR(',
  `'); DROP TABLE videos; --`,
  '* OR 1=1',
  'title:"x" ^y -z {a b}',
  '$where: { $gt: "" }',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '\u202egnp.exe',
  '\u0301\u0301\u0301',
  '🎞️👩‍👩‍👧 family',
  'x'.repeat(100_000),
  'word '.repeat(20_000),
  Array.from({ length: 3000 }, (_, i) => `w${i}`).join(' '),
  '%_%',
  '\ufeffbom \uffff',
];
