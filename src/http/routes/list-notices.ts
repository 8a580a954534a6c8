// What was just done, carried in the address of the list it leads back to, so that it needs no scripts and no store: a
// word and figures, never text; what may be undone is asked about again when it is.
import type { Viewer } from '../../accounts/permissions.ts';
import { isAppError } from '../../errors.ts';
import { isId } from '../../ids.ts';
import type { Notice } from '../../web/pages/videos-page.ts';
import type { BulkAction, BulkResult } from '../bulk.ts';
import type { Services } from '../services.ts';

/** So many ids fit into an address beside everything else; more can be taken out of the bin there. */
const mostUndone = 60;

const words: Readonly<Record<BulkAction, string>> = {
  move: 'moved',
  share: 'shared with the household',
  bin: 'moved to the bin',
  restore: 'taken out of the bin',
  remove: 'removed for good',
  favourite: 'marked as favourites',
  unfavourite: 'no favourites any more',
};

/** What the address carries of what was done. */
export function noticeFields(action: BulkAction, results: readonly BulkResult[]): Record<string, string> {
  const done = results.filter(({ isDone }) => isDone).map(({ id }) => id);
  const left = results.length - done.length;
  return {
    ...{ done: action, count: String(done.length) },
    ...(left > 0 && { left: String(left) }),
    ...(action === 'bin' && done.length <= mostUndone && { ids: done.join('.') }),
  };
}

/** As the page says it; null where nothing was done. */
export async function listNoticeOf(
  { access, config }: Pick<Services, 'access' | 'config'>,
  viewer: Viewer,
  query: URLSearchParams,
): Promise<Notice | null> {
  const days = Math.round(config.data.binMs / 86_400_000);
  const binned = query.get('binned') ?? '';
  if (isId(binned)) {
    const video = await access.video(viewer, binned, 'delete').catch((error: unknown) => {
      if (isAppError(error, 'not-found') || isAppError(error, 'forbidden')) return null;
      throw error;
    });
    if (video === null || video.binnedAtMs === null) return null;
    return {
      ...{ name: video.title, text: `is in the bin for ${days} days.` },
      undo: { action: `/videos/${binned}/restore`, fields: [] },
    };
  }
  const done = query.get('done');
  if (done === 'folder') return { text: `The folder is gone; its videos are in the bin for ${days} days.` };
  if (done === 'nothing') return { text: 'Nothing was picked.' };
  const action = (Object.keys(words) as BulkAction[]).find((candidate) => candidate === done);
  if (!action) return null;
  const [count, left] = [figureOf(query.get('count')), figureOf(query.get('left'))];
  const said = `${count} ${count === 1 ? 'video' : 'videos'} ${words[action]}.`;
  const rest =
    left === 0 ? '' : ` ${left} ${left === 1 ? 'was' : 'were'} left: not yours, or not possible now.`;
  const ids = (query.get('ids') ?? '').split('.').filter(isId).slice(0, mostUndone);
  return {
    text: said + rest,
    ...(action === 'bin' &&
      ids.length > 0 && {
        undo: {
          action: '/videos/selection',
          fields: [['action', 'restore'], ...ids.map((id) => ['id', id] as const)],
        },
      }),
  };
}

function figureOf(text: string | null): number {
  return /^\d{1,4}$/.test(text ?? '') ? Number(text) : 0;
}
