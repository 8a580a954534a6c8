// Choosing a folder: one's own as a list of paths in a plain select, so that a phone and a keyboard find one quickly.
import { html } from 'ghtml';
import type { Folder } from '../catalogue/catalogue.ts';

/** Deepest nesting shown; folders that say they lie within themselves end there too. */
const maxDepth = 64;
/** A path longer than this loses its middle: the select must not be wider than a phone. */
const maxPathChars = 80;

type FolderPath = { readonly id: string; readonly path: readonly string[] };

/** The folders with the names of all around them, sorted as they are read. */
function folderPaths(folders: readonly Folder[]): readonly FolderPath[] {
  const byId = new Map(folders.map((folder) => [folder.id, folder]));
  const paths = folders.map((folder) => {
    const path: string[] = [];
    let at: Folder | undefined = folder;
    while (at && path.length < maxDepth) {
      path.unshift(at.name);
      at = at.parentId === null ? undefined : byId.get(at.parentId);
    }
    return { id: folder.id, path };
  });
  return paths.sort((one, other) => comparePaths(one.path, other.path));
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function comparePaths(one: readonly string[], other: readonly string[]): number {
  for (let index = 0; index < Math.min(one.length, other.length); index += 1) {
    const order = collator.compare(one[index]!, other[index]!);
    if (order !== 0) return order;
  }
  return one.length - other.length;
}

/** Those that lie neither in `id` nor are it: where it can be moved. */
export function foldersOutside(folders: readonly Folder[], id: string): readonly Folder[] {
  const inside = new Set([id]);
  for (let isGrowing = true; isGrowing; ) {
    isGrowing = false;
    for (const folder of folders) {
      if (folder.parentId === null || inside.has(folder.id) || !inside.has(folder.parentId)) continue;
      inside.add(folder.id);
      isGrowing = true;
    }
  }
  return folders.filter((folder) => !inside.has(folder.id));
}

/** A select of folders. Its value is an id, or nothing for the top. */
export function folderSelect(options: {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly folders: readonly Folder[];
  /** Where it lies now. */
  readonly chosenId: string | null;
  /** What the top is called here. */
  readonly topName?: string;
  /** Of the form it belongs to, where it stands outside of it. */
  readonly form?: string;
}): string {
  const chosen = (id: string | null) => (id === options.chosenId ? ' selected' : '');
  const form = options.form === undefined ? '' : html` form="${options.form}"`;
  return html`<label for="${options.id}">${options.label}</label>
<select id="${options.id}" name="${options.name}" dir="auto"!${form}>
<option value=""!${chosen(null)}>${options.topName ?? 'No folder'}</option>
!${folderPaths(options.folders).map(({ id, path }) => html`<option value="${id}"!${chosen(id)}>${shortPath(path)}</option>`)}
</select>`;
}

function shortPath(path: readonly string[]): string {
  const names = path.map((name) => clip(name, 40));
  const whole = names.join(' / ');
  if (whole.length <= maxPathChars || names.length <= 2) return whole;
  return `${names[0]} / … / ${names.slice(-2).join(' / ')}`;
}

/** A text cut to so many characters, whole ones. */
function clip(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}
