// Holds the catalogue against itself: folders, links, counts, and the index of words and facets, which all follow from
// the rows of videos and folders. What disagrees is told, and with `repair` made to follow from them again. Memory: the
// words of 4096 videos, the facets of all (512 bytes each for 4096 videos).
import type { Disagreement } from '../catalogue.ts';
import { beginningsOf, titleKey, titleWords } from '../search-words.ts';
import { addMember, bucketSize, writeMembers } from './members.ts';
import type { Statements } from './statements.ts';
import type { VideoRow } from './video-rows.ts';
import { facetsOf } from './video-writes.ts';
import type { WordIndex } from './word-index.ts';

/** A rule as SQL: what is wrong with each row it finds, and what puts all of them right. */
type Rule = {
  readonly subject: string;
  readonly message: string;
  readonly find: string;
  readonly mend: string;
};

const noFolder =
  'FROM videos LEFT JOIN folders ON folders.id = videos.folder_id WHERE folder_id IS NOT NULL AND';
const noParent = `FROM folders LEFT JOIN folders AS outer_folder ON outer_folder.id = folders.parent_id
  WHERE folders.parent_id IS NOT NULL AND outer_folder.owner_id IS NOT folders.owner_id`;
/** Folders that no way leads to from one that lies in none: they lie in each other. */
const inCircle = `id NOT IN (
  WITH RECURSIVE reached (id) AS (
    SELECT id FROM folders WHERE parent_id IS NULL UNION SELECT folders.id ${noParent}
    UNION SELECT folders.id FROM folders JOIN reached ON folders.parent_id = reached.id)
  SELECT id FROM reached)`;
const unreadable = 'whom it is shared with cannot be read';
const stored = 'max(ifnull(size_bytes, 0), received_bytes)';

const rules: readonly Rule[] = [
  ...(['videos', 'folders'] as const).map((table) => ({
    subject: table.slice(0, -1),
    message: unreadable,
    find: `SELECT id FROM ${table} WHERE NOT json_valid(audiences)`,
    mend: `UPDATE ${table} SET audiences = '[]' WHERE NOT json_valid(audiences)`,
  })),
  {
    subject: 'folder',
    message: "lies in one that is not there, or another person's",
    find: `SELECT folders.id ${noParent}`,
    mend: `UPDATE folders SET parent_id = NULL WHERE id IN (SELECT folders.id ${noParent})`,
  },
  {
    subject: 'folder',
    message: 'lies within itself',
    find: `SELECT id FROM folders WHERE ${inCircle}`,
    mend: `UPDATE folders SET parent_id = NULL WHERE ${inCircle}`,
  },
  {
    subject: 'video',
    message: "lies in a folder that is not there, or in another person's",
    find: `SELECT videos.id ${noFolder} folders.owner_id IS NOT videos.owner_id`,
    mend: `UPDATE videos SET folder_id = NULL WHERE sequence IN
           (SELECT sequence ${noFolder} folders.owner_id IS NOT videos.owner_id)`,
  },
  ...(['video', 'folder'] as const).map((subject) => ({
    subject: 'link',
    message: `leads to a ${subject} that is not there`,
    find: `SELECT id FROM links WHERE subject = '${subject}' AND subject_id NOT IN (SELECT id FROM ${subject}s)`,
    mend: `DELETE FROM links WHERE subject = '${subject}' AND subject_id NOT IN (SELECT id FROM ${subject}s)`,
  })),
  {
    subject: 'usage of person',
    message: 'what they have is counted wrong',
    find: `SELECT owner_id AS id FROM (
             SELECT owner_id, count(*) AS videos, sum(${stored}) AS bytes FROM videos GROUP BY owner_id
             UNION SELECT owner_id, videos, bytes FROM usage) GROUP BY owner_id
           HAVING count(*) > 1 OR owner_id NOT IN (SELECT owner_id FROM usage)
             OR owner_id NOT IN (SELECT owner_id FROM videos)`,
    mend: `DELETE FROM usage;
           INSERT INTO usage SELECT owner_id, count(*), sum(${stored}) FROM videos GROUP BY owner_id`,
  },
  {
    subject: 'number of videos in the',
    message: 'is wrong',
    find: `SELECT name AS id FROM tallies WHERE videos <>
           (SELECT count(*) FROM videos WHERE (binned_at_ms IS NOT NULL) = (name = 'bin'))`,
    mend: `UPDATE tallies SET videos =
           (SELECT count(*) FROM videos WHERE (binned_at_ms IS NOT NULL) = (name = 'bin'))`,
  },
];

/** In the writer's transaction, all of it. */
export function inspectCatalogue(statements: Statements, index: WordIndex, repair: boolean): Disagreement[] {
  index.flush();
  const found: Disagreement[] = [];
  for (const { subject, message, find, mend } of rules) {
    const rows = statements.all<{ id: string }>(find);
    found.push(...rows.map(({ id }) => ({ subject: `${subject} ${id}`, message, isRepaired: repair })));
    if (repair && rows.length > 0) for (const sql of mend.split(';')) statements.run(sql);
  }
  found.push(...inspectRows(statements, repair));
  // What cannot be read says nothing about the index.
  if (!repair && found.some(({ message }) => message === unreadable)) return found;
  const differing = compareIndex(statements, index, repair);
  if (differing > 0) {
    const message = `${differing} of its sets of videos are not what the videos say`;
    found.push({ subject: 'search', message, isRepaired: repair });
  }
  return found;
}

/** The keys that titles are sorted by. */
function inspectRows(statements: Statements, repair: boolean): Disagreement[] {
  const found: Disagreement[] = [];
  for (const row of everyRow(statements)) {
    const key = titleKey(row.title);
    if (row.title_key === key) continue;
    const message = 'has another place among the titles than its title says';
    found.push({ subject: `video ${row.id}`, message, isRepaired: repair });
    if (repair) statements.run('UPDATE videos SET title_key = ? WHERE sequence = ?', key, row.sequence);
  }
  return found;
}

/** How many sets of the index differ from what the rows say. */
function compareIndex(statements: Statements, index: WordIndex, repair: boolean): number {
  const facets = new Expected();
  let words = new Expected();
  let [bucket, differing] = [0, 0];
  const compareWords = () => {
    const stored = statements.all<StoredSet>(
      'SELECT in_bin, bucket, beginning AS name, members FROM title_words WHERE in_bin IN (0, 1) AND bucket = ?',
      bucket,
    );
    differing += words.compare(stored, (set) => {
      if (repair) index.writeWord(set.in_bin, set.bucket, set.name, set.members);
    });
    words = new Expected();
  };
  for (const row of everyRow(statements)) {
    const its = Math.floor(row.sequence / bucketSize);
    for (; bucket < its; bucket++) compareWords();
    for (const name of beginningsOf(titleWords(row.title))) words.add(row, name);
    for (const name of facetsOf(statements, row)) facets.add(row, name);
  }
  const last = statements.get<{ bucket: number }>(
    `SELECT max(ifnull((SELECT max(bucket) FROM title_words WHERE in_bin = 0), 0),
                ifnull((SELECT max(bucket) FROM title_words WHERE in_bin = 1), 0)) AS bucket`,
  )!;
  for (; bucket <= last.bucket || !words.isEmpty; bucket++) compareWords();
  const stored = statements.all<StoredSet>('SELECT in_bin, bucket, facet AS name, members FROM facets');
  differing += facets.compare(stored, (set) => {
    if (repair) index.writeFacet(set.in_bin, set.bucket, set.name, set.members);
  });
  return differing;
}

type StoredSet = { in_bin: 0 | 1; bucket: number; name: string; members: Uint8Array };

/** The sets that there should be. */
class Expected {
  readonly #sets = new Map<string, StoredSet>();

  get isEmpty(): boolean {
    return this.#sets.size === 0;
  }

  add(row: VideoRow, name: string): void {
    const inBin = row.binned_at_ms === null ? 0 : 1;
    const bucket = Math.floor(row.sequence / bucketSize);
    const key = `${inBin} ${bucket} ${name}`;
    let set = this.#sets.get(key);
    if (!set) {
      set = { in_bin: inBin, bucket, name, members: new Uint8Array(bucketSize / 8) };
      this.#sets.set(key, set);
    }
    addMember(set.members, row.sequence % bucketSize);
  }

  /** Gives `mend` what each set that differs should be; returns how many. To be called once. */
  compare(stored: readonly StoredSet[], mend: (set: StoredSet) => void): number {
    let differing = 0;
    for (const set of stored) {
      const key = `${set.in_bin} ${set.bucket} ${set.name}`;
      const expected = this.#sets.get(key);
      this.#sets.delete(key);
      const members = expected && writeMembers(expected.members);
      if (members && Buffer.compare(members, set.members) === 0) continue;
      differing++;
      mend(expected ?? { ...set, members: new Uint8Array(bucketSize / 8) });
    }
    for (const set of this.#sets.values()) mend(set);
    return differing + this.#sets.size;
  }
}

function* everyRow(statements: Statements): Generator<VideoRow> {
  for (let last = -1; ; ) {
    const rows = statements.all<VideoRow>(
      'SELECT * FROM videos WHERE sequence > ? ORDER BY sequence LIMIT 500',
      last,
    );
    yield* rows;
    if (rows.length === 0) return;
    last = rows.at(-1)!.sequence;
  }
}
