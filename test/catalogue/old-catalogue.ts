// Makes a catalogue's file as the program before there were accounts left it, with the SQL of then.
import { DatabaseSync } from 'node:sqlite';
import { beginningsOf, titleWords } from '../../src/catalogue/search-words.ts';
import { MemberTable } from '../../src/catalogue/sqlite/member-table.ts';
import { bucketSize } from '../../src/catalogue/sqlite/members.ts';
import { applicationId } from '../../src/catalogue/sqlite/schema.ts';
import { schema1 } from './schema-1.ts';

/** Every eleventh is in the bin, every seventh arrives still, every fifth was begun by the household. */
export function makeOldCatalogue(file: string, titles: readonly string[]): void {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN; ${schema1}`);
  const add = database.prepare(
    `INSERT INTO videos (id, title, file_name, status, size_bytes, received_bytes, duration_ms, tracks, playback,
                         blob_id, added_at_ms, binned_at_ms)
     VALUES (?, ?, 'x.mkv', ?, ?, ?, ?, '[]', '{"viewType":null,"originalType":null}', ?, ?, ?)`,
  );
  const progress = database.prepare("INSERT INTO progress VALUES ('household', ?, ?, ?)");
  const words = new MemberTable(database, 'title_words', 'bucket', 'beginning');
  for (const [i, title] of titles.entries()) {
    const [isArriving, isBinned] = [i % 7 === 0, i % 11 === 0];
    add.run(
      ...[
        `old ${i}`,
        title,
        isArriving ? 'arriving' : 'ready',
        isArriving ? null : 1000 + i,
        isArriving ? 7 : 1000 + i,
      ],
      ...[isArriving ? null : i * 1.5, `blob ${i}`, 1_600_000_000_000 + i, isBinned ? 5 : null],
    );
    if (i % 5 === 0) progress.run(`old ${i}`, i + 0.5, i);
    const sequence = i + 1;
    for (const beginning of beginningsOf(titleWords(title))) {
      words.add(isBinned ? 1 : 0, Math.floor(sequence / bucketSize), beginning, sequence % bucketSize);
    }
  }
  words.flush();
  database.exec(`COMMIT; PRAGMA application_id = ${applicationId}; PRAGMA user_version = 1`);
  database.close();
}
