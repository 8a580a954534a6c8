// The decoder's configuration out of a sample entry, for tracks that are passed on sample by sample.
import { childrenOf } from '../codecs/box-children.ts';
import type { SampleEntryDescription } from '../codecs/from-sample-entry.ts';
import { readDecoderSpecificInfo } from '../codecs/sound-entry.ts';

/** Fields before the boxes: VisualSampleEntry (ISO/IEC 14496-12 §12.1.3), AudioSampleEntry (§12.2.3), version 0. */
const visualFieldsBytes = 86;
const soundFieldsBytes = 36;

/** null for tracks that no camera's viewer takes. */
export function configOf(
  description: SampleEntryDescription | null,
): { codec: 'avc' | 'hevc' | 'aac' | 'opus'; config: Uint8Array } | null {
  const entry = description?.sampleEntries[0];
  if (!description || description.obstacle !== null || !entry) return null;
  const isPicture = description.codec === 'avc' || description.codec === 'hevc';
  const children = childrenOf(entry, isPicture ? visualFieldsBytes : soundFieldsBytes);
  const content = (box: Uint8Array | undefined) => (box ? new Uint8Array(box.subarray(8)) : null);
  switch (description.codec) {
    case 'avc':
      return withConfig('avc', content(children.get('avcC')));
    case 'hevc':
      return withConfig('hevc', content(children.get('hvcC')));
    case 'opus':
      return withConfig('opus', opusHead(content(children.get('dOps'))));
    case 'aac':
      return withConfig('aac', readDecoderSpecificInfo(children.get('esds')));
    default:
      return null;
  }
}

/** The identification header (RFC 7845 §5.1, little-endian) of a dOps box's content (Opus in ISOBMFF §4.3.2, big-endian). */
function opusHead(content: Uint8Array | null): Uint8Array | null {
  if (!content || content.length < 11) return null;
  const from = new DataView(content.buffer, content.byteOffset, content.length);
  const head = Buffer.alloc(8 + content.length);
  head.write('OpusHead', 'latin1');
  head[8] = 1; //                                                version
  head[9] = content[1]!; //                                      channels
  head.writeUInt16LE(from.getUint16(2), 10); //                  pre-skip
  head.writeUInt32LE(from.getUint32(4), 12); //                  input sample rate
  head.writeInt16LE(from.getInt16(8), 16); //                    output gain
  head.set(content.subarray(10), 18); //                         mapping family and table
  return head;
}

function withConfig<Codec extends string>(codec: Codec, config: Uint8Array | null) {
  return config && config.length > 0 ? { codec, config } : null;
}
