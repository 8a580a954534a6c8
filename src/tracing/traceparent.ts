// The header that carries a trace from one process to the next (W3C Trace Context §3.2).

export type TraceParent = {
  /** 32 and 16 lower-case hexadecimal digits, neither all zeros. */
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
};

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** null for what is none, of which a trace must not be made (§3.2.2.3). */
export function parseTraceParent(header: string | null): TraceParent | null {
  const [, version, traceId, spanId, flags, more] = form.exec(header ?? '') ?? [];
  if (!traceId || !spanId || !flags || version === 'ff') return null;
  // Version 00 has exactly four fields; later ones may have more (§3.2.4).
  if (version === '00' && more !== undefined) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceParent({ traceId, spanId, isSampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-0${isSampled ? 1 : 0}`;
}
