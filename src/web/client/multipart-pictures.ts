// The pictures of a Motion-JPEG stream. An <img> would show it too, but never tells when a stream has ended or
// broken, and loses its last picture when it does.
import { readParts } from './multipart-parts.ts';

export type DatedPicture = {
  readonly jpeg: Blob;
  /** When it was taken, milliseconds since the epoch on the server's clock; NaN where it does not tell. */
  readonly takenAtMs: number;
};

/** Yields each picture as it is complete. Ends with the stream; throws where it breaks or is none. */
export async function* readPictures(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<DatedPicture, void, void> {
  for await (const part of readParts(body)) {
    const seconds = part.header('x-timestamp');
    yield {
      jpeg: new Blob([part.bytes], { type: 'image/jpeg' }),
      takenAtMs: seconds === null ? Number.NaN : Number(seconds) * 1000,
    };
  }
}
