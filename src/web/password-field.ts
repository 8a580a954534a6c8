// A new password: the field, and how strong it is while it is typed where there are scripts (`client/password-strength.ts`
// asks the server, which decides in any case).
import { html } from 'ghtml';
import { type FormError, textField } from './form-fields.ts';

/** A phrase is easier to keep in mind than signs are; see `accounts/local/` for what is taken. */
const hint = 'At least 8 characters. A few words that have nothing to do with each other do well.';

export function newPasswordField({
  name,
  label,
  error,
}: {
  readonly name: string;
  readonly label: string;
  readonly error: FormError | null;
}): string {
  return textField(
    {
      ...{ name, label, type: 'password', autocomplete: 'new-password', maxLength: 1000, hint },
      after: html`<kinora-password-strength data-for="${name}" hidden><meter min="0" max="4" low="2" high="3" optimum="4" value="0" aria-label="Strength"></meter><p class="hint" aria-live="polite"></p></kinora-password-strength>`,
    },
    error,
  );
}
