// With whom a video, a folder or a camera is shared: who can see it now and why, the household as one switch, people by
// their names. What is shared with a folder around it is said, with the way there; it is changed there alone.
import { html } from 'ghtml';
import type { Role } from '../../accounts/permissions.ts';
import type { Shared } from '../../catalogue/catalogue.ts';
import { type FormError, formProblem } from '../form-fields.ts';
import { icon } from '../icons.ts';
import { layout } from '../layout.ts';
import { roleWords } from '../role-words.ts';
import type { View } from '../view.ts';

/** Somebody it can be shared with. */
export type ShareCandidate = {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly isChosen: boolean;
};

/** What a folder around it gives to whom. */
export type SharedThrough = {
  readonly folderId: string;
  readonly name: string;
  readonly isHousehold: boolean;
  readonly names: readonly string[];
};

export type SharePage = {
  readonly subject: Shared;
  readonly id: string;
  readonly name: string;
  /** It belongs to the house and not to who looks. */
  readonly isTheHouses: boolean;
  /** What the form is to show as chosen. */
  readonly isHousehold: boolean;
  readonly people: readonly ShareCandidate[];
  /** What holds by now, which the form may not: where it was refused. */
  readonly now: { readonly isHousehold: boolean; readonly names: readonly string[] };
  /** From the outermost folder on; those that are shared alone. */
  readonly through: readonly SharedThrough[];
  /** Guest links that hold. */
  readonly linkCount: number;
  /** It was changed a moment ago. */
  readonly isSaved: boolean;
  readonly error: FormError | null;
};

/** The address of the thing itself. */
export function sharedAddress(subject: Shared, id: string): string {
  return `/${subject}s/${encodeURIComponent(id)}`;
}

export function sharePage(view: View, page: SharePage): string {
  const { subject, name, error } = page;
  const base = sharedAddress(subject, page.id);
  const main = html`<div class="column"><div class="heading"><h1><a class="up" href="${base}" aria-label="Back to the !${subject}">!${icon('back')}</a><span>Share <bdi>${name}</bdi></span></h1></div>
!${page.isSaved ? html`<p class="notice" role="status">It is as you said, from now on.</p>` : ''}
<section class="seen-by" aria-labelledby="seen-by"><h2 id="seen-by">Who can see it now</h2>!${seenBy(page)}</section>
<form class="fields" method="post" action="${base}/share">!${formProblem(error)}
<fieldset class="options"><legend>Share it with</legend>
<label class="option"><input type="checkbox" name="household" value="1"!${page.isHousehold ? ' checked' : ''}><span><strong>Everybody in the household</strong><span class="hint">Who comes later, too. All but children: choose those by name.</span></span></label>
!${page.people.map(candidate)}
</fieldset>
!${page.people.length === 0 ? html`<p class="hint">Nobody else has an account here yet.</p>` : ''}
<div class="buttons"><button class="button primary">Save</button><a class="button quiet" href="${base}">Cancel</a></div></form>
<section class="beyond" aria-labelledby="beyond"><h2 id="beyond">Somebody without an account</h2>
<p class="hint">!${linkWords(page)}</p>
<p><a class="button" href="${base}/links">!${icon('link')}Guest links</a></p></section></div>`;
  const place = subject === 'camera' ? 'cameras' : 'videos';
  return layout(view, { title: `Share ${name}`, place, search: null, main });
}

function candidate({ id, name, role, isChosen }: ShareCandidate): string {
  const hint =
    role === 'child' || role === 'guest' ? html` <span class="hint">${roleWords[role].name}</span>` : '';
  return html`<label class="option small"><input type="checkbox" name="person" value="${id}"!${isChosen ? ' checked' : ''}><span><bdi>${name}</bdi>!${hint}</span></label>`;
}

/** The answer to "who sees this?", in plain lines. */
function seenBy({ isTheHouses, now, through }: SharePage): string {
  const lines = [html`<li>!${isTheHouses ? 'The owners of this Kinora' : 'You'}</li>`];
  if (now.isHousehold) lines.push(html`<li>Everybody in the household but children</li>`);
  if (now.names.length > 0) lines.push(html`<li>!${names(now.names)}</li>`);
  for (const { folderId, name, isHousehold: isForAll, names: those } of through) {
    const who = [
      ...(isForAll ? [html`Everybody in the household but children`] : []),
      ...(those.length > 0 ? [names(those)] : []),
    ].join(', ');
    lines.push(
      html`<li>!${who}, through the folder <a href="/folders/${folderId}/share"><bdi>${name}</bdi></a></li>`,
    );
  }
  const nobody = lines.length === 1 ? html`<p class="hint">Nobody else.</p>` : '';
  return html`<ul class="lines">!${lines}</ul>!${nobody}`;
}

function names(list: readonly string[]): string {
  return list.map((name) => html`<bdi>${name}</bdi>`).join(', ');
}

function linkWords({ subject, linkCount }: SharePage): string {
  if (linkCount === 0)
    return html`A guest link shows this ${subject} to whoever has it, for as long as you say.`;
  return linkCount === 1
    ? 'One guest link leads here as well.'
    : html`${linkCount} guest links lead here as well.`;
}
