// The tables of a file of schema 1, before there were accounts, as they were given out. Never changed.

export const schema1 = `
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
  binned_at_ms INTEGER
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

-- Where a person was in a video.
CREATE TABLE progress (
  -- 'household' until there are accounts, then the account's id.
  person_id TEXT NOT NULL,
  video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  -- Milliseconds from the video's start, with fractions.
  position_ms REAL NOT NULL,
  -- Milliseconds since the epoch; an older one never replaces a newer.
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (person_id, video_id)
) STRICT, WITHOUT ROWID;
-- For the cascade.
CREATE INDEX progress_by_video ON progress (video_id);

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
