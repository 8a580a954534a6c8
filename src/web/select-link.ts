// The way into picking many videos of a list at once, and out of it.
import { html } from 'ghtml';
import { icon } from './icons.ts';
import { type ListAddress, listHref } from './list-address.ts';
import type { View } from './view.ts';

/** To the same list with check boxes, or out of it. Not on a television: nobody tidies up with a remote. */
export function selectLink(view: View, list: ListAddress): string {
  if (view.isTv) return '';
  return list.isSelecting
    ? html`<a class="button quiet" data-done href="${listHref({ ...list, isSelecting: false })}">Done</a>`
    : html`<a class="button quiet" data-select href="${listHref({ ...list, isSelecting: true })}">!${icon('pick')}Select</a>`;
}
