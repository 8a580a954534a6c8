// A process with the role `auth` in small: its server over any accounts, on a port of its own that it keeps while it is
// away, and the port to people as another process has it.
import { tmpdir } from 'node:os';
import { type Logger, pino } from 'pino';
import type { Accounts } from '../../src/accounts/accounts.ts';
import { createRemoteAccounts } from '../../src/accounts/remote/create-remote-accounts.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createRoleServer } from '../../src/http/role-server.ts';
import type { Server } from '../../src/http/server.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { readSettings } from '../../src/settings.ts';

export const serviceSecret = 'a secret of the tests, of forty signs'.replaceAll(' ', '-');

export type AccountsService = {
  readonly url: string;
  /** Nobody answers at the address any more. */
  goAway(): Promise<void>;
  /** It answers again, as a process that was just started. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
};

/** The server. The accounts are the caller's to close. */
export async function startAccountsService(accounts: Accounts): Promise<AccountsService> {
  let server: Server;
  const start = async (port: string) => {
    const environment = { KINORA_ROLES: 'auth', KINORA_AUTH_SECRET: serviceSecret, KINORA_PORT: port };
    const config = readSettings({ ...environment, KINORA_DRAIN_SECONDS: '0' }, tmpdir(), false);
    const metrics = createMetrics({ cameras: { list: () => [], figures: () => [] }, clock: systemClock });
    const log = pino({ level: 'silent' });
    server = await createRoleServer({ config, clock: systemClock, log, accounts, metrics });
    return server.listen();
  };
  const url = await start('0');
  return {
    url,
    goAway: () => server.close(),
    async comeBack() {
      await start(new URL(url).port);
    },
    close: () => server.close(),
  };
}

export type OtherProcess = {
  readonly accounts: Accounts;
  /** What it logged, a line each. */
  readonly lines: readonly string[];
};

/** The port to people in a process that has to ask. The caller closes it. */
export function startOtherProcess(url: string, clock: Clock, secret = serviceSecret): OtherProcess {
  const lines: string[] = [];
  const log: Logger = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  return { accounts: createRemoteAccounts({ url, secret, clock, log }), lines };
}
