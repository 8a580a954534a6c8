// Names for what lies in an archive: readable ones that every system can unpack, each once in its place.

/** What moves text about, hides in it, separates paths, or is forbidden in file names on some system. */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"*/:<>?\\|]/g;
/** Names that Windows keeps for devices, with any extension. */
const reserved = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
/** File systems take 255 bytes; a number in brackets must fit as well. */
const maxBytes = 200;
/** Of the extension with its dot, characters. */
const maxExtensionLength = 12;

/** A name for a file or a folder; `fallback` where nothing is left of it. */
export function safeName(text: string, fallback: string): string {
  const plain = text
    .slice(0, maxBytes * 8)
    .toWellFormed()
    .normalize('NFC')
    .replace(unsafe, '_')
    .replace(/^[.\s]+/, '')
    .replace(/[.\s]+$/, '');
  const name = cutBytes(plain) || fallback;
  return reserved.test(name) ? `_${name}` : name;
}

/** Cuts the end of what stands before the extension. */
function cutBytes(name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= maxExtensionLength ? name.slice(dot) : '';
  const kept: string[] = [];
  let left = maxBytes - Buffer.byteLength(extension);
  for (const character of name.slice(0, name.length - extension.length)) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    kept.push(character);
  }
  return `${kept.join('').trimEnd()}${extension}`;
}

/** The names of one place. Memory: a number for each, so a chance meeting of two numbers only costs a name its beauty. */
export class NamesInOnePlace {
  readonly #taken = new Set<number>();

  /** The name itself, or with a mark of its own where it is taken (case aside, as on many disks). */
  take(name: string, mark: string): string {
    for (let round = 0; ; round += 1) {
      const candidate = round === 0 ? name : marked(name, round === 1 ? mark : `${mark} ${round}`);
      const number = hash(candidate.toLowerCase());
      if (this.#taken.has(number)) continue;
      this.#taken.add(number);
      return candidate;
    }
  }
}

/** `Film.mkv` with the mark `2` is `Film [2].mkv`. */
function marked(name: string, mark: string): string {
  const dot = name.lastIndexOf('.');
  const at = dot > 0 && name.length - dot <= maxExtensionLength ? dot : name.length;
  return `${name.slice(0, at)} [${mark}]${name.slice(at)}`;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 2166136261;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 16777619) >>> 0;
  }
  return value;
}
