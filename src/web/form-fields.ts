// The fields of plain forms: a label, the control, what to know about it, and what was wrong with it; tied together for
// screen readers (WCAG 2.2, 1.3.1 and 3.3.1), and the first one that was wrong has the focus when the page comes.
import { html } from 'ghtml';
import { icon } from './icons.ts';

/** Why a form was not taken: a sentence, and the field it is about (null: the whole of it). */
export type FormError = { readonly field: string | null; readonly message: string };

export type Field = {
  readonly name: string;
  /** Where a page has several of that name; else the name. */
  readonly id?: string;
  readonly label: string;
  readonly type?: 'text' | 'email' | 'password' | 'number' | 'date';
  /** What was typed before; never a password. */
  readonly value?: string;
  /** A token of the autofill detail (HTML §4.10.18.7.1): `username`, `current-password`, `one-time-code`. */
  readonly autocomplete: string;
  readonly hint?: string;
  readonly maxLength?: number;
  readonly isOptional?: boolean;
  /** Has the focus where nothing was wrong. */
  readonly isFirst?: boolean;
  /** Attributes of its own, written as they are. */
  readonly more?: string;
  /** Markup below the field, such as how strong a password is. */
  readonly after?: string;
};

/** One field with its label. `error` is the form's: shown here where it is about this field. */
export function textField(field: Field, error: FormError | null = null): string {
  const { name, id = name, label, type = 'text', hint = '', maxLength = 200, after = '', more = '' } = field;
  const isWrong = error?.field === name;
  const described = [isWrong ? `${id}-error` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ');
  const hasFocus = isWrong || (field.isFirst && (error?.field ?? null) === null);
  const value = type === 'password' ? '' : html` value="${field.value ?? ''}"`;
  // Names of people are written in any direction; everything else reads from left to right.
  const direction = field.autocomplete === 'name' ? 'auto' : 'ltr';
  const attributes = [
    type === 'text' && field.autocomplete !== 'name' ? ' autocapitalize="none" spellcheck="false"' : '',
    described ? ` aria-describedby="${described}"` : '',
    isWrong ? ' aria-invalid="true"' : '',
    field.isOptional ? '' : ' required',
    hasFocus ? ' autofocus' : '',
    more ? ` ${more}` : '',
  ].join('');
  return html`<div class="field"><label for="${id}">${label}</label>
<input id="${id}" name="${name}" type="${type}" dir="${direction}" maxlength="${maxLength}" autocomplete="${field.autocomplete}"!${value}!${attributes}>
!${isWrong ? html`<p class="wrong" id="${id}-error">!${icon('warning')}<span>${error.message}</span></p>` : ''}!${
    hint ? html`<p class="hint" id="${id}-hint">${hint}</p>` : ''
  }!${after}</div>`;
}

export type Choice = { readonly value: string; readonly name: string; readonly hint?: string };

/** One of a few, as a list that unfolds. */
export function selectField({
  name,
  label,
  value,
  choices,
}: {
  name: string;
  label: string;
  value: string;
  choices: readonly Choice[];
}): string {
  return html`<div class="field"><label for="${name}">${label}</label>
<select id="${name}" name="${name}">!${choices.map((choice) => html`<option value="${choice.value}"!${choice.value === value ? ' selected' : ''}>${choice.name}</option>`)}</select></div>`;
}

/** One of a few with a sentence each, all in sight. */
export function radioFields({
  name,
  legend,
  value,
  choices,
}: {
  name: string;
  legend: string;
  value: string;
  choices: readonly Choice[];
}): string {
  return html`<fieldset class="options"><legend>${legend}</legend>!${choices.map(
    (choice) =>
      html`<label class="option"><input type="radio" name="${name}" value="${choice.value}"!${choice.value === value ? ' checked' : ''}><span><strong>${choice.name}</strong>!${choice.hint ? html`<span class="hint">${choice.hint}</span>` : ''}</span></label>`,
  )}</fieldset>`;
}

/** What was wrong with the form as a whole; where it is about one field, that field says it. Read out when the page comes. */
export function formProblem(error: FormError | null, fields: readonly string[] = []): string {
  if (error === null || (error.field !== null && fields.includes(error.field))) return '';
  return html`<p class="problem" role="alert" id="problem">!${icon('warning')}<span>${error.message}</span></p>`;
}

/** Where it goes after the log-in, sent along unseen. */
export function nextField(next: string): string {
  return next === '/' ? '' : html`<input type="hidden" name="next" value="${next}">`;
}
