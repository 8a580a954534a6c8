// Takes a Motion-JPEG stream (multipart/x-mixed-replace, RFC 2046 §5.1) apart into its pictures. An <img> would show
// it too, but never tells when a stream has ended or broken, and loses its last picture when it does.

/** Larger headers or pictures than these are no camera's. */
const maxHeaderBytes = 8192;
const maxPictureBytes = 32 * 1024 * 1024;

/** Yields each picture as it is complete. Ends with the stream; throws where it breaks or is none. */
export async function* readPictures(body: ReadableStream<Uint8Array>): AsyncGenerator<Blob, void, void> {
  const reader = body.getReader();
  let held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  let neededBytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      held = joined(held, value);
      // A picture of some megabytes comes in many pieces: nothing is looked at before it can be whole.
      while (held.length >= neededBytes) {
        const start = headerEnd(held);
        if (start < 0) {
          if (held.length > maxHeaderBytes) throw new Error('The stream has no part headers.');
          neededBytes = held.length + 1;
          break;
        }
        const end = start + contentLength(held.subarray(0, start));
        neededBytes = end;
        if (held.length < end) break;
        yield new Blob([held.subarray(start, end)], { type: 'image/jpeg' });
        held = held.slice(end);
        neededBytes = 0;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** Where the part's body begins: after the empty line; -1 while it has not come. */
function headerEnd(bytes: Uint8Array): number {
  const limit = Math.min(bytes.length, maxHeaderBytes) - 3;
  for (let at = 0; at < limit; at += 1) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10)
      return at + 4;
  }
  return -1;
}

function contentLength(headers: Uint8Array): number {
  const length = Number(/content-length:\s*(\d+)/i.exec(new TextDecoder('latin1').decode(headers))?.[1]);
  if (!(length > 0 && length <= maxPictureBytes)) throw new Error('A part of the stream has no length.');
  return length;
}
