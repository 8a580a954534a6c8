// The table of tasks, since schema 3. Part of schema.ts, every column explained.

export const taskTable = `-- Work to be done once for a video.
CREATE TABLE tasks (
  -- Made by the caller.
  id TEXT PRIMARY KEY,
  -- What is to be done, in the library's words.
  kind TEXT NOT NULL,
  video_id TEXT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
  -- Milliseconds since the epoch.
  added_at_ms INTEGER NOT NULL,
  -- Of the lease with which it was claimed last; 0 where it never was.
  token INTEGER NOT NULL DEFAULT 0,
  -- 1 or 0. What has ended stays for as long as its video, so that it is not begun again.
  is_ended INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
-- For the cascade.
CREATE INDEX tasks_by_video ON tasks (video_id);
-- What is to be done, oldest first.
CREATE INDEX tasks_open ON tasks (added_at_ms, id) WHERE is_ended = 0;
`;
