// The simulations behind design/scale.md: what caches of replicas hold of a library, and how cameras find new owners.
// Deterministic, so their rows stand in that document as they are printed here. `node bench/scale.ts`.
import { cacheCases, cacheRow, takeOverCases, takeOverRow } from './frame/scale-model.ts';

console.log('viewers, replicas, library TB, cache GB each, routing, hit, GB/s from the database');
for (const one of cacheCases) console.log(cacheRow(one));
console.log(
  '\ncameras, processes, what, seconds, leases asked for in vain, most asked for in a second, fullest / fair',
);
for (const one of takeOverCases) console.log(takeOverRow(one));
