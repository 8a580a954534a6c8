// The page a person sees when something cannot be done: what, why, and a way on. It needs nothing but the problem,
// so that it can be made when everything else has failed; its assets are asked for by their plain names.
import { html } from 'ghtml';
import type { Viewer } from '../accounts/permissions.ts';
import type { Problem } from '../errors.ts';
import { createFormats } from './formats.ts';
import { icon } from './icons.ts';
import { layout } from './layout.ts';
import { createView } from './view.ts';

/** The page of a problem. The cookie header, where given, keeps the theme; `viewer` is null where nobody is logged in. */
export function errorPage(problem: Problem, cookieHeader: string | undefined, viewer: Viewer | null): string {
  const view = createView({
    assets: { url: (name) => `/assets/${name}` },
    ...{ formats: createFormats('en'), cookieHeader, nowMs: 0, viewer },
  });
  const isUpload = [413, 415, 507].includes(problem.status);
  const main = html`<section class="empty"><span class="empty-sign">!${icon('warning')}</span>
<h1>${problem.title}</h1><p>${problem.detail}</p>
!${isUpload ? html`<a class="button primary" href="/upload">Choose another file</a>` : html`<a class="button primary" href="/">To the first page</a>`}
<p class="hint">Error ${problem.status}</p></section>`;
  return layout(view, { title: problem.title, place: null, search: '', main });
}
