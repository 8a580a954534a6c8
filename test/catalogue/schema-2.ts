// The tables of a file of schema 2, before there were tasks, as they were given out. Never changed.

export const schema2 = `
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

-- The videos of the library and of the bin (first column), each in the orders of lists; ties are in the order they came.
CREATE INDEX videos_by_title ON videos (binned_at_ms IS NOT NULL, title_key);
CREATE INDEX videos_by_duration ON videos (binned_at_ms IS NOT NULL, ifnull(duration_ms, -1));
CREATE INDEX videos_by_size ON videos (binned_at_ms IS NOT NULL, ifnull(size_bytes, -1));

-- Folders of people, one within another. A folder and the one around it have one owner.
CREATE TABLE folders (
  -- Made by the caller.
  id TEXT PRIMARY KEY,
  -- The person it belongs to.
  owner_id TEXT NOT NULL,
  -- The folder around it; null at the top.
  parent_id TEXT REFERENCES folders (id),
  -- As people wrote it.
  name TEXT NOT NULL,
  -- JSON: the audiences it is itself shared with, in order, each once.
  audiences TEXT NOT NULL DEFAULT '[]',
  -- Milliseconds since the epoch.
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX folders_by_parent ON folders (parent_id);
CREATE INDEX folders_by_owner ON folders (owner_id);
-- What somebody may be given a list of.
CREATE INDEX folders_shared ON folders (audiences) WHERE audiences <> '[]';

-- The search by everything but words: for each facet (facets.ts), which videos have it, in buckets of 4096 sequences.
-- The facet comes first in the key: few change with a video, and a list goes from bucket to bucket.
CREATE TABLE facets (
  -- 0 the library, 1 the bin.
  in_bin INTEGER NOT NULL,
  -- Its name as facets.ts makes it.
  facet TEXT NOT NULL,
  -- sequence / 4096.
  bucket INTEGER NOT NULL,
  -- sequence % 4096 of the videos, as members.ts writes them; never empty.
  members BLOB NOT NULL,
  PRIMARY KEY (in_bin, facet, bucket)
) STRICT, WITHOUT ROWID;

-- Where a person was in a video, and what they marked it as.
CREATE TABLE progress (
  -- 'household' where there are no accounts.
  person_id TEXT NOT NULL,
  video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  -- Milliseconds from the video's start, with fractions; null where there are only marks.
  position_ms REAL,
  -- Milliseconds since the epoch; an older position never replaces a newer. null where there are only marks.
  updated_at_ms INTEGER,
  -- 1 or 0.
  is_favourite INTEGER NOT NULL DEFAULT 0,
  -- 1 or 0.
  is_watched INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (person_id, video_id)
) STRICT, WITHOUT ROWID;
-- For the cascade.
CREATE INDEX progress_by_video ON progress (video_id);
-- Go on watching.
CREATE INDEX progress_begun ON progress (person_id, updated_at_ms) WHERE position_ms > 0 AND is_watched = 0;

-- Whom cameras are shared with; of a camera without a row nobody ever said anything. Cameras of the settings file
-- have rows here too.
CREATE TABLE camera_shares (
  -- The camera's id.
  camera_id TEXT PRIMARY KEY,
  -- JSON: the audiences, in order, each once.
  audiences TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Guest links.
CREATE TABLE links (
  -- The order in which they were made.
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Made by the caller.
  id TEXT NOT NULL UNIQUE,
  -- SHA-256 of the secret, hex.
  secret_hash TEXT NOT NULL UNIQUE,
  -- video, folder, camera.
  subject TEXT NOT NULL,
  -- The id of that.
  subject_id TEXT NOT NULL,
  -- A stretch of a video, seconds; null for its beginning or the whole.
  start_seconds REAL,
  -- null for its end.
  end_seconds REAL,
  -- The person who gave it.
  created_by TEXT NOT NULL,
  -- Milliseconds since the epoch.
  created_at_ms INTEGER NOT NULL,
  -- For whom, as the person wrote it.
  note TEXT NOT NULL,
  -- Milliseconds since the epoch; null where it does not end by itself.
  expires_at_ms INTEGER,
  -- null where none is asked for.
  password_hash TEXT,
  -- How many visitors it lets in; null for any number.
  max_visits INTEGER,
  -- How many it has let in.
  visits INTEGER NOT NULL,
  -- 1 or 0.
  allows_download INTEGER NOT NULL
) STRICT;
CREATE INDEX links_by_person ON links (created_by);
CREATE INDEX links_by_subject ON links (subject_id, subject);

-- Visitors of links, so that each counts once.
CREATE TABLE link_visits (
  -- The link's.
  link_id TEXT NOT NULL REFERENCES links (id) ON DELETE CASCADE,
  -- Made by the caller for each visitor.
  visit_id TEXT NOT NULL,
  PRIMARY KEY (link_id, visit_id)
) STRICT, WITHOUT ROWID;

-- What was done to videos, folders, links and cameras.
CREATE TABLE audit (
  -- The order in which it was noted.
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Made by the caller.
  id TEXT NOT NULL UNIQUE,
  -- Milliseconds since the epoch.
  at_ms INTEGER NOT NULL,
  -- null where nobody was logged in.
  person_id TEXT,
  -- As the person was called then.
  person_name TEXT NOT NULL,
  -- One of the words of accounts.ts.
  action TEXT NOT NULL,
  -- What it was done to, in words.
  subject TEXT NOT NULL,
  -- The client's address.
  address TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at_ms);

-- What each person has, kept by the triggers below; people with nothing have no row.
CREATE TABLE usage (
  -- The owner of the videos.
  owner_id TEXT PRIMARY KEY,
  -- The bin's and arriving ones too.
  videos INTEGER NOT NULL,
  -- What is stored of them, or what arriving ones were announced as where that is more.
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER usage_added AFTER INSERT ON videos BEGIN
  INSERT INTO usage VALUES (new.owner_id, 1, max(ifnull(new.size_bytes, 0), new.received_bytes))
  ON CONFLICT (owner_id) DO UPDATE SET videos = videos + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER usage_removed AFTER DELETE ON videos BEGIN
  UPDATE usage SET videos = videos - 1, bytes = bytes - max(ifnull(old.size_bytes, 0), old.received_bytes)
  WHERE owner_id = old.owner_id;
  DELETE FROM usage WHERE owner_id = old.owner_id AND videos = 0;
END;
CREATE TRIGGER usage_changed AFTER UPDATE OF size_bytes, received_bytes ON videos
WHEN new.owner_id = old.owner_id BEGIN
  UPDATE usage SET bytes = bytes - max(ifnull(old.size_bytes, 0), old.received_bytes)
                                 + max(ifnull(new.size_bytes, 0), new.received_bytes)
  WHERE owner_id = new.owner_id;
END;
CREATE TRIGGER usage_given AFTER UPDATE OF owner_id ON videos WHEN new.owner_id <> old.owner_id BEGIN
  UPDATE usage SET videos = videos - 1, bytes = bytes - max(ifnull(old.size_bytes, 0), old.received_bytes)
  WHERE owner_id = old.owner_id;
  DELETE FROM usage WHERE owner_id = old.owner_id AND videos = 0;
  INSERT INTO usage VALUES (new.owner_id, 1, max(ifnull(new.size_bytes, 0), new.received_bytes))
  ON CONFLICT (owner_id) DO UPDATE SET videos = videos + 1, bytes = bytes + excluded.bytes;
END;

-- How often anything was changed that decides who may see what, kept by the triggers below, whoever changes it.
CREATE TABLE access_changes (
  -- Always 1: there is one row.
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- How often.
  changes INTEGER NOT NULL
) STRICT;
INSERT INTO access_changes VALUES (1, 1);
CREATE TRIGGER access_video_changed AFTER UPDATE OF owner_id, folder_id, audiences, binned_at_ms ON videos
WHEN new.owner_id <> old.owner_id OR new.folder_id IS NOT old.folder_id OR new.audiences <> old.audiences
  OR (new.binned_at_ms IS NULL) <> (old.binned_at_ms IS NULL) BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;
CREATE TRIGGER access_video_removed AFTER DELETE ON videos BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;
CREATE TRIGGER access_folder_changed AFTER UPDATE OF owner_id, parent_id, audiences ON folders
WHEN new.owner_id <> old.owner_id OR new.parent_id IS NOT old.parent_id OR new.audiences <> old.audiences BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;
CREATE TRIGGER access_folder_removed AFTER DELETE ON folders BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;
CREATE TRIGGER access_camera_said AFTER INSERT ON camera_shares BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;
CREATE TRIGGER access_camera_changed AFTER UPDATE ON camera_shares WHEN new.audiences <> old.audiences BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;
CREATE TRIGGER access_camera_forgotten AFTER DELETE ON camera_shares BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;
CREATE TRIGGER access_link_made AFTER INSERT ON links BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;
CREATE TRIGGER access_link_removed AFTER DELETE ON links BEGIN
  UPDATE access_changes SET changes = changes + 1;
END;

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
