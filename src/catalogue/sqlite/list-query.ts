// What a list request asks, in the words and facets of the index. Pure but for the folders that are shared, which it is
// given.
import { AppError } from '../../errors.ts';
import type { ListRequest, Sight } from '../catalogue.ts';
import { queryWords } from '../search-words.ts';
import { facet, type Wanted } from './facets.ts';
import { wellFormed } from './video-rows.ts';

/** The folders that are themselves shared with one of these audiences. */
export type SharedWith = (audiences: readonly string[]) => Iterable<string>;

const mostInPage = 1000;

/** Throws `bad-request` for a limit that is none. */
export function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > mostInPage) {
    throw new AppError('bad-request', `A page has 1 to ${mostInPage} videos.`);
  }
}

export function wantedOf(
  { query, sight, folderId, whose, marked }: Partial<ListRequest> & { query: string },
  sharedWith: SharedWith,
): Wanted {
  const anyOf: string[][] = [];
  const noneOf: string[] = [];
  // What leaves least goes first.
  if (folderId !== undefined) anyOf.push([facet.folder(folderId === null ? null : wellFormed(folderId))]);
  if (marked) {
    const personId = wellFormed(marked.personId);
    if (marked.as === 'favourite') anyOf.push([facet.favourite(personId)]);
    else if (marked.as === 'watched') anyOf.push([facet.watched(personId)]);
    else noneOf.push(facet.watched(personId));
  }
  const own = (sight?.ownerIds ?? []).map((id) => facet.owner(wellFormed(id)));
  const seen = sight ? seenThrough(sight, sharedWith) : null;
  if (whose === 'own') anyOf.push(own);
  else if (seen) anyOf.push(whose === 'others' ? seen : [...own, ...seen]);
  if (whose === 'others') noneOf.push(...own);
  return { words: queryWords(query), anyOf: anyOf.map((any) => [...new Set(any)]), noneOf };
}

/** The facets by which others' videos are seen. */
function seenThrough({ audiences }: Sight, sharedWith: SharedWith): string[] {
  const names = audiences.map(wellFormed);
  return [...names.map(facet.audience), ...[...sharedWith(names)].map(facet.under)];
}
