// The standard OTEL_* variables: what turns traces on, and one sentence for each value that means nothing here.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readOtel } from '../../src/tracing/otel-settings.ts';

const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('traces are', () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ['off without a word of it', {}, false],
    ['off where only a name is given', { OTEL_SERVICE_NAME: 'videos' }, false],
    ['on with an endpoint', on, true],
    ['on with an endpoint for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/v1/traces' }, true],
    ['on with the exporter named', { OTEL_TRACES_EXPORTER: 'otlp' }, true],
    ['off where no exporter is wanted', { ...on, OTEL_TRACES_EXPORTER: 'none' }, false],
    ['off where the whole of it is', { ...on, OTEL_SDK_DISABLED: 'true' }, false],
    ['off where an endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, false],
  ];
  for (const [what, environment, isOn] of cases)
    test(what, () => {
      const { settings, warnings } = readOtel(environment);
      assert.equal(settings !== null, isOn);
      assert.deepEqual(warnings, []);
    });

  test('named, taken and passed on as the variables say', () => {
    const { settings } = readOtel({
      ...on,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=home,place=K%C3%B6ln',
      OTEL_SERVICE_NAME: 'videos',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_PROPAGATORS: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    });
    assert.deepEqual(settings, {
      serviceName: 'videos',
      resource: { 'deployment.environment': 'home', place: 'Köln' },
      sampler: { name: 'traceidratio', isParentBased: true, ratio: 0.25 },
      propagates: false,
      batch: { delayMs: 100, queueSize: 2048, batchSize: 512 },
    });
  });

  const unknown: [string, string, boolean][] = [
    ['OTEL_TRACES_EXPORTER', 'zipkin', false],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', true],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'collector:4318', false],
    ['OTEL_TRACES_SAMPLER', 'sometimes', true],
    ['OTEL_PROPAGATORS', 'tracecontext,b3', true],
    ['OTEL_RESOURCE_ATTRIBUTES', 'no pairs at all', true],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '-1', true],
  ];
  for (const [name, value, isOn] of unknown)
    test(`told in one sentence where ${name} is ${value}`, () => {
      const { settings, warnings } = readOtel({ ...on, [name]: value });
      assert.equal(settings !== null, isOn);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, new RegExp(`^${name} is "${value}", which is not known here: `));
    });

  test('taken at a rate only where that is one', () => {
    const { settings, warnings } = readOtel({
      ...on,
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '50%',
    });
    assert.equal(settings!.sampler.ratio, 1);
    assert.match(warnings[0]!, /^OTEL_TRACES_SAMPLER_ARG is "50%"/);
  });
});
