// Run once while the image is built: makes the pages' scripts and styles and starts the program, so that what V8
// compiled is kept (NODE_COMPILE_CACHE). Started from the image, it then writes neither.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const data = await mkdtemp(join(tmpdir(), 'prepare-'));
try {
  // What only a cluster loads is compiled here, its ends are kept like the rest's.
  await import('mongodb');
  await serve({ KINORA_DATA: data, KINORA_PORT: '0', KINORA_HOST: '127.0.0.1', KINORA_AUTH: 'none' });
} finally {
  await rm(data, { recursive: true, force: true });
}

/** Starts the program, asks for what people ask for first, and ends it in order. */
async function serve(settings) {
  const child = spawn(process.execPath, ['src/main.ts', 'serve'], {
    env: { ...process.env, KINORA_LOG_FORMAT: 'json', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  let asking = null;
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    output += piece;
    const address = /Kinora is ready: open (http:\/\/[^\s"]+)/.exec(output)?.[1];
    if (address && !asking) asking = ask(address).finally(() => child.kill('SIGTERM'));
  });
  const status = await ended;
  await asking;
  if (status !== 0 || !asking) throw new Error(`it ended with ${status}:\n${output}`);
}

async function ask(address) {
  for (const path of ['/', '/videos', '/upload', '/cameras', '/readyz', '/api/v1/videos']) {
    const answer = await fetch(new URL(path, address));
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  }
}
