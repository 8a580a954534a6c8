// Writes about people: how far they watched, what they marked, and what becomes of their things when they go.
import { householdAudience, type Marks, type Progress } from '../catalogue.ts';
import { facet } from './facets.ts';
import type { FolderRow } from './folder-tree.ts';
import { renewSeenBy } from './seen-by.ts';
import type { Statements } from './statements.ts';
import { audiencesText, fromJson, type VideoRow, wellFormed } from './video-rows.ts';
import { changeFacets } from './video-writes.ts';
import type { WordIndex } from './word-index.ts';

/** Videos that one write changes at most: what waits behind it waits some hundredths of a second. */
const mostAtOnce = 1000;

export type PersonWrites = {
  setProgress(personId: string, videoId: string, progress: Progress): void;
  setMarks(personId: string, videoId: string, marks: Partial<Marks>): void;
  /** How many videos are left. */
  giveVideos(fromId: string, toId: string): number;
  /** True once there is nothing left to forget. */
  forgetPerson(personId: string): boolean;
};

type MarksRow = { is_favourite: number; is_watched: number };

export function createPersonWrites(statements: Statements, index: WordIndex): PersonWrites {
  /** Shares no more of the videos with a person, some of them; false where there are none. */
  function unshareVideos(personId: string): boolean {
    const sequences = index.sequencesOf(facet.audience(personId), mostAtOnce);
    for (const sequence of sequences) {
      const before = statements.get<VideoRow>('SELECT * FROM videos WHERE sequence = ?', sequence)!;
      const left = fromJson<string[]>(before.audiences).filter((audience) => audience !== personId);
      const sql = 'UPDATE videos SET audiences = ? WHERE sequence = ? RETURNING *';
      changeFacets(statements, index, before, statements.get<VideoRow>(sql, audiencesText(left), sequence)!);
    }
    return sequences.length > 0;
  }

  function unshareFolders(personId: string): void {
    for (const { id, audiences } of statements.all<FolderRow>(
      "SELECT * FROM folders WHERE audiences <> '[]'",
    )) {
      const left = without(audiences, personId);
      if (left === audiences) continue;
      statements.run('UPDATE folders SET audiences = ? WHERE id = ?', left, id);
      renewSeenBy(statements, index, id, [personId]);
    }
  }

  function unshareCameras(personId: string): void {
    const rows = statements.all<{ camera_id: string; audiences: string }>('SELECT * FROM camera_shares');
    for (const { camera_id, audiences } of rows) {
      const left = without(audiences, personId);
      if (left === audiences) continue;
      statements.run('UPDATE camera_shares SET audiences = ? WHERE camera_id = ?', left, camera_id);
    }
  }

  return {
    setProgress(personId, videoId, { positionMs, updatedAtMs }) {
      // Of a video that was removed meanwhile there is nothing to remember.
      statements.run(
        `INSERT INTO progress (person_id, video_id, position_ms, updated_at_ms)
         SELECT ?, id, ?, ? FROM videos WHERE id = ?
         ON CONFLICT (person_id, video_id) DO UPDATE
         SET position_ms = excluded.position_ms, updated_at_ms = excluded.updated_at_ms
         WHERE updated_at_ms IS NULL OR excluded.updated_at_ms >= updated_at_ms`,
        wellFormed(personId),
        positionMs,
        Math.round(updatedAtMs),
        videoId,
      );
    },

    setMarks(person, videoId, marks) {
      const personId = wellFormed(person);
      const video = statements.get<VideoRow>('SELECT * FROM videos WHERE id = ?', videoId);
      if (!video) return;
      const before = statements.get<MarksRow>(
        'SELECT is_favourite, is_watched FROM progress WHERE person_id = ? AND video_id = ?',
        personId,
        videoId,
      );
      const [isFavourite, isWatched] = [
        marks.isFavourite ?? before?.is_favourite === 1,
        marks.isWatched ?? before?.is_watched === 1,
      ];
      statements.run(
        `INSERT INTO progress (person_id, video_id, is_favourite, is_watched) VALUES (?, ?, ?, ?)
         ON CONFLICT (person_id, video_id) DO UPDATE
         SET is_favourite = excluded.is_favourite, is_watched = excluded.is_watched`,
        personId,
        videoId,
        isFavourite ? 1 : 0,
        isWatched ? 1 : 0,
      );
      if (!isFavourite && !isWatched) {
        statements.run(
          'DELETE FROM progress WHERE person_id = ? AND video_id = ? AND position_ms IS NULL',
          personId,
          videoId,
        );
      }
      for (const [name, isMarked] of [
        [facet.favourite(personId), isFavourite],
        [facet.watched(personId), isWatched],
      ] as const) {
        if (isMarked) index.addFacets(video.sequence, [name], video.binned_at_ms !== null);
        else index.dropFacets(video.sequence, [name], video.binned_at_ms !== null);
      }
    },

    giveVideos(from, to) {
      const [fromId, toId] = [wellFormed(from), wellFormed(to)];
      if (fromId === toId) return 0;
      // All folders at once, so that a folder and those in it always have one owner.
      statements.run('UPDATE folders SET owner_id = ? WHERE owner_id = ?', toId, fromId);
      for (const sequence of index.sequencesOf(facet.owner(fromId), mostAtOnce)) {
        const { binned_at_ms } = statements.get<VideoRow>(
          'UPDATE videos SET owner_id = ? WHERE sequence = ? RETURNING *',
          toId,
          sequence,
        )!;
        index.dropFacets(sequence, [facet.owner(fromId)], binned_at_ms !== null);
        index.addFacets(sequence, [facet.owner(toId)], binned_at_ms !== null);
      }
      const left = statements.get<{ videos: number }>('SELECT videos FROM usage WHERE owner_id = ?', fromId);
      return left?.videos ?? 0;
    },

    forgetPerson(person) {
      const personId = wellFormed(person);
      // Everybody is nobody that could go.
      if (personId !== householdAudience) {
        unshareFolders(personId);
        unshareCameras(personId);
        if (unshareVideos(personId)) return false;
      }
      statements.run('DELETE FROM links WHERE created_by = ?', personId);
      statements.run('DELETE FROM progress WHERE person_id = ?', personId);
      index.remove(facet.favourite(personId));
      index.remove(facet.watched(personId));
      return true;
    },
  };
}

/** Audiences as they are stored, without one of them. */
function without(audiences: string, personId: string): string {
  const all = fromJson<string[]>(audiences);
  return all.includes(personId) ? audiencesText(all.filter((audience) => audience !== personId)) : audiences;
}
