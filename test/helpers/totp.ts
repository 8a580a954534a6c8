// An authenticator: codes of a secret by RFC 6238 (HMAC-SHA-1, six digits, 30 s), from the address that its QR code holds.
import { createHmac } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 §6. */
function fromBase32(text: string): Buffer {
  let bits = '';
  for (const character of text.replaceAll('=', '')) {
    const value = alphabet.indexOf(character);
    if (value < 0) throw new Error(`"${character}" is not base 32`);
    bits += value.toString(2).padStart(5, '0');
  }
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** The code of now, or of so many steps before or after. */
export function totp(uri: string, steps = 0, nowMs = Date.now()): string {
  const secret = new URL(uri).searchParams.get('secret')!;
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(nowMs / 30_000) + steps));
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest();
  const offset = mac[19]! & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
