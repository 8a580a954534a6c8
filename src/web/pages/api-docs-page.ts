// The API as a page: each operation of the OpenAPI document with what it takes and answers, and every kind of error.
import { html } from 'ghtml';
import { errorStatus } from '../../errors.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

type Schema = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly [key: string]: unknown;
};
type Operation = {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly responses?: Readonly<Record<string, { readonly description?: string }>>;
};

/** The part of an OpenAPI 3 document that the page shows. */
export type OpenApiDocument = {
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

export function apiDocsPage(view: View, document: OpenApiDocument): string {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const sections = (document.tags ?? []).map((tag) => {
    const its = operations.filter(({ operation }) => operation.tags?.includes(tag.name));
    return its.length === 0
      ? ''
      : html`<section aria-labelledby="${`tag-${tag.name}`}"><h2 id="${`tag-${tag.name}`}">${capital(tag.name)}</h2>
<p class="hint">${tag.description ?? ''}</p>!${its.map(operationDetails)}</section>`;
  });
  const main = html`<div class="column"><h1>API</h1>
<p>For programs: the same as <a href="/api/openapi.json">an OpenAPI document</a>.</p>
<div class="settings api">!${sections}
<section aria-labelledby="errors"><h2 id="errors">Errors</h2>
<p class="hint">Problem documents (RFC 9457): type, title, status, detail.</p>
<dl class="pairs">!${Object.entries(errorStatus).map(
    ([kind, status]) => html`<div id="${kind}"><dt><code>${kind}</code></dt><dd>${status}</dd></div>`,
  )}</dl></section></div></div>`;
  return layout(view, { title: 'API', place: null, search: null, main });
}

function operationDetails({
  path,
  method,
  operation,
}: {
  path: string;
  method: string;
  operation: Operation;
}): string {
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const takes = [
    ...(operation.parameters ?? []).map((parameter) => ({
      name: parameter.name,
      what: [
        parameter.in,
        typeName(parameter.schema),
        parameter.required ? 'needed' : '',
        parameter.description ?? '',
      ],
    })),
    ...Object.entries((body?.properties ?? {}) as Record<string, Schema>).map(([name, schema]) => ({
      name,
      what: ['body', typeName(schema), '', schema.description ?? ''],
    })),
  ];
  const answers = Object.keys(operation.responses ?? {}).join(', ');
  return html`<details><summary><code>${method} ${path}</code> <span>${operation.summary ?? ''}</span></summary>
<dl class="pairs">!${takes.map(
    ({ name, what }) =>
      html`<div><dt><code>${name}</code></dt><dd>${what.filter(Boolean).join(' · ')}</dd></div>`,
  )}<div><dt>Answers</dt><dd>${answers}</dd></div></dl></details>`;
}

function typeName(schema: Schema | undefined): string {
  if (!schema) return '';
  const { type, anyOf } = schema as { type?: string | string[]; anyOf?: Schema[] };
  if (Array.isArray(type)) return type.join(' or ');
  return type ?? (anyOf ?? []).map(typeName).join(' or ');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
