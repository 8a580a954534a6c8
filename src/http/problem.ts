// Errors on the wire: RFC 9457 problem documents for programs, a page for people.
import { type AppError, errorStatus, type Problem } from '../errors.ts';

/** Human title of each kind: short, no jargon. */
const titles: Record<keyof typeof errorStatus, string> = {
  'bad-request': 'That request cannot be understood',
  unauthorized: 'Please log in',
  forbidden: 'Not allowed',
  'not-found': 'Not here',
  conflict: 'Not possible now',
  unplayable: 'This video cannot be shown',
  gone: 'No longer here',
  precondition: 'It has changed meanwhile',
  'too-large': 'Too large',
  'unsupported-media': 'Not a video',
  'range-not-satisfiable': 'Beyond the end',
  misdirected: 'Not known by this name',
  'too-many': 'Too many requests',
  corrupt: 'Stored data is damaged',
  internal: 'Something went wrong here',
  unavailable: 'Not available right now',
  'no-room': 'No room left',
};

/** The problem document of an error. */
export function problemOf(error: AppError): Problem {
  return {
    type: `/api/docs#${error.kind}`,
    title: titles[error.kind],
    status: errorStatus[error.kind],
    detail: error.message,
  };
}
