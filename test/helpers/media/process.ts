// The forked process in which tests touch codecs: a file that crashes a decoder must not take the test runner along.
import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { encodeMedia, missingEncoder } from './encode.ts';
import { decodeMedia, readPackets } from './inspect.ts';
import type { MediaRequest } from './media-spec.ts';

Log.setLevel(AV_LOG_QUIET);

async function answer(request: MediaRequest): Promise<unknown> {
  switch (request.kind) {
    case 'make':
      return await encodeMedia(request.spec, request.path);
    case 'missing-encoder':
      return missingEncoder(request.spec);
    case 'packets':
      return await readPackets(request.source);
    case 'decode':
      return await decodeMedia(request.source, request.options);
  }
}

process.on('message', async ({ id, request }: { id: number; request: MediaRequest }) => {
  try {
    process.send?.({ id, result: await answer(request) });
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
// The test that started this process has ended, however it did.
process.on('disconnect', () => process.exit());
