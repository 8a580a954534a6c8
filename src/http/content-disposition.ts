// The Content-Disposition of a download (RFC 6266) from a name that may be any text at all.

/** Long enough for any file system's limit of 255 bytes. */
const maxLength = 200;

/** What moves text about, hides in it, separates paths, or is forbidden in file names on some system. */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"*/:<>?\\|]/g;

/** `attachment` or `inline` with the name in both forms: quoted ASCII for old clients, RFC 8187 for the others. */
export function contentDisposition(kind: 'attachment' | 'inline', fileName: string): string {
  const wellFormed = fileName
    .toWellFormed()
    .slice(0, 4 * maxLength)
    .replace(unsafe, '_');
  // Neither hidden nor `..`, and Windows drops dots and spaces at the end.
  const trimmed = wellFormed.replace(/^[.\s_]+/, '').replace(/[.\s]+$/, '');
  const name = shorten(trimmed) || 'video';
  // A full-width quote or backslash becomes a plain one here, and three dots in one character become three.
  const ascii = name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^\x20-\x7e]/gu, '_')
    .replace(unsafe, '_')
    .replace(/%/g, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '_');
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encodeExtended(name)}`;
}

/** Cuts the middle out, so that the extension stays. */
function shorten(name: string): string {
  const characters = [...name];
  if (characters.length <= maxLength) return name;
  return [...characters.slice(0, maxLength - 20), ...characters.slice(-19)].join('');
}

/** RFC 8187 §3.2.1: percent-encoded but for attr-char. */
function encodeExtended(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
