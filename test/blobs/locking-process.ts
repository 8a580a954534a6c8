// Forked by the lock's test: takes the folder in argv, tells how that went, and stays until it is killed.
import { lockDataFolder } from '../../src/data-lock.ts';
import { isAppError } from '../../src/errors.ts';

try {
  await lockDataFolder(process.argv[2] ?? '');
  process.send?.('locked');
  // The channel to the parent keeps the process; it ends with the parent at the latest.
  process.on('disconnect', () => process.exit());
} catch (error) {
  process.send?.(isAppError(error) ? `${error.kind} ${error.message}` : String(error), () => process.exit());
}
