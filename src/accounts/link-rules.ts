// What a new guest link may be: bounds of everything that is typed, and what goes with which thing. Sentences are for
// the person who makes it.
import type { Video } from '../catalogue/catalogue.ts';
import { AppError } from '../errors.ts';
import type { NewLink } from './guest-links.ts';

const maxNoteChars = 200;
/** The secret of the address is what guards; a password is for a link that may have gone on to others. */
const [minPasswordChars, maxPasswordChars] = [4, 200];
const maxVisits = 10_000;
const dayMs = 86_400_000;
/** A camera shows what is to come, so nobody should have forgotten that a link to it is about. */
const maxCameraMs = 31 * dayMs;
const maxMs = 10 * 366 * dayMs;

/** The link as it is to be stored. `video`: where it is one. Throws `bad-request`, `conflict`. */
export function assertNewLink(link: NewLink, video: Video | null, nowMs: number): NewLink {
  const note = link.note.trim();
  if (note.length > maxNoteChars) throw refused(`A note has at most ${maxNoteChars} characters.`);
  assertExpiry(link, nowMs);
  const { password } = link;
  if (password !== null && (password.length < minPasswordChars || password.length > maxPasswordChars))
    throw refused(`A password has ${minPasswordChars} to ${maxPasswordChars} characters.`);
  const isCount = (count: number) => Number.isInteger(count) && count >= 1 && count <= maxVisits;
  if (link.maxVisits !== null && !isCount(link.maxVisits))
    throw refused(`The number of visitors is 1 to ${maxVisits}, or left empty.`);
  if (link.subject === 'camera' && link.allowsDownload)
    throw refused('There is nothing to download from a camera.');
  const stretch = stretchOf(link, video);
  if (video) assertShown(video, link.allowsDownload, stretch.startSeconds !== null);
  return { ...link, ...stretch, note };
}

function assertExpiry({ subject, expiresAtMs }: NewLink, nowMs: number): void {
  if (expiresAtMs === null) {
    if (subject === 'camera') throw refused('Say until when: a camera is shown for a time only.');
    return;
  }
  const lastMs = nowMs + (subject === 'camera' ? maxCameraMs : maxMs);
  if (!Number.isInteger(expiresAtMs) || expiresAtMs <= nowMs)
    throw refused('The link must end at a moment to come.');
  if (expiresAtMs > lastMs)
    throw refused(
      subject === 'camera' ? 'A camera is shown for at most 31 days.' : 'That is too far in the future.',
    );
}

/** To whole milliseconds; the start is said wherever there is an end. */
function stretchOf({ startSeconds, endSeconds }: NewLink, video: Video | null) {
  if (startSeconds === null && endSeconds === null) return { startSeconds, endSeconds };
  if (!video) throw refused('Only a video has a stretch.');
  const start = toMilliseconds(startSeconds ?? 0);
  const end = endSeconds === null ? null : toMilliseconds(endSeconds);
  const length = (video.durationMs ?? 0) / 1000;
  if (!(start >= 0) || start >= length) throw refused('The stretch must begin within the video.');
  if (end !== null && !(end > start)) throw refused('The stretch must end after it begins.');
  // From its beginning to its end it is the whole video.
  if (start === 0 && (end === null || end >= length)) return { startSeconds: null, endSeconds: null };
  return { startSeconds: start, endSeconds: end };
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

function assertShown(video: Video, allowsDownload: boolean, isStretch: boolean): void {
  if (video.status === 'arriving')
    throw new AppError('conflict', 'This video is still arriving. Make the link when it is there.');
  if (isStretch && (video.playback.viewType === null || video.indexId === null))
    throw refused('A stretch cannot be cut out of this file. Share the whole of it.');
  if (video.playback.viewType === null && !allowsDownload)
    throw refused('Browsers play this only as the file it came as: allow the download to share it.');
}

function refused(sentence: string): AppError {
  return new AppError('bad-request', sentence);
}
