// What a video is found by besides the words of its title: whose it is, where it lies, whom it is shared with, what
// people marked it as. Each is a name under which the index keeps a set of videos, as it does for a word. Pure.

/** Names of facets. A letter says which kind, so that no person is taken for a folder. */
export const facet = {
  owner: (personId: string): string => `o/${personId}`,
  /** Lies in this folder itself; null for the top. */
  folder: (id: string | null): string => `f/${id ?? ''}`,
  /** Lies in this folder or in one within it. */
  under: (folderId: string): string => `u/${folderId}`,
  /** Is itself shared with this audience. */
  audience: (name: string): string => `a/${name}`,
  /** Is shared with this audience, itself or a folder around it: what a list asks, one name however many folders. */
  seenBy: (audience: string): string => `s/${audience}`,
  favourite: (personId: string): string => `h/${personId}`,
  watched: (personId: string): string => `w/${personId}`,
} as const;

/** What a list asks of the index. */
export type Wanted = {
  /** All of them: words as `queryWords` gives them, the longest first, as it is missing most often. */
  readonly words: readonly string[];
  /** Of each list at least one facet. */
  readonly anyOf: readonly (readonly string[])[];
  /** None of these facets. */
  readonly noneOf: readonly string[];
};

/** Whether nothing at all is asked: every video of the shelf. */
export function isEverything({ words, anyOf, noneOf }: Wanted): boolean {
  return words.length === 0 && anyOf.length === 0 && noneOf.length === 0;
}
