// The traceparent header, with the cases of W3C Trace Context §3.2.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTraceParent, parseTraceParent } from '../../src/tracing/traceparent.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

test('is read and written', () => {
  const header = `00-${traceId}-${spanId}-01`;
  assert.deepEqual(parseTraceParent(header), { traceId, spanId, isSampled: true });
  assert.equal(formatTraceParent(parseTraceParent(header)!), header);
  assert.equal(parseTraceParent(`00-${traceId}-${spanId}-00`)!.isSampled, false);
  assert.equal(parseTraceParent(`00-${traceId}-${spanId}-03`)!.isSampled, true, 'other flags are not ours');
  assert.deepEqual(parseTraceParent(`cc-${traceId}-${spanId}-01-what-comes-later`)?.spanId, spanId);
});

test('what is none begins no trace', () => {
  for (const header of [
    ...['', 'x', `00-${traceId}-${spanId}`, `00-${traceId}-${spanId}-01-more`, `ff-${traceId}-${spanId}-01`],
    ...[`00-${'0'.repeat(32)}-${spanId}-01`, `00-${traceId}-${'0'.repeat(16)}-01`],
    ...[
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `00-${traceId}-${spanId}-0g`,
      `0-${traceId}-${spanId}-01`,
    ],
  ])
    assert.equal(parseTraceParent(header), null, header);
  assert.equal(parseTraceParent(null), null);
});
