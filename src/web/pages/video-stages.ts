// What stands on the stage when there is nothing to play: arriving, converting, not playable, in the bin. Each says
// what is so, why, and what one can do; never a blank player.
import { html } from 'ghtml';
import type { Video } from '../../catalogue/catalogue.ts';
import { arrivedShare, lightClasses } from '../cards.ts';
import { icon } from '../icons.ts';
import type { View } from '../view.ts';

function sheet(video: Video, content: string): string {
  return html`<section class="stage quiet !${lightClasses(video.id)}"><div class="sheet">!${content}</div></section>`;
}

/** Milliseconds until the last byte at the average speed so far; null where nothing can be said. */
function remainingMs(view: View, video: Video): number | null {
  const passedMs = view.nowMs - video.addedAtMs;
  if (!video.sizeBytes || video.receivedBytes === 0 || passedMs < 1000) return null;
  return ((video.sizeBytes - video.receivedBytes) / video.receivedBytes) * passedMs;
}

export function arrivingStage(view: View, video: Video): string {
  const { formats } = view;
  const share = arrivedShare(video);
  const leftMs = remainingMs(view, video);
  const whole = video.sizeBytes === null ? '' : ` of ${formats.size(video.sizeBytes)}`;
  return sheet(
    video,
    html`<kinora-arriving data-id="${video.id}"><h2>Arriving</h2>
<progress class="bar-wide" max="1" !${share === null ? '' : html`value="${share.toFixed(4)}"`} aria-label="Arrived"></progress>
<p class="figures"><span data-part="share">${share === null ? '' : formats.share(share)}</span> <span data-part="bytes">${formats.size(video.receivedBytes)}${whole}</span> <span data-part="left">${leftMs === null ? '' : `${formats.duration(leftMs)} left`}</span></p>
<p>It plays here as soon as its last byte has landed.</p></kinora-arriving>`,
  );
}

/** Converting or unplayable. */
export function plainStage(video: Video): string {
  if (video.status === 'converting') {
    return sheet(
      video,
      html`<kinora-arriving data-id="${video.id}"><h2>Being converted</h2><progress class="bar-wide" aria-label="Being converted"></progress>
<p>${video.reason ?? 'It plays here as soon as that is done.'}</p></kinora-arriving>`,
    );
  }
  return sheet(
    video,
    html`<span class="empty-sign">!${icon('warning')}</span><h2>This video cannot be shown</h2>
<p>${video.reason ?? 'No browser knows the form it comes in.'}</p>
<p>The file is kept as it came. A player on your device may show it.</p>
<a class="button primary" href="/videos/${video.id}/original" download>!${icon('download')}Download</a>`,
  );
}

export function binnedStage(view: View, video: Video): string {
  return sheet(
    video,
    html`<span class="empty-sign">!${icon('bin')}</span><h2>In the bin</h2>
<p>It was put there ${view.formats.age(video.binnedAtMs ?? view.nowMs, view.nowMs)}.</p>
<form method="post" action="/videos/${video.id}/restore"><button class="button primary">!${icon('restore')}Take out of the bin</button></form>`,
  );
}
