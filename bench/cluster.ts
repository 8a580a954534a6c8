// What it costs that many processes share everything. `node bench/cluster.ts [seconds] [rounds] [parts]`; parts: `blobs`
// (video bytes out of GridFS beside files and beside the driver's own stream), `load` (replicas of each role together).
import { measureBlobs } from './frame/cluster-blobs.ts';
import { measureLoad } from './frame/cluster-load.ts';

const seconds = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 5);
const asked = (process.argv[4] ?? 'blobs,load').split(',');

if (asked.includes('blobs')) await measureBlobs({ seconds, rounds });
if (asked.includes('load')) await measureLoad({ seconds, rounds });
// A database that was started here ends with its input.
process.exit();
