// Which videos each audience sees, kept in step with what folders are shared with: the facet `seenBy` is recomputed for
// everything within a folder at once, bitmap by bitmap, so that a list never has to ask for folders.
import { facet } from './facets.ts';
import { type FolderRow, foldersAround } from './folder-tree.ts';
import type { Statements } from './statements.ts';
import { fromJson } from './video-rows.ts';
import type { WordIndex } from './word-index.ts';

/** What the folder and those around it are shared with; nothing for the top. */
export function audiencesAround(statements: Statements, folderId: string | null): Set<string> {
  return new Set(
    foldersAround(statements, folderId).flatMap(({ audiences }) => fromJson<string[]>(audiences)),
  );
}

/** To be called once the rows say how it is; the facets `under` and `audience` hold already. */
export function renewSeenBy(
  statements: Statements,
  index: WordIndex,
  folderId: string,
  audiences: Iterable<string>,
): void {
  const around = audiencesAround(statements, folderId);
  const lost: string[] = [];
  for (const audience of audiences) {
    if (around.has(audience)) index.unite(facet.seenBy(audience), facet.under(folderId));
    else lost.push(audience);
  }
  if (lost.length === 0) return;
  const within = sharedWithin(statements, folderId);
  for (const audience of lost) {
    const seen = facet.seenBy(audience);
    index.subtract(seen, facet.under(folderId));
    index.unite(seen, facet.under(folderId), facet.audience(audience));
    for (const folder of within) {
      if (fromJson<string[]>(folder.audiences).includes(audience)) index.unite(seen, facet.under(folder.id));
    }
  }
}

/** The folders within one, not itself, that are shared with anybody. */
function sharedWithin(statements: Statements, folderId: string): FolderRow[] {
  return statements
    .all<FolderRow>("SELECT * FROM folders WHERE audiences <> '[]'")
    .filter(({ parent_id }) => foldersAround(statements, parent_id).some(({ id }) => id === folderId));
}
