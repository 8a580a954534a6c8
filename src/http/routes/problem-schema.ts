// The problem document (RFC 9457) as a schema, for the routes' `response` and the OpenAPI document.
import { Type } from '../schema.ts';

export const ProblemBody = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'A sentence for the person' }),
  },
  { description: 'Problem document (RFC 9457), `application/problem+json`' },
);

/** `response` entries for the errors a route can answer with. */
export function problems(...statuses: number[]): Record<number, typeof ProblemBody> {
  return Object.fromEntries(statuses.map((status) => [status, ProblemBody]));
}
