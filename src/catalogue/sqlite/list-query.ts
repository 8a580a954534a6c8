// What a list request asks, in the words and facets of the index. Pure.
import type { ListRequest } from '../catalogue.ts';
import { queryWords } from '../search-words.ts';
import { facet, type Wanted } from './facets.ts';
import { wellFormed } from './video-rows.ts';

export function wantedOf({
  query,
  sight,
  folderId,
  whose,
  marked,
}: Partial<ListRequest> & { query: string }): Wanted {
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
  const seen = (sight?.audiences ?? []).map((name) => facet.seenBy(wellFormed(name)));
  if (whose === 'own') anyOf.push(own);
  else if (sight) anyOf.push(whose === 'others' ? seen : [...own, ...seen]);
  if (whose === 'others') noneOf.push(...own);
  return { words: queryWords(query), anyOf: anyOf.map((any) => [...new Set(any)]), noneOf };
}
