// A library as twenty people might have it after a lifetime, made straight through the catalogue's own writes, without
// waiting for the disk: a million videos, half of them in folders, a fifth shared with the household, one in a hundred
// with a cousin who has nothing else. The same in every run.
import type { Arrival, Sight } from '../../src/catalogue/catalogue.ts';
import { openForWriting } from '../../src/catalogue/sqlite/open-database.ts';
import { WordIndex } from '../../src/catalogue/sqlite/word-index.ts';
import { createWrites } from '../../src/catalogue/sqlite/writes.ts';
import { createId } from '../../src/ids.ts';

const people = Array.from({ length: 20 }, (_, i) => `person${i}`);
/** Folders of each of the first ten people: in tens, one level within the other. */
const foldersEach = 100;
/** Videos in one transaction. */
const together = 20_000;

/** Whose lists are measured. */
export const viewers: Readonly<Record<string, Sight>> = {
  owner: { ownerIds: ['person0', 'household'], audiences: ['person0', 'household'] },
  member: { ownerIds: ['person7'], audiences: ['person7', 'household'] },
  'cousin (sees 1 %)': { ownerIds: ['cousin'], audiences: ['cousin'] },
  'stranger (sees nothing)': { ownerIds: ['stranger'], audiences: ['stranger'] },
};

/** A folder to list, and one that is shared with the cousin. */
export const folderOf = (person: number, number: number): string => `folder-${person}-${number}`;

export const arrival: Arrival = {
  status: 'ready',
  reason: null,
  sizeBytes: 734_003_200,
  durationMs: 5_400_000,
  container: 'matroska',
  tracks: (['video', 'audio'] as const).map((kind, i) => ({
    number: i + 1,
    kind,
    codec: kind === 'video' ? 'avc' : 'aac',
    codecName: kind === 'video' ? 'V_MPEG4/ISO/AVC' : 'A_AAC',
    codecString: kind === 'video' ? 'avc1.640028' : 'mp4a.40.2',
    language: 'eng',
    name: '',
    width: kind === 'video' ? 1920 : 0,
    height: kind === 'video' ? 1080 : 0,
    channels: kind === 'audio' ? 2 : 0,
    sampleRate: kind === 'audio' ? 48_000 : 0,
    obstacle: null,
  })),
  playback: { viewType: 'video/mp4; codecs="avc1.640028, mp4a.40.2"', originalType: null },
  indexId: createId(),
};

/** The same pseudo-random numbers in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Titles as people have them: common words, rare ones, years, camera names; half a million older, the rest newer. */
export function createTitles(rows: number): (i: number) => string {
  const random = createRandom(7);
  const syllables = ['ka', 'ri', 'mo', 'te', 'lu', 'san', 'dor', 'vel', 'pi', 'no', 'ge', 'ha'];
  const pick = <Item>(list: readonly Item[]) => list[Math.floor(random() ** 2 * list.length)]!;
  const vocabulary = Array.from({ length: 20_000 }, () => {
    let word = '';
    for (let length = 2 + random() * 3; length > 0; length--) word += pick(syllables);
    return word;
  });
  return (i) => {
    const words = [pick(vocabulary), pick(vocabulary), pick(vocabulary), String(2000 + (i % 25))];
    if (random() < 0.3) words.push('Holiday');
    words.push(i % 2 === 0 ? 'even' : 'odd', i < rows / 2 ? 'older' : 'younger');
    if (random() < 0.1) words.push(`IMG_${i}`);
    return words.join(' ');
  };
}

/** Fills a file that is not there yet. */
export function fillLibrary(file: string, rows: number): void {
  const database = openForWriting(file);
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144');
  const index = new WordIndex(database);
  const writes = createWrites(database, index);
  const random = createRandom(11);
  const title = createTitles(rows);
  const some = (count: number) => Math.floor(random() * count);
  const commit = () => {
    index.flush();
    database.exec('COMMIT; BEGIN');
  };

  database.exec('BEGIN');
  for (let person = 0; person < 10; person++) {
    for (let number = 0; number < foldersEach; number++) {
      const parentId = number % 10 === 0 ? null : folderOf(person, number - 1);
      const [id, ownerId] = [folderOf(person, number), people[person]!];
      writes.addFolder({ id, ownerId, parentId, name: `Folder ${number}`, createdAtMs: 1 });
      if (number % 10 === 3) writes.setAudiences('folder', id, ['household']);
    }
  }
  // Two of the thousand, for the cousin.
  writes.setAudiences('folder', folderOf(1, 49), ['cousin']);
  writes.setAudiences('folder', folderOf(2, 99), ['cousin', 'household']);
  for (let i = 0; i < rows; i++) {
    const person = Math.floor(random() ** 3 * people.length);
    const [id, text, lot] = [createId(), title(i), random()];
    writes.beginUpload({
      id,
      ownerId: people[person]!,
      folderId: person < 10 && random() < 0.5 ? folderOf(person, some(foldersEach)) : null,
      audiences: lot < 0.2 ? ['household'] : lot < 0.205 ? ['cousin'] : [],
      title: text,
      fileName: `${text}.mkv`,
      sizeBytes: null,
      blobId: createId(),
      uploadMetadata: null,
      addedAtMs: 1_600_000_000_000 + i * 1000,
    });
    writes.storeArrival(id, { ...arrival, durationMs: some(9e6), sizeBytes: some(4e9) + person });
    if (random() < 0.3) writes.setMarks('person0', id, { isWatched: true });
    if (random() < 0.001) writes.setMarks('person0', id, { isFavourite: true });
    if (random() < 0.01) writes.setProgress('person0', id, { positionMs: 5000, updatedAtMs: i + 1 });
    if (i % together === together - 1) commit();
  }
  index.flush();
  database.exec('COMMIT; PRAGMA optimize');
  database.close();
}
