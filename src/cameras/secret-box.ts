// Encrypts the passwords of cameras for the catalogue (AES-256-GCM, NIST SP 800-38D), so that a copy of the database
// without the key gives none away. The key is made at first use.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Keys } from '../keys.ts';
import { isSecretOption } from './secrets.ts';

/** Where the key is a file in the data folder. */
export const keyFileName = 'camera.key';
/** SP 800-38D §8.2.2: 96 random bits for each value, never used twice. */
const ivBytes = 12;
const tagBytes = 16;

/** How a sealed value stands among the options. */
export type Sealed = { readonly sealed: string };

export type SecretBox = {
  /** The options as they may be stored: what is secret is sealed, for this camera and this option only. */
  seal(
    cameraId: string,
    options: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** What `seal` was given. Throws `unavailable` with a sentence where the key is another one or the value was changed. */
  open(
    cameraId: string,
    stored: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>>;
};

/** Makes and reads no key until something secret is there. */
export function createSecretBox(keys: Keys): SecretBox {
  const getKey = () => keys.get('camera', 'cameras’ passwords');
  return {
    async seal(cameraId, options) {
      const stored: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(options)) {
        const isSecret = typeof value === 'string' && value !== '' && isSecretOption(name, value);
        stored[name] = isSecret ? sealValue(await getKey(), cameraId, name, value) : value;
      }
      return stored;
    },
    async open(cameraId, stored) {
      const options: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(stored)) {
        options[name] = isSealed(value) ? openValue(await getKey(), cameraId, name, value) : value;
      }
      return options;
    },
  };
}

/** Whether a stored option is a sealed one. */
export function isSealed(value: unknown): value is Sealed {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Sealed>).sealed === 'string';
}

function sealValue(key: Buffer, cameraId: string, name: string, value: string): Sealed {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  // Bound to its place: a sealed value moved to another camera or option does not open.
  cipher.setAAD(Buffer.from(JSON.stringify([cameraId, name])));
  const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return { sealed: Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64') };
}

function openValue(key: Buffer, cameraId: string, name: string, { sealed }: Sealed): string {
  try {
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(JSON.stringify([cameraId, name])));
    decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
    return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch (cause) {
    throw new AppError(
      'unavailable',
      `The stored ${name} of this camera cannot be read any more (was ${keyFileName} replaced?): give it again.`,
      { cause },
    );
  }
}
