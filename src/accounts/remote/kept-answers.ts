// The last good answers of `identify` in a process that has to ask for them. One is good for 3 s after the accounts'
// process last said that nothing has changed, and a minute at all; while that process is away, for 5 minutes to those
// who ask for an old one. Bounded: 10,000 answers.
import type { Identity } from '../accounts.ts';

/** How long an answer is good without a word that nothing has changed. It bounds how long an ended session goes on. */
export const keptMs = 3000;
/** Then it is asked again in any case: whether a session is to be renewed changes with time alone. */
const mostAgeMs = 60_000;
/** How long running answers go on while nobody can be asked. */
export const awayMs = 300_000;

const mostAnswers = 10_000;

type Kept = { readonly identity: Identity; readonly askedAtMs: number; readonly isNamed: boolean };

export type Question = { readonly atMs: number; readonly round: number };

export type KeptAnswers = {
  /** A good answer; undefined where it has to be asked for. */
  get(key: string): Identity | undefined;
  /** One that may be old, because nobody can be asked; undefined where there is none. */
  getOld(key: string): Identity | undefined;
  /** Of a question that is about to be sent, for `keep`. */
  ask(): Question;
  /**
   * Kept unless everything was cleared since the question was sent: then the answer may be from before. `isNamed`: a
   * proxy says with every request who it is, so the answer has an end and the log-in has none of ours.
   */
  keep(key: string, identity: Identity, question: Question, isNamed?: boolean): void;
  forget(key: string): void;
  /** The accounts' process said that nothing has changed up to this moment. */
  confirm(atMs: number): void;
  /** Something has changed: everything is asked for again, and no old answer will do. */
  clear(): void;
};

/** @param monotonicMs what moments are counted by. @param nowMs what sessions end by */
export function createKeptAnswers({
  monotonicMs,
  nowMs,
}: {
  monotonicMs(): number;
  nowMs(): number;
}): KeptAnswers {
  const answers = new Map<string, Kept>();
  let round = 0;
  let confirmedAtMs = Number.NEGATIVE_INFINITY;

  function find(key: string, isGood: (kept: Kept, atMs: number) => boolean): Identity | undefined {
    const kept = answers.get(key);
    if (!kept) return undefined;
    return kept.identity.expiresAtMs > nowMs() && isGood(kept, monotonicMs()) ? kept.identity : undefined;
  }
  /** When it was last known to be true. */
  const trueAtMs = (kept: Kept) => Math.max(kept.askedAtMs, confirmedAtMs);

  const isRecent = (kept: Kept, atMs: number) => atMs - trueAtMs(kept) <= awayMs;

  return {
    get: (key) =>
      find(key, (kept, atMs) => atMs - trueAtMs(kept) <= keptMs && atMs - kept.askedAtMs <= mostAgeMs),
    getOld(key) {
      const kept = answers.get(key);
      if (!kept?.isNamed) return find(key, isRecent);
      if (!isRecent(kept, monotonicMs())) return undefined;
      return { ...kept.identity, expiresAtMs: nowMs() + mostAgeMs };
    },
    ask: () => ({ atMs: monotonicMs(), round }),
    keep(key, identity, question, isNamed = false) {
      if (question.round !== round) return;
      answers.delete(key);
      answers.set(key, { identity, askedAtMs: question.atMs, isNamed });
      if (answers.size > mostAnswers) answers.delete(answers.keys().next().value!);
    },
    forget: (key) => void answers.delete(key),
    confirm(atMs) {
      confirmedAtMs = Math.max(confirmedAtMs, atMs);
    },
    clear() {
      round++;
      answers.clear();
    },
  };
}
