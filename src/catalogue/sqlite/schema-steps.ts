// The steps from one schema to the next that need more than SQL. Each runs inside the transaction of the upgrade: a
// crash in the middle leaves the file as it was. What a step did once stays as it is here for ever.
import type { DatabaseSync } from 'node:sqlite';
import { titleKey } from '../search-words.ts';
import { facet } from './facets.ts';
import { peopleTables } from './people-tables.ts';
import { WordIndex } from './word-index.ts';

/** Changes of the index kept in memory at a time: 16 MB. */
const mostGathered = 500_000;

/** From 1 to 2: what there is belongs to the household and lies at the top; titles can be sorted. */
export function giveEverythingToTheHousehold(database: DatabaseSync): void {
  database.exec(`
    ALTER TABLE videos ADD COLUMN owner_id TEXT NOT NULL DEFAULT 'household';
    ALTER TABLE videos ADD COLUMN folder_id TEXT;
    ALTER TABLE videos ADD COLUMN audiences TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE videos ADD COLUMN title_key TEXT NOT NULL DEFAULT '';
  `);
  database.function('title_key', { deterministic: true }, (title) => titleKey(String(title)));
  // Before the indexes are there, which are made faster at once than row by row.
  database.exec('UPDATE videos SET title_key = title_key(title)');
  database.exec(`
    DROP INDEX progress_by_video;
    ALTER TABLE progress RENAME TO old_progress;
    ${peopleTables}
    INSERT INTO progress (person_id, video_id, position_ms, updated_at_ms)
    SELECT person_id, video_id, position_ms, updated_at_ms FROM old_progress;
    DROP TABLE old_progress;
    INSERT INTO usage
    SELECT 'household', count(*), sum(max(ifnull(size_bytes, 0), received_bytes)) FROM videos HAVING count(*) > 0;
  `);
  const index = new WordIndex(database);
  const rows = database.prepare('SELECT sequence, binned_at_ms IS NOT NULL AS in_bin FROM videos');
  const facets = [facet.owner('household'), facet.folder(null)];
  let gathered = 0;
  for (const row of rows.iterate() as Iterable<{ sequence: number; in_bin: 0 | 1 }>) {
    index.addFacets(row.sequence, facets, row.in_bin === 1);
    gathered += facets.length;
    if (gathered < mostGathered) continue;
    index.flush();
    gathered = 0;
  }
  index.flush();
}
