// The catalogue's writes, each a whole operation inside the transaction that the writer thread has begun. Rule: an
// AppError is thrown before anything is changed, so one refused write does not undo the others of its transaction.
import type { DatabaseSync } from 'node:sqlite';
import type { Disagreement } from '../catalogue.ts';
import { type CameraWrites, createCameraWrites } from './camera-writes.ts';
import { createFolderWrites, type FolderWrites } from './folder-writes.ts';
import { inspectCatalogue } from './inspection.ts';
import { createLinkWrites, type LinkWrites } from './link-writes.ts';
import { createPersonWrites, type PersonWrites } from './person-writes.ts';
import { Statements } from './statements.ts';
import { createTaskWrites, type TaskWrites } from './task-writes.ts';
import { createVideoWrites, type VideoWrites } from './video-writes.ts';
import type { WordIndex } from './word-index.ts';

/** What can be asked of the writer thread, by name. Arguments and results are plain values. */
export type WriteOperations = VideoWrites &
  FolderWrites &
  PersonWrites &
  LinkWrites &
  CameraWrites &
  TaskWrites & {
    inspect(repair: boolean): Disagreement[];
    ping(): void;
  };

export function createWrites(database: DatabaseSync, index: WordIndex): WriteOperations {
  const statements = new Statements(database);
  const videos = createVideoWrites(statements, index);
  return {
    ...videos,
    ...createTaskWrites(statements, videos),
    ...createFolderWrites(statements, index),
    ...createPersonWrites(statements, index),
    ...createLinkWrites(statements),
    ...createCameraWrites(statements),
    inspect: (repair) => inspectCatalogue(statements, index, repair),
    ping() {},
  };
}
