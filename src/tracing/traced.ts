// A port whose calls are spans, by a decorator that is made only where traces are on.
import type { Tracing } from './tracing.ts';

/**
 * `port` itself where `tracing` is null; else the same port with every call that returns a promise told as an operation
 * `name.method`, below the request that makes it. Arguments are not told: they name people's things.
 * `methods`: only these. `open` may decorate what a call resolves to.
 */
export function traced<Port extends object>(
  port: Port,
  name: string,
  tracing: Tracing | null,
  {
    methods,
    open,
  }: { methods?: readonly string[]; open?: (method: string, result: unknown) => unknown } = {},
): Port {
  if (!tracing) return port;
  const wrapped = new Map<PropertyKey, unknown>();
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      if (methods && !methods.includes(key)) return value.bind(target);
      let call = wrapped.get(key);
      if (!call) {
        call = (...args: unknown[]) => {
          const result: unknown = tracing.operation(
            `${name}.${key}`,
            'internal',
            { 'kinora.store': name },
            () => value.apply(target, args),
          );
          return open && result instanceof Promise ? result.then((found) => open(key, found)) : result;
        };
        wrapped.set(key, call);
      }
      return call;
    },
  });
}

/** A store of blobs: its calls, and the reads of what it opens (not what the kernel sends by itself). */
export function tracedBlobs<Store extends object>(store: Store, tracing: Tracing | null): Store {
  return traced(store, 'blobs', tracing, {
    open: (method, found) =>
      (method === 'open' || method === 'openUnfinished') && typeof found === 'object' && found !== null
        ? traced(found, 'blob', tracing, { methods: ['read', 'approach'] })
        : found,
  });
}
