// A picture inside an answer that is text.
import type { Picture } from '../../cameras/cameras.ts';

/** A picture larger than this is left out: as text it would be a third larger again. */
const maxBytes = 4 * 1024 * 1024;

/** As a data URL (RFC 2397); null where there is none or it is too large for one. */
export function pictureUrl(picture: Picture | null): string | null {
  if (!picture || picture.jpeg.length > maxBytes) return null;
  const { buffer, byteOffset, byteLength } = picture.jpeg;
  return `data:image/jpeg;base64,${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}`;
}
