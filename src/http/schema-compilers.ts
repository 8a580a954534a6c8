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

type ValidatorOptions = { readonly customOptions?: Readonly<Record<string, unknown>> };

/**
 * Fastify's own validators (Ajv), each made when first used. What stands in an address is text and is coerced to the
 * types asked for; JSON has types of its own, and a null that says “not limited” must not become a 0.
 */
const buildValidator: ValidatorFactory = (externalSchemas, options) => {
  const compilers = new Map<boolean, ReturnType<ValidatorFactory>>();
  const compilerFor = (isBody: boolean): ReturnType<ValidatorFactory> => {
    const known = compilers.get(isBody);
    if (known) return known;
    const build = (require('@fastify/ajv-compiler') as () => ValidatorFactory)();
    const given = options as ValidatorOptions;
    const strict = { ...given, customOptions: { ...given.customOptions, coerceTypes: false } };
    const compiler = build(externalSchemas, isBody ? strict : options);
    compilers.set(isBody, compiler);
    return compiler;
  };
  return (route) => {
    let compiled: Validator | null = null;
    // Fastify reads `errors` of the function it was given, and hands over the parent where it sees `schemaEnv`:
    // only a checked root of a type of its own would need that, and no route has one.
    const lazy: Validator = (data) => {
      compiled ??= compilerFor(route.httpPart === 'body')(route);
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
