// The pictures of a Motion-JPEG stream. An <img> would show it too, but never tells when a stream has ended or
// broken, and loses its last picture when it does.
import { readParts } from './multipart-parts.ts';

/** Yields each picture as it is complete. Ends with the stream; throws where it breaks or is none. */
export async function* readPictures(body: ReadableStream<Uint8Array>): AsyncGenerator<Blob, void, void> {
  for await (const { bytes } of readParts(body)) yield new Blob([bytes], { type: 'image/jpeg' });
}
