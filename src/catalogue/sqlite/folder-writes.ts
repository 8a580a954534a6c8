// Writes about folders, and whom things are shared with. A folder that moves, or goes, changes the facets of everything
// within it as a whole: its bitmaps, a row for each 4096 videos.
import { AppError } from '../../errors.ts';
import type { Folder, Shared } from '../catalogue.ts';
import { facet } from './facets.ts';
import { type FolderRow, findFolder, foldersAround, toFolder } from './folder-tree.ts';
import { audiencesAround, renewSeenBy } from './seen-by.ts';
import type { Statements } from './statements.ts';
import { audiencesText, fromJson, type VideoRow, wellFormed } from './video-rows.ts';
import { assertFolderOf, changeFacets } from './video-writes.ts';
import type { WordIndex } from './word-index.ts';

export type FolderWrites = {
  addFolder(folder: Folder): void;
  renameFolder(id: string, name: string): Folder | null;
  moveFolder(id: string, parentId: string | null): Folder | null;
  removeFolder(id: string): void;
  setAudiences(subject: Shared, id: string, audiences: readonly string[]): void;
};

export function createFolderWrites(statements: Statements, index: WordIndex): FolderWrites {
  const changed = (sql: string, ...values: (string | null)[]) => {
    const row = statements.get<FolderRow>(sql, ...values);
    return row ? toFolder(row) : null;
  };

  function shareVideo(id: string, audiences: readonly string[]): void {
    const before = statements.get<VideoRow>('SELECT * FROM videos WHERE id = ?', id);
    if (!before) return;
    const sql = 'UPDATE videos SET audiences = ? WHERE id = ? RETURNING *';
    changeFacets(statements, index, before, statements.get<VideoRow>(sql, audiencesText(audiences), id)!);
  }

  function shareFolder(id: string, text: string): void {
    const before = findFolder(statements, id);
    if (!before) return;
    statements.run('UPDATE folders SET audiences = ? WHERE id = ?', text, id);
    const [old, now] = [before.audiences, text].map((each) => new Set(fromJson<string[]>(each)));
    renewSeenBy(statements, index, id, old!.symmetricDifference(now!));
  }

  return {
    addFolder(folder) {
      if (findFolder(statements, folder.id)) return;
      const ownerId = wellFormed(folder.ownerId);
      assertFolderOf(statements, ownerId, folder.parentId);
      statements.run(
        'INSERT INTO folders (id, owner_id, parent_id, name, created_at_ms) VALUES (?, ?, ?, ?, ?)',
        folder.id,
        ownerId,
        folder.parentId,
        wellFormed(folder.name),
        Math.round(folder.createdAtMs),
      );
    },

    renameFolder: (id, name) =>
      changed('UPDATE folders SET name = ? WHERE id = ? RETURNING *', wellFormed(name), id),

    moveFolder(id, parentId) {
      const folder = findFolder(statements, id);
      if (!folder) return null;
      assertFolderOf(statements, folder.owner_id, parentId);
      const [before, after] = [folder.parent_id, parentId].map(
        (place) => new Set(foldersAround(statements, place).map((around) => around.id)),
      ) as [Set<string>, Set<string>];
      if (after.has(id)) throw new AppError('conflict', 'A folder cannot lie within itself.');
      for (const left of before.difference(after)) index.subtract(facet.under(left), facet.under(id));
      for (const entered of after.difference(before)) index.unite(facet.under(entered), facet.under(id));
      const sharedBefore = audiencesAround(statements, folder.parent_id);
      const moved = changed('UPDATE folders SET parent_id = ? WHERE id = ? RETURNING *', parentId, id);
      const sharedAfter = audiencesAround(statements, parentId);
      renewSeenBy(statements, index, id, sharedBefore.symmetricDifference(sharedAfter));
      return moved;
    },

    removeFolder(id) {
      const folder = findFolder(statements, id);
      if (!folder) return;
      shareFolder(id, '[]');
      const within = index.sequencesOf(facet.folder(id), Number.POSITIVE_INFINITY);
      if (within.length > 0) {
        statements.run(
          'UPDATE videos SET folder_id = ? WHERE sequence IN (SELECT value FROM json_each(?))',
          folder.parent_id,
          JSON.stringify(within),
        );
      }
      index.unite(facet.folder(folder.parent_id), facet.folder(id));
      index.remove(facet.folder(id));
      index.remove(facet.under(id));
      statements.run('UPDATE folders SET parent_id = ? WHERE parent_id = ?', folder.parent_id, id);
      statements.run("DELETE FROM links WHERE subject = 'folder' AND subject_id = ?", id);
      statements.run('DELETE FROM folders WHERE id = ?', id);
    },

    setAudiences(subject, id, audiences) {
      if (subject === 'video') shareVideo(id, audiences);
      else if (subject === 'folder') shareFolder(id, audiencesText(audiences));
      else {
        statements.run(
          `INSERT INTO camera_shares VALUES (?, ?)
           ON CONFLICT (camera_id) DO UPDATE SET audiences = excluded.audiences`,
          wellFormed(id),
          audiencesText(audiences),
        );
      }
    },
  };
}
