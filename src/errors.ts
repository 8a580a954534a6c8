// The one error type of the program. `kind` says what went wrong in the domain's own terms; `http/problem.ts`
// alone turns a kind into a status code and a page.

/** What can go wrong, and the HTTP status each becomes (the status is stated here so that it is decided once). */
export const errorStatus = {
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  /** The video is here but cannot be shown in the asked-for shape. */
  unplayable: 409,
  gone: 410,
  precondition: 412,
  'too-large': 413,
  'unsupported-media': 415,
  'range-not-satisfiable': 416,
  /** The request calls us by a name that is not ours. */
  misdirected: 421,
  'too-many': 429,
  /** Stored bytes disagree with what is known about them. */
  corrupt: 500,
  internal: 500,
  unavailable: 503,
  /** Less room on the disk than the set reserve. */
  'no-room': 507,
} as const;

export type ErrorKind = keyof typeof errorStatus;

/** An expected failure. `message` is a short sentence for the person who sees it; nothing secret goes in it. */
export class AppError extends Error {
  readonly kind: ErrorKind;
  /** When to try again (`too-many`, `unavailable`), whole seconds; null where that is not known. */
  readonly retryAfterSeconds: number | null;

  constructor(
    kind: ErrorKind,
    message: string,
    options?: { readonly cause?: unknown; readonly retryAfterSeconds?: number },
  ) {
    super(message, options);
    this.name = 'AppError';
    this.kind = kind;
    this.retryAfterSeconds = options?.retryAfterSeconds ?? null;
  }
}

/** An error as it is told: a problem document (RFC 9457 §3.1). `type` is a path, stable per kind (`ref/errors.md`). */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
};

/** True for an AppError of that kind. */
export function isAppError(error: unknown, kind?: ErrorKind): error is AppError {
  return error instanceof AppError && (kind === undefined || error.kind === kind);
}
