// ContentEncodings (RFC 9559 §5.1.4.1.31): what a track's frames were put through. A view points at the stored bytes,
// so any change to a frame is an obstacle; this finds the sentence for it.
import { children, readUint } from './ebml.ts';
import { ids } from './elements.ts';

/** ContentCompAlgo (RFC 9559 §5.1.4.1.31.6). */
const compressionNames: { [algorithm: number]: string } = { 0: 'zlib', 1: 'bzlib', 2: 'lzo1x' };

/** Why the track's frames cannot be taken as they lie in the file, a sentence; null where they can. */
export function encodingObstacle(contentEncodings: Uint8Array): string | null {
  for (const { id, data } of children(contentEncodings)) {
    if (id !== ids.contentEncoding) continue;
    const sentence = oneObstacle(data);
    if (sentence !== null) return sentence;
  }
  return null;
}

function oneObstacle(contentEncoding: Uint8Array): string | null {
  let type = 0;
  let algorithm = 0;
  let settingsBytes = 0;
  for (const { id, data } of children(contentEncoding)) {
    if (id === ids.contentEncodingType) type = readUint(data);
    if (id !== ids.contentCompression) continue;
    for (const field of children(data)) {
      if (field.id === ids.contentCompAlgo) algorithm = readUint(field.data);
      if (field.id === ids.contentCompSettings) settingsBytes = field.data.length;
    }
  }
  if (type === 1) return 'It is encrypted.';
  if (type !== 0) return 'Its frames are encoded in a way that is not known.';
  if (algorithm !== 3)
    return `Its frames are compressed (${compressionNames[algorithm] ?? 'an unknown method'}).`;
  // Header stripping takes the same first bytes off every frame; none taken off is no obstacle.
  return settingsBytes === 0 ? null : 'Its frames are stored without their first bytes (header stripping).';
}
