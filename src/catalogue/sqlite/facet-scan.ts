// The sets of one facet from bucket to bucket, read some at a time: its rows lie next to each other, and buckets where
// it has none are jumped over.
import { readMembers } from './members.ts';

export type Direction = 'down' | 'up';

type Row = { bucket: number; members: Uint8Array };

/** Most rows read at once: 32 KB. */
const mostRows = 64;

export class FacetScan {
  readonly #select: (from: number, limit: number) => Row[];
  readonly #direction: Direction;
  #rows: Row[] = [];
  #next = 0;
  /** The first is often enough; who goes on wants many. */
  #size = 1;
  #isOver = false;

  /** @param select rows from a bucket on, in that direction */
  constructor(direction: Direction, select: (from: number, limit: number) => Row[]) {
    this.#direction = direction;
    this.#select = select;
  }

  /** Goes to a bucket or, where there is nothing in it, the nearest beyond; null where there is none. Never goes back. */
  seek(bucket: number): number | null {
    while (true) {
      const row = this.#rows[this.#next];
      if (row && (this.#direction === 'down' ? row.bucket <= bucket : row.bucket >= bucket))
        return row.bucket;
      if (row) this.#next++;
      else if (this.#isOver) return null;
      else {
        this.#rows = this.#select(bucket, this.#size);
        this.#next = 0;
        this.#isOver = this.#rows.length < this.#size;
        this.#size = Math.min(mostRows, this.#size * 4);
      }
    }
  }

  /** The members in this bucket, a bitmap; null where there are none. */
  at(bucket: number): Uint8Array | null {
    return this.seek(bucket) === bucket ? readMembers(this.#rows[this.#next]!.members) : null;
  }
}
