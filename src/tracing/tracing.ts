// The port to OpenTelemetry traces: what a request, a question to another process and an operation of a store tell of
// themselves. Where traces are off there is no `Tracing` at all (null), and nobody pays for it.

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** One request that is being answered. */
export type RequestSpan = {
  /** Runs what belongs to the request: spans that begin in it are below this one. */
  run<Result>(work: () => Result): Result;
  /** Ends it; `route` is the pattern, never the address (which may be a guest link's secret). */
  end(answer: { readonly route: string; readonly status: number }): void;
};

export type Tracing = {
  /**
   * Begins the span of a request. `traceparent` is the header of whoever is believed (a trusted proxy, a process of
   * ours), else null: then a trace begins here.
   */
  request(method: string, traceparent: string | null, attributes: Attributes): RequestSpan;
  /**
   * Runs an operation as a span below the one that runs; without one it is run and nothing is told, so that what goes on
   * by itself (polls, beats) makes no traces. What does not return a promise is not told either.
   */
  operation<Result>(
    name: string,
    kind: 'client' | 'internal',
    attributes: Attributes,
    work: () => Result,
  ): Result;
  /** Headers with which a question to another process of ours goes on with the trace; none where nothing runs. */
  inject(): Readonly<Record<string, string>>;
  /** Sends what is left, for two seconds at most. Idempotent. */
  close(): Promise<void>;
};
