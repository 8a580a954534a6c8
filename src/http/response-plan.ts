// Decides how a GET or HEAD of a representation is answered: status, headers and the stretches to send. Pure; what
// sends it is `send.ts`.
import { evaluateConditions, isRangeCurrent, type RequestHeaders } from './conditional.ts';
import { type ByteRange, capRanges, parseRange } from './range.ts';
import type { Representation } from './representation.ts';

/** What is known of the representation, and of this answer, before any byte is read. */
export type PlanFacts = Omit<Representation, 'pieces'> & {
  /** When the answer is made, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Most bytes of the representation in one partial answer; Infinity for no cap. */
  readonly maxPartialBytes: number;
  /** Makes a multipart boundary that cannot occur in the bytes: 128 random bits do. */
  readonly createBoundary: () => string;
};

/** A stretch of the answer's body: text around the parts of a multipart answer, or bytes of the representation. */
export type Slice =
  | { readonly kind: 'text'; readonly text: string }
  | ({ readonly kind: 'range' } & ByteRange);

export type ResponsePlan = {
  readonly status: 200 | 206 | 304 | 412 | 416;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: string[];
  /** Empty for HEAD and wherever there is no body. */
  readonly slices: readonly Slice[];
};

/** Decides. `method` is GET or HEAD; for HEAD the answer is that of a GET without Range (RFC 9110 §14.2). */
export function planResponse(method: string, headers: RequestHeaders, facts: PlanFacts): ResponsePlan {
  const verdict = evaluateConditions(headers, facts, facts.nowMs);
  if (verdict === 'precondition-failed') return refusal(412, facts);
  if (verdict === 'not-modified') {
    // §15.4.5: what a cache needs to renew what it holds, and nothing about the body.
    return {
      status: 304,
      headers: [...validatorHeaders(facts), 'Cache-Control', facts.cacheControl],
      slices: [],
    };
  }
  const isHead = method === 'HEAD';
  const range = headers.range;
  if (!isHead && typeof range === 'string' && isRangeCurrent(headers, facts, facts.nowMs)) {
    const asked = parseRange(range, facts.sizeBytes);
    if (asked.kind === 'unsatisfiable')
      return refusal(416, facts, ['Content-Range', `bytes */${facts.sizeBytes}`]);
    if (asked.kind === 'ranges') {
      const ranges = capRanges(asked.ranges, facts.maxPartialBytes);
      return ranges.length === 1 ? planOneRange(ranges[0]!, facts) : planSeveralRanges(ranges, facts);
    }
  }
  return {
    status: 200,
    headers: bodyHeaders(facts, facts.contentType, facts.sizeBytes),
    slices: isHead || facts.sizeBytes === 0 ? [] : [{ kind: 'range', start: 0, end: facts.sizeBytes }],
  };
}

/** §15.3.7.1. All headers of a 200 are repeated, If-Range or not: some players look at each part's Content-Type. */
function planOneRange(range: ByteRange, facts: PlanFacts): ResponsePlan {
  const headers = bodyHeaders(facts, facts.contentType, range.end - range.start);
  headers.push('Content-Range', contentRange(range, facts.sizeBytes));
  return { status: 206, headers, slices: [{ kind: 'range', ...range }] };
}

/** §15.3.7.2 and §14.6: each part with its own Content-Type and Content-Range, none on the whole. */
function planSeveralRanges(ranges: readonly ByteRange[], facts: PlanFacts): ResponsePlan {
  const boundary = facts.createBoundary();
  const slices: Slice[] = [];
  let contentLength = 0;
  const addText = (text: string) => {
    slices.push({ kind: 'text', text });
    contentLength += text.length;
  };
  for (const [i, range] of ranges.entries()) {
    const partHead = `Content-Type: ${facts.contentType}\r\nContent-Range: ${contentRange(range, facts.sizeBytes)}`;
    addText(`${i === 0 ? '' : '\r\n'}--${boundary}\r\n${partHead}\r\n\r\n`);
    slices.push({ kind: 'range', ...range });
    contentLength += range.end - range.start;
  }
  addText(`\r\n--${boundary}--\r\n`);
  return {
    status: 206,
    headers: bodyHeaders(facts, `multipart/byteranges; boundary=${boundary}`, contentLength),
    slices,
  };
}

/** 412 or 416: no body, and `no-store`, for the Cache-Control of the representation speaks of its bytes only. */
function refusal(status: 412 | 416, facts: PlanFacts, more: string[] = []): ResponsePlan {
  return {
    status,
    headers: [
      'Accept-Ranges',
      'bytes',
      'Cache-Control',
      'no-store',
      'Content-Length',
      '0',
      'ETag',
      facts.etag,
      ...more,
    ],
    slices: [],
  };
}

function bodyHeaders(facts: PlanFacts, contentType: string, contentLength: number): string[] {
  const headers = validatorHeaders(facts);
  headers.push('Accept-Ranges', 'bytes', 'Cache-Control', facts.cacheControl);
  headers.push('Content-Type', contentType, 'Content-Length', String(contentLength));
  // The bytes are a stranger's: a browser must not find a page in them.
  headers.push('X-Content-Type-Options', 'nosniff');
  if (facts.contentDisposition !== null) headers.push('Content-Disposition', facts.contentDisposition);
  return headers;
}

function validatorHeaders({ etag, lastModifiedMs, nowMs }: PlanFacts): string[] {
  if (lastModifiedMs === null) return ['ETag', etag];
  // §8.8.2.1: never later than the answer itself.
  return ['ETag', etag, 'Last-Modified', new Date(Math.min(lastModifiedMs, nowMs)).toUTCString()];
}

function contentRange({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end - 1}/${sizeBytes}`;
}
