// Opened bytes of the library as a representation that can be sent.
import type { OpenedBytes } from '../library/library.ts';
import type { Piece, Representation } from './representation.ts';

/** An original may be anything: where a browser opens one as a document, it may load and run nothing. */
export const originalPolicy = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox";

export function represent(
  opened: OpenedBytes,
  { disposition, cacheControl }: { readonly disposition: string | null; readonly cacheControl: string },
): Representation {
  const { header, reader, start, end, contentType, etag, lastModifiedMs } = opened;
  const blob: Piece = { kind: 'blob', reader, start, end };
  return {
    pieces: header.length > 0 ? [{ kind: 'bytes', bytes: header }, blob] : [blob],
    sizeBytes: header.length + end - start,
    contentType,
    etag,
    lastModifiedMs,
    cacheControl,
    contentDisposition: disposition,
  };
}
