// Reads about folders and whom things are shared with.
import type { Folder, Shared, Sharing, Sight, Usage } from '../catalogue.ts';
import { titleKey } from '../search-words.ts';
import { facet } from './facets.ts';
import { type FolderRow, findFolder, foldersAround, toFolder } from './folder-tree.ts';
import type { Statements } from './statements.ts';
import { fromJson, type VideoRow, wellFormed } from './video-rows.ts';
import { countStored } from './word-index.ts';

export class SharingReads {
  readonly #statements: Statements;
  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** How often anything changed that decides who may see what. */
  accessChanges(): number {
    return this.#statements.get<{ changes: number }>('SELECT changes FROM access_changes')!.changes;
  }

  getAudiences(subject: Shared, id: string): string[] | null {
    const row = this.#statements.get<{ audiences: string }>(
      {
        video: 'SELECT audiences FROM videos WHERE id = ?',
        folder: 'SELECT audiences FROM folders WHERE id = ?',
        camera: 'SELECT audiences FROM camera_shares WHERE camera_id = ?',
      }[subject],
      wellFormed(id),
    );
    return row ? fromJson<string[]>(row.audiences) : null;
  }

  getSharing(subject: Shared, id: string): Sharing | null {
    if (subject === 'camera') {
      const audiences = this.getAudiences(subject, id);
      return audiences && { ownerId: null, audiences };
    }
    const thing =
      subject === 'video'
        ? this.#statements.get<VideoRow>('SELECT owner_id, folder_id, audiences FROM videos WHERE id = ?', id)
        : findFolder(this.#statements, id);
    return thing ? { ownerId: thing.owner_id, audiences: this.audiencesOf(thing) } : null;
  }

  /** Of the thing itself and of every folder around it, in order, each once. */
  audiencesOf(thing: VideoRow | FolderRow): string[] {
    const outer = 'folder_id' in thing ? thing.folder_id : thing.parent_id;
    const texts = [thing, ...foldersAround(this.#statements, outer)].map(({ audiences }) => audiences);
    return [...new Set(texts.flatMap((text) => fromJson<string[]>(text)))].sort();
  }

  /** Whether a video or folder is among what somebody sees. */
  isSeen(thing: VideoRow | FolderRow, sight: Sight): boolean {
    if (sight.ownerIds.includes(thing.owner_id)) return true;
    return (
      sight.audiences.length > 0 && this.audiencesOf(thing).some((each) => sight.audiences.includes(each))
    );
  }

  getFolder(id: string): Folder | null {
    const row = findFolder(this.#statements, id);
    return row ? toFolder(row) : null;
  }

  folderPath(id: string): Folder[] {
    return foldersAround(this.#statements, id).map(toFolder).reverse();
  }

  ownFolders(ownerIds: readonly string[]): Folder[] {
    return this.#statements
      .all<FolderRow>(
        'SELECT * FROM folders WHERE owner_id IN (SELECT value FROM json_each(?))',
        JSON.stringify(ownerIds),
      )
      .map(toFolder);
  }

  listFolders(sight: Sight, parentId: string | null): Folder[] {
    const rows = parentId === null ? this.#topFolders(sight) : this.#foldersIn(sight, parentId);
    const named = rows.map((row) => ({ row, key: titleKey(row.name) }));
    named.sort(
      (a, b) => compare(a.key, b.key) || compare(a.row.name, b.row.name) || compare(a.row.id, b.row.id),
    );
    return named.map(({ row }) => toFolder(row));
  }

  #foldersIn(sight: Sight, parentId: string): FolderRow[] {
    const parent = findFolder(this.#statements, parentId);
    if (!parent) return [];
    const rows = this.#statements.all<FolderRow>('SELECT * FROM folders WHERE parent_id = ?', parentId);
    // What is in a folder that is seen is seen.
    return this.isSeen(parent, sight) ? rows : rows.filter((row) => this.isSeen(row, sight));
  }

  /** Own ones at the top, and shared ones that are in nothing that can be seen. */
  #topFolders(sight: Sight): FolderRow[] {
    const rows = this.#statements.all<FolderRow>(
      'SELECT * FROM folders WHERE parent_id IS NULL AND owner_id IN (SELECT value FROM json_each(?))',
      JSON.stringify(sight.ownerIds),
    );
    if (sight.audiences.length === 0) return rows;
    for (const row of this.#statements.all<FolderRow>("SELECT * FROM folders WHERE audiences <> '[]'")) {
      if (sight.ownerIds.includes(row.owner_id)) continue;
      if (!fromJson<string[]>(row.audiences).some((each) => sight.audiences.includes(each))) continue;
      const parent = row.parent_id === null ? undefined : findFolder(this.#statements, row.parent_id);
      if (!parent || !this.isSeen(parent, sight)) rows.push(row);
    }
    return rows;
  }

  countInFolders(ids: readonly string[]): Map<string, { videos: number; folders: number }> {
    const counts = new Map<string, { videos: number; folders: number }>();
    for (const id of ids) {
      const sets = this.#statements.all<{ members: Uint8Array }>(
        'SELECT members FROM facets WHERE in_bin = 0 AND facet = ?',
        facet.folder(wellFormed(id)),
      );
      const videos = sets.reduce((sum, { members }) => sum + countStored(members), 0);
      const sql = 'SELECT count(*) AS folders FROM folders WHERE parent_id = ?';
      const folders = this.#statements.get<{ folders: number }>(sql, wellFormed(id))!.folders;
      if (videos + folders > 0) counts.set(id, { videos, folders });
    }
    return counts;
  }

  getUsage(ownerId: string): Usage {
    const sql = 'SELECT videos, bytes FROM usage WHERE owner_id = ?';
    const row = this.#statements.get<Usage>(sql, wellFormed(ownerId));
    return { videos: row?.videos ?? 0, bytes: row?.bytes ?? 0 };
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
