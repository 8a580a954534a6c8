// How Fastify checks requests and writes answers. Checks are compiled by the first request that needs one, and
// answers go through JSON.stringify: compiling them all at the start took a third of the time to the first page.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

type Validator = {
  (data: unknown, context?: unknown): unknown;
  errors?: unknown;
};
type ValidatorFactory = (
  externalSchemas: unknown,
  options: unknown,
) => (route: { schema: unknown; method?: string; url?: string; httpPart?: string }) => Validator;

/** Fastify's own validators (Ajv, with query strings coerced to the types asked for), each made when first used. */
const buildValidator: ValidatorFactory = (externalSchemas, options) => {
  let compile: ReturnType<ValidatorFactory> | null = null;
  return (route) => {
    let compiled: Validator | null = null;
    // Fastify reads `errors` of the function it was given, and hands over the parent where it sees `schemaEnv`:
    // only a checked root of a type of its own would need that, and no route has one.
    const lazy: Validator = (data) => {
      compile ??= (require('@fastify/ajv-compiler') as () => ValidatorFactory)()(externalSchemas, options);
      compiled ??= compile(route);
      const isValid = compiled(data);
      lazy.errors = compiled.errors;
      return isValid;
    };
    return lazy;
  };
};

/** Bodies are made by functions of the same shape as the schema (`videoBody`), so nothing is left to leave out. */
const buildSerializer = () => () => (data: unknown) => JSON.stringify(data);

/** For Fastify's option `schemaController`. */
export const schemaController = { compilersFactory: { buildValidator, buildSerializer } };
