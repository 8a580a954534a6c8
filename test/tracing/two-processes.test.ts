// Traces of two real processes, one that keeps the accounts and one that does the rest, in a collector of the test's:
// one request is one trace through both, no secret is in it, strangers begin none, and a collector that is away costs
// nothing.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { type House, startHouse } from '../helpers/people.ts';
import { type Program, startProgram } from '../helpers/program.ts';
import { startTraceCollector, type TraceCollector } from '../helpers/trace-collector.ts';
import { until } from '../helpers/until.ts';

const secret = 'of-forty-signs-that-both-processes-know.';
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

describe('traces', () => {
  let collector: TraceCollector;
  let auth: Program;
  let house: House;

  const otel = (name: string) => ({
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: name },
    ...{ OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test' },
  });

  before(async () => {
    collector = await startTraceCollector();
    auth = await startProgram({
      settings: {
        ...{ KINORA_AUTH: 'accounts', KINORA_ROLES: 'auth', KINORA_AUTH_SECRET: secret },
        ...otel('kinora-auth'),
      },
    });
    house = await startHouse({
      settings: {
        ...{ KINORA_ROLES: 'web,worker,camera', KINORA_AUTH_URL: auth.url, KINORA_AUTH_SECRET: secret },
        ...otel('kinora-web'),
      },
    });
  });
  after(async () => {
    await house?.close();
    await auth?.close();
    await collector?.close();
  });

  const spanOf = (service: string, name: string, since = 0) =>
    until(
      () =>
        collector.spans
          .slice(since)
          .find((span) => span.resource['service.name'] === service && span.name === name),
      { timeoutMs: 20_000, what: `the span ${name} of ${service}` },
    );

  test('a request that asks the accounts is one trace through both processes', async () => {
    const since = collector.spans.length;
    const answer = await house.owner.ask('/api/v1/people?x=a-secret-in-a-query');
    assert.equal(answer.status, 200);
    const first = await spanOf('kinora-web', 'GET /api/v1/people', since);
    assert.equal(first.parentSpanId, '');
    assert.equal(first.kind, 2);
    assert.equal(first.attributes['http.route'], '/api/v1/people');
    assert.equal(first.attributes['http.request.method'], 'GET');
    assert.equal(Number(first.attributes['http.response.status_code']), 200);
    assert.equal(first.resource['deployment.environment'], 'test');
    assert.equal(first.resource['kinora.roles'], 'web,worker,camera');

    const question = await spanOf('kinora-web', 'accounts.listPeople', since);
    assert.equal(question.traceId, first.traceId);
    assert.equal(question.parentSpanId, first.spanId);
    assert.equal(question.kind, 3);
    const there = await spanOf('kinora-auth', 'POST /service/accounts/:method', since);
    assert.equal(there.resource['kinora.roles'], 'auth');
    const answered = await until(
      () => collector.spans.find(({ parentSpanId }) => parentSpanId === question.spanId),
      { what: 'what was answered there' },
    );
    assert.equal(answered.traceId, first.traceId);
    assert.equal(answered.kind, 2);
    const kept = await spanOf('kinora-auth', 'accounts.listPeople', since);
    assert.equal(kept.traceId, first.traceId);
    assert.equal(kept.parentSpanId, answered.spanId);
  });

  test('what the catalogue is asked for stands below the request', async () => {
    const since = collector.spans.length;
    assert.equal((await house.owner.ask('/api/v1/videos')).status, 200);
    const request = await spanOf('kinora-web', 'GET /api/v1/videos', since);
    const below = collector.spans.filter((span) => span.parentSpanId === request.spanId);
    assert.ok(
      below.some(({ name, kind }) => name.startsWith('catalogue.') && kind === 1),
      below.map(({ name }) => name).join(),
    );
  });

  test('a stranger begins no trace of ours, and no address, query or secret is told', async () => {
    const since = collector.spans.length;
    const hidden = 'Zq3Zq3Zq3Zq3Zq3Zq3Zq3Zq3Zq3';
    for (const path of [`/l/${hidden}`, `/sign-up?invite=${hidden}`, `/nowhere/${hidden}`])
      await house.ask(path, { headers: { traceparent, accept: 'text/html' } });
    const request = await spanOf('kinora-web', 'GET /l/:secret', since);
    assert.notEqual(request.traceId, traceId);
    await spanOf('kinora-web', 'GET /sign-up', since);
    await spanOf('kinora-web', 'GET none', since);
    assert.ok(!collector.text().includes(hidden));
    assert.ok(!collector.text().includes('a-secret-in-a-query'));
    assert.ok(!collector.text().includes(secret));
    assert.ok(!collector.spans.some((span) => span.traceId === traceId));
  });

  test('a trusted proxy goes on with its trace, a program told to take none takes none, and health is not told', async () => {
    const [program, silent] = await Promise.all([
      startProgram({ settings: { ...otel('kinora-proxied'), KINORA_TRUSTED_PROXIES: '127.0.0.1,::1' } }),
      startProgram({ settings: { ...otel('kinora-silent'), OTEL_TRACES_SAMPLER: 'always_off' } }),
    ]);
    try {
      for (const { url } of [program, silent]) {
        await fetch(`${url}/livez`, { headers: { traceparent } });
        await fetch(`${url}/api/v1/videos`, { headers: { traceparent } });
      }
      const request = await spanOf('kinora-proxied', 'GET /api/v1/videos');
      assert.equal(request.traceId, traceId);
      assert.equal(request.parentSpanId, '00f067aa0ba902b7');
      // What waits is sent at the end.
      assert.equal((await program.end()).code, 0);
      assert.equal((await silent.end()).code, 0);
      assert.ok(!collector.spans.some(({ name }) => /livez|readyz|metrics|revision/.test(name)));
      assert.ok(!collector.spans.some(({ resource }) => resource['service.name'] === 'kinora-silent'));
    } finally {
      await program.close();
      await silent.close();
    }
  });

  test('a collector that is away costs one line of the log, and holds up neither answers nor the end', async () => {
    const program = await startProgram({
      settings: {
        ...otel('kinora-alone'),
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
        OTEL_EXPORTER_OTLP_TIMEOUT: '300',
        OTEL_TRACES_SAMPLER: 'sometimes',
      },
    });
    try {
      const lines = (text: string) =>
        program
          .output()
          .split('\n')
          .filter((line) => line.includes(text)).length;
      assert.equal(lines('OTEL_TRACES_SAMPLER is'), 1);
      for (let turn = 0; turn < 3; turn++) {
        for (let count = 0; count < 20; count++)
          assert.equal((await fetch(`${program.url}/api/v1/videos`)).status, 200);
        await until(() => lines('traces are not delivered') > 0, { timeoutMs: 20_000, what: 'the line' });
      }
      assert.equal(lines('traces are not delivered'), 1);
      assert.equal((await program.end()).code, 0);
    } finally {
      await program.close();
    }
  });

  test('where traces are off nothing of OpenTelemetry is loaded', async () => {
    const { openTracing } = await import('../../src/tracing/open-tracing.ts');
    const told: unknown[] = [];
    const log = {
      warn: (...what: unknown[]) => told.push(what),
      info: (...what: unknown[]) => told.push(what),
    };
    assert.equal(await openTracing({}, { log: log as never, roles: [] }), null);
    assert.deepEqual(told, []);
    const source = await import('node:fs').then(({ readFileSync, readdirSync }) => {
      const folder = new URL('../../src/', import.meta.url);
      return readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const);
    });
    const loading = source.filter(([, text]) => /from '@opentelemetry\//.test(text)).map(([name]) => name);
    assert.deepEqual(
      loading,
      ['tracing/otel-tracing.ts'],
      'one file loads it, and is itself loaded when traces are on',
    );
    const users = source.filter(([, text]) => /from '[^']*otel-tracing\.ts'/.test(text));
    assert.deepEqual(users, []);
  });
});
