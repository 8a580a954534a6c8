// Lists of videos: what is asked becomes one filter, whose first column in every index is the shelf (library or bin),
// and the place of a page becomes a range of the order's key and the sequence. Memory: a page.
import type { Filter, Sort } from 'mongodb';
import type { ListRequest, Sight, Video, VideoSort } from '../catalogue.ts';
import { checkLimit, type Place, readCursor, writeCursor } from '../page-cursor.ts';
import { queryWords } from '../search-words.ts';
import type { Collections, VideoDoc } from './documents.ts';
import type { FolderTree } from './folder-tree.ts';
import { text, textOrNull, texts } from './text.ts';
import type { TreeJournal } from './tree-journal.ts';
import { type ListedDoc, toVideo, videoFields } from './video-docs.ts';

/** A list that folders changed under is asked for again so often; then what both trees let see is taken. */
const readings = 3;
/** Videos that a stream reads at once. */
const streamPage = 200;
/** Of what was begun, looked at at once. */
const begunPiece = 100;

type Asked = Omit<ListRequest, 'limit' | 'after' | 'sort' | 'inBin'>;

type Order = {
  /** null: by the sequence alone. */
  readonly key: 'titleKey' | 'lengthKey' | 'sizeKey' | null;
  readonly keyDirection: 1 | -1;
  readonly direction: 1 | -1;
};

const orders: Readonly<Record<VideoSort, Order>> = {
  newest: { key: null, keyDirection: -1, direction: -1 },
  oldest: { key: null, keyDirection: 1, direction: 1 },
  title: { key: 'titleKey', keyDirection: 1, direction: 1 },
  longest: { key: 'lengthKey', keyDirection: -1, direction: -1 },
  largest: { key: 'sizeKey', keyDirection: -1, direction: -1 },
};

/** What is seen; null: nothing at all. */
function seenBy(tree: FolderTree, { ownerIds, audiences }: Sight): Filter<VideoDoc>[] {
  const [owners, names] = [texts(ownerIds), texts(audiences)];
  const folders = [...tree.seenBy(names)];
  return [
    ...(owners.length > 0 ? [{ ownerId: { $in: owners } }] : []),
    ...(names.length > 0 ? [{ audiences: { $in: names } }] : []),
    ...(folders.length > 0 ? [{ folderId: { $in: folders } }] : []),
  ];
}

/** null where nothing can be found. */
function filterOf(tree: FolderTree, asked: Asked, inBin: boolean): Filter<VideoDoc> | null {
  const { query, sight, folderId, whose, marked } = asked;
  const all: Filter<VideoDoc>[] = [{ inBin }];
  const owners = texts(sight?.ownerIds ?? []);
  if (folderId !== undefined) all.push({ folderId: textOrNull(folderId) });
  if (marked) {
    const personId = text(marked.personId);
    if (marked.as === 'favourite') all.push({ favouriteOf: personId });
    else if (marked.as === 'watched') all.push({ watchedBy: personId });
    else all.push({ watchedBy: { $ne: personId } });
  }
  if (whose === 'own') {
    if (owners.length === 0) return null;
    all.push({ ownerId: { $in: owners } });
  } else if (sight) {
    const some = seenBy(tree, whose === 'others' ? { ...sight, ownerIds: [] } : sight);
    if (some.length === 0) return null;
    all.push(some.length === 1 ? some[0]! : { $or: some });
  }
  if (whose === 'others' && owners.length > 0) all.push({ ownerId: { $nin: owners } });
  // The longest first, as it is missing most often.
  for (const word of queryWords(text(query))) all.push({ beginnings: word });
  return { $and: all };
}

export class Lists {
  readonly #collections: Collections;
  readonly #journal: TreeJournal;

  constructor(collections: Collections, journal: TreeJournal) {
    this.#collections = collections;
    this.#journal = journal;
  }

  /** Throws `bad-request` for a limit or place that is none. */
  async page(request: ListRequest): Promise<{ items: Video[]; next: string | null }> {
    const { limit, after, inBin = false, sort = 'newest' } = request;
    checkLimit(limit);
    const place = after === null ? null : readCursor(sort, text(after));
    const docs = await this.#docs(request, inBin, sort, place, limit + 1);
    const last = docs.length > limit ? docs[limit - 1]! : null;
    return {
      items: docs.slice(0, limit).map(toVideo),
      next: last && writeCursor(sort, placeOf(last, sort)),
    };
  }

  /** What stays in its place is told once; what is moved to or from the bin meanwhile may be told twice or not at all. */
  async *stream(request: { query: string; inBin: boolean | 'both'; sight?: Sight }): AsyncGenerator<Video> {
    const shelves = request.inBin === 'both' ? [false, true] : [request.inBin];
    const asked = { query: request.query, ...(request.sight && { sight: request.sight }) };
    for (const inBin of shelves) {
      for (let place: Place | null = null; ; ) {
        const docs: ListedDoc[] = await this.#docs(asked, inBin, 'newest', place, streamPage);
        for (const doc of docs) yield toVideo(doc);
        if (docs.length < streamPage) break;
        place = placeOf(docs.at(-1)!, 'newest');
      }
    }
  }

  /** Throws `bad-request` for a limit that is none. */
  async begun(person: string, sight: Sight, limit: number): Promise<Video[]> {
    checkLimit(limit);
    const personId = text(person);
    const { progress } = this.#collections;
    const found: Video[] = [];
    for (let last: { updatedAtMs: number; videoId: string } | null = null; ; ) {
      const mine = { personId, isBegun: true, isWatched: false };
      const past = last && {
        $or: [
          { updatedAtMs: { $lt: last.updatedAtMs } },
          { updatedAtMs: last.updatedAtMs, videoId: { $lt: last.videoId } },
        ],
      };
      const piece: { updatedAtMs: number; videoId: string }[] = await progress
        .find(past ? { ...mine, ...past } : mine)
        .sort({ updatedAtMs: -1, videoId: -1 })
        .limit(begunPiece)
        .toArray();
      const ids = piece.map(({ videoId }) => videoId);
      const seen = new Map((await this.#seenOf(ids, personId, sight)).map((doc) => [doc._id, doc]));
      for (const id of ids) {
        const doc = seen.get(id);
        if (doc) found.push(toVideo(doc));
        if (found.length === limit) return found;
      }
      if (piece.length < begunPiece) return found;
      last = piece.at(-1)!;
    }
  }

  async #seenOf(ids: readonly string[], personId: string, sight: Sight): Promise<ListedDoc[]> {
    if (ids.length === 0) return [];
    return this.#reading(async (tree) => {
      const marked = { personId, as: 'unwatched' as const };
      const filter = filterOf(tree, { query: '', sight, marked }, false);
      if (!filter) return [];
      return this.#collections.videos
        .find({ $and: [{ _id: { $in: ids } }, filter] }, { projection: videoFields })
        .toArray();
    }, sight);
  }

  #docs(
    asked: Asked,
    inBin: boolean,
    sort: VideoSort,
    place: Place | null,
    limit: number,
  ): Promise<ListedDoc[]> {
    return this.#reading(async (tree) => {
      const filter = filterOf(tree, asked, inBin);
      return filter ? this.#sorted(filter, orders[sort], place, limit) : [];
    }, asked.sight);
  }

  /** In the order, from a place on: the rest of those with its key, then those with a later one. */
  async #sorted(
    filter: Filter<VideoDoc>,
    { key, keyDirection, direction }: Order,
    place: Place | null,
    limit: number,
  ): Promise<ListedDoc[]> {
    const find = (range: Filter<VideoDoc>, most: number) => {
      const order: Sort = key ? { [key]: keyDirection, sequence: direction } : { sequence: direction };
      return this.#collections.videos
        .find({ $and: [filter, range] }, { projection: videoFields })
        .sort(order)
        .limit(most)
        .toArray();
    };
    if (!place) return find({}, limit);
    const further = direction === 1 ? { $gt: place.sequence } : { $lt: place.sequence };
    if (!key) return find({ sequence: further }, limit);
    const alike = await find({ [key]: place.key, sequence: further }, limit);
    if (alike.length === limit) return alike;
    const later = { [key]: keyDirection === 1 ? { $gt: place.key } : { $lt: place.key } };
    return [...alike, ...(await find(later, limit - alike.length))];
  }

  /**
   * What is seen goes by folders that are read before: where they changed meanwhile, it is read again, so that nobody is
   * shown what was put into a folder after it was no longer shared.
   */
  async #reading(read: (tree: FolderTree) => Promise<ListedDoc[]>, sight?: Sight): Promise<ListedDoc[]> {
    // Folders decide nothing here.
    if (!sight || sight.audiences.length === 0) return read(await this.#journal.current());
    let tree = await this.#journal.current();
    for (let reading = 1; ; reading++) {
      const docs = await read(tree);
      const now = await this.#journal.current();
      if (now.revision === tree.revision) return docs;
      if (reading === readings) return docs.filter((doc) => now.isSeen(doc, doc.folderId, sight));
      tree = now;
    }
  }
}

function placeOf(doc: ListedDoc, sort: VideoSort): Place {
  const { key } = orders[sort];
  return { sequence: doc.sequence, key: key ? doc[key] : null };
}
