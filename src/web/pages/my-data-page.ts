// "My data": all of one's own as one archive, and videos out of such an archive. A plain form and a plain link.
import { html } from 'ghtml';
import type { ImportReport } from '../../archive/import.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { quotaMeter } from '../quota-meter.ts';
import type { View } from '../view.ts';

export type MyDataPage = {
  readonly usedBytes: number;
  readonly quotaBytes: number | null;
  /** Whether one may have videos of one's own. */
  readonly canAdd: boolean;
  /** Of the last import; null where there was none. */
  readonly report: ImportReport | null;
};

export function myDataPage(view: View, data: MyDataPage): string {
  const main = html`<div class="column"><div class="heading"><h1><a class="up" href="/account" aria-label="Back to the account">!${icon('back')}</a>My data</h1></div>
!${quotaMeter(view, data)}
<div class="settings">
!${data.report === null ? '' : reportSection(view, data.report)}
<section aria-labelledby="take"><h2 id="take">Take it with you</h2>
<p class="hint">One archive (.tar) with your videos exactly as they came, in their folders, and beside them as text what this Kinora knows of you: titles, marks, where you were, with whom you share, tokens and links without their secrets, and what was noted of what you did. Any computer unpacks it, and another Kinora takes it in.</p>
<p><a class="button primary" href="/account/data.tar" download>!${icon('download')}Get everything</a></p>
</section>
!${data.canAdd ? importSection() : ''}
</div></div>`;
  return layout(view, { title: 'My data', place: null, search: null, main });
}

function importSection(): string {
  return html`<section aria-labelledby="bring"><h2 id="bring">Bring it in</h2>
<p class="hint">Such an archive of another Kinora, or any .tar file with videos in it. Titles, dates, marks and folders are brought along, and folders of the same name become one. With whom things were shared is not: that stays for you to decide. What is here already is not taken twice, so you can send it again if it was interrupted.</p>
<form class="fields one-line" method="post" action="/account/data" enctype="multipart/form-data">
<div class="field"><label for="archive">Archive</label>
<input id="archive" type="file" name="archive" accept=".tar,application/x-tar" required></div>
<button class="button">!${icon('upload')}Bring in</button>
</form></section>`;
}

function reportSection(view: View, report: ImportReport): string {
  const { videos, doubles, skippedCount, skipped, failure } = report;
  const count = (number: number, one: string, many: string) =>
    `${view.formats.count(number)} ${number === 1 ? one : many}`;
  const facts = [
    `${count(videos, 'video', 'videos')} came in.`,
    doubles > 0 ? `${count(doubles, 'was', 'were')} here already.` : '',
    skippedCount > 0 ? `${count(skippedCount, 'thing was', 'things were')} left out.` : '',
  ].filter(Boolean);
  const more = skippedCount - skipped.length;
  return html`<section aria-labelledby="imported"><h2 id="imported">The last archive</h2>
<p role="status">${facts.join(' ')}</p>
!${failure === null ? '' : html`<p class="wrong">!${icon('warning')}<span>${failure}</span></p>`}
!${
    skipped.length === 0
      ? ''
      : html`<details><summary class="button small">What was left out, and why</summary>
<ul class="rows">!${skipped.map(
          ({ name, reason }) => html`<li><div><bdi>${name}</bdi><p class="hint">${reason}</p></div></li>`,
        )}</ul>!${more > 0 ? html`<p class="hint">And ${view.formats.count(more)} more.</p>` : ''}</details>`
  }</section>`;
}
