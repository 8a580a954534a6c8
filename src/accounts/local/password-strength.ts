// What a password is worth: its length, and zxcvbn's estimate of the guesses it stands (Wheeler, USENIX Security 2016),
// which knows the passwords that leaked most, names, words, dates and keyboard rows. Works without a network. Which
// characters it is made of is nobody's business (OWASP ASVS 5.0 §6.2.5).
import type { PasswordVerdict } from '../accounts.ts';

/** ASVS 5.0 §6.2.1: at least 8. §6.2.9: at least 64 are taken; NIST SP 800-63B-4 §3.1.1.2 counts code points. */
const shortestPassword = 8;
export const longestPassword = 128;
/** "Safely unguessable": 10^8 guesses and more. */
const enoughScore = 3;

type Zxcvbn = (
  password: string,
  about: string[],
) => { score: number; warning: string | null; suggestion: string | null };

export type PasswordStrength = {
  judge(password: string, about: readonly string[]): Promise<PasswordVerdict>;
  /** Loads the dictionaries (a tenth of a second and some megabytes). */
  load(): Promise<void>;
};

export function createPasswordStrength(): PasswordStrength {
  let loading: Promise<Zxcvbn> | null = null;
  const load = () => {
    loading ??= loadZxcvbn().catch((error) => {
      loading = null;
      throw error;
    });
    return loading;
  };
  return {
    async load() {
      await load();
    },
    async judge(password, about) {
      const length = [...password].length;
      if (length > longestPassword)
        return { isEnough: false, score: 4, reason: `A password has at most ${longestPassword} characters.` };
      if (length === 0) return { isEnough: false, score: 0, reason: 'Type a password.' };
      const zxcvbn = await load();
      // Parts of an address are guessed as easily as the whole of it.
      const known = about
        .flatMap((text) => [text, ...text.split(/[\s@._-]+/)])
        .map((text) => text.slice(0, 60))
        .filter((text) => text.length >= 3)
        .slice(0, 20);
      const { score, warning, suggestion } = zxcvbn(password, [...known, 'kinora']);
      if (length < shortestPassword)
        return {
          isEnough: false,
          score: Math.min(score, 1),
          reason: `A password has at least ${shortestPassword} characters; three or four words make a good one.`,
        };
      if (score >= enoughScore) return { isEnough: true, score, reason: score === 4 ? null : suggestion };
      const why = warning ?? 'This password is easy to guess.';
      return {
        isEnough: false,
        score,
        reason: `${why} ${suggestion ?? 'Take three or four words that do not belong together.'}`,
      };
    },
  };
}

async function loadZxcvbn(): Promise<Zxcvbn> {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  const zxcvbn = new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
    // Time grows with the square of the length; what comes after is strong anyway.
    maxLength: longestPassword,
  });
  return (password, about) => {
    const { score, feedback } = zxcvbn.check(password, about);
    return { score, warning: feedback.warning || null, suggestion: feedback.suggestions[0] ?? null };
  };
}
