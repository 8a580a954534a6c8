// What the routes of plain forms have in common: reading the fields, and showing the form again with what was wrong.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type ErrorKind, errorStatus, isAppError } from '../../errors.ts';
import type { FormError } from '../../web/form-fields.ts';
import type { View } from '../../web/view.ts';

/** What a page's route is given by `pages.ts`. */
export type PageTools = {
  readonly viewOf: (request: FastifyRequest) => View;
  readonly headers: Readonly<Record<string, string>>;
};

/** Of a page whose query is read. */
export type Query = { Querystring: Readonly<Record<string, string | string[] | undefined>> };
/** Of a page of one thing. */
export type ById = { Params: { id: string } };

/** The form that was sent. Throws `bad-request` where it is none. */
export function formOf(request: FastifyRequest): URLSearchParams {
  if (request.body instanceof URLSearchParams) return request.body;
  throw new AppError('bad-request', 'This takes a form.');
}

/** A field, cut to a length that can be shown again. */
export function fieldOf(form: URLSearchParams, name: string, maxLength = 200): string {
  return (form.get(name) ?? '').slice(0, maxLength).trim();
}

/** A password as it was typed; too long a one stays too long. */
export function passwordOf(form: URLSearchParams, name = 'password'): string {
  return (form.get(name) ?? '').slice(0, 4096);
}

/** The first of a parameter that stands there several times; empty where it does not. */
export function first(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** What somebody can mend by typing something else, or by waiting. */
const mendable: readonly ErrorKind[] = [
  ...(['bad-request', 'unauthorized', 'forbidden', 'not-found', 'conflict', 'gone', 'too-many'] as const),
];

/** The error to show beside the form; anything that the form cannot mend is thrown on. Sets the answer's status. */
export function formErrorOf(
  reply: FastifyReply,
  error: unknown,
  fields: Partial<Record<ErrorKind, string>> = {},
): FormError {
  if (!isAppError(error) || !mendable.includes(error.kind)) throw error;
  reply.code(errorStatus[error.kind]);
  const field = fields[error.kind] ?? null;
  if (error.retryAfterSeconds === null) return { field, message: error.message };
  reply.header('retry-after', String(error.retryAfterSeconds));
  const isSaid = /again in/i.test(error.message);
  return { field, message: isSaid ? error.message : `${error.message} ${againIn(error.retryAfterSeconds)}` };
}

/** `Try again in 3 minutes.` */
function againIn(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  const [count, unit] =
    seconds < 90
      ? [seconds, 'second']
      : minutes < 90
        ? [minutes, 'minute']
        : [Math.ceil(minutes / 60), 'hour'];
  return `Try again in ${count} ${unit}${count === 1 ? '' : 's'}.`;
}

/** Sets each of the cookies. */
export function setCookies(reply: FastifyReply, cookies: readonly string[]): void {
  for (const cookie of cookies) reply.header('set-cookie', cookie);
}
