// Our schema builder makes what typebox makes, for every word of it that the routes use.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Type as TypeBox } from 'typebox';
import { Type } from '../../src/http/schema.ts';

/** One sample per word, made by either builder. */
const samples: Record<keyof typeof Type, (type: typeof Type) => unknown> = {
  Any: (type) => type.Any({ description: 'a' }),
  Unknown: (type) => type.Unknown(),
  Array: (type) => type.Array(type.String(), { maxItems: 3 }),
  Boolean: (type) => type.Boolean({ default: false }),
  Enum: (type) => type.Enum(['avc', 'hevc']),
  Integer: (type) => type.Integer({ minimum: 1 }),
  Literal: (type) => [type.Literal('a'), type.Literal(3), type.Literal(true)],
  Null: (type) => type.Null(),
  Number: (type) => type.Number({ description: 'n' }),
  Object: (type) => [type.Object({}), type.Object({ a: type.String() }, { additionalProperties: false })],
  Optional: (type) => type.Object({ a: type.Optional(type.Integer()), b: type.Null() }),
  Record: (type) => type.Record(type.String(), type.Number()),
  String: (type) => type.String({ maxLength: 4, format: 'date-time' }),
  Unsafe: (type) => type.Unsafe({ type: ['string', 'null'] }),
  Union: (type) => type.Union([type.String(), type.Null()], { description: 'u' }),
};

for (const [word, make] of Object.entries(samples)) {
  test(`${word} is the same JSON as typebox's`, () => {
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
    assert.deepEqual(plain(make(Type)), plain(make(TypeBox as unknown as typeof Type)));
  });
}

test('no source loads typebox itself', () => {
  const source = fileURLToPath(new URL('../../src', import.meta.url));
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const loading = files.filter((file) =>
    /import \{[^}]*\} from 'typebox'|from '@fastify\/type-provider/.test(
      readFileSync(`${source}/${file}`, 'utf8').replaceAll(/import type .*/g, ''),
    ),
  );
  assert.deepEqual(loading, []);
});
