// How the processes of one Kinora know each other: who asks shows the shared secret, and who answers shows that it has
// it as well, so that an answer of a stranger who has got the address of one of ours is not taken for one.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** The header with the secret the processes share. */
export const secretHeader = 'kinora-service-secret';
/** What the asker made up for this question, and what the answerer makes of it with the secret. */
export const askHeader = 'kinora-service-ask';
export const proofHeader = 'kinora-service-proof';

export type ServiceSecret = {
  /** Headers of a question, and how its answer is told from a stranger's. */
  ask(): { readonly headers: Readonly<Record<string, string>>; isAnswer(proof: unknown): boolean };
  /** Whether who asks has the secret. */
  isRight(given: unknown): boolean;
  /** What an answer shows; null where the asker made up nothing. */
  proof(ask: unknown): string | null;
};

export function createServiceSecret(secret: string): ServiceSecret {
  const right = digest(secret);
  const proof = (ask: string) => createHmac('sha256', secret).update(`answer ${ask}`).digest('hex');
  return {
    ask() {
      const ask = randomBytes(16).toString('hex');
      const expected = digest(proof(ask));
      return {
        headers: { [secretHeader]: secret, [askHeader]: ask },
        isAnswer: (given) => typeof given === 'string' && timingSafeEqual(digest(given), expected),
      };
    },
    isRight: (given) => typeof given === 'string' && timingSafeEqual(digest(given), right),
    proof: (ask) => (typeof ask === 'string' && /^[0-9a-f]{32}$/.test(ask) ? proof(ask) : null),
  };
}

/** Of one length, so that comparing tells nothing of where they differ. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
