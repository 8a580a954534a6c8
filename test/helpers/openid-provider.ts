// A real OpenID provider on a port of its own, where whoever comes is who the test says, without a form.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

export type OpenIdProvider = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who logs in there from now on; null refuses. */
  who(claims: Claims | null): void;
  /** What a browser of its own does with the address it is sent to: resolves to the address it is sent back to. */
  visit(location: string): Promise<string>;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
};

export async function startOpenIdProvider(redirectUris: readonly string[]): Promise<OpenIdProvider> {
  let current: Claims | null = null;
  const everybody = new Map<string, Claims>();
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown = () => {};
  const listen = (port: number) =>
    new Promise<Server>((resolve) => {
      const made = createServer((request, response) => answer(request, response));
      made.listen(port, '127.0.0.1', () => resolve(made));
    });
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const [clientId, clientSecret] = ['kinora', 'a secret of the client'.replaceAll(' ', '-')];
  const provider = new Provider(issuer, {
    clients: [
      {
        ...{ client_id: clientId, client_secret: clientSecret, redirect_uris: [...redirectUris] },
        ...{ response_types: ['code'], grant_types: ['authorization_code'] },
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    cookies: { keys: ['a key of the test'] },
    interactions: { url: (_context, { uid }) => `/log-in/${uid}` },
    async findAccount(_context, id) {
      const claims = everybody.get(id);
      return claims && { accountId: id, claims: () => claims };
    },
    // Nobody is asked what they allow.
    async loadExistingGrant({ oidc }) {
      const grant = new provider.Grant({
        clientId: oidc.client!.clientId,
        accountId: oidc.session!.accountId!,
      });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  answer = async (request, response) => {
    if (!request.url?.startsWith('/log-in/')) return callback(request, response);
    const result = current
      ? { login: { accountId: current.sub } }
      : { error: 'access_denied', error_description: 'not today' };
    await provider.interactionFinished(request, response, result);
  };
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    ...{ issuer, clientId, clientSecret, goAway: close, close },
    who(claims) {
      current = claims;
      if (claims) everybody.set(claims.sub, claims);
    },
    async visit(location) {
      const cookies = new Map<string, string>();
      let next = new URL(location);
      for (let step = 0; step < 10; step++) {
        if (next.origin !== issuer) return next.href;
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const answer = await fetch(next, { redirect: 'manual', headers: { cookie } });
        for (const set of answer.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
          cookies.set(name, value);
        }
        const to = answer.headers.get('location');
        if (!to) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
        next = new URL(to, next);
      }
      throw new Error('the provider sends in circles');
    },
    async comeBack() {
      server = await listen(port);
    },
  };
}
