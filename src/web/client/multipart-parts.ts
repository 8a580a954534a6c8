// Takes a multipart answer without end (RFC 2046 §5.1) apart into its parts, each of which tells its length. Memory:
// the part that is arriving; its pieces are joined once, when it is whole.

/** Larger headers or parts than these are no camera's. */
const maxHeaderBytes = 8192;
const maxPartBytes = 32 * 1024 * 1024;

export type Part = {
  /** A header's value by its name in small letters; null where there is none. */
  header(name: string): string | null;
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** Yields each part as it is complete. Ends with the stream; throws where it breaks or is none. */
export async function* readParts(body: ReadableStream<Uint8Array>): AsyncGenerator<Part, void, void> {
  const reader = body.getReader();
  let held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  let pieces: Uint8Array[] = [];
  let heldBytes = 0;
  let neededBytes = 1;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      pieces.push(value);
      heldBytes += value.length;
      if (heldBytes < neededBytes) continue;
      held = joined(held, pieces, heldBytes);
      pieces = [];
      for (;;) {
        const start = headerEnd(held);
        if (start < 0 && held.length > maxHeaderBytes) throw new Error('The stream has no part headers.');
        const headers = start < 0 ? '' : new TextDecoder('latin1').decode(held.subarray(0, start));
        const end = start < 0 ? held.length + 1 : start + lengthOf(headers);
        neededBytes = end;
        if (held.length < end) break;
        yield { header: (name) => headerOf(headers, name), bytes: held.slice(start, end) };
        held = held.subarray(end);
        heldBytes = held.length;
      }
      // What is left is small; the buffer that it lies in is not.
      held = held.slice();
      heldBytes = held.length;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function joined(first: Uint8Array, pieces: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  whole.set(first);
  let at = first.length;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
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

function headerOf(headers: string, name: string): string | null {
  for (const line of headers.split('\r\n')) {
    const at = line.indexOf(':');
    if (at > 0 && line.slice(0, at).trim().toLowerCase() === name) return line.slice(at + 1).trim();
  }
  return null;
}

function lengthOf(headers: string): number {
  const length = Number(headerOf(headers, 'content-length') ?? Number.NaN);
  if (!(length > 0 && length <= maxPartBytes)) throw new Error('A part of the stream has no length.');
  return length;
}
