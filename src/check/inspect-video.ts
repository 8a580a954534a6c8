// One video held against what is stored of it. Nothing is changed here.
import type { BlobReader, BlobStore } from '../blobs/blob-store.ts';
import type { Video } from '../catalogue/catalogue.ts';
import { isAppError } from '../errors.ts';
import { readWhole } from '../library/index-source.ts';
import { decodeIndex } from '../media/index-file.ts';
import type { MediaIndex, Track } from '../media/track.ts';

export type Finding = {
  /** A clause without a full stop. */
  readonly message: string;
  /** True where scanning the video again may put it right. */
  readonly isIndexAtFault: boolean;
};

/** What disagrees about a video, worst first; empty where nothing does. */
export async function inspectVideo(video: Video, blobs: BlobStore): Promise<readonly Finding[]> {
  return video.status === 'arriving' ? inspectArriving(video, blobs) : inspectArrived(video, blobs);
}

async function inspectArriving(video: Video, blobs: BlobStore): Promise<readonly Finding[]> {
  const sealed = await sizeOf(() => blobs.open(video.blobId));
  if (sealed !== null) return [fault('has arrived whole but was not finished; the next start does it')];
  const part = await sizeOf(() => blobs.openUnfinished(video.blobId));
  if (part !== null && video.sizeBytes !== null && part > video.sizeBytes) {
    return [fault(`has ${part} bytes stored, more than the ${video.sizeBytes} announced`)];
  }
  // None at all is how every upload begins.
  return [];
}

async function inspectArrived(video: Video, blobs: BlobStore): Promise<readonly Finding[]> {
  const storedBytes = await sizeOf(() => blobs.open(video.blobId));
  if (storedBytes === null) return [fault(`its file ${video.blobId} is missing`)];
  const findings: Finding[] = [];
  if (storedBytes !== video.sizeBytes) {
    findings.push(
      fault(`its file has ${storedBytes} bytes, not the ${video.sizeBytes} it had when it arrived`),
    );
  }
  if (video.indexId === null) return findings;
  try {
    const index = decodeIndex(await readWhole(blobs, video.indexId));
    return [...findings, ...inspectIndex(index, storedBytes)];
  } catch (error) {
    if (!isAppError(error)) throw error;
    const what =
      error.kind === 'not-found' ? 'is missing' : `cannot be used: ${error.message.replace(/\.$/, '')}`;
    return [...findings, { message: `its index ${video.indexId} ${what}`, isIndexAtFault: true }];
  }
}

function inspectIndex(index: MediaIndex, storedBytes: number): Finding[] {
  const findings: Finding[] = [];
  if (index.sizeBytes !== storedBytes) {
    findings.push({ message: `its index is of a file of ${index.sizeBytes} bytes`, isIndexAtFault: true });
  }
  for (const track of index.tracks) {
    const beyond = countBeyond(track, storedBytes);
    if (beyond > 0) {
      const message = `track ${track.number} of its index has ${beyond} of ${track.samples.count} samples beyond the end of the file`;
      findings.push({ message, isIndexAtFault: true });
    }
  }
  return findings;
}

function countBeyond({ samples }: Track, sizeBytes: number): number {
  let count = 0;
  for (let at = 0; at < samples.count; at += 1) {
    if (samples.offsets[at]! + samples.sizes[at]! > sizeBytes) count += 1;
  }
  return count;
}

function fault(message: string): Finding {
  return { message, isIndexAtFault: false };
}

async function sizeOf(open: () => Promise<BlobReader>): Promise<number | null> {
  try {
    const reader = await open();
    await reader.close();
    return reader.sizeBytes;
  } catch (error) {
    if (isAppError(error, 'not-found')) return null;
    throw error;
  }
}
