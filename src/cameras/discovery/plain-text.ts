// Text of strangers on its way to a page.

const maxChars = 100;

/** On one line, without control and direction characters, at most 100 characters. */
export function plainText(text: string): string {
  return text
    .slice(0, 1000)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, maxChars);
}
