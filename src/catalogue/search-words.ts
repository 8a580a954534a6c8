// How titles and queries become words and keys to sort by, the same way in every adapter of the catalogue: compatibility
// forms, case and accents folded, split at everything that is no letter or digit. Pure; linear in the text.

/** A word counts by its first 32 letters: long enough for serial numbers, short enough to index each beginning. */
const longestWord = 32;
/** Of a title (a file name of a megabyte is not unheard of) this many different words can be found... */
const mostTitleWords = 100;
/** ...looked for in this much of a title or query, UTF-16 units. */
const longestText = 2000;
/** More words in a query narrow nothing that a person would notice. */
const mostQueryWords = 16;
/** Titles alike for so many characters are in the order in which they came. */
const longestKey = 120;
/** The longest run of digits that is told apart: its length is written with two. */
const longestNumber = 99;

/** Letters that Unicode does not decompose but people type without the stroke or as two. */
const plainLetters: Readonly<Record<string, string>> = {
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ł: 'l',
  ŧ: 't',
  ı: 'i',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
  ς: 'σ',
};

/** Scripts written without spaces are searched letter by letter, the rest by words. */
const singly = ['Han', 'Hiragana', 'Katakana', 'Thai', 'Lao', 'Khmer', 'Myanmar']
  .map((script) => `\\p{Script=${script}}`)
  .join('');
const letter = '[\\p{L}\\p{N}]';
const wordPattern = new RegExp(`(?=${letter})[${singly}]|(?:(?![${singly}])${letter})+`, 'gu');

function fold(text: string): string {
  return (
    text
      .slice(0, longestText)
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .replace(/[øđðħłŧıßæœþς]/g, (stroked) => plainLetters[stroked] ?? stroked)
      // Lower case brings back marks (İ) and NFKD of a few letters leaves capitals' forms: once more is stable.
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
  );
}

function words(text: string, most: number): string[] {
  const found = new Set<string>();
  for (const [word] of fold(text).matchAll(wordPattern)) {
    found.add([...word.slice(0, 2 * longestWord)].slice(0, longestWord).join(''));
    if (found.size === most) break;
  }
  return [...found];
}

/** The different words by which a title is found, at most 100, each at most 32 characters. */
export function titleWords(title: string): string[] {
  return words(title, mostTitleWords);
}

/** The words a title must have, longest first, at most 16; those that another one begins with are left out. */
export function queryWords(query: string): string[] {
  const all = words(query, mostQueryWords).sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return all.filter((word, i) => !all.slice(0, i).some((longer) => longer.startsWith(word)));
}

/** Every beginning of every word, each once: what an adapter looks a query's word up in. */
export function beginningsOf(titleWords: readonly string[]): Set<string> {
  const beginnings = new Set<string>();
  for (const word of titleWords) {
    let beginning = '';
    for (const character of word) {
      beginning += character;
      beginnings.add(beginning);
    }
  }
  return beginnings;
}

/**
 * What titles are sorted by, character for character: their words, and numbers by what they count (`2` before `10`),
 * at most 120 characters.
 */
export function titleKey(title: string): string {
  const spaced = fold(title)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  const key = spaced.slice(0, 2 * longestKey).replace(/[0-9]+/g, (digits) => {
    const number = digits.replace(/^0+/, '').slice(0, longestNumber);
    // The length goes first, so that the longer number is the greater one.
    return (
      (number.length < 9 ? String(number.length) : `9${String(number.length).padStart(2, '0')}`) + number
    );
  });
  return [...key].slice(0, longestKey).join('').toWellFormed();
}
