// How much of their room a person has taken: a bar with its figures, or the figure alone where nothing limits it.
import { html } from 'ghtml';
import type { View } from './view.ts';

export type Quota = {
  readonly usedBytes: number;
  /** null where not limited. */
  readonly quotaBytes: number | null;
};

/** From here on there is little left, and the bar says so. */
const nearlyFull = 0.9;

/** `3.1 GB of 10 GB used`, with a bar. Says in words when nothing more fits. */
export function quotaMeter(view: View, { usedBytes, quotaBytes }: Quota): string {
  const used = view.formats.size(usedBytes);
  if (quotaBytes === null) return html`<p class="quota hint"><span>${used} used</span></p>`;
  const share = quotaBytes === 0 ? 1 : Math.min(1, usedBytes / quotaBytes);
  const whole = view.formats.size(quotaBytes);
  const state = share >= 1 ? ' full' : share >= nearlyFull ? ' near' : '';
  const words =
    share >= 1
      ? 'Nothing more fits. Remove something from the bin, or ask for more room.'
      : `${view.formats.size(quotaBytes - usedBytes)} left`;
  return html`<div class="quota!${state}"><p class="hint"><span>${used} of ${whole} used</span> <span>${words}</span></p>
<progress class="bar-wide" max="100" value="${Math.floor(share * 100)}" aria-label="Room used">${view.formats.share(share)}</progress></div>`;
}
