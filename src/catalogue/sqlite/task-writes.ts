// Writes about tasks: work to be done once for a video.
import type { Arrival, Task } from '../catalogue.ts';
import type { Statements } from './statements.ts';
import { wellFormed } from './video-rows.ts';
import type { VideoWrites } from './video-writes.ts';

/** A row as SQLite gives it; the columns are explained in task-table.ts. */
export type TaskRow = {
  id: string;
  kind: string;
  video_id: string;
  added_at_ms: number;
  token: number;
  is_ended: number;
};

export type TaskWrites = {
  addTask(task: Task): void;
  claimTask(id: string, token: number): boolean;
  finishTask(id: string, token: number, found: Arrival | null): boolean;
};

export function createTaskWrites(
  statements: Statements,
  { storeArrival }: Pick<VideoWrites, 'storeArrival'>,
): TaskWrites {
  return {
    addTask(task) {
      statements.run(
        `INSERT INTO tasks (id, kind, video_id, added_at_ms) SELECT ?, ?, id, ? FROM videos WHERE id = ?
         ON CONFLICT (id) DO NOTHING`,
        ...[wellFormed(task.id), wellFormed(task.kind), Math.round(task.addedAtMs), wellFormed(task.videoId)],
      );
    },

    claimTask(id, token) {
      const sql = 'UPDATE tasks SET token = ? WHERE id = ? AND is_ended = 0 AND token <= ?';
      return statements.run(sql, token, wellFormed(id), token) > 0;
    },

    finishTask(id, token, found) {
      const sql = 'SELECT * FROM tasks WHERE id = ? AND token = ?';
      const task = statements.get<TaskRow>(sql, wellFormed(id), token);
      if (!task) return false;
      if (task.is_ended === 1) return true;
      if (found) storeArrival(task.video_id, found);
      statements.run('UPDATE tasks SET is_ended = 1 WHERE id = ?', task.id);
      return true;
    },
  };
}
