// JSON schemas for the routes: written with typebox's words and read by typebox's types, made by the few lines
// below. Loading typebox itself takes 370 modules, a quarter of the time from the command to the first page.
// `test/http/schema.test.ts` holds what is made here against what typebox makes.
import type * as TypeBox from 'typebox';

export type { Static, TSchema } from 'typebox';

type Schema = Record<string, unknown>;
type Options = Schema | undefined;

/** Marks a schema as optional for `object` without showing up in the document. */
const optional = Symbol('optional');

function object(properties: Record<string, Schema>, options?: Options): Schema {
  const required = Object.keys(properties).filter((name) => !(optional in properties[name]!));
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...options };
}

const builder = {
  Any: (options?: Options) => ({ ...options }),
  Unknown: (options?: Options) => ({ ...options }),
  Array: (items: Schema, options?: Options) => ({ type: 'array', items, ...options }),
  Boolean: (options?: Options) => ({ type: 'boolean', ...options }),
  Enum: (values: readonly unknown[], options?: Options) => ({ enum: [...values], ...options }),
  Integer: (options?: Options) => ({ type: 'integer', ...options }),
  Literal: (value: string | number | boolean, options?: Options) => ({
    type: typeof value,
    const: value,
    ...options,
  }),
  Null: (options?: Options) => ({ type: 'null', ...options }),
  Number: (options?: Options) => ({ type: 'number', ...options }),
  Object: object,
  Optional: (schema: Schema) => ({ ...schema, [optional]: true }),
  Record: (_key: Schema, value: Schema, options?: Options) => ({
    type: 'object',
    patternProperties: { '^.*$': value },
    ...options,
  }),
  String: (options?: Options) => ({ type: 'string', ...options }),
  Unsafe: (schema: Schema) => ({ ...schema }),
  Union: (schemas: readonly Schema[], options?: Options) => ({ anyOf: [...schemas], ...options }),
};

export const Type = builder as unknown as Pick<typeof TypeBox.Type, keyof typeof builder>;
