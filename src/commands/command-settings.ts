// Settings for a command: read, or one line on standard error and exit status 2.
import type { Config } from '../config.ts';
import { isAppError } from '../errors.ts';
import { readSettings } from '../settings.ts';

export function commandSettings(): Config {
  try {
    return readSettings(process.env, process.cwd(), process.stdout.isTTY === true);
  } catch (error) {
    if (!isAppError(error)) throw error;
    console.error(`kinora: ${error.message}`);
    process.exit(2);
  }
}
