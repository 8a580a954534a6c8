// The OpenAPI document, made from the very schemas that check requests and shape answers.
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { version } from '../version.ts';

/** Must be installed before the routes it describes. */
export async function installOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Kinora',
        version,
        description: 'Videos and cameras of a household. Errors are problem documents (RFC 9457).',
      },
      tags: [
        { name: 'videos', description: 'Something to play that has an end' },
        { name: 'folders', description: 'Where videos lie' },
        { name: 'bytes', description: 'Views and originals, with ranges (RFC 9110 §14)' },
        { name: 'uploads', description: 'Form, and resumable (tus 1.0)' },
        { name: 'cameras', description: 'Something to watch that has none' },
        { name: 'links', description: 'Ways in for people without an account' },
        { name: 'account', description: 'One’s own: name, sessions, tokens' },
        { name: 'people', description: 'The owner’s: people, invites, what was done' },
        { name: 'operations', description: 'Health and metrics' },
      ],
    },
    hideUntagged: true,
  });
}
