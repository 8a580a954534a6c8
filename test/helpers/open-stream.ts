// An answer that runs: it is read as it comes, and says how far it is and whether it has ended.
import { type ClientRequest, type IncomingMessage, request } from 'node:http';

export type OpenStream = {
  readonly status: number;
  readonly receivedBytes: number;
  readonly isOver: boolean;
  close(): void;
};

/** Resolves with the head of the answer. */
export async function openStream(url: string, headers: Record<string, string>): Promise<OpenStream> {
  const asked: ClientRequest = request(url, { headers, agent: false });
  asked.end();
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve);
    asked.once('error', reject);
  });
  const state = { receivedBytes: 0, isOver: false };
  answer.on('data', (piece: Buffer) => {
    state.receivedBytes += piece.length;
  });
  // Cut off: `close` follows.
  answer.on('error', () => {});
  asked.on('error', () => {});
  answer.on('close', () => {
    state.isOver = true;
  });
  return {
    status: answer.statusCode!,
    get receivedBytes() {
      return state.receivedBytes;
    },
    get isOver() {
      return state.isOver;
    },
    close: () => void asked.destroy(),
  };
}
