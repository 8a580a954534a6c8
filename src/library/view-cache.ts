// What was computed from an index and may be wanted again (decoded indexes, headers of views and clips), the least
// recently used forgotten first. Memory: at most `maxBytes` of what is kept; those who ask for the same thing at
// the same time share one build.

/** Something worth keeping, and what it weighs. */
export type Cached<Value> = { readonly value: Value; readonly sizeBytes: number };

export type ViewCache = {
  /** The value under `key`, built where it is not here. A build that fails is not kept. Keys carry the index's id. */
  get<Value>(key: string, build: () => Promise<Cached<Value>>): Promise<Value>;
  /** Forgets every key that begins so. */
  forget(prefix: string): void;
  /** Bytes held now. */
  readonly sizeBytes: number;
};

export function createViewCache(maxBytes: number): ViewCache {
  /** In order of use, oldest first (a Map keeps the order of insertion). */
  const kept = new Map<string, Cached<unknown>>();
  const building = new Map<string, Promise<unknown>>();
  let sizeBytes = 0;

  const drop = (key: string) => {
    sizeBytes -= kept.get(key)?.sizeBytes ?? 0;
    kept.delete(key);
  };
  const keep = (key: string, entry: Cached<unknown>) => {
    drop(key);
    if (entry.sizeBytes > maxBytes) return; // it would only push everything else out
    kept.set(key, entry);
    sizeBytes += entry.sizeBytes;
    for (const oldest of kept.keys()) {
      if (sizeBytes <= maxBytes) break;
      drop(oldest);
    }
  };

  return {
    async get<Value>(key: string, build: () => Promise<Cached<Value>>): Promise<Value> {
      const found = kept.get(key);
      if (found) {
        kept.delete(key);
        kept.set(key, found);
        return found.value as Value;
      }
      const underWay = building.get(key);
      if (underWay) return underWay as Promise<Value>;
      const built = build().then((entry) => {
        if (building.get(key) === built) keep(key, entry);
        return entry.value;
      });
      building.set(key, built);
      try {
        return await built;
      } finally {
        if (building.get(key) === built) building.delete(key);
      }
    },
    forget(prefix) {
      for (const key of [...kept.keys()]) if (key.startsWith(prefix)) drop(key);
      for (const key of [...building.keys()]) if (key.startsWith(prefix)) building.delete(key);
    },
    get sizeBytes() {
      return sizeBytes;
    },
  };
}
