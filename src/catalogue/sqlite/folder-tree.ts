// Folders as rows, and the way up from one to the top; the same for the connection that reads and the one that writes.
import type { Folder } from '../catalogue.ts';
import type { Statements } from './statements.ts';

/** A row as SQLite gives it; the columns are explained in people-tables.ts. */
export type FolderRow = {
  id: string;
  owner_id: string;
  parent_id: string | null;
  name: string;
  audiences: string;
  created_at_ms: number;
};

export function toFolder(row: FolderRow): Folder {
  return {
    id: row.id,
    ownerId: row.owner_id,
    parentId: row.parent_id,
    name: row.name,
    createdAtMs: row.created_at_ms,
  };
}

export function findFolder(statements: Statements, id: string): FolderRow | undefined {
  return statements.get<FolderRow>('SELECT * FROM folders WHERE id = ?', id);
}

/** The folder and those around it, from the inside out; empty where there is none. Ends where it meets itself. */
export function foldersAround(statements: Statements, id: string | null): FolderRow[] {
  const around: FolderRow[] = [];
  const seen = new Set<string>();
  for (let next = id; next !== null && !seen.has(next); ) {
    seen.add(next);
    const folder = findFolder(statements, next);
    if (!folder) break;
    around.push(folder);
    next = folder.parent_id;
  }
  return around;
}
