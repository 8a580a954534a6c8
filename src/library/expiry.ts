// What goes by itself when its time is over: videos in the bin, uploads that nobody takes up, leftovers of crashes. One
// process at a time does it, under the lock `tidy`; one that lost it stops before the next step, and what it had decided
// before is refused by the catalogue where it holds no longer.

import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { findLeftovers, leftoverAgeMs } from './leftovers.ts';
import type { Lock, Locks } from './locks.ts';

export type ExpiryTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly locks: Locks;
  readonly binMs: number;
  readonly unfinishedMs: number;
  /** Removes an unfinished upload, unless it is being written: then false. */
  expireArrival(video: Video): Promise<boolean>;
  /** Something that was kept in memory of it must go. */
  onRemoved(video: Video): void;
};

/** Videos taken out of the bin at a time. */
const batchSize = 100;

/**
 * Steps 1 to 4 of the removal (`design/writes.md`) of one that is in the bin. False, and nothing is done, where it was
 * taken out meanwhile, or put in anew. Nothing there: nothing happens.
 */
export async function removeForGood(
  tools: Pick<ExpiryTools, 'blobs' | 'catalogue' | 'onRemoved'>,
  video: Video,
): Promise<boolean> {
  const { blobs, catalogue } = tools;
  if (video.binnedAtMs === null || !(await catalogue.startRemoval(video.id, video.binnedAtMs))) return false;
  if (video.indexId !== null) await blobs.remove(video.indexId);
  await blobs.remove(video.blobId);
  await catalogue.forgetVideo(video.id);
  tools.onRemoved(video);
  return true;
}

/** Removes what has been in the bin for longer than `binMs`. */
export async function emptyBin(tools: ExpiryTools, tidy: Lock, signal: AbortSignal): Promise<void> {
  const { catalogue, clock, locks, log } = tools;
  while (!signal.aborted) {
    const overdue = await catalogue.listBinnedBefore(clock.nowMs() - tools.binMs, batchSize);
    let removedCount = 0;
    for (const { id } of overdue) {
      if (signal.aborted) return;
      await locks.run(`video:${id}`, async () => {
        // It may have been taken out while we waited.
        const video = await catalogue.getVideo(id);
        if (video === null || video.binnedAtMs === null || video.binnedAtMs >= clock.nowMs() - tools.binMs)
          return;
        tidy.assertHeld();
        if (!(await removeForGood(tools, video))) return;
        removedCount += 1;
        log.info({ video: id, title: video.title }, 'removed from the bin');
      });
    }
    if (overdue.length < batchSize || removedCount === 0) return;
  }
}

/** Removes uploads that were begun longer than `unfinishedMs` ago and are not being written now. */
export async function expireUnfinished(tools: ExpiryTools, tidy: Lock, signal: AbortSignal): Promise<void> {
  const { catalogue, clock, log } = tools;
  for (const video of await catalogue.listArriving()) {
    if (signal.aborted) return;
    if (clock.nowMs() - video.addedAtMs < tools.unfinishedMs) continue;
    tidy.assertHeld();
    if (await tools.expireArrival(video))
      log.info({ video: video.id, title: video.title }, 'nobody went on with this upload, so it was removed');
  }
}

/** Blobs that no row named when they were looked at, and when that was first, by the monotonic clock. */
export type Unnamed = Map<string, number>;

/**
 * Removes blobs that no row names and that are old enough: by the time they were written, or where other machines'
 * clocks say when that was, once they are found a second time after as long.
 */
export async function sweepLeftovers(
  tools: ExpiryTools,
  unnamed: Unnamed,
  tidy: Lock,
  signal: AbortSignal,
): Promise<void> {
  const { blobs, catalogue, clock, locks, log } = tools;
  const nowMs = clock.monotonicMs();
  const found: Unnamed = new Map();
  for await (const entry of findLeftovers(blobs, catalogue, clock.nowMs())) {
    if (signal.aborted) return;
    const sinceMs = unnamed.get(entry.id) ?? nowMs;
    found.set(entry.id, sinceMs);
    if (locks.isShared ? nowMs - sinceMs <= leftoverAgeMs : !entry.isOld) continue;
    tidy.assertHeld();
    await blobs.remove(entry.id);
    found.delete(entry.id);
    log.info({ blob: entry.id, sizeBytes: entry.sizeBytes }, 'removed a leftover that no video names');
  }
  unnamed.clear();
  for (const [id, sinceMs] of found) unnamed.set(id, sinceMs);
}
