// All folders as they are at one revision, in memory: what lies in what, and who sees it. Pure: a change makes another
// tree. Memory: some 300 bytes a folder.
import type { Folder, Sight } from '../catalogue.ts';
import type { FolderDoc, TreeOperation } from './documents.ts';

/** A folder and whom it is itself shared with. */
export type TreeFolder = Folder & { readonly audiences: readonly string[] };

/** Answers that are kept for the next list: one for each set of audiences that somebody has. */
const mostKept = 200;

export class FolderTree {
  readonly revision: number;
  readonly #folders: ReadonlyMap<string, TreeFolder>;
  readonly #seen = new Map<string, ReadonlySet<string>>();
  #children: Map<string | null, TreeFolder[]> | null = null;

  constructor(revision: number, folders: ReadonlyMap<string, TreeFolder>) {
    this.revision = revision;
    this.#folders = folders;
  }

  static readonly empty = new FolderTree(0, new Map());

  /** The tree after some folders went, and some were written anew since. */
  with(
    revision: number,
    changed: readonly FolderDoc[],
    removed: readonly { readonly id: string; readonly revision: number }[],
  ): FolderTree {
    const folders = new Map(this.#folders);
    for (const { id } of removed) folders.delete(id);
    const gone = new Map(removed.map((each) => [each.id, each.revision]));
    for (const doc of changed) {
      // One that was read before its document went.
      if (doc.treeRevision > (gone.get(doc._id) ?? 0)) folders.set(doc._id, folderOf(doc));
    }
    return new FolderTree(revision, folders);
  }

  /** What a change makes of it; null where it is of a kind that only a newer program knows. */
  after(revision: number, operation: TreeOperation): FolderTree | null {
    const folders = new Map(this.#folders);
    const change = (id: string, rest: Partial<TreeFolder>) => {
      const folder = folders.get(id);
      if (folder) folders.set(id, { ...folder, ...rest });
    };
    switch (operation.kind) {
      case 'add': {
        const { kind: _, ...folder } = operation;
        if (!folders.has(folder.id)) folders.set(folder.id, { ...folder, audiences: [] });
        break;
      }
      case 'rename':
        change(operation.id, { name: operation.name });
        break;
      case 'move':
        change(operation.id, { parentId: operation.parentId });
        break;
      case 'share':
        change(operation.id, { audiences: operation.audiences });
        break;
      case 'remove':
        folders.delete(operation.id);
        for (const child of this.childrenOf(operation.id)) change(child.id, { parentId: operation.parentId });
        break;
      case 'give':
        for (const { id, ownerId } of this.all()) {
          if (ownerId === operation.fromId) change(id, { ownerId: operation.toId });
        }
        break;
      default:
        return null;
    }
    return new FolderTree(revision, folders);
  }

  all(): Iterable<TreeFolder> {
    return this.#folders.values();
  }

  get(id: string | null): TreeFolder | undefined {
    return id === null ? undefined : this.#folders.get(id);
  }

  childrenOf(id: string | null): readonly TreeFolder[] {
    if (!this.#children) {
      this.#children = new Map();
      for (const folder of this.all()) {
        const children = this.#children.get(folder.parentId);
        if (children) children.push(folder);
        else this.#children.set(folder.parentId, [folder]);
      }
    }
    return this.#children.get(id) ?? [];
  }

  /** The folder and those around it, from the inside out; empty where there is none. Ends where it meets itself. */
  around(id: string | null): TreeFolder[] {
    const around: TreeFolder[] = [];
    const met = new Set<string>();
    for (let next = this.get(id); next && !met.has(next.id); next = this.get(next.parentId)) {
      met.add(next.id);
      around.push(next);
    }
    return around;
  }

  /** What the folder and those around it are shared with; nothing for the top. */
  audiencesAround(id: string | null): string[] {
    return this.around(id).flatMap(({ audiences }) => audiences);
  }

  /** Whether something of that owner's, itself shared with these, is seen where it lies. */
  isSeen(
    thing: { ownerId: string; audiences: readonly string[] },
    outerId: string | null,
    sight: Sight,
  ): boolean {
    return (
      sight.ownerIds.includes(thing.ownerId) ||
      thing.audiences.some((each) => sight.audiences.includes(each)) ||
      this.seenBy(sight.audiences).has(outerId ?? '')
    );
  }

  /** The ids of all folders that are shared with one of these, themselves or by one around them. */
  seenBy(audiences: readonly string[]): ReadonlySet<string> {
    const key = JSON.stringify(audiences);
    const kept = this.#seen.get(key);
    if (kept) return kept;
    const wanted = new Set(audiences);
    const seen = new Set<string>();
    const next: TreeFolder[] = [];
    for (const folder of this.all()) if (folder.audiences.some((each) => wanted.has(each))) next.push(folder);
    for (let folder = next.pop(); folder; folder = next.pop()) {
      if (seen.has(folder.id)) continue;
      seen.add(folder.id);
      next.push(...this.childrenOf(folder.id));
    }
    if (this.#seen.size === mostKept) this.#seen.clear();
    this.#seen.set(key, seen);
    return seen;
  }
}

export function toFolder({ id, ownerId, parentId, name, createdAtMs }: Folder): Folder {
  return { id, ownerId, parentId, name, createdAtMs };
}

function folderOf({ _id, ownerId, parentId, name, audiences, createdAtMs }: FolderDoc): TreeFolder {
  return { id: _id, ownerId, parentId, name, audiences, createdAtMs };
}
