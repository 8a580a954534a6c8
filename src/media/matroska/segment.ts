// Walks a Segment element by element (RFC 9559 §5.1). Masters that hold Blocks are stepped into and otherwise not kept
// track of: every id says by itself where it belongs, so unknown sizes, wrong sizes and missing ends need no special
// care. What is neither known nor plausible is damage: the walk goes on at the next Cluster.
import { AppError } from '../../errors.ts';
import type { ByteFeed } from '../feed.ts';
import type { Chapter } from '../track.ts';
import { BlockReader } from './blocks.ts';
import { readChapters } from './chapters.ts';
import { children, ElementHeader, notAnElement, readInt, readString, readUint, unknownSize } from './ebml.ts';
import { clusterParts, ids, skippedSegmentParts } from './elements.ts';
import { readTracks } from './tracks.ts';

/** What stands before the Segment is some 40 bytes; this is ample. */
const maxEbmlHeaderBytes = 64 * 1024;
/** Info, Tracks and Chapters are held whole: codec headers and fonts of subtitles are well below this. */
const maxHeldBytes = 16 * 1024 * 1024;
/** Nothing unknown is stepped over further than this: garbage now and then looks like an id. */
const maxUnknownBytes = 64 * 1024 * 1024;
/** Room that was left for later may be large. */
const maxVoidBytes = 2 ** 30;
/** How much damage is searched for the next Cluster, in all. */
const maxSearchedBytes = 256 * 1024 * 1024;
const searchStepBytes = 64 * 1024;
/** TimestampScale where absent (RFC 9559 §5.1.2.9), and the largest believed: a tick of ten seconds. */
const usualScaleNs = 1_000_000;
const maxScaleNs = 1e10;
/** Where the walk can go on: Clusters, but they are of no use before the Tracks are known. */
const clusterId = Uint8Array.of(0x1f, 0x43, 0xb6, 0x75);
const tracksId = Uint8Array.of(0x16, 0x54, 0xae, 0x6b);

/** An answer of SegmentWalk.step: the walk is over. */
export const walkIsOver = -1;

/** What can be seen of a scan that is still running. */
export type MatroskaProgress = {
  /** Null until the EBML header was recognised. */
  container: 'matroska' | 'webm' | null;
  /** Null until the Tracks element was read. */
  trackCount: number | null;
};

type Place = 'ebml-header' | 'segment-header' | 'segment' | 'damage' | 'after';

export class SegmentWalk {
  readonly blocks: BlockReader;
  readonly progress: MatroskaProgress;
  chapters: Chapter[] = [];
  scaleNs = usualScaleNs;
  readonly remarks = new Set<string>();
  /** Where the Segment says that it ends; Infinity where it does not say. */
  segmentEnd = Number.POSITIVE_INFINITY;
  /** Whether it is among the parts of a Segment, not in damage or past the end. */
  get isInside(): boolean {
    return this.#place === 'segment';
  }

  readonly #feed: ByteFeed;
  readonly #header = new ElementHeader();
  #place: Place = 'ebml-header';
  #clusterEnd = Number.POSITIVE_INFINITY;
  #searchedBytes = 0;

  constructor(feed: ByteFeed, progress: MatroskaProgress) {
    this.#feed = feed;
    this.progress = progress;
    this.blocks = new BlockReader(feed, this.#header);
  }

  /**
   * Does one thing: reads or steps over one element. 0: done. More than 0: so many bytes are needed first (nothing
   * was done, except in damage). `walkIsOver`: no more. Throws AppError for what is no Matroska.
   */
  step(): number {
    switch (this.#place) {
      case 'segment':
        return this.#segmentPart();
      case 'damage':
        return this.#search();
      case 'ebml-header':
        return this.#ebmlHeader();
      case 'segment-header':
        return this.#segmentHeader();
      case 'after':
        return walkIsOver;
    }
  }

  /** EBML Header (RFC 8794 §8.1, §11.2). */
  #ebmlHeader(): number {
    const feed = this.#feed;
    const header = this.#header;
    const need = header.read(feed);
    if (need > 0) return need;
    const total = header.headerBytes + header.size;
    if (need < 0 || header.id !== ids.ebml || header.size === unknownSize || total > maxEbmlHeaderBytes) {
      throw new AppError('unsupported-media', 'This is not a Matroska or WebM file.');
    }
    if (feed.available < total) return total;
    let docType = 'matroska'; // files of the first years leave it out
    for (const { id, data } of children(feed.take(total).subarray(header.headerBytes))) {
      if (id === ids.docType) docType = readString(data);
      else if (id === ids.ebmlMaxIdLength) header.maxIdBytes = Math.min(8, Math.max(4, readUint(data)));
    }
    if (docType !== 'matroska' && docType !== 'webm') {
      throw new AppError('unsupported-media', 'This is an EBML file, but neither Matroska nor WebM.');
    }
    this.progress.container = docType;
    this.#place = 'segment-header';
    return 0;
  }

  #segmentHeader(): number {
    const feed = this.#feed;
    const header = this.#header;
    const need = header.read(feed);
    if (need > 0) return need;
    if (need < 0) return this.#damaged(1);
    if (header.id !== ids.segment) {
      if (header.size === unknownSize || header.size > maxUnknownBytes) return this.#damaged(1);
      feed.skip(header.headerBytes + header.size);
      return 0;
    }
    feed.skip(header.headerBytes);
    if (header.size !== unknownSize) this.segmentEnd = feed.position + header.size;
    this.#place = 'segment';
    return 0;
  }

  #segmentPart(): number {
    const feed = this.#feed;
    const header = this.#header;
    const { blocks } = this;
    if (feed.position >= blocks.groupEnd) blocks.endGroup();
    const need = header.read(feed);
    if (need > 0) return need;
    if (need === notAnElement) return this.#damaged(1);
    const { id, size, headerBytes } = header;
    const end = feed.position + headerBytes + size;
    if (end > this.#clusterEnd && feed.position < this.#clusterEnd && id !== ids.cluster) {
      return this.#damaged(headerBytes);
    }
    switch (id) {
      case ids.simpleBlock:
      case ids.block: {
        if (id === ids.simpleBlock && blocks.groupEnd !== Number.POSITIVE_INFINITY) blocks.endGroup();
        const answer = blocks.read(id === ids.simpleBlock);
        return answer === notAnElement ? this.#damaged(headerBytes) : answer;
      }
      case ids.blockGroup:
        blocks.beginGroup(size === unknownSize ? Number.MAX_VALUE : end);
        feed.skip(headerBytes);
        return 0;
      case ids.cluster:
        blocks.endGroup();
        this.#clusterEnd = size === unknownSize ? Number.POSITIVE_INFINITY : end;
        feed.skip(headerBytes);
        return 0;
      case ids.timestamp:
      case ids.blockDuration:
      case ids.discardPadding:
        return this.#number(id);
      case ids.referenceBlock:
        blocks.setGroupReference();
        return this.#stepOver(maxUnknownBytes);
      case ids.encryptedBlock:
        this.remarks.add('Some of its frames are encrypted and were left out.');
        return this.#stepOver(maxUnknownBytes);
      case ids.info:
      case ids.tracks:
      case ids.chapters:
        return this.#held(id);
      case ids.ebml:
      case ids.segment:
        this.remarks.add('More than one film is joined in this file; only the first one is shown.');
        return this.#over();
    }
    if (skippedSegmentParts.has(id)) {
      blocks.endGroup();
      // Attachments and the like may be of any size, but of a known one, and inside the Segment.
      return this.#stepOver(Math.max(maxUnknownBytes, this.segmentEnd - feed.position));
    }
    if (id === ids.void) return this.#stepOver(maxVoidBytes);
    // After the end of the Segment there may be anything, as tools leave their marks there.
    if (feed.position >= this.segmentEnd && !clusterParts.has(id)) return this.#over();
    // What is not needed of a Cluster, and what later versions of Matroska add.
    return this.#stepOver(maxUnknownBytes);
  }

  #stepOver(maxBytes: number): number {
    const { headerBytes, size } = this.#header;
    if (size === unknownSize || size > maxBytes) return this.#damaged(headerBytes);
    this.#feed.skip(headerBytes + size);
    return 0;
  }

  /** A small number inside a Cluster. */
  #number(id: number): number {
    const feed = this.#feed;
    const { headerBytes, size } = this.#header;
    if (size === unknownSize || size > 8) return this.#damaged(headerBytes);
    if (feed.available < headerBytes + size) return headerBytes + size;
    feed.skip(headerBytes);
    const data = feed.take(size);
    if (id === ids.timestamp) this.blocks.setClusterTime(readUint(data));
    else if (id === ids.blockDuration) this.blocks.setGroupDuration(readUint(data));
    else this.blocks.setGroupDiscard(readInt(data));
    return 0;
  }

  /** A master that is read whole. */
  #held(id: number): number {
    const feed = this.#feed;
    const { headerBytes, size } = this.#header;
    this.blocks.endGroup();
    if (size === unknownSize || size > maxHeldBytes) {
      if (id === ids.tracks && this.progress.trackCount === null) {
        throw new AppError('unsupported-media', 'The list of tracks in this file is too large or damaged.');
      }
      return this.#stepOver(Math.max(maxUnknownBytes, this.segmentEnd - feed.position));
    }
    if (feed.available < headerBytes + size) return headerBytes + size;
    feed.skip(headerBytes);
    const data = feed.take(size);
    if (id === ids.info) this.#readInfo(data);
    else if (id === ids.chapters) this.chapters = readChapters(data);
    else if (this.progress.trackCount === null) {
      // Copies of Tracks may follow (RFC 9559 §5.1.4): the first one counts.
      this.blocks.setTracks(readTracks(data));
      this.progress.trackCount = this.blocks.tracks.length;
    }
    return 0;
  }

  #readInfo(info: Uint8Array): void {
    for (const { id, data } of children(info)) {
      if (id !== ids.timestampScale) continue;
      const scaleNs = readUint(data);
      if (scaleNs >= 1 && scaleNs <= maxScaleNs) this.scaleNs = scaleNs;
      else this.remarks.add('Its time scale is impossible; the usual one was taken.');
    }
    this.blocks.setTickSeconds(this.scaleNs / 1e9);
  }

  #over(): number {
    this.blocks.endGroup();
    this.#place = 'after';
    return walkIsOver;
  }

  /** Goes on looking for a Cluster `stepBytes` further. */
  #damaged(stepBytes: number): number {
    if (this.#place === 'segment' && this.#feed.position >= this.segmentEnd) return this.#over();
    this.remarks.add('Part of this file is damaged and was left out.');
    this.blocks.endGroup();
    this.#clusterEnd = Number.POSITIVE_INFINITY;
    this.#feed.skip(stepBytes);
    this.#place = 'damage';
    return 0;
  }

  /** Searches for an id of four bytes, which are hardly ever met by chance. */
  #search(): number {
    const feed = this.#feed;
    const { available } = feed;
    if (available === 0) return searchStepBytes;
    const window = Buffer.from(feed.bytes.buffer, feed.bytes.byteOffset + feed.at, available);
    const id = this.progress.trackCount === null ? tracksId : clusterId;
    const found = window.indexOf(id);
    const passed = found >= 0 ? found : Math.max(0, available - (id.length - 1));
    feed.skip(passed);
    this.#searchedBytes += passed;
    if (this.#searchedBytes > maxSearchedBytes) return this.#over();
    if (found < 0) return searchStepBytes;
    this.#place = 'segment';
    return 0;
  }
}
