// What comes from outside goes into a query as text and as nothing else.
import { AppError } from '../../errors.ts';

/**
 * Text as it is stored: a lone half of a surrogate pair becomes U+FFFD. Throws `bad-request` for what is no text: an
 * object would be taken for operators of a query.
 */
export function text(value: string): string {
  if (typeof value !== 'string') throw new AppError('bad-request', 'This is no text.');
  return value.toWellFormed();
}

export function textOrNull(value: string | null): string | null {
  return value === null ? null : text(value);
}

export function texts(values: readonly string[]): string[] {
  return [...new Set(values.map(text))];
}

/** Audiences as they are stored: in order, each once. */
export function audiencesOf(audiences: readonly string[]): string[] {
  return texts(audiences).sort();
}
