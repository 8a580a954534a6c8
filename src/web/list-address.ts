// The address of a list of videos: where it looks, what it shows, how it is sorted. Pages write it into their links,
// routes read it from requests, and forms send it along as the place to come back to.
import { type VideoSort, videoSorts } from '../catalogue/catalogue.ts';
import { isId } from '../ids.ts';

/** Which of the videos one may see. */
export const shows = ['all', 'mine', 'shared', 'favourites', 'unwatched'] as const;
export type Show = (typeof shows)[number];

export type ListAddress = {
  /** The folder whose own videos are listed; null for all there are. */
  readonly folderId: string | null;
  readonly isBin: boolean;
  readonly show: Show;
  readonly sort: VideoSort;
  readonly query: string;
  /** Cards carry check boxes. */
  readonly isSelecting: boolean;
};

/** Longest search, as the field takes it. */
const maxQueryChars = 200;

export const wholeLibrary: ListAddress = {
  ...{ folderId: null, isBin: false, show: 'all', sort: 'newest', query: '', isSelecting: false },
};

/** What a query asks of a list; what it does not know is left out. */
export function listAddressOf(folderId: string | null, query: URLSearchParams): ListAddress {
  const isBin = folderId === null && query.has('bin');
  return {
    ...{ folderId, isBin, isSelecting: query.has('select') },
    show: shows.find((show) => show === query.get('show')) ?? 'all',
    sort: videoSorts.find((sort) => sort === query.get('sort')) ?? 'newest',
    query: (query.get('q') ?? '').slice(0, maxQueryChars).trim(),
  };
}

/** The address of a list as it was sent along by a form: ours, made anew from its parts, or that of everything. */
export function returnAddressOf(text: string): ListAddress {
  const [path = '', query = ''] = text.slice(0, 2000).split('?', 2);
  const folderId = /^\/folders\/([^/]+)$/.exec(path)?.[1] ?? null;
  if (path !== '/videos' && (folderId === null || !isId(folderId))) return wholeLibrary;
  return listAddressOf(folderId, new URLSearchParams(query));
}

/** Where a list is. `more` goes behind it: the place of the next page, what was done. */
export function listHref(list: ListAddress, more: Readonly<Record<string, string>> = {}): string {
  const parameters = new URLSearchParams();
  if (list.isBin) parameters.set('bin', '');
  if (list.query) parameters.set('q', list.query);
  if (list.show !== 'all') parameters.set('show', list.show);
  if (list.sort !== 'newest') parameters.set('sort', list.sort);
  if (list.isSelecting) parameters.set('select', '');
  for (const [name, value] of Object.entries(more)) parameters.set(name, value);
  const path = list.folderId === null ? '/videos' : `/folders/${list.folderId}`;
  // `bin=` and `bin` are the same to whoever reads it; people see the shorter one.
  const query = parameters.toString().replaceAll(/\b(bin|select)=(?=&|$)/g, '$1');
  return query ? `${path}?${query}` : path;
}
