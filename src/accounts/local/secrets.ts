// Secrets that are shown once and kept as a hash: tokens, invites, ways to a new password, the code for the first
// account. Each has at least 128 random bits, so a plain SHA-256 of it cannot be turned back; the code has 40 and is
// limited by attempts.
import { createHash, randomBytes } from 'node:crypto';

/** A secret of 160 random bits, in characters that survive every address and form: Crockford's base 32. */
export function createSecret(): string {
  return base32(32);
}

/** The code on the console: 8 characters in two groups, `ABCD-2345`. Of `bytes`, where several processes have to agree on it. */
export function createSetupCode(bytes: Uint8Array = randomBytes(8)): string {
  const code = base32(8, bytes).toUpperCase();
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** What is compared of a typed code: case, hyphens and spaces aside, and what is easily confused read as what was meant. */
export function readSetupCode(text: string): string {
  return text.slice(0, 40).toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}

/** Ten codes to write down, for when the authenticator is lost: 50 random bits each, `abcde-fgh23`. */
export function createRecoveryCodes(): string[] {
  return Array.from({ length: 10 }, () => {
    const code = base32(10);
    return `${code.slice(0, 5)}-${code.slice(5)}`;
  });
}

/** How a secret is kept and looked up: SHA-256, hex. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function base32(length: number, bytes: Uint8Array = randomBytes(length)): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  return [...bytes.subarray(0, length)].map((byte) => alphabet[byte & 31]).join('');
}
