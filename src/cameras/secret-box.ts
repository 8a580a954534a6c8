// Encrypts the passwords of cameras for the catalogue (AES-256-GCM, NIST SP 800-38D), so that a copy of the database
// without the key file gives none away. The key is made at first use, in the data folder, for this user alone.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { isSecretOption } from './secrets.ts';

/** In the data folder. */
export const keyFileName = 'camera.key';
const keyBytes = 32;
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

/** A box whose key lies in `folder`. Makes and reads nothing until something secret is there. */
export function createSecretBox(folder: string): SecretBox {
  let key: Promise<Buffer> | null = null;
  const getKey = () => {
    key ??= readOrMakeKey(folder).catch((error) => {
      key = null;
      throw error;
    });
    return key;
  };
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

/** Reads the key, or makes it whole and on the disk before it is used; two that make it at once agree on one. */
async function readOrMakeKey(folder: string): Promise<Buffer> {
  const path = join(folder, keyFileName);
  const found = await readKey(path);
  if (found) return found;
  const made = randomBytes(keyBytes);
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(made);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link never replaces a key that came in between.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    // Its name too must outlive a power cut: what is sealed with it is stored right after.
    const parent = await open(folder, 'r');
    await parent.sync().finally(() => parent.close());
  } catch (cause) {
    throw new AppError('unavailable', `The key for cameras’ passwords (${keyFileName}) cannot be written.`, {
      cause,
    });
  } finally {
    await rm(draft, { force: true });
  }
  return (await readKey(path)) ?? made;
}

async function readKey(path: string): Promise<Buffer | null> {
  try {
    const key = await readFile(path);
    if (key.length !== keyBytes) throw new Error(`${key.length} bytes instead of ${keyBytes}`);
    return key;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError('unavailable', `The key for cameras’ passwords (${keyFileName}) cannot be read.`, {
      cause,
    });
  }
}
