// A passkey in memory (WebAuthn level 3): makes a credential and signs with it, as a browser and its device would.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

type Answer = { readonly id: string } & Record<string, unknown>;

/** Flags (§6.1): a person is there, and the device checked which; what follows is a new credential. */
const [present, verified, hasCredential] = [0x01, 0x04, 0x40];

export function createSoftAuthenticator(origin: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(16);
  let counter = 0;

  function authenticatorData(flags: number, more = Buffer.alloc(0)): Buffer {
    counter += 1;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    const rpIdHash = createHash('sha256').update(new URL(origin).hostname).digest();
    return Buffer.concat([rpIdHash, Buffer.of(flags), count, more]);
  }
  const clientData = (type: string, challenge: string) =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  const answer = (response: Record<string, Buffer | string[]>): Answer => ({
    ...{ id: id.toString('base64url'), rawId: id.toString('base64url'), type: 'public-key' },
    response: Object.fromEntries(
      Object.entries(response).map(([name, value]) => [
        name,
        Buffer.isBuffer(value) ? value.toString('base64url') : value,
      ]),
    ),
    clientExtensionResults: {},
  });

  return {
    /** What `navigator.credentials.create` gives (§7.1), with attestation `none`. */
    create(challenge: string): Answer {
      const { x, y } = publicKey.export({ format: 'jwk' });
      // COSE (RFC 9053 §7.1.1): EC2, ES256, P-256.
      const key = cborMap([
        [cborInt(1), cborInt(2)],
        [cborInt(3), cborInt(-7)],
        [cborInt(-1), cborInt(1)],
        [cborInt(-2), cborBytes(Buffer.from(x!, 'base64url'))],
        [cborInt(-3), cborBytes(Buffer.from(y!, 'base64url'))],
      ]);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const credential = Buffer.concat([Buffer.alloc(16), length, id, key]);
      const attestationObject = cborMap([
        [cborText('fmt'), cborText('none')],
        [cborText('attStmt'), cborMap([])],
        [cborText('authData'), cborBytes(authenticatorData(present | verified | hasCredential, credential))],
      ]);
      const clientDataJSON = clientData('webauthn.create', challenge);
      return answer({ clientDataJSON, attestationObject, transports: ['internal'] });
    },
    /** What `navigator.credentials.get` gives (§7.2); `flags` are the bits of the person's presence. */
    get(challenge: string, flags: number = present | verified): Answer {
      const data = authenticatorData(flags);
      const clientDataJSON = clientData('webauthn.get', challenge);
      const over = Buffer.concat([data, createHash('sha256').update(clientDataJSON).digest()]);
      return answer({ clientDataJSON, authenticatorData: data, signature: sign('sha256', over, privateKey) });
    },
    present,
    verified,
  };
}

// As much of CBOR (RFC 8949 §3) as that needs.
function cborHead(major: number, value: number): Buffer {
  if (value < 24) return Buffer.of((major << 5) | value);
  if (value < 256) return Buffer.of((major << 5) | 24, value);
  return Buffer.of((major << 5) | 25, value >> 8, value & 255);
}
const cborInt = (value: number) => (value >= 0 ? cborHead(0, value) : cborHead(1, -1 - value));
const cborBytes = (bytes: Buffer) => Buffer.concat([cborHead(2, bytes.length), bytes]);
const cborText = (text: string) => Buffer.concat([cborHead(3, text.length), Buffer.from(text)]);
const cborMap = (entries: readonly (readonly [Buffer, Buffer])[]) =>
  Buffer.concat([cborHead(5, entries.length), ...entries.flat()]);
