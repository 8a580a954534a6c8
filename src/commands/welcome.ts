// What is said once it listens: where the household's other devices find it (with a QR code on a terminal), how the first
// account is made, and loudly where anybody may do anything.
import type { Logger } from 'pino';
import { renderUnicodeCompact } from 'uqr';
import type { App } from '../app.ts';
import type { Config } from '../config.ts';
import { addressesAt } from '../http/house-addresses.ts';

/** More than a house has; a machine in many networks would fill the screen. */
const mostAddresses = 4;

export async function welcome(app: App, config: Config, log: Logger, isTerminal: boolean): Promise<void> {
  if (config.auth.mode === 'none') {
    log.warn(
      'KINORA_AUTH is none: there are no accounts, and whoever can reach this address can see, add and delete everything',
    );
  }
  const setupCode = await app.setupCode();
  if (!config.roles.has('web')) {
    const roles = [...config.roles].join(', ');
    log.info(`this process does ${roles}; people open the address of a process with the role web`);
  } else {
    const addresses = addressesAt(Number(new URL(app.url).port || 80), config).slice(0, mostAddresses);
    for (const url of addresses) log.info({ url }, `From other devices: ${url}`);
    const [first] = addresses;
    if (first && isTerminal && log.isLevelEnabled('info'))
      process.stdout.write(`\n${renderUnicodeCompact(first, { border: 2 })}\n\n`);
  }
  // At a level that is seen wherever anything is.
  if (setupCode !== null) {
    log.warn(
      { setupCode },
      `There is no owner yet. Open the address on this machine and make your account, or from another device with the code ${setupCode}`,
    );
  }
}
