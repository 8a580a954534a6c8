// Where imported videos lie: the folders an archive names, found by their names or made. Bounded, whatever it names.
import type { Library } from '../library/library.ts';

/** As deep as folders can lie in the library; what is deeper lies in the deepest. */
const maxDepth = 20;
/** Folders remembered; past that they are looked up again. */
const maxRemembered = 10_000;
const maxNameLength = 200;

export class ImportPlaces {
  readonly #library: Library;
  readonly #ownerId: string;
  readonly #ids = new Map<string, string>();

  constructor(library: Library, ownerId: string) {
    this.#library = library;
    this.#ownerId = ownerId;
  }

  /** The folder at a path of names; null for the top. Throws as `addFolder`. */
  async folderAt(path: readonly string[]): Promise<string | null> {
    let parentId: string | null = null;
    const walked: string[] = [];
    for (const name of path.slice(0, maxDepth)) {
      walked.push(name);
      const key = JSON.stringify(walked);
      parentId = this.#ids.get(key) ?? (await this.#findOrAdd(parentId, name));
      if (this.#ids.size < maxRemembered) this.#ids.set(key, parentId);
    }
    return parentId;
  }

  async #findOrAdd(parentId: string | null, name: string): Promise<string> {
    const sight = { ownerIds: [this.#ownerId], audiences: [] };
    const wanted = name.slice(0, maxNameLength).toWellFormed().normalize('NFC').trim();
    const there = (await this.#library.listFolders(sight, parentId)).find(
      (folder) => folder.name === wanted && folder.parentId === parentId,
    );
    if (there) return there.id;
    return (await this.#library.addFolder({ ownerId: this.#ownerId, parentId, name: wanted })).id;
  }
}
