// Names that came from outside, made fit to be kept and shown: a title from a file name, a file name as text.
// Nothing here is ever used as a path; what is shown is escaped where it is shown.

/** Longest title and file name kept, in UTF-16 units. */
export const maxTitleLength = 500;
const maxFileNameLength = 1000;

/** C0, DEL and C1 controls, NUL among them: they cut strings short in other programs and break headers. */
const controls = /[\u0000-\u001f\u007f-\u009f]/g;
/**
 * Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9), which make `gpj.exe` look
 * like `exe.jpg`; zero-width characters and the byte order mark, which make two names look the same.
 */
const invisible = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
/** At the end of a name: a dot and up to five letters or digits, one a letter at least (`.mp4`, `.webm`; not `. 2` or `.2019`). */
const extension = /\.(?=[a-z0-9]{1,5}$)[a-z0-9]*[a-z][a-z0-9]*$/i;

/** Cuts to at most `length` UTF-16 units, not through a character of two. */
function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

/** Text on one line without characters that change how others are shown: for titles. May be empty. */
export function plainText(text: string): string {
  return text
    .toWellFormed()
    .normalize('NFC')
    .replace(controls, ' ')
    .replace(invisible, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A file name as it is kept: the text as it came, but well-formed, without controls, and of bounded length. */
export function storedFileName(fileName: string): string {
  return cutText(
    fileName
      .slice(0, maxFileNameLength * 2)
      .toWellFormed()
      .replace(controls, '\ufffd'),
    maxFileNameLength,
  );
}

/** A readable title from a file name of any content; never empty, at most `maxTitleLength` long. */
export function titleFromFileName(fileName: string): string {
  const name = plainText(fileName.slice(-4 * maxTitleLength));
  const base = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  const bare = base.replace(extension, '');
  // `The_Big.Film` is `The Big Film`, but `at 10.30` and `v1.2` keep their dots.
  const words = bare.includes(' ') ? bare : bare.replace(/_+/g, ' ').replace(/(?<!\d)\.|\.(?!\d)/g, ' ');
  const title = cutText(words.replace(/\s+/g, ' ').trim(), maxTitleLength).trim();
  return title || cutText(base.trim(), maxTitleLength) || 'Untitled';
}

/** A title that another Kinora gave, made plain and cut; from the file's name where nothing is left of it. */
export function importedTitle(title: string, fileName: string): string {
  return (
    cutText(plainText(title.slice(0, maxTitleLength * 4)), maxTitleLength) || titleFromFileName(fileName)
  );
}
