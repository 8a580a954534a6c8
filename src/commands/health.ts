// `kinora health [address]...`: asks /readyz and ends with 0 where all is well, for container images, which have no
// shell to ask with. Without an address it asks the program of its own settings on this machine.
import { parseArgs } from 'node:util';
import type { Config } from '../config.ts';
import { commandSettings } from './command-settings.ts';

/** What is asked has this long for everything it looks up itself; the callers' own limits are longer. */
const limitMs = 8000;

/** Resolves to the exit status: 0 all are ready, 1 one is not or cannot be reached, 2 not understood. */
export async function health(words: readonly string[]): Promise<number> {
  let addresses: string[];
  try {
    addresses = parseArgs({ args: [...words], allowPositionals: true, strict: true }).positionals;
    for (const address of addresses) new URL(address);
  } catch (error) {
    console.error(
      `kinora: health takes addresses, such as http://127.0.0.1:5000: ${(error as Error).message}`,
    );
    return 2;
  }
  if (addresses.length === 0) {
    const own = ownAddress(commandSettings());
    if (own === null) {
      console.error('kinora: KINORA_PORT is 0, so nobody knows the port: say the address');
      return 2;
    }
    addresses.push(own);
  }
  let status = 0;
  for (const address of addresses) {
    const complaint = await ask(address);
    if (complaint === null) console.log(`${address}: ready`);
    else {
      console.error(`kinora: ${address}: ${complaint}`);
      status = 1;
    }
  }
  return status;
}

/** Where a program with these settings answers on this machine; null where it takes a free port. */
function ownAddress({ server: { host, port } }: Config): string | null {
  if (port === 0) return null;
  const reached = ['0.0.0.0', '::', 'localhost'].includes(host) ? '127.0.0.1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

/** Why it is not ready, as a sentence; null where it is. */
async function ask(address: string): Promise<string | null> {
  try {
    const answer = await fetch(new URL('/readyz', address), { signal: AbortSignal.timeout(limitMs) });
    const text = await answer.text();
    return answer.status === 200 ? null : `not ready (${answer.status}): ${missingOf(text)}`;
  } catch (error) {
    const { message, cause } = error as Error;
    return `no answer: ${(cause as Error | undefined)?.message || message}`;
  }
}

/** What the answer of /readyz says is missing; its first words where it is something else's answer. */
function missingOf(text: string): string {
  try {
    const { missing } = JSON.parse(text) as { missing?: unknown };
    if (Array.isArray(missing) && missing.length > 0) return missing.join(', ');
  } catch {
    // Not ours: a proxy's page, say.
  }
  return text.slice(0, 200);
}
