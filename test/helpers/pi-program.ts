// A stand-in for libcamera's `rpicam-vid`: takes the same flags, writes what it writes, again and again, and ends as it
// does. Camera 1 is the one that is not there, camera 2 ignores SIGTERM, camera 3 ends in the middle.
import { writeStandIn } from './stand-in-program.ts';

/** Writes the program into a folder for PATH; `h264` and `mjpeg` are files of raw streams. It appends a line with its process id and flags to `logFile` at each start. */
export async function writePiProgram(
  folder: string,
  name: string,
  files: { h264: string; mjpeg: string; logFile: string },
): Promise<void> {
  await writeStandIn(
    folder,
    name,
    `const { appendFileSync, readFileSync } = require('node:fs');
const flags = process.argv.slice(2);
appendFileSync(${JSON.stringify(files.logFile)}, JSON.stringify({ pid: process.pid, flags }) + '\\n');
const value = (flag) => flags[flags.indexOf(flag) + 1];
process.stderr.write('[0:12:34.567] [123]  INFO Camera camera_manager.cpp:327 libcamera v0.4.0\\n');
const camera = value('--camera');
if (camera === '1') {
  process.stderr.write('ERROR: *** no cameras available ***\\n');
  process.exit(255);
}
if (camera === '2') process.on('SIGTERM', () => {});
const bytes = readFileSync(value('--codec') === 'h264' ? ${JSON.stringify(files.h264)} : ${JSON.stringify(files.mjpeg)});
let at = 0;
const write = () => {
  if (camera === '3' && at > bytes.length / 2) {
    process.stderr.write('ERROR: *** Camera timeout detected! ***\\n', () => process.exit(1));
    return;
  }
  const piece = bytes.subarray(at, at + 4096);
  at = at + 4096 >= bytes.length ? 0 : at + 4096;
  process.stdout.write(piece, () => setTimeout(write, 1));
};
write();
`,
  );
}
