// The server of a process with the role `auth`: what the other processes ask about people, and what those who run it
// ask. No pages, no videos, no cameras.
import { createBaseServer } from './base-server.ts';
import { createIdentities } from './identities.ts';
import { installIdentity } from './identity.ts';
import { drain, listen } from './listen.ts';
import { installOperations } from './routes/operations.ts';
import { serviceRoutes } from './routes/service.ts';
import type { Server } from './server.ts';
import type { Services } from './services.ts';

/** Builds it; it does not listen yet. */
export async function createAccountsServer(
  services: Pick<Services, 'config' | 'clock' | 'log' | 'accounts' | 'metrics' | 'tracing'>,
): Promise<Server> {
  const { accounts, metrics } = services;
  const app = createBaseServer(services);
  installIdentity(app, services, createIdentities(services));
  await app.register(async (scope) => {
    installOperations(scope, { metrics, needed: { accounts: () => accounts.ping() } });
    serviceRoutes(scope, services);
  });
  await app.ready();
  let closing: Promise<void> | null = null;
  return {
    listen: () => listen(app, services),
    close() {
      closing ??= drain(app, services);
      return closing;
    },
  };
}
