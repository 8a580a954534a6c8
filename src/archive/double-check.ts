// Whether bytes that come are those of a video that is here already: compared as they come with the originals of the
// same size, so that nothing is stored of a double and no digest has to be kept. Memory: a number and an id for each
// video of one person's.
import type { Library, OpenedBytes } from '../library/library.ts';

/** Originals of one size compared at once; more of them than this are copies of copies. */
const maxCompared = 8;
/** Videos read at a time. */
const pageLimit = 1000;

/** The videos of one person by their size; the bin has its own. */
export class VideosBySize {
  readonly #ids = new Map<number, string[]>();

  static async of(library: Library, personId: string, isBin: boolean): Promise<VideosBySize> {
    const found = new VideosBySize();
    const sight = { ownerIds: [personId], audiences: [] };
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<Library['listVideos']>> = await library.listVideos({
        ...{ limit: pageLimit, after, query: '', inBin: isBin, sight, whose: 'own' },
      });
      for (const { id, status, sizeBytes } of page.items) {
        if (status !== 'arriving' && sizeBytes !== null) found.#add(id, sizeBytes);
      }
      after = page.next;
    } while (after !== null);
    return found;
  }

  #add(id: string, sizeBytes: number): void {
    const ids = this.#ids.get(sizeBytes);
    if (ids) ids.push(id);
    else this.#ids.set(sizeBytes, [id]);
  }

  of(sizeBytes: number): readonly string[] {
    return (this.#ids.get(sizeBytes) ?? []).slice(0, maxCompared);
  }

  /** One that was found is found once: who had a video twice has it twice again. */
  remove(id: string, sizeBytes: number): void {
    const left = (this.#ids.get(sizeBytes) ?? []).filter((other) => other !== id);
    if (left.length > 0) this.#ids.set(sizeBytes, left);
    else this.#ids.delete(sizeBytes);
  }
}

type Compared = { readonly id: string; readonly opened: OpenedBytes };

/** Bytes that come, held against what is here. */
export class DoubleCheck {
  /** So many of the bytes that came are those of every one that is left. */
  equalBytes = 0;
  #left: Compared[] = [];
  #differed: OpenedBytes | null = null;
  #buffer = Buffer.alloc(0);

  /** Opens those that can be opened. */
  static async open(library: Library, ids: readonly string[]): Promise<DoubleCheck> {
    const check = new DoubleCheck();
    for (const id of ids) {
      // One that was removed meanwhile, or whose bytes are gone, is no double.
      const opened = await library.openOriginal(id).catch(() => null);
      if (opened) check.#left.push({ id, opened });
    }
    return check;
  }

  /** One that could still be the same; null where none is. */
  get possibleId(): string | null {
    return this.#left[0]?.id ?? null;
  }

  /** The next bytes. Once none is possible any more, `equal` gives what came before them. */
  async compare(chunk: Uint8Array): Promise<void> {
    const same: Compared[] = [];
    for (const compared of this.#left) {
      if (await this.#isSame(compared.opened, chunk)) same.push(compared);
      else {
        this.#differed?.release();
        this.#differed = compared.opened;
      }
    }
    this.#left = same;
    if (same.length > 0) this.equalBytes += chunk.length;
  }

  /** The bytes that came before they differed, from one that has them. Chunks hold until the next one. */
  async *equal(): AsyncGenerator<Uint8Array, void> {
    const opened = this.#differed;
    const buffer = Buffer.allocUnsafe(Math.min(256 * 1024, this.equalBytes));
    for (let at = 0; opened && at < this.equalBytes; ) {
      const part = buffer.subarray(0, Math.min(buffer.length, this.equalBytes - at));
      const count = await opened.reader.read(part, opened.start + at);
      if (count === 0) throw new Error('an original is shorter than it was');
      yield part.subarray(0, count);
      at += count;
    }
  }

  close(): void {
    for (const { opened } of this.#left.splice(0)) opened.release();
    this.#differed?.release();
    this.#differed = null;
  }

  async #isSame(opened: OpenedBytes, chunk: Uint8Array): Promise<boolean> {
    if (this.#buffer.length < chunk.length) this.#buffer = Buffer.allocUnsafe(chunk.length);
    let there = 0;
    while (there < chunk.length) {
      const part = this.#buffer.subarray(there, chunk.length);
      const count = await opened.reader.read(part, opened.start + this.equalBytes + there);
      if (count === 0) return false;
      there += count;
    }
    return this.#buffer.subarray(0, chunk.length).equals(chunk);
  }
}
