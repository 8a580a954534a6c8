// The tables of the catalogue's SQLite file, every column explained, and the steps from older ones. Only forward: a
// file of a newer program is refused, never changed.

import type { DatabaseSync } from 'node:sqlite';
import { peopleTables } from './people-tables.ts';
import { giveEverythingToTheHousehold } from './schema-steps.ts';
import { taskTable } from './task-table.ts';

/** Marks a file as Kinora's catalogue (`PRAGMA application_id`): "Kino" in ASCII. */
export const applicationId = 0x4b696e6f;

/** `PRAGMA user_version` of the schema below. */
const schemaVersion = 3;

const schema = `
-- One row for each video, from its first byte on.
CREATE TABLE videos (
  -- The order in which they began to arrive, which is the order they are listed in, newest first. A clock that was
  -- set back does not move a video. Never used twice (AUTOINCREMENT), so a place in the list stays a place.
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Made by the caller.
  id TEXT NOT NULL UNIQUE,
  -- What people see and search.
  title TEXT NOT NULL,
  -- The name the file came with, as text.
  file_name TEXT NOT NULL,
  -- arriving, ready, converting, unplayable.
  status TEXT NOT NULL,
  -- A sentence for people; null where all is well.
  reason TEXT,
  -- Whole size in bytes: as announced while arriving (null where not announced), exact afterwards.
  size_bytes INTEGER,
  -- Bytes that arrived. While it arrives this is only now and then up to date; the blob store knows.
  received_bytes INTEGER NOT NULL,
  -- Milliseconds, with fractions; null where not known.
  duration_ms REAL,
  -- matroska, mp4, ...; null while not known.
  container TEXT,
  -- JSON: the list of TrackSummary.
  tracks TEXT NOT NULL,
  -- JSON: Playback.
  playback TEXT NOT NULL,
  -- The blob of the original.
  blob_id TEXT NOT NULL,
  -- The blob of the index; null where there is none.
  index_id TEXT,
  -- The tus client's metadata header; null where it came another way.
  upload_metadata TEXT,
  -- Milliseconds since the epoch.
  added_at_ms INTEGER NOT NULL,
  -- When it went into the bin, milliseconds since the epoch; null where it is not in it.
  binned_at_ms INTEGER,
  -- The person it belongs to; 'household' for what came before there were accounts.
  owner_id TEXT NOT NULL DEFAULT 'household',
  -- The folder it lies in; null at the top. (No foreign key: it would need an index of its own; the facets know.)
  folder_id TEXT,
  -- JSON: the audiences it is itself shared with, in order, each once.
  audiences TEXT NOT NULL DEFAULT '[]',
  -- What titles are sorted by, as search-words.ts makes it.
  title_key TEXT NOT NULL DEFAULT ''
) STRICT;
-- The library and the bin in their order, however many rows the other one has.
CREATE INDEX videos_in_library ON videos (sequence) WHERE binned_at_ms IS NULL;
CREATE INDEX videos_in_bin ON videos (sequence) WHERE binned_at_ms IS NOT NULL;
-- What has been in the bin for long.
CREATE INDEX videos_by_binned_at ON videos (binned_at_ms) WHERE binned_at_ms IS NOT NULL;
-- What a crash interrupted.
CREATE INDEX videos_arriving ON videos (sequence) WHERE status = 'arriving';

-- How many videos there are, kept by the triggers below: counting a million rows takes too long for a page.
CREATE TABLE tallies (
  -- 'library' or 'bin'.
  name TEXT PRIMARY KEY,
  videos INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tallies VALUES ('library', 0), ('bin', 0);
CREATE TRIGGER videos_added AFTER INSERT ON videos BEGIN
  UPDATE tallies SET videos = videos + 1 WHERE name = iif(new.binned_at_ms IS NULL, 'library', 'bin');
END;
CREATE TRIGGER videos_removed AFTER DELETE ON videos BEGIN
  UPDATE tallies SET videos = videos - 1 WHERE name = iif(old.binned_at_ms IS NULL, 'library', 'bin');
END;
CREATE TRIGGER videos_moved AFTER UPDATE OF binned_at_ms ON videos
WHEN (old.binned_at_ms IS NULL) <> (new.binned_at_ms IS NULL) BEGIN
  UPDATE tallies SET videos = videos + iif((name = 'bin') = (new.binned_at_ms IS NOT NULL), 1, -1);
END;

-- The search: for each beginning of a word, which videos have it in their title, in buckets of 4096 sequences. The
-- bucket comes first in the key, so that a new title changes neighbouring pages instead of pages all over the table.
CREATE TABLE title_words (
  -- 0 the library, 1 the bin.
  in_bin INTEGER NOT NULL,
  -- sequence / 4096.
  bucket INTEGER NOT NULL,
  -- A beginning of a word as search-words.ts makes them.
  beginning TEXT NOT NULL,
  -- sequence % 4096 of the videos, as members.ts writes them; never empty.
  members BLOB NOT NULL,
  PRIMARY KEY (in_bin, bucket, beginning)
) STRICT, WITHOUT ROWID;

${peopleTables}
${taskTable}
-- Cameras added in the page or over the API.
CREATE TABLE cameras (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  -- A built-in driver's name or a module's path.
  driver TEXT NOT NULL,
  -- JSON: the driver's own options, passwords sealed with the key in camera.key.
  options TEXT NOT NULL,
  -- Milliseconds since the epoch.
  added_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** A whole history: what a fresh file gets, and the step from each version to the next. */
export type SchemaHistory = {
  readonly version: number;
  readonly fresh: string;
  /** `steps[n]` turns version n into n + 1, for every n from 1 to version - 1: SQL, or what needs more than that. */
  readonly steps: Readonly<Record<number, string | ((database: DatabaseSync) => void)>>;
};

export const schemaHistory: SchemaHistory = {
  version: schemaVersion,
  fresh: schema,
  steps: { 1: giveEverythingToTheHousehold, 2: taskTable },
};
