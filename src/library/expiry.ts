// What goes by itself when its time is over: videos in the bin, uploads that nobody takes up, leftovers of crashes.

import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { findLeftovers } from './leftovers.ts';
import type { Locks } from './locks.ts';

export type ExpiryTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly locks: Locks;
  readonly binMs: number;
  readonly unfinishedMs: number;
  /** Removes an unfinished upload, unless it is being written. */
  expireArrival(video: Video): Promise<void>;
  /** Something that was kept in memory of it must go. */
  onRemoved(video: Video): void;
};

/** Videos taken out of the bin at a time. */
const batchSize = 100;

/** Steps 1 to 4 of the removal (`design/writes.md`). Nothing there: nothing happens. */
export async function removeForGood(
  tools: Pick<ExpiryTools, 'blobs' | 'catalogue' | 'onRemoved'>,
  video: Video,
): Promise<void> {
  const { blobs, catalogue } = tools;
  await catalogue.setBinned(video.id, 0);
  if (video.indexId !== null) await blobs.remove(video.indexId);
  await blobs.remove(video.blobId);
  await catalogue.forgetVideo(video.id);
  tools.onRemoved(video);
}

/** Removes what has been in the bin for longer than `binMs`. */
export async function emptyBin(tools: ExpiryTools, signal: AbortSignal): Promise<void> {
  const { catalogue, clock, locks, log } = tools;
  while (!signal.aborted) {
    const overdue = await catalogue.listBinnedBefore(clock.nowMs() - tools.binMs, batchSize);
    let removedCount = 0;
    for (const { id } of overdue) {
      if (signal.aborted) return;
      await locks.run(id, async () => {
        // It may have been taken out while we waited.
        const video = await catalogue.getVideo(id);
        if (video === null || video.binnedAtMs === null || video.binnedAtMs >= clock.nowMs() - tools.binMs)
          return;
        await removeForGood(tools, video);
        removedCount += 1;
        log.info({ video: id, title: video.title }, 'removed from the bin');
      });
    }
    if (overdue.length < batchSize || removedCount === 0) return;
  }
}

/** Removes uploads that were begun longer than `unfinishedMs` ago and are not being written now. */
export async function expireUnfinished(tools: ExpiryTools, signal: AbortSignal): Promise<void> {
  const { catalogue, clock, log } = tools;
  for (const video of await catalogue.listArriving()) {
    if (signal.aborted) return;
    if (clock.nowMs() - video.addedAtMs < tools.unfinishedMs) continue;
    await tools.expireArrival(video);
    log.info({ video: video.id, title: video.title }, 'nobody went on with this upload, so it was removed');
  }
}

/** Removes blobs that no row names and that are old enough. */
export async function sweepLeftovers(tools: ExpiryTools, signal: AbortSignal): Promise<void> {
  const { blobs, catalogue, clock, log } = tools;
  for await (const entry of findLeftovers(blobs, catalogue, clock.nowMs())) {
    if (signal.aborted) return;
    if (!entry.isOld) continue;
    await blobs.remove(entry.id);
    log.info({ blob: entry.id, sizeBytes: entry.sizeBytes }, 'removed a leftover that no video names');
  }
}
